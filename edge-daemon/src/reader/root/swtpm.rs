//! Adapter: swtpm. A TPM 2.0 for tests: the software one, on a socket in a folder of its own.
use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Asked, Kind, Wish};

/// The root key in a file, whatever the machine that tests run on has.
pub fn in_a_file() -> Wish {
    Wish {
        root: Asked::File,
        tpm: PathBuf::from("/nowhere/tpm"),
    }
}

pub struct Swtpm {
    child: Child,
    folder: tempfile::TempDir,
}

impl Default for Swtpm {
    fn default() -> Self {
        Self::new()
    }
}

impl Swtpm {
    /// A new one, as it comes from the factory.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// One that holds what another held: its state, copied.
    pub fn from(state: &Path) -> Self {
        Self::with(Some(state))
    }

    fn with(state: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let own = folder.path().join("state");
        fs::create_dir(&own).expect("folder");
        if let Some(state) = state {
            for file in fs::read_dir(state).expect("list").flatten() {
                fs::copy(file.path(), own.join(file.file_name())).expect("copy");
            }
        }
        let child = start(folder.path());
        Self { child, folder }
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("tpm")
    }

    pub fn wish(&self, root: Asked) -> Wish {
        Wish {
            root,
            tpm: self.socket(),
        }
    }

    /// It answers no more.
    pub fn stop(&mut self) {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .expect("ended");
        fs::remove_file(self.socket()).expect("its socket");
    }

    /// It answers again, with what it held.
    pub fn restart(&mut self) {
        self.child = start(self.folder.path());
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path) -> Child {
    let socket = folder.join("tpm");
    let path = |name: &str| folder.join(name).display().to_string();
    let child = Command::new("swtpm")
        .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
        .args(["--server", &format!("type=unixio,path={}", path("tpm"))])
        .args(["--ctrl", &format!("type=unixio,path={}", path("tpm.ctrl"))])
        .args(["--tpmstate", &format!("dir={}", path("state"))])
        .args(["--log", &format!("file={}", path("log"))])
        .stdin(Stdio::null())
        .spawn()
        .expect("swtpm runs (scripts/install.sh tests installs it)");
    let until = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(&socket).is_err() {
        assert!(Instant::now() < until, "swtpm answers");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// A place for a root key, and how it is asked for.
pub struct Place {
    pub kind: Kind,
    pub tpm: Option<Swtpm>,
}

impl Place {
    pub fn new(kind: Kind) -> Self {
        let tpm = (kind == Kind::Tpm).then(Swtpm::new);
        Self { kind, tpm }
    }

    pub fn wish(&self) -> Wish {
        self.tpm
            .as_ref()
            .map_or_else(in_a_file, |tpm| tpm.wish(Asked::Tpm))
    }

    pub fn claim(&self) -> &'static str {
        match self.kind {
            Kind::File => "file",
            Kind::Tpm => "tpm",
        }
    }
}
