//! Wiring. The API over HTTPS, for pages and programs in a browser: the principal is whoever is signed in. Strangers get a problem, never
//! the sign-in page; nothing is done for another site.

use std::{future::ready, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;

use super::{
    context::{App, SignedIn},
    turns::Turn,
};
use crate::{desk::Stopped, error::HubError};

/// Names the principal of a request. Its turn is held until the answer is made, whoever waits.
pub async fn person(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let who = match SignedIn::find(&app, request.headers(), request.extensions()).await {
        Ok(Some(who)) => who,
        Ok(None) => return HubError::SignedOut.into_response(),
        Err(e) => return e.into_response(),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !own(request.headers()) {
        return HubError::NotAllowed("this was sent by another site; nothing was done".into())
            .into_response();
    }
    request.extensions_mut().insert(who.principal());
    let turn = Turn::next().await;
    let answered = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(turn);
        response
    });
    match answered.await.map_err(Stopped::from) {
        Ok(response) => while_signed_in(app, who, response),
        Err(stopped) => HubError::from(stopped).into_response(),
    }
}

/// Whether the site that sent this is ours, as far as its browser says. (Whether it says so by `Sec-Fetch-Site` is looked at before.)
fn own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    match (headers.contains_key(header::ORIGIN), text(header::ORIGIN)) {
        (false, _) => true,
        (true, origin) => origin
            .and_then(|origin| origin.strip_prefix("https://"))
            .zip(text(header::HOST))
            .is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host)),
    }
}

/// News end with the session of whoever follows them.
fn while_signed_in(app: Arc<App>, who: SignedIn, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|k| k.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let news = body
        .into_data_stream()
        .take_while(move |_| ready(app.sessions().lives(who.cookie(), app.mono())));
    Response::from_parts(parts, Body::from_stream(news))
}
