//! Task. A box's certificate: made for a one-time code, with everything the box keeps; and made anew when the box asks.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use shared::{
    code::{EnrolCode, Place},
    id::BoxName,
    record::{hex, sha256},
    types::{BoxAdd, BoxRenew, BoxRevoke},
    wire::{self, EnrolReply, RenewReply, close},
};
use utoipa::ToSchema;

use super::registry::{self, BadClaim, Claim};
use crate::{
    access::authorise::Permit,
    error::{HubError, plain},
    hub::Hub,
    keys::{self, authority::key_print},
    link::BoxCertificate,
    orders::approvers,
    reason::Footage,
    texts::keep_salted,
};

/// Hash under which a code's secret is kept. The secret has 64 random bits and a week to live: a plain hash is enough.
fn kept(secret: &str) -> String {
    hex(&sha256(
        format!("beadle enrolment secret v2\n{secret}").as_bytes(),
    ))
}

/// A one-time code in both its forms.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Codes {
    pub short: String,
    /// With the hub's address and the box's name, for a QR code.
    pub long: String,
    /// The address in it.
    pub hub: String,
}

/// Refuses a box from now on; one that is on the line is cut off. Blocking.
pub fn revoke(hub: &Hub, name: &BoxName, why: &str, permit: &Permit) -> Result<(), HubError> {
    // Free text stays out of the log; the sentence itself is kept in the box's record.
    hub.act(|act| {
        match hub.db.box_named(name)?.map(|b| b.state) {
            None => return Err(Footage::BoxUnknown { name: name.clone() }.into()),
            Some(state) if state == "revoked" => {
                return Err(Footage::BoxRevokedAlready { name: name.clone() }.into());
            }
            Some(_) => {}
        }
        let line = BoxRevoke {
            r#box: name.to_string(),
            why: keep_salted(hub, why)?,
            by: vec![permit.op()],
        };
        act.log(&permit.op(), &line)?;
        Ok(act.revoke_box(name, why)?)
    })?;
    let closed = registry::revoked(name.as_str(), Some(why));
    hub.live.cut(name, close::REVOKED, &closed.why);
    Ok(())
}

/// Registers a box and makes its one-time code. Blocking.
pub fn add(hub: &Hub, name: &BoxName, permit: &Permit) -> Result<Codes, HubError> {
    BoxName::parse_new(name.as_str())?;
    let reached = match &hub.config.address {
        Some(address) => address.clone(),
        None => reached_at(hub),
    };
    let place = Place {
        hub: reached.clone(),
        r#box: name.clone(),
    };
    let secret = keys::random().map_err(plain)?;
    let code = EnrolCode::new(secret, hub.keys.authority().der(), Some(place));
    let (short, long) = (code.short(), code.long().unwrap_or_default());
    let line = BoxAdd {
        r#box: name.to_string(),
        by: vec![permit.op()],
        cert: None,
    };
    hub.act(|act| {
        act.log(&permit.op(), &line)?;
        let now = hub.now();
        let until = now.plus_ms(registry::CODE_LIFE_MS);
        Ok(act.register_box(name, &kept(&code.secret_text()), until, now)?)
    })?;
    Ok(Codes {
        short,
        long,
        hub: reached,
    })
}

/// Where boxes dial when hub.toml has no `address`: where the hub listens, or, when that is everywhere, its first name.
fn reached_at(hub: &Hub) -> String {
    let listens = hub.quic;
    match hub.config.names.first() {
        Some(name) if listens.ip().is_unspecified() => match name.parse::<std::net::IpAddr>() {
            Ok(ip) => std::net::SocketAddr::new(ip, listens.port()).to_string(),
            Err(_) => format!("{name}:{}", listens.port()),
        },
        _ => listens.to_string(),
    }
}

/// Why a box is not enrolled: what it is told, and whether it was a guess at the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentRefusal {
    pub why: String,
    pub is_guess: bool,
}

impl From<BadClaim> for EnrolmentRefusal {
    fn from(e: BadClaim) -> Self {
        Self {
            why: e.to_string(),
            is_guess: e == BadClaim::Guess,
        }
    }
}

fn refused(why: impl Into<String>) -> EnrolmentRefusal {
    EnrolmentRefusal {
        why: why.into(),
        is_guess: false,
    }
}

