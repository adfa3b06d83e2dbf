//! Task. Operations about boxes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::id::{BoxCamera, BoxName, CameraId};
use utoipa::ToSchema;

use super::{Done, Operation, Target, sight::Sight, work};
use crate::{
    access::{authorise::Permit, two},
    devices::enrol,
    error::HubError,
    hub::Hub,
    reason::Footage,
    requests::{steer, succession, sweep, turns::HoursText},
    rows::{BoxRow, LineRow},
    shown,
    signin::{self, SignIn},
};

/// Every box and its cameras, worst first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {}

impl Operation for List {
    type Reply = Vec<BoxRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, permit| {
            let (sight, mut rows) = (Sight::of(hub, permit)?, shown::boxes(hub)?);
            let whole = sight.whole();
            for row in rows.iter_mut().filter(|_| !whole) {
                let sees = |cam: &CameraId| {
                    sight.camera(&BoxCamera {
                        r#box: row.name.clone(),
                        cam: cam.clone(),
                    })
                };
                row.cameras.retain(|c| sees(&c.cam));
                row.faults.retain(|f| f.cam.as_ref().is_none_or(&sees));
            }
            rows.retain(|row| whole || !row.cameras.is_empty());
            Ok(rows)
        })
        .await
    }
}

/// One box and its cameras.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub name: BoxName,
}

impl Operation for Show {
    type Reply = BoxRow;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            let row = shown::boxes(hub)?.into_iter().find(|b| b.name == self.name);
            row.ok_or_else(|| Footage::BoxUnknown { name: self.name }.into())
        })
        .await
    }
}

/// Registers a box and makes its one-time code.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Add {
    pub name: BoxName,
}

impl Operation for Add {
    type Reply = enrol::Codes;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            enrol::add(hub, &self.name, permit)
        })
        .await
    }
}

/// Refuses a box from now on, at once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Revoke {
    pub name: BoxName,
    pub why: String,
}

impl Operation for Revoke {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            enrol::revoke(hub, &self.name, &self.why, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Two people have a box begin a new log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Succeed {
    pub name: BoxName,
    pub reason: String,
    /// The other person, who says so too.
    pub second: SignIn,
}

impl Operation for Succeed {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        let (h, second) = (hub.clone(), self.second);
        let second = work(h, permit.clone(), move |hub, permit| {
            let person = signin::check(hub, &second)?;
            two::people(hub, permit.number(), person.op)?;
            permit.second(&person)
        })
        .await?;
        succession::order(&hub, &self.name, &self.reason, &permit, &second).await?;
        Ok(Done {})
    }
}

/// The hub's word that a box's clock is right, and that all that is past its day may go.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Sweep {
    pub name: BoxName,
    pub reason: String,
}

impl Operation for Sweep {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        sweep::confirm(&hub, &self.name, &self.reason, &permit).await?;
        Ok(Done {})
    }
}

/// How much of a box's line clips may use, and when; what is not given is without a limit from then on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Line {
    pub name: BoxName,
    /// Kilobits a second, for all clips together.
    #[serde(default)]
    pub most_kbit: Option<u64>,
    /// Planned pulls only then.
    #[serde(default)]
    pub hours: Option<HoursText>,
    pub reason: String,
}

impl Operation for Line {
    type Reply = LineRow;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        let (most, hours) = (self.most_kbit, self.hours.as_ref());
        steer::set_line(&hub, &self.name, most, hours, &self.reason, permit).await?;
        Ok(LineRow::of(&hub, &self.name))
    }
}
