//! Wiring. `beadle-hub mask show|set|review|reviews|lift|list|approve|withdraw|end`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use shared::{
    id::{BoxCamera, ExhibitRef},
    mask::LONGEST_LIFT_MINUTES,
    time::{Day, Utc, Zone},
    wire::MaskInfo,
};

use super::{
    client::Client,
    terminal::{print_json, typed},
};
use crate::{
    failure::CommandError,
    ops::masks,
    orders::mask::{LiftRequest, LiftRow},
    reviews::{MaskRow, ReviewRow},
};

/// A mask's file is not larger.
const MOST: u64 = 32 * 1024;

#[derive(Subcommand)]
pub enum Command {
    /// The mask in force on a camera, and whether it is lifted
    Show {
        /// BOX/CAM
        camera: String,
        #[arg(long)]
        json: bool,
    },
    /// Give a camera another mask; a mask cannot be taken away by order
    Set {
        /// BOX/CAM
        camera: String,
        /// TOML with the keys of [camera.mask]: id, polygons, review, reviewer, how, style, cell, colour
        #[arg(long)]
        file: PathBuf,
    },
    /// Say that you looked at a camera's mask in an exhibit, and that it stays as it is until the next review
    Review {
        /// BOX/CAM
        camera: String,
        /// The clip you looked at: what the mask looked like; kept until the next review at least
        #[arg(long)]
        exhibit: String,
        /// When it is to be looked at again (2027-11-20), a year from now at most
        #[arg(long)]
        next: String,
    },
    /// Every camera's mask and its review, what has to be looked at first
    Reviews {
        #[arg(long)]
        json: bool,
    },
    /// Ask that a mask be lifted for a while, whole or to a smaller one; a second person has to approve it
    Lift {
        /// BOX/CAM
        camera: String,
        /// What hides meanwhile, less than the mask in force: TOML with the keys of [camera.mask]. Without it nothing is hidden
        #[arg(long)]
        file: Option<PathBuf>,
        /// Until then, at most a day from now
        #[arg(long, conflicts_with = "minutes", required_unless_present = "minutes")]
        until: Option<String>,
        /// For so long from the approval on, 1 to 1440
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST_LIFT_MINUTES)))]
        minutes: Option<u32>,
        /// Under which authority: its reference. Kept apart from the log, which holds its salted hash
        #[arg(long)]
        authority: String,
        /// Why; kept apart from the log too
        #[arg(long)]
        reason: String,
    },
    /// Lifts that wait for a second person
    List {
        #[arg(long)]
        json: bool,
    },
    /// Approve a lift that somebody else asked for; the box lifts the mask at once
    Approve {
        /// Number of the request
        request: u64,
    },
    /// Take back a request that nobody has approved yet
    Withdraw {
        /// Number of the request
        request: u64,
    },
    /// End a lift before its time
    End {
        /// BOX/CAM
        camera: String,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
    },
}

fn camera(text: &str) -> Result<BoxCamera, CommandError> {
    BoxCamera::parse(text).map_err(|e| CommandError::Plain(e.to_string()))
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let zone = hub.zone()?;
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    match command {
        Command::Show { camera: c, json } => {
            let camera = camera(&c)?;
            let found = hub.ask(&masks::Show {
                r#box: camera.r#box.clone(),
                cam: camera.cam.clone(),
            })?;
            if json {
                return print_json(&found.mask);
            }
            show(&camera.to_string(), found.mask.as_ref(), &zone);
            if let Some(r) = found.reviewed {
                println!("  reviewed {}", in_words(&r, &zone));
            }
        }
        Command::Set { camera: c, file } => {
            let camera = camera(&c)?;
            let set = hub.ask(&masks::Set {
                r#box: camera.r#box.clone(),
                cam: camera.cam.clone(),
                file: mask_file(&file)?,
            })?;
            println!(
                "{camera} has the mask {} from its next session on, until the mask in the box's configuration is changed",
                set.mask
            );
        }
        Command::Review {
            camera: c,
            exhibit,
            next,
        } => {
            let camera = camera(&c)?;
            let r = hub.ask(&masks::Review {
                r#box: camera.r#box.clone(),
                cam: camera.cam.clone(),
                exhibit: ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?,
                next: Day::parse(&next).map_err(|e| plain(&format_args!("--next {next}: {e}")))?,
            })?;
            println!(
                "the mask {} of {camera} is reviewed, and due again on {}; {} shows what it looked like",
                r.mask, r.next, r.exhibit
            );
        }
        Command::Reviews { json } => {
            let all = hub.ask(&masks::List {})?;
            if json {
                return print_json(&all);
            }
            if all.is_empty() {
                println!("no camera is known yet");
            }
            all.iter().for_each(|m| stands(m, &zone));
        }
        Command::Lift {
            camera: c,
            file,
            until,
            minutes,
            authority,
            reason,
        } => {
            let camera = camera(&c)?;
            let until = until.map(|t| typed(&zone, "--until", &t)).transpose()?;
            let lift = hub.ask(&masks::AskLift {
                r#box: camera.r#box,
                cam: camera.cam,
                wanted: LiftRequest {
                    until,
                    minutes,
                    authority,
                    reason,
                    file: file.as_deref().map(mask_file).transpose()?,
                },
            })?;
            println!("{}", lift.n);
            eprintln!(
                "Nothing is lifted yet: a second person approves it with `beadle-hub mask approve {} --as NAME` before {}.",
                lift.n,
                lift.expires.for_people(&zone)
            );
        }
        Command::List { json } => {
            let lifts = hub.all(|part| masks::Lifts { part })?;
            if json {
                return print_json(&lifts);
            }
            if lifts.is_empty() {
                println!("no lift waits for a second person");
            }
            lifts.iter().for_each(|l| list(l, &zone));
        }
        Command::Approve { request } => {
            let lifted = hub.ask(&masks::ApproveLift { request })?;
            if let Some(waits) = lifted.touches {
                println!("{}", waits.order);
                eprintln!(
                    "Nothing is lifted yet: the box takes the order once both of you have touched your passkeys, on the page /touches, before {}; the lift then lasts until {}.",
                    waits.until.for_people(&zone),
                    lifted.until.for_people(&zone)
                );
                return Ok(());
            }
            println!(
                "the mask is lifted from the camera's next session on, until {}; it comes back by itself",
                lifted.until.for_people(&zone)
            );
        }
        Command::Withdraw { request } => {
            hub.ask(&masks::WithdrawLift { request })?;
            println!("request {request} is withdrawn");
        }
        Command::End { camera: c, reason } => {
            let camera = camera(&c)?;
            hub.ask(&masks::End {
                r#box: camera.r#box.clone(),
                cam: camera.cam.clone(),
                reason,
            })?;
            println!("the mask of {camera} is back");
        }
    }
    Ok(())
}

