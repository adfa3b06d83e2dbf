//! Pure. How many pictures a second there are: whoever sees a time-lapse must know it for one.
use shared::{time::Utc, types::RateSet};

use super::{Facts, of};

/// A run of masters at one rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub t0: Utc,
    pub t1: Utc,
    pub rate: Pace,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The camera's own.
    Own,
    /// One picture about every so many seconds.
    Lapse(String),
    /// A word that this release does not know.
    Other(String),
}

/// A change of rate, by its `rate.set` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub at: Utc,
    pub real_time: bool,
    /// start, order, event, end.
    pub why: String,
    /// The hub's order.
    pub order: Option<u64>,
}

pub(super) fn runs(f: &Facts<'_>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for m in f.masters {
        let word = m.line.rate.as_deref();
        let rate = match word.map(|r| (r, r.strip_prefix("timelapse-"))) {
            None | Some(("realtime", _)) => Pace::Own,
            Some((_, Some(secs))) => Pace::Lapse(secs.to_owned()),
            Some((other, None)) => Pace::Other(other.to_owned()),
        };
        match runs.last_mut() {
            Some(run) if run.rate == rate => run.t1 = m.line.t1,
            _ => runs.push(Run {
                t0: m.line.t0,
                t1: m.line.t1,
                rate,
            }),
        }
    }
    runs
}

pub(super) fn changes(f: &Facts<'_>) -> Vec<Change> {
    of::<RateSet>(f)
        .map(|(k, d)| Change {
            at: k.record.t,
            real_time: d.rate == "realtime",
            why: d.why,
            order: d.order,
        })
        .collect()
}
