//! Wiring. The page of passkeys that count at boxes, and of changes that wait for a second person (MSK-4, ROL-5).

use std::sync::Arc;

use askama::Template;
use axum::{Form, extract::State, response::Response};
use serde::Deserialize;
use shared::{id::BoxName, time::Zone};

use crate::{
    access::table,
    error::HubError,
    ops::touches,
    requests::approvers::{ApproverAsked, KeyRequest},
    web::{
        context::{App, Outcome, Refused, SignedIn, no_such_act},
        parts::Frame,
    },
};

struct KeyView {
    account: String,
    who: String,
    label: String,
    key: String,
    /// Where it counts, and where it does not.
    at: Vec<AtView>,
}

struct AtView {
    name: String,
    known: bool,
}

struct AskedView {
    n: u64,
    what: String,
    by: String,
    made: String,
    expires: String,
    own: bool,
}

#[derive(Template)]
#[template(path = "approvers.html")]
struct ApproversPage {
    frame: Frame,
    /// Whoever looks may ask and approve.
    decides: bool,
    keys: Vec<KeyView>,
    waiting: Vec<AskedView>,
    file: Option<String>,
    done: String,
    problem: String,
}

fn asked(a: &ApproverAsked, me: &str, zone: &Zone) -> AskedView {
    AskedView {
        n: a.request,
        what: match a.what.as_str() {
            "remove" => format!(
                "the passkey {} of {} counts at {} no more",
                a.key, a.account, a.r#box
            ),
            _ => format!(
                "the passkey {} of {} counts at {}",
                a.key, a.account, a.r#box
            ),
        },
        own: a.asked_by == me,
        by: a.asked_by.clone(),
        made: a.made.for_people(zone),
        expires: a.expires.for_people(zone),
    }
}

async fn answer(app: &App, who: &SignedIn, outcome: Outcome) -> Result<Response, Refused> {
    let all = app.perform(who, touches::Approvers {}).await?;
    let keys = all.keys.into_iter().map(|k| KeyView {
        at: all
            .boxes
            .iter()
            .map(|b| AtView {
                name: b.r#box.clone(),
                known: k.boxes.contains(&b.r#box),
            })
            .collect(),
        account: k.account,
        who: k.who,
        label: k.label,
        key: k.key,
    });
    let me = &who.person().name;
    let waiting = all.waiting.iter().map(|a| asked(a, me, app.zone()));
    let shown = ApproversPage {
        keys: keys.collect(),
        waiting: waiting.collect(),
        decides: who.authorise(&table::APPROVER_ASK, app.now()).is_ok(),
        frame: who.frame(app, "/approvers"),
        file: all.file,
        done: outcome.done.clone(),
        problem: outcome.problem.clone(),
    };
    outcome.on(&shown)
}

pub async fn show(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, Refused> {
    answer(&app, &who, Outcome::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ApproverForm {
    form: String,
    act: String,
    request: u64,
    r#box: String,
    account: String,
    key: String,
}

pub async fn settle(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<ApproverForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let request = form.request;
    let done = match form.act.as_str() {
        act @ ("add" | "remove") => {
            let r#box = BoxName::parse(&form.r#box).map_err(HubError::from)?;
            let wanted = KeyRequest {
                account: form.account,
                key: form.key,
                remove: act == "remove",
            };
            let ask = touches::AskApprover { r#box, wanted };
            let asked = app.perform(&who, ask).await;
            asked.map(|a| format!("Request {} waits for a second person.", a.request))
        }
        "approve" => {
            let approve = touches::ApproveApprover { request };
            let waits = app.perform(&who, approve).await;
            waits.map(|waits| {
                format!(
                    "The box takes order {} once both of you have touched your passkeys for it, before {}. Do so now, on the page “What waits for your key”.",
                    waits.order,
                    waits.until.for_people(app.zone())
                )
            })
        }
        "withdraw" => {
            let withdraw = touches::WithdrawApprover { request };
            let done = app.perform(&who, withdraw).await;
            done.map(|_| format!("Request {request} is withdrawn."))
        }
        _ => return Err(no_such_act()),
    };
    answer(&app, &who, Outcome::of(done)?).await
}
