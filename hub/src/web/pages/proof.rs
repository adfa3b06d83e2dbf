//! Wiring. What anybody needs to check evidence of this scheme, for whoever asks, without signing in: nothing here is a secret or about a
//! person.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use crate::{evidence::published::PAGE, ops::published, web::context::App};

/// The page's links are to files beside it.
pub async fn folder() -> Redirect {
    Redirect::permanent("/proof/")
}

pub async fn show(State(app): State<Arc<App>>) -> Response {
    file(State(app), Path(PAGE.to_owned())).await
}

pub async fn file(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let found = published::of(&app.hub).into_iter().find(|f| f.name == name);
    match found {
        Some(f) => ([(header::CONTENT_TYPE, f.media)], f.text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
