//! Pure, but for the dice. For tests: an authenticator in software, which makes and uses ES256 keys as a browser hands them over.

#![allow(clippy::expect_used)] // a test that cannot go on is to stop

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};

use crate::{
    passkey::{Assertion, Bytes, Challenge, Registration, RelyingParty},
    record::sha256,
};

/// Flags of an authenticator's data.
pub const TOUCHED_AND_VERIFIED: u8 = 0x05;
const CREDENTIAL: u8 = 0x40;

/// One key of one person's.
pub struct SoftKey {
    pair: EcdsaKeyPair,
    pub id: Vec<u8>,
    /// Uses so far.
    pub counter: u32,
    /// What it says of the person.
    pub flags: u8,
    random: SystemRandom,
}

fn client_data(kind: &str, party: &RelyingParty, challenge: &Challenge) -> Vec<u8> {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    format!(
        r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"{}","crossOrigin":false}}"#,
        party.origin()
    )
    .into_bytes()
}

impl SoftKey {
    /// # Panics
    /// The machine has no randomness.
    pub fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let rule = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(rule, &random).expect("random");
        let pair = EcdsaKeyPair::from_pkcs8(rule, der.as_ref(), &random).expect("key");
        Self {
            pair,
            id: id.as_bytes().to_vec(),
            counter: 1,
            flags: TOUCHED_AND_VERIFIED,
            random,
        }
    }

    fn data(&self, party: &RelyingParty, flags: u8) -> Vec<u8> {
        let mut data = sha256(party.id().as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// As it is handed over when the key is made.
    ///
    /// # Panics
    /// The id is longer than 255 bytes.
    pub fn register(&self, party: &RelyingParty, challenge: &Challenge) -> Registration {
        let mut data = self.data(party, self.flags | CREDENTIAL);
        data.extend([0; 16]);
        data.extend([0, u8::try_from(self.id.len()).expect("a short id")]);
        data.extend(&self.id);
        let point = self.pair.public_key().as_ref();
        data.extend(b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20");
        data.extend(&point[1..33]);
        data.extend(b"\x22\x58\x20");
        data.extend(&point[33..]);
        let mut attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        attestation.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        // A length below 256 has a shorter form.
        if data.len() < 256 {
            let at = attestation.len() - 3;
            attestation[at] = 0x58;
            attestation.remove(at + 1);
        }
        attestation.extend(data);
        Registration {
            client_data: client_data("create", party, challenge),
            attestation,
        }
    }

    /// As it is handed over when the key is used once more.
    pub fn sign(&mut self, party: &RelyingParty, challenge: &Challenge) -> Assertion {
        self.counter += 1;
        self.used(party, challenge)
    }

    /// As it is handed over, with the counter as it stands.
    ///
    /// # Panics
    /// The machine has no randomness.
    pub fn used(&self, party: &RelyingParty, challenge: &Challenge) -> Assertion {
        let client_data = client_data("get", party, challenge);
        let authenticator_data = self.data(party, self.flags);
        let signed = [&authenticator_data[..], &sha256(&client_data)].concat();
        let signature = self.pair.sign(&self.random, &signed).expect("signs");
        Assertion {
            id: Bytes(self.id.clone()),
            client_data: Bytes(client_data),
            authenticator_data: Bytes(authenticator_data),
            signature: Bytes(signature.as_ref().to_vec()),
        }
    }
}
