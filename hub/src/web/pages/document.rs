//! Wiring. Papers of exhibits and requests, as files: `label.pdf`, `label.txt`. Where no PDF can be made, the text is sent.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::id::ExhibitRef;

use crate::{
    documents::make::{Document, ExhibitPaper},
    ops::{documents, evidence},
    reason::Pages,
    web::context::{App, Refusal, SignedIn},
};

/// As which file it is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum As {
    Text,
    Pdf,
}

/// `label.pdf`
fn asked(file: &str) -> Result<(&str, As), Refusal> {
    match file.rsplit_once('.') {
        Some((name, "pdf")) => Ok((name, As::Pdf)),
        Some((name, "txt")) => Ok((name, As::Text)),
        _ => Err(Refusal::because(Pages::NoSuchDocument)),
    }
}

pub fn send(document: Document, wanted: As) -> Response {
    let pdf = document.printed().filter(|_| wanted == As::Pdf);
    let (kind, end) = match pdf {
        Some(_) => ("application/pdf", "pdf"),
        None => ("text/plain; charset=utf-8", "txt"),
    };
    // A name of ours: letters, digits, dashes.
    let name = format!("inline; filename=\"{}.{end}\"", document.name);
    let head = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    match pdf {
        Some(pdf) => (head, pdf).into_response(),
        None => (head, document.text).into_response(),
    }
}

/// Which copy a release form or a receipt is about.
#[derive(Deserialize)]
pub struct OfCopy {
    copy: Option<u64>,
}

pub async fn of_exhibit(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((text, file)): Path<(String, String)>,
    Query(of): Query<OfCopy>,
) -> Result<Response, Refusal> {
    let exhibit = ExhibitRef::parse(&text).map_err(|_| Refusal::because(Pages::NoSuchExhibit))?;
    let (name, wanted) = asked(&file)?;
    let paper = ExhibitPaper::parse(name).ok_or_else(|| Refusal::because(Pages::NoSuchDocument))?;
    let document = app
        .perform(
            &who,
            documents::Show {
                exhibit,
                paper,
                copy: of.copy,
            },
        )
        .await?;
    Ok(send(document, wanted))
}

/// The certificate of a disposal.
pub async fn disposal(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((text, file)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let exhibit = ExhibitRef::parse(&text).map_err(|_| Refusal::because(Pages::NoSuchExhibit))?;
    let ("certificate", wanted) = asked(&file)? else {
        return Err(Refusal::because(Pages::NoSuchDocument));
    };
    let document = app.perform(&who, evidence::Certificate { exhibit }).await?;
    Ok(send(document, wanted))
}

pub async fn of_request(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((request, file)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let ("refusal", wanted) = asked(&file)? else {
        return Err(Refusal::because(Pages::NoSuchDocument));
    };
    let document = app.perform(&who, documents::Notice { request }).await?;
    Ok(send(document, wanted))
}
