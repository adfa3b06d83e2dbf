//! Task. Operations about clips.

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, CameraId, ExhibitRef},
    time::Utc,
};
use tokio::sync::broadcast::Receiver;
use utoipa::ToSchema;

use super::{
    footage::camera,
    moment,
    operation::{Followed, Listed, Operation, Target, permitted, work},
    sight::Sight,
};
use crate::{
    access::{authorise::Permit, principal::Principal},
    blocking::blocking,
    classes::RetentionClassInput,
    db::requests::Which,
    error::{HubError, plain},
    evidence::Resting,
    hub::{Hub, pulls::Progress, sessions::Reason},
    list::{Part, Rows},
    model::copy::CopyKind,
    pulls::steer,
    reason::Footage,
    requests::{
        ahead::{self, Ahead},
        save,
        submit::{self, PullRequest},
    },
    rows::{self, ExhibitRow, ReasonRow},
    shown,
    viewing::exhibit,
    words,
};

/// Clips that were asked for, newest first.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct List {
    /// Of that camera alone: BOX/CAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<BoxCamera>,
    /// Only what ends after then, and what begins before.
    #[serde(
        default,
        deserialize_with = "moment::maybe",
        skip_serializing_if = "Option::is_none"
    )]
    pub from: Option<Utc>,
    #[serde(
        default,
        deserialize_with = "moment::maybe",
        skip_serializing_if = "Option::is_none"
    )]
    pub to: Option<Utc>,
    #[serde(flatten)]
    pub part: Part,
}

impl Operation for List {
    type Reply = Rows<ExhibitRow>;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let which = Which {
                camera: self.camera,
                from: self.from,
                to: self.to,
            };
            shown::exhibits(hub, &Sight::seen(permit), &which, &self.part)
        })
        .await
    }
}

/// One of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub exhibit: ExhibitRef,
}

impl Operation for Show {
    type Reply = ExhibitRow;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            shown::exhibit(hub, &self.exhibit)
        })
        .await
    }
}

/// Asks for a clip.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Pull {
    pub r#box: BoxName,
    pub cam: CameraId,
    #[serde(deserialize_with = "moment::read")]
    pub from: Utc,
    #[serde(deserialize_with = "moment::read")]
    pub to: Utc,
    pub purpose: String,
    pub reference: String,
    pub requester: String,
    /// How long the exhibit is kept.
    #[serde(default)]
    pub class: RetentionClassInput,
    /// It goes before those that are planned, whatever the hour.
    #[serde(default)]
    pub urgent: bool,
}

camera!(Pull);

/// The number it was given.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PullNumber {
    pub exhibit: ExhibitRef,
    /// What is to come, and when it will be there.
    pub forecast: Ahead,
}

impl Operation for Pull {
    type Reply = PullNumber;

    fn about(&self) -> Target {
        Target::Footage(self.camera(), self.from)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let asked = PullRequest {
                camera: self.camera(),
                t0: self.from,
                t1: self.to,
                purpose: self.purpose,
                reference: self.reference,
                requester: self.requester,
            };
            let (camera, span) = (asked.camera.clone(), (asked.t0, asked.t1));
            let exhibit = submit::submit_as(hub, &asked, &self.class, self.urgent, permit)?;
            let forecast = ahead::of_span(hub, &camera, span, self.urgent)?;
            Ok(PullNumber { exhibit, forecast })
        })
        .await
    }
}

/// What a clip would be, and when it would be there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ClipForecast)]
pub struct Forecast {
    pub r#box: BoxName,
    pub cam: CameraId,
    #[serde(deserialize_with = "moment::read")]
    pub from: Utc,
    #[serde(deserialize_with = "moment::read")]
    pub to: Utc,
    #[serde(default)]
    pub urgent: bool,
}

camera!(Forecast);

impl Operation for Forecast {
    type Reply = Ahead;

    fn about(&self) -> Target {
        Target::Footage(self.camera(), self.from)
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            ahead::of_span(hub, &self.camera(), (self.from, self.to), self.urgent)
        })
        .await
    }
}

macro_rules! steered {
    ($(#[$doc:meta])* $name:ident $wait:literal) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            pub exhibit: ExhibitRef,
        }

        impl Operation for $name {
            type Reply = ExhibitRow;

            fn about(&self) -> Target {
                Target::Exhibit(self.exhibit.clone())
            }

            async fn perform(
                self,
                hub: Arc<Hub>,
                permit: Permit,
            ) -> Result<Self::Reply, HubError> {
                work(hub, permit, move |hub, permit| {
                    steer::pause(hub, &self.exhibit, $wait, permit)?;
                    shown::exhibit(hub, &self.exhibit)
                })
                .await
            }
        }
    };
}

steered! {
    /// The pull of a clip waits. What has come is kept.
    Pause true
}
steered! {
    /// It goes on where it stands.
    Resume false
}

/// Says why somebody watches a clip; only then is it shown to them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct View {
    pub exhibit: ExhibitRef,
    pub purpose: String,
    pub reference: String,
    /// Who else is present, as they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<String>,
}

/// What is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Viewing {
    /// Of a clip that is still being fetched: the look by which what has arrived is watched, not yet verified.
    pub look: Option<String>,
}

impl Operation for View {
    type Reply = Viewing;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let (exhibit, reason) = (
                self.exhibit,
                Reason {
                    purpose: self.purpose,
                    reference: self.reference,
                    present: self.present,
                },
            );
            let look = exhibit::begin(hub, &exhibit, &reason, permit)?;
            Ok(Viewing {
                look: look.map(|look| look.id.clone()),
            })
        })
        .await
    }
}

