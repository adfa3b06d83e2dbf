//! Pure. The roles of people (ROL-1).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Operator,
    Supervisor,
    /// The scheme's single point of contact.
    Coordinator,
    /// Approves for data protection.
    Approver,
    Auditor,
    Inspector,
    Police,
    /// Finds and mends faults, and sees no picture and no name (ROL-2).
    Contractor,
    /// Keeps accounts, boxes and the hub; sees no pictures.
    Administrator,
}

impl Role {
    pub const ALL: [Self; 9] = [
        Self::Operator,
        Self::Supervisor,
        Self::Coordinator,
        Self::Approver,
        Self::Auditor,
        Self::Inspector,
        Self::Police,
        Self::Contractor,
        Self::Administrator,
    ];

    /// As commands, records and the log write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Supervisor => "supervisor",
            Self::Coordinator => "coordinator",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
            Self::Inspector => "inspector",
            Self::Police => "police",
            Self::Contractor => "contractor",
            Self::Administrator => "administrator",
        }
    }

    /// With its article, for sentences.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Operator => "an operator",
            Self::Supervisor => "a supervisor",
            Self::Coordinator => "a coordinator",
            Self::Approver => "a data-protection approver",
            Self::Auditor => "an auditor",
            Self::Inspector => "an inspector",
            Self::Police => "a police user",
            Self::Contractor => "a contractor",
            Self::Administrator => "an administrator",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Some roles in a row, for a sentence.
pub fn list(roles: &[Role]) -> String {
    let words: Vec<&str> = roles.iter().map(|r| r.word()).collect();
    words.join(", ")
}

/// Whoever decides over what takes two people, of footage or of accounts: two administrators give and restore these.
pub const WEIGHTY: &[Role] = &[
    Role::Supervisor,
    Role::Coordinator,
    Role::Approver,
    Role::Administrator,
];
