//! Pure. K14: packets over UDP come from where they come from.
use crate::quirks::rig::{
    Case, case,
    talk::{Answer, Reply},
};

pub fn cases() -> Vec<Case> {
    vec![
        case(
            "udp-other-port",
            "K14",
            &["PyPI rtsp-rs 0.1.8"],
            "Packets come from another port than SETUP's answer says",
        )
        .learnt()
        .udp()
        .header("SETUP", "Transport", |v| {
            let words = v.split(';').map(|w| {
                if w.starts_with("server_port") {
                    "server_port=5012-5013"
                } else {
                    w
                }
            });
            words.collect::<Vec<_>>().join(";")
        }),
        case("udp-port-0", "K14", &[], "SETUP's answer names port 0")
            .udp()
            .header("SETUP", "Transport", |v| {
                let words = v.split(';').map(|w| {
                    if w.starts_with("server_port") {
                        "server_port=0-0"
                    } else {
                        w
                    }
                });
                words.collect::<Vec<_>>().join(";")
            }),
        case(
            "udp-other-address-said",
            "K14",
            &[],
            "SETUP's answer names another source address than the camera's",
        )
        .udp()
        .header("SETUP", "Transport", |v| {
            format!("{v};source=192.168.1.44;destination=192.168.1.9")
        }),
        case("udp-h265", "K14", &[], "H.265 over UDP")
            .stream("odd-main.h265")
            .udp(),
        case(
            "udp-only",
            "K14",
            &["scottlamb/retina#103"],
            "Sends over UDP only, and UDP is asked for",
        )
        .udp()
        .replies(|_, request, answer| refuse_tcp(request.header("Transport"), answer)),
        case(
            "udp-only-tcp-asked",
            "K14",
            &["scottlamb/retina#103"],
            "Sends over UDP only, and is asked for TCP",
        )
        .remedy("`transport = \"udp\"` in the camera's part of the configuration.")
        .nothing(&["camera.unsupported"], &["unsupported"])
        .replies(|_, request, answer| refuse_tcp(request.header("Transport"), answer)),
    ]
}

fn refuse_tcp(transport: &str, answer: Answer) -> Reply {
    if transport.contains("TCP") {
        Answer::of("461 Unsupported Transport").into()
    } else {
        answer.into()
    }
}
