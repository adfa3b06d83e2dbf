//! Adapter: filesystem. Reads the configuration file and the passwords it names.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Config, ConfigErrors, parse,
    walk::{PasswordSource, Surroundings},
};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the configuration {path}; give its path with --config")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{path}: {errors}")]
    Wrong { path: String, errors: ConfigErrors },
    #[error("root cannot go on with the rights of the recorder's user")]
    Service {
        #[source]
        source: std::io::Error,
    },
}

/// Where systemd puts the recorder's credentials while it runs: for root, looking from outside.
const CREDENTIALS: &str = "/run/credentials/beadle-edge.service";
/// The folder of passwords that the unit has systemd give to the recorder: its file `c03` is credential `camera_c03`.
const PASSWORDS: &str = "/etc/beadle/passwords";
const FROM_PASSWORDS: &str = "camera_";
/// Whom the units name, for a box that has no folders yet.
const SERVICE: &str = "beadle";

/// Which of the passwords that a configuration names must be there. One that need not be and is not is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// For people who act for the service: systemd's credentials are there only while the recorder runs, and only for root.
    InFiles,
    /// For the recorder, which records the other cameras, and for commands that ask no camera anything.
    None,
}

/// Reads and checks a configuration as the recorder will: root goes on with the rights of the recorder's user, for good, having read
/// first which credentials systemd will give it. Somebody else who may not read a password does without: it may well be in order.
pub fn load_as_service(path: &Path, needed: Passwords) -> Result<Config, LoadError> {
    let first = load(path, Passwords::None)?;
    let root = nix::unistd::geteuid().is_root();
    let credentials: BTreeMap<String, Result<String, String>> = first
        .cameras
        .iter()
        .filter_map(|c| match c.password_from.as_ref()? {
            PasswordSource::Credential(name) => Some((name.clone(), credential(name))),
            PasswordSource::File(_) => None,
        })
        .collect();
    let recorder = first.state().recorder();
    let user = logbook::act_as_owner(&recorder).and_then(|()| {
        // A box that has no folders yet, or a state folder of root's own in a trial.
        if root && !recorder.exists() {
            logbook::act_as(SERVICE)?;
        }
        Ok(nix::unistd::geteuid())
    });
    let user = user.map_err(|source| LoadError::Service { source })?;
    let owner = std::fs::metadata(&recorder).map(|m| std::os::unix::fs::MetadataExt::uid(&m));
    let service = root || owner.is_ok_and(|uid| uid == user.as_raw());
    let name = nix::unistd::User::from_uid(user).ok().flatten();
    let name = name.map_or_else(|| user.to_string(), |u| u.name);
    read_and_parse(path, &|source| match source {
        PasswordSource::File(file) => match password(source) {
            Err(_) if !service || needed == Passwords::None => Ok(String::new()),
            Err(why) if root => Err(format!(
                "{why} (as the recorder's user {name}). Let it read it: chgrp {SERVICE} {0} && chmod 640 {0}; or put the password into {PASSWORDS}/",
                file.display()
            )),
            said => said,
        },
        PasswordSource::Credential(name) => match credentials.get(name) {
            Some(Err(why)) if root && needed != Passwords::None => Err(why.clone()),
            Some(Ok(password)) => Ok(password.clone()),
            _ => Ok(String::new()),
        },
    })
}

/// A credential as root sees it: of the running recorder, or as the unit will have it given.
fn credential(name: &str) -> Result<String, String> {
    let running = credentials().join(name);
    if running.exists() {
        return password_file(&running);
    }
    match name.strip_prefix(FROM_PASSWORDS) {
        Some(file) => password_file(&Path::new(PASSWORDS).join(file)),
        // A unit may have been told of it in another way.
        None => Ok(String::new()),
    }
}

/// Reads and checks a configuration file.
pub fn load(path: &Path, needed: Passwords) -> Result<Config, LoadError> {
    load_with(path, needed, &credentials())
}

fn load_with(path: &Path, needed: Passwords, credentials: &Path) -> Result<Config, LoadError> {
    read_and_parse(path, &|source: &PasswordSource| {
        let optional = match needed {
            Passwords::InFiles => matches!(source, PasswordSource::Credential(_)),
            Passwords::None => true,
        };
        password_in(source, credentials)
            .or_else(|e| if optional { Ok(String::new()) } else { Err(e) })
    })
}

