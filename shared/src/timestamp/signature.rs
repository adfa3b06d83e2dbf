//! Pure. The signatures that certificates and time stamps bear: RSA (PKCS #1 v1.5) of 2,048 to 8,192 bits, ECDSA on P-256 and P-384.

use ring::{
    digest::{self, SHA256, SHA384, SHA512},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1,
        ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};

use crate::der::{BIT_STRING, INTEGER, OID, Reader, SEQUENCE, number};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 34];
/// sha256WithRSAEncryption and those beside it; ecdsa-with-SHA256 and the one beside it, up to their last byte.
const RSA_WITH: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
const ECDSA_WITH: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3];
/// SHA-256, SHA-384, SHA-512, up to the last byte.
const SHA: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By its name.
    pub fn of(oid: &[u8]) -> Option<Self> {
        match oid.strip_prefix(SHA)? {
            [1] => Some(Self::Sha256),
            [2] => Some(Self::Sha384),
            [3] => Some(Self::Sha512),
            _ => None,
        }
    }

    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    Ecdsa,
}

/// What the name of a way to sign says. `given`: the hash that is named beside it; one that it names itself has to be that.
fn way(oid: &[u8], given: Option<Hash>) -> Option<(Kind, Hash)> {
    let (kind, hash) = if oid == RSA {
        (Kind::Rsa, given?)
    } else if let Some(last) = oid.strip_prefix(RSA_WITH) {
        let hash = match last {
            [11] => Hash::Sha256,
            [12] => Hash::Sha384,
            [13] => Hash::Sha512,
            _ => return None,
        };
        (Kind::Rsa, hash)
    } else {
        let hash = match oid.strip_prefix(ECDSA_WITH)? {
            [2] => Hash::Sha256,
            [3] => Hash::Sha384,
            _ => return None,
        };
        (Kind::Ecdsa, hash)
    };
    (given.is_none() || given == Some(hash)).then_some((kind, hash))
}

/// Whether the key signed the message in that way.
pub(super) fn good(
    spki: &[u8],
    algorithm: &[u8],
    given: Option<Hash>,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let judged = || {
        let (kind, hash) = way(algorithm, given)?;
        let mut key = Reader::new(spki).inside(SEQUENCE)?;
        let mut of = key.inside(SEQUENCE)?;
        let (key_kind, curve) = (of.take(OID)?, of.take(OID));
        let [0, bits @ ..] = key.take(BIT_STRING)? else {
            return None;
        };
        key.end()?;
        match kind {
            Kind::Rsa if key_kind == RSA => rsa(hash, bits, message, signature),
            Kind::Ecdsa if key_kind == EC => ecdsa(hash, curve?, bits, message, signature),
            _ => None,
        }
    };
    judged().is_some()
}

fn rsa(hash: Hash, key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let mut file = Reader::new(key);
    let mut numbers = file.inside(SEQUENCE)?;
    file.end()?;
    let (n, e) = (
        number(numbers.take(INTEGER)?)?,
        number(numbers.take(INTEGER)?)?,
    );
    numbers.end()?;
    let parameters: &RsaParameters = match hash {
        Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
    };
    let key = RsaPublicKeyComponents { n, e };
    key.verify(parameters, message, signature).ok()
}

fn ecdsa(hash: Hash, curve: &[u8], point: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let algorithm: &dyn VerificationAlgorithm = match (curve, hash) {
        (P256, Hash::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (P256, Hash::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (P384, Hash::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (P384, Hash::Sha384) => &ECDSA_P384_SHA384_ASN1,
        _ => return None,
    };
    let key = UnparsedPublicKey::new(algorithm, point);
    key.verify(message, signature).ok()
}
