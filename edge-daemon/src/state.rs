//! Adapter: filesystem. Where everything lies in a box's state folder (`/var/lib/beadle-edge`), and who owns it.
//!
//! Each program owns folders of its own and nothing above them; the folder itself is root's, so that nobody can put one folder in the
//! place of another. The package makes them (`systemd/tmpfiles.d`); the programs make only what lies inside their own.
//!
//! ```text
//! .                root:root 0755
//! recorder/        beadle:beadle-footage 0710: all that the recorder writes for itself
//!   log/           the audit log (logbook)
//!   identity/      box.key (P-256, PKCS#8 PEM, made on first start), box.crt (from enrolment)
//!   boot/          beadle:beadle-footage 2770: identities it made by itself, sealed to the reader, which takes them in and removes them
//!   recipients.json  day recipients as the reader told them, public
//!   hub-move.json  where the hub is by its last order, with the hub's signature
//!   rates.json     the last order of each camera in time-lapse
//!   masks.json     masks ordered by the hub and lifts of masks, by camera; masks.json.old is a copy
//!   approvals.json keys of those who approve lifts, as they count now, where they are asked for
//!   retention.json the rule each camera was last recorded under
//!   pictures.json  what painting masks costs on this box, as it was measured
//!   cameras/       what is remembered of each camera: its certificate, whether it knows Digest
//!   pulls/         one JSON per prepared pull: <ref>-<camera>.json
//!   orders/        orders about holds, while the reader does not answer
//!   index.sqlite   derived, may be deleted
//!   lock, config.seen
//! reader/          beadle-reader:beadle-reader 0700: root.json (where the root key is), root.key (where that is a file), identities,
//!                  ledger.json (what keys were made for, orders obeyed, how late it is), lock
//! public/          beadle-reader:beadle-footage 2750: what the reader tells: reader.pub (its long-term recipient), root.json,
//!                  pulls.json (how many pulls on which day)
//! hub/             root:root 0755: what root pinned at enrolment: hub.json (address, scheme, box, keys), ca.crt,
//!                  approvers.json (whose keys approve lifts, where they are asked for)
//! run/             root:root 0755
//!   reader/        beadle-reader:beadle-footage 2750: reader.sock (0660)
//!   recorder/      beadle:beadle-maintain 2750: status.json
//! ```
//! Where one user runs everything (a test, a demonstration), the state folder is that user's and the folders are made as they are needed.
use std::{
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

#[derive(Clone, Debug)]
pub struct State(pub PathBuf);

/// Why a program cannot have the folders it works in.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error(
        "{path} is not there, and {above} belongs to another user, so it was not made: the package makes it. \
         As root: systemd-tmpfiles --create beadle-edge.conf (or install the package beadle-edge again)"
    )]
    Missing { path: String, above: String },
    #[error(
        "{path} belongs to user {uid}, or others may write to it: whoever may could put another folder in the place of the keys. \
         As root: chown root:root {path}; chmod 755 {path}"
    )]
    Others { path: String, uid: u32 },
    #[error("cannot {what} {path}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
}

impl State {
    pub fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// The recorder's own folder; the log lies in it, as `log/`.
    pub fn recorder(&self) -> PathBuf {
        self.0.join("recorder")
    }
    pub fn logs(&self) -> PathBuf {
        self.recorder().join("log")
    }
    pub fn identity(&self) -> PathBuf {
        self.recorder().join("identity")
    }
    /// Identities the recorder made by itself, sealed to the reader.
    pub fn boot(&self) -> PathBuf {
        self.recorder().join("boot")
    }
    pub fn recipients(&self) -> PathBuf {
        self.recorder().join("recipients.json")
    }
    /// What painting masks costs on this box, as it was measured.
    pub fn pictures(&self) -> PathBuf {
        self.recorder().join("pictures.json")
    }
    pub fn rates(&self) -> PathBuf {
        self.recorder().join("rates.json")
    }
    pub fn masks(&self) -> PathBuf {
        self.recorder().join("masks.json")
    }
    pub fn retention(&self) -> PathBuf {
        self.recorder().join("retention.json")
    }
    pub fn cameras(&self) -> PathBuf {
        self.recorder().join("cameras")
    }
    pub fn pulls(&self) -> PathBuf {
        self.recorder().join("pulls")
    }
    /// Orders that wait for the reader.
    pub fn orders(&self) -> PathBuf {
        self.recorder().join("orders")
    }
    pub fn index(&self) -> PathBuf {
        self.recorder().join("index.sqlite")
    }
    /// Held by the recorder as long as it runs.
    pub fn lock(&self) -> PathBuf {
        self.recorder().join("lock")
    }
    /// The configuration that was announced last.
    pub fn config_seen(&self) -> PathBuf {
        self.recorder().join("config.seen")
    }

