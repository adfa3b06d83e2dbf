//! Adapter: filesystem. What enrolment gave the box: what root pinned, in `hub/`, and the box's certificate, in the recorder's folder.
//!
//! # Files
//! ```text
//! hub/hub.json            root's: address, scheme, box, keys; SHA-256 of the authority's and of the first certificate
//! hub/ca.crt              root's: the authority
//! hub/approvers.json      root's: whose passkeys approve lifts, of a box that asks for that
//! recorder/identity/box.crt   the recorder's: its certificate; it may replace it by a newer one
//! ```
//! # One moment
//! With `hub.json` renamed into its place the box is enrolled; before, it is what it was. The certificates are made ready first: each file
//! then holds the old one and the new one, and `hub.json` says by hash which counts. A cut at any step leaves the old enrolment or the new
//! one whole. Afterwards the files are cleared of what counts no more.

use std::{io, path::Path, sync::Arc};

use rustls::{
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
};
use serde::{Deserialize, Serialize};
use shared::{
    approval::Approvers,
    certificate::Certificate,
    id::BoxName,
    note::Vkey,
    record::{hex, sha256},
    time::Utc,
};

use super::keyfile::{BoxKey, IdentityError, io};
use crate::{
    below::{self, Folder},
    state::State,
};

const FACTS: &str = "hub.json";
const CA: &str = "ca.crt";
const CERT: &str = "box.crt";
/// Of a box that takes approvals; `masking/approvals` reads it.
const APPROVERS: &str = "approvers.json";
/// More than any of them is.
const MOST: u64 = 1 << 20;

/// `hub/hub.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HubFacts {
    /// Where to dial, `host:port`.
    pub hub: String,
    pub scheme: String,
    pub r#box: BoxName,
    /// Public key the hub countersigns with (vkey).
    pub cosign: String,
    /// Public key the hub signs orders with (vkey).
    pub order: String,
    /// What is asked of the DNS where the hub answers nowhere, `name:port`.
    pub lookup: String,
    /// SHA-256 of the authority's certificate (DER), lower hex.
    pub ca: String,
    /// The same of the certificate that enrolment gave; the box may have a newer one since.
    pub cert: String,
}

/// What a hub answered: what is stored of it. Certificates are PEM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub facts: HubFacts,
    pub cert: String,
    pub ca: String,
    /// Whose keys approve lifts, as the hub says; None: it has not those of two people.
    pub approvers: Option<Approvers>,
}

/// What a box that is enrolled knows.
#[derive(Clone, Debug)]
pub struct Enrolment {
    pub facts: HubFacts,
    pub cert: CertificateDer<'static>,
    pub ca: CertificateDer<'static>,
    pub cosign: Vkey,
    pub order: Vkey,
}

impl Enrolment {
    /// Nothing when the box is not enrolled yet.
    pub fn load(state: &State) -> Result<Option<Self>, IdentityError> {
        let Some(facts) = HubFacts::load(state)? else {
            return Ok(None);
        };
        let path = state.hub().join(FACTS);
        let vkey = |text: &str| Vkey::parse(text).map_err(|e| damaged(&path, e.to_string()));
        Ok(Some(Self {
            cert: chosen(&state.identity().join(CERT), &facts.cert)?,
            ca: chosen(&state.hub().join(CA), &facts.ca)?,
            cosign: vkey(&facts.cosign)?,
            order: vkey(&facts.order)?,
            facts,
        }))
    }

