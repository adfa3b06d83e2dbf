//! Adapter: filesystem. A package at rest: what it holds sealed under its exhibit's key, and read as what it holds (RET-5).
//!
//! ```text
//! <evidence>/<EXH-ref>/<camera>/master/…mp4.age     the very files that came from the box
//!                               working/…mp4.age    sealed while they were cut; never a plain file
//!                               CERTIFICATE.txt.age, manifest.json.age, log/….age, keys/….age, …
//!                               SHA256SUMS and what lies beside it (.sig .tsr .record .tlog-proof), in plain
//! ```
//! The rule is short: every file that SHA256SUMS lists is a standard `age` file to the exhibit's key; the sums themselves, which are over
//! the plain files, are not. They hold hashes, file names and the hub's signatures: no picture and no name of a person. To destroy the key is to
//! destroy the rest. The verifier reads a package through [`Resting`], so what is verified is what rests.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use footage::sealed::{self, RangeReader, Sealer};
use logbook::Folder;
use ring::digest::{Context, SHA256};
use shared::{evidence::names, record::Digest, verify::Files};
use zeroize::Zeroizing;

/// What the name of a sealed file ends with.
pub const SEALED: &str = ".age";
const BUFFER: usize = 256 * 1024;
/// Most bytes of a file that are held whole, as logbook's own reader of folders has it.
const MAX_READ: u64 = 256 << 20;

/// Whether a file of a package lies in plain at rest.
pub fn in_plain(name: &str) -> bool {
    names::UNLISTED.contains(&name)
}

/// A package that rests, or is being made, in this folder.
pub struct Resting {
    root: PathBuf,
    identity: Zeroizing<String>,
}

impl Resting {
    pub fn new(root: PathBuf, identity: Zeroizing<String>) -> Self {
        Self { root, identity }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file of the package lies.
    pub fn path(&self, name: &str) -> PathBuf {
        match in_plain(name) {
            true => self.root.join(name),
            false => self.root.join(format!("{name}{SEALED}")),
        }
    }

    /// A link is not followed: it could name any file of the machine.
    fn file(&self, name: &str) -> io::Result<File> {
        let path = self.path(name);
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        File::open(path)
    }

    /// A sealed file, to be read from anywhere.
    pub fn open(&self, name: &str) -> io::Result<RangeReader<File>> {
        RangeReader::new(self.file(name)?, &self.identity)
    }

    /// Hands out the bytes a file of the package holds, in order. All of them were authentic when it ends without an error.
    pub fn each(
        &self,
        name: &str,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut from: Box<dyn Read> = match in_plain(name) {
            true => Box::new(self.file(name)?),
            false => Box::new(self.open(name)?),
        };
        let mut buffer = vec![0; BUFFER];
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(()),
                n => take(&buffer[..n])?,
            }
        }
    }

    /// How many bytes it holds.
    pub fn len(&self, name: &str) -> io::Result<u64> {
        match in_plain(name) {
            true => Ok(self.file(name)?.metadata()?.len()),
            false => Ok(self.open(name)?.plain_len()),
        }
    }

    fn new_file(&self, name: &str) -> io::Result<File> {
        let path = self.path(name);
        if let Some(dir) = path.parent() {
            private_dir(dir)?;
        }
        new_file(&path)
    }

    /// Begins a sealed file; what is written to it reaches the disk sealed only.
    pub fn create(&self, name: &str) -> io::Result<SealingWriter> {
        let recipient = sealed::recipient_of(&self.identity).map_err(io::Error::other)?;
        Ok(SealingWriter {
            sealer: Sealer::new(&recipient).map_err(io::Error::other)?,
            hash: Context::new(&SHA256),
            size: 0,
            file: self.new_file(name)?,
        })
    }

    /// Writes a whole file.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if in_plain(name) {
            return self.new_file(name)?.write_all(bytes);
        }
        let mut file = self.create(name)?;
        file.write_all(bytes)?;
        file.finish().map(drop)
    }

    /// Gives a file that is sealed under this key already its place here too: linked, or copied where the file systems differ.
    pub fn take_in(&self, sealed: &Path, name: &str) -> io::Result<()> {
        let path = self.path(name);
        if let Some(dir) = path.parent() {
            private_dir(dir)?;
        }
        if !fs::symlink_metadata(sealed)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        // Not every file system has links, and none has them to another one.
        if fs::hard_link(sealed, &path).is_ok() {
            return Ok(());
        }
        let mut copy = new_file(&path)?;
        io::copy(&mut File::open(sealed)?, &mut copy)?;
        copy.sync_all()
    }
}

/// Makes a folder only its owner can enter (and its parents).
pub fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A new file only its owner can read.
pub fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

impl Files for Resting {
    /// What lies in plain and should not stands out by its name, as nothing that sums may list.
    fn list(&self) -> io::Result<Vec<String>> {
        let name = |name: String| match name.strip_suffix(SEALED) {
            Some(sealed) if !in_plain(sealed) => sealed.to_owned(),
            None if in_plain(&name) => name,
            _ => format!("{name} (not sealed)"),
        };
        let mut all: Vec<String> = Folder(self.root.clone())
            .list()?
            .into_iter()
            .map(name)
            .collect();
        all.sort();
        Ok(all)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        if self.len(path)? > MAX_READ {
            return Err(io::Error::other("too large"));
        }
        let mut out = Vec::new();
        self.each(path, |bytes| {
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(out)
    }

    fn sha256(&self, path: &str) -> io::Result<Digest> {
        let mut hash = Context::new(&SHA256);
        self.each(path, |bytes| {
            hash.update(bytes);
            Ok(())
        })?;
        Ok(digest(hash))
    }
}

fn digest(hash: Context) -> Digest {
    let mut out = Digest::default();
    out.copy_from_slice(hash.finish().as_ref());
    out
}

/// A file being sealed while it is written.
pub struct SealingWriter {
    file: File,
    sealer: Sealer,
    hash: Context,
    size: u64,
}

impl SealingWriter {
    /// Seals the last piece; size and SHA-256 of what was written.
    pub fn finish(mut self) -> io::Result<(u64, Digest)> {
        self.flush()?;
        let last = self.sealer.finish().map_err(io::Error::other)?;
        self.file.write_all(&last)?;
        Ok((self.size, digest(self.hash)))
    }
}

impl Write for SealingWriter {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.sealer.push(plain).map_err(io::Error::other)?;
        self.hash.update(plain);
        self.size += plain.len() as u64;
        if self.sealer.ready().len() >= BUFFER {
            self.flush()?;
        }
        Ok(plain.len())
    }

    /// The last piece is held back until [`SealingWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(self.sealer.ready())?;
        self.sealer.written();
        Ok(())
    }
}
