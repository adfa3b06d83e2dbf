//! Adapter: network. How a camera stands, by the running box's own word; a camera of which the box has nothing is asked what it offers,
//! and nothing is started.
//!
//! A camera that is connected is never asked: some have room for one session only. Nor is one that refuses the password: another wrong
//! one may lock the account.

use std::time::Duration;

use shared::{
    standing::{self, CameraStanding, CameraState, Flow, Mark, words},
    wire::Fault,
};
use tokio::time::timeout;

use super::{Line, Looked, running::Told};
use crate::{
    capture::{
        relay::{self, Asked, grouped, known::Known},
        session::{Ended, Outcome},
    },
    config::{Camera, Config, PasswordSource, load},
    health::status::Status,
};

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
        return vec![unknown_to_the_box(looked, what, &judged.camera, told)];
    };
    let now = looked.now.wall;
    let said = words::camera(&judged.standing, Some(flow), now, &looked.config.zone);
    let mut text = format!("{}, {}", said.word, said.text);
    let status = told.status();
    let shown = status.and_then(|s| s.cameras.iter().find(|c| c.cam == judged.camera.id));
    text += &shown.map_or(String::new(), |c| c.by_the_relay());
    text += &certificate(looked, &judged.camera);
    if may_ask(judged) && !looked.hidden() {
        let answer = match ask(looked, &judged.camera) {
            Ok(offers) => format!("answers at {}, offers {offers}", at(&judged.camera)),
            Err((_, why)) => format!("{}: {why}", at(&judged.camera)),
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
        [
            "camera.password",
            "camera.password-file",
            "camera.login",
            "camera.certificate",
        ]
        .contains(&f.code.as_str())
    };
    let connected = judged.flow.as_ref().is_some_and(|f| f.connected);
    judged.standing.state == CameraState::NotRecording
        && !connected
        && !judged.standing.cause.as_ref().is_some_and(refused)
}

/// The box does not run, or runs with another configuration.
fn unknown_to_the_box(looked: &Looked, what: String, camera: &Camera, told: &Told) -> Line {
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
    if looked.hidden() {
        return Line {
            mark: Mark::Unknown,
            what,
            code: None,
            text: "was not asked, which takes root's rights".into(),
            next: None,
        };
    }
    if let Some(source @ PasswordSource::File(_)) = &camera.password_from
        && let Err(why) = load::password(source)
    {
        return Line::wrong(what, "camera.password-file", why);
    }
    match ask(looked, camera) {
        Ok(offers) => Line::good(
            what,
            format!(
                "answers at {}, offers {offers}{}",
                at(camera),
                certificate(looked, camera)
            ),
        ),
        Err((how, why)) => Line::wrong(
            what,
            how.condition().unwrap_or("camera.unreachable"),
            format!("{}: {why}", at(camera)),
        ),
    }
}

/// No more of its address than anybody may read.
fn at(camera: &Camera) -> String {
    format!("{}:{}", camera.url.host(), camera.url.port())
}

/// How an `rtsps://` camera is known.
fn certificate(looked: &Looked, camera: &Camera) -> String {
    let known = known_by(camera, &Known::still(looked.state.cameras()));
    let known = known.unwrap_or_else(Some);
    known.map_or(String::new(), |k| format!("; {k}"))
}

/// What it offers. It is asked as the recorder asks it, and nothing is remembered of it.
fn ask(looked: &Looked, camera: &Camera) -> Result<String, Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| (Ended::Unreachable, e.to_string()))?;
    let asked = Asked {
        camera: camera.clone(),
        password: camera.password.clone(),
        known: Known::still(looked.state.cameras()),
        wall: looked.now.wall,
    };
    let offers = runtime.block_on(async { timeout(ANSWER, relay::offers(&asked)).await });
    let offers = offers.unwrap_or_else(|_| {
        let none = format!("no answer within {} s", ANSWER.as_secs());
        Err((Ended::Unreachable, none))
    });
    let password = camera.password.as_ref();
    match offers {
        Err((Ended::Password, _)) if password.is_some_and(|p| p.reveal().is_empty()) => Err((
            Ended::Password,
            "it answers, but its password is only there while the recorder runs: run doctor as root then".into(),
        )),
        Ok(offers) if !offers.iter().any(|o| o == "video h264" || o == "video h265") => {
            Err((Ended::Unsupported, format!("it offers {}", offers.join(", "))))
        }
        offers => offers.map(|o| o.join(", ")),
    }
}

/// How an `rtsps://` camera is known, for people.
///
/// # Errors
/// In words: what is configured, or what is remembered, cannot be read.
pub fn known_by(camera: &Camera, known: &Known) -> Result<Option<String>, String> {
    if !camera.url.tls() {
        return Ok(None);
    }
    if let Some(path) = &camera.tls_ca {
        relay::tls::roots(path)?;
        return Ok(Some(format!(
            "certificate vouched for by {}",
            path.display()
        )));
    }
    let memory = known
        .read(&camera.id)
        .map_err(|e| format!("what the box remembers of its certificate cannot be read: {e}"))?;
    let accepted = memory.accepted.map_or_else(
        || "certificate: the first one it shows is kept".to_owned(),
        |a| format!("certificate {} kept since {}", grouped(&a.sha256), a.at),
    );
    Ok(Some(match memory.refused {
        None => accepted,
        Some(r) => format!(
            "{accepted}; it showed another ({}), and gets no session until that is accepted: beadle-edge camera accept {}",
            grouped(&r.sha256),
            camera.id
        ),
    }))
}
