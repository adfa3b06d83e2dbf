//! Wiring. The page of passkeys that count at boxes, and of changes that wait for a second person (MSK-4, ROL-5).

use askama::Template;
use serde::Deserialize;
use shared::{id::BoxName, time::Zone};

use crate::{
    access::table,
    error::HubError,
    ops::touches,
    orders::approvers::{ApproverRequest, KeyRequest},
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
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
pub struct ApproversPage {
    frame: Frame,
    /// Whoever looks may ask and approve.
    decides: bool,
    keys: Vec<KeyView>,
    waiting: Vec<AskedView>,
    file: Option<String>,
    /// Of the boxes that each key is shown with.
    leaf: Leaf,
}

/// Boxes on one page.
const BOXES: usize = 50;

fn asked(a: &ApproverRequest, me: &str, zone: &Zone) -> AskedView {
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

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ApproverForm {
    form: String,
    act: String,
    request: u64,
    r#box: String,
    account: String,
    key: String,
}

page_form!(ApproverForm);

impl FormPage for ApproversPage {
    const PATH: &'static str = "/approvers";
    type Form = ApproverForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<ApproverForm>,
    ) -> Result<Self, HubError> {
        let mut all = app.perform(who, touches::Approvers {}).await?;
        let boxes = std::mem::take(&mut all.boxes);
        let (boxes, next) = shown.turn.cut(boxes, BOXES, |b| b.r#box.clone());
        let keys = all.keys.into_iter().map(|k| KeyView {
            at: boxes
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
        Ok(Self {
            keys: keys.collect(),
            waiting: waiting.collect(),
            decides: who.may(&table::APPROVER_ASK, app.now()),
            leaf: shown.turn.leaf(Self::PATH, next.as_ref()),
            frame: shown.frame,
            file: all.file,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: ApproverForm) -> Result<String, HubError> {
        let request = form.request;
        match form.act.as_str() {
            act @ ("add" | "remove") => {
                let r#box = BoxName::parse(&form.r#box)?;
                let wanted = KeyRequest {
                    account: form.account,
                    key: form.key,
                    remove: act == "remove",
                };
                let ask = touches::AskApprover { r#box, wanted };
                let asked = app.perform(who, ask).await?;
                Ok(format!(
                    "Request {} waits for a second person.",
                    asked.request
                ))
            }
            "approve" => {
                let approve = touches::ApproveApprover { request };
                let waits = app.perform(who, approve).await?;
                Ok(format!(
                    "The box takes order {} once both of you have touched your passkeys for it, before {}. Do so now, on the page “What waits for your key”.",
                    waits.order,
                    waits.until.for_people(app.zone())
                ))
            }
            "withdraw" => {
                let withdraw = touches::WithdrawApprover { request };
                app.perform(who, withdraw).await?;
                Ok(format!("Request {request} is withdrawn."))
            }
            _ => Err(no_such_act()),
        }
    }
}
