//! Pure. Roles that people were given, for which cameras, and until when.

use std::collections::BTreeSet;

use shared::{id::BoxCamera, time::Utc};

use super::role::Role;

/// Which cameras a grant is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of this hub, those that come later too.
    All,
    /// The cameras of one owner.
    Owner(String),
    Cameras(BTreeSet<BoxCamera>),
}

impl Scope {
    /// As the log and the records have it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Owner(_) => "owner",
            Self::Cameras(_) => "cameras",
        }
    }
}

/// A role somebody has, for which cameras, how far back and until when (ROL-1, ROL-4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    pub scope: Scope,
    /// Footage older than so many days is not theirs to see.
    pub oldest_days: Option<u32>,
    pub until: Option<Utc>,
}

impl Grant {
    /// The role for all cameras, without an end.
    pub fn everywhere(role: Role) -> Self {
        Self {
            role,
            scope: Scope::All,
            oldest_days: None,
            until: None,
        }
    }

    pub fn holds_at(&self, now: Utc) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
