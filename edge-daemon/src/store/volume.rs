//! Adapter: filesystem. Footage volumes and their signed labels. No label, no recording there.
//!
//! `<volume>/beadle-volume.json` is the label: one JSON object `{"v":1,"id":"…","box":"ashby-high-street","made":"<time>","system_disk_ok":false}`.
//! `<volume>/beadle-volume.json.sig` is its signature: base64 of an ASN.1 ECDSA P-256/SHA-256 signature by the box's identity key over the
//! label's exact bytes (`openssl dgst -sha256 -verify` checks it once decoded). `system_disk_ok` is set by `volume label --system-disk` only.
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use shared::{
    id::BoxName,
    record::hex,
    segment::{CLOSED, SegmentName},
    time::Utc,
};

pub const LABEL: &str = "beadle-volume.json";
/// Below this a volume counts as full: enough for every camera to finish the segment it is writing.
const RESERVE_MIB: u64 = 64;
/// How often a failed volume is tried again.
const PROBE_EVERY: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    pub path: PathBuf,
    pub id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    pub v: u32,
    pub id: String,
    pub r#box: BoxName,
    pub made: Utc,
    #[serde(default)]
    pub system_disk_ok: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    #[error(
        "{path} has no label: nothing is recorded there. If this is the right disk, run `beadle-edge volume label {path}`"
    )]
    Missing { path: String },
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
        "{path} and {other} are the same volume ({id}): the second is not used. Correct `volumes` in the configuration"
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
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> VolumeError {
    move |source| VolumeError::Io {
        what,
        path: path.display().to_string(),
        source,
    }
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
    fs::create_dir_all(path).map_err(io("make", path))?;
    if let Ok(old) = fs::read(path.join(LABEL)) {
        let id = serde_json::from_slice::<Label>(&old)
            .map(|l| l.id)
            .unwrap_or_else(|_| "not readable".into());
        return Err(VolumeError::Labelled { path: shown, id });
    }
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

fn on_system_disk(path: &Path) -> Result<bool, VolumeError> {
    let root = Path::new("/");
    let device = |p: &Path| fs::metadata(p).map(|m| m.dev()).map_err(io("look at", p));
    Ok(device(path)? == device(root)?)
}

/// Checks one volume's label. `public_key` is the box's identity key: the P-256 point (65 bytes), or SPKI DER that ends with it.
pub fn check(path: &Path, this_box: &BoxName, public_key: &[u8]) -> Result<Label, VolumeError> {
    let shown = || path.display().to_string();
    let file = path.join(LABEL);
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
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
    let stat = nix::sys::statvfs::statvfs(path).map_err(|e| io("look at", path)(e.into()))?;
    if stat.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY) {
        return Err(VolumeError::ReadOnly { path: shown() });
    }
    match probe(path) {
        Err(e) if e.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
            Err(VolumeError::ReadOnly { path: shown() })
        }
        // A full disk is no reason to leave its footage unread; `pick` looks at the space.
        Err(e) if e.kind() != std::io::ErrorKind::StorageFull => Err(io("write to", path)(e)),
        _ => Ok(label),
    }
}

/// Writes, syncs and removes a small file.
fn probe(path: &Path) -> std::io::Result<()> {
    let file = path.join(".beadle-probe");
    let done =
        File::create(&file).and_then(|mut f| f.write_all(b"probe\n").and_then(|()| f.sync_all()));
    let removed = fs::remove_file(&file);
    done.and(removed)
}

fn free_mib(path: &Path) -> u64 {
    match nix::sys::statvfs::statvfs(path) {
        // The fields' types differ between platforms.
        #[allow(clippy::unnecessary_cast)]
        Ok(s) => (s.blocks_available() as u64).saturating_mul(s.fragment_size() as u64) >> 20,
        Err(_) => 0,
    }
}

/// The volumes that may be recorded to. Cheap to clone; all clones share what has failed.
#[derive(Clone, Debug)]
pub struct Volumes(Arc<Mutex<Vec<Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    volume: Volume,
    failed: Option<Failure>,
}

#[derive(Clone, Debug)]
struct Failure {
    why: String,
    probed: Instant,
}

