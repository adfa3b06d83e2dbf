//! Task. Operations about what the hub keeps as evidence.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::id::ExhibitRef;
use utoipa::ToSchema;

use super::{
    operation::{Operation, Target, work},
    sight::Sight,
};
use crate::{
    access::authorise::Permit,
    classes::RetentionClassInput,
    db::requests::RequestRecord,
    disposal::{acts, shown},
    documents::make::{self, Document},
    error::HubError,
    hub::Hub,
    list::Part,
    model::evidence::{Evidence, EvidenceRow, FaultRow},
};

/// What is kept and for how long, and what was disposed of.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct List {
    /// Only what is due, or not completely gone.
    #[serde(default)]
    pub due: bool,
    /// Only what somebody asked to have disposed of.
    #[serde(default)]
    pub asked: bool,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Evidence;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let which = match (self.due, self.asked) {
                (true, _) => shown::EvidenceFilter::Due,
                (false, true) => shown::EvidenceFilter::Asked,
                (false, false) => shown::EvidenceFilter::All,
            };
            shown::list(hub, &Sight::seen(permit), which, &self.part)
        })
        .await
    }
}

/// Whether an exhibit is for whoever asks, by its request; a folder that is no exhibit's only for those who see everything.
fn seen(sight: &Sight<'_>, request: Option<&RequestRecord>) -> bool {
    match request {
        Some(r) => sight.footage(&r.camera, r.t0),
        None => sight.whole(),
    }
}

/// What of it somebody has to look at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Faults {}

impl Operation for Faults {
    type Reply = Vec<FaultRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, |hub, permit| {
            let sight = Sight::of(hub, permit)?;
            shown::faults(hub, &|r| seen(&sight, r))
        })
        .await
    }
}

/// Another class, or another review day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Classify {
    pub exhibit: ExhibitRef,
    pub given: RetentionClassInput,
    pub reason: String,
}

impl Operation for Classify {
    type Reply = EvidenceRow;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            acts::class(hub, &self.exhibit, &self.given, &self.reason, permit)
        })
        .await
    }
}

/// Disposes of what is due; of anything else it is a request, which a second person has to approve.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Dispose {
    pub exhibit: ExhibitRef,
    pub reason: String,
}

impl Operation for Dispose {
    type Reply = EvidenceRow;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            acts::dispose(hub, &self.exhibit, &self.reason, permit)
        })
        .await
    }
}

/// The second person's word.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Approve {
    pub exhibit: ExhibitRef,
}

impl Operation for Approve {
    type Reply = EvidenceRow;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            acts::approve(hub, &self.exhibit, permit)
        })
        .await
    }
}

/// The certificate of a disposal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    pub exhibit: ExhibitRef,
}

impl Operation for Certificate {
    type Reply = Document;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            make::disposal(hub, &self.exhibit)
        })
        .await
    }
}
