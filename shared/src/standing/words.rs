//! Pure. Sentences made of a judgement: the same at the box and at the hub.

use super::{BoxStanding, BoxState, CameraStanding, CameraState, Flow, Mark};
use crate::{
    conditions,
    time::{Utc, Zone},
    wire::Fault,
};

/// A judgement in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// A word or two, for a badge.
    pub word: &'static str,
    pub text: String,
    /// The next step, where there is one to take.
    pub next: Option<&'static str>,
}

/// A standing fault: its title, what was seen, since when, and its code.
pub fn fault(fault: &Fault, zone: &Zone) -> String {
    let title = conditions::condition(&fault.code).map_or("Fault", |c| c.title);
    let detail = match fault.text.is_empty() {
        true => String::new(),
        false => format!(": {}", fault.text),
    };
    format!(
        "{title}{detail} ({}, since {})",
        fault.code,
        fault.since.for_people(zone)
    )
}

/// What to do about a fault.
pub fn next_step(code: &str) -> Option<&'static str> {
    conditions::condition(code).map(|c| c.next)
}

/// `now` is the clock of the box, as of when it said so.
pub fn camera(standing: &CameraStanding, flow: Option<&Flow>, now: Utc, zone: &Zone) -> Words {
    let at = |t: Utc| t.for_people(zone);
    let landed = match flow.and_then(|f| f.landed) {
        Some(t) => format!("last picture landed {}", at(t)),
        None => "no picture has landed yet".to_owned(),
    };
    let mut parts = Vec::new();
    let word = match (standing.state, standing.mark) {
        (CameraState::Recording, Mark::Good) => {
            parts.push(landed);
            "recording"
        }
        (CameraState::Recording, _) => {
            parts.push(landed);
            "recording, with a fault"
        }
        (CameraState::Starting, _) => {
            parts.push(landed);
            "starting"
        }
        (CameraState::Unknown, _) => {
            parts.push(match standing.silent_since {
                Some(t) => format!("its box is silent since {}", at(t)),
                None => "its box has not said yet how it is".to_owned(),
            });
            if flow.is_some() {
                parts.push(format!("as it last said: {landed}"));
            }
            "unknown"
        }
        (CameraState::NotRecording, _) => {
            let flow = flow.cloned().unwrap_or_default();
            parts.push(match (flow.landed, flow.down_since) {
                (Some(t), _) => format!("nothing recorded since {}", at(t)),
                (None, Some(t)) => format!("nothing recorded since the box began at {}", at(t)),
                (None, None) => landed,
            });
            "not recording"
        }
    };
    if let Some(cause) = &standing.cause {
        parts.push(fault(cause, zone));
    }
    if standing.state == CameraState::NotRecording {
        let flow = flow.cloned().unwrap_or_default();
        if standing.cause.is_none() {
            parts.push("why is not known yet".into());
        }
        parts.push(match flow.next_try {
            _ if flow.connected => "connected".into(),
            Some(t) if t > now => format!(
                "tried again in {} ({})",
                crate::time::length_in_words(t.0 - now.0),
                at(t)
            ),
            _ => "the box keeps trying".into(),
        });
    }
    let code = standing.cause.as_ref().map(|c| c.code.as_str());
    Words {
        word,
        text: parts.join("; "),
        next: code.and_then(next_step),
    }
}

/// How a box is.
pub fn r#box(standing: &BoxStanding, last_seen: Option<Utc>, zone: &Zone) -> Words {
    let seen = match last_seen {
        Some(t) => format!("last heard of {}", t.for_people(zone)),
        None => "not heard of yet".to_owned(),
    };
    let (word, text) = match (standing.state, standing.mark) {
        (BoxState::Running, Mark::Good) => ("running", recording(standing)),
        (BoxState::Running, Mark::Red) if standing.down.is_empty() => {
            ("serious fault", recording(standing))
        }
        (BoxState::Running, Mark::Red) => ("not recording all", recording(standing)),
        (BoxState::Running, Mark::Unknown) => ("starting", recording(standing)),
        (BoxState::Running, Mark::Amber) => ("running, with faults", recording(standing)),
        (BoxState::Unheard, _) => (
            "unknown",
            "on the line; it has not said yet how it is".into(),
        ),
        (BoxState::Silent, _) => (
            "unknown",
            format!("silent, {seen}: whether it records is not known"),
        ),
        (BoxState::Stopped, _) => ("stopped", "does not run: nothing is recorded".into()),
        (BoxState::NotStarted, _) => (
            "not started",
            "has not been started yet: nothing is recorded".into(),
        ),
        (BoxState::NotEnrolled, _) => (
            "not enrolled",
            "waiting for the box to show its one-time code".into(),
        ),
        (BoxState::LogRefused, _) => (
            "log refused",
            format!("its log is not countersigned any more; {seen}"),
        ),
        (BoxState::Revoked, _) => ("revoked", "this hub refuses it".into()),
    };
    let next = match standing.state {
        // The cameras have causes of their own, and those have the next steps.
        BoxState::Running => None,
        _ => standing.code.as_deref().and_then(next_step),
    };
    Words { word, text, next }
}

/// How many cameras are recorded, and which are not.
pub fn recording(standing: &BoxStanding) -> String {
    let (n, all) = (standing.recording, standing.cameras);
    let cameras = if all == 1 { "camera" } else { "cameras" };
    let mut text = format!("{n} of {all} {cameras} recording");
    if !standing.down.is_empty() {
        let names: Vec<&str> = standing.down.iter().map(|c| c.as_str()).collect();
        text += &format!("; not: {}", names.join(", "));
    }
    text
}
