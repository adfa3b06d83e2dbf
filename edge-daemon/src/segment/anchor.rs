//! Pure. Where a session's RTP time lies on the box's clock: the wall time of a picture, fixed when it arrives.
//!
//! ```text
//! stamp, arrival → [jump? → laid end to end] → [earlier than can be? → squeezed] → time in the session → + base → monotonic → + offset → wall
//!                └→ [stamps say nothing? → arrival]                               └→ [late for long? → doubt]
//! ```
//! A picture arrives late (network, our own turns) but never early. The least that pictures were late, `base`, says where the
//! session's time lies on the monotonic clock; the wall clock's own offset is added to each picture, so that a clock that is set is
//! not mistaken for a slow camera.
//!
//! What is told from what, by the distance of two stamps against the distance of the two arrivals:
//! * stamps that go back are a jump, unless the camera is known for B pictures ([`Groups`]);
//! * stamps that go on by far more than usual, and further than the arrival allows, are a jump;
//! * stamps that go on as usual while arrivals lag are a slow network, or a camera whose clock is slow. Nobody can tell at first:
//!   the stamps stand, and the doubt is said ([`Dated::doubt_ms`]). When it goes on for half a minute the clock is slow;
//! * stamps that go on as usual faster than arrivals allow are squeezed into the time there is;
//! * stamps that say nothing ([`Sense`]) are left for the times of arrival until they make sense again.
//!
//! A jump costs no picture: each is placed after the one before, what was placed before stays, and times in the session never go
//! back but for B pictures.
use std::collections::VecDeque;

use shared::time::Now;

use super::{
    Dated, TICKS_PER_SEC,
    stamps::{Groups, Rhythm, Sense},
    ticks_us,
};

/// Arrivals wander by less than this; stamps that contradict them by more are looked into.
const TOLERANCE: i64 = TICKS_PER_SEC / 4;
/// A picture that leaps ahead, and by that comes earlier than any before it by more than this, shows a jump.
const EARLY: i64 = TICKS_PER_SEC / 20;
/// So long is it in doubt whether a pause before a jump was the camera's or the network's …
const PAUSE_MS: u64 = 1_500;
/// … and whether a leap was a jump.
const LEAP_MS: u64 = 30_000;
/// Before a camera's rhythm is known: a step of its stamps larger than this is a jump.
const JUMP: i64 = 2 * TICKS_PER_SEC;
/// Between two pictures of a camera of which nothing is known.
const NOMINAL: i64 = TICKS_PER_SEC / 25;
/// Pictures squeezed together lie at least this far apart.
const LEAST: i64 = TICKS_PER_SEC / 1000;
/// So long after its beginning a session's time has settled: what looked late was.
const SETTLED_MS: u64 = 10_000;
/// Of fewer pictures than this nothing can be said.
const PICTURES: usize = 4;
/// No network holds pictures back for so long.
const HELD_BACK: i64 = 10 * TICKS_PER_SEC;
/// More pictures than this that are shown no later than the newest are no B pictures: the stamps stand still.
const STANDING: usize = 8;
/// Most pictures that are remembered until [`Anchor::settle`].
const FIRST: usize = 4096;
/// Lateness is watched in stretches of this length …
const STRETCH_MS: u64 = 10_000;
/// … and `base` is moved once a stretch, by at most so much (0.5 %), towards the least lateness of so many.
const SLEW: i64 = TICKS_PER_SEC / 20;
const STRETCHES: usize = 6;
/// A clock that is off by more than this (in parts per million), the same way, for so many stretches running, goes at a wrong pace.
/// (A slow network delays pictures too, but not for ever more.)
const WRONG: [(i64, usize); 2] = [(50_000, 3), (3_000, STRETCHES - 1)];
const MILLION: i64 = 1_000_000;
/// Later than this for so long: it is in doubt whether the stamps are right …
const LATE: i64 = TICKS_PER_SEC * 2 / 5;
const LATE_MS: u64 = 400;
/// … and later than this at once: it may be the last picture that comes.
const VERY_LATE: i64 = TICKS_PER_SEC * 3 / 4;
/// What is corrected is judged by pictures that came this long ago at most.
const RECENT: i64 = TICKS_PER_SEC / 2;
/// After a correction it is in doubt for this long whether it was not the network after all.
const PROBATION_MS: u64 = 60_000;
/// A network may have become so late while stamps were not believed.
const UNSEEN: i64 = TICKS_PER_SEC;
/// Pictures squeezed this long ago are another matter.
const EPISODE_MS: u64 = 5_000;
/// A wall clock that moved by more than this against the monotonic one was set.
const CLOCK_US: i64 = 250_000;
/// A sender report speaks of a moment near the newest picture, or of something else.
const REPORT_AWAY: i64 = 60 * TICKS_PER_SEC;

