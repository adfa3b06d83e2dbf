//! Pure. What reasons are in words: one place per language. A reason without words does not compile, so another language is a folder like
//! [`en`] to fill, and a line here.

use std::fmt;

use shared::time::Zone;

use crate::{
    evidence::{
        certificate::{Certificate, Facts, check::Check},
        save::Card,
        still::StillFacts,
    },
    reason::{Notice, PullReason, Reason},
    register::{event::ExhibitEvent, state::CopyState},
};

pub mod en;
pub mod paper;

/// A reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What failed, on what, and what was done about it.
    pub what: String,
    /// What to do, where more can be said than of every reason of its class.
    pub next: Option<String>,
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.next {
            Some(next) => write!(f, "{}; {next}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// In the language of this hub, which is English.
pub fn of(reason: &Reason) -> Text {
    en::of(reason)
}

/// The certificate of a package.
pub fn certificate(facts: &Facts<'_>, computed: &Certificate) -> String {
    en::certificate::of(facts, computed)
}

/// The page that lies on top of a package.
pub fn read_me(facts: &Facts<'_>, computed: &Certificate) -> String {
    en::read_me::of(facts, computed)
}

/// The certificate of a still picture.
pub fn still_certificate(facts: &StillFacts<'_>, check: &Check) -> String {
    en::still::certificate(facts, check)
}

/// The page that lies on top of it.
pub fn still_read_me(facts: &StillFacts<'_>) -> String {
    en::still::read_me(facts)
}

/// The card that goes with a package that is one file.
pub fn card(card: &Card<'_>) -> String {
    en::card::of(card)
}

/// What a page says just now.
pub fn notice(notice: &Notice) -> String {
    en::notices::of(notice)
}

/// Why a pull waits, or ended as it did.
pub fn pull(reason: &PullReason, zone: &Zone) -> String {
    en::pulls::of(reason, zone)
}

/// The same of several reasons, as one sentence.
pub fn pulls(reasons: &[PullReason], zone: &Zone) -> String {
    en::pulls::all(reasons, zone)
}

/// What happened to an exhibit, and by whom.
pub fn exhibit_event(event: &ExhibitEvent, zone: &Zone) -> (String, String) {
    (en::register::event(event, zone), en::register::hand(event))
}

/// Where a copy of an exhibit is.
pub fn copy_state(state: CopyState) -> &'static str {
    en::register::place(state)
}

/// `say!("what")`, or `say!("what"; "what to do")`.
macro_rules! say {
    ($what:literal $(, $arg:expr)* $(,)?) => {
        $crate::words::Text { what: format!($what $(, $arg)*), next: None }
    };
    ($what:literal $(, $arg:expr)*; $next:literal $(, $more:expr)* $(,)?) => {
        $crate::words::Text { what: format!($what $(, $arg)*), next: Some(format!($next $(, $more)*)) }
    };
}
pub(crate) use say;
