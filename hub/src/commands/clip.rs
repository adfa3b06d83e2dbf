//! Wiring. `beadle-hub clip pull|list`: live progress, plain ends.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

use clap::Subcommand;
use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Zone, length_in_words},
};

use super::{
    client::Client,
    evidence::review_of,
    saving::{SaveForm, SaveRequest, check, save},
    terminal::print_json,
};
use crate::{
    classes::RetentionClassInput, failure::CommandError, model::line::Forecast, ops::clips,
};

#[derive(Subcommand)]
pub enum Command {
    /// Pull a clip and make its evidence package
    Pull {
        /// BOX/CAM
        #[arg(long)]
        camera: String,
        /// Start, as the clock on the wall shows it: "2026-11-03 14:00", "03/11/2026 14:00"; or 2026-11-03T14:00:00Z
        #[arg(long)]
        from: String,
        /// End
        #[arg(long)]
        to: String,
        /// Why it is needed
        #[arg(long)]
        purpose: String,
        /// The requester's own reference, such as a crime number
        #[arg(long)]
        reference: String,
        /// Who asks for it
        #[arg(long)]
        requester: String,
        /// How long the exhibit is kept: general, surveillance or review
        #[arg(long, default_value = "general")]
        class: String,
        /// Of class review: the day on which somebody looks at it again, like 2027-05-01
        #[arg(long)]
        review: Option<String>,
        /// Also save the package in plain below this folder, as `clip save` does
        #[arg(long, value_name = "FOLDER", alias = "to-folder")]
        save: Option<PathBuf>,
        /// Fetch it before what is planned, whatever the hour
        #[arg(long)]
        urgent: bool,
    },
    /// How much a clip would be and when it would be there; nothing is asked for
    Forecast {
        /// BOX/CAM
        #[arg(long)]
        camera: String,
        /// Start, as for `clip pull`
        #[arg(long)]
        from: String,
        /// End
        #[arg(long)]
        to: String,
        #[arg(long)]
        urgent: bool,
        #[arg(long)]
        json: bool,
    },
    /// Have the pull of a clip wait; what has come is kept
    Pause { exhibit: String },
    /// Let it go on, from where it stands
    Resume { exhibit: String },
    /// Write an exhibit's package out, to hand it over: below FOLDER, whole and verified or not at all. The copy is registered
    Save {
        exhibit: String,
        #[command(flatten)]
        request: SaveRequest,
    },
    /// Check an exhibit's package as it rests, sealed
    Check { exhibit: String },
    /// Follow a request to its end
    Watch { exhibit: String },
    /// All requests, newest first
    List {
        #[arg(long)]
        json: bool,
    },
}

