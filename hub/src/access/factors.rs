//! Task. Second factors: codes from a phone's app, and passkeys (ROL-2). An account that has one is signed in to with it, at every door; roles
//! that the configuration names take one. Blocking.
//!
//! A code is taken once, a passkey's challenge too. Guesses are held to the pace of passwords, whoever guesses: the account's password was
//! right before anything is guessed here.

use std::sync::PoisonError;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::SystemRandom,
};
use serde::{Deserialize, Serialize};
use shared::{
    approval::mark,
    passkey::{self, Assertion, Challenge, Passkey, PasskeyError, Registration, RelyingParty},
    time::Utc,
    types::{OpFactor, OpUnfactor},
};
use utoipa::ToSchema;

use super::{accounts, authorise::Permit, owners, totp::Secret};
use crate::{
    db::{Db, factors::FactorRecord},
    error::{HubError, plain},
    hub::{Hub, attempts::Purpose},
    keys,
    list::{Part, Rows},
    model::role::Role,
    reason::{Orders, Proofs},
};

/// Factors of one account.
const MOST: usize = 8;

pub const CODE: &str = "code";
pub const PASSKEY: &str = "passkey";

/// One more try at an account's secrets by somebody who knows its password, or is signed in to it.
pub fn pace(hub: &Hub, op: u32) -> Result<(), HubError> {
    let now = hub.clock.now().mono;
    let tries = &hub.attempts.tries;
    let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
    match tries.take(op, 1, now, 0) {
        Some(_) => Ok(()),
        None => Err(Proofs::TooManyTries.into()),
    }
}

fn sealing(hub: &Hub) -> Result<LessSafeKey, HubError> {
    let key = hub.keys.factor_key().map_err(plain)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &key)
        .map_err(|_| plain("keys/factor.key cannot be used"))?;
    Ok(LessSafeKey::new(key))
}

/// A secret as the records have it: useless without keys/factor.key, and for another account.
fn seal(hub: &Hub, op: u32, secret: &Secret) -> Result<String, HubError> {
    let nonce: [u8; NONCE_LEN] = keys::random().map_err(plain)?;
    let mut bytes = secret.text().as_bytes().to_vec();
    let (key, aad) = (sealing(hub)?, Aad::from(op.to_be_bytes()));
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
        .map_err(|_| plain("a secret could not be sealed"))?;
    Ok(STANDARD.encode([nonce.as_slice(), &bytes].concat()))
}

fn unseal(hub: &Hub, op: u32, sealed: &str) -> Result<Secret, HubError> {
    let no = || {
        plain(format!(
            "the second factor of {} cannot be read: keys/factor.key is not the one it was made with; two administrators can have the account begin anew (`beadle-hub staff recover`)",
            crate::ownlog::op(op)
        ))
    };
    let bytes = STANDARD.decode(sealed).map_err(|_| no())?;
    let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(no)?;
    let mut rest = zeroize::Zeroizing::new(rest.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let aad = Aad::from(op.to_be_bytes());
    let text = sealing(hub)?
        .open_in_place(nonce, aad, &mut rest)
        .map_err(|_| no())?;
    let text = std::str::from_utf8(text).map_err(|_| no())?;
    Secret::parse(text).map_err(|_| no())
}

fn key(f: &FactorRecord) -> Result<Passkey, HubError> {
    serde_json::from_str(&f.secret).map_err(plain)
}

/// What a browser is asked to make or use a passkey with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyOffer {
    /// With all bytes below in base64url.
    pub challenge: String,
    /// Name of the site the key is for.
    pub party: String,
    pub user: String,
    pub name: String,
    /// Keys the account has already.
    pub keys: Vec<String>,
}

