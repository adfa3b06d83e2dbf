//! Pure. Units to segments and fragments.
//!
//! ```text
//! (waiting for a key) --key--> open --key, and due--> open (next segment, contiguous)
//!        ^                      |
//!        +--- session over, jump, refused, failed ---+
//! ```
//! Due: its minute is full, local midnight has passed, the parameters changed, the clock was set, its times proved wrong, or somebody
//! asked.
//!
//! Invariants: a segment starts on a key frame; times inside a segment follow RTP exactly and never go back; consecutive
//! segments of one session are exactly contiguous (`t1` = next `t0`) unless the clock was set, the mapping of RTP onto the clock
//! being slewed only between them, by at most [`SLEW_US`]; a mapping that proved wrong by more than [`STEP_US`] is put right at the
//! next key frame, and a segment whose times may be wrong by more than a second says so ([`Flaws::off_ms`]); nothing but a key frame
//! may open a segment.
use std::collections::VecDeque;

use footage::mp4::{Frame, Parameters, Sound, SoundFrame};
use shared::time::{Day, Utc, Zone};

use super::{
    Cause, Heard, TICKS_PER_SEC, Unit,
    order::{Order, Timed},
    rate::{Rate, Seen, Verdict},
    stamps::Rhythm,
    ticks_us,
};

/// Most that one fragment holds: with a capture turn before it, half a second at most is in no piece of the file.
pub const FRAGMENT: i64 = TICKS_PER_SEC * 3 / 10;
/// Most that the clock mapping is moved between two segments.
pub const SLEW_US: i64 = 100_000;
/// An error larger than this is not slewed: the next segment begins at the next key frame, at the right time.
pub const STEP_US: i64 = 500_000;
/// Times that go on elsewhere while the estimate moves by no more than this: a pause, not a jump.
const PAUSE_US: i64 = 2_000_000;
/// A stretch without pictures that is longer than this, and than the camera's own rhythm has it, is said.
const MISSING: i64 = 2 * TICKS_PER_SEC;
/// Such stretches of one segment are said one by one, so many of them; the last grows.
const PAUSES: usize = 16;
/// Times that may be wrong by more than this, in ms, are marked.
pub const MARKED_MS: u32 = 1_000;
/// A picture this far from where the segment has it does not belong to it.
const ELSEWHERE_US: i64 = 60_000_000;
/// Sound waits for its pictures, at most so many frames of it (half a minute).
const SOUND_WAITS: usize = 1500;

/// What is not as it should be in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flaws {
    /// Packets that the network lost.
    pub lost: u64,
    /// Pictures that this box left out.
    pub shed: u64,
    /// From the picture before the first of them to the picture after the last.
    pub short: Option<(Utc, Utc)>,
    /// Stretches without pictures.
    pub pauses: Vec<Pause>,
    /// Pictures in it are dated by when they arrived: their time stamps say nothing.
    pub by_arrival: bool,
    /// Times in it may be wrong by so many ms. None: by no more than [`MARKED_MS`].
    pub off_ms: Option<u32>,
}

impl Flaws {
    fn short(&mut self, from: Utc, to: Utc) {
        let (first, last) = self.short.unwrap_or((from, to));
        self.short = Some((first.min(from), last.max(to)));
    }
    fn pause(&mut self, pause: Pause) {
        let full = self.pauses.len() == PAUSES;
        match self.pauses.last_mut() {
            Some(last) if full => {
                last.to = pause.to;
                last.packets += pause.packets;
            }
            _ => self.pauses.push(pause),
        }
    }
}

/// A stretch without pictures inside a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub from: Utc,
    pub to: Utc,
    pub why: Cause,
    /// Lost in it.
    pub packets: u64,
}

/// What to do next, in order.
#[derive(Clone, Debug)]
pub enum Step {
    /// `gap`: why the time before it is missing, and packets lost in it; None when it follows on from the one before.
    Begin {
        id: u64,
        t0: Utc,
        day: Day,
        parameters: Parameters,
        /// None: the camera has but one.
        rate: Option<Rate>,
        gap: Option<(Cause, u64)>,
    },
    Fragment {
        id: u64,
        sequence: u32,
        wall: Utc,
        end: Utc,
        frames: Vec<Frame>,
        sound: Vec<SoundFrame>,
    },
    End {
        id: u64,
        t1: Utc,
        flaws: Flaws,
    },
}

