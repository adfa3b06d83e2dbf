//! Pure. Whoever asks for an operation.

use std::collections::BTreeSet;

use shared::time::Utc;

use crate::{
    error::HubError,
    model::{
        grant::Grant,
        operation::{Row, Second},
        role::Role,
    },
    ownlog::{self, CONSOLE},
    reason::Access,
};

/// Somebody with a staff account, signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub op: u32,
    pub name: String,
    pub grants: Vec<Grant>,
    pub limits: Limits,
}

/// What holds somebody back, whatever their roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// They came with this token.
    pub token: Option<Token>,
    /// What they have to do before anything else.
    pub first: Option<First>,
    /// Of the account: sessions of an earlier one are over.
    pub generation: u32,
}

/// What somebody has to do before anything else is theirs to do, whatever door they come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The password is one that the hub made: set one's own.
    Password,
    /// Accept the declaration as it reads now.
    Declaration,
    /// Have a second factor, which one of their roles takes.
    Factor,
}

impl First {
    /// Whether this is a way to do it, or comes before it.
    pub fn allows(self, row: &Row) -> bool {
        let family = row.name.split('.').next().unwrap_or_default();
        let may: &[&str] = match self {
            Self::Password => &[],
            Self::Declaration => &["declaration"],
            Self::Factor => &["declaration", "factor"],
        };
        row.own && (row.name == "staff.password" || may.contains(&family))
    }

    fn reason(self, name: &str) -> Access {
        let name = name.into();
        match self {
            Self::Password => Access::PasswordToBeSet { name },
            Self::Declaration => Access::DeclarationToBeAccepted { name },
            Self::Factor => Access::FactorToBeSet { name },
        }
    }
}

/// A token for programs, as far as it says what may be asked with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub n: u64,
    /// Names of operations.
    pub scopes: BTreeSet<String>,
}

impl Limits {
    /// What a token can be for: nothing that takes two people, and nothing of accounts and tokens.
    pub fn token_may(row: &Row) -> bool {
        let family = row.name.split('.').next().unwrap_or_default();
        row.second == Second::No && !row.own && !["staff", "owner"].contains(&family)
    }

    pub(super) fn check(&self, name: &str, row: &'static Row) -> Result<(), HubError> {
        if let Some(token) = &self.token
            && !(token.scopes.contains(row.name) && Self::token_may(row))
        {
            return Err(Access::TokenNotForThis {
                token: token.n,
                name: name.into(),
                row,
            }
            .into());
        }
        match self.first {
            Some(first) if !first.allows(row) => Err(first.reason(name).into()),
            _ => Ok(()),
        }
    }
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
