//! Wiring. `beadle-hub exhibit …`: the register of an exhibit: reference, copies, hand-overs, receipts, returns; what media may have.

use std::path::PathBuf;

use clap::Subcommand;
use shared::{
    id::ExhibitRef,
    record::{hex, sha256},
    time::Zone,
};

use super::{client::Client, terminal::print_json};
use crate::{
    failure::CommandError,
    files,
    model::{
        copy::CopyKind,
        register::{Register, ReleaseForm},
        requester::{RequesterClass, TABLE},
    },
    ops::exhibits,
    register::{acts::HandOver, media::MediaRelease},
    words,
};

#[derive(Subcommand)]
pub enum Command {
    /// Everything that happened to an exhibit, in order, and where its copies are
    Show {
        /// Like EXH-2026-000123
        exhibit: String,
        #[arg(long)]
        json: bool,
    },
    /// Give an exhibit its producer's reference, like ABC/1
    Mark {
        exhibit: String,
        reference: String,
        #[arg(long)]
        json: bool,
    },
    /// Hand a copy over: signed with your own name and a second factor
    Hand {
        exhibit: String,
        copy: u64,
        /// The person who takes it
        #[arg(long)]
        to: String,
        /// For whom they take it
        #[arg(long)]
        agency: String,
        /// police, statutory, solicitor, data-subject, media, other; otherwise whoever asked for it
        #[arg(long)]
        class: Option<String>,
        /// As the exhibit's master; otherwise as a working copy
        #[arg(long)]
        master: bool,
        /// Your own name, typed out: your signature
        #[arg(long)]
        sign: String,
        /// The six digits your phone shows now
        #[arg(long)]
        code: String,
        #[arg(long)]
        json: bool,
    },
    /// The release form of a copy's last hand-over, and the receipt for it
    Release {
        exhibit: String,
        copy: u64,
        #[arg(long)]
        json: bool,
    },
    /// Put on record that a copy was signed for
    Receipt {
        exhibit: String,
        copy: u64,
        /// Who signed for it
        #[arg(long)]
        from: String,
        /// What they signed, as "property register 12/7"
        #[arg(long)]
        receipt: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Put on record that a copy came back; it is never a master again
    Return {
        exhibit: String,
        copy: u64,
        /// Who brought it back
        #[arg(long)]
        from: String,
        #[arg(long)]
        note: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Put on record that a copy was destroyed
    Destroy {
        exhibit: String,
        copy: u64,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// Make a still picture of an exhibit's film: an exhibit of its own
    Still {
        exhibit: String,
        /// The moment, as the clock on the wall shows it: "2026-11-03 14:00:07"; or 2026-11-03T14:00:07.250Z
        #[arg(long)]
        at: String,
        /// What it is needed for
        #[arg(long)]
        reason: String,
        /// Who authorised it, by name
        #[arg(long)]
        authority: String,
        /// Their rank: inspector, chief-inspector, superintendent, …; of what is not for police also manager
        #[arg(long)]
        rank: String,
        #[arg(long)]
        json: bool,
    },
    /// Authorise what media may do with an exhibit they asked for, by a release document
    Media {
        exhibit: String,
        /// The document that says so: title, number, day
        #[arg(long)]
        document: String,
        /// The same as a file: its SHA-256 goes on the record
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// What it may be used for
        #[arg(long)]
        uses: String,
        /// What it may not be used for, until when, in which form
        #[arg(long)]
        limits: String,
        #[arg(long)]
        json: bool,
    },
}

fn exhibit_of(text: &str) -> Result<ExhibitRef, CommandError> {
    ExhibitRef::parse(text).map_err(|e| CommandError::Plain(e.to_string()))
}

fn class_of(text: &str) -> Result<RequesterClass, CommandError> {
    let all: Vec<&str> = TABLE.iter().map(|r| r.class.word()).collect();
    RequesterClass::parse(text).ok_or_else(|| {
        CommandError::Plain(format!(
            "--class {text:?} is none of {}; nothing was done",
            all.join(", ")
        ))
    })
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let zone = hub.zone()?;
    let (register, json) = match command {
        Command::Show { exhibit, json } => {
            let exhibit = exhibit_of(&exhibit)?;
            (hub.ask(&exhibits::Show { exhibit })?, json)
        }
        Command::Mark {
            exhibit,
            reference,
            json,
        } => {
            let mark = exhibits::Mark {
                exhibit: exhibit_of(&exhibit)?,
                mark: reference,
            };
            (hub.ask(&mark)?, json)
        }
        Command::Hand {
            exhibit,
            copy,
            to,
            agency,
            class,
            master,
            sign,
            code,
            json,
        } => {
            let form = hub.ask(&exhibits::Hand {
                exhibit: exhibit_of(&exhibit)?,
                over: HandOver {
                    copy,
                    kind: match master {
                        true => CopyKind::Master,
                        false => CopyKind::Working,
                    },
                    class: class.as_deref().map(class_of).transpose()?,
                    to,
                    agency,
                    signed: sign,
                    code,
                    credential: String::new(),
                },
            })?;
            return show_form(&form, &zone, json);
        }
        Command::Release {
            exhibit,
            copy,
            json,
        } => {
            let exhibit = exhibit_of(&exhibit)?;
            let form = hub.ask(&exhibits::Release { exhibit, copy })?;
            return show_form(&form, &zone, json);
        }
        Command::Receipt {
            exhibit,
            copy,
            from,
            receipt,
            json,
        } => {
            let receipt = exhibits::Receipt {
                exhibit: exhibit_of(&exhibit)?,
                copy,
                from,
                receipt,
            };
            (hub.ask(&receipt)?, json)
        }
        Command::Return {
            exhibit,
            copy,
            from,
            note,
            json,
        } => {
            let back = exhibits::Return {
                exhibit: exhibit_of(&exhibit)?,
                copy,
                from,
                note,
            };
            (hub.ask(&back)?, json)
        }
        Command::Destroy {
            exhibit,
            copy,
            reason,
            json,
        } => {
            let destroy = exhibits::Destroy {
                exhibit: exhibit_of(&exhibit)?,
                copy,
                reason,
            };
            (hub.ask(&destroy)?, json)
        }
        Command::Still {
            exhibit,
            at,
            reason,
            authority,
            rank,
            json,
        } => {
            let made = hub.ask(&exhibits::Still {
                exhibit: exhibit_of(&exhibit)?,
                at: super::terminal::typed(&zone, "--at", &at)?,
                reason,
                authority,
                rank,
            })?;
            match json {
                true => print_json(&made)?,
                false => println!(
                    "{} is the still picture: beadle-hub clip save {} FOLDER",
                    made.still, made.still
                ),
            }
            return Ok(());
        }
        Command::Media {
            exhibit,
            document,
            file,
            uses,
            limits,
            json,
        } => {
            let file = file.map(|path| files::read(&path)).transpose()?;
            let media = exhibits::Media {
                exhibit: exhibit_of(&exhibit)?,
                release: MediaRelease {
                    document,
                    sha256: file.map(|bytes| hex(&sha256(&bytes))),
                    uses,
                    limits,
                },
            };
            (hub.ask(&media)?, json)
        }
    };
    match json {
        true => print_json(&register),
        false => {
            show(&register, &zone);
            Ok(())
        }
    }
}

fn erased(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("(erased)")
}

fn show(r: &Register, zone: &Zone) {
    println!(
        "{}  {}  {} to {}  {}{}",
        r.exhibit,
        r.camera,
        r.t0.for_people(zone),
        r.t1.for_people(zone),
        r.state,
        r.mark
            .as_ref()
            .map_or_else(String::new, |m| format!("  reference {m}"))
    );
    if let Some(parent) = &r.parent {
        println!("still picture of {parent}");
    }
    for still in &r.stills {
        println!("still picture {still}");
    }
    for c in &r.copies {
        let received = match c.received {
            true => ", signed for",
            false => "",
        };
        println!(
            "copy {:<3} {:<8} {}{received}  on {}, {}  {}  {}",
            c.copy,
            c.kind.word(),
            words::copy_state(c.state),
            erased(&c.medium),
            erased(&c.place),
            c.form,
            c.sha256
        );
    }
    if let Some(m) = &r.media {
        println!(
            "media    {}: for {}; not for {}",
            erased(&m.document),
            erased(&m.uses),
            erased(&m.limits)
        );
    }
    for e in &r.events {
        let (what, who) = words::exhibit_event(e, zone);
        println!("{:>8}  {}  {who}: {what}", e.line, e.at.for_people(zone));
    }
}

fn show_form(form: &ReleaseForm, zone: &Zone, json: bool) -> Result<(), CommandError> {
    if json {
        return print_json(form);
    }
    println!(
        "{} copy {} handed over as {} copy to {} of {} ({}) at {}",
        form.exhibit,
        form.copy.copy,
        form.kind,
        erased(&form.to),
        erased(&form.agency),
        form.class,
        form.at.for_people(zone)
    );
    println!("signed   {}", erased(&form.signed));
    println!("sha256   {}", form.copy.sha256);
    if let Some(m) = &form.media {
        println!(
            "media    {}: for {}; not for {}",
            erased(&m.document),
            erased(&m.uses),
            erased(&m.limits)
        );
    }
    match &form.receipt {
        Some(r) => println!(
            "received by {} at {}",
            erased(&r.from),
            r.at.for_people(zone)
        ),
        None => println!("not signed for yet: beadle-hub exhibit receipt"),
    }
    Ok(())
}
