//! Adapter: filesystem. The identities, under a root key R that lives in a file or in the TPM ([`super::root`]; audit.md 2.13).
//!
//! # Files
//! ```text
//! <state>/reader/root.json      where R is; <state>/reader/root.key is R, where that is a file
//! <state>/reader/identities     "beadle identities v1\n" ‖ nonce (12) ‖ ChaCha20-Poly1305(R, nonce, aad = that first line, JSON)
//! <state>/public/reader.pub     the long-term recipient, one line
//! <state>/recorder/boot/*.age   identities the recorder made by itself, sealed to the long-term recipient
//! ```
//! The JSON: `{"v":1,"long":PAIR,"before":PAIR|null,"keys":{"c03/2026-11-03":[PAIR,…],…}}`, PAIR = `["AGE-SECRET-KEY-1…","age1…"]`.
//! A key id has one pair; more only if a start counter was ever used twice.
//!
//! # Erasing
//! `identities.new` under a new R′, synced → R′ staged beside R → `identities.new` takes its place → R destroyed → R′ in its place. In
//! a file these are `root.key.new` written, `root.key` overwritten with zeros, and renamed; in the TPM the staged index written, and the
//! current one overwritten. After that every older copy of `identities` on the disk is noise.
//! [`KeyStore::open`] completes or undoes whatever a power cut left: an erase counts once the staged R′ opens a file of identities.
//!
//! A move from file to TPM is an erase too: R′ staged in the TPM, `identities.new` under it, then `root.json` says TPM; what is left
//! of the file is destroyed at the next opening.
//!
//! Taking in a boot identity also replaces the long-term pair, so that its sealed copy in `boot/` cannot be opened
//! once the pair before is dropped, which [`KeyStore::destroy`] does.
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shared::{segment::KeyId, time::Day};
use zeroize::Zeroizing;

use super::root::{self, Root, RootStore, TpmError, Wish};
use crate::{below::Folder, state::State};

const MAGIC: &[u8] = b"beadle identities v1\n";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "{path} cannot be opened with the root key beside it, or one of the two is missing: footage sealed until now cannot be read. \
             Restore the pair from the same moment, or move both away to begin with new keys"
    )]
    Lost { path: String },
    #[error(
        "{path} cannot be used ({why}): it says what may be destroyed and when, so the reader does not go on without it. \
             Restore it from a copy of this box"
    )]
    Ledger { path: String, why: String },
    #[error("{0}")]
    Crypto(&'static str),
    #[error("{0}")]
    Wrap(&'static str),
    #[error(
        "{path}, which says where the root key is, is not understood: put back the one that was there, or the keys are lost"
    )]
    Choice { path: String },
    #[error("the TPM at {device} cannot be used: {source}")]
    Tpm {
        device: String,
        #[source]
        source: TpmError,
    },
}

impl KeyError {
    pub fn tpm(device: &Path, source: TpmError) -> Self {
        Self::Tpm {
            device: device.display().to_string(),
            source,
        }
    }

    /// It may be over without anybody touching the keys: worth asking again.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Tpm { .. })
    }
}

pub fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeyError {
    move |source| KeyError::Io {
        what,
        path: path.display().to_string(),
        source,
    }
}

/// An identity as text; wiped when dropped.
#[derive(Clone, PartialEq)]
pub struct Identity(Zeroizing<String>);
impl Identity {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(Zeroizing::new(String::deserialize(d)?)))
    }
}

