//! Adapter: filesystem. Files named by somebody who is trusted less: opened below a folder's handle, with no link followed on the way.
//!
//! A path that another user can rename or replace parts of means something else each time it is resolved. A handle does not: what was
//! opened stays what it was, and what is named below it is refused where a link, or `..`, leads out. Each name on the way is opened by itself below the one before: `openat2` would do it in one
//! call, but systemd refuses that call to services which may make no set-user-ID files (`RestrictSUIDSGID=`).
use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{
            ffi::OsStringExt,
            fs::{MetadataExt, OpenOptionsExt},
        },
    },
    path::{Component, Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat},
    sys::stat::{Mode, SFlag, fchmod, fstatat, mkdirat},
    unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat},
};

/// An open folder, and the path by which it was opened, for people.
#[derive(Debug)]
pub struct Folder {
    handle: File,
    path: PathBuf,
}

/// A link on the way is told as what it is.
fn told(e: Errno) -> io::Error {
    match e {
        Errno::ELOOP => io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a link, or a link is on the way to it, and links are not followed",
        ),
        Errno::EXDEV => io::Error::new(io::ErrorKind::InvalidInput, "it leads out of its folder"),
        e => e.into(),
    }
}

/// Opens the last of these names, each below the one before it, and follows no link.
fn walk<'a>(
    from: BorrowedFd<'_>,
    names: impl Iterator<Item = &'a OsStr>,
    flags: OFlag,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let mut names = names.peekable();
    let mut above: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        let folder = above.as_ref().map_or(from, |f| f.as_fd());
        // On the way a folder is only passed through, which needs no right to list it.
        let flags = match names.peek() {
            Some(_) => OFlag::O_PATH | OFlag::O_DIRECTORY,
            None => flags,
        };
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
        let opened = openat(folder, name, flags, mode).map_err(|e| {
            // A link where a folder should be is told as a link.
            let is_link = e == Errno::ENOTDIR
                && fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok_and(|a| {
                    SFlag::from_bits_truncate(a.st_mode) & SFlag::S_IFMT == SFlag::S_IFLNK
                });
            if is_link { Errno::ELOOP } else { e }
        })?;
        above = Some(opened);
    }
    above.ok_or(Errno::ENOENT)
}

/// Split into the folder and the last name.
fn parts(inner: &str) -> io::Result<(Option<&str>, &str)> {
    let (folder, name) = match inner.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, inner),
    };
    if name.is_empty() || name == "." || name == ".." {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it has no name of its own",
        ));
    }
    Ok((folder, name))
}

