//! Adapter: filesystem. The running box by its own word, its clock, and the reader's socket.

use std::os::unix::net::UnixStream;

use shared::conditions;

use super::{Line, Looked, Mark};
use crate::{
    clock::{Level, Trust},
    health::status::{self, Status},
    reader::root,
};

/// The box writes its status every two seconds.
const FRESH_MS: i64 = 15_000;

pub fn fresh(looked: &Looked) -> Option<Status> {
    status::read(&looked.state.status())
        .ok()
        .filter(|s| (looked.now.wall.0 - s.t.0).abs() < FRESH_MS)
}

pub fn check(looked: &Looked) -> Vec<Line> {
    let mut lines = Vec::new();
    let running = fresh(looked);
    match &running {
        Some(s) => {
            let recording = s.cameras.iter().filter(|c| c.recording).count();
            let text = format!("runs, {recording} of {} cameras recording", s.cameras.len());
            lines.push(if recording == s.cameras.len() { Line::good("box", text) } else { Line::wrong("box", "recording.stopped", text) });
            lines.extend(s.faults.iter().filter(|f| !seen_anyway(&f.code)).map(fault));
        }
        None => lines.push(Line {
            mark: Mark::Bad,
            what: "box".into(),
            code: Some("recording.stopped"),
            text: "beadle-edge does not run: nothing is recorded".into(),
            next: Some("Start it with: systemctl start beadle-edge. If it does not stay up, see: journalctl -u beadle-edge"),
        }),
    }
    lines.push(clock(looked, running.as_ref()));
    lines.push(reader(looked, running.as_ref()));
    lines.extend(root_key(looked));
    lines
}

/// It may run and yet have no keys: the TPM does not answer, for instance. The running box knows.
fn reader(looked: &Looked, running: Option<&Status>) -> Line {
    let socket = looked.state.reader_socket();
    if let Err(e) = UnixStream::connect(&socket) {
        let why = format!("{}: {e}", socket.display());
        return Line::wrong("reader", "reader.absent", why);
    }
    let fault = running.and_then(|s| s.faults.iter().find(|f| f.code == "reader.absent"));
    match fault {
        Some(f) => Line::wrong("reader", "reader.absent", &f.detail),
        None => Line::good("reader", "runs"),
    }
}

/// Where the root key is, and what deletion is worth by that; nothing before the reader's first start.
fn root_key(looked: &Looked) -> Option<Line> {
    let told = root::told(&looked.state.keys())?;
    let text = told.in_words();
    Some(if told.short_of_wish() {
        Line {
            mark: Mark::Warning,
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

/// Doctor's own checks say these better.
fn seen_anyway(code: &str) -> bool {
    [
        "camera.",
        "disk.label",
        "disk.readonly",
        "hub.",
        "cert.",
        "reader.",
        "clock.unsynced",
    ]
    .iter()
    .any(|own| code.starts_with(own))
}

fn fault(f: &status::Fault) -> Line {
    let what = f
        .cam
        .as_ref()
        .map_or("box".into(), |c| format!("camera {c}"));
    match conditions::condition(&f.code) {
        Some(known) => Line::wrong(what, known.code, &f.detail),
        None => Line {
            mark: Mark::Bad,
            what,
            code: None,
            text: format!("{}: {}", f.code, f.detail),
            next: None,
        },
    }
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
