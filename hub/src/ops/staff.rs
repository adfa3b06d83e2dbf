//! Task. Operations about accounts and logs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Operation, work};
use crate::{
    access::{accounts, authorise::Permit},
    desk::Desk,
    error::HubError,
    shown,
};

pub use crate::shown::Folder;

/// Permission to read a log, put on record; where it lies.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadLog {
    /// `hub`, a box's name (its newest log), or a log's full name.
    pub log: String,
}

impl Operation for ReadLog {
    type Reply = Folder;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            shown::log(hub, &self.log, permit)
        })
        .await
    }
}

/// Makes an account.
#[derive(Serialize, Deserialize)]
pub struct Add {
    pub name: String,
    pub role: String,
    pub password: String,
}

/// The number of an account.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Number {
    pub op: u32,
}

impl Operation for Add {
    type Reply = Number;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let op = accounts::add(
                &hub.db,
                &hub.log,
                &permit.op(),
                &self.name,
                &self.role,
                &self.password,
            )?;
            Ok(Number { op })
        })
        .await
    }
}