/// The text of a mask's file.
fn mask_file(file: &Path) -> Result<String, CommandError> {
    let unread = |why: String| {
        CommandError::Plain(format!(
            "{} cannot be used: {why}; nothing was ordered",
            file.display()
        ))
    };
    let size = std::fs::metadata(file)
        .map_err(|e| unread(e.to_string()))?
        .len();
    if size > MOST {
        return Err(unread(format!(
            "it has {size} bytes, and a mask has {MOST} at most"
        )));
    }
    std::fs::read_to_string(file).map_err(|e| unread(e.to_string()))
}

fn show(camera: &str, mask: Option<&MaskInfo>, zone: &Zone) {
    let Some(m) = mask else {
        println!("{camera} has no mask");
        return;
    };
    println!(
        "{camera} has the mask {}: {}, {}, {}.{} % of the picture",
        m.id,
        m.style,
        if m.how == "camera" {
            "in the camera, proved by the box"
        } else {
            "burned in by the box"
        },
        m.permille / 10,
        m.permille % 10
    );
    println!(
        "  set by   {}",
        m.order
            .map_or("the box's configuration".into(), |n| format!(
                "order {n} (line {n} of the hub's log)"
            ))
    );
    println!(
        "  review   {}",
        m.review
            .map_or("no date set".into(), |d| format!("due {d}"))
    );
    println!("  polygons SHA-256 {}", m.sha256);
    if let Some(until) = m.lifted {
        let until = until.for_people(zone);
        match &m.instead {
            Some(id) => println!("  LIFTED   until {until}; meanwhile {id} hides"),
            None => println!("  LIFTED   until {until}; meanwhile nothing is hidden"),
        }
    }
}

fn in_words(r: &ReviewRow, zone: &Zone) -> String {
    format!(
        "by {} at {} (mask {}), as {} shows",
        r.by,
        r.made.for_people(zone),
        r.mask,
        r.exhibit
    )
}

fn stands(m: &MaskRow, zone: &Zone) {
    let mask = m.mask.as_ref();
    let review = mask.and_then(|m| m.review).map(|d| d.to_string());
    let (id, review) = (
        mask.map_or("-", |m| m.id.as_str()),
        review.unwrap_or_default(),
    );
    println!("{:<20} {id:<12} {}", m.camera, m.due.in_words(&review));
    if let Some(r) = &m.reviewed {
        println!("{:<20} last reviewed {}", "", in_words(r, zone));
    }
}

fn list(l: &LiftRow, zone: &Zone) {
    let until: Option<Utc> = l.until;
    let end = match (until, l.minutes) {
        (Some(t), _) => format!("until {}", t.for_people(zone)),
        (None, minutes) => format!("for {} minutes", minutes.unwrap_or(0)),
    };
    println!("{}   {} mask {}, {end}", l.n, l.camera, l.mask);
    match &l.instead {
        Some(instead) => println!("  meanwhile {}", instead.in_words()),
        None => println!("  meanwhile nothing is hidden"),
    }
    println!(
        "  asked by  {} at {}, forgotten at {}",
        l.by,
        l.made.for_people(zone),
        l.expires.for_people(zone)
    );
    println!(
        "  authority {}",
        l.authority.as_deref().unwrap_or("(erased)")
    );
    println!("  reason    {}", l.reason.as_deref().unwrap_or("(erased)"));
}
