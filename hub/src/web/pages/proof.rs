//! Wiring. What anybody needs to check evidence of this scheme, for whoever asks, without signing in: nothing here is a secret or about a
//! person.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use shared::{note::b64, record::sha256};

use crate::{
    evidence::published::{CHECKER, PAGE, VERIFY_HTML},
    ops::published,
    web::context::App,
};

/// The page's links are to files beside it.
pub async fn folder() -> Redirect {
    Redirect::permanent("/proof/")
}

pub async fn show(State(app): State<Arc<App>>) -> Response {
    file(State(app), Path(PAGE.to_owned())).await
}

pub async fn file(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let found = published::of(&app.hub).into_iter().find(|f| f.name == name);
    let Some(f) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut answer = ([(header::CONTENT_TYPE, f.media)], f.text).into_response();
    if let Some(policy) = POLICY.clone().filter(|_| name == CHECKER) {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// The page that checks holds its own script and style, and may run these and nothing else.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = |tag: &str| {
        let (_, rest) = VERIFY_HTML.split_once(&format!("<{tag}>"))?;
        let (inside, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(format!("'sha256-{}'", b64(&sha256(inside.as_bytes()))))
    };
    let (script, style) = hash("script").zip(hash("style"))?;
    let policy = format!(
        "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
});
