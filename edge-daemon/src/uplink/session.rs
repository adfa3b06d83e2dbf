//! Pure. When to dial the hub again, and when to say that the link is down.
//!
//! ```text
//! waiting ──deadline──▶ dialling ──welcomed──▶ connected
//!    ▲                      │ failed                │ lost
//!    └──────────────────────┴───────────────────────┘        for ever, at most 30 s apart
//! ```

/// Longest wait between two attempts.
pub const LONGEST_MS: u64 = 30_000;
const FIRST_MS: u64 = 500;
/// The link is called down when it has been gone this long.
pub const DOWN_AFTER_MS: u64 = 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Dialling,
    Connected,
    /// Until this `mono`.
    Waiting(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The time to dial has come.
    Due,
    Welcomed,
    /// An attempt failed, or the connection was lost. `random` is any number.
    Lost {
        random: u32,
    },
}

#[derive(Clone, Debug)]
pub struct Session {
    pub state: State,
    failures: u32,
    /// `mono` since when there is no link.
    gone_since: u64,
}

impl Session {
    pub fn new(mono: u64) -> Self {
        Self {
            state: State::Waiting(mono),
            failures: 0,
            gone_since: mono,
        }
    }

    pub fn apply(&mut self, mono: u64, event: Event) {
        self.state = match (self.state, event) {
            (State::Waiting(_), Event::Due) => State::Dialling,
            (State::Dialling, Event::Welcomed) => {
                self.failures = 0;
                State::Connected
            }
            (from @ (State::Dialling | State::Connected), Event::Lost { random }) => {
                if from == State::Connected {
                    self.gone_since = mono;
                }
                let step = (FIRST_MS << self.failures.min(16)).min(LONGEST_MS);
                self.failures = self.failures.saturating_add(1);
                // Half fixed, half by chance: a town's boxes do not all come back in the same moment.
                State::Waiting(mono + step / 2 + u64::from(random) % (step / 2 + 1))
            }
            (state, _) => state,
        };
    }

    /// When [`Event::Due`] is due.
    pub fn next_deadline(&self) -> Option<u64> {
        match self.state {
            State::Waiting(at) => Some(at),
            _ => None,
        }
    }

    pub fn down(&self, mono: u64) -> bool {
        self.state != State::Connected && mono.saturating_sub(self.gone_since) >= DOWN_AFTER_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-1: the box dials for ever, never more than 30 s apart, and never in step with others.
    #[test]
    fn a_month_without_a_hub() {
        let (mut s, mut mono, mut tries, mut longest) = (Session::new(0), 0u64, 0u32, 0);
        while mono < 30 * 86_400_000 {
            let at = s
                .next_deadline()
                .expect("a deadline while there is no link");
            longest = longest.max(at - mono);
            mono = at;
            s.apply(mono, Event::Due);
            assert_eq!(s.state, State::Dialling);
            tries += 1;
            s.apply(
                mono,
                Event::Lost {
                    random: tries.wrapping_mul(2_654_435_761),
                },
            );
        }
        assert!(
            longest <= LONGEST_MS && longest > LONGEST_MS / 2,
            "{longest}"
        );
        assert!(tries >= 30 * 86_400 / 30, "{tries}");
        assert!(s.down(mono));
        s.apply(mono, Event::Due);
        s.apply(mono, Event::Welcomed);
        assert!(!s.down(mono));
        s.apply(mono, Event::Lost { random: 0 });
        assert!(!s.down(mono + DOWN_AFTER_MS - 1) && s.down(mono + DOWN_AFTER_MS));
        assert!(
            s.next_deadline().expect("due") - mono <= FIRST_MS,
            "after a good connection the next attempt is soon"
        );
    }

    #[test]
    fn two_boxes_that_lose_the_hub_together_come_back_apart() {
        let back = |random| {
            let mut s = Session::new(0);
            for _ in 0..8 {
                s.apply(s.next_deadline().expect("due"), Event::Due);
                s.apply(0, Event::Lost { random });
            }
            s.next_deadline()
        };
        assert_ne!(back(1_000), back(9_000));
    }
}