/// Identity and recipient.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair(pub Identity, pub String);
impl Pair {
    pub fn make() -> Self {
        let (identity, recipient) = footage::sealed::keypair();
        Self(Identity(identity), recipient)
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Book {
    v: u32,
    long: Pair,
    before: Option<Pair>,
    keys: BTreeMap<String, Vec<Pair>>,
}

/// What lies, sealed to the long-term recipient, in a file of `boot/`.
#[derive(Serialize, Deserialize)]
pub struct BootKey {
    pub key: String,
    pub pair: Pair,
    /// The day it was made for, where the recorder's clock was known.
    pub day: Option<Day>,
}

/// More than a sealed one is long.
const BOOT_MOST: u64 = 16 * 1024;

/// The folders the keys are about: the reader's own, what it tells, and where the recorder leaves identities.
#[derive(Clone, Debug)]
pub struct Folders {
    pub own: PathBuf,
    pub public: PathBuf,
    /// The state folder, below which the recorder leaves identities in `recorder/boot`.
    pub root: PathBuf,
}

/// Below the state folder.
const BOOT: &str = "recorder/boot";

impl Folders {
    pub fn of(state: &State) -> Self {
        Self {
            own: state.reader(),
            public: state.public(),
            root: state.root().to_owned(),
        }
    }

    #[cfg(test)]
    pub(super) fn at(&self, own: &Path) -> Self {
        let mut at = self.clone();
        at.own = own.to_owned();
        at
    }
}

pub struct KeyStore {
    folders: Folders,
    place: RootStore,
    root: Root,
    book: Book,
    /// Since when the long-term pair before the current one can no longer have been used by a recorder that read `reader.pub` just before.
    retired: Instant,
    grace: Duration,
    #[cfg(test)]
    pub(super) on_step: Option<Box<dyn FnMut(&'static str) + Send>>,
}

impl KeyStore {
    /// Opens the keys, making them on the first start; `wish` is where the configuration wants the root key, which counts at the first
    /// start.
    pub fn open(folders: &Folders, wish: &Wish) -> Result<Self, KeyError> {
        let begun = folders.own.join("identities").exists();
        let place = RootStore::open(&folders.own, wish, begun)?;
        Self::open_at(folders, place)
    }

    pub(super) fn open_at(folders: &Folders, place: RootStore) -> Result<Self, KeyError> {
        let dir = folders.own.as_path();
        settle(dir, &place)?;
        let (identities, root) = (read(&dir.join("identities"))?, place.read()?);
        let lost = || KeyError::Lost {
            path: dir.join("identities").display().to_string(),
        };
        let (root, book, first) = match (identities, root) {
            (Some(sealed), Some(root)) => {
                let book = open_book(&sealed, &root).ok_or_else(lost)?;
                (root, book, false)
            }
            (None, None) => (
                root::fresh()?,
                Book {
                    v: 1,
                    long: Pair::make(),
                    before: None,
                    keys: BTreeMap::new(),
                },
                true,
            ),
            _ => return Err(lost()),
        };
        let mut store = Self {
            folders: folders.clone(),
            place,
            root,
            book,
            retired: Instant::now(),
            grace: Duration::from_secs(60),
            #[cfg(test)]
            on_step: None,
        };
        if first || store.place.should_be_replaced()? {
            let book = store.book.clone();
            store.erase(book)?;
        }
        store.place.clear_moved(dir)?;
        store.place.publish(&folders.public)?;
        store.publish()?;
        Ok(store)
    }

    /// Moves the root key from a file to the TPM. Err, and nothing changed, when the TPM cannot be used. False: it was there already.
    pub fn move_to_tpm(folders: &Folders, wish: &Wish) -> Result<bool, KeyError> {
        Self::open(folders, wish)?.into_tpm(wish)
    }

    pub(super) fn into_tpm(mut self, wish: &Wish) -> Result<bool, KeyError> {
        if self.claim() == "tpm" {
            return Ok(false);
        }
        let folders = self.folders.clone();
        let dir = folders.own.as_path();
        let root = root::fresh()?;
        self.place.begin_move(dir, wish, &root)?;
        self.step("staged in the TPM");
        write_synced(
            &dir.join("identities.new"),
            &seal_book(&self.book, &root)?,
            0o600,
        )?;
        sync_dir(dir)?;
        self.step("identities.new written");
        self.place.finish_move(dir)?;
        self.step("the TPM counts");
        drop(self);
        Self::open(&folders, wish).map(|_| true)
    }

    /// What the deletion certificate may claim: `tpm` or `file`.
    pub fn claim(&self) -> &'static str {
        self.place.claim()
    }

    /// Recipients for these key ids, made where there is none yet; saved before they are returned.
    pub fn recipients(
        &mut self,
        ids: impl Iterator<Item = KeyId>,
    ) -> Result<BTreeMap<String, String>, KeyError> {
        let mut next = self.book.clone();
        let mut out = BTreeMap::new();
        let mut made = false;
        for id in ids {
            let pairs = next.keys.entry(id.to_string()).or_insert_with(|| {
                made = true;
                vec![Pair::make()]
            });
            if let Some(pair) = pairs.last() {
                out.insert(id.to_string(), pair.1.clone());
            }
        }
        if made {
            self.save(next)?;
        }
        Ok(out)
    }

    /// Pairs of one key id; empty when it was destroyed or never made.
    pub fn pairs(&self, id: &KeyId) -> Vec<Pair> {
        self.book
            .keys
            .get(&id.to_string())
            .cloned()
            .unwrap_or_default()
    }

    /// Key ids of the boot pairs of a camera.
    pub fn boot_keys(&self, cam: &shared::id::CameraId) -> Vec<KeyId> {
        self.book
            .keys
            .keys()
            .filter_map(|k| KeyId::parse(k).ok())
            .filter(|k| matches!(k, KeyId::Boot { cam: c, .. } if c == cam))
            .collect()
    }

    /// Everything that could open anything.
    pub fn all(&self) -> Vec<Pair> {
        let long = std::iter::once(&self.book.long).chain(&self.book.before);
        long.chain(self.book.keys.values().flatten())
            .cloned()
            .collect()
    }

    /// Destroys a key id. Destroying what is not there is no error: an interrupted deletion is repeated.
    pub fn destroy(&mut self, id: &KeyId) -> Result<(), KeyError> {
        let mut next = self.book.clone();
        let had = next.keys.remove(&id.to_string()).is_some();
        let drop_before = next.before.is_some() && self.retired.elapsed() >= self.grace;
        if drop_before {
            next.before = None;
        }
        if had || drop_before {
            self.erase(next)
        } else {
            Ok(())
        }
    }

    /// Takes in identities the recorder left in `boot/`: those of boot keys whose identity and recipient belong together, and that `accept`
    /// lets in. Nothing but ordinary files directly in that folder is looked at, and no link is followed to them.
    pub fn take_in(
        &mut self,
        accept: &mut dyn FnMut(&KeyId, Option<Day>) -> bool,
    ) -> Result<usize, KeyError> {
        let path = self.folders.root.join(BOOT);
        let failed = |what| io(what, &path);
        let opened = Folder::trusted(&self.folders.root).and_then(|root| root.folder(BOOT));
        let folder = match opened {
            // The recorder has never run.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            opened => opened.map_err(failed("open"))?,
        };
        let mut done = Vec::new();
        let mut next = self.book.clone();
        let mut added = 0;
        for name in folder.names().map_err(failed("read"))? {
            let Some(name) = name.to_str().filter(|n| n.ends_with(".age")) else {
                continue;
            };
            match self.boot_key(&folder, name) {
                Ok((id, boot)) if accept(&id, boot.day) => {
                    let pairs = next.keys.entry(boot.key).or_default();
                    if !pairs.contains(&boot.pair) {
                        pairs.push(boot.pair);
                        added += 1;
                    }
                    done.push(name.to_owned());
                }
                Ok((id, _)) => tracing::warn!(
                    name,
                    key = %id,
                    "an identity left by the recorder is of a camera this box does not have; left where it is"
                ),
                Err(why) => {
                    tracing::warn!(
                        name,
                        why,
                        "an identity left by the recorder was not taken in; left where it is"
                    )
                }
            }
        }
        if added > 0 {
            next.before = Some(std::mem::replace(&mut next.long, Pair::make()));
            self.erase(next)?;
            self.retired = Instant::now();
            self.publish()?;
        }
        for name in &done {
            folder.remove(name).map_err(failed("remove from"))?;
        }
        if !done.is_empty() {
            folder.sync().map_err(failed("sync"))?;
        }
        Ok(added)
    }

    /// One of them, opened and looked at.
    fn boot_key(&self, folder: &Folder, name: &str) -> Result<(KeyId, BootKey), String> {
        let sealed = folder.read(name, BOOT_MOST).map_err(|e| e.to_string())?;
        let long = std::iter::once(&self.book.long)
            .chain(&self.book.before)
            .map(|p| p.0.reveal().to_owned())
            .collect::<Vec<_>>();
        let mut opener = footage::sealed::Opener::new(&long);
        let mut plain = Zeroizing::new(Vec::with_capacity(usize::try_from(BOOT_MOST).unwrap_or(0)));
        opener
            .push(&sealed, &mut plain)
            .and_then(|()| opener.finish(&mut plain))
            .map_err(|e| e.to_string())?;
        let boot: BootKey = serde_json::from_slice(&plain).map_err(|e| e.to_string())?;
        let id = KeyId::parse(&boot.key).map_err(|e| e.to_string())?;
        if !matches!(id, KeyId::Boot { .. }) || id.to_string() != boot.key {
            return Err(format!("{} is not the key of a start", boot.key));
        }
        let recipient = footage::sealed::recipient_of(boot.pair.0.reveal());
        if recipient.map_err(|e| e.to_string())? != boot.pair.1 {
            return Err("its identity and its recipient do not belong together".into());
        }
        Ok((id, boot))
    }

    /// Whether there is anything to destroy under this key id.
    pub fn has(&self, id: &KeyId) -> bool {
        self.book.keys.contains_key(&id.to_string())
    }

    /// Writes `public/reader.pub` when it says something else.
    fn publish(&self) -> Result<(), KeyError> {
        let path = self.folders.public.join("reader.pub");
        let text = format!("{}\n", self.book.long.1);
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        let new = self.folders.public.join("reader.pub.new");
        write_synced(&new, text.as_bytes(), 0o644)?;
        fs::rename(&new, &path).map_err(io("rename", &new))?;
        sync_dir(&self.folders.public)
    }

    /// Adds to the book: same root key, nothing to forget.
    fn save(&mut self, next: Book) -> Result<(), KeyError> {
        let new = self.folders.own.join("identities.new");
        write_synced(&new, &seal_book(&next, &self.root)?, 0o600)?;
        fs::rename(&new, self.folders.own.join("identities")).map_err(io("rename", &new))?;
        sync_dir(&self.folders.own)?;
        self.book = next;
        Ok(())
    }

    /// Replaces the book so that nothing of the old one can be read again.
    fn erase(&mut self, next: Book) -> Result<(), KeyError> {
        let root = root::fresh()?;
        let (identities, new) = (
            self.folders.own.join("identities"),
            self.folders.own.join("identities.new"),
        );
        write_synced(&new, &seal_book(&next, &root)?, 0o600)?;
        sync_dir(&self.folders.own)?;
        self.step("identities.new written");
        self.place.stage(&root)?;
        self.step("new root key staged");
        fs::rename(&new, &identities).map_err(io("rename", &new))?;
        sync_dir(&self.folders.own)?;
        self.step("identities renamed");
        self.place.destroy_old(&root)?;
        self.step("old root key destroyed");
        self.place.promote()?;
        self.step("new root key in its place");
        self.root = root;
        self.book = next;
        Ok(())
    }

    #[cfg(test)]
    fn step(&mut self, name: &'static str) {
        if let Some(f) = &mut self.on_step {
            f(name);
        }
    }
    #[cfg(not(test))]
    fn step(&mut self, _name: &'static str) {}

    #[cfg(test)]
    pub(super) fn root_for_tests(&self) -> Vec<u8> {
        self.root.to_vec()
    }

    #[cfg(test)]
    pub(super) fn no_grace(&mut self) {
        self.grace = Duration::ZERO;
    }
}

/// Completes or undoes what a power cut left half done.
fn settle(dir: &Path, place: &RootStore) -> Result<(), KeyError> {
    let (identities, new) = (dir.join("identities"), dir.join("identities.new"));
    if let Some(root) = place.staged()? {
        let opens = |path: &Path| {
            Ok::<_, KeyError>(read(path)?.is_some_and(|sealed| open_book(&sealed, &root).is_some()))
        };
        let forward = if opens(&new)? {
            fs::rename(&new, &identities).map_err(io("rename", &new))?;
            sync_dir(dir)?;
            true
        } else {
            opens(&identities)?
        };
        if forward {
            place.destroy_old(&root)?;
            place.promote()?;
        }
    }
    place.unstage()?;
    match fs::remove_file(&new) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io("remove", &new)(e)),
        _ => {}
    }
    sync_dir(dir)
}

fn aead(root: &Root) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, root.as_slice())
        .ok()
        .map(LessSafeKey::new)
}

