//! Adapter: key files. The hub's certificate authority, and the certificates it makes: boxes', and the hub's own, which renew themselves.
//!
//! ```text
//! <state>/keys/ca.key ca.crt    P-256. May certify the hub's names and nothing else (name constraints), and only ends of connections
//! <state>/keys/boxes.pem        key and certificate of the hub as boxes are shown it; a first line with its names
//! <state>/keys/pages.pem        the same as browsers are shown it: another key
//! ```
//! | certificate | good for | another one is made |
//! |---|---|---|
//! | a box's | 2 years | when the box asks, from a year on, or when it comes back later than that (`devices/enrol`) |
//! | boxes.pem, pages.pem | 2 years | after a year, while running; at once when the names are others |
//! | ca.crt | 20 years | at a start with less than 4 years left: the same key, name and constraints. Boxes pin the key's certificate and take the hub by it whatever its date, so none of them notices |

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PublicKeyData,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use shared::{
    certificate::Certificate,
    id::BoxName,
    record::{hex, sha256},
    time::{Day, Utc, Zone},
    types::CertSet,
    wire,
};

use crate::{
    files::{self, write_whole},
    keys::{KeyError, P256_SPKI},
};

const BOX_DAYS: i32 = 730;
const HUB_DAYS: i32 = 730;
const CA_DAYS: i32 = 7300;
/// Nothing the authority makes outlives it, though the hub run for two years on end.
const CA_LEFT_DAYS: i64 = 1460;
/// id-ce-nameConstraints.
const NAME_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];
/// Where the pages are always reached from the hub's own machine.
const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

pub struct Authority {
    folder: PathBuf,
    scheme: String,
    der: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

struct P256(Vec<u8>);

impl PublicKeyData for P256 {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn cert(e: impl std::fmt::Display) -> KeyError {
    KeyError::Cert(e.to_string())
}

/// From the day before, for clocks that are a little behind.
fn validity(params: &mut CertificateParams, now: Utc, days: i32) {
    let today = Zone::utc().day_of(now);
    let date = |d: Day| {
        let text = d.to_string();
        let part = |r: std::ops::Range<usize>| {
            text.get(r).and_then(|p| p.parse::<i32>().ok()).unwrap_or(1)
        };
        rcgen::date_time_ymd(part(0..4), part(5..7) as u8, part(8..10) as u8)
    };
    params.not_before = date(today.plus_days(-1));
    params.not_after = date(today.plus_days(days));
}

fn named(common: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

fn ca_params(scheme: &str) -> CertificateParams {
    let mut params = named(&format!("Beadle CA {scheme}"));
    params.use_authority_key_identifier_extension = false;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

/// What the authority may certify: the hub's names, what is below the scheme's, and the machine itself. Whoever steals its key cannot be
/// another site to a browser that trusts it.
fn constraints(scheme: &str, names: &[String]) -> NameConstraints {
    let all = [wire::SERVER_NAME, scheme]
        .into_iter()
        .chain(HERE)
        .chain(names.iter().map(String::as_str));
    let (mut permitted, mut excluded) = (Vec::new(), Vec::new());
    let mut v6 = false;
    for name in all {
        permitted.push(match name.parse::<IpAddr>() {
            Ok(ip @ IpAddr::V4(_)) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, 32))
            }
            Ok(ip @ IpAddr::V6(_)) => {
                v6 = true;
                GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, 128))
            }
            Err(_) => GeneralSubtree::DnsName(name.to_owned()),
        });
    }
    // Not every reader of certificates takes a list of IPv4 addresses for a word on IPv6.
    if !v6 {
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])));
    }
    NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: excluded,
    }
}

/// SHA-256 of a public key as the records and the log have it.
pub fn key_print(spki: &[u8]) -> String {
    hex(&sha256(spki))
}

/// A certificate made for a box.
pub struct IssuedCertificate {
    pub pem: String,
    /// SHA-256 of it (DER), lower hex.
    pub print: String,
    pub until: Utc,
}

impl Authority {
    /// Makes the key and the certificate of a new hub, which is called so.
    pub fn create(
        folder: &std::path::Path,
        scheme: &str,
        names: &[String],
        now: Utc,
    ) -> Result<(), KeyError> {
        let key = KeyPair::generate().map_err(cert)?;
        let mut params = ca_params(scheme);
        params.name_constraints = Some(constraints(scheme, names));
        validity(&mut params, now, CA_DAYS);
        let made = params.self_signed(&key).map_err(cert)?;
        write_whole(
            &folder.join("ca.key"),
            key.serialize_pem().as_bytes(),
            0o600,
        )?;
        write_whole(&folder.join("ca.crt"), made.pem().as_bytes(), 0o644)?;
        Ok(())
    }

