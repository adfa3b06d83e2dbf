//! Pure. What an operation can end in instead of its reply: of a class, from which every door knows what it is, and with words for people.

use shared::id::BadId;

use crate::{
    blocking::Interruption,
    model::order::Failure,
    reason::{
        Access, Accounts, Api, Backups, Clips, Evidence, Footage, Holds, Masks, Orders, Outside,
        Pages, Proofs, Reason, Register, Trail, class::Class,
    },
    words,
};

/// Why an operation has no reply.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HubError {
    /// Whatever people or programs can do something about: a reason, with its code and its words.
    #[error("{}", words::of(.0))]
    Because(Box<Reason>),
    #[error("sign in first")]
    SignedOut,
    /// What failed below, in the words of whatever failed: libraries and the system have no keys. It is for the journal; whoever asked gets the
    /// number under which the journal has it, at every door.
    #[error("{0}")]
    Broken(String),
    /// The work panicked.
    #[error(
        "this is a fault in Beadle, and nothing more was done; the journal says where it happened"
    )]
    Fault,
}

impl HubError {
    pub fn class(&self) -> Class {
        match self {
            Self::Because(reason) => reason.class(),
            Self::SignedOut => Class::SignedOut,
            Self::Broken(_) | Self::Fault => Class::Broken,
        }
    }

    /// For programs: why, whatever the words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Because(reason) => reason.code(),
            Self::Fault => "fault",
            other => other.class().code(),
        }
    }

    /// The status of HTTP.
    pub fn status(&self) -> u16 {
        match self {
            Self::Because(reason) => reason.status(),
            other => other.class().status(),
        }
    }

    /// What to do.
    pub fn next(&self) -> String {
        let own = match self {
            Self::Because(reason) => words::of(reason).next,
            _ => None,
        };
        own.unwrap_or_else(|| words::en::next(self.class()).to_owned())
    }

    /// The same as a sentence of its own.
    pub fn sentence(&self) -> String {
        let text = self.to_string();
        let mut letters = text.chars();
        let first: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect();
        let end = if text.ends_with('.') { "" } else { "." };
        format!("{first}{}{end}", letters.as_str())
    }
}

impl From<Interruption> for HubError {
    fn from(stopped: Interruption) -> Self {
        match stopped {
            Interruption::Panicked => Self::Fault,
            Interruption::Stopping => Api::Stopping.into(),
        }
    }
}

impl From<Reason> for HubError {
    fn from(reason: Reason) -> Self {
        Self::Because(Box::new(reason))
    }
}

macro_rules! ends {
    ($($room:ident),* $(,)?) => {
        $(impl From<$room> for HubError {
            fn from(reason: $room) -> Self {
                Reason::from(reason).into()
            }
        })*
    };
}

ends! { Access, Accounts, Api, Backups, Clips, Evidence, Footage, Holds, Masks, Orders, Outside, Pages, Proofs, Register, Trail }

impl From<BadId> for HubError {
    fn from(e: BadId) -> Self {
        let BadId { text, wanted } = e;
        Api::NotAName { text, wanted }.into()
    }
}

impl Failure {
    /// Of an act that came to nothing at the hub or at the box.
    pub fn of(why: &HubError) -> Self {
        match why {
            HubError::Because(reason) => {
                let code = match reason.as_ref() {
                    Reason::Orders(why) => why.cause(),
                    reason => reason.code(),
                };
                Self::new(code, &why.to_string())
            }
            // What broke is for the journal.
            _ => Self::new(why.code(), "the hub failed at it; its journal says why"),
        }
    }
}

/// What went wrong below: records, log, keys, disks, the machine.
pub fn plain(e: impl std::fmt::Display) -> HubError {
    HubError::Broken(e.to_string())
}