fn offer(
    hub: &Hub,
    party: &RelyingParty,
    op: u32,
    name: &str,
    purpose: Purpose,
) -> Result<PasskeyOffer, HubError> {
    let challenge = hub.attempts.challenge(op, purpose, hub.clock.now().mono)?;
    let mut keys = Vec::new();
    for f in hub.db.factors(op)?.iter().filter(|f| f.kind == PASSKEY) {
        keys.push(URL_SAFE_NO_PAD.encode(&key(f)?.id.0));
    }
    Ok(PasskeyOffer {
        challenge: URL_SAFE_NO_PAD.encode(challenge),
        party: party.id().into(),
        user: URL_SAFE_NO_PAD.encode(op.to_be_bytes()),
        name: name.into(),
        keys,
    })
}

/// What a new second factor is made of: it is none until what was made of it is handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewFactor {
    /// For an app, as it is typed.
    pub secret: String,
    /// The same as an address that apps read.
    pub uri: String,
    /// The address drawn, an SVG element.
    pub drawing: String,
    /// None: this hub has no name that passkeys can be for.
    pub passkey: Option<PasskeyOffer>,
}

pub fn new(hub: &Hub, permit: &Permit) -> Result<NewFactor, HubError> {
    let (scheme, name) = (&hub.config.scheme, permit.name());
    let secret = Secret::new(&SystemRandom::new()).map_err(plain)?;
    let party = hub.config.party();
    let offer = party.map(|party| offer(hub, party, permit.number(), name, Purpose::Registration));
    Ok(NewFactor {
        secret: secret.text().as_str().into(),
        uri: secret.uri(scheme, name).as_str().into(),
        drawing: secret.drawing(scheme, name).map_err(plain)?.as_str().into(),
        passkey: offer.transpose()?,
    })
}

/// A second factor, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactorRow {
    pub factor: u64,
    /// code, passkey
    pub kind: String,
    pub label: String,
    pub made: Utc,
    pub used: Option<Utc>,
}

pub fn list(hub: &Hub, part: &Part, permit: &Permit) -> Result<Rows<FactorRow>, HubError> {
    let (after, limit) = (part.number()?, part.limit());
    let found = hub.db.factors_page(permit.number(), after, limit + 1)?;
    Rows::cut(found, limit, |f| f.n.to_string()).try_map(|f| {
        Ok(FactorRow {
            factor: f.n,
            kind: f.kind,
            label: f.label,
            made: f.made,
            used: f.used,
        })
    })
}