    /// What its certificate says; None when it cannot be read.
    pub fn certificate(&self) -> Option<Certificate<'_>> {
        Certificate::parse(self.cert.as_ref())
    }

    /// Takes a certificate that the hub made anew (PEM) in the place of this one: only one of this box's authority, for its name and its
    /// key. Nothing when it is the one the box has. It is on disk when this returns.
    pub fn renewed(
        &self,
        state: &State,
        key: &BoxKey,
        pem: &str,
    ) -> Result<Option<Self>, IdentityError> {
        let bad = |why: String| IdentityError::Answer(why);
        let cert =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| bad(e.to_string()))?;
        if cert == self.cert {
            return Ok(None);
        }
        let read = Certificate::parse(cert.as_ref()).ok_or_else(|| bad("it is none".into()))?;
        if read.name != Some(self.facts.r#box.as_str()) {
            return Err(bad("it is of another box".into()));
        }
        if read.spki != key.spki() {
            return Err(bad("it is for another key".into()));
        }
        made_by(&self.ca, &cert, read.from).map_err(bad)?;
        // A new file, so that the old one is there until the new one is whole.
        let folder = identity(state)?;
        folder
            .write_whole(CERT, pem.as_bytes(), 0o644)
            .map_err(io("write", &folder.path().join(CERT)))?;
        Ok(Some(Self {
            cert,
            ..self.clone()
        }))
    }
}

impl HubFacts {
    /// What root pinned; nothing when the box is not enrolled yet.
    pub fn load(state: &State) -> Result<Option<Self>, IdentityError> {
        let path = state.hub().join(FACTS);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|e| damaged(&path, e.to_string())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io("read", &path)(e)),
        }
    }
}

/// The certificate of this hash in a file of one or two, or else its first: a certificate that was renewed has another hash.
fn chosen(path: &Path, hash: &str) -> Result<CertificateDer<'static>, IdentityError> {
    let pem = below::read_untrusted(path, MOST).map_err(io("read", path))?;
    let all = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| damaged(path, e.to_string()))?;
    let named = all.iter().find(|c| hex(&sha256(c.as_ref())) == hash);
    named
        .or(all.first())
        .cloned()
        .ok_or_else(|| damaged(path, "it holds no certificate".into()))
}

/// As [`chosen`], as PEM text; nothing when the file is not there or holds none.
fn chosen_text(folder: &Folder, name: &str, hash: &str) -> Option<String> {
    let text = String::from_utf8(folder.read(name, MOST).ok()?).ok()?;
    const END: &str = "-----END CERTIFICATE-----";
    let texts: Vec<String> = text
        .split_inclusive(END)
        .filter(|t| t.contains(END))
        .map(|t| format!("{}\n", t.trim_start()))
        .collect();
    let named = texts.iter().find(|t| {
        CertificateDer::from_pem_slice(t.as_bytes())
            .is_ok_and(|der| hex(&sha256(der.as_ref())) == hash)
    });
    named.or(texts.first()).cloned()
}

/// The place of root's part, made where this process may. Nothing of it is changed: a file is put there and removed.
///
/// # Errors
/// Enrolment could not be stored there.
pub fn ready_to_pin(state: &State) -> Result<(), IdentityError> {
    let path = state.hub();
    match std::fs::create_dir(&path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(io("make", &path)(e)),
        _ => {}
    }
    let folder = Folder::trusted(&path).map_err(io("open", &path))?;
    try_out(&folder)
}

/// The same of the recorder's part, as the recorder.
///
/// # Errors
/// A certificate could not be stored there.
pub fn ready_for_certificate(state: &State) -> Result<(), IdentityError> {
    try_out(&identity(state)?)
}

fn identity(state: &State) -> Result<Folder, IdentityError> {
    let path = state.identity();
    Folder::trusted(&path).map_err(io("open", &path))
}

fn try_out(folder: &Folder) -> Result<(), IdentityError> {
    const NAME: &str = "enrol.try";
    folder
        .write_whole(NAME, b"", 0o600)
        .and_then(|()| folder.remove(NAME))
        .map_err(io("write to", folder.path()))
}

/// The certificate beside the one that counts still, as the recorder.
///
/// # Errors
/// It could not be stored; what was there stays.
pub fn stage_certificate(state: &State, cert: &str) -> Result<(), IdentityError> {
    let folder = identity(state)?;
    let before = HubFacts::load(state)?;
    stage(&folder, CERT, before.map(|f| f.cert).as_deref(), cert)
}

