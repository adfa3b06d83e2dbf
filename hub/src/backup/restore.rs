//! Task. Puts a hub back from a backup, into an empty state folder: every file against its hash, `hub.toml` last, so that what broke off is no
//! hub and can be begun again. Blocking.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use footage::sealed::{self, SealError};
use nix::unistd::{Gid, Uid};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use shared::{id::ExhibitRef, record::hex, time::Clock, types::HubRestore};
use zeroize::Zeroizing;

use super::{
    error::{ANOTHER_COPY, BackupError, file},
    format::{self, Entry, KeptKey, Mark, Root},
    source::{LEFT, TAKEN},
    store::Store,
};
use crate::{
    acts,
    config::{Config, Raw},
    db::{Db, rolled::NewRollback},
    disks::room,
    files::{private_dir, write_whole},
    keys::Keys,
    ownlog::{CONSOLE, OwnLog},
};

/// In the state folder while a hub is put back there.
const UNDER_WAY: &str = "restore.json";

/// What opens a backup folder.
pub enum BackupKey {
    /// AGE-SECRET-KEY-1…
    Identity(Zeroizing<String>),
    Passphrase(Zeroizing<String>),
}

pub struct RestoreOrder {
    pub folder: PathBuf,
    pub state: PathBuf,
    pub opens: BackupKey,
    /// None: the newest.
    pub backup: Option<u64>,
    /// Where evidence lies from now on; None: where `hub.toml` says.
    pub evidence: Option<PathBuf>,
    /// Evidence whose parts are damaged is left out instead of ending the restore.
    pub leave_out: bool,
}

/// What was put back.
#[derive(Clone, Debug)]
pub struct RestoreReport {
    pub mark: Mark,
    pub id: String,
    /// Its newer backups in the folder that were not taken.
    pub newer: u64,
    pub files: u64,
    pub bytes: u64,
    pub exhibit_keys: u64,
    /// Of which backup the exhibits' keys are.
    pub keys_of: u64,
    /// Files of evidence that were damaged and left out.
    pub damaged: Vec<String>,
    /// Exhibits that were disposed of after this backup: their keys are gone, and so are they.
    pub disposed: Vec<String>,
    /// The hub's log from now on.
    pub log: String,
    /// What boxes' heads and the hub's are countersigned with: to be compared with what is published.
    pub vkey: String,
}

/// `restore.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnderWay {
    id: String,
    backup: u64,
    evidence: Option<PathBuf>,
}

fn plain(e: impl std::fmt::Display) -> BackupError {
    BackupError::Plain(e.to_string())
}

/// The identity that opens a folder, tried on nothing yet.
fn identity(store: &Store, opens: &BackupKey) -> Result<Zeroizing<String>, BackupError> {
    let words = match opens {
        BackupKey::Identity(text) => {
            let to = store.label.to.clone();
            let wrong = |why| BackupError::Identity {
                part: store.path(format::LABEL).display().to_string(),
                why,
                to: to.clone(),
            };
            return match sealed::recipient_of(text) {
                Ok(is) if is == to => Ok(text.clone()),
                Ok(_) => Err(wrong(SealError::NoKeyFits(1))),
                Err(e) => Err(wrong(e)),
            };
        }
        BackupKey::Passphrase(words) => words,
    };
    if !store.label.passphrase {
        return Err(plain(format!(
            "this folder has no passphrase: it is sealed to {}; nothing was put back. Give the file with that identity: --identity FILE",
            store.label.to
        )));
    }
    let sealed = store.sealed_identity()?;
    let no = || BackupError::Passphrase(store.path(format::IDENTITY).display().to_string());
    let text = sealed::open_with_passphrase(&sealed, words).map_err(|_| no())?;
    let text = String::from_utf8(text.to_vec()).map_err(|_| no())?;
    Ok(Zeroizing::new(text))
}

/// Lines of a sealed part.
fn lines<T: for<'a> Deserialize<'a>>(
    store: &Store,
    of: &str,
    is: &format::Part,
    identity: &str,
) -> Result<Vec<T>, BackupError> {
    let sealed = store.part(of, is)?;
    let damaged = |why: String| BackupError::Damaged {
        part: store.path(of).display().to_string(),
        why,
        next: ANOTHER_COPY,
    };
    let text = sealed::open(identity, &sealed).map_err(|e| damaged(e.to_string()))?;
    let text = Zeroizing::new(text);
    let all = text.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    all.map(|l| serde_json::from_slice(l).map_err(|e| damaged(e.to_string())))
        .collect()
}

