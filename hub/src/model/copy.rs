//! Pure. Where a copy of an exhibit is, and what each event makes of it (EVI-4).
//!
//! ```text
//! here ──handed over──▶ out ──returned──▶ back ──handed over, never as a master──▶ out
//!   │                    │ ▲                │
//!   │                    └─┘ signed for     │
//!   └───────────destroyed────▶ gone ◀───────┘
//! ```
//! A copy that was ever handed out is no master any more when it is back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CopyKind {
    Master,
    Working,
}

impl CopyKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Working => "working",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Master, Self::Working]
            .into_iter()
            .find(|k| k.word() == word)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CopyState {
    /// With the scheme.
    Here,
    /// Handed over.
    Out,
    /// It came back.
    Back,
    /// Destroyed.
    Gone,
}

impl CopyState {
    const ALL: [Self; 4] = [Self::Here, Self::Out, Self::Back, Self::Gone];

    pub fn word(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Out => "out",
            Self::Back => "back",
            Self::Gone => "gone",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// What is done with a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyEvent {
    HandedOver(CopyKind),
    /// Whoever has it signed for it.
    Received,
    Returned,
    Destroyed,
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// It was handed out before, or was made as a working copy.
    NoMaster,
    /// It is in somebody's hands.
    Out,
    /// It is in nobody's hands.
    NotOut,
    /// Its last hand-over was signed for already.
    ReceivedAlready,
    Gone,
}

/// A copy as far as its way goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyStanding {
    pub kind: CopyKind,
    pub state: CopyState,
    pub received: bool,
}

impl CopyStanding {
    /// As it stands afterwards.
    pub fn apply(self, event: CopyEvent) -> Result<Self, NotDone> {
        let (state, received) = (self.state, self.received);
        match (state, event) {
            (CopyState::Gone, _) => Err(NotDone::Gone),
            (CopyState::Out, CopyEvent::HandedOver(_) | CopyEvent::Destroyed) => Err(NotDone::Out),
            (CopyState::Here | CopyState::Back, CopyEvent::HandedOver(kind)) => {
                if kind == CopyKind::Master && self.kind != CopyKind::Master {
                    return Err(NotDone::NoMaster);
                }
                Ok(Self {
                    state: CopyState::Out,
                    received: false,
                    ..self
                })
            }
            (CopyState::Here | CopyState::Back, CopyEvent::Destroyed) => Ok(Self {
                state: CopyState::Gone,
                ..self
            }),
            (CopyState::Out, CopyEvent::Received) if received => Err(NotDone::ReceivedAlready),
            (CopyState::Out, CopyEvent::Received) => Ok(Self {
                received: true,
                ..self
            }),
            (CopyState::Out, CopyEvent::Returned) => Ok(Self {
                kind: CopyKind::Working,
                state: CopyState::Back,
                received: false,
            }),
            (CopyState::Here | CopyState::Back, CopyEvent::Received | CopyEvent::Returned) => {
                Err(NotDone::NotOut)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EVI-4: every state and event: only what is with the scheme is handed out or destroyed, only what is out comes back, and what came back is
    /// never a master again, however often it goes out.
    #[test]
    fn every_state_and_event() {
        let kinds = [CopyKind::Master, CopyKind::Working];
        let events = [
            CopyEvent::HandedOver(CopyKind::Master),
            CopyEvent::HandedOver(CopyKind::Working),
            CopyEvent::Received,
            CopyEvent::Returned,
            CopyEvent::Destroyed,
        ];
        for kind in kinds {
            for state in CopyState::ALL {
                assert_eq!(CopyState::parse(state.word()), Some(state));
                for received in [false, true] {
                    let copy = CopyStanding {
                        kind,
                        state,
                        received,
                    };
                    for event in events {
                        let after = copy.apply(event);
                        let with_us = matches!(state, CopyState::Here | CopyState::Back);
                        match event {
                            CopyEvent::HandedOver(as_which) => assert_eq!(
                                after.is_ok(),
                                with_us && (as_which == CopyKind::Working || kind == as_which),
                                "{copy:?} {event:?}"
                            ),
                            CopyEvent::Destroyed => assert_eq!(after.is_ok(), with_us),
                            CopyEvent::Returned => {
                                assert_eq!(after.is_ok(), state == CopyState::Out);
                            }
                            CopyEvent::Received => {
                                assert_eq!(after.is_ok(), state == CopyState::Out && !received);
                            }
                        }
                        if let (CopyEvent::Returned, Ok(back)) = (event, after) {
                            assert_eq!(back.kind, CopyKind::Working);
                            let again = back.apply(CopyEvent::HandedOver(CopyKind::Master));
                            assert_eq!(again, Err(NotDone::NoMaster));
                        }
                    }
                }
            }
        }
    }
}
