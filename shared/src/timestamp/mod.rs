//! Pure. Time stamps of outside authorities (RFC 3161): what is asked, and whether an answer is one over these bytes, by an authority whose
//! certificates lead to a root that somebody trusts. `docs/verify/verify.py` and `verify.html` judge the same bytes alike; the rules in words
//! are in `docs/verdicts.md`.
//!
//! ```text
//! TimeStampResp    SEQUENCE { status SEQUENCE { INTEGER 0 or 1, … }, ContentInfo }
//! ContentInfo      SEQUENCE { OID signedData, [0] SignedData }
//! SignedData       SEQUENCE { INTEGER, SET, SEQUENCE { OID tSTInfo, [0] OCTET STRING TSTInfo }, [0] certificates, [1] …, SET { SignerInfo } }
//! SignerInfo       SEQUENCE { INTEGER, SEQUENCE { issuer, serial }, SEQUENCE { OID hash }, [0] attributes, SEQUENCE { OID }, OCTET STRING, [1] … }
//! TSTInfo          SEQUENCE { INTEGER 1, OID, SEQUENCE { SEQUENCE { OID sha256 }, OCTET STRING }, serial, genTime, …, nonce }
//! ```
//! Not looked at: whether a certificate was revoked, policies, and what names a certificate may be for.

mod certificate;
mod signature;
#[cfg(test)]
mod tests;

use ring::digest;

use crate::{
    der::{self, BOOLEAN, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET},
    note::from_b64,
    record::{Digest, hex, sha256},
};
use certificate::{Certificate, leads};
use signature::Hash;

const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
/// Most bytes of an answer.
pub const MOST: usize = 65_536;
/// Most certificates of an answer, and most between the signer's and a root.
const MOST_CERTIFICATES: usize = 8;

/// What an authority is asked: a time stamp over the SHA-256 of something, with its certificates.
pub fn query(imprint: &Digest, nonce: u64) -> Vec<u8> {
    let algorithm = der::write(SEQUENCE, &[der::write(OID, SHA256), vec![5, 0]].concat());
    let imprint = [algorithm, der::write(OCTET_STRING, imprint)].concat();
    let parts = [
        der::write(INTEGER, &[1]),
        der::write(SEQUENCE, &imprint),
        der::write(INTEGER, &nonce_bytes(nonce)),
        der::write(BOOLEAN, &[0xff]),
    ];
    der::write(SEQUENCE, &parts.concat())
}

/// A number as DER has it.
fn nonce_bytes(nonce: u64) -> Vec<u8> {
    let bytes = nonce.to_be_bytes();
    let rest: Vec<u8> = bytes.into_iter().skip_while(|b| *b == 0).collect();
    match rest.first() {
        None => vec![0],
        Some(first) if first & 0x80 != 0 => [vec![0], rest].concat(),
        Some(_) => rest,
    }
}

/// A certificate that somebody trusts to say who stamps times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    der: Vec<u8>,
}

impl Root {
    /// None when it is no certificate.
    pub fn new(der: &[u8]) -> Option<Self> {
        Certificate::parse(der)?;
        Some(Self { der: der.to_vec() })
    }

    /// All certificates of a PEM file; None when there is none, or one that cannot be read.
    pub fn of_pem(text: &str) -> Option<Vec<Self>> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let mut roots = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(BEGIN) {
            let (body, after) = after.split_once(END)?;
            let body: String = body.split_ascii_whitespace().collect();
            roots.push(Self::new(&from_b64(&body)?)?);
            rest = after;
        }
        (!roots.is_empty()).then_some(roots)
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What it is called in reports: the first 16 digits of its SHA-256.
    pub fn name(&self) -> String {
        let mut name = hex(&sha256(&self.der));
        name.truncate(16);
        name
    }
}

/// What a time stamp says, once it is judged good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// As times of a log are written.
    pub time: String,
    /// Which of the roots its certificates lead to.
    pub root: usize,
    nonce: Option<Vec<u8>>,
}

