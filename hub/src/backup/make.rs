//! Task. Writes a backup: what is new of it, sealed; reads that back; then its mark; then what is too old goes. Blocking.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use footage::sealed;
use ring::{
    digest::{Context, SHA256},
    hmac,
};
use shared::{record::hex, time::Utc};
use zeroize::Zeroizing;

pub use super::source::OwnPart;
use super::{
    error::{BackupError, file},
    format::{self, Entry, KeptKey, Label, Mark, Upto},
    source::{self, Source},
    store::Store,
};
use crate::keys;

/// Backups that are kept, and those whose exhibits' keys are, unless somebody says otherwise.
pub const KEPT: u32 = 14;
pub const KEYS_KEPT: u32 = 2;

/// Whom a new folder is sealed to.
pub enum To {
    /// age1…; whoever has its identity opens the folder.
    Recipient(String),
    Passphrase(Zeroizing<String>),
}

/// What is to be backed up.
pub struct Plan {
    pub state: PathBuf,
    pub evidence: PathBuf,
    /// The copy of the records, as of the moment.
    pub records: PathBuf,
    pub own: OwnPart,
    pub upto: Upto,
    pub n: u64,
    pub made: Utc,
    pub keep: u32,
    pub keep_keys: u32,
    /// What is there already is read too, and written again where it is damaged.
    pub thorough: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    pub mark: Mark,
    /// SHA-256 of the mark.
    pub sums: String,
    /// Bytes that were not there before, as they were before they were sealed.
    pub new: u64,
    pub exhibit_keys: u64,
    /// Backups and parts of keys that were taken away.
    pub dropped: u64,
    /// Pieces that were damaged and were written again.
    pub mended: u64,
}

/// A backup folder that is open for writing.
pub struct Folder {
    store: Store,
}

impl Folder {
    /// Opens it, or begins it for this hub. `to`: whom a new one is sealed to, or whom one that is there has to be sealed to.
    pub fn begin(path: &Path, scheme: &str, to: Option<&To>) -> Result<Self, BackupError> {
        let store = Store::begin(path, || new(scheme, to))?;
        let label = &store.label;
        if label.scheme != scheme {
            return Err(BackupError::OtherHub {
                folder: path.display().to_string(),
                is: label.scheme.clone(),
                hub: scheme.to_owned(),
            });
        }
        if let Some(To::Recipient(wanted)) = to
            && *wanted != label.to
        {
            return Err(BackupError::OtherRecipient {
                folder: path.display().to_string(),
                is: label.to.clone(),
                wanted: wanted.clone(),
            });
        }
        Ok(Self { store })
    }

    pub fn label(&self) -> &Label {
        &self.store.label
    }

    /// The highest number that anything in it bears.
    pub fn highest(&self) -> Result<u64, BackupError> {
        self.store.highest()
    }
}