impl Folder {
    /// Opens a folder whose path nobody but root and this user can change: links on it are theirs, and are followed.
    ///
    /// # Errors
    /// It is not there, or is no folder.
    pub fn trusted(path: &Path) -> io::Result<Self> {
        let handle = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_DIRECTORY)
            .open(path)?;
        Ok(Self {
            handle,
            path: path.to_owned(),
        })
    }

    /// Opens a folder by a path that others may change parts of: no link on it is followed.
    ///
    /// # Errors
    /// It is not there, is no folder, or a link is on the way.
    pub fn open(path: &Path) -> io::Result<Self> {
        let names = path.components().map(|c| match c {
            Component::RootDir => OsStr::new("/"),
            other => other.as_os_str(),
        });
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let handle = walk(AT_FDCWD, names, flags, Mode::empty()).map_err(told)?;
        Ok(Self {
            handle: handle.into(),
            path: path.to_owned(),
        })
    }

    fn at(&self, inner: &str, flags: OFlag, mode: Option<Mode>) -> io::Result<OwnedFd> {
        let names = inner.split('/').map(OsStr::new);
        if names.clone().any(|n| n.is_empty() || n == "..") {
            return Err(told(Errno::EXDEV));
        }
        let mode = mode.unwrap_or(Mode::empty());
        walk(self.handle.as_fd(), names, flags, mode).map_err(told)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// # Errors
    /// The disk does not answer.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.handle.metadata()
    }

    /// Whether both are the same folder, whatever their paths.
    ///
    /// # Errors
    /// The disk does not answer.
    pub fn is(&self, other: &Folder) -> io::Result<bool> {
        let (a, b) = (self.metadata()?, other.metadata()?);
        Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
    }

    /// A folder below it.
    ///
    /// # Errors
    /// It is not there, is no folder, or a link is on the way.
    pub fn folder(&self, inner: &str) -> io::Result<Folder> {
        let handle = self.at(inner, OFlag::O_RDONLY | OFlag::O_DIRECTORY, None)?;
        Ok(Folder {
            handle: handle.into(),
            path: self.path.join(inner),
        })
    }

    /// An ordinary file below it, for reading. A FIFO or a device put in its place is neither waited for nor read.
    ///
    /// # Errors
    /// It is not there, is no ordinary file, or a link is on the way.
    pub fn file(&self, inner: &str) -> io::Result<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        let file: File = self.at(inner, flags, None)?.into();
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no ordinary file",
            ));
        }
        Ok(file)
    }

    /// The whole of a small file below it.
    ///
    /// # Errors
    /// As [`Folder::file`]; it is larger than `most` bytes.
    pub fn read(&self, inner: &str, most: u64) -> io::Result<Vec<u8>> {
        read_small(self.file(inner)?, most)
    }

    /// A new file below it; what has the name already is left alone.
    ///
    /// # Errors
    /// There is something of that name, even a link that leads nowhere.
    pub fn create_new(&self, inner: &str, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        Ok(self
            .at(inner, flags, Some(Mode::from_bits_truncate(mode)))?
            .into())
    }

    /// A folder directly below it, made when it is not there.
    ///
    /// # Errors
    /// Something else has the name.
    pub fn made(&self, name: &str, mode: u32) -> io::Result<Folder> {
        match mkdirat(&self.handle, name, Mode::from_bits_truncate(mode)) {
            Ok(()) | Err(Errno::EEXIST) => self.folder(name),
            Err(e) => Err(e.into()),
        }
    }

    fn parent(&self, inner: &str) -> io::Result<(Option<Folder>, String)> {
        let (folder, name) = parts(inner)?;
        Ok((folder.map(|f| self.folder(f)).transpose()?, name.to_owned()))
    }

    /// Gives a file or a folder below it another name; both are resolved with no link followed.
    ///
    /// # Errors
    /// One of the folders is not there, or a link is on the way.
    pub fn rename(&self, old: &str, new: &str) -> io::Result<()> {
        let ((old_folder, old), (new_folder, new)) = (self.parent(old)?, self.parent(new)?);
        let old_folder = old_folder.as_ref().unwrap_or(self);
        let new_folder = new_folder.as_ref().unwrap_or(self);
        renameat(
            &old_folder.handle,
            old.as_str(),
            &new_folder.handle,
            new.as_str(),
        )
        .map_err(told)
    }

    /// Removes a name; never what a link leads to. Ok when there is none.
    ///
    /// # Errors
    /// It is a folder, or may not be removed.
    pub fn remove(&self, inner: &str) -> io::Result<()> {
        let (folder, name) = self.parent(inner)?;
        let folder = folder.as_ref().unwrap_or(self);
        match unlinkat(&folder.handle, name.as_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(told(e)),
        }
    }

    /// Whether anything has this name, a link that leads nowhere included.
    ///
    /// # Errors
    /// Its folder is not there, or a link is on the way.
    pub fn has(&self, inner: &str) -> io::Result<bool> {
        let (folder, name) = self.parent(inner)?;
        let folder = folder.as_ref().unwrap_or(self);
        let link = nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW;
        match nix::sys::stat::fstatat(&folder.handle, name.as_str(), link) {
            Ok(_) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Writes a small file whole or not at all; readable to whom `mode` says whatever the umask.
    ///
    /// # Errors
    /// The disk does not take it. The file of before stays.
    pub fn write_whole(&self, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        let temp = format!(".{name}.tmp");
        self.remove(&temp)?;
        let mut file = self.create_new(&temp, 0o600)?;
        file.write_all(bytes)?;
        fchmod(&file, Mode::from_bits_truncate(mode))?;
        file.sync_all()?;
        self.rename(&temp, name)?;
        self.sync()
    }

    /// Makes the names in it survive a power cut.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    /// The names in it, in no order.
    ///
    /// # Errors
    /// The disk does not answer.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        // A handle of its own: reading a folder moves the handle's place.
        let mut dir =
            nix::dir::Dir::from_fd(self.at(".", OFlag::O_RDONLY | OFlag::O_DIRECTORY, None)?)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Gives the folder itself to an owner and a group, with these permissions.
    ///
    /// # Errors
    /// This process may not.
    pub fn give(&self, owner: Uid, group: Gid, mode: u32) -> io::Result<()> {
        fchown(self.handle.as_fd(), Some(owner), Some(group))?;
        fchmod(self.handle.as_fd(), Mode::from_bits_truncate(mode))?;
        Ok(())
    }
}

/// The whole of a file that is already open; refused when it is larger than `most` bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn read_small(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is larger than {most} bytes"),
        ));
    }
    Ok(bytes)
}