impl Stamp {
    /// Whether it answers the query with that nonce.
    pub fn answers(&self, nonce: u64) -> bool {
        self.nonce.as_deref() == Some(&nonce_bytes(nonce)[..])
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    Good(Stamp),
    /// It names none of the roots as who vouches for it: it cannot be judged by these.
    Foreign,
    /// No time stamp, or not over this, or not signed by whom it names.
    Bad,
}

/// Judges an answer of an authority over what has this SHA-256.
pub fn judge(answer: &[u8], imprint: &Digest, roots: &[Root]) -> Judged {
    let Some(token) = Token::parse(answer) else {
        return Judged::Bad;
    };
    let trusted: Vec<Certificate<'_>> = roots
        .iter()
        .filter_map(|root| Certificate::parse(&root.der))
        .collect();
    let named = token.certificates.iter().any(|c| {
        trusted
            .iter()
            .any(|root| root.subject == c.issuer || root.whole == c.whole)
    });
    if !named {
        return Judged::Foreign;
    }
    match token.good(imprint, &trusted) {
        Some(stamp) => Judged::Good(stamp),
        None => Judged::Bad,
    }
}

/// The parts of an answer.
struct Token<'a> {
    info: &'a [u8],
    certificates: Vec<Certificate<'a>>,
    issuer: &'a [u8],
    serial: &'a [u8],
    hash: &'a [u8],
    /// The signed attributes, without their head.
    attributes: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

fn algorithm<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    reader.inside(SEQUENCE)?.take(OID)
}

impl<'a> Token<'a> {
    fn parse(answer: &'a [u8]) -> Option<Self> {
        if answer.len() > MOST {
            return None;
        }
        let mut file = Reader::new(answer);
        let mut response = file.inside(SEQUENCE)?;
        file.end()?;
        let status = response.inside(SEQUENCE)?.take(INTEGER)?;
        if !matches!(status, [0] | [1]) {
            return None;
        }
        let mut content = response.inside(SEQUENCE)?;
        response.end()?;
        if content.take(OID)? != SIGNED_DATA {
            return None;
        }
        let mut wrapped = content.inside(0xa0)?;
        content.end()?;
        let mut data = wrapped.inside(SEQUENCE)?;
        wrapped.end()?;
        data.take(INTEGER)?;
        data.take(SET)?;
        let mut inner = data.inside(SEQUENCE)?;
        if inner.take(OID)? != TST_INFO {
            return None;
        }
        let mut wrapped = inner.inside(0xa0)?;
        inner.end()?;
        let info = wrapped.take(OCTET_STRING)?;
        wrapped.end()?;
        let mut certificates = Vec::new();
        let mut set = Reader::new(data.take(0xa0).unwrap_or_default());
        while !set.is_over() {
            certificates.push(Certificate::parse(set.any()?.whole)?);
        }
        if certificates.len() > MOST_CERTIFICATES {
            return None;
        }
        let _ = data.maybe(0xa1);
        let mut signers = data.inside(SET)?;
        data.end()?;
        let mut signer = signers.inside(SEQUENCE)?;
        signers.end()?;
        signer.take(INTEGER)?;
        let mut who = signer.inside(SEQUENCE)?;
        let (issuer, serial) = (who.whole(SEQUENCE)?, who.take(INTEGER)?);
        who.end()?;
        let hash = algorithm(&mut signer)?;
        let attributes = signer.take(0xa0)?;
        let algorithm = algorithm(&mut signer)?;
        let signature = signer.take(OCTET_STRING)?;
        let _ = signer.maybe(0xa1);
        signer.end()?;
        Some(Self {
            info,
            certificates,
            issuer,
            serial,
            hash,
            attributes,
            algorithm,
            signature,
        })
    }

