//! Wiring. The task tree: what starts, in which order, and how it stops.
//!
//! ```text
//! run ── log (thread: own lines and heads) ── countersign (thread: own heads)
//!     ├─ socket     the API for commands over run/hub.sock
//!     ├─ arrivals   boxes over QUIC; one task per connection, one per stream
//!     ├─ fetch      clip requests; one task each
//!     ├─ keeper     holds: tells boxes, ends them in time
//!     ├─ moves      tells boxes where the hub will be
//!     ├─ pages      staff pages over HTTPS
//!     ├─ hourly     head.seen per box log
//!     ├─ certificates  the hub's own, renewed while it runs
//!     ├─ retention  certificates judged: faults that begin and end
//!     ├─ silence    boxes that are off the line: faults that begin and end
//!     ├─ disks      nearly full, or full: faults that begin and end
//!     ├─ room       boxes whose lines found no room hear when there is some
//!     ├─ outside    nightly heads to authorities for time stamps and to witnesses
//!     ├─ disposal   evidence past its period: disposals finished, drafts cleared, faults
//!     └─ watchdog   systemd
//! ```
//! Stop: commands and boxes first, then requests, the own log last, under a last countersigned head. It takes ten seconds at most:
//! what hangs is broken off, and nothing on record is lost by it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};
use shared::{time::Clock, types::Beat};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use crate::{
    access::{approvals, declaration, signin},
    acts,
    api::socket,
    backup::moment,
    blocking::blocking,
    config::{Config, is_name},
    db::Db,
    devices::{self, arrivals, silence},
    disposal,
    error::HubError,
    evidence::{cleanup, request},
    failure::CommandError,
    faults::disks,
    files,
    holds::keeper,
    hub::{Foundation, Hub},
    keys::{
        Keys,
        authority::{ServerCertificate, Side},
    },
    link::Listener,
    orders::{moves, touches},
    outside,
    ownlog::OwnLog,
    pulls::fetch,
    retention, web,
};

/// How long the hub takes to stop, at most: the pages' answers under way, all tasks, everything.
const STOP_PAGES: Duration = Duration::from_secs(4);
const STOP_TASKS: Duration = Duration::from_secs(5);
const STOP: Duration = Duration::from_secs(9);

/// One hub per state folder: held until the process ends.
pub fn lock_state(state: &Path) -> Result<Flock<File>, CommandError> {
    files::private_dir(&state.join("run"))?;
    let path = state.join("run").join("hub.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(files::failed("open", &path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        CommandError::Plain(format!(
            "another beadle-hub already runs on {}",
            state.display()
        ))
    })
}

pub fn load_config(state: &Path) -> Result<Config, CommandError> {
    let path = state.join("hub.toml");
    if !path.exists() {
        return Err(CommandError::Plain(format!(
            "there is no hub in {}; make one with `beadle-hub init --state {0}`",
            state.display()
        )));
    }
    Ok(Config::parse(&files::read_text(&path)?, state)?)
}

/// What the hub's certificates call it: as configured, else the name of this machine.
pub fn hub_names(config: &Config) -> Result<Vec<String>, CommandError> {
    if !config.names.is_empty() {
        return Ok(config.names.clone());
    }
    let path = Path::new("/proc/sys/kernel/hostname");
    let name = files::read_text(path)?.trim().to_ascii_lowercase();
    if !is_name(&name) || name == "localhost" {
        return Err(CommandError::Plain(format!(
            "names: missing, the hub listens on all addresses, and this machine is called {name:?}: nobody could tell it by its certificate. Nothing was started; write for example names = [\"hub.example.gov.uk\"] in hub.toml (`beadle-hub init --name`)"
        )));
    }
    tracing::warn!(
        "hub.toml has no names: the hub's certificates call it {name:?}, as this machine; write what staff type, names = [\"…\"]"
    );
    Ok(vec![name])
}

