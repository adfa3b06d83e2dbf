//! Wiring. The evidence page: what the hub keeps, how long, what is due; disposing of it, and the certificates.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{id::ExhibitRef, time::Zone};

use super::{
    routes::{App, Entered, Refused, Said, no_such_act, page, seen, settled},
    views::Frame,
};
use crate::{
    board::Account,
    disposal::rows::{Evidence, EvidenceRow, FaultRow, gb},
    ownlog::op,
};

#[derive(Template)]
#[template(path = "evidence.html")]
struct EvidencePage {
    frame: Frame,
    total: String,
    faults: Vec<String>,
    kept: Vec<RowView>,
    gone: Vec<RowView>,
    /// What was just done.
    done: String,
    problem: String,
}

struct RowView {
    exhibit: String,
    camera: String,
    from: String,
    to: String,
    class: String,
    until: String,
    review: String,
    size: String,
    symbol: &'static str,
    word: &'static str,
    colour: &'static str,
    text: String,
    faults: Vec<String>,
    /// It has a page of its own below the table: something is to be done.
    act: Option<ActView>,
}

struct ActView {
    asked: String,
    /// Its period is over: one person disposes.
    due: bool,
    /// Somebody else asked.
    approve: bool,
    /// This person asked.
    own: bool,
}

fn view(r: &EvidenceRow, who: &Account, zone: &Zone) -> RowView {
    let (symbol, word, colour) = match r.standing.as_str() {
        "due" => ("✖", "due", "bad"),
        "disposing" => ("✖", "not completely gone", "bad"),
        "wanted" => ("▲", "past its period, wanted", "warn"),
        "soon" => ("▲", "due soon", "warn"),
        "disposed" => ("⊘", "disposed of", "unknown"),
        _ => ("✔", "kept", "good"),
    };
    let me = op(who.op);
    let due = r.standing == "due";
    let asked = r.drop.as_ref().map(|d| {
        let reason = d.reason.as_deref().unwrap_or("(erased)");
        format!("{} at {}: {reason}", d.by, d.made.for_people(zone))
    });
    RowView {
        exhibit: r.exhibit.clone(),
        camera: r.camera.clone(),
        from: r.t0.for_people(zone),
        to: r.t1.for_people(zone),
        class: r.class_text.clone(),
        until: r.until.to_string(),
        review: r.review.map(|d| d.to_string()).unwrap_or_default(),
        size: gb(r.bytes),
        symbol,
        word,
        colour,
        text: r.text.clone(),
        faults: r.faults.iter().map(FaultRow::in_words).collect(),
        act: (due || r.drop.is_some()).then(|| ActView {
            asked: asked.unwrap_or_default(),
            due,
            approve: !due && r.drop.as_ref().is_some_and(|d| d.by != me),
            own: r.drop.as_ref().is_some_and(|d| d.by == me),
        }),
    }
}

async fn show(app: &App, who: &Entered, said: Said) -> Result<Response, Refused> {
    let (scheme, zone, found) = seen(app, who, |b, account| b.evidence(account)).await?;
    let Evidence {
        rows,
        faults,
        bytes,
    } = found;
    let (gone, kept): (Vec<_>, Vec<_>) = rows.iter().partition(|r| r.disposed.is_some());
    let views = |rows: Vec<&EvidenceRow>| {
        let rows = rows.into_iter();
        rows.map(|r| view(r, who.account(), &zone)).collect()
    };
    let refused = !said.problem.is_empty();
    let shown = page(&EvidencePage {
        frame: who.frame(scheme),
        total: gb(bytes),
        faults: faults.iter().map(FaultRow::in_words).collect(),
        kept: views(kept),
        gone: views(gone),
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
    let (_, _, found) = seen(&app, &who, |b, account| b.evidence(account)).await?;
    Ok(axum::Json(found).into_response())
}

#[derive(Deserialize)]
pub(super) struct DisposeForm {
    form: String,
    exhibit: String,
    act: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn dispose(
    State(app): State<Arc<App>>,
    who: Entered,
    Form(form): Form<DisposeForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let account = who.account().clone();
    let Ok(exhibit) = ExhibitRef::parse(&form.exhibit) else {
        return Err(Refused::missing("There is no such exhibit."));
    };
    let reason = form.reason;
    let done = match form.act.as_str() {
        "dispose" => {
            app.ask(move |b| b.dispose(&account, &exhibit, &reason))
                .await?
        }
        "approve" => {
            app.ask(move |b| b.approve_disposal(&account, &exhibit))
                .await?
        }
        _ => {
            return Err(no_such_act());
        }
    };
    let said = done.map(|row| format!("{} {}.", row.exhibit, row.text));
    show(&app, &who, said.into()).await
}

pub(super) async fn certificate(
    State(app): State<Arc<App>>,
    who: Entered,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    let Ok(exhibit) = ExhibitRef::parse(&text) else {
        return Err(Refused::missing("There is no such exhibit."));
    };
    let account = who.account().clone();
    let text = app
        .ask(move |b| b.disposal_certificate(&account, &exhibit))
        .await?;
    let text = text.map_err(|why| Refused::missing(why.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
