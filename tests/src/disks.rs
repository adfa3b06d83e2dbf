//! Adapter: mounts. Real ext4 file systems on files, in a mount namespace of the test's own, and what can happen to disks.
//!
//! The namespace belongs to the thread that entered it and to the programs it starts: when they are gone, so are the mounts and
//! their loop devices, however the test ended.
use std::{
    fs::{self, File},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use nix::libc;

use crate::{Done, Told, Trouble, args, program};

/// `_IOR('X', 125, __u32)`: the file system takes nothing more, as if its disk's power had gone.
const EXT4_IOC_SHUTDOWN: libc::c_ulong = 0x8004_587d;
/// What was not flushed yet is lost, the journal too.
const NOLOGFLUSH: u32 = 2;

/// Whether disks can be made here at all; says so when not.
pub fn possible(what: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("SKIPPED, needs root (mounting file systems): {what}");
    }
    root
}

/// This thread, and what it starts from now on, mounts for itself alone.
pub fn enter() -> Done<()> {
    // SAFETY: no memory is passed; only this thread's view of mounts changes.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return Err(std::io::Error::last_os_error()).told("a mount namespace of our own");
    }
    tell("mount", args!["--make-rprivate", "/"])
}

pub fn tell(program: &str, words: &[&std::ffi::OsStr]) -> Done<()> {
    let words_shown = words.join(std::ffi::OsStr::new(" "));
    program::run(Path::new(program), words)?
        .well(&format!("{program} {}", words_shown.to_string_lossy()))
        .map(drop)
}

/// A disk: a file with an ext4 in it, mounted at a folder or not.
pub struct Disk {
    image: PathBuf,
    pub at: PathBuf,
}

impl Disk {
    /// Makes it (sparse) and mounts it.
    pub fn make(folder: &Path, name: &str, mib: u64) -> Done<Self> {
        let disk = Self {
            image: folder.join(format!("{name}.img")),
            at: folder.join(name),
        };
        let file = File::create(&disk.image).told(disk.image.display())?;
        file.set_len(mib << 20).told(disk.image.display())?;
        drop(file);
        tell("mkfs.ext4", args!["-q", "-F", "-m", "0", disk.image])?;
        fs::create_dir_all(&disk.at).told(disk.at.display())?;
        disk.mount()?;
        Ok(disk)
    }

    pub fn mount(&self) -> Done<()> {
        let how = "loop,errors=remount-ro";
        tell("mount", args!["-o", how, self.image, self.at])
    }

    /// As when the disk is pulled out: at once, whoever uses it.
    pub fn pull_out(&self) -> Done<()> {
        tell("umount", args!["-l", self.at])
    }

    pub fn unmount(&self) -> Done<()> {
        tell("umount", args![self.at])
    }

    /// The file system meets an error and, as it was told to, takes nothing more.
    pub fn meets_an_error(&self) -> Done<()> {
        let out = program::run(
            Path::new("findmnt"),
            args!["-n", "-o", "SOURCE", "--mountpoint", self.at],
        )?
        .well("findmnt")?
        .out;
        let device = out.trim().rsplit('/').next().unwrap_or_default().to_owned();
        let trigger = Path::new("/sys/fs/ext4")
            .join(device)
            .join("trigger_fs_error");
        fs::write(&trigger, "1").told(trigger.display())
    }

    /// The power goes: what was not flushed is lost, and everything from here on fails.
    pub fn power_cut(&self) -> Done<()> {
        let folder = File::open(&self.at).told(self.at.display())?;
        // SAFETY: the kernel reads four bytes at the address, which outlive the call.
        let done = unsafe { libc::ioctl(folder.as_raw_fd(), EXT4_IOC_SHUTDOWN, &NOLOGFLUSH) };
        if done == 0 {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error()).told("shutting a file system down")
        }
    }

    /// Whoever writes there waits, until [`Disk::thaw`].
    pub fn freeze(&self) -> Done<()> {
        tell("fsfreeze", args!["-f", self.at])
    }
    pub fn thaw(&self) -> Done<()> {
        tell("fsfreeze", args!["-u", self.at])
    }

    pub fn free_mib(&self) -> Done<u64> {
        let s = nix::sys::statvfs::statvfs(&self.at).told(self.at.display())?;
        Ok((s.blocks_available() * s.fragment_size()) >> 20)
    }

    /// Takes up all but so much of it.
    pub fn fill_but(&self, mib: u64) -> Done<()> {
        let size = self
            .free_mib()?
            .checked_sub(mib)
            .ok_or_else(|| Trouble::new("the disk is fuller than that"))?;
        let (file, size) = (self.at.join("filler"), format!("{size}MiB"));
        tell("fallocate", args!["-l", size, file])
    }
    pub fn make_room(&self) -> Done<()> {
        fs::remove_file(self.at.join("filler")).told("removing the filler")
    }

    /// What lies below its mount point.
    pub fn holds(&self, ending: &str) -> Vec<PathBuf> {
        crate::places::files_below(&self.at, ending)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A frozen file system could not be left; one not mounted any more needs nothing.
        let _ = program::run(Path::new("fsfreeze"), args!["-u", self.at]);
        let _ = program::run(Path::new("umount"), args!["-l", self.at]);
    }
}
