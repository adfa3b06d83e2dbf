//! Pure. What an authenticator says, to the byte (WebAuthn level 3, 6.1 and 6.5): its data, the credential in it, the attestation around it.
//!
//! ```text
//! data        rpIdHash 32 · flags 1 · signCount 4, most significant first · [credential, with flag AT] · [a CBOR map, with flag ED]
//! credential  AAGUID 16 · length 2 · id · COSE key
//! flags       01 UP a person was there · 04 UV it was the person · 08 BE the key may be copied · 10 BS it was · 40 AT · 80 ED
//! COSE key    a CBOR map of five: 1: 2 (EC2) · 3: -7 (ES256) · -1: 1 (P-256) · -2: x 32 · -3: y 32
//! attestation a CBOR map of three: "fmt": text · "attStmt": map · "authData": bytes
//! ```

use super::{
    PasskeyError,
    cbor::{CborError, Item, Reader},
};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;
const KNOWN: u8 = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP | CREDENTIAL | EXTENSIONS;

/// Bytes of a credential's id, at most (WebAuthn 5.8.3).
const LONGEST_ID: usize = 1023;

/// Formats of statements (WebAuthn 8) other than `none`. None of them is empty.
const FORMATS: [&str; 6] = [
    "packed",
    "tpm",
    "android-key",
    "android-safetynet",
    "fido-u2f",
    "apple",
];

/// An authenticator's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// SHA-256 of the relying party's id.
    pub party: &'a [u8],
    pub present: bool,
    pub verified: bool,
    /// Whether the key may be copied to other devices of the person's.
    pub eligible: bool,
    pub counter: u32,
    pub credential: Option<Credential<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    pub id: &'a [u8],
    /// Uncompressed point of P-256: 04 · x · y.
    pub key: [u8; 65],
}

impl<'a> Data<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        let short = PasskeyError::Data("it is too short");
        let (party, rest) = bytes.split_at_checked(32).ok_or(short)?;
        let (flags, rest) = rest.split_first().ok_or(short)?;
        let (counter, mut rest) = rest.split_first_chunk::<4>().ok_or(short)?;
        let has = |flag: u8| flags & flag != 0;
        if has(!KNOWN) {
            return Err(PasskeyError::Data("it has flags that have no meaning yet"));
        }
        if has(BACKED_UP) && !has(ELIGIBLE) {
            return Err(PasskeyError::Data(
                "it says that the key was copied and that it cannot be",
            ));
        }
        let credential = match has(CREDENTIAL) {
            true => Some(Credential::parse(&mut rest)?),
            false => None,
        };
        let mut reader = Reader::new(rest);
        if has(EXTENSIONS) {
            let mut first = Reader::new(rest);
            if !matches!(first.item()?, Item::Map(_)) {
                return Err(PasskeyError::Data("its extensions are not a map"));
            }
            reader.skip()?;
        }
        reader.end()?;
        Ok(Self {
            party,
            present: has(PRESENT),
            verified: has(VERIFIED),
            eligible: has(ELIGIBLE),
            counter: u32::from_be_bytes(*counter),
            credential,
        })
    }
}

impl<'a> Credential<'a> {
    /// Reads it and leaves what is behind it.
    fn parse(bytes: &mut &'a [u8]) -> Result<Self, PasskeyError> {
        let short = PasskeyError::Data("it is too short");
        let (_aaguid, rest) = bytes.split_at_checked(16).ok_or(short)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !(1..=LONGEST_ID).contains(&length) {
            return Err(PasskeyError::Data(
                "the length of its key's id is not 1 to 1023",
            ));
        }
        let (id, rest) = rest.split_at_checked(length).ok_or(short)?;
        let mut reader = Reader::new(rest);
        let key = key(&mut reader)?;
        *bytes = reader.rest();
        Ok(Self { id, key })
    }
}

/// A COSE key of ES256, and no other.
fn key(reader: &mut Reader<'_>) -> Result<[u8; 65], PasskeyError> {
    let Item::Map(count) = reader.item()? else {
        return Err(PasskeyError::Key);
    };
    let (mut kind, mut algorithm, mut curve) = (None, None, None);
    let (mut x, mut y) = (None, None);
    for _ in 0..count {
        let (name, value) = (reader.item()?, reader.item()?);
        let before = match name {
            Item::Unsigned(1) => kind.replace(value),
            Item::Unsigned(3) => algorithm.replace(value),
            Item::Negative(0) => curve.replace(value),
            Item::Negative(1) => x.replace(value),
            Item::Negative(2) => y.replace(value),
            _ => return Err(PasskeyError::Key),
        };
        if before.is_some() {
            return Err(PasskeyError::Key);
        }
    }
    if (kind, algorithm) != (Some(Item::Unsigned(2)), Some(Item::Negative(6))) {
        return Err(PasskeyError::Algorithm);
    }
    match (curve, x, y) {
        (Some(Item::Unsigned(1)), Some(Item::Bytes(x)), Some(Item::Bytes(y)))
            if x.len() == 32 && y.len() == 32 =>
        {
            let mut key = [4; 65];
            key[1..33].copy_from_slice(x);
            key[33..].copy_from_slice(y);
            Ok(key)
        }
        _ => Err(PasskeyError::Key),
    }
}

/// The authenticator's data in an attestation. The statement is read past: who made the authenticator is not asked.
pub fn attested(bytes: &[u8]) -> Result<&[u8], PasskeyError> {
    let shape = PasskeyError::Attestation("it is not a map of fmt, attStmt and authData");
    let mut reader = Reader::new(bytes);
    if reader.item()? != Item::Map(3) {
        return Err(shape);
    }
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..3 {
        let before = match reader.item()? {
            Item::Text("fmt") => match reader.item()? {
                Item::Text(name) => format.replace(name).is_some(),
                _ => return Err(shape),
            },
            Item::Text("attStmt") => {
                let mut first = Reader::new(reader.rest());
                let Item::Map(count) = first.item()? else {
                    return Err(shape);
                };
                reader.skip()?;
                statement.replace(count).is_some()
            }
            Item::Text("authData") => match reader.item()? {
                Item::Bytes(bytes) => data.replace(bytes).is_some(),
                _ => return Err(shape),
            },
            _ => return Err(shape),
        };
        if before {
            return Err(shape);
        }
    }
    reader.end()?;
    let (Some(format), Some(statement), Some(data)) = (format, statement, data) else {
        return Err(shape);
    };
    match (format, statement) {
        ("none", 0) => Ok(data),
        ("none", _) => Err(PasskeyError::Attestation(
            "it says none and has a statement",
        )),
        (name, 1..) if FORMATS.contains(&name) => Ok(data),
        _ => Err(PasskeyError::Attestation(
            "its format is not one of WebAuthn's",
        )),
    }
}

impl From<CborError> for PasskeyError {
    fn from(e: CborError) -> Self {
        Self::Cbor(e)
    }
}
