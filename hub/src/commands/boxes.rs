//! Wiring. `beadle-hub box add|list|line|succeed|move|moves|revoke`.

use std::path::PathBuf;

use clap::Subcommand;
use shared::{
    id::BoxName,
    standing::{self, Mark, words},
    time::{Utc, Zone},
    wire::Fault,
};

use super::{client::Client, person::sign_in, terminal::print_json};
use crate::{
    access::signin::SignIn,
    devices::enrol::Codes,
    failure::CommandError,
    list::{MOST, Part},
    model::line::HoursText,
    ops::{boxes, moves},
    rows::{BoxRow, LineRow},
    words::en::moves::{knowing, told},
};

#[derive(Subcommand)]
pub enum Command {
    /// Register a box and print its one-time code (one box, seven days): alone on standard output; all else beside it
    Add {
        name: String,
        /// Draw the QR code too when this is no terminal
        #[arg(long)]
        qr: bool,
    },
    /// All boxes and how they are
    List {
        #[arg(long)]
        json: bool,
    },
    /// Two people have a box begin a new log: when what it offers does not follow on from what the hub has of it
    Succeed {
        name: String,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        second: Second,
    },
    /// Two people tell boxes where the hub will be, before it moves; one that is away is told when it is back
    Move {
        /// Where boxes will dial it, host:port
        hub: String,
        /// Where else, when it does not answer there
        #[arg(long, value_name = "HOST:PORT")]
        or: Option<String>,
        /// What they ask the DNS for when it answers nowhere, in the place of what they were told at enrolment
        #[arg(long, value_name = "NAME:PORT")]
        lookup: Option<String>,
        /// Only this box (may be repeated); left out: all
        #[arg(long = "box", value_name = "NAME")]
        boxes: Vec<String>,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        second: Second,
    },
    /// Which boxes know where the hub will be
    Moves {
        #[arg(long)]
        json: bool,
    },
    /// How much of a box's line clips may use, and when; without --most and --hours: all of it, always
    Line {
        name: String,
        /// Megabits a second, for all clips together, like 2 or 1.5
        #[arg(long, value_name = "MBIT")]
        most: Option<f64>,
        /// When planned pulls may use it, by the scheme's clock, like 18:00-07:00; urgent ones are not bound by it
        #[arg(long, value_name = "FROM-TO")]
        hours: Option<String>,
        /// Why; kept apart from the log, which holds its salted hash
        #[arg(long)]
        reason: String,
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

/// The second person, who says so too.
#[derive(clap::Args)]
pub struct Second {
    /// The second person's staff account; its password is asked for too
    #[arg(long, value_name = "NAME")]
    second: String,
    /// Read the second person's password from this file instead
    #[arg(long, value_name = "FILE")]
    second_password_file: Option<PathBuf>,
    /// The code their phone's app shows, if their account has one as a second factor
    #[arg(long, value_name = "DIGITS")]
    second_code: Option<String>,
}

impl Second {
    fn sign_in(self) -> Result<SignIn, CommandError> {
        Ok(SignIn {
            code: self.second_code,
            ..sign_in(&self.second, self.second_password_file.as_deref())?
        })
    }
}

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let name = |text: &str| BoxName::parse(text).map_err(|e| CommandError::Plain(e.to_string()));
    match command {
        Command::Add { name: n, qr } => {
            let codes = hub.ask(&boxes::Add { name: name(&n)? })?;
            println!("{}", codes.short);
            let drawn = qr || std::io::IsTerminal::is_terminal(&std::io::stderr());
            eprint!("{}", beside(&codes, drawn));
        }
        Command::List { json } => {
            let zone = hub.zone()?;
            let (mut all, mut part) = (Vec::new(), Part::of(MOST));
            loop {
                let wanted = boxes::List {
                    part: part.clone(),
                    ..boxes::List::default()
                };
                let found = hub.ask(&wanted)?;
                all.extend(found.rows);
                part.after = found.next;
                if part.after.is_none() {
                    break;
                }
            }
            if json {
                print_json(&all)?;
            } else if all.is_empty() {
                println!("no boxes yet; add one with `beadle-hub box add NAME`");
            } else {
                all.iter().for_each(|b| show(b, &zone));
            }
        }
        Command::Succeed {
            name: n,
            reason,
            second,
        } => {
            hub.ask(&boxes::Succeed {
                name: name(&n)?,
                reason,
                second: second.sign_in()?,
            })?;
            println!(
                "{n} begins a new log; it is back on the line in some seconds, and what was countersigned before stays"
            );
        }
        Command::Line {
            name: n,
            most,
            hours,
            reason,
            json,
        } => {
            let most_kbit = most
                .map(
                    |mbit| match mbit.is_finite() && (0.001..=1e6).contains(&mbit) {
                        true => Ok((mbit * 1000.0).round() as u64),
                        false => Err(CommandError::Plain(format!(
                            "--most {mbit}: megabits a second, like 2 or 1.5"
                        ))),
                    },
                )
                .transpose()?;
            let hours = hours
                .map(|text| match text.split_once('-') {
                    Some((begins, ends)) => Ok(HoursText {
                        begins: begins.trim().into(),
                        ends: ends.trim().into(),
                    }),
                    None => Err(CommandError::Plain(format!(
                        "--hours {text}: two times of the day, like 18:00-07:00"
                    ))),
                })
                .transpose()?;
            let row = hub.ask(&boxes::Line {
                name: name(&n)?,
                most_kbit,
                hours,
                reason,
            })?;
            match json {
                true => print_json(&row)?,
                false => println!(
                    "clips from {n}: {}",
                    line_of(&row).unwrap_or_else(|| "all of its line, always".into())
                ),
            }
        }
        Command::Move {
            hub: to,
            or,
            lookup,
            boxes,
            reason,
            second,
        } => {
            let boxes = boxes.iter().map(|n| name(n));
            let done = hub.ask(&moves::Ask {
                boxes: boxes.collect::<Result<_, _>>()?,
                hub: to,
                other: or,
                lookup,
                reason,
                second: second.sign_in()?,
            })?;
            println!("{}", knowing(&done));
            println!(
                "boxes are told as they are on the line; `beadle-hub box moves` says which know it. Leave the hub where it is until all do"
            );
        }
        Command::Moves { json } => {
            let zone = hub.zone()?;
            let all = hub.ask(&moves::List {})?;
            if json {
                return print_json(&all);
            }
            println!("{}", knowing(&all));
            for b in &all.boxes {
                println!("{}: {}", b.name, told(b, &zone));
            }
        }
        Command::Revoke { name: n, why } => {
            hub.ask(&boxes::Revoke {
                name: name(&n)?,
                why,
            })?;
            println!("box {n} is revoked; it is off the line and will be refused");
        }
    }
    Ok(())
}

/// What the installer needs to know of a code, and its long form, drawn where it can be.
fn beside(codes: &Codes, drawn: bool) -> String {
    let Codes { short, long, hub } = codes;
    let mut text = format!(
        "On the box, where edge.toml says hub = \"{hub}\" in [box]: beadle-edge enrol {short}\n\
         or without: beadle-edge enrol --hub {hub} {short}\n\
         As a QR code, with the address and the box's name in it: beadle-edge enrol {long}\n"
    );
    if drawn && let Ok(code) = qrcode::QrCode::new(long.as_bytes()) {
        text += &code.render::<qrcode::render::unicode::Dense1x2>().build();
        text.push('\n');
    }
    text += "The code enrols one box, within seven days; the same box may use it again if its line was cut.\n";
    text
}

fn show(b: &BoxRow, zone: &Zone) {
    for line in lines(b, zone) {
        println!("{line}");
    }
}

fn mbit(kbit: u64) -> String {
    format!("{}.{:02} Mbit/s", kbit / 1000, kbit % 1000 / 10)
}

/// What clips may use of its line; None: all of it, and nothing was measured.
fn line_of(line: &LineRow) -> Option<String> {
    let most = line.most_kbit.map(|k| format!("at most {}", mbit(k)));
    let hours = line.hours.as_ref();
    let hours = hours.map(|h| format!("planned ones from {} to {}", h.begins, h.ends));
    let measured = line.measured_kbit;
    let measured = measured.map(|k| format!("the line was measured to carry {}", mbit(k)));
    let all: Vec<String> = [most, hours, measured].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The box, then its cameras, worst first, each with its cause and next step; then the faults of the box as a whole.
fn lines(b: &BoxRow, zone: &Zone) -> Vec<String> {
    let at = |t: Option<Utc>| t.map_or("never".into(), |t| t.for_people(zone));
    let said = words::r#box(&b.standing, b.last_seen, zone);
    let line = if b.online { "online" } else { "offline" };
    let mut all = vec![format!(
        "{} {}   {}: {}; {}, {line}, last seen {}",
        b.standing.mark.sign(),
        b.name,
        said.word,
        said.text,
        b.state,
        at(b.last_seen)
    )];
    let step = |all: &mut Vec<String>, next: Option<&str>| {
        all.extend(next.map(|next| format!("            {next}")));
    };
    step(&mut all, said.next);
    all.push(format!(
        "    log     {} lines countersigned, newest {}",
        b.lines,
        at(b.countersigned)
    ));
    all.extend(
        b.spot
            .as_ref()
            .map(|s| format!("    spot    {}", s.in_words())),
    );
    all.extend(line_of(&b.line).map(|line| format!("    clips   {line}")));
    if let Some(d) = &b.dispute {
        all.push(format!("    log     REFUSED {d}"));
    }
    let fault = |all: &mut Vec<String>, what: &str, f: &Fault| {
        let sign = Mark::of(standing::severity(f)).sign();
        all.push(format!("  {sign} {what:<8}{}", words::fault(f, zone)));
        step(all, words::next_step(&f.code));
    };
    for c in &b.cameras {
        let masked = if c.masked { ", masked" } else { "" };
        let rate = c.rate.as_ref().map_or(String::new(), |r| format!(", {r}"));
        let now = b.reported.unwrap_or(Utc(0));
        let said = words::camera(&c.standing, c.flow.as_ref(), now, zone);
        all.push(format!(
            "  {} {:<8}{}{masked}{rate}   {}: {}",
            c.standing.mark.sign(),
            c.cam.as_str(),
            said.word,
            c.title,
            said.text
        ));
        step(&mut all, said.next);
        for f in &c.standing.others {
            fault(&mut all, c.cam.as_str(), f);
        }
    }
    let listed = |f: &Fault| {
        let cam = f.cam.as_ref();
        cam.is_some_and(|cam| b.cameras.iter().any(|c| c.cam == *cam))
    };
    for f in b.faults.iter().filter(|f| !listed(f)) {
        let what = f.cam.as_ref().map_or("box", |c| c.as_str());
        fault(&mut all, what, f);
    }
    all
}

#[cfg(test)]
mod tests {
    use shared::{
        id::CameraId,
        standing::{BoxStanding, CameraStanding, Flow},
        time::Day,
    };

    use super::*;
    use crate::rows::{CameraRow, SpotRow};

    /// HLT-1, FLT-1: a silent box is unknown, with its cameras and their names; a dead camera has its cause and next step.
    #[test]
    fn what_is_listed() {
        let cam = CameraId::parse("c01").expect("cam");
        let row = |online| {
            BoxRow {
                line: LineRow::default(),
                name: BoxName::parse("ashby").expect("name"),
                state: "enrolled".into(),
                online,
                sw: None,
                last_seen: Some(Utc(100_000)),
                reported: Some(Utc(100_000)),
                free_mib: None,
                retention_days: None,
                cameras: vec![CameraRow {
                    cam: cam.clone(),
                    title: "Market Hall".into(),
                    masked: true,
                    flow: Some(Flow {
                        landed: Some(Utc(40_000)),
                        down_since: Some(Utc(40_000)),
                        next_try: Some(Utc(140_000)),
                        ..Flow::default()
                    }),
                    stands_secs: None,
                    standing: CameraStanding::default(),
                    rate: None,
                }],
                faults: vec![Fault {
                    code: "camera.password".into(),
                    cam: Some(cam.clone()),
                    since: Utc(50_000),
                    text: "401".into(),
                }],
                lines: 3,
                countersigned: None,
                dispute: None,
                spot: None,
                standing: BoxStanding::default(),
            }
            .judged()
        };
        let said = lines(&row(false), &Zone::utc()).join("\n");
        assert!(said.starts_with("? ashby   unknown: silent"), "{said}");
        assert!(said.contains("? c01     unknown, masked   Market Hall: its box is silent since"));
        assert!(!said.contains("not recording"), "{said}");
        let said = lines(&row(true), &Zone::utc());
        assert!(
            said[0].starts_with("✗ ashby   not recording all: 0 of 1 camera recording; not: c01")
        );
        assert!(said[2].contains("Camera refuses the password: 401 (camera.password, since"));
        assert!(said[2].contains("tried again in 40 s"), "{said:?}");
        assert!(said[3].contains("password_file"), "{said:?}");
        assert_eq!(said.len(), 4, "{said:?}");
        let mut read = row(true);
        read.spot = Some(SpotRow {
            day: Day::parse("2026-11-03").expect("day"),
            t: Utc(100_000),
            cam: cam.clone(),
            s: 7,
            wrong: Some("other".into()),
        });
        let said = lines(&read, &Zone::utc()).join("\n");
        assert!(
            said.contains("spot    2026-11-03: segment 7 of c01 was read again: its file opens, and is another than the log says"),
            "{said}"
        );
    }
}
