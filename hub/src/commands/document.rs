//! Wiring. `beadle-hub document exhibit|refusal`: papers as text and PDF, into a folder.

use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use shared::id::ExhibitRef;

use super::client::Client;
use crate::{
    documents::make::{Document, ExhibitPaper},
    failure::CommandError,
    files::failed,
    ops::documents,
};

#[derive(Subcommand)]
pub enum Command {
    /// Continuity sheet, label, release form or receipt of an exhibit, as of now; printed as text, or written into FOLDER as text and PDF
    Exhibit {
        exhibit: String,
        /// continuity, label, release or receipt; left out: all of them
        #[arg(long)]
        paper: Option<String>,
        /// Which copy release form and receipt are about; left out: the one that was handed over last, else the newest
        #[arg(long)]
        copy: Option<u64>,
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
    },
    /// The notice that a request was refused
    Refusal {
        /// R-000012
        request: String,
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<u8, CommandError> {
    match command {
        Command::Exhibit {
            exhibit,
            paper,
            copy,
            save,
        } => {
            let exhibit =
                ExhibitRef::parse(&exhibit).map_err(|e| CommandError::Plain(e.to_string()))?;
            let papers = match paper {
                None => ExhibitPaper::ALL.to_vec(),
                Some(word) => vec![ExhibitPaper::parse(&word).ok_or_else(|| {
                    let all: Vec<&str> = ExhibitPaper::ALL.iter().map(|p| p.word()).collect();
                    CommandError::Plain(format!(
                        "there is no paper {word:?} of an exhibit; nothing was made: one of {}",
                        all.join(", ")
                    ))
                })?],
            };
            for paper in papers {
                let asked = documents::Show {
                    exhibit: exhibit.clone(),
                    paper,
                    copy,
                };
                put(&hub.ask(&asked)?, save.as_deref())?;
            }
        }
        Command::Refusal { request, save } => {
            put(&hub.ask(&documents::Notice { request })?, save.as_deref())?;
        }
    }
    Ok(0)
}

fn put(document: &Document, folder: Option<&Path>) -> Result<(), CommandError> {
    let Some(folder) = folder else {
        println!("{}", document.text);
        return Ok(());
    };
    for path in written(document, folder)? {
        println!("Written    {}", path.display());
    }
    if let Some(why) = &document.unprinted {
        println!("No PDF     {why}");
    }
    Ok(())
}

/// Continuity sheet and label of a copy that was just saved, beside it; what was written, or why not, a line each. The copy stands either way.
pub fn beside(hub: &Client, exhibit: &ExhibitRef, copy: Option<u64>, folder: &Path) -> Vec<String> {
    let mut told = Vec::new();
    for paper in [ExhibitPaper::Continuity, ExhibitPaper::Label] {
        let asked = documents::Show {
            exhibit: exhibit.clone(),
            paper,
            copy,
        };
        let made = hub.ask(&asked).and_then(|mut document| {
            if let Some(n) = copy {
                document.name = format!("{exhibit}-copy-{n}-{}", paper.word());
            }
            written(&document, folder)
        });
        match made {
            Ok(files) => told.extend(files.iter().map(|f| format!("paper      {}", f.display()))),
            Err(e) => told.push(format!("no paper   {} of {exhibit}: {e}", paper.word())),
        }
    }
    told
}

/// Text and PDF, as whoever runs the command. What is there under these names is not written over.
pub fn written(document: &Document, folder: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let mut files = vec![("txt", document.text.clone().into_bytes())];
    files.extend(document.printed().map(|pdf| ("pdf", pdf)));
    let mut all = Vec::new();
    for (end, bytes) in files {
        let path = folder.join(format!("{}.{end}", document.name));
        let new = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        new.and_then(|mut file| file.write_all(&bytes))
            .map_err(failed("write", &path))?;
        all.push(path);
    }
    Ok(all)
}