/// Builds everything the tasks are handed, and binds the ports.
pub fn build(
    state: PathBuf,
    config: Config,
    clock: Arc<dyn Clock>,
) -> Result<(Arc<Hub>, Listener, TcpListener), CommandError> {
    let names = hub_names(&config)?;
    let mut keys = Keys::load(&state, &config.scheme)?;
    let anew = keys.renew_authority(clock.now().wall)?;
    let keys = Arc::new(keys);
    let db = Arc::new(Db::open(&state)?);
    let listener = Listener::bind(config.quic, &names, &keys, clock.now().wall)?;
    let pages = web::bind(config.https)?;
    let quic = listener.local_addr()?;
    let (log, opened) = OwnLog::open(&state, &config.scheme, keys.clone(), clock.clone())?;
    if let Some(why) = &opened.succeeded {
        tracing::error!(
            "the hub's own log could not be continued, {} was begun: {why}",
            opened.origin
        );
    }
    let hub = Foundation {
        state,
        config,
        clock,
        keys,
        db,
        log,
        quic,
    };
    let hub = Arc::new(hub.hub());
    let plain = |e: HubError| CommandError::Plain(e.to_string());
    acts::settle(&hub.db, &hub.log).map_err(plain)?;
    if let Some(ca) = anew {
        hub.log.append("sys:cert", &ca)?;
    }
    hub.sessions.load(&hub.db, hub.now()).map_err(plain)?;
    declaration::look(&hub).map_err(plain)?;
    Ok((hub, listener, pages))
}

