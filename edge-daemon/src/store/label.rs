//! Adapter: filesystem. Signed labels of footage volumes: made, checked, and looked at again before a disk is used. No label, no recording there.
//!
//! `<volume>/beadle-volume.json` is the label: one JSON object `{"v":1,"id":"…","box":"ashby-high-street","made":"<time>","system_disk_ok":false}`.
//! `<volume>/beadle-volume.json.sig` is its signature: base64 of an ASN.1 ECDSA P-256/SHA-256 signature by the box's identity key over the
//! label's exact bytes (`openssl dgst -sha256 -verify` checks it once decoded). `system_disk_ok` is set by `volume label --system-disk` only.
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use shared::{id::BoxName, record::hex, time::Utc};

use crate::below::{self, Folder};

pub const LABEL: &str = "beadle-volume.json";
/// What a volume may hold before it is given to another owner: what `mkfs` makes, and what is ours.
const OURS: [&str; 4] = [
    "lost+found",
    "footage",
    "beadle-volume.json",
    "beadle-volume.json.sig",
];
/// More than a label is long.
const MOST: u64 = 64 * 1024;
/// Below this many free inodes there may be no room for the files of the cameras' next segments.
pub const FEW_FILES: u64 = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    pub v: u32,
    pub id: String,
    pub r#box: BoxName,
    pub made: Utc,
    #[serde(default)]
    pub system_disk_ok: bool,
}

/// The disk that was found good: what must still be so when something is written there.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub label: Label,
    bytes: Vec<u8>,
    pub device: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    #[error(
        "{path} has no label: nothing is recorded there. If this is the right disk, run `beadle-edge volume label {path}`"
    )]
    Missing { path: String },
    #[error(
        "the disk of {path} is not there any more (unmounted, or taken out?): nothing is recorded there until it is back"
    )]
    Gone { path: String },
    #[error(
        "the label of {path} belongs to the box {theirs}, this is {ours}: nothing is recorded there. Put in this box's disk, or label it anew once its footage is no longer needed"
    )]
    WrongBox {
        path: String,
        theirs: BoxName,
        ours: BoxName,
    },
    #[error(
        "the label of {path} was altered or signed by another box's key: nothing is recorded there. Label it again if this is the right disk"
    )]
    BadSignature { path: String },
    #[error(
        "{path} and {other} are the same volume ({id}): the second is not used. Correct the paths of [[volume]] in the configuration"
    )]
    Twice {
        path: String,
        other: String,
        id: String,
    },
    #[error(
        "{path} can only be read: nothing is recorded there. Look for disk errors, then mount it writable"
    )]
    ReadOnly { path: String },
    #[error(
        "{path} lies on the system disk (is its own disk mounted?): nothing is recorded there. To record on the system disk all the same, run `beadle-edge volume label --system-disk {path}`"
    )]
    SystemDisk { path: String },
    #[error("{path} is labelled already ({id}). To label it anew, remove its {LABEL} first")]
    Labelled { path: String, id: String },
    #[error(
        "{path} holds {what}, so it is not a disk for footage alone; nothing was changed. Name the folder where the footage disk is mounted, empty but for footage"
    )]
    NotEmpty { path: String, what: String },
    #[error(
        "the box's own state folder {state} lies in {path}, so it cannot be a footage volume; nothing was changed. Name the folder where the footage disk is mounted"
    )]
    HoldsState { path: String, state: String },
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl VolumeError {
    /// The condition it is.
    pub fn code(&self) -> &'static str {
        match self {
            VolumeError::Io { source, .. } => code_of(source),
            VolumeError::ReadOnly { .. } => "disk.readonly",
            _ => "disk.label",
        }
    }
}

/// The condition that an error of the disk is.
pub fn code_of(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "disk.full",
        ErrorKind::ReadOnlyFilesystem => "disk.readonly",
        _ => "disk.failed",
    }
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> VolumeError {
    move |source| VolumeError::Io {
        what,
        path: path.display().to_string(),
        source,
    }
}

/// Where a volume is to be: its folder, or the nearest one above that there is, opened with no link followed. Root gives it to another
/// user, so what is looked at, given away and labelled is one and the same folder, whatever its path comes to mean meanwhile.
pub struct Place {
    there: Folder,
    /// Folders to be made below it, outermost first.
    missing: Vec<String>,
    path: PathBuf,
}

impl Place {
    /// # Errors
    /// A link is on the way, or it is no folder.
    pub fn of(path: &Path) -> Result<Self, VolumeError> {
        let absolute = std::path::absolute(path).map_err(io("look at", path))?;
        let mut missing = Vec::new();
        for at in absolute.ancestors() {
            match Folder::open(at) {
                Ok(there) => {
                    missing.reverse();
                    return Ok(Self {
                        there,
                        missing,
                        path: path.to_owned(),
                    });
                }
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(io("open", at)(e)),
            }
            let name = at.file_name().and_then(|n| n.to_str());
            let name = name.ok_or_else(|| io("open", at)(ErrorKind::NotFound.into()))?;
            missing.push(name.to_owned());
        }
        Err(io("open", path)(ErrorKind::NotFound.into()))
    }

