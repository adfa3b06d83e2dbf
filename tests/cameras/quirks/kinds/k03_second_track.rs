//! Pure. K3: what comes beside the pictures (sound, events) never takes them down.
use crate::quirks::rig::{
    Case, Kept,
    camera::Second,
    case,
    talk::{Answer, Reply, Request},
};

/// Sound that cannot be had is a fault; the pictures go on.
fn asked(case: Case) -> Case {
    case.sound().expect(|e| e.may = &["camera.sound"])
}

/// PLAY is answered with another RTP-Info, or none for `""`.
fn rtp_info(info: &'static str) -> impl Fn(&Request, Answer) -> Reply + Send + Sync + 'static {
    move |request, answer| match request.method.as_str() {
        "PLAY" => answer.set("RTP-Info", info).into(),
        _ => answer.into(),
    }
}

fn with_info(case: Case, info: &'static str) -> Case {
    let change = rtp_info(info);
    case.replies(move |_, request, answer| change(request, answer))
}

pub fn cases() -> Vec<Case> {
    vec![
        with_info(
            asked(case(
                "sound-no-rtpinfo",
                "K3",
                &["scottlamb/retina#10"],
                "PLAY is answered without RTP-Info; sound is asked for",
            ).learnt()),
            "",
        ),
        with_info(
            asked(case(
                "sound-rtptime-minus-1",
                "K3",
                &["scottlamb/moonfire-nvr#224"],
                "RTP-Info gives -1 for a time; sound is asked for",
            ).learnt()),
            "url=trackID=1;seq=-1;rtptime=-1,url=trackID=2;seq=-1;rtptime=-1",
        ),
        asked(case(
            "sound-rtpinfo-of-one-track",
            "K3",
            &["scottlamb/retina#65"],
            "RTP-Info names the pictures only; sound is asked for",
        ).learnt())
        .header("PLAY", "RTP-Info", |info| {
            info.split(',').next().unwrap_or_default().to_owned()
        }),
        with_info(
            asked(case(
                "sound-rtpinfo-of-no-track",
                "K3",
                &["scottlamb/retina#65"],
                "RTP-Info names neither track by the name the description gave it; sound is asked for",
            ).learnt()),
            "url=rtsp://192.168.1.10/live;seq=1;rtptime=0",
        ),
        asked(case(
            "sound-mode-unsaid",
            "K3",
            &[],
            "The description leaves out how its sound is packed",
        ).learnt())
        .says(&[(
            "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;",
            "",
        )]),
        asked(case(
            "sound-config-unsaid",
            "K3",
            &[],
            "The description leaves out how its sound is encoded",
        ).learnt())
        .says(&[(";config=1408", "")]),
        asked(case(
            "sound-setup-500",
            "K3",
            &["google/ExoPlayer#3854"],
            "SETUP of the sound is answered 500",
        ))
        .remedy("Turn the camera's sound on, or take `[camera.sound]` out.")
        .expect(|e| e.faults = &["camera.sound"])
        .replies(|_, request, answer| {
            if request.is("SETUP") && request.track == 1 {
                Answer::of("500 Internal Server Error").into()
            } else {
                answer.into()
            }
        }),
        asked(case(
            "sound-not-aac",
            "K3",
            &["AlexxIT/go2rtc#2462"],
            "Its sound is G.711, and sound is asked for",
        ))
        .remedy("Set the camera's sound to AAC.")
        .second(Second::Pcma)
        .expect(|e| e.faults = &["camera.sound"]),
        asked(case(
            "sound-on-a-session-of-its-own",
            "K3",
            &["AlexxIT/go2rtc#2462"],
            "SETUP of the sound is answered with another session",
        ))
        .replies(|_, request, answer| {
            if request.is("SETUP") && request.track == 1 {
                answer.change("Session", |s| format!("9{s}")).into()
            } else {
                answer.into()
            }
        }),
        with_info(
            case(
                "events-no-rtpinfo",
                "K3",
                &[],
                "PLAY is answered without RTP-Info; the camera's events are asked for",
            ).learnt()
            .second(Second::Metadata)
            .told(|t| t.events = true)
            .expect(|e| {
                e.may = &["camera.events"];
                e.kept = Kept::AtLeast(8);
            }),
            "",
        ),
    ]
}
