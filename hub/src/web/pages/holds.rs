//! Wiring. The page of held footage, and the second person's word that a hold ends before its time (RET-3, ROL-5).

use askama::Template;
use serde::Deserialize;
use shared::{id::HoldId, time::Zone};

use crate::{
    error::HubError,
    holds::rows::HoldRow,
    ops::holds,
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
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

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct HoldForm {
    form: String,
    hold: String,
    act: String,
}

page_form!(HoldForm);

impl FormPage for HoldsPage {
    const PATH: &'static str = "/holds";
    type Form = HoldForm;

    async fn read(app: &App, who: &SignedIn, shown: PageState<HoldForm>) -> Result<Self, HubError> {
        let all = holds::List {
            r#box: None,
            all: false,
            part: shown.turn.part(HOLDS),
        };
        let held = app.perform(who, all).await?;
        let (me, zone) = (who.person().op(), app.zone());
        Ok(Self {
            leaf: shown.turn.leaf(Self::PATH, held.next.as_ref()),
            holds: held.rows.iter().map(|h| view(h, &me, zone)).collect(),
            frame: shown.frame,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: HoldForm) -> Result<String, HubError> {
        let hold = HoldId::parse(&form.hold);
        let (Ok(hold), "approve") = (hold, form.act.as_str()) else {
            return Err(no_such_act());
        };
        let released = app.perform(who, holds::Approve { hold }).await?;
        let told = match released.online {
            true => "Its box is told.",
            false => "Its box is told when it is back on the line.",
        };
        Ok(format!("{hold} is released. {told}"))
    }
}
