//! Task. Operations about footage, how it is kept, and what rate it is recorded at.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::{Day, Utc},
};
use utoipa::ToSchema;

use super::{
    operation::{Operation, Target, work},
    sight::Sight,
};
use crate::{
    access::authorise::Permit,
    days,
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
    orders::rate,
    retention::{
        gather,
        report::{CameraPage, Report},
    },
    rows::Footage,
    standings,
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
    /// Without a day: so many days, the newest or those before one; 400 at most.
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Footage;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let before = self.part.after(|text| Day::parse(text).ok())?;
            let most = i32::try_from(self.part.limit()).unwrap_or(days::MOST);
            let camera = self.camera();
            let mut footage = days::footage(hub, &camera, self.day, before, most)?;
            theirs(&Sight::of(hub, permit)?, &camera, &mut footage);
            Ok(footage)
        })
        .await
    }
}

/// The days that are for whoever asks: nothing older is asked for further on.
fn theirs(sight: &Sight<'_>, camera: &BoxCamera, footage: &mut Footage) {
    let all = footage.days.len();
    footage.days.retain(|day| sight.footage(camera, day.from));
    if footage.days.len() < all {
        footage.next = None;
    }
}

/// The last days of many cameras at once, by camera.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Recent {
    /// So many days of each, up to its newest: 7, if it is not said; 1 to 31.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Of these alone: `BOX/CAM`, with commas between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cameras: Option<String>,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for Recent {
    type Reply = Rows<Footage>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let after = self.part.after(|text| BoxCamera::parse(text).ok())?;
            let days = i32::try_from(self.days.unwrap_or(7).clamp(1, 31)).unwrap_or(7);
            let sight = Sight::of(hub, permit)?;
            let wanted = self.cameras.as_deref().map(|names| {
                let names = names.split(',').filter(|n| !n.trim().is_empty());
                let named = names.map(|n| BoxCamera::parse(n.trim()));
                named.collect::<Result<BTreeSet<_>, _>>()
            });
            let wanted = wanted.transpose()?;
            let mut cameras = Vec::new();
            for b in standings::worst_first(hub, &hub.standings)? {
                let Some(keeps) = b.retention_days else {
                    continue;
                };
                for c in &b.cameras {
                    let camera = BoxCamera {
                        r#box: b.name.clone(),
                        cam: c.cam.clone(),
                    };
                    let asked = wanted.as_ref().is_none_or(|all| all.contains(&camera));
                    let comes = after.as_ref().is_none_or(|a| camera > *a);
                    if asked && comes && sight.camera(&camera) {
                        cameras.push((camera, keeps));
                    }
                }
            }
            cameras.sort();
            Rows::cut(cameras, self.part.limit(), |(camera, _)| camera.to_string()).try_map(
                |(camera, keeps)| {
                    let mut footage = days::newest(hub, &camera, Some(keeps), None, days)?;
                    theirs(&sight, &camera, &mut footage);
                    Ok(footage)
                },
            )
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

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        let until = rate::order(&hub, &self.camera(), self.minutes, &self.reason, &permit).await?;
        Ok(Until { until })
    }
}

/// How footage is kept against what was promised: of all boxes, in parts, or of one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Retention {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#box: Option<BoxName>,
    /// So many cameras about, by box: a box is not parted.
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for Retention {
    type Reply = Report;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let mut report = gather::report(hub, self.r#box.as_ref(), &self.part)?;
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
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for RetentionOfCamera {
    type Reply = CameraPage;

    fn about(&self) -> Target {
        Target::Camera(self.camera())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            gather::of_camera(hub, &self.camera(), &self.part)
        })
        .await
    }
}