/// Runs until SIGTERM or SIGINT. A second signal ends it at once.
pub async fn run(
    hub: Arc<Hub>,
    listener: Listener,
    pages: TcpListener,
) -> Result<(), CommandError> {
    let broken = |what: &str, e: std::io::Error| CommandError::Plain(format!("cannot {what}: {e}"));
    let mut term = signal(SignalKind::terminate()).map_err(|e| broken("take signals", e))?;
    let mut int = signal(SignalKind::interrupt()).map_err(|e| broken("take signals", e))?;
    let commands = socket::bind(&hub.state).map_err(|e| broken("open run/hub.sock", e))?;
    if let Err(e) = moment::clear(&hub) {
        tracing::error!("the copy of the records that a backup was made of is still there: {e}");
    }
    let evidence = hub.config.evidence.clone();
    if let Ok(Err(e)) = blocking(move || cleanup::clear_unfinished(&evidence)).await {
        tracing::error!("what is left of packages that were being made could not be cleared: {e}");
    }
    let d = hub.clone();
    match blocking(move || d.db.packages_at(&d.config.evidence)).await {
        Ok(Ok(0)) | Err(_) => {}
        Ok(Ok(n)) => tracing::info!("{n} packages lie below another folder of evidence now"),
        Ok(Err(e)) => tracing::error!("where packages lie now was not noted: {e}"),
    }
    let d = hub.clone();
    if let Ok(Err(e)) = blocking(move || request::clear_fetched(&d)).await {
        tracing::error!(
            "what was fetched for packages that are made could not be looked through: {e}"
        );
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(socket::run(hub.clone(), commands));
    tasks.spawn(arrivals::run(hub.clone(), listener.clone()));
    tasks.spawn(fetch::run(hub.clone()));
    tasks.spawn(keeper::run(hub.clone()));
    tasks.spawn(moves::run(hub.clone()));
    let certificate = Arc::new(ServerCertificate::open(
        hub.keys.authority(),
        Side::Pages,
        &hub_names(&hub.config)?,
        hub.now(),
    )?);
    let tls = web::tls(certificate.clone())?;
    tasks.spawn(certificates(
        hub.clone(),
        vec![listener.certificate(), certificate],
    ));
    let (stop_pages, stopped) = tokio::sync::oneshot::channel::<()>();
    let staff = hub.clone();
    let mut serving = tokio::spawn(async move {
        let until = async { drop(stopped.await) };
        web::serve(pages, tls, staff, web::Times::default(), until).await;
    });
    tasks.spawn(hourly(hub.clone()));
    tasks.spawn(retention::watch::run(hub.clone()));
    tasks.spawn(silence::run(hub.clone()));
    tasks.spawn(devices::room::run(hub.clone()));
    tasks.spawn(disks::run(hub.clone()));
    tasks.spawn(disposal::watch::run(hub.clone()));
    tasks.spawn(outside::anchor::run(hub.clone()));
    tasks.spawn(watchdog());
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(quic = %hub.quic, scheme = hub.config.scheme, "the hub is up");
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        // No task ends by itself: one that does has panicked, and systemd starts the hub again.
        ended = tasks.join_next() => tracing::error!("a part of the hub ended: {ended:?}"),
        ended = &mut serving => tracing::error!("the pages ended: {ended:?}"),
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    end_in_any_case();
    drop(stop_pages);
    let stop = async {
        // The pages end by themselves, all else is cut off; what hangs is left behind.
        let ending = async {
            listener.close("the hub is stopping").await;
            tasks.shutdown().await;
        };
        let pages = async {
            if !serving.is_finished() {
                drop(tokio::time::timeout(STOP_PAGES, &mut serving).await);
            }
        };
        if tokio::time::timeout(STOP_TASKS, async { tokio::join!(ending, pages) })
            .await
            .is_err()
        {
            tracing::error!("a part of the hub did not stop; it is broken off");
        }
        close_log(&hub).await;
    };
    tokio::select! {
        () = stop => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    let _ = std::fs::remove_file(socket::path(&hub.state));
    Ok(())
}

/// Whatever hangs, the process ends: nothing that was promised waits for it, all of it is on disk.
fn end_in_any_case() {
    let spawned = std::thread::Builder::new().name("end".into()).spawn(|| {
        std::thread::sleep(STOP);
        tracing::error!(
            "the hub did not stop within {} s and is ended; nothing on record is lost",
            STOP.as_secs()
        );
        std::process::exit(1);
    });
    if let Err(e) = spawned {
        tracing::error!("no thread could be started: {e}");
    }
}

/// On a thread of its own: those for blocking work may all be taken.
async fn close_log(hub: &Arc<Hub>) {
    let (closed, done) = tokio::sync::oneshot::channel();
    let hub = hub.clone();
    let spawned = std::thread::Builder::new()
        .name("close".into())
        .spawn(move || {
            if let Err(e) = signin::note(&hub, true) {
                tracing::error!("refused sign-ins were not put on record: {e}");
            }
            if let Err(e) = hub.log.close("stop") {
                tracing::error!("the hub's own log: {e}");
            }
            // Nobody waits any more: the hub is past its time.
            let _ = closed.send(());
        });
    match spawned {
        Ok(_) => drop(done.await),
        Err(e) => tracing::error!("no thread could be started: {e}"),
    }
}

/// Renews the hub's own certificates when half of their life is over, and puts on the log what was made.
pub async fn certificates(hub: Arc<Hub>, own: Vec<Arc<ServerCertificate>>) {
    let mut tick = tokio::time::interval(Duration::from_secs(60));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let (d, own) = (hub.clone(), own.clone());
        let done = blocking(move || {
            for certificate in &own {
                look_at(&d, certificate);
            }
        });
        if done.await.is_err() {
            return;
        }
    }
}

/// One look at one of them; what fails is tried again at the next. Blocking.
pub fn look_at(hub: &Hub, certificate: &ServerCertificate) {
    if let Err(e) = certificate.renew_if_due(hub.keys.authority(), hub.now()) {
        tracing::error!(
            "the hub's certificate could not be renewed, and the one before goes on: {e}"
        );
    }
    if let Some(news) = certificate.take_news() {
        match hub.log.append("sys:cert", &news) {
            Ok(_) => {
                tracing::info!(of = news.what, until = %news.until, "the hub has a new certificate")
            }
            Err(e) => {
                tracing::error!("the hub's new certificate is not on the log yet: {e}");
                certificate.put_back(news);
            }
        }
    }
}

async fn hourly(hub: Arc<Hub>) {
    let mut tick = tokio::time::interval(Duration::from_secs(60));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let d = hub.clone();
        let noted = blocking(move || {
            d.log.handle().set_beat(beat(&d));
            if let Err(e) = signin::note(&d, false) {
                tracing::error!("refused sign-ins were not put on record: {e}");
            }
            if let Err(e) = approvals::waiting(&d) {
                tracing::error!("requests whose time is over were not put aside: {e}");
            }
            if let Err(e) = touches::settle(&d) {
                tracing::error!("orders that nobody touched a passkey for were not ended: {e}");
            }
            if let Err(e) = declaration::look(&d) {
                tracing::error!("the declaration was not looked at: {e}");
            }
            d.logs.note_heads_seen(3_600_000)
        });
        if let Ok(Err(e)) = noted.await {
            tracing::error!("head.seen: {}", e.why);
        }
    }
}

/// What the hub's own `beat` lines say: room left for evidence; boxes on the line in the place of cameras.
fn beat(hub: &Hub) -> Beat {
    let free = nix::sys::statvfs::statvfs(&hub.state)
        .map_or(0, |v| v.blocks_available() * v.fragment_size());
    Beat {
        free_mib: free >> 20,
        cams: hub.live.count() as u64,
        temp_c: None,
    }
}

/// Tells systemd we live, twice per its deadline; proves that the scheduler turns.
async fn watchdog() {
    let every = sd_notify::watchdog_enabled().map_or(Duration::from_secs(3600), |d| d / 2);
    let mut tick = tokio::time::interval(every.max(Duration::from_millis(100)));
    loop {
        tick.tick().await;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
    }
}
