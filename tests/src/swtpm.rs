//! Adapter: swtpm. A TPM 2.0 in software, for boxes that are to have one; looked into with tpm2-tools, as a contractor would.
use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use crate::{
    Done, Told, Trouble, args,
    program::{self, Said},
    wait,
};

pub struct Swtpm {
    child: std::process::Child,
    folder: PathBuf,
}

impl Swtpm {
    /// One as it comes from the factory; its socket and its state lie in `folder`.
    pub fn start(folder: &Path) -> Done<Self> {
        fs::create_dir_all(folder.join("state")).told(folder.display())?;
        let path = |name: &str| folder.join(name).display().to_string();
        let child = std::process::Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--server", &format!("type=unixio,path={}", path("tpm"))])
            .args(["--ctrl", &format!("type=unixio,path={}", path("tpm.ctrl"))])
            .args(["--tpmstate", &format!("dir={}", path("state"))])
            .args(["--log", &format!("file={}", path("log"))])
            .stdin(std::process::Stdio::null())
            .spawn()
            .told("swtpm (scripts/install.sh tests installs it)")?;
        let this = Self {
            child,
            folder: folder.into(),
        };
        wait::until("swtpm answers", 20, || {
            Ok(UnixStream::connect(this.socket()).is_ok())
        })?;
        Ok(this)
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("tpm")
    }

    /// The file in which it keeps what it holds.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// What both of a box's indexes hold, read with the password in the box's own file.
    pub fn roots(&self, state: &Path) -> Done<Vec<Vec<u8>>> {
        let kept: serde_json::Value =
            serde_json::from_slice(&fs::read(state.join("reader/root.json"))?)?;
        let auth = kept["auth"]
            .as_str()
            .ok_or_else(|| Trouble::new("the box has no password of the TPM's indexes"))?;
        let out = self.folder.join("index");
        ["0x01BEAD10", "0x01BEAD11"]
            .iter()
            .map(|index| {
                let password = format!("hex:{auth}");
                self.tool(
                    "tpm2_nvread",
                    args![index, "-C", index, "-P", password, "-s", "32", "-o", out],
                )?
                .well("tpm2_nvread")?;
                let root = fs::read(&out)?;
                fs::remove_file(&out)?;
                Ok(root)
            })
            .collect()
    }

    fn tool(&self, name: &str, words: &[&std::ffi::OsStr]) -> Done<Said> {
        let line = format!("swtpm:path={}", self.socket().display());
        program::run_with(Path::new(name), words, &[("TPM2TOOLS_TCTI".into(), line)])
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
