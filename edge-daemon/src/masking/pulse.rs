//! Pure. A picture worker that is slow, and one that hangs: told apart by whether its process gets anything done.
//!
//! One that uses the processor, or waits for its turn on it, is slow: its camera's pictures are shed, its session goes on. One that does
//! neither while pictures wait for it hangs. One that has used a lot of the processor and gives nothing back runs in circles.

/// Time between two looks counts as this much at most: where we ourselves stood still, so did the worker.
const LOOK_MS: u64 = 400;
/// And a look sooner than this after the last is none: what the kernel says costs a file or two.
const SOON_MS: u64 = 100;
/// So much of one core for one answer is more than the slowest picture takes.
const CIRCLES_MS: u64 = 5_000;

/// What the kernel says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Processor time of all its threads since it began.
    pub used_ms: u64,
    /// One of its threads is on the processor, or waits for its turn.
    pub runnable: bool,
}

/// Why a worker has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came back and nothing was done for so many ms.
    Hangs(u64),
    /// Nothing came back for so many ms of processor time.
    Circles(u64),
}

#[derive(Debug, Default)]
pub struct Pulse {
    looked: Option<u64>,
    /// Without an answer and without having done anything.
    idle_ms: u64,
    /// Processor time when the silence began, and when last looked at.
    used: Option<(u64, u64)>,
}

impl Pulse {
    /// `answered`: something came back since the last look, or nothing was asked. `sample` is asked only when nothing did; None: there is
    /// nothing to be had of the process.
    pub fn look(
        &mut self,
        mono_ms: u64,
        answered: bool,
        patience_ms: u64,
        sample: impl FnOnce() -> Option<Sample>,
    ) -> Option<Failure> {
        if answered {
            (self.looked, self.idle_ms, self.used) = (Some(mono_ms), 0, None);
            return None;
        }
        let since = mono_ms.saturating_sub(*self.looked.get_or_insert(mono_ms));
        if since < SOON_MS {
            return None;
        }
        self.looked = Some(mono_ms);
        self.idle_ms += since.min(LOOK_MS);
        if let Some(now) = sample() {
            let (began, last) = *self.used.get_or_insert((now.used_ms, now.used_ms));
            self.used = Some((began, now.used_ms));
            if now.used_ms > last || now.runnable {
                self.idle_ms = 0;
            }
            let used = now.used_ms.saturating_sub(began);
            if used > CIRCLES_MS {
                return Some(Failure::Circles(used));
            }
        }
        (self.idle_ms > patience_ms).then_some(Failure::Hangs(self.idle_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks each 200 ms from 1000 on; when it was found to have failed.
    fn run(mut sample: impl FnMut(u64) -> (bool, Option<Sample>)) -> Option<(u64, Failure)> {
        let mut pulse = Pulse::default();
        (0..600).find_map(|n| {
            let at = n * 200;
            let (answered, process) = sample(at);
            Some((at, pulse.look(1000 + at, answered, 1200, || process)?))
        })
    }

    fn at(used_ms: u64, runnable: bool) -> Option<Sample> {
        Some(Sample { used_ms, runnable })
    }

    /// MSK-5: one that hangs, or of which nothing can be seen, is found within its patience and a look or two.
    #[test]
    fn one_that_hangs() {
        let stopped = run(|ms| (ms < 3000, at(700, false)));
        assert!(
            matches!(stopped, Some((4200..=4400, Failure::Hangs(_)))),
            "{stopped:?}"
        );
        let unseen = run(|ms| (ms < 3000, None));
        assert!(matches!(unseen, Some((4200..=4400, _))), "{unseen:?}");
    }

    /// REC-1: one that has a thirtieth of the processor is slow and no more, whether the kernel shows it running or waiting.
    #[test]
    fn one_that_is_slow() {
        assert_eq!(
            run(|ms| (ms.is_multiple_of(20_000), at(ms / 30, false))),
            None
        );
        assert_eq!(run(|ms| (ms == 0, at(0, true))), None);
    }

    /// MSK-5: one that computes for ever is no slow one.
    #[test]
    fn one_that_runs_in_circles() {
        let circles = run(|ms| (ms < 3000, at(ms, true)));
        assert!(
            matches!(circles, Some((8000..=8600, Failure::Circles(_)))),
            "{circles:?}"
        );
    }

    /// REC-1: where the box stood still nobody hung.
    #[test]
    fn a_box_that_stood_still() {
        let mut pulse = Pulse::default();
        let mut look = |ms, answered| pulse.look(ms, answered, 1200, || at(5, false));
        assert_eq!(look(1000, true), None);
        assert_eq!(look(9000, false), None);
        assert_eq!(look(9200, true), None);
    }
}
