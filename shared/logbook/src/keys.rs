//! Adapter: filesystem. The log's private key, replaced hourly on a box (audit.md 2.6).
//!
//! ```text
//! <state>/log/keys/current.key    32 bytes, the key in force
//! <state>/log/keys/next.key       only while a roll is under way
//! ```
//! A roll: write `next.key` → write the `key.roll` line → the old key signs the head that ends there → overwrite
//! `current.key`, rename `next.key` over it. A crash at any point is finished or undone at the next start by [`Keys::open`],
//! which is told what the log's newest key line says.

use std::{
    fs::{self, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signer, SigningKey};
use ring::rand::SecureRandom;
use shared::note::{ALG_ED25519, Vkey};
use zeroize::Zeroizing;

use crate::files::{sync_dir, write_whole};

pub struct Keys {
    dir: PathBuf,
    name: String,
    current: SigningKey,
    next: Option<SigningKey>,
}

fn fresh() -> io::Result<SigningKey> {
    let mut seed = Zeroizing::new([0u8; 32]);
    ring::rand::SystemRandom::new()
        .fill(seed.as_mut())
        .map_err(|_| io::Error::other("no random numbers"))?;
    Ok(SigningKey::from_bytes(&seed))
}

fn load(path: &Path) -> io::Result<Option<SigningKey>> {
    let bytes = match crate::files::read_small(path) {
        Ok(b) => Zeroizing::new(b),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let seed: Zeroizing<[u8; 32]> = match bytes.as_slice().try_into() {
        Ok(seed) => Zeroizing::new(seed),
        Err(_) => return Ok(None),
    };
    Ok((*seed != [0u8; 32]).then(|| SigningKey::from_bytes(&seed)))
}

fn vkey(name: &str, key: &SigningKey) -> Vkey {
    Vkey::new(name, ALG_ED25519, key.verifying_key().to_bytes())
}

impl Keys {
    /// Makes the first key of a log, or of its successor. An older key is destroyed.
    pub fn make(dir: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        for old in ["current.key", "next.key"] {
            destroy(&dir.join(old))?;
        }
        let current = fresh()?;
        write_whole(&dir.join("current.key"), current.as_bytes(), true)?;
        Ok(Self {
            dir: dir.to_owned(),
            name: name.into(),
            current,
            next: None,
        })
    }

    /// Opens the key that `in_force` (the newest key line of the log) names. With a roll cut short after its line was written
    /// and before the old key was destroyed, `next` is left for [`Keys::finish`] once the old key has signed.
    /// `Ok(None)`: the key is not here (a restored or cloned disk): this log cannot be carried on.
    pub fn open(dir: &Path, name: &str, in_force: &Vkey) -> io::Result<Option<Self>> {
        let current = load(&dir.join("current.key"))?;
        let next = load(&dir.join("next.key"))?;
        let is = |k: &Option<SigningKey>| {
            k.as_ref()
                .is_some_and(|k| vkey(name, k).key == in_force.key)
        };
        if is(&current) {
            destroy(&dir.join("next.key"))?;
            return Ok(current.map(|current| Self {
                dir: dir.to_owned(),
                name: name.into(),
                current,
                next: None,
            }));
        }
        if is(&next) {
            let Some(next) = next else { return Ok(None) };
            return Ok(Some(match current {
                Some(current) => Self {
                    dir: dir.to_owned(),
                    name: name.into(),
                    current,
                    next: Some(next),
                },
                None => {
                    // The old key was already overwritten: its head is stored.
                    fs::rename(dir.join("next.key"), dir.join("current.key"))?;
                    sync_dir(dir)?;
                    Self {
                        dir: dir.to_owned(),
                        name: name.into(),
                        current: next,
                        next: None,
                    }
                }
            }));
        }
        Ok(None)
    }

    pub fn vkey(&self) -> Vkey {
        vkey(&self.name, &self.current)
    }

    /// Whether a roll waits for its last step.
    pub fn rolling(&self) -> bool {
        self.next.is_some()
    }

    /// Step one of a roll: the new key is on disk.
    pub fn prepare(&mut self) -> io::Result<Vkey> {
        let next = fresh()?;
        write_whole(&self.dir.join("next.key"), next.as_bytes(), true)?;
        let v = vkey(&self.name, &next);
        self.next = Some(next);
        Ok(v)
    }

    /// Last step of a roll: the old key is gone.
    pub fn finish(&mut self) -> io::Result<()> {
        let Some(next) = self.next.take() else {
            return Ok(());
        };
        overwrite(&self.dir.join("current.key"))?;
        fs::rename(self.dir.join("next.key"), self.dir.join("current.key"))?;
        sync_dir(&self.dir)?;
        self.current = next; // the old SigningKey is wiped as it drops
        Ok(())
    }

    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.current.sign(bytes).to_bytes()
    }
}

/// Zeros over the bytes in place, synced. On flash an old copy may survive in worn cells: audit.md 2.13 says what that claim is worth.
fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let len = file.metadata()?.len() as usize;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&vec![0u8; len])?;
    file.sync_all()
}

fn destroy(path: &Path) -> io::Result<()> {
    overwrite(path)?;
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
