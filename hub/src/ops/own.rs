//! Task. Operations about the account of whoever asks: sessions, the declaration, second factors.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Done, Operation, work};
use crate::{
    access::{
        authorise::Permit,
        browsers::{self, SessionRow},
        declaration::{self, AcceptanceRow, Declaration},
        factors::{self, FactorRow, NewFactor},
    },
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
};

/// One's own sessions of the pages; everybody's, for who administers.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    /// Only one's own.
    #[serde(default)]
    pub own: bool,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for Sessions {
    type Reply = Rows<SessionRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            browsers::list(hub, self.own, &self.part, permit)
        })
        .await
    }
}

/// Ends all sessions of an account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EndSessions {
    pub name: String,
}

impl Operation for EndSessions {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            browsers::end(hub, &self.name, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// The declaration as it reads now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ShowDeclaration {}

impl Operation for ShowDeclaration {
    type Reply = Declaration;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, declaration::show).await
    }
}

/// Accepts it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Accept {
    /// Of the text that was read, lower hex.
    pub sha256: String,
}

impl Operation for Accept {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            declaration::accept(hub, &self.sha256, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Who accepted which text, newest first.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Acceptances {
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for Acceptances {
    type Reply = Rows<AcceptanceRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            declaration::list(hub, &self.part)
        })
        .await
    }
}

/// One's own second factors.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Factors {
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for Factors {
    type Reply = Rows<FactorRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            factors::list(hub, &self.part, permit)
        })
        .await
    }
}

/// What a new one is made of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FreshFactor {}

impl Operation for FreshFactor {
    type Reply = NewFactor;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, factors::new).await
    }
}

/// Number of a second factor.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct FactorNumber {
    pub factor: u64,
}

/// Codes of a phone's app.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct AddCode {
    /// As its owner calls it.
    pub label: String,
    /// What the app was told.
    pub secret: String,
    /// What it shows now.
    pub code: String,
    pub password: String,
}

impl Operation for AddCode {
    type Reply = FactorNumber;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let Self {
                label,
                secret,
                code,
                password,
            } = &self;
            let factor = factors::add_code(hub, label, secret, code, password, permit)?;
            Ok(FactorNumber { factor })
        })
        .await
    }
}

/// A passkey.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct AddPasskey {
    pub label: String,
    /// What the browser handed over, JSON.
    pub credential: String,
    pub password: String,
}

impl Operation for AddPasskey {
    type Reply = FactorNumber;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let (label, made) = (&self.label, &self.credential);
            let factor = factors::add_passkey(hub, label, made, &self.password, permit)?;
            Ok(FactorNumber { factor })
        })
        .await
    }
}

/// Takes one away.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RemoveFactor {
    pub factor: u64,
    pub password: String,
}

impl Operation for RemoveFactor {
    type Reply = Done;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            factors::remove(hub, self.factor, &self.password, permit)
        })
        .await
        .map(|()| Done {})
    }
}
