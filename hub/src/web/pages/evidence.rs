//! Wiring. The evidence page: what the hub keeps, how long, what is due; disposing of it, and the certificates.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{id::ExhibitRef, time::Zone};

use crate::{
    error::HubError,
    list::Part,
    model::evidence::{Evidence, EvidenceRow, FaultRow, gb},
    ops::evidence,
    reason::Pages,
    web::{
        context::{App, Refusal, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
        parts::Frame,
    },
};

#[derive(Template)]
#[template(path = "evidence.html")]
pub struct EvidencePage {
    frame: Frame,
    leaf: Leaf,
    total: String,
    faults: Vec<String>,
    kept: Vec<RowView>,
    gone: Vec<RowView>,
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

fn view(r: &EvidenceRow, me: &str, zone: &Zone) -> RowView {
    let (symbol, word, colour) = match r.standing.as_str() {
        "due" => ("✖", "due", "bad"),
        "disposing" => ("✖", "not completely gone", "bad"),
        "wanted" => ("▲", "past its period, wanted", "warn"),
        "soon" => ("▲", "due soon", "warn"),
        "disposed" => ("⊘", "disposed of", "unknown"),
        _ => ("✔", "kept", "good"),
    };
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

/// Exhibits on one page, beside those that somebody has to do something about.
const EXHIBITS: u32 = 50;
/// Faults of exhibits that are on other pages.
const FAULTS: usize = 50;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct DisposeForm {
    form: String,
    exhibit: String,
    act: String,
    reason: String,
}

page_form!(DisposeForm);

impl FormPage for EvidencePage {
    const PATH: &'static str = "/evidence";
    type Form = DisposeForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<DisposeForm>,
    ) -> Result<Self, HubError> {
        let part = shown.turn.part(EXHIBITS);
        let all = evidence::List {
            part,
            ..evidence::List::default()
        };
        let Evidence {
            rows: page,
            mut faults,
            bytes,
            next,
        } = app.perform(who, all).await?;
        let mut rows: Vec<EvidenceRow> = Vec::new();
        // First what waits for somebody, on the first page.
        if shown.turn.after.is_none() {
            for (due, asked) in [(true, false), (false, true)] {
                let part = Part::of(EXHIBITS);
                let waits = evidence::List { due, asked, part };
                rows.extend(app.perform(who, waits).await?.rows);
            }
        }
        rows.extend(page);
        let mut seen = BTreeSet::new();
        rows.retain(|r| seen.insert(r.exhibit.clone()));
        faults.retain(|f| !seen.contains(&f.about));
        let more = faults.len().checked_sub(FAULTS).filter(|n| *n > 0);
        let more = more.map(|n| format!("and {n} more, which stand with their exhibits"));
        let (gone, kept): (Vec<_>, Vec<_>) = rows.iter().partition(|r| r.disposed.is_some());
        let me = who.person().op();
        let views = |rows: Vec<&EvidenceRow>| {
            let rows = rows.into_iter();
            rows.map(|r| view(r, &me, app.zone())).collect()
        };
        Ok(Self {
            frame: shown.frame,
            leaf: shown.turn.leaf(Self::PATH, next.as_ref()),
            total: gb(bytes),
            faults: faults
                .iter()
                .take(FAULTS)
                .map(FaultRow::in_words)
                .chain(more)
                .collect(),
            kept: views(kept),
            gone: views(gone),
        })
    }

    async fn act(app: &App, who: &SignedIn, form: DisposeForm) -> Result<String, HubError> {
        let exhibit = ExhibitRef::parse(&form.exhibit).map_err(|_| Pages::NoSuchExhibit)?;
        let reason = form.reason;
        let row = match form.act.as_str() {
            "dispose" => {
                let dispose = evidence::Dispose { exhibit, reason };
                app.perform(who, dispose).await?
            }
            "approve" => app.perform(who, evidence::Approve { exhibit }).await?,
            _ => return Err(no_such_act()),
        };
        Ok(format!("{} {}.", row.exhibit, row.text))
    }
}

pub async fn certificate(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(text): Path<String>,
) -> Result<Response, Refusal> {
    let Ok(exhibit) = ExhibitRef::parse(&text) else {
        return Err(Refusal::because(Pages::NoSuchExhibit));
    };
    let paper = app.perform(&who, evidence::Certificate { exhibit }).await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, paper.text).into_response())
}
