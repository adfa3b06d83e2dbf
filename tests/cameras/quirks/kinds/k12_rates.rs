//! Pure. K12: what is missing, and what only looks so: slow cameras, numbers and sources that begin anew, real loss.
use crate::quirks::rig::{Case, Kept, camera::Flow, case};

pub fn cases() -> Vec<Case> {
    vec![
        case(
            "picture-a-second",
            "K12",
            &["homebridge-plugins/homebridge-camera-ffmpeg#1134"],
            "One picture a second",
        )
        .stream("odd-few.h264")
        .per_second(1.0),
        case(
            "picture-every-3s",
            "K12",
            &[],
            "A picture every three seconds, a key picture every twelve",
        )
        .stream("odd-few.h264")
        .per_second(1.0 / 3.0)
        .secs(60),
        case(
            "picture-every-12s",
            "K12",
            &[],
            "A picture every twelve seconds, each a key picture",
        )
        .stream("odd-intra.h264")
        .per_second(1.0 / 12.0)
        .expect(|e| e.may = &["camera.nothing"]) // until it is known how far its pictures are apart
        .secs(60),
        case(
            "rate-changes",
            "K12",
            &["ossrs/srs#3905", "EliasKotlyar/Xiaomi-Dafang-Hacks#1423"],
            "Twelve pictures a second, then one every two seconds, and back",
        )
        .stream("odd-intra.h264")
        // 120 pictures in ten seconds, five in the next ten.
        .dues(|n| {
            let (round, at) = (n / 125, n % 125);
            round as f64 * 20.0
                + if at < 120 {
                    at as f64 / 12.0
                } else {
                    10.0 + (at - 120) as f64 * 2.0
                }
        })
        .secs(60),
        case(
            "sequence-resets",
            "K12",
            &["bluenviron/gortsplib#750"],
            "Packet numbers begin anew every ten seconds, none is lost",
        )
        .remedy("The first time it costs one or two seconds of pictures, with a gap on the record: from then on the box reads the camera by way of its relay, which takes this up.")
        .expect(|e| {
            // What was sent meanwhile could not be used, and is on the record as missing.
            e.sessions = (1, 2);
            e.gaps = &[("damaged", 2_500)];
            e.lost = true;
            e.kept = Kept::AtLeast(300);
        })
        .before(|sending, n| {
            if n > 0 && n % 120 == 0 {
                sending.tracks[0].seq = 3;
            }
            Flow::Send
        }),
        case(
            "source-changes",
            "K12",
            &["bluenviron/gortsplib#480"],
            "The pictures' source (SSRC) changes every twenty seconds, with a key picture",
        )
        .remedy("The first time it costs one or two seconds of pictures, with a gap on the record: from then on the box reads the camera by way of its relay, which takes this up.")
        .expect(|e| {
            // What was sent meanwhile could not be used, and is on the record as missing.
            e.sessions = (1, 2);
            e.gaps = &[("damaged", 2_500)];
            e.lost = true;
            e.kept = Kept::AtLeast(300);
        })
        .before(|sending, n| {
            if n > 0 && n % 240 == 0 {
                sending.tracks[0].ssrc ^= 0x0101_0101;
                sending.tracks[0].seq = sending.tracks[0].seq.wrapping_mul(7);
            }
            Flow::Send
        }),
        case(
            "source-changes-mid-group",
            "K12",
            &[],
            "The same in the middle of a group, packet numbers going on",
        )
        .remedy("The first time it costs one or two seconds of pictures, with a gap on the record: from then on the box reads the camera by way of its relay, which takes this up.")
        .expect(|e| {
            // What was sent meanwhile could not be used, and is on the record as missing.
            e.sessions = (1, 2);
            e.gaps = &[("damaged", 2_500)];
            e.lost = true;
            e.kept = Kept::AtLeast(300);
        })
        .before(|sending, n| {
            if n > 0 && n % 230 == 0 {
                sending.tracks[0].ssrc ^= 0x0101_0101;
            }
            Flow::Send
        }),
        case(
            "breaks-off",
            "K12",
            &[],
            "Breaks every session off after three pictures",
        )
        .remedy("Look at its power and network; a camera with too many viewers does this too.")
        .nothing(&["camera.breaks"], &["lost-session"])
        .before(|_, n| if n < 3 { Flow::Send } else { Flow::End }),
        case(
            "loss-for-real",
            "K12",
            &[],
            "Two pictures are lost on their way every twenty seconds",
        )
        .expect(|e| {
            e.lost = true;
            e.kept = Kept::AtLeast(440);
            e.gaps = &[("loss", 3_000)];
        })
        .before(|_, n| {
            if n % 240 == 100 || n % 240 == 101 {
                Flow::Lose
            } else {
                Flow::Send
            }
        }),
        case(
            "stands-still-for-3s",
            "K12",
            &[],
            "No picture for three seconds every twenty, its stamps go on",
        )
        .expect(|e| e.gaps = &[("stall", 4_000), ("loss", 4_000)])
        .before(|_, n| {
            if n % 240 >= 204 {
                Flow::Skip
            } else {
                Flow::Send
            }
        }),
    ]
}
