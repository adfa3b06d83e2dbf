//! Wiring. Builds the box: what its parts share, and the cameras, which record from here on.
use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use logbook::{LogHandle, OpenedLog, Settings, SystemClock};
use nix::fcntl::{Flock, FlockArg};
use shared::{plain, record::hex, time::Clock, types::CfgSet};

use super::RunError;
use crate::{
    cameras::{self, Cameras},
    clock::Trust,
    config::Config,
    health::Faults,
    identity::BoxKey,
    reader::{Client, Recipients},
    retention::{
        holds::{self, Holds},
        policy::Rules,
        remembered, sweeper,
    },
    state::State,
    stop::Stop,
    store::{Volumes, outlook::Outlook},
    uplink::succession,
};

const KEY_LIFE: Duration = Duration::from_secs(3600);

/// What the parts of a running box share.
pub(super) struct BoxContext {
    pub(super) config: Arc<Config>,
    pub(super) state: State,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: LogHandle,
    pub(super) opened: OpenedLog,
    pub(super) faults: Faults,
    pub(super) volumes: Volumes,
    pub(super) trust: Trust,
    pub(super) client: Client,
    pub(super) recipients: Recipients,
    pub(super) cameras: Cameras,
    pub(super) rules: Rules,
    pub(super) holds: Holds,
    pub(super) confirmed: sweeper::Confirmed,
    pub(super) outlook: Outlook,
    /// The hub ordered that the log gets a successor.
    pub(super) succession: succession::Due,
    pub(super) stop: Stop,
    _lock: Flock<std::fs::File>,
}

impl BoxContext {
    pub(super) fn build(config: Config, stop: Stop) -> Result<(Self, BoxKey), RunError> {
        let config = Arc::new(config);
        let state = config.state();
        let lock = prepare(&state)?;
        let key = BoxKey::open_or_make(&state.identity())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (log, opened) = open_log(&config, &clock)?;
        let faults = Faults::new(log.clone(), clock.clone());
        announce(&config, &state, &log, &faults);
        if let Some(why) = &opened.succeeded {
            faults.on("log.broken", None, why);
        }
        // What is wrong with a volume is said by its monitor, now and later.
        let (volumes, _) = Volumes::open(&config.volumes, &config.name, key.public());
        let (trust, client) = (Trust::new(), Client::new(&state.reader_socket()));
        if let Some(last) = opened.last {
            trust.resumed(last);
        }
        let recipients = Recipients::load(&state);
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
        let rules = remembered::rules(&config);
        let holds = Holds::new(
            &config,
            rules.clone(),
            holds::Deps {
                volumes: volumes.clone(),
                log: log.clone(),
                index: state.index(),
                orders: state.orders(),
                client: client.clone(),
                clock: clock.clone(),
                trust: trust.clone(),
                faults: faults.clone(),
            },
        );
        let built = Self {
            config,
            state,
            clock,
            log,
            opened,
            faults,
            volumes,
            trust,
            client,
            recipients,
            cameras,
            rules,
            holds,
            confirmed: sweeper::Confirmed::default(),
            outlook: Outlook::default(),
            succession: succession::Due::default(),
            stop,
            _lock: lock,
        };
        Ok((built, key))
    }
}

/// Makes the folders and takes the lock that keeps a second instance out.
pub(crate) fn prepare(state: &State) -> Result<Flock<std::fs::File>, RunError> {
    let failed = |what: &'static str, path: &Path| {
        let path = path.display().to_string();
        move |source| RunError::State { what, path, source }
    };
    state.for_recorder()?;
    let path = state.lock();
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

fn open_log(config: &Config, clock: &Arc<dyn Clock>) -> Result<(LogHandle, OpenedLog), RunError> {
    let ordered = succession::carry_out(
        &config.state().recorder(),
        log_settings(config),
        clock.clone(),
    );
    if let Some(done) = ordered.map_err(RunError::Log)? {
        tracing::warn!(
            log = done.origin,
            before = done.pred.log,
            "a new log is begun, as the hub ordered"
        );
    }
    LogHandle::open(
        &config.state().recorder(),
        log_settings(config),
        clock.clone(),
    )
    .map_err(RunError::Log)
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
    format!("{} {}", plain::plain(&name, 80), std::env::consts::ARCH)
}

/// `cfg.set`, once for each configuration.
fn announce(config: &Config, state: &State, log: &LogHandle, faults: &Faults) {
    let (digest, path) = (hex(&config.digest), state.config_seen());
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
