//! Wiring. For tests: a whole hub in a temporary folder, with real records, keys and log, whose clock is the test's.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use shared::time::{Clock, Now, Utc};

use super::{Foundation, Hub, pulls::Pulls};
use crate::{
    config::{Config, Raw, RawSignIn},
    db::{Db, DbError, Tx, numbers::Numbered},
    keys::Keys,
    live::Connections,
    model::role::Role,
    ownlog::OwnLog,
};

pub const SCHEME: &str = "cctv.example.gov.uk";
/// The password of every account that [`Hub::account`] makes.
pub const PASSWORD: &str = "right horse";

/// A clock that stands still until the test sets it.
pub struct Hands(Mutex<Now>);

impl Clock for Hands {
    fn now(&self) -> Now {
        *self.0.lock().expect("clock")
    }
}

impl Hands {
    pub fn at(wall: Utc) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Now { wall, mono: 1000 })))
    }

    /// Goes on to this time.
    pub fn to(&self, t: Utc) {
        let mut now = self.0.lock().expect("clock");
        now.mono += u64::try_from(t.0 - now.wall.0).expect("time goes on");
        now.wall = t;
    }

    /// Goes on by so many milliseconds.
    pub fn later(&self, ms: u64) {
        let mut now = self.0.lock().expect("clock");
        now.mono += ms;
        now.wall = now.wall.plus_ms(i64::try_from(ms).expect("a span"));
    }
}

/// The configuration of a hub that listens on no port of its own.
pub fn config(dir: &Path) -> Config {
    let any = || Some("127.0.0.1:0".to_owned());
    let raw = Raw {
        scheme: Some(SCHEME.into()),
        zone: Some("Europe/London".into()),
        quic: any(),
        https: any(),
        evidence: Some("evidence".into()),
        address: None,
        lookup: None,
        names: None,
        holds: None,
        disks: None,
        outside: None,
        periods: None,
        sign_in: Some(RawSignIn {
            second_factor: Some(Vec::new()),
            origin: Some("https://hub.example.gov.uk:8443".into()),
        }),
    };
    let config = Config::check(raw, dir).expect("config");
    std::fs::create_dir_all(&config.evidence).expect("folder");
    config
}

/// The hub in this folder: made, if there is none, else as it was left.
pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Hub {
    let config = config(dir);
    let wall = clock.now().wall;
    let keys = Keys::load(dir, SCHEME).or_else(|_| Keys::create(dir, SCHEME, &[], wall));
    let keys = Arc::new(keys.expect("keys"));
    let db = Arc::new(Db::open(dir).expect("records"));
    let (log, _) = OwnLog::open(dir, SCHEME, keys.clone(), clock.clone()).expect("own log");
    let hub = Foundation {
        state: dir.to_owned(),
        quic: config.quic,
        config,
        clock,
        keys,
        db,
        log,
    };
    hub.hub()
}

impl Hub {
    /// What a restart leaves of this hub: log and keys, with these records; nobody is on the line.
    pub fn restarted_with(&self, db: Db) -> Hub {
        Hub {
            state: self.state.clone(),
            config: self.config.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            db: Arc::new(db),
            log: self.log.clone(),
            live: Connections::default(),
            logs: self.logs.clone(),
            disks: Default::default(),
            pulls: Pulls::default(),
            standings: Default::default(),
            looks: Default::default(),
            printer: self.printer.clone(),
            refusals: Default::default(),
            denials: Default::default(),
            sessions: Default::default(),
            attempts: Default::default(),
            outside: Default::default(),
            watch: self.watch.clone(),
            quic: self.quic,
        }
    }

    /// The same with a role that takes a second factor.
    pub fn takes_second_factors(&mut self, roles: &[Role]) {
        self.config.second_factor = roles.to_vec();
    }

    /// An account of this number, whose password costs next to nothing to check.
    pub fn account(&self, op: u32, name: &str, role: &str) {
        let role = Role::parse(role).expect("a role");
        let add = |tx: &Tx<'_>| {
            tx.number_used(Numbered::Account, op.into())?;
            tx.add_account(op, name, Some(role), &cheap(PASSWORD), false)
        };
        self.db.write(add).expect("account");
    }

    /// One of the next number, which is returned.
    pub fn hire(&self, name: &str, role: &str, password: &str) -> u32 {
        let role = Role::parse(role).expect("a role");
        let hire = |tx: &Tx<'_>| {
            let op = u32::try_from(tx.number(Numbered::Account)?).expect("a number");
            tx.add_account(op, name, Some(role), &cheap(password), false)?;
            Ok::<_, DbError>(op)
        };
        self.db.write(hire).expect("account")
    }
}

fn cheap(password: &str) -> String {
    let cheap = Params::new(8, 1, 1, None).expect("parameters");
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap)
        .hash_password_with_salt(password.as_bytes(), &[7; 16])
        .expect("hash");
    hash.to_string()
}
