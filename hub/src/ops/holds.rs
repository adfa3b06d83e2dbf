//! Task. Operations about held footage.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, CameraId, HoldId},
    time::{Day, Utc},
};
use utoipa::ToSchema;

use super::{
    footage::camera,
    operation::{Operation, Target, work},
    sight::Sight,
};
use crate::{
    access::authorise::Permit,
    error::HubError,
    holds::{self, acts, rows::HoldRow, shown},
    hub::Hub,
    list::{Part, Rows},
};

/// How long an act about a hold waits for the box.
const WAITS: Duration = Duration::from_secs(10);

/// An act about a hold, and what its box says to it, if that is on the line.
async fn settled(
    hub: Arc<Hub>,
    permit: Permit,
    act: impl FnOnce(&Hub, &Permit) -> Result<HoldRow, HubError> + Send + 'static,
) -> Result<HoldRow, HubError> {
    let row = work(hub.clone(), permit.clone(), act).await?;
    if !row.online {
        return Ok(row);
    }
    let id = row.hold;
    holds::settled(&hub, id, WAITS).await?;
    work(hub, permit, move |hub, _| shown::one(hub, id)).await
}

/// Holds that are not over, and those that ended lately, oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#box: Option<BoxName>,
    /// Those that ended long ago too.
    #[serde(default)]
    pub all: bool,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<HoldRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let seen = Sight::seen(permit);
            shown::list(hub, &seen, self.r#box.as_ref(), self.all, &self.part)
        })
        .await
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub hold: HoldId,
}

impl Operation for Show {
    type Reply = HoldRow;

    fn about(&self) -> Target {
        Target::Hold(self.hold)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| shown::one(hub, self.hold)).await
    }
}

/// Footage is to be kept beyond its day; answered when its box has, or after a moment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Add {
    pub r#box: BoxName,
    pub cam: CameraId,
    #[serde(flatten)]
    pub wanted: acts::HoldRequest,
}

camera!(Add);

impl Operation for Add {
    type Reply = HoldRow;

    fn about(&self) -> Target {
        Target::Footage(self.camera(), self.wanted.t0)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        settled(hub, permit, move |hub, permit| {
            acts::add(hub, &self.camera(), &self.wanted, permit)
        })
        .await
    }
}

/// Until later, or the same with another review date.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Extend {
    pub hold: HoldId,
    pub until: Utc,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Day>,
    pub reason: String,
}

impl Operation for Extend {
    type Reply = HoldRow;

    fn about(&self) -> Target {
        Target::Hold(self.hold)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        settled(hub, permit, move |hub, permit| {
            acts::extend(
                hub,
                self.hold,
                self.until,
                self.review,
                &self.reason,
                permit,
            )
        })
        .await
    }
}

/// Asks that it be released before its time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Release {
    pub hold: HoldId,
    pub reason: String,
}

impl Operation for Release {
    type Reply = HoldRow;

    fn about(&self) -> Target {
        Target::Hold(self.hold)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            acts::release(hub, self.hold, &self.reason, permit)
        })
        .await
    }
}

/// The second person's word.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Approve {
    pub hold: HoldId,
}

impl Operation for Approve {
    type Reply = HoldRow;

    fn about(&self) -> Target {
        Target::Hold(self.hold)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            acts::approve(hub, self.hold, permit)
        })
        .await
    }
}
