//! Adapter: root key. Where R lives, and so what erasing it is worth (audit.md 2.13).
//!
//! | file | what |
//! |---|---|
//! | [`choice`] | which place: decided at the first start, remembered, told to status and doctor |
//! | [`file`] | a file, which a systemd credential may wrap: claim `file` |
//! | [`tpm`] | two NV indexes of a TPM 2.0: claim `tpm` |
//! | [`words`] | the TPM's commands as bytes |
//!
//! A replacement is two steps with the identities renamed between them ([`crate::reader::keys`]): [`RootStore::stage`], and once
//! `identities` is the new file, [`RootStore::destroy_old`] and [`RootStore::promote`]. After a power cut [`RootStore::staged`] says
//! whether one was begun.
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::keys::{KeyError, io, sync_dir, write_synced};

mod choice;
mod file;
#[cfg(test)]
pub mod swtpm;
#[cfg(test)]
mod tests;
mod tpm;
mod words;

use choice::Choice;
use file::{FileRoot, Wrap};
pub use tpm::TpmError;
use tpm::TpmRoot;

/// In a box of its own: what is moved about leaves copies behind.
pub type Root = Box<Zeroizing<[u8; 32]>>;

pub fn fresh() -> Result<Root, KeyError> {
    let mut root: Root = Box::new(Zeroizing::new([0u8; 32]));
    SystemRandom::new()
        .fill(root.as_mut_slice())
        .map_err(|_| KeyError::Crypto("the system gave no random bytes for a root key"))?;
    Ok(root)
}

/// The place a root key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    File,
    Tpm,
}

/// The place the configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// The TPM where there is one that works, else a file.
    #[default]
    Auto,
    Tpm,
    File,
}

/// `[keys]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub root: Asked,
    /// The TPM's device, or a socket that takes the same bytes.
    pub tpm: PathBuf,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            root: Asked::Auto,
            tpm: PathBuf::from(DEVICE),
        }
    }
}

/// The kernel's resource manager: several programs may use the TPM through it.
pub const DEVICE: &str = "/dev/tpmrm0";

/// The root key's place, open.
pub struct RootStore {
    place: Place,
    told: Told,
}

enum Place {
    File(FileRoot),
    Tpm(TpmRoot),
}

impl RootStore {
    /// The place that was decided on; decides when nothing is there yet. `begun`: the box has identities already.
    pub fn open(dir: &Path, wish: &Wish, begun: bool) -> Result<Self, KeyError> {
        let choice = match choice::remembered(dir)? {
            Some(choice) => choice,
            None if begun || FileRoot::new(dir, None).there() => {
                let choice = Choice {
                    kind: Kind::File,
                    auth: None,
                    why: None,
                };
                choice::remember(dir, &choice)?;
                choice
            }
            None => choice::first(dir, wish)?,
        };
        let told = Told {
            v: 1,
            root: choice.kind,
            asked: wish.root,
            wrapped: false,
            why: choice.why,
        };
        match (choice.kind, choice.auth) {
            (Kind::Tpm, Some(auth)) => {
                let tpm = TpmRoot::new(&wish.tpm, auth);
                // A first start that was cut short may have defined one index of the two. A box with identities has both:
                // one that is gone is not made again, or a cleared TPM would look like an empty one.
                if !begun {
                    tpm.prepare().map_err(|e| KeyError::tpm(&wish.tpm, e))?;
                }
                let place = Place::Tpm(tpm);
                Ok(Self { place, told })
            }
            _ => {
                let file = FileRoot::new(dir, Wrap::given()?);
                let wrapped = file.wrapped();
                Ok(Self {
                    place: Place::File(file),
                    told: Told { wrapped, ..told },
                })
            }
        }
    }

    #[cfg(test)]
    pub fn wrapped_in(dir: &Path, credential: &Path) -> Result<Self, KeyError> {
        let mut this = Self::open(dir, &Wish::default(), true)?;
        this.place = Place::File(FileRoot::new(dir, Wrap::from_file(credential)?));
        Ok(this)
    }

