//! Task. Operations about footage, how it is kept, and what rate it is recorded at.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::{Day, Utc},
};
use utoipa::ToSchema;

use super::{Operation, Target, sight::Sight, work};
use crate::{
    access::authorise::Permit,
    days,
    desk::Desk,
    error::HubError,
    requests::rate,
    retention::{
        gather,
        report::{CameraPage, Report},
    },
    rows::Footage,
};

/// A camera as an address names it.
macro_rules! camera {
    ($($name:ident),*) => {$(
        impl $name {
            pub fn camera(&self) -> shared::id::BoxCamera {
                shared::id::BoxCamera { r#box: self.r#box.clone(), cam: self.cam.clone() }
            }
        }
    )*};
}
pub(super) use camera;

camera!(List, Rate, RetentionOfCamera);

/// What there is of a camera, newest day first; of one day, if it is named.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {
    pub r#box: BoxName,
    pub cam: CameraId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// Without a day: so many days, the newest; 400 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
}

impl Operation for List {
    type Reply = Footage;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let most = self.days.map_or(days::MOST, |n| i32::from(n.max(1)));
            let camera = self.camera();
            let mut footage = days::footage(hub, &camera, self.day, most)?;
            let sight = Sight::of(hub, permit)?;
            footage.days.retain(|day| sight.footage(&camera, day.from));
            Ok(footage)
        })
        .await
    }
}

/// Real time for a camera in time-lapse.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Rate {
    pub r#box: BoxName,
    pub cam: CameraId,
    /// 0: no longer.
    pub minutes: u32,
    pub reason: String,
}

/// Until when, by the box's clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Until {
    pub until: Utc,
}

impl Operation for Rate {
    type Reply = Until;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        let until = rate::order(&hub, &self.camera(), self.minutes, &self.reason, &permit).await?;
        Ok(Until { until })
    }
}

/// How footage is kept against what was promised: of all boxes, or one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Retention {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#box: Option<BoxName>,
}

impl Operation for Retention {
    type Reply = Report;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let mut report = gather::report(hub, self.r#box.as_ref())?;
            let sight = Sight::of(hub, permit)?;
            report.cameras.retain(|c| {
                sight.camera(&BoxCamera {
                    r#box: c.r#box.clone(),
                    cam: c.cam.clone(),
                })
            });
            Ok(report)
        })
        .await
    }
}

/// The same of one camera, with its days and their certificates.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionOfCamera {
    pub r#box: BoxName,
    pub cam: CameraId,
}

impl Operation for RetentionOfCamera {
    type Reply = CameraPage;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            gather::of_camera(hub, &self.camera())
        })
        .await
    }
}
