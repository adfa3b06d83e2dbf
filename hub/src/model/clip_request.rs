//! Pure. Where a clip request stands, and what each event makes of it.
//!
//! ```text
//! Draft ──submitted──▶ Submitted ──authorised──▶ Authorised ─▶ Waiting ─▶ Fetching ─▶ Verifying ─▶ Ready ──released──▶ Released ──closed──▶ Closed
//!   │                    │   │                        └─────────┴─ of its cameras ┴────────┴──────▶ Partial ──released──▶ Released
//!   │                    │   └──refused──▶ Refused                                         └──────▶ Failed
//!   └────cancelled───────┴──────────────────── cancelled, until its cameras are through ──────────▶ Cancelled
//! ```
//! A draft is changed and stays one. A request stands where its cameras stand while they are fetched: the least advanced of those that are not over. Every end but Closed by
//! a release has a reason of a list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pull;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:tt,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|s| s.word() == word)
            }
        }
    };
}

words! {
    /// Where a request stands.
    State {
        /// It is being written.
        Draft = "Draft",
        /// It waits for a second person; its footage is held.
        Submitted = "Submitted",
        /// Its cameras are about to be asked.
        Authorised = "Authorised",
        /// A box is offline, or prepares the footage.
        Waiting = "Waiting",
        Fetching = "Fetching",
        /// What came is checked against the log, and packed.
        Verifying = "Verifying",
        /// All of it is here.
        Ready = "Ready",
        /// Some of it is here; each camera says what is missing and why.
        Partial = "Partial",
        /// It was handed to whoever asked.
        Released = "Released",
        /// Nothing more is done with it.
        Closed = "Closed",
        /// Somebody decided against it.
        Refused = "Refused",
        /// Nothing of it could be had.
        Failed = "Failed",
        /// It was taken back.
        Cancelled = "Cancelled",
    }
}

words! {
    /// Why somebody decided against a request.
    RefusalReason {
        /// The requester has no right to it, or has not shown one.
        NoRight = "no-right",
        /// Who asks could not be established.
        Identity = "identity",
        /// It asks for more than its purpose needs.
        Disproportionate = "disproportionate",
        /// It would show people whose rights weigh more.
        Others = "others",
        /// The scheme does not have such footage.
        NoFootage = "no-footage",
        Other = "other",
    }
}

words! {
    /// Why a request was taken back.
    CancelReason {
        /// Whoever asked needs it no longer.
        Withdrawn = "withdrawn",
        /// It was asked for by mistake.
        Mistake = "mistake",
        /// Another request covers it.
        Duplicate = "duplicate",
        /// Nobody authorised it in time.
        NotAuthorised = "not-authorised",
        Other = "other",
    }
}

words! {
    /// Why nothing more is done with a request whose footage is here.
    CloseReason {
        /// It was handed over.
        HandedOver = "handed-over",
        /// Nobody came for it.
        NotCollected = "not-collected",
        /// It was looked at here, and nothing is to be handed over.
        NothingToHandOver = "nothing-to-hand-over",
        /// All its exhibits were disposed of; the hub says so.
        Disposed = "disposed",
        Other = "other",
    }
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// It does not stand where this can be done.
    Stands(State),
    /// Whoever submitted it cannot authorise it.
    SamePerson,
    /// It was handed over, so that is why it is closed; or it was not. Or it is for the hub to say.
    Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It says something else from here on.
    Changed,
    /// It is whole, and asked for. `second`: another person has to authorise it.
    Submitted {
        second: bool,
    },
    /// By somebody else than whoever submitted it, or not.
    Authorised {
        same: bool,
    },
    Refused,
    Cancelled,
    /// Its cameras stand so now, rolled up.
    Cameras(State),
    Released,
    Closed(CloseReason),
    /// The last of its exhibits was disposed of.
    Disposed,
}

impl State {
    /// Nothing more happens to it by itself.
    pub fn over(self) -> bool {
        matches!(
            self,
            Self::Closed | Self::Refused | Self::Failed | Self::Cancelled
        )
    }

    /// Its cameras are being asked and fetched.
    pub fn running(self) -> bool {
        matches!(
            self,
            Self::Authorised | Self::Waiting | Self::Fetching | Self::Verifying
        )
    }

    /// Its footage is held for it.
    pub fn holds(self) -> bool {
        self == Self::Submitted || self.running()
    }

    pub fn apply(self, event: Event) -> Result<Self, NotDone> {
        let next = match (self, event) {
            (Self::Draft, Event::Changed) => Self::Draft,
            (Self::Draft, Event::Submitted { second: true }) => Self::Submitted,
            (Self::Draft, Event::Submitted { second: false }) => Self::Authorised,
            (Self::Submitted, Event::Authorised { same: true }) => return Err(NotDone::SamePerson),
            (Self::Submitted, Event::Authorised { same: false }) => Self::Authorised,
            (Self::Submitted, Event::Refused) => Self::Refused,
            (from, Event::Cancelled)
                if from == Self::Draft || from == Self::Submitted || from.running() =>
            {
                Self::Cancelled
            }
            (from, Event::Cameras(to))
                if from.running()
                    && (to.running()
                        || matches!(to, Self::Ready | Self::Partial | Self::Failed)) =>
            {
                to
            }
            (Self::Ready | Self::Partial | Self::Released, Event::Released) => Self::Released,
            (Self::Released, Event::Closed(CloseReason::HandedOver)) => Self::Closed,
            (Self::Ready | Self::Partial | Self::Released, Event::Disposed) => Self::Closed,
            (
                Self::Ready | Self::Partial,
                Event::Closed(CloseReason::HandedOver | CloseReason::Disposed),
            )
            | (Self::Released, Event::Closed(_)) => return Err(NotDone::Reason),
            (Self::Ready | Self::Partial, Event::Closed(_)) => Self::Closed,
            (from, _) => return Err(NotDone::Stands(from)),
        };
        Ok(next)
    }
}

