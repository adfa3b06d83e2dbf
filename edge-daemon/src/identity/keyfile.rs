//! Adapter: filesystem. The box's identity key: P-256, PKCS#8 PEM, made on first start and never sent anywhere.

use std::path::Path;

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("cannot {what} {path}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is damaged ({why}); move it aside and enrol the box again")]
    Damaged { path: String, why: String },
    #[error("the certificate the hub sent cannot be used: {0}; the one before stays")]
    Answer(String),
    #[error("the box key cannot sign: {0}")]
    Sign(String),
}

pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> IdentityError {
    move |source| IdentityError::Io {
        what,
        path: path.display().to_string(),
        source,
    }
}

/// The box's own key.
pub struct BoxKey {
    pkcs8: zeroize::Zeroizing<Vec<u8>>,
    pair: EcdsaKeyPair,
}

impl BoxKey {
    /// Opens the key in the identity folder; nothing when it is not made yet.
    pub fn open(folder: &Path) -> Result<Option<Self>, IdentityError> {
        let path = folder.join("box.key");
        match crate::below::read_untrusted(&path, 1 << 16).map(zeroize::Zeroizing::new) {
            Ok(pem) => Self::from_pem(&path, &pem).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io("read", &path)(e)),
        }
    }

    /// Opens the key in the identity folder, making it on the first start.
    pub fn open_or_make(folder: &Path) -> Result<Self, IdentityError> {
        use std::os::unix::fs::DirBuilderExt;
        if let Some(key) = Self::open(folder)? {
            return Ok(key);
        }
        let path = folder.join("box.key");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io("make", folder))?;
        let made = rcgen::KeyPair::generate().map_err(|e| IdentityError::Sign(e.to_string()))?;
        let pem = zeroize::Zeroizing::new(made.serialize_pem());
        logbook::write_whole(&path, pem.as_bytes(), true).map_err(io("write", &path))?;
        Self::from_pem(&path, pem.as_bytes())
    }

    fn from_pem(path: &Path, pem: &[u8]) -> Result<Self, IdentityError> {
        let damaged = |why: String| IdentityError::Damaged {
            path: path.display().to_string(),
            why,
        };
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|e| damaged(e.to_string()))?;
        let pkcs8 = zeroize::Zeroizing::new(key.secret_pkcs8_der().to_vec());
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &pkcs8,
            &SystemRandom::new(),
        )
        .map_err(|e| damaged(e.to_string()))?;
        Ok(Self { pkcs8, pair })
    }

    /// The public key as ring takes it: an uncompressed point of 65 bytes.
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The public key as certificates carry it (SubjectPublicKeyInfo, DER).
    pub fn spki(&self) -> Vec<u8> {
        // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING point }: of fixed length for this curve.
        const HEAD: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        [&HEAD, self.public()].concat()
    }

    /// An ASN.1 ECDSA signature over SHA-256.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, IdentityError> {
        self.pair
            .sign(&SystemRandom::new(), bytes)
            .map(|s| s.as_ref().to_vec())
            .map_err(|e| IdentityError::Sign(e.to_string()))
    }

    /// The private key for TLS.
    pub fn tls(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_private_and_the_same_ever_after() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("dir");
        let first = BoxKey::open_or_make(dir.path()).expect("made");
        let again = BoxKey::open_or_make(dir.path()).expect("opened");
        assert_eq!(first.spki(), again.spki());
        let mode = std::fs::metadata(dir.path().join("box.key"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let theirs = rcgen::KeyPair::from_pem(
            &std::fs::read_to_string(dir.path().join("box.key")).expect("pem"),
        )
        .expect("rcgen reads it");
        assert_eq!(
            rcgen::PublicKeyData::subject_public_key_info(&theirs),
            first.spki()
        );
        let sig = first.sign(b"label").expect("signs");
        ring::signature::UnparsedPublicKey::new(
            &ring::signature::ECDSA_P256_SHA256_ASN1,
            first.public(),
        )
        .verify(b"label", &sig)
        .expect("verifies");
        std::fs::write(dir.path().join("box.key"), "nonsense").expect("write");
        assert!(
            BoxKey::open_or_make(dir.path()).is_err_and(|e| e.to_string().contains("is damaged"))
        );
    }
}
