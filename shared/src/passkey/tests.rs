//! Pure. Passkeys as a real browser made and used them (`chromium.json`), each byte of them changed, and the rules one by one.

use serde_json::{Value, json};

use super::*;
use crate::testing::SoftKey;

struct Fixtures(Value);

impl Fixtures {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("chromium.json")).expect("JSON"))
    }

    fn party(&self) -> RelyingParty {
        RelyingParty::deserialize(&self.0["rp"]).expect("a party")
    }

    fn challenge(entry: &Value) -> Challenge {
        let bytes = Bytes::deserialize(&entry["challenge"]).expect("a challenge");
        bytes.0.try_into().expect("32 bytes")
    }

    fn registration(&self, name: &str) -> (Challenge, Registration) {
        let entry = &self.0["registrations"][name];
        let json = entry["credential"].to_string();
        let read = Registration::from_browser(json.as_bytes());
        (Self::challenge(entry), read.expect("readable"))
    }

    fn assertion(&self, name: &str) -> (Challenge, Assertion) {
        let entry = &self.0["assertions"][name];
        let json = entry["credential"].to_string();
        let read = Assertion::from_browser(json.as_bytes());
        (Self::challenge(entry), read.expect("readable"))
    }

    fn registered(&self, name: &str) -> Result<Passkey, PasskeyError> {
        let (challenge, made) = self.registration(name);
        register(&self.party(), &challenge, &made)
    }

    fn used(&self, key: &Passkey, name: &str) -> Result<u32, PasskeyError> {
        let (challenge, used) = self.assertion(name);
        key.verify(&self.party(), &challenge, &used)
    }
}

