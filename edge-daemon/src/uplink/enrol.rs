//! Task. Claiming this box's name at the hub with a one-time code: the dialogue. Storing what came of it is `identity::enrolment`'s.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use shared::{
    code::{BadCode, EnrolCode, is_address},
    note::Vkey,
    record::{hex, sha256},
    time::Utc,
    wire::{self, EnrolReply, Open},
};

use super::quic::{LinkError, Target, Trusted, dial, priority};
use crate::{
    config::Config,
    identity::{Answer, HubFacts, IdentityError},
};

const ANSWER: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    #[error("{0}")]
    Code(#[from] BadCode),
    #[error(
        "the code is for the box {theirs}, but the configuration calls this box {ours}; nothing was done. Use this box's own code, or correct box.name"
    )]
    WrongBox { theirs: String, ours: String },
    #[error(
        "it is not known where the hub is: this code does not say it. Write hub = \"host:port\" in [box] of the configuration, or give it: beadle-edge enrol --hub HOST:PORT CODE; nothing was sent"
    )]
    NoHub,
    #[error("--hub {0:?} is not an address like hub.example.gov.uk:4433; nothing was sent")]
    BadHub(String),
    #[error(
        "the box is enrolled at {0} already; nothing was done. To enrol it anew, run the command with --again"
    )]
    Already(String),
    #[error("the hub refused: {0}")]
    Refused(String),
    #[error(
        "the hub serves the scheme {theirs}, but the configuration says {ours}; nothing was stored. Correct box.scheme, then ask for a new code"
    )]
    Scheme { theirs: String, ours: String },
    #[error("the hub's answer cannot be used: {0}")]
    Answer(String),
    #[error("the box was not enrolled")]
    Link(#[from] LinkError),
    #[error("the box was not enrolled")]
    Store(#[from] IdentityError),
}

/// What can be found wrong before the hub is asked; the code, and where the hub is. `hub`: where it is, when neither the code nor the
/// configuration says it, or says it right.
///
/// # Errors
/// The code is mistyped or another box's, nothing says where the hub is, or the box is enrolled already and `again` was not said.
pub fn prepare(
    config: &Config,
    text: &str,
    hub: Option<&str>,
    again: bool,
) -> Result<(EnrolCode, String), EnrolError> {
    let code = EnrolCode::parse(text)?;
    if let Some(place) = code.place.as_ref().filter(|p| p.r#box != config.name) {
        return Err(EnrolError::WrongBox {
            theirs: place.r#box.to_string(),
            ours: config.name.to_string(),
        });
    }
    if let Some(bad) = hub.filter(|h| !is_address(h)) {
        return Err(EnrolError::BadHub(bad.into()));
    }
    let hub = hub
        .or(code.place.as_ref().map(|p| p.hub.as_str()))
        .or(config.hub.as_deref())
        .ok_or(EnrolError::NoHub)?
        .to_owned();
    match HubFacts::load(&config.state())? {
        Some(there) if !again => Err(EnrolError::Already(there.hub)),
        _ => Ok((code, hub)),
    }
}

/// Claims the box for the key of this SubjectPublicKeyInfo (DER). What the hub answers is looked at here; nothing is stored.
///
/// # Errors
/// The hub is not reached, is not the code's, refuses, or answers what cannot be used.
pub async fn claim(
    config: &Config,
    code: &EnrolCode,
    hub: &str,
    spki: &[u8],
    now: Utc,
) -> Result<Answer, EnrolError> {
    let target = Target {
        hub: hub.to_owned(),
        trusted: Trusted::Code(code.clone()),
        client: None,
        congestion: config.congestion,
        judged_at: super::floor(now),
    };
    let line = dial(&target).await?;
    let (mut out, mut inc) = line.open(priority::CONTROL).await?;
    out.send(&Open::Enrol {
        v: wire::VERSION,
        scheme: config.scheme.clone(),
        r#box: config.name.clone(),
        secret: code.secret_text(),
        spki: STANDARD.encode(spki),
    })
    .await?;
    let frame = match inc.frame_within(ANSWER).await {
        Ok(Some(frame)) => frame,
        Ok(None) => return Err(line.why_closed().unwrap_or(LinkError::Cut).into()),
        Err(e) => return Err(line.why_closed().unwrap_or(e).into()),
    };
    let reply = match frame.first::<EnrolReply>() {
        Ok(reply) => reply,
        Err(e) => return Err(line.not_understood(e).await.into()),
    };
    line.close("enrolled").await;
    let (scheme, cert, ca, cosign, order, lookup, approvers) = match reply {
        EnrolReply::Enrolled {
            v: _,
            scheme,
            cert,
            ca,
            cosign,
            order,
            lookup,
            approvers,
        } => (
            scheme,
            cert,
            ca,
            cosign,
            order,
            lookup,
            approvers.map(|listed| *listed),
        ),
        EnrolReply::Refused { why } => return Err(EnrolError::Refused(why)),
        EnrolReply::Unknown => {
            return Err(EnrolError::Answer(
                "it is of a kind this version does not know; update the box".into(),
            ));
        }
    };
    if scheme != config.scheme {
        return Err(EnrolError::Scheme {
            theirs: scheme,
            ours: config.scheme.clone(),
        });
    }
    let der = |pem: &str, what: &str| {
        CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|e| EnrolError::Answer(format!("its {what} cannot be read: {e}")))
    };
    for key in [&cosign, &order] {
        Vkey::parse(key).map_err(|e| EnrolError::Answer(e.to_string()))?;
    }
    if !is_address(&lookup) {
        return Err(EnrolError::Answer(format!(
            "the name to look it up by, {lookup:?}, is not one like beadle.example.gov.uk:4433"
        )));
    }
    let authority = der(&ca, "authority's certificate")?;
    if !code.vouches_for(authority.as_ref()) {
        return Err(EnrolError::Answer(
            "its authority is not the one that made the code".into(),
        ));
    }
    let facts = HubFacts {
        hub: hub.to_owned(),
        scheme,
        r#box: config.name.clone(),
        cosign,
        order,
        lookup,
        ca: hex(&sha256(authority.as_ref())),
        cert: hex(&sha256(der(&cert, "certificate for this box")?.as_ref())),
    };
    Ok(Answer {
        facts,
        cert,
        ca,
        approvers,
    })
}
