//! Pure. What a session's RTP time stamps show of the camera: its rhythm, whether it sends B pictures, whether they say anything.
use super::TICKS_PER_SEC;

/// B pictures between two others: more than any camera makes.
const MOST_BETWEEN: usize = 7;
/// And further back than any is shown.
const FURTHEST: i64 = 2 * TICKS_PER_SEC;

/// Groups of one come again within so many pictures.
const SOON: u32 = 16;

/// Learns from the camera's own time stamps whether it sends B pictures: the newest time leaps ahead by a few pictures, and those that
/// come next fill the hole evenly, before it goes on. A clock that is set back leaves no hole that it could fill.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// The newest stamp before, those shown after it, and the newest: of these at most one group.
    before: Option<i64>,
    between: Vec<i64>,
    newest: Option<i64>,
    broken: bool,
    known: bool,
    /// There was a group of one, so many pictures ago.
    single: bool,
    since: u32,
    /// Most pictures between, and furthest back, of the groups found.
    most: usize,
    depth: i64,
}

impl Groups {
    pub fn see(&mut self, stamp: i64) {
        let Some(newest) = self.newest else {
            self.newest = Some(stamp);
            return;
        };
        self.since = self.since.saturating_add(1);
        if stamp > newest {
            self.group(newest);
            (self.before, self.newest) = (Some(newest), Some(stamp));
            self.between.clear();
            self.broken = false;
            return;
        }
        let fits = stamp < newest && self.before.is_some_and(|b| stamp > b);
        self.broken |= !fits || self.between.len() == MOST_BETWEEN;
        if fits && !self.broken {
            self.between.push(stamp);
        } else if self.broken {
            // Set back, or standing still: it is counted from here.
            (self.before, self.newest) = (None, Some(stamp));
            self.between.clear();
            self.broken = false;
        }
    }

    /// The newest time goes on: were those between it and the one before B pictures?
    fn group(&mut self, newest: i64) {
        let Some(before) = self.before.filter(|_| !self.between.is_empty()) else {
            return;
        };
        let back = self.between.iter().map(|b| newest - b).max().unwrap_or(0);
        let mut all = self.between.clone();
        all.extend([before, newest]);
        all.sort_unstable();
        let steps = || all.windows(2).map(|w| w[1] - w[0]);
        let (least, most) = (steps().min().unwrap_or(0), steps().max().unwrap_or(0));
        if least * 2 > most && back <= FURTHEST {
            // A single one may be a clock that was set back by a little more than a picture: such come again and again.
            let again = self.since <= SOON;
            self.known |= self.between.len() > 1 || (again && self.single);
            (self.single, self.since) = (true, 0);
            self.most = self.most.max(self.between.len());
            self.depth = self.depth.max(back);
        }
    }

    /// The camera sends B pictures.
    pub fn known(&self) -> bool {
        self.known
    }

    /// How far back its B pictures reach.
    pub fn furthest(&self) -> i64 {
        if self.known { self.depth } else { 0 }
    }

    /// A picture `back` ticks before the newest, the `run`th since it, may be a B picture.
    pub fn believes(&self, back: i64, run: usize) -> bool {
        self.known && run <= self.most + 1 && back <= (self.depth * 5 / 4).min(FURTHEST)
    }
}

/// The usual distance of something, by the last few: half of them were shorter.
#[derive(Clone, Debug, Default)]
pub struct Rhythm {
    last: [i64; 9],
    count: usize,
}

impl Rhythm {
    pub fn see(&mut self, distance: i64) {
        self.last[self.count % self.last.len()] = distance;
        self.count += 1;
    }
    /// None before anything was seen.
    pub fn usual(&self) -> Option<i64> {
        let mut seen = self.last;
        let seen = seen.get_mut(..self.count.min(self.last.len()))?;
        seen.sort_unstable();
        seen.get(seen.len() / 2).copied()
    }
    /// Enough was seen for a judgement.
    pub fn known(&self) -> bool {
        self.count >= 4
    }
}

/// Looked at this often.
const LOOK_MS: u64 = 3_000;
/// With fewer pictures nothing can be said.
const PICTURES: u32 = 4;
/// A pause is not held against the stamps.
const PAUSE: i64 = TICKS_PER_SEC / 4;
/// To be believed again, they must keep to the clock for this long.
const AGAIN_MS: u64 = 10_000;

/// Whether time stamps say anything: over some seconds they go on neither ten times slower nor ten times faster than time, and do
/// not jump at every other picture.
#[derive(Clone, Debug, Default)]
pub struct Sense {
    began: Option<u64>,
    pictures: u32,
    jumps: u32,
    advance: i64,
    passed: i64,
    /// Of arrivals.
    rhythm: Rhythm,
}

impl Sense {
    /// A picture came, so many ticks after the one before; its stamp went on by `advance` (0 for a jump). Some: the verdict.
    pub fn see(
        &mut self,
        mono: u64,
        passed: i64,
        advance: i64,
        jumped: bool,
        believed: bool,
    ) -> Option<bool> {
        let began = *self.began.get_or_insert(mono);
        self.pictures += 1;
        self.jumps += u32::from(jumped);
        self.advance = self.advance.saturating_add(advance);
        let most = self.rhythm.usual().map_or(PAUSE, |u| PAUSE.max(2 * u));
        self.rhythm.see(passed);
        self.passed += if believed { passed.min(most) } else { passed };
        let over = mono.saturating_sub(began);
        if over < if believed { LOOK_MS } else { AGAIN_MS } || self.pictures < PICTURES {
            return None;
        }
        let look = std::mem::take(self);
        let ticks = (over as i64).saturating_mul(TICKS_PER_SEC / 1000);
        Some(if believed {
            let slow = look.advance.saturating_mul(10) < look.passed;
            let fast = look.advance / 10 > ticks;
            !(slow || fast || look.jumps * 2 >= look.pictures)
        } else {
            look.jumps == 0 && (look.advance - ticks).abs() < ticks / 10
        })
    }
}
