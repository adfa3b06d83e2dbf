//! Pure. What the index answers with.
use shared::{
    id::{CameraId, HoldId},
    segment::{KeyId, SegmentName},
    time::{Day, Utc},
};

/// One segment as its `seg.write` line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Number of the log, and of the line in it.
    pub log: u64,
    pub n: u64,
    pub cam: CameraId,
    pub s: u64,
    /// The local day it was recorded under: its folder's.
    pub day: Day,
    pub t0: Utc,
    pub t1: Utc,
    pub size: u64,
    pub sha256: String,
    pub mask: Option<String>,
    pub key: String,
    pub leaf: [u8; 32],
    pub deleted: bool,
    /// A `seg.lost` line says that its file is gone.
    pub lost: bool,
    /// Start counter and monotonic time of its line.
    pub boot: u64,
    pub mono: u64,
}

impl Segment {
    /// The name its file was given (the second may differ for a recovered one: see `Volumes::find`).
    pub fn name(&self) -> SegmentName {
        SegmentName {
            day: self.day,
            cam: self.cam.clone(),
            start: Utc(self.t0.seconds() * 1000),
            s: self.s,
        }
    }
    pub fn key_id(&self) -> Option<KeyId> {
        KeyId::parse(&self.key).ok()
    }
}

/// What recovery asks of each segment that was ever logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    pub s: u64,
    pub t0: Utc,
    /// Sealed under an unknown clock: its name may tell another time than its line.
    pub boot_key: bool,
    /// Neither deleted nor lost.
    pub live: bool,
}

/// Bytes of one camera's footage of one UTC day, and the span they cover.
#[derive(Clone, Debug, PartialEq)]
pub struct DayBytes {
    pub cam: CameraId,
    /// Days since 1970.
    pub day: i64,
    pub bytes: u64,
    /// Milliseconds recorded.
    pub ms: u64,
}

/// A gap as its `seg.gap` line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    pub log: u64,
    pub n: u64,
    pub cam: CameraId,
    pub next: u64,
    pub t0: Utc,
    pub t1: Utc,
    pub why: String,
    pub packets: u64,
}

/// A hold, as the lines about it say.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    pub hold: HoldId,
    pub cam: CameraId,
    pub t0: Utc,
    pub t1: Utc,
    pub until: Utc,
    /// `set` of its newest `hold.kept`.
    pub kept: Option<String>,
    pub over: bool,
    /// Line number of its `hold.clear`; 0 while it is in force.
    pub cleared: u64,
}

impl Hold {
    pub fn touches(&self, s: &Segment) -> bool {
        s.cam == self.cam && s.t1 > self.t0 && s.t0 < self.t1
    }
    pub fn key(&self) -> KeyId {
        KeyId::Hold {
            cam: self.cam.clone(),
            hold: self.hold,
        }
    }
}

/// What is known of the clock of one start of the daemon.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    pub boot: u64,
    /// Its first line.
    pub t: Utc,
    pub mono: u64,
    /// A `clock.state` other than `unknown` was logged in it.
    pub known: bool,
    /// Steps of the wall clock: (mono, delta ms).
    pub steps: Vec<(u64, i64)>,
}

/// A `del.range` line without its `del.done`.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    pub n: u64,
    pub cam: CameraId,
    pub day: Day,
    pub s0: u64,
    pub s1: u64,
    pub key: String,
    /// It went before its day: its key stays until then.
    pub early: bool,
}
