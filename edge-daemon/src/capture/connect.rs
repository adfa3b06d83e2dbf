//! Adapter: retina (RTSP). From DESCRIBE to PLAY: what a camera offers, what of it is asked for, and why it was not to be had.
//!
//! RTP over the RTSP connection (TCP), or over UDP where the configuration says so; the first video stream, H.264 or H.265.
//! Sound (AAC) only where the configuration gives a reason for it; else it is not even asked for. Where events of the camera's switch it to real time, its metadata stream too.
use std::{
    rc::Rc,
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use footage::mp4::{Codec, Parameters};
use retina::{
    client::{
        Credentials, Described, InitialSequenceNumberPolicy, InitialTimestampPolicy, PlayOptions,
        Session, SessionIdPolicy, SessionOptions, SetupOptions, Stream, TcpTransportOptions,
        TeardownPolicy, Transport as Carrier, UdpTransportOptions, UnassignedChannelDataPolicy,
        UnknownRtcpSsrcPolicy,
    },
    codec::{FrameFormat, ParametersRef, VideoParametersCodec},
};

use crate::{
    capture::farewell::{Farewell, Playback},
    capture::plain,
    capture::relay::{self, Asked, Progress},
    capture::session::{Ended, FAREWELL_MS, Outcome, refusal},
    capture::thread::Turn,
    capture::way::Way,
    recording::recorder::Shared,
    recording::report::Report,
};
use crate::{
    config::{Secret, Transport},
    segment::anchor::Anchor,
};

/// How one session reaches its camera.
pub(crate) struct Line {
    pub(crate) camera: Arc<Shared>,
    pub(crate) password: Option<Secret>,
    pub(crate) way: Way,
    pub(crate) turn: Rc<Turn>,
    pub(crate) farewell: Rc<Farewell>,
    pub(crate) known: relay::known::Known,
    pub(crate) wall: shared::time::Utc,
    /// What the relay tells of its work.
    pub(crate) progress: Rc<Progress>,
}

impl Line {
    /// Packets that come from another port than the camera announced are not seen: retina's sockets take none but its own.
    pub(crate) fn unseen(&self) -> bool {
        self.beside()
    }

    /// retina takes packets beside the connection; from the relay it takes them within.
    pub(crate) fn beside(&self) -> bool {
        self.way == Way::Direct && self.camera.config.transport == Transport::Udp
    }

    /// The relay knows better than retina, and by kind, why it could not go on.
    fn failed(&self, e: &retina::Error) -> Outcome {
        let told = self.progress.outcome();
        told.unwrap_or_else(|| (refusal(e.status_code()), first_line(e)))
    }
}

/// A camera that plays.
pub(crate) struct Playing {
    pub(crate) demuxed: Playback,
    /// Which of its streams the pictures are.
    pub(crate) stream: usize,
    pub(crate) sound: Option<Sounding>,
}

/// Why it does not.
struct Failed {
    outcome: Outcome,
    /// It was asked to play more than its pictures, and failed over that.
    more: bool,
}

impl From<Outcome> for Failed {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            more: false,
        }
    }
}

/// What is asked for beside the pictures, and what came of it.
#[derive(Default)]
struct Beside {
    sound: Option<Result<Sounding, String>>,
    events: Option<Result<(), String>>,
}

/// Asks the camera until it plays. Where its sound or its events are in the way of that it is asked once more, for its pictures alone.
pub(crate) async fn connect(line: &Line, reports: &Sender<Report>) -> Result<Playing, Outcome> {
    let config = &line.camera.config;
    let events = config.timelapse.as_ref().is_some_and(|t| t.event.is_some());
    let more = config.sound.is_some() || events;
    let (playing, beside) = match session(line, more).await {
        Err(Failed {
            outcome: (_, why),
            more: true,
        }) => {
            tracing::warn!(camera = %line.camera.id(), %why, "the camera does not play all that was asked for; asked for its pictures alone");
            // A camera with room for one session only is to hear that the first is over.
            let patience = Duration::from_millis(FAREWELL_MS);
            let _ = tokio::time::timeout(patience, line.farewell.said()).await;
            let (playing, _) = session(line, false).await.map_err(|f| f.outcome)?;
            let beside = Beside {
                sound: config.sound.is_some().then(|| Err(why.clone())),
                events: events.then_some(Err(why)),
            };
            (playing, beside)
        }
        other => other.map_err(|f| f.outcome)?,
    };
    let cam = line.camera.index;
    if let Some(events) = beside.events {
        let _ = reports.send(Report::Events {
            cam,
            failed: events.err(),
        });
    }
    let mut playing = playing;
    if let Some(sound) = beside.sound {
        let heard = sound.as_ref().map(|s| s.about.rate).map_err(Clone::clone);
        let _ = reports.send(Report::Sound { cam, heard });
        playing.sound = sound.ok();
    }
    Ok(playing)
}

