//! Pure. What box and hub read of a certificate themselves (X.509, DER): whose it is, its key, from when until when it is good, and when
//! another one is due. Whether it is genuine is for rustls to judge.

use crate::{der::Reader, time::Utc};

/// The parts of a certificate that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// The common name of its subject; None when there is none in ASCII or UTF-8.
    pub name: Option<&'a str>,
    pub from: Utc,
    pub until: Utc,
    /// SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
    /// Content of its name constraints, DER, where it has some.
    pub constraints: Option<&'a [u8]>,
}

/// id-at-commonName, id-ce-nameConstraints.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];

impl<'a> Certificate<'a> {
    /// None when the bytes are not a certificate.
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let (certificate, _) = element(der, 0x30)?;
        let (mut tbs, _) = element(certificate, 0x30)?;
        // version (optional), serial, signature algorithm, issuer; then what is wanted
        if let Some((_, rest)) = element(tbs, 0xa0) {
            tbs = rest;
        }
        for tag in [0x02, 0x30, 0x30] {
            tbs = element(tbs, tag)?.1;
        }
        let (validity, tbs) = element(tbs, 0x30)?;
        let (from, rest) = time(validity)?;
        let (until, _) = time(rest)?;
        let (subject, tbs) = element(tbs, 0x30)?;
        let (_, after) = element(tbs, 0x30)?;
        let spki = &tbs[..tbs.len() - after.len()];
        Some(Self {
            name: common_name(subject),
            from,
            until,
            spki,
            constraints: constraints(after),
        })
    }

    /// Whether another one is to be asked for: half of its life is over. Or it has not begun, which is so where a clock was ahead when it
    /// was made.
    pub fn is_due(&self, now: Utc) -> bool {
        now < self.from || now.0 >= self.from.0 + (self.until.0 - self.from.0) / 2
    }

    pub fn is_over(&self, now: Utc) -> bool {
        now > self.until
    }
}

fn common_name(subject: &[u8]) -> Option<&str> {
    let mut rest = subject;
    while let Some((set, after)) = element(rest, 0x31) {
        rest = after;
        let (pair, _) = element(set, 0x30)?;
        let (kind, value) = element(pair, 0x06)?;
        if kind == COMMON_NAME {
            // UTF8String or PrintableString
            let (text, _) = element(value, 0x0c).or_else(|| element(value, 0x13))?;
            return std::str::from_utf8(text).ok();
        }
    }
    None
}

fn constraints(after_key: &[u8]) -> Option<&[u8]> {
    let mut rest = after_key;
    // Two optional ids of issuer and subject, which nobody writes.
    for tag in [0x81, 0x82] {
        if let Some((_, after)) = element(rest, tag) {
            rest = after;
        }
    }
    let (extensions, _) = element(rest, 0xa3)?;
    let (mut rest, _) = element(extensions, 0x30)?;
    while let Some((extension, after)) = element(rest, 0x30) {
        rest = after;
        let (kind, mut value) = element(extension, 0x06)?;
        if let Some((_, after)) = element(value, 0x01) {
            value = after;
        }
        if kind == NAME_CONSTRAINTS {
            return element(value, 0x04).map(|(content, _)| content);
        }
    }
    None
}

/// The content of the element at the front if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let element = Reader::new(bytes).maybe(tag)?;
    Some((element.content, bytes.get(element.whole.len()..)?))
}

/// UTCTime (`YYMMDDhhmmssZ`, 1950 to 2049) or GeneralizedTime (`YYYYMMDDhhmmssZ`).
fn time(bytes: &[u8]) -> Option<(Utc, &[u8])> {
    let (text, rest, century) = match element(bytes, 0x17) {
        Some((text, rest)) => (text, rest, if text.first()? < &b'5' { "20" } else { "19" }),
        None => {
            let (text, rest) = element(bytes, 0x18)?;
            (text, rest, "")
        }
    };
    let t = format!("{century}{}", std::str::from_utf8(text).ok()?);
    if t.len() != 15 || !t.is_ascii() {
        return None;
    }
    let t = format!(
        "{}-{}-{}T{}:{}:{}.000Z",
        &t[0..4],
        &t[4..6],
        &t[6..8],
        &t[8..10],
        &t[10..12],
        &t[12..14]
    );
    Some((Utc::parse(&t).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_authority_wrote_it() {
        let key = rcgen::KeyPair::generate().expect("key");
        for (year, wanted) in [
            (2028, "2028-03-04T00:00:00.000Z"),
            (2049, "2049-03-04T00:00:00.000Z"),
            (2051, "2051-03-04T00:00:00.000Z"),
        ] {
            let mut params = rcgen::CertificateParams::new(vec!["box".into()]).expect("params");
            params.distinguished_name = rcgen::DistinguishedName::new();
            params
                .distinguished_name
                .push(rcgen::DnType::OrganizationName, "A town");
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, "ashby");
            params.not_before = rcgen::date_time_ymd(2024, 3, 4);
            params.not_after = rcgen::date_time_ymd(year, 3, 4);
            let bare = params.self_signed(&key).expect("certificate");
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
            params.name_constraints = Some(rcgen::NameConstraints {
                permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("box".into())],
                excluded_subtrees: Vec::new(),
            });
            let made = params.self_signed(&key).expect("certificate");
            let read = Certificate::parse(made.der()).expect("read");
            assert_eq!(read.name, Some("ashby"));
            assert_eq!(read.from.to_string(), "2024-03-04T00:00:00.000Z");
            assert_eq!(read.until.to_string(), wanted);
            assert_eq!(
                read.spki,
                rcgen::PublicKeyData::subject_public_key_info(&key)
            );
            // SEQUENCE { [0] { SEQUENCE { [2] "box" } } }
            assert_eq!(
                read.constraints,
                Some(b"\x30\x09\xa0\x07\x30\x05\x82\x03box".as_slice())
            );
            let plain = Certificate::parse(bare.der()).expect("read");
            assert_eq!((plain.constraints, plain.until), (None, read.until));
            for cut in 0..made.der().len() {
                let _ = Certificate::parse(&made.der()[..cut]);
            }
        }
        assert_eq!(Certificate::parse(b"\x30\x03abc"), None);
    }

    #[test]
    fn due_from_half_of_its_life_on() {
        let c = Certificate {
            name: None,
            from: Utc(1_000),
            until: Utc(3_000),
            spki: &[],
            constraints: None,
        };
        let at = |t| (c.is_due(Utc(t)), c.is_over(Utc(t)));
        assert_eq!(at(999), (true, false));
        assert_eq!(at(1_000), (false, false));
        assert_eq!(at(1_999), (false, false));
        assert_eq!(at(2_000), (true, false));
        assert_eq!(at(3_000), (true, false));
        assert_eq!(at(3_001), (true, true));
    }
}