/// What is chosen of a folder: the backup, and the newest exhibits' keys, whatever the backup, so that a disposal reaches it.
fn choose(store: &Store, wanted: Option<u64>) -> Result<(Mark, Mark, u64), BackupError> {
    let marks = store.marks()?;
    let folder = store.path("").display().to_string();
    let Some(newest) = marks.last() else {
        return Err(plain(format!(
            "there is no finished backup in {folder}; nothing was put back. Name another copy of the folder"
        )));
    };
    let found = match wanted {
        None => newest,
        Some(n) => marks.iter().find(|m| m.n == n).ok_or_else(|| {
            let all: Vec<String> = marks.iter().map(|m| m.n.to_string()).collect();
            plain(format!(
                "there is no backup {n} in {folder}; nothing was put back. There are: {}",
                all.join(", ")
            ))
        })?,
    };
    let held = store.key_parts()?;
    let keys = marks
        .iter()
        .rfind(|m| held.contains(&m.n))
        .ok_or_else(|| BackupError::Missing {
            part: store
                .path(&format::keys_path(newest.n))
                .display()
                .to_string(),
            why: "without the exhibits' keys no evidence can be opened".into(),
            next: ANOTHER_COPY,
        })?;
    let newer = marks.iter().filter(|m| m.n > found.n).count() as u64;
    Ok((found.clone(), keys.clone(), newer))
}

/// Makes sure that nothing is there but what a restore that broke off has left, and takes that away.
fn clear(state: &Path) -> Result<(), BackupError> {
    if state.join("hub.toml").exists() {
        return Err(BackupError::HubThere(state.display().to_string()));
    }
    private_dir(state)?;
    let note = state.join(UNDER_WAY);
    let before: Option<UnderWay> = match fs::read(&note) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        other => {
            let bytes = other.map_err(file("read", &note))?;
            // One that cannot be read was written by a restore all the same.
            Some(serde_json::from_slice(&bytes).unwrap_or(UnderWay {
                id: String::new(),
                backup: 0,
                evidence: None,
            }))
        }
    };
    let ours: BTreeSet<&str> = TAKEN.into_iter().chain(LEFT).collect();
    for entry in fs::read_dir(state).map_err(file("list", state))? {
        let path = entry.map_err(file("list", state))?.path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if ["run", "lost+found", UNDER_WAY].contains(&name) {
            continue;
        }
        let is_evidence = path.is_dir() && exhibits_in(&path)?.is_some();
        match &before {
            Some(_) if ours.contains(name) || is_evidence || name.ends_with(".tmp") => {
                remove(&path)?
            }
            _ => {
                return Err(BackupError::StateNotEmpty(
                    state.display().to_string(),
                    name.to_owned(),
                ));
            }
        }
    }
    if let Some(evidence) = before.and_then(|b| b.evidence)
        && evidence.exists()
        && let Some(all) = exhibits_in(&evidence)?
    {
        for path in all {
            remove(&path)?;
        }
    }
    Ok(())
}

