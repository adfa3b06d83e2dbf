//! Task. How the hub itself is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::time::Utc;
use utoipa::ToSchema;

use super::operation::{Operation, work};
use crate::{
    access::authorise::Permit,
    backup::rolled,
    db::faults::FaultSubject,
    error::HubError,
    faults::disks::{self, DiskRow},
    hub::Hub,
    words,
};

/// A fault of the hub itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HubFault {
    /// Of the list of conditions.
    pub code: String,
    /// What of the hub it is about.
    pub about: String,
    pub since: Utc,
    pub text: String,
}

/// How the hub is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HubStatus {
    pub sw: String,
    pub time: Utc,
    /// Boxes on the line.
    pub online: u64,
    pub disks: Vec<DiskRow>,
    pub faults: Vec<HubFault>,
}

/// How the hub itself is: its disks, and its own faults.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = HubStatusAsk)]
pub struct Status {}

impl Operation for Status {
    type Reply = HubStatus;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| {
            let faults = hub.db.found_faults()?.into_iter();
            let faults = faults.filter_map(|f| match f.about {
                FaultSubject::Disk(about) | FaultSubject::Outside(about) => Some(HubFault {
                    code: f.code,
                    about,
                    since: f.since,
                    text: f.text,
                }),
                _ => None,
            });
            let mut faults: Vec<HubFault> = faults.collect();
            if let Some(stands) = rolled::show(hub)?.stands {
                faults.push(HubFault {
                    code: "hub.rolled-back".into(),
                    about: "records".into(),
                    since: stands.since,
                    text: words::rolled(&stands, &hub.config.zone).join(" "),
                });
            }
            Ok(HubStatus {
                sw: env!("CARGO_PKG_VERSION").into(),
                time: hub.now(),
                online: hub.live.count() as u64,
                disks: disks::list(hub)?,
                faults,
            })
        })
        .await
    }
}