#[derive(Debug)]
struct Open {
    id: u64,
    origin_us: i64,
    t0: Utc,
    /// When its local day is over.
    midnight: Utc,
    start: i64,
    end: i64,
    sequence: u32,
    fragment: Vec<Frame>,
    fragment_start: i64,
    parameters: Parameters,
    flaws: Flaws,
    /// A picture that lasts long, by its end and the next begin: whether that is the camera's rhythm shows with the next.
    pending: Option<(i64, i64)>,
    /// Corrections of the camera's time, and settings of the clock, before its first picture.
    corrections: u32,
    clock_sets: u32,
    /// By how many ms times in it may be wrong: while that is open, and for good.
    doubt_ms: u32,
    wrong_ms: u32,
    rate: Option<Rate>,
    /// Decode time of its last picture; in time-lapse, how far the camera has been seen to go on, recorded or not.
    last: i64,
    nominal: i64,
    /// Where the next frame of sound is due, in its samples.
    sound_due: Option<i64>,
}

impl Open {
    /// The sound that has come and begins before the fragment ends. A camera sends it a little later than its pictures, so some of a
    /// fragment's may lie in the next: its own times say where it belongs.
    fn sound(&mut self, waiting: &mut VecDeque<Heard>) -> Vec<SoundFrame> {
        let mut out = Vec::new();
        let Some(rate) = self.parameters.sound.as_ref().map(|s| i64::from(s.rate)) else {
            return out;
        };
        let zero = self.origin_us.saturating_add(ticks_us(self.start));
        let end = self.origin_us.saturating_add(ticks_us(self.end));
        while let Some(heard) = waiting.pop_front_if(|h| h.wall_us < end) {
            let at = i128::from(heard.wall_us.saturating_sub(zero)) * i128::from(rate) / 1_000_000;
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            // Jitter of arrival is not the sound's: it runs on evenly unless it is off by a tenth of a second.
            let slack = rate / 10;
            let at = match self.sound_due {
                Some(due) if (at - due).abs() <= slack => due,
                // What was laid too late before cannot be taken back; frames are left out until it is right again.
                Some(due) if at < due => continue,
                None if at < -slack => continue, // of pictures before this segment
                _ => at.max(0),
            };
            self.sound_due = Some(at + i64::from(heard.duration));
            out.push(SoundFrame {
                dts: at.unsigned_abs(),
                duration: heard.duration,
                bytes: heard.bytes,
            });
        }
        out
    }
    /// Where it ends when nothing follows. A time-lapse picture stands for the time to the next, but not beyond what was seen of the camera.
    fn lasted(&self) -> i64 {
        match self.rate {
            Some(Rate::Timelapse(_)) => self.end.min(self.last + self.nominal),
            _ => self.end,
        }
    }
    fn wall(&self, dts: i64) -> Utc {
        wall(self.origin_us, dts)
    }
    /// What its newest picture shows of the segment's times.
    fn dated(&mut self, unit: &Unit) {
        self.flaws.by_arrival |= unit.dated.by_arrival;
        // By how much it is off here; the clock under which a segment began stays its own.
        let off = match self.clock_sets == unit.dated.clock_sets {
            true => unit.origin_us().saturating_sub(self.origin_us).abs() / 1000,
            false => 0,
        };
        let off = u32::try_from(off).unwrap_or(u32::MAX);
        self.wrong_ms = self.wrong_ms.max(off);
        self.doubt_ms = match unit.dated.doubt_ms {
            0 if self.corrections == unit.dated.corrections => 0,
            0 => self.doubt_ms,
            doubt => self.doubt_ms.max(doubt.saturating_add(off)),
        };
        if self.corrections != unit.dated.corrections {
            self.corrections = unit.dated.corrections;
            self.wrong_ms = self.wrong_ms.max(self.doubt_ms);
        }
    }
    /// It ends here.
    fn flaws(&mut self) -> Flaws {
        let off = self.doubt_ms.max(self.wrong_ms);
        let mut flaws = std::mem::take(&mut self.flaws);
        flaws.off_ms = Some(off).filter(|o| *o > MARKED_MS);
        flaws
    }
}

fn wall(origin_us: i64, dts: i64) -> Utc {
    Utc(origin_us.saturating_add(ticks_us(dts)).div_euclid(1000))
}

/// Cuts one camera's units into segments.
#[derive(Debug)]
pub struct Cutter {
    zone: Zone,
    segment: i64,
    order: Order,
    timed: Vec<Timed>,
    parameters: Option<Parameters>,
    open: Option<Open>,
    next_id: u64,
    asked: bool,
    /// How long pictures last.
    rhythm: Rhythm,
    gap: Option<Cause>,
    gap_packets: u64,
    rate: Option<Rate>,
    /// Wall time of time zero as the newest unit has it.
    origin_us: Option<i64>,
    /// Recorded with the pictures; None: no sound.
    sound: Option<Sound>,
    waiting: VecDeque<Heard>,
}

