//! Adapter: filesystem. The reader's root key, and the identities it protects (audit.md 2.13).
//!
//! # Files
//! ```text
//! <state>/reader/root.key       32 random bytes, R. All zeros: destroyed
//! <state>/reader/identities     "beadle identities v1\n" ‖ nonce (12) ‖ ChaCha20-Poly1305(R, nonce, aad = that first line, JSON)
//! <state>/keys/reader.pub       the long-term recipient, one line
//! <state>/keys/boot/*.age       identities the recorder made by itself, sealed to the long-term recipient
//! ```
//! The JSON: `{"v":1,"long":PAIR,"before":PAIR|null,"keys":{"c03/2026-11-03":[PAIR,…],…}}`, PAIR = `["AGE-SECRET-KEY-1…","age1…"]`.
//! A key id has one pair; more only if a start counter was ever used twice.
//!
//! # Erasing
//! `identities.new` under a new R′, synced → `root.key.new` = R′, synced → `identities.new` takes its place → `root.key` overwritten
//! with zeros, synced → `root.key.new` takes its place. After that every older copy of `identities` on the disk is noise.
//! [`KeyStore::open`] completes or undoes whatever a power cut left: an erase counts once `root.key.new` opens a file of identities.
//!
//! Taking in a boot identity also replaces the long-term pair, so that its sealed copy in `keys/boot/` cannot be opened
//! once the pair before is dropped, which [`KeyStore::destroy`] does.
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shared::segment::KeyId;
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"beadle identities v1\n";
type Root = Zeroizing<[u8; 32]>;

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
    #[error("{0}")]
    Crypto(&'static str),
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

/// What lies, sealed to the long-term recipient, in a file of `keys/boot/`.
#[derive(Serialize, Deserialize)]
pub struct BootKey {
    pub key: String,
    pub pair: Pair,
}

pub struct KeyStore {
    dir: PathBuf,
    public: PathBuf,
    root: Root,
    book: Book,
    /// Since when the long-term pair before the current one can no longer have been used by a recorder that read `reader.pub` just before.
    retired: Instant,
    grace: Duration,
    #[cfg(test)]
    pub(super) on_step: Option<Box<dyn FnMut(&'static str) + Send>>,
}

impl KeyStore {
    /// Opens the keys under `dir` (`<state>/reader`), making them on the first start; `public` is `<state>/keys`.
    pub fn open(dir: &Path, public: &Path) -> Result<Self, KeyError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(io("make", dir))?;
        fs::create_dir_all(public.join("boot")).map_err(io("make", public))?;
        settle(dir)?;
        let (identities, root) = (
            read(&dir.join("identities"))?,
            read_root(&dir.join("root.key"))?,
        );
        let lost = || KeyError::Lost {
            path: dir.join("identities").display().to_string(),
        };
        let (root, book, first) = match (identities, root) {
            (Some(sealed), Some(root)) => {
                let book = open_book(&sealed, &root).ok_or_else(lost)?;
                (root, book, false)
            }
            (None, None) => (
                fresh_root()?,
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
            dir: dir.into(),
            public: public.into(),
            root,
            book,
            retired: Instant::now(),
            grace: Duration::from_secs(60),
            #[cfg(test)]
            on_step: None,
        };
        if first {
            let book = store.book.clone();
            store.erase(book)?;
        }
        store.publish()?;
        store.take_in()?;
        Ok(store)
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
        self.take_in()?;
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

    /// Takes in identities the recorder left in `keys/boot/`.
    pub fn take_in(&mut self) -> Result<usize, KeyError> {
        let folder = self.public.join("boot");
        let mut done = Vec::new();
        let mut next = self.book.clone();
        let mut added = 0;
        for entry in fs::read_dir(&folder).map_err(io("read", &folder))? {
            let path = entry.map_err(io("read", &folder))?.path();
            if path.extension().is_none_or(|e| e != "age") {
                continue;
            }
            let sealed = fs::read(&path).map_err(io("read", &path))?;
            let long = std::iter::once(&self.book.long)
                .chain(&self.book.before)
                .map(|p| p.0.reveal().to_owned())
                .collect::<Vec<_>>();
            let mut opener = footage::sealed::Opener::new(&long);
            let mut plain = Zeroizing::new(Vec::with_capacity(4096));
            let opened = opener
                .push(&sealed, &mut plain)
                .and_then(|()| opener.finish(&mut plain));
            match opened
                .map_err(|e| e.to_string())
                .and_then(|()| serde_json::from_slice::<BootKey>(&plain).map_err(|e| e.to_string()))
            {
                Ok(boot) if KeyId::parse(&boot.key).is_ok() => {
                    let pairs = next.keys.entry(boot.key).or_default();
                    if !pairs.contains(&boot.pair) {
                        pairs.push(boot.pair);
                        added += 1;
                    }
                    done.push(path);
                }
                Ok(_) => {
                    tracing::warn!(path = %path.display(), "an identity left by the recorder has no proper key id; left where it is")
                }
                Err(why) => {
                    tracing::warn!(path = %path.display(), why, "an identity left by the recorder cannot be opened; left where it is")
                }
            }
        }
        if added > 0 {
            next.before = Some(std::mem::replace(&mut next.long, Pair::make()));
            self.erase(next)?;
            self.retired = Instant::now();
            self.publish()?;
        }
        for path in &done {
            fs::remove_file(path).map_err(io("remove", path))?;
        }
        if !done.is_empty() {
            sync_dir(&folder)?;
        }
        Ok(added)
    }

    /// Writes `keys/reader.pub` when it says something else.
    fn publish(&self) -> Result<(), KeyError> {
        let path = self.public.join("reader.pub");
        let text = format!("{}\n", self.book.long.1);
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        let new = self.public.join("reader.pub.new");
        write_synced(&new, text.as_bytes(), 0o644)?;
        fs::rename(&new, &path).map_err(io("rename", &new))?;
        sync_dir(&self.public)
    }

    /// Adds to the book: same root key, nothing to forget.
    fn save(&mut self, next: Book) -> Result<(), KeyError> {
        let new = self.dir.join("identities.new");
        write_synced(&new, &seal_book(&next, &self.root)?, 0o600)?;
        fs::rename(&new, self.dir.join("identities")).map_err(io("rename", &new))?;
        sync_dir(&self.dir)?;
        self.book = next;
        Ok(())
    }

    /// Replaces the book so that nothing of the old one can be read again.
    fn erase(&mut self, next: Book) -> Result<(), KeyError> {
        let root = fresh_root()?;
        let (identities, root_path) = (self.dir.join("identities"), self.dir.join("root.key"));
        let (new, root_new) = (
            self.dir.join("identities.new"),
            self.dir.join("root.key.new"),
        );
        write_synced(&new, &seal_book(&next, &root)?, 0o600)?;
        self.step("identities.new written");
        write_synced(&root_new, root.as_slice(), 0o600)?;
        sync_dir(&self.dir)?;
        self.step("root.key.new written");
        fs::rename(&new, &identities).map_err(io("rename", &new))?;
        sync_dir(&self.dir)?;
        self.step("identities renamed");
        shred(&root_path)?;
        self.step("root.key overwritten");
        fs::rename(&root_new, &root_path).map_err(io("rename", &root_new))?;
        sync_dir(&self.dir)?;
        self.step("root.key renamed");
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
    pub(super) fn no_grace(&mut self) {
        self.grace = Duration::ZERO;
    }
}

/// Completes or undoes what a power cut left half done.
fn settle(dir: &Path) -> Result<(), KeyError> {
    let (identities, root_path) = (dir.join("identities"), dir.join("root.key"));
    let (new, root_new) = (dir.join("identities.new"), dir.join("root.key.new"));
    if let Some(root) = read_root(&root_new)? {
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
            shred(&root_path)?;
            fs::rename(&root_new, &root_path).map_err(io("rename", &root_new))?;
            sync_dir(dir)?;
        }
    }
    shred(&root_new)?;
    for left in [&root_new, &new] {
        match fs::remove_file(left) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(io("remove", left)(e));
            }
            _ => {}
        }
    }
    sync_dir(dir)
}

fn fresh_root() -> Result<Root, KeyError> {
    let mut root = Zeroizing::new([0u8; 32]);
    SystemRandom::new()
        .fill(root.as_mut_slice())
        .map_err(|_| KeyError::Crypto("the system gave no random bytes for a root key"))?;
    Ok(root)
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

/// None when there is no such file, or it is not 32 bytes long (torn).
fn read_root(path: &Path) -> Result<Option<Root>, KeyError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io("open", path)(e)),
    };
    let mut bytes = Zeroizing::new([0u8; 33]);
    let mut len = 0;
    while len < bytes.len() {
        match file.read(&mut bytes[len..]).map_err(io("read", path))? {
            0 => break,
            n => len += n,
        }
    }
    let mut root = Zeroizing::new([0u8; 32]);
    root.copy_from_slice(&bytes[..32]);
    Ok((len == 32).then_some(root))
}

/// Overwrites a file with zeros, synced. Where the disk really puts them is why the claim for a plain file is only `file`.
fn shred(path: &Path) -> Result<(), KeyError> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(io("open", path)(e)),
    };
    file.write_all(&[0u8; 32])
        .and_then(|()| file.sync_all())
        .map_err(io("overwrite", path))
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
