//! Wiring. `beadle-hub box add|list|revoke`.

use std::path::Path;

use clap::Subcommand;
use shared::{id::BoxName, time::Zone};

use super::{CommandError, ask::ask};
use crate::{
    board::BoxRow,
    control::{Ask, Told},
    supervise::load_config,
};

#[derive(Subcommand)]
pub enum Command {
    /// Register a box and print its one-time code (single use, seven days)
    Add { name: String },
    /// All boxes and how they are
    List {
        #[arg(long)]
        json: bool,
    },
    /// Refuse a box from now on, at once
    Revoke {
        name: String,
        #[arg(long)]
        why: String,
    },
}

pub fn run(state: &Path, command: Command) -> Result<(), CommandError> {
    let name = |text: &str| BoxName::parse(text).map_err(|e| CommandError::Plain(e.to_string()));
    match command {
        Command::Add { name: n } => ask(state, &Ask::BoxAdd { name: name(&n)? }, |told| {
            if let Told::Code { code } = told {
                println!("{code}");
                eprintln!(
                    "On the box: beadle-edge enrol CODE. The code works once, within seven days."
                );
            }
            Ok(())
        }),
        Command::List { json } => {
            let zone = load_config(state)?.zone;
            ask(state, &Ask::BoxList, |told| {
                if let Told::Boxes { boxes } = told {
                    if json {
                        println!(
                            "{}",
                            serde_json::to_string_pretty(&boxes)
                                .map_err(|e| CommandError::Plain(e.to_string()))?
                        );
                    } else if boxes.is_empty() {
                        println!("no boxes yet; add one with `beadle-hub box add NAME`");
                    } else {
                        boxes.iter().for_each(|b| show(b, &zone));
                    }
                }
                Ok(())
            })
        }
        Command::Revoke { name: n, why } => {
            ask(
                state,
                &Ask::BoxRevoke {
                    name: name(&n)?,
                    why,
                },
                |_| Ok(()),
            )?;
            println!("box {n} is revoked; it is off the line and will be refused");
            Ok(())
        }
    }
}

fn show(b: &BoxRow, zone: &Zone) {
    let at = |t: Option<shared::time::Utc>| t.map_or("never".into(), |t| t.for_people(zone));
    let line = if b.online { "online" } else { "offline" };
    println!(
        "{}   {}, {line}, last seen {}",
        b.name,
        b.state,
        at(b.last_seen)
    );
    println!(
        "  log     {} lines countersigned, newest {}",
        b.lines,
        at(b.countersigned)
    );
    if let Some(d) = &b.dispute {
        println!("  log     REFUSED {d}");
    }
    for c in &b.cameras {
        let masked = if c.masked { ", masked" } else { "" };
        let rate = c.rate.as_ref().map_or(String::new(), |r| format!(", {r}"));
        let state = if c.recording {
            "recording"
        } else {
            "NOT RECORDING"
        };
        println!(
            "  {:<8}{state}{masked}{rate}, last frame landed {}   {}",
            c.cam.as_str(),
            at(c.landed),
            c.title
        );
    }
    for f in &b.faults {
        println!(
            "  fault   {} since {}: {}",
            f.code,
            f.since.for_people(zone),
            f.text
        );
    }
}
