//! Wiring. The checks behind `beadle-edge doctor`: each apart, all at once, each with its own time limit. They work whether or
//! not the box runs, and change nothing.
//!
//! | file | what |
//! |---|---|
//! | [`camera`] | does it answer, does it take the password, does it offer what is recorded |
//! | [`disks`] | labels, errors, free space |
//! | [`hub`] | link and certificate |
//! | [`masks`] | how many the box paints, and how many it could |
//! | [`log`] | does the log on disk agree with its newest signed head |
//! | [`running`] | the box itself, its clock, the reader, and the faults it knows of |
use std::{
    sync::Arc,
    sync::mpsc,
    time::{Duration, Instant},
};

use serde::Serialize;
use shared::{
    conditions::{self, Severity},
    time::Now,
};

use crate::{config::Config, state::State};

mod camera;
mod disks;
mod hub;
mod log;
mod masks;
mod running;

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    Good,
    Warning,
    Bad,
}

impl Mark {
    pub fn sign(self) -> char {
        match self {
            Mark::Good => '✓',
            Mark::Warning => '!',
            Mark::Bad => '✗',
        }
    }
}

/// One line of doctor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub mark: Mark,
    /// What was looked at: `camera c03`, `disk /srv/…`, `hub`.
    pub what: String,
    /// A code of [`conditions`], where something is wrong.
    pub code: Option<&'static str>,
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

    /// Something wrong: how bad it is and what to do next stand in the table of conditions.
    pub fn wrong(
        what: impl Into<String>,
        code: &'static str,
        detail: impl std::fmt::Display,
    ) -> Self {
        let known = conditions::condition(code);
        let mark = match known.map(|c| c.severity) {
            Some(Severity::Info | Severity::Warning) => Mark::Warning,
            _ => Mark::Bad,
        };
        let title = known.map_or(code, |c| c.title);
        Self {
            mark,
            what: what.into(),
            code: Some(code),
            text: format!("{title}: {detail}"),
            next: known.map(|c| c.next),
        }
    }
}

/// What checks may look at.
#[derive(Clone)]
pub struct Looked {
    pub config: Arc<Config>,
    pub state: State,
    pub now: Now,
}

type Check = Box<dyn FnOnce(&Looked) -> Vec<Line> + Send>;

/// Runs every check at once; a check that takes longer than `limit` is said to have.
pub fn run(looked: &Looked, limit: Duration) -> Vec<Line> {
    let mut checks: Vec<(String, Check)> = vec![("box".into(), Box::new(running::check))];
    for (i, c) in looked.config.cameras.iter().enumerate() {
        checks.push((
            format!("camera {}", c.id),
            Box::new(move |l| camera::check(&l.config.cameras[i])),
        ));
    }
    checks.push(("disks".into(), Box::new(disks::check)));
    checks.push(("hub".into(), Box::new(hub::check)));
    checks.push(("masks".into(), Box::new(masks::check)));
    checks.push(("log".into(), Box::new(log::check)));
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
            mark: Mark::Bad,
            what: name.clone(),
            code: None,
            text,
            next: Some("Run doctor again; if it stays, that part does not answer at all."),
        }]
    };
    lines
        .into_iter()
        .zip(&names)
        .flat_map(|(found, name)| found.unwrap_or_else(|| late(name)))
        .collect()
}