/// The folders of exhibits in a folder that has nothing else; None: it has something else.
fn exhibits_in(folder: &Path) -> Result<Option<Vec<PathBuf>>, BackupError> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(file("list", folder))? {
        let entry = entry.map_err(file("list", folder))?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if ExhibitRef::parse(name).is_ok() {
            all.push(entry.path());
        } else if name != "lost+found" {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

fn remove(path: &Path) -> Result<(), BackupError> {
    let gone = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    gone.map_err(file("clear", path))
}

/// Puts it back. `told`: bytes that were written, of how many.
pub fn restore(
    wanted: &RestoreOrder,
    clock: Arc<dyn Clock>,
    mut told: impl FnMut(u64, u64),
) -> Result<RestoreReport, BackupError> {
    let store = Store::open(&wanted.folder)?;
    let identity = identity(&store, &wanted.opens)?;
    let (mark, keys_mark, newer) = choose(&store, wanted.backup)?;
    let entries: Vec<Entry> = lines(&store, &format::list_path(mark.n), &mark.list, &identity)?;
    let keys_path = format::keys_path(keys_mark.n);
    let kept: Vec<KeptKey> = lines(&store, &keys_path, &keys_mark.keys, &identity)?;
    let state = &wanted.state;
    clear(state)?;
    let toml = entries.iter().find(|e| e.path == "hub.toml");
    let toml = toml.ok_or_else(|| plain("this backup has no hub.toml: it is none of a hub's"))?;
    let (toml, config) = configuration(&store, toml, &identity, wanted)?;
    if config.evidence.exists() && exhibits_in(&config.evidence)?.is_none_or(|all| !all.is_empty())
    {
        return Err(BackupError::StateNotEmpty(
            config.evidence.display().to_string(),
            "what is in it".into(),
        ));
    }
    let of: u64 = entries.iter().map(|e| e.bytes).sum();
    enough_room(state, &config.evidence, &entries)?;
    let under_way = UnderWay {
        id: store.label.id.clone(),
        backup: mark.n,
        evidence: Some(config.evidence.clone()),
    };
    let note = serde_json::to_vec(&under_way).map_err(plain)?;
    write_whole(&state.join(UNDER_WAY), &note, 0o600)?;
    private_dir(&config.evidence)?;
    let exhibits: BTreeSet<&str> = kept
        .iter()
        .filter_map(|k| k.name.strip_suffix(".key"))
        .collect();
    let (mut files, mut bytes, mut looked) = (0, 0, 0);
    let (mut damaged, mut disposed) = (Vec::new(), BTreeSet::new());
    for entry in entries.iter().filter(|e| e.path != "hub.toml") {
        looked += entry.bytes;
        if !format::is_below(&entry.path) {
            return Err(plain(format!(
                "the list of backup {} names {:?}, which is no path below a hub's folders; nothing more was put back. {ANOTHER_COPY}",
                mark.n, entry.path
            )));
        }
        let root = match entry.root {
            Root::State => state,
            Root::Evidence => {
                let exhibit = entry.path.split('/').next().unwrap_or_default();
                if ExhibitRef::parse(exhibit).is_ok() && !exhibits.contains(exhibit) {
                    disposed.insert(exhibit.to_owned());
                    continue;
                }
                &config.evidence
            }
        };
        match put(&store, entry, &root.join(&entry.path), &identity) {
            Ok(()) => {
                files += 1;
                bytes += entry.bytes;
            }
            Err(BackupError::Damaged { .. } | BackupError::Missing { .. })
                if wanted.leave_out && entry.root == Root::Evidence =>
            {
                damaged.push(entry.path.clone());
            }
            Err(e) => return Err(e),
        }
        told(looked, of);
    }
    let folder = Keys::folder(state).join("exhibits");
    private_dir(&folder)?;
    for key in &kept {
        if !format::is_below(&key.name) || key.name.contains('/') {
            continue;
        }
        write_whole(&folder.join(&key.name), key.text.as_bytes(), 0o600)?;
    }
    for folder in [state, &config.evidence] {
        sync(folder)?;
    }
    let (log, vkey) = go_on(state, &config, &mark, &store.label.id, clock)?;
    let heir = logbook::heir(state);
    for folder in [state, &config.evidence] {
        give(folder, heir)?;
    }
    // Last: a hub.toml says that all the rest is there.
    let to = state.join("hub.toml");
    write_whole(&to, toml.as_bytes(), 0o640)?;
    give(&to, heir)?;
    remove(&state.join(UNDER_WAY))?;
    Ok(RestoreReport {
        id: store.label.id.clone(),
        newer,
        files: files + 1,
        bytes,
        exhibit_keys: kept.len() as u64,
        keys_of: keys_mark.n,
        damaged,
        disposed: disposed.into_iter().collect(),
        log,
        vkey,
        mark,
    })
}

/// The hub's configuration, with another folder of evidence where that was asked for.
fn configuration(
    store: &Store,
    entry: &Entry,
    identity: &str,
    wanted: &RestoreOrder,
) -> Result<(String, Config), BackupError> {
    let mut bytes = Vec::new();
    each_piece(store, entry, identity, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    let mut text = String::from_utf8(bytes).map_err(plain)?;
    if let Some(evidence) = &wanted.evidence {
        let mut raw: Raw = toml::from_str(&text).map_err(plain)?;
        raw.evidence = Some(evidence.display().to_string());
        text = toml::to_string(&raw).map_err(plain)?;
    }
    let config = Config::parse(&text, &wanted.state).map_err(|e| {
        plain(format!(
            "the hub.toml of this backup is not one that this program can use, and nothing was put back: {e}"
        ))
    })?;
    Ok((text, config))
}

/// Refuses before the first byte where it will not fit.
fn enough_room(state: &Path, evidence: &Path, entries: &[Entry]) -> Result<(), BackupError> {
    let of = |root| {
        let all = entries.iter().filter(|e| e.root == root);
        all.map(|e| e.bytes).sum::<u64>()
    };
    let (for_state, for_evidence) = (of(Root::State), of(Root::Evidence));
    let device = |path| room::device(path).map_err(file("look at", path));
    let needs = match device(state)? == device(evidence)? {
        true => vec![(state, for_state + for_evidence)],
        false => vec![(state, for_state), (evidence, for_evidence)],
    };
    for (path, need) in needs {
        let free = room::of(path).map_err(file("look at", path))?.free;
        if free < need {
            return Err(plain(format!(
                "the disk of {} has {} MiB left, and this backup needs {} there; nothing was put back. Name a larger disk",
                path.display(),
                free >> 20,
                need.div_ceil(1 << 20)
            )));
        }
    }
    Ok(())
}

fn each_piece(
    store: &Store,
    entry: &Entry,
    identity: &str,
    mut each: impl FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut hash = Context::new(&SHA256);
    for name in &entry.pieces {
        if !format::is_hash(name) {
            return Err(plain(format!("{name:?} is no name of a piece")));
        }
        let sealed = store.object(name)?;
        let piece = sealed::open(identity, &sealed).map_err(|e| BackupError::Damaged {
            part: store.object_at(name).display().to_string(),
            why: e.to_string(),
            next: ANOTHER_COPY,
        })?;
        let piece = Zeroizing::new(piece);
        hash.update(&piece);
        each(&piece)?;
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    match hex(&digest) == entry.sha256 {
        true => Ok(()),
        false => Err(BackupError::Damaged {
            part: format!("{} of this backup", entry.path),
            why: "its pieces together are not the file that was backed up".into(),
            next: ANOTHER_COPY,
        }),
    }
}

/// Writes one file; what is not right of it is taken away again.
fn put(store: &Store, entry: &Entry, to: &Path, identity: &str) -> Result<(), BackupError> {
    if let Some(folder) = to.parent() {
        private_dir(folder)?;
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(entry.mode & 0o777)
        .open(to)
        .map_err(file("make", to))?;
    let done = each_piece(store, entry, identity, |piece| {
        out.write_all(piece).map_err(file("write", to))
    });
    if done.is_err() {
        // It is cleared anew when the restore is repeated.
        let _ = fs::remove_file(to);
    }
    done
}

/// What root has put back belongs to whom the state folder does.
fn give(path: &Path, heir: Option<(Uid, Gid)>) -> Result<(), BackupError> {
    let Some((uid, gid)) = heir else {
        return Ok(());
    };
    std::os::unix::fs::lchown(path, Some(uid.as_raw()), Some(gid.as_raw()))
        .map_err(file("give away", path))?;
    let is = path.symlink_metadata().map_err(file("look at", path))?;
    if is.is_dir() {
        for entry in fs::read_dir(path).map_err(file("list", path))? {
            give(&entry.map_err(file("list", path))?.path(), heir)?;
        }
    }
    Ok(())
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    let open = fs::File::open(folder).map_err(file("open", folder))?;
    nix::unistd::syncfs(&open)
        .map_err(io::Error::from)
        .map_err(file("sync", folder))
}

/// The records say that they are an older copy, and the hub's next log begins: lines that the lost one had after it stay its own.
fn go_on(
    state: &Path,
    config: &Config,
    mark: &Mark,
    id: &str,
    clock: Arc<dyn Clock>,
) -> Result<(String, String), BackupError> {
    let keys = Arc::new(Keys::load(state, &config.scheme)?);
    let vkey = keys.cosign_vkey().to_string();
    let now = clock.now().wall;
    let reason = format!("put back from backup {} of {}", mark.n, mark.made);
    let begun = logbook::succeed(
        state,
        OwnLog::settings(&config.scheme),
        clock.clone(),
        &reason,
    )?;
    let db = Db::open(state)?;
    let (log, _) = OwnLog::open(state, &config.scheme, keys, clock)?;
    let line = HubRestore {
        id: id.to_owned(),
        backup: mark.n,
        made: mark.made,
        log: mark.upto.log.clone(),
        size: mark.upto.size,
        by: vec![CONSOLE.into()],
    };
    let rolled = NewRollback {
        restored: true,
        backup: Some(mark.n),
        copied: Some(mark.made),
        since: now,
    };
    let done = acts::act(&db, &log, |act| {
        act.log(CONSOLE, &line)?;
        act.forget_after_copy()?;
        act.begin_rollback(&rolled)?;
        Ok(())
    });
    let closed = log.close("restore");
    done.map_err(plain)?;
    closed?;
    Ok((begun.origin, vkey))
}
