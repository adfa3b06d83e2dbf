//! Wiring. What waits for the second of two people: each act with what will happen if they say yes, who asked for it and why, and until when it
//! waits. It is decided where it belongs; this page leads there.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use shared::time::{Utc, length_in_words};

use crate::{
    access::table,
    error::HubError,
    list::Part,
    model::operation::Row,
    ops::{backups, evidence, holds, masks, requests, roles, touches},
    orders::approvers::ApproverRequest,
    web::{
        context::{App, Refusal, SignedIn, page},
        parts::Frame,
    },
    words::label::Label,
};

/// Rows that are looked through for what waits.
const MOST: u32 = 200;

/// Something that waits for a decision of whoever is signed in.
pub struct Wait {
    pub address: String,
    pub text: Label,
    /// What happens if they say yes.
    pub will: Label,
    pub asked: Label,
    /// Why, as whoever asked wrote it; empty: nothing was written.
    pub reason: String,
    pub by: Label,
    until: Utc,
}

/// The operations by which a second person says yes, and those by which what waits for it is read.
pub const DECIDED: [(&Row, &Row); 8] = [
    (&table::TOUCH, &table::TOUCHES),
    (&table::REQUEST_AUTHORISE, &table::REQUESTS),
    (&table::LIFT_APPROVE, &table::LIFTS),
    (&table::HOLD_APPROVE, &table::HOLDS),
    (&table::EVIDENCE_APPROVE, &table::EVIDENCE),
    (&table::STAFF_APPROVE, &table::STAFF_WAITING),
    (&table::APPROVER_APPROVE, &table::APPROVERS),
    (&table::ROLLBACK_APPROVE, &table::ROLLBACK),
];

struct Reader<'a> {
    app: &'a App,
    who: &'a SignedIn,
    /// As logs name them.
    me: String,
    waits: Vec<Wait>,
}

impl Reader<'_> {
    fn add(
        &mut self,
        address: String,
        (text, will): (Label, Label),
        (by, made): (&str, Option<Utc>),
        reason: &Option<String>,
        until: Utc,
    ) {
        let zone = self.app.zone();
        self.waits.push(Wait {
            address,
            text,
            will,
            asked: Label::AskedBy {
                by: by.to_owned(),
                made: made.map(|t| t.for_people(zone)),
            },
            reason: reason.clone().unwrap_or_default(),
            by: Label::DecideBy(until.for_people(zone)),
            until,
        });
    }

    async fn touches(&mut self) -> Result<(), HubError> {
        let list = touches::List {
            part: Part::of(MOST),
        };
        let found = self.app.perform(self.who, list).await?;
        for o in found.rows.iter().filter(|o| o.passkey.is_some()) {
            let text = Label::WaitsForKey {
                order: o.order,
                place: o.r#box.clone(),
            };
            let address = "/touches".to_owned();
            let said = (text, Label::WillTouch);
            self.add(address, said, ("", None), &None, o.expires);
        }
        Ok(())
    }

    async fn requests(&mut self) -> Result<(), HubError> {
        let list = requests::List {
            waits: true,
            part: Part::of(MOST),
            ..requests::List::default()
        };
        for r in self.app.perform(self.who, list).await?.rows {
            let by = r.submitted_by.as_ref().unwrap_or(&r.opened_by);
            if r.opened_by == self.me || *by == self.me {
                continue;
            }
            let (cameras, zone) = (r.cameras.len() as u64, self.app.zone());
            let text = Label::WaitsRequest {
                request: r.request.clone(),
                class: r.class.requirements().title,
                cameras,
            };
            let span = r.from.zip(r.to);
            let will = Label::WillFetch {
                cameras,
                from: span.map_or_else(String::new, |(from, _)| from.for_people(zone)),
                length: span.map_or_else(String::new, |(from, to)| length_in_words(to.0 - from.0)),
            };
            let address = format!("/requests/{}", r.request);
            let until = r.due.unwrap_or(r.changed);
            self.add(
                address,
                (text, will),
                (by, Some(r.changed)),
                &r.purpose,
                until,
            );
        }
        Ok(())
    }

    async fn lifts(&mut self) -> Result<(), HubError> {
        let list = masks::Lifts {
            part: Part::of(MOST),
        };
        for l in self.app.perform(self.who, list).await?.rows {
            if l.by == self.me {
                continue;
            }
            let text = Label::WaitsLift {
                mask: l.mask.clone(),
                camera: l.camera.clone(),
            };
            let will = Label::WillLift {
                camera: l.camera.clone(),
                mask: l.mask_in_words(),
                until: l.until.map(|t| t.for_people(self.app.zone())),
                minutes: l.minutes,
            };
            let address = format!("/lifts#lift-{}", l.n);
            let asked = (l.by.as_str(), Some(l.made));
            self.add(address, (text, will), asked, &l.reason, l.expires);
        }
        Ok(())
    }

    async fn holds(&mut self) -> Result<(), HubError> {
        let list = holds::List {
            r#box: None,
            all: false,
            part: Part::of(MOST),
        };
        for h in self.app.perform(self.who, list).await?.rows {
            let Some(release) = h.release.as_ref().filter(|r| r.by != self.me) else {
                continue;
            };
            let text = Label::WaitsRelease {
                hold: h.hold.to_string(),
                camera: h.camera.clone(),
            };
            let until = h.until.max(release.made);
            let address = format!("/holds#hold-{}", h.hold);
            let asked = (release.by.as_str(), Some(release.made));
            let said = (text, Label::WillRelease);
            self.add(address, said, asked, &release.reason, until);
        }
        Ok(())
    }

    async fn evidence(&mut self) -> Result<(), HubError> {
        let list = evidence::List {
            asked: true,
            part: Part::of(MOST),
            ..evidence::List::default()
        };
        for e in self.app.perform(self.who, list).await?.rows {
            let Some(asked) = e.drop.as_ref().filter(|d| d.by != self.me) else {
                continue;
            };
            let text = Label::WaitsDisposal {
                exhibit: e.exhibit.clone(),
            };
            let address = format!("/evidence#act-{}", e.exhibit);
            let by = (asked.by.as_str(), Some(asked.made));
            let said = (text, Label::WillDispose);
            self.add(address, said, by, &asked.reason, asked.made);
        }
        Ok(())
    }

    async fn staff(&mut self) -> Result<(), HubError> {
        let list = roles::Waiting {
            part: Part::of(MOST),
        };
        let found = self.app.perform(self.who, list).await?;
        for w in found.rows {
            if w.asked_by == self.who.person().name {
                continue;
            }
            let text = Label::WaitsAccount(w.in_words(self.app.zone()));
            let asked = (w.asked_by.as_str(), Some(w.made));
            let said = (text, Label::WillHold);
            self.add("/staff".into(), said, asked, &None, w.expires);
        }
        Ok(())
    }

    async fn approvers(&mut self) -> Result<(), HubError> {
        let found = self.app.perform(self.who, touches::Approvers {}).await?;
        let others = |a: &&ApproverRequest| a.asked_by != self.who.person().name;
        let waiting: Vec<ApproverRequest> = found.waiting.iter().filter(others).cloned().collect();
        for a in waiting {
            let text = Label::WaitsKeyOf {
                account: a.account.clone(),
                place: a.r#box.clone(),
                remove: a.what == "remove",
            };
            let asked = (a.asked_by.as_str(), Some(a.made));
            let said = (text, Label::WillCount);
            self.add("/approvers".into(), said, asked, &None, a.expires);
        }
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), HubError> {
        let found = self.app.perform(self.who, backups::Rollback {}).await?;
        let asked = found.stands.and_then(|r| r.asked);
        if let Some(a) = asked.filter(|a| a.by != self.me) {
            let said = (Label::WaitsSettled, Label::WillSettle);
            self.add("/hub".into(), said, (&a.by, None), &a.reason, a.expires);
        }
        Ok(())
    }
}

