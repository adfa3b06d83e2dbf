//! Pure. Where an order stands that two people have to approve with their own passkeys, and what each event makes of it.
//!
//! ```text
//! waiting ──both have touched──▶ sent ──obeyed──▶ done
//!    │                            └──refused, or no answer──▶ failed
//!    └──a quarter of an hour is over──▶ failed
//! ```

use shared::time::Utc;

/// Both have to touch within so long from the second person's word on.
pub const WAITS_MS: i64 = 15 * 60_000;
/// Of an order that was sent and of which nothing is known after so long, nothing more will be heard: the hub stopped meanwhile.
const SILENT_MS: i64 = 5 * 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Sent,
    Done,
    Failed,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Done, Self::Failed];

    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == text)
    }
}

/// What bears on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchStanding {
    pub state: State,
    /// Accounts of the two people.
    pub people: [u32; 2],
    /// Of those who have touched.
    pub touched: Vec<u32>,
    /// Waits until then.
    pub until: Utc,
    /// When it last changed.
    pub changed: Utc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// By that account.
    Touched(u32),
    Obeyed,
    NotObeyed,
    /// Somebody who decides says that it is not to be.
    CalledOff,
    Tick,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// It waits for others.
    NotYours,
    Already,
    Late,
    /// It waits no more.
    Over(State),
    NotYet,
}

impl TouchStanding {
    pub fn apply(&self, event: Event, now: Utc) -> Result<State, NotDone> {
        let late = now >= self.until;
        match (self.state, event) {
            (State::Waiting, Event::Touched(op)) if !self.people.contains(&op) => {
                Err(NotDone::NotYours)
            }
            (State::Waiting, Event::Touched(_)) if late => Err(NotDone::Late),
            (State::Waiting, Event::Touched(op)) if self.touched.contains(&op) => {
                Err(NotDone::Already)
            }
            (State::Waiting, Event::Touched(op)) => {
                let both = self
                    .people
                    .iter()
                    .all(|p| *p == op || self.touched.contains(p));
                Ok(if both { State::Sent } else { State::Waiting })
            }
            (State::Waiting, Event::CalledOff) => Ok(State::Failed),
            (State::Waiting, Event::Tick) if late => Ok(State::Failed),
            (State::Waiting, _) => Err(NotDone::NotYet),
            (State::Sent, Event::Obeyed) => Ok(State::Done),
            (State::Sent, Event::NotObeyed) => Ok(State::Failed),
            (State::Sent, Event::Tick) if now >= self.changed.plus_ms(SILENT_MS) => {
                Ok(State::Failed)
            }
            (State::Sent, Event::Tick) => Err(NotDone::NotYet),
            // The box may have obeyed: only its answer, or its silence, ends it.
            (over, _) => Err(NotDone::Over(over)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Utc = Utc(1_000_000);

    /// ROL-5, MSK-4: every state and event, in time and late, by whoever touched and who did not: it is sent by two touches of the two people it
    /// names and by nothing else, and what is over stays so.
    #[test]
    fn every_state_and_event() {
        let events = [
            Event::Touched(2),
            Event::Touched(3),
            Event::Touched(4),
            Event::Obeyed,
            Event::NotObeyed,
            Event::CalledOff,
            Event::Tick,
        ];
        for state in State::ALL {
            assert_eq!(State::parse(state.word()), Some(state));
            for touched in [vec![], vec![2], vec![3]] {
                for late in [false, true] {
                    let standing = TouchStanding {
                        state,
                        people: [2, 3],
                        touched: touched.clone(),
                        until: MADE.plus_ms(WAITS_MS),
                        changed: MADE,
                    };
                    let now = MADE.plus_ms(if late { WAITS_MS } else { SILENT_MS - 1 });
                    for event in events {
                        let due = match (state, event) {
                            (State::Waiting, Event::Touched(4)) => Err(NotDone::NotYours),
                            (State::Waiting, Event::Touched(_)) if late => Err(NotDone::Late),
                            (State::Waiting, Event::Touched(op)) if touched.contains(&op) => {
                                Err(NotDone::Already)
                            }
                            (State::Waiting, Event::Touched(_)) => Ok(match touched.len() {
                                0 => State::Waiting,
                                _ => State::Sent,
                            }),
                            (State::Waiting, Event::CalledOff) => Ok(State::Failed),
                            (State::Waiting | State::Sent, Event::Tick) if late => {
                                Ok(State::Failed)
                            }
                            (State::Waiting, _) | (State::Sent, Event::Tick) => {
                                Err(NotDone::NotYet)
                            }
                            (State::Sent, Event::Obeyed) => Ok(State::Done),
                            (State::Sent, Event::NotObeyed) => Ok(State::Failed),
                            (over, _) => Err(NotDone::Over(over)),
                        };
                        assert_eq!(standing.apply(event, now), due, "{standing:?} {event:?}");
                    }
                }
            }
        }
        assert_eq!(State::parse("gone"), None);
    }
}
