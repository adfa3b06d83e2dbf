//! Pure. When to connect again, and what to say meanwhile. The only layer that retries a camera. What one may send at most.
//!
//! ```text
//! connecting ──play──> playing ──error, stall──> at once, if it had played ──fails──> 1, 2, 4 … 30 s (with jitter)
//!      │  what fails directly and may be mended is tried by the relay at once, before it counts as a failure (way)
//!      └─401──> 60 … 300 s: cameras lock an account out after a few wrong passwords;   flood ──> 4 … 30 s
//! ```
use crate::segment::Cause;

/// Without a picture for this long the session is given up …
pub const STALL_MS: u64 = 10_000;
/// … or after so many of its usual distances, of a camera that sends seldom …
const STALL_DISTANCES: u64 = 3;
/// … and while how often it sends is not known yet: before its first picture, and before its second.
const STALL_FIRST_MS: u64 = 25_000;
const STALL_SECOND_MS: u64 = 40_000;
/// … but for less where packets from another port than the camera announced would not be seen at all: the relay sees them.
const STALL_UNSEEN_MS: u64 = 6_000;
/// From first packet to PLAY.
pub const CONNECT_MS: u64 = 10_000;
/// Without parameter sets, and two key pictures of which none brought them: the session is given up.
pub const PARAMETERS_MS: u64 = 10_000;
/// A picture is complete when nothing more of it came for so long (two turns) …
const COMPLETE_MS: u64 = 450;
/// … or, of a camera that sends its pictures in pieces, for this many of its usual distances: the rest of one may only come with the
/// beginning of the next …
const COMPLETE_DISTANCES: u64 = 2;
/// … but not for longer than this.
const COMPLETE_MOST_MS: u64 = 5_000;
/// A camera that is to prove its own mask has pictures that decode alone within this time, or the box paints.
pub const ALONE_MS: u64 = 30_000;
/// Frames are held this long at the start of a session, to learn its rhythm and where it lies in time.
pub const HOLD_MS: u64 = 600;
/// Or for this long, while pictures come faster than they were made: what the camera had kept back for a viewer.
pub const BURST_MS: u64 = 2_500;
/// Held at most, whatever comes.
pub const HOLD_BYTES: usize = 8 << 20;
/// A session that played for this long was a good one.
pub const GOOD_MS: u64 = 10_000;
/// Packets that cannot be used, and no picture for this long after the first of them: the session is begun again.
pub const DAMAGE_MS: u64 = 1_000;
/// How long a new session waits for the old one's farewell: some cameras have room for one only.
pub const FAREWELL_MS: u64 = 500;
/// A camera has so long to hear it before the connection is closed.
pub const GOODBYE_MS: u64 = 250;

/// What a camera may send in [`FLOOD_MS`]: 100 Mbit/s, several times what a 4K camera is set to, and 250 pictures a second.
pub const FLOOD_MS: u64 = 2_000;
pub const FLOOD_BYTES: u64 = 25_000_000;
pub const FLOOD_PICTURES: u64 = 500;
/// And of whatever else it sends: sound, reports, events, packets that cannot be used.
pub const FLOOD_OTHERS: u64 = 10_000;
/// A picture that has begun and not ended yet. (A key frame of a 4K camera is a megabyte or two.)
pub const PICTURE_BYTES: isize = 8 << 20;
/// Its buffer doubles: of 8 MiB when half as much is held, of 16 MiB when more than 8 are.
pub const UNFINISHED_BYTES: isize = PICTURE_BYTES * 3 / 2;
/// What may be held of a camera's answers before it plays: the longest description that the relay takes is 256 KiB.
pub const ANSWER_BYTES: isize = 448 << 10;
/// And of words between its pictures, in small pieces: the lines of an answer's head.
pub const HEAD_BYTES: isize = 2 << 20;
/// Reads from a camera's socket between two looks at what is held; and before it plays, or when that has become large.
pub const READS: usize = 8;
pub const READS_LARGE: usize = 1;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Could not be reached, or no answer in time.
    Unreachable,
    /// The user name or password was refused (401, 403).
    Password,
    /// It was not asked: its password cannot be read.
    NoPassword,
    /// It asks for a login that is not spoken, or not allowed.
    Login,
    /// Its certificate is not the accepted one, or nobody vouches for it.
    Certificate,
    /// Answers, but not so that it is understood.
    Answer,
    /// Answers, but has nothing at this address: while it starts up, or for good.
    Absent,
    /// Answers, but offers no stream that can be recorded.
    Unsupported,
    Stalled,
    /// Broke off, or sent something that could not be understood.
    Lost,
    /// What it sent could not be understood, and went on so.
    Damaged,
    /// Sent more than a camera may.
    Flood,
    /// No key frame for far too long.
    NoKey,
    /// Its times could not be.
    Jump,
    /// The picture worker failed; the camera is fine.
    Worker,
    /// The camera's own mask could not be proved.
    Unproved,
    /// Another mask came into force, or one was lifted, or came back.
    Rule,
    /// The box cannot carry painting this camera's mask.
    Capacity,
    /// We are stopping.
    Stop,
}

