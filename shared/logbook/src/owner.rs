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

/// Goes on as this user, for good, when this process is root's and there is such a user.
pub fn act_as(name: &str) -> io::Result<()> {
    let Some(user) = User::from_name(name)?.filter(|u| !u.uid.is_root()) else {
        return Ok(());
    };
    if !geteuid().is_root() {
        return Ok(());
    }
    let name = std::ffi::CString::new(user.name).map_err(io::Error::other)?;
    initgroups(&name, user.gid)?;
    setgid(user.gid)?;
    setuid(user.uid)?;
    Ok(())
}

/// To whom root gives what the recorder is to write to: the state folder's owner. None when there is nothing to give away: this
/// process is not root's, or the folder is root's, or it is not there yet.
pub fn heir(state: &Path) -> Option<(Uid, Gid)> {
    let owner = state.metadata().ok()?;
    let heir = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    (geteuid().is_root() && !heir.0.is_root()).then_some(heir)
}
