//! Wiring. What every task of the hub is handed.

use std::{path::PathBuf, sync::Arc};

use shared::time::{Clock, Utc};

use crate::{
    acts::{self, Act},
    config::Config,
    db::Db,
    error::HubError,
    ingest::BoxLogs,
    keys::Keys,
    live::Connections,
    ownlog::OwnLog,
    printer::Printer,
    witness::{self, Watch},
};
use attempts::Attempts;
use denials::Denials;
use disks::Disks;
use looks::Looks;
use outside::Outside;
use pulls::Pulls;
use refusals::Refusals;
use sessions::Sessions;
use standings::Standings;

pub mod attempts;
pub mod denials;
pub mod disks;
pub mod lines;
pub mod looks;
pub mod outside;
pub mod owners;
pub mod pulls;
pub mod refusals;
pub mod roles;
pub mod sessions;
pub mod standings;
#[cfg(test)]
pub mod testing;
pub mod turns;

pub struct Hub {
    pub state: PathBuf,
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub keys: Arc<Keys>,
    pub db: Arc<Db>,
    pub log: OwnLog,
    pub live: Connections,
    pub logs: BoxLogs,
    pub pulls: Pulls,
    pub disks: Disks,
    pub looks: Looks,
    pub printer: Printer,
    pub standings: Standings,
    pub refusals: Refusals,
    pub denials: Denials,
    pub sessions: Sessions,
    pub attempts: Attempts,
    pub outside: Outside,
    /// Heads of other hubs' logs that this one attests.
    pub watch: Arc<Watch>,
    /// Where boxes really dial in (the port is known only once it is bound).
    pub quic: std::net::SocketAddr,
}

/// What a hub is made of, opened: its place, its records, its log.
pub struct Foundation {
    pub state: PathBuf,
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub keys: Arc<Keys>,
    pub db: Arc<Db>,
    pub log: OwnLog,
    /// Where boxes dial in.
    pub quic: std::net::SocketAddr,
}

impl Foundation {
    /// The hub, with nobody on the line. From here on lines of people say in which roles they acted, and whose cameras it was about.
    pub fn hub(self) -> Hub {
        let Self {
            state,
            config,
            clock,
            keys,
            db,
            log,
            quic,
        } = self;
        let (records, owned, wall) = (db.clone(), db.clone(), clock.clone());
        log.name_standing(
            Box::new(move |op| roles::at(&records, op, wall.now().wall)),
            Box::new(move |data| owners::of(&owned, data)),
        );
        let watch = Watch::new(&state.join(witness::FOLDER));
        let live = Connections::default();
        let logs = BoxLogs::new(
            &state,
            &config.scheme,
            db.clone(),
            log.clone(),
            keys.clone(),
            clock.clone(),
            live.clone(),
        );
        Hub {
            state,
            config,
            clock,
            keys,
            db,
            log,
            live,
            logs,
            pulls: Pulls::default(),
            looks: Looks::default(),
            printer: Printer::default(),
            standings: Standings::default(),
            disks: Disks::default(),
            refusals: Default::default(),
            denials: Default::default(),
            sessions: Default::default(),
            attempts: Default::default(),
            outside: Outside::default(),
            watch: Arc::new(watch),
            quic,
        }
    }
}

impl Hub {
    pub fn now(&self) -> Utc {
        self.clock.now().wall
    }

    /// One act: its line in the hub's log and its rows, both or neither. Blocking.
    pub fn act<T>(
        &self,
        work: impl FnOnce(&Act<'_>) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        acts::act(&self.db, &self.log, work)
    }
}