/// Claims a box. Blocking; every refusal is a sentence for the person at the box.
pub fn claim(
    hub: &Hub,
    scheme: &str,
    name: &BoxName,
    secret: &str,
    spki: &str,
) -> Result<EnrolReply, EnrolmentRefusal> {
    let ours = hub.config.scheme.as_str();
    if scheme != ours {
        return Err(refused(format!(
            "this hub serves the scheme {ours}, and the box is set up for {scheme:?}; nothing was done, and the code is still good. Correct box.scheme in the box's edge.toml, or take a code of that scheme's hub"
        )));
    }
    // A hub of before may have given out a code for such a name: a box of it could pass for something else where names are read.
    if let Err(e) = BoxName::parse_new(name.as_str()) {
        return Err(refused(format!(
            "{e}; nothing was done. Give the box another name in its edge.toml (box.name), and take a code for that one (`beadle-hub box add NAME`)"
        )));
    }
    let ours = |e: &dyn std::fmt::Display| {
        tracing::error!("enrolment of {name}: {e}");
        refused(
            "the hub could not enrol the box; its own log says why; nothing was done, and the code is still good; try again later",
        )
    };
    let spki = STANDARD.decode(spki).map_err(|_| {
        refused(
            "the public key offered is not base64; nothing was done, and the code is still good",
        )
    })?;
    let approvers = approvers::pinned(hub).map_err(|e| ours(&e))?;
    let now = hub.now();
    let (hash, key) = (kept(secret), key_print(&spki));
    let code = hub.db.code(name).map_err(|e| ours(&e))?;
    let cert = match registry::claim(code.as_ref(), &hash, &key, now)? {
        Claim::New => enrol(hub, name, &hash, &key, &spki, &ours)?,
        Claim::Again => {
            let b = hub.db.box_named(name).map_err(|e| ours(&e))?;
            let same = b.filter(|b| b.state == "enrolled" && b.key.as_ref() == Some(&key));
            let cert = same.and_then(|b| b.cert);
            cert.ok_or_else(|| EnrolmentRefusal::from(BadClaim::Used))?
        }
    };
    tracing::info!(%name, "box enrolled");
    Ok(EnrolReply::Enrolled {
        v: wire::VERSION,
        scheme: hub.config.scheme.clone(),
        cert,
        ca: hub.keys.authority().pem().to_owned(),
        cosign: hub.keys.cosign_vkey().to_string(),
        order: hub.keys.order_vkey().to_string(),
        lookup: hub.config.lookup.clone(),
        approvers: approvers.map(Box::new),
    })
}

/// Certifies the key, and uses up the code; the certificate.
fn enrol(
    hub: &Hub,
    name: &BoxName,
    hash: &str,
    key: &str,
    spki: &[u8],
    ours: &dyn Fn(&dyn std::fmt::Display) -> EnrolmentRefusal,
) -> Result<String, EnrolmentRefusal> {
    let made = match hub.keys.authority().certify_box(name, spki, hub.now()) {
        Ok(made) => made,
        Err(e @ keys::KeyError::NotP256) => {
            return Err(refused(format!(
                "{e}; nothing was done, and the code is still good"
            )));
        }
        Err(e) => return Err(ours(&e)),
    };
    let line = BoxAdd {
        r#box: name.to_string(),
        by: vec!["sys:enrol".into()],
        cert: Some(made.print),
    };
    let used = hub.act(|act| {
        let used = act.enrol(name, hash, key, &made.pem)?;
        if used {
            act.log("sys:enrol", &line)?;
        }
        Ok(used)
    });
    match used.map_err(|e| ours(&e))? {
        true => Ok(made.pem),
        false => Err(BadClaim::Used.into()),
    }
}

/// Gives a box another certificate for the key it has: a new one from half of the life of the newest on, which is logged; until then that
/// newest one, so that an answer that was lost is given again, and asking often makes nothing. Blocking.
pub fn renew(hub: &Hub, shown: &BoxCertificate) -> RenewReply {
    match try_renew(hub, shown) {
        Ok(cert) => RenewReply::Renewed {
            v: wire::VERSION,
            cert,
        },
        Err(why) => {
            tracing::warn!(name = %shown.name, %why, "a certificate was not renewed");
            RenewReply::Refused { why }
        }
    }
}

fn try_renew(hub: &Hub, shown: &BoxCertificate) -> Result<String, String> {
    let name = &shown.name;
    let ours = |e: &dyn std::fmt::Display| {
        tracing::error!("renewal for {name}: {e}");
        "the hub could not renew the certificate just now; its own log says why; the box asks again by itself".to_owned()
    };
    let now = hub.now();
    let known = hub.db.box_named(name).map_err(|e| ours(&e))?;
    // Between coming in and asking it may have been revoked.
    registry::admit(known.as_ref(), shown, now, &hub.config.zone).map_err(|c| c.why)?;
    let newest = known.and_then(|b| b.cert).filter(|pem| {
        CertificateDer::from_pem_slice(pem.as_bytes())
            .is_ok_and(|der| registry::is_fresh(&der, &shown.spki, now))
    });
    if let Some(newest) = newest {
        return Ok(newest);
    }
    let made = hub.keys.authority().certify_box(name, &shown.spki, now);
    let made = made.map_err(|e| ours(&e))?;
    let line = BoxRenew {
        r#box: name.to_string(),
        cert: made.print,
        until: made.until,
        by: vec!["sys:enrol".into()],
    };
    let taken = hub.act(|act| {
        let taken = act.renewed(name, &shown.key, &made.pem)?;
        if taken {
            act.log("sys:enrol", &line)?;
        }
        Ok(taken)
    });
    if !taken.map_err(|e| ours(&e))? {
        return Err(format!(
            "box {name} was revoked or enrolled anew in this moment; nothing was renewed"
        ));
    }
    tracing::info!(%name, until = %made.until, "a box's certificate was renewed");
    Ok(made.pem)
}