/// How a session ended, and why in words.
pub type Outcome = (Ended, String);

impl Ended {
    pub fn cause(self) -> Cause {
        match self {
            Ended::Unreachable | Ended::Absent => Cause::Unreachable,
            Ended::Password | Ended::NoPassword => Cause::Password,
            Ended::Login => Cause::Login,
            Ended::Certificate => Cause::Certificate,
            Ended::Answer => Cause::Answer,
            Ended::Unsupported => Cause::Unsupported,
            Ended::Stalled => Cause::Stall,
            Ended::Lost | Ended::Stop => Cause::Lost,
            Ended::Damaged => Cause::Damaged,
            Ended::Flood => Cause::Flood,
            Ended::NoKey => Cause::NoKey,
            Ended::Jump => Cause::Jump,
            Ended::Worker => Cause::Mask,
            Ended::Unproved => Cause::Unproved,
            Ended::Rule => Cause::Rule,
            Ended::Capacity => Cause::Capacity,
        }
    }
}

impl Ended {
    /// The camera's condition that it is, once it is a fault; None: whoever decided it says what is the matter.
    pub fn condition(self) -> Option<&'static str> {
        Some(match self {
            Ended::Unreachable => "camera.unreachable",
            Ended::Lost => "camera.breaks",
            Ended::Damaged => "camera.answer",
            Ended::Password => "camera.password",
            Ended::NoPassword => "camera.password-file",
            Ended::Login => "camera.login",
            Ended::Certificate => "camera.certificate",
            Ended::Answer => "camera.answer",
            Ended::Absent => "camera.address",
            Ended::Unsupported => "camera.unsupported",
            Ended::Stalled => "camera.stalled",
            Ended::Flood => "camera.flood",
            Ended::Capacity => "mask.capacity",
            // That nothing of the camera lands is seen by whoever watches for it, and has its words from here.
            Ended::NoKey | Ended::Jump => return None,
            Ended::Worker | Ended::Unproved | Ended::Rule | Ended::Stop => return None,
        })
    }
}

/// What to do after a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    pub wait_ms: u64,
    /// The camera's condition to raise; None leaves it as it is.
    pub fault: Option<&'static str>,
}

/// Decides. One per camera.
#[derive(Debug)]
pub struct Retry {
    failures: u32,
    /// Times running that it could not be reached.
    unreached: u32,
    noise: u64,
}

