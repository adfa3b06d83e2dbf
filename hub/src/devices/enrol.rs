//! Task. One enrolment: judge the code, certify the key, hand over everything the box keeps.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use shared::{
    code::EnrolCode,
    id::BoxName,
    record::{hex, sha256},
    types::{BoxAdd, Data},
    wire::EnrolReply,
};

use super::registry;
use crate::{
    board::{Refusal, plain},
    desk::Desk,
    keys,
};

/// Hash under which a code's secret is kept. The secret has 128 random bits: a plain hash is enough.
fn kept(secret: &str) -> String {
    hex(&sha256(
        format!(
            "beadle enrolment secret v1\n{}",
            secret.to_ascii_uppercase()
        )
        .as_bytes(),
    ))
}

/// The second `box.add` line of a box: its certificate, by fingerprint.
#[derive(Serialize)]
struct BoxCertified<'a> {
    r#box: &'a str,
    by: Vec<String>,
    cert: &'a str,
}

impl Data for BoxCertified<'_> {
    const KIND: &'static str = BoxAdd::KIND;
}

/// Registers a box and makes its one-time code. Blocking.
pub fn add(desk: &Desk, name: &BoxName, who: &str) -> Result<String, Refusal> {
    BoxName::parse_new(name.as_str()).map_err(plain)?;
    let hub = desk
        .config
        .address
        .clone()
        .unwrap_or_else(|| desk.quic.to_string());
    let code = EnrolCode {
        hub,
        ca: desk.keys.ca_digest(),
        r#box: name.clone(),
        secret: keys::random().map_err(plain)?,
    };
    let text = code.encode().ok_or_else(|| {
        Refusal("the hub's address is too long for a code; shorten `address` in hub.toml".into())
    })?;
    desk.log
        .append(
            who,
            &BoxAdd {
                r#box: name.to_string(),
                by: vec![who.into()],
            },
        )
        .map_err(plain)?;
    let now = desk.now();
    desk.db
        .register_box(
            name,
            &kept(&code.secret_text()),
            now.plus_ms(registry::CODE_LIFE_MS),
            now,
        )
        .map_err(plain)?;
    Ok(text)
}

/// Claims a box. Blocking; every refusal is a sentence for the person at the box.
pub fn claim(desk: &Desk, scheme: &str, name: &BoxName, secret: &str, spki: &str) -> EnrolReply {
    match try_claim(desk, scheme, name, secret, spki) {
        Ok(reply) => {
            tracing::info!(%name, "box enrolled");
            reply
        }
        Err(why) => {
            tracing::warn!(%name, %why, "enrolment refused");
            EnrolReply::Refused { why }
        }
    }
}

fn try_claim(
    desk: &Desk,
    scheme: &str,
    name: &BoxName,
    secret: &str,
    spki: &str,
) -> Result<EnrolReply, String> {
    let ours = desk.config.scheme.as_str();
    if scheme != ours {
        return Err(format!(
            "this hub serves the scheme {ours}, and the box is set up for {scheme:?}; nothing was done, and the code is still good. Correct box.scheme in the box's edge.toml, or take a code of that scheme's hub"
        ));
    }
    // A hub of before may have given out a code for such a name: a box of it could pass for something else where names are read.
    if let Err(e) = BoxName::parse_new(name.as_str()) {
        return Err(format!(
            "{e}; nothing was done. Give the box another name in its edge.toml (box.name), and take a code for that one (`beadle-hub box add NAME`)"
        ));
    }
    let ours = |e: &dyn std::fmt::Display| {
        tracing::error!("enrolment of {name}: {e}");
        "the hub could not enrol the box; its own log says why; try again later".to_owned()
    };
    let now = desk.now();
    let hash = kept(secret);
    let code = desk.db.code(name).map_err(|e| ours(&e))?;
    let judged = registry::claim(code.as_ref(), &hash, now);
    if judged.is_err() {
        desk.db.code_tried(name).map_err(|e| ours(&e))?;
    }
    judged.map_err(str::to_owned)?;
    let spki = STANDARD
        .decode(spki)
        .map_err(|_| "the public key offered is not base64".to_owned())?;
    let (cert, fingerprint, until) = match desk.keys.certify_box(name, &spki, now) {
        Ok(made) => made,
        Err(e @ keys::KeyError::NotP256) => return Err(e.to_string()),
        Err(e) => return Err(ours(&e)),
    };
    let fingerprint = hex(&fingerprint);
    let line = BoxCertified {
        r#box: name.as_str(),
        by: vec!["sys:enrol".into()],
        cert: &fingerprint,
    };
    desk.log.append("sys:enrol", &line).map_err(|e| ours(&e))?;
    if !desk
        .db
        .enrol(name, &hash, &fingerprint, until)
        .map_err(|e| ours(&e))?
    {
        return Err(
            "this code was used already; ask for a new one (`beadle-hub box add NAME`)".into(),
        );
    }
    Ok(EnrolReply::Enrolled {
        scheme: desk.config.scheme.clone(),
        cert,
        ca: desk.keys.ca_pem().to_owned(),
        cosign: desk.keys.cosign_vkey().to_string(),
        order: desk.keys.order_vkey().to_string(),
    })
}