/// Wall clock minus monotonic clock, in µs.
pub fn clock_offset_us(now: Now) -> i64 {
    (now.wall.0.saturating_sub(now.mono as i64)).saturating_mul(1000)
}

fn ticks(mono_ms: u64) -> i64 {
    (mono_ms as i64).saturating_mul(TICKS_PER_SEC / 1000)
}

fn ms(ticks: i64) -> u32 {
    u32::try_from(ticks / (TICKS_PER_SEC / 1000)).unwrap_or(0)
}

/// Where a picture lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// In ticks of the session.
    pub pts: i64,
    pub wall_us: i64,
    pub dated: Dated,
}

/// The picture that is shown last of all that came.
#[derive(Clone, Copy, Debug)]
struct Newest {
    placed: i64,
    stamp: i64,
    came: i64,
}

/// The least late picture of a stretch.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    began: u64,
    /// When it came, and how late it was: against its place, and against its stamp alone.
    came: i64,
    low: i64,
    bare: i64,
}

#[derive(Clone, Copy, Debug)]
struct First {
    stamp: i64,
    mono: u64,
    offset_us: i64,
    clock_sets: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Anchor {
    /// The first pictures, until the session's time is settled.
    first: Vec<First>,
    began: Option<u64>,
    settled: bool,
    groups: Groups,
    rhythm: Rhythm,
    sense: Sense,
    by_arrival: bool,
    /// The camera's time `from` is `to` in the session; from there on `correction` ticks more for a million of its.
    from: i64,
    to: i64,
    correction: i64,
    newest: Option<Newest>,
    /// Pictures since the newest.
    run: usize,
    came: i64,
    /// Monotonic minus session time.
    base: i64,
    /// `base` may sink so far at once.
    floor: i64,
    stretch: Option<Stretch>,
    stretches: VecDeque<Stretch>,
    /// When the last pictures came, and how late.
    recent: VecDeque<(i64, i64)>,
    late_since: Option<u64>,
    /// By how much the picture before was late, at most since it began: what is in doubt for that.
    late: i64,
    /// And of the last time that pictures came in time again, so that it was taken for the network's; and until when that may prove wrong.
    explained: (i64, u64),
    /// Not long before this stamps were seen to be wrong: too fast, or standing still.
    odd_until: u64,
    /// By how much pictures were squeezed in all, and lately.
    squeezed: i64,
    episode: (i64, u64),
    /// By how much times were put right, and until when that is in doubt.
    probation: (i64, u64),
    leapt: bool,
    /// Before the session's time is settled: by how much stamps gained on time at a jump after a pause, or right at the beginning.
    gained: i64,
    /// The first step of the session, while it is in doubt whether the camera's steps are that long.
    opening: Option<i64>,
    jumps: u64,
    corrections: u32,
    clock_sets: u32,
    offset_us: Option<i64>,
    /// Between arrivals, while these are all there is.
    pace: i64,
}

impl Anchor {
    /// A picture whose stamp is `stamp` has arrived.
    pub fn arrived(&mut self, stamp: i64, now: Now) -> Placed {
        let offset = clock_offset_us(now);
        let before = self.offset_us.replace(offset).unwrap_or(offset);
        self.clock_sets += u32::from((offset - before).abs() > CLOCK_US);
        let began = *self.began.get_or_insert(now.mono);
        if !self.settled {
            if now.mono.saturating_sub(began) >= SETTLED_MS || self.first.len() >= FIRST {
                self.settled();
            } else {
                self.first.push(First {
                    stamp,
                    mono: now.mono,
                    offset_us: offset,
                    clock_sets: self.clock_sets,
                });
            }
        }
        let (pts, doubt_ms) = self.place(stamp, now.mono);
        self.placed(pts, doubt_ms)
    }

    fn settled(&mut self) {
        self.settled = true;
        self.first = Vec::new();
        self.floor = self.base - TOLERANCE;
    }

    fn placed(&self, pts: i64, doubt_ms: u32) -> Placed {
        Placed {
            pts,
            wall_us: ticks_us(pts.saturating_add(self.base))
                .saturating_add(self.offset_us.unwrap_or(0)),
            dated: Dated {
                by_arrival: self.by_arrival,
                doubt_ms,
                corrections: self.corrections,
                clock_sets: self.clock_sets,
            },
        }
    }