impl Retry {
    /// `seed` keeps a row of cameras from knocking in step after a switch has restarted.
    pub fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            unreached: 0,
            noise: seed | 1,
        }
    }

    /// A session ended after playing for `played_ms`, from its first frame to its last.
    pub fn ended(&mut self, how: Ended, played_ms: u64) -> Next {
        if played_ms >= GOOD_MS {
            self.failures = 0;
        }
        let failures = self.failures;
        // What we decided ourselves is no failure, of the camera's or of anything's.
        if !matches!(how, Ended::Rule | Ended::Capacity) {
            self.failures = self.failures.saturating_add(1);
        }
        let unreached = self.unreached;
        self.unreached = match how {
            Ended::Unreachable => unreached.saturating_add(1),
            _ => 0,
        };
        // A broken session that comes straight back is a gap on the record, not a fault.
        let (wait_ms, now) = match how {
            Ended::Stop => (0, false),
            Ended::Password => (
                60_000u64.saturating_mul(1 << failures.min(3)).min(300_000),
                true,
            ),
            Ended::NoPassword
            | Ended::Login
            | Ended::Certificate
            | Ended::Unsupported
            | Ended::Capacity => (60_000, true),
            Ended::Answer => (backoff(failures.max(3)), true),
            Ended::Absent => (backoff(failures), failures > 4),
            Ended::Stalled => (backoff(failures), true),
            Ended::Unreachable => (backoff(failures), unreached > 0),
            // Not at once: what floods the box must not come straight back.
            Ended::Flood => (backoff(failures.max(3)), true),
            Ended::Lost | Ended::Damaged | Ended::NoKey | Ended::Jump => {
                (backoff(failures), failures > 2)
            }
            Ended::Worker | Ended::Unproved => (backoff(failures), false),
            Ended::Rule => (0, false),
        };
        let fault = how.condition().filter(|_| now);
        Next {
            wait_ms: self.jitter(wait_ms),
            fault,
        }
    }

    /// ±25 %.
    fn jitter(&mut self, ms: u64) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        let quarter = ms / 4;
        ms - quarter
            + if quarter == 0 {
                0
            } else {
                self.noise % (2 * quarter)
            }
    }
}

fn backoff(failures: u32) -> u64 {
    match failures {
        0 => 0,
        n => (1000u64 << (n - 1).min(5)).min(24_000),
    }
}

/// How long to wait for a session's next picture: `pictures` have come of it, usually `distance_ms` apart (0: not known). `unseen`: what
/// the camera sends may not be seen this way, and another way is open.
pub fn stall_ms(pictures: u64, distance_ms: u64, unseen: bool) -> u64 {
    let usual = STALL_MS.max(distance_ms.saturating_mul(STALL_DISTANCES));
    match (pictures, distance_ms) {
        (0, 0) if unseen => STALL_UNSEEN_MS,
        (0, _) => usual.max(STALL_FIRST_MS),
        (1, 0) => STALL_SECOND_MS,
        _ => usual,
    }
}

/// How long more of a picture is waited for; `sliced`: the camera sends its pictures in pieces, usually `distance_ms` apart.
pub fn complete_ms(sliced: bool, distance_ms: u64) -> u64 {
    if sliced {
        COMPLETE_MS
            .max(distance_ms.saturating_mul(COMPLETE_DISTANCES))
            .min(COMPLETE_MOST_MS)
    } else {
        COMPLETE_MS
    }
}

/// The usual distance of a camera's pictures, in ms: the smaller of the last two, so that an outage is none. Distances below a second
/// are of no interest here and come to 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distance {
    last: Option<u64>,
    before: Option<u64>,
}

impl Distance {
    /// A picture came at this monotonic time.
    pub fn picture(&mut self, mono: u64) -> Option<u64> {
        let now = self
            .last
            .replace(mono)
            .map(|last| mono.saturating_sub(last));
        let before = std::mem::replace(&mut self.before, now);
        let usual = now?.min(before.unwrap_or(u64::MAX));
        Some(if usual < 1_000 { 0 } else { usual })
    }
}

/// Counts what a camera sends.
#[derive(Debug, Default)]
pub struct Meter {
    began: u64,
    bytes: u64,
    pictures: u64,
    others: u64,
}