    /// Whether it may be labelled; changes nothing. `given`: it will change hands, so it must hold footage at most.
    /// `state`: the box's state folder. A folder that is not there yet is judged by the one it would be made in.
    ///
    /// # Errors
    /// It is labelled, on the system disk, holds other things, or holds the state folder.
    pub fn may_label(
        &self,
        state: &Path,
        system_disk: bool,
        given: bool,
    ) -> Result<(), VolumeError> {
        let path = self.path.as_path();
        let shown = || path.display().to_string();
        if self.missing.is_empty() {
            labelled(&self.there, path)?;
        }
        if !system_disk && self.on_system_disk()? {
            return Err(VolumeError::SystemDisk { path: shown() });
        }
        if !self.missing.is_empty() {
            return Ok(());
        }
        let own = self.there.metadata().map_err(io("look at", path))?;
        let is_this =
            |p: &Path| fs::metadata(p).is_ok_and(|m| (m.dev(), m.ino()) == (own.dev(), own.ino()));
        let state_real = fs::canonicalize(state).ok();
        let above = state_real.as_deref().unwrap_or(Path::new("/")).ancestors();
        if is_this(Path::new("/")) || above.into_iter().any(is_this) {
            let state = state.display().to_string();
            return Err(VolumeError::HoldsState {
                path: shown(),
                state,
            });
        }
        if given {
            let names = self.there.names().map_err(io("list", path))?;
            let mut others: Vec<String> = names
                .iter()
                .filter(|name| !OURS.iter().any(|own| *name == own))
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            others.sort();
            let more = others.len().saturating_sub(3);
            if !others.is_empty() {
                let mut what = others[..others.len().min(3)].join(", ");
                if more > 0 {
                    what += &format!(" and {more} more");
                }
                return Err(VolumeError::NotEmpty {
                    path: shown(),
                    what,
                });
            }
        }
        Ok(())
    }

    fn on_system_disk(&self) -> Result<bool, VolumeError> {
        let root = Path::new("/");
        let here = self.there.metadata().map_err(io("look at", &self.path))?;
        Ok(here.dev() == device(root).map_err(io("look at", root))?)
    }

    /// The folder, made where it was not there.
    ///
    /// # Errors
    /// It cannot be made, or somebody has put a link in its place.
    pub fn made(self) -> Result<Folder, VolumeError> {
        let mut folder = self.there;
        for name in &self.missing {
            folder = folder.made(name, 0o755).map_err(io("make", &self.path))?;
        }
        Ok(folder)
    }
}

fn labelled(folder: &Folder, path: &Path) -> Result<(), VolumeError> {
    if !folder.has(LABEL).map_err(io("look for a label in", path))? {
        return Ok(());
    }
    let old = folder.read(LABEL, MOST).unwrap_or_default();
    let id = serde_json::from_slice::<Label>(&old)
        .map(|l| l.id)
        .unwrap_or_else(|_| "not readable".into());
    let path = path.display().to_string();
    Err(VolumeError::Labelled { path, id })
}

/// Labels a volume for this box. `sign` signs with the box's identity key (ASN.1 ECDSA P-256/SHA-256).
pub fn label<E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    this_box: &BoxName,
    made: Utc,
    system_disk: bool,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Label, VolumeError> {
    let place = Place::of(path)?;
    if !system_disk && place.on_system_disk()? {
        let path = path.display().to_string();
        return Err(VolumeError::SystemDisk { path });
    }
    label_in(&place.made()?, this_box, made, system_disk, sign)
}

/// The same of a folder that is open, and was looked at.
pub fn label_in<E: std::error::Error + Send + Sync + 'static>(
    folder: &Folder,
    this_box: &BoxName,
    made: Utc,
    system_disk: bool,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Label, VolumeError> {
    let path = folder.path();
    labelled(folder, path)?;
    let mut id = [0u8; 8];
    SystemRandom::new()
        .fill(&mut id)
        .map_err(|_| io("make a name for", path)(std::io::Error::other("no random bytes")))?;
    let label = Label {
        v: 1,
        id: hex(&id),
        r#box: this_box.clone(),
        made,
        system_disk_ok: system_disk,
    };
    let bytes = serde_json::to_vec(&label).map_err(|e| io("label", path)(e.into()))?;
    let sig = sign(&bytes).map_err(|e| io("sign the label of", path)(std::io::Error::other(e)))?;
    // The signature first: a label without one is a bad label, a signature without a label is nothing.
    let sig = STANDARD.encode(sig).into_bytes();
    for (name, bytes) in [(format!("{LABEL}.sig"), sig), (LABEL.to_owned(), bytes)] {
        folder
            .write_whole(&name, &bytes, 0o644)
            .map_err(io("write", &path.join(&name)))?;
    }
    Ok(label)
}

