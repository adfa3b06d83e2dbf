//! Wiring. The page of orders that wait for the passkey of whoever looks (MSK-4, ROL-5).

use askama::Template;
use serde::Deserialize;
use shared::time::Zone;

use crate::{
    access::factors::PasskeyOffer,
    error::HubError,
    ops::touches,
    orders::touches::{TouchOutcome, TouchRow},
    web::{
        context::{App, SignedIn},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
        parts::{Frame, text},
    },
};

/// An order that waits, or waited lately.
pub struct OrderView {
    pub n: u64,
    /// What it does, in words.
    pub title: String,
    /// What is said about it, each with its name.
    pub facts: Vec<(&'static str, String)>,
    pub stands: String,
    /// It waits, and may be called off.
    pub waits: bool,
    /// Where whoever looks is asked for their key.
    pub passkey: Option<PasskeyOffer>,
}

#[derive(Template)]
#[template(path = "touches.html")]
pub struct TouchesPage {
    pub frame: Frame,
    pub orders: Vec<OrderView>,
    pub leaf: Leaf,
}

fn view(o: &TouchRow, zone: &Zone) -> OrderView {
    let mut facts = Vec::new();
    let title = match (&o.lift, &o.approver) {
        (Some(lift), _) => {
            let hides = lift.instead.as_ref().map(|i| i.in_words());
            let hides = hides.unwrap_or_else(|| "nothing hides".into());
            facts.push(("Lifted until", lift.until.for_people(zone)));
            facts.push(("Meanwhile", hides));
            facts.push(("Authority", text(&lift.authority)));
            facts.push(("Reason", text(&lift.reason)));
            format!("lift the mask {} of {}", lift.mask, lift.camera)
        }
        (None, Some(a)) => match a.what.as_str() {
            "remove" => format!(
                "the passkey {} of {} counts at {} no more",
                a.key, a.account, o.r#box
            ),
            _ => format!(
                "the passkey {} of {} counts at {} from now on",
                a.key, a.account, o.r#box
            ),
        },
        (None, None) => format!("an order to {}", o.r#box),
    };
    let made = o.made.for_people(zone);
    facts.push(("Asked by", o.asked_by.clone()));
    facts.push(("Approved by", format!("{} at {made}", o.approved_by)));
    let stands = match o.state.as_str() {
        "waiting" => {
            let touched = match o.touched.as_slice() {
                [] => "nobody has touched a key yet".into(),
                some => format!("{} has touched", some.join(" and ")),
            };
            let expires = o.expires.for_people(zone);
            format!("Waits for both people’s keys until {expires}; {touched}.")
        }
        "sent" => "Both have touched; it is on its way to the box.".into(),
        "done" => "The box has obeyed.".into(),
        _ => {
            let why = o.why.trim_end_matches('.');
            let mut letters = why.chars();
            let first = letters.next().map(char::to_uppercase);
            let first: String = first.into_iter().flatten().collect();
            format!("It came to nothing. {first}{}.", letters.as_str())
        }
    };
    OrderView {
        n: o.order,
        title,
        facts,
        stands,
        waits: o.state == "waiting",
        passkey: o.passkey.clone(),
    }
}

/// Orders on one page.
const ORDERS: u32 = 50;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TouchForm {
    form: String,
    order: u64,
    act: String,
    credential: String,
}

page_form!(TouchForm);

impl FormPage for TouchesPage {
    const PATH: &'static str = "/touches";
    type Form = TouchForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<TouchForm>,
    ) -> Result<Self, HubError> {
        let part = shown.turn.part(ORDERS);
        let orders = app.perform(who, touches::List { part }).await?;
        Ok(Self {
            leaf: shown.turn.leaf(Self::PATH, orders.next.as_ref()),
            orders: orders.rows.iter().map(|o| view(o, app.zone())).collect(),
            frame: shown.frame,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: TouchForm) -> Result<String, HubError> {
        let order = form.order;
        if form.act == "call-off" {
            app.perform(who, touches::CallOff { order }).await?;
            return Ok(format!("Order {order} is called off; nothing is sent."));
        }
        let credential = form.credential;
        let give = touches::Give { order, credential };
        let touched = app.perform(who, give).await?;
        Ok(said(&touched, app.zone()))
    }
}

fn said(touched: &TouchOutcome, zone: &Zone) -> String {
    match (touched.waits, touched.until) {
        (true, _) => format!(
            "Your key has approved order {}; it waits for the other person’s.",
            touched.order
        ),
        (false, Some(until)) => format!(
            "The mask is lifted until {}; it comes back by itself.",
            until.for_people(zone)
        ),
        (false, None) => format!("The box has obeyed order {}.", touched.order),
    }
}
