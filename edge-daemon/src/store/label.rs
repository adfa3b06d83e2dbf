//! Adapter: filesystem. Signed labels of footage volumes: made, checked, and looked at again before a disk is used. No label, no recording there.
//!
//! `<volume>/beadle-volume.json` is the label: one JSON object `{"v":1,"id":"…","box":"ashby-high-street","made":"<time>","system_disk_ok":false}`.
//! `<volume>/beadle-volume.json.sig` is its signature: base64 of an ASN.1 ECDSA P-256/SHA-256 signature by the box's identity key over the
//! label's exact bytes (`openssl dgst -sha256 -verify` checks it once decoded). `system_disk_ok` is set by `volume label --system-disk` only.
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use shared::{id::BoxName, record::hex, time::Utc};

pub const LABEL: &str = "beadle-volume.json";
/// What a volume may hold before it is given to another owner: what `mkfs` makes, and what is ours.
const OURS: [&str; 4] = [
    "lost+found",
    "footage",
    "beadle-volume.json",
    "beadle-volume.json.sig",
];
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

/// Whether a folder may be labelled; changes nothing. `given`: it will change hands, so it must hold footage at most.
/// `state`: the box's state folder. A folder that is not there yet is judged by the one it would be made in.
pub fn may_label(
    path: &Path,
    state: &Path,
    system_disk: bool,
    given: bool,
) -> Result<(), VolumeError> {
    let shown = || path.display().to_string();
    match fs::read(path.join(LABEL)) {
        Ok(old) => {
            let id = serde_json::from_slice::<Label>(&old)
                .map(|l| l.id)
                .unwrap_or_else(|_| "not readable".into());
            return Err(VolumeError::Labelled { path: shown(), id });
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(io("look for a label in", path)(e)),
    }
    let absolute = std::path::absolute(path).map_err(io("look at", path))?;
    let there = absolute
        .ancestors()
        .find(|a| a.exists())
        .unwrap_or(Path::new("/"));
    if !system_disk && on_system_disk(there)? {
        return Err(VolumeError::SystemDisk { path: shown() });
    }
    if there != absolute {
        return Ok(());
    }
    let real = |p: &Path| fs::canonicalize(p).map_err(io("look at", p));
    let folder = real(&absolute)?;
    if folder.parent().is_none() || real(state).is_ok_and(|s| s.starts_with(&folder)) {
        let state = state.display().to_string();
        return Err(VolumeError::HoldsState {
            path: shown(),
            state,
        });
    }
    if given {
        let mut others = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io("list", path))? {
            let name = entry.map_err(io("list", path))?.file_name();
            if !OURS.iter().any(|own| name == *own) {
                others.push(name.to_string_lossy().into_owned());
            }
        }
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

/// Labels a volume for this box. `sign` signs with the box's identity key (ASN.1 ECDSA P-256/SHA-256).
pub fn label<E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    this_box: &BoxName,
    made: Utc,
    system_disk: bool,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Label, VolumeError> {
    let shown = path.display().to_string();
    if let Ok(old) = fs::read(path.join(LABEL)) {
        let id = serde_json::from_slice::<Label>(&old)
            .map(|l| l.id)
            .unwrap_or_else(|_| "not readable".into());
        return Err(VolumeError::Labelled { path: shown, id });
    }
    fs::create_dir_all(path).map_err(io("make", path))?;
    if !system_disk && on_system_disk(path)? {
        return Err(VolumeError::SystemDisk { path: shown });
    }
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
    for (name, bytes) in [
        (format!("{LABEL}.sig"), STANDARD.encode(sig).into_bytes()),
        (LABEL.to_owned(), bytes),
    ] {
        let (file, new) = (path.join(&name), path.join(format!("{name}.new")));
        let mut f = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(&new)
            .map_err(io("create", &new))?;
        f.write_all(&bytes)
            .and_then(|()| f.sync_all())
            .map_err(io("write", &new))?;
        fs::rename(&new, &file).map_err(io("rename", &new))?;
    }
    File::open(path)
        .and_then(|d| d.sync_all())
        .map_err(io("sync", path))?;
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
    let bytes = match fs::read(&file) {
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
    let sig = fs::read_to_string(path.join(format!("{LABEL}.sig"))).map_err(|_| bad())?;
    let sig = STANDARD.decode(sig.trim()).map_err(|_| bad())?;
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
    match fs::read(&file) {
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
