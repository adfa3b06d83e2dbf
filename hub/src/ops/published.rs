//! Task. What a scheme publishes so that anybody can check its evidence.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, work};
use crate::{
    access::authorise::Permit,
    error::HubError,
    evidence::published::{self, PublishedFile},
    hub::Hub,
};

/// The verifier, its specification, and the hub's public keys, as files to put on a web server; also at `/proof/`, for everybody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {}

impl Operation for Show {
    type Reply = Vec<PublishedFile>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| Ok(of(hub))).await
    }
}

/// Those of this hub, for the page that needs no permit.
pub fn of(hub: &Hub) -> Vec<PublishedFile> {
    published::files(
        &hub.config.scheme,
        hub.keys.cosign_vkey(),
        &hub.keys.seal_spki(),
        &hub.config.outside,
    )
}
