//! Wiring. What every request passes before its handler, and what every answer carries.
//!
//! Requests of one address have a pace; a form is read whole in a few seconds; an answer comes within a minute. Work on it takes turns: one
//! person's requests have a few, strangers share a few more, so that nobody's keep the others waiting. Work whose page nobody waits for any
//! more holds its turn until it ends, and can ask whether it may stop.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use shared::plain;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use super::{
    routes::{App, COOKIE, Refused, cookie},
    server::Caller,
};
use crate::{
    pace::{Lanes, Pace},
    places::Origin,
};

/// What a form may hold.
const FORM_BYTES: usize = 16 * 1024;
/// Requests of one address.
const REQUESTS: Pace = Pace {
    burst: 300,
    every_us: 20_000,
};
/// How long a request waits that comes faster.
const PATIENCE_MS: u64 = 3000;
/// Addresses that are told apart.
const ADDRESSES: usize = 10_000;
/// Pieces of work at once: of one account, of all who are not signed in, and of all.
const TURNS_OWN: usize = 4;
const TURNS_STRANGERS: usize = 12;
const TURNS: usize = 32;

pub(super) struct Limits {
    requests: Mutex<Lanes<Origin>>,
    /// By account.
    own: Mutex<HashMap<u32, Weak<Semaphore>>>,
    strangers: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: Mutex::new(Lanes::new(REQUESTS, ADDRESSES)),
            own: Mutex::default(),
            strangers: Arc::new(Semaphore::new(TURNS_STRANGERS)),
            all: Arc::new(Semaphore::new(TURNS)),
        }
    }
}

impl Limits {
    /// How many milliseconds a request from there has to wait; None: it is turned away.
    fn pace(&self, from: Origin, now: u64) -> Option<u64> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.take(from, 1, now, PATIENCE_MS)
    }

    fn queue(&self, account: Option<u32>) -> Queue {
        let own = match account {
            None => self.strangers.clone(),
            Some(op) => {
                let mut by = self.own.lock().unwrap_or_else(PoisonError::into_inner);
                match by.get(&op).and_then(Weak::upgrade) {
                    Some(own) => own,
                    None => {
                        by.retain(|_, own| own.strong_count() > 0);
                        let own = Arc::new(Semaphore::new(TURNS_OWN));
                        by.insert(op, Arc::downgrade(&own));
                        own
                    }
                }
            }
        };
        Queue {
            own,
            all: self.all.clone(),
            gone: Arc::default(),
        }
    }
}

tokio::task_local! {
    static QUEUE: Queue;
}

/// Where the work for one request waits for its turn.
#[derive(Clone)]
pub(super) struct Queue {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
    gone: Arc<AtomicBool>,
}

/// Held while a piece of work goes on.
pub(super) struct Turn(#[allow(dead_code)] Option<[OwnedSemaphorePermit; 2]>);

impl Turn {
    /// The next turn of the request this task answers.
    pub(super) async fn next() -> Self {
        let Ok(queue) = QUEUE.try_with(Clone::clone) else {
            return Self(None);
        };
        // Neither is ever closed.
        let (Ok(own), Ok(all)) = (
            queue.own.acquire_owned().await,
            queue.all.acquire_owned().await,
        ) else {
            return Self(None);
        };
        Self(Some([own, all]))
    }
}

/// Says whether nobody waits for the answer to this request any more.
pub(super) fn abandoned() -> impl Fn() -> bool + Send + 'static {
    let gone = QUEUE.try_with(|q| q.gone.clone()).unwrap_or_default();
    move || gone.load(Ordering::Relaxed)
}

/// Set when the request's future ends, however it does.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) async fn every_request(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let answer = async {
        match admitted(&app, request).await {
            Ok((request, queue)) => {
                let _waiting = Waiting(queue.gone.clone());
                QUEUE.scope(queue, next.run(request)).await
            }
            Err(refused) => refused.into_response(),
        }
    };
    let answer = timeout(app.times.answer, answer).await.unwrap_or_else(|_| {
        Refused::busy(
            "This took longer than it may, so it was given up. What was to be done may be done all the same: look before you ask again.",
        )
        .into_response()
    });
    dressed(shown(answer).await)
}

async fn admitted(app: &App, request: Request) -> Result<(Request, Queue), Refused> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let foreign = request
        .headers()
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none");
    if foreign && !reads {
        return Err(Refused::forbidden(
            "This form was sent by another site. Nothing was done.",
        ));
    }
    let caller = request.extensions().get::<Arc<Caller>>().cloned();
    if let Some(caller) = caller {
        match app.limits.pace(caller.origin(), app.mono()) {
            Some(0) => {}
            Some(wait) => sleep(Duration::from_millis(wait)).await,
            None => {
                return Err(Refused::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too fast",
                    "Too much is asked from this address at once. Wait a few seconds and try again.",
                ));
            }
        }
    }
    let account = cookie(request.headers(), COOKIE)
        .and_then(|c| Some(app.sessions().find(c, app.mono())?.account.op));
    let queue = app.limits.queue(account);
    // A form is small: it is here whole before anything is done with it, or nothing is.
    let (parts, body) = request.into_parts();
    let body = match body.is_end_stream() {
        true => body,
        false => match timeout(app.times.body, to_bytes(body, FORM_BYTES)).await {
            Ok(Ok(bytes)) => Body::from(bytes),
            Ok(Err(_)) => {
                return Err(Refused::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "Too large",
                    "The form was larger than any of our pages sends, or did not come whole. Nothing was done.",
                ));
            }
            Err(_) => {
                return Err(Refused::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "Too slow",
                    "The form took too long to arrive. Nothing was done; try again.",
                ));
            }
        },
    };
    Ok((Request::from_parts(parts, body), queue))
}

/// What a refusal without words means to whoever reads it.
fn in_words(status: StatusCode) -> Refused {
    let text = match status {
        StatusCode::METHOD_NOT_ALLOWED => "This address does not take what was sent to it.",
        StatusCode::UNPROCESSABLE_ENTITY => {
            "Something was missing in the form, or was not as our pages send it."
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "Only forms of our pages are taken here.",
        StatusCode::BAD_REQUEST => "The address or the form cannot be read.",
        _ => "It cannot be answered.",
    };
    Refused::new(
        status,
        "Not understood",
        format!("{text} Nothing was done."),
    )
}

fn dressed(answer: Response) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let status = answer.status();
    let words = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
    let bare = (status.is_client_error() || status.is_server_error())
        && status != StatusCode::RANGE_NOT_SATISFIABLE
        && !words;
    let allow = answer.headers().get(header::ALLOW).cloned();
    let mut answer = match bare {
        true => in_words(status).into_response(),
        false => answer,
    };
    let headers = answer.headers_mut();
    if let Some(allow) = allow {
        headers.insert(header::ALLOW, allow);
    }
    for (name, value) in [
        ("content-security-policy", POLICY),
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
    let json = kind.starts_with("application/json");
    let text = json || kind.starts_with("text/");
    if !text || response.headers().contains_key(header::CONTENT_DISPOSITION) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(_) => return Refused::broken("The page could not be made.").into_response(),
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
