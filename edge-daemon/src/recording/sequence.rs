//! Pure. Which number (`s`) a segment gets, and which gap line goes before it.
//!
//! `s` must be consecutive in the log, in the order segments began. But a file is named when it begins, before it is known
//! whether those before it will land, and before the torn files of the last start are dealt with. So a file gets a provisional
//! number, and the one it is logged under when its turn comes: everything before it landed or failed, and recovery is done.
//! The line always carries the number of the file's final name.
//!
//! ```text
//! begin → provisional s → closed | failed … head of the queue, recovered → Ready { s, gap } → logged
//! ```
use std::collections::VecDeque;

use shared::time::Utc;

use crate::segment::Cause;

/// Longest hole between two segments that counts as continuous.
pub const CONTINUOUS_MS: i64 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub t0: Utc,
    pub t1: Utc,
    pub why: Cause,
    pub packets: u64,
}

#[derive(Debug)]
enum State<T> {
    Open,
    Closed(T),
    Failed,
}

#[derive(Debug)]
struct Slot<T> {
    id: u64,
    named: u64,
    t0: Utc,
    gap: Option<(Cause, u64)>,
    state: State<T>,
}

/// A segment whose turn has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready<T> {
    pub id: u64,
    /// Number in the file's present name.
    pub named: u64,
    /// Number it is to have.
    pub s: u64,
    pub gap: Option<Gap>,
    pub closed: T,
}

/// One camera's numbers. `T` is what is known of a closed segment.
#[derive(Debug)]
pub struct Sequence<T> {
    last: Option<(u64, Utc)>,
    highest_on_disk: u64,
    recovered: bool,
    /// Why the next gap, when segments that failed leave one.
    carried: Option<(Cause, u64)>,
    slots: VecDeque<Slot<T>>,
    begun: u64,
    settled: u64,
}

impl<T> Sequence<T> {
    /// `last`: what the log says; `highest_on_disk`: of all files, torn ones too.
    pub fn new(last: Option<(u64, Utc)>, highest_on_disk: u64) -> Self {
        Self {
            last,
            highest_on_disk,
            recovered: false,
            carried: None,
            slots: VecDeque::new(),
            begun: 0,
            settled: 0,
        }
    }

    /// Torn segments are dealt with; `last` is what the log says now.
    pub fn recovered(&mut self, last: Option<(u64, Utc)>) {
        if let Some(new) = last {
            // Recovery may only have added to the log.
            if self.last.is_none_or(|old| new.0 >= old.0) {
                self.last = Some(new);
            }
        }
        self.recovered = true;
    }

    /// A segment begins: its provisional number.
    pub fn begin(&mut self, id: u64, t0: Utc, gap: Option<(Cause, u64)>) -> u64 {
        let logged = self.last.map_or(0, |l| l.0);
        let base = if self.recovered {
            logged
        } else {
            logged.max(self.highest_on_disk)
        };
        let ahead = self
            .slots
            .iter()
            .filter(|s| !matches!(s.state, State::Failed))
            .count() as u64;
        let newest = self.slots.iter().map(|s| s.named).max().unwrap_or(0);
        let named = (base + ahead).max(newest) + 1;
        self.slots.push_back(Slot {
            id,
            named,
            t0,
            gap,
            state: State::Open,
        });
        self.begun += 1;
        named
    }

    pub fn closed(&mut self, id: u64, closed: T) {
        self.set(id, State::Closed(closed));
    }

    /// The segment will have no line: it never began, or its disk failed.
    pub fn failed(&mut self, id: u64, cause: Cause) {
        if let Some(slot) = self
            .slots
            .iter_mut()
            .find(|s| s.id == id && !matches!(s.state, State::Failed))
        {
            slot.state = State::Failed;
            let packets = slot.gap.map_or(0, |g| g.1);
            // A segment that failed hands its own gap on; when it had none, it is one.
            slot.gap = Some(slot.gap.map_or((cause, packets), |g| g));
        }
    }

    fn set(&mut self, id: u64, state: State<T>) {
        if let Some(slot) = self
            .slots
            .iter_mut()
            .find(|s| s.id == id && matches!(s.state, State::Open))
        {
            slot.state = state;
        }
    }

    /// The next segment to be logged, if its turn has come. Call [`Sequence::logged`] or [`Sequence::skip`] after.
    #[allow(clippy::should_implement_trait)] // it gives the same one until it is settled
    pub fn next(&mut self) -> Option<Ready<T>>
    where
        T: Clone,
    {
        if !self.recovered {
            return None;
        }
        while let Some(slot) = self.slots.front() {
            match &slot.state {
                State::Open => return None,
                State::Failed => {
                    let gap = slot.gap;
                    self.drop_head();
                    self.carry(gap);
                }
                State::Closed(closed) => {
                    let s = self.last.map_or(0, |l| l.0) + 1;
                    let gap = self.last.and_then(|(_, t1)| {
                        let (why, packets) = self.carried.or(slot.gap).unwrap_or((Cause::Clock, 0));
                        let hole = slot.t0.0 - t1.0;
                        // Packets that are missing are said, however short the hole.
                        (hole > CONTINUOUS_MS || (packets > 0 && hole >= 0)).then_some(Gap {
                            t0: t1,
                            t1: slot.t0,
                            why,
                            packets,
                        })
                    });
                    return Some(Ready {
                        id: slot.id,
                        named: slot.named,
                        s,
                        gap,
                        closed: closed.clone(),
                    });
                }
            }
        }
        None
    }

    fn carry(&mut self, gap: Option<(Cause, u64)>) {
        self.carried = match (self.carried, gap) {
            (Some((c, n)), Some((_, m))) => Some((c, n + m)),
            (a, b) => a.or(b),
        };
    }

