//! Task. Signing in: the password, and what is put on record of it. Blocking.
//!
//! Who signed in is a line at once. Refused attempts are counted and written a quarter of an hour together, a line for each account that
//! was tried and one for all names nobody has: whoever guesses fills no log. The answer and the work are the same for a name nobody has.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use argon2::{Argon2, PasswordHash, PasswordVerifier};
use ring::hmac;
use serde::{Deserialize, Serialize};
use shared::{
    record::hex,
    time::Utc,
    types::{AccFail, AccLogin},
};
use utoipa::ToSchema;

use crate::{
    access::principal::{Limits, Person},
    db::staff::AccountRecord,
    desk::Desk,
    error::{HubError, plain},
    ownlog,
    places::Origin,
};

/// Refused attempts are written so far apart.
const EVERY_MS: u64 = 15 * 60_000;
/// An address is remembered so long after somebody signed in from it.
const REMEMBERED_MS: i64 = 90 * 86_400_000;
/// What is compared with the password typed for a name nobody has: no password has this hash, and it takes as long as any.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const WRONG: &str = "name or password is wrong";

/// Refused attempts that are not on record yet, by account; None: a name nobody has.
#[derive(Default)]
pub struct Refusals(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by: BTreeMap<Option<u32>, u64>,
    /// When the first of them came.
    since: Option<u64>,
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, account: Option<u32>, now: u64) {
        let mut counts = self.lock();
        *counts.by.entry(account).or_default() += 1;
        counts.since.get_or_insert(now);
    }

    /// What is to be put on record now, with the milliseconds it took to come together. `all`: however short that was.
    fn due(&self, now: u64, all: bool) -> Vec<(Option<u32>, u64, u64)> {
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
    fn of(&self, account: u32, now: u64) -> Option<(u64, u64)> {
        let mut counts = self.lock();
        let n = counts.by.remove(&Some(account))?;
        Some((n, now.saturating_sub(counts.since.unwrap_or(now))))
    }
}

fn put(desk: &Desk, account: Option<u32>, n: u64, took_ms: u64) -> Result<(), HubError> {
    let line = AccFail {
        op: account.map_or("unknown".into(), ownlog::op),
        how: "password".into(),
        n,
        secs: took_ms.div_ceil(1000),
    };
    desk.log.append("sys:hub", &line).map_err(plain)?;
    Ok(())
}

/// Puts refused attempts on record when it is time; `all`: the hub stops.
pub fn note(desk: &Desk, all: bool) -> Result<(), HubError> {
    for (account, n, took) in desk.refusals.due(desk.clock.now().mono, all) {
        put(desk, account, n, took)?;
    }
    Ok(())
}

/// Name and password of somebody, at the console.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    pub name: String,
    pub password: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [password]", self.name)
    }
}

/// Checks name and password. `from`: where a page was asked from; None: the console.
pub fn check(
    desk: &Desk,
    name: &str,
    password: &str,
    from: Option<Origin>,
) -> Result<Person, HubError> {
    let (found, now) = (desk.db.account(name).map_err(plain)?, desk.clock.now());
    let hash = found.as_ref().map_or(NOBODY, |a| &a.password);
    let right = PasswordHash::new(hash).is_ok_and(|hash| {
        let judged = Argon2::default().verify_password(password.as_bytes(), &hash);
        judged.is_ok()
    });
    // The work was the same. A closed account is one that nobody has.
    let found = found.filter(|a| a.closed.is_none());
    let account = found.as_ref().map(|a| a.op);
    let Some(a) = found.filter(|_| right) else {
        desk.refusals.count(account, now.mono);
        return Err(HubError::Refused(WRONG.into()));
    };
    if let Some((n, took)) = desk.refusals.of(a.op, now.mono) {
        put(desk, Some(a.op), n, took)?;
    }
    let op = ownlog::op(a.op);
    desk.log
        .append(
            &op,
            &AccLogin {
                op: op.clone(),
                how: "password".into(),
            },
        )
        .map_err(plain)?;
    if let Some(from) = from {
        let place = place(&key(desk)?, from);
        desk.db
            .signed_in_from(a.op, &place, now.wall)
            .map_err(plain)?;
    }
    of_account(desk, a)
}

/// Whoever has this account, as it is now; None: nobody has it any more.
pub fn person(desk: &Desk, op: u32) -> Result<Option<Person>, HubError> {
    let found = desk.db.account_numbered(op).map_err(plain)?;
    let open = found.filter(|a| a.closed.is_none());
    open.map(|a| of_account(desk, a)).transpose()
}

fn of_account(desk: &Desk, a: AccountRecord) -> Result<Person, HubError> {
    let held = desk.db.grants(a.op).map_err(plain)?;
    Ok(Person {
        op: a.op,
        name: a.name,
        grants: held.into_iter().map(|g| g.grant).collect(),
        limits: Limits {
            token: None,
            once: a.once,
            generation: a.generation,
        },
    })
}

/// Whether this account signed in from this address lately.
pub fn was_here(desk: &Desk, name: &str, from: Origin) -> Result<bool, HubError> {
    let after = Utc(desk.now().0 - REMEMBERED_MS);
    let place = place(&key(desk)?, from);
    desk.db.was_here(name, &place, after).map_err(plain)
}

/// Key of what browsers and records keep about where somebody signed in. Made of one that lasts as long as the hub.
pub fn key(desk: &Desk) -> Result<hmac::Key, HubError> {
    let lasting = hmac::Key::new(hmac::HMAC_SHA256, &desk.keys.reset_key().map_err(plain)?);
    let own = hmac::sign(&lasting, b"beadle browsers and addresses v1");
    Ok(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
}

/// An address as the records have it: they name none.
fn place(key: &hmac::Key, from: Origin) -> String {
    hex(&hmac::sign(key, format!("address\n{from}").as_bytes()).as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V8: the work for a name nobody has is that for any other, and no password opens it.
    #[test]
    fn nobody_has_a_password_like_any_other() {
        let salt = [7; 16];
        let usual = argon2::PasswordHasher::hash_password_with_salt(
            &Argon2::default(),
            b"right horse",
            &salt,
        )
        .expect("hash")
        .to_string();
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&usual), cost(NOBODY));
        let nobody = PasswordHash::new(NOBODY).expect("hash");
        let judged = Argon2::default().verify_password(b"", &nobody);
        assert!(judged.is_err());
    }

    /// V8, AUD-1: ten thousand refused attempts are a line for each account and a quarter of an hour.
    #[test]
    fn refused_attempts_are_counted() {
        let refusals = Refusals::default();
        for n in 0..10_000 {
            refusals.count((n % 2 == 0).then_some(7), n);
        }
        assert!(refusals.due(10_000, false).is_empty());
        assert_eq!(
            refusals.due(EVERY_MS, false),
            [(None, 5000, EVERY_MS), (Some(7), 5000, EVERY_MS)]
        );
        assert!(refusals.due(EVERY_MS * 2, true).is_empty());
        refusals.count(Some(7), EVERY_MS);
        assert_eq!(refusals.of(7, EVERY_MS + 5), Some((1, 5)));
        assert_eq!(refusals.of(7, EVERY_MS + 5), None);
    }
}
