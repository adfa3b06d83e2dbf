//! Pure. When to connect again, and what to say meanwhile. The only layer that retries a camera.
//!
//! ```text
//! connecting ──play──> playing ──error, stall──> at once, if it had played ──fails──> 1, 2, 4 … 30 s (with jitter)
//!      └─401──> 60 … 300 s: cameras lock an account out after a few wrong passwords
//! ```
use crate::segment::Cause;

/// Without a frame for this long the session is given up.
pub const STALL_MS: u64 = 10_000;
/// From first packet to PLAY.
pub const CONNECT_MS: u64 = 10_000;
/// Frames are held this long at the start of a session, to learn its rhythm and where it lies in time.
pub const HOLD_MS: u64 = 600;
/// Held at most, whatever comes.
pub const HOLD_BYTES: usize = 8 << 20;
/// A session that played for this long was a good one.
const GOOD_MS: u64 = 30_000;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Could not be reached, or no answer in time.
    Unreachable,
    /// The user name or password was refused (401, 403).
    Password,
    /// Answers, but offers no stream that can be recorded.
    Unsupported,
    Stalled,
    /// Broke off, or sent something that could not be understood.
    Lost,
    /// No key frame for far too long.
    NoKey,
    /// The picture worker failed; the camera is fine.
    Worker,
    /// We are stopping.
    Stop,
}

impl Ended {
    pub fn cause(self) -> Cause {
        match self {
            Ended::Unreachable => Cause::Unreachable,
            Ended::Password => Cause::Password,
            Ended::Unsupported => Cause::Unsupported,
            Ended::Stalled => Cause::Stall,
            Ended::Lost | Ended::Stop => Cause::Lost,
            Ended::NoKey => Cause::NoKey,
            Ended::Worker => Cause::Mask,
        }
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
    noise: u64,
}

impl Retry {
    /// `seed` keeps a row of cameras from knocking in step after a switch has restarted.
    pub fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            noise: seed | 1,
        }
    }

    /// A session ended after playing (frames arriving) for `played_ms`.
    pub fn ended(&mut self, how: Ended, played_ms: u64) -> Next {
        if played_ms >= GOOD_MS {
            self.failures = 0;
        }
        let failures = self.failures;
        self.failures = self.failures.saturating_add(1);
        let (wait_ms, fault) = match how {
            Ended::Stop => (0, None),
            Ended::Password => (
                60_000u64.saturating_mul(1 << failures.min(3)).min(300_000),
                Some("camera.password"),
            ),
            Ended::Unsupported => (60_000, Some("camera.unsupported")),
            Ended::Stalled => (backoff(failures), Some("camera.stalled")),
            // One broken session that comes straight back is a gap on the record, not a fault.
            Ended::Unreachable => (
                backoff(failures),
                (failures > 0).then_some("camera.unreachable"),
            ),
            Ended::Lost | Ended::NoKey => (
                backoff(failures),
                (failures > 2).then_some("camera.unreachable"),
            ),
            Ended::Worker => (backoff(failures), None),
        };
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

/// What a failed request to a camera means, by its RTSP status; None when there was no answer.
pub fn refusal(status: Option<u16>) -> Ended {
    match status {
        Some(401 | 403) => Ended::Password,
        Some(404 | 405 | 406 | 415 | 461 | 551) => Ended::Unsupported,
        Some(_) => Ended::Lost,
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
}
