//! Task. Operations about looks: footage that is watched before it is checked, or without being taken.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxName, CameraId},
    time::Utc,
};
use utoipa::ToSchema;

use super::{
    footage::camera,
    moment,
    operation::{Bytes, Filmed, Operation, Target},
};
use crate::{
    access::authorise::Permit,
    coverage::Span,
    error::HubError,
    hub::{Hub, looks::Look, sessions::Reason},
    reason::Clips,
    viewing::{arriving, looks},
};

/// Looks at footage of a camera without taking it: its box is asked for that span alone, nothing of it is kept, and no exhibit is made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Begin {
    pub r#box: BoxName,
    pub cam: CameraId,
    #[serde(deserialize_with = "moment::read")]
    pub from: Utc,
    #[serde(deserialize_with = "moment::read")]
    pub to: Utc,
    pub purpose: String,
    pub reference: String,
    /// Who else is present, as they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<String>,
}

camera!(Begin);

/// How a look stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LookRow {
    /// Its name, for whoever began it and nobody else.
    pub look: String,
    pub r#box: BoxName,
    pub cam: CameraId,
    pub from: Utc,
    pub to: Utc,
    /// Always false: what is watched as it arrives is checked when all of it is here, or never.
    pub verified: bool,
    /// Why it was turned off: altered, not-as-noted, not-as-logged.
    pub off: Option<String>,
    /// How many films it is, as far as is known: another begins where the camera changed the kind of its pictures.
    pub stretches: u32,
    /// Seconds for which it can still be watched.
    pub left_secs: u64,
}

impl LookRow {
    fn of(look: &Look) -> Self {
        Self {
            look: look.id.clone(),
            r#box: look.camera.r#box.clone(),
            cam: look.camera.cam.clone(),
            from: look.t0,
            to: look.t1,
            verified: false,
            off: look.off().map(|fault| fault.code().into()),
            stretches: look.stretches.load(Relaxed),
            left_secs: look.left().as_secs(),
        }
    }
}

impl Operation for Begin {
    type Reply = LookRow;

    fn about(&self) -> Target {
        Target::Footage(self.camera(), self.from)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        let span = Span {
            camera: self.camera(),
            t0: self.from,
            t1: self.to,
        };
        let reason = Reason {
            purpose: self.purpose,
            reference: self.reference,
            present: self.present,
        };
        let look = looks::begin(&hub, span, reason, &permit).await?;
        Ok(LookRow::of(&look))
    }
}

/// Theirs, and not over.
fn own(hub: &Hub, id: &str, permit: &Permit) -> Result<Arc<Look>, HubError> {
    let look = hub.looks.find(id, &permit.op());
    look.ok_or_else(|| Clips::LookUnknown.into())
}

/// How a look stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub look: String,
}

impl Operation for Show {
    type Reply = LookRow;

    fn about(&self) -> Target {
        Target::Look(self.look.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        Ok(LookRow::of(&*own(&hub, &self.look, &permit)?))
    }
}

/// The film of a look as it arrives: fragmented MP4, not yet verified. It breaks off when what comes is not what it has to be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Film {
    pub look: String,
    /// One film has one kind of pictures; where the camera changed them another begins: 0 is the first.
    #[serde(default)]
    pub stretch: u32,
}

impl Filmed for Film {
    fn about(&self) -> Target {
        Target::Look(self.look.clone())
    }

    async fn film(self, hub: Arc<Hub>, permit: Permit) -> Result<Option<Bytes>, HubError> {
        let look = own(&hub, &self.look, &permit)?;
        arriving::film(&hub, &look, self.stretch).await
    }
}
