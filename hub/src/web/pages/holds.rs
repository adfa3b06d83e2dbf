//! Wiring. The page of held footage, and the second person's word that a hold ends before its time (RET-3, ROL-5).

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use shared::{id::HoldId, time::Zone};

use crate::{
    ops::holds,
    requests::holds::rows::HoldRow,
    web::{
        context::{App, Outcome, Refused, SignedIn, no_such_act},
        leaf::{Leaf, Turn},
        parts::{self, Frame, state, text},
    },
};

/// A hold as its page shows it.
pub struct HoldView {
    pub hold: String,
    pub camera: String,
    pub state: parts::State,
    pub warnings: Vec<String>,
    pub from: String,
    pub to: String,
    pub kept: String,
    pub until: String,
    pub review: String,
    pub reason: String,
    pub authority: String,
    pub reference: String,
    pub by: String,
    pub made: String,
    pub exhibit: Option<String>,
    pub release: Option<String>,
    pub freed: String,
    /// This person asked that it be released.
    pub own: bool,
    /// Somebody else did, so this person may approve it.
    pub approve: bool,
}

#[derive(Template)]
#[template(path = "holds.html")]
pub struct HoldsPage {
    pub frame: Frame,
    pub holds: Vec<HoldView>,
    pub leaf: Leaf,
    /// What was just done.
    pub done: String,
    pub problem: String,
}

pub fn view(h: &HoldRow, me: &str, zone: &Zone) -> HoldView {
    let says = h.standing(zone);
    HoldView {
        hold: h.hold.to_string(),
        camera: h.camera.clone(),
        state: match h.state.as_str() {
            "pending" => state("…", "waiting for the box", "warn", says),
            "placed" => state("✔", "in force", "good", says),
            "releasing" => state("…", "being released", "unknown", says),
            "over" => state("⊘", "over", "unknown", says),
            _ => state("✖", "refused", "bad", says),
        },
        warnings: h.warnings.clone(),
        from: h.t0.for_people(zone),
        to: h.t1.for_people(zone),
        kept: h.segments.map_or("nothing yet".into(), |n| {
            format!("{n} segments, {}", parts::size(h.bytes.unwrap_or(0)))
        }),
        until: match h.days_left {
            Some(days) => format!("{}, {days} days left", h.until.for_people(zone)),
            None => h.until.for_people(zone),
        },
        review: h.review.to_string(),
        reason: text(&h.reason),
        authority: text(&h.authority),
        reference: text(&h.reference),
        by: h.by.clone(),
        made: h.made.for_people(zone),
        exhibit: h.exhibit.clone(),
        release: h.release.as_ref().map(|r| {
            format!(
                "{} at {}: {}",
                r.by,
                r.made.for_people(zone),
                text(&r.reason)
            )
        }),
        freed: h.freed.join(", "),
        own: h.release.as_ref().is_some_and(|r| r.by == me),
        approve: h.release.as_ref().is_some_and(|r| r.by != me),
    }
}

/// Holds on one page.
const HOLDS: u32 = 50;

async fn answer(
    app: &App,
    who: &SignedIn,
    turn: &Turn,
    outcome: Outcome,
) -> Result<Response, Refused> {
    let all = holds::List {
        r#box: None,
        all: false,
        part: turn.part(HOLDS),
    };
    let held = app.perform(who, all).await?;
    let me = who.person().op();
    let shown = HoldsPage {
        frame: who.frame(app, "/holds"),
        leaf: turn.leaf("/holds", held.next.as_ref()),
        holds: held.rows.iter().map(|h| view(h, &me, app.zone())).collect(),
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
pub struct HoldForm {
    form: String,
    hold: String,
    act: String,
}

pub async fn settle(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<HoldForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let hold = HoldId::parse(&form.hold);
    let (Ok(hold), "approve") = (hold, form.act.as_str()) else {
        return Err(no_such_act());
    };
    let settled = app.perform(&who, holds::Approve { hold }).await;
    let settled = settled.map(|h| {
        let told = match h.online {
            true => "Its box is told.",
            false => "Its box is told when it is back on the line.",
        };
        format!("{hold} is released. {told}")
    });
    answer(&app, &who, &Turn::default(), Outcome::of(settled)?).await
}
