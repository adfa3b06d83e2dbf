//! What the unit tests of several modules need: a log of a test box, its lines, a clock that is set by hand, a unit.
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use logbook::{LogFolder, LogHandle, OpenedLog, Settings};
use shared::{
    id::CameraId,
    record::Record,
    time::{Clock, Now, Utc},
};

use crate::{
    config::{Address, Camera, Transport},
    segment::{Dated, Unit},
};

/// The log of the box ashby.
pub(crate) fn open_log(home: &Path, clock: Arc<dyn Clock>) -> (LogHandle, OpenedLog) {
    let settings = Settings {
        base: "cctv.example.gov.uk/box/ashby".into(),
        site: "Ashby".into(),
        hw: "test".into(),
        sw: "test".into(),
        key_life: Duration::from_secs(3600),
        acks: true,
        resume: true,
    };
    LogHandle::open(home, settings, clock).expect("log opens")
}

/// Every whole line of a log.
pub(crate) fn lines(log: &LogHandle) -> Vec<Record> {
    let bytes = LogFolder::new(&log.folder())
        .read_lines(0, u64::MAX, usize::MAX)
        .expect("log is read");
    bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|l| Record::parse(l).expect("a record"))
        .collect()
}

/// A clock that goes when it is told to.
pub(crate) struct Hands(pub Mutex<Now>);

impl Hands {
    pub fn new(wall: Utc, mono: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Now { wall, mono })))
    }
    pub fn pass(&self, ms: u64) {
        let mut now = self.0.lock().expect("clock");
        now.mono += ms;
        now.wall = now.wall.plus_ms(ms as i64);
    }
    /// Time passes until then.
    pub fn reach(&self, wall: Utc) {
        let now = self.0.lock().expect("clock").wall;
        self.pass(u64::try_from(wall.0 - now.0).unwrap_or(0));
    }
    pub fn set(&self, wall: Utc) {
        self.0.lock().expect("clock").wall = wall;
    }
}

impl Clock for Hands {
    fn now(&self) -> Now {
        *self.0.lock().expect("clock")
    }
}

/// A unit with nothing in it, of a session whose time zero is that of the clock.
pub(crate) fn unit(pts: i64, key: bool) -> Unit {
    Unit {
        pts,
        wall_us: crate::segment::ticks_us(pts),
        dated: Dated::default(),
        key,
        bytes: bytes::Bytes::new(),
        lost: 0,
        shed: 0,
        parameters: None,
    }
}

/// A camera with nothing set but what must be.
pub(crate) fn camera(id: CameraId) -> Camera {
    Camera {
        id,
        title: "T".into(),
        url: Address::parse("rtsp://10.0.0.1/").expect("url"),
        username: None,
        password: None,
        password_from: None,
        transport: Transport::Tcp,
        basic: false,
        tls_ca: None,
        retention_days: 31,
        ptz: false,
        mask: None,
        timelapse: None,
        sound: None,
    }
}

/// The `avcC` of a stream whose pictures are two fields each, with a message on every one that says which comes first.
pub fn config_of_fields() -> Vec<u8> {
    let sps = [
        0x67, 0x4d, 0x40, 0x1e, 0xf4, 0x05, 0x81, 0x26, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0,
        0xc8, 0x7c, 0x50, 0xaa, 0x80,
    ];
    let pps = [0x68, 0xde, 0x0f, 0xc8];
    let mut config = vec![1, 0x4d, 0x40, 0x1e, 0xff, 0xe1, 0, sps.len() as u8];
    config.extend(sps);
    config.extend([1, 0, pps.len() as u8]);
    config.extend(pps);
    config
}
