//! Wiring. The page of lifts that wait for a second person (MSK-4, ROL-5).

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use shared::time::{Utc, Zone};

use crate::{
    ops::masks,
    requests::mask::LiftRow,
    web::{
        context::{App, Outcome, Refused, SignedIn, no_such_act},
        leaf::{Leaf, Turn},
        parts::{Frame, text},
    },
};

/// A lift of a mask that waits for a second person.
pub struct LiftView {
    pub n: u64,
    pub camera: String,
    pub mask: String,
    pub end: String,
    pub authority: String,
    pub reason: String,
    pub by: String,
    pub made: String,
    pub expires: String,
    /// Asked for by whoever looks: another must approve it.
    pub own: bool,
}

#[derive(Template)]
#[template(path = "lifts.html")]
pub struct LiftsPage {
    pub frame: Frame,
    pub lifts: Vec<LiftView>,
    pub leaf: Leaf,
    /// What was just done.
    pub done: String,
    pub problem: String,
}

fn view(l: &LiftRow, me: &str, zone: &Zone) -> LiftView {
    LiftView {
        n: l.n,
        camera: l.camera.clone(),
        mask: l.mask_in_words(),
        end: match (l.until, l.minutes) {
            (Some(until), _) => format!("until {}", until.for_people(zone)),
            (None, minutes) => format!("for {} minutes from the approval on", minutes.unwrap_or(0)),
        },
        authority: text(&l.authority),
        reason: text(&l.reason),
        by: l.by.clone(),
        made: l.made.for_people(zone),
        expires: l.expires.for_people(zone),
        own: l.by == me,
    }
}

/// Requests on one page.
const LIFTS: u32 = 50;

async fn answer(
    app: &App,
    who: &SignedIn,
    turn: &Turn,
    outcome: Outcome,
) -> Result<Response, Refused> {
    let part = turn.part(LIFTS);
    let lifts = app.perform(who, masks::Lifts { part }).await?;
    let me = who.person().op();
    let shown = LiftsPage {
        frame: who.frame(app, "/lifts"),
        leaf: turn.leaf("/lifts", lifts.next.as_ref()),
        lifts: lifts
            .rows
            .iter()
            .map(|l| view(l, &me, app.zone()))
            .collect(),
        done: outcome.done.clone(),
        problem: outcome.problem.clone(),
    };
    outcome.on(&shown)
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(turn): Query<Turn>,
) -> Result<Response, Refused> {
    answer(&app, &who, &turn, Outcome::default()).await
}

#[derive(Deserialize)]
pub struct LiftForm {
    form: String,
    request: u64,
    act: String,
}

pub async fn settle(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<LiftForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let request = form.request;
    let settled = match form.act.as_str() {
        "approve" => {
            let done = app.perform(&who, masks::ApproveLift { request }).await;
            done.map(|done| match done.touches {
                Some(waits) => touches(waits.until, app.zone()),
                None => lifted(done.until, app.zone()),
            })
        }
        "withdraw" => {
            let done = app.perform(&who, masks::WithdrawLift { request }).await;
            done.map(|_| format!("Request {request} is withdrawn."))
        }
        _ => return Err(no_such_act()),
    };
    answer(&app, &who, &Turn::default(), Outcome::of(settled)?).await
}

fn touches(until: Utc, zone: &Zone) -> String {
    format!(
        "Nothing is lifted yet: the box takes the order once both of you have touched your passkeys for it, before {}. Do so now, on the page \u{201c}What waits for your key\u{201d}.",
        until.for_people(zone)
    )
}

fn lifted(until: Utc, zone: &Zone) -> String {
    format!(
        "The mask is lifted until {}; it comes back by itself.",
        until.for_people(zone)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MSK-4: whoever approved is told when the mask is back.
    #[test]
    fn the_end_of_a_lift_is_said() {
        let until = Utc::parse("2026-11-03T14:20:00.000Z").expect("time");
        assert_eq!(
            lifted(until, &Zone::utc()),
            "The mask is lifted until Tue 3 Nov 2026 14:20:00 UTC; it comes back by itself."
        );
    }
}
