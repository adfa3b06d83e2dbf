//! Adapter: processes. The Debian packages of the programs that are tested (scripts/deb.sh), and a machine they are installed on.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Done, Told, Trouble, machine::Machine, places};

/// The packages of one version.
pub struct Packages {
    pub edge: PathBuf,
    pub hub: PathBuf,
}

impl Packages {
    /// Makes them in a folder, not compressed.
    pub fn make(folder: &Path, version: &str) -> Done<Self> {
        let program = places::program("beadle-edge")?;
        let programs = program.parent().unwrap_or(Path::new("/"));
        let said = Command::new(places::root().join("scripts/deb.sh"))
            .arg("--programs")
            .arg(programs)
            .args(["--version", version, "--out"])
            .arg(folder)
            .env("BEADLE_DEB_COMPRESSION", "none")
            .output()
            .told("scripts/deb.sh")?;
        if !said.status.success() {
            return Err(Trouble(format!(
                "scripts/deb.sh: {}{}",
                String::from_utf8_lossy(&said.stdout),
                String::from_utf8_lossy(&said.stderr)
            )));
        }
        let arch = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "amd64"
        };
        let one = |name: &str| folder.join(format!("{name}_{version}_{arch}.deb"));
        Ok(Self {
            edge: one("beadle-edge"),
            hub: one("beadle-hub"),
        })
    }

    /// Lays a package into a machine's /root, as one that was brought there.
    pub fn bring(package: &Path, to: &Machine) -> Done<String> {
        let name = package
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        to.copy(package, &format!("/root/{name}"), 0o644)?;
        Ok(name)
    }

    /// Installs one as the documents say.
    pub fn install(package: &Path, on: &Machine) -> Done<()> {
        let name = Self::bring(package, on)?;
        on.sh(&format!("apt install -y ./{name}")).map(drop)
    }
}
