//! Adapter: filesystem. Which place the root key has: decided at the first start, then remembered.
//!
//! # Files
//! ```text
//! <state>/reader/root.json   {"v":1,"root":"file"|"tpm","auth":hex|null,"why":text|null}: the reader's own. `auth` is the password
//!                            of the TPM's indexes (with "file": a move to the TPM was begun), `why` what kept "auto" from the TPM
//! <state>/public/root.json   {"v":1,"root":…,"asked":"auto"|"tpm"|"file","wrapped":bool,"why":text|null}: for status and doctor
//! ```
//! A box that began before there was a choice has a `root.key` and no `root.json`: its key is in a file.
use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use shared::record::hex;
use zeroize::{Zeroize, Zeroizing};

use super::{
    Asked, Kind, Wish,
    tpm::{Auth, TpmRoot},
};
use crate::reader::keys::{KeyError, io, sync_dir, write_synced};

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    root: Kind,
    auth: Option<String>,
    why: Option<String>,
}

/// What was decided.
pub struct Choice {
    pub kind: Kind,
    pub auth: Option<Auth>,
    pub why: Option<String>,
}

/// What was decided at an earlier start.
pub fn remembered(dir: &Path) -> Result<Option<Choice>, KeyError> {
    let path = dir.join("root.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io("read", &path)(e)),
    };
    let broken = || KeyError::Choice {
        path: path.display().to_string(),
    };
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| broken())?;
    let auth = match &kept.auth {
        Some(text) => Some(unhex(text).ok_or_else(broken)?),
        None => None,
    };
    if kept.v != 1 || (kept.root == Kind::Tpm && auth.is_none()) {
        return Err(broken());
    }
    Ok(Some(Choice {
        kind: kept.root,
        auth,
        why: kept.why,
    }))
}

pub fn remember(dir: &Path, choice: &Choice) -> Result<(), KeyError> {
    let kept = Kept {
        v: 1,
        root: choice.kind,
        auth: choice.auth.as_ref().map(|a| hex(a.as_slice())),
        why: choice.why.clone(),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    serde_json::to_writer(&mut *bytes, &kept)
        .map_err(|_| KeyError::Crypto("the place of the root key could not be written as JSON"))?;
    let new = dir.join("root.json.new");
    write_synced(&new, &bytes, 0o600)?;
    fs::rename(&new, dir.join("root.json")).map_err(io("rename", &new))?;
    sync_dir(dir)
}

/// The first start: nothing is there yet.
pub fn first(dir: &Path, wish: &Wish) -> Result<Choice, KeyError> {
    let file = |why| Choice {
        kind: Kind::File,
        auth: None,
        why,
    };
    let tpm_error = |e: super::TpmError| KeyError::tpm(&wish.tpm, e);
    if wish.root == Asked::File {
        return decided(dir, file(None));
    }
    // Looked at before anything is written: a box without a TPM is the usual one.
    let there = TpmRoot::probe(&wish.tpm);
    let chosen = match there {
        Err(e) if wish.root == Asked::Tpm => return Err(tpm_error(e)),
        Err(e) => {
            let why = KeyError::tpm(&wish.tpm, e).to_string();
            tracing::info!(why, "the root key is kept in a file");
            return decided(dir, file(Some(why)));
        }
        Ok(()) => decided(dir, fresh_tpm()?)?,
    };
    let Some(auth) = &chosen.auth else {
        return Ok(chosen);
    };
    match TpmRoot::new(&wish.tpm, auth.clone()).prepare() {
        Ok(()) => Ok(chosen),
        Err(e) => {
            let why = KeyError::tpm(&wish.tpm, e);
            // Nothing was kept there yet: the next start decides anew.
            fs::remove_file(dir.join("root.json")).map_err(io("remove", &dir.join("root.json")))?;
            if wish.root == Asked::Tpm {
                return Err(why);
            }
            tracing::warn!(why = %why, "the root key is kept in a file");
            decided(dir, file(Some(why.to_string())))
        }
    }
}

fn decided(dir: &Path, choice: Choice) -> Result<Choice, KeyError> {
    remember(dir, &choice)?;
    Ok(choice)
}

/// A TPM's place with a new password.
pub fn fresh_tpm() -> Result<Choice, KeyError> {
    Ok(Choice {
        kind: Kind::Tpm,
        auth: Some(super::fresh()?),
        why: None,
    })
}

fn unhex(text: &str) -> Option<Auth> {
    let mut auth: Auth = Box::new(Zeroizing::new([0; 32]));
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, b) in auth.iter_mut().enumerate() {
        match text
            .get(2 * i..2 * i + 2)
            .and_then(|d| u8::from_str_radix(d, 16).ok())
        {
            Some(value) => *b = value,
            None => {
                auth.zeroize();
                return None;
            }
        }
    }
    Some(auth)
}
