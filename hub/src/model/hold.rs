//! Pure. Where a hold stands, and what each event makes of it.
//!
//! ```text
//! pending ──placed──▶ placed ──released, expired──▶ releasing ──cleared──▶ over
//!    │ └──refused──▶ refused                            ▲
//!    └──released, expired: the box may know of it ──────┘   it cannot: over, void
//! ```

use shared::time::Utc;

use super::order::Failure;

/// A box that knows nothing of holds, or is gone, never says that it cleared one. It does so by itself at the hold's end.
const SILENT_MS: i64 = 86_400_000;

/// Why a hold is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldEnd {
    /// Two people released it.
    Order,
    /// What it was for is at the hub, checked.
    Fetched,
    Expired,
    /// The request it was placed for came to nothing.
    Unused,
    /// Over before any box heard of it.
    Void,
}

impl HoldEnd {
    const ALL: [(HoldEnd, &'static str); 5] = [
        (HoldEnd::Order, "order"),
        (HoldEnd::Fetched, "fetched"),
        (HoldEnd::Expired, "expired"),
        (HoldEnd::Unused, "unused"),
        (HoldEnd::Void, "void"),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(e, _)| *e == self)
            .map_or("", |(_, t)| t)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, t)| *t == text).map(|(e, _)| *e)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The box has not answered yet; it may be offline.
    Pending,
    /// In force at the box, on its record.
    Placed,
    /// Over here; the box has not said yet that it knows.
    Releasing(HoldEnd),
    Over(HoldEnd),
    /// The box did not set it.
    Refused,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Placed => "placed",
            State::Releasing(_) => "releasing",
            State::Over(_) => "over",
            State::Refused => "refused",
        }
    }

    pub fn ended(self) -> Option<HoldEnd> {
        match self {
            State::Releasing(e) | State::Over(e) => Some(e),
            _ => None,
        }
    }

    pub fn parse(word: &str, ended: Option<&str>) -> Option<Self> {
        let ended = ended.and_then(HoldEnd::parse);
        match word {
            "pending" => Some(State::Pending),
            "placed" => Some(State::Placed),
            "releasing" => ended.map(State::Releasing),
            "over" => ended.map(State::Over),
            "refused" => Some(State::Refused),
            _ => None,
        }
    }

    /// It keeps footage, or will.
    pub fn alive(self) -> bool {
        matches!(self, State::Pending | State::Placed)
    }

    /// Nothing more happens to it.
    pub fn done(self) -> bool {
        matches!(self, State::Over(_) | State::Refused)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldStanding {
    pub state: State,
    /// When it ends.
    pub until: Utc,
    /// The same as the box last said it; None: it has not.
    pub told: Option<Utc>,
    /// An order about it went out: the box may know of it.
    pub sent: bool,
    pub segments: Option<u64>,
    pub bytes: Option<u64>,
    /// Refused because the space for holds at the box is full.
    pub full: bool,
    /// What the box last had to say against it.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order about it is about to go out.
    Sent,
    Placed {
        until: Utc,
        segments: u64,
        bytes: u64,
    },
    Cleared,
    /// `passes`: trouble of the box's own, which may be over at the next try.
    Failed {
        full: bool,
        passes: bool,
        failure: Failure,
    },
    Extended {
        until: Utc,
    },
    /// `ended`: order, fetched or unused.
    Released {
        ended: HoldEnd,
    },
    Tick {
        now: Utc,
    },
}

/// What has to be on the record before the change counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldLine {
    /// `hold.free`
    Free(HoldEnd),
    /// `order.fail`
    Fail(Failure),
}

/// The order that is outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    Set,
    Clear(HoldEnd),
}

impl HoldStanding {
    pub fn new(until: Utc) -> Self {
        Self {
            state: State::Pending,
            until,
            told: None,
            sent: false,
            segments: None,
            bytes: None,
            full: false,
            why: String::new(),
        }
    }

    pub fn wants(&self) -> Option<Wants> {
        match self.state {
            State::Pending => Some(Wants::Set),
            State::Placed if self.told.is_none_or(|told| told < self.until) => Some(Wants::Set),
            State::Releasing(ended) => Some(Wants::Clear(ended)),
            State::Placed | State::Over(_) | State::Refused => None,
        }
    }

    /// In force at the box at this moment.
    pub fn keeps(&self, now: Utc) -> bool {
        self.state == State::Placed && now < self.ends()
    }

    /// When it ends as far as the box knows; an extension the box has not answered does not count yet.
    pub fn ends(&self) -> Utc {
        self.told.unwrap_or(self.until).min(self.until)
    }

