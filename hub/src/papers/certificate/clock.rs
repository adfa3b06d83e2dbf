//! Pure. What the times in a package are worth: the recorder's clock by its own readings, the camera's, and the hub's on either side.
use shared::{
    time::Utc,
    types::{CamSession, ClockState, ClockStep, HeadAck},
};

use super::{Facts, of};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    Synchronised,
    /// It was, and runs on without its source.
    RunningOn,
    /// Nothing says that it is right.
    Unknown,
}

/// What the recorder found of its clock, by a `clock.state` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub at: Utc,
    pub trust: Trust,
    /// kernel, hub, log, none.
    pub source: String,
    /// The source's time minus the clock's: so much the clock was slow.
    pub slow_us: i64,
    /// So much that may be wrong.
    pub error_us: i64,
}

/// The clock was set, by a `clock.step` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub at: Utc,
    /// Forward where positive.
    pub ms: i64,
    pub source: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The one in force when the first master began, then those in the span.
    pub readings: Vec<Reading>,
    pub steps: Vec<Step>,
    /// From then on so many masters are dated by when their pictures arrived.
    pub arrival: Option<(Utc, u64)>,
    /// Beginnings of masters, and how many milliseconds the times inside may be wrong.
    pub off: Vec<(Utc, u64)>,
    /// The camera's clock minus the recorder's, milliseconds: least and most that was found.
    pub camera_ms: Option<(i64, i64)>,
    /// Hub time of the newest countersignature that covers none of the masters, and of the first that covers all of them.
    pub after: Option<Utc>,
    pub before: Option<Utc>,
}

pub(super) fn clock(f: &Facts<'_>) -> Clock {
    let readings = of::<ClockState>(f).map(|(k, c)| Reading {
        at: k.record.t,
        trust: match c.trust.as_str() {
            "synced" => Trust::Synchronised,
            "holdover" => Trust::RunningOn,
            _ => Trust::Unknown,
        },
        source: c.src,
        slow_us: c.offset_us,
        error_us: c.err_us,
    });
    let steps = of::<ClockStep>(f).map(|(k, s)| Step {
        at: k.record.t,
        ms: s.delta_ms,
        source: s.src,
    });
    let arrival = || {
        let masters = f.masters.iter();
        masters.filter(|m| m.line.stamps.as_deref() == Some("arrival"))
    };
    let off = f.masters.iter();
    let off = off.filter_map(|m| Some((m.line.t0, m.line.off_ms?)));
    // By the footage itself where it says so, else by the session it came from.
    let own: Vec<i64> = f.masters.iter().filter_map(|m| m.line.offset_ms).collect();
    let session = || of::<CamSession>(f).last().and_then(|(_, c)| c.offset_ms);
    let found = if own.is_empty() {
        session().into_iter().collect()
    } else {
        own
    };
    let numbers = || f.masters.iter().map(|m| m.n);
    let (first, last) = (numbers().min(), numbers().max());
    let time = |a: &HeadAck| Utc(i64::try_from(a.time).unwrap_or(0).saturating_mul(1000));
    let acks: Vec<HeadAck> = of::<HeadAck>(f).map(|(_, a)| a).collect();
    let none = |a: &&HeadAck| first.is_some_and(|n| a.size <= n);
    let all = |a: &&HeadAck| last.is_some_and(|n| a.size > n);
    let covers = acks.iter().find(all).map(time);
    Clock {
        readings: readings.collect(),
        steps: steps.collect(),
        arrival: arrival()
            .next()
            .map(|m| (m.line.t0, arrival().count() as u64)),
        off: off.collect(),
        camera_ms: found.iter().min().copied().zip(found.iter().max().copied()),
        after: acks.iter().rev().find(none).map(time),
        before: covers.or_else(|| {
            let size = f.size;
            last.is_some_and(|n| size > n).then_some(f.countersigned)
        }),
    }
}