impl Volumes {
    /// Checks every configured volume's label; volumes that fail are left out and said in the second value.
    pub fn open(paths: &[PathBuf], this_box: &BoxName, public_key: &[u8]) -> (Self, Vec<String>) {
        let mut entries: Vec<Entry> = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            match check(path, this_box, public_key) {
                Ok(label) => match entries.iter().find(|e| e.volume.id == label.id) {
                    Some(other) => problems.push(
                        VolumeError::Twice {
                            path: path.display().to_string(),
                            other: other.volume.path.display().to_string(),
                            id: label.id,
                        }
                        .to_string(),
                    ),
                    None => entries.push(Entry {
                        volume: Volume {
                            path: path.clone(),
                            id: label.id,
                        },
                        failed: None,
                    }),
                },
                Err(e) => problems.push(e.to_string()),
            }
        }
        (Self(Arc::new(Mutex::new(entries))), problems)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All volumes with a good label, failed ones too (footage may still be read there).
    pub fn all(&self) -> Vec<Volume> {
        self.lock().iter().map(|e| e.volume.clone()).collect()
    }

    /// Where the next segment of a camera goes (most free space; skips volumes marked failed, which are probed again now and then).
    pub fn pick(&self) -> Option<Volume> {
        self.probe_failed();
        let usable: Vec<Volume> = self
            .lock()
            .iter()
            .filter(|e| e.failed.is_none())
            .map(|e| e.volume.clone())
            .collect();
        usable
            .into_iter()
            .map(|v| (free_mib(&v.path), v))
            .filter(|(free, _)| *free >= RESERVE_MIB)
            .max_by_key(|(free, _)| *free)
            .map(|(_, v)| v)
    }

    /// Volumes without room for another segment, and how much is left.
    pub fn full(&self) -> Vec<(PathBuf, String)> {
        let volumes = self.all();
        volumes
            .into_iter()
            .map(|v| (free_mib(&v.path), v.path))
            .filter(|(free, _)| *free < RESERVE_MIB)
            .map(|(free, path)| {
                let why = format!(
                    "{}: {free} MiB are free, {RESERVE_MIB} are needed to record there",
                    path.display()
                );
                (path, why)
            })
            .collect()
    }

    /// A write failed there: skip it until a probe succeeds.
    pub fn failed(&self, path: &Path, why: &str) {
        for e in self.lock().iter_mut().filter(|e| e.volume.path == path) {
            e.failed = Some(Failure {
                why: why.into(),
                probed: Instant::now(),
            });
        }
    }

    /// Tries failed volumes again, at most every ten seconds each. The lock is not held meanwhile: a sick disk may hang.
    fn probe_failed(&self) {
        let mut due = Vec::new();
        for e in self.lock().iter_mut() {
            if let Some(f) = &mut e.failed
                && f.probed.elapsed() >= PROBE_EVERY
            {
                f.probed = Instant::now();
                due.push(e.volume.path.clone());
            }
        }
        for path in due {
            if probe(&path).is_ok() {
                for e in self.lock().iter_mut().filter(|e| e.volume.path == path) {
                    e.failed = None;
                }
            }
        }
    }

    /// Volumes marked failed, and why.
    pub fn failures(&self) -> Vec<(Volume, String)> {
        self.lock()
            .iter()
            .filter_map(|e| e.failed.as_ref().map(|f| (e.volume.clone(), f.why.clone())))
            .collect()
    }

    /// Free space of the volumes that are in use.
    pub fn free_mib(&self) -> u64 {
        let paths: Vec<PathBuf> = self
            .lock()
            .iter()
            .filter(|e| e.failed.is_none())
            .map(|e| e.volume.path.clone())
            .collect();
        paths.iter().map(|p| free_mib(p)).sum()
    }

