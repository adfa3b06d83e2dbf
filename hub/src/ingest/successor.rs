//! Pure. Whether a log that begins is the successor of the one held: what tells a box that goes on from its copy.
//!
//! A copy of a disk has the key of the box, so its connection says nothing. But the box that runs has a head countersigned each minute, and a
//! copy knows only those of before it was made. So a successor is taken at once that names the newest head held, or that two people ordered;
//! any other waits until the log before it has been silent for a while: as long as that one goes on, the newcomer is another box.

use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    record::Record,
    time::Utc,
    types::{Data, LogOpen},
};

use crate::db::logs::LogRecord;

/// How long the log before is silent, when whoever wrote it writes no more. A running box has a head countersigned each minute.
pub const SILENT_MS: i64 = 600_000;

/// Why the log that begins with this line is not taken yet, in a sentence; None: it is.
pub fn too_early(opening: &Record, before: &LogRecord, now: Utc) -> Option<String> {
    if opening.kind != LogOpen::KIND {
        return None;
    }
    let pred = opening.data.get("pred");
    let text = |key: &str| pred.and_then(|p| p.get(key)?.as_str());
    let size = pred.and_then(|p| p.get("size")?.as_u64());
    let known = text("root").and_then(|root| STANDARD.decode(root).ok());
    let newest = STANDARD.decode(&before.root).ok();
    if text("log") == Some(before.origin.as_str())
        && size == Some(before.size)
        && known.is_some()
        && known == newest
    {
        return None;
    }
    // A clock that was set back is no silence.
    let silent = now.0.saturating_sub(before.cosigned.0).max(0);
    if silent >= SILENT_MS {
        return None;
    }
    let says = match (text("log"), size) {
        (Some(log), Some(size)) => format!("{size} lines of {}", shared::plain::plain(log, 120)),
        _ => "no log".into(),
    };
    Some(format!(
        "log {} says that it follows on from {says}, and the hub has {} lines of {}, the newest from {}: a copy of this box, or its disk was put back. It is taken when that log has been silent until {}, or when two people order it: beadle-hub box succeed",
        shared::plain::plain(&opening.log, 120),
        before.size,
        before.origin,
        before.cosigned,
        before.cosigned.plus_ms(SILENT_MS),
    ))
}