fn add(
    hub: &Hub,
    kind: &str,
    label: &str,
    secret: &str,
    step: Option<u64>,
    permit: &Permit,
) -> Result<u64, HubError> {
    hub.act(|tx| {
        let own = permit.number();
        if hub.db.factors(own)?.len() >= MOST {
            return Err(Proofs::MostFactors { most: MOST }.into());
        }
        let n = tx.add_factor(own, kind, label, secret, step, hub.now())?;
        let line = OpFactor {
            op: permit.op(),
            factor: n,
            what: kind.into(),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(n)
    })
}

/// Codes of an app that was told `secret`; `code` is one it shows now.
pub fn add_code(
    hub: &Hub,
    label: &str,
    secret: &str,
    code: &str,
    password: &str,
    permit: &Permit,
) -> Result<u64, HubError> {
    let label = owners::title(label, 40)?;
    accounts::knows(hub, &accounts::own(hub, permit)?, password)?;
    let secret = Secret::parse(secret.trim()).map_err(|_| Proofs::SecretMalformed)?;
    let step = secret.check(code, hub.now(), None).map_err(Proofs::from)?;
    let sealed = seal(hub, permit.number(), &secret)?;
    let n = add(hub, CODE, label, &sealed, Some(step), permit)?;
    // The next command need not wait for the next code.
    let now = hub.clock.now().mono;
    hub.attempts.entered(permit.number(), now);
    Ok(n)
}

/// A passkey that a browser has made; `credential` is the JSON it handed over.
pub fn add_passkey(
    hub: &Hub,
    label: &str,
    credential: &str,
    password: &str,
    permit: &Permit,
) -> Result<u64, HubError> {
    let label = owners::title(label, 40)?;
    accounts::knows(hub, &accounts::own(hub, permit)?, password)?;
    let party = party(hub)?;
    let made = Registration::from_browser(credential.as_bytes()).map_err(Proofs::from)?;
    let challenge = challenge_of(&made.client_data)?;
    let now = hub.clock.now().mono;
    if !hub
        .attempts
        .spend(&challenge, permit.number(), Purpose::Registration, now)
    {
        return Err(Proofs::from(PasskeyError::Challenge).into());
    }
    let made = passkey::register(party, &challenge, &made).map_err(Proofs::from)?;
    for f in hub.db.all_factors()?.iter().filter(|f| f.kind == PASSKEY) {
        let other = key(f)?;
        if other.id == made.id || other.key == made.key {
            return Err(Proofs::PasskeySomebodys.into());
        }
    }
    let text = serde_json::to_string(&made).map_err(plain)?;
    add(hub, PASSKEY, label, &text, None, permit)
}

fn party(hub: &Hub) -> Result<&RelyingParty, HubError> {
    let party = hub.config.party();
    party.ok_or_else(|| Proofs::NoNameForPasskeys.into())
}

/// The challenge that a browser says it answered. Whether it is one of ours is for the caller to look up.
fn challenge_of(client_data: &[u8]) -> Result<Challenge, HubError> {
    #[derive(Deserialize)]
    struct ClientData {
        challenge: String,
    }
    let no = || HubError::from(Proofs::BrowserUnreadable);
    let said: ClientData = serde_json::from_slice(client_data).map_err(|_| no())?;
    let bytes = URL_SAFE_NO_PAD.decode(said.challenge).map_err(|_| no())?;
    bytes.try_into().map_err(|_| no())
}

/// Takes one of one's own away; not the last one that a role takes.
pub fn remove(hub: &Hub, n: u64, password: &str, permit: &Permit) -> Result<(), HubError> {
    accounts::knows(hub, &accounts::own(hub, permit)?, password)?;
    hub.act(|tx| {
        let own = hub.db.factors(permit.number())?;
        if !own.iter().any(|f| f.n == n) {
            return Err(Proofs::FactorUnknown { factor: n }.into());
        }
        if own.len() == 1 && required(hub, permit.number())? {
            return Err(Proofs::LastFactor.into());
        }
        if !tx.end_factor(n, hub.now())? {
            return Err(Proofs::FactorGone.into());
        }
        let line = OpUnfactor {
            op: permit.op(),
            factor: n,
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(())
    })?;
    hub.attempts.forget(permit.number());
    Ok(())
}

/// Whether a role of this account takes a second factor.
fn required(hub: &Hub, op: u32) -> Result<bool, HubError> {
    let (grants, now) = (hub.db.grants(op)?, hub.now());
    let mut held = grants.iter().filter(|g| g.grant.holds_at(now));
    Ok(held.any(|g| takes(hub, g.grant.role)))
}

/// Whether a role takes a second factor here.
pub fn takes(hub: &Hub, role: Role) -> bool {
    hub.config.second_factor.contains(&role)
}

/// What somebody shows beside the password.
#[derive(Clone)]
pub enum Proof {
    /// Six digits.
    Code(String),
    /// What a browser hands over when a passkey was used, JSON.
    Passkey(String),
}

impl Proof {
    /// As the log has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Code(_) => CODE,
            Self::Passkey(_) => PASSKEY,
        }
    }
}

/// What a browser is asked for when somebody signs in who has passkeys; None: they have none, or the hub has no name.
pub fn entry(hub: &Hub, op: u32, name: &str) -> Result<Option<PasskeyOffer>, HubError> {
    let Some(party) = hub.config.party() else {
        return Ok(None);
    };
    let offer = offer(hub, party, op, name, Purpose::Entry)?;
    Ok(Some(offer).filter(|o| !o.keys.is_empty()))
}

