//! Adapter: filesystem. What is fixed for a box's life, held against what its state folder says: name and scheme.
//!
//! They are the first part of the name of every line of its log, so a box that came up under another would write lines of a second log
//! into the folder of the first. The log says what they are, from its first line on; before there is one, enrolment does.
use std::{io, path::Path};

use super::{HubFacts, IdentityError};
use crate::config::Config;

#[derive(Debug, thiserror::Error)]
pub enum FixedError {
    #[error("{file}: {}. {what} says so, and both are fixed for as long as it is there: nothing was started and nothing was written. {next}", .wrong.join(", and "))]
    Changed {
        file: String,
        /// Each word: its key, what it is, and what it was.
        wrong: Vec<String>,
        what: String,
        next: String,
    },
    #[error(
        "the log in {path} cannot be read, so box.scheme and box.name cannot be held against it: {source}; nothing was started. Run this as root, or look at the system disk"
    )]
    Log {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl FixedError {
    /// The state folder may not be read by whoever asks, so nothing is known to be wrong.
    pub fn is_permission(&self) -> bool {
        let source = match self {
            FixedError::Log { source, .. } => source,
            FixedError::Identity(IdentityError::Io { source, .. }) => source,
            FixedError::Identity(_) | FixedError::Changed { .. } => return false,
        };
        source.kind() == io::ErrorKind::PermissionDenied
    }
}

/// Refuses a configuration that calls this box otherwise than its state folder does. `file` is the configuration's. `anew`: the box is
/// about to be enrolled anew, so that what an earlier enrolment said counts for nothing.
pub fn check(config: &Config, file: &Path, anew: bool) -> Result<(), FixedError> {
    let log = logbook::named(&config.state().recorder()).map_err(|source| FixedError::Log {
        path: config.state().logs().display().to_string(),
        source,
    })?;
    let (scheme, name, what, next) = match log {
        Some(log) => {
            let (scheme, name) = log.base.split_once("/box/").unwrap_or((&log.base, ""));
            let next = format!(
                "To move the box on purpose: beadle-edge log succeed --reason \"…\" --config {} closes this log and begins the next one \
                 under the new name; then enrol it anew and label its disks anew (docs/install.md)",
                file.display()
            );
            let what = format!("The log in {}", log.folder.display());
            (scheme.to_owned(), name.to_owned(), what, next)
        }
        None if anew => return Ok(()),
        None => {
            let Some(facts) = HubFacts::load(&config.state())? else {
                return Ok(());
            };
            let what = format!("Its enrolment at {}", facts.hub);
            let next = "To enrol it under the new name: beadle-edge enrol --again CODE".to_owned();
            (facts.scheme, facts.r#box.to_string(), what, next)
        }
    };
    let mut wrong = Vec::new();
    let mut back = Vec::new();
    for (key, is, was) in [
        ("scheme", config.scheme.as_str(), scheme.as_str()),
        ("name", config.name.as_str(), name.as_str()),
    ] {
        if is != was {
            wrong.push(format!("box.{key} is {is:?}, but this box's is {was:?}"));
            back.push(format!("{key} = {was:?}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(FixedError::Changed {
        file: file.display().to_string(),
        wrong,
        what,
        next: format!("Put back {} in [box]. {next}", back.join(" and ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        state::State,
        testing::{Hands, open_log},
    };
    use shared::time::Utc;

    fn config(state: &Path, scheme: &str, name: &str) -> Config {
        let text = format!(
            "[box]\nscheme = \"{scheme}\"\nname = \"{name}\"\nsite = \"Ashby\"\nstate = \"{}\"\n[[volume]]\npath = \"/v\"\n[[camera]]\nid = \"c01\"\nurl = \"rtsp://127.0.0.1/x\"\n",
            state.display()
        );
        let around = crate::config::Surroundings {
            program_folder: Path::new("/usr/bin"),
            password: &|_| Err(String::new()),
        };
        crate::config::parse(text.as_bytes(), &around).expect("config")
    }

    /// FLT-1, AUD-2: one wrong word is named with its file, its key, what it is, what it was and what to do; before there is a log nothing
    /// is fixed.
    #[test]
    fn a_wrong_word_is_refused_by_name() {
        let home = tempfile::tempdir().expect("folder");
        let file = Path::new("/etc/beadle/edge.toml");
        let with = |scheme: &str, name: &str| {
            check(&config(home.path(), scheme, name), file, false).map_err(|e| e.to_string())
        };
        let (right, wrong) = ("cctv.example.gov.uk", "cctv.other.gov.uk");
        assert_eq!(with(wrong, "ashby"), Ok(()), "there is no log yet");
        let (log, _) = open_log(
            &State::new(home.path()).recorder(),
            Hands::new(Utc(1_800_000_000_000), 1),
        );
        log.close("test").expect("closed");
        assert_eq!(with(right, "ashby"), Ok(()));
        let said = with(wrong, "ashby").expect_err("refused");
        for part in [
            "/etc/beadle/edge.toml",
            "box.scheme is \"cctv.other.gov.uk\"",
            "this box's is \"cctv.example.gov.uk\"",
            "log/1",
            "Put back scheme = \"cctv.example.gov.uk\"",
            "beadle-edge log succeed",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!said.contains("box.name"), "{said}");
        let both = with(wrong, "tenby").expect_err("refused");
        assert!(
            both.contains("box.scheme is") && both.contains("box.name is \"tenby\""),
            "{both}"
        );
    }
}
