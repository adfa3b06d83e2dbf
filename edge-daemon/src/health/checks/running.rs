//! Adapter: filesystem. The running box by its own word, its clock, and the reader's socket.

use std::{io::ErrorKind, os::unix::net::UnixStream};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use shared::{
    id::CameraId,
    standing::{self, BoxState, words},
};

use super::{Line, Looked, Mark, camera::Judged};
use crate::{
    clock::{Level, Trust},
    health::status::{self, Status},
    reader::root,
};

/// The box writes its status every two seconds.
const FRESH_MS: i64 = 15_000;
/// What lines about the box as a whole begin with.
pub const BOX: &str = "box";

/// What the box says of itself.
#[derive(Clone)]
pub enum Told {
    Running(Box<Status>),
    Stopped,
    NotStarted,
    /// It says something that cannot be read: why.
    Unreadable(String),
}

impl Told {
    /// Of a box that runs.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Told::Running(status) => Some(status),
            _ => None,
        }
    }
}

pub fn told(looked: &Looked) -> Told {
    let file = looked.state.status();
    match status::read(&file) {
        Ok(s) if (looked.now.wall.0 - s.t.0).abs() < FRESH_MS && lives(s.pid) => {
            Told::Running(Box::new(s))
        }
        Ok(_) => Told::Stopped,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let logs = looked.state.logs();
            match super::log::newest(&logs) {
                Some(_) => Told::Stopped,
                None => Told::NotStarted,
            }
        }
        Err(e) => Told::Unreadable(format!("{}: {e}", file.display())),
    }
}

/// A box that was stopped in order has said a moment ago how it was.
fn lives(pid: u32) -> bool {
    let Ok(pid) = i32::try_from(pid) else {
        return false;
    };
    kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}

pub fn check(looked: &Looked, told: &Told, cameras: &[Judged]) -> Vec<Line> {
    let mut lines = vec![itself(told, cameras)];
    if let Some(s) = told.status() {
        // A camera's own faults stand with it.
        let listed = |cam: &CameraId| cameras.iter().any(|c| c.camera.id == *cam);
        let faults = s.standing_faults().into_iter();
        let own = faults.filter(|f| !f.cam.as_ref().is_some_and(listed));
        lines.extend(own.map(|f| Line::fault(BOX.into(), &f, &looked.config.zone)));
    }
    lines.push(clock(looked, told.status()));
    lines.push(reader(looked, told));
    lines.extend(root_key(looked));
    lines
}

/// Whether it runs, and how many cameras it records, and which not.
fn itself(told: &Told, cameras: &[Judged]) -> Line {
    let state = match told {
        Told::Running(_) => BoxState::Running,
        Told::Stopped => BoxState::Stopped,
        Told::NotStarted => BoxState::NotStarted,
        Told::Unreadable(why) => {
            return Line {
                mark: Mark::Unknown,
                what: BOX.into(),
                code: None,
                text: format!("whether it runs cannot be told: {why}"),
                next: Some(
                    "Run beadle-edge doctor, of the version that runs, as root or as somebody of group beadle-maintain (usermod -aG beadle-maintain NAME, then sign in again).",
                ),
            };
        }
    };
    let cameras: Vec<_> = cameras
        .iter()
        .map(|c| (&c.camera.id, &c.standing))
        .collect();
    // Its own faults have lines of their own.
    let judged = standing::r#box(state, &cameras, &[], None);
    let said = words::r#box(&judged, None, &shared::time::Zone::utc());
    let text = match state {
        BoxState::Running => format!("runs, {}", said.text),
        _ => said.text,
    };
    Line {
        mark: match state {
            BoxState::Running if judged.down.is_empty() => Mark::Good,
            _ => judged.mark,
        },
        what: BOX.into(),
        code: judged.code,
        text,
        next: said.next,
    }
}

/// It may run and yet have no keys: the TPM does not answer, for instance. The running box knows.
fn reader(looked: &Looked, told: &Told) -> Line {
    let socket = looked.state.reader_socket();
    if let Err(e) = UnixStream::connect(&socket) {
        // Whoever may not knock hears what the running box says of it.
        if e.kind() == ErrorKind::PermissionDenied {
            return by_the_box(told);
        }
        if matches!(told, Told::NotStarted) {
            return Line::unstarted("reader", "it is started with the box");
        }
        let why = format!("{}: {e}", socket.display());
        return Line::wrong("reader", "reader.absent", why);
    }
    match reader_fault(told) {
        Some(why) => Line::wrong("reader", "reader.absent", why),
        None => Line::good("reader", "runs"),
    }
}

fn reader_fault(told: &Told) -> Option<&str> {
    let faults = &told.status()?.faults;
    let fault = faults.iter().find(|f| f.code == "reader.absent")?;
    Some(&fault.detail)
}

fn by_the_box(told: &Told) -> Line {
    match (told.status(), reader_fault(told)) {
        (Some(_), Some(why)) => Line::wrong("reader", "reader.absent", why),
        (Some(_), None) => Line::good("reader", "runs, by the box's word"),
        (None, _) => Line {
            mark: Mark::Unknown,
            what: "reader".into(),
            code: None,
            text: "was not looked at, which takes root's rights".into(),
            next: None,
        },
    }
}

/// Where the root key is, and what deletion is worth by that; nothing before the reader's first start.
fn root_key(looked: &Looked) -> Option<Line> {
    let told = root::told(&looked.state.public())?;
    let text = told.in_words();
    Some(if told.short_of_wish() {
        Line {
            mark: Mark::Amber,
            what: "root key".into(),
            code: None,
            text,
            next: Some(
                "systemctl stop beadle-reader; beadle-edge reader --move-root tpm; systemctl start beadle-reader",
            ),
        }
    } else {
        Line::good("root key", text)
    })
}

fn clock(looked: &Looked, running: Option<&Status>) -> Line {
    // The running box also knows what the hub's clock says.
    let kernel = Trust::new().state(looked.now);
    match (kernel.level, running.map(|s| s.clock.as_str())) {
        (Level::Synced, _) => Line::good(
            "clock",
            format!(
                "{}, synchronised, within {} ms",
                looked.now.wall,
                kernel.err_us / 1000
            ),
        ),
        (_, Some(said @ ("synced" | "holdover"))) => Line::good(
            "clock",
            format!("{}, {said} by the hub's countersignatures", looked.now.wall),
        ),
        _ => Line::wrong(
            "clock",
            "clock.unsynced",
            format!("it says {}", looked.now.wall),
        ),
    }
}
