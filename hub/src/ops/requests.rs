//! Task. Operations about clip requests.

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use shared::{id::BoxCamera, time::Utc};
use tokio::sync::broadcast::Receiver;
use utoipa::ToSchema;

use super::{
    moment,
    operation::{Followed, Operation, Target, work},
    sight::Sight,
};
use crate::{
    access::authorise::Permit,
    blocking::blocking,
    classes::RetentionClassInput,
    db::clip_requests::Which,
    error::HubError,
    hub::{Hub, pulls::Progress},
    list::{Part, Rows},
    model::{
        clip_request::{CancelReason, CloseReason, RefusalReason, number},
        requester::RequesterClass,
    },
    reason::Clips,
    requests::clip::{
        acts,
        draft::{self, Changes, DraftRequest, Texts},
        ends,
        rows::RequestRow,
        shown,
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
    /// Only those that whoever asks opened or submitted.
    #[serde(default)]
    pub mine: bool,
    /// Only those that wait for a second person.
    #[serde(default)]
    pub waits: bool,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<RequestRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            // A request of which somebody may not see every camera is not theirs to see.
            let which = Which {
                of: self.mine.then(|| permit.op()),
                waits: self.waits,
            };
            shown::list(hub, &Sight::seen(permit), &which, &self.part)
        })
        .await
    }
}

/// Follows a request: how it stands, and again whenever that has changed, until nothing of it is under way.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RequestWatch)]
pub struct Watch {
    pub request: String,
}

/// The record is looked at this often where there are no news, and no oftener than that where there are.
const LOOK: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_millis(500);

struct Following {
    hub: Arc<Hub>,
    n: u64,
    news: Receiver<Progress>,
    last: Option<RequestRow>,
    over: bool,
}

impl Following {
    async fn next(&mut self) -> Result<RequestRow, HubError> {
        loop {
            if self.last.is_some() {
                tokio::time::sleep(BETWEEN).await;
                self.news = self.news.resubscribe();
                // Whatever it was, the record says where it stands.
                let _news = tokio::time::timeout(LOOK, self.news.recv()).await;
            }
            let (hub, n) = (self.hub.clone(), self.n);
            let row = blocking(move || shown::one(&hub, n)).await??;
            if self.last.as_ref() != Some(&row) {
                self.last = Some(row.clone());
                return Ok(row);
            }
        }
    }
}

impl Followed for Watch {
    type News = RequestRow;

    fn about(&self) -> Target {
        target(&self.request)
    }

    fn follow(
        self,
        hub: Arc<Hub>,
        _: Permit,
    ) -> impl Stream<Item = Result<RequestRow, HubError>> + Send + 'static {
        let following = numbered(&self.request).map(|n| Following {
            news: hub.pulls.listen(),
            hub,
            n,
            last: None,
            over: false,
        });
        stream::unfold(Some(following), |following| async move {
            match following? {
                Err(e) => Some((Err(e), None)),
                Ok(following) if following.over => None,
                Ok(mut following) => {
                    let news = following.next().await;
                    let goes_on = |row: &RequestRow| row.cameras.iter().any(|c| c.under_way);
                    following.over = !news.as_ref().is_ok_and(goes_on);
                    Some((news, Some(Ok(following))))
                }
            }
        })
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
                hub: Arc<Hub>,
                permit: Permit,
            ) -> Result<Self::Reply, HubError> {
                work(hub, permit, move |hub, permit| {
                    let n = numbered(&self.request)?;
                    let act: fn(Self, &Hub, u64, &Permit) -> Result<RequestRow, HubError> = $($act)*;
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
    #[serde(flatten)]
    pub texts: Texts,
    /// How long its exhibits are kept.
    #[serde(default)]
    pub keep: RetentionClassInput,
    /// Its pulls go before those that are planned, whatever the hour.
    #[serde(default)]
    pub urgent: bool,
}

impl Operation for Open {
    type Reply = RequestRow;

    fn about(&self) -> Target {
        Target::Several(self.cameras.clone(), self.from)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let asked = DraftRequest {
                class: self.class,
                cameras: self.cameras,
                span: draft::span(self.from, self.to)?,
                texts: self.texts,
                keep: self.keep,
                urgent: self.urgent,
            };
            draft::open(hub, &asked, permit)
        })
        .await
    }
}

/// Asks for what a request says, with what had not been said when it was opened.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Submit {
    pub request: String,
    #[serde(flatten)]
    pub texts: Texts,
}

of_request!(Submit, |o, hub, n, permit| acts::submit(
    hub, n, &o.texts, permit
));

/// Has a draft say something else: what is given takes the place of what it said.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Change {
    pub request: String,
    #[serde(default)]
    pub class: Option<RequesterClass>,
    /// BOX/CAM, all of them.
    #[serde(default)]
    pub cameras: Option<Vec<BoxCamera>>,
    #[serde(default, deserialize_with = "moment::maybe")]
    pub from: Option<Utc>,
    #[serde(default, deserialize_with = "moment::maybe")]
    pub to: Option<Utc>,
    #[serde(flatten)]
    pub texts: Texts,
    #[serde(default)]
    pub keep: Option<RetentionClassInput>,
    #[serde(default)]
    pub urgent: Option<bool>,
}

impl Operation for Change {
    type Reply = RequestRow;

    /// What it is about now, and what it is to be about.
    fn about(&self) -> Target {
        match number(&self.request) {
            Some(n) => Target::Changed(n, self.cameras.clone(), self.from),
            None => Target::Hub,
        }
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let n = numbered(&self.request)?;
            let changes = Changes {
                class: self.class,
                cameras: self.cameras,
                from: self.from,
                to: self.to,
                texts: self.texts,
                keep: self.keep,
                urgent: self.urgent,
            };
            draft::change(hub, n, &changes, permit)
        })
        .await
    }
}

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
