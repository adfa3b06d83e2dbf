//! Task. Operations about who outside the scheme stamps and attests the hub's log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, work};
use crate::{
    access::authorise::Permit,
    blocking::blocking,
    error::HubError,
    hub::Hub,
    model::outside::OutsideStatus,
    outside::{anchor, asked},
    reason::Outside as Because,
};

/// Who outside the scheme stamps and attests the heads of the hub's log, and what waits for whom.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OutsideList)]
pub struct List {}

impl Operation for List {
    type Reply = OutsideStatus;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| asked::status(hub)).await
    }
}

/// A head of this moment is sent to all of them, and what waits with it; answered when each has answered or failed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OutsideAnchor)]
pub struct Anchor {}

impl Operation for Anchor {
    type Reply = OutsideStatus;

    async fn perform(self, hub: Arc<Hub>, _: Permit) -> Result<Self::Reply, HubError> {
        if hub.config.outside.is_empty() {
            return Err(Because::NobodyNamed.into());
        }
        anchor::round(&hub, true).await?;
        blocking(move || asked::status(&hub)).await?
    }
}
