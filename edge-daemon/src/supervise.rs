//! Wiring. Task tree, start order and stop order.
//!
//! Priority: recording > retention > audit > evidence > uplink > everything else. What comes later here never holds up
//! what came before.
//!
//! ```text
//! start   state folder locked → key → log → faults → volumes → recipients → cameras
//!         → index and recovery · retention · clock · recipients kept ahead (threads) → uplink → ready
//! stop    cameras (segments closed, their lines logged) → threads → last head sent → uplink → log (sys.stop, last head)
//! ```
use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use logbook::{LogError, LogHandle, Opened, Settings, SystemClock};
use nix::fcntl::{Flock, FlockArg};
use shared::{
    id::CameraId,
    record::hex,
    time::{Clock, Day},
    types::{Beat, CfgSet},
};

use crate::{
    cameras::{self, Cameras},
    clock::{self, Trust},
    config::Config,
    health::{Faults, status, watchdog},
    identity::{
        BoxKey, IdentityError,
        fixed::{self, FixedError},
    },
    memory,
    reader::{self, Client, Recipients},
    recording::names::Names,
    retention::{
        holds::{self, Holds},
        sweeper::{self, Sweeper},
    },
    state::State,
    stop::Stop,
    store::{
        Index, Volumes,
        index::IndexError,
        outlook::{Outlook, Watch},
        recovery,
    },
    uplink::{Uplink, pulls},
};

