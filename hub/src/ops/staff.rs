//! Task. Operations about accounts and logs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Done, Operation, Target, work};
use crate::{
    access::{
        accounts::{self, AccountRow, NewAccount, PasswordRenewal},
        authorise::Permit,
        breaks,
    },
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
    shown,
};

pub use crate::shown::Folder;

/// Permission to read a log, put on record; where it lies.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReadLog {
    /// `hub`, a box's name (its newest log), or a log's full name.
    pub log: String,
}

impl Operation for ReadLog {
    type Reply = Folder;

    fn about(&self) -> Target {
        Target::Log(self.log.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            shown::log(hub, &self.log, permit)
        })
        .await
    }
}

/// Makes an account, with a one-time password. A role that decides is only asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Add {
    pub name: String,
    pub role: String,
}

impl Operation for Add {
    type Reply = NewAccount;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::add(hub, &self.name, &self.role, permit)
        })
        .await
    }
}

/// Makes an administrator for some hours, because no two can sign in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BreakGlass {
    /// Of the account.
    pub name: String,
    /// Who it is for.
    pub person: String,
    pub reason: String,
}

impl Operation for BreakGlass {
    type Reply = NewAccount;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            breaks::make(hub, &self.name, &self.person, &self.reason, permit)
        })
        .await
    }
}

/// Accounts with their roles, by name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List {
    /// Closed ones too.
    #[serde(default)]
    pub closed: bool,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<AccountRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            accounts::list(hub, self.closed, &self.part)
        })
        .await
    }
}

/// An account's name for people, which may have accents. It is kept apart from the log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Name {
    pub name: String,
    pub shown: String,
}

impl Operation for Name {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::name(hub, &self.name, &self.shown, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Gives an account a one-time password, and ends its sessions and tokens. For one with a role that decides it is only asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Reset {
    pub name: String,
}

impl Operation for Reset {
    type Reply = PasswordRenewal;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::reset(hub, &self.name, permit)
        })
        .await
    }
}

/// Asks that an account begin anew: a one-time password, and no second factor.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Recover {
    pub name: String,
}

/// Number of a request that somebody else has to approve.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct PendingApproval {
    pub ask: u64,
}

impl Operation for Recover {
    type Reply = PendingApproval;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let ask = accounts::recover(hub, &self.name, permit)?;
            Ok(PendingApproval { ask })
        })
        .await
    }
}

/// Sets one's own password, and ends one's sessions and tokens.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Password {
    /// The one of until now.
    pub old: String,
    pub new: String,
}

impl Operation for Password {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::password(hub, &self.old, &self.new, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Closes an account for good.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Close {
    pub name: String,
}

impl Operation for Close {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            accounts::close(hub, &self.name, permit)
        })
        .await
        .map(|()| Done {})
    }
}
