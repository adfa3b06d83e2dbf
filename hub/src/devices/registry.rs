//! Pure. Who may come in: the rules for certificates and one-time codes, each refusal one sentence.

use shared::{id::BoxName, time::Utc, wire::close};

use crate::db::boxes::{BoxRecord, CodeRecord};

/// Wrong tries a code bears before it is void.
pub const CODE_TRIES: u32 = 10;
/// How long a code may be used.
pub const CODE_LIFE_MS: i64 = 7 * 86_400_000;

/// Why a connection is closed: code of [`shared::wire::close`], and the sentence sent beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub code: u32,
    pub why: String,
}

/// Judges a client certificate by what the records say of its fingerprint.
pub fn admit(known: Option<&(BoxRecord, bool)>) -> Result<BoxName, Closed> {
    match known {
        None => Err(Closed {
            code: close::UNKNOWN_BOX,
            why: "this hub does not know this certificate; enrol the box again with a code from `beadle-hub box add`".into(),
        }),
        Some((b, _)) if b.state == "revoked" => Err(revoked(b.name.as_str(), b.revoked_why.as_deref())),
        Some((b, false)) => Err(Closed {
            code: close::REVOKED,
            why: format!("box {} has been enrolled again since with another key; this certificate no longer counts", b.name),
        }),
        Some((b, true)) => Ok(b.name.clone()),
    }
}

pub fn revoked(name: &str, why: Option<&str>) -> Closed {
    let why = why.filter(|w| !w.is_empty()).unwrap_or("no reason given");
    Closed {
        code: close::REVOKED,
        why: format!("box {name} is revoked at this hub: {why}"),
    }
}

/// Judges a one-time code. `offered` is the hash of the secret shown.
pub fn claim(code: Option<&CodeRecord>, offered: &str, now: Utc) -> Result<(), &'static str> {
    // One sentence for "no such box" and "wrong secret": the port gives away no names.
    const WRONG: &str = "this code is not one this hub gave out for this box; ask for a new one (`beadle-hub box add NAME`)";
    let code = code.ok_or(WRONG)?;
    if code.tries >= CODE_TRIES {
        return Err(
            "too many wrong tries with codes for this box; ask for a new one (`beadle-hub box add NAME`)",
        );
    }
    if !same(code.hash.as_bytes(), offered.as_bytes()) {
        return Err(WRONG);
    }
    if code.used {
        return Err("this code was used already; ask for a new one (`beadle-hub box add NAME`)");
    }
    if now > code.until {
        return Err("this code has expired; ask for a new one (`beadle-hub box add NAME`)");
    }
    Ok(())
}

/// Equal, in a time that does not depend on where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && std::hint::black_box(a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: &str) -> BoxRecord {
        BoxRecord {
            name: BoxName::parse("ashby").expect("name"),
            state: state.into(),
            fingerprint: None,
            revoked_why: Some("stolen".into()),
            last_seen: None,
            hello: None,
            health: None,
        }
    }

    /// Design §12: a revoked or unknown box is refused with a sentence.
    #[test]
    fn certificates() {
        assert_eq!(admit(None).expect_err("unknown").code, close::UNKNOWN_BOX);
        let e = admit(Some(&(record("revoked"), true))).expect_err("revoked");
        assert_eq!(e.code, close::REVOKED);
        assert!(e.why.contains("stolen"));
        assert_eq!(
            admit(Some(&(record("enrolled"), false)))
                .expect_err("old")
                .code,
            close::REVOKED
        );
        assert_eq!(
            admit(Some(&(record("enrolled"), true)))
                .expect("in")
                .as_str(),
            "ashby"
        );
    }

    #[test]
    fn codes_are_single_use_and_expire_and_bear_few_tries() {
        let now = Utc(1_000_000);
        let code = CodeRecord {
            hash: "aa".into(),
            until: now,
            used: false,
            tries: 0,
        };
        assert_eq!(claim(Some(&code), "aa", now), Ok(()));
        assert!(claim(None, "aa", now).is_err());
        assert!(claim(Some(&code), "ab", now).is_err());
        assert!(
            claim(Some(&code), "aa", now.plus_ms(1))
                .expect_err("late")
                .contains("expired")
        );
        assert!(
            claim(
                Some(&CodeRecord {
                    used: true,
                    ..code.clone()
                }),
                "aa",
                now
            )
            .expect_err("used")
            .contains("used")
        );
        assert!(
            claim(
                Some(&CodeRecord {
                    tries: CODE_TRIES,
                    ..code
                }),
                "aa",
                now
            )
            .expect_err("tries")
            .contains("too many")
        );
    }
}