/// What root pins, at one moment: with it the box is enrolled. After [`stage_certificate`].
///
/// # Errors
/// It could not be stored; the box is what it was.
pub fn pin(state: &State, answer: &Answer) -> Result<(), IdentityError> {
    let path = state.hub();
    let folder = Folder::trusted(&path).map_err(io("open", &path))?;
    let before = HubFacts::load(state)?;
    stage(&folder, CA, before.map(|f| f.ca).as_deref(), &answer.ca)?;
    let text = serde_json::to_string_pretty(&answer.facts)
        .map_err(|e| IdentityError::Sign(e.to_string()))?;
    folder
        .write_whole(FACTS, text.as_bytes(), 0o644)
        .map_err(io("write", &path.join(FACTS)))?;
    clear(&folder, CA, Some(&answer.facts.ca))
}

/// The people whose keys approve lifts, in the place of those before.
///
/// # Errors
/// It could not be stored; those before count.
pub fn pin_approvers(state: &State, approvers: &Approvers) -> Result<(), IdentityError> {
    let path = state.hub();
    let folder = Folder::trusted(&path).map_err(io("open", &path))?;
    let text =
        serde_json::to_string_pretty(approvers).map_err(|e| IdentityError::Sign(e.to_string()))?;
    folder
        .write_whole(APPROVERS, text.as_bytes(), 0o644)
        .map_err(io("write", &path.join(APPROVERS)))
}

/// Clears the certificate's file of what does not count, as the recorder: after [`pin`], or after it failed.
///
/// # Errors
/// It could not be written; what counts is in it all the same.
pub fn settle_certificate(state: &State) -> Result<(), IdentityError> {
    let folder = identity(state)?;
    let facts = HubFacts::load(state)?;
    clear(&folder, CERT, facts.map(|f| f.cert).as_deref())
}

fn stage(folder: &Folder, name: &str, old: Option<&str>, new: &str) -> Result<(), IdentityError> {
    let before = old.and_then(|hash| chosen_text(folder, name, hash));
    let both = format!("{}{}\n", before.unwrap_or_default(), new.trim_end());
    folder
        .write_whole(name, both.as_bytes(), 0o644)
        .map_err(io("write", &folder.path().join(name)))
}

fn clear(folder: &Folder, name: &str, hash: Option<&str>) -> Result<(), IdentityError> {
    let counts = hash.and_then(|hash| chosen_text(folder, name, hash));
    match counts {
        Some(text) => folder.write_whole(name, text.as_bytes(), 0o644),
        None => folder.remove(name).and_then(|()| folder.sync()),
    }
    .map_err(io("write", &folder.path().join(name)))
}

fn damaged(path: &Path, why: String) -> IdentityError {
    IdentityError::Damaged {
        path: path.display().to_string(),
        why,
    }
}