fn read_and_parse(
    path: &Path,
    password: &dyn Fn(&PasswordSource) -> Result<String, String>,
) -> Result<Config, LoadError> {
    let name = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| LoadError::Read {
        path: name(),
        source,
    })?;
    let program = std::env::current_exe()
        .ok()
        .and_then(|p| p.parent().map(Path::to_owned))
        .unwrap_or_else(|| PathBuf::from("/usr/bin"));
    let around = Surroundings {
        program_folder: &program,
        password,
    };
    parse(&bytes, &around).map_err(|errors| LoadError::Wrong {
        path: name(),
        errors,
    })
}

fn credentials() -> PathBuf {
    std::env::var_os("CREDENTIALS_DIRECTORY").map_or(CREDENTIALS.into(), PathBuf::from)
}

/// Reads a password. The error is a plain sentence.
pub fn password(source: &PasswordSource) -> Result<String, String> {
    password_in(source, &credentials())
}

fn password_in(source: &PasswordSource, credentials: &Path) -> Result<String, String> {
    let path = match source {
        PasswordSource::File(path) => path.clone(),
        PasswordSource::Credential(name) => {
            let path = credentials.join(name);
            if !path.exists() {
                return Err(format!(
                    "{} is not there: systemd puts a credential there when it starts the recorder, for it and for root while it runs",
                    path.display()
                ));
            }
            path
        }
    };
    password_file(&path)
}

fn password_file(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| format!("the password cannot be read from {}: {e}", path.display()))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() || text.contains(['\n', '\r']) {
        return Err(format!(
            "{} must hold the password on one line",
            path.display()
        ));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One camera's password in a file, the other's among systemd's credentials.
    fn configuration(folder: &Path) -> PathBuf {
        let path = folder.join("edge.toml");
        let text = format!(
            "[box]\nscheme = \"cctv.example.gov.uk\"\nname = \"ashby\"\nsite = \"Ashby\"\n[[volume]]\npath = \"/srv/footage1\"\n\
             [[camera]]\nid = \"c01\"\nurl = \"rtsp://10.0.0.1/s\"\nusername = \"beadle\"\npassword_file = \"{}\"\n\
             [[camera]]\nid = \"c02\"\nurl = \"rtsp://10.0.0.2/s\"\nusername = \"beadle\"\ncredential = \"c02-password\"\n",
            folder.join("c01.password").display()
        );
        std::fs::write(&path, text).expect("write");
        path
    }

    fn passwords(
        path: &Path,
        needed: Passwords,
        credentials: &Path,
    ) -> Result<Vec<String>, String> {
        let config = load_with(path, needed, credentials).map_err(|e| e.to_string())?;
        let reveal = |c: &super::super::Camera| {
            c.password
                .as_ref()
                .map_or(String::new(), |p| p.reveal().to_owned())
        };
        Ok(config.cameras.iter().map(reveal).collect())
    }

    /// FLT-1: a contractor's command works without the passwords it does not need, and so does the recorder (REC-6): a camera whose password
    /// cannot be read is that camera's fault (`camera.password-file`).
    #[test]
    fn passwords_are_asked_for_by_whom_they_concern() {
        let folder = tempfile::tempdir().expect("folder");
        let (path, credentials) = (
            configuration(folder.path()),
            folder.path().join("credentials"),
        );
        let ask = |needed| passwords(&path, needed, &credentials);
        // Neither is there.
        assert_eq!(ask(Passwords::None), Ok(vec![String::new(), String::new()]));
        let said = ask(Passwords::InFiles).expect_err("the file is missing");
        assert!(
            said.contains("c01.password") && !said.contains("c02-password"),
            "{said}"
        );
        // The file is there: enough for people.
        std::fs::write(folder.path().join("c01.password"), "one\n").expect("write");
        assert_eq!(
            ask(Passwords::InFiles),
            Ok(vec!["one".into(), String::new()])
        );
        // Both.
        std::fs::create_dir(&credentials).expect("folder");
        std::fs::write(credentials.join("c02-password"), "two").expect("write");
        for needed in [Passwords::InFiles, Passwords::None] {
            assert_eq!(
                ask(needed),
                Ok(vec!["one".into(), "two".into()]),
                "{needed:?}"
            );
        }
    }
}