    /// What the deletion certificate may claim.
    pub fn claim(&self) -> &'static str {
        self.told.claim()
    }

    /// The current key; None when there is none, or it was destroyed.
    pub fn read(&self) -> Result<Option<Root>, KeyError> {
        match &self.place {
            Place::File(file) => file.read(),
            Place::Tpm(tpm) => tpm.read().map_err(|e| KeyError::tpm(tpm.device(), e)),
        }
    }

    /// A replacement that was begun and is not in its place.
    pub fn staged(&self) -> Result<Option<Root>, KeyError> {
        match &self.place {
            Place::File(file) => file.staged(),
            Place::Tpm(tpm) => tpm.staged().map_err(|e| KeyError::tpm(tpm.device(), e)),
        }
    }

    /// Keeps the new key beside the old one.
    pub fn stage(&self, new: &Root) -> Result<(), KeyError> {
        match &self.place {
            Place::File(file) => file.stage(new),
            Place::Tpm(tpm) => tpm.stage(new).map_err(|e| KeyError::tpm(tpm.device(), e)),
        }
    }

    /// Destroys the old key: from here on it is nowhere. In a TPM the new one is written over it.
    pub fn destroy_old(&self, new: &Root) -> Result<(), KeyError> {
        match &self.place {
            Place::File(file) => file.shred(),
            Place::Tpm(tpm) => tpm
                .overwrite(new)
                .map_err(|e| KeyError::tpm(tpm.device(), e)),
        }
    }

    /// The staged key takes the old one's place.
    pub fn promote(&self) -> Result<(), KeyError> {
        match &self.place {
            Place::File(file) => file.promote(),
            Place::Tpm(_) => Ok(()),
        }
    }

    /// Forgets a replacement that came to nothing.
    pub fn unstage(&self) -> Result<(), KeyError> {
        match &self.place {
            Place::File(file) => file.unstage(),
            Place::Tpm(tpm) => tpm.unstage().map_err(|e| KeyError::tpm(tpm.device(), e)),
        }
    }

    /// The key lies in plain although it is to be wrapped: it should be replaced.
    pub fn should_be_replaced(&self) -> Result<bool, KeyError> {
        match &self.place {
            Place::File(file) => file.should_be_wrapped(),
            Place::Tpm(_) => Ok(false),
        }
    }

    /// Clears away the file of a key that has moved to the TPM.
    pub fn clear_moved(&self, dir: &Path) -> Result<(), KeyError> {
        let file = FileRoot::new(dir, None);
        match &self.place {
            Place::Tpm(_) if file.there() => file.clear(),
            _ => Ok(()),
        }
    }

    /// The first half of a move from file to TPM: the TPM ready, its password remembered, the new key staged in it. The file
    /// still counts.
    pub fn begin_move(&self, dir: &Path, wish: &Wish, new: &Root) -> Result<(), KeyError> {
        let begun = choice::remembered(dir)?.and_then(|c| c.auth);
        let auth = match begun {
            Some(auth) => auth,
            None => {
                TpmRoot::probe(&wish.tpm).map_err(|e| KeyError::tpm(&wish.tpm, e))?;
                fresh()?
            }
        };
        let choice = Choice {
            kind: Kind::File,
            auth: Some(auth.clone()),
            why: None,
        };
        choice::remember(dir, &choice)?;
        let tpm = TpmRoot::new(&wish.tpm, auth);
        tpm.prepare()
            .and_then(|()| tpm.stage(new))
            .map_err(|e| KeyError::tpm(&wish.tpm, e))
    }

    /// The second half: from here on the TPM counts.
    pub fn finish_move(&self, dir: &Path) -> Result<(), KeyError> {
        let auth = choice::remembered(dir)?.and_then(|c| c.auth);
        let choice = Choice {
            kind: Kind::Tpm,
            auth,
            why: None,
        };
        choice::remember(dir, &choice)
    }

    /// Tells everybody on the box where the key is, in `<state>/public/root.json`.
    pub fn publish(&self, public: &Path) -> Result<(), KeyError> {
        let path = public.join("root.json");
        if told(public).as_ref() == Some(&self.told) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&self.told).map_err(|_| {
            KeyError::Crypto("the place of the root key could not be written as JSON")
        })?;
        let new = public.join("root.json.new");
        write_synced(&new, &bytes, 0o644)?;
        std::fs::rename(&new, &path).map_err(io("rename", &new))?;
        sync_dir(public)
    }
}

/// Where the root key is, for whoever may know (everybody).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    v: u32,
    pub root: Kind,
    asked: Asked,
    wrapped: bool,
    why: Option<String>,
}

/// What the reader said of itself; None before its first start.
pub fn told(public: &Path) -> Option<Told> {
    serde_json::from_slice(&crate::below::read_untrusted(&public.join("root.json"), 1 << 16).ok()?)
        .ok()
}

impl Told {
    pub fn claim(&self) -> &'static str {
        match self.root {
            Kind::File => "file",
            Kind::Tpm => "tpm",
        }
    }

    /// The configuration asks for the TPM and the key is in a file.
    pub fn short_of_wish(&self) -> bool {
        self.asked == Asked::Tpm && self.root == Kind::File
    }

    /// Where it is and what that is worth, in a sentence.
    pub fn in_words(&self) -> String {
        let what = match self.root {
            Kind::Tpm => {
                "in the TPM: what is deleted cannot be opened again, not even with old copies of this box's disks (claim tpm)"
            }
            Kind::File => {
                "in a file: deleted footage's key is overwritten, but worn flash may keep a copy of it until that is overwritten too (claim file)"
            }
        };
        let wrapped = if self.wrapped {
            "; the file is sealed under the credential root-wrap"
        } else {
            ""
        };
        let wish = match (&self.why, self.short_of_wish()) {
            (_, true) => {
                "; the configuration asks for the TPM: stop beadle-reader and run beadle-edge reader --move-root tpm".to_owned()
            }
            (Some(why), false) => format!("; not in the TPM, because {why}"),
            (None, false) => String::new(),
        };
        format!("{what}{wrapped}{wish}")
    }
}
