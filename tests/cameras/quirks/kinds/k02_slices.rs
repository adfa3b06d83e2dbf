//! Pure. K2: where a picture ends is not where the RTP marker is.
use crate::quirks::rig::{Case, case, send::Packet, stream::Codec};

/// Whether a packet ends a coded slice.
fn ends_slice(codec: Codec, packet: &Packet) -> bool {
    let payload = &packet.payload;
    match codec {
        Codec::H264 if payload[0] & 31 == 28 => {
            payload[1] & 0x40 != 0 && matches!(payload[1] & 31, 1 | 5)
        }
        Codec::H264 => matches!(payload[0] & 31, 1 | 5),
        Codec::H265 if payload[0] >> 1 & 63 == 49 => payload[2] & 0x40 != 0 && payload[2] & 63 < 32,
        Codec::H265 => payload[0] >> 1 & 63 < 32,
    }
}

/// A marker on the last packet of every slice.
fn marked(_: usize, codec: Codec, mut packets: Vec<Packet>) -> Vec<Packet> {
    for packet in &mut packets {
        packet.marker |= ends_slice(codec, packet);
    }
    packets
}

const REPORTS: &[&str] = &[
    "iamscottxu/obs-rtspserver#199",
    "OpenIPC/smolrtsp#43",
    "pikvm/ustreamer#119",
    "ultravideo/uvgRTP#261",
];

pub fn cases() -> Vec<Case> {
    vec![
        case(
            "slices-each-marked",
            "K2",
            REPORTS,
            "Four slices a picture, the marker on each slice (H.264)",
        )
        .stream("odd-slices.h264")
        .packets(marked),
        case(
            "slices-each-marked-h265",
            "K2",
            REPORTS,
            "Three slices a picture, the marker on each slice (H.265)",
        )
        .stream("odd-slices.h265")
        .packets(marked),
        case(
            "every-unit-marked",
            "K2",
            &["iamscottxu/obs-rtspserver#199"],
            "The marker on the last packet of every unit, parameter sets too",
        )
        .stream("odd-slices.h264")
        .packets(|_, _, mut packets| {
            for packet in &mut packets {
                packet.marker |= packet.payload[0] & 31 != 28 || packet.payload[1] & 0x40 != 0;
            }
            packets
        }),
        case(
            "slices-first-marked",
            "K2",
            &[],
            "The marker on the first slice of a picture only",
        )
        .stream("odd-slices.h264")
        .packets(|_, codec, mut packets| {
            if let Some(last) = packets.last_mut() {
                last.marker = false;
            }
            if let Some(first) = packets.iter_mut().find(|p| ends_slice(codec, p)) {
                first.marker = true;
            }
            packets
        }),
        case(
            "no-marker",
            "K2",
            &[],
            "No marker at all: a picture ends where the next time stamp begins",
        )
        .packets(|_, _, mut packets| {
            packets.iter_mut().for_each(|p| p.marker = false);
            packets
        }),
        case(
            "sei-marked",
            "K2",
            &["scottlamb/moonfire-nvr#352"],
            "The marker on a message (SEI) before the picture it belongs to",
        )
        .packets(|number, _, packets| {
            let sei = [
                &[6, 5, 20][..],
                b"0123456789abcdef",
                &(number as u32 | 0x1111_1100).to_be_bytes(),
                &[0x80],
            ]
            .concat();
            let mut first = Packet::new(sei);
            first.marker = true;
            [vec![first], packets].concat()
        }),
        case(
            "parameters-marked-early",
            "K2",
            &["scottlamb/retina#13"],
            "Parameter sets have the marker, and the time stamp of the picture before",
        )
        .packets(|number, _, mut packets| {
            for packet in packets
                .iter_mut()
                .filter(|p| matches!(p.payload[0] & 31, 7 | 8))
            {
                packet.marker = packet.payload[0] & 31 == 7;
                packet.ticks = Some((number as i64 - 1).max(0) * 7_500);
            }
            packets
        }),
        case(
            "fragment-start-and-end",
            "K2",
            &["bluenviron/gortsplib/pull/649"],
            "Small pictures as a single fragment with both edges set",
        )
        .packets(|_, codec, mut packets| {
            for packet in &mut packets {
                let nal = &packet.payload;
                if codec == Codec::H264 && matches!(nal[0] & 31, 1 | 5) {
                    packet.payload =
                        [&[nal[0] & 0xe0 | 28, 0xc0 | nal[0] & 31], &nal[1..]].concat();
                }
            }
            packets
        }),
    ]
}
