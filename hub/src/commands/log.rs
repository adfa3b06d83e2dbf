//! Wiring. `beadle-hub log export|show|trail|sample|review`: a copy of a log with its heads; what people did; a month's sample. Each is on
//! the record.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use shared::time::{Utc, Zone};

use super::{
    client::Client,
    terminal::{print_json, typed, typed_end},
};
use crate::{
    failure::CommandError,
    files::{failed, private_dir, read, write_whole},
    list::Part,
    ops::{log, staff},
    ownlog::MONTHS,
    trail::{Search, TrailRow},
};

#[derive(Subcommand)]
pub enum Command {
    /// Copy a log (`hub`, a box's name, or a log's full name) with its heads to DIR
    Export {
        #[arg(long, default_value = "hub")]
        log: String,
        dir: PathBuf,
    },
    /// What people did at this hub, newest first; that it was read is on the log too
    Show {
        /// An account's name, or its number as op:0007
        #[arg(long)]
        person: Option<String>,
        /// BOX/CAM
        #[arg(long)]
        camera: Option<String>,
        /// As it was given: of the act, or of the clip it is about
        #[arg(long)]
        reference: Option<String>,
        /// A type of line like acc.view, or a family of them like acc
        #[arg(long)]
        kind: Option<String>,
        /// From that time on, like 2026-11-03 14:00, by the scheme's clock
        #[arg(long)]
        from: Option<String>,
        /// Before that time; a day is meant whole
        #[arg(long)]
        to: Option<String>,
        /// So many lines, the newest; without it all of them
        #[arg(long)]
        limit: Option<u32>,
        #[arg(long)]
        json: bool,
    },
    /// Everything that one person did, newest first
    Trail {
        /// An account's name, or its number as op:0007
        person: String,
        #[arg(long)]
        json: bool,
    },
    /// A random sample of a month's acts, for the monthly review: the same for everybody who draws it
    Sample {
        /// Like 2026-11; from the second day of the month after it on
        month: String,
        /// So many acts
        #[arg(long, default_value_t = 20)]
        count: u32,
        #[arg(long)]
        json: bool,
    },
    /// Put on record what the sample of a month showed
    Review {
        month: String,
        #[arg(long, default_value_t = 20)]
        count: u32,
        /// What it showed; kept apart from the log, which holds its salted hash
        #[arg(long)]
        result: String,
    },
}

type Reads = fn(&Zone, &str, &str) -> Result<Utc, CommandError>;

/// One act on one line, what was said of it below.
fn print(r: &TrailRow, zone: &Zone) {
    let about = [r.camera.as_deref(), r.exhibit.as_deref()];
    let about: Vec<&str> = about.into_iter().flatten().collect();
    println!(
        "{:>8}  {}  {:<12} {} {} ({})  {}{}",
        r.n,
        r.t.for_people(zone),
        r.kind,
        r.who,
        r.name,
        r.roles,
        about.join(" "),
        r.owner
            .as_ref()
            .map_or(String::new(), |o| format!("  of {o}"))
    );
    for (key, text) in r.facts.iter().chain(&r.texts) {
        println!("            {key:<10} {text}");
    }
}

fn list(rows: &[TrailRow], zone: &Zone, json: bool) -> Result<(), CommandError> {
    if json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        println!("no such act is on the log");
    }
    rows.iter().for_each(|r| print(r, zone));
    Ok(())
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    match command {
        Command::Export { log, dir } => export(hub, log, dir),
        Command::Show {
            person,
            camera,
            reference,
            kind,
            from,
            to,
            limit,
            json,
        } => {
            let zone = hub.zone()?;
            let read = |text: Option<String>, what, reads: Reads| {
                text.map(|t| reads(&zone, what, &t)).transpose()
            };
            let search = Search {
                person,
                camera,
                reference,
                kind,
                from: read(from, "--from", typed)?,
                to: read(to, "--to", typed_end)?,
            };
            show(hub, &search, limit, json)
        }
        Command::Trail { person, json } => {
            let search = Search {
                person: Some(person),
                ..Search::default()
            };
            show(hub, &search, None, json)
        }
        Command::Sample { month, count, json } => {
            let sample = hub.ask(&log::Draw { month, count })?;
            if json {
                return print_json(&sample);
            }
            println!(
                "{} of {} acts of {} (UTC), drawn by the head of {} lines with root {}",
                sample.rows.len(),
                sample.acts,
                sample.month,
                sample.size,
                sample.root
            );
            let zone = hub.zone()?;
            sample.rows.iter().for_each(|r| print(r, &zone));
            Ok(())
        }
        Command::Review {
            month,
            count,
            result,
        } => {
            let done = hub.ask(&log::Review {
                month: month.clone(),
                count,
                result,
            })?;
            println!(
                "the review of {month} is line {} of the hub's log",
                done.line
            );
            Ok(())
        }
    }
}

fn show(hub: &Client, search: &Search, limit: Option<u32>, json: bool) -> Result<(), CommandError> {
    let zone = hub.zone()?;
    let ask = |part: Part| log::Show {
        search: search.clone(),
        part,
    };
    let Some(limit) = limit else {
        return list(&hub.all(ask)?, &zone, json);
    };
    // A part may have few, or none, while there are more.
    let (mut rows, mut part) = (Vec::new(), Part::of(limit));
    while let Some(left) = limit.checked_sub(rows.len() as u32).filter(|n| *n > 0) {
        part.limit = Some(left);
        let found = hub.ask(&ask(part.clone()))?;
        rows.extend(found.rows);
        match found.next {
            Some(next) => part.after = Some(next),
            None => break,
        }
    }
    list(&rows, &zone, json)
}

fn export(hub: &Client, log: String, dir: PathBuf) -> Result<(), CommandError> {
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
    for file in names(&from.join("heads"))? {
        write_whole(
            &to.join("heads").join(&file),
            &read(&from.join("heads").join(&file))?,
            0o644,
        )?;
    }
    // By which the samples of months are drawn.
    for file in names(&from.join(MONTHS))? {
        let note = read(&from.join(MONTHS).join(&file))?;
        private_dir(&to.join(MONTHS))?;
        write_whole(&to.join(MONTHS).join(&file), &note, 0o644)?;
    }
    let mut lines = 0;
    for file in names(from)?.into_iter().filter(|f| f.ends_with(".jsonl")) {
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

fn names(dir: &Path) -> Result<Vec<String>, CommandError> {
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