/// Everything is closed within this long after the first signal, or left to the next start's recovery.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How long the last lines may take to be countersigned at a stop.
const LAST_HEAD: Duration = Duration::from_millis(1500);
const KEY_LIFE: Duration = Duration::from_secs(3600);
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// When the index could not be used at all, it is tried again.
const INDEX_AGAIN: Duration = Duration::from_secs(30);
const GIVE_BACK_EVERY: Duration = Duration::from_secs(30);
/// The log beats every minute; one that has not grown for this long is stuck.
const LOG_STUCK: Duration = Duration::from_secs(100);

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("another beadle-edge runs with the state folder {0}; nothing was started")]
    Second(String),
    #[error("cannot {what} {path}; nothing was started")]
    State {
        what: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Fixed(#[from] FixedError),
    #[error("the box has no identity; nothing was started")]
    Identity(#[from] IdentityError),
    #[error("the log cannot be opened; nothing was started, as nothing could be put on the record")]
    Log(#[source] LogError),
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
    #[error("the log stands still; the program ends so that it can be started anew")]
    Stuck,
    #[error(
        "old lines of the log are not those that were signed; the program ends so that its next start closes this log as it is and begins another"
    )]
    LogChanged,
    #[error("the program could not be stopped in order within {} s", STOP_WITHIN.as_secs())]
    Late,
}

/// Runs the box until SIGTERM or SIGINT. `file` is the configuration's.
pub fn run(config: Config, file: &Path) -> Result<(), RunError> {
    fixed::check(&config, file, false)?;
    let stop = Stop::new();
    signals(&stop)?;
    let config = Arc::new(config);
    let state = config.state();
    let _lock = prepare(&state)?;
    let key = BoxKey::open_or_make(&state.identity())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (log, opened) = open_log(&config, &clock)?;
    let faults = Faults::new(log.clone(), clock.clone());
    announce(&config, &state, &log, &faults);
    if let Some(why) = &opened.succeeded {
        faults.on("log.broken", None, why);
    }
    // What is wrong with a volume is said by the overseer, now and later.
    let (volumes, _) = Volumes::open(&config.volumes, &config.name, key.public());
    let (trust, client) = (Trust::new(), Client::new(&state.reader_socket()));
    if let Some(last) = opened.last {
        trust.resumed(last);
    }
    let confirmed = sweeper::Confirmed::default();
    let recipients = Recipients::load(&state.keys());
    let cameras = Cameras::start(cameras::Deps {
        config: config.clone(),
        clock: clock.clone(),
        log: log.clone(),
        boot: opened.boot,
        recipients: recipients.clone(),
        volumes: volumes.clone(),
        faults: faults.clone(),
        trust: trust.clone(),
        // Recovery says where each camera's numbers stand; recording begins before the index is read.
        last: HashMap::new(),
    });
    let rules = sweeper::rules(&config);
    let lent = holds::Deps {
        volumes: volumes.clone(),
        log: log.clone(),
        index: state.index(),
        client: client.clone(),
        clock: clock.clone(),
        trust: trust.clone(),
        faults: faults.clone(),
    };
    let holds = Holds::new(&config, rules.clone(), lent);
    let ids: Vec<CameraId> = config.cameras.iter().map(|c| c.id.clone()).collect();
    let outlook = Outlook::default();
    let mut threads = Vec::new();
    {
        let retention = config
            .cameras
            .iter()
            .map(|c| (c.id.clone(), c.retention_days));
        let watch = Watch {
            volumes: volumes.clone(),
            retention: retention.collect(),
            clock: clock.clone(),
            faults: faults.clone(),
            outlook: outlook.clone(),
            holds: holds.clone(),
        };
        let (ids, config, client, log, faults, stop, cameras, state) = (
            ids.clone(),
            config.clone(),
            client.clone(),
            log.clone(),
            faults.clone(),
            stop.clone(),
            cameras.clone(),
            state.clone(),
        );
        threads.push(thread("recovery", move || {
            // Recording does not need the index, but lines wait until recovery knows where each camera's numbers stand.
            let (mut index, found) = loop {
                match indexed(&state, &log, &watch.volumes, &faults) {
                    Ok(both) => break both,
                    Err(e) => faults.on("index.unusable", None, &crate::commands::chain(&e)),
                }
                if stop.wait(INDEX_AGAIN) {
                    return;
                }
            };
            let names = Names::of(&config, &index);
            found.recover(
                &ids,
                &client,
                &log,
                &mut index,
                &faults,
                &stop,
                |cam, last| {
                    // After what an earlier start recorded, and before what this one does.
                    names.declare(cam, &log, &stop);
                    cameras.recovered(cam, last)
                },
            );
            watch.run(&mut index, &stop);
        })?);
    }
    {
        let (recipients, zone, clock, trust) = (
            recipients,
            config.zone.clone(),
            clock.clone(),
            trust.clone(),
        );
        let (client, ids, faults, stop) = (client.clone(), ids, faults.clone(), stop.clone());
        threads.push(thread("recipients", move || {
            reader::keeper::run(
                &client,
                &recipients,
                &ids,
                &zone,
                &clock,
                &trust,
                &faults,
                &stop,
            )
        })?);
    }
    {
        let sweeper = Sweeper::new(
            &config,
            state.index(),
            volumes.clone(),
            log.clone(),
            client.clone(),
            clock.clone(),
            trust.clone(),
            faults.clone(),
            holds.clone(),
            rules,
            confirmed.clone(),
        );
        let stop = stop.clone();
        threads.push(thread("retention", move || sweeper.run(&stop))?);
    }
    {
        let (holds, stop) = (holds.clone(), stop.clone());
        threads.push(thread("holds", move || holds.run(&stop))?);
    }
    {
        let (trust, clock, log, faults, stop) = (
            trust.clone(),
            clock.clone(),
            log.clone(),
            faults.clone(),
            stop.clone(),
        );
        threads.push(thread("clock", move || {
            clock::run(&trust, &clock, &log, &faults, &stop)
        })?);
    }
    let desk = pulls::Desk {
        config: config.clone(),
        state: state.clone(),
        log: log.clone(),
        cameras: cameras.clone(),
        volumes: volumes.clone(),
        client,
        clock: clock.clone(),
        trust: trust.clone(),
        holds,
        confirmed,
        outlook: outlook.clone(),
    };
    let mut uplink =
        Uplink::start(desk, key, faults.clone(), trust.clone()).map_err(RunError::Thread)?;
    let changed = Arc::new(AtomicBool::new(false));
    if let Some(skipped) = opened.skipped.clone() {
        let changed = changed.clone();
        thread("log-check", move || match skipped.check() {
            Ok(true) => tracing::info!(
                lines = skipped.lines(),
                "the log's older lines are as they were signed"
            ),
            Ok(false) => changed.store(true, Relaxed),
            Err(e) => tracing::error!(error = %e, "the log's older lines cannot be checked"),
        })?;
    }
    let watched = Watched {
        changed: &changed,
        config: &config,
        state: &state,
        opened: &opened,
        log: &log,
        faults: &faults,
        volumes: &volumes,
        cameras: &cameras,
        outlook: &outlook,
        trust: &trust,
        clock: &clock,
    };
    watchdog::ready(&format!("{} cameras", config.cameras.len()));
    tracing::info!(name = %config.name, log = opened.origin, boot = opened.boot, cameras = config.cameras.len(), "recording");
    let ended = watched.watch(&uplink, &stop);
    watchdog::stopping();
    tracing::info!("stopping");
    stop.stop();
    within(STOP_WITHIN)?;
    cameras.stop();
    for (name, thread) in threads {
        if thread.join().is_err() {
            tracing::error!(name, "a thread ended badly");
        }
    }
    if let Ok(head) = log.sign_head()
        && uplink.connected()
    {
        log.wait_cosigned(head.head.size.saturating_sub(1), LAST_HEAD);
    }
    uplink.stop();
    watched.write_status(&uplink);
    if let Err(e) = log.close(if ended.is_ok() { "stop" } else { "fault" }) {
        tracing::error!(error = %e, "the log could not be closed in order");
    }
    ended
}

/// Makes the folders and takes the lock that keeps a second instance out.
pub(crate) fn prepare(state: &State) -> Result<Flock<std::fs::File>, RunError> {
    let failed = |what: &'static str, path: &Path| {
        let path = path.display().to_string();
        move |source| RunError::State { what, path, source }
    };
    for folder in [
        state.root().to_owned(),
        state.keys(),
        state.pulls(),
        state.run(),
    ] {
        std::fs::create_dir_all(&folder).map_err(failed("make the folder", &folder))?;
    }
    let path = state.root().join("lock");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed("open", &path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, e)| match e {
        nix::errno::Errno::EWOULDBLOCK => RunError::Second(state.root().display().to_string()),
        e => failed("lock", &path)(e.into()),
    })
}