impl Meter {
    /// A picture has come; Some says what is too much.
    pub fn picture(&mut self, mono_ms: u64, bytes: usize) -> Option<String> {
        self.look(mono_ms);
        self.bytes += bytes as u64;
        self.pictures += 1;
        let secs = FLOOD_MS / 1000;
        if self.bytes > FLOOD_BYTES {
            Some(format!(
                "more than {} Mbit/s for {secs} s",
                FLOOD_BYTES * 8 / secs / 1_000_000
            ))
        } else if self.pictures > FLOOD_PICTURES {
            Some(format!(
                "more than {} pictures a second for {secs} s",
                FLOOD_PICTURES / secs
            ))
        } else {
            None
        }
    }

    /// Something else has come.
    pub fn other(&mut self, mono_ms: u64) -> Option<String> {
        self.look(mono_ms);
        self.others += 1;
        let secs = FLOOD_MS / 1000;
        (self.others > FLOOD_OTHERS).then(|| {
            format!(
                "more than {} messages and packets a second that are no pictures, for {secs} s",
                FLOOD_OTHERS / secs
            )
        })
    }

    fn look(&mut self, mono_ms: u64) {
        if mono_ms.saturating_sub(self.began) >= FLOOD_MS {
            *self = Self {
                began: mono_ms,
                ..Self::default()
            };
        }
    }
}

