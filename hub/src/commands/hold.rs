//! Wiring. `beadle-hub hold add|list|show|extend|release|approve`.

use std::path::Path;

use clap::Subcommand;
use shared::{
    id::{BoxCamera, BoxName, HoldId},
    time::{Day, Utc, Zone},
};

use super::{CommandError, ask::ask, mask::Who};
use crate::{
    board::HoldRow,
    control::{Ask, Told},
    requests::holds::acts::Wanted,
    supervise::load_config,
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
        #[command(flatten)]
        who: Who,
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
        #[command(flatten)]
        who: Who,
    },
    /// Ask that a hold be released before its time; a second person has to approve it
    Release {
        /// Like H-000012
        hold: String,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Approve a release that somebody else asked for; the box is told at once
    Approve {
        /// Like H-000012
        hold: String,
        #[command(flatten)]
        who: Who,
    },
}

fn wrong(what: &str, e: impl std::fmt::Display) -> CommandError {
    CommandError::Plain(format!("{what}: {e}"))
}

fn hold_of(text: &str) -> Result<HoldId, CommandError> {
    HoldId::parse(text).map_err(|e| CommandError::Plain(e.to_string()))
}

fn time(what: &str, text: &str) -> Result<Utc, CommandError> {
    Utc::parse_lenient(text).map_err(|e| wrong(what, e))
}

/// A day is meant whole.
fn until_of(text: &str, zone: &Zone) -> Result<Utc, CommandError> {
    match Day::parse(text) {
        Ok(day) => Ok(zone.start_of(day.plus_days(1))),
        Err(_) => Utc::parse_lenient(text).map_err(|_| {
            CommandError::Plain(format!(
                "--until: {text:?} is not a day like 2026-12-24, or a time like 2026-12-24T12:00:00Z"
            ))
        }),
    }
}

fn review_of(text: Option<String>) -> Result<Option<Day>, CommandError> {
    text.map(|t| Day::parse(&t).map_err(|e| wrong("--review", e)))
        .transpose()
}

pub fn run(state: &Path, command: Command) -> Result<(), CommandError> {
    let zone = load_config(state)?.zone;
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
            who,
        } => {
            BoxCamera::parse(&camera).map_err(|e| CommandError::Plain(e.to_string()))?;
            let wanted = Wanted {
                t0: time("FROM", &from)?,
                t1: time("TO", &to)?,
                until: until.map(|t| until_of(&t, &zone)).transpose()?,
                days,
                review: review_of(review)?,
                reason,
                authority,
                reference,
            };
            let asked = Ask::HoldAdd {
                camera,
                wanted,
                who: who.sign_in()?,
            };
            let row = of(state, &asked)?;
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
            ask(state, &Ask::HoldList { name, all }, |told| {
                let Told::Holds { holds } = told else {
                    return Ok(());
                };
                if json {
                    return print_json(&holds);
                }
                if holds.is_empty() {
                    println!("nothing is held");
                }
                for h in &holds {
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
            })
        }
        Command::Show { hold, json } => {
            let row = of(
                state,
                &Ask::HoldShow {
                    hold: hold_of(&hold)?,
                },
            )?;
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
            who,
        } => {
            let until = until_of(&until, &zone)?;
            let asked = Ask::HoldExtend {
                hold: hold_of(&hold)?,
                until,
                review: review_of(review)?,
                reason,
                who: who.sign_in()?,
            };
            let row = of(state, &asked)?;
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
        Command::Release { hold, reason, who } => {
            let asked = Ask::HoldRelease {
                hold: hold_of(&hold)?,
                reason,
                who: who.sign_in()?,
            };
            let row = of(state, &asked)?;
            println!(
                "Nothing is released yet: a second person approves it with `beadle-hub hold approve {} --as NAME`.",
                row.hold
            );
            Ok(())
        }
        Command::Approve { hold, who } => {
            let asked = Ask::HoldApprove {
                hold: hold_of(&hold)?,
                who: who.sign_in()?,
            };
            let row = of(state, &asked)?;
            println!("{} {}", row.hold, row.standing(&zone));
            Ok(())
        }
    }
}

fn of(state: &Path, asked: &Ask) -> Result<HoldRow, CommandError> {
    let mut row = None;
    ask(state, asked, |told| {
        if let Told::Hold { hold } = told {
            row = Some(*hold);
        }
        Ok(())
    })?;
    row.ok_or_else(|| CommandError::Plain("the hub said nothing of the hold".into()))
}

fn print_json(value: &impl serde::Serialize) -> Result<(), CommandError> {
    println!(
        "{}",
        serde_json::to_string_pretty(value).map_err(|e| CommandError::Plain(e.to_string()))?
    );
    Ok(())
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
