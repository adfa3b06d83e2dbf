//! Wiring. The page of lifts that wait for a second person (MSK-4, ROL-5).

use std::sync::Arc;

use axum::{
    Form,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    routes::{App, Entered, Refused, Said, no_such_act, page, seen, settled},
    views::{self, LiftsPage},
};

async fn show(app: &App, who: &Entered, said: Said) -> Result<Response, Refused> {
    let (scheme, zone, lifts) = seen(app, who, |b, account| b.lifts(account)).await?;
    let refused = !said.problem.is_empty();
    let shown = page(&LiftsPage {
        frame: who.frame(scheme),
        lifts: lifts
            .iter()
            .map(|l| views::lift(l, who.account(), &zone))
            .collect(),
        done: said.done,
        problem: said.problem,
    });
    settled(shown, refused)
}

pub(super) async fn overview(
    State(app): State<Arc<App>>,
    who: Entered,
) -> Result<Response, Refused> {
    show(&app, &who, Said::default()).await
}

pub(super) async fn json(State(app): State<Arc<App>>, who: Entered) -> Result<Response, Refused> {
    let (_, _, lifts) = seen(&app, &who, |b, account| b.lifts(account)).await?;
    Ok(axum::Json(lifts).into_response())
}

#[derive(Deserialize)]
pub(super) struct LiftForm {
    form: String,
    request: u64,
    act: String,
}

pub(super) async fn settle(
    State(app): State<Arc<App>>,
    who: Entered,
    Form(form): Form<LiftForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let (account, n) = (who.account().clone(), form.request);
    let done = match form.act.as_str() {
        "approve" => {
            app.ask(move |b| {
                b.approve_lift(&account, n).map(|until| {
                    format!(
                        "The mask is lifted until {}; it comes back by itself.",
                        until.for_people(&b.zone())
                    )
                })
            })
            .await?
        }
        "withdraw" => {
            app.ask(move |b| {
                b.withdraw_lift(&account, n)
                    .map(|()| format!("Request {n} is withdrawn."))
            })
            .await?
        }
        _ => {
            return Err(no_such_act());
        }
    };
    show(&app, &who, done.into()).await
}
