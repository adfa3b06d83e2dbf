//! Wiring. `beadle-hub status`.

use super::{client::Client, terminal::print_json};
use crate::{failure::CommandError, faults::disks, model::disk::Fullness, ops::machine};

#[derive(clap::Args)]
pub struct Args {
    #[arg(long)]
    json: bool,
}

pub fn run(hub: &Client, args: &Args) -> Result<(), CommandError> {
    let zone = hub.zone()?;
    let is = hub.ask(&machine::Status {})?;
    if args.json {
        return print_json(&is);
    }
    println!(
        "beadle-hub {}, {}, {} boxes on the line",
        is.sw,
        is.time.for_people(&zone),
        is.online
    );
    for disk in &is.disks {
        let sign = match disk.state {
            Fullness::Good => "✔",
            Fullness::Low => "▲",
            Fullness::Full => "✖",
        };
        println!("{sign} {}", disks::said(disk));
    }
    for f in &is.faults {
        println!(
            "✖ {} since {}: {}",
            f.code,
            f.since.for_people(&zone),
            f.text
        );
        if let Some(condition) = shared::conditions::condition(&f.code) {
            println!("  {}", condition.next);
        }
    }
    Ok(())
}
