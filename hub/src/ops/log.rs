//! Task. Operations about the log of staff acts: search it, draw a month's sample of it, say what that showed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operation::{Operation, work};
use crate::{
    access::authorise::Permit,
    error::HubError,
    hub::Hub,
    list::{Part, Rows},
    trail::{self, Sample, Search, TrailRow},
};

/// What people did at this hub, newest first. That it was read is on the record too. One search by several things looks at 5,000 acts: it may
/// answer with few or none, and with `next`, while there are more.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Show {
    #[serde(flatten)]
    pub search: Search,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for Show {
    type Reply = Rows<TrailRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            trail::show(hub, &self.search, &self.part, permit)
        })
        .await
    }
}

/// The acts of a month that somebody is to look at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Draw {
    /// YYYY-MM
    pub month: String,
    pub count: u32,
}

impl Operation for Draw {
    type Reply = Sample;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            trail::drawn(hub, &self.month, self.count, permit)
        })
        .await
    }
}

/// What the sample showed, in the words of whoever looked it through.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Review {
    pub month: String,
    pub count: u32,
    pub result: String,
}

/// The line of the hub's log that says so.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct OnRecord {
    pub line: u64,
}

impl Operation for Review {
    type Reply = OnRecord;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let line = trail::review(hub, &self.month, self.count, &self.result, permit)?;
            Ok(OnRecord { line })
        })
        .await
    }
}
