//! Wiring. `beadle-hub clip pull|list`: live progress, plain ends.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use shared::{id::BoxCamera, time::Utc};

use super::{CommandError, ask::ask};
use crate::{
    control::{Ask, Told},
    requests::Progress,
    supervise::load_config,
};

#[derive(Subcommand)]
pub enum Command {
    /// Pull a clip and make its evidence package
    Pull {
        /// BOX/CAM
        #[arg(long)]
        camera: String,
        /// Start, like 2026-11-03T14:00:00Z
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
        /// Also copy the package to this folder
        #[arg(long)]
        to_folder: Option<PathBuf>,
    },
    /// Follow a request to its end
    Watch { exhibit: String },
    /// All requests, newest first
    List {
        #[arg(long)]
        json: bool,
    },
}

pub fn run(state: &Path, command: Command) -> Result<u8, CommandError> {
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    match command {
        Command::Pull {
            camera,
            from,
            to,
            purpose,
            reference,
            requester,
            to_folder,
        } => {
            BoxCamera::parse(&camera).map_err(|e| plain(&e))?;
            let time = |what: &str, text: &str| {
                Utc::parse_lenient(text).map_err(|e| CommandError::Plain(format!("--{what}: {e}")))
            };
            let (from, to) = (time("from", &from)?, time("to", &to)?);
            let mut exhibit = None;
            println!("Draft      {camera} from {from} to {to}");
            ask(
                state,
                &Ask::ClipPull {
                    camera,
                    from,
                    to,
                    purpose,
                    reference,
                    requester,
                },
                |told| {
                    if let Told::Submitted { exhibit: e } = told {
                        println!("Submitted  {e}");
                        println!("Authorised");
                        exhibit = Some(e);
                    }
                    Ok(())
                },
            )
            .inspect_err(|_| println!("Refused"))?;
            let exhibit = exhibit.ok_or_else(|| {
                CommandError::Plain("the hub gave the request no reference".into())
            })?;
            follow(state, exhibit, to_folder.as_deref())
        }
        Command::Watch { exhibit } => {
            let exhibit = shared::id::ExhibitRef::parse(&exhibit).map_err(|e| plain(&e))?;
            follow(state, exhibit, None)
        }
        Command::List { json } => {
            let zone = load_config(state)?.zone;
            ask(state, &Ask::ClipList, |told| {
                let Told::Exhibits { exhibits } = told else {
                    return Ok(());
                };
                if json {
                    println!(
                        "{}",
                        serde_json::to_string_pretty(&exhibits).map_err(|e| plain(&e))?
                    );
                    return Ok(());
                }
                if exhibits.is_empty() {
                    println!("no clip was asked for yet");
                }
                for e in exhibits {
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
                Ok(())
            })?;
            Ok(0)
        }
    }
}

/// Prints where a request stands until it is over. Exit status: 0 Ready, 3 Partial, 1 otherwise.
fn follow(
    state: &Path,
    exhibit: shared::id::ExhibitRef,
    to_folder: Option<&Path>,
) -> Result<u8, CommandError> {
    let terminal = std::io::stdout().is_terminal();
    let mut shown = String::new();
    let mut last: Option<Progress> = None;
    ask(
        state,
        &Ask::ClipWatch {
            exhibit: exhibit.clone(),
        },
        |told| {
            let Told::Progress { progress } = told else {
                return Ok(());
            };
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
        if let Some(dir) = to_folder {
            let copied = copy_tree(Path::new(package), &dir.join(exhibit.as_str()))?;
            println!(
                "copied     {copied} files to {}",
                dir.join(exhibit.as_str()).display()
            );
        }
    }
    Ok(match end.state.as_str() {
        "Ready" => 0,
        "Partial" => 3,
        _ => 1,
    })
}

fn text(p: &Progress) -> String {
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

fn copy_tree(from: &Path, to: &Path) -> Result<u64, CommandError> {
    use crate::files::failed;
    std::fs::create_dir_all(to).map_err(failed("make the folder", to))?;
    let mut count = 0;
    for entry in std::fs::read_dir(from).map_err(failed("list", from))? {
        let entry = entry.map_err(failed("list", from))?;
        let kind = entry.file_type().map_err(failed("read", &entry.path()))?;
        let dest = to.join(entry.file_name());
        if kind.is_dir() {
            count += copy_tree(&entry.path(), &dest)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &dest).map_err(failed("copy", &dest))?;
            count += 1;
        }
    }
    Ok(count)
}
