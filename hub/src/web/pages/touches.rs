//! Wiring. The page of orders that wait for the passkey of whoever looks (MSK-4, ROL-5).

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use shared::time::Zone;

use crate::{
    access::factors::PasskeyOffer,
    ops::touches,
    requests::touches::{TouchRow, Touched},
    web::{
        context::{App, Outcome, Refused, SignedIn},
        leaf::{Leaf, Turn},
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
    /// Where whoever looks is asked for their key.
    pub passkey: Option<PasskeyOffer>,
}

#[derive(Template)]
#[template(path = "touches.html")]
pub struct TouchesPage {
    pub frame: Frame,
    pub orders: Vec<OrderView>,
    pub leaf: Leaf,
    pub done: String,
    pub problem: String,
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
        passkey: o.passkey.clone(),
    }
}

/// Orders on one page.
const ORDERS: u32 = 50;

async fn answer(
    app: &App,
    who: &SignedIn,
    turn: &Turn,
    outcome: Outcome,
) -> Result<Response, Refused> {
    let part = turn.part(ORDERS);
    let orders = app.perform(who, touches::List { part }).await?;
    let shown = TouchesPage {
        frame: who.frame(app, "/touches"),
        leaf: turn.leaf("/touches", orders.next.as_ref()),
        orders: orders.rows.iter().map(|o| view(o, app.zone())).collect(),
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
pub struct TouchForm {
    form: String,
    order: u64,
    credential: String,
}

pub async fn give(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<TouchForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let give = touches::Give {
        order: form.order,
        credential: form.credential,
    };
    let given = app.perform(&who, give).await;
    let given = given.map(|touched| said(&touched, app.zone()));
    answer(&app, &who, &Turn::default(), Outcome::of(given)?).await
}

fn said(touched: &Touched, zone: &Zone) -> String {
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