/// Reads a small ordinary file by a path whose folder others may write to: neither a link is followed nor a FIFO waited for.
///
/// # Errors
/// It is not there, is no ordinary file, or is larger than `most` bytes.
pub fn read_untrusted(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no ordinary file",
        ));
    }
    read_small(file, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// V1, V13, V14: what is named below a handle is never somewhere else: no link, no `..`, no folder put in its place.
    #[test]
    fn nothing_leads_out_of_a_folder() {
        let home = tempfile::tempdir().expect("folder");
        let at = |n: &str| home.path().join(n);
        std::fs::create_dir_all(at("top/in")).expect("made");
        std::fs::create_dir(at("out")).expect("made");
        std::fs::write(at("out/secret"), "secret").expect("written");
        std::fs::write(at("top/in/file"), "good").expect("written");
        symlink(at("out"), at("top/link")).expect("linked");
        symlink(at("out/secret"), at("top/in/leaf")).expect("linked");
        let top = Folder::open(&at("top")).expect("opened");
        assert_eq!(top.read("in/file", 99).expect("read"), b"good");
        assert!(top.read("in/file", 3).is_err(), "too large");
        for bad in ["link/secret", "in/leaf", "../out/secret", "/etc/passwd"] {
            assert!(top.file(bad).is_err(), "{bad}");
        }
        assert!(top.create_new("in/leaf", 0o600).is_err());
        assert!(top.folder("link").is_err());
        assert!(top.made("link", 0o700).is_err());
        assert!(top.rename("in/file", "link/file").is_err());
        assert!(top.write_whole("in/../../x", b"x", 0o600).is_err());
        assert!(top.has("in/leaf").expect("looked") && !top.has("in/no").expect("looked"));
        top.remove("in/leaf").expect("the link itself");
        assert_eq!(std::fs::read(at("out/secret")).expect("read"), b"secret");
        assert!(Folder::open(&at("top/link")).is_err());
        // Moved away and replaced: the handle is what was opened.
        std::fs::rename(at("top"), at("away")).expect("moved");
        std::fs::create_dir_all(at("top/in")).expect("made");
        std::fs::write(at("top/in/file"), "bad").expect("written");
        assert_eq!(top.read("in/file", 99).expect("read"), b"good");
        let mut names = top.names().expect("listed");
        names.sort();
        assert_eq!(names, ["in", "link"]);
        nix::unistd::mkfifo(&at("away/in/fifo"), Mode::S_IRWXU).expect("fifo");
        assert!(top.file("in/fifo").is_err(), "not waited for");
        assert!(read_untrusted(&at("away/in/fifo"), 9).is_err());
    }
}
