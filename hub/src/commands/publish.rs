//! Wiring. `beadle-hub publish`.

use std::{fs, path::Path};

use super::client::Client;
use crate::{failure::CommandError, ops::published};

/// Writes what the scheme publishes into a folder, for a web server.
pub fn run(hub: &Client, folder: &Path) -> Result<(), CommandError> {
    let failed = |what: &str, path: &Path, e: &std::io::Error| {
        CommandError::Plain(format!(
            "cannot {what} {}: {e}; nothing of the hub was changed",
            path.display()
        ))
    };
    fs::create_dir_all(folder).map_err(|e| failed("make", folder, &e))?;
    for f in hub.ask(&published::Show {})? {
        let path = folder.join(&f.name);
        logbook::write_whole(&path, f.text.as_bytes(), true)
            .map_err(|e| failed("write", &path, &std::io::Error::other(e.to_string())))?;
        println!("{}  {}", f.sha256, path.display());
    }
    println!("put these files where the public finds them, and its address on the label");
    Ok(())
}
