//! Pure. Who may come in: the rules for certificates and one-time codes, each refusal one sentence.

use shared::{
    certificate::Certificate,
    time::{Utc, Zone},
    wire::close,
};

use crate::{
    db::boxes::{BoxRecord, CodeRecord},
    link::BoxCertificate,
};

/// How long a code may be used.
pub const CODE_LIFE_MS: i64 = 7 * 86_400_000;

/// Why a connection is closed: code of [`shared::wire::close`], and the sentence sent beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    pub code: u32,
    pub why: String,
}

/// How far a box may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Wide,
    /// Its certificate is over: it may renew it, and nothing else.
    Narrow(CloseReason),
}

/// Judges a client certificate by what the records say of the box it names: the key counts, so any certificate for it does.
pub fn admit(
    known: Option<&BoxRecord>,
    shown: &BoxCertificate,
    now: Utc,
    zone: &Zone,
) -> Result<Admission, CloseReason> {
    match known {
        None => Err(CloseReason {
            code: close::UNKNOWN_BOX,
            why: "this hub does not know this certificate; enrol the box again with a code from `beadle-hub box add`".into(),
        }),
        Some(b) if b.state == "revoked" => Err(revoked(b.name.as_str(), b.revoked_why.as_deref())),
        Some(b) if b.state != "enrolled" || b.key.as_ref() != Some(&shown.key) => Err(CloseReason {
            code: close::REVOKED,
            why: format!("box {} is to be enrolled with a new code, or has been since with another key; this certificate no longer counts", b.name),
        }),
        Some(b) if now > shown.until => Ok(Admission::Narrow(CloseReason {
            code: close::EXPIRED,
            why: format!("the certificate of box {} was good until {}; it may renew it now, and nothing else before", b.name, shown.until.for_people(zone)),
        })),
        Some(_) => Ok(Admission::Wide),
    }
}

/// Whether a certificate (DER) that a box was given may be given to it again when it asks: less than half of its life is over, and it is
/// for this key.
pub fn is_fresh(der: &[u8], spki: &[u8], now: Utc) -> bool {
    Certificate::parse(der).is_some_and(|c| c.spki == spki && !c.is_due(now))
}

pub fn revoked(name: &str, why: Option<&str>) -> CloseReason {
    let why = why.filter(|w| !w.is_empty()).unwrap_or("no reason given");
    CloseReason {
        code: close::REVOKED,
        why: format!("box {name} is revoked at this hub: {why}"),
    }
}

/// What a good code gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    New,
    /// The same box, with the same key: the answer got lost on its way.
    Again,
}

/// Judges a one-time code. `offered` is the hash of the secret shown, `key` that of the key to be certified.
///
/// No count of wrong guesses: the secret has 64 random bits, so that whoever guesses gets nowhere in seven days, and whoever has the right
/// one is never kept out by them.
pub fn claim(
    code: Option<&CodeRecord>,
    offered: &str,
    key: &str,
    now: Utc,
) -> Result<Claim, BadClaim> {
    // The same work and the same answer for "no such box" and "wrong secret": the port gives away no names.
    let kept = code.map_or(NOBODY, |c| c.hash.as_str());
    if !same(kept.as_bytes(), offered.as_bytes()) {
        return Err(BadClaim::Guess);
    }
    let code = code.ok_or(BadClaim::Guess)?;
    if code.key.as_ref().is_some_and(|used| used != key) {
        return Err(BadClaim::Used);
    }
    if now > code.until {
        return Err(BadClaim::Late);
    }
    Ok(match code.key {
        Some(_) => Claim::Again,
        None => Claim::New,
    })
}

/// As long as a real hash, and none.
const NOBODY: &str = "----------------------------------------------------------------";

/// Why a code is refused. All but the first are told only to who has the right secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadClaim {
    #[error(
        "this code is not one this hub gave out for this box; ask for a new one (`beadle-hub box add NAME`)"
    )]
    Guess,
    #[error(
        "this code was used already, by a box with another key; ask for a new one (`beadle-hub box add NAME`), and find out who used it"
    )]
    Used,
    #[error("this code has expired; ask for a new one (`beadle-hub box add NAME`)")]
    Late,
}

/// Equal, in a time that does not depend on where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && std::hint::black_box(a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::id::BoxName;

    const NOW: Utc = Utc(1_000_000);

    fn record(state: &str) -> BoxRecord {
        BoxRecord {
            name: BoxName::parse("ashby").expect("name"),
            state: state.into(),
            key: Some("aa".into()),
            cert: None,
            revoked_why: Some("stolen".into()),
            last_seen: None,
            hello: None,
            health: None,
        }
    }

    fn shown(key: &str, until: Utc) -> BoxCertificate {
        BoxCertificate {
            name: BoxName::parse("ashby").expect("name"),
            key: key.into(),
            spki: Vec::new(),
            until,
        }
    }

    /// Design §12, V18: a revoked or unknown box is refused with a sentence, whatever its certificate's dates; one that is over may renew.
    #[test]
    fn certificates() {
        let judge = |record: Option<BoxRecord>, key, until| {
            admit(record.as_ref(), &shown(key, until), NOW, &Zone::utc())
        };
        for until in [NOW, Utc(0)] {
            let unknown = judge(None, "aa", until).expect_err("unknown");
            assert_eq!(unknown.code, close::UNKNOWN_BOX);
            let e = judge(Some(record("revoked")), "aa", until).expect_err("revoked");
            assert_eq!(e.code, close::REVOKED);
            assert!(e.why.contains("stolen"));
            for (state, key) in [("enrolled", "bb"), ("registered", "aa")] {
                let e = judge(Some(record(state)), key, until).expect_err("old");
                assert_eq!(e.code, close::REVOKED, "{state} {key}");
            }
        }
        assert_eq!(
            judge(Some(record("enrolled")), "aa", NOW),
            Ok(Admission::Wide)
        );
        match judge(Some(record("enrolled")), "aa", Utc(0)) {
            Ok(Admission::Narrow(c)) => {
                assert_eq!(c.code, close::EXPIRED);
                assert!(c.why.contains("may renew it"), "{}", c.why);
            }
            other => panic!("{other:?}"),
        }
    }

    /// V15: single use, but the same key may ask again; they expire; what is wrong with one is told to who has its secret alone.
    #[test]
    fn codes_are_single_use_and_expire() {
        let code = CodeRecord {
            hash: "a".repeat(64),
            until: NOW,
            key: None,
        };
        let good = code.hash.as_str();
        assert_eq!(claim(Some(&code), good, "k", NOW), Ok(Claim::New));
        let used = CodeRecord {
            key: Some("k".into()),
            ..code.clone()
        };
        assert_eq!(claim(Some(&used), good, "k", NOW), Ok(Claim::Again));
        assert_eq!(claim(Some(&used), good, "other", NOW), Err(BadClaim::Used));
        let later = NOW.plus_ms(1);
        assert_eq!(claim(Some(&code), good, "k", later), Err(BadClaim::Late));
        assert_eq!(claim(Some(&used), good, "k", later), Err(BadClaim::Late));
        for code in [None, Some(&code), Some(&used)] {
            for at in [NOW, later] {
                assert_eq!(claim(code, NOBODY, "k", at), Err(BadClaim::Guess));
                assert_eq!(claim(code, "ab", "k", at), Err(BadClaim::Guess));
            }
        }
    }
}