    /// Where a closed segment lies.
    pub fn find(&self, name: &SegmentName) -> Option<PathBuf> {
        let volumes = self.all();
        let straight = volumes
            .iter()
            .map(|v| v.path.join(name.closed_path()))
            .find(|p| p.is_file());
        straight.or_else(|| {
            // A recovered segment keeps the second its recorder began it, which may differ from its first whole frame's.
            let end = format!("-{}{CLOSED}", name.s);
            volumes.iter().find_map(|v| {
                let folder = v.path.join(SegmentName::folder(name.day, &name.cam));
                fs::read_dir(folder)
                    .ok()?
                    .filter_map(Result::ok)
                    .find(|e| e.file_name().to_str().is_some_and(|f| f.ends_with(&end)))
                    .map(|e| e.path())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    fn key() -> EcdsaKeyPair {
        let rng = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).expect("key");
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.as_ref(), &rng).expect("key")
    }

    fn labelled(path: &Path, key: &EcdsaKeyPair, name: &str) -> Label {
        let sign = |b: &[u8]| {
            key.sign(&SystemRandom::new(), b)
                .map(|s| s.as_ref().to_vec())
                .map_err(|_| std::io::Error::other("sign"))
        };
        label(
            path,
            &BoxName::parse(name).expect("name"),
            Utc(0),
            true,
            sign,
        )
        .expect("label")
    }

    /// REC-4, FLT-3: footage goes only where this box's label says so; each refusal names its cause.
    #[test]
    fn only_volumes_with_a_good_label() {
        let ours = BoxName::parse("ashby").expect("name");
        let (key, other) = (key(), key());
        let dir = tempfile::tempdir().expect("dir");
        let at = |n: &str| dir.path().join(n);
        for n in ["good", "copy", "altered", "foreign", "otherkey", "none"] {
            fs::create_dir(at(n)).expect("dir");
        }
        labelled(&at("good"), &key, "ashby");
        for f in [LABEL.to_owned(), format!("{LABEL}.sig")] {
            fs::copy(at("good").join(&f), at("copy").join(&f)).expect("copy");
        }
        labelled(&at("altered"), &key, "ashby");
        let text = fs::read_to_string(at("altered").join(LABEL)).expect("read");
        fs::write(at("altered").join(LABEL), text.replace("1970", "1971")).expect("write");
        labelled(&at("foreign"), &other, "brook");
        labelled(&at("otherkey"), &other, "ashby");
        let paths: Vec<PathBuf> = [
            "none", "altered", "foreign", "otherkey", "good", "copy", "absent",
        ]
        .iter()
        .map(|n| at(n))
        .collect();
        let (volumes, problems) = Volumes::open(&paths, &ours, key.public_key().as_ref());
        assert_eq!(
            volumes
                .all()
                .iter()
                .map(|v| v.path.clone())
                .collect::<Vec<_>>(),
            [at("good")]
        );
        for (problem, said) in problems.iter().zip([
            "no label",
            "altered",
            "belongs to the box brook",
            "altered",
            "same volume",
            "no label",
        ]) {
            assert!(problem.contains(said), "{problem} should say {said}");
        }
        assert_eq!(problems.len(), 6);
    }

    /// A disk that is not mounted must not fill the system disk unnoticed.
    #[test]
    fn never_on_the_system_disk_by_accident() {
        let path = Path::new("/");
        assert!(on_system_disk(path).expect("stat"));
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("dir");
        if !on_system_disk(dir.path()).expect("stat") {
            return; // sources on a disk of their own: nothing to show here
        }
        let key = key();
        let sign = |b: &[u8]| {
            key.sign(&SystemRandom::new(), b)
                .map(|s| s.as_ref().to_vec())
                .map_err(|_| std::io::Error::other("sign"))
        };
        let refused = label(
            dir.path(),
            &BoxName::parse("ashby").expect("name"),
            Utc(0),
            false,
            sign,
        );
        assert!(matches!(refused, Err(VolumeError::SystemDisk { .. })));
        labelled(dir.path(), &key, "ashby");
        check(
            dir.path(),
            &BoxName::parse("ashby").expect("name"),
            key.public_key().as_ref(),
        )
        .expect("labelled for the system disk");
    }

    #[test]
    fn a_failed_volume_is_skipped() {
        let (key, dir) = (key(), tempfile::tempdir().expect("dir"));
        let paths = [dir.path().join("a"), dir.path().join("b")];
        for p in &paths {
            labelled(p, &key, "ashby");
        }
        let (volumes, problems) = Volumes::open(
            &paths,
            &BoxName::parse("ashby").expect("name"),
            key.public_key().as_ref(),
        );
        assert!(problems.is_empty());
        volumes.failed(&paths[0], "I/O error");
        assert_eq!(volumes.pick().map(|v| v.path), Some(paths[1].clone()));
        volumes.failed(&paths[1], "I/O error");
        assert_eq!(volumes.pick(), None);
        assert_eq!(volumes.failures().len(), 2);
        assert_eq!(volumes.all().len(), 2, "what is there can still be read");
    }
}
