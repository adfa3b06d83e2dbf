//! Wiring. `beadle-hub hold add|list|show|extend|release|approve`.

use clap::Subcommand;
use shared::{
    id::{BoxCamera, BoxName, HoldId},
    time::{Day, Zone},
};

use super::{
    client::Client,
    terminal::{print_json, typed, typed_end},
};
use crate::{
    failure::CommandError,
    holds::{acts::HoldRequest, rows::HoldRow},
    ops::holds,
};

#[derive(Subcommand)]
pub enum Command {
    /// Keep footage at its box beyond its day; a box that is offline is told when it is back
    Add {
        /// BOX/CAM
        camera: String,
        /// Start, like 2026-11-03T14:00:00Z
        from: String,
        /// End
        to: String,
        /// Why it is needed. Kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
        /// Under which authority; kept apart from the log too
        #[arg(long)]
        authority: String,
        /// Whose matter it is, such as a crime number; kept apart from the log too
        #[arg(long)]
        reference: String,
        /// For so long from now on. Without this or --until: as long as hub.toml says, or 31 days
        #[arg(long, conflicts_with = "until")]
        days: Option<u32>,
        /// Until the end of that day, or until that time
        #[arg(long)]
        until: Option<String>,
        /// Day on which somebody looks at it again
        #[arg(long)]
        review: Option<String>,
    },
    /// Holds that are not over, and those that ended in the last week
    List {
        #[arg(long = "box", value_name = "BOX")]
        name: Option<String>,
        /// Those that ended long ago too
        #[arg(long)]
        all: bool,
        #[arg(long)]
        json: bool,
    },
    /// All about one hold
    Show {
        /// Like H-000012
        hold: String,
        #[arg(long)]
        json: bool,
    },
    /// Let a hold last longer, or give it another review date
    Extend {
        /// Like H-000012
        hold: String,
        /// Until the end of that day, or until that time
        #[arg(long)]
        until: String,
        #[arg(long)]
        review: Option<String>,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
    },
    /// Ask that a hold be released before its time; a second person has to approve it
    Release {
        /// Like H-000012
        hold: String,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
    },
    /// Approve a release that somebody else asked for; the box is told at once
    Approve {
        /// Like H-000012
        hold: String,
    },
}

fn wrong(what: &str, e: impl std::fmt::Display) -> CommandError {
    CommandError::Plain(format!("{what}: {e}"))
}

fn hold_of(text: &str) -> Result<HoldId, CommandError> {
    HoldId::parse(text).map_err(|e| CommandError::Plain(e.to_string()))
}

fn review_of(text: Option<String>) -> Result<Option<Day>, CommandError> {
    text.map(|t| Day::parse(&t).map_err(|e| wrong("--review", e)))
        .transpose()
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let zone = hub.zone()?;
    match command {
        Command::Add {
            camera,
            from,
            to,
            reason,
            authority,
            reference,
            days,
            until,
            review,
        } => {
            let camera =
                BoxCamera::parse(&camera).map_err(|e| CommandError::Plain(e.to_string()))?;
            let wanted = HoldRequest {
                t0: typed(&zone, "FROM", &from)?,
                t1: typed(&zone, "TO", &to)?,
                until: until.map(|t| typed_end(&zone, "--until", &t)).transpose()?,
                days,
                review: review_of(review)?,
                reason,
                authority,
                reference,
            };
            let row = hub.ask(&holds::Add {
                r#box: camera.r#box,
                cam: camera.cam,
                wanted,
            })?;
            println!("{}", row.hold);
            if row.state == "refused" {
                return Err(CommandError::Plain(format!(
                    "hold {} was refused by the box: {}",
                    row.hold, row.why
                )));
            }
            eprintln!("{}", row.standing(&zone));
            Ok(())
        }
        Command::List { name, all, json } => {
            let name = name
                .map(|n| BoxName::parse(&n).map_err(|e| CommandError::Plain(e.to_string())))
                .transpose()?;
            let all = hub.all(|part| holds::List {
                r#box: name.clone(),
                all,
                part,
            })?;
            if json {
                return print_json(&all);
            }
            if all.is_empty() {
                println!("nothing is held");
            }
            for h in &all {
                println!(
                    "{}  {:<9} {}  {} to {}  {}",
                    h.hold,
                    h.state,
                    h.camera,
                    h.t0.for_people(&zone),
                    h.t1.for_people(&zone),
                    h.standing(&zone)
                );
                h.warnings.iter().for_each(|w| println!("  WARNING  {w}"));
            }
            Ok(())
        }
        Command::Show { hold, json } => {
            let row = hub.ask(&holds::Show {
                hold: hold_of(&hold)?,
            })?;
            if json {
                return print_json(&row);
            }
            show(&row, &zone);
            Ok(())
        }
        Command::Extend {
            hold,
            until,
            review,
            reason,
        } => {
            let until = typed_end(&zone, "--until", &until)?;
            let row = hub.ask(&holds::Extend {
                hold: hold_of(&hold)?,
                until,
                review: review_of(review)?,
                reason,
            })?;
            if row.until < until {
                return Err(CommandError::Plain(format!(
                    "hold {} lasts until {} as before: {}",
                    row.hold,
                    row.until.for_people(&zone),
                    row.why
                )));
            }
            println!("{} {}", row.hold, row.standing(&zone));
            Ok(())
        }
        Command::Release { hold, reason } => {
            let row = hub.ask(&holds::Release {
                hold: hold_of(&hold)?,
                reason,
            })?;
            println!(
                "Nothing is released yet: a second person approves it with `beadle-hub hold approve {} --as NAME`.",
                row.hold
            );
            Ok(())
        }
        Command::Approve { hold } => {
            let row = hub.ask(&holds::Approve {
                hold: hold_of(&hold)?,
            })?;
            println!("{} {}", row.hold, row.standing(&zone));
            Ok(())
        }
    }
}

fn show(h: &HoldRow, zone: &Zone) {
    let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "(erased)".into());
    println!("{}  {}", h.hold, h.camera);
    println!("  from      {}", h.t0.for_people(zone));
    println!("  to        {}", h.t1.for_people(zone));
    println!("  state     {}: {}", h.state, h.standing(zone));
    println!("  until     {}", h.until.for_people(zone));
    println!("  review    {}", h.review);
    println!("  reason    {}", text(&h.reason));
    println!("  authority {}", text(&h.authority));
    println!("  reference {}", text(&h.reference));
    println!("  placed by {} at {}", h.by, h.made.for_people(zone));
    if let Some(exhibit) = &h.exhibit {
        println!("  for clip  {exhibit}");
    }
    if let Some(r) = &h.release {
        println!(
            "  release   asked for by {} at {}: {}",
            r.by,
            r.made.for_people(zone),
            text(&r.reason)
        );
    }
    if !h.freed.is_empty() {
        println!("  ended by  {}", h.freed.join(", "));
    }
    h.warnings.iter().for_each(|w| println!("  WARNING   {w}"));
}
