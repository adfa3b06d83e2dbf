//! Adapter: filesystem. The root key in a file: plain, or sealed under a systemd credential.
//!
//! # Files
//! ```text
//! root.key       32 random bytes; or, while there is a credential `root-wrap`,
//!                "beadle root v1\n" ‖ nonce (12) ‖ ChaCha20-Poly1305(W, nonce, aad = that first line, 32 random bytes)
//!                W = HKDF-SHA256(the credential's bytes, no salt, "beadle root-wrap v1"). All zeros: destroyed
//! root.key.new   the same, while it is replaced
//! ```
//! The credential is a guard against a thief of the disk alone (systemd can seal it to the TPM or to the host). It says nothing
//! about erasing: whoever has it and an old copy of `root.key` has the old R.
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use super::Root;
use crate::reader::keys::{KeyError, io, sync_dir, write_synced};

const MAGIC: &[u8] = b"beadle root v1\n";
const WRAPPED: usize = MAGIC.len() + NONCE_LEN + 32 + 16;
/// Shorter than this it is a mistake, not a secret.
const LEAST: usize = 16;

/// What the root key's file is sealed under.
pub struct Wrap(Box<LessSafeKey>);

impl Wrap {
    /// The credential `root-wrap`, where systemd gave the service one.
    pub fn given() -> Result<Option<Self>, KeyError> {
        match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Self::from_file(&Path::new(&folder).join("root-wrap")),
            None => Ok(None),
        }
    }

    pub fn from_file(path: &Path) -> Result<Option<Self>, KeyError> {
        let secret = match fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io("read", path)(e)),
        };
        if secret.len() < LEAST {
            return Err(KeyError::Wrap(
                "the credential root-wrap has fewer than 16 bytes: make one with `systemd-creds encrypt` from 32 random bytes",
            ));
        }
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(&secret)
            .expand(&[b"beadle root-wrap v1"], &CHACHA20_POLY1305)
            .map(|okm| Some(Self(Box::new(LessSafeKey::new(UnboundKey::from(okm))))))
            .map_err(|_| KeyError::Crypto("no key could be made from the credential root-wrap"))
    }
}

pub struct FileRoot {
    dir: PathBuf,
    wrap: Option<Wrap>,
}

/// What a file of a root key holds.
enum Found {
    /// No such file, or one torn.
    Nothing,
    Plain(Root),
    Wrapped(Root),
    /// Whole, but sealed under something else than what is at hand.
    Shut,
}

impl FileRoot {
    pub fn new(dir: &Path, wrap: Option<Wrap>) -> Self {
        Self {
            dir: dir.into(),
            wrap,
        }
    }

    fn current(&self) -> PathBuf {
        self.dir.join("root.key")
    }
    fn new_file(&self) -> PathBuf {
        self.dir.join("root.key.new")
    }

    pub fn wrapped(&self) -> bool {
        self.wrap.is_some()
    }

    pub fn there(&self) -> bool {
        self.current().exists()
    }

    /// It lies there in plain although there is a credential to seal it under.
    pub fn should_be_wrapped(&self) -> Result<bool, KeyError> {
        Ok(self.wrap.is_some() && matches!(self.look(&self.current())?, Found::Plain(_)))
    }

    pub fn read(&self) -> Result<Option<Root>, KeyError> {
        match self.look(&self.current())? {
            Found::Nothing => Ok(None),
            Found::Plain(root) | Found::Wrapped(root) => Ok(Some(root)),
            Found::Shut if self.wrap.is_none() => Err(KeyError::Wrap(
                "root.key is sealed under the systemd credential root-wrap, which is not there: start the reader as its service, with its LoadCredentialEncrypted= line",
            )),
            Found::Shut => Err(KeyError::Wrap(
                "root.key is sealed under another credential than the root-wrap that is there: give the service the one it was sealed under",
            )),
        }
    }

