//! Adapter: key files. Everything secret the hub holds.
//!
//! ```text
//! <state>/keys/ca.key ca.crt boxes.pem pages.pem    the authority and what it made for the hub itself: [`crate::keys::authority`]
//! <state>/keys/cosign.key           Ed25519, PKCS#8: countersigns box heads and the hub log's own heads
//! <state>/keys/cosign.vkey          its public half: what a verifier is given
//! <state>/keys/order.key            Ed25519, PKCS#8: signs orders to boxes (public half: order.vkey)
//! <state>/keys/seal.key             P-256, PKCS#8: seals packages (public half: the log's key.seal line)
//! <state>/keys/reset.key            32 random bytes: lets a hub that was killed end the connections it no longer knows
//! <state>/keys/factor.key           32 random bytes: seals what phones and hub share of second factors
//! <state>/keys/backup.key           32 random bytes: names the pieces of backups by what is in them
//! <state>/keys/exhibits/<ref>.key   age identity of one exhibit's sealed masters
//! ```

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use shared::{
    id::ExhibitRef,
    note::{ALG_COSIGNATURE, ALG_ED25519, SignedHead, Vkey},
    order,
    time::{Utc, Zone},
    types::CertSet,
};

use crate::files::{self, FileError, private_dir, write_whole};
use authority::Authority;

pub mod authority;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{file} is not a key this hub can use: {why}")]
    Bad { file: &'static str, why: String },
    #[error("cannot make a certificate: {0}")]
    Cert(String),
    #[error("the public key offered is not a P-256 key in SubjectPublicKeyInfo form")]
    NotP256,
    #[error(
        "hub.toml says names = [… {name:?} …], and this hub's authority may not certify that: it was made for other names. Nothing was started. Use the names given to `beadle-hub init --name`, or any below {scheme} ({name} could be hub.{scheme}); docs/hub.md, \"Certificates\""
    )]
    Name { name: String, scheme: String },
}

pub struct Keys {
    folder: PathBuf,
    authority: Authority,
    cosign: Ed25519KeyPair,
    cosign_vkey: Vkey,
    order: Ed25519KeyPair,
    order_vkey: Vkey,
    seal: EcdsaKeyPair,
}

/// DER in front of the 65 bytes of an uncompressed P-256 point.
pub const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Random bytes. The operating system's source does not fail on a running machine; if it does, nothing can go on.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyError::Cert("the system gives no random numbers".into()))?;
    Ok(bytes)
}

impl Keys {
    pub fn folder(state: &Path) -> PathBuf {
        state.join("keys")
    }