    fn drop_head(&mut self) {
        if self.slots.pop_front().is_some() {
            self.settled += 1;
        }
    }

    /// The head's line is in the log.
    pub fn logged(&mut self, s: u64, t1: Utc) {
        self.last = Some((s, t1));
        self.carried = None;
        self.drop_head();
    }

    /// The head cannot be logged after all.
    pub fn skip(&mut self, cause: Cause) {
        let gap = self.slots.front().and_then(|s| s.gap).or(Some((cause, 0)));
        self.drop_head();
        self.carry(gap);
    }

    pub fn last(&self) -> Option<(u64, Utc)> {
        self.last
    }
    /// Segments begun so far; a caller waits until [`Sequence::settled`] has reached it.
    pub fn begun(&self) -> u64 {
        self.begun
    }
    /// Segments whose line is in the log, or that will never have one.
    pub fn settled(&self) -> u64 {
        self.settled
    }
    pub fn open_ids(&self) -> Vec<u64> {
        self.slots
            .iter()
            .filter(|s| matches!(s.state, State::Open))
            .map(|s| s.id)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Utc {
        Utc(s * 1000)
    }
    type Seq = Sequence<&'static str>;

    /// AUD-2: numbers are consecutive in the log whatever became of the files.
    #[test]
    fn numbers_follow_the_log() {
        let mut q = Seq::new(Some((41, t(100))), 43);
        assert_eq!(q.begin(1, t(200), Some((Cause::Start, 0))), 44);
        q.closed(1, "a");
        assert_eq!(q.next(), None, "held back until recovery is done");
        assert_eq!(q.begin(2, t(260), None), 45);
        // Of the two torn files (42, 43) one was worthless.
        q.recovered(Some((42, t(150))));
        let ready = q.next().expect("ready");
        assert_eq!((ready.named, ready.s), (44, 43));
        assert_eq!(
            ready.gap,
            Some(Gap {
                t0: t(150),
                t1: t(200),
                why: Cause::Start,
                packets: 0
            })
        );
        q.logged(43, t(260));
        assert_eq!(q.next(), None);
        q.closed(2, "b");
        let ready = q.next().expect("ready");
        assert_eq!((ready.named, ready.s, ready.gap), (45, 44, None));
        q.logged(44, t(320));
        assert_eq!(q.begin(3, t(320), None), 45);
        assert_eq!((q.begun(), q.settled()), (3, 2));
    }

    #[test]
    fn first_segment_ever() {
        let mut q = Seq::new(None, 0);
        q.recovered(None);
        assert_eq!(q.begin(1, t(5), Some((Cause::Start, 0))), 1);
        q.closed(1, "a");
        let ready = q.next().expect("ready");
        assert_eq!((ready.s, ready.gap), (1, None));
    }

    #[test]
    fn a_failed_segment_gives_its_number_and_its_time_to_the_gap() {
        let mut q = Seq::new(Some((9, t(100))), 9);
        q.recovered(None);
        assert_eq!(q.begin(1, t(100), None), 10);
        assert_eq!(q.begin(2, t(130), Some((Cause::Disk, 0))), 11);
        q.closed(2, "b");
        assert_eq!(q.next(), None, "the one before is still open");
        q.failed(1, Cause::Disk);
        let ready = q.next().expect("ready");
        assert_eq!((ready.named, ready.s), (11, 10));
        assert_eq!(
            ready.gap,
            Some(Gap {
                t0: t(100),
                t1: t(130),
                why: Cause::Disk,
                packets: 0
            })
        );
        q.logged(10, t(190));
        assert_eq!(q.begin(3, t(190), None), 11);
    }

    #[test]
    fn a_failure_after_an_outage_keeps_the_first_cause() {
        let mut q = Seq::new(Some((9, t(100))), 9);
        q.recovered(None);
        q.begin(1, t(500), Some((Cause::Unreachable, 3)));
        q.failed(1, Cause::Disk);
        q.begin(2, t(504), Some((Cause::Disk, 1)));
        q.closed(2, "b");
        let gap = q.next().expect("ready").gap.expect("gap");
        assert_eq!(
            (gap.why, gap.packets, gap.t0, gap.t1),
            (Cause::Unreachable, 3, t(100), t(504))
        );
        q.skip(Cause::Disk);
        assert_eq!(q.settled(), 2);
    }

    #[test]
    fn provisional_numbers_are_never_shared() {
        let mut q = Seq::new(None, 0);
        q.recovered(None);
        let a = q.begin(1, t(0), None);
        q.failed(1, Cause::Disk);
        let b = q.begin(2, t(1), None);
        let c = q.begin(3, t(2), None);
        assert_eq!([a, b, c], [1, 2, 3]);
    }

    /// FLT-3: packets lost between two segments are on the record, though the hole is a short one.
    #[test]
    fn lost_packets_are_a_gap_however_short() {
        let mut q = Seq::new(Some((9, t(100))), 9);
        q.recovered(None);
        q.begin(1, Utc(100_200), Some((Cause::Lost, 3)));
        q.closed(1, "a");
        let gap = q.next().expect("ready").gap.expect("gap");
        assert_eq!(
            (gap.why, gap.packets, gap.t0, gap.t1),
            (Cause::Lost, 3, t(100), Utc(100_200))
        );
    }

    #[test]
    fn a_clock_set_back_needs_no_gap() {
        let mut q = Seq::new(Some((9, t(4000))), 9);
        q.recovered(None);
        q.begin(1, t(400), Some((Cause::Clock, 0)));
        q.closed(1, "a");
        assert_eq!(q.next().expect("ready").gap, None);
    }
}
