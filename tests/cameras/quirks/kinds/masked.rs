//! Pure. Masked cameras: K2 and K11, formats, and clocks that jump while a picture worker stands between arrival and disk.
use beadle_tests::pictures::First;

use crate::quirks::rig::{
    Case, Kept,
    camera::Flow,
    case, fields,
    send::Packet,
    stream::{Codec, Stream},
};

fn painted(name: &'static str, about: &'static str, stream: &'static str) -> Case {
    // What the box can carry is measured first, which on a busy machine takes longer than ten seconds.
    case(name, "masked", &[], about)
        .stream(stream)
        .masked()
        .secs(30)
        .expect(|e| e.may = &["camera.nothing"])
}

fn marked(_: usize, codec: Codec, mut packets: Vec<Packet>) -> Vec<Packet> {
    for packet in &mut packets {
        let slice = match codec {
            Codec::H264 => {
                matches!(packet.payload[0] & 31, 1 | 5)
                    || (packet.payload[0] & 31 == 28 && packet.payload[1] & 0x40 != 0)
            }
            Codec::H265 => {
                packet.payload[0] >> 1 & 63 < 32
                    || (packet.payload[0] >> 1 & 63 == 49 && packet.payload[2] & 0x40 != 0)
            }
        };
        packet.marker |= slice;
    }
    packets
}

/// Formats, slices, a session that ends: all that a box is to paint.
pub fn cases() -> Vec<Case> {
    vec![
        painted("masked-main", "Masked: H.264 Main", "odd-main.h264"),
        painted(
            "masked-high",
            "Masked: H.264 High, 8×8 transforms, matrices of its own",
            "odd-high.h264",
        ),
        painted(
            "masked-slices",
            "Masked: four slices a picture, the marker on each",
            "odd-slices.h264",
        )
        .packets(marked),
        painted(
            "masked-interlaced",
            "Masked: interlaced, and marked so afterwards",
            "odd-field.h264",
        )
        .expect(|e| e.fields = Some(First::Bottom)),
        painted(
            "masked-field-order",
            "Masked: interlaced, and only a message (picture timing) says that the lower field is first",
            "odd-order.h264",
        )
        .units(|_, _, nals| {
            let stream = Stream::of("odd-order.h264").expect("footage");
            fields::unordered(&stream.sps, nals)
        })
        .expect(|e| e.fields = Some(First::Bottom)),
        painted("masked-10-bit", "Masked: 10 bits", "odd-10bit.h264"),
        painted(
            "masked-refresh",
            "Masked: intra refresh, never a key picture",
            "odd-refresh.h264",
        )
        .expect(|e| e.kept = Kept::AtLeast(270)) // from when all of the picture has been refreshed
        .starts_at(30),
        painted("masked-uneven", "Masked: 322 by 182", "odd-uneven.h264"),
        painted("masked-b-pictures", "Masked: B pictures", "odd-b.h264"),
        painted("masked-h265", "Masked: H.265", "odd-main.h265"),
        painted(
            "masked-h265-slices",
            "Masked: H.265, three slices a picture, the marker on each",
            "odd-slices.h265",
        )
        .packets(marked),
        painted(
            "masked-slow",
            "Masked: one picture a second",
            "odd-few.h264",
        )
        .per_second(1.0),
        painted(
            "masked-leaves-once",
            "Masked: ends its session once, after ten seconds",
            "odd-main.h264",
        )
        .kind("K11")
        .expect(|e| {
            e.sessions = (2, 2);
            e.gaps = &[("lost-session", 4_000)];
        })
        .before(|sending, n| {
            if sending.session == 1 && n == 120 {
                Flow::End
            } else {
                Flow::Send
            }
        }),
    ]
}

/// Within the first five seconds of each session the clock behind the stamps jumps, three sessions a camera: 21 tries.
pub fn jumps() -> Vec<Case> {
    const NAMES: [&str; 7] = [
        "jump-a", "jump-b", "jump-c", "jump-d", "jump-e", "jump-f", "jump-g",
    ];
    let jump = |(n, name): (usize, &'static str)| {
        case(name, "jumps", &["scottlamb/moonfire-nvr#36"], "Masked: its clock jumps by five minutes or an hour within five seconds of each session's begin")
            .masked()
            .secs(45)
            .expect(|e| {
                e.kept = Kept::AtLeast(250);
                e.within_ms = 1_000;
                e.may = &["camera.nothing"];
                e.sessions = (3, 6);
                e.gaps = &[("lost-session", 6_000), ("jump", 3_000)];
            })
            .before(|sending, number| if number == 150 && sending.session < 3 { Flow::End } else { Flow::Send })
            .jump(move |session| {
                let secs = [300, 3_600, -300, -3_600][(n + session as usize) % 4];
                // From the second picture to the 59th.
                (1 + (n * 23 + session as usize * 17) % 58, secs)
            })
    };
    NAMES.into_iter().enumerate().map(jump).collect()
}
