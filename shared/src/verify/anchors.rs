//! Pure. How far the hub's countersignatures reach into a log, and what its clock says of the recorder's.

use super::{
    Anchored,
    words::{self as w, say},
};
use crate::{check::Finding, record::Record, time::Utc};

/// A stretch that is longer than this between two hub times, before the first or above the last, was anchored late.
const LATE_SECS: u64 = 3600;
/// A first stretch that is longer is noted.
const FIRST_SECS: u64 = 300;
/// Clocks further apart are noted.
const APART_SECS: i64 = 60;

/// Lines in a piece of what is kept of each.
const PIECE: usize = 1 << 16;

/// A good countersignature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Countersignature {
    pub size: u64,
    /// Of the hub, in seconds since 1970.
    pub time: u64,
    /// Line that bears it, and that line's time; of a head alone, none.
    pub line: Option<(u64, Utc)>,
}

impl Countersignature {
    pub fn head(size: u64, time: u64) -> Self {
        Self {
            size,
            time,
            line: None,
        }
    }
    pub fn ack(size: u64, time: u64, place: u64, t: Utc) -> Self {
        Self {
            size,
            time,
            line: Some((place, t)),
        }
    }
}

#[derive(Clone, Copy)]
struct Clocks {
    t: Utc,
    boot: u64,
    mono: u64,
}

/// How much time passed up to each line, by the recorder's own clocks: within a start the steady one, over a restart the other, which
/// cannot go back.
#[derive(Default)]
pub struct Anchors {
    /// Whole seconds, in pieces of [`PIECE`] lines, so that they never lie in memory twice; a line that cannot be read has those of the
    /// line before.
    passed: Vec<Vec<u32>>,
    ms: u64,
    before: Option<Clocks>,
}

impl Anchors {
    pub fn line(&mut self, record: Option<&Record>) {
        if let Some(record) = record {
            if let Some(before) = self.before {
                self.ms += if record.boot == before.boot {
                    record.mono.saturating_sub(before.mono)
                } else {
                    u64::try_from(record.t.0 - before.t.0).unwrap_or(0)
                };
            }
            self.before = Some(Clocks {
                t: record.t,
                boot: record.boot,
                mono: record.mono,
            });
        }
        let secs = u32::try_from(self.ms / 1000).unwrap_or(u32::MAX);
        match self.passed.last_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => piece.push(secs),
            None => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(secs);
                self.passed.push(piece);
            }
        }
    }

    /// Seconds to a line.
    fn secs(&self, line: u64) -> u64 {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let piece = self.passed.get(line / PIECE);
        let at = piece.and_then(|piece| piece.get(line % PIECE));
        let last = || self.passed.last().and_then(|piece| piece.last());
        at.or_else(last).copied().unwrap_or(0).into()
    }

    /// What good countersignatures of a log of `size` lines reach.
    pub fn judge(
        &self,
        mut said: Vec<Countersignature>,
        size: u64,
        findings: &mut Vec<Finding>,
    ) -> Anchored {
        said.sort_unstable_by_key(|c| (c.size, c.time, c.line.map_or(u64::MAX, |(n, _)| n)));
        let (Some(first), Some(last)) = (said.first(), said.last()) else {
            return Anchored::NotYet;
        };
        let mut late = said
            .windows(2)
            .any(|pair| pair[1].time.saturating_sub(pair[0].time) > LATE_SECS);
        let reached = first.line.map_or(first.size.saturating_sub(1), |(n, _)| n);
        let secs = self.secs(reached);
        if secs > FIRST_SECS {
            let text = say(w::LATE_FIRST, &[&first.size, &hub_time(first.time), &secs]);
            findings.push(Finding::new("LATE-FIRST", "line 0", text));
            late |= secs > LATE_SECS;
        }
        let above = size.saturating_sub(last.size);
        if above > 0 {
            let secs = self.secs(size.saturating_sub(1)) - self.secs(last.size.saturating_sub(1));
            let text = say(w::ABOVE_COUNTERSIGNED, &[&above, &secs]);
            findings.push(Finding::new("ABOVE-COUNTERSIGNED", "tail", text));
            late |= secs > LATE_SECS;
        }
        clocks(&said, findings);
        match late {
            true => Anchored::Late,
            false => Anchored::Well,
        }
    }
}

/// The recorder's clock against the hub's, and the hub's against itself.
fn clocks(said: &[Countersignature], findings: &mut Vec<Finding>) {
    let apart = |c: &Countersignature| {
        let (line, t) = c.line?;
        let hub = i64::try_from(c.time).unwrap_or(i64::MAX);
        Some((t.seconds().saturating_sub(hub), line))
    };
    let all: Vec<(i64, u64)> = said.iter().filter_map(apart).collect();
    let wide = || all.iter().filter(|(secs, _)| secs.abs() > APART_SECS);
    // The first of those that are furthest apart.
    let most = wide().rev().max_by_key(|(secs, _)| secs.abs());
    if let Some((secs, line)) = most {
        let way = if *secs > 0 { "ahead" } else { "behind" };
        let text = say(
            w::CLOCK_APART,
            &[&wide().count(), &all.len(), line, &secs.abs(), &way],
        );
        findings.push(Finding::new("CLOCK-APART", "log", text));
    }
    if let Some(pair) = said.windows(2).find(|p| p[1].time < p[0].time) {
        let (one, other) = (hub_time(pair[1].time), hub_time(pair[0].time));
        let text = say(w::HUB_CLOCK_BACK, &[&pair[1].size, &one, &other]);
        let place = format!("cosigned {}", pair[1].size);
        findings.push(Finding::new("HUB-CLOCK-BACK", place, text));
    }
}

/// A hub's time as it is said: as a line's times, without milliseconds; as a number where the calendar ends.
pub(super) fn hub_time(secs: u64) -> String {
    /// 9999-01-01T00:00:00Z
    const END: u64 = 253_370_764_800;
    match i64::try_from(secs).ok().filter(|_| secs < END) {
        Some(secs) => Utc(secs.saturating_mul(1000)).to_string(),
        None => format!("{secs} s after 1970"),
    }
}
