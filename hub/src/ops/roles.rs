//! Task. Operations about roles, and about what a second administrator has to approve.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::time::{Utc, Zone};
use utoipa::ToSchema;

use super::operation::{Done, Operation, work};
use crate::{
    access::{
        accounts, approvals,
        authorise::Permit,
        grants::{self, Bounds, GrantOutcome},
    },
    error::{HubError, plain},
    hub::Hub,
    list::{Part, Rows},
    model::approval::Kind,
    ownlog::op,
    reason::Access,
};

/// Gives a role. One for the own account is only a request, which another administrator has to approve.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Give {
    pub name: String,
    pub role: String,
    #[serde(flatten)]
    pub bounds: Bounds,
}

impl Operation for Give {
    type Reply = GrantOutcome;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            grants::give(hub, &self.name, &self.role, &self.bounds, permit)
        })
        .await
    }
}

/// Takes a role away, at once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Take {
    pub grant: u64,
}

impl Operation for Take {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            grants::take(hub, self.grant, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// What waits for a second administrator, oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    #[serde(flatten)]
    pub part: Part,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitingRow {
    pub request: u64,
    /// role, reset, recovery
    pub kind: String,
    /// Whose account it is about.
    pub account: String,
    /// Of a role: which one and for what.
    pub what: serde_json::Value,
    pub asked_by: String,
    pub made: Utc,
    pub expires: Utc,
}

impl WaitingRow {
    /// What was asked for, in a sentence for people.
    pub fn in_words(&self, zone: &Zone) -> String {
        let account = &self.account;
        match Kind::parse(&self.kind) {
            Some(Kind::Role) => {
                let role = self.what.get("role").and_then(|r| r.as_str());
                let bounds = self.what.get("bounds").cloned().unwrap_or_default();
                let bounds: Bounds = serde_json::from_value(bounds).unwrap_or_default();
                let role = role.unwrap_or("?");
                format!(
                    "the role {role} for {account}, for {}",
                    bounds.in_words(zone)
                )
            }
            Some(Kind::Reset) => format!("a one-time password for {account}"),
            Some(Kind::Recovery) => {
                format!("{account} begins anew: a one-time password, and no second factor")
            }
            Some(_) | None => {
                format!("{} for {account}", self.kind)
            }
        }
    }
}

impl Operation for Waiting {
    type Reply = Rows<WaitingRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            let name = |number: u32| {
                let found = hub.db.account_numbered(number)?;
                Ok::<_, HubError>(found.map_or_else(|| op(number), |a| a.name))
            };
            let after = self.part.number()?.unwrap_or(0);
            // Each is settled within a week: there are few. Clip requests are authorised among themselves.
            let mut all = approvals::waiting(hub)?;
            all.retain(|a| {
                let kind = Kind::parse(&a.kind);
                a.n > after && kind.is_some_and(|kind| Kind::OF_ACCOUNTS.contains(&kind))
            });
            Rows::cut(all, self.part.limit(), |a| a.n.to_string()).try_map(|a| {
                let subject = a.subject.strip_prefix("op:").and_then(|n| n.parse().ok());
                Ok(WaitingRow {
                    request: a.n,
                    account: subject.map_or(Ok(a.subject), name)?,
                    what: serde_json::from_str(&a.what).map_err(plain)?,
                    asked_by: name(a.asked_by)?,
                    kind: a.kind,
                    made: a.made,
                    expires: a.until,
                })
            })
        })
        .await
    }
}

/// The second administrator's word.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Approve {
    pub request: u64,
}

/// What came of it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ApprovalOutcome {
    /// Of a reset or a recovery: the one-time password, for the account's owner.
    pub password: Option<String>,
}

impl Operation for Approve {
    type Reply = ApprovalOutcome;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let request = approvals::find(hub, self.request)?;
            let password = match Kind::parse(&request.kind) {
                Some(Kind::Role) => grants::approve(hub, &request, permit).map(|_| None)?,
                Some(kind @ (Kind::Reset | Kind::Recovery)) => {
                    Some(accounts::approve(hub, &request, kind, permit)?)
                }
                Some(_) | None => {
                    let request = self.request;
                    return Err(Access::RequestOfAnotherKind { request }.into());
                }
            };
            Ok(ApprovalOutcome { password })
        })
        .await
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Withdraw {
    pub request: u64,
}

impl Operation for Withdraw {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let request = approvals::find(hub, self.request)?;
            approvals::withdraw(hub, &request, permit)
        })
        .await
        .map(|()| Done {})
    }
}