    pub fn apply(&mut self, event: Event) -> Option<HoldLine> {
        match (self.state, event) {
            (_, Event::Sent) => {
                self.sent = true;
                None
            }
            (
                State::Pending | State::Placed,
                Event::Placed {
                    until,
                    segments,
                    bytes,
                },
            ) => {
                self.state = State::Placed;
                self.told = Some(until);
                (self.segments, self.bytes) = (Some(segments), Some(bytes));
                // A sentence about an extension that is refused stays until the next one is not.
                if until >= self.until {
                    self.why.clear();
                }
                None
            }
            (State::Releasing(ended), Event::Cleared) => {
                self.state = State::Over(ended);
                self.why.clear();
                None
            }
            // It ended by the box's clock, which is a little ahead.
            (State::Placed, Event::Cleared) => {
                self.state = State::Over(HoldEnd::Expired);
                Some(HoldLine::Free(HoldEnd::Expired))
            }
            (
                state,
                Event::Failed {
                    passes, failure, ..
                },
            ) if passes && !state.done() || matches!(state, State::Releasing(_)) => {
                self.why = failure.why;
                None
            }
            (State::Pending, Event::Failed { full, failure, .. }) => {
                self.state = State::Refused;
                self.full = full;
                self.why.clone_from(&failure.why);
                Some(HoldLine::Fail(failure))
            }
            (State::Placed, Event::Failed { full, failure, .. }) => {
                let told = self.told.filter(|told| *told < self.until)?;
                self.until = told;
                self.full = full;
                self.why = format!("not extended: {}", failure.why);
                Some(HoldLine::Fail(failure))
            }
            (State::Pending | State::Placed, Event::Extended { until }) => {
                self.until = until;
                self.why.clear();
                None
            }
            (State::Pending | State::Placed, Event::Released { ended }) => Some(self.end(ended)),
            (State::Pending | State::Placed, Event::Tick { now }) if self.until <= now => {
                Some(self.end(HoldEnd::Expired))
            }
            (State::Releasing(ended), Event::Tick { now })
                if self.until.plus_ms(SILENT_MS) <= now =>
            {
                self.state = State::Over(ended);
                self.why = "the box never said that it cleared it; it ends by itself there".into();
                None
            }
            _ => None,
        }
    }

