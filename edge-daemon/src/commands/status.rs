//! Wiring. `beadle-edge status`: how the running box is, from `run/status.json`.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use shared::{
    promise,
    standing::{self, Mark, words},
    time::{Clock, Day, Utc},
    wire::Fault,
};

use crate::{
    config::{self, Config, Passwords},
    failure::{Failed, exit},
    health::status::{self, Status},
    reader::{self, root},
};

/// A status older than this is of a box that does not run.
const OLD_MS: i64 = 30_000;

pub fn run(path: &Path, json: bool) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::None)?;
    let file = config.state().status();
    let s = status::read(&file).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Failed::new(exit::UNAVAILABLE, "the box does not run and never has with this configuration; start it with: systemctl start beadle-edge"),
        std::io::ErrorKind::PermissionDenied => Failed::new(exit::IO, format!("{} cannot be read: {e}. Run it as root, or as somebody of group beadle-maintain: usermod -aG beadle-maintain NAME, then sign in again", file.display())),
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
    let runs = now.0 - s.t.0 <= OLD_MS;
    if !runs {
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
        s.uplink
            .why
            .as_ref()
            .map_or(String::new(), |w| format!(" ({w})"))
    );
    for promise in promises(&config) {
        println!("retention {promise}");
    }
    let room = match s.free_mib {
        0 => "no room for footage on any disk".to_owned(),
        mib => format!("{mib} MiB free for footage"),
    };
    println!("clock {}, {room}", s.clock);
    if let Some(told) = root::told(&config.state().public()) {
        println!("root key {}", told.in_words());
    }
    println!("{}", pulls(&config, now));
    for line in cameras(&s, now, runs, &config) {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// How much footage the hub has had, by the reader's own count: today, and in the last seven days.
fn pulls(config: &Config, now: Utc) -> String {
    let Some(counted) = reader::counted(&config.state().public()) else {
        return "pulls: the reader has counted none yet".into();
    };
    let today = config.zone.day_of(now);
    let of = |from: Day| {
        counted
            .range(from..=today)
            .map(|(_, c)| c.orders)
            .sum::<u64>()
    };
    let count = counted.get(&today).copied().unwrap_or_default();
    let refused = match count.refused {
        0 => String::new(),
        n => format!("; refused {n} times, for that is as much as a day may have"),
    };
    format!(
        "pulls by the hub: {} today, {} in the last seven days; {} of {} hours of footage handed out today{refused}",
        of(today),
        of(today.plus_days(-6)),
        reader::hours(count.secs),
        config.pull_hours
    )
}

/// The cameras, worst first, each with what is wrong with it; then the faults of the box as a whole.
fn cameras(s: &Status, now: Utc, runs: bool, config: &Config) -> Vec<String> {
    let (zone, faults) = (&config.zone, s.standing_faults());
    let silent_since = (!runs).then_some(s.t);
    let mut cameras: Vec<_> = s
        .cameras
        .iter()
        .map(|c| {
            let judged = standing::camera(&c.cam, Some(&c.flow), &faults, silent_since);
            (c, judged)
        })
        .collect();
    cameras.sort_by_cached_key(|(c, j)| (standing::order(j, Some(&c.flow)), c.cam.clone()));
    let mut lines = Vec::new();
    let listed = |f: &Fault| {
        let cam = f.cam.as_ref();
        cam.is_some_and(|cam| s.cameras.iter().any(|c| c.cam == *cam))
    };
    for (c, judged) in cameras {
        let said = words::camera(&judged, Some(&c.flow), now, zone);
        let until = c
            .rate_until
            .map(|t| format!(" until {}", t.for_people(zone)));
        let forecast = c.forecast.as_ref().map(|f| format!(", {}", f.in_words()));
        lines.push(format!(
            "{} camera {} ({}): {}, {}{}; {}{}, {} frames, {} packets lost, {} pictures left out{}",
            judged.mark.sign(),
            c.cam,
            c.title,
            said.word,
            said.text,
            c.by_the_relay(),
            c.rate,
            until.unwrap_or_default(),
            c.frames,
            c.lost,
            c.shed,
            forecast.unwrap_or_default()
        ));
        lines.extend(said.next.map(|next| format!("    {next}")));
        for f in &judged.others {
            lines.push(format!("    {}", words::fault(f, zone)));
        }
    }
    for f in faults.iter().filter(|f| !listed(f)) {
        let sign = Mark::of(standing::severity(f)).max(Mark::Amber).sign();
        lines.push(format!("{sign} box: {}", words::fault(f, zone)));
        lines.extend(words::next_step(&f.code).map(|next| format!("    {next}")));
    }
    lines
}

/// What is promised (RET-1): the rule of most cameras, then each other rule with the cameras it is for.
fn promises(config: &Config) -> Vec<String> {
    let mut others: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for c in &config.cameras {
        if c.retention_days != config.retention_days {
            others
                .entry(c.retention_days)
                .or_default()
                .push(c.id.as_str());
        }
    }
    let sentence = |days| promise::sentence(days, &config.zone_name);
    let rest = others
        .into_iter()
        .map(|(days, cams)| format!("of {}: {}", cams.join(", "), sentence(days)));
    std::iter::once(sentence(config.retention_days))
        .chain(rest)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RET-1: the sentence of design §4 stands in the status, for the box and for each camera that has another rule.
    #[test]
    fn ret_1_the_promise_in_words() {
        let text = r#"
[box]
name = "millbrook"
site = "Millbrook, Market Hall"
scheme = "cctv.example.gov.uk"
state = "/var/lib/beadle"
[retention]
days = 31
[[volume]]
path = "/srv/footage1"
[[camera]]
id = "c01"
url = "rtsp://10.0.0.1/stream"
[[camera]]
id = "c02"
url = "rtsp://10.0.0.2/stream"
retention_days = 28
"#;
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("beadle.toml");
        std::fs::write(&file, text).expect("write");
        let config = config::load(&file, Passwords::None).expect("configuration");
        let told = promises(&config);
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("31 days means: footage of a local day D is deleted between 00:05 and 00:15 of local day D+32."), "{told:?}");
        assert!(
            told[1].starts_with("of c02: 28 days means:") && told[1].ends_with("of Europe/London."),
            "{told:?}"
        );
    }
}
