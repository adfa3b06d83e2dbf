//! Task. Operations about backups, and about records that are an older copy.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, work};
use crate::{
    access::authorise::Permit,
    backup::{
        acts::{self, Begun},
        rolled::{self, RollbackShown},
    },
    error::HubError,
    hub::Hub,
    model::backup::{BackupRow, WrittenBackup},
};

/// Backups that were begun, and what became of them, the newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupList)]
pub struct List {}

impl Operation for List {
    type Reply = Vec<BackupRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| acts::list(hub)).await
    }
}

/// Begins a backup: it is on the record, and one consistent moment of the records and the log lies at the hub for whoever writes it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupBegin)]
pub struct Begin {
    /// The folder's own name: 32 letters of 0-9 and a-f.
    pub folder: String,
    /// To whom it is sealed, age1….
    pub recipient: String,
    /// The highest number that anything in the folder bears.
    #[serde(default)]
    pub above: u64,
}

impl Operation for Begin {
    type Reply = Begun;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            acts::begin(hub, self.above, &self.folder, &self.recipient, permit)
        })
        .await
    }
}

/// Ends a backup: what was written, or that it came to nothing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupEnd)]
pub struct End {
    pub backup: u64,
    /// Left out: it came to nothing.
    #[serde(default)]
    pub written: Option<WrittenBackup>,
}

impl Operation for End {
    type Reply = BackupRow;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            acts::end(hub, self.backup, self.written.as_ref(), permit)
        })
        .await
    }
}

/// Whether these records are an older copy, what boxes have told of it, and what has to be looked at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RollbackShow)]
pub struct Rollback {}

impl Operation for Rollback {
    type Reply = RollbackShown;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, _| rolled::show(hub)).await
    }
}

/// Asks that it be settled; a second person has to say so too.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RollbackAsk)]
pub struct Ask {
    pub reason: String,
}

impl Operation for Ask {
    type Reply = RollbackShown;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            rolled::ask(hub, &self.reason, permit)
        })
        .await
    }
}

/// The second person's word: it stands no more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RollbackApprove)]
pub struct Approve {}

impl Operation for Approve {
    type Reply = RollbackShown;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, rolled::approve).await
    }
}