/// What a failed request to a camera means, by its RTSP status; None when there was no answer.
pub fn refusal(status: Option<u16>) -> Ended {
    match status {
        Some(401 | 403) => Ended::Password,
        Some(404 | 454) => Ended::Absent,
        Some(405 | 406 | 415 | 461 | 551) => Ended::Unsupported,
        // It is busy, or starting.
        Some(453 | 500..=599) => Ended::Lost,
        Some(_) => Ended::Answer,
        None => Ended::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-1: a broken session is begun again at once, then ever less often, at most every 30 s.
    #[test]
    fn at_once_then_slower() {
        let mut retry = Retry::new(7);
        assert_eq!(
            retry.ended(Ended::Lost, 60_000),
            Next {
                wait_ms: 0,
                fault: None
            }
        );
        let waits: Vec<u64> = (0..12)
            .map(|_| retry.ended(Ended::Unreachable, 0).wait_ms)
            .collect();
        assert!((750..=1250).contains(&waits[0]), "{waits:?}");
        assert!(
            waits.iter().all(|w| *w <= 30_000) && waits[11] >= 18_000,
            "{waits:?}"
        );
        assert_eq!(
            retry.ended(Ended::Lost, 60_000).wait_ms,
            0,
            "a good session starts over"
        );
    }

    /// FLT-3: an outage is a fault at its second failure; a password refused at once, and not hammered.
    #[test]
    fn faults() {
        let mut retry = Retry::new(3);
        assert_eq!(retry.ended(Ended::Unreachable, 0).fault, None);
        assert_eq!(
            retry.ended(Ended::Unreachable, 0).fault,
            Some("camera.unreachable")
        );
        let mut retry = Retry::new(3);
        let next = retry.ended(Ended::Password, 0);
        assert_eq!(next.fault, Some("camera.password"));
        assert!(next.wait_ms >= 45_000);
        assert_eq!(
            Retry::new(1).ended(Ended::Stalled, 20_000).fault,
            Some("camera.stalled")
        );
    }

    /// FLT-3: a camera with room for one session refuses the next while the last one is not gone: back within 2 s, and no fault.
    #[test]
    fn a_camera_with_one_session_is_back_in_two_seconds() {
        for seed in 0..50 {
            let mut retry = Retry::new(seed * 7919);
            assert_eq!(
                retry.ended(Ended::Damaged, 40_000),
                Next {
                    wait_ms: 0,
                    fault: None
                }
            );
            for refused in [Ended::Lost, Ended::Unreachable] {
                let mut retry = Retry {
                    failures: 1,
                    ..Retry::new(seed * 7919)
                };
                let next = retry.ended(refused, 0);
                assert!(next.wait_ms <= 1250 && next.fault.is_none(), "{next:?}");
            }
        }
    }

    /// FLT-3: never a storm: whatever a camera does, an hour has at most so many sessions.
    #[test]
    fn no_storm() {
        for how in [
            Ended::Lost,
            Ended::Damaged,
            Ended::Unreachable,
            Ended::Flood,
            Ended::Stalled,
            Ended::Worker,
            Ended::Unproved,
        ] {
            for played in [0u64, 500, 9_999] {
                let (mut retry, mut time, mut sessions) = (Retry::new(played + 3), 0, 0);
                while time < 3_600_000 {
                    sessions += 1;
                    time += played + retry.ended(how, played).wait_ms + 1;
                }
                assert!(sessions <= 200, "{how:?} after {played} ms: {sessions}");
            }
        }
    }

    /// FLT-3: what is a flood and what is not.
    #[test]
    fn a_flood_is_noticed() {
        let run = |fps: u64, bytes: usize| {
            let mut meter = Meter::default();
            (0..fps * 10).find_map(|n| {
                meter
                    .picture(5_000_000 + n * 1000 / fps, bytes)
                    .map(|_| n * 1000 / fps)
            })
        };
        // 4K at 32 Mbit/s; a high-speed camera; 200 Mbit/s; 2000 empty pictures a second.
        assert_eq!(run(30, 4_000_000 / 30), None);
        assert_eq!(run(120, 20_000), None);
        assert!(run(25, 1_000_000).is_some_and(|ms| ms <= FLOOD_MS));
        assert!(run(2000, 10).is_some_and(|ms| ms <= FLOOD_MS));
    }

    /// MSK-5, REC-1: a session that ends because another mask is in force, or because the box cannot carry it, is no failure: the first real
    /// one after it is tried again at once.
    #[test]
    fn what_the_box_decides_is_no_failure() {
        let mut retry = Retry::new(9);
        for how in [Ended::Rule, Ended::Capacity, Ended::Rule, Ended::Rule] {
            assert!(
                retry
                    .ended(how, 300)
                    .fault
                    .is_none_or(|f| f == "mask.capacity")
            );
        }
        assert_eq!(retry.ended(Ended::Worker, 700).wait_ms, 0);
        assert!(retry.ended(Ended::Worker, 700).wait_ms <= 1250);
    }

    #[test]
    fn cameras_do_not_knock_in_step() {
        let second = |seed| {
            let mut r = Retry::new(seed);
            (0..5)
                .map(|_| r.ended(Ended::Unreachable, 0).wait_ms)
                .sum::<u64>()
        };
        assert_ne!(second(11), second(29));
    }

    #[test]
    fn a_short_session_does_not_reset_the_wait() {
        let mut retry = Retry::new(5);
        let waits: Vec<u64> = (0..6)
            .map(|_| retry.ended(Ended::Lost, 500).wait_ms)
            .collect();
        assert!(waits[5] > 8_000, "{waits:?}");
    }

    /// REC-3, FLT-3 (K12): how long a picture is waited for depends on how often the camera sends one; an outage is no rhythm.
    #[test]
    fn a_camera_that_sends_seldom() {
        for unseen in [false, true] {
            assert_eq!(stall_ms(500, 0, unseen), STALL_MS);
            assert_eq!(stall_ms(500, 12_000, unseen), 36_000);
            assert!(stall_ms(0, 12_000, unseen) > 12_000 && stall_ms(1, 0, unseen) > 2 * 12_000);
        }
        assert!(stall_ms(0, 0, false) > 12_000);
        // K14: another port than announced is learnt within 10 s.
        assert!(stall_ms(0, 0, true) < 8_000);
        let mut distance = Distance::default();
        assert_eq!(distance.picture(1_000), None);
        assert_eq!(distance.picture(13_000), Some(12_000));
        assert_eq!(distance.picture(25_000), Some(12_000));
        assert_eq!(distance.picture(95_000), Some(12_000), "an outage");
        assert_eq!(distance.picture(95_040), Some(0), "many a second");
    }
}
