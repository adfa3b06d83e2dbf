//! Pure. K5: the clock behind a camera's time stamps is set while it plays. Wall time is that of arrival all the same.
use crate::quirks::rig::{Case, case};

const RATE: i64 = 90_000;

/// Stamps that jump by so many seconds at picture `at`.
fn step(case: Case, at: usize, secs: f64) -> Case {
    case.stamps(move |n, usual| {
        usual
            + if n >= at {
                (secs * RATE as f64) as i64
            } else {
                0
            }
    })
    .expect(|e| e.within_ms = 1_000)
}

const SNTP: &[&str] = &["scottlamb/moonfire-nvr#36"];
const REWINDS: &[&str] = &["gtxaspec/raptor#43"];

pub fn cases() -> Vec<Case> {
    vec![
        step(
            case(
                "clock-back-1s",
                "K5",
                SNTP,
                "Its clock is set one second back, once",
            ),
            200,
            -1.0,
        )
        .secs(50),
        step(
            case(
                "clock-on-1s",
                "K5",
                SNTP,
                "Its clock is set one second on, once",
            ),
            200,
            1.0,
        )
        .secs(50),
        step(
            case(
                "clock-back-almost-2s",
                "K5",
                SNTP,
                "Its clock is set 1.9 seconds back",
            ),
            200,
            -1.9,
        ),
        step(
            case(
                "clock-back-3s",
                "K5",
                SNTP,
                "Its clock is set three seconds back",
            ),
            200,
            -3.0,
        ),
        step(
            case(
                "clock-back-an-hour",
                "K5",
                SNTP,
                "Its clock is set an hour back",
            ),
            200,
            -3600.0,
        ),
        step(
            case(
                "clock-on-an-hour",
                "K5",
                SNTP,
                "Its clock is set an hour on",
            ),
            200,
            3600.0,
        ),
        step(
            case(
                "clock-on-at-once",
                "K5",
                SNTP,
                "Its clock is set five minutes on within the first two seconds",
            ),
            15,
            300.0,
        ),
        case(
            "clock-back-often",
            "K5",
            REWINDS,
            "Its clock goes half a second back every ten seconds",
        )
        .stamps(|n, usual| usual - (n as i64 / 120) * RATE / 2)
        .expect(|e| e.within_ms = 1_000)
        .secs(50),
        case(
            "clock-back-1s-often",
            "K5",
            REWINDS,
            "Its clock goes one second back every ten seconds",
        )
        .stamps(|n, usual| usual - (n as i64 / 120) * RATE)
        .expect(|e| e.within_ms = 1_000)
        .secs(50),
        case(
            "clock-back-3s-often",
            "K5",
            REWINDS,
            "Its clock goes three seconds back every ten seconds",
        )
        .stamps(|n, usual| usual - (n as i64 / 120) * 3 * RATE)
        .expect(|e| e.within_ms = 1_000),
        case(
            "one-stamp-hours-away",
            "K5",
            &["bluenviron/mediamtx/pull/6255"],
            "One picture every two seconds is stamped 9800 seconds in the past",
        )
        .stamps(|n, usual| usual - if n % 24 == 17 { 9_800 * RATE } else { 0 })
        .expect(|e| e.within_ms = 1_000),
        case(
            "one-stamp-hours-ahead",
            "K5",
            &["bluenviron/mediamtx/pull/6255"],
            "One picture every two seconds is stamped 37,600 seconds ahead",
        )
        .stamps(|n, usual| usual + if n % 24 == 17 { 37_600 * RATE } else { 0 })
        .expect(|e| e.within_ms = 1_000),
    ]
}