fn device(path: &Path) -> std::io::Result<u64> {
    fs::metadata(path).map(|m| m.dev())
}

fn on_system_disk(path: &Path) -> Result<bool, VolumeError> {
    let root = Path::new("/");
    Ok(device(path).map_err(io("look at", path))? == device(root).map_err(io("look at", root))?)
}

/// Checks one volume's label. `public_key` is the box's identity key: the P-256 point (65 bytes), or SPKI DER that ends with it.
pub fn check(path: &Path, this_box: &BoxName, public_key: &[u8]) -> Result<Label, VolumeError> {
    examine(path, this_box, public_key).map(|known| known.label)
}

/// Checks a volume's label and that it can be written to. May hang with its disk.
pub fn examine(path: &Path, this_box: &BoxName, public_key: &[u8]) -> Result<Known, VolumeError> {
    let shown = || path.display().to_string();
    let file = path.join(LABEL);
    let bytes = match below::read_untrusted(&file, MOST) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Err(VolumeError::Missing { path: shown() });
        }
        Err(e) => return Err(io("read", &file)(e)),
    };
    let bad = || VolumeError::BadSignature { path: shown() };
    let label: Label = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    // Said before the signature is judged: another box's label never verifies here, and its name is what helps.
    if label.r#box != *this_box {
        return Err(VolumeError::WrongBox {
            path: shown(),
            theirs: label.r#box,
            ours: this_box.clone(),
        });
    }
    let sig = below::read_untrusted(&path.join(format!("{LABEL}.sig")), MOST).map_err(|_| bad())?;
    let sig = STANDARD.decode(sig.trim_ascii()).map_err(|_| bad())?;
    let point = public_key
        .len()
        .checked_sub(65)
        .map(|at| &public_key[at..])
        .ok_or_else(bad)?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(&bytes, &sig)
        .map_err(|_| bad())?;
    if !label.system_disk_ok && on_system_disk(path)? {
        return Err(VolumeError::SystemDisk { path: shown() });
    }
    let known = Known {
        label,
        bytes,
        device: device(path).map_err(io("look at", path))?,
    };
    writable(path)?;
    match probe(path) {
        Err(e) if e.kind() == ErrorKind::ReadOnlyFilesystem => {
            Err(VolumeError::ReadOnly { path: shown() })
        }
        // A full disk is no reason to leave its footage unread; the space is looked at apart.
        Err(e) if e.kind() != ErrorKind::StorageFull => Err(io("write to", path)(e)),
        _ => Ok(known),
    }
}

/// Whether the disk found good is still the one at its place. Cheap, so that it can be asked before each use: below a mount point
/// whose disk went away lies the system disk.
pub fn still_there(path: &Path, known: &Known) -> Result<(), VolumeError> {
    let gone = || VolumeError::Gone {
        path: path.display().to_string(),
    };
    let file = path.join(LABEL);
    match below::read_untrusted(&file, MOST) {
        Ok(bytes) if bytes == known.bytes => {}
        Ok(_) => return Err(gone()),
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(gone()),
        Err(e) => return Err(io("read", &file)(e)),
    }
    if device(path).map_err(io("look at", path))? != known.device {
        return Err(gone());
    }
    writable(path)
}

fn writable(path: &Path) -> Result<(), VolumeError> {
    let stat = nix::sys::statvfs::statvfs(path).map_err(|e| io("look at", path)(e.into()))?;
    if stat.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY) {
        return Err(VolumeError::ReadOnly {
            path: path.display().to_string(),
        });
    }
    Ok(())
}

/// Writes, syncs and removes a small file.
fn probe(path: &Path) -> std::io::Result<()> {
    let file = path.join(".beadle-probe");
    let done =
        File::create(&file).and_then(|mut f| f.write_all(b"probe\n").and_then(|()| f.sync_all()));
    let removed = fs::remove_file(&file);
    done.and(removed)
}

/// What a file system has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    pub mib: u64,
    /// Files it can still hold (inodes); None: it does not count them.
    pub files: Option<u64>,
}

impl Room {
    /// None: it does not say.
    pub fn of(path: &Path) -> Option<Self> {
        let s = nix::sys::statvfs::statvfs(path).ok()?;
        // The fields' types differ between platforms.
        #[allow(clippy::unnecessary_cast)]
        Some(Self {
            mib: (s.blocks_available() as u64).saturating_mul(s.fragment_size() as u64) >> 20,
            files: (s.files() > 0).then(|| s.files_available() as u64),
        })
    }

    /// MiB that can be recorded: none where there is no room for files.
    pub fn for_footage(self) -> u64 {
        if self.few_files().is_some() {
            0
        } else {
            self.mib
        }
    }

    /// How many more files there is room for, when that may be too few.
    pub fn few_files(self) -> Option<u64> {
        self.files.filter(|n| *n < FEW_FILES)
    }
}
