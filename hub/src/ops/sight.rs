//! Task. What of a list is for whoever asks: cameras that their roles were given for, and footage no older than they may see (ROL-4). Blocking.

use std::collections::BTreeMap;

use shared::{id::BoxCamera, time::Utc};

use crate::{
    access::authorise::{DAY_MS, Permit, Subject},
    db::visible::{Cameras, VisibleRows},
    error::{HubError, plain},
    hub::Hub,
    model::grant::{Grant, Scope},
};

pub struct Sight<'a> {
    permit: &'a Permit,
    owners: BTreeMap<BoxCamera, String>,
}

impl<'a> Sight<'a> {
    pub fn of(hub: &Hub, permit: &'a Permit) -> Result<Self, HubError> {
        // Whose a camera is matters only to whoever has those of an owner.
        let owner = |g: &Grant| matches!(g.scope, Scope::Owner(_));
        let owners = match permit.grants().is_some_and(|mut all| all.any(owner)) {
            true => hub.db.camera_owners().map_err(plain)?,
            false => BTreeMap::new(),
        };
        Ok(Self { permit, owners })
    }

    /// The same as a condition, for a list that the records themselves cut to it.
    pub fn seen(permit: &Permit) -> VisibleRows {
        let Some(grants) = permit.grants() else {
            return VisibleRows::everything();
        };
        let parts = grants.map(|g| {
            let cameras = match &g.scope {
                Scope::All => Cameras::All,
                Scope::Owner(owner) => Cameras::Owner(owner.clone()),
                Scope::Cameras(cameras) => Cameras::Named(cameras.iter().cloned().collect()),
            };
            let oldest = g.oldest_days;
            let from = oldest.map(|days| permit.now().plus_ms(-i64::from(days) * DAY_MS));
            (cameras, from)
        });
        VisibleRows(parts.collect())
    }

    /// Everything, whatever camera it is of.
    pub fn whole(&self) -> bool {
        self.permit.sees(&Subject::whole())
    }

    pub fn camera(&self, camera: &BoxCamera) -> bool {
        self.sees(camera, None)
    }

    /// Footage of a camera that begins then.
    pub fn footage(&self, camera: &BoxCamera, from: Utc) -> bool {
        self.sees(camera, Some(from))
    }

    /// The same of a row that names its camera as BOX/CAM.
    pub fn row(&self, camera: &str, from: Option<Utc>) -> bool {
        match BoxCamera::parse(camera) {
            Ok(camera) => self.sees(&camera, from),
            Err(_) => self.whole(),
        }
    }

    fn sees(&self, camera: &BoxCamera, from: Option<Utc>) -> bool {
        self.permit.sees(&Subject {
            camera: Some(camera.clone()),
            owner: self.owners.get(camera).cloned(),
            from,
            whole: false,
        })
    }
}
