//! Adapter: filesystem. The hub's order that the log gets a successor: kept until the next start, which begins it.
//!
//! A running recorder writes to one log from start to end. So the order is put into `<recorder>/succession.json`, the program ends, and its
//! next start leaves the log as it is and begins the next one before it opens any. Obeyed twice it does nothing more: it says above which
//! number the log is to be.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use logbook::{LogError, LogFolder, Settings, Succession, sync_dir, write_whole};
use serde::{Deserialize, Serialize};
use shared::{
    order::{Code, Refusal},
    record::Record,
    time::{Clock, Utc},
};

/// The hub is told before the program ends.
const TOLD: Duration = Duration::from_secs(2);
/// What the reason in such a log's first line begins with.
const BY_ORDER: &str = "order ";
/// No log of any box has had so many successors.
const FURTHEST: u64 = 1000;
/// Each costs every camera some seconds: whoever has the hub's order key must not keep a box from recording with it.
const MOST_A_DAY: usize = 4;
const DAY_MS: i64 = 86_400_000;

/// What the hub asks, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Number of the hub's line about it.
    pub order: u64,
    /// The successor's number is above this one.
    pub above: u64,
    /// The two people who ordered it.
    pub by: Vec<String>,
}

/// Set once an order is kept: the program is to end. Cheap to clone.
#[derive(Clone, Default)]
pub struct Due(Arc<OnceLock<Instant>>);

impl Due {
    /// The order is kept, and the hub was told.
    pub fn now(&self) -> bool {
        self.0.get().is_some_and(|at| at.elapsed() >= TOLD)
    }
}

fn file(recorder: &Path) -> PathBuf {
    recorder.join("succession.json")
}

/// How many of the last logs were begun by order since then, by their first lines.
fn begun_by_order(recorder: &Path, since: Utc) -> std::io::Result<usize> {
    let logs = recorder.join("log");
    let mut numbers: Vec<u64> = fs::read_dir(&logs)?
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let mut begun = 0;
    for number in numbers.iter().rev().take(MOST_A_DAY) {
        let line = LogFolder::new(&logs.join(number.to_string())).line(0)?;
        let Some(first) = line.and_then(|l| Record::parse(&l).ok()) else {
            continue;
        };
        let reason = first.data.get("reason").and_then(|v| v.as_str());
        if first.t >= since && reason.is_some_and(|r| r.starts_with(BY_ORDER)) {
            begun += 1;
        }
    }
    Ok(begun)
}

/// Checks an order and keeps it. `present`: the number of the log that is written now.
pub fn ask(
    recorder: &Path,
    present: u64,
    asked: &Asked,
    now: Utc,
    due: &Due,
) -> Result<(), Refusal> {
    let Asked { above, by, .. } = asked;
    if by.len() != 2 || by[0] == by[1] {
        let why = "a successor of a log takes two people; nothing was done";
        return Err(Refusal::new(Code::NotApproved, why));
    }
    if present > *above {
        let why = format!(
            "the box writes log {present} already, which is above {above}; nothing was done"
        );
        return Err(Refusal::new(Code::Superseded, why));
    }
    if *above - present > FURTHEST {
        let why = format!(
            "the box writes log {present}, and one above {above} is too far away; nothing was done"
        );
        return Err(Refusal::new(Code::OutOfBounds, why));
    }
    let begun = begun_by_order(recorder, now.plus_ms(-DAY_MS)).map_err(|e| {
        let why = format!("the box could not look at its logs: {e}; nothing was done");
        Refusal::new(Code::Log, why)
    })?;
    if begun >= MOST_A_DAY {
        let why = format!(
            "the box has begun {begun} logs by order within a day, and each costs every camera some seconds; nothing was done. At the box, \
             whoever is root can begin another: beadle-edge log succeed"
        );
        return Err(Refusal::new(Code::Ceiling, why));
    }
    let kept = serde_json::to_vec(asked)
        .map_err(std::io::Error::other)
        .and_then(|bytes| write_whole(&file(recorder), &bytes, false));
    kept.map_err(|e| {
        let why = format!("the order could not be kept: {e}; nothing was done");
        Refusal::new(Code::Disk, why)
    })?;
    due.0.get_or_init(Instant::now);
    Ok(())
}

