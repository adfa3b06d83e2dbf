//! Wiring. The one API: every operation of [`crate::ops`] over HTTP, below `/api/v1`.
//!
//! | module | what lives there |
//! |---|---|
//! | [`call`] | an operation as a request, and back |
//! | [`shape`] | what an operation takes, by its schema |
//! | [`openapi`] | all of it as a document |
//! | [`http`] | a route for each row of the table; problems as `application/problem+json` |
//! | [`bearer`] | whoever a request's token is of |
//! | [`socket`] | the same on `run/hub.sock`, for root and the hub's own user |
pub mod bearer;
pub mod call;
pub mod http;
pub mod openapi;
pub mod shape;
pub mod socket;

/// Where every route of the API begins.
pub const BASE: &str = "/api/v1";

/// `__Host-`: the browser itself insists on HTTPS, this host, all paths.
pub const COOKIE: &str = "__Host-beadle";
