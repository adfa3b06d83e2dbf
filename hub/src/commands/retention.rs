//! Wiring. `beadle-hub retention report|confirm`: what is kept against what was promised, for people, machines and the data-protection officer.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use shared::{id::BoxName, time::Zone};

use super::{client::Client, terminal::print_json};
use crate::{
    failure::CommandError,
    list::{MOST, Part},
    ops::{boxes, footage},
    retention::export,
};

#[derive(Subcommand)]
pub enum Command {
    /// One row per camera: policy, what is held, gaps, newest deletion certificate, verdict
    Report {
        /// Only this box
        #[arg(long = "box")]
        only: Option<String>,
        /// Write it as CSV; `-` for the terminal
        #[arg(long, conflicts_with_all = ["html", "json"])]
        csv: Option<PathBuf>,
        /// Write it as one page to print or file
        #[arg(long, conflicts_with = "json")]
        html: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// A box that was away for long keeps what is past its day, one day less every twelve hours: you have made sure that its clock is
    /// right, and all of it may go at once
    Confirm {
        /// BOX
        #[arg(id = "BOX")]
        town: String,
        /// How you made sure. Kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    let (only, csv, html, json) = match command {
        Command::Report {
            only,
            csv,
            html,
            json,
        } => (only, csv, html, json),
        Command::Confirm { town, reason } => {
            hub.ask(&boxes::Sweep {
                name: BoxName::parse(&town).map_err(|e| plain(&e))?,
                reason,
            })?;
            println!(
                "{town} deletes all that is past its day; its certificates will be in the report"
            );
            return Ok(());
        }
    };
    let only = only
        .map(|n| BoxName::parse(&n))
        .transpose()
        .map_err(|e| plain(&e))?;
    let ask = |part: Part| {
        let r#box = only.clone();
        hub.ask(&footage::Retention { r#box, part })
    };
    let mut report = ask(Part::of(MOST))?;
    while let Some(after) = report.next.take() {
        let limit = Some(MOST);
        let more = ask(Part {
            limit,
            after: Some(after),
        })?;
        report.add(more);
    }
    let zone = Zone::parse(&report.zone).map_err(|e| plain(&e))?;
    match (csv, html) {
        (Some(path), _) if path.as_os_str() == "-" => print!("{}", export::csv(&report)),
        (Some(path), _) => write(&path, &export::csv(&report))?,
        (None, Some(path)) => {
            let page = export::html(&report, &zone).map_err(|e| plain(&e))?;
            write(&path, &page)?;
        }
        (None, None) if json => print_json(&report)?,
        (None, None) => print!("{}", export::terminal(&report, &zone)),
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    std::fs::write(path, text).map_err(|e| {
        CommandError::Plain(format!(
            "the report could not be written to {}: {e}; give a file in a folder you may write",
            path.display()
        ))
    })
}
