//! Wiring. `beadle-hub evidence list|class|dispose|approve|certificate`.

use clap::Subcommand;
use shared::{
    id::ExhibitRef,
    time::{Day, Zone},
};

use super::{client::Client, terminal::print_json};
use crate::{
    classes::RetentionClassInput,
    failure::CommandError,
    list::{MOST, Part},
    model::evidence::{Evidence, EvidenceRow, gb},
    ops::evidence,
};

#[derive(Subcommand)]
pub enum Command {
    /// Exhibits at this hub: class, how long each is kept, size; then those that were disposed of
    List {
        /// Only what a person has to dispose of. Exit status 4 when there is something
        #[arg(long)]
        due: bool,
        #[arg(long)]
        json: bool,
    },
    /// Say how long an exhibit is kept
    Class {
        /// Like EXH-2026-000123
        exhibit: String,
        /// general, surveillance or review
        class: String,
        /// Of class review: the day on which somebody looks at it again, like 2027-05-01
        #[arg(long)]
        review: Option<String>,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
    },
    /// Dispose of an exhibit whose period is over; before that, ask for it: a second person has to approve
    Dispose {
        /// Like EXH-2026-000123
        exhibit: String,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
    },
    /// Approve a disposal that somebody else asked for; the exhibit is destroyed at once
    Approve {
        /// Like EXH-2026-000123
        exhibit: String,
    },
    /// The certificate of a disposal: plain text, one page
    Certificate {
        /// Like EXH-2026-000123
        exhibit: String,
    },
}

/// Exit status of `list --due` when something is due: for a script that tells somebody.
const SOMETHING_DUE: u8 = 4;

fn exhibit_of(text: &str) -> Result<ExhibitRef, CommandError> {
    ExhibitRef::parse(text).map_err(|e| CommandError::Plain(e.to_string()))
}

/// `--review` of this command and of `clip pull`.
pub(super) fn review_of(text: Option<String>) -> Result<Option<Day>, CommandError> {
    text.map(|t| Day::parse(&t).map_err(|e| CommandError::Plain(format!("--review: {e}"))))
        .transpose()
}

pub fn run(hub: &Client, command: Command) -> Result<u8, CommandError> {
    match command {
        Command::List { due, json } => list(hub, due, json),
        Command::Class {
            exhibit,
            class,
            review,
            reason,
        } => {
            let row = hub.ask(&evidence::Classify {
                exhibit: exhibit_of(&exhibit)?,
                given: RetentionClassInput {
                    class: Some(class),
                    review: review_of(review)?,
                },
                reason,
            })?;
            println!("{} {}, {}", row.exhibit, row.class_text, row.text);
            Ok(0)
        }
        Command::Dispose { exhibit, reason } => {
            let row = hub.ask(&evidence::Dispose {
                exhibit: exhibit_of(&exhibit)?,
                reason,
            })?;
            match row.disposed {
                Some(_) => println!("{} {}", row.exhibit, row.text),
                None => println!(
                    "Nothing is disposed of yet: {}. A second person approves it with `beadle-hub evidence approve {} --as NAME`.",
                    match row.standing.as_str() {
                        "due" => "you made its period shorter yourself".to_owned(),
                        _ => format!("{} is kept until the end of {}", row.exhibit, row.until),
                    },
                    row.exhibit
                ),
            }
            Ok(0)
        }
        Command::Approve { exhibit } => {
            let row = hub.ask(&evidence::Approve {
                exhibit: exhibit_of(&exhibit)?,
            })?;
            println!("{} {}", row.exhibit, row.text);
            Ok(0)
        }
        Command::Certificate { exhibit } => {
            let exhibit = exhibit_of(&exhibit)?;
            let certificate = hub.ask(&evidence::Certificate { exhibit })?;
            print!("{}", certificate.text);
            Ok(0)
        }
    }
}

fn list(hub: &Client, due: bool, json: bool) -> Result<u8, CommandError> {
    let zone = hub.zone()?;
    let mut evidence = Evidence::default();
    let mut part = Part::of(MOST);
    loop {
        let found = hub.ask(&evidence::List {
            due,
            asked: false,
            part: part.clone(),
        })?;
        evidence.rows.extend(found.rows);
        evidence.faults.extend(found.faults);
        evidence.bytes = evidence.bytes.saturating_add(found.bytes);
        match found.next {
            Some(next) => part.after = Some(next),
            None => break,
        }
    }
    // What stands with the first part about a row of a later one is said with that row.
    let rows = &evidence.rows;
    let mut faults = std::mem::take(&mut evidence.faults);
    faults.retain(|f| !rows.iter().any(|r| r.exhibit == f.about));
    evidence.faults = faults;
    let urgent = |r: &EvidenceRow| matches!(r.standing.as_str(), "due" | "disposing");
    let status = match due && (evidence.rows.iter().any(urgent) || !evidence.faults.is_empty()) {
        true => SOMETHING_DUE,
        false => 0,
    };
    if json {
        print_json(&evidence)?;
        return Ok(status);
    }
    if evidence.rows.is_empty() {
        println!(
            "{}",
            if due {
                "nothing is due"
            } else {
                "no exhibit is kept"
            }
        );
    }
    for r in &evidence.rows {
        println!("{}", line(r, &zone));
        for f in &r.faults {
            println!("  {:<18} {}", f.code, f.text);
        }
    }
    for f in &evidence.faults {
        println!("{:<20} {}", f.code, f.text);
    }
    if !due {
        println!("{} in all", gb(evidence.bytes));
    }
    Ok(status)
}

fn line(r: &EvidenceRow, zone: &Zone) -> String {
    format!(
        "{}  {:<9} {:<12} {}  {} to {}  {}  {}",
        r.exhibit,
        if r.standing == "due" {
            "DUE"
        } else {
            &r.standing
        },
        r.class,
        r.camera,
        r.t0.for_people(zone),
        r.t1.for_people(zone),
        gb(r.bytes),
        r.text
    )
}
