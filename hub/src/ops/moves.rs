//! Task. Operations about where boxes find the hub.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::id::BoxName;
use utoipa::ToSchema;

use super::operation::{Operation, work};
use crate::{
    access::{
        authorise::Permit,
        signin::{self, SignIn},
        two,
    },
    error::HubError,
    hub::Hub,
    model::moves::Moves,
    orders::moves::{self, MoveRequest},
};

/// Which boxes know where the hub will be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = MoveList)]
pub struct List {}

impl Operation for List {
    type Reply = Moves;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| moves::list(hub)).await
    }
}

/// Two people tell boxes where the hub will be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = MoveAsk)]
pub struct Ask {
    /// Boxes that are told; none named: all that are not revoked.
    #[serde(default)]
    pub boxes: Vec<BoxName>,
    /// Where boxes dial it, `host:port`.
    pub hub: String,
    /// Where else, when it does not answer there.
    #[serde(default)]
    pub other: Option<String>,
    /// What they ask the DNS for when it answers nowhere, `name:port`; left out: what they were told at enrolment.
    #[serde(default)]
    pub lookup: Option<String>,
    pub reason: String,
    /// The other person, who says so too.
    pub second: SignIn,
}

impl Operation for Ask {
    type Reply = Moves;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let person = signin::check(hub, &self.second)?;
            two::people(hub, permit.number(), person.op)?;
            let second = permit.second(&person)?;
            let wanted = MoveRequest {
                boxes: self.boxes,
                hub: self.hub,
                second: self.other,
                lookup: self.lookup,
                reason: self.reason,
            };
            moves::order(hub, &wanted, permit, &second)
        })
        .await
    }
}