fn seal_book(book: &Book, root: &Root) -> Result<Vec<u8>, KeyError> {
    let refused = |_| KeyError::Crypto("identities could not be sealed");
    // Room for all of it at once: a buffer that grows leaves copies of identities in freed memory.
    let room = 1024
        + book.keys.values().flatten().count() * 256
        + book.keys.keys().map(|k| k.len() + 8).sum::<usize>();
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, book)
        .map_err(|_| KeyError::Crypto("identities could not be written as JSON"))?;
    let mut nonce = [0u8; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(refused)?;
    let key = aead(root).ok_or(KeyError::Crypto("the root key has a wrong length"))?;
    let mut tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(MAGIC),
            &mut plain,
        )
        .map_err(refused)?
        .as_ref()
        .to_vec();
    let mut out = [MAGIC, &nonce, &plain].concat();
    out.append(&mut tag);
    Ok(out)
}

fn open_book(sealed: &[u8], root: &Root) -> Option<Book> {
    let rest = sealed.strip_prefix(MAGIC)?;
    let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = aead(root)?
        .open_in_place(nonce, Aad::from(MAGIC), &mut body)
        .ok()?;
    let book: Book = serde_json::from_slice(plain).ok()?;
    (book.v == 1).then_some(book)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeyError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io("read", path)(e)),
    }
}

pub fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .map_err(io("create", path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(io("write", path))
}

pub fn sync_dir(path: &Path) -> Result<(), KeyError> {
    File::open(path)
        .and_then(|d| d.sync_all())
        .map_err(io("sync", path))
}