/// What waits for them, what is due first before the rest; None: nothing is ever theirs to decide.
pub async fn waits(app: &App, who: &SignedIn) -> Result<Option<Vec<Wait>>, HubError> {
    let mut reader = Reader {
        app,
        who,
        me: who.person().op(),
        waits: Vec::new(),
    };
    let now = app.now();
    let mut ever = false;
    for (decide, read) in DECIDED {
        if !(who.may(decide, now) && who.may(read, now)) {
            continue;
        }
        ever = true;
        match read.name {
            n if n == table::TOUCHES.name => reader.touches().await?,
            n if n == table::REQUESTS.name => reader.requests().await?,
            n if n == table::LIFTS.name => reader.lifts().await?,
            n if n == table::HOLDS.name => reader.holds().await?,
            n if n == table::EVIDENCE.name => reader.evidence().await?,
            n if n == table::STAFF_WAITING.name => reader.staff().await?,
            n if n == table::APPROVERS.name => reader.approvers().await?,
            n if n == table::ROLLBACK.name => reader.rollback().await?,
            _ => {}
        }
    }
    let mut waits = reader.waits;
    waits.sort_by_key(|w| w.until);
    Ok(ever.then_some(waits))
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    frame: Frame,
    waits: Vec<Wait>,
}

pub async fn show(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, Refusal> {
    let waits = waits(&app, &who).await?.unwrap_or_default();
    page(&WaitingPage {
        frame: who.frame(&app, "/waiting"),
        waits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::operation::Second;

    /// ROL-5: whatever a second person has to say yes to is on the list.
    #[test]
    fn every_second_yes_is_on_the_list() {
        let approves = table::ALL.iter().filter(|r| r.second == Second::Approves);
        for row in approves {
            let listed = DECIDED.iter().any(|(decide, _)| decide.name == row.name);
            assert!(listed, "{}", row.name);
        }
    }
}