/// ROL-2, ROL-5: what a browser really hands over is taken, and what it hands over where a rule is broken is refused by that rule's name.
#[test]
fn a_real_browser() {
    let all = Fixtures::read();
    let mut anna = all.registered("anna").expect("registered");
    assert_eq!(
        (anna.counter, anna.eligible, anna.id.0.len()),
        (1, false, 32)
    );
    anna.counter = all.used(&anna, "anna 1").expect("used");
    anna.counter = all.used(&anna, "anna 2").expect("used again");
    assert_eq!(anna.counter, 3);
    let counted = PasskeyError::Counter { before: 3, now: 3 };
    assert_eq!(all.used(&anna, "anna 2"), Err(counted), "the same again");
    assert_eq!(all.used(&anna, "in a frame"), Err(PasskeyError::Frame));
    assert_eq!(all.used(&anna, "other origin"), Err(PasskeyError::Origin));
    assert_eq!(all.used(&anna, "ben 1"), Err(PasskeyError::Other));
    // A key whose copies its maker's cloud has; its browser added a field to what it signed.
    let ben = all.registered("ben").expect("registered");
    assert!(ben.eligible);
    let (_, with_more) = all.assertion("ben 1");
    assert!(
        String::from_utf8_lossy(&with_more.client_data.0).contains("other_keys_can_be_added_here")
    );
    assert_eq!(all.used(&ben, "ben 1"), Ok(2));
    // Touched by whoever stood there.
    assert_eq!(all.registered("touch only"), Err(PasskeyError::Unverified));
    let (challenge, used) = all.assertion("touch only");
    let touched = Passkey {
        id: used.id.clone(),
        ..ben
    };
    let verdict = touched.verify(&all.party(), &challenge, &used);
    assert_eq!(verdict, Err(PasskeyError::Unverified));
    // A statement of the maker's is read past; RSA and Ed25519 are not taken.
    all.registered("attested").expect("registered");
    for other in ["alg -257", "alg -8"] {
        let verdict = all.registered(other);
        assert!(
            matches!(verdict, Err(PasskeyError::Algorithm | PasskeyError::Key)),
            "{other}: {verdict:?}"
        );
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out[bit / 8] ^= 1 << (bit % 8);
    out
}

/// ROL-5: of what was signed no bit can be changed, no byte left out and none added.
#[test]
fn every_mutant_of_a_use_is_refused() {
    let all = Fixtures::read();
    let party = all.party();
    let anna = all.registered("anna").expect("registered");
    let (challenge, used) = all.assertion("anna 1");
    let good = |a: &Assertion| anna.verify(&party, &challenge, a).is_ok();
    assert!(good(&used));
    let parts: [fn(&mut Assertion) -> &mut Vec<u8>; 4] = [
        |a| &mut a.id.0,
        |a| &mut a.client_data.0,
        |a| &mut a.authenticator_data.0,
        |a| &mut a.signature.0,
    ];
    for (n, part) in parts.iter().enumerate() {
        let whole = part(&mut used.clone()).clone();
        let try_with = |bytes: Vec<u8>, what: &str| {
            let mut changed = used.clone();
            *part(&mut changed) = bytes;
            assert!(!good(&changed), "part {n}: {what}");
        };
        for bit in 0..whole.len() * 8 {
            try_with(flipped(&whole, bit), &format!("bit {bit}"));
        }
        for end in 0..whole.len() {
            try_with(whole[..end].to_vec(), &format!("cut at {end}"));
        }
        for more in [0, b' ', b'}', 0xff] {
            try_with([&whole[..], &[more]].concat(), "a byte more");
        }
    }
    for bit in 0..256 {
        let other: Challenge = flipped(&challenge, bit).try_into().expect("32");
        let verdict = anna.verify(&party, &other, &used);
        assert_eq!(verdict, Err(PasskeyError::Challenge));
    }
    let mut other = anna.clone();
    other.key = all.registered("ben").expect("registered").key;
    let verdict = other.verify(&party, &challenge, &used);
    assert_eq!(verdict, Err(PasskeyError::Signature));
    for (id, origin) in [
        ("localhost", "http://localhost:18088"),
        ("localhost", "http://localhost"),
        ("localhost", "https://localhost:18087"),
    ] {
        let party = RelyingParty::new(id, origin).expect("a party");
        let verdict = anna.verify(&party, &challenge, &used);
        assert_eq!(verdict, Err(PasskeyError::Origin));
    }
}

/// What is made is not signed: a mutant is refused, or is another key, which signs nothing of this person's.
#[test]
fn every_mutant_of_a_making_is_refused_or_another_key() {
    let all = Fixtures::read();
    let party = all.party();
    let (challenge, made) = all.registration("anna");
    let anna = all.registered("anna").expect("registered");
    let data = made.attestation.len() - 164;
    // Maker's number, id, x, y and the counter may be any.
    let free = |byte: usize| {
        let at = byte.wrapping_sub(data);
        matches!(at, 33..=52 | 55..=86 | 97..=128 | 132..=163)
    };
    for bit in 0..made.attestation.len() * 8 {
        let changed = Registration {
            attestation: flipped(&made.attestation, bit),
            ..made.clone()
        };
        let verdict = register(&party, &challenge, &changed);
        let byte = bit / 8;
        // BE alone is a true statement of another authenticator.
        let eligible = byte == data + 32 && bit % 8 == 3;
        match free(byte) || eligible {
            true => {
                let maker = matches!(byte - data, 37..=52);
                let key = verdict.expect("readable");
                assert_eq!(key == anna, maker, "bit {bit}");
            }
            false => assert!(verdict.is_err(), "bit {bit} (byte {byte})"),
        }
    }
    for end in 0..made.attestation.len() {
        let changed = Registration {
            attestation: made.attestation[..end].to_vec(),
            ..made.clone()
        };
        assert!(
            register(&party, &challenge, &changed).is_err(),
            "cut at {end}"
        );
    }
    let text = String::from_utf8(made.client_data.clone()).expect("text");
    let cross = text.find("\"crossOrigin\"").expect("said");
    for bit in 0..text.len() * 8 {
        let changed = Registration {
            client_data: flipped(&made.client_data, bit),
            ..made.clone()
        };
        let verdict = register(&party, &challenge, &changed);
        // A field of another name is a field that browsers may add.
        if !(cross + 1..cross + 12).contains(&(bit / 8)) {
            assert!(verdict.is_err(), "bit {bit}");
        }
    }
}

/// Each rule by its own name.
#[test]
fn rules() {
    let party =
        RelyingParty::new("hub.example.gov.uk", "https://hub.example.gov.uk:8443").expect("party");
    let challenge = [7; 32];
    let mut soft = SoftKey::new("a key");
    let made = soft.register(&party, &challenge);
    let key = register(&party, &challenge, &made).expect("registered");
    let with = |text: &str| Registration {
        client_data: text
            .replace("CHALLENGE", &URL_SAFE_NO_PAD.encode(challenge))
            .into_bytes(),
        ..made.clone()
    };
    let o = "https://hub.example.gov.uk:8443";
    for (text, why) in [
        (format!(r#"{{"type":"webauthn.get","challenge":"CHALLENGE","origin":"{o}"}}"#), PasskeyError::Purpose),
        (format!(r#"{{"type":"webauthn.create","challenge":"CHALLENGE=","origin":"{o}"}}"#), PasskeyError::Challenge),
        (format!(r#"{{"type":"webauthn.create","challenge":"","origin":"{o}"}}"#), PasskeyError::Challenge),
        (format!(r#"{{"type":"webauthn.create","challenge":"CHALLENGE","origin":"{o}/"}}"#), PasskeyError::Origin),
        (r#"{"type":"webauthn.create","challenge":"CHALLENGE","origin":"https://hub.example.gov.uk"}"#.into(), PasskeyError::Origin),
        (r#"{"type":"webauthn.create","challenge":"CHALLENGE","origin":"https://hub.example.gov.uk:8443.evil.example"}"#.into(), PasskeyError::Origin),
        (format!(r#"{{"type":"webauthn.create","challenge":"CHALLENGE","origin":"{o}","crossOrigin":true}}"#), PasskeyError::Frame),
        (format!(r#"{{"type":"webauthn.create","challenge":"CHALLENGE","origin":"{o}","crossOrigin":"no"}}"#), PasskeyError::Unreadable),
        (format!(r#"{{"type":"webauthn.create","challenge":"CHALLENGE","origin":"{o}","topOrigin":"https://evil.example"}}"#), PasskeyError::Frame),
        (format!(r#"{{"type":"webauthn.create","type":"webauthn.create","challenge":"CHALLENGE","origin":"{o}"}}"#), PasskeyError::Unreadable),
        (format!(r#"{{"challenge":"CHALLENGE","origin":"{o}"}}"#), PasskeyError::Unreadable),
        ("[]".into(), PasskeyError::Unreadable),
        (String::new(), PasskeyError::Unreadable),
    ] {
        assert_eq!(register(&party, &challenge, &with(&text)), Err(why), "{text}");
    }
    let good = with(&format!(
        r#"{{"type":"webauthn.create","challenge":"CHALLENGE","origin":"{o}"}}"#
    ));
    register(&party, &challenge, &good).expect("no word of frames is as good");
    let large = Registration {
        attestation: vec![0; LARGEST + 1],
        ..made.clone()
    };
    assert_eq!(
        register(&party, &challenge, &large),
        Err(PasskeyError::Large)
    );

    for (flags, why) in [
        (0x04, PasskeyError::Absent),
        (0x01, PasskeyError::Unverified),
        (
            0x07,
            PasskeyError::Data("it has flags that have no meaning yet"),
        ),
        (
            0x25,
            PasskeyError::Data("it has flags that have no meaning yet"),
        ),
        (
            0x15,
            PasskeyError::Data("it says that the key was copied and that it cannot be"),
        ),
        (0x0d, PasskeyError::Eligible),
        (0x45, PasskeyError::Data("it is too short")),
        (0x85, PasskeyError::Cbor(CborError::Short)),
    ] {
        soft.flags = flags;
        let used = soft.sign(&party, &challenge);
        assert_eq!(key.verify(&party, &challenge, &used), Err(why), "{flags:x}");
    }
    soft.flags = 0x05;
    let other = RelyingParty::new("example.gov.uk", o).expect("party");
    let used = soft.sign(&other, &challenge);
    assert_eq!(
        key.verify(&party, &challenge, &used),
        Err(PasskeyError::Party)
    );
    assert!(key.verify(&other, &challenge, &used).is_ok());
}

/// A counter goes up, or stays at nought where nobody counts.
#[test]
fn counters() {
    let party = RelyingParty::new("hub.example", "https://hub.example").expect("party");
    let challenge = [9; 32];
    let mut soft = SoftKey::new("k");
    let key = register(&party, &challenge, &soft.register(&party, &challenge)).expect("key");
    for (before, now, good) in [
        (0, 0, true),
        (0, 1, true),
        (1, 0, false),
        (5, 5, false),
        (5, 4, false),
        (5, 6, true),
        (5, u32::MAX, true),
        (u32::MAX, u32::MAX, false),
    ] {
        let key = Passkey {
            counter: before,
            ..key.clone()
        };
        soft.counter = now;
        let used = soft.used(&party, &challenge);
        let verdict = key.verify(&party, &challenge, &used);
        let want = match good {
            true => Ok(now),
            false => Err(PasskeyError::Counter { before, now }),
        };
        assert_eq!(verdict, want);
    }
}

#[test]
fn parties() {
    for (id, origin, good) in [
        ("hub.example", "https://hub.example", true),
        ("hub.example", "https://hub.example:8443", true),
        ("example.gov.uk", "https://hub.example.gov.uk", true),
        ("localhost", "http://localhost:8080", true),
        ("hub.example", "http://hub.example", false),
        ("hub.example", "https://hub.example/", false),
        ("hub.example", "https://Hub.example", false),
        ("hub.example", "https://evilhub.example", false),
        ("hub.example", "https://hub.example.evil.org", false),
        ("hub.example", "https://hub.example:0", false),
        ("hub.example", "https://hub.example:08", false),
        ("hub.example", "https://hub.example:99999", false),
        ("hub.example", "https://user@hub.example", false),
        ("", "https://hub.example", false),
        (".example", "https://hub.example", false),
        ("hub.example", "", false),
    ] {
        assert_eq!(RelyingParty::new(id, origin).is_ok(), good, "{id} {origin}");
    }
    let text = json!({"id": "evil.org", "origin": "https://hub.example"});
    assert!(RelyingParty::deserialize(&text).is_err());
}

#[test]
fn what_is_no_credential() {
    for text in [
        "",
        "null",
        "{}",
        r#"{"id":"AA","type":"password","response":{"clientDataJSON":"AA","attestationObject":"AA","authenticatorData":"AA","signature":"AA"}}"#,
        r#"{"id":"AA==","type":"public-key","response":{"clientDataJSON":"AA","attestationObject":"AA","authenticatorData":"AA","signature":"AA"}}"#,
        r#"{"id":"AB","type":"public-key","response":{"clientDataJSON":"AA","attestationObject":"AA","authenticatorData":"AA","signature":"AA"}}"#,
        r#"{"id":"AA","type":"public-key","response":{}}"#,
    ] {
        let refused = Err(PasskeyError::Unreadable);
        assert_eq!(
            Registration::from_browser(text.as_bytes()).map(drop),
            refused,
            "{text}"
        );
        assert_eq!(
            Assertion::from_browser(text.as_bytes()).map(drop),
            refused,
            "{text}"
        );
    }
    let long = vec![b' '; 4 * LARGEST + 1];
    assert_eq!(Assertion::from_browser(&long), Err(PasskeyError::Large));
}
