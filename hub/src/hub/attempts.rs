//! Pure, but for the dice. What is remembered of tries at second factors, in memory: a restart forgets it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use shared::passkey::Challenge;

use crate::{
    error::{HubError, plain},
    keys,
    pace::{Lanes, Pace},
    reason::Proofs,
};

/// Tries at what only the owner of an account knows or has, once the password was right.
const TRIES: Pace = Pace {
    burst: 5,
    every_us: 4_000_000,
};

const ACCOUNTS: usize = 10_000;

/// A challenge is good for so long, and there are so many at once.
const CHALLENGE_MS: u64 = 5 * 60_000;

const CHALLENGES: usize = 1_000;

/// Commands of somebody who gave a code at the console need none for so long.
const LATELY_MS: u64 = 10 * 60_000;

/// What is remembered of tries, in memory: a restart forgets it.
pub struct Attempts {
    pub tries: Mutex<Lanes<u32>>,
    /// Whose each is, what for, and until when.
    challenges: Mutex<HashMap<Challenge, (u32, Purpose, u64)>>,
    /// Accounts a code was given for at the console, and when.
    lately: Mutex<HashMap<u32, u64>>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            tries: Mutex::new(Lanes::new(TRIES, ACCOUNTS)),
            challenges: Mutex::default(),
            lately: Mutex::default(),
        }
    }
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new passkey.
    Registration,
    /// Signing in.
    Entry,
}

impl Attempts {
    /// A new challenge for an account.
    pub fn challenge(&self, op: u32, purpose: Purpose, now: u64) -> Result<Challenge, HubError> {
        let challenge: Challenge = keys::random().map_err(plain)?;
        let mut all = self
            .challenges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, _, until)| now < *until);
        if all.len() >= CHALLENGES {
            return Err(Proofs::TooManyChallenges.into());
        }
        all.insert(challenge, (op, purpose, now + CHALLENGE_MS));
        Ok(challenge)
    }

    /// Uses a challenge up. Whether it was one of ours for that.
    pub fn spend(&self, challenge: &Challenge, op: u32, purpose: Purpose, now: u64) -> bool {
        let mut all = self
            .challenges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = all.remove(challenge);
        found.is_some_and(|(whose, what, until)| whose == op && what == purpose && now < until)
    }

    pub fn entered(&self, op: u32, now: u64) {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        lately.retain(|_, at| now.saturating_sub(*at) < LATELY_MS);
        lately.insert(op, now);
    }

    /// Whether a code was given for this account at the console some minutes ago.
    pub fn was_here(&self, op: u32, now: u64) -> bool {
        let lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        lately
            .get(&op)
            .is_some_and(|at| now.saturating_sub(*at) < LATELY_MS)
    }

    pub fn forget(&self, op: u32) {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        lately.remove(&op);
    }
}