    pub fn load(folder: PathBuf, scheme: &str) -> Result<Self, KeyError> {
        let bad = |file: &'static str| move |why: String| KeyError::Bad { file, why };
        let pem = files::read_text(&folder.join("ca.crt"))?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|e| bad("ca.crt")(e.to_string()))?;
        let key = KeyPair::from_pem(&files::read_text(&folder.join("ca.key"))?)
            .map_err(|e| bad("ca.key")(e.to_string()))?;
        Ok(Self {
            folder,
            scheme: scheme.to_owned(),
            der,
            pem,
            issuer: Issuer::new(ca_params(scheme), key),
        })
    }

    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Makes the authority's own certificate anew where that is due: of the same key, name and constraints.
    pub fn renew_if_due(&mut self, now: Utc) -> Result<Option<CertSet>, KeyError> {
        let read = read(&self.der, "ca.crt")?;
        let left = now.plus_ms(CA_LEFT_DAYS * 86_400_000);
        if now >= read.from && left < read.until {
            return Ok(None);
        }
        let mut params = ca_params(&self.scheme);
        if let Some(content) = read.constraints {
            let mut same = CustomExtension::from_oid_content(NAME_CONSTRAINTS, content.to_vec());
            same.set_criticality(true);
            params.custom_extensions.push(same);
        }
        validity(&mut params, now, CA_DAYS);
        let made = params.self_signed(self.issuer.key()).map_err(cert)?;
        write_whole(&self.folder.join("ca.crt"), made.pem().as_bytes(), 0o644)?;
        self.pem = made.pem();
        self.der = made.der().clone();
        told("ca", &self.der).map(Some)
    }

    /// Certifies a box's public key (SubjectPublicKeyInfo, DER).
    pub fn certify_box(
        &self,
        name: &BoxName,
        spki: &[u8],
        now: Utc,
    ) -> Result<IssuedCertificate, KeyError> {
        let point = spki
            .strip_prefix(P256_SPKI.as_slice())
            .filter(|p| p.len() == 65 && p[0] == 4)
            .ok_or(KeyError::NotP256)?;
        let mut params = named(name.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        validity(&mut params, now, BOX_DAYS);
        let made = params
            .signed_by(&P256(point.to_vec()), &self.issuer)
            .map_err(cert)?;
        Ok(IssuedCertificate {
            pem: made.pem(),
            print: hex(&sha256(made.der())),
            until: read(made.der(), "a box's certificate")?.until,
        })
    }

    fn certify_hub(
        &self,
        key: &KeyPair,
        names: &[String],
        now: Utc,
    ) -> Result<CertificateDer<'static>, KeyError> {
        let mut params = CertificateParams::new(names.to_vec()).map_err(cert)?;
        let like = named("Beadle hub");
        params.distinguished_name = like.distinguished_name;
        params.key_usages = like.key_usages;
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        validity(&mut params, now, HUB_DAYS);
        let made = params.signed_by(key, &self.issuer).map_err(cert)?;
        Ok(made.der().clone())
    }

    /// Whether a certificate for this name is believed of this authority, as boxes and browsers judge it.
    fn may_certify(&self, name: &str, now: Utc) -> Result<bool, KeyError> {
        let key = KeyPair::generate().map_err(cert)?;
        let made = self.certify_hub(&key, &[name.to_owned()], now)?;
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).map_err(cert)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(cert)?;
        let secs = u64::try_from(now.seconds()).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
        let name = ServerName::try_from(name.to_owned()).map_err(cert)?;
        Ok(verifier
            .verify_server_cert(&made, &[], &name, &[], at)
            .is_ok())
    }
}

fn read<'a>(der: &'a CertificateDer<'_>, file: &'static str) -> Result<Certificate<'a>, KeyError> {
    Certificate::parse(der.as_ref()).ok_or_else(|| KeyError::Bad {
        file,
        why: "it is not a certificate".into(),
    })
}

fn told(what: &str, der: &CertificateDer<'_>) -> Result<CertSet, KeyError> {
    Ok(CertSet {
        what: what.into(),
        cert: hex(&sha256(der)),
        until: read(der, "a certificate of the hub")?.until,
    })
}

/// Whom the hub shows a certificate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Boxes,
    Pages,
}

impl Side {
    /// Its file, and what `cert.set` calls it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Side::Boxes => ("boxes.pem", "boxes"),
            Side::Pages => ("pages.pem", "pages"),
        }
    }

    fn names(self, names: &[String]) -> Vec<String> {
        let own: &[&str] = match self {
            Side::Boxes => &[wire::SERVER_NAME],
            Side::Pages => &HERE,
        };
        let mut all: Vec<String> = own.iter().map(|n| (*n).to_owned()).collect();
        for name in names {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        all
    }
}