/// Whether it is right, and uses it up. Held to the pace before it is looked at.
pub fn check(hub: &Hub, op: u32, proof: &Proof) -> Result<(), HubError> {
    pace(hub, op)?;
    let factors = hub.db.factors(op)?;
    match proof {
        Proof::Code(code) => {
            let mut why = Proofs::NoCodes;
            for f in factors.iter().filter(|f| f.kind == CODE) {
                match unseal(hub, op, &f.secret)?.check(code, hub.now(), f.step) {
                    Ok(step) if hub.db.code_used(f.n, step, hub.now())? => return Ok(()),
                    Ok(_) => why = Proofs::CodeUsed,
                    Err(e) => why = e.into(),
                }
            }
            Err(why.into())
        }
        Proof::Passkey(json) => {
            let used = Assertion::from_browser(json.as_bytes()).map_err(Proofs::from)?;
            let challenge = challenge_of(&used.client_data.0)?;
            let now = hub.clock.now().mono;
            if !hub.attempts.spend(&challenge, op, Purpose::Entry, now) {
                return Err(Proofs::from(PasskeyError::Challenge).into());
            }
            let touch = verified(hub, &factors, &challenge, used)?.map_err(Proofs::from)?;
            match touch.use_up(&hub.db, hub.now())? {
                true => Ok(()),
                false => Err(Proofs::from(PasskeyError::Challenge).into()),
            }
        }
    }
}

/// A passkey that was used for the challenge it was asked for, and is not used up yet.
pub struct Touch {
    /// Its number.
    pub factor: u64,
    before: String,
    after: String,
    pub assertion: Assertion,
}

impl Touch {
    /// The key has counted it. False: somebody was quicker.
    pub fn use_up(&self, db: &Db, now: Utc) -> Result<bool, HubError> {
        Ok(db.passkey_used(self.factor, &self.before, &self.after, now)?)
    }
}

/// By one of these factors.
fn verified(
    hub: &Hub,
    factors: &[FactorRecord],
    challenge: &Challenge,
    assertion: Assertion,
) -> Result<Result<Touch, PasskeyError>, HubError> {
    for f in factors.iter().filter(|f| f.kind == PASSKEY) {
        let own = key(f)?;
        if own.id != assertion.id {
            continue;
        }
        return match own.verify(party(hub)?, challenge, &assertion) {
            Ok(counter) => Ok(Ok(Touch {
                factor: f.n,
                before: f.secret.clone(),
                after: serde_json::to_string(&Passkey { counter, ..own }).map_err(plain)?,
                assertion,
            })),
            Err(e) => Ok(Err(e)),
        };
    }
    Ok(Err(PasskeyError::Other))
}

/// One of an account's passkeys, used for a challenge that is not a random one but the order itself; `credential` is the JSON a browser
/// handed over. Held to the pace.
pub fn touched(
    hub: &Hub,
    op: u32,
    challenge: &Challenge,
    credential: &str,
) -> Result<Touch, HubError> {
    pace(hub, op)?;
    let used = match Assertion::from_browser(credential.as_bytes()) {
        Ok(used) => verified(hub, &hub.db.factors(op)?, challenge, used)?,
        Err(e) => Err(e),
    };
    used.map_err(|why| Orders::TouchNotTaken { why }.into())
}

/// What a browser is asked for such a touch, by the passkeys with these marks.
pub fn to_touch(
    hub: &Hub,
    op: u32,
    name: &str,
    challenge: &Challenge,
    known: &[String],
) -> Result<PasskeyOffer, HubError> {
    let own = passkeys(hub, op)?.into_iter();
    let keys = own.filter(|(_, k)| known.contains(&mark(&k.id)));
    Ok(PasskeyOffer {
        challenge: URL_SAFE_NO_PAD.encode(challenge),
        party: party(hub)?.id().into(),
        user: URL_SAFE_NO_PAD.encode(op.to_be_bytes()),
        name: name.into(),
        keys: keys.map(|(_, k)| URL_SAFE_NO_PAD.encode(&k.id.0)).collect(),
    })
}

/// An account's passkeys, each with its row.
pub fn passkeys(hub: &Hub, op: u32) -> Result<Vec<(FactorRecord, Passkey)>, HubError> {
    let all = hub.db.factors(op)?.into_iter();
    all.filter(|f| f.kind == PASSKEY)
        .map(|f| key(&f).map(|k| (f, k)))
        .collect()
}