fn open_log(config: &Config, clock: &Arc<dyn Clock>) -> Result<(LogHandle, Opened), RunError> {
    LogHandle::open(&config.state, log_settings(config), clock.clone()).map_err(RunError::Log)
}

/// What this box's log is, by its configuration.
pub(crate) fn log_settings(config: &Config) -> Settings {
    Settings {
        base: config.log_base(),
        site: config.site.clone(),
        hw: hardware(),
        sw: format!("beadle-edge {}", env!("CARGO_PKG_VERSION")),
        key_life: KEY_LIFE,
        acks: true,
        resume: true,
    }
}

/// What the machine calls itself.
fn hardware() -> String {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .ok()
            .map(|t| t.trim_matches(['\0', '\n', ' ']).to_owned())
            .filter(|t| !t.is_empty())
    };
    let name = read("/sys/class/dmi/id/product_name")
        .or_else(|| read("/proc/device-tree/model"))
        .unwrap_or_else(|| "unknown".into());
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    format!("{name} {}", std::env::consts::ARCH)
}

/// `cfg.set`, once for each configuration.
fn announce(config: &Config, state: &State, log: &LogHandle, faults: &Faults) {
    let (digest, path) = (hex(&config.digest), state.root().join("config.seen"));
    if std::fs::read_to_string(&path).is_ok_and(|seen| seen.trim() == digest) {
        return;
    }
    match log.append(
        "sys:edge",
        &CfgSet {
            sha256: digest.clone(),
        },
    ) {
        Ok(_) => {
            if let Err(e) = logbook::write_whole(&path, digest.as_bytes(), false) {
                tracing::warn!(error = %e, "the configuration will be announced again at the next start");
            }
        }
        Err(e) => faults.on("log.unwritable", None, &e.to_string()),
    }
}