/// The hub's own certificate on one side, swapped for a new one while connections come in.
pub struct ServerCertificate {
    side: Side,
    names: Vec<String>,
    shown: RwLock<Arc<CertifiedKey>>,
    /// What is not on the log yet.
    news: Mutex<Option<CertSet>>,
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCertificate")
            .field("side", &self.side)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown())
    }
}

impl ServerCertificate {
    /// The one on file, or a new one: where there is none, where it is damaged or due, or where the hub has other names now.
    pub fn open(
        authority: &Authority,
        side: Side,
        names: &[String],
        now: Utc,
    ) -> Result<Self, KeyError> {
        for name in names {
            if !authority.may_certify(name, now)? {
                return Err(KeyError::Name {
                    name: name.clone(),
                    scheme: authority.scheme.clone(),
                });
            }
        }
        let names = side.names(names);
        let kept = kept(authority, side, &names).filter(|k| !due(k, now));
        let (shown, news) = match kept {
            Some(kept) => (kept, None),
            None => {
                let made = make(authority, side, &names, now)?;
                let news = told(side.words().1, end(&made)?)?;
                (made, Some(news))
            }
        };
        Ok(Self {
            side,
            names,
            shown: RwLock::new(Arc::new(shown)),
            news: Mutex::new(news),
        })
    }

    pub fn shown(&self) -> Arc<CertifiedKey> {
        self.shown
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes another one where that is due; connections from now on are shown it. Blocking.
    pub fn renew_if_due(&self, authority: &Authority, now: Utc) -> Result<(), KeyError> {
        if !due(&self.shown(), now) {
            return Ok(());
        }
        let made = make(authority, self.side, &self.names, now)?;
        let news = told(self.side.words().1, end(&made)?)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made);
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
        Ok(())
    }

    /// What there is to put on the log, once.
    pub fn take_news(&self) -> Option<CertSet> {
        self.news
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// What could not be put there yet.
    pub fn put_back(&self, news: CertSet) {
        let mut held = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert(news);
    }
}

fn end(key: &CertifiedKey) -> Result<&CertificateDer<'_>, KeyError> {
    key.end_entity_cert().map_err(cert)
}

fn due(key: &CertifiedKey, now: Utc) -> bool {
    key.end_entity_cert()
        .ok()
        .and_then(|der| Certificate::parse(der.as_ref()).map(|c| c.is_due(now)))
        .unwrap_or(true)
}

fn heading(names: &[String]) -> String {
    format!("# {}", names.join(" "))
}

fn certified(
    authority: &Authority,
    own: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, KeyError> {
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(vec![own, authority.der.clone()], key, &provider).map_err(cert)
}

/// Nothing when the file is not there, damaged, for other names, or of another authority: a new one is made then.
fn kept(authority: &Authority, side: Side, names: &[String]) -> Option<CertifiedKey> {
    let pem = zeroize::Zeroizing::new(files::read(&authority.folder.join(side.words().0)).ok()?);
    let heading = heading(names);
    if !pem.starts_with(heading.as_bytes()) || pem.get(heading.len()) != Some(&b'\n') {
        return None;
    }
    let own = CertificateDer::from_pem_slice(&pem).ok()?;
    let key = PrivateKeyDer::from_pem_slice(&pem).ok()?;
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone()).ok()?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .ok()?;
    let secs = u64::try_from(Certificate::parse(own.as_ref())?.from.seconds()).ok()?;
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
    let name = ServerName::try_from(names.first()?.clone()).ok()?;
    verifier
        .verify_server_cert(&own, &[], &name, &[], at)
        .ok()?;
    certified(authority, own, key).ok()
}

/// Key and certificate in one file, so that after a power cut they belong together.
fn make(
    authority: &Authority,
    side: Side,
    names: &[String],
    now: Utc,
) -> Result<CertifiedKey, KeyError> {
    let pair = KeyPair::generate().map_err(cert)?;
    let own = authority.certify_hub(&pair, names, now)?;
    let text = zeroize::Zeroizing::new(format!(
        "{}\n{}{}",
        heading(names),
        pair.serialize_pem(),
        String::from_utf8_lossy(&crate::keys::pem("CERTIFICATE", own.as_ref())),
    ));
    write_whole(
        &authority.folder.join(side.words().0),
        text.as_bytes(),
        0o600,
    )?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(cert)?;
    certified(authority, own, key)
}

#[cfg(test)]
mod tests;
