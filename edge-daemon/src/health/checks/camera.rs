//! Adapter: retina. How a camera stands, by the running box's own word; a camera of which the box has nothing is asked what it offers,
//! and nothing is started.
//!
//! A camera that is connected is never asked: some have room for one session only. Nor is one that refuses the password: another wrong
//! one may lock the account.

use std::time::Duration;

use retina::client::{Credentials, Session, SessionOptions};
use shared::{
    standing::{self, CameraStanding, CameraState, Flow, Mark, words},
    wire::Fault,
};
use tokio::{net::TcpStream, time::timeout};

use super::{Line, Looked, running::Told};
use crate::{
    capture::connect::first_line,
    config::{Camera, Config},
    health::status::Status,
};

const CONNECT: Duration = Duration::from_secs(4);
const ANSWER: Duration = Duration::from_secs(8);

/// A camera of the configuration, as the running box speaks of it.
#[derive(Clone)]
pub struct Judged {
    pub camera: Camera,
    /// None: the box says nothing of it.
    flow: Option<Flow>,
    pub standing: CameraStanding,
}

/// All cameras of the configuration, worst first.
pub fn judged(config: &Config, status: Option<&Status>) -> Vec<Judged> {
    let faults: Vec<Fault> = status.map_or_else(Vec::new, Status::standing_faults);
    let one = |camera: &Camera| {
        let told = status.and_then(|s| s.cameras.iter().find(|c| c.cam == camera.id));
        let flow = told.map(|c| c.flow.clone());
        Judged {
            standing: standing::camera(&camera.id, flow.as_ref(), &faults, None),
            camera: camera.clone(),
            flow,
        }
    };
    let mut all: Vec<Judged> = config.cameras.iter().map(one).collect();
    all.sort_by_cached_key(|j| {
        (
            standing::order(&j.standing, j.flow.as_ref()),
            j.camera.id.clone(),
        )
    });
    all
}

pub fn check(looked: &Looked, judged: &Judged, told: &Told) -> Vec<Line> {
    let what = format!("camera {}", judged.camera.id);
    let Some(flow) = &judged.flow else {
        return vec![unknown_to_the_box(what, &judged.camera, told)];
    };
    let now = looked.now.wall;
    let said = words::camera(&judged.standing, Some(flow), now, &looked.config.zone);
    let mut text = format!("{}, {}", said.word, said.text);
    if may_ask(judged) {
        let answer = match ask(&judged.camera) {
            Ok(offers) => format!("answers at {}, offers {offers}", at(&judged.camera)),
            Err((_, why)) => why,
        };
        text += &format!("; asked just now: {answer}");
    }
    let mut lines = vec![Line {
        mark: judged.standing.mark,
        what: what.clone(),
        code: judged.standing.cause.as_ref().map(|f| f.code.clone()),
        text,
        next: said.next,
    }];
    let others = judged.standing.others.iter();
    lines.extend(others.map(|f| Line::fault(what.clone(), f, &looked.config.zone)));
    lines
}

/// Of a camera that the box has nothing of; what it refused before is not tried again.
fn may_ask(judged: &Judged) -> bool {
    let refused = |f: &Fault| {
        ["camera.password", "camera.login", "camera.certificate"].contains(&f.code.as_str())
    };
    let connected = judged.flow.as_ref().is_some_and(|f| f.connected);
    judged.standing.state == CameraState::NotRecording
        && !connected
        && !judged.standing.cause.as_ref().is_some_and(refused)
}

/// The box does not run, or runs with another configuration.
fn unknown_to_the_box(what: String, camera: &Camera, told: &Told) -> Line {
    if told.status().is_some() {
        return Line {
            mark: Mark::Red,
            what,
            code: None,
            text: "is in the configuration, but the box was started without it: it is not recorded"
                .into(),
            next: Some("systemctl restart beadle-edge"),
        };
    }
    match ask(camera) {
        Ok(offers) => Line::good(what, format!("answers at {}, offers {offers}", at(camera))),
        Err((code, why)) => Line::wrong(what, code, why),
    }
}

/// No more of its address than anybody may read.
fn at(camera: &Camera) -> String {
    format!(
        "{}:{}",
        camera.url.host_str().unwrap_or(""),
        camera.url.port().unwrap_or(554)
    )
}

/// What it offers; or the condition it is, and why.
fn ask(camera: &Camera) -> Result<String, (&'static str, String)> {
    let unreachable = |why: String| ("camera.unreachable", why);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| unreachable(e.to_string()))?;
    runtime.block_on(async {
        // Whether anything is there at all is found out apart: whatever goes wrong after is an answer, however odd.
        match timeout(CONNECT, TcpStream::connect(at(camera))).await {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return Err(unreachable(format!("{}: {e}", at(camera)))),
            Err(_) => {
                return Err(unreachable(format!(
                    "{} takes no connection within {} s",
                    at(camera),
                    CONNECT.as_secs()
                )));
            }
        }
        match timeout(ANSWER, describe(camera)).await {
            Ok(answer) => answer,
            Err(_) => Err(unreachable(format!(
                "{} takes the connection, but gives no answer within {} s",
                at(camera),
                ANSWER.as_secs()
            ))),
        }
    })
}

async fn describe(camera: &Camera) -> Result<String, (&'static str, String)> {
    let creds = camera.username.as_ref().map(|username| Credentials {
        username: username.clone(),
        password: camera
            .password
            .as_ref()
            .map_or(String::new(), |p| p.reveal().to_owned()),
    });
    let unknown = creds.as_ref().is_some_and(|c| c.password.is_empty());
    let options = SessionOptions::default()
        .creds(creds)
        .user_agent("beadle doctor".into());
    let session = Session::describe(camera.url.clone(), options)
        .await
        .map_err(|e| {
            let at = at(camera);
            match e.status_code() {
                Some(401 | 403) if unknown => (
                    "camera.password",
                    format!("{at} answers, but its password is only there while the recorder runs: run doctor as root then"),
                ),
                Some(401) if camera.username.is_none() => (
                    "camera.password",
                    format!("{at} asks for a user name and password"),
                ),
                Some(401 | 403) => ("camera.password", format!("{at} refuses it")),
                Some(404 | 454) => (
                    "camera.address",
                    format!("{at} answers, but has nothing at the path of its address"),
                ),
                _ => ("camera.answer", format!("{at}: {}", first_line(&e))),
            }
        })?;
    let offers: Vec<String> = session
        .streams()
        .iter()
        .map(|s| format!("{} {}", s.media(), s.encoding_name()))
        .collect();
    if session
        .streams()
        .iter()
        .any(|s| s.media() == "video" && matches!(s.encoding_name(), "h264" | "h265"))
    {
        Ok(offers.join(", "))
    } else {
        Err((
            "camera.unsupported",
            format!(
                "it offers {}",
                if offers.is_empty() {
                    "nothing".into()
                } else {
                    offers.join(", ")
                }
            ),
        ))
    }
}
