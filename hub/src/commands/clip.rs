//! Wiring. `beadle-hub clip pull|list`: live progress, plain ends.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Subcommand;
use shared::{
    evidence::names,
    id::{BoxCamera, ExhibitRef},
    record::{hex, sha256},
    time::{Zone, length_in_words},
    verify::{self, Options},
};

use super::{CommandError, client::Client, evidence::review_of, print_json};
use crate::{
    disposal::acts::RetentionClassInput,
    evidence::{Resting, save as out},
    files::{self, failed},
    keys::Keys,
    ops::clips,
    requests::turns::Forecast,
    supervise::load_config,
};

/// A save that takes longer than this says how far it is.
const QUIET: Duration = Duration::from_secs(2);

/// A package to be saved.
struct SaveRequest {
    folder: PathBuf,
    purpose: String,
    reference: String,
    present: Option<String>,
}

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
    /// Save an exhibit's package in plain, to hand it over: below FOLDER, whole and verified or not at all
    Save {
        exhibit: String,
        folder: PathBuf,
        /// What it is handed over for
        #[arg(long)]
        purpose: String,
        /// The receiver's own reference, such as a crime number
        #[arg(long)]
        reference: String,
        /// Who else is present; kept apart from the log, which holds its salted hash
        #[arg(long)]
        present: Option<String>,
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
            let time = |what, text: &str| super::typed(&zone, what, text);
            let (from, to) = (time("--from", &from)?, time("--to", &to)?);
            let wanted = below.map(|folder| SaveRequest {
                folder,
                purpose: purpose.clone(),
                reference: reference.clone(),
                present: None,
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
                from: super::typed(&zone, "--from", &from)?,
                to: super::typed(&zone, "--to", &to)?,
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
        Command::Save {
            exhibit,
            folder,
            purpose,
            reference,
            present,
        } => {
            let exhibit = ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            let wanted = SaveRequest {
                folder,
                purpose,
                reference,
                present,
            };
            save(hub, &exhibit, wanted)
        }
        Command::Check { exhibit } => {
            let exhibit = ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            check(hub.state(), &exhibit)
        }
        Command::List { json } => {
            let zone = hub.zone()?;
            let all = hub.all(|part| clips::List { part })?;
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

/// The key that opens an exhibit's package, and the one its verdict rests on.
fn opening(state: &Path, exhibit: &ExhibitRef) -> Result<(Keys, Options), CommandError> {
    let keys = Keys::load(state, &load_config(state)?.scheme)?;
    // No key: nothing of the exhibit can be opened any more, or it never was.
    keys.exhibit_identity(exhibit).map_err(|e| {
        CommandError::Plain(format!(
            "nothing of {exhibit} can be opened: {e}. It was disposed of (`beadle-hub evidence certificate {exhibit}`), or never pulled"
        ))
    })?;
    let options = Options {
        hub: vec![keys.cosign_vkey().clone()],
        ..Options::default()
    };
    Ok((keys, options))
}

/// Has it put on record, then opens the package into the folder. Exit status as of `beadle-hub verify`; 0 for a package that is known to be partial.
fn save(hub: &Client, exhibit: &ExhibitRef, wanted: SaveRequest) -> Result<u8, CommandError> {
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    // Known beforehand to come to nothing: not worth a line.
    out::free(&wanted.folder, exhibit).map_err(|e| plain(&e))?;
    let (keys, options) = opening(hub.state(), exhibit)?;
    let shown = hub.ask(&clips::Show {
        exhibit: exhibit.clone(),
    })?;
    if let Some(package) = shown.package {
        let rest = Resting::new(package.into(), keys.exhibit_identity(exhibit)?);
        out::fits(&rest, exhibit, &wanted.folder).map_err(|e| plain(&e))?;
    }
    let clips::Package {
        package,
        sums,
        short,
        ..
    } = hub.ask(&clips::Save {
        exhibit: exhibit.clone(),
        purpose: wanted.purpose,
        reference: wanted.reference,
        present: wanted.present,
        copy: None,
    })?;
    let rest = Resting::new(package, keys.exhibit_identity(exhibit)?);
    let mut meter = Meter::new();
    let saved = out::save(
        &rest,
        exhibit,
        &wanted.folder,
        &options,
        short,
        |bytes, of| meter.show(bytes, of),
    );
    meter.end();
    let saved = saved.map_err(|e| plain(&e))?;
    let there = hex(&sha256(&files::read(&saved.folder.join(names::SUMS))?));
    if there != sums {
        return Err(CommandError::Plain(format!(
            "{} holds another package than the one on record: it was changed while it was saved; delete it and save it again",
            saved.folder.display()
        )));
    }
    println!("saved      {}", saved.folder.display());
    println!(
        "           {} files, {} bytes, in plain: it is under no period of the hub; whoever has it answers for it",
        saved.files, saved.bytes
    );
    print!("{}", saved.report.render());
    Ok(match short {
        true => 0,
        false => u8::try_from(saved.report.exit_status()).unwrap_or(2),
    })
}

/// Verifies a package where it rests. The same report and exit status as `beadle-hub verify` gives of a saved one.
pub(super) fn check(state: &Path, exhibit: &ExhibitRef) -> Result<u8, CommandError> {
    let folder = load_config(state)?.evidence.join(exhibit.as_str());
    let (keys, options) = opening(state, exhibit)?;
    let mut packages = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed("list", &folder))? {
        let entry = entry.map_err(failed("list", &folder))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            packages.push(entry.path());
        }
    }
    packages.sort();
    if packages.is_empty() {
        return Err(CommandError::Plain(format!(
            "there is no package in {}",
            folder.display()
        )));
    }
    let mut worst = 0;
    for package in packages {
        let rest = Resting::new(package, keys.exhibit_identity(exhibit)?);
        let report = verify::package(&rest, &options);
        print!("{}", report.render());
        worst = worst.max(u8::try_from(report.exit_status()).unwrap_or(2));
    }
    Ok(worst)
}

/// How far a save is: moving on a terminal, whole tenths in a file.
struct Meter {
    began: Instant,
    terminal: bool,
    shown: Option<u64>,
}

impl Meter {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            terminal: std::io::stderr().is_terminal(),
            shown: None,
        }
    }

    fn show(&mut self, bytes: u64, of: u64) {
        let percent = (bytes * 100).checked_div(of).unwrap_or(100);
        let mark = if self.terminal { percent } else { percent / 10 };
        if self.began.elapsed() < QUIET || self.shown == Some(mark) {
            return;
        }
        self.shown = Some(mark);
        let line = format!(
            "saving     {percent:>3} %  {} of {} MiB",
            bytes >> 20,
            of >> 20
        );
        if self.terminal {
            eprint!("\r\x1b[K{line}");
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    fn end(&self) {
        if self.terminal && self.shown.is_some() {
            eprintln!();
        }
    }
}
