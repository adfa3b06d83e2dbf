//! Adapter: processes, namespaces. Where a test's hub and box are: beside the test, as its own user, in a folder of its own; or on a test machine, as
//! their packages install them and as the users that their units name.
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Done, Told, Trouble,
    cameras::Cameras,
    machine::{Base, Machine},
    places,
    program::{self, Program, Said},
};

#[derive(Clone)]
pub enum Site {
    Beside(PathBuf),
    Installed(Arc<Machine>),
}

impl Site {
    /// A machine that both packages are installed on, with its files in `<folder>/<name>`.
    pub fn installed(name: &str, folder: &Path) -> Done<Self> {
        let machine = Machine::boot(name, folder, Base::Installed)?;
        Ok(Self::Installed(Arc::new(machine)))
    }

    /// # Errors
    /// It is beside the test.
    pub fn machine(&self) -> Done<&Arc<Machine>> {
        match self {
            Self::Beside(folder) => Err(Trouble(format!("{} is no machine", folder.display()))),
            Self::Installed(machine) => Ok(machine),
        }
    }

    /// A path that programs there know, as this side sees it.
    pub fn path(&self, inside: &str) -> Done<PathBuf> {
        match self {
            Self::Beside(_) => Ok(inside.into()),
            Self::Installed(machine) => machine.path(inside),
        }
    }

    /// Where files lie that commands there are given, and leave: root's.
    pub fn files(&self) -> Done<PathBuf> {
        match self {
            Self::Beside(folder) => Ok(folder.clone()),
            Self::Installed(machine) => machine.path("/root/files"),
        }
    }

    /// A word of a command, or a path, as programs there know it.
    pub fn inside(&self, word: &OsStr) -> OsString {
        let above = self.path("/").unwrap_or_default();
        let above = above.as_os_str().as_bytes().strip_suffix(b"/");
        match (self, above.filter(|a| !a.is_empty())) {
            (Self::Installed(_), Some(above)) => {
                let rest = word.as_bytes().strip_prefix(above);
                OsStr::from_bytes(
                    rest.filter(|r| r.starts_with(b"/"))
                        .unwrap_or(word.as_bytes()),
                )
                .to_owned()
            }
            _ => word.to_owned(),
        }
    }

    /// An environment as programs there know it; the library that makes a clock wrong is brought there.
    fn env(&self, env: &[(String, String)]) -> Done<Vec<(String, String)>> {
        let mut all = Vec::new();
        for (name, value) in env {
            if let (Self::Installed(machine), "LD_PRELOAD") = (self, name.as_str())
                && !machine.path(value)?.exists()
            {
                machine.copy(Path::new(value), value, 0o644)?;
            }
            let value = self.inside(value.as_ref());
            all.push((name.clone(), value.to_string_lossy().into_owned()));
        }
        Ok(all)
    }

    /// Runs one of our programs to its end; on a machine as root.
    pub fn run(&self, program: &str, words: &[&OsStr], env: &[(String, String)]) -> Done<Said> {
        match self {
            Self::Beside(_) => program::run_with(&places::program(program)?, words, env),
            Self::Installed(machine) => {
                let words: Vec<OsString> = words.iter().map(|w| self.inside(w)).collect();
                let mut all = vec![OsStr::new(program)];
                all.extend(words.iter().map(OsString::as_os_str));
                machine.run_with(&all, &self.env(env)?)
            }
        }
    }

    /// Starts one of our programs; on a machine as the unit of that name, which knows what it is to be told. It need not be ready.
    pub fn start(
        &self,
        name: &str,
        program: &str,
        words: &[&OsStr],
        unit: &'static str,
        env: &[(String, String)],
    ) -> Done<Program> {
        match self {
            Self::Beside(folder) => Program::start(name, &folder.join("logs"), program, words, env),
            Self::Installed(machine) => Program::unit(name, machine, unit, &self.env(env)?),
        }
    }

    /// What its programs said, in files.
    pub fn logs(&self) -> Done<PathBuf> {
        match self {
            Self::Beside(folder) => Ok(folder.join("logs")),
            Self::Installed(machine) => machine.path("/run/log/journal"),
        }
    }

    /// Cameras are within reach at the addresses they have here, over TCP.
    pub fn sees(&self, cameras: &Cameras) -> Done<()> {
        match self {
            Self::Beside(_) => Ok(()),
            Self::Installed(machine) => machine
                .forward(([127, 0, 0, 1], cameras.port).into(), cameras.port)
                .told("cameras"),
        }
    }

    /// Lines for a shell of root's there.
    pub fn sh(&self, script: &str) -> Done<Said> {
        match self {
            Self::Beside(_) => {
                program::run(Path::new("bash"), &[OsStr::new("-euc"), OsStr::new(script)])?
                    .well(script)
            }
            Self::Installed(machine) => machine.sh(script),
        }
    }
}
