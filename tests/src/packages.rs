//! Adapter: processes. The Debian packages of the programs that are tested (scripts/deb.sh), and a machine they are installed on.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ring::digest;

use crate::{
    Done, Folder, Told, Trouble,
    machine::{Base, Machine},
    places,
};

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

/// The layer of a machine on which both packages are installed, below the folder that scripts/machine.sh made. It is made once for the programs
/// that are tested, by whoever comes first, and takes the place of that of other programs.
pub(crate) fn layer(below: &Path) -> Done<PathBuf> {
    let mut all = digest::Context::new(&digest::SHA256);
    let mut of = vec![below.join("recipe"), places::root().join("scripts/deb.sh")];
    for name in ["beadle-edge", "beadle-hub", "beadle-pictures"] {
        of.push(places::program(name)?);
    }
    for folder in ["systemd", "packages"] {
        of.extend(places::files_below(&places::root().join(folder), ""));
    }
    for file in of {
        all.update(file.to_string_lossy().as_bytes());
        all.update(&fs::read(&file).told(file.display())?);
    }
    let number = all.finish();
    let number: String = number.as_ref()[..8]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let installed = below.join("installed");
    fs::create_dir_all(&installed).told(installed.display())?;
    // Whoever comes meanwhile waits.
    let turn = fs::File::create(installed.join("lock")).told("a lock")?;
    turn.lock().told("a lock")?;
    let layer = installed.join(number);
    if layer.exists() {
        return Ok(layer);
    }
    for entry in fs::read_dir(&installed).told(installed.display())? {
        let other = entry.told(installed.display())?.path();
        if other.is_dir() {
            fs::remove_dir_all(&other).told(other.display())?;
        }
    }
    let folder = Folder::new("layer")?;
    let packages = Packages::make(folder.path(), "0.1.0")?;
    let mut machine = Machine::boot("installed", folder.path(), Base::Ready)?;
    Packages::install(&packages.hub, &machine)?;
    Packages::install(&packages.edge, &machine)?;
    machine.sh("rm beadle-*.deb")?;
    machine.power_off()?;
    let written = folder.path().join("installed/upper");
    fs::rename(&written, &layer).told(layer.display())?;
    Ok(layer)
}
