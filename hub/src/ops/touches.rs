//! Task. Operations about orders that people approve with their own passkeys, and about whose passkeys count at boxes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::id::BoxName;
use utoipa::ToSchema;

use super::operation::{Done, Operation, Target, work};
use crate::{
    access::authorise::Permit,
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
    orders::{
        approvers::{self, ApproverKeys, ApproverRequest},
        touches::{self, TouchOutcome, TouchRow, WaitsForTouches},
    },
};

/// Orders that wait for the passkey of whoever asks, and those that ended in the last day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<TouchRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            touches::list(hub, &self.part, permit)
        })
        .await
    }
}

/// Approves an order with one's own passkey. With the second person's the order goes to its box.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Give {
    pub order: u64,
    /// JSON that the browser handed over for the order's challenge.
    pub credential: String,
}

impl Operation for Give {
    type Reply = TouchOutcome;

    fn about(&self) -> Target {
        Target::Order(self.order)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        touches::give(&hub, self.order, self.credential, &permit).await
    }
}

/// An order that waits for passkeys is not to be. One that both have touched is on its way, and cannot be called off.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CallOff {
    pub order: u64,
}

impl Operation for CallOff {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Order(self.order)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            touches::call_off(hub, self.order, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Passkeys of those who have the role of an approver, boxes that know some, changes that wait for a second person, and the list that
/// root pins at a box.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Approvers {}

impl Operation for Approvers {
    type Reply = ApproverKeys;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| approvers::list(hub)).await
    }
}

/// Asks that a passkey count at a box, or count no more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AskApprover {
    pub r#box: BoxName,
    #[serde(flatten)]
    pub wanted: approvers::KeyRequest,
}

impl Operation for AskApprover {
    type Reply = ApproverRequest;

    fn about(&self) -> Target {
        Target::Box(self.r#box.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            approvers::ask(hub, &self.r#box, &self.wanted, permit)
        })
        .await
    }
}

/// The second person's word; both touch their passkeys next.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApproveApprover {
    pub request: u64,
}

impl Operation for ApproveApprover {
    type Reply = WaitsForTouches;

    fn about(&self) -> Target {
        Target::Approver(self.request)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            approvers::approve(hub, self.request, permit)
        })
        .await
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WithdrawApprover {
    pub request: u64,
}

impl Operation for WithdrawApprover {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Approver(self.request)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            approvers::withdraw(hub, self.request, permit)
        })
        .await
        .map(|()| Done {})
    }
}
