//! Pure. Where an exhibit stands on its way out, and what each event makes of it (RET-5, ROL-5).
//!
//! ```text
//! kept ──dispose: due, and by somebody who did not make it so──▶ going ──certified──▶ gone
//!   │                                                              ▲
//!   └──dispose: before that──▶ asked ──approved by another─────────┘
//!        ▲                       │
//!        └──another class────────┘
//! ```
//! From `going` on nothing of the exhibit is shown, and it only goes on to its certificate.

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Kept,
    /// Somebody asked that it go before its time.
    Asked {
        by: String,
    },
    Going,
    Gone,
}

/// An exhibit as far as its disposal goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisposalStanding {
    pub state: State,
    /// Who made its period shorter.
    pub shortened_by: Option<String>,
    /// Its period is over.
    pub due: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Dispose { by: String },
    Approve { by: String },
    Reclassed,
    Certified,
}

/// What is to be done about it. That whoever asked and whoever approves are two people is seen to where approvals are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// On the record as a request; a second person approves.
    Ask,
    /// It goes, by these people.
    Go {
        who: Vec<String>,
    },
    Keep,
    End,
}

/// Why an event changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Somebody else asked already: that is to be approved.
    AskedBy(String),
    NobodyAsked,
    Going,
    Gone,
    /// There is nothing to certify.
    NotGoing,
}

impl DisposalStanding {
    pub fn apply(&self, event: Event) -> Result<Next, NotDone> {
        match (&self.state, event) {
            (State::Gone, _) => Err(NotDone::Gone),
            (State::Going, Event::Certified) => Ok(Next::End),
            (State::Going, _) => Err(NotDone::Going),
            (_, Event::Certified) => Err(NotDone::NotGoing),
            (_, Event::Reclassed) => Ok(Next::Keep),
            // Or one person could make it due first and dispose of it then.
            (_, Event::Dispose { by }) if self.due && self.shortened_by.as_ref() != Some(&by) => {
                Ok(Next::Go { who: vec![by] })
            }
            (State::Asked { by: asked }, Event::Dispose { by }) if *asked != by => {
                Err(NotDone::AskedBy(asked.clone()))
            }
            (_, Event::Dispose { .. }) => Ok(Next::Ask),
            (State::Kept, Event::Approve { .. }) => Err(NotDone::NobodyAsked),
            (State::Asked { by: asked }, Event::Approve { by }) => Ok(Next::Go {
                who: vec![asked.clone(), by],
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RET-5, ROL-5: every state and event, due or not, by whoever shortened its period, by whoever asked, by somebody else: what goes
    /// before its time, or by whoever made it due, goes by two people, and what is going only ends.
    #[test]
    fn every_state_and_event() {
        let people = ["op:0002", "op:0003"].map(str::to_owned);
        let [kim, lee] = people.clone();
        let states = [
            State::Kept,
            State::Asked { by: kim.clone() },
            State::Going,
            State::Gone,
        ];
        for state in states {
            for due in [false, true] {
                for shortened_by in [None, Some(kim.clone()), Some(lee.clone())] {
                    let exhibit = DisposalStanding {
                        state: state.clone(),
                        shortened_by: shortened_by.clone(),
                        due,
                    };
                    for by in &people {
                        let disposed = exhibit.apply(Event::Dispose { by: by.clone() });
                        let approved = exhibit.apply(Event::Approve { by: by.clone() });
                        for (single, next) in [(true, &disposed), (false, &approved)] {
                            if let Ok(Next::Go { who }) = next {
                                assert!(matches!(state, State::Kept | State::Asked { .. }));
                                assert_eq!(who.len(), if single { 1 } else { 2 });
                                assert!(who.len() == 2 || due);
                                assert!(who.len() == 2 || shortened_by.as_ref() != Some(by));
                            }
                        }
                        let (wants, said) = match &state {
                            State::Kept => (Ok(Next::Ask), Err(NotDone::NobodyAsked)),
                            State::Asked { by: asked } => (
                                match by == asked {
                                    true => Ok(Next::Ask),
                                    false => Err(NotDone::AskedBy(asked.clone())),
                                },
                                Ok(Next::Go {
                                    who: vec![asked.clone(), by.clone()],
                                }),
                            ),
                            State::Going => (Err(NotDone::Going), Err(NotDone::Going)),
                            State::Gone => (Err(NotDone::Gone), Err(NotDone::Gone)),
                        };
                        assert_eq!(approved, said, "{exhibit:?} {by}");
                        if !matches!(disposed, Ok(Next::Go { .. })) {
                            assert_eq!(disposed, wants, "{exhibit:?} {by}");
                        }
                    }
                    let ended = exhibit.apply(Event::Certified);
                    assert_eq!(ended == Ok(Next::End), state == State::Going);
                    let again = exhibit.apply(Event::Reclassed);
                    let open = matches!(state, State::Kept | State::Asked { .. });
                    assert_eq!(again == Ok(Next::Keep), open);
                }
            }
        }
    }
}
