//! Wiring. The API over HTTPS, for pages and programs in a browser: the principal is whoever is signed in, or whose token it is. Strangers get a problem, never
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
use crate::{
    api::{bearer, http::FILM},
    blocking::{Interruption, blocking},
    error::HubError,
    reason::Api,
};

/// Names the principal of a request.
pub async fn person(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    // A token is sent by a program that has it, never by a browser by itself: no site can have it sent.
    if let Some(token) = bearer::token(request.headers()) {
        let held = token.clone();
        let found = app.work(move |hub| bearer::principal_of_bearer(hub, &held));
        return match found.await {
            Ok(principal) => {
                request.extensions_mut().insert(principal);
                while_good(app, token, in_turn(request, next).await).await
            }
            Err(e) => e.into_response(),
        };
    }
    let who = match SignedIn::find(&app, request.headers(), request.extensions()).await {
        Ok(Some(who)) => who,
        Ok(None) => return HubError::SignedOut.into_response(),
        Err(e) => return e.into_response(),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !own(request.headers()) {
        return HubError::from(Api::OtherSite).into_response();
    }
    request.extensions_mut().insert(who.principal());
    while_signed_in(app, who, in_turn(request, next).await)
}

/// Its turn is held until the answer is made, whoever waits.
async fn in_turn(request: Request, next: Next) -> Response {
    let turn = Turn::next().await;
    let answered = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(turn);
        response
    });
    match answered.await.map_err(Interruption::from) {
        Ok(response) => response,
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

/// News, or a film that arrives.
fn are_news(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let goes_on = |k: &axum::http::HeaderValue| {
        let k = k.as_bytes();
        k.starts_with(b"text/event-stream") || k.starts_with(FILM.as_bytes())
    };
    kind.is_some_and(goes_on)
}

/// News end with the session of whoever follows them.
fn while_signed_in(app: Arc<App>, who: SignedIn, response: Response) -> Response {
    if !are_news(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let news = body
        .into_data_stream()
        .take_while(move |_| ready(app.hub.sessions.lives(who.cookie(), app.now())));
    Response::from_parts(parts, Body::from_stream(news))
}

/// And with the token of the program that does.
async fn while_good(app: Arc<App>, token: String, response: Response) -> Response {
    if !are_news(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let news = body.into_data_stream().take_while(move |_| {
        let (hub, token) = (app.hub.clone(), token.clone());
        async move {
            let good = blocking(move || bearer::principal_of_bearer(&hub, &token)).await;
            matches!(good, Ok(Ok(_)))
        }
    });
    Response::from_parts(parts, Body::from_stream(news))
}
