//! Pure. The one-time code that lets a new box claim its name at the hub.
//!
//! ```text
//! BEADLE1-MRXXK… = "BEADLE1-" ‖ base32(payload ‖ check)        RFC 4648 alphabet, no padding; `-` every eight letters
//! payload = u8 length ‖ hub address (host:port) ‖ 32 bytes SHA-256 of the CA certificate (DER) ‖ u8 length ‖ box name ‖ 16 bytes secret
//! check   = first 4 bytes of SHA-256("beadle code v1\n" ‖ payload)
//! ```
//! Letters may be typed in either case; spaces, line ends and dashes are ignored. The check tells a typing mistake from
//! a code the hub does not know. The alphabet suits QR codes in alphanumeric mode.

use crate::{
    id::BoxName,
    record::{Digest, sha256},
};

const PREFIX: &str = "BEADLE1";
const CHECK: &[u8] = b"beadle code v1\n";
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What `beadle-hub box add` prints and `beadle-edge enrol` reads.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolCode {
    /// Where boxes dial, `host:port`.
    pub hub: String,
    /// SHA-256 of the hub's CA certificate (DER).
    pub ca: Digest,
    pub r#box: BoxName,
    pub secret: [u8; 16],
}

/// The secret is not shown: whoever has it can claim the box.
impl std::fmt::Debug for EnrolCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolCode")
            .field("hub", &self.hub)
            .field("box", &self.r#box)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    #[error("this is not an enrolment code: one begins with BEADLE1-")]
    NotOne,
    #[error(
        "the enrolment code has {0:?} in it, which no code has; copy it again, letter for letter"
    )]
    Letter(char),
    #[error("the enrolment code was mistyped or is cut short; copy it again, letter for letter")]
    Mistyped,
    #[error("the enrolment code was made by a newer hub; update this box first")]
    Newer,
}

impl EnrolCode {
    /// Text of the code. `None` when the hub's address is longer than 255 bytes.
    pub fn encode(&self) -> Option<String> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(u8::try_from(self.hub.len()).ok()?);
        bytes.extend_from_slice(self.hub.as_bytes());
        bytes.extend_from_slice(&self.ca);
        bytes.push(u8::try_from(self.r#box.as_str().len()).ok()?);
        bytes.extend_from_slice(self.r#box.as_str().as_bytes());
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&check(&bytes));
        let mut text = String::from(PREFIX);
        for (i, c) in base32(&bytes).chars().enumerate() {
            if i % 8 == 0 {
                text.push('-');
            }
            text.push(c);
        }
        Some(text)
    }

    pub fn parse(text: &str) -> Result<Self, BadCode> {
        let letters: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let Some(body) = letters.strip_prefix(PREFIX) else {
            let newer = letters
                .strip_prefix("BEADLE")
                .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
            return Err(if newer {
                BadCode::Newer
            } else {
                BadCode::NotOne
            });
        };
        let bytes = unbase32(body)?;
        let split = bytes.len().checked_sub(4).ok_or(BadCode::Mistyped)?;
        let (payload, sum) = bytes.split_at(split);
        if check(payload) != sum {
            return Err(BadCode::Mistyped);
        }
        // A code whose check holds but whose parts do not is none of ours; it reads as mistyped too.
        fields(payload).ok_or(BadCode::Mistyped)
    }

    /// The secret as it goes over the wire ([`crate::wire::Open::Enrol`]).
    pub fn secret_text(&self) -> String {
        base32(&self.secret)
    }
}

fn fields(payload: &[u8]) -> Option<EnrolCode> {
    let (hub, rest) = text(payload)?;
    let (ca, rest) = rest.split_first_chunk::<32>()?;
    let (name, rest) = text(rest)?;
    let secret: [u8; 16] = rest.try_into().ok()?;
    hub.rsplit_once(':')
        .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())?;
    Some(EnrolCode {
        hub: hub.into(),
        ca: *ca,
        r#box: BoxName::parse(name).ok()?,
        secret,
    })
}

fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*len))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

fn check(payload: &[u8]) -> [u8; 4] {
    let digest = sha256(&[CHECK, payload].concat());
    [digest[0], digest[1], digest[2], digest[3]]
}

fn base32(bytes: &[u8]) -> String {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    for b in bytes {
        bits = bits << 8 | u32::from(*b);
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        out.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
    }
    out
}

fn unbase32(text: &str) -> Result<Vec<u8>, BadCode> {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    for c in text.chars() {
        let value = match c {
            'A'..='Z' => c as u32 - 'A' as u32,
            '2'..='7' => c as u32 - '2' as u32 + 26,
            other => return Err(BadCode::Letter(other)),
        };
        bits = bits << 5 | value;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 255) as u8);
        }
        bits &= (1 << held) - 1;
    }
    // Left-over bits are zero in a code we made: anything else is a typing mistake.
    if bits != 0 || held >= 5 {
        Err(BadCode::Mistyped)
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> EnrolCode {
        EnrolCode {
            hub: "hub.example.gov.uk:4433".into(),
            ca: [7; 32],
            r#box: BoxName::parse("ashby-high-street").expect("name"),
            secret: [0xa5; 16],
        }
    }

    #[test]
    fn round_trip_in_any_case_and_spacing() {
        let text = sample().encode().expect("fits");
        assert!(text.starts_with("BEADLE1-"), "{text}");
        for form in [
            text.clone(),
            text.to_lowercase(),
            text.replace('-', " "),
            format!(" {}\n", text.replace('-', "")),
        ] {
            assert_eq!(EnrolCode::parse(&form), Ok(sample()), "{form}");
        }
        assert!(
            !format!("{:?}", sample()).contains("165"),
            "the secret is not printed"
        );
    }

    /// A typing mistake is told apart from a code the hub does not know.
    #[test]
    fn every_single_letter_mistake_is_seen() {
        let text = sample().encode().expect("fits");
        for i in 8..text.len() {
            if text.as_bytes()[i] == b'-' {
                continue;
            }
            let mut wrong = text.clone().into_bytes();
            wrong[i] = if wrong[i] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).expect("ascii");
            assert_eq!(EnrolCode::parse(&wrong), Err(BadCode::Mistyped), "{wrong}");
        }
        assert_eq!(
            EnrolCode::parse(&text[..text.len() - 3]),
            Err(BadCode::Mistyped)
        );
        assert_eq!(EnrolCode::parse("hello"), Err(BadCode::NotOne));
        assert_eq!(EnrolCode::parse("BEADLE2-AAAA"), Err(BadCode::Newer));
        assert_eq!(EnrolCode::parse("BEADLE1-AA0A"), Err(BadCode::Letter('0')));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(BEADLE1-)?[A-Z2-7-]{0,200}") {
            let _ = EnrolCode::parse(&text);
        }
        #[test]
        fn any_bytes_round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            prop_assert_eq!(unbase32(&base32(&bytes)), Ok(bytes));
        }
    }
}
