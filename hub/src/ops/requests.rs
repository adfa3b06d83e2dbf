//! Task. Operations about clip requests.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{id::BoxCamera, time::Utc};
use utoipa::ToSchema;

use super::{Operation, Target, moment, sight::Sight, work};
use crate::{
    access::authorise::Permit,
    desk::Desk,
    disposal::acts::Given,
    error::HubError,
    list::{Part, Rows},
    reason::Clips,
    requests::clip::{
        acts::{self, Asked, Texts},
        class::RequesterClass,
        ends, number,
        rows::RequestRow,
        shown,
        state::{CancelReason, CloseReason, RefusalReason},
    },
};

/// The number behind R-000012.
fn numbered(text: &str) -> Result<u64, HubError> {
    number(text).ok_or_else(|| Clips::NameMalformed { text: text.into() }.into())
}

fn target(text: &str) -> Target {
    number(text).map_or(Target::Hub, Target::Request)
}

/// Requests, newest first.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct List {
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<RequestRow>;

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            // A request of which somebody may not see every camera is not theirs to see.
            shown::list(hub, &Sight::seen(permit), &self.part)
        })
        .await
    }
}

macro_rules! of_request {
    ($name:ident, $($act:tt)*) => {
        impl Operation for $name {
            type Reply = RequestRow;

            fn about(&self) -> Target {
                target(&self.request)
            }

            async fn perform(
                self,
                hub: Arc<Desk>,
                permit: Permit,
            ) -> Result<Self::Reply, HubError> {
                work(hub, permit, move |hub, permit| {
                    let n = numbered(&self.request)?;
                    let act: fn(Self, &Desk, u64, &Permit) -> Result<RequestRow, HubError> = $($act)*;
                    act(self, hub, n, permit)
                })
                .await
            }
        }
    };
}

/// One of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub request: String,
}

of_request!(Show, |_, hub, n, _| shown::one(hub, n));

/// Writes a request; nothing is held or fetched yet.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Open {
    pub class: RequesterClass,
    /// BOX/CAM
    pub cameras: Vec<BoxCamera>,
    #[serde(default, deserialize_with = "moment::maybe")]
    pub from: Option<Utc>,
    #[serde(default, deserialize_with = "moment::maybe")]
    pub to: Option<Utc>,
    #[serde(default)]
    pub purpose: Option<String>,
    #[serde(default)]
    pub reference: Option<String>,
    #[serde(default)]
    pub requester: Option<String>,
    /// The order or power it is asked under.
    #[serde(default)]
    pub order: Option<String>,
    /// How the requester's identity was checked.
    #[serde(default)]
    pub identity: Option<String>,
    /// How long its exhibits are kept.
    #[serde(default)]
    pub keep: Given,
}

impl Operation for Open {
    type Reply = RequestRow;

    fn about(&self) -> Target {
        Target::Several(self.cameras.clone(), self.from)
    }

    async fn perform(self, hub: Arc<Desk>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let asked = Asked {
                class: self.class,
                cameras: self.cameras,
                span: self.from.zip(self.to),
                texts: Texts {
                    purpose: self.purpose,
                    reference: self.reference,
                    requester: self.requester,
                    order: self.order,
                    identity: self.identity,
                },
                keep: self.keep,
            };
            acts::open(hub, &asked, permit)
        })
        .await
    }
}

/// Asks for what a request says, with what had not been said when it was opened.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Submit {
    pub request: String,
    #[serde(default)]
    pub purpose: Option<String>,
    #[serde(default)]
    pub reference: Option<String>,
    #[serde(default)]
    pub requester: Option<String>,
    #[serde(default)]
    pub order: Option<String>,
    #[serde(default)]
    pub identity: Option<String>,
}

of_request!(Submit, |o, hub, n, permit| {
    let more = Texts {
        purpose: o.purpose,
        reference: o.reference,
        requester: o.requester,
        order: o.order,
        identity: o.identity,
    };
    acts::submit(hub, n, &more, permit)
});

/// The second person's word.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Authorise {
    pub request: String,
}

of_request!(Authorise, |_, hub, n, permit| acts::authorise(
    hub, n, permit
));

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Refuse {
    pub request: String,
    pub why: RefusalReason,
    #[serde(default)]
    pub note: Option<String>,
}

of_request!(Refuse, |o, hub, n, permit| ends::refuse(
    hub,
    n,
    o.why,
    o.note.as_deref(),
    permit
));

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Cancel {
    pub request: String,
    pub why: CancelReason,
    #[serde(default)]
    pub note: Option<String>,
}

of_request!(Cancel, |o, hub, n, permit| ends::cancel(
    hub,
    n,
    o.why,
    o.note.as_deref(),
    permit
));

/// It is handed to whoever asked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Release {
    pub request: String,
    /// To whom.
    pub to: String,
}

of_request!(Release, |o, hub, n, permit| ends::release(
    hub, n, &o.to, permit
));

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Close {
    pub request: String,
    pub why: CloseReason,
    #[serde(default)]
    pub note: Option<String>,
}

of_request!(Close, |o, hub, n, permit| ends::close(
    hub,
    n,
    o.why,
    o.note.as_deref(),
    permit
));
