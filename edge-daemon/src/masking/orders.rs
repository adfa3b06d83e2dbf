//! Adapter: filesystem. The hub's orders about masks: a file and its copy, of which one is whole at any moment.
use std::path::{Path, PathBuf};

use logbook::LogError;
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    id::CameraId,
    order::{Code, Refusal},
};

pub fn old(path: &Path) -> PathBuf {
    path.with_extension("json.old")
}

/// The file, or its copy. That neither is there is no fault: nothing was ever ordered.
pub fn read<T: DeserializeOwned + Default>(path: &Path) -> std::io::Result<T> {
    let one = |path: &Path| match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(std::io::Error::other),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    };
    match (one(path), one(&old(path))) {
        (Ok(Some(kept)), _) => Ok(kept),
        (_, Ok(Some(kept))) => Ok(kept),
        (Err(e), _) | (_, Err(e)) => Err(e),
        (Ok(None), Ok(None)) => Ok(T::default()),
    }
}

/// The copy first: one of the two is whole at any moment, and the file is the newer.
pub fn write(path: &Path, kept: &impl Serialize) -> Result<(), String> {
    let bytes = serde_json::to_vec(kept).map_err(|e| e.to_string())?;
    for path in [&old(path), path] {
        logbook::write_whole(path, &bytes, true).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// The log took no line of it.
pub fn unlogged(e: &LogError) -> Refusal {
    let why = format!("the box could not put the order on its record, nothing was done: {e}");
    Refusal::new(Code::Log, why)
}

/// Another one has come meanwhile.
pub fn newer(cam: &CameraId, order: u64) -> Refusal {
    let why = format!("a newer order for {cam} has come already (the hub's line {order})");
    Refusal::new(Code::Superseded, why)
}