    /// How often the camera's RTP clock has jumped.
    pub fn jumps(&self) -> u64 {
        self.jumps
    }

    /// How often its pace was found not to be that of time.
    pub fn corrections(&self) -> u64 {
        u64::from(self.corrections)
    }

    /// The camera sends B pictures.
    pub fn reorders(&self) -> bool {
        self.groups.known()
    }

    /// The camera's clock minus ours, in ms: it says (in an RTCP sender report) that its time `stamp` was `theirs_us` by its clock.
    /// None when that cannot be: no time at all, or an RTP time that is not this stream's.
    pub fn camera_offset_ms(&self, stamp: i64, theirs_us: i64) -> Option<i64> {
        let newest = self.newest.filter(|_| !self.by_arrival)?;
        let placed = self.at(stamp);
        if placed.abs_diff(newest.placed) > REPORT_AWAY.unsigned_abs() {
            return None;
        }
        let ours = self.placed(placed, 0).wall_us;
        Some(theirs_us.saturating_sub(ours).div_euclid(1000))
    }

    /// Where the camera's time `stamp` lies, by its clock as it runs now.
    fn at(&self, stamp: i64) -> i64 {
        let since = stamp.saturating_sub(self.from);
        let scaled =
            i128::from(since) * i128::from(MILLION + self.correction) / i128::from(MILLION);
        self.to
            .saturating_add(i64::try_from(scaled).unwrap_or(since))
    }

    /// Time in the session, and doubt in ms.
    fn place(&mut self, stamp: i64, mono: u64) -> (i64, u32) {
        self.groups.see(stamp);
        let came = ticks(mono);
        let Some(newest) = self.newest else {
            let placed = self.at(stamp);
            self.newest = Some(Newest {
                placed,
                stamp,
                came,
            });
            (self.came, self.base) = (came, came - placed);
            return (placed, 0);
        };
        let passed = came - std::mem::replace(&mut self.came, came);
        if self.by_arrival {
            return (self.by_clock(newest, stamp, passed, mono), 0);
        }
        let raw = self.at(stamp);
        let jumped = self.is_jump(newest, raw, passed, mono);
        let placed = if jumped {
            self.jumps += 1;
            let placed = newest.placed + self.advance(newest, raw, mono);
            (self.from, self.to) = (stamp, placed);
            placed
        } else {
            self.squeeze(newest, stamp, raw, mono)
        };
        let advance = if jumped { 0 } else { raw - newest.placed };
        if placed > newest.placed {
            if !jumped {
                self.rhythm.see(advance);
            }
            self.run = 0;
            self.newest = Some(Newest {
                placed,
                stamp,
                came,
            });
            self.watch(stamp, placed, mono);
        } else {
            self.run += 1;
            if self.run > STANDING {
                self.odd_until = mono.saturating_add(PROBATION_MS);
            }
        }
        let sense = self.sense.see(mono, passed, advance.max(0), jumped, true);
        if sense == Some(false) {
            self.leave_stamps(mono);
        }
        (placed, self.doubt(placed, mono))
    }

    fn is_jump(&mut self, newest: Newest, raw: i64, since: i64, mono: u64) -> bool {
        let came = ticks(mono);
        let delta = raw - newest.placed;
        let passed = came - newest.came;
        if delta < 0 {
            return !self.groups.believes(-delta, self.run + 1);
        }
        if delta == 0 {
            // Two pictures with one stamp; of a slow camera, a clock that was set back by just one picture.
            return since >= TOLERANCE;
        }
        if self.rhythm.known()
            && let Some(usual) = self.rhythm.usual()
            && (passed - usual).abs() <= TOLERANCE
            && usual - delta > TOLERANCE
        {
            // It came when it was due, and its stamp says that it was made sooner: a slow camera whose clock was set back by less than
            // the time between two pictures.
            return true;
        }
        // By how much it went on further than usual; of B pictures the newest goes on by more than a picture as it is, and by less.
        let usual = self.rhythm.usual().filter(|_| self.rhythm.known());
        let beyond = match self.groups.known() {
            true => delta,
            false => usual.map_or(0, |usual| delta - usual),
        };
        let most = match self.rhythm.usual() {
            Some(usual) => usual * 3 / 2,
            // The second picture: a slow camera, whose first was kept back, lets us wait too.
            None if passed >= TOLERANCE => 10 * JUMP,
            None => JUMP,
        };
        let gained = delta > passed + TOLERANCE;
        let leap = gained && delta > most + TOLERANCE;
        let late = came - raw - self.base;
        if gained && (leap && late >= -EARLY || !leap && beyond > VERY_LATE) {
            // A pause in which a late network caught up, or a jump that looks just like it; of a slow camera, a smaller one.
            // Several add up: none of them is explained yet.
            let before = match self.probation {
                (by, until) if self.leapt && mono < until => by - TOLERANCE,
                _ => 0,
            };
            let by = before.max(0) + beyond.max(delta - passed);
            self.in_doubt(by + TOLERANCE, mono, LEAP_MS);
            self.leapt = true;
            self.corrections += u32::from(self.settled);
        }
        leap && late < -EARLY
    }

