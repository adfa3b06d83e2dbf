//! Task. Operations about owners of cameras.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::id::{BoxCamera, BoxName, CameraId};
use utoipa::ToSchema;

use super::operation::{Done, Operation, work};
use crate::{
    access::{
        authorise::Permit,
        owners::{self, OwnerRow},
    },
    error::HubError,
    hub::Hub,
};

/// Every owner and their cameras.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {}

impl Operation for List {
    type Reply = Vec<OwnerRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| owners::list(hub)).await
    }
}

/// Adds one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Add {
    /// Short name: letters a to z, digits, -.
    pub owner: String,
    /// For people.
    pub title: String,
}

impl Operation for Add {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            owners::add(hub, &self.owner, &self.title, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// A camera is this owner's from now on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Assign {
    pub owner: String,
    pub r#box: BoxName,
    pub cam: CameraId,
}

impl Operation for Assign {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let camera = BoxCamera {
                r#box: self.r#box,
                cam: self.cam,
            };
            owners::assign(hub, &self.owner, &camera, permit)
        })
        .await
        .map(|()| Done {})
    }
}
