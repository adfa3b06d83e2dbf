//! Pure. Passkeys: what a browser hands over when a person's key is made and when it is used, checked by hub and box alike (WebAuthn level 3, 7.1
//! and 7.2).
//!
//! Keys are ES256 and nothing else. The person must have been there and must have been verified by the authenticator (finger, face, PIN): a key
//! is two factors here. No attestation is asked for, and one that comes is not looked at: it would name the maker of the key, not
//! the person. What a passkey proves is a touch for one challenge; it does not prove what the screen showed.
//!
//! The challenge is the caller's to choose and to use once; time and storage are the caller's too.

mod authenticator;
mod cbor;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::record::{Digest, sha256};
use authenticator::Data;
pub use cbor::CborError;

/// Bytes of any part of what a browser hands over, at most. An attestation with certificates has some thousands.
const LARGEST: usize = 16 << 10;

/// What was to be signed: 32 bytes that are used once.
pub type Challenge = Digest;

/// Why a passkey was not taken, or not taken for the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("what the browser handed over is not readable")]
    Unreadable,
    #[error("what the browser handed over is larger than {LARGEST} bytes")]
    Large,
    #[error("it was made for another purpose than this")]
    Purpose,
    #[error("it answers another question than the one asked; it may have come twice, or too late")]
    Challenge,
    #[error("it was made on the page of another site")]
    Origin,
    #[error("it was made on a page inside the page of another site")]
    Frame,
    #[error("it was made for the name of another site")]
    Party,
    #[error("nobody touched the key")]
    Absent,
    #[error("the key did not ask for the person's finger, face or PIN")]
    Unverified,
    #[error("what the key says of itself is not readable: {0}")]
    Data(&'static str),
    #[error("what the key says of itself is not readable: {0}")]
    Cbor(CborError),
    #[error("its attestation is not readable: {0}")]
    Attestation(&'static str),
    #[error(
        "the key is of another kind than ES256; use a key of that kind, which all common ones offer"
    )]
    Algorithm,
    #[error("the public key is not one of P-256 in its usual form")]
    Key,
    #[error("it has no new key, or has one where none is made")]
    Credential,
    #[error("it was made with another key than this person's")]
    Other,
    #[error("the key says now that it can be copied, or no longer can be; that does not change")]
    Eligible,
    #[error("the signature is not the key's")]
    Signature,
    #[error(
        "the key has counted {now} uses after {before} already: there is a copy of it, and it is not to be trusted"
    )]
    Counter { before: u32, now: u32 },
}

/// For whom keys are made: the name of the site, and the page's origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PartyText", into = "PartyText")]
pub struct RelyingParty {
    id: String,
    origin: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartyText {
    id: String,
    origin: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    #[error("an origin is https://NAME or https://NAME:PORT in small letters, with no path")]
    Origin,
    #[error("the site's name is that of the origin, or the end of it behind a dot")]
    Id,
}

impl RelyingParty {
    /// # Errors
    /// Origin and name are not written as browsers write them, or do not belong to each other.
    pub fn new(id: &str, origin: &str) -> Result<Self, PartyError> {
        let rest = origin
            .strip_prefix("https://")
            // Browsers take this for as good.
            .or_else(|| {
                origin
                    .strip_prefix("http://")
                    .filter(|r| host(r) == "localhost")
            })
            .ok_or(PartyError::Origin)?;
        let name = |text: &str| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let label = |l: &str| !l.is_empty() && l.bytes().all(plain);
            text.len() <= 253 && text.split('.').all(label)
        };
        let port = rest.strip_prefix(host(rest)).unwrap_or_default();
        let good_port = match port.strip_prefix(':') {
            Some(digits) => digits
                .parse::<u16>()
                .is_ok_and(|p| p.to_string() == digits && p != 0),
            None => port.is_empty(),
        };
        if !name(host(rest)) || !good_port {
            return Err(PartyError::Origin);
        }
        let end = host(rest).strip_suffix(id);
        if !name(id) || !end.is_some_and(|before| before.is_empty() || before.ends_with('.')) {
            return Err(PartyError::Id);
        }
        Ok(Self {
            id: id.to_owned(),
            origin: origin.to_owned(),
        })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }
}

fn host(rest: &str) -> &str {
    rest.split(':').next().unwrap_or_default()
}

impl TryFrom<PartyText> for RelyingParty {
    type Error = PartyError;
    fn try_from(t: PartyText) -> Result<Self, PartyError> {
        Self::new(&t.id, &t.origin)
    }
}

impl From<RelyingParty> for PartyText {
    fn from(p: RelyingParty) -> Self {
        Self {
            id: p.id,
            origin: p.origin,
        }
    }
}

/// Bytes that are written in base64url without padding.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = URL_SAFE_NO_PAD.decode(text);
        Ok(Self(bytes.map_err(serde::de::Error::custom)?))
    }
}

/// What a browser hands over when a key has been made (`PublicKeyCredential.toJSON()`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub client_data: Vec<u8>,
    pub attestation: Vec<u8>,
}