    /// How long after the newest picture one was made of which the stamps do not say it.
    fn advance(&mut self, newest: Newest, raw: i64, mono: u64) -> i64 {
        let came = ticks(mono);
        let usual = self.rhythm.usual().unwrap_or(NOMINAL).max(LEAST);
        let passed = came - newest.came;
        let began = self.began.map_or(newest.came, ticks);
        if !self.settled && (passed > 2 * usual + TOLERANCE || newest.came - began < TOLERANCE) {
            // Those before may have been held back by the network, all of them.
            self.gained = self.gained.max(raw - newest.placed - passed);
        }
        if passed <= 2 * usual + TOLERANCE {
            if passed > usual + VERY_LATE {
                // Of a slow camera that may have been a pause all the same.
                self.in_doubt(passed - usual + TOLERANCE, mono, LEAP_MS);
                self.leapt = true;
            }
            // As the camera's clock goes, which may be too fast; and it was not made after it came.
            let most = came - self.limit(mono) - newest.placed;
            return if self.settled {
                usual.min(most.max(LEAST))
            } else if self.rhythm.known() {
                usual
            } else {
                // What was seen may have been a pause.
                usual.min(passed.max(NOMINAL))
            };
        }
        // A pause, or a network that held it back: then others come close behind it. It was not made after it came.
        let advance = passed.min(came - self.base - newest.placed).max(usual);
        self.in_doubt(advance - usual, mono, PAUSE_MS);
        advance
    }

    fn young(&self, mono: u64) -> bool {
        let passed = self.began.map(|b| mono.saturating_sub(b));
        passed.is_some_and(|passed| passed < SETTLED_MS)
    }

    /// A picture was not less late than this, once the session's time is settled.
    fn limit(&self, mono: u64) -> i64 {
        if self.young(mono) {
            self.floor
        } else {
            self.base - TOLERANCE
        }
    }

    /// A picture cannot have been made after it came. At the beginning that shows that those before were late; later on the camera's
    /// clock is too fast, and its pictures are laid into the time there is.
    fn squeeze(&mut self, newest: Newest, stamp: i64, raw: i64, mono: u64) -> i64 {
        let late = ticks(mono) - raw;
        if !self.settled {
            self.base = self.base.min(late);
            return raw;
        }
        if self.young(mono) {
            self.base = self.base.min(late.max(self.floor));
        }
        let most = ticks(mono) - self.limit(mono);
        if raw <= most || raw <= newest.placed {
            return raw;
        }
        let placed = most.max(newest.placed + LEAST.min(raw - newest.placed));
        if placed < raw {
            (self.from, self.to) = (stamp, placed);
            self.squeezed += raw - placed;
            self.odd_until = mono.saturating_add(PROBATION_MS);
            let sum = match self.episode {
                (sum, last) if mono.saturating_sub(last) < EPISODE_MS => sum,
                _ => 0,
            };
            self.episode = (sum + raw - placed, mono);
        }
        placed
    }

    /// Times may be wrong by so much, for so long.
    fn in_doubt(&mut self, by: i64, mono: u64, ms: u64) {
        let until = mono.saturating_add(ms);
        self.probation = match self.probation {
            (old, end) if mono < end => (old.max(by), end.max(until)),
            _ => (by, until),
        };
    }