    fn end(&mut self, ended: HoldEnd) -> HoldLine {
        let ended = if self.sent { ended } else { HoldEnd::Void };
        self.state = match self.sent {
            true => State::Releasing(ended),
            false => State::Over(ended),
        };
        self.why.clear();
        HoldLine::Free(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: Utc = Utc(1_000_000);

    fn placed(until: Utc) -> Event {
        Event::Placed {
            until,
            segments: 3,
            bytes: 99,
        }
    }

    fn failed(full: bool, passes: bool) -> Event {
        Event::Failed {
            full,
            passes,
            failure: Failure::new("no-room", "no"),
        }
    }

    fn after(events: impl IntoIterator<Item = Event>) -> (HoldStanding, Vec<HoldLine>) {
        let mut s = HoldStanding::new(UNTIL);
        let lines = events.into_iter().filter_map(|e| s.apply(e)).collect();
        (s, lines)
    }

    /// RET-3: a hold waits for its box, is placed, and ends at its date by itself; the box is told until it answers.
    #[test]
    fn placed_and_expired() {
        let (s, lines) = after([Event::Sent]);
        assert_eq!(
            (s.state, s.wants(), lines),
            (State::Pending, Some(Wants::Set), vec![])
        );
        let (s, lines) = after([Event::Sent, placed(UNTIL), placed(UNTIL)]);
        assert_eq!(
            (s.state, s.wants(), s.segments, lines),
            (State::Placed, None, Some(3), vec![])
        );
        assert!(s.keeps(Utc(999_999)) && !s.keeps(UNTIL));
        let early = Event::Tick { now: Utc(999_999) };
        let due = Event::Tick { now: UNTIL };
        let (s, lines) = after([Event::Sent, placed(UNTIL), early.clone(), due.clone(), due]);
        assert_eq!(s.state, State::Releasing(HoldEnd::Expired));
        assert_eq!(s.wants(), Some(Wants::Clear(HoldEnd::Expired)));
        assert_eq!(lines, [HoldLine::Free(HoldEnd::Expired)], "once");
        let (s, lines) = after([
            Event::Sent,
            placed(UNTIL),
            Event::Tick { now: UNTIL },
            Event::Cleared,
        ]);
        assert_eq!(
            (s.state, s.wants(), lines.len()),
            (State::Over(HoldEnd::Expired), None, 1)
        );
        let (s, lines) = after([Event::Sent, placed(UNTIL), Event::Cleared, early]);
        assert_eq!(
            (s.state, lines),
            (
                State::Over(HoldEnd::Expired),
                vec![HoldLine::Free(HoldEnd::Expired)]
            ),
            "the box's clock is ahead"
        );
    }

    /// RET-3: what no box heard of is void; what one may have heard of is cleared there, answered or not.
    #[test]
    fn released_before_it_was_placed() {
        let free = Event::Released {
            ended: HoldEnd::Order,
        };
        let (s, lines) = after([free.clone()]);
        assert_eq!(
            (s.state, s.wants(), lines),
            (
                State::Over(HoldEnd::Void),
                None,
                vec![HoldLine::Free(HoldEnd::Void)]
            )
        );
        let (s, lines) = after([Event::Sent, free.clone(), placed(UNTIL), free]);
        assert_eq!(
            (s.state, s.wants(), lines),
            (
                State::Releasing(HoldEnd::Order),
                Some(Wants::Clear(HoldEnd::Order)),
                vec![HoldLine::Free(HoldEnd::Order)]
            ),
            "a late answer does not bring it back"
        );
        let (s, _) = after([Event::Tick { now: UNTIL }]);
        assert_eq!(s.state, State::Over(HoldEnd::Void));
    }

    /// A box that never answers is not waited for without end.
    #[test]
    fn a_silent_box() {
        let free = Event::Released {
            ended: HoldEnd::Fetched,
        };
        let late = |ms| Event::Tick {
            now: UNTIL.plus_ms(ms),
        };
        let (s, _) = after([Event::Sent, free.clone(), late(SILENT_MS - 1)]);
        assert_eq!(s.state, State::Releasing(HoldEnd::Fetched));
        let (s, _) = after([Event::Sent, free, late(SILENT_MS)]);
        assert_eq!(s.state, State::Over(HoldEnd::Fetched));
        assert!(s.why.contains("never said"), "{}", s.why);
    }

    /// RET-3: a refusal ends a hold that was never in force, and undoes an extension only; trouble that passes does neither.
    #[test]
    fn refused() {
        let (s, lines) = after([Event::Sent, failed(true, false), placed(UNTIL)]);
        assert_eq!((s.state, s.full, s.wants()), (State::Refused, true, None));
        assert_eq!(lines, [HoldLine::Fail(Failure::new("no-room", "no"))]);
        let (s, lines) = after([Event::Sent, failed(false, true)]);
        assert_eq!(
            (s.state, s.wants(), s.why.as_str(), lines),
            (State::Pending, Some(Wants::Set), "no", vec![])
        );

        let later = Utc(2_000_000);
        let extended = [Event::Sent, placed(UNTIL), Event::Extended { until: later }];
        let (s, _) = after(extended.clone());
        assert_eq!((s.state, s.wants()), (State::Placed, Some(Wants::Set)));
        let (s, _) = after(extended.clone().into_iter().chain([placed(UNTIL)]));
        assert_eq!(s.wants(), Some(Wants::Set), "an older answer");
        let (s, _) = after(extended.clone().into_iter().chain([placed(later)]));
        assert_eq!((s.wants(), s.until), (None, later));
        let (s, lines) = after(extended.into_iter().chain([failed(true, false)]));
        assert_eq!(
            (s.state, s.until, s.wants()),
            (State::Placed, UNTIL, None),
            "as it was"
        );
        assert!(s.why.contains("not extended"), "{}", s.why);
        assert_eq!(lines.len(), 1);

        let free = Event::Released {
            ended: HoldEnd::Order,
        };
        let (s, _) = after([Event::Sent, placed(UNTIL), free, failed(false, false)]);
        assert_eq!(
            (s.state, s.wants()),
            (
                State::Releasing(HoldEnd::Order),
                Some(Wants::Clear(HoldEnd::Order))
            ),
            "tried again"
        );
    }

    #[test]
    fn states_round_trip() {
        for s in [
            State::Pending,
            State::Placed,
            State::Refused,
            State::Releasing(HoldEnd::Order),
            State::Over(HoldEnd::Void),
            State::Over(HoldEnd::Fetched),
            State::Over(HoldEnd::Expired),
            State::Over(HoldEnd::Unused),
        ] {
            assert_eq!(
                State::parse(s.word(), s.ended().map(HoldEnd::as_str)),
                Some(s)
            );
        }
        assert_eq!(State::parse("over", None), None);
    }

    proptest::proptest! {
        /// RET-3: whatever comes, in whatever order: what is over stays over, is freed at most once, and no hold outlives its date.
        #[test]
        fn any_order(events in proptest::collection::vec(0u8..8, 0..30)) {
            let mut s = HoldStanding::new(UNTIL);
            let (mut freed, mut ended) = (0, None);
            for e in events {
                let event = match e {
                    0 => Event::Sent,
                    1 => placed(s.until),
                    2 => Event::Cleared,
                    3 => failed(true, false),
                    4 => failed(false, true),
                    5 => Event::Extended { until: s.until.plus_ms(1000) },
                    6 => Event::Released { ended: HoldEnd::Order },
                    _ => Event::Tick { now: s.until },
                };
                let was = s.state;
                freed += usize::from(matches!(s.apply(event.clone()), Some(HoldLine::Free(_))));
                if let Some(over) = ended {
                    proptest::prop_assert_eq!(s.state, over);
                }
                if s.state.done() {
                    ended = Some(s.state);
                }
                proptest::prop_assert!(freed <= 1);
                proptest::prop_assert_eq!(freed == 1, s.state.ended().is_some());
                if matches!(event, Event::Tick { .. }) {
                    proptest::prop_assert!(!s.state.alive());
                }
                // The box is told of the end of everything it was ever told of.
                if was.alive() && s.state.ended().is_some() && s.sent && !matches!(event, Event::Cleared) {
                    proptest::prop_assert!(matches!(s.wants(), Some(Wants::Clear(_))));
                }
            }
        }
    }
}
