//! Adapter: Unix socket. The API on `run/hub.sock`, for root and the hub's own user: they are the console, or the person whose name and
//! password they give.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, Request, State, connect_info::Connected},
    http::{HeaderMap, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    serve::IncomingStream,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::net::UnixListener;

use super::{BASE, bearer, http};
use crate::{
    access::{
        principal::Principal,
        signin::{self, SignIn},
    },
    blocking::blocking,
    error::HubError,
    hub::Hub,
    reason::Api,
};

/// The header of a code that a phone shows.
pub const CODE: &str = "beadle-code";
/// What a request may hold: a mask's file is the largest.
const BODY: usize = 64 * 1024;

pub fn path(state: &Path) -> PathBuf {
    state.join("run").join("hub.sock")
}

/// Opens the socket. A socket left behind by a killed hub is replaced: the lock on the state folder says we are the only one.
pub fn bind(state: &Path) -> std::io::Result<UnixListener> {
    let path = path(state);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// The user at the other end.
#[derive(Clone, Copy, Debug)]
struct Peer(Option<u32>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok().map(|peer| peer.uid()))
    }
}

pub async fn run(hub: Arc<Hub>, listener: UnixListener) {
    let router = Router::new()
        .nest(BASE, http::routes(hub.clone()))
        .fallback(|| async { HubError::from(Api::NoSuchOperation) })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(hub, console));
    let served = axum::serve(
        listener,
        router.into_make_service_with_connect_info::<Peer>(),
    );
    if let Err(e) = served.await {
        tracing::error!("the command socket: {e}");
    }
}

/// Who it is that came through this door.
async fn console(
    State(hub): State<Arc<Hub>>,
    ConnectInfo(Peer(user)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    if user != Some(0) && user != Some(nix::unistd::geteuid().as_raw()) {
        return HubError::from(Api::NotTheHubsUser).into_response();
    }
    let token = bearer::token(request.headers());
    let principal = match named(request.headers()) {
        _ if token.is_some() => {
            let token = token.unwrap_or_default();
            blocking(move || bearer::principal_of_bearer(&hub, &token))
                .await
                .map_err(HubError::from)
                .flatten()
        }
        Ok(None) => Ok(Principal::Console),
        Ok(Some(who)) => blocking(move || signin::check(&hub, &who))
            .await
            .map_err(HubError::from)
            .and_then(|person| person.map(Principal::Person)),
        Err(e) => Err(e),
    };
    match principal {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(e) => e.into_response(),
    }
}

/// The person a command is given as.
fn named(headers: &HeaderMap) -> Result<Option<SignIn>, HubError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let text = value.to_str().ok().and_then(|v| v.strip_prefix("Basic "));
    let bytes = text.and_then(|text| STANDARD.decode(text).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = text.as_deref().and_then(|text| text.split_once(':'));
    let (name, password) = parts.ok_or(Api::SignInUnreadable)?;
    let code = headers.get(CODE).map(|code| code.to_str());
    let code = code.transpose().map_err(|_| Api::SignInUnreadable)?;
    Ok(Some(SignIn {
        name: name.into(),
        password: password.into(),
        code: code.map(str::to_owned),
    }))
}

/// The header that names a person.
pub fn authorization(who: &SignIn) -> String {
    let text = format!("{}:{}", who.name, who.password);
    format!("Basic {}", STANDARD.encode(text))
}
