//! Wiring. The staff pages: server-rendered HTTPS, one small script of our own, nothing without signing in; and the API for those who signed in here.
//!
//! | module | what lives there |
//! |---|---|
//! | [`server`] | TCP, TLS and HTTP: limits, timeouts, stop |
//! | [`routes`] | the table of pages: every address, and the operations that whoever asks must be allowed |
//! | [`guard`], [`turns`] | what every request passes first, and what every answer carries; how much is worked on at once |
//! | [`context`] | what pages are handed: the hub, who is signed in; what they answer with |
//! | [`api`] | the API over HTTPS: whoever is signed in is the principal |
//! | [`guesses`], [`halves`] | how fast passwords may be tried; who has given one and not yet the second factor |
//! | [`parts`] | what pages share: the head with its navigation, states, days drawn |
//! | [`forms`] | pages that take forms: shown, and shown again with what became of one |
//! | [`leaf`] | long lists on pages |
//! | [`asked`], [`lane`] | the address of a view of footage; the time line, drawn |
//! | [`watched`] | the address of what is watched |
//! | [`pages`] | one file a page, with its views |
//! | [`files`] | a package's files, and byte ranges of them |

use std::{future::Future, sync::Arc};

use rustls::ServerConfig;
use tokio::net::TcpListener;

use crate::hub::Hub;

pub mod api;
pub mod asked;
pub mod context;
pub mod files;
pub mod forms;
pub mod guard;
pub mod guesses;
pub mod halves;
pub mod lane;
pub mod leaf;
pub mod pages;
pub mod parts;
pub mod routes;
pub mod server;
pub mod turns;
pub mod watched;

#[cfg(test)]
mod tests;

pub use server::{Times, WebError, bind, tls};

/// Serves pages and API of this hub until `stop` is done; then lets answers under way end, for a few seconds.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    hub: Arc<Hub>,
    times: Times,
    stop: impl Future<Output = ()> + Send,
) {
    let router = routes::router(context::App::new(hub, times));
    server::serve(listener, tls, router, times, stop).await;
}