#[derive(Debug, thiserror::Error)]
enum IndexFailed {
    #[error("the index of footage cannot be used")]
    Index(#[from] IndexError),
    #[error("the disks cannot be compared with the log")]
    Scan(#[from] recovery::RecoveryError),
}

fn indexed(
    state: &State,
    log: &LogHandle,
    volumes: &Volumes,
    faults: &Faults,
) -> Result<(Index, recovery::Found), IndexFailed> {
    let index = Index::open(&state.index(), &log.folder()).or_else(|e| {
        // Torn segments can be dealt with all the same, and cameras need to know their last number: one in memory does for that.
        faults.on("index.unusable", None, &crate::commands::chain(&e));
        Index::open(Path::new(":memory:"), &log.folder())
    })?;
    let found = recovery::scan(volumes, &index)?;
    if found.orphans() > 0 {
        tracing::info!(
            segments = found.orphans(),
            "footage that is not in the log yet: to be recovered"
        );
    }
    Ok((index, found))
}

type Named = (&'static str, JoinHandle<()>);

fn thread(name: &'static str, work: impl FnOnce() + Send + 'static) -> Result<Named, RunError> {
    let handle = std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(RunError::Thread)?;
    Ok((name, handle))
}

/// The first SIGTERM or SIGINT stops the box in order, the second at once.
fn signals(stop: &Stop) -> Result<(), RunError> {
    use nix::sys::signal::{SigSet, Signal};
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.add(Signal::SIGINT);
    // Before any other thread exists, so that all of them inherit it.
    set.thread_block().map_err(|e| RunError::Thread(e.into()))?;
    let stop = stop.clone();
    thread("signals", move || {
        for times in 0.. {
            match set.wait() {
                Ok(_) if times == 0 => stop.stop(),
                Ok(signal) => {
                    tracing::error!(%signal, "stopped at once; open segments are recovered at the next start");
                    std::process::abort();
                }
                Err(e) => {
                    tracing::error!(error = %e, "signals are not heard");
                    return;
                }
            }
        }
    })
    .map(drop)
}

/// Ends the program when the stop takes too long: what is open then is recovered at the next start.
fn within(limit: Duration) -> Result<(), RunError> {
    thread("deadline", move || {
        std::thread::sleep(limit);
        tracing::error!(
            "{}; open segments are recovered at the next start",
            RunError::Late
        );
        std::process::exit(i32::from(crate::commands::exit::SOFTWARE));
    })
    .map(drop)
}

struct Watched<'a> {
    config: &'a Config,
    state: &'a State,
    opened: &'a Opened,
    /// The log's older lines were found to be others than were signed.
    changed: &'a AtomicBool,
    log: &'a LogHandle,
    faults: &'a Faults,
    volumes: &'a Volumes,
    cameras: &'a Cameras,
    outlook: &'a Outlook,
    trust: &'a Trust,
    clock: &'a Arc<dyn Clock>,
}

impl Watched<'_> {
    /// Beats, status and watchdog until it is time to stop.
    fn watch(&self, uplink: &Uplink, stop: &Stop) -> Result<(), RunError> {
        let every = watchdog::period().unwrap_or(STATUS_EVERY).min(STATUS_EVERY);
        let (mut size, mut grown, mut said) = (0, Instant::now(), String::new());
        let mut given_back = Instant::now();
        loop {
            self.reviews(self.config.zone.day_of(self.clock.now().wall));
            if given_back.elapsed() >= GIVE_BACK_EVERY {
                memory::give_back();
                given_back = Instant::now();
            }
            let recording = self.beat();
            self.write_status(uplink);
            if self.log.size() != size {
                (size, grown) = (self.log.size(), Instant::now());
            }
            if grown.elapsed() > LOG_STUCK {
                self.faults.on(
                    "log.unwritable",
                    None,
                    "no line was written for longer than a minute",
                );
                return Err(RunError::Stuck);
            }
            if self.changed.load(Relaxed) {
                return Err(RunError::LogChanged);
            }
            // Reached only when the log grew, every camera answered and the status was written.
            watchdog::alive();
            let say = format!(
                "{recording} of {} cameras recording; hub {}",
                self.config.cameras.len(),
                uplink.status().state
            );
            if say != said {
                watchdog::status(&say);
                said = say;
            }
            if stop.wait(every) {
                return Ok(());
            }
        }
    }

    /// MSK-3: says of each mask whose review date has passed that it is due; the mask stays in force.
    fn reviews(&self, today: Day) {
        for (cam, mask) in self.cameras.masks() {
            let due = mask.and_then(|m| Some((m.review.filter(|review| *review < today)?, m)));
            match due {
                Some((review, mask)) => {
                    // The configuration's date counts for nothing once the hub has had a word.
                    let here = match mask.order {
                        Some(_) => "",
                        None => ", or set the next review in the camera's [camera.mask]",
                    };
                    let why = format!(
                        "mask {} was to be reviewed by {review}; it stays in force. Look at it in a clip and say so at the hub (beadle-hub mask review){here}",
                        mask.id
                    );
                    self.faults.on("mask.review", Some(&cam), &why);
                }
                None => self.faults.off("mask.review", Some(&cam)),
            }
        }
    }

    fn beat(&self) -> usize {
        let recording = self
            .cameras
            .status()
            .iter()
            .filter(|(_, s)| s.flow.recording)
            .count();
        self.log.set_beat(Beat {
            free_mib: self.volumes.free_mib(),
            cams: recording as u64,
            temp_c: temperature(),
        });
        recording
    }

    fn write_status(&self, uplink: &Uplink) {
        let now = self.clock.now();
        let title = |cam: &CameraId| {
            self.config
                .cameras
                .iter()
                .find(|c| c.id == *cam)
                .map_or_else(String::new, |c| c.title.clone())
        };
        let cameras = self
            .cameras
            .status()
            .into_iter()
            .map(|(cam, s)| status::Camera {
                title: title(&cam),
                forecast: self.outlook.of(&cam).map(|f| status::Forecast {
                    mib_per_day: f.bytes_per_day >> 20,
                    retention_days: f.retention_days,
                    days_left: f.days_left,
                    days_kept: f.days_kept,
                }),
                cam,
                flow: s.flow,
                frames: s.frames,
                lost: s.lost,
                rate: s.rate.map_or("continuous".into(), |(rate, _)| rate.code()),
                rate_until: s.rate.and_then(|(_, until)| until),
                relay: s
                    .relayed
                    .map(|r| r.iter().map(|r| r.code().into()).collect()),
            });
        let faults = self.faults.list().into_iter().map(|r| status::Fault {
            code: r.code.into(),
            cam: r.cam,
            since: r.since,
            detail: r.detail,
        });
        let size = |head: Option<shared::note::SignedHead>| head.map_or(0, |h| h.head.size);
        let all = status::Status {
            t: now.wall,
            pid: std::process::id(),
            r#box: self.config.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            boot: self.opened.boot,
            log: status::Log {
                origin: self.opened.origin.clone(),
                size: self.log.size(),
                signed: size(self.log.head()),
                countersigned: size(self.log.cosigned()),
            },
            free_mib: self.volumes.free_mib(),
            clock: self.trust.level(now).as_str().into(),
            cameras: cameras.collect(),
            faults: faults.collect(),
            uplink: uplink.status(),
        };
        if let Err(e) = status::write(&self.state.status(), &all) {
            self.faults.on(
                "state.unwritable",
                None,
                &format!("{}: {e}", self.state.status().display()),
            );
        } else {
            self.faults.off("state.unwritable", None);
        }
    }
}

/// The hottest part of the machine, in whole degrees.
fn temperature() -> Option<i64> {
    let zones = std::fs::read_dir("/sys/class/thermal").ok()?;
    let read = |zone: io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(zone.ok()?.path().join("temp"))
            .ok()?
            .trim()
            .parse::<i64>()
            .ok()
    };
    zones.filter_map(read).max().map(|milli| milli / 1000)
}
