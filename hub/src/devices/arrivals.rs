//! Task. Connections as they come: who gets a place, for how long, and what is said of those who get none.
//!
//! Whether somebody has a certificate is known only after the handshake, so everybody who comes gets a place in it, and loses it only to
//! others of the same address, or to others while its address holds most ([`Places`]). With a certificate that is all: boxes need no other
//! place. Without one there is another door, narrower, for those who enrol. An address that nobody has shown to be theirs (the first packet
//! of QUIC can carry any) gets one of few places of its own, or has to answer from there first, which costs the hub nothing.

use std::{net::IpAddr, sync::Arc};

use tokio::{sync::Semaphore, task::JoinSet};

use super::session;
use crate::{
    hub::Hub,
    link::{LinkError, Listener},
    places::Places,
    tally::Tally,
};

/// In their handshake: for one address, and in all.
const HANDSHAKES_EACH: usize = 64;
const HANDSHAKES: usize = 512;
/// In their handshake from addresses that are not shown to be theirs.
const UNPROVEN: usize = 16;
/// Without a certificate: for one address, and in all.
const STRANGERS_EACH: usize = 8;
const STRANGERS: usize = 64;

struct Porch {
    handshakes: Places,
    unproven: Arc<Semaphore>,
    strangers: Places,
    refused: Tally,
}

/// Serves boxes until the listener is closed.
pub async fn run(hub: Arc<Hub>, listener: Listener) {
    let porch = Arc::new(Porch {
        handshakes: Places::new(HANDSHAKES_EACH, HANDSHAKES),
        unproven: Arc::new(Semaphore::new(UNPROVEN)),
        strangers: Places::new(STRANGERS_EACH, STRANGERS),
        refused: Tally::default(),
    });
    let mut lines = JoinSet::new();
    while let Some(knock) = listener.knock().await {
        while lines.try_join_next().is_some() {}
        let unproven = match knock.proven() {
            true => None,
            false => match porch.unproven.clone().try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) => {
                    knock.prove();
                    continue;
                }
            },
        };
        let (hub, porch) = (hub.clone(), porch.clone());
        lines.spawn(async move {
            let from = knock.from().ip();
            let line = match unproven {
                Some(permit) => {
                    let line = knock.open().await;
                    drop(permit);
                    line
                }
                None => {
                    let place = porch.handshakes.take(from);
                    tokio::select! {
                        line = knock.open() => line,
                        () = place.lost() => Err(LinkError::Displaced),
                    }
                }
            };
            match line {
                Ok(line) => match line.certificate() {
                    Some(shown) => session::known(hub, line, shown).await,
                    None => {
                        let place = porch.strangers.take(from);
                        tokio::select! {
                            () = session::stranger(hub, line.clone(), &place) => {}
                            () = place.lost() => session::displaced(&line),
                        }
                    }
                },
                Err(e) => porch.tell(&hub, from, &e),
            }
        });
    }
}

impl Porch {
    fn tell(&self, hub: &Hub, from: IpAddr, e: &LinkError) {
        if let Some(n) = self.refused.count(hub.clock.now().mono) {
            tracing::warn!(%from, "{n} connections were refused in the handshake since the last line like this (certificates of another authority, or no boxes at all); the last: {e}");
        }
    }
}
