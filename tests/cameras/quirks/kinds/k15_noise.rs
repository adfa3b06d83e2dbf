//! Pure. K15: what does not belong to the session neither disturbs it nor fills the log.
use crate::quirks::rig::{
    Case,
    camera::Flow,
    case,
    send::{Packet, rtp},
    stream::Codec,
};

pub fn cases() -> Vec<Case> {
    vec![
        case(
            "packets-of-another-session",
            "K15",
            &["scottlamb/moonfire-nvr#114", "scottlamb/retina#17"],
            "Another viewer's packets come within this session, on the same channel (Reolink)",
        )
        .before(|sending, n| {
            let mut other = Packet::new([&[0x41][..], &[0x9a; 30]].concat());
            other.marker = true;
            other.foreign = Some((0x5bf7_3f70, (n as u16).wrapping_add(14_000)));
            // A connection that is gone is noticed with the next picture.
            let _ = sending.send(other, n as i64 * 7_500 + 1_000);
            Flow::Send
        }),
        case(
            "reports-elsewhere",
            "K15",
            &["bluenviron/mediamtx#19", "curl/curl#10808"],
            "Reports and another track on channels nobody asked for",
        )
        .before(|sending, n| {
            if n % 12 == 0 {
                let report = sending.sender_report(n as i64 * 7_500);
                sending.on_channel(9, &report);
                let sound = rtp(8, true, n as u16, n as u32, 9, &[0xd5; 160]);
                sending.on_channel(2, &sound);
            }
            Flow::Send
        }),
        case(
            "payload-type-of-another",
            "K15",
            &["AlexxIT/go2rtc#1722", "BogdanovKirill/RtspClientSharp#98"],
            "Packets of another payload type come in between, with the number of the next",
        )
        .before(|sending, n| {
            if n % 5 == 2 {
                let mut other = Packet::new(vec![1, 2, 3, 4]);
                other.marker = true;
                other.payload_type = Some(50);
                other.foreign = Some((sending.tracks[0].ssrc, sending.tracks[0].seq));
                // The same.
                let _ = sending.send(other, (n as i64 - 1) * 7_500);
            }
            Flow::Send
        }),
        case(
            "fillers",
            "K15",
            &[],
            "Filler data and vendor units between the slices",
        )
        .units(|number, codec, mut nals| {
            if codec == Codec::H264 && number % 7 == 0 {
                nals.push([&[0x0c][..], &[0xff; 40], &[0x80]].concat());
            }
            nals
        }),
        case(
            "timing-messages",
            "K15",
            &[],
            "Timing messages (SEI) before each picture",
        )
        .stream("odd-timing.h264"),
        case("padding-and-extension", "K15", &["meetecho/janus-gateway#2881"], "Packets with a header extension and padding")
            .script(|s| s.padded = true),
        case("mjpeg", "K15", &["bluecherrydvr/bluecherry-apps#94", "blakeblackshear/frigate#50"], "Motion JPEG only")
            .remedy("Set the camera's main stream to H.264 or H.265.")
            .nothing(&["camera.unsupported"], &["unsupported"])
            .describes(|_, _| {
                b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=Camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:trackID=1\r\n".to_vec()
            }),
    ]
}
