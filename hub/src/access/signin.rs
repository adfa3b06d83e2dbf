//! Task. Signing in: the password, the second factor, and what is put on record of it. Blocking.
//!
//! Who signed in is a line at once. Refused attempts are counted and written a quarter of an hour together, a line for each account that
//! was tried and one for all names nobody has: whoever guesses fills no log. The answer and the work are the same for a name nobody has.

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
    access::{
        factors::{self, Proof},
        principal::{First, Limits, Person},
    },
    db::staff::AccountRecord,
    error::{HubError, plain},
    hub::{Hub, refusals::RefusedAttempt},
    model::grant::Grant,
    ownlog,
    places::Origin,
    reason::{Proofs, class::Class},
};

/// An address is remembered so long after somebody signed in from it.
const REMEMBERED_MS: i64 = 90 * 86_400_000;
/// That an account was signed in to is written down so often.
const NOTED_MS: i64 = 60_000;
/// What is compared with the password typed for a name nobody has: no password has this hash, and it takes as long as any.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const PASSWORD: &str = "password";

fn put(hub: &Hub, (account, how): RefusedAttempt, n: u64, took_ms: u64) -> Result<(), HubError> {
    let line = AccFail {
        op: account.map_or("unknown".into(), ownlog::op),
        how: how.into(),
        n,
        secs: took_ms.div_ceil(1000),
    };
    hub.log.append("sys:hub", &line).map_err(plain)?;
    Ok(())
}

/// Puts refused attempts on record when it is time; `all`: the hub stops.
pub fn note(hub: &Hub, all: bool) -> Result<(), HubError> {
    for (guessed, n, took) in hub.refusals.due(hub.clock.now().mono, all) {
        put(hub, guessed, n, took)?;
    }
    Ok(())
}

/// Name and password of somebody, at the console, and a code of their phone.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    pub name: String,
    pub password: String,
    #[serde(default)]
    pub code: Option<String>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [password]", self.name)
    }
}

/// Checks name and password, and nothing else; the account.
pub fn password(hub: &Hub, name: &str, password: &str) -> Result<AccountRecord, HubError> {
    let (found, now) = (hub.db.account(name).map_err(plain)?, hub.clock.now());
    let hash = found.as_ref().map_or(NOBODY, |a| &a.password);
    let right = PasswordHash::new(hash).is_ok_and(|hash| {
        let judged = Argon2::default().verify_password(password.as_bytes(), &hash);
        judged.is_ok()
    });
    // The work was the same. A closed account is one that nobody has.
    let found = found.filter(|a| a.closed.is_none());
    let account = found.as_ref().map(|a| a.op);
    found.filter(|_| right).ok_or_else(|| {
        hub.refusals.count(account, PASSWORD, now.mono);
        Proofs::NameOrPasswordWrong.into()
    })
}

/// Checks what somebody shows beside the right password.
pub fn second(hub: &Hub, account: &AccountRecord, proof: &Proof) -> Result<(), HubError> {
    let checked = factors::check(hub, account.op, proof);
    if checked.as_ref().is_err_and(|e| e.class() == Class::Refused) {
        let now = hub.clock.now().mono;
        hub.refusals.count(Some(account.op), proof.word(), now);
    }
    checked
}

/// Puts on record that somebody is signed in. `proof`: the word for what they showed beside the password; `from`: where a page was asked
/// from; None: the console.
pub fn enter(
    hub: &Hub,
    account: AccountRecord,
    proof: Option<&str>,
    from: Option<Origin>,
) -> Result<Person, HubError> {
    let (a, now) = (account, hub.clock.now());
    for (guessed, n, took) in hub.refusals.of(a.op, now.mono) {
        put(hub, guessed, n, took)?;
    }
    let op = ownlog::op(a.op);
    let how = proof.map_or(PASSWORD.into(), |word| format!("{PASSWORD}+{word}"));
    let line = AccLogin {
        op: op.clone(),
        how,
    };
    hub.log.append(&op, &line).map_err(plain)?;
    if a.entered.is_none_or(|t| now.wall.0 - t.0 >= NOTED_MS) {
        hub.db.entered(a.op, now.wall)?;
    }
    if let Some(from) = from {
        let place = place(&key(hub)?, from);
        hub.db
            .signed_in_from(a.op, &place, now.wall)
            .map_err(plain)?;
    }
    of_account(hub, a)
}