/// Where a request stands by its cameras: the least advanced of those that are not over; when all are, all of it, some or nothing.
pub fn rolled_up(cameras: &[pull::State]) -> State {
    use pull::State as Camera;
    let stands = |camera: &Camera| match camera {
        Camera::Draft | Camera::Submitted | Camera::Authorised => State::Authorised,
        Camera::Waiting => State::Waiting,
        Camera::Fetching => State::Fetching,
        Camera::Verifying => State::Verifying,
        Camera::Ready | Camera::Disposed => State::Ready,
        Camera::Partial => State::Partial,
        Camera::Refused | Camera::Failed | Camera::Cancelled => State::Failed,
    };
    let open = cameras.iter().filter(|c| !c.over()).map(stands);
    if let Some(least) = open.min() {
        return least;
    }
    let (mut some, mut all) = (false, true);
    for camera in cameras.iter().map(stands) {
        some |= matches!(camera, State::Ready | State::Partial);
        all &= camera == State::Ready;
    }
    match (some, all) {
        (true, true) => State::Ready,
        (true, false) => State::Partial,
        (false, _) => State::Failed,
    }
}

/// A request's number as people and boxes are told it.
pub fn name(n: u64) -> String {
    format!("R-{n:06}")
}

/// The number behind such a name, or a bare number.
pub fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("R-").unwrap_or(text);
    digits.parse().ok().filter(|n| (1..=999_999).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EVI-1: every state and event. What is over stays so, nobody authorises what he submitted, and what was not handed over is not closed
    /// as handed over.
    #[test]
    fn every_state_and_event() {
        use State::*;
        let mut events = vec![
            Event::Changed,
            Event::Submitted { second: true },
            Event::Submitted { second: false },
            Event::Authorised { same: true },
            Event::Authorised { same: false },
            Event::Refused,
            Event::Cancelled,
            Event::Released,
            Event::Disposed,
        ];
        events.extend(CloseReason::ALL.iter().map(|r| Event::Closed(*r)));
        events.extend(State::ALL.iter().map(|s| Event::Cameras(*s)));
        for &state in State::ALL {
            for &event in &events {
                let is = state.apply(event);
                let due: Option<State> = match (state, event) {
                    (Draft, Event::Changed) => Some(Draft),
                    (Draft, Event::Submitted { second }) => {
                        Some(if second { Submitted } else { Authorised })
                    }
                    (Submitted, Event::Authorised { same: false }) => Some(Authorised),
                    (Submitted, Event::Refused) => Some(Refused),
                    (
                        Draft | Submitted | Authorised | Waiting | Fetching | Verifying,
                        Event::Cancelled,
                    ) => Some(Cancelled),
                    (
                        Authorised | Waiting | Fetching | Verifying,
                        Event::Cameras(
                            to @ (Authorised | Waiting | Fetching | Verifying | Ready | Partial
                            | Failed),
                        ),
                    ) => Some(to),
                    (Ready | Partial | Released, Event::Released) => Some(Released),
                    (Released, Event::Closed(CloseReason::HandedOver)) => Some(Closed),
                    (Ready | Partial, Event::Closed(why))
                        if ![CloseReason::HandedOver, CloseReason::Disposed].contains(&why) =>
                    {
                        Some(Closed)
                    }
                    (Ready | Partial | Released, Event::Disposed) => Some(Closed),
                    _ => None,
                };
                assert_eq!(is.ok(), due, "{state:?} {event:?}");
                if state.over() {
                    assert_eq!(is, Err(NotDone::Stands(state)));
                }
            }
            assert_eq!(State::parse(state.word()), Some(state));
            assert!(!(state.over() && state.holds()), "{state:?}");
        }
        let own = Submitted.apply(Event::Authorised { same: true });
        assert_eq!(own, Err(NotDone::SamePerson));
    }

    /// EVI-1: one camera's standing is the request's; of several the least advanced, and at the end all, some or nothing.
    #[test]
    fn a_request_stands_where_its_cameras_stand() {
        use pull::State as C;
        for (cameras, due) in [
            (vec![C::Waiting], State::Waiting),
            (vec![C::Ready, C::Waiting, C::Verifying], State::Waiting),
            (vec![C::Failed, C::Fetching], State::Fetching),
            (vec![C::Ready, C::Ready], State::Ready),
            (vec![C::Ready, C::Disposed], State::Ready),
            (vec![C::Ready, C::Failed], State::Partial),
            (vec![C::Partial, C::Partial], State::Partial),
            (vec![C::Failed, C::Failed], State::Failed),
            (vec![C::Cancelled], State::Failed),
            (vec![], State::Failed),
        ] {
            assert_eq!(rolled_up(&cameras), due, "{cameras:?}");
        }
    }

    /// docs/requests.md has every state and every reason.
    #[test]
    fn the_document_has_every_word() {
        let text = include_str!("../../../docs/requests.md");
        let words = State::ALL
            .iter()
            .map(|s| s.word())
            .chain(RefusalReason::ALL.iter().map(|s| s.word()))
            .chain(CancelReason::ALL.iter().map(|s| s.word()))
            .chain(CloseReason::ALL.iter().map(|s| s.word()))
            .chain(crate::model::pull::Absence::ALL.iter().map(|s| s.word()));
        for word in words {
            assert!(
                text.contains(&format!("| `{word}` |")),
                "docs/requests.md lacks {word}"
            );
        }
    }
}
