//! Wiring. `beadle-edge index rebuild`: reads the whole log into a new index. The box may be recording meanwhile; it takes up
//! the new index at its next start.

use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
};

use crate::{
    config::{self, Passwords},
    failure::{Failed, exit},
    state::State,
    store::Index,
};

pub fn rebuild(path: &Path) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::None)?;
    super::as_owner(&config)?;
    let state = State::new(&config.state);
    let index = state.index();
    let logs = config.state().logs();
    let numbers = std::fs::read_dir(&logs).map_err(|e| {
        Failed::new(
            exit::IO,
            format!("the log {} cannot be read: {e}", logs.display()),
        )
    })?;
    let newest = numbers
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u64>().ok())
        .max();
    let newest = newest.ok_or_else(|| {
        Failed::new(
            exit::IO,
            format!(
                "there is no log under {} yet: nothing to rebuild from",
                logs.display()
            ),
        )
    })?;
    let fresh = index.with_extension("sqlite.new");
    remove(&fresh)?;
    let shown = std::io::stderr().is_terminal();
    let built = Index::open_with(&fresh, &logs.join(newest.to_string()), |log, lines| {
        if shown {
            eprint!("\rlog {log}: {lines} lines read");
            let _ = std::io::stderr().flush();
        }
    })
    .map_err(|e| Failed::new(exit::IO, e))?;
    if shown {
        eprintln!();
    }
    let (segments, lines) = built.counts().map_err(|e| Failed::new(exit::IO, e))?;
    drop(built);
    // Closed above, so its write-ahead log is folded in; the old one's must not be taken for its own.
    remove(&index)?;
    std::fs::rename(&fresh, &index).map_err(|e| {
        Failed::new(
            exit::IO,
            format!("cannot put {} in place: {e}", index.display()),
        )
    })?;
    println!(
        "{}: {segments} segments from {lines} log lines",
        index.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn remove(path: &Path) -> Result<(), Failed> {
    for end in ["", "-wal", "-shm"] {
        let file = format!("{}{end}", path.display());
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failed::new(exit::IO, format!("cannot remove {file}: {e}")));
            }
            _ => {}
        }
    }
    Ok(())
}
