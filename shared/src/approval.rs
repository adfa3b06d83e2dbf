//! Pure. Orders that people approve with their own keys: who may, for which order, each order once (ROL-5, MSK-4).
//!
//! The hub asks each person to touch a passkey for one order: the challenge is SHA-256 over `beadle approval v1\n` and the order's whole
//! text with `"approvals":[]`, so that box, number, camera, times and people in it are what was touched for. The assertions travel in the
//! order's `approvals`; whoever obeys makes the same text of what it understood, and asks [`Approvers`], which knows the people's keys: those
//! that root pinned, and later ones for which two of those it knew touched theirs. A hub, taken over, can then not lift a mask by
//! itself. What is proved is that two keys were touched for this order; what the screens showed to whoever touched them is not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    passkey::{Assertion, Bytes, Challenge, Passkey, PasskeyError, RelyingParty},
    plain,
    record::{hex, sha256, sha256_parts},
};

const PREFIX: &[u8] = b"beadle approval v1\n";
/// People whom an approval takes.
const PEOPLE: usize = 2;
/// Letters of a [`mark`].
const MARK: usize = 16;
/// Keys of all people, at most.
pub const MOST: usize = 64;
/// Letters of a person's number, at most.
const LONGEST_NAME: usize = 64;

/// What people touch their keys for: `subject` is an order's text without approvals.
pub fn challenge(subject: &str) -> Challenge {
    sha256_parts(&[PREFIX, subject.as_bytes()])
}

/// One person's word for one order, as the order carries it. `who` is the number the hub's log knows the person by, `op:0002`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub who: String,
    pub passkey: Assertion,
}

/// A key of somebody who may approve. A person may have several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    pub who: String,
    pub passkey: Passkey,
}

impl Approver {
    /// As it is named where the whole key need not be.
    pub fn known(&self) -> KnownKey {
        KnownKey {
            who: self.who.clone(),
            key: mark(&self.passkey.id),
        }
    }
}

/// A key as it is told of: whose it is, and what it is named by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KnownKey {
    /// As the hub's log names them, `op:0002`.
    pub who: String,
    /// First 16 letters of the SHA-256 of the key's id, lower hex.
    pub key: String,
}

impl KnownKey {
    /// Whether it is written as one is.
    pub fn is_plain(&self) -> bool {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (1..=LONGEST_NAME).contains(&self.who.len())
            && plain::all_plain(&self.who)
            && self.key.len() == MARK
            && self.key.bytes().all(hex)
    }
}

/// How a key is named for people, and where its whole id need not be.
pub fn mark(id: &Bytes) -> String {
    let mut mark = hex(&sha256(&id.0));
    mark.truncate(MARK);
    mark
}

/// A change of who may approve, itself ordered and approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    Add { approver: Approver },
    Remove { who: String, id: Bytes },
}

/// What is to be approved.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Number of the order, which grows from one order to the next.
    pub number: u64,
    /// The order's text without approvals.
    pub text: &'a str,
    /// The people that the order names: those, and no others, have approved it.
    pub by: &'a [String],
}

/// Why an order is not approved. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    #[error("order {number} came already, or after order {last}; give a new one")]
    Repeated { number: u64, last: u64 },
    #[error("the order names {0} different people; two are needed")]
    People(usize),
    #[error(
        "the order names {people} people and carries {approvals} approvals; each of them approves once"
    )]
    Count { people: usize, approvals: usize },
    #[error("{0} approves and is not named in the order")]
    NotNamed(String),
    #[error("{0} approves twice")]
    Twice(String),
    #[error("no key of {0} is known here by which it was approved")]
    Unknown(String),
    #[error("the approval of {who} is not good: {source}")]
    Passkey {
        who: String,
        #[source]
        source: PasskeyError,
    },
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// Why a list of keys, or a change of it, is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    #[error("the list of approvers is not readable")]
    Unreadable,
    #[error("keys of two people at least must be known, or nothing could be approved any more")]
    TooFew,
    #[error("more than {MOST} keys cannot be kept")]
    TooMany,
    #[error("a key stands there already, of this person or another")]
    Known,
    #[error("there is no such key")]
    Absent,
    #[error(
        "a person's number is 1 to {LONGEST_NAME} plain letters, and a key has an id and 65 bytes"
    )]
    Form,
}

/// The people who may approve, with what their keys counted, and the newest order they approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Approvers {
    party: RelyingParty,
    keys: Vec<Approver>,
    last: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    party: RelyingParty,
    keys: Vec<Approver>,
    /// Absent in what root pins.
    #[serde(default)]
    last: u64,
}