    /// The reader's own folder.
    pub fn reader(&self) -> PathBuf {
        self.0.join("reader")
    }
    /// What the reader tells the recorder and whoever may look at the box.
    pub fn public(&self) -> PathBuf {
        self.0.join("public")
    }
    pub fn reader_pub(&self) -> PathBuf {
        self.public().join("reader.pub")
    }

    /// What root pinned at enrolment.
    pub fn hub(&self) -> PathBuf {
        self.0.join("hub")
    }

    pub fn run_reader(&self) -> PathBuf {
        self.0.join("run/reader")
    }
    pub fn run_recorder(&self) -> PathBuf {
        self.0.join("run/recorder")
    }
    pub fn reader_socket(&self) -> PathBuf {
        self.run_reader().join("reader.sock")
    }
    pub fn status(&self) -> PathBuf {
        self.run_recorder().join("status.json")
    }

    /// Sees to the recorder's folders before it works.
    ///
    /// # Errors
    /// A folder is missing that is not this user's to make.
    pub fn for_recorder(&self) -> Result<(), LayoutError> {
        self.folders(&[
            (self.recorder(), 0o710),
            (self.boot(), 0o2770),
            (self.pulls(), 0o750),
            (self.run_recorder(), 0o2750),
        ])
    }

    /// Sees to the reader's folders before it works.
    ///
    /// # Errors
    /// A folder is missing that is not this user's to make.
    pub fn for_reader(&self) -> Result<(), LayoutError> {
        self.folders(&[
            (self.reader(), 0o700),
            (self.public(), 0o2750),
            (self.run_reader(), 0o2750),
        ])
    }

    /// What a program that trusts nobody looks at before it works: that its own folder is below nobody else's but root's.
    ///
    /// # Errors
    /// Another user owns the state folder, and could put another folder in the place of this one.
    pub fn nobody_elses(&self) -> Result<(), LayoutError> {
        let root = self.root();
        let about = std::fs::metadata(root).map_err(|source| LayoutError::Io {
            what: "look at",
            path: root.display().to_string(),
            source,
        })?;
        if of_root_or_self(&about) {
            return Ok(());
        }
        Err(LayoutError::Others {
            path: root.display().to_string(),
            uid: about.uid(),
        })
    }

    fn folders(&self, wanted: &[(PathBuf, u32)]) -> Result<(), LayoutError> {
        for (folder, mode) in wanted {
            make(folder, *mode)?;
        }
        Ok(())
    }
}

/// Whether only root, or this user itself, can change what this is about.
pub fn of_root_or_self(about: &std::fs::Metadata) -> bool {
    let owner = about.uid();
    let (root, own) = (0, nix::unistd::geteuid().as_raw());
    let others = about.mode() & 0o002 != 0;
    let group = about.mode() & 0o020 != 0 && about.gid() != nix::unistd::getegid().as_raw();
    (owner == root || owner == own) && !others && !group
}

/// Makes a folder, and those above it, where they are not there and the nearest one that is belongs to this user.
fn make(folder: &Path, mode: u32) -> Result<(), LayoutError> {
    let io = |what, path: &Path| {
        let path = path.display().to_string();
        move |source| LayoutError::Io { what, path, source }
    };
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.ancestors().skip(1).find(|a| a.is_dir());
    let above = above.unwrap_or(Path::new("/"));
    let owner = std::fs::metadata(above)
        .map_err(io("look at", above))?
        .uid();
    if owner != nix::unistd::geteuid().as_raw() {
        return Err(LayoutError::Missing {
            path: folder.display().to_string(),
            above: above.display().to_string(),
        });
    }
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(io("make the folder", parent))?;
    }
    match std::fs::DirBuilder::new().mode(mode).create(folder) {
        // Recorder and reader may start at once.
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(io("make the folder", folder)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-3, V1: whoever owns the state folder makes what is missing in it; a service, whose it is not, makes none of root's folders and
    /// says whose work that is.
    #[test]
    fn only_its_owner_makes_folders_in_it() {
        let home = tempfile::tempdir().expect("folder");
        let state = State::new(&home.path().join("state"));
        state.for_recorder().expect("made");
        state.for_reader().expect("made");
        state.for_reader().expect("there");
        let mode = std::fs::metadata(state.reader()).expect("there").mode();
        assert_eq!(mode & 0o777, 0o700);
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let theirs = State::new(&home.path().join("theirs"));
        std::fs::create_dir(theirs.root()).expect("made");
        std::os::unix::fs::chown(theirs.root(), Some(60001), None).expect("given away");
        let said = theirs.for_recorder().expect_err("refused").to_string();
        assert!(said.contains("/theirs/recorder is not there"), "{said}");
        assert!(said.contains("systemd-tmpfiles"), "{said}");
        assert!(!theirs.recorder().exists());
    }
}
