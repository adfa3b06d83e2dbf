//! Wiring. What witnesses ask of a hub, and a hub that attests others' logs answers (C2SP `tlog-witness`): no sign-in, for what counts is signed.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{
    note::SignedHead,
    witness::{Judged, Submission},
};

use crate::{
    error::{HubError, plain},
    hub::Hub,
    outside::attest,
    web::{
        context::{App, Refusal},
        guard::AsItIs,
    },
};

fn text(status: u16, kind: &'static str, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
    answer.extensions_mut().insert(AsItIs);
    answer
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// A head of a log that this hub watches, to be cosigned.
pub async fn add(State(app): State<Arc<App>>, body: Bytes) -> Response {
    let Ok(sent) = Submission::parse(&body) else {
        return text(400, PLAIN, String::new());
    };
    match app.work(move |hub| attested(hub, &sent)).await {
        Ok(answer) => answer,
        Err(e) => Refusal::from(e).into_response(),
    }
}

fn attested(hub: &Hub, sent: &Submission) -> Result<Response, HubError> {
    let key = hub.keys.cosign_vkey();
    let now = hub.now();
    let watched = &hub.config.outside.watched;
    let (judged, signature) = hub
        .watch
        .attest(sent, watched, key, |head| hub.keys.cosign(head, now))
        .map_err(plain)?;
    if matches!(judged, Judged::Forked | Judged::Unproven) {
        let origin = &sent.head.head.origin;
        tracing::error!(
            origin,
            "a log that this hub watches was refused: {judged:?}"
        );
    }
    Ok(match (judged, signature) {
        (Judged::Sound, Some(signature)) => text(200, PLAIN, signature.line()),
        (Judged::Elsewhere { size }, _) => text(409, "text/x.tlog.size", format!("{size}\n")),
        (judged, _) => text(judged.status(), PLAIN, String::new()),
    })
}

/// What a witness without an address is to attest.
pub async fn next(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match app.work(move |hub| attest::laid_out(hub, &id)).await {
        Ok(Some(sent)) => text(200, PLAIN, sent),
        Ok(None) => text(404, PLAIN, String::new()),
        Err(e) => Refusal::from(e).into_response(),
    }
}

/// Its cosignature.
pub async fn take(State(app): State<Arc<App>>, body: Bytes) -> Response {
    let Ok(note) = SignedHead::parse(&body) else {
        return text(400, PLAIN, String::new());
    };
    match app.work(move |hub| attest::brought(hub, &note)).await {
        Ok(true) => text(200, PLAIN, String::new()),
        Ok(false) => text(403, PLAIN, String::new()),
        Err(e) => Refusal::from(e).into_response(),
    }
}
