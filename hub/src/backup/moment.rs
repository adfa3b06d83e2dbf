//! Task. One consistent moment of the hub: a copy of its records, and the head of its own log that covers every line they rest on. Blocking.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    disks::room,
    error::{HubError, plain},
    files::{self, private_dir},
    hub::Hub,
    model::disk,
    reason::Backups,
};

/// Whoever makes the key that pieces are named with.
static TURN: Mutex<()> = Mutex::new(());
/// Below the state folder.
const FOLDER: &str = "backup";
const RECORDS: &str = "hub.sqlite";

/// The moment, as whoever writes the backup is handed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moment {
    /// Where the copy of the records lies until the backup has ended; a path on the hub's machine.
    #[schema(value_type = String)]
    pub records: PathBuf,
    /// The hub's own log, and its number.
    pub log: String,
    pub number: u64,
    pub size: u64,
    /// base64
    pub root: String,
    /// The head as its notes have it, signed and countersigned.
    pub head: String,
}

fn folder(state: &Path, n: u64) -> PathBuf {
    state.join(FOLDER).join(n.to_string())
}

/// Takes the copies away that no backup is being made of.
pub fn clear(hub: &Hub) -> Result<(), HubError> {
    let begun = hub.db.backups_begun()?;
    let root = hub.state.join(FOLDER);
    let entries = match fs::read_dir(&root) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|e| plain(files::failed("list", &root)(e)))?,
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let n = name.to_str().and_then(|n| n.parse().ok());
        if !n.is_some_and(|n| begun.contains(&n)) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// None there is no error.
fn remove(folder: &Path) -> Result<(), HubError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(plain(files::failed("clear", folder)(e)))
        }
        _ => Ok(()),
    }
}

/// Takes one. The log's head is signed while nobody writes to the records, so that no row of the copy is without its line.
pub fn take(hub: &Hub, n: u64) -> Result<Moment, HubError> {
    clear(hub)?;
    let folder = folder(&hub.state, n);
    remove(&folder)?;
    let records = hub.state.join(RECORDS);
    let size = fs::metadata(&records).map_or(0, |m| m.len());
    // A disk that cannot be looked at is found out by whoever writes to it.
    if let Err(e @ disk::NoRoom::Bytes { .. }) = room::fits(&hub.state, size) {
        return Err(Backups::NoRoomForCopy { why: e.to_string() }.into());
    }
    private_dir(&folder).map_err(plain)?;
    // Made once, by one at a time: pieces are named with it.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    hub.keys.backup_key().map_err(plain)?;
    drop(turn);
    let to = folder.join(RECORDS);
    let head = hub.db.copy_all(&to, || {
        let head = hub.log.head_now()?;
        Ok::<_, HubError>(head)
    });
    let head = match head {
        Ok(head) => head,
        Err(e) => {
            remove(&folder)?;
            return Err(e);
        }
    };
    let (_, number) = shared::id::split_origin(&head.head.origin)
        .ok_or_else(|| plain("the hub's log has no number"))?;
    Ok(Moment {
        records: to,
        log: head.head.origin.clone(),
        number,
        size: head.head.size,
        root: STANDARD.encode(head.head.root),
        head: head.render(),
    })
}
