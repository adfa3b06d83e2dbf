//! Wiring. One pulled clip: its page, the purpose that is asked for first, its copies and its certificate.

use std::{io, sync::Arc};

use askama::Template;
use axum::{
    Form,
    body::Body,
    extract::{Path, Query, State as Of},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use futures::stream;
use serde::Deserialize;
use shared::{evidence::names, id::ExhibitRef, time::Utc, verify::Files};

use crate::{
    error::{HubError, plain},
    evidence::{self, Resting},
    hub::sessions::Reason,
    model::pull::State,
    ops::clips,
    reason::Pages,
    rows::ExhibitRow,
    web::{
        context::{App, Outcome, Refusal, SignedIn},
        files::{self, Copy, Range},
        parts::{self, ExhibitView, Frame, size},
    },
    words::label::Label,
};

#[derive(Template)]
#[template(path = "clip.html")]
struct ClipPage {
    frame: Frame,
    exhibit: ExhibitView,
    copies: Vec<CopyView>,
    granted: bool,
    /// It has working copies, so it has a film.
    filmed: bool,
    /// It is being fetched: what has come can be watched.
    arriving: bool,
    /// The name of the look by which they watch it; empty while there is none.
    look: String,
    problem: String,
    purpose: String,
    reference: String,
    present: String,
}

struct CopyView {
    index: usize,
    name: String,
    size: String,
    codec: &'static str,
    plays: bool,
    picture: bool,
}

fn views(all: &[Copy]) -> Vec<CopyView> {
    let views = all.iter().enumerate();
    views
        .map(|(index, c)| CopyView {
            index,
            name: c.name.clone(),
            size: size(c.bytes),
            codec: c.codec,
            plays: c.plays,
            picture: c.picture,
        })
        .collect()
}

/// One exhibit, and its package if there is one.
struct Exhibit {
    row: ExhibitRow,
    copies: Vec<Copy>,
    /// None: there is none yet.
    package: Option<Arc<Resting>>,
}

async fn named(app: &App, who: &SignedIn, text: &str) -> Result<ExhibitRow, Refusal> {
    let exhibit = ExhibitRef::parse(text);
    let exhibit = exhibit.map_err(|_| Refusal::because(Pages::NoSuchExhibit))?;
    Ok(app.perform(who, clips::Show { exhibit }).await?)
}

fn exhibit(row: &ExhibitRow) -> Result<ExhibitRef, HubError> {
    Ok(ExhibitRef::parse(&row.r#ref)?)
}

async fn opened(app: &App, who: &SignedIn, row: ExhibitRow) -> Result<Exhibit, Refusal> {
    let exhibit = exhibit(&row)?;
    let (hub, principal, of) = (app.hub.clone(), who.principal(), exhibit.clone());
    let permit = app.in_turn(async move { clips::viewer(&hub, &principal, &of).await });
    let permit = permit.await?;
    let found = app.work(move |hub| {
        let Some(package) = clips::package(hub, &exhibit, &permit)? else {
            return Ok(Ok((Vec::new(), None)));
        };
        let copies = files::copies(&package).map_err(|e| unreadable(exhibit.as_str(), &e));
        Ok(copies.map(|copies| (copies, Some(Arc::new(package)))))
    });
    let (copies, package) = found.await??;
    Ok(Exhibit {
        row,
        copies,
        package,
    })
}

fn unreadable(exhibit: &str, e: &io::Error) -> Refusal {
    plain(format_args!("the package of {exhibit} cannot be read: {e}")).into()
}

/// What somebody wrote into the form that asks why.
#[derive(Default)]
struct Reasons {
    purpose: String,
    reference: String,
    present: String,
}

async fn answer(
    app: &App,
    who: &SignedIn,
    row: ExhibitRow,
    outcome: Outcome,
    reasons: Reasons,
) -> Result<Response, Refusal> {
    let granted = who.session().may_view(&row.r#ref, app.now());
    let arriving = [State::Fetching, State::Verifying]
        .iter()
        .any(|s| s.as_str() == row.state);
    let look = match arriving {
        true => app.hub.looks.at(&exhibit(&row)?, &who.person().op()),
        false => None,
    };
    // Until somebody has said why, its package stays shut.
    let Exhibit { row, copies, .. } = match granted {
        true => opened(app, who, row).await?,
        false => Exhibit {
            row,
            copies: Vec::new(),
            package: None,
        },
    };
    let shown = ClipPage {
        frame: who.frame(app, ""),
        exhibit: parts::exhibit(&row, app.zone()),
        filmed: copies.iter().any(|c| !c.picture),
        copies: views(&copies),
        granted,
        arriving,
        look: look.map_or_else(String::new, |look| look.id.clone()),
        problem: outcome.problem.clone(),
        purpose: reasons.purpose,
        reference: reasons.reference,
        present: reasons.present,
    };
    outcome.on(&shown)
}

pub async fn show(
    Of(app): Of<Arc<App>>,
    who: SignedIn,
    Path(text): Path<String>,
) -> Result<Response, Refusal> {
    let row = named(&app, &who, &text).await?;
    answer(&app, &who, row, Outcome::default(), Reasons::default()).await
}

#[derive(Deserialize)]
pub struct ViewForm {
    form: String,
    purpose: String,
    reference: String,
    #[serde(default)]
    present: String,
}

pub async fn view(
    Of(app): Of<Arc<App>>,
    who: SignedIn,
    Path(text): Path<String>,
    Form(form): Form<ViewForm>,
) -> Result<Response, Refusal> {
    who.check_form(&form.form)?;
    let row = named(&app, &who, &text).await?;
    let view = clips::View {
        exhibit: exhibit(&row)?,
        purpose: form.purpose.clone(),
        reference: form.reference.clone(),
        present: Some(form.present.clone()),
    };
    if let Err(why) = app.perform(&who, view).await {
        let reasons = Reasons {
            purpose: form.purpose,
            reference: form.reference,
            present: form.present,
        };
        return answer(&app, &who, row, Outcome::of(Err(why))?, reasons).await;
    }
    // The line is on disk; only now is anything shown.
    let reason = Reason {
        purpose: form.purpose,
        reference: form.reference,
        present: Some(form.present),
    };
    app.hub
        .sessions
        .grant(who.cookie(), &row.r#ref, reason, app.now());
    // What still arrives is watched on the page where films are.
    let to = match row.package.is_some() {
        true => format!("/clip/{}", row.r#ref),
        false => format!("/watch?exhibit={}", row.r#ref),
    };
    Ok(Redirect::to(&to).into_response())
}

/// The exhibit's files, if this person may see them now.
async fn granted(app: &App, who: &SignedIn, text: &str) -> Result<Exhibit, Refusal> {
    let row = named(app, who, text).await?;
    if row.state == "Disposed" {
        let (exhibit, why) = (exhibit(&row)?, row.why);
        return Err(Refusal::because(Pages::Disposed { exhibit, why }));
    }
    if !who.session().may_view(&row.r#ref, app.now()) {
        let exhibit = exhibit(&row)?;
        return Err(Refusal::because(Pages::PurposeFirst { exhibit }));
    }
    opened(app, who, row).await
}

pub async fn play(
    Of(app): Of<Arc<App>>,
    who: SignedIn,
    Path((text, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    send_copy(&app, &who, &text, index, &headers, CopyUse::Played).await
}

pub async fn save(
    Of(app): Of<Arc<App>>,
    who: SignedIn,
    Path((text, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    send_copy(&app, &who, &text, index, &headers, CopyUse::Saved).await
}

/// What somebody does with a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CopyUse {
    Played,
    /// It leaves the hub: that is on the record by itself, with what was given when the clip was opened.
    Saved,
}

async fn send_copy(
    app: &App,
    who: &SignedIn,
    text: &str,
    index: usize,
    headers: &HeaderMap,
    copied: CopyUse,
) -> Result<Response, Refusal> {
    let Exhibit {
        row,
        copies,
        package,
    } = granted(app, who, text).await?;
    let (copy, package) = copies
        .get(index)
        .cloned()
        .zip(package)
        .ok_or_else(|| Refusal::because(Pages::NoSuchCopy))?;
    let how = match copied {
        CopyUse::Played => "inline",
        CopyUse::Saved => "attachment",
    };
    if copied == CopyUse::Saved {
        let reason = who.session().reason(&row.r#ref, app.now()).cloned();
        let reason = reason.unwrap_or_default();
        let save = clips::Save {
            exhibit: exhibit(&row)?,
            purpose: reason.purpose,
            reference: reason.reference,
            present: reason.present,
            copy: None,
        };
        app.perform(who, save).await?;
    }
    let unreadable = |e: &dyn std::fmt::Display| {
        Refusal::from(plain(format_args!(
            "a working copy of {text} cannot be sent: {e}"
        )))
    };
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, copy.media_type())
        .header(header::ACCEPT_RANGES, "bytes")
        .header(
            header::CONTENT_DISPOSITION,
            format!("{how}; filename=\"{}_{}\"", row.r#ref, ascii(&copy.name)),
        );
    let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    let (status, from, len) = match files::range(asked, copy.bytes) {
        Range::Whole => (StatusCode::OK, 0, copy.bytes),
        Range::Part(from, len) => (StatusCode::PARTIAL_CONTENT, from, len),
        Range::Outside => {
            let answer = answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{}", copy.bytes));
            return answer.body(Body::empty()).map_err(|e| unreadable(&e));
        }
    };
    let mut answer = answer.status(status).header(header::CONTENT_LENGTH, len);
    if status == StatusCode::PARTIAL_CONTENT {
        answer = answer.header(
            header::CONTENT_RANGE,
            format!("bytes {from}-{}/{}", from + len - 1, copy.bytes),
        );
    }
    let body = app
        .work(move |_| Ok(files::body(&package, &copy.path, from, len)))
        .await?
        .map_err(|e| unreadable(&e))?;
    answer.body(body).map_err(|e| unreadable(&e))
}

fn ascii(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
}

/// Which part of an exhibit's film.
#[derive(Deserialize)]
pub struct Part {
    /// One film has one kind of pictures; where the camera changed them another begins: 0 is the first.
    #[serde(default)]
    stretch: u32,
    /// From when on, in milliseconds; otherwise all that was asked for.
    from: Option<i64>,
}

/// The masters as one film, opened as it is sent.
pub async fn film(
    Of(app): Of<Arc<App>>,
    who: SignedIn,
    Path(text): Path<String>,
    Query(part): Query<Part>,
) -> Result<Response, Refusal> {
    let found = granted(&app, &who, &text).await?;
    let package = found
        .package
        .ok_or_else(|| Refusal::because(Pages::NoPackageYet))?;
    let film = evidence::film::film(package, part.from.map(Utc), part.stretch);
    let film = film.await.map_err(|e| {
        Refusal::from(plain(format_args!(
            "the film of {text} cannot be sent: {e}"
        )))
    })?;
    let Some(film) = film else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let bytes = stream::unfold(film, |mut film| async move {
        let next = film.recv().await?;
        Some((next, film))
    });
    let kinds = [
        (header::CONTENT_TYPE, "video/mp4"),
        (header::ACCEPT_RANGES, "none"),
    ];
    Ok((kinds, Body::from_stream(bytes)).into_response())
}

pub async fn certificate(
    Of(app): Of<Arc<App>>,
    who: SignedIn,
    Path(text): Path<String>,
) -> Result<Response, Refusal> {
    let found = granted(&app, &who, &text).await?;
    let package = found
        .package
        .ok_or_else(|| Refusal::because(Pages::NoPackageYet))?;
    let text = app
        .work(move |_| Ok(package.read(names::CERTIFICATE)))
        .await?;
    let text = text.map_err(|_| Refusal::because(Pages::NoCertificateInPackage))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