    /// In ms.
    fn doubt(&mut self, placed: i64, mono: u64) -> u32 {
        let late = ticks(mono) - placed - self.base;
        let since = if late > LATE {
            *self.late_since.get_or_insert(mono)
        } else {
            self.late_since = None;
            mono
        };
        let late = if late > VERY_LATE || mono - since >= LATE_MS {
            late + TOLERANCE
        } else {
            0
        };
        // That it comes in time again shows that it was the network's lateness; not of a clock that is wrong.
        if late == 0 && self.late > 0 {
            self.corrections += u32::from(mono < self.odd_until);
            self.explained = (self.late, mono.saturating_add(EPISODE_MS));
        }
        self.late = if late > 0 { late.max(self.late) } else { 0 };
        let in_error = match self.explained {
            // Now they come sooner than they can: the clock had jumped while the network was late, and its lateness hid that.
            (by, until) if self.episode.1 == mono && mono < until => {
                self.explained = (0, 0);
                self.corrections += 1;
                by
            }
            _ => 0,
        };
        // Of B pictures those before may have been further off: they come sooner than they are shown.
        let shown = self.groups.furthest();
        let squeezed = match self.episode {
            (sum, last) if last == mono && sum + shown > LATE => {
                // What came before was dated late, and stays so: by more than this shows, if this one came later than it could have.
                self.corrections += 1;
                let later = if self.young(mono) { 0 } else { TOLERANCE };
                sum + shown + TOLERANCE + later
            }
            _ => 0,
        };
        let probation = match self.probation {
            (by, until) if mono < until => by,
            _ => {
                // A leap is not explained by nothing coming of it; a first step that was long is, by others as long.
                let usual = self.rhythm.usual().unwrap_or(0);
                let opening = self.opening.take();
                let unlike = opening.is_some_and(|step| step - usual > VERY_LATE);
                self.corrections += u32::from(std::mem::take(&mut self.leapt) || unlike);
                0
            }
        };
        let doubt = late.max(in_error).max(squeezed).max(probation);
        ms(doubt)
    }

    /// Keeps `base`, and the pace of the camera's clock, a stretch at a time.
    fn watch(&mut self, stamp: i64, placed: i64, mono: u64) {
        let late = ticks(mono) - placed;
        if self.recent.len() == 16 {
            self.recent.pop_front();
        }
        self.recent.push_back((ticks(mono), late));
        let fresh = Stretch {
            began: mono,
            came: ticks(mono),
            low: late,
            bare: late - self.squeezed,
        };
        let Some(stretch) = &mut self.stretch else {
            self.stretch = Some(fresh);
            return;
        };
        if fresh.bare < stretch.bare {
            (stretch.came, stretch.bare) = (fresh.came, fresh.bare);
        }
        stretch.low = stretch.low.min(fresh.low);
        if mono.saturating_sub(stretch.began) < STRETCH_MS {
            return;
        }
        self.stretches.push_back(*stretch);
        self.stretch = Some(fresh);
        let whole = self.stretches.len() > STRETCHES;
        if whole {
            self.stretches.pop_front();
        }
        let low = self.stretches.iter().map(|s| s.low).min().unwrap_or(late);
        if whole || low < self.base {
            self.base += (low - self.base).clamp(-SLEW, SLEW);
        }
        if let Some(off) = self.wrong_pace() {
            let factor = i128::from(MILLION + self.correction) * i128::from(MILLION + off);
            self.correction = i64::try_from(factor / i128::from(MILLION) - i128::from(MILLION))
                .unwrap_or(0)
                .clamp(-MILLION * 9 / 10, MILLION * 9);
            (self.from, self.to) = (stamp, placed);
            self.begin_anew(mono);
        }
    }

    /// What our time gains on the camera's, in parts per million of the camera's.
    fn wrong_pace(&self) -> Option<i64> {
        WRONG.iter().find_map(|(limit, count)| {
            let from = self.stretches.len().checked_sub(count + 1)?;
            let seen: Vec<Stretch> = self.stretches.range(from..).copied().collect();
            let off = |a: &Stretch, b: &Stretch| {
                let behind = b.bare - a.bare;
                behind.saturating_mul(MILLION) / (b.came - a.came - behind).max(1)
            };
            let wrong = seen.windows(2).all(|w| off(&w[0], &w[1]) > *limit)
                || seen.windows(2).all(|w| off(&w[0], &w[1]) < -*limit);
            wrong.then(|| off(&seen[0], &seen[seen.len() - 1]))
        })
    }

    /// What was taken for lateness was the camera's clock: from here on pictures are dated by when they come.
    fn begin_anew(&mut self, mono: u64) {
        // By those of this moment, the least late of them.
        let moment = ticks(mono) - RECENT;
        let recent = self.recent.iter().filter(|(came, _)| *came >= moment);
        let late = recent.map(|(_, late)| *late).min().unwrap_or(self.base);
        self.in_doubt((late - self.base).max(0), mono, PROBATION_MS);
        self.base = self.base.max(late);
        self.floor = self.base;
        (self.stretch, self.late_since) = (None, None);
        self.stretches.clear();
        self.corrections += 1;
    }
}

#[path = "anchor_arrival.rs"]
mod arrival;
#[path = "anchor_first.rs"]
mod first;

#[cfg(test)]
#[path = "anchor_tests.rs"]
mod tests;
