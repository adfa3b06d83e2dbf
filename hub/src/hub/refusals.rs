//! Pure. Refused attempts to sign in that are not on record yet.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Refused attempts are written so far apart.
pub const EVERY_MS: u64 = 15 * 60_000;

/// Whose account, None: a name nobody has; and what was wrong: password, code, passkey.
pub type RefusedAttempt = (Option<u32>, &'static str);

/// Refused attempts that are not on record yet.
#[derive(Default)]
pub struct Refusals(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by: BTreeMap<RefusedAttempt, u64>,
    /// When the first of them came.
    since: Option<u64>,
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self, account: Option<u32>, how: &'static str, now: u64) {
        let mut counts = self.lock();
        *counts.by.entry((account, how)).or_default() += 1;
        counts.since.get_or_insert(now);
    }

    /// What is to be put on record now, with the milliseconds it took to come together. `all`: however short that was.
    pub fn due(&self, now: u64, all: bool) -> Vec<(RefusedAttempt, u64, u64)> {
        let mut counts = self.lock();
        let Some(took) = counts.since.map(|since| now.saturating_sub(since)) else {
            return Vec::new();
        };
        if took < EVERY_MS && !all {
            return Vec::new();
        }
        counts.since = None;
        let by = std::mem::take(&mut counts.by);
        by.into_iter().map(|(who, n)| (who, n, took)).collect()
    }

    /// The same of one account, whose owner is here.
    pub fn of(&self, account: u32, now: u64) -> Vec<(RefusedAttempt, u64, u64)> {
        let mut counts = self.lock();
        let took = now.saturating_sub(counts.since.unwrap_or(now));
        let own = |(who, _): &RefusedAttempt| *who == Some(account);
        let own: Vec<RefusedAttempt> = counts.by.keys().copied().filter(own).collect();
        let taken = own.into_iter().filter_map(|guessed| {
            let n = counts.by.remove(&guessed)?;
            Some((guessed, n, took))
        });
        taken.collect()
    }
}
