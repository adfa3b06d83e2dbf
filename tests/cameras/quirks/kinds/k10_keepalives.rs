//! Pure. K10: keepalives that are answered oddly, or not at all, are no end of a session while pictures come.
use crate::quirks::rig::{
    Case, Kept,
    camera::Flow,
    case,
    login::Login,
    talk::{Answer, Reply},
};

/// A short session, played long enough that several keepalives are due.
fn short(case: Case) -> Case {
    // The first odd answer may cost the session, and no picture: the box goes on by way of its relay.
    case.script(|s| s.timeout = 10)
        .expect(|e| e.sessions = (1, 2))
        .secs(45)
}

/// The first odd answer ends the direct session, and with it what had come and was not read yet: a few pictures, once. From then on the
/// box reads the camera by way of its relay.
fn once(case: Case) -> Case {
    short(case)
        .remedy("The first odd answer may cost a few pictures: from then on the box reads the camera by way of its relay, which takes such answers.")
        .expect(|e| {
            e.kept = Kept::AtLeast(500);
            e.gaps = &[("damaged", 1_500), ("lost-session", 1_500)];
        })
}

pub fn cases() -> Vec<Case> {
    vec![
        once(case(
            "keepalive-unanswered",
            "K10",
            &["bluenviron/mediamtx#2908", "ngraziano/SharpRTSP#63"],
            "Keepalives are not answered",
        ))
        .replies(|talk, request, answer| {
            if talk.playing && request.keeps_alive() {
                Reply::Silence
            } else {
                answer.into()
            }
        }),
        once(case(
            "keepalive-without-cseq",
            "K10",
            &["ngraziano/SharpRTSP#63"],
            "Keepalives are answered without their number (Hipcam)",
        ))
        .replies(|talk, request, mut answer| {
            if talk.playing && request.keeps_alive() {
                answer.cseq = Some(String::new());
            }
            answer.into()
        }),
        short(case(
            "keepalive-400-other-cseq",
            "K10",
            &["scottlamb/retina#133", "scottlamb/retina#136"],
            "SET_PARAMETER is answered 400, with the number of the request before (Tapo)",
        ))
        .replies(|talk, request, answer| {
            if request.is("SET_PARAMETER") {
                let mut odd = Answer::of("400 Bad Request");
                odd.cseq = request
                    .header("CSeq")
                    .parse()
                    .ok()
                    .map(|n: i64| (n - 1).to_string());
                return odd.into();
            }
            let _ = talk;
            answer.into()
        }),
        short(case(
            "keepalive-454",
            "K10",
            &["themactep/thingino-firmware#490"],
            "Keepalives are answered 454 (no such session), the pictures go on",
        ))
        .replies(|talk, request, answer| {
            if talk.playing && request.keeps_alive() {
                Answer::of("454 Session Not Found").into()
            } else {
                answer.into()
            }
        }),
        short(case(
            "keepalive-501",
            "K10",
            &[],
            "Keepalives are answered 501, whatever the method",
        ))
        .replies(|talk, request, answer| {
            if talk.playing && request.keeps_alive() {
                Answer::of("501 Not Implemented").into()
            } else {
                answer.into()
            }
        }),
        short(case(
            "keepalive-401",
            "K10",
            &["ngraziano/SharpRTSP#126"],
            "Keepalives are answered 401 with a new nonce (Axis M5525)",
        ))
        .login(
            Login::new("admin", "Passw0rd!")
                .offers("Digest realm=\"{realm}\", nonce=\"{nonce}\"")
                .good_for(5),
        ),
        short(case(
            "keepalive-get-parameter-only",
            "K10",
            &["Streamedian/html5_rtsp_player#73", "AlexxIT/go2rtc#2409"],
            "Only GET_PARAMETER keeps the session, and it is not among the methods it names (EvoStream)",
        ))
        .script(|s| {
            s.alive_by = Some("GET_PARAMETER");
            s.methods = "DESCRIBE, OPTIONS, PAUSE, PLAY, SETUP, TEARDOWN, ANNOUNCE, RECORD";
        }),
        short(case(
            "keepalive-set-parameter-closes",
            "K10",
            &["bluenviron/mediamtx#842"],
            "SET_PARAMETER is answered by the end of the connection",
        ))
        .script(|s| s.methods = "DESCRIBE, OPTIONS, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN")
        .replies(|talk, request, answer| {
            if talk.playing && request.is("SET_PARAMETER") {
                Reply::Close
            } else {
                answer.into()
            }
        }),
        short(case(
            "keepalive-options-closes",
            "K10",
            &[],
            "OPTIONS while it plays is answered by the end of the connection",
        ))
        .script(|s| s.alive_by = Some("GET_PARAMETER"))
        .replies(|talk, request, answer| {
            if talk.playing && request.is("OPTIONS") {
                Reply::Close
            } else {
                answer.into()
            }
        }),
        case(
            "one-session-at-a-time",
            "K10",
            &["scottlamb/moonfire-nvr#114", "scottlamb/moonfire-nvr#209"],
            "Has room for one session, leaves once, and answers 453 until the last one is forgotten",
        )
        .secs(35)
        .expect(|e| {
            e.sessions = (2, 2);
            e.gaps = &[("lost-session", 20_000), ("unreachable", 20_000)];
            e.may = &["camera.unreachable", "camera.breaks", "camera.nothing", "camera.unsupported"];
        })
        .before(|sending, n| {
            if sending.session == 1 && n == 160 {
                Flow::End
            } else {
                Flow::Send
            }
        })
        .replies(|talk, request, answer| {
            let post = talk.post();
            let ended = post.seen().sent.last().map_or(0, |s| s.gone_ms);
            let busy = post.seen().plays == 1 && beadle_tests::wait::now().0 - ended < 8_000;
            if request.is("SETUP") && busy {
                Answer::of("453 Not Enough Bandwidth").into()
            } else {
                answer.into()
            }
        }),
    ]
}
