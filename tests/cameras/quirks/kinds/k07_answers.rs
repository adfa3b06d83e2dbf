//! Pure. K7: one odd word in an answer. What is not needed to play is forgiven.
use crate::quirks::rig::{
    Case, case,
    stream::Codec,
    talk::{Answer, Reply, Request},
};

/// A part of a header is another one.
fn word(from: &'static str, to: &'static str) -> impl Fn(&str) -> String + Send + Sync + 'static {
    move |value| value.replace(from, to)
}

/// Everything from a mark on is left out.
fn until(mark: &'static str) -> impl Fn(&str) -> String + Send + Sync + 'static {
    move |value| value.split(mark).next().unwrap_or_default().to_owned()
}

fn moved(status: &'static str) -> impl Fn(&Request, Answer, u16) -> Reply + Send + Sync + 'static {
    move |request, answer, port| {
        if request.is("DESCRIBE") && !request.url.contains("moved") {
            return Answer::of(status)
                .with("Location", format!("rtsp://127.0.0.1:{port}/moved"))
                .into();
        }
        answer.into()
    }
}

pub fn cases() -> Vec<Case> {
    descriptions()
        .into_iter()
        .chain(headers())
        .chain(packets())
        .collect()
}

fn descriptions() -> Vec<Case> {
    vec![
        case("sdp-title-gbk", "K7", &[], "The description's title is in another code page (GBK)").describes(|_, text| {
            let (head, tail) = text.split_once("s=Media Presentation").unwrap_or((&text, ""));
            [head.as_bytes(), b"s=\xb4\xf3\xc3\xc5\xc9\xe3\xcf\xf1\xbb\xfa", tail.as_bytes()].concat()
        }),
        case("sdp-origin-cut-short", "K7", &["AlexxIT/go2rtc#1663"], "Origin and connection of the description are cut short, its times missing (H3C, Uniview)")
            .says(&[("o=- 1 1 IN IP4 0.0.0.0", "o=- 1001 1 IN"), ("c=IN IP4 0.0.0.0", "c=IN"), ("t=0 0\r\n", "")]),
        case("sdp-garbage", "K7", &["AlexxIT/go2rtc#2316"], "A negative port and garbage for a connection (Tuya)").describes(|_, text| {
            let text = text.replace("m=video 0 ", "m=video -1353744643 ");
            let (head, tail) = text.split_once("a=rtpmap").unwrap_or((&text, ""));
            [head.as_bytes(), b"c=IN IP4 '&\xc3(\xff\x01\r\na=rtpmap", tail.as_bytes()].concat()
        }),
        case("sdp-without-beginning", "K7", &["AlexxIT/go2rtc#679", "AlexxIT/go2rtc#2245"], "The description begins with its media: no version, origin nor title")
            .describes(|_, text| text.as_bytes()[text.find("m=").unwrap_or(0)..].to_vec()),
        case("sdp-line-feeds", "K7", &[], "Bare line feeds, and a zero byte at its end")
            .describes(|_, text| [text.replace("\r\n", "\n").as_bytes(), &[0]].concat()),
        case("sdp-orphan-rtpmap", "K7", &["DDVTECH/mistserver#295"], "A codec for a payload type that is not offered stands before the one that is (Bosch)")
            .script(|s| s.payload_type = 35)
            .says(&[("a=rtpmap:35", "a=rtpmap:102 H265/90000\r\na=rtpmap:35")]),
        case("sdp-vendor-media", "K7", &["pixelbender/go-sdp#5", "androidx/media#1472"], "A medium of the vendor's own, its format no number (TP-Link)")
            .describes(|_, text| {
                format!("{text}m=application/TP-LINK 0 RTP/AVP smart/1/90000\r\na=rtpmap:95 TP-LINK/90000\r\na=control:track3\r\n").into_bytes()
            }),
        case("sdp-empty-lines", "K7", &[], "Empty and unknown lines between those of the description")
            .says(&[("t=0 0\r\n", "t=0 0\r\n\r\nx=unknown\r\n")]),
        case("sdp-is-a-page", "K7", &[], "The description is a web page")
            .describes(|_, _| b"<html><body>Please log in</body></html>".to_vec())
            .remedy("The address leads to the camera's pages, or its firmware is broken: look up the stream's address in its manual.")
            .nothing(&["camera.answer"], &["answer"]),
        case("sdp-private-control", "K7", &["mpromonet/webrtc-streamer#215", "koush/scrypted#1675"], "Description and base name the camera's private address")
            .says(&[("a=control:trackID=1", "a=control:rtsp://192.168.1.205:554/stream1/trackID=1")])
            .replies(|_, request, answer| {
                if request.is("DESCRIBE") { answer.set("Content-Base", "rtsp://192.168.1.205:554/stream1/").into() } else { answer.into() }
            }),
    ]
}

fn headers() -> Vec<Case> {
    vec![
        case(
            "content-type-charset",
            "K7",
            &[],
            "Content-Type has a charset behind it",
        )
        .header("DESCRIBE", "Content-Type", |v| {
            format!("{v}; charset=utf-8")
        }),
        case(
            "content-type-none",
            "K7",
            &["scottlamb/retina#117"],
            "No Content-Type",
        )
        .header("DESCRIBE", "Content-Type", |_| String::new()),
        case(
            "base-unresolvable",
            "K7",
            &["koush/scrypted#1675"],
            "The base is a name that nobody knows",
        )
        .header("DESCRIBE", "Content-Base", |_| {
            "rtsp://camera-hall.local/stream1/".into()
        }),
        case(
            "session-more-words",
            "K7",
            &[],
            "More words behind the session's timeout",
        )
        .header("SETUP", "Session", |v| format!("{v};hb=1")),
        case("session-timeout-0", "K7", &[], "The session's timeout is 0").header(
            "SETUP",
            "Session",
            word("timeout=60", "timeout=0"),
        ),
        case(
            "session-timeout-spaced",
            "K7",
            &[],
            "Spaces around the session's words, and a fraction of a second",
        )
        .header("SETUP", "Session", word(";timeout=60", " ; timeout = 60.0")),
        case(
            "transport-no-channels",
            "K7",
            &["bluenviron/gortsplib#142", "scottlamb/retina#120"],
            "SETUP's answer names no channels",
        )
        .header("SETUP", "Transport", |v| {
            v.split(';')
                .filter(|w| !w.starts_with("interleaved"))
                .collect::<Vec<_>>()
                .join(";")
        }),
        case(
            "transport-small-letters",
            "K7",
            &[],
            "SETUP's answer in small letters, with the mode behind it",
        )
        .header("SETUP", "Transport", |v| {
            format!("{};mode=\"play\"", v.to_ascii_lowercase())
        }),
        case(
            "transport-udp-no-port",
            "K7",
            &["scottlamb/retina#120"],
            "SETUP's answer for UDP names no port of the camera's",
        )
        .udp()
        .header("SETUP", "Transport", until(";server_port")),
        case(
            "ssrc-of-another",
            "K7",
            &["scottlamb/retina#79", "scottlamb/retina#17"],
            "SETUP's answer names a source (SSRC) that is not the pictures'",
        )
        .learnt()
        .header("SETUP", "Transport", |v| {
            format!(
                "{};ssrc=0BADCAFE",
                v.split(";ssrc").next().unwrap_or_default()
            )
        }),
        case(
            "ssrc-of-16-bits",
            "K7",
            &["scottlamb/retina#79"],
            "SETUP's answer names half a source",
        )
        .header("SETUP", "Transport", |v| {
            format!("{};ssrc=A0C6", v.split(";ssrc").next().unwrap_or_default())
        }),
        case(
            "ssrc-decimal",
            "K7",
            &["scottlamb/retina/pull/137"],
            "RTP-Info has the source in decimal, and a semicolon at its end",
        )
        .header("PLAY", "RTP-Info", |v| format!("{v};ssrc=4011234567;")),
        case(
            "rtpinfo-seq-ahead",
            "K7",
            &[],
            "RTP-Info's first packet is not the one that comes first (Tapo, Hikvision)",
        )
        .learnt()
        .replies(|talk, request, answer| {
            if request.is("PLAY") {
                let (url, track) = (&request.url, &talk.tracks[0]);
                let info = format!(
                    "url={url}/trackID=1;seq={};rtptime={}",
                    track.seq.wrapping_add(900),
                    track.first
                );
                return answer.set("RTP-Info", info).into();
            }
            answer.into()
        }),
        case(
            "rtpinfo-time-of-another",
            "K7",
            &[],
            "RTP-Info's time has nothing to do with the pictures'",
        )
        .header("PLAY", "RTP-Info", |v| {
            format!(
                "{};rtptime=77",
                v.split(";rtptime").next().unwrap_or_default()
            )
        }),
        case(
            "redirect-302",
            "K7",
            &["AlexxIT/go2rtc#1881", "scottlamb/retina#92"],
            "DESCRIBE is answered 302: it has moved, on the same host",
        )
        .replies({
            let moved = moved("302 Moved Temporarily");
            move |talk, request, answer| moved(request, answer, talk.post().port)
        }),
        case(
            "redirect-301",
            "K7",
            &[],
            "DESCRIBE is answered 301: it has moved for good, on the same host",
        )
        .replies({
            let moved = moved("301 Moved Permanently");
            move |talk, request, answer| moved(request, answer, talk.post().port)
        }),
        case(
            "status-without-words",
            "K7",
            &[],
            "Answers without words behind the status",
        )
        .replies(|_, _, answer| {
            let status = answer
                .status
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned();
            answer.status(&format!("{status} ")).into()
        }),
        case("ipv6", "K7", &[], "An IPv6 address").script(|s| s.v6 = true),
    ]
}

fn packets() -> Vec<Case> {
    vec![
        case(
            "annexb-within",
            "K7",
            &[
                "scottlamb/retina#52",
                "scottlamb/retina#68",
                "scottlamb/retina#108",
            ],
            "A key picture's parameter sets and slice in one unit, start codes between (V380)",
        )
        .units(|_, _, nals| vec![nals.join(&[0, 0, 0, 1][..])])
        .header("SETUP", "Transport", until(";ssrc")),
        case(
            "stap-a",
            "K7",
            &["pikvm/ustreamer#115"],
            "Parameter sets and small slices in one packet (STAP-A)",
        )
        .packets(|_, codec, packets| {
            let (mut out, mut held) = (Vec::new(), vec![0x78]);
            for packet in packets {
                if codec == Codec::H264
                    && packet.payload.len() < 100
                    && packet.payload[0] & 31 != 28
                {
                    held.extend((packet.payload.len() as u16).to_be_bytes());
                    held.extend(&packet.payload);
                    continue;
                }
                if held.len() > 1 {
                    out.push(crate::quirks::rig::send::Packet::new(std::mem::replace(
                        &mut held,
                        vec![0x78],
                    )));
                }
                out.push(packet);
            }
            if held.len() > 1 {
                out.push(crate::quirks::rig::send::Packet::new(held));
            }
            if let Some(last) = out.last_mut() {
                last.marker = true;
            }
            out
        }),
    ]
}
