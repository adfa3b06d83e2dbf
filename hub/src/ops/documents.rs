//! Task. Operations about the papers of exhibits and requests.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::id::ExhibitRef;
use utoipa::ToSchema;

use super::operation::{Operation, Target, work};
use crate::{
    access::authorise::Permit,
    documents::make::{self, Document, ExhibitPaper},
    error::HubError,
    hub::Hub,
    model::clip_request::number,
    reason::Clips,
};

/// A paper about an exhibit, as of now: text, and PDF where one can be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub exhibit: ExhibitRef,
    pub paper: ExhibitPaper,
    /// Which copy release form and receipt are about; left out: the one that was handed over last, else the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<u64>,
}

impl Operation for Show {
    type Reply = Document;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            make::of_exhibit(hub, &self.exhibit, self.paper, self.copy)
        })
        .await
    }
}

/// The notice that a request was refused.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    pub request: String,
}

impl Operation for Notice {
    type Reply = Document;

    fn about(&self) -> Target {
        number(&self.request).map_or(Target::Hub, Target::Request)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            let n = number(&self.request).ok_or(Clips::NameMalformed { text: self.request })?;
            make::refusal(hub, n)
        })
        .await
    }
}