impl From<Approvers> for Stored {
    fn from(a: Approvers) -> Self {
        Self {
            party: a.party,
            keys: a.keys,
            last: a.last,
        }
    }
}

impl TryFrom<Stored> for Approvers {
    type Error = KeysError;
    fn try_from(s: Stored) -> Result<Self, KeysError> {
        check(&s.keys)?;
        Ok(Self {
            party: s.party,
            keys: s.keys,
            last: s.last,
        })
    }
}

/// The rules that hold for the keys at all times.
fn check(keys: &[Approver]) -> Result<(), KeysError> {
    if keys.len() > MOST {
        return Err(KeysError::TooMany);
    }
    let (mut ids, mut points) = (BTreeSet::new(), BTreeSet::new());
    for Approver { who, passkey } in keys {
        let good_name = (1..=LONGEST_NAME).contains(&who.len()) && plain::all_plain(who);
        let good_key = !passkey.id.0.is_empty() && passkey.key.0.len() == 65;
        if !good_name || !good_key {
            return Err(KeysError::Form);
        }
        // One key in two people's names would be one touch for two.
        if !ids.insert(&passkey.id) || !points.insert(&passkey.key) {
            return Err(KeysError::Known);
        }
    }
    let people: BTreeSet<&str> = keys.iter().map(|k| k.who.as_str()).collect();
    match people.len() < PEOPLE {
        true => Err(KeysError::TooFew),
        false => Ok(()),
    }
}

impl Approvers {
    /// Those that root pins.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn pinned(party: RelyingParty, keys: Vec<Approver>) -> Result<Self, KeysError> {
        let last = 0;
        Self::try_from(Stored { party, keys, last })
    }

    /// Reads the JSON that serde writes of it, or what root pins (the same without `last`).
    ///
    /// # Errors
    /// [`KeysError::Unreadable`].
    pub fn parse(json: &[u8]) -> Result<Self, KeysError> {
        serde_json::from_slice(json).map_err(|_| KeysError::Unreadable)
    }

    /// Root pinned others: those count from now on, and no order that came before comes again.
    #[must_use]
    pub fn pinned_anew(&self, pinned: Self) -> Self {
        Self {
            last: self.last.max(pinned.last),
            ..pinned
        }
    }

    pub fn party(&self) -> &RelyingParty {
        &self.party
    }

    pub fn keys(&self) -> &[Approver] {
        &self.keys
    }

    /// Whether this order is approved by the people it names, each with a key of their own, and comes for the first time. What to keep from
    /// now on: it is to be on disk before the order is obeyed.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub fn approve(
        &self,
        subject: Subject<'_>,
        approvals: &[Approval],
    ) -> Result<Self, ApprovalError> {
        let Subject { number, text, by } = subject;
        if number <= self.last {
            let last = self.last;
            return Err(ApprovalError::Repeated { number, last });
        }
        let people: BTreeSet<&str> = by.iter().map(String::as_str).collect();
        if people.len() < PEOPLE || people.len() != by.len() {
            return Err(ApprovalError::People(people.len()));
        }
        if approvals.len() != people.len() {
            return Err(ApprovalError::Count {
                people: people.len(),
                approvals: approvals.len(),
            });
        }
        let challenge = challenge(text);
        let mut next = self.clone();
        let mut have = BTreeSet::new();
        for Approval { who, passkey } in approvals {
            if !people.contains(who.as_str()) {
                return Err(ApprovalError::NotNamed(who.clone()));
            }
            if !have.insert(who) {
                return Err(ApprovalError::Twice(who.clone()));
            }
            let own = next
                .keys
                .iter_mut()
                .find(|k| k.who == *who && k.passkey.id == passkey.id);
            let own = own.ok_or_else(|| ApprovalError::Unknown(who.clone()))?;
            let counter = own.passkey.verify(&self.party, &challenge, passkey);
            own.passkey.counter = counter.map_err(|source| ApprovalError::Passkey {
                who: who.clone(),
                source,
            })?;
        }
        next.last = number;
        Ok(next)
    }

    /// As [`Approvers::approve`], with the change that the order is about.
    ///
    /// # Errors
    /// [`ApprovalError`].
    pub fn change(
        &self,
        subject: Subject<'_>,
        change: &Change,
        approvals: &[Approval],
    ) -> Result<Self, ApprovalError> {
        let mut next = self.approve(subject, approvals)?;
        match change {
            Change::Add { approver } => next.keys.push(approver.clone()),
            Change::Remove { who, id } => {
                let before = next.keys.len();
                next.keys.retain(|k| k.who != *who || k.passkey.id != *id);
                if next.keys.len() == before {
                    return Err(KeysError::Absent.into());
                }
            }
        }
        check(&next.keys)?;
        Ok(next)
    }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
