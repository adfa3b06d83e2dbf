//! Pure. K6: time stamps that say nothing. Wall time is that of arrival, and the segment says so.
use crate::quirks::rig::{Case, case};

fn by_arrival(case: Case) -> Case {
    case.expect(|e| {
        e.by_arrival = true;
        e.within_ms = 1_000;
    })
}

pub fn cases() -> Vec<Case> {
    vec![
        by_arrival(case(
            "stamps-frozen",
            "K6",
            &[],
            "Every picture has the same time stamp",
        ))
        .stamps(|_, _| 0),
        by_arrival(case(
            "stamps-in-milliseconds",
            "K6",
            &["roleoroleo/yi-hack-Allwinner-v2#1153"],
            "Stamps count milliseconds where the description says 90,000 a second",
        ))
        .stamps(|_, usual| usual / 90),
        by_arrival(case(
            "stamps-in-microseconds",
            "K6",
            &[],
            "Stamps count microseconds where the description says 90,000 a second",
        ))
        .stamps(|_, usual| usual * 1_000_000 / 90_000),
        by_arrival(case(
            "stamps-at-random",
            "K6",
            &[],
            "Stamps without any order",
        ))
        .stamps(|n, _| ((n as u32).wrapping_mul(2_654_435_761)) as i64),
        case(
            "stamps-in-pairs",
            "K6",
            &["homebridge-plugins/homebridge-camera-ffmpeg#471"],
            "Two pictures share a time stamp, each with its marker",
        )
        .stamps(|n, usual| usual - (n as i64 % 2) * 7_500)
        .expect(|e| e.within_ms = 1_000),
        case(
            "stamps-jitter",
            "K6",
            &[],
            "Stamps are up to 40 ms off, to and fro",
        )
        .stamps(|n, usual| usual + ((n as i64 * 7_919) % 3_600)),
    ]
}
