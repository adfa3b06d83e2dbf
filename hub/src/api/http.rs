//! Wiring. A route for each row of the table. Whoever asks stands in the request's extensions as a [`Principal`]; the door they came
//! through put it there.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension, Json, Router,
    body::{Body, Bytes},
    extract::{Query, RawPathParams, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{MethodRouter, get, post},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::plain;
use utoipa::ToSchema;

use super::{call, openapi, shape::Shape};
use crate::{
    access::principal::Principal,
    error::HubError,
    hub::Hub,
    keys,
    model::operation::{Method, Row},
    ops::{
        self, Visitor,
        operation::{self, Filmed, Followed, Operation},
    },
    reason::{Api, Code, class::Class},
};

/// What programs are told when there is no reply (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    pub title: String,
    pub status: u16,
    pub class: Class,
    pub code: Code,
    /// A sentence for people: what failed, on what, and what to do.
    pub detail: String,
    /// What to do, alone.
    pub next: String,
}

impl Problem {
    /// Of what broke, the number under which the journal has it.
    pub fn of(error: &HubError) -> Self {
        let detail = match error.class() {
            Class::Broken => broken(error),
            _ => error.to_string(),
        };
        Self::with(error, detail)
    }

    /// With a sentence that was made already.
    pub fn with(error: &HubError, detail: String) -> Self {
        let class = error.class();
        Self {
            title: class.title().into(),
            status: error.status(),
            class,
            code: Code(error.code().into()),
            detail,
            next: error.next(),
        }
    }
}

/// What broke is for the journal; whoever asks gets a number to quote.
pub fn broken(error: &HubError) -> String {
    let number = keys::random::<4>().map_or(0, u32::from_be_bytes);
    tracing::error!(number = format!("{number:08x}"), "{error}");
    let what = match error {
        HubError::Fault => "This is a fault in Beadle, and nothing more was done",
        _ => "The hub could not do this",
    };
    format!(
        "{what}; its journal says why under the number {number:08x}. Tell whoever looks after this hub."
    )
}

/// The kind of a problem's body.
pub const PROBLEM: &str = "application/problem+json";

impl IntoResponse for HubError {
    fn into_response(self) -> Response {
        Problem::of(&self).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static(PROBLEM);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// Every operation, and a problem for what is none; to be nested below [`BASE`](super::BASE).
pub fn routes<S: Clone + Send + Sync + 'static>(hub: Arc<Hub>) -> Router<S> {
    let mut routes = Routes(Router::new());
    ops::visit(&mut routes);
    routes
        .0
        .route(openapi::PATH, get(document))
        .fallback(|| async { HubError::from(Api::NoSuchOperation) })
        .method_not_allowed_fallback(|| async { HubError::from(Api::OtherMethod) })
        .with_state(hub)
}

/// The API's own document. Nothing of this hub is in it, and it is in the manual too; but a hub answers nothing to strangers.
async fn document(who: Option<Extension<Principal>>) -> Result<Json<Value>, HubError> {
    match who {
        Some(_) => Ok(Json(openapi::document())),
        None => Err(HubError::SignedOut),
    }
}

struct Routes(Router<Arc<Hub>>);

impl Routes {
    fn add(&mut self, row: &Row, route: MethodRouter<Arc<Hub>>) {
        let routes = std::mem::take(&mut self.0);
        self.0 = routes.route(row.path, route);
    }
}

impl Visitor for Routes {
    fn asked<O: Operation>(&mut self) {
        let route = match O::ROW.method {
            Method::Get => get(asked::<O>),
            Method::Post => post(asked::<O>),
        };
        self.add(O::ROW, route.layer(shape::<O>()));
    }

    fn followed<O: Followed>(&mut self) {
        self.add(O::ROW, get(followed::<O>).layer(shape::<O>()));
    }

    fn filmed<O: Filmed>(&mut self) {
        self.add(O::ROW, get(filmed::<O>).layer(shape::<O>()));
    }
}

/// What an operation takes, for whoever reads a request of it.
pub(crate) fn shape<O: ToSchema>() -> Extension<Arc<Shape>> {
    Extension(Arc::new(Shape::of::<O>()))
}

/// What is asked, from all parts of the request that can say it.
fn read<O: serde::de::DeserializeOwned>(
    row: &Row,
    shape: &Shape,
    path: &RawPathParams,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<O, HubError> {
    let named = path.iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
    let query =
        Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| Api::AddressUnreadable)?;
    let body = match row.method {
        Method::Get => None,
        Method::Post => {
            let kind = headers.get(header::CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            let json = kind.eq_ignore_ascii_case("application/json");
            if !json {
                return Err(Api::JsonWanted.into());
            }
            Some(body)
        }
    };
    call::read(shape, named.chain(query.0), body)
}

pub(crate) async fn asked<O: Operation>(
    State(hub): State<Arc<Hub>>,
    who: Option<Extension<Principal>>,
    Extension(shape): Extension<Arc<Shape>>,
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<O::Reply>, HubError> {
    let Extension(who) = who.ok_or(HubError::SignedOut)?;
    let operation: O = read(O::ROW, &shape, &path, &uri, &headers, &body)?;
    operation::perform(&hub, &who, operation).await.map(Json)
}

async fn followed<O: Followed>(
    State(hub): State<Arc<Hub>>,
    who: Option<Extension<Principal>>,
    Extension(shape): Extension<Arc<Shape>>,
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    let Extension(who) = who.ok_or(HubError::SignedOut)?;
    let operation: O = read(O::ROW, &shape, &path, &uri, &headers, b"")?;
    let mut news = Box::pin(operation::follow(&hub, &who, operation).await?);
    // What cannot be followed at all is refused like everything else; a stream is begun only where there is something to tell.
    let first = news.next().await.transpose()?;
    let news = stream::iter(first.map(Ok)).chain(news);
    let events = news.map(|news| Ok::<_, Infallible>(event(news)));
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// What films are sent as.
pub const FILM: &str = "video/mp4";
/// The header that says that a film is not verified.
pub const VERIFIED: &str = "beadle-verified";

async fn filmed<O: Filmed>(
    State(hub): State<Arc<Hub>>,
    who: Option<Extension<Principal>>,
    Extension(shape): Extension<Arc<Shape>>,
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    let Extension(who) = who.ok_or(HubError::SignedOut)?;
    let operation: O = read(O::ROW, &shape, &path, &uri, &headers, b"")?;
    let Some(film) = operation::film(&hub, &who, operation).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let bytes = stream::unfold(film, |mut film| async move {
        let next = film.recv().await?;
        Some((next, film))
    });
    let kinds = [
        (header::CONTENT_TYPE.as_str(), FILM),
        (header::ACCEPT_RANGES.as_str(), "none"),
        (VERIFIED, "no"),
    ];
    Ok((kinds, Body::from_stream(bytes)).into_response())
}

/// News, or the problem that ends them.
fn event<T: Serialize>(news: Result<T, HubError>) -> Event {
    let (name, value) = match news {
        Ok(news) => ("news", serde_json::to_value(news)),
        Err(e) => ("problem", serde_json::to_value(Problem::of(&e))),
    };
    let mut value = value.unwrap_or_default();
    // What a box said is among it.
    plain::message(&mut value);
    Event::default().event(name).data(value.to_string())
}