pub fn run(hub: &Client, command: Command) -> Result<u8, CommandError> {
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    match command {
        Command::Pull {
            camera,
            from,
            to,
            purpose,
            reference,
            requester,
            class,
            review,
            save: below,
            urgent,
        } => {
            let camera = BoxCamera::parse(&camera).map_err(|e| plain(&e))?;
            let zone = hub.zone()?;
            let time = |what, text: &str| super::terminal::typed(&zone, what, text);
            let (from, to) = (time("--from", &from)?, time("--to", &to)?);
            let wanted = below.map(|folder| SaveRequest {
                folder,
                purpose: purpose.clone(),
                reference: reference.clone(),
                present: None,
                how: SaveForm::default(),
            });
            let class = RetentionClassInput {
                class: Some(class),
                review: review_of(review)?,
            };
            println!(
                "Draft      {camera} from {} to {}",
                from.for_people(&zone),
                to.for_people(&zone)
            );
            let asked = clips::Forecast {
                r#box: camera.r#box.clone(),
                cam: camera.cam.clone(),
                from,
                to,
                urgent,
            };
            // What cannot be asked for is refused below, in its own words.
            if let Ok(found) = hub.ask(&asked) {
                println!("           {}", ahead(&found.forecast, &zone));
            }
            let submitted = hub
                .ask(&clips::Pull {
                    r#box: camera.r#box,
                    cam: camera.cam,
                    from,
                    to,
                    purpose,
                    reference,
                    requester,
                    class,
                    urgent,
                })
                .inspect_err(|_| println!("Refused"))?;
            println!("Submitted  {}", submitted.exhibit);
            println!("Authorised");
            follow(hub, submitted.exhibit, wanted)
        }
        Command::Forecast {
            camera,
            from,
            to,
            urgent,
            json,
        } => {
            let camera = BoxCamera::parse(&camera).map_err(|e| plain(&e))?;
            let zone = hub.zone()?;
            let found = hub.ask(&clips::Forecast {
                r#box: camera.r#box,
                cam: camera.cam,
                from: super::terminal::typed(&zone, "--from", &from)?,
                to: super::terminal::typed(&zone, "--to", &to)?,
                urgent,
            })?;
            match json {
                true => print_json(&found)?,
                false => println!(
                    "{} segments: {}",
                    found.segments,
                    ahead(&found.forecast, &zone)
                ),
            }
            Ok(0)
        }
        Command::Pause { exhibit } => {
            let exhibit = ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            let row = hub.ask(&clips::Pause { exhibit })?;
            println!("{} waits: beadle-hub clip resume {}", row.r#ref, row.r#ref);
            Ok(0)
        }
        Command::Resume { exhibit } => {
            let exhibit = ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            let row = hub.ask(&clips::Resume { exhibit })?;
            println!("{} goes on", row.r#ref);
            Ok(0)
        }
        Command::Watch { exhibit } => {
            let exhibit = ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            follow(hub, exhibit, None)
        }
        Command::Save { exhibit, request } => {
            let exhibit = ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            save(hub, &exhibit, request)
        }
        Command::Check { exhibit } => {
            let exhibit = ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            check(hub.state(), &exhibit)
        }
        Command::List { json } => {
            let zone = hub.zone()?;
            let all = hub.all(|part| clips::List {
                part,
                ..clips::List::default()
            })?;
            if json {
                print_json(&all)?;
                return Ok(0);
            }
            if all.is_empty() {
                println!("no clip was asked for yet");
            }
            for e in all {
                println!(
                    "{}  {:<10} {}  {} to {}  {}",
                    e.r#ref,
                    e.state,
                    e.camera,
                    e.t0.for_people(&zone),
                    e.t1.for_people(&zone),
                    e.why
                );
            }
            Ok(0)
        }
    }
}

/// Prints where a request stands until it is over. Exit status: 0 Ready, 3 Partial, 1 otherwise.
fn follow(
    hub: &Client,
    exhibit: ExhibitRef,
    wanted: Option<SaveRequest>,
) -> Result<u8, CommandError> {
    let terminal = std::io::stdout().is_terminal();
    let mut shown = String::new();
    let mut last: Option<clips::ProgressRow> = None;
    hub.follow(
        &clips::Watch {
            exhibit: exhibit.clone(),
        },
        |progress| {
            let line = text(&progress);
            // On a terminal the percentage moves in place; in a file only whole tenths are worth a line.
            let key = if terminal {
                line.clone()
            } else {
                format!(
                    "{} {} {}",
                    progress.state,
                    progress.why,
                    progress.percent() / 10
                )
            };
            if key != shown {
                let same_state = last.as_ref().is_some_and(|l| l.state == progress.state);
                if terminal && same_state {
                    print!("\r\x1b[K{line}");
                } else {
                    print!(
                        "{}{line}",
                        if last.is_some() && terminal { "\n" } else { "" }
                    );
                }
                if !terminal {
                    println!();
                }
                std::io::stdout().flush()?;
                shown = key;
            }
            last = Some(progress);
            Ok(())
        },
    )?;
    if terminal {
        println!();
    }
    let Some(end) = last else {
        return Err(CommandError::Plain(
            "the hub said nothing of the request".into(),
        ));
    };
    if let Some(package) = &end.package {
        println!("package    {package}");
        if let Some(wanted) = wanted {
            save(hub, &exhibit, wanted)?;
        }
    }
    Ok(match end.state.as_str() {
        "Ready" => 0,
        "Partial" => 3,
        _ => 1,
    })
}

/// How much is to come, and when it will be there.
pub(super) fn ahead(f: &Forecast, zone: &Zone) -> String {
    let mib = |bytes: u64| format!("{} MiB", bytes.div_ceil(1 << 20));
    let before = match f.ahead {
        0 => String::new(),
        ahead => format!(", after {} of other pulls", mib(ahead)),
    };
    let when = match (f.kbit, f.secs, f.there) {
        (Some(kbit), Some(secs), there) => {
            let length = length_in_words(i64::try_from(secs).unwrap_or(i64::MAX / 1000) * 1000);
            let there = match there {
                Some(there) => format!("there about {}", there.for_people(zone)),
                None => "more than two months away".into(),
            };
            format!(
                "{length} at {}.{} Mbit/s, {there}",
                kbit / 1000,
                kbit % 1000 / 100
            )
        }
        _ => "nothing was pulled from this box yet, so nobody can say how long it takes".into(),
    };
    format!("{} to come{before}: {when}", mib(f.bytes))
}

fn text(p: &clips::ProgressRow) -> String {
    let mut line = format!("{:<10}", p.state);
    if p.state == "Fetching" {
        line += &format!(
            " {:>3} %  {} of {} KiB, segment {} of {}",
            p.percent(),
            p.bytes >> 10,
            p.total >> 10,
            (p.segments_done + 1).min(p.segments),
            p.segments
        );
    }
    if !p.why.is_empty() {
        line += &format!(" {}", p.why);
    }
    line.trim_end().to_owned()
}