/// Whose account it is, as somebody has shown.
pub struct ProvenAccount {
    pub account: AccountRecord,
    /// The word for what they showed beside the password.
    pub proof: Option<&'static str>,
}

/// A way to show who somebody is. Single sign-on would be another one; what follows is the same for all ([`enter`]).
pub trait Identity {
    fn prove(&self, hub: &Hub) -> Result<ProvenAccount, HubError>;
}

/// At the console. Whoever gave a code there some minutes ago needs none.
impl Identity for SignIn {
    fn prove(&self, hub: &Hub) -> Result<ProvenAccount, HubError> {
        let account = password(hub, &self.name, &self.password)?;
        let now = hub.clock.now().mono;
        if !hub.db.has_factor(account.op)? || hub.attempts.was_here(account.op, now) {
            return Ok(ProvenAccount {
                account,
                proof: None,
            });
        }
        let Some(code) = &self.code else {
            return Err(Proofs::CodeWanted {
                name: self.name.clone(),
            }
            .into());
        };
        let proof = Proof::Code(code.clone());
        second(hub, &account, &proof)?;
        hub.attempts.entered(account.op, now);
        Ok(ProvenAccount {
            account,
            proof: Some(proof.word()),
        })
    }
}

/// Signs somebody in at the console.
pub fn check(hub: &Hub, who: &impl Identity) -> Result<Person, HubError> {
    let ProvenAccount { account, proof } = who.prove(hub)?;
    enter(hub, account, proof, None)
}

/// Whoever has this account, as it is now; None: nobody has it any more.
pub fn person(hub: &Hub, op: u32) -> Result<Option<Person>, HubError> {
    let found = hub.db.account_numbered(op).map_err(plain)?;
    let open = found.filter(|a| a.closed.is_none());
    open.map(|a| of_account(hub, a)).transpose()
}

fn of_account(hub: &Hub, a: AccountRecord) -> Result<Person, HubError> {
    let held = hub.db.grants(a.op).map_err(plain)?;
    let grants: Vec<_> = held.into_iter().map(|g| g.grant).collect();
    let now = hub.now();
    let takes = |g: &Grant| g.holds_at(now) && factors::takes(hub, g.role);
    let first = if a.once {
        Some(First::Password)
    } else if hub.db.has_to_accept(a.op)? {
        Some(First::Declaration)
    } else if grants.iter().any(takes) && !hub.db.has_factor(a.op)? {
        Some(First::Factor)
    } else {
        None
    };
    Ok(Person {
        op: a.op,
        name: a.name,
        grants,
        limits: Limits {
            token: None,
            first,
            generation: a.generation,
        },
    })
}

/// Whether this account signed in from this address lately.
pub fn was_here(hub: &Hub, name: &str, from: Origin) -> Result<bool, HubError> {
    let after = Utc(hub.now().0 - REMEMBERED_MS);
    let place = place(&key(hub)?, from);
    hub.db.was_here(name, &place, after).map_err(plain)
}

/// Key of what browsers and records keep about where somebody signed in. Made of one that lasts as long as the hub.
pub fn key(hub: &Hub) -> Result<hmac::Key, HubError> {
    let lasting = hmac::Key::new(hmac::HMAC_SHA256, &hub.keys.reset_key().map_err(plain)?);
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
    use crate::hub::refusals::{EVERY_MS, Refusals};

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
            refusals.count((n % 2 == 0).then_some(7), PASSWORD, n);
        }
        assert!(refusals.due(10_000, false).is_empty());
        assert_eq!(
            refusals.due(EVERY_MS, false),
            [
                ((None, PASSWORD), 5000, EVERY_MS),
                ((Some(7), PASSWORD), 5000, EVERY_MS)
            ]
        );
        assert!(refusals.due(EVERY_MS * 2, true).is_empty());
        refusals.count(Some(7), "code", EVERY_MS);
        assert_eq!(refusals.of(7, EVERY_MS + 5), [((Some(7), "code"), 1, 5)]);
        assert!(refusals.of(7, EVERY_MS + 5).is_empty());
    }
}
