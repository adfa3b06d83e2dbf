//! Adapter: filesystem. A log that is closed as it is, by somebody's word, and its successor.
use std::{fs, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD as B64};
use shared::{
    record::{Record, leaf_hash},
    time::Clock,
    tree::Frontier,
    types,
};

use super::{
    LogError, Settings, Writer, io_error,
    start::{Before, countersigned},
};
use crate::files::{LogFolder, named, numbers};

/// What [`succeed`] did.
#[derive(Clone, Debug, PartialEq)]
pub struct Succession {
    /// Name of the log that was begun.
    pub origin: String,
    /// What its first line says of the one before: the newest head the hub countersigned, or where there is none the head of its whole
    /// lines.
    pub pred: types::Pred,
    /// Lines of the one before, from its first on, that bear its name and follow one on another.
    pub whole: u64,
    /// The one before was called otherwise: the box has moved.
    pub renamed: bool,
}

/// Leaves the newest log below `<state>/log` as it is and begins the next one, whose first line says why, and names the one before and
/// how much of it is whole. Its name may be another. The caller has seen to it that nobody writes to the log.
pub fn succeed(
    state: &Path,
    settings: Settings,
    clock: Arc<dyn Clock>,
    reason: &str,
) -> Result<Succession, LogError> {
    begin(state, settings, clock, reason, 0)
}

/// The same with a number above the one given. None: the newest log's number is above it already, and nothing was done.
pub fn succeed_above(
    state: &Path,
    settings: Settings,
    clock: Arc<dyn Clock>,
    reason: &str,
    above: u64,
) -> Result<Option<Succession>, LogError> {
    let root = state.join("log");
    let present = named(state).map_err(io_error("read", &root))?;
    if present.is_some_and(|p| p.number > above) {
        return Ok(None);
    }
    begin(state, settings, clock, reason, above).map(Some)
}

fn begin(
    state: &Path,
    settings: Settings,
    clock: Arc<dyn Clock>,
    reason: &str,
    above: u64,
) -> Result<Succession, LogError> {
    let root = state.join("log");
    let before = named(state).map_err(io_error("read", &root))?;
    let before = before.ok_or_else(|| {
        LogError::Refused(format!(
            "there is no log in {} that could have a successor; nothing was done",
            root.display()
        ))
    })?;
    let origin = format!("{}/{}", before.base, before.number);
    let lines = whole(&before.folder, &origin).map_err(io_error("read", &before.folder))?;
    let pred = countersigned(&before.folder).unwrap_or_else(|| types::Pred {
        log: origin,
        size: lines.size(),
        root: B64.encode(lines.root()),
    });
    // A folder that has no first line was begun by a start that was cut off: its number is not used again.
    let newest = numbers(&root).map_err(io_error("list", &root))?.pop();
    let number = newest.unwrap_or(above).max(before.number).max(above) + 1;
    let renamed = settings.base != before.base;
    let said = Before {
        pred: Some(pred.clone()),
        whole: Some(lines.size()),
        reason: reason.to_owned(),
        by: "sys:console",
    };
    fs::create_dir_all(&root).map_err(io_error("make", &root))?;
    let (mut writer, opened) = Writer::begin(root, number, settings, clock, Some(said))?;
    writer.line(
        "sys:log",
        &types::SysStop {
            why: "succeeded".into(),
        },
    )?;
    writer.sign()?;
    Ok(Succession {
        origin: opened.origin,
        pred,
        whole: lines.size(),
        renamed,
    })
}

/// The tree over the lines of a log, from its first on, that bear its name and follow one on another.
fn whole(folder: &Path, origin: &str) -> std::io::Result<Frontier> {
    let (mut log, mut tree, mut prev) = (LogFolder::new(folder), Frontier::default(), [0; 32]);
    loop {
        let bytes = log.read_lines(tree.size(), u64::MAX, 1 << 20)?;
        if bytes.is_empty() {
            return Ok(tree);
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let fits = Record::parse(line)
                .is_ok_and(|r| r.n == tree.size() && r.prev == prev && r.log == origin);
            if !fits {
                return Ok(tree);
            }
            prev = leaf_hash(line);
            tree.push(prev);
        }
    }
}