pub use crate::requests::save::Package;

/// Whether the package may be had in plain, put on record; where it rests.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Save {
    pub exhibit: ExhibitRef,
    pub purpose: String,
    pub reference: String,
    /// Who else is present, as they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<String>,
    /// What the copy is to be registered as: master, working. None: nothing is registered, a film of it is sent to a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<CopyKind>,
}

impl Operation for Save {
    type Reply = Package;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let (exhibit, copy, reason) = (
                self.exhibit,
                self.copy,
                Reason {
                    purpose: self.purpose,
                    reference: self.reference,
                    present: self.present,
                },
            );
            save::grant(hub, &exhibit, &reason, copy, permit)
        })
        .await
    }
}

/// Where a pull stands, as it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgressRow {
    pub r#ref: String,
    pub state: String,
    /// Why it stands so, for people.
    pub why: String,
    /// The same for programs.
    pub reasons: Vec<ReasonRow>,
    pub bytes: u64,
    pub total: u64,
    pub segments_done: u64,
    pub segments: u64,
    /// When all of it will be here; None: not known.
    pub there: Option<Utc>,
    /// Folder of the package, once there is one.
    pub package: Option<String>,
}

impl ProgressRow {
    fn of(hub: &Hub, p: Progress) -> Self {
        let left = p.total.saturating_sub(p.bytes);
        let (now, zone) = (hub.now(), &hub.config.zone);
        let there = hub.pulls.lines.there(&p.r#ref, left, now, zone);
        Self {
            r#ref: p.r#ref,
            state: p.state.as_str().into(),
            why: words::pulls(&p.why, &hub.config.zone),
            reasons: rows::reasons(&p.why, &hub.config.zone),
            bytes: p.bytes,
            total: p.total,
            segments_done: p.segments_done,
            segments: p.segments,
            there,
            package: p.package,
        }
    }

    pub fn percent(&self) -> u64 {
        (self.bytes.min(self.total) * 100)
            .checked_div(self.total)
            .unwrap_or(0)
    }
}

/// Follows a request to its end.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Watch {
    pub exhibit: ExhibitRef,
}

/// The record is looked at this often where there are no news.
const LOOK: Duration = Duration::from_secs(5);

struct Following {
    hub: Arc<Hub>,
    exhibit: ExhibitRef,
    news: Receiver<Progress>,
    begun: bool,
    over: bool,
}

impl Following {
    /// Where the request stands, by the record.
    async fn now(&self) -> Result<Progress, HubError> {
        let (hub, exhibit) = (self.hub.clone(), self.exhibit.clone());
        blocking(move || {
            let row = hub.db.request(exhibit.as_str()).map_err(plain)?;
            let row = row.ok_or(Footage::ExhibitUnknown {
                exhibit: exhibit.clone(),
            })?;
            let last = hub.pulls.last(exhibit.as_str());
            let last = last.unwrap_or_else(|| Progress::of(&exhibit, row.state, Vec::new()));
            Ok(Progress {
                state: row.state,
                why: row.why,
                package: row.package,
                ..last
            })
        })
        .await?
    }

    async fn next(&mut self) -> Result<Progress, HubError> {
        if !std::mem::replace(&mut self.begun, true) {
            return self.now().await;
        }
        loop {
            match tokio::time::timeout(LOOK, self.news.recv()).await {
                Ok(Ok(progress)) if progress.r#ref == self.exhibit.as_str() => return Ok(progress),
                Ok(Ok(_)) => {}
                // Missed some news, or none came: the record says where it stands, and that we are still here.
                Ok(Err(_)) | Err(_) => return self.now().await,
            }
        }
    }
}

impl Followed for Watch {
    type News = ProgressRow;

    fn about(&self) -> Target {
        Target::Exhibit(self.exhibit.clone())
    }

    fn follow(
        self,
        hub: Arc<Hub>,
        _: Permit,
    ) -> impl Stream<Item = Result<ProgressRow, HubError>> + Send + 'static {
        let following = Following {
            news: hub.pulls.listen(),
            hub,
            exhibit: self.exhibit,
            begun: false,
            over: false,
        };
        stream::unfold(following, |mut following| async move {
            if following.over {
                return None;
            }
            let news = following.next().await;
            following.over = news.as_ref().map_or(true, |p| p.state.over());
            let news = news.map(|p| ProgressRow::of(&following.hub, p));
            Some((news, following))
        })
    }
}

/// Whether somebody may watch an exhibit, or have of it what is watched: for pages, which send a clip in many parts after one [`View`].
pub async fn viewer(
    hub: &Arc<Hub>,
    principal: &Principal,
    exhibit: &ExhibitRef,
) -> Result<Permit, HubError> {
    permitted(hub, principal, View::ROW, Target::Exhibit(exhibit.clone())).await
}

/// The package of an exhibit, with the key that opens it; None while there is none. The permit is that of [`View`] or [`Save`]. Blocking.
pub fn package(
    hub: &Hub,
    exhibit: &ExhibitRef,
    permit: &Permit,
) -> Result<Option<Resting>, HubError> {
    let row = permit.row().name;
    if row != View::ROW.name && row != Save::ROW.name {
        return Err(plain(format!(
            "{row} opens no package: {exhibit} stays shut"
        )));
    }
    let request = hub.db.request(exhibit.as_str()).map_err(plain)?;
    let Some(folder) = request.and_then(|r| r.package) else {
        return Ok(None);
    };
    let identity = hub.keys.exhibit_identity(exhibit).map_err(plain)?;
    Ok(Some(Resting::new(folder.into(), identity)))
}
