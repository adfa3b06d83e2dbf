//! Wiring. A box around the cameras: state, log, volumes, keys; and what is read of them afterwards.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use logbook::{LogHandle, SystemClock};
use shared::{
    id::{BoxName, CameraId},
    record::{Record, Value, hex, sha256},
    segment::SegmentName,
    time::{Clock, Utc, Zone},
};

use super::fake::FakeCamera;
use crate::{
    cameras::{Cameras, Deps},
    clock::{Kernel, Trust},
    config::{Camera, Config, Secret},
    health::Faults,
    reader::Recipients,
    state::State,
    store::{Volumes, volume},
    testing::{lines, open_log},
};

pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(super) struct World {
    pub(super) home: tempfile::TempDir,
    pub(super) volume: PathBuf,
    pub(super) spare: PathBuf,
    pub(super) log: LogHandle,
    pub(super) faults: Faults,
    recipients: Recipients,
    volumes: Volumes,
    identity: String,
    boot: u64,
}

pub(super) fn cam() -> CameraId {
    CameraId::parse("c01").expect("id")
}

fn synced() -> Kernel {
    Kernel {
        synced: true,
        offset_us: 0,
        err_us: 1000,
    }
}

pub(super) fn world() -> World {
    world_with(1)
}

pub(super) fn world_with(count: usize) -> World {
    let home = tempfile::tempdir().expect("dir");
    let state = State::new(home.path());
    state.for_recorder().expect("folders");
    state.for_reader().expect("folders");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (log, opened) = open_log(&state.recorder(), clock.clone());
    let name = BoxName::parse("ashby").expect("name");
    let key = crate::identity::BoxKey::open_or_make(&state.identity()).expect("key");
    let volume = home.path().join("volume");
    let spare = home.path().join("spare");
    let paths = &[volume.clone(), spare.clone()][..count];
    for path in paths {
        volume::label(path, &name, Utc(0), true, |b| key.sign(b)).expect("label");
    }
    let (volumes, problems) = Volumes::open(paths, &name, key.public());
    assert!(problems.is_empty(), "{problems:?}");
    let (identity, recipient) = footage::sealed::keypair();
    let today = Zone::utc().day_of(clock.now().wall);
    let days: BTreeMap<String, String> = (-1..=1)
        .map(|d| {
            (
                format!("{}/{}", cam(), today.plus_days(d)),
                recipient.clone(),
            )
        })
        .collect();
    let recipients = Recipients::load(&state);
    recipients.replace(days).expect("recipients");
    let faults = Faults::new(log.clone(), clock);
    World {
        volume,
        spare,
        log,
        faults,
        recipients,
        volumes,
        identity: identity.to_string(),
        boot: opened.boot,
        home,
    }
}

impl World {
    pub(super) fn config(&self, camera: &FakeCamera) -> Config {
        Config {
            scheme: "cctv.example.gov.uk".into(),
            name: BoxName::parse("ashby").expect("name"),
            site: "Ashby".into(),
            zone: Zone::utc(),
            hub: None,
            zone_name: "UTC".into(),
            state: self.home.path().to_owned(),
            retention_days: 28,
            holds_gib: None,
            hold_days: 400,
            congestion: crate::config::Congestion::default(),
            approvals: false,
            pull_hours: 100,
            keys: Default::default(),
            volumes: vec![self.volume.clone()],
            cameras: vec![Camera {
                title: "High Street".into(),
                url: camera.url(),
                username: Some("viewer".into()),
                password: Some(Secret::new("correct horse".into())),
                retention_days: 28,
                ..crate::testing::camera(cam())
            }],
            pictures: "/nonexistent/beadle-pictures".into(),
            encoder: None,
            segment_secs: 2,
            digest: [0; 32],
        }
    }

    pub(super) fn start(&self, config: Config, last: Option<(u64, Utc)>) -> Cameras {
        Cameras::start(Deps {
            config: Arc::new(config),
            clock: Arc::new(SystemClock),
            log: self.log.clone(),
            boot: self.boot,
            recipients: self.recipients.clone(),
            volumes: self.volumes.clone(),
            faults: self.faults.clone(),
            trust: Trust::with_kernel(synced),
            last: last.map(|l| (cam(), l)).into_iter().collect(),
        })
    }

    pub(super) fn lines(&self, kind: &str) -> Vec<Line> {
        lines(&self.log)
            .into_iter()
            .filter(|r| kind.split('|').any(|k| k == r.kind))
            .map(Line)
            .collect()
    }

    pub(super) fn wait_segments(&self, count: usize) -> Vec<Line> {
        wait("segments in the log", || {
            Some(self.lines("seg.write")).filter(|l| l.len() >= count)
        })
    }

    /// The plain file of a `seg.write` line, checked against it.
    pub(super) fn plain(&self, line: &Line) -> Vec<u8> {
        let name = SegmentName {
            day: Zone::utc().day_of(line.time("t0")),
            cam: cam(),
            start: line.time("t0"),
            s: line.int("s"),
        };
        let file = [&self.volume, &self.spare]
            .map(|v| v.join(name.closed_path()))
            .into_iter()
            .find(|f| f.exists());
        let sealed = std::fs::read(file.expect("the file a line names is there")).expect("reads");
        let mut opener = footage::sealed::Opener::new(std::slice::from_ref(&self.identity));
        let mut plain = Vec::new();
        opener.push(&sealed, &mut plain).expect("opens");
        opener.finish(&mut plain).expect("whole");
        assert_eq!(
            (plain.len() as u64, hex(&sha256(&plain))),
            (line.int("size"), line.text("sha256")),
            "SEGMENT-NOT-AS-LOGGED"
        );
        plain
    }

    pub(super) fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, into: &mut Vec<String>) {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    walk(&entry.path(), into)
                } else {
                    into.push(entry.file_name().to_string_lossy().into_owned())
                }
            }
        }
        let mut all = Vec::new();
        walk(&self.volume.join("footage"), &mut all);
        all.sort();
        all
    }

    /// No verifier may find damage in what was written.
    pub(super) fn verify(&self) {
        let mut checker = shared::check::Checker::new(None);
        let mut findings = Vec::new();
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.log.folder())
            .expect("log")
            .flatten()
            .map(|f| f.path())
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .collect();
        files.sort();
        for line in files.iter().flat_map(|f| {
            std::fs::read(f)
                .expect("log file")
                .split_inclusive(|b| *b == b'\n')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        }) {
            checker.line(&line, &mut findings);
        }
        findings.retain(|f| !shared::check::is_note(f.code));
        assert!(findings.is_empty(), "{findings:?}");
    }
}

#[derive(Debug)]
pub(super) struct Line(pub(super) Record);
impl Line {
    pub(super) fn int(&self, key: &str) -> u64 {
        self.0
            .data
            .get(key)
            .and_then(Value::as_int)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or_else(|| panic!("{key} in {self:?}"))
    }
    /// None: null, or not there.
    pub(super) fn word(&self, key: &str) -> Option<String> {
        let word = self.0.data.get(key).and_then(Value::as_str);
        word.map(str::to_owned)
    }
    pub(super) fn text(&self, key: &str) -> String {
        self.0
            .data
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{key} in {self:?}"))
            .to_owned()
    }
    pub(super) fn time(&self, key: &str) -> Utc {
        Utc::parse(&self.text(key)).expect("time")
    }
}
