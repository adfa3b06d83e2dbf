//! Pure. What is missing between and inside the masters, as the log has it.
use shared::{
    time::Utc,
    types::{FaultOff, FaultOn, SegGap, SegLost, SysBoot},
};

use super::{Facts, Master, of, read};
use crate::papers::lines::LogLine;

/// What a gap line does not have to say: less is lost when a session begins again (rule of the log).
pub const SILENT_MS: i64 = 500;

/// A stretch without footage, by its `seg.gap` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub t0: Utc,
    pub t1: Utc,
    pub why: String,
    pub packets: u64,
}

/// A segment that was found missing or damaged, by its `seg.lost` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostSegment {
    pub s: u64,
    pub why: String,
}

/// What is missing inside one master, by its `seg.write` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// Where in it; None where the line does not say.
    pub between: Option<(Utc, Utc)>,
    pub packets: u64,
    pub pictures: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Continuity {
    pub gaps: Vec<Gap>,
    pub lost: Vec<LostSegment>,
    pub short: Vec<Short>,
    /// Packets that the network lost, and pictures that the recorder left out, inside masters.
    pub packets: u64,
    pub pictures: u64,
    /// Stretches between two masters that no gap line speaks of, since they are too short for one: how many, and milliseconds in all.
    pub seams: (u64, i64),
}

pub(super) fn continuity(f: &Facts<'_>) -> Continuity {
    between(f.masters, f.lines)
}

/// What is missing between and inside these masters, by these lines.
pub fn between(masters: &[Master], lines: &[&LogLine]) -> Continuity {
    let gaps: Vec<Gap> = read::<SegGap>(lines)
        .map(|(_, g)| Gap {
            t0: g.t0,
            t1: g.t1,
            why: g.why,
            packets: g.packets,
        })
        .collect();
    let lost = read::<SegLost>(lines).map(|(_, l)| LostSegment { s: l.s, why: l.why });
    let short = masters.iter().map(|m| &m.line);
    let short = short.filter(|l| l.lost > 0 || l.shed > 0).map(|l| Short {
        between: l.short_t0.zip(l.short_t1),
        packets: l.lost,
        pictures: l.shed,
    });
    let short: Vec<Short> = short.collect();
    let sum = |of: fn(&Short) -> u64| short.iter().map(of).fold(0, u64::saturating_add);
    let seams = masters.windows(2).filter_map(|w| {
        let (end, next) = (w[0].line.t1, w[1].line.t0);
        let ms = next.0.saturating_sub(end.0);
        let declared = gaps.iter().any(|g| g.t0 < next && g.t1 > end);
        (ms > 0 && ms <= SILENT_MS && !declared).then_some(ms)
    });
    let seams = seams.fold((0, 0), |(n, all), ms| (n + 1, all + ms));
    Continuity {
        lost: lost.collect(),
        packets: sum(|s| s.packets),
        pictures: sum(|s| s.pictures),
        seams,
        short,
        gaps,
    }
}

/// Something that was wrong, or a start of the recorder, by its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: Utc,
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A fault began, or had begun before and stood; code of shared::conditions.
    Raised(String),
    Over(String),
    /// start, crash, stall, update, restore; and the software that started.
    Started {
        why: String,
        software: String,
    },
}

/// In the order of their times.
pub(super) fn events(f: &Facts<'_>) -> Vec<Event> {
    let raised = of::<FaultOn>(f).map(|(k, d)| (k, Happening::Raised(d.code)));
    let over = of::<FaultOff>(f).map(|(k, d)| (k, Happening::Over(d.code)));
    let from = f.masters.first().map(|m| m.n);
    // A start before the first master is there to say which software it was.
    let started = of::<SysBoot>(f)
        .filter(|(k, _)| from.is_none_or(|from| k.n() > from))
        .map(|(k, d)| {
            let (why, software) = (d.why, d.sw);
            (k, Happening::Started { why, software })
        });
    let mut all: Vec<(u64, Event)> = raised
        .chain(over)
        .chain(started)
        .map(|(k, what)| {
            (
                k.n(),
                Event {
                    at: k.record.t,
                    what,
                },
            )
        })
        .collect();
    all.sort_by_key(|(n, e)| (e.at, *n));
    all.into_iter().map(|(_, e)| e).collect()
}
