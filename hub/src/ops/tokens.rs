//! Task. Operations about tokens for programs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Done, Operation, work};
use crate::{
    access::{
        authorise::Permit,
        tokens::{self, NewToken, TokenRow},
    },
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
};

/// One's own tokens; who administers sees everybody's.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<TokenRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            tokens::list(hub, &self.part, permit)
        })
        .await
    }
}

/// Makes one, which is shown this once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Add {
    /// What it is for, as its owner calls it.
    pub label: String,
    /// Names of operations.
    pub scopes: Vec<String>,
    pub days: u32,
}

impl Operation for Add {
    type Reply = NewToken;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            tokens::add(hub, &self.label, &self.scopes, self.days, permit)
        })
        .await
    }
}

/// It is worth nothing from now on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Revoke {
    pub token: u64,
}

impl Operation for Revoke {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            tokens::revoke(hub, self.token, permit)
        })
        .await
        .map(|()| Done {})
    }
}
