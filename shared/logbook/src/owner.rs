//! Adapter: process. Root acts as the owner of a state folder.
//!
//! Services run as users of their own; installers and staff run commands with `sudo`. What root then wrote (a key, a database's
//! side file) the service could not read, so a command run by root goes on as the folder's owner.
use std::{io, os::unix::fs::MetadataExt, path::Path};

use nix::unistd::{Gid, Uid, User, geteuid, initgroups, setgid, setuid};

/// Goes on as the owner of `folder`, for good, when this process is root's and the folder is somebody else's.
/// A folder that is not there yet is left to whoever makes it.
pub fn act_as_owner(folder: &Path) -> io::Result<()> {
    let Ok(about) = folder.metadata() else {
        return Ok(());
    };
    let (uid, gid) = (Uid::from_raw(about.uid()), Gid::from_raw(about.gid()));
    if !geteuid().is_root() || uid.is_root() {
        return Ok(());
    }
    match User::from_uid(uid)? {
        Some(user) => {
            let name = std::ffi::CString::new(user.name).map_err(io::Error::other)?;
            initgroups(&name, user.gid)?;
            setgid(user.gid)?;
        }
        None => {
            nix::unistd::setgroups(&[gid])?;
            setgid(gid)?;
        }
    }
    setuid(uid)?;
    Ok(())
}

/// As root: makes a footage volume's top folder writable to the state folder's owner and, where `group` exists, to that group.
pub fn hand_over(volume: &Path, state: &Path, group: &str) -> io::Result<()> {
    let (Ok(owner), true) = (state.metadata(), volume.is_dir()) else {
        return Ok(());
    };
    if !geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    let group = nix::unistd::Group::from_name(group)?.map_or(Gid::from_raw(owner.gid()), |g| g.gid);
    nix::unistd::chown(volume, Some(Uid::from_raw(owner.uid())), Some(group))?;
    // Group bit: what is made inside belongs to the group that reader and recorder share.
    std::fs::set_permissions(volume, std::os::unix::fs::PermissionsExt::from_mode(0o2770))
}