/// At a start, before a log is opened: begins the successor that was ordered, if one was. The caller holds the recorder's lock.
pub fn carry_out(
    recorder: &Path,
    settings: Settings,
    clock: Arc<dyn Clock>,
) -> Result<Option<Succession>, LogError> {
    let path = file(recorder);
    let io = |what| {
        let path = path.display().to_string();
        move |source| LogError::Io { what, path, source }
    };
    let asked: Asked = match fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io("read")(e)),
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(asked) => asked,
            Err(e) => {
                tracing::error!(error = %e, "an order that the log gets a successor cannot be read, and is dropped");
                fs::remove_file(&path).map_err(io("remove"))?;
                return Ok(None);
            }
        },
    };
    let reason = format!(
        "{BY_ORDER}{} of the hub, by {}",
        asked.order,
        asked.by.join(" and ")
    );
    let done = logbook::succeed_above(recorder, settings, clock, &reason, asked.above)?;
    fs::remove_file(&path).map_err(io("remove"))?;
    sync_dir(recorder).map_err(io("sync"))?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::id::{BoxName, box_log};

    fn settings() -> Settings {
        let name = BoxName::parse("ashby").expect("name");
        let origin = box_log("cctv.example.gov.uk", &name, 1);
        Settings {
            base: origin.trim_end_matches("/1").to_owned(),
            site: "Ashby".into(),
            hw: "test".into(),
            sw: "test".into(),
            key_life: Duration::from_secs(3600),
            acks: true,
            resume: true,
        }
    }

    /// V11: the order waits for the next start, which begins a log above the number it names, once; its first line says who ordered it.
    #[test]
    fn the_next_start_begins_the_successor() {
        let dir = tempfile::tempdir().expect("folder");
        let clock: Arc<dyn Clock> = Arc::new(logbook::SystemClock);
        let open = || logbook::LogHandle::open(dir.path(), settings(), clock.clone());
        let (log, opened) = open().expect("opens");
        assert!(opened.origin.ends_with("/1"));
        log.close("test").expect("closes");
        let start = || carry_out(dir.path(), settings(), clock.clone()).expect("starts");
        assert_eq!(start(), None, "nothing was ordered");

        let due = Due::default();
        let asked = |above, by: [&str; 2]| Asked {
            order: 812,
            above,
            by: by.map(str::to_owned).to_vec(),
        };
        for (present, bad) in [
            (1, asked(1, ["op:0002", "op:0002"])),
            (2, asked(1, ["op:0002", "op:0003"])),
            (1, asked(u64::MAX, ["op:0002", "op:0003"])),
        ] {
            ask(dir.path(), present, &bad, clock.now().wall, &due).expect_err("refused");
        }
        assert!(!due.now() && start().is_none());
        let good = asked(4, ["op:0002", "op:0003"]);
        ask(dir.path(), 1, &good, clock.now().wall, &due).expect("kept");
        let kept = fs::read(file(dir.path())).expect("kept");
        let done = start().expect("begun");
        assert!(done.origin.ends_with("/5"), "{}", done.origin);
        assert!(done.pred.log.ends_with("/1"));
        let first = fs::read_to_string(dir.path().join("log/5/0000000000.jsonl")).expect("log");
        assert!(first.contains("order 812 of the hub, by op:0002 and op:0003"));
        assert_eq!(start(), None);
        // Power went between the log and the order's end: it is not begun twice.
        fs::write(file(dir.path()), kept).expect("write");
        assert_eq!(start(), None);
        let (log, opened) = open().expect("opens");
        assert!(opened.origin.ends_with("/5"));
        log.close("test").expect("closes");
    }

    /// V14, REC-1: whoever has the hub's order key cannot have a box begin one log after another instead of recording.
    #[test]
    fn so_many_a_day_and_no_more() {
        let dir = tempfile::tempdir().expect("folder");
        let clock: Arc<dyn Clock> = Arc::new(logbook::SystemClock);
        let (log, _) =
            logbook::LogHandle::open(dir.path(), settings(), clock.clone()).expect("opens");
        log.close("test").expect("closes");
        let ordered = |above, now| {
            let asked = Asked {
                order: above,
                above,
                by: vec!["op:0002".into(), "op:0003".into()],
            };
            ask(dir.path(), above, &asked, now, &Due::default())
        };
        let most = MOST_A_DAY as u64;
        for above in 1..=most {
            ordered(above, clock.now().wall).expect("kept");
            carry_out(dir.path(), settings(), clock.clone())
                .expect("starts")
                .expect("begun");
        }
        let refused = ordered(most + 1, clock.now().wall).expect_err("refused");
        assert_eq!(refused.code, Code::Ceiling, "{refused:?}");
        assert!(!file(dir.path()).exists(), "nothing is kept of it");
        ordered(most + 1, clock.now().wall.plus_ms(DAY_MS + 60_000)).expect("the next day");
    }
}
