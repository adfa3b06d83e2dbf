//! Task. Takes a request in: judged, recorded, logged; then the fetching task has it.

use shared::{
    id::{BoxCamera, ExhibitRef},
    record::{hex, salted},
    time::Utc,
    types::{GrantFail, GrantSet},
};

use super::{
    Progress, holds,
    rules::{self, Asked, Known, State},
};
use crate::{
    access::authorise::Permit,
    db::{numbers::Numbered, requests::RequestRecord},
    desk::Desk,
    disposal::acts::{Given, classed},
    error::{HubError, plain},
    keys,
};

/// Hashes a text with a fresh salt; salt and text go to the erasable side table. Blocking.
pub fn keep_salted(desk: &Desk, text: &str) -> Result<String, HubError> {
    let salt: [u8; 16] = keys::random().map_err(plain)?;
    let hash = salted(&salt, text);
    desk.db
        .keep_side(&hash, &hex(&salt), text, desk.now())
        .map_err(plain)?;
    Ok(hash)
}

/// Blocking. A refusal is logged too, and uses no number up. The exhibit will be of class general.
pub fn submit(desk: &Desk, asked: &Asked, permit: &Permit) -> Result<ExhibitRef, HubError> {
    submit_as(desk, asked, &Given::default(), permit)
}

/// The same with the class that says how long the exhibit is kept. One that cannot be is refused before anything is recorded.
pub fn submit_as(
    desk: &Desk,
    asked: &Asked,
    class: &Given,
    permit: &Permit,
) -> Result<ExhibitRef, HubError> {
    let who = &*permit.op();
    let class = class.class(desk)?;
    let cam = asked.camera.to_string();
    let granted = desk.act(|act| {
        let now = desk.now();
        let judged = with_known(desk, &asked.camera, asked.t0, asked.t1, |known| {
            rules::judge(asked, known)
        })?;
        if let Err(why) = judged {
            return Ok(Err(why));
        }
        let number = act.number(Numbered::Request)?;
        let short = u32::try_from(number).map_err(plain)?;
        let exhibit = ExhibitRef::new(desk.config.zone.day_of(now).year(), short);
        let mut record = RequestRecord {
            r#ref: exhibit.clone(),
            grant: format!("G-{number:06}"),
            camera: asked.camera.clone(),
            t0: asked.t0,
            t1: asked.t1,
            purpose: keep_salted(desk, &asked.purpose)?,
            reference: keep_salted(desk, &asked.reference)?,
            requester: keep_salted(desk, &asked.requester)?,
            who: who.into(),
            state: State::Authorised,
            why: String::new(),
            granted: 0,
            line: None,
            footage: None,
            package: None,
            made: now,
        };
        // First what keeps the footage.
        holds::for_request(desk, act, &record)?;
        let line = GrantSet {
            grant: record.grant.clone(),
            r#ref: exhibit.to_string(),
            cam: cam.clone(),
            t0: asked.t0,
            t1: asked.t1,
            purpose: record.purpose.clone(),
            reference: record.reference.clone(),
            requester: record.requester.clone(),
        };
        record.granted = act.log(who, &line)?;
        act.add_request(short, &record)?;
        classed(act, &exhibit, class, &record.purpose, who)?;
        Ok(Ok(record))
    })?;
    match granted {
        Ok(record) => {
            desk.pulls.holds.wake();
            tell(desk, &record, State::Authorised, "");
            desk.pulls.start(record.r#ref.as_str());
            Ok(record.r#ref)
        }
        Err(why) => {
            // The sentence may name times only: nothing personal reaches the log.
            let why_code = "no-such-footage-or-not-allowed".into();
            desk.log.append(who, &GrantFail { cam, why: why_code })?;
            Err(HubError::Refused(why))
        }
    }
}

fn tell(desk: &Desk, r: &RequestRecord, state: State, why: &str) {
    desk.pulls.tell(Progress {
        r#ref: r.r#ref.to_string(),
        state: state.as_str().into(),
        why: why.into(),
        bytes: 0,
        total: 0,
        segments_done: 0,
        segments: 0,
        package: None,
    });
}

/// Gathers what is known of a camera and a span, and hands it to a rule.
pub(super) fn with_known<T>(
    desk: &Desk,
    camera: &BoxCamera,
    t0: Utc,
    t1: Utc,
    rule: impl FnOnce(&Known<'_>) -> T,
) -> Result<T, HubError> {
    let record = desk.db.box_named(&camera.r#box).map_err(plain)?;
    let mut cameras = desk.db.cameras_seen(&camera.r#box).map_err(plain)?;
    if let Some(hello) = record.as_ref().and_then(|b| b.hello.as_ref()) {
        cameras.extend(hello.cameras.iter().map(|c| c.cam.to_string()));
    }
    cameras.sort();
    cameras.dedup();
    let health = record.as_ref().and_then(|b| b.health.as_ref());
    let landed = health.and_then(|h| h.camera(&camera.cam)?.flow.landed);
    let now = desk.now();
    let held: Vec<(Utc, Utc)> = desk
        .db
        .placed_holds(camera)
        .map_err(plain)?
        .iter()
        .filter(|h| h.standing.keeps(now))
        .map(|h| (h.t0, h.t1))
        .collect();
    let known = Known {
        now,
        zone: &desk.config.zone,
        box_state: record.as_ref().map(|b| b.state.as_str()),
        cameras: &cameras,
        online: desk.live.online(&camera.r#box),
        landed,
        extent: desk.db.extent(camera).map_err(plain)?,
        segments: &desk.db.segments(camera, t0, t1).map_err(plain)?,
        gaps: &desk.db.gaps(camera, t0, t1).map_err(plain)?,
        held: &held,
    };
    Ok(rule(&known))
}
