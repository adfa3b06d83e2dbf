//! Pure. Whoever asks for an operation.

use std::collections::BTreeSet;

use shared::{id::BoxCamera, time::Utc};

use super::role::Role;
use crate::ownlog::{self, CONSOLE};

/// Which cameras a grant is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of this hub, those that come later too.
    All,
    /// The cameras of one owner.
    Owner(String),
    Cameras(BTreeSet<BoxCamera>),
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

/// Somebody with a staff account, signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub op: u32,
    pub name: String,
    pub grants: Vec<Grant>,
}

impl Person {
    /// Number as the log has it.
    pub fn op(&self) -> String {
        ownlog::op(self.op)
    }

    /// Roles of this person at that time, each once.
    pub fn roles(&self, now: Utc) -> BTreeSet<Role> {
        let held = self.grants.iter().filter(|g| g.holds_at(now));
        held.map(|g| g.role).collect()
    }
}

/// Whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    Person(Person),
    /// Root, or the hub's own user, at the hub machine, without a person's name.
    Console,
}

impl Principal {
    /// As lines of the hub's log name it.
    pub fn op(&self) -> String {
        match self {
            Self::Person(person) => person.op(),
            Self::Console => CONSOLE.to_owned(),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Person(person) => &person.name,
            Self::Console => "the console",
        }
    }
}
