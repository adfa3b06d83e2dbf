//! Adapter: filesystem. The daemon's store of public recipients: what seals today's footage.
//!
//! `<state>/recorder/recipients.json`: `{"v":1,"recipients":{"c03/2026-11-03":"age1…",…}}`, a cache of what the reader made. It holds
//! nothing secret, so the box records after an unattended restart with nothing unlocked.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use shared::{id::CameraId, segment::KeyId, time::Day};
use zeroize::Zeroizing;

use super::{
    ReaderError,
    keys::{BootKey, KeyError, Pair, io, sync_dir, write_synced},
};
use crate::{memory, state::State};

/// The daemon's store of public recipients: what seals today's footage. Cheap to clone.
#[derive(Clone)]
pub struct Recipients(Arc<Inner>);

struct Inner {
    state: State,
    days: RwLock<BTreeMap<String, String>>,
    /// Pairs made in this start because no day recipient was there: their identities are forgotten, their recipients kept.
    made: Mutex<BTreeMap<String, String>>,
}

#[derive(Serialize, Deserialize)]
struct Cache {
    v: u32,
    recipients: BTreeMap<String, String>,
}

fn text(e: KeyError) -> ReaderError {
    ReaderError::Keys(e.to_string())
}

impl Recipients {
    /// Loads `recipients.json`. A cache that cannot be read is as good as none: the reader fills it again.
    pub fn load(state: &State) -> Self {
        let path = state.recipients();
        let days = match std::fs::read(&path).map(|bytes| serde_json::from_slice::<Cache>(&bytes)) {
            Ok(Ok(cache)) if cache.v == 1 => cache.recipients,
            Ok(_) => {
                tracing::warn!(path = %path.display(), "not understood; asking the reader for recipients again");
                BTreeMap::new()
            }
            Err(_) => BTreeMap::new(),
        };
        Self(Arc::new(Inner {
            state: state.clone(),
            days: RwLock::new(days),
            made: Mutex::default(),
        }))
    }

    /// The recipient that seals footage of this camera begun now. With no recipient for the day, or an unknown clock, makes a pair,
    /// stores the identity sealed to the reader's long-term recipient (synced first) and forgets it. Err when the reader has never run.
    pub fn seal_to(
        &self,
        cam: &CameraId,
        day: Day,
        boot: u64,
        clock_known: bool,
    ) -> Result<(KeyId, String), ReaderError> {
        let id = KeyId::Day {
            cam: cam.clone(),
            day,
        };
        if clock_known {
            let days = self.0.days.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(recipient) = days.get(&id.to_string()) {
                return Ok((id, recipient.clone()));
            }
        }
        let id = KeyId::Boot {
            cam: cam.clone(),
            boot,
        };
        let mut made = self.made();
        if let Some(recipient) = made.get(&id.to_string()) {
            return Ok((id, recipient.clone()));
        }
        let recipient =
            memory::leaving_no_trace(|| self.make_boot(&id, boot, clock_known.then_some(day)))?;
        made.insert(id.to_string(), recipient.clone());
        Ok((id, recipient))
    }

    fn made(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_boot(&self, id: &KeyId, boot: u64, day: Option<Day>) -> Result<String, ReaderError> {
        // Read afresh each time: the reader replaces its long-term recipient when it takes such identities in.
        let path = self.0.state.reader_pub();
        let long = std::fs::read_to_string(&path).map_err(|e| {
            ReaderError::Keys(format!("no recipient for {id} and {} cannot be read ({e}): start `beadle-edge reader` once, it makes the keys", path.display()))
        })?;
        let pair = Pair::make();
        let recipient = pair.1.clone();
        let boot_key = BootKey {
            key: id.to_string(),
            pair,
            day,
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *plain, &boot_key)
            .map_err(|e| ReaderError::Keys(e.to_string()))?;
        let refused =
            |e: footage::sealed::SealError| ReaderError::Keys(format!("{}: {e}", path.display()));
        let sealed = footage::sealed::seal(long.trim(), &plain).map_err(refused)?;
        let folder = self.0.state.boot();
        // `_` cannot be in a camera id; a name used already (a start counter set back) must not be overwritten.
        let mut file = folder.join(format!("{}_boot-{boot}.age", id.cam()));
        for k in 2.. {
            if !file.exists() {
                break;
            }
            file = folder.join(format!("{}_boot-{boot}_{k}.age", id.cam()));
        }
        let new = file.with_extension("new");
        write_synced(&new, &sealed, 0o640).map_err(text)?;
        std::fs::rename(&new, &file).map_err(|e| text(io("rename", &new)(e)))?;
        sync_dir(&folder).map_err(text)?;
        Ok(recipient)
    }

    /// Whether there is a recipient of its own for this camera-day.
    pub fn has(&self, cam: &CameraId, day: Day) -> bool {
        let id = KeyId::Day {
            cam: cam.clone(),
            day,
        };
        self.0
            .days
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&id.to_string())
    }

    /// Takes what the reader made in place of what was known, and keeps it for the next start.
    pub fn replace(&self, recipients: BTreeMap<String, String>) -> Result<(), ReaderError> {
        if *self.0.days.read().unwrap_or_else(PoisonError::into_inner) == recipients {
            return Ok(());
        }
        let path = self.0.state.recipients();
        let new = path.with_extension("json.new");
        let cache = Cache { v: 1, recipients };
        let bytes = serde_json::to_vec(&cache).map_err(|e| ReaderError::Keys(e.to_string()))?;
        *self.0.days.write().unwrap_or_else(PoisonError::into_inner) = cache.recipients;
        write_synced(&new, &bytes, 0o644).map_err(text)?;
        std::fs::rename(&new, &path).map_err(|e| text(io("rename", &new)(e)))?;
        sync_dir(&self.0.state.recorder()).map_err(text)
    }
}
