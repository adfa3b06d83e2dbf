//! Adapter: HTTP. The principal of a request that carries a token, whichever door it came through. Blocking.

use axum::http::{HeaderMap, header};

use crate::{access::principal::Principal, access::tokens, error::HubError, hub::Hub};

/// The token of a request, if it carries one.
pub fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// Whoever that token is of; one that is worth nothing is nobody's.
pub fn principal_of_bearer(hub: &Hub, token: &str) -> Result<Principal, HubError> {
    tokens::bearer(hub, token).map(Principal::Person)
}
