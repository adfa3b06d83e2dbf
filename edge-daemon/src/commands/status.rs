//! Wiring. `beadle-edge status`: how the running box is, from `run/status.json`.

use std::{path::Path, process::ExitCode};

use shared::time::{Clock, Utc};

use super::{Failed, exit};
use crate::{
    config::{self, Passwords},
    health::status,
};

/// A status older than this is of a box that does not run.
const OLD_MS: i64 = 30_000;

pub fn run(path: &Path, json: bool) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::None)?;
    let file = config.state().status();
    let s = status::read(&file).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Failed::new(exit::UNAVAILABLE, "the box does not run and never has with this configuration; start it with: systemctl start beadle-edge"),
        _ => Failed::new(exit::IO, format!("{} cannot be read: {e}", file.display())),
    })?;
    if json {
        println!(
            "{}",
            serde_json::to_string_pretty(&s).map_err(|e| Failed::new(exit::SOFTWARE, e))?
        );
        return Ok(ExitCode::SUCCESS);
    }
    let now = logbook::SystemClock.now().wall;
    let ago = |t: Utc| format!("{} s ago", (now.0 - t.0).max(0) / 1000);
    if now.0 - s.t.0 > OLD_MS {
        println!(
            "the box does not run: this is how it was {}",
            s.t.for_people(&config.zone)
        );
    }
    println!("box {}, start {}, version {}", s.r#box, s.boot, s.version);
    println!(
        "log {}: {} lines, {} signed, {} countersigned",
        s.log.origin, s.log.size, s.log.signed, s.log.countersigned
    );
    println!(
        "hub {}: {}{}",
        s.uplink.hub.as_deref().unwrap_or("none"),
        s.uplink.state,
        s.uplink.why.map_or(String::new(), |w| format!(" ({w})"))
    );
    println!("clock {}, {} MiB free for footage", s.clock, s.free_mib);
    for c in &s.cameras {
        let how = if c.recording {
            "recording"
        } else if c.connected {
            "connected, nothing lands"
        } else {
            "not connected"
        };
        println!(
            "camera {} ({}): {how}, {}{}, last frame {}, {} frames, {} packets lost{}",
            c.cam,
            c.title,
            c.rate,
            c.rate_until.map_or(String::new(), |t| format!(
                " until {}",
                t.for_people(&config.zone)
            )),
            c.landed.map_or("never".into(), ago),
            c.frames,
            c.lost,
            c.forecast
                .as_ref()
                .map_or(String::new(), |f| format!(", {}", f.in_words()))
        );
    }
    for f in &s.faults {
        println!(
            "fault {}{} since {}: {}",
            f.code,
            f.cam.as_ref().map_or(String::new(), |c| format!(" {c}")),
            f.since.for_people(&config.zone),
            f.detail
        );
    }
    Ok(ExitCode::SUCCESS)
}
