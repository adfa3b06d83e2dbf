//! Wiring. The page of held footage, and the second person's word that a hold ends before its time (RET-3, ROL-5).

use std::sync::Arc;

use axum::{
    Form,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::id::HoldId;

use super::{
    routes::{App, Entered, Refused, Said, no_such_act, page, seen, settled},
    views::{self, HoldsPage},
};

async fn show(app: &App, who: &Entered, said: Said) -> Result<Response, Refused> {
    let (scheme, zone, holds) = seen(app, who, |b, account| b.holds(account)).await?;
    let refused = !said.problem.is_empty();
    let shown = page(&HoldsPage {
        frame: who.frame(scheme),
        holds: holds
            .iter()
            .map(|h| views::hold(h, who.account(), &zone))
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
    let (_, _, holds) = seen(&app, &who, |b, account| b.holds(account)).await?;
    Ok(axum::Json(holds).into_response())
}

#[derive(Deserialize)]
pub(super) struct HoldForm {
    form: String,
    hold: String,
    act: String,
}

pub(super) async fn settle(
    State(app): State<Arc<App>>,
    who: Entered,
    Form(form): Form<HoldForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let hold = HoldId::parse(&form.hold);
    let (Ok(hold), "approve") = (hold, form.act.as_str()) else {
        return Err(no_such_act());
    };
    let account = who.account().clone();
    let done = app.ask(move |b| b.approve_release(&account, hold)).await?;
    let said = done.map(|h| {
        let told = match h.online {
            true => "Its box is told.",
            false => "Its box is told when it is back on the line.",
        };
        format!("{hold} is released. {told}")
    });
    show(&app, &who, said.into()).await
}