    pub fn staged(&self) -> Result<Option<Root>, KeyError> {
        match self.look(&self.new_file())? {
            // One that cannot be opened is as good as torn: then the key that counts is the current one.
            Found::Nothing | Found::Shut => Ok(None),
            Found::Plain(root) | Found::Wrapped(root) => Ok(Some(root)),
        }
    }

    pub fn stage(&self, root: &Root) -> Result<(), KeyError> {
        let path = self.new_file();
        match &self.wrap {
            None => write_synced(&path, root.as_slice(), 0o600)?,
            Some(wrap) => write_synced(&path, &seal(wrap, root)?, 0o600)?,
        }
        sync_dir(&self.dir)
    }

    /// Overwrites the current key.
    pub fn shred(&self) -> Result<(), KeyError> {
        shred(&self.current())
    }

    /// The staged key takes its place.
    pub fn promote(&self) -> Result<(), KeyError> {
        let new = self.new_file();
        fs::rename(&new, self.current()).map_err(io("rename", &new))?;
        sync_dir(&self.dir)
    }

    pub fn unstage(&self) -> Result<(), KeyError> {
        remove(&self.new_file())
    }

    /// Nothing of a root key is to be left in files: it has gone elsewhere.
    pub fn clear(&self) -> Result<(), KeyError> {
        remove(&self.new_file())?;
        remove(&self.current())?;
        sync_dir(&self.dir)
    }

    fn look(&self, path: &Path) -> Result<Found, KeyError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(e) => return Err(io("open", path)(e)),
        };
        let mut bytes = Zeroizing::new([0u8; WRAPPED + 1]);
        let mut len = 0;
        while len < bytes.len() {
            match file.read(&mut bytes[len..]).map_err(io("read", path))? {
                0 => break,
                n => len += n,
            }
        }
        let mut root: Root = Box::new(Zeroizing::new([0; 32]));
        if len == 32 {
            root.copy_from_slice(&bytes[..32]);
            return Ok(Found::Plain(root));
        }
        if len != WRAPPED || !bytes.starts_with(MAGIC) {
            return Ok(Found::Nothing);
        }
        let (head, sealed) = bytes[..len].split_at_mut(MAGIC.len() + NONCE_LEN);
        let Ok(nonce) = Nonce::try_assume_unique_for_key(&head[MAGIC.len()..]) else {
            return Ok(Found::Nothing);
        };
        let Some(wrap) = &self.wrap else {
            return Ok(Found::Shut);
        };
        match wrap.0.open_in_place(nonce, Aad::from(MAGIC), sealed) {
            Ok(plain) => {
                root.copy_from_slice(plain);
                Ok(Found::Wrapped(root))
            }
            Err(_) => Ok(Found::Shut),
        }
    }
}

fn seal(wrap: &Wrap, root: &Root) -> Result<Vec<u8>, KeyError> {
    let refused = |_| KeyError::Crypto("the root key could not be sealed");
    let mut nonce = [0u8; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(refused)?;
    let mut body = Zeroizing::new(***root);
    let tag = wrap
        .0
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(MAGIC),
            body.as_mut_slice(),
        )
        .map_err(refused)?;
    Ok([MAGIC, &nonce, body.as_slice(), tag.as_ref()].concat())
}

/// Overwrites a file with zeros, synced. Where the disk really puts them is why the claim for a file is only `file`.
fn shred(path: &Path) -> Result<(), KeyError> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(io("open", path)(e)),
    };
    let len = file.metadata().map_err(io("measure", path))?.len();
    let len = usize::try_from(len).unwrap_or(0).clamp(32, WRAPPED + 1);
    file.write_all(&vec![0u8; len])
        .and_then(|()| file.sync_all())
        .map_err(io("overwrite", path))
}

fn remove(path: &Path) -> Result<(), KeyError> {
    shred(path)?;
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io("remove", path)(e)),
        _ => Ok(()),
    }
}