#[derive(Deserialize)]
struct FromBrowser<R> {
    id: Bytes,
    r#type: String,
    response: R,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attested {
    #[serde(rename = "clientDataJSON")]
    client_data: Bytes,
    attestation_object: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asserted {
    #[serde(rename = "clientDataJSON")]
    client_data: Bytes,
    authenticator_data: Bytes,
    signature: Bytes,
}

fn from_browser<'a, R: Deserialize<'a>>(json: &'a [u8]) -> Result<(Bytes, R), PasskeyError> {
    if json.len() > 4 * LARGEST {
        return Err(PasskeyError::Large);
    }
    let read: FromBrowser<R> =
        serde_json::from_slice(json).map_err(|_| PasskeyError::Unreadable)?;
    match read.r#type == "public-key" {
        true => Ok((read.id, read.response)),
        false => Err(PasskeyError::Unreadable),
    }
}

impl Registration {
    /// # Errors
    /// It is not the JSON of a key that was made.
    pub fn from_browser(json: &[u8]) -> Result<Self, PasskeyError> {
        let (_, r) = from_browser::<Attested>(json)?;
        Ok(Self {
            client_data: r.client_data.0,
            attestation: r.attestation_object.0,
        })
    }
}

/// What a browser hands over when a key was used: on the wire four texts in base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    pub id: Bytes,
    pub client_data: Bytes,
    pub authenticator_data: Bytes,
    pub signature: Bytes,
}

impl Assertion {
    /// # Errors
    /// It is not the JSON of a key that was used.
    pub fn from_browser(json: &[u8]) -> Result<Self, PasskeyError> {
        let (id, r) = from_browser::<Asserted>(json)?;
        Ok(Self {
            id,
            client_data: r.client_data,
            authenticator_data: r.authenticator_data,
            signature: r.signature,
        })
    }
}

/// A person's key, as hub and box keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// Name of the key at its authenticator, 1 to 1023 bytes.
    pub id: Bytes,
    /// Point of P-256, uncompressed: 65 bytes.
    pub key: Bytes,
    /// Uses its authenticator has counted; 0 where it does not count.
    pub counter: u32,
    /// Whether the person's devices may copy it to each other.
    pub eligible: bool,
}

/// What the browser adds: for what, for which challenge, on whose page. Other fields may come and are nobody's business here: browsers
/// add some on purpose.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    #[serde(default)]
    top_origin: Option<serde_json::Value>,
}

fn client_data(
    bytes: &[u8],
    purpose: &str,
    party: &RelyingParty,
    challenge: &Challenge,
) -> Result<(), PasskeyError> {
    if bytes.len() > LARGEST {
        return Err(PasskeyError::Large);
    }
    let data: ClientData = serde_json::from_slice(bytes).map_err(|_| PasskeyError::Unreadable)?;
    let rules = [
        (data.r#type == purpose, PasskeyError::Purpose),
        (
            data.challenge == URL_SAFE_NO_PAD.encode(challenge),
            PasskeyError::Challenge,
        ),
        // A frame's own origin may be the right one: whose page it stands in counts.
        (
            !data.cross_origin && data.top_origin.is_none(),
            PasskeyError::Frame,
        ),
        (data.origin == party.origin, PasskeyError::Origin),
    ];
    match rules.into_iter().find(|(kept, _)| !kept) {
        Some((_, broken)) => Err(broken),
        None => Ok(()),
    }
}

fn of_person(data: &Data<'_>, party: &RelyingParty) -> Result<(), PasskeyError> {
    let rules = [
        (
            data.party == sha256(party.id.as_bytes()),
            PasskeyError::Party,
        ),
        (data.present, PasskeyError::Absent),
        (data.verified, PasskeyError::Unverified),
    ];
    match rules.into_iter().find(|(kept, _)| !kept) {
        Some((_, broken)) => Err(broken),
        None => Ok(()),
    }
}

/// A key that was made just now, for this challenge. Whether another person has one of that id is the caller's to look up.
///
/// # Errors
/// [`PasskeyError`]: it is not kept.
pub fn register(
    party: &RelyingParty,
    challenge: &Challenge,
    made: &Registration,
) -> Result<Passkey, PasskeyError> {
    client_data(&made.client_data, "webauthn.create", party, challenge)?;
    if made.attestation.len() > LARGEST {
        return Err(PasskeyError::Large);
    }
    let data = Data::parse(authenticator::attested(&made.attestation)?)?;
    of_person(&data, party)?;
    let credential = data.credential.ok_or(PasskeyError::Credential)?;
    Ok(Passkey {
        id: Bytes(credential.id.to_vec()),
        key: Bytes(credential.key.to_vec()),
        counter: data.counter,
        eligible: data.eligible,
    })
}

impl Passkey {
    /// Whether the person used this key for this challenge. The counter to keep from now on: two uses that were both taken at one counter
    /// would be two keys.
    ///
    /// # Errors
    /// [`PasskeyError`]: it proves nothing, and nothing is to be changed.
    pub fn verify(
        &self,
        party: &RelyingParty,
        challenge: &Challenge,
        used: &Assertion,
    ) -> Result<u32, PasskeyError> {
        if used.id != self.id {
            return Err(PasskeyError::Other);
        }
        client_data(&used.client_data.0, "webauthn.get", party, challenge)?;
        if used.authenticator_data.0.len() > LARGEST {
            return Err(PasskeyError::Large);
        }
        let data = Data::parse(&used.authenticator_data.0)?;
        of_person(&data, party)?;
        if data.credential.is_some() {
            return Err(PasskeyError::Credential);
        }
        if data.eligible != self.eligible {
            return Err(PasskeyError::Eligible);
        }
        let mut signed = used.authenticator_data.0.clone();
        signed.extend_from_slice(&sha256(&used.client_data.0));
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.key.0)
            .verify(&signed, &used.signature.0)
            .map_err(|_| PasskeyError::Signature)?;
        let (before, now) = (self.counter, data.counter);
        match now > before || (now, before) == (0, 0) {
            true => Ok(now),
            false => Err(PasskeyError::Counter { before, now }),
        }
    }
}

#[cfg(test)]
mod tests;
