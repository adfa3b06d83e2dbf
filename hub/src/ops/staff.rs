//! Task. Operations about accounts and logs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Done, Operation, Target, loose, work};
use crate::{
    access::{
        accounts::{self, AccountRow},
        authorise::Permit,
    },
    desk::Desk,
    error::HubError,
    list::{Part, Rows},
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

    fn about(&self) -> Target {
        Target::Log(self.log.clone())
    }

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

/// Accounts with their roles, by name.
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    /// Closed ones too.
    #[serde(default, deserialize_with = "loose::flag")]
    pub closed: bool,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<AccountRow>;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            accounts::list(hub, self.closed, &self.part)
        })
        .await
    }
}

/// An account's name for people, which may have accents. It is kept apart from the log.
#[derive(Debug, Serialize, Deserialize)]
pub struct Name {
    pub name: String,
    pub shown: String,
}

impl Operation for Name {
    type Reply = Done;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::name(hub, &self.name, &self.shown, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Gives an account a one-time password, and ends its sessions and tokens.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reset {
    pub name: String,
}

/// A password that is shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct OneTime {
    pub password: String,
}

impl Operation for Reset {
    type Reply = OneTime;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let password = accounts::reset(hub, &self.name, permit)?;
            Ok(OneTime { password })
        })
        .await
    }
}

/// Sets one's own password, and ends one's sessions and tokens.
#[derive(Serialize, Deserialize)]
pub struct Password {
    /// The one of until now.
    pub old: String,
    pub new: String,
}

impl Operation for Password {
    type Reply = Done;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::password(hub, &self.old, &self.new, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Closes an account for good.
#[derive(Debug, Serialize, Deserialize)]
pub struct Close {
    pub name: String,
}

impl Operation for Close {
    type Reply = Done;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::close(hub, &self.name, permit)
        })
        .await
        .map(|()| Done {})
    }
}
