//! Pure. Certificates of authorities that stamp times: what of them a time stamp is judged by, and whether they lead to a root.

use super::{MOST_CERTIFICATES, signature};
use crate::der::{
    BIT_STRING, BOOLEAN, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, UTC_TIME,
};

const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

pub(super) struct Certificate<'a> {
    pub whole: &'a [u8],
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    pub serial: &'a [u8],
    pub spki: &'a [u8],
    /// First and last second, as 14 digits.
    from: String,
    until: String,
    extensions: &'a [u8],
    /// What its issuer signed, how, and the signature.
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub fn parse(whole: &'a [u8]) -> Option<Self> {
        let mut file = Reader::new(whole);
        let mut certificate = file.inside(SEQUENCE)?;
        file.end()?;
        let signed = certificate.whole(SEQUENCE)?;
        let algorithm = certificate.inside(SEQUENCE)?.take(OID)?;
        let [0, signature @ ..] = certificate.take(BIT_STRING)? else {
            return None;
        };
        certificate.end()?;
        let mut tbs = Reader::new(signed).inside(SEQUENCE)?;
        let _ = tbs.maybe(0xa0);
        let serial = tbs.take(INTEGER)?;
        tbs.take(SEQUENCE)?;
        let issuer = tbs.whole(SEQUENCE)?;
        let mut validity = tbs.inside(SEQUENCE)?;
        let (from, until) = (time(&mut validity)?, time(&mut validity)?);
        validity.end()?;
        let subject = tbs.whole(SEQUENCE)?;
        let spki = tbs.whole(SEQUENCE)?;
        let _ = (tbs.maybe(0x81), tbs.maybe(0x82));
        let extensions = match tbs.inside(0xa3) {
            Some(mut wrapped) => wrapped.take(SEQUENCE)?,
            None => &[],
        };
        tbs.end()?;
        Some(Self {
            whole,
            issuer,
            subject,
            serial,
            spki,
            from,
            until,
            extensions,
            signed,
            algorithm,
            signature,
        })
    }

    /// Whether an extension is critical, and its value.
    fn extension(&self, kind: &[u8]) -> Option<(bool, &'a [u8])> {
        let mut all = Reader::new(self.extensions);
        while !all.is_over() {
            let mut one = all.inside(SEQUENCE)?;
            let is = one.take(OID)? == kind;
            let critical = one.take(BOOLEAN).is_some_and(|b| b == [0xff]);
            let value = one.take(OCTET_STRING)?;
            one.end()?;
            if is {
                return Some((critical, value));
            }
        }
        None
    }

    /// It may stamp times, and nothing else (RFC 3161, 2.3).
    pub fn stamps_times(&self) -> bool {
        let only = |value| {
            let mut file = Reader::new(value);
            let mut uses = file.inside(SEQUENCE)?;
            let is = uses.take(OID)? == TIME_STAMPING;
            uses.end()?;
            Some(is)
        };
        self.extension(EXTENDED_KEY_USAGE)
            .is_some_and(|(critical, value)| critical && only(value) == Some(true))
    }

    /// It may vouch for others.
    fn is_authority(&self) -> bool {
        let said = self.extension(BASIC_CONSTRAINTS);
        let is = said.and_then(|(_, value)| Reader::new(value).inside(SEQUENCE)?.take(BOOLEAN));
        is.is_some_and(|b| b == [0xff])
    }

    fn is_signed_by(&self, issuer: &Certificate<'_>) -> bool {
        issuer.subject == self.issuer
            && signature::good(
                issuer.spki,
                self.algorithm,
                None,
                self.signed,
                self.signature,
            )
    }
}

/// Which of the roots vouches for it, by the certificates that are there, at a second that is given as 14 digits.
pub(super) fn leads(
    of: &Certificate<'_>,
    between: &[Certificate<'_>],
    roots: &[Certificate<'_>],
    at: &str,
    depth: usize,
) -> Option<usize> {
    if at < of.from.as_str() || of.until.as_str() < at {
        return None;
    }
    let root = roots
        .iter()
        .position(|root| root.whole == of.whole || of.is_signed_by(root));
    if root.is_some() || depth >= MOST_CERTIFICATES / 2 {
        return root;
    }
    between
        .iter()
        .filter(|c| c.whole != of.whole && c.is_authority() && of.is_signed_by(c))
        .find_map(|c| leads(c, between, roots, at, depth + 1))
}

/// A moment as 14 digits.
fn time(reader: &mut Reader<'_>) -> Option<String> {
    let (text, len) = match reader.take(UTC_TIME) {
        Some(text) => (text, 13),
        None => (reader.take(GENERALIZED_TIME)?, 15),
    };
    let digits = text.strip_suffix(b"Z")?;
    if text.len() != len || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some(match len {
        15 => digits.to_owned(),
        _ if digits < "5" => format!("20{digits}"),
        _ => format!("19{digits}"),
    })
}