/// One session, from DESCRIBE to PLAY. `more`: sound and events too, where the configuration wants them.
async fn session(line: &Line, more: bool) -> Result<(Playing, Beside), Failed> {
    let config = &line.camera.config;
    let options = SessionOptions::default()
        .teardown(TeardownPolicy::Auto)
        .session_id(SessionIdPolicy::UseFirst)
        .unassigned_channel_data(UnassignedChannelDataPolicy::Ignore)
        .user_agent("beadle".into());
    let (url, options) = match line.way {
        Way::Direct => {
            let filled = config
                .url
                .filled(config.username.as_deref(), line.password.as_ref());
            let filled = filled.map_err(|e| (Ended::Answer, e.to_string()))?;
            let creds = config.username.as_ref().map(|username| Credentials {
                username: username.clone(),
                password: line
                    .password
                    .as_ref()
                    .map_or(String::new(), |p| p.reveal().to_owned()),
            });
            (filled.reveal().clone(), options.creds(creds))
        }
        Way::Relay => {
            let asked = Asked {
                camera: config.clone(),
                password: line.password.clone(),
                known: line.known.clone(),
                wall: line.wall,
            };
            let (turn, progress) = (line.turn.clone(), line.progress.clone());
            let url = relay::begin(asked, turn, line.camera.clone(), progress).await;
            let why = |e: std::io::Error| (Ended::Lost, format!("the relay cannot begin: {e}"));
            (url.map_err(why)?, options)
        }
    };
    let port = url.port().unwrap_or(config.url.port());
    let described = Session::describe(url, options);
    let mut session =
        line.farewell
            .knowing(port, described)
            .await
            .map_err(|e| match e.status_code() {
                Some(401) if config.username.is_none() => (
                    Ended::Password,
                    "the camera asks for a user name and password".into(),
                ),
                _ => line.failed(&e),
            })?;
    let set_up = set_up(line, &mut session, more).await;
    let (stream, asked, beside) = match set_up {
        Ok(done) => done,
        Err(e) => {
            line.farewell.apart(|| drop(session));
            return Err(e.into());
        }
    };
    let failed = |e: retina::Error| Failed {
        outcome: line.failed(&e),
        more: asked,
    };
    // Nothing that a camera says of its first packets is needed: they say it themselves.
    let options = PlayOptions::default()
        .initial_timestamp(InitialTimestampPolicy::Ignore)
        .initial_seq(InitialSequenceNumberPolicy::Ignore)
        .unknown_rtcp_ssrc(UnknownRtcpSsrcPolicy::ProcessPackets);
    // Where it does not play, retina ends the session at once.
    let playing = line.farewell.within(line.beside(), session.play(options));
    let playing = playing.await;
    let playing = playing.map_err(failed)?;
    let demuxed = line.farewell.apart(|| playing.demuxed()).map_err(failed)?;
    let playing = Playing {
        demuxed: Playback::new(demuxed, line.farewell.clone()),
        stream,
        sound: None,
    };
    Ok((playing, beside))
}

/// Asks for the camera's pictures, and for what is wanted beside them. Which of its streams the pictures are, and whether it was asked
/// for more.
async fn set_up(
    line: &Line,
    session: &mut Session<Described>,
    more: bool,
) -> Result<(usize, bool, Beside), Outcome> {
    let config = &line.camera.config;
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
    let carrier = || match (line.way, config.transport) {
        (Way::Direct, Transport::Udp) => Carrier::Udp(UdpTransportOptions::default()),
        // The relay takes them over UDP, and passes them on within its connection.
        _ => Carrier::Tcp(TcpTransportOptions::default()),
    };
    let carried = || {
        SetupOptions::default()
            .transport(carrier())
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
            _ => line.failed(&e),
        }
    })?;
    let mut beside = Beside::default();
    // A camera that was asked for more may have had enough with that, and say so only when it is to play.
    let mut asked = false;
    if more && config.timelapse.as_ref().is_some_and(|t| t.event.is_some()) {
        let options = SetupOptions::default().transport(carrier());
        beside.events = Some(listen(session, options, &mut asked).await);
    }
    if more && config.sound.is_some() {
        beside.sound = Some(sounding(session, carried(), &mut asked).await);
    }
    Ok((stream, asked, beside))
}

/// Asks for the camera's sound too. Without it the pictures are recorded all the same.
async fn sounding(
    session: &mut Session<Described>,
    options: SetupOptions,
    asked: &mut bool,
) -> Result<Sounding, String> {
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
    match aac {
        None if offered.is_empty() => Err("the camera offers no sound".to_owned()),
        None => Err(format!(
            "the camera's sound is not AAC but {}",
            offered.join(", ")
        )),
        // What cannot be told apart is not asked for at all: with it the camera's pictures could not be played either.
        Some(stream) => match Sounding::new(stream, session.streams().get(stream)) {
            Err(why) => Err(why),
            Ok(sounding) => {
                *asked = true;
                match session.setup(stream, options).await {
                    Err(e) => Err(first_line(&e)),
                    Ok(()) => Ok(sounding),
                }
            }
        },
    }
}

/// Asks for the camera's events too. Without them it is recorded all the same.
async fn listen(
    session: &mut Session<Described>,
    options: SetupOptions,
    asked: &mut bool,
) -> Result<(), String> {
    let metadata =
        |s: &Stream| s.media() == "application" && s.encoding_name() == "vnd.onvif.metadata";
    match session.streams().iter().position(metadata) {
        None => Err("it offers no ONVIF metadata stream".to_owned()),
        Some(stream) => {
            *asked = true;
            let set_up = session.setup(stream, options).await;
            set_up.map_err(|e| first_line(&e))
        }
    }
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