    /// Makes all keys of a new hub; `names` are those it is reached under. Refuses to overwrite any.
    pub fn create(
        state: &Path,
        scheme: &str,
        names: &[String],
        now: Utc,
    ) -> Result<Self, KeyError> {
        let folder = Self::folder(state);
        private_dir(&folder.join("exhibits"))?;
        let rng = SystemRandom::new();
        let no_key = |_| KeyError::Cert("the system gives no random numbers".into());
        let year = Zone::utc().day_of(now).year();
        for (name, text) in [
            ("cosign", shared::id::hub_cosign(scheme, year)),
            ("order", format!("{scheme}/hub/order")),
        ] {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&rng).map_err(no_key)?;
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref())
                .map_err(|e| KeyError::Cert(e.to_string()))?;
            let alg = if name == "cosign" {
                ALG_COSIGNATURE
            } else {
                ALG_ED25519
            };
            let vkey = Vkey::new(&text, alg, public(&pair));
            write_whole(
                &folder.join(format!("{name}.key")),
                &pem("PRIVATE KEY", pkcs8.as_ref()),
                0o600,
            )?;
            write_whole(
                &folder.join(format!("{name}.vkey")),
                format!("{vkey}\n").as_bytes(),
                0o644,
            )?;
        }
        let seal =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).map_err(no_key)?;
        write_whole(
            &folder.join("seal.key"),
            &pem("PRIVATE KEY", seal.as_ref()),
            0o600,
        )?;
        Authority::create(&folder, scheme, names, now)?;
        Self::load(state, scheme)
    }

    pub fn load(state: &Path, scheme: &str) -> Result<Self, KeyError> {
        let folder = Self::folder(state);
        let bad = |file: &'static str| move |why: String| KeyError::Bad { file, why };
        let ed = |file: &'static str| -> Result<Ed25519KeyPair, KeyError> {
            let der = private_der(&folder.join(file), file)?;
            Ed25519KeyPair::from_pkcs8(&der).map_err(|e| bad(file)(e.to_string()))
        };
        let (cosign, order) = (ed("cosign.key")?, ed("order.key")?);
        let vkey = |file: &'static str, pair: &Ed25519KeyPair| -> Result<Vkey, KeyError> {
            let vkey = Vkey::parse(files::read_text(&folder.join(file))?.trim())
                .map_err(|e| bad(file)(e.to_string()))?;
            if vkey.key == public(pair) {
                Ok(vkey)
            } else {
                Err(bad(file)(
                    "it does not belong to the private key beside it".into(),
                ))
            }
        };
        let cosign_vkey = vkey("cosign.vkey", &cosign)?;
        let order_vkey = vkey("order.vkey", &order)?;
        let der = private_der(&folder.join("seal.key"), "seal.key")?;
        let seal =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der, &SystemRandom::new())
                .map_err(|e| bad("seal.key")(e.to_string()))?;
        Ok(Self {
            authority: Authority::load(folder.clone(), scheme)?,
            folder,
            cosign,
            cosign_vkey,
            order,
            order_vkey,
            seal,
        })
    }

    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// See [`Authority::renew_if_due`].
    pub fn renew_authority(&mut self, now: Utc) -> Result<Option<CertSet>, KeyError> {
        self.authority.renew_if_due(now)
    }

    pub fn cosign_vkey(&self) -> &Vkey {
        &self.cosign_vkey
    }

    pub fn order_vkey(&self) -> &Vkey {
        &self.order_vkey
    }

    /// Adds the hub's countersignature at `now`.
    pub fn cosign(&self, head: &mut SignedHead, now: Utc) {
        let time = u64::try_from(now.seconds()).unwrap_or(0);
        head.cosign(&self.cosign_vkey, time, |message| {
            sign(&self.cosign, message)
        });
    }

    /// Signs an order's exact text; base64.
    pub fn sign_order(&self, order: &str) -> String {
        STANDARD.encode(sign(
            &self.order,
            format!("{}{order}", order::ORDER_PREFIX).as_bytes(),
        ))
    }

    /// ASN.1 P-256 signature over `bytes`, for packages.
    pub fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = self.seal.sign(&SystemRandom::new(), bytes);
        signature
            .map(|s| s.as_ref().to_vec())
            .map_err(|_| KeyError::Bad {
                file: "seal.key",
                why: "it does not sign".into(),
            })
    }

    /// SubjectPublicKeyInfo (DER) of the seal key.
    pub fn seal_spki(&self) -> Vec<u8> {
        [&P256_SPKI, self.seal.public_key().as_ref()].concat()
    }

    /// Key of QUIC's stateless resets; made when it is missing.
    pub fn reset_key(&self) -> Result<[u8; 32], KeyError> {
        self.random_key("reset.key")
    }

    /// Key that seals the secrets of second factors; made when it is missing.
    pub fn factor_key(&self) -> Result<[u8; 32], KeyError> {
        self.random_key("factor.key")
    }

    /// Key that names the pieces of backups by what is in them; made when it is missing.
    pub fn backup_key(&self) -> Result<[u8; 32], KeyError> {
        private_dir(&self.folder)?;
        self.random_key("backup.key")
    }

    fn random_key(&self, name: &str) -> Result<[u8; 32], KeyError> {
        let path = self.folder.join(name);
        if let Some(key) = files::read(&path).ok().and_then(|b| b.try_into().ok()) {
            return Ok(key);
        }
        let key = random::<32>()?;
        write_whole(&path, &key, 0o600)?;
        Ok(key)
    }

    fn exhibit_file(&self, exhibit: &ExhibitRef) -> PathBuf {
        self.folder.join("exhibits").join(format!("{exhibit}.key"))
    }

    /// Makes and keeps the key pair of an exhibit; returns its recipient. Called again it returns the same one.
    pub fn exhibit_recipient(&self, exhibit: &ExhibitRef) -> Result<String, KeyError> {
        let path = self.exhibit_file(exhibit);
        if let Ok(text) = files::read_text(&path)
            && let Some(recipient) = text.lines().find_map(|l| l.strip_prefix("# public key: "))
        {
            return Ok(recipient.to_owned());
        }
        let (identity, recipient) = footage::sealed::keypair();
        // The layout `age-keygen` writes: stock tools take it with -i.
        write_whole(
            &path,
            format!("# public key: {recipient}\n{}\n", identity.as_str()).as_bytes(),
            0o600,
        )?;
        Ok(recipient)
    }

    /// The age identity that opens an exhibit's sealed masters.
    pub fn exhibit_identity(
        &self,
        exhibit: &ExhibitRef,
    ) -> Result<zeroize::Zeroizing<String>, KeyError> {
        let text = zeroize::Zeroizing::new(files::read_text(&self.exhibit_file(exhibit))?);
        let line = text.lines().find(|l| l.starts_with("AGE-SECRET-KEY-1"));
        line.map(|l| zeroize::Zeroizing::new(l.to_owned()))
            .ok_or_else(|| KeyError::Bad {
                file: "the exhibit's key",
                why: format!("no identity in it ({exhibit})"),
            })
    }

    /// Destroys an exhibit's key: overwritten, synced, removed, the folder synced. What it had sealed is noise from then on. One that is
    /// gone already, or was half-destroyed when power went, is no error.
    pub fn destroy_exhibit(&self, exhibit: &ExhibitRef) -> Result<(), FileError> {
        for name in [format!("{exhibit}.key"), format!("{exhibit}.key.tmp")] {
            files::shred(&self.folder.join("exhibits").join(name))?;
        }
        Ok(())
    }

    /// Every identity that is left, of any exhibit, whatever the name of its file.
    pub fn exhibit_identities(&self) -> Result<zeroize::Zeroizing<Vec<String>>, FileError> {
        let folder = self.folder.join("exhibits");
        let mut out = zeroize::Zeroizing::new(Vec::new());
        let entries = std::fs::read_dir(&folder).map_err(files::failed("list", &folder))?;
        for entry in entries {
            let path = entry.map_err(files::failed("list", &folder))?.path();
            let text = zeroize::Zeroizing::new(files::read(&path)?);
            let text = zeroize::Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
            let found = text.lines().filter(|l| l.starts_with("AGE-SECRET-KEY-1"));
            out.extend(found.map(str::to_owned));
        }
        Ok(out)
    }
}

fn public(pair: &Ed25519KeyPair) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(pair.public_key().as_ref());
    key
}

fn sign(pair: &Ed25519KeyPair, message: &[u8]) -> [u8; 64] {
    let mut out = [0; 64];
    out.copy_from_slice(pair.sign(message).as_ref());
    out
}

fn private_der(path: &Path, file: &'static str) -> Result<Vec<u8>, KeyError> {
    let text = files::read(path)?;
    let der = PrivateKeyDer::from_pem_slice(&text).map_err(|e| KeyError::Bad {
        file,
        why: e.to_string(),
    })?;
    Ok(der.secret_der().to_vec())
}

pub fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .map(|i| &body[i..body.len().min(i + 64)])
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
    .into_bytes()
}
