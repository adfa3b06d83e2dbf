//! Wiring. One pulled clip: its page, the purpose that is asked for first, its copies and its certificate.

use std::{io, sync::Arc};

use axum::{
    Form,
    body::Body,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use shared::{evidence::names, id::ExhibitRef, verify::Files};

use super::{
    files::{self, Copy, Range},
    routes::{App, Entered, Refused, page, settled},
    views::{self, ClipPage},
};
use crate::{access::table, board::ExhibitRow, evidence::Resting};

/// Somebody signed in who may watch clips. A handler that takes this cannot be reached by anybody else, whatever the form holds.
pub(super) struct Viewer(Entered);

impl std::ops::Deref for Viewer {
    type Target = Entered;

    fn deref(&self) -> &Entered {
        &self.0
    }
}

impl FromRequestParts<Arc<App>> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let who = Entered::from_request_parts(parts, app).await;
        let who = who.map_err(IntoResponse::into_response)?;
        for row in [&table::CLIPS, &table::CLIP_VIEW] {
            who.may(row, app.now())
                .map_err(IntoResponse::into_response)?;
        }
        Ok(Self(who))
    }
}

/// An exhibit as it is shown.
struct Exhibit {
    row: ExhibitRow,
    copies: Vec<Copy>,
    /// None: there is none yet.
    package: Option<Arc<Resting>>,
}

/// An exhibit, and its copies, if it has a package.
async fn exhibit(app: &App, who: &Viewer, text: &str) -> Result<Exhibit, Refused> {
    let account = who.account().clone();
    let missing = || Refused::missing("There is no such exhibit.");
    let wanted = ExhibitRef::parse(text).map_err(|_| missing())?;
    let row = app
        .ask({
            let account = account.clone();
            move |b| b.exhibits(&account)
        })
        .await?
        .map_err(|e| Refused::broken(e.to_string()))?;
    let row = row
        .into_iter()
        .find(|r| r.r#ref == wanted.as_str())
        .ok_or_else(missing)?;
    let shown = row.clone();
    let found = app
        .ask(move |b| -> Result<_, Refused> {
            let package = b.package(&account, &shown);
            let Some(package) = package.map_err(|e| Refused::broken(e.to_string()))? else {
                return Ok((Vec::new(), None));
            };
            let copies = files::copies(&package).map_err(|e| unreadable(&shown.r#ref, &e))?;
            Ok((copies, Some(Arc::new(package))))
        })
        .await?;
    let (copies, package) = found?;
    Ok(Exhibit {
        row,
        copies,
        package,
    })
}

fn unreadable(exhibit: &str, e: &io::Error) -> Refused {
    tracing::error!(exhibit, "its package cannot be read: {e}");
    Refused::broken(
        "The package of this exhibit cannot be read from the evidence folder. Tell whoever looks after this hub.",
    )
}

async fn clip_page(
    app: &App,
    who: &Viewer,
    text: &str,
    problem: &str,
    said: (String, String),
) -> Result<Response, Refused> {
    let Exhibit { row, copies, .. } = exhibit(app, who, text).await?;
    let (scheme, zone) = app.ask(|b| (b.scheme(), b.zone())).await?;
    let shown = page(&ClipPage {
        frame: who.frame(scheme),
        exhibit: views::exhibit(&row, &zone),
        copies: views::copies(&copies),
        granted: who.session().may_view(&row.r#ref, app.mono()),
        problem: problem.to_owned(),
        purpose: said.0,
        reference: said.1,
    });
    settled(shown, !problem.is_empty())
}

pub(super) async fn clip(
    State(app): State<Arc<App>>,
    who: Viewer,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    clip_page(&app, &who, &text, "", Default::default()).await
}

#[derive(Deserialize)]
pub(super) struct ViewForm {
    form: String,
    purpose: String,
    reference: String,
}

pub(super) async fn view(
    State(app): State<Arc<App>>,
    who: Viewer,
    Path(text): Path<String>,
    Form(form): Form<ViewForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let Exhibit { row, .. } = exhibit(&app, &who, &text).await?;
    let (purpose, reference) = (
        form.purpose.trim().to_owned(),
        form.reference.trim().to_owned(),
    );
    if purpose.is_empty()
        || reference.is_empty()
        || purpose.chars().count() > 300
        || reference.chars().count() > 100
    {
        let problem = "Please give a purpose (at most 300 letters) and a reference (at most 100). Nothing was shown and nothing logged.";
        return clip_page(&app, &who, &text, problem, (purpose, reference)).await;
    }
    let account = who.account().clone();
    let (exhibit, p, r) = (row.r#ref.clone(), purpose.clone(), reference.clone());
    if let Err(why) = app
        .ask(move |b| b.viewing(&account, &exhibit, &p, &r))
        .await?
    {
        return clip_page(&app, &who, &text, &why.to_string(), (purpose, reference)).await;
    }
    // The line is on disk; only now is anything shown.
    app.sessions().grant(who.cookie(), &row.r#ref, app.mono());
    Ok(Redirect::to(&format!("/clip/{}", row.r#ref)).into_response())
}

/// The exhibit's files, if this person may see them now.
async fn granted(app: &App, who: &Viewer, text: &str) -> Result<Exhibit, Refused> {
    let found = exhibit(app, who, text).await?;
    if found.row.state == "Disposed" {
        return Err(Refused::new(
            StatusCode::GONE,
            "Disposed of",
            format!("{} {}", found.row.r#ref, found.row.why),
        ));
    }
    if !who.session().may_view(&found.row.r#ref, app.mono()) {
        return Err(Refused::forbidden(format!(
            "Give a purpose and a reference on the page of {} first.",
            found.row.r#ref
        )));
    }
    Ok(found)
}

pub(super) async fn play(
    State(app): State<Arc<App>>,
    who: Viewer,
    Path((text, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    send_copy(&app, &who, &text, index, &headers, "inline").await
}

pub(super) async fn save(
    State(app): State<Arc<App>>,
    who: Viewer,
    Path((text, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    who.may(&table::CLIP_SAVE, app.now())?;
    send_copy(&app, &who, &text, index, &headers, "attachment").await
}

async fn send_copy(
    app: &App,
    who: &Viewer,
    text: &str,
    index: usize,
    headers: &HeaderMap,
    how: &str,
) -> Result<Response, Refused> {
    let Exhibit {
        row,
        copies,
        package,
    } = granted(app, who, text).await?;
    let (copy, package) = copies
        .get(index)
        .cloned()
        .zip(package)
        .ok_or_else(|| Refused::missing("There is no such copy."))?;
    let unreadable = |e: &dyn std::fmt::Display| {
        tracing::error!(exhibit = text, "a working copy cannot be sent: {e}");
        Refused::broken(
            "The copy cannot be read from the evidence folder. Tell whoever looks after this hub.",
        )
    };
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, "video/mp4")
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
        .ask(move |_| files::body(&package, &copy.path, from, len))
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

pub(super) async fn certificate(
    State(app): State<Arc<App>>,
    who: Viewer,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    let found = granted(&app, &who, &text).await?;
    let package = found
        .package
        .ok_or_else(|| Refused::missing("There is no package yet."))?;
    let text = app.ask(move |_| package.read(names::CERTIFICATE)).await?;
    let text = text.map_err(|_| {
        Refused::missing("There is no certificate in this package that can be read.")
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
