//! Wiring. The page of lifts that wait for a second person (MSK-4, ROL-5).

use askama::Template;
use serde::Deserialize;
use shared::time::{Utc, Zone};

use crate::{
    error::HubError,
    ops::masks,
    orders::mask::LiftRow,
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
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

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct LiftForm {
    form: String,
    request: u64,
    act: String,
}

page_form!(LiftForm);

impl FormPage for LiftsPage {
    const PATH: &'static str = "/lifts";
    type Form = LiftForm;

    async fn read(app: &App, who: &SignedIn, shown: PageState<LiftForm>) -> Result<Self, HubError> {
        let part = shown.turn.part(LIFTS);
        let lifts = app.perform(who, masks::Lifts { part }).await?;
        let (me, zone) = (who.person().op(), app.zone());
        Ok(Self {
            leaf: shown.turn.leaf(Self::PATH, lifts.next.as_ref()),
            lifts: lifts.rows.iter().map(|l| view(l, &me, zone)).collect(),
            frame: shown.frame,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: LiftForm) -> Result<String, HubError> {
        let request = form.request;
        match form.act.as_str() {
            "approve" => {
                let done = app.perform(who, masks::ApproveLift { request }).await?;
                Ok(match done.touches {
                    Some(waits) => touches(waits.until, app.zone()),
                    None => lifted(done.until, app.zone()),
                })
            }
            "withdraw" => {
                app.perform(who, masks::WithdrawLift { request }).await?;
                Ok(format!("Request {request} is withdrawn."))
            }
            _ => Err(no_such_act()),
        }
    }
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
