//! Adapter: filesystem. Reads the configuration file and the passwords it names.

use std::path::{Path, PathBuf};

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
}

/// Where systemd puts the recorder's credentials while it runs: for root, looking from outside.
const CREDENTIALS: &str = "/run/credentials/beadle-edge.service";

/// Which of the passwords that a configuration names must be there. One that need not be and is not is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// For the recorder.
    All,
    /// For people: systemd's credentials are there only while the recorder runs, and only for root.
    InFiles,
    /// For commands that ask no camera anything.
    None,
}

/// Reads and checks a configuration file.
pub fn load(path: &Path, needed: Passwords) -> Result<Config, LoadError> {
    let name = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| LoadError::Read {
        path: name(),
        source,
    })?;
    let program = std::env::current_exe()
        .ok()
        .and_then(|p| p.parent().map(Path::to_owned))
        .unwrap_or_else(|| PathBuf::from("/usr/bin"));
    let read = |source: &PasswordSource| {
        let optional = match needed {
            Passwords::All => false,
            Passwords::InFiles => matches!(source, PasswordSource::Credential(_)),
            Passwords::None => true,
        };
        password(source).or_else(|e| if optional { Ok(String::new()) } else { Err(e) })
    };
    let around = Surroundings {
        program_folder: &program,
        password: &read,
    };
    parse(&bytes, &around).map_err(|errors| LoadError::Wrong {
        path: name(),
        errors,
    })
}

/// Reads a password. The error is a plain sentence.
pub fn password(source: &PasswordSource) -> Result<String, String> {
    let path = match source {
        PasswordSource::File(path) => path.clone(),
        PasswordSource::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Path::new(&folder).join(name),
            None if Path::new(CREDENTIALS).join(name).exists() => Path::new(CREDENTIALS).join(name),
            None => {
                return Err(
                    "this credential is only there when systemd starts the program, and for root while it runs".into(),
                );
            }
        },
    };
    let text = std::fs::read_to_string(&path)
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
