//! Adapter: filesystem. What enrolment gave the box. `hub.json` is written last: with it the box is enrolled.

use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use shared::{id::BoxName, note::Vkey};

use super::keyfile::{IdentityError, io, own_like_parent};
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
