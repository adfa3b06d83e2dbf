//! Adapter: key files. Everything secret the hub holds, and its certificate authority.
//!
//! ```text
//! <state>/keys/ca.key ca.crt        the hub's own CA (P-256): hub and box certificates
//! <state>/keys/cosign.key           Ed25519, PKCS#8: countersigns box heads and the hub log's own heads
//! <state>/keys/cosign.vkey          its public half: what a verifier is given
//! <state>/keys/order.key            Ed25519, PKCS#8: signs orders to boxes (public half: order.vkey)
//! <state>/keys/seal.key             P-256, PKCS#8: seals packages (public half: the log's key.seal line)
//! <state>/keys/hub.key hub.crt      TLS, for boxes and for staff pages
//! <state>/keys/reset.key            32 random bytes: lets a hub that was killed end the connections it no longer knows
//! <state>/keys/exhibits/<ref>.key   age identity of one exhibit's sealed masters
//! ```

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use shared::{
    id::{BoxName, ExhibitRef},
    note::{ALG_COSIGNATURE, ALG_ED25519, SignedHead, Vkey},
    record::{Digest, sha256},
    time::{Day, Utc, Zone},
    wire,
};

use crate::files::{self, FileError, private_dir, write_whole};

/// How long a box's certificate lives.
pub const BOX_CERT_DAYS: i32 = 730;
const HUB_CERT_DAYS: i32 = 730;
const CA_DAYS: i32 = 7300;

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
}

pub struct Keys {
    folder: PathBuf,
    ca_der: CertificateDer<'static>,
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
    cosign: Ed25519KeyPair,
    cosign_vkey: Vkey,
    order: Ed25519KeyPair,
    order_vkey: Vkey,
    seal: EcdsaKeyPair,
}

/// DER in front of the 65 bytes of an uncompressed P-256 point.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

struct P256(Vec<u8>);

impl PublicKeyData for P256 {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn cert(e: rcgen::Error) -> KeyError {
    KeyError::Cert(e.to_string())
}

/// Random bytes. The operating system's source does not fail on a running machine; if it does, nothing can go on.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyError::Cert("the system gives no random numbers".into()))?;
    Ok(bytes)
}

fn validity(params: &mut CertificateParams, now: Utc, days: i32) -> Utc {
    let today = Zone::utc().day_of(now);
    let (from, to) = (today.plus_days(-1), today.plus_days(days));
    let date = |d: Day| {
        let text = d.to_string();
        let part = |r: std::ops::Range<usize>| {
            text.get(r).and_then(|p| p.parse::<i32>().ok()).unwrap_or(1)
        };
        rcgen::date_time_ymd(part(0..4), part(5..7) as u8, part(8..10) as u8)
    };
    params.not_before = date(from);
    params.not_after = date(to);
    Zone::utc().start_of(to)
}

