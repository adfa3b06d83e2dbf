//! Pure. Where a lift that somebody asked for stands, and what each event makes of it.
//!
//! ```text
//! pending ──approved by another──▶ ordered
//!    ├──withdrawn──▶ withdrawn
//!    └──an hour is over──▶ expired
//! ```

use shared::time::Utc;

/// A request that nobody approves is forgotten after this long.
pub const WAITS_MS: i64 = 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Ordered,
    Withdrawn,
    Expired,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Ordered, Self::Withdrawn, Self::Expired];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ordered => "ordered",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == text)
    }
}

/// What bears on a lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    /// Account of whoever asked.
    pub asked_by: u32,
    pub made: Utc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// By that account.
    Approved(u32),
    Withdrawn,
    Tick,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Whoever asked cannot approve.
    SamePerson,
    /// It has to be put aside first: its hour is over.
    Late,
    /// It is settled already.
    Settled(State),
    NotYet,
}

impl Standing {
    pub fn expires(&self) -> Utc {
        self.made.plus_ms(WAITS_MS)
    }

    pub fn apply(self, event: Event, now: Utc) -> Result<State, NotDone> {
        if self.state != State::Pending {
            return Err(NotDone::Settled(self.state));
        }
        let over = now >= self.expires();
        match event {
            Event::Tick if over => Ok(State::Expired),
            Event::Tick => Err(NotDone::NotYet),
            Event::Approved(_) | Event::Withdrawn if over => Err(NotDone::Late),
            Event::Approved(by) if by == self.asked_by => Err(NotDone::SamePerson),
            Event::Approved(_) => Ok(State::Ordered),
            Event::Withdrawn => Ok(State::Withdrawn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Utc = Utc(1_000_000);

    /// MSK-4, ROL-5: every state and event, before and at the end of the hour: nobody approves his own, nothing that is settled changes.
    #[test]
    fn every_state_and_event() {
        let events = [
            Event::Approved(2),
            Event::Approved(3),
            Event::Withdrawn,
            Event::Tick,
        ];
        for state in State::ALL {
            let lift = Standing {
                state,
                asked_by: 2,
                made: MADE,
            };
            for event in events {
                for (late, now) in [(false, WAITS_MS - 1), (true, WAITS_MS)] {
                    let is = lift.apply(event, MADE.plus_ms(now));
                    let due = match (state, event, late) {
                        (State::Pending, Event::Tick, true) => Ok(State::Expired),
                        (State::Pending, Event::Tick, false) => Err(NotDone::NotYet),
                        (State::Pending, _, true) => Err(NotDone::Late),
                        (State::Pending, Event::Approved(2), false) => Err(NotDone::SamePerson),
                        (State::Pending, Event::Approved(_), false) => Ok(State::Ordered),
                        (State::Pending, Event::Withdrawn, false) => Ok(State::Withdrawn),
                        (settled, ..) => Err(NotDone::Settled(settled)),
                    };
                    assert_eq!(is, due, "{state:?} {event:?} {late}");
                }
            }
            assert_eq!(State::parse(state.word()), Some(state));
        }
        assert_eq!(State::parse("gone"), None);
    }
}
