//! Wiring. `beadle-hub log export`: a copy of a log with its heads, on the record.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use super::{CommandError, client::Client};
use crate::{
    files::{failed, private_dir, read, write_whole},
    ops::staff,
};

#[derive(Subcommand)]
pub enum Command {
    /// Copy a log (`hub`, a box's name, or a log's full name) with its heads to DIR
    Export {
        #[arg(long, default_value = "hub")]
        log: String,
        dir: PathBuf,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let Command::Export { log, dir } = command;
    if fs::read_dir(&dir).is_ok_and(|mut d| d.next().is_some()) {
        return Err(CommandError::Plain(format!(
            "{} is not empty; name a new folder",
            dir.display()
        )));
    }
    let staff::Folder { folder, origin } = hub.ask(&staff::ReadLog { log })?;
    let lines = copy(&folder, &dir)?;
    println!("{lines} lines of {origin} copied to {}", dir.display());
    Ok(())
}

/// Heads first, then lines: a log that grows meanwhile has then lines above its head, never a head above its lines.
fn copy(from: &Path, to: &Path) -> Result<usize, CommandError> {
    private_dir(&to.join("heads"))?;
    for name in ["cosigned.note", "head.note"] {
        if from.join(name).exists() {
            write_whole(&to.join(name), &read(&from.join(name))?, 0o644)?;
        }
    }
    for file in list(&from.join("heads"))? {
        write_whole(
            &to.join("heads").join(&file),
            &read(&from.join("heads").join(&file))?,
            0o644,
        )?;
    }
    let mut lines = 0;
    for file in list(from)?.into_iter().filter(|f| f.ends_with(".jsonl")) {
        let mut bytes = read(&from.join(&file))?;
        // A line being written just now is left out.
        bytes.truncate(
            bytes
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |at| at + 1),
        );
        lines += bytes.iter().filter(|b| **b == b'\n').count();
        write_whole(&to.join(&file), &bytes, 0o644)?;
    }
    Ok(lines)
}

fn list(dir: &Path) -> Result<Vec<String>, CommandError> {
    let mut names: Vec<String> = match fs::read_dir(dir) {
        Ok(entries) => entries
            .filter_map(|e| e.ok()?.file_name().into_string().ok())
            .collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(failed("list", dir)(e).into()),
    };
    names.sort();
    Ok(names)
}