impl Cutter {
    pub fn new(zone: Zone, segment_secs: u32) -> Self {
        Self {
            zone,
            segment: i64::from(segment_secs.max(1)) * TICKS_PER_SEC,
            order: Order::default(),
            timed: Vec::new(),
            parameters: None,
            open: None,
            next_id: 1,
            asked: false,
            rhythm: Rhythm::default(),
            gap: Some(Cause::Start),
            gap_packets: 0,
            rate: None,
            origin_us: None,
            sound: None,
            waiting: VecDeque::new(),
        }
    }

    /// The session has sound that is to be recorded; said before its first unit.
    pub fn expect_sound(&mut self, sound: Option<Sound>) {
        self.sound = sound;
        self.waiting.clear();
    }
    /// Adds a frame of sound.
    pub fn heard(&mut self, heard: Heard) {
        if self.sound.is_some() {
            if self.waiting.len() == SOUND_WAITS {
                self.waiting.pop_front();
            }
            self.waiting.push_back(heard);
        }
    }

    /// Id of the open segment.
    pub fn open_id(&self) -> Option<u64> {
        self.open.as_ref().map(|o| o.id)
    }
    /// The camera has B pictures.
    pub fn expect_reorder(&mut self, yes: bool) {
        self.order.expect_reorder(yes);
    }
    /// End the open segment at its next key frame.
    pub fn cut_at_next_key(&mut self) {
        self.asked |= self.open.is_some();
    }
    /// Why nothing is being recorded. The first cause since the last segment stands, unless it was only that the session ended; what a
    /// flood made a slow disk shed is the flood's.
    pub fn because(&mut self, cause: Cause) {
        let flooded = cause == Cause::Flood && self.gap == Some(Cause::Shed);
        if self.open.is_none() && (flooded || matches!(self.gap, None | Some(Cause::Lost))) {
            self.gap = Some(cause);
        }
    }
    /// Packets that could not be used while nothing was being recorded: they belong to the gap.
    pub fn lost(&mut self, packets: u32) {
        if self.open.is_none() {
            self.gap_packets += u64::from(packets);
        }
    }

    /// When the picture was made, as the segment that is open has it.
    pub fn at(&self, unit: &Unit) -> Utc {
        let open = self.open.as_ref();
        wall(open.map_or(unit.origin_us(), |o| o.origin_us), unit.pts)
    }

    /// Adds a unit.
    pub fn unit(&mut self, unit: Unit, out: &mut Vec<Step>) {
        let mut timed = std::mem::take(&mut self.timed);
        let cause = self.broke(unit.origin_us());
        let broke = self.order.push(unit, &mut timed);
        self.take(&mut timed, out);
        if broke {
            self.close(None, out);
            self.because(cause);
        }
        self.timed = timed;
    }

    /// Adds a unit of a camera that has two rates, as it was judged; one that is skipped must not come here but to [`Cutter::skipped`].
    /// A time-lapse picture is handed out at once: the next may be a minute away.
    pub fn rated(&mut self, unit: Unit, seen: Seen, out: &mut Vec<Step>) {
        let cause = self.look(&unit, seen, out);
        if self.rate != Some(seen.rate) {
            self.cut_at_next_key();
            self.rate = Some(seen.rate);
        }
        let Verdict::Lasts(ticks) = seen.verdict else {
            self.unit(unit, out);
            return;
        };
        let mut timed = std::mem::take(&mut self.timed);
        if self.order.push(unit, &mut timed) {
            self.take(&mut timed, out);
            self.close(None, out);
            self.because(cause);
        }
        self.order.hurry(&mut timed);
        if let Some(t) = timed.last_mut() {
            t.duration = ticks;
        }
        self.take(&mut timed, out);
        self.timed = timed;
        self.flush_fragment(out);
    }

    /// A unit that is not recorded.
    pub fn skipped(&mut self, unit: &Unit, seen: Seen, out: &mut Vec<Step>) {
        self.look(unit, seen, out);
        if let Some(open) = &mut self.open {
            open.last = open.last.max(unit.pts);
        }
    }

    /// Why times do not go on where they were, if they do not.
    fn broke(&mut self, origin_us: i64) -> Cause {
        let before = self.origin_us.replace(origin_us).unwrap_or(origin_us);
        // Where RTP lies on the clock has not moved: nothing jumped, the camera made no pictures.
        if origin_us.saturating_sub(before).abs() <= PAUSE_US {
            Cause::Stall
        } else {
            Cause::Jump
        }
    }

