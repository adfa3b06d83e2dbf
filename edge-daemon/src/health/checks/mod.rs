//! Wiring. The checks behind `beadle-edge doctor`: each apart, all at once, each with its own time limit. They work whether or
//! not the box runs, and change nothing. What the running box knows of its cameras is judged by [`shared::standing`], as at the hub;
//! a camera is asked only while the box has nothing of it.
//!
//! | file | what |
//! |---|---|
//! | [`camera`] | how each stands by the box's own word; of one that is not connected: does it answer, take the password, offer what is recorded |
//! | [`disks`] | labels, errors, free space, one disk named twice |
//! | [`hub`] | link and certificate |
//! | [`masks`] | how many the box paints, and how many it could |
//! | [`name`] | does the configuration call the box what its log does |
//! | [`log`] | does the log on disk agree with its newest signed head |
//! | [`running`] | the box itself, its clock, the reader, and the faults it knows of |
use std::{
    path::PathBuf,
    sync::Arc,
    sync::mpsc,
    time::{Duration, Instant},
};

use serde::Serialize;
use shared::{
    conditions,
    standing::{self, Mark, words},
    time::{Now, Zone},
    wire::Fault,
};

use crate::{config::Config, state::State};

pub mod camera;
mod disks;
mod hub;
mod log;
mod masks;
mod name;
mod running;

/// One line of doctor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub mark: Mark,
    /// What was looked at: `camera c03`, `disk /srv/…`, `hub`.
    pub what: String,
    /// A code of [`conditions`], where something is wrong.
    pub code: Option<String>,
    pub text: String,
    /// What to do next.
    pub next: Option<&'static str>,
}

impl Line {
    pub fn good(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            mark: Mark::Good,
            what: what.into(),
            code: None,
            text: text.into(),
            next: None,
        }
    }

    /// Something that begins with the box's first start, which has not been yet.
    pub fn unstarted(what: impl Into<String>, text: impl std::fmt::Display) -> Self {
        Self {
            mark: Mark::Amber,
            what: what.into(),
            code: Some("box.unstarted".into()),
            text: format!("not started: {text}"),
            next: None,
        }
    }

    /// Something wrong: how bad it is and what to do next stand in the table of conditions.
    pub fn wrong(
        what: impl Into<String>,
        code: &'static str,
        detail: impl std::fmt::Display,
    ) -> Self {
        let known = conditions::condition(code);
        // What is worth a line of its own is not good, however small.
        let mark = known.map_or(Mark::Red, |c| Mark::of(c.severity).max(Mark::Amber));
        let title = known.map_or(code, |c| c.title);
        Self {
            mark,
            what: what.into(),
            code: Some(code.into()),
            text: format!("{title}: {detail}"),
            next: known.map(|c| c.next),
        }
    }
}

impl Line {
    /// A fault that the box has raised.
    fn fault(what: String, fault: &Fault, zone: &Zone) -> Self {
        Self {
            mark: Mark::of(standing::severity(fault)).max(Mark::Amber),
            what,
            code: Some(fault.code.clone()),
            text: words::fault(fault, zone),
            next: words::next_step(&fault.code),
        }
    }
}

/// What checks may look at.
#[derive(Clone)]
pub struct Looked {
    /// The configuration, and the file it is in.
    pub config: Arc<Config>,
    pub file: PathBuf,
    pub state: State,
    pub now: Now,
}

impl Looked {
    /// Whether the recorder's own folder opens to whoever looks: to root and the recorder's user it does.
    pub fn hidden(&self) -> bool {
        std::fs::read_dir(self.state.recorder())
            .is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
    }
}

/// Of what somebody who maintains the box may not look at nothing is said but that.
fn not_looked_at() -> Line {
    Line {
        mark: Mark::Unknown,
        what: "rest".into(),
        code: None,
        text: "disks, link, log and name were not looked at, which takes root's rights; what the running box itself knows of them stands above".into(),
        next: None,
    }
}

type Check = Box<dyn FnOnce(&Looked) -> Vec<Line> + Send>;

/// Runs every check at once; a check that takes longer than `limit` is said to have.
pub fn run(looked: &Looked, limit: Duration) -> Vec<Line> {
    let told = running::told(looked);
    let cameras = camera::judged(&looked.config, told.status());
    let mut checks: Vec<(String, Check)> = Vec::new();
    {
        let (told, cameras) = (told.clone(), cameras.clone());
        checks.push((
            "box".into(),
            Box::new(move |l| running::check(l, &told, &cameras)),
        ));
    }
    for judged in cameras {
        let told = told.clone();
        checks.push((
            format!("camera {}", judged.camera.id),
            Box::new(move |l| camera::check(l, &judged, &told)),
        ));
    }
    if looked.hidden() {
        checks.push(("rest".into(), Box::new(|_| vec![not_looked_at()])));
    } else {
        checks.push(("disks".into(), Box::new(disks::check)));
        checks.push(("hub".into(), Box::new(hub::check)));
        checks.push(("log".into(), Box::new(log::check)));
        checks.push(("name".into(), Box::new(name::check)));
    }
    checks.push(("masks".into(), Box::new(masks::check)));
    let (done, results) = mpsc::channel();
    let names: Vec<String> = checks.iter().map(|(name, _)| name.clone()).collect();
    for (at, (name, check)) in checks.into_iter().enumerate() {
        let (done, looked) = (done.clone(), looked.clone());
        // A thread that hangs on a dead disk or network is left behind; the program ends without it.
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            // Nobody listens any more once the limit has passed.
            let _ = done.send((at, check(&looked)));
        });
        if let Err(e) = spawned {
            tracing::error!(error = %e, "a check could not be run");
        }
    }
    drop(done);
    let until = Instant::now() + limit;
    let mut lines: Vec<Option<Vec<Line>>> = names.iter().map(|_| None).collect();
    while let Ok((at, found)) =
        results.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        lines[at] = Some(found);
    }
    let late = |name: &String| {
        let text = format!("the check was not done within {} s", limit.as_secs());
        vec![Line {
            mark: Mark::Red,
            what: name.clone(),
            code: None,
            text,
            next: Some("Run doctor again; if it stays, that part does not answer at all."),
        }]
    };
    let lines = lines.into_iter().zip(&names);
    let lines = lines.flat_map(|(found, name)| found.unwrap_or_else(|| late(name)));
    once(lines.collect())
}

/// A fault that the box has raised and that a check has found by itself is said once, as the check found it: it names the part.
/// What is judged of the box as a whole (`box.…`) is no fault that it raised.
fn once(mut lines: Vec<Line>) -> Vec<Line> {
    let by_checks = lines.iter().filter(|l| l.what != running::BOX);
    let found: Vec<String> = by_checks.filter_map(|l| l.code.clone()).collect();
    lines.retain(|l| {
        let raised = l.code.as_ref().filter(|c| !c.starts_with("box."));
        l.what != running::BOX || !raised.is_some_and(|c| found.contains(c))
    });
    lines
}

#[cfg(test)]
mod tests;
