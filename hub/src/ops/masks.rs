//! Task. Operations about masks: their reviews, their lifts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, CameraId, ExhibitRef},
    time::Day,
    wire::MaskInfo,
};
use utoipa::ToSchema;

use super::{
    footage::camera,
    operation::{Done, Operation, Target, work},
    sight::Sight,
};
use crate::{
    access::authorise::Permit,
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
    orders::mask::{self, LiftApproval, LiftRow},
    reviews::{self, MaskRow, ReviewRow},
};

/// Every camera's mask and its review, what has to be looked at first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {}

impl Operation for List {
    type Reply = Vec<MaskRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, permit| {
            let (sight, mut rows) = (Sight::of(hub, permit)?, reviews::all(hub)?);
            rows.retain(|row| sight.row(&row.camera, None));
            Ok(rows)
        })
        .await
    }
}

/// A camera's mask.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub r#box: BoxName,
    pub cam: CameraId,
}

camera!(Show, Set, Review, End, AskLift);

/// The mask in force, and the last review.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InForce {
    pub mask: Option<MaskInfo>,
    pub reviewed: Option<ReviewRow>,
}

impl Operation for Show {
    type Reply = InForce;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            Ok(InForce {
                mask: mask::in_force(hub, &self.camera())?,
                reviewed: reviews::last(hub, &self.camera())?,
            })
        })
        .await
    }
}

/// Another mask.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Set {
    pub r#box: BoxName,
    pub cam: CameraId,
    /// TOML, the keys of `[camera.mask]`.
    pub file: String,
}

/// The id of the mask that is in force now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MaskId {
    pub mask: String,
}

impl Operation for Set {
    type Reply = MaskId;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        let mask = mask::set(&hub, &self.camera(), &self.file, &permit).await?;
        Ok(MaskId { mask })
    }
}

/// The mask in force was looked at in an exhibit, and stays.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Review {
    pub r#box: BoxName,
    pub cam: CameraId,
    pub exhibit: ExhibitRef,
    pub next: Day,
}

impl Operation for Review {
    type Reply = ReviewRow;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        reviews::review(&hub, &self.camera(), &self.exhibit, self.next, &permit).await
    }
}

/// The mask is to be back at once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct End {
    pub r#box: BoxName,
    pub cam: CameraId,
    pub reason: String,
}

impl Operation for End {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        mask::end(&hub, &self.camera(), &self.reason, &permit).await?;
        Ok(Done {})
    }
}

/// Requests that a mask be lifted, which wait for a second person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Lifts {
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for Lifts {
    type Reply = Rows<LiftRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            mask::list(hub, &Sight::seen(permit), &self.part)
        })
        .await
    }
}

/// Asks that a mask be lifted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AskLift {
    pub r#box: BoxName,
    pub cam: CameraId,
    #[serde(flatten)]
    pub wanted: mask::LiftRequest,
}

impl Operation for AskLift {
    type Reply = LiftRow;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            mask::ask(hub, &self.camera(), &self.wanted, permit)
        })
        .await
    }
}

/// The second person's word.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApproveLift {
    pub request: u64,
}

impl Operation for ApproveLift {
    type Reply = LiftApproval;

    fn about(&self) -> Target {
        Target::Lift(self.request)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        mask::approve(&hub, self.request, &permit).await
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WithdrawLift {
    pub request: u64,
}

impl Operation for WithdrawLift {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Lift(self.request)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            mask::withdraw(hub, self.request, permit)
        })
        .await
        .map(|()| Done {})
    }
}
