//! Pure. Packets to segment boundaries, and segments to consecutive numbers.
//!
//! ```text
//! Unit (decode order) → [bracket: proved ones] → [rate: which of them] → order: dts and duration → cutter: segments and fragments → [store/writer] → sequence: s, gaps → seg.write
//! ```
pub mod anchor;
pub mod cutter;
pub mod gauge;
pub mod order;
pub mod rate;
#[cfg(test)]
mod rate_tests;
pub mod stamps;
#[cfg(test)]
mod time_tests;

use bytes::Bytes;
use footage::mp4::Parameters;

/// RTP video runs at 90 kHz.
pub const TICKS_PER_SEC: i64 = 90_000;

/// Microseconds of so many ticks.
pub fn ticks_us(ticks: i64) -> i64 {
    ticks.saturating_mul(100) / 9
}

/// One access unit as a camera (or the picture worker) sent it, in decode order.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Presentation time in ticks of the session.
    pub pts: i64,
    /// Wall time of the picture in µs, fixed when it arrives: whatever it waits for afterwards (a painter, a proof, a disk) does not
    /// change it.
    pub wall_us: i64,
    /// What its wall time rests on.
    pub dated: Dated,
    pub key: bool,
    /// Length-prefixed NAL units (4 bytes).
    pub bytes: Bytes,
    /// Packets of the network lost just before it.
    pub lost: u32,
    /// Pictures that the box itself left out just before it: a painter that could not keep up, pictures that were not proved, a full
    /// queue. Never what the network lost.
    pub shed: u32,
    /// Set on the first unit of a session and on the unit that changes them.
    pub parameters: Option<Parameters>,
}

impl Unit {
    /// Wall time, in µs, of time zero of the session as this picture has it.
    pub fn origin_us(&self) -> i64 {
        self.wall_us.saturating_sub(ticks_us(self.pts))
    }
}

/// What the wall time of a picture rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dated {
    /// The camera's time stamps say nothing: the picture bears the time at which it arrived.
    pub by_arrival: bool,
    /// The time may be wrong by so many ms: the camera's stamps and the arrivals contradict each other, and it is not known which of
    /// them is right.
    pub doubt_ms: u32,
    /// How often the relation of stamps and time was found wrong and put right before this picture, in this session.
    pub corrections: u32,
    /// How often the box's clock was set before this picture, in this session.
    pub clock_sets: u32,
}

/// What all pictures of a session went through. A segment is of one session, so this is true of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    pub how: Guarded,
    /// The mask in force, lifted or not.
    pub mask: Option<String>,
}

/// How the mask was imposed: the `how` of a `seg.write` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// There is none.
    None,
    /// The box painted it.
    Burned,
    /// The camera painted it, and the box proved each key frame.
    Proved,
    /// An order lifted it.
    Lifted,
}

impl Guarded {
    pub fn code(self) -> &'static str {
        match self {
            Guarded::None => "none",
            Guarded::Burned => "burned",
            Guarded::Proved => "proved",
            Guarded::Lifted => "lifted",
        }
    }
}

/// A frame of sound, as the camera encoded it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// When it begins, in µs by the box's clock.
    pub wall_us: i64,
    /// In samples.
    pub duration: u32,
    pub bytes: Bytes,
}

/// Why pictures are missing: the `why` of a `seg.gap` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Beadle was not running.
    Start,
    Lost,
    Stall,
    Unreachable,
    Password,
    /// The camera asks for a login that is not spoken, or not allowed.
    Login,
    /// The camera's certificate is not the accepted one.
    Certificate,
    /// The camera answers, but not so that it is understood.
    Answer,
    Unsupported,
    /// The camera's time stamps jumped.
    Jump,
    /// Packets were lost on the way.
    Loss,
    /// The box's clock was set.
    Clock,
    Disk,
    /// The disk was too slow: fragments were dropped.
    Shed,
    /// No key to seal with: the reader has never run.
    Reader,
    Mask,
    /// The camera's own mask could not be proved.
    Unproved,
    /// Another mask came into force, or one was lifted, or came back.
    Rule,
    /// The box cannot carry painting this camera's mask.
    Capacity,
    /// What the camera sent could not be understood, so that the session had to be begun again.
    Damaged,
    /// The camera sent more than any camera does.
    Flood,
    /// The camera sent no key frame for so long that the session was begun again.
    NoKey,
}

impl Cause {
    pub fn code(self) -> &'static str {
        match self {
            Cause::Start => "start",
            Cause::Lost => "lost-session",
            Cause::Stall => "stall",
            Cause::Unreachable => "unreachable",
            Cause::Password => "password",
            Cause::Login => "login",
            Cause::Certificate => "certificate",
            Cause::Answer => "answer",
            Cause::Unsupported => "unsupported",
            Cause::Jump => "jump",
            Cause::Loss => "loss",
            Cause::Clock => "clock",
            Cause::Disk => "disk",
            Cause::Shed => "shed",
            Cause::Reader => "reader",
            Cause::Mask => "mask-worker",
            Cause::Unproved => "mask-unproved",
            Cause::Rule => "mask-change",
            Cause::Capacity => "mask-capacity",
            Cause::Damaged => "damaged",
            Cause::Flood => "flood",
            Cause::NoKey => "no-key",
        }
    }
}
