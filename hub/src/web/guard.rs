//! Wiring. What every request passes before its handler, and what every answer carries.
//!
//! Requests of one address have a pace; what is sent is read whole in a few seconds; an answer comes within a minute; work takes turns.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::plain;
use tokio::time::{sleep, timeout};

use super::{
    context::{App, Refusal, cookie},
    server::Caller,
    turns::{self, Lane, Queue},
};
use crate::{
    access::tokens,
    api::{self, COOKIE, bearer, http::PROBLEM},
    error::{HubError, plain as broke},
    reason::{Api, Pages},
};

/// What a form may hold.
const FORM_BYTES: usize = 16 * 1024;
/// What somebody signed in, or a program with a token, may send to the API: a mask's file is the largest.
const CALL_BYTES: usize = 64 * 1024;

pub(super) async fn every_request(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let program = of_program(request.uri().path());
    let answer = async {
        match admitted(&app, request, program).await {
            Ok((request, queue)) => turns::within(queue, next.run(request)).await,
            Err(refused) => refused.told(program),
        }
    };
    let answer = timeout(app.times.answer, answer)
        .await
        .unwrap_or_else(|_| Refusal::from(HubError::from(Api::TookTooLong)).told(program));
    dressed(shown(answer).await, program)
}

/// What a page may load, and films from where.
macro_rules! policy {
    ($films:literal) => {
        concat!(
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; media-src ",
            $films,
            "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    };
}
const POLICY: &str = policy!("'self'");
/// Of a page whose player is handed its film by our own script, piece by piece.
pub(super) const FILMS: &str = policy!("'self' blob:");

/// Marks an answer that goes out as it is, for programs that are no browsers.
#[derive(Clone, Copy)]
pub(super) struct AsItIs;

/// Whether an address is one of the API, whose refusals are for programs.
fn of_program(path: &str) -> bool {
    let below = path.strip_prefix(api::BASE);
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

async fn admitted(app: &App, request: Request, program: bool) -> Result<(Request, Queue), Refusal> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let foreign = request
        .headers()
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none");
    if foreign && !reads {
        return Err(HubError::from(Api::OtherSite).into());
    }
    let caller = request.extensions().get::<Arc<Caller>>().cloned();
    if let Some(caller) = caller {
        match app.limits.pace(caller.origin(), app.mono()) {
            Some(0) => {}
            Some(wait) => sleep(Duration::from_millis(wait)).await,
            None => {
                return Err(HubError::from(Api::AddressTooFast).into());
            }
        }
    }
    let lane = lane(app, request.headers(), program).await?;
    let queue = app.limits.queue(lane);
    let most = match lane != Lane::Strangers && program {
        true => CALL_BYTES,
        false => FORM_BYTES,
    };
    // A form is small: it is here whole before anything is done with it, or nothing is.
    let (parts, body) = request.into_parts();
    let body = match body.is_end_stream() {
        true => body,
        false => match timeout(app.times.body, to_bytes(body, most)).await {
            Ok(Ok(bytes)) => Body::from(bytes),
            Ok(Err(_)) => {
                return Err(HubError::from(Api::TooLarge).into());
            }
            Err(_) => {
                return Err(HubError::from(Api::TooSlow).into());
            }
        },
    };
    Ok((Request::from_parts(parts, body), queue))
}

/// Whose request it is, as far as turns go: whether they may is looked at in their turn.
async fn lane(app: &App, headers: &HeaderMap, program: bool) -> Result<Lane, Refusal> {
    if program && let Some(token) = bearer::token(headers) {
        // One row by its key, whoever sends it: not for its turn, for it says which that is.
        let owner = app.work(move |hub| tokens::owner(hub, &token)).await?;
        return Ok(owner.map_or(Lane::Strangers, Lane::Programs));
    }
    let signed_in = cookie(headers, COOKIE).and_then(|c| app.hub.sessions.find(c, app.now()));
    Ok(signed_in.map_or(Lane::Strangers, |session| Lane::Person(session.op)))
}

/// What a refusal without words means to whoever reads it.
fn in_words(status: StatusCode) -> Refusal {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => Refusal::because(Api::OtherMethod),
        status => Refusal::because(Pages::FormUnfit {
            status: status.as_u16(),
        }),
    }
}

fn dressed(answer: Response, program: bool) -> Response {
    let status = answer.status();
    let kind = match program {
        true => PROBLEM,
        false => "text/html",
    };
    let words = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(kind.as_bytes()));
    let bare = (status.is_client_error() || status.is_server_error())
        && status != StatusCode::RANGE_NOT_SATISFIABLE
        && !words
        && answer.extensions().get::<AsItIs>().is_none();
    let allow = answer.headers().get(header::ALLOW).cloned();
    let mut answer = match bare {
        true => in_words(status).told(program),
        false => answer,
    };
    let headers = answer.headers_mut();
    if let Some(allow) = allow {
        headers.insert(header::ALLOW, allow);
    }
    // The one page that has its script in itself says so.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    for (name, value) in [
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=()",
        ),
        ("cache-control", "no-store"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    answer
}

/// Pages and answers to programs quote boxes; whatever is text goes out as text that can be shown. Films, and files that are to be saved
/// byte for byte, are left alone.
async fn shown(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let json = kind.starts_with("application/json") || kind.starts_with(PROBLEM);
    // News go out one by one as they come, each made fit by whoever sends it.
    let text = json || kind.starts_with("text/") && !kind.starts_with("text/event-stream");
    if !text || response.headers().contains_key(header::CONTENT_DISPOSITION) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(e) => return Refusal::from(broke(e)).into_response(),
    };
    // In JSON a control character stands as its number, and whoever reads it has it back.
    let value = match json {
        true => serde_json::from_slice::<serde_json::Value>(&bytes).ok(),
        false => None,
    };
    let clean = match (value, std::str::from_utf8(&bytes).map(plain::lines)) {
        (Some(mut value), _) => {
            plain::message(&mut value);
            Some(value.to_string())
        }
        (None, Ok(Cow::Owned(clean))) => Some(clean),
        (None, Ok(Cow::Borrowed(_)) | Err(_)) => None,
    };
    match clean {
        None => Response::from_parts(parts, Body::from(bytes)),
        Some(clean) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(clean))
        }
    }
}
