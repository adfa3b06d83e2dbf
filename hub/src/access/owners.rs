//! Task. Owners of cameras: several on one hub, one for each camera (ROL-4). Blocking.

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxCamera,
    types::{OwnerAdd, OwnerSet},
};
use utoipa::ToSchema;

use super::authorise::Permit;
use crate::{
    error::{HubError, plain},
    hub::Hub,
    reason::{Access, Footage},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerRow {
    pub owner: String,
    pub title: String,
    /// BOX/CAM
    pub cameras: Vec<String>,
}

pub fn list(hub: &Hub) -> Result<Vec<OwnerRow>, HubError> {
    let all = hub.db.owners().map_err(plain)?.into_iter();
    Ok(all
        .map(|o| OwnerRow {
            owner: o.name,
            title: o.title,
            cameras: o.cameras.iter().map(BoxCamera::to_string).collect(),
        })
        .collect())
}

/// A text that people read, on one line.
pub fn title(text: &str, most: usize) -> Result<&str, HubError> {
    let text = text.trim();
    let good = (1..=most).contains(&text.chars().count()) && shared::plain::all_plain(text);
    match good {
        true => Ok(text),
        false => Err(Access::TextNotShowable {
            text: text.into(),
            most,
        }
        .into()),
    }
}

pub fn add(hub: &Hub, owner: &str, long: &str, permit: &Permit) -> Result<(), HubError> {
    let good = (1..=40).contains(&owner.len())
        && owner
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !good {
        return Err(Access::OwnerNameMalformed {
            owner: owner.into(),
        }
        .into());
    }
    let long = title(long, 120)?;
    hub.act(|tx| {
        if tx.has_owner(owner).map_err(plain)? {
            return Err(Access::OwnerExists {
                owner: owner.into(),
            }
            .into());
        }
        tx.add_owner(owner, long, hub.now()).map_err(plain)?;
        let line = OwnerAdd {
            owner: owner.into(),
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(())
    })
}

/// The camera need not be there yet: its box may come later.
pub fn assign(hub: &Hub, owner: &str, camera: &BoxCamera, permit: &Permit) -> Result<(), HubError> {
    hub.act(|tx| {
        known(hub, owner)?;
        // A camera may be new; its box is registered.
        if hub.db.box_named(&camera.r#box)?.is_none() {
            let name = camera.r#box.clone();
            return Err(Footage::BoxUnknown { name }.into());
        }
        let before = tx.camera_owner(camera).map_err(plain)?;
        if before.as_deref() == Some(owner) {
            return Err(Access::OwnerHasIt {
                owner: owner.into(),
                camera: camera.clone(),
            }
            .into());
        }
        tx.set_camera_owner(camera, owner).map_err(plain)?;
        let line = OwnerSet {
            owner: owner.into(),
            r#box: camera.r#box.to_string(),
            cam: camera.cam.clone(),
            before,
            by: vec![permit.op()],
        };
        tx.log(&permit.op(), &line)?;
        Ok(())
    })
}

/// Refuses an owner nobody has added.
pub fn known(hub: &Hub, owner: &str) -> Result<(), HubError> {
    match hub.db.has_owner(owner).map_err(plain)? {
        true => Ok(()),
        false => Err(Access::OwnerUnknown {
            owner: owner.into(),
        }
        .into()),
    }
}