fn named(common: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

fn ca_params(scheme: &str) -> CertificateParams {
    let mut params = named(&format!("Beadle CA {scheme}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params
}

impl Keys {
    pub fn folder(state: &Path) -> PathBuf {
        state.join("keys")
    }

    /// Makes all keys of a new hub. Refuses to overwrite any.
    pub fn create(state: &Path, scheme: &str, now: Utc) -> Result<Self, KeyError> {
        let folder = Self::folder(state);
        private_dir(&folder.join("exhibits"))?;
        let ca = KeyPair::generate().map_err(cert)?;
        let mut params = ca_params(scheme);
        validity(&mut params, now, CA_DAYS);
        let ca_cert = params.self_signed(&ca).map_err(cert)?;
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
        write_whole(&folder.join("ca.key"), ca.serialize_pem().as_bytes(), 0o600)?;
        write_whole(&folder.join("ca.crt"), ca_cert.pem().as_bytes(), 0o644)?;
        Self::load(state, scheme)
    }

    pub fn load(state: &Path, scheme: &str) -> Result<Self, KeyError> {
        let folder = Self::folder(state);
        let bad = |file: &'static str| move |why: String| KeyError::Bad { file, why };
        let ca_pem = files::read_text(&folder.join("ca.crt"))?;
        let ca_der = CertificateDer::from_pem_slice(ca_pem.as_bytes())
            .map_err(|e| bad("ca.crt")(e.to_string()))?;
        let ca = KeyPair::from_pem(&files::read_text(&folder.join("ca.key"))?)
            .map_err(|e| bad("ca.key")(e.to_string()))?;
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
        let issuer = Issuer::new(ca_params(scheme), ca);
        Ok(Self {
            folder,
            ca_der,
            ca_pem,
            issuer,
            cosign,
            cosign_vkey,
            order,
            order_vkey,
            seal,
        })
    }

    pub fn ca_der(&self) -> &CertificateDer<'static> {
        &self.ca_der
    }

    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What one-time codes carry.
    pub fn ca_digest(&self) -> Digest {
        sha256(self.ca_der.as_ref())
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
            format!("{}{order}", wire::ORDER_PREFIX).as_bytes(),
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

    /// Certifies a box's public key (SPKI, DER): certificate PEM, its fingerprint, and when it ends.
    pub fn certify_box(
        &self,
        name: &BoxName,
        spki: &[u8],
        now: Utc,
    ) -> Result<(String, Digest, Utc), KeyError> {
        let point = spki
            .strip_prefix(P256_SPKI.as_slice())
            .filter(|p| p.len() == 65 && p[0] == 4)
            .ok_or(KeyError::NotP256)?;
        let mut params = named(name.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let until = validity(&mut params, now, BOX_CERT_DAYS);
        let made = params
            .signed_by(&P256(point.to_vec()), &self.issuer)
            .map_err(cert)?;
        Ok((made.pem(), sha256(made.der().as_ref()), until))
    }

    /// The hub's TLS chain (own certificate, then the CA) and key. Made anew when it is missing, for other addresses, or ends
    /// within 60 days; kept otherwise, so that a browser's decision to trust it lasts.
    pub fn tls(
        &self,
        listen: &[SocketAddr],
        now: Utc,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), KeyError> {
        let mut names = vec![
            wire::SERVER_NAME.to_owned(),
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
        ];
        names.extend(
            listen
                .iter()
                .filter(|a| !a.ip().is_unspecified() && !a.ip().is_loopback())
                .map(|a| a.ip().to_string()),
        );
        names.dedup();
        let (key, crt, about) = (
            self.folder.join("hub.key"),
            self.folder.join("hub.crt"),
            self.folder.join("hub.about"),
        );
        let until = files::read_text(&about).ok().and_then(|text| {
            let (until, old) = text.trim_end().split_once('\n')?;
            (old == names.join(" ")).then(|| Utc::parse(until).ok())?
        });
        if until.is_none_or(|u| u < now.plus_ms(60 * 86_400_000)) || !key.exists() || !crt.exists()
        {
            let pair = KeyPair::generate().map_err(cert)?;
            let mut params = CertificateParams::new(names.clone()).map_err(cert)?;
            params.distinguished_name = named("Beadle hub").distinguished_name;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.use_authority_key_identifier_extension = true;
            let until = validity(&mut params, now, HUB_CERT_DAYS);
            let made = params.signed_by(&pair, &self.issuer).map_err(cert)?;
            write_whole(&key, pair.serialize_pem().as_bytes(), 0o600)?;
            write_whole(&crt, made.pem().as_bytes(), 0o644)?;
            write_whole(
                &about,
                format!("{until}\n{}\n", names.join(" ")).as_bytes(),
                0o644,
            )?;
        }
        let own =
            CertificateDer::from_pem_slice(&files::read(&crt)?).map_err(|e| KeyError::Bad {
                file: "hub.crt",
                why: e.to_string(),
            })?;
        let key =
            PrivateKeyDer::from_pem_slice(&files::read(&key)?).map_err(|e| KeyError::Bad {
                file: "hub.key",
                why: e.to_string(),
            })?;
        Ok((vec![own, self.ca_der.clone()], key))
    }

    /// Key of QUIC's stateless resets; made when it is missing.
    pub fn reset_key(&self) -> Result<[u8; 32], KeyError> {
        let path = self.folder.join("reset.key");
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

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
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
