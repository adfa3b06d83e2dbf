//! Task. The box's certificate, made anew by the hub: over the line as it is from half of its life on; and when it is over, first thing on a
//! new connection, by the hub's narrow door.

use std::{sync::Arc, time::Duration};

use shared::{
    certificate::Certificate,
    record::{hex, sha256},
    time::Utc,
    types::CertSet,
    wire::{self, Open, RenewReply},
};

use super::{
    link::Deps,
    quic::{Line, LinkError, priority},
};
use crate::identity::Enrolment;

/// How often it is looked at while the line is up.
const LOOK: Duration = Duration::from_secs(3600);
const ANSWER: Duration = Duration::from_secs(20);

/// Whether nothing but renewing is left to do with this one. A certificate that cannot be read is not judged here: the hub will.
pub fn is_over(enrolled: &Enrolment, now: Utc) -> bool {
    enrolled.certificate().is_some_and(|c| c.is_over(now))
}

/// Renews in time for as long as the line is up. What fails is tried again at the next look: half of its life is left for that.
pub async fn keep(deps: Arc<Deps>, mut enrolled: Enrolment, line: Line) -> LinkError {
    loop {
        let now = super::floor(deps.desk.clock.now().wall);
        if enrolled.certificate().is_some_and(|c| c.is_due(now)) {
            match ask(&deps, &enrolled, &line).await {
                Ok(Some(anew)) => enrolled = anew,
                Ok(None) => {}
                Err(e) => tracing::warn!(
                    error = crate::failure::chain(&e),
                    "the certificate was not renewed; it is tried again in an hour"
                ),
            }
            deps.look_at_certificate(&enrolled);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Asks for another certificate and stores it. None: the hub holds the one the box has for fresh.
pub async fn ask(
    deps: &Arc<Deps>,
    enrolled: &Enrolment,
    line: &Line,
) -> Result<Option<Enrolment>, LinkError> {
    let (mut out, mut inc) = line.open(priority::CONTROL).await?;
    out.send(&Open::Renew { v: wire::VERSION }).await?;
    let frame = match inc.frame_within(ANSWER).await {
        Ok(Some(frame)) => frame,
        Ok(None) => {
            return Err(line.why_closed().unwrap_or(LinkError::NotRenewed(
                "it ended the stream without an answer".into(),
            )));
        }
        Err(e) => return Err(line.why_closed().unwrap_or(e)),
    };
    let reply = match frame.first::<RenewReply>() {
        Ok(reply) => reply,
        Err(e) => return Err(line.not_understood(e).await),
    };
    let pem = match reply {
        RenewReply::Renewed { v: _, cert } => cert,
        RenewReply::Refused { why } => return Err(LinkError::NotRenewed(why)),
        RenewReply::Unknown => {
            return Err(LinkError::NotRenewed(
                "its answer is of a kind this version does not know; update the box".into(),
            ));
        }
    };
    let (held, before) = (deps.clone(), enrolled.clone());
    tokio::task::spawn_blocking(move || take(&held, &before, &pem))
        .await
        .map_err(|e| LinkError::NotRenewed(e.to_string()))?
}

/// Stored first, then logged: a certificate without its line is on the hub's log, a line without its certificate would be a lie.
fn take(deps: &Deps, before: &Enrolment, pem: &str) -> Result<Option<Enrolment>, LinkError> {
    let anew = before
        .renewed(&deps.desk.state, &deps.key, pem)
        .map_err(|e| LinkError::NotRenewed(crate::failure::chain(&e)))?;
    let Some(anew) = anew else {
        return Ok(None);
    };
    let until = Certificate::parse(anew.cert.as_ref()).map_or(Utc(0), |c| c.until);
    let line = CertSet {
        what: "box".into(),
        cert: hex(&sha256(anew.cert.as_ref())),
        until,
    };
    if let Err(e) = deps.desk.log.append("sys:edge", &line) {
        tracing::error!(error = %e, "the box has a new certificate, and the log took no line of it");
    }
    tracing::info!(%until, "the box has a new certificate");
    Ok(Some(anew))
}