    fn good(&self, imprint: &Digest, roots: &[Certificate<'_>]) -> Option<Stamp> {
        let info = Info::parse(self.info)?;
        let hash = Hash::of(self.hash)?;
        if info.imprint != imprint
            || self.attribute(CONTENT_TYPE)? != der::write(OID, TST_INFO)
            || self.attribute(MESSAGE_DIGEST)? != der::write(OCTET_STRING, &hash.digest(self.info))
        {
            return None;
        }
        let signer = self
            .certificates
            .iter()
            .find(|c| c.issuer == self.issuer && c.serial == self.serial)?;
        let signed = der::write(SET, self.attributes);
        if !self.names(signer)?
            || !signer.stamps_times()
            || !signature::good(
                signer.spki,
                self.algorithm,
                Some(hash),
                &signed,
                self.signature,
            )
        {
            return None;
        }
        let seconds = info.time.get(..14)?;
        let root = leads(signer, &self.certificates, roots, seconds, 0)?;
        Some(Stamp {
            time: info.shown()?,
            root,
            nonce: info.nonce.map(<[u8]>::to_vec),
        })
    }

    /// What the one attribute of this type holds.
    fn attribute(&self, kind: &[u8]) -> Option<&'a [u8]> {
        let mut found = None;
        let mut all = Reader::new(self.attributes);
        while !all.is_over() {
            let mut one = all.inside(SEQUENCE)?;
            let is = one.take(OID)? == kind;
            let value = one.take(SET)?;
            one.end()?;
            if is && found.replace(value).is_some() {
                return None;
            }
        }
        found
    }

    /// Whether the signed attributes name that certificate as the signer's.
    fn names(&self, signer: &Certificate<'_>) -> Option<bool> {
        let second = self.attribute(SIGNING_CERTIFICATE_V2);
        let value = second.or_else(|| self.attribute(SIGNING_CERTIFICATE))?;
        let mut first = Reader::new(value)
            .inside(SEQUENCE)?
            .inside(SEQUENCE)?
            .inside(SEQUENCE)?;
        let is = match second {
            None => {
                let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
                digest::digest(sha1, signer.whole).as_ref() == first.take(OCTET_STRING)?
            }
            Some(_) => {
                let hash = match first.inside(SEQUENCE) {
                    Some(mut algorithm) => Hash::of(algorithm.take(OID)?)?,
                    None => Hash::Sha256,
                };
                hash.digest(signer.whole) == first.take(OCTET_STRING)?
            }
        };
        Some(is)
    }
}

/// What was stamped, and when.
struct Info<'a> {
    imprint: &'a [u8],
    /// Digits, and a fraction of a second after a dot.
    time: &'a str,
    nonce: Option<&'a [u8]>,
}

impl<'a> Info<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut file = Reader::new(bytes);
        let mut info = file.inside(SEQUENCE)?;
        file.end()?;
        if info.take(INTEGER)? != [1] {
            return None;
        }
        info.take(OID)?;
        let mut stamped = info.inside(SEQUENCE)?;
        if algorithm(&mut stamped)? != SHA256 {
            return None;
        }
        let imprint = stamped.take(OCTET_STRING)?;
        stamped.end()?;
        info.take(INTEGER)?;
        let time = std::str::from_utf8(info.take(GENERALIZED_TIME)?).ok()?;
        let time = time.strip_suffix('Z')?;
        let (seconds, fraction) = match time.split_once('.') {
            Some((seconds, fraction)) => (seconds, fraction),
            None => (time, "0"),
        };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if seconds.len() != 14
            || !digits(seconds)
            || !(1..=9).contains(&fraction.len())
            || !digits(fraction)
        {
            return None;
        }
        // How exact it is, and whether stamps are in order, are between the two.
        let _ = (info.maybe(SEQUENCE), info.maybe(BOOLEAN));
        let nonce = info.take(INTEGER);
        let _ = (info.maybe(0xa0), info.maybe(0xa1));
        info.end()?;
        Some(Self {
            imprint,
            time,
            nonce,
        })
    }

    /// As times of a log are written.
    fn shown(&self) -> Option<String> {
        let t = self.time;
        let fraction = t.get(15..).unwrap_or_default();
        let part = |from: usize, to: usize| t.get(from..to);
        Some(format!(
            "{}-{}-{}T{}:{}:{}.{:0<3}Z",
            part(0, 4)?,
            part(4, 6)?,
            part(6, 8)?,
            part(8, 10)?,
            part(10, 12)?,
            part(12, 14)?,
            fraction.get(..3).unwrap_or(fraction)
        ))
    }
}