/// As the hub will judge it.
fn made_by(ca: &CertificateDer<'_>, cert: &CertificateDer<'_>, from: Utc) -> Result<(), String> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(ca.clone().into_owned())
        .map_err(|e| e.to_string())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|e| e.to_string())?;
    let from = u64::try_from(from.seconds()).unwrap_or(0);
    let from = UnixTime::since_unix_epoch(std::time::Duration::from_secs(from));
    verifier
        .verify_client_cert(cert, &[], from)
        .map(drop)
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn answer(hub: &str) -> Answer {
        let key = rcgen::KeyPair::generate().expect("key");
        let made = |name: &str| {
            let params = rcgen::CertificateParams::new(vec![format!("{name}-{hub}")]);
            let cert = params.expect("params").self_signed(&key).expect("made");
            (cert.pem(), hex(&sha256(cert.der())))
        };
        let vkey = Vkey::new("k", shared::note::ALG_ED25519, [9; 32]).to_string();
        let ((cert, cert_hash), (ca, ca_hash)) = (made("box"), made("ca"));
        Answer {
            facts: HubFacts {
                hub: hub.into(),
                scheme: "cctv.example.gov.uk".into(),
                r#box: BoxName::parse("ashby").expect("name"),
                cosign: vkey.clone(),
                order: vkey,
                lookup: "beadle.cctv.example.gov.uk:4433".into(),
                ca: ca_hash,
                cert: cert_hash,
            },
            cert,
            ca,
            approvers: None,
        }
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).expect("made");
        for entry in std::fs::read_dir(from).expect("listed") {
            let path = entry.expect("entry").path();
            let at = to.join(path.file_name().expect("name"));
            if path.is_dir() {
                copy(&path, &at);
            } else {
                std::fs::copy(&path, &at).expect("copied");
            }
        }
    }

    /// V2, FLT-1: at every step of a first and of a second enrolment, at another hub, the box is enrolled as before or as ordered, with all
    /// that belongs together; what a cut left is cleared by the next one.
    #[test]
    fn enrolled_or_not_at_every_step() {
        let home = tempfile::tempdir().expect("folder");
        let state = State::new(&home.path().join("box"));
        std::fs::create_dir_all(state.identity()).expect("made");
        ready_to_pin(&state).expect("ready");
        ready_for_certificate(&state).expect("ready");
        let (one, two, three) = (answer("one"), answer("two"), answer("three"));
        let is = |state: &State, wanted: Option<&Answer>| {
            let found = Enrolment::load(state).expect("loads");
            match (found, wanted) {
                (None, None) => {}
                (Some(found), Some(wanted)) => {
                    assert_eq!(found.facts, wanted.facts);
                    assert_eq!(hex(&sha256(found.cert.as_ref())), wanted.facts.cert);
                    assert_eq!(hex(&sha256(found.ca.as_ref())), wanted.facts.ca);
                }
                (found, _) => panic!("{:?}", found.map(|f| f.facts.hub)),
            }
        };
        let cut = |n: &str| {
            let at = home.path().join(n);
            copy(state.root(), &at);
            State::new(&at)
        };
        for (before, next, n) in [(None, &one, "a"), (Some(&one), &two, "b")] {
            is(&state, before);
            stage_certificate(&state, &next.cert).expect("staged");
            is(&state, before);
            let left = cut(&format!("{n}1"));
            is(&left, before);
            // Half of pinning: the authority is there, hub.json is not.
            let hub = Folder::trusted(&left.hub()).expect("open");
            let old = before.map(|b| b.facts.ca.as_str());
            stage(&hub, CA, old, &next.ca).expect("staged");
            is(&left, before);
            // It is begun anew, and elsewhere.
            stage_certificate(&left, &three.cert).expect("staged");
            pin(&left, &three).expect("pinned");
            is(&left, Some(&three));
            settle_certificate(&left).expect("settled");
            is(&left, Some(&three));
            // It failed instead: nothing of it stays.
            let failed = cut(&format!("{n}2"));
            settle_certificate(&failed).expect("settled");
            is(&failed, before);
            assert_eq!(failed.identity().join(CERT).exists(), before.is_some());
            pin(&state, next).expect("pinned");
            is(&state, Some(next));
            is(&cut(&format!("{n}3")), Some(next));
            settle_certificate(&state).expect("settled");
            is(&state, Some(next));
        }
        let texts = |path: PathBuf| {
            let text = std::fs::read_to_string(path).expect("read");
            text.matches("BEGIN CERTIFICATE").count()
        };
        assert_eq!(texts(state.identity().join(CERT)), 1);
        assert_eq!(texts(state.hub().join(CA)), 1);
    }

    /// Certificates renew: a newer one in the recorder's folder counts, whatever hash enrolment noted.
    #[test]
    fn a_renewed_certificate_counts() {
        let home = tempfile::tempdir().expect("folder");
        let state = State::new(home.path());
        std::fs::create_dir_all(state.identity()).expect("made");
        ready_to_pin(&state).expect("ready");
        let (one, newer) = (answer("one"), answer("one"));
        stage_certificate(&state, &one.cert).expect("staged");
        pin(&state, &one).expect("pinned");
        settle_certificate(&state).expect("settled");
        std::fs::write(state.identity().join(CERT), &newer.cert).expect("written");
        let found = Enrolment::load(&state).expect("loads").expect("enrolled");
        assert_eq!(hex(&sha256(found.cert.as_ref())), newer.facts.cert);
        settle_certificate(&state).expect("settled");
        let found = Enrolment::load(&state).expect("loads").expect("enrolled");
        assert_eq!(hex(&sha256(found.cert.as_ref())), newer.facts.cert);
    }
}
