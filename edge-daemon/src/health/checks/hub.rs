//! Adapter: network. The certificate, and whether the hub can be reached with it.

use shared::time::Utc;

use super::{Line, Looked};
use crate::{
    health::status,
    identity::{BoxKey, Enrolment, SOON_MS},
    uplink::quic::{LinkError, Target, Trusted, dial},
};

pub fn check(looked: &Looked) -> Vec<Line> {
    let enrolled = match Enrolment::load(&looked.state) {
        Ok(Some(enrolled)) => enrolled,
        Ok(None) => {
            return vec![Line::wrong(
                "hub",
                "cert.missing",
                "no hub is known to this box",
            )];
        }
        Err(e) => {
            return vec![Line::wrong(
                "hub",
                "cert.missing",
                crate::failure::chain(&e),
            )];
        }
    };
    vec![
        certificate(&enrolled, crate::uplink::floor(looked.now.wall)),
        link(looked, &enrolled),
    ]
}

fn certificate(enrolled: &Enrolment, now: Utc) -> Line {
    let Some(until) = enrolled.certificate().map(|c| c.until) else {
        return Line::wrong(
            "certificate",
            "hub.refused",
            "it cannot be read; enrol the box again",
        );
    };
    let left = until.0 - now.0;
    let day = &until.to_string()[..10];
    match left {
        ..0 => Line::wrong(
            "certificate",
            "cert.expiring",
            format!("it was good until {day}; the box renews it as soon as it reaches the hub"),
        ),
        0..SOON_MS => Line::wrong(
            "certificate",
            "cert.expiring",
            format!(
                "it is good until {day}, {} more",
                shared::time::length_in_words(left)
            ),
        ),
        _ => Line::good("certificate", format!("good until {day}")),
    }
}

fn link(looked: &Looked, enrolled: &Enrolment) -> Line {
    let hub = &enrolled.facts.hub;
    // A second connection of the same box would take the place of the one that works.
    if let Some(s) = super::running::told(looked).status()
        && s.uplink.state == "connected"
    {
        return Line::good("hub", connected(s, hub));
    }
    let key = match BoxKey::open(&looked.state.identity()) {
        Ok(Some(key)) => key,
        Ok(None) => {
            return Line::wrong(
                "hub",
                "cert.missing",
                "the box's key is gone; enrol it again",
            );
        }
        Err(e) => return Line::wrong("hub", "cert.missing", crate::failure::chain(&e)),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return Line::wrong("hub", "hub.unreachable", e),
    };
    let target = Target {
        hub: hub.clone(),
        trusted: Trusted::Ca(enrolled.ca.clone()),
        client: Some((enrolled.cert.clone(), key.tls())),
        congestion: crate::config::Congestion::default(),
        judged_at: crate::uplink::floor(looked.now.wall),
    };
    let tried = runtime.block_on(async {
        let line = dial(&target).await?;
        // In TLS 1.3 a hub that does not like our certificate says so after we are done.
        let refused = tokio::time::timeout(std::time::Duration::from_secs(1), line.closed()).await;
        line.close("doctor").await;
        refused.map_or(Ok(()), Err)
    });
    match tried {
        Ok(()) => Line::good("hub", format!("answers at {hub}")),
        // The box runs after all, and dialled anew.
        Err(LinkError::Closed {
            code: shared::wire::close::REPLACED,
            ..
        }) => Line::good("hub", format!("answers at {hub}")),
        Err(
            e @ (LinkError::Closed { .. } | LinkError::NotAccepted(_) | LinkError::Stranger { .. }),
        ) => Line::wrong("hub", "hub.refused", e),
        Err(e) => Line::wrong("hub", "hub.unreachable", crate::failure::chain(&e)),
    }
}

fn connected(s: &status::Status, hub: &str) -> String {
    let owed = s.log.size.saturating_sub(s.log.countersigned);
    format!(
        "connected to {hub}; {} of {} log lines countersigned ({owed} to come)",
        s.log.countersigned, s.log.size
    )
}