/// Names pieces by what is in them; of this hub alone.
fn naming(state: &Path) -> Result<Zeroizing<[u8; 32]>, BackupError> {
    let path = keys::Keys::folder(state).join("backup.key");
    match fs::read(&path) {
        Ok(bytes) => {
            let key: Option<[u8; 32]> = bytes.try_into().ok();
            let bad = || {
                keys::KeyError::Bad {
                file: "backup.key",
                why: "it has not 32 bytes. Remove it: another is made, and the next backup writes everything anew".into(),
            }
            };
            Ok(Zeroizing::new(key.ok_or_else(bad)?))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(BackupError::Missing {
            part: path.display().to_string(),
            why: "the hub makes it as a backup begins".into(),
            next: "Restart the hub and give the same command again",
        }),
        Err(e) => Err(file("read", &path)(e)),
    }
}

/// The label of a new folder, and its sealed identity where a passphrase opens it.
fn new(scheme: &str, to: Option<&To>) -> Result<(Label, Option<Vec<u8>>), BackupError> {
    let id = format::hex_of(&keys::random::<16>()?);
    let label = |to: String, passphrase| Label {
        beadle_backup: format::VERSION,
        id,
        scheme: scheme.to_owned(),
        to,
        passphrase,
    };
    match to {
        None => Err(BackupError::Plain(
            "whom the backup is sealed to has to be said when a folder is begun: --to age1… (whose identity is kept somewhere else), or --passphrase; nothing was written".into(),
        )),
        Some(To::Recipient(to)) => match sealed::is_recipient(to) {
            true => Ok((label(to.clone(), false), None)),
            false => Err(BackupError::Plain(format!(
                "{to:?} is no age recipient (age1…); nothing was written. `age-keygen` makes an identity and its recipient"
            ))),
        },
        Some(To::Passphrase(words)) => {
            let (identity, to) = sealed::keypair();
            let seal = || {
                let mut sealer = sealed::Sealer::with_passphrase(words)?;
                sealer.push(identity.as_bytes())?;
                sealer.finish()
            };
            let sealed = seal().map_err(plain)?;
            Ok((label(to, true), Some(sealed)))
        }
    }
}

fn plain(e: impl std::fmt::Display) -> BackupError {
    BackupError::Plain(e.to_string())
}

/// Writes it. `told`: bytes that were looked at, of how many.
pub fn make(
    folder: &mut Folder,
    plan: &Plan,
    mut told: impl FnMut(u64, u64),
) -> Result<BackupReport, BackupError> {
    let key = naming(&plan.state)?;
    let naming = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
    let store = &mut folder.store;
    let marks = store.marks()?;
    for n in store.unfinished(&marks)? {
        store.drop_backup(n)?;
    }
    let mut mended = 0;
    let doubtful = match plan.thorough {
        true => store.all(),
        false => store.unnamed(&store.named(&marks)?),
    };
    for object in doubtful {
        match store.object(&object) {
            Ok(_) => {}
            Err(BackupError::Damaged { .. } | BackupError::Missing { .. }) => {
                store.remove(&object)?;
                mended += 1;
            }
            Err(e) => return Err(e),
        }
    }
    let sources = source::gather(&plan.state, &plan.evidence, &plan.records, &plan.own)?;
    let sizes = sources
        .iter()
        .map(|s| fs::metadata(&s.at).map_or(0, |m| m.len()));
    let of: u64 = sizes.sum();
    let mut fresh = BTreeSet::new();
    let (mut list, mut objects) = (Vec::new(), BTreeSet::new());
    let (mut files, mut bytes, mut new, mut looked) = (0, 0, 0, 0);
    for source in &sources {
        let taken = take(store, &naming, source, &mut fresh, &mut |n, is_new| {
            looked += n;
            new += if is_new { n } else { 0 };
            told(looked, of.max(looked));
        })?;
        let Some(entry) = taken else { continue };
        files += 1;
        bytes += entry.bytes;
        objects.extend(entry.pieces.iter().cloned());
        serde_json::to_writer(&mut list, &entry).map_err(plain)?;
        list.push(b'\n');
    }
    store.sync()?;
    for object in &fresh {
        store.object(object)?;
    }
    let (kept, exhibit_keys) = exhibit_keys(&plan.state)?;
    let seal = |bytes: &[u8], to: &str| sealed::seal(to, bytes).map_err(plain);
    let to = store.label.to.clone();
    let keys_part = store.write(&format::keys_path(plan.n), &seal(&kept, &to)?)?;
    let list = store.write(&format::list_path(plan.n), &seal(&list, &to)?)?;
    let names: Vec<&str> = objects.iter().map(String::as_str).collect();
    let names = names.join("\n") + "\n";
    let objects = store.write(&format::objects_path(plan.n), names.as_bytes())?;
    let mark = Mark {
        beadle_backup: format::VERSION,
        n: plan.n,
        made: plan.made,
        sw: env!("CARGO_PKG_VERSION").into(),
        files,
        bytes,
        upto: plan.upto.clone(),
        list,
        objects,
        keys: keys_part,
    };
    let text = serde_json::to_vec_pretty(&mark).map_err(plain)?;
    let part = store.write(&format::mark_path(plan.n), &text)?;
    let dropped = drop_old(store, plan)?;
    Ok(BackupReport {
        mark,
        sums: part.sha256,
        new,
        exhibit_keys,
        dropped,
        mended,
    })
}

/// One file, piece by piece; None: it is gone.
fn take(
    store: &mut Store,
    naming: &hmac::Key,
    source: &Source,
    fresh: &mut BTreeSet<String>,
    looked: &mut dyn FnMut(u64, bool),
) -> Result<Option<Entry>, BackupError> {
    let Some((mut from, bytes, mode)) = source::open(source)? else {
        return Ok(None);
    };
    let mut hash = Context::new(&SHA256);
    let mut pieces = Vec::new();
    let mut piece = Zeroizing::new(Vec::new());
    let mut left = bytes;
    while left > 0 {
        piece.clear();
        let most = left.min(format::piece(&source.path) as u64);
        let n = Read::take(&mut from, most).read_to_end(&mut piece);
        let n = n.map_err(file("read", &source.at))? as u64;
        if n < most {
            return Err(BackupError::Plain(format!(
                "{} became shorter while it was read; nothing of this backup counts. Give the same command again",
                source.at.display()
            )));
        }
        left -= n;
        hash.update(&piece);
        let name = format::name(naming, &piece);
        let is_new = !store.has(&name);
        if is_new {
            let sealed = sealed::seal(&store.label.to, &piece).map_err(plain)?;
            store.put(&name, &sealed)?;
            fresh.insert(name.clone());
        }
        pieces.push(name);
        looked(n, is_new);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    Ok(Some(Entry {
        root: source.root,
        path: source.path.clone(),
        mode,
        bytes,
        sha256: hex(&digest),
        pieces,
    }))
}

/// The exhibits' keys as they are now, one a line, and how many there are.
fn exhibit_keys(state: &Path) -> Result<(Zeroizing<Vec<u8>>, u64), BackupError> {
    let folder = keys::Keys::folder(state).join("exhibits");
    let (mut out, mut count) = (Zeroizing::new(Vec::new()), 0);
    for entry in fs::read_dir(&folder).map_err(file("list", &folder))? {
        let path = entry.map_err(file("list", &folder))?.path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if !name.ends_with(".key") {
            continue;
        }
        let text = match fs::read_to_string(&path) {
            // It was destroyed just now.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(file("read", &path))?,
        };
        // One that is being destroyed is zeros.
        if !text.contains("AGE-SECRET-KEY-1") {
            continue;
        }
        let name = name.to_owned();
        serde_json::to_writer(&mut *out, &KeptKey { name, text }).map_err(plain)?;
        out.push(b'\n');
        count += 1;
    }
    Ok((out, count))
}

/// Takes away what is too old: backups, parts of keys, pieces that nothing names any more.
fn drop_old(store: &mut Store, plan: &Plan) -> Result<u64, BackupError> {
    let mut marks = store.marks()?;
    let numbers: BTreeSet<u64> = marks.iter().map(|m| m.n).collect();
    let old = format::too_old(&numbers, plan.keep);
    for n in &old {
        store.drop_backup(*n)?;
    }
    marks.retain(|m| !old.contains(&m.n));
    let old_keys = format::too_old(&store.key_parts()?, plan.keep_keys.min(plan.keep));
    for n in &old_keys {
        store.drop_keys(*n)?;
    }
    for object in store.unnamed(&store.named(&marks)?) {
        store.remove(&object)?;
    }
    Ok(old.len() as u64 + old_keys.len() as u64)
}

/// Reads a whole folder, without a key: every piece against its name, every part against its mark. What is damaged, and how much there is.
pub fn check(
    path: &Path,
    mut told: impl FnMut(u64, u64),
) -> Result<(Vec<Mark>, u64, Vec<BackupError>), BackupError> {
    let store = Store::open(path)?;
    let marks = store.marks()?;
    let mut bad = Vec::new();
    let mut named = BTreeSet::new();
    let held: BTreeSet<u64> = store.key_parts()?;
    for mark in &marks {
        let n = mark.n;
        let mut parts = vec![(format::list_path(n), &mark.list)];
        if held.contains(&n) {
            parts.push((format::keys_path(n), &mark.keys));
        }
        for (of, part) in parts {
            bad.extend(store.part(&of, part).err());
        }
        match store.part(&format::objects_path(n), &mark.objects) {
            Ok(text) => named.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned)),
            Err(e) => bad.push(e),
        }
    }
    let of = named.len() as u64;
    for (at, object) in named.iter().enumerate() {
        bad.extend(store.object(object).err());
        told(at as u64 + 1, of);
    }
    Ok((marks, of, bad))
}
