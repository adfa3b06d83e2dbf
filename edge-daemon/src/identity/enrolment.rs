//! Adapter: filesystem. What enrolment gave the box. `hub.json` is written last: with it the box is enrolled.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
};
use serde::{Deserialize, Serialize};
use shared::{certificate::Certificate, id::BoxName, note::Vkey, time::Utc};

use super::keyfile::{BoxKey, IdentityError, io, own_like_parent};
use crate::state::State;

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
        let cert = |path: PathBuf| {
            let pem = std::fs::read(&path).map_err(io("read", &path))?;
            CertificateDer::from_pem_slice(&pem).map_err(|e| damaged(&path, e.to_string()))
        };
        let path = state.hub().join("hub.json");
        let vkey = |text: &str| Vkey::parse(text).map_err(|e| damaged(&path, e.to_string()));
        Ok(Some(Self {
            cert: cert(state.identity().join("box.crt"))?,
            ca: cert(state.hub().join("ca.crt"))?,
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
        let path = state.identity().join("box.crt");
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
        logbook::write_whole(&path, pem.as_bytes(), false).map_err(io("write", &path))?;
        own_like_parent(&path)?;
        Ok(Some(Self {
            cert,
            ..self.clone()
        }))
    }

    /// Stores what the hub answered. Certificates must be PEM.
    pub fn store(
        state: &State,
        facts: &HubFacts,
        cert: &str,
        ca: &str,
    ) -> Result<(), IdentityError> {
        let put = |path: &Path, text: &str| {
            logbook::write_whole(path, text.as_bytes(), false).map_err(io("write", path))?;
            own_like_parent(path)
        };
        std::fs::create_dir_all(state.hub()).map_err(io("make", &state.hub()))?;
        put(&state.identity().join("box.crt"), cert)?;
        put(&state.hub().join("ca.crt"), ca)?;
        let text =
            serde_json::to_string_pretty(facts).map_err(|e| IdentityError::Sign(e.to_string()))?;
        put(&state.hub().join("hub.json"), &text)
    }
}

impl HubFacts {
    /// What root pinned; nothing when the box is not enrolled yet.
    pub fn load(state: &State) -> Result<Option<Self>, IdentityError> {
        let path = state.hub().join("hub.json");
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|e| damaged(&path, e.to_string())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io("read", &path)(e)),
        }
    }
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