    fn look(&mut self, unit: &Unit, seen: Seen, out: &mut Vec<Step>) -> Cause {
        let cause = self.broke(unit.origin_us());
        if seen.jumped {
            self.close(None, out);
            self.order.restart();
            self.because(cause);
        } else if let (Some(since), Some(open)) = (seen.silent_since, &mut self.open) {
            let (from, to) = (open.wall(since), open.wall(unit.pts));
            open.flaws.pause(Pause {
                from,
                to,
                why: Cause::Stall,
                packets: 0,
            });
        }
        cause
    }

    fn take(&mut self, timed: &mut Vec<Timed>, out: &mut Vec<Step>) {
        for t in timed.drain(..) {
            self.timed_unit(t, out);
        }
    }

    fn timed_unit(&mut self, mut t: Timed, out: &mut Vec<Step>) {
        if let Some(mut p) = t.unit.parameters.take() {
            p.sound.clone_from(&self.sound);
            // New parameters without a key frame cannot be decoded: wait for one.
            if !t.unit.key && self.open.as_ref().is_some_and(|o| o.parameters != p) {
                self.close(None, out);
                self.because(Cause::Loss);
            }
            self.parameters = Some(p);
        }
        self.paused(&t);
        if t.unit.key {
            self.key(&mut t, out);
        } else if self.elsewhere(&t.unit) {
            self.close(None, out);
            self.because(Cause::Jump);
        }
        let nominal = i64::from(self.order.nominal());
        let Some(open) = self.open.as_mut() else {
            self.gap_packets += u64::from(t.unit.lost);
            return;
        };
        let end = t.dts + i64::from(t.duration);
        open.dated(&t.unit);
        if t.unit.lost > 0 || t.unit.shed > 0 {
            open.flaws.lost += u64::from(t.unit.lost);
            open.flaws.shed += u64::from(t.unit.shed);
            let before = open.last.min(t.dts - nominal).max(open.start);
            open.flaws.short(open.wall(before), open.wall(t.dts));
        }
        // Time-lapse pictures are far apart by intention; what is missing there was seen before.
        let lapse = matches!(open.rate, Some(Rate::Timelapse(_)));
        if !lapse && i64::from(t.duration) > MISSING {
            open.pending = Some((t.dts + nominal, end));
        }
        if !lapse {
            self.rhythm.see(i64::from(t.duration));
        }
        if !open.fragment.is_empty() && (t.unit.key || end - open.fragment_start > FRAGMENT) {
            flush(open, &mut self.waiting, out);
        }
        if open.fragment.is_empty() {
            open.fragment_start = t.dts;
        }
        open.end = end;
        open.last = open.last.max(t.dts);
        open.fragment.push(Frame {
            dts: u64::try_from(t.dts - open.start).unwrap_or(0),
            cts: i32::try_from(t.unit.pts - t.dts).unwrap_or(0),
            duration: t.duration,
            key: t.unit.key,
            bytes: t.unit.bytes,
        });
    }

    /// The picture before `t` lasted long: was a stretch without pictures, or is that the camera's rhythm?
    fn paused(&mut self, t: &Timed) {
        let usual = self.rhythm.usual().filter(|_| self.rhythm.known());
        let Some(open) = &mut self.open else { return };
        let Some((from, to)) = open.pending.take() else {
            return;
        };
        let long = to - from;
        // The next lasts as long, or nearly: a slow camera, or one that has become slow.
        if usual.is_some_and(|u| long <= 4 * u) || i64::from(t.duration) * 2 > long {
            return;
        }
        let (from, to) = (open.wall(from), open.wall(to));
        open.flaws.pause(Pause {
            from,
            to,
            why: match &t.unit {
                Unit { lost: 1.., .. } => Cause::Loss,
                Unit { shed: 1.., .. } => Cause::Shed,
                _ => Cause::Stall,
            },
            packets: u64::from(t.unit.lost),
        });
    }

    /// It is nowhere near the open segment, though the clock was not set: that cannot be.
    fn elsewhere(&self, unit: &Unit) -> bool {
        self.open.as_ref().is_some_and(|o| {
            o.clock_sets == unit.dated.clock_sets
                && unit.origin_us().saturating_sub(o.origin_us).abs() > ELSEWHERE_US
        })
    }

