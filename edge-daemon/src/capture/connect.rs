//! Adapter: retina (RTSP). From DESCRIBE to PLAY: what a camera offers, what of it is asked for, and why it was not to be had.
//!
//! RTP over the RTSP connection (TCP), or over UDP where the configuration says so; the first video stream, H.264 or H.265.
//! Sound (AAC) only where the configuration gives a reason for it; else it is not even asked for. Where events of the camera's switch it to real time, its metadata stream too.
use std::sync::{Arc, mpsc::Sender};

use footage::mp4::{Codec, Parameters};
use retina::{
    client::{
        Credentials, Demuxed, Described, PlayOptions, Session, SessionGroup, SessionOptions,
        SetupOptions, Stream, TcpTransportOptions, TeardownPolicy, Transport as Carrier,
        UdpTransportOptions,
    },
    codec::{FrameFormat, ParametersRef, VideoParametersCodec},
};

use crate::{
    capture::plain,
    capture::session::{Ended, Outcome, refusal},
    recording::recorder::Shared,
    recording::report::Report,
};
use crate::{
    config::{Secret, Transport},
    segment::anchor::Anchor,
};

/// Asks the camera until it plays: its session, which of its streams the pictures are, and its sound where that is recorded.
pub(crate) async fn connect(
    camera: &Shared,
    password: Option<&Secret>,
    reports: &Sender<Report>,
    farewell: Arc<SessionGroup>,
) -> Result<(Demuxed, usize, Option<Sounding>), Outcome> {
    let config = &camera.config;
    let fail = |e: retina::Error| (refusal(e.status_code()), first_line(&e));
    let creds = config.username.as_ref().map(|username| Credentials {
        username: username.clone(),
        password: password.map_or(String::new(), |p| p.reveal().to_owned()),
    });
    let options = SessionOptions::default()
        .creds(creds)
        .session_group(farewell)
        .teardown(TeardownPolicy::Auto)
        .user_agent("beadle".into());
    let mut session = Session::describe(config.url.clone(), options)
        .await
        .map_err(|e| match e.status_code() {
            Some(401) if config.username.is_none() => (
                Ended::Password,
                "the camera asks for a user name and password".into(),
            ),
            _ => fail(e),
        })?;
    let video = |s: &Stream| s.media() == "video" && matches!(s.encoding_name(), "h264" | "h265");
    let Some(stream) = session.streams().iter().position(video) else {
        let offered: Vec<String> = session
            .streams()
            .iter()
            .map(|s| format!("{}/{}", s.media(), s.encoding_name()))
            .collect();
        return Err((
            Ended::Unsupported,
            format!(
                "no H.264 or H.265 video among what it offers: {}",
                offered.join(", ")
            ),
        ));
    };
    let carried = || {
        SetupOptions::default()
            .transport(match config.transport {
                Transport::Tcp => Carrier::Tcp(TcpTransportOptions::default()),
                Transport::Udp => Carrier::Udp(UdpTransportOptions::default()),
            })
            .frame_format(FrameFormat::MP4)
    };
    session.setup(stream, carried()).await.map_err(|e| {
        match (e.status_code(), config.transport) {
            (Some(461), Transport::Udp) => (
                Ended::Unsupported,
                "the camera does not send over UDP; transport = \"tcp\" may do".into(),
            ),
            (Some(461), Transport::Tcp) => (
                Ended::Unsupported,
                "the camera does not send within its RTSP connection; transport = \"udp\" may do"
                    .into(),
            ),
            _ => fail(e),
        }
    })?;
    if config.timelapse.as_ref().is_some_and(|t| t.event.is_some()) {
        listen(camera, reports, &mut session).await;
    }
    let sound = match &config.sound {
        Some(_) => sounding(camera, reports, &mut session, carried()).await,
        None => None,
    };
    let session = session.play(PlayOptions::default()).await.map_err(fail)?;
    let demuxed = session.demuxed().map_err(fail)?;
    Ok((demuxed, stream, sound))
}

/// Asks for the camera's sound too. Without it the pictures are recorded all the same.
async fn sounding(
    camera: &Shared,
    reports: &Sender<Report>,
    session: &mut Session<Described>,
    options: SetupOptions,
) -> Option<Sounding> {
    let streams = session.streams();
    let audio = |s: &Stream| s.media() == "audio";
    let aac = streams
        .iter()
        .position(|s| audio(s) && s.encoding_name() == "mpeg4-generic");
    let offered: Vec<&str> = streams
        .iter()
        .filter(|s| audio(s))
        .map(|s| s.encoding_name())
        .collect();
    let set_up = match aac {
        None if offered.is_empty() => Err("the camera offers no sound".to_owned()),
        None => Err(format!(
            "the camera's sound is not AAC but {}",
            offered.join(", ")
        )),
        Some(stream) => match session.setup(stream, options).await {
            Err(e) => Err(first_line(&e)),
            Ok(()) => Sounding::new(stream, session.streams().get(stream)),
        },
    };
    let _ = reports.send(Report::Sound {
        cam: camera.index,
        heard: set_up.as_ref().map(|s| s.about.rate).map_err(Clone::clone),
    });
    set_up.ok()
}

/// Asks for the camera's events too. Without them it is recorded all the same.
async fn listen(camera: &Shared, reports: &Sender<Report>, session: &mut Session<Described>) {
    let metadata =
        |s: &Stream| s.media() == "application" && s.encoding_name() == "vnd.onvif.metadata";
    let failed = match session.streams().iter().position(metadata) {
        None => Some("it offers no ONVIF metadata stream".to_owned()),
        Some(stream) => {
            let set_up = session.setup(stream, SetupOptions::default()).await;
            set_up.err().map(|e| first_line(&e))
        }
    };
    let _ = reports.send(Report::Events {
        cam: camera.index,
        failed,
    });
}

/// Sound that is being recorded.
pub(crate) struct Sounding {
    pub(crate) stream: usize,
    pub(crate) about: footage::mp4::Sound,
    /// Its RTP time is its own.
    pub(crate) anchor: Anchor,
}

impl Sounding {
    fn new(stream: usize, described: Option<&Stream>) -> Result<Self, String> {
        let Some(ParametersRef::Audio(about)) = described.and_then(|s| s.parameters()) else {
            return Err("the camera does not say how its sound is encoded".into());
        };
        let entry = about.mp4_sample_entry().build();
        let about = footage::mp4::Sound {
            rate: about.clock_rate(),
            entry: entry.map_err(|e| first_line(&e))?,
        };
        Ok(Self {
            stream,
            about,
            anchor: Anchor::default(),
        })
    }
}

pub(crate) fn read_parameters(stream: &Stream) -> Option<Parameters> {
    let Some(ParametersRef::Video(v)) = stream.parameters() else {
        return None;
    };
    let codec = match v.codec_params() {
        VideoParametersCodec::H264 { .. } => Codec::H264,
        VideoParametersCodec::H265 { .. } => Codec::H265,
        _ => return None,
    };
    let (w, h) = v.pixel_dimensions();
    Some(Parameters {
        codec,
        width: u16::try_from(w).ok()?,
        height: u16::try_from(h).ok()?,
        config: v.extra_data().to_vec(),
        sound: None,
    })
}

/// retina's errors go on about the packet; the first line says what happened.
pub(crate) fn first_line(e: &retina::Error) -> String {
    plain::words(&e.to_string())
}
