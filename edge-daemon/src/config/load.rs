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

/// Reads and checks a configuration file.
pub fn load(path: &Path) -> Result<Config, LoadError> {
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
        password: &password,
    };
    parse(&bytes, &around).map_err(|errors| LoadError::Wrong {
        path: name(),
        errors,
    })
}

fn password(source: &PasswordSource) -> Result<String, String> {
    let path = match source {
        PasswordSource::File(path) => path.clone(),
        PasswordSource::Credential(name) => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Path::new(&folder).join(name),
            None => {
                return Err("this credential is only there when systemd starts the program".into());
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