    /// A key frame: the only place where segments end while the session lives, and the only one where they begin.
    fn key(&mut self, t: &mut Timed, out: &mut Vec<Step>) {
        let mut origin = t.unit.origin_us();
        if let Some(open) = &self.open {
            let error = origin.saturating_sub(open.origin_us);
            let set = t.unit.dated.clock_sets != open.clock_sets && error.abs() > SLEW_US;
            let wrong = error.abs() > STEP_US;
            if !set && !wrong {
                origin = open.origin_us + error.clamp(-SLEW_US, SLEW_US);
            }
            let t0 = wall(origin, t.dts);
            let changed = self
                .parameters
                .as_ref()
                .is_some_and(|p| *p != open.parameters);
            let full = t.dts - open.start >= self.segment - i64::from(self.order.nominal()) / 2;
            if !(full
                || t0 >= open.midnight
                || t0 < open.t0
                || changed
                || self.asked
                || set
                || wrong)
            {
                return;
            }
            // Exactly contiguous, unless the clock was set: then each side keeps the time it was recorded under.
            let apart = set || t0 <= open.t0;
            if let Some(open) = self.open.as_mut().filter(|_| wrong && !set) {
                let off = u32::try_from(error.abs() / 1000).unwrap_or(u32::MAX);
                open.wrong_ms = open.wrong_ms.max(off);
            }
            self.close((!apart).then_some(t0), out);
            self.gap = apart.then_some(if set { Cause::Clock } else { Cause::Jump });
        }
        let Some(parameters) = self.parameters.clone() else {
            return;
        };
        let t0 = wall(origin, t.dts);
        let day = self.zone.day_of(t0);
        let id = self.next_id;
        self.next_id += 1;
        // What was lost before the first picture belongs to the gap, not to the segment.
        let gap = self.gap.take().map(|c| {
            (
                c,
                std::mem::take(&mut self.gap_packets) + u64::from(std::mem::take(&mut t.unit.lost)),
            )
        });
        out.push(Step::Begin {
            id,
            t0,
            day,
            parameters: parameters.clone(),
            rate: self.rate,
            gap,
        });
        self.open = Some(Open {
            id,
            origin_us: origin,
            t0,
            midnight: self.zone.start_of(day.plus_days(1)),
            start: t.dts,
            end: t.dts,
            sequence: 1,
            fragment: Vec::new(),
            fragment_start: t.dts,
            parameters,
            flaws: Flaws::default(),
            pending: None,
            corrections: t.unit.dated.corrections,
            clock_sets: t.unit.dated.clock_sets,
            doubt_ms: 0,
            wrong_ms: 0,
            rate: self.rate,
            last: t.dts,
            nominal: i64::from(self.order.nominal()),
            sound_due: None,
        });
    }

    /// Writes out what is held for the open fragment: pictures should not wait in memory while the camera is silent.
    pub fn flush_fragment(&mut self, out: &mut Vec<Step>) {
        if let Some(open) = self.open.as_mut() {
            flush(open, &mut self.waiting, out);
        }
    }

    /// The session is over: ends the open segment with all it has.
    pub fn finish(&mut self, cause: Cause, out: &mut Vec<Step>) {
        let mut timed = std::mem::take(&mut self.timed);
        self.order.flush(&mut timed);
        // Without an open segment a last single picture is not worth one.
        let open = self.open.is_some();
        for t in timed.drain(..).filter(|_| open) {
            self.timed_unit(t, out);
        }
        self.timed = timed;
        self.order.clear();
        self.parameters = None;
        self.close(None, out);
        self.rate = None;
        self.because(cause);
    }

    /// The open segment can take no more (no volume, disk failed, fragment shed): forget it and wait for a key frame.
    /// Returns where it ends if everything handed out before `from` stands.
    pub fn abandon(&mut self, id: u64, cause: Cause) -> Option<Flaws> {
        if self.open_id() != Some(id) {
            return None;
        }
        let mut open = self.open.take()?;
        self.asked = false;
        self.because(cause);
        Some(open.flaws())
    }

    fn close(&mut self, t1: Option<Utc>, out: &mut Vec<Step>) {
        self.asked = false;
        let Some(mut open) = self.open.take() else {
            return;
        };
        flush(&mut open, &mut self.waiting, out);
        let t1 = t1.unwrap_or(open.wall(open.lasted()));
        out.push(Step::End {
            id: open.id,
            t1,
            flaws: open.flaws(),
        });
    }
}

fn flush(open: &mut Open, waiting: &mut VecDeque<Heard>, out: &mut Vec<Step>) {
    if open.fragment.is_empty() {
        return;
    }
    let sound = open.sound(waiting);
    let frames = std::mem::take(&mut open.fragment);
    let wall = open.wall(open.fragment_start);
    let end = open.wall(open.lasted());
    out.push(Step::Fragment {
        id: open.id,
        sequence: open.sequence,
        wall,
        end,
        frames,
        sound,
    });
    open.sequence += 1;
}

#[cfg(test)]
#[path = "cutter_tests.rs"]
mod tests;
