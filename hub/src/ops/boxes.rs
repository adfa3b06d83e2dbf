//! Task. Operations about boxes.

use std::{cmp::Reverse, sync::Arc};

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    standing::{CameraState, Mark},
};
use utoipa::ToSchema;

use super::{
    operation::{Done, Operation, Target, work},
    sight::Sight,
};
use crate::{
    access::{
        authorise::Permit,
        signin::{self, SignIn},
        two,
    },
    devices::enrol,
    error::HubError,
    hub::Hub,
    list::Part,
    model::line::HoursText,
    orders::{succession, sweep},
    pulls::steer,
    reason::Footage,
    rows::{BoxRow, CameraRow, LineRow},
    standings::{self, Rank},
};

/// Boxes and their cameras, worst first.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct List {
    /// That box alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#box: Option<BoxName>,
    /// Those alone of whose name this is a part, and of others the cameras of whose id or title it is one; capital letters or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    #[serde(flatten)]
    pub part: Part,
}

/// Boxes by how they are, of all that were asked for and not of this part alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoxCounts {
    pub boxes: u64,
    pub cameras: u64,
    /// Cameras that are recorded now.
    pub recording: u64,
    pub red: u64,
    pub amber: u64,
    pub unknown: u64,
    pub good: u64,
}

impl BoxCounts {
    fn add(&mut self, row: &BoxRow) {
        self.boxes += 1;
        self.cameras += row.cameras.len() as u64;
        let recorded = row
            .cameras
            .iter()
            .filter(|c| c.standing.state == CameraState::Recording);
        self.recording += recorded.count() as u64;
        *match row.standing.mark {
            Mark::Red => &mut self.red,
            Mark::Amber => &mut self.amber,
            Mark::Unknown => &mut self.unknown,
            Mark::Good => &mut self.good,
        } += 1;
    }
}

/// One part of the boxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BoxPage {
    pub rows: Vec<BoxRow>,
    /// Asks for the next part, as `after`; missing: this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    pub counts: BoxCounts,
}

/// What of a box is for whoever asks; None: nothing.
fn sees(sight: &Sight<'_>, row: Arc<BoxRow>) -> Option<Arc<BoxRow>> {
    if sight.whole() {
        return Some(row);
    }
    let mut row = Arc::unwrap_or_clone(row);
    let name = row.name.clone();
    let sees = |cam: &CameraId| {
        sight.camera(&BoxCamera {
            r#box: name.clone(),
            cam: cam.clone(),
        })
    };
    row.cameras.retain(|c| sees(&c.cam));
    row.faults.retain(|f| f.cam.as_ref().is_none_or(&sees));
    row.spot = row.spot.filter(|s| sees(&s.cam));
    (!row.cameras.is_empty()).then(|| Arc::new(row))
}

/// What of a box was looked for, in small letters; None: nothing.
fn found(search: &str, row: Arc<BoxRow>) -> Option<Arc<BoxRow>> {
    let has = |text: &str| text.to_lowercase().contains(search);
    if has(row.name.as_str()) {
        return Some(row);
    }
    let wanted = |c: &CameraRow| has(c.cam.as_str()) || has(&c.title);
    if !row.cameras.iter().any(wanted) {
        return None;
    }
    let mut row = Arc::unwrap_or_clone(row);
    row.cameras.retain(wanted);
    Some(Arc::new(row))
}

/// A place in the list, as its parts are asked for with.
fn mark((order, name): &Rank) -> String {
    let (revoked, Reverse(mark), Reverse(down)) = order;
    format!("{}.{}.{down}.{name}", u8::from(*revoked), *mark as u8)
}

fn place(text: &str) -> Option<Rank> {
    let mut parts = text.splitn(4, '.');
    let revoked = match parts.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let number = parts.next()?;
    let all = [Mark::Good, Mark::Amber, Mark::Unknown, Mark::Red];
    let mark = all.into_iter().find(|m| (*m as u8).to_string() == number)?;
    let down = parts.next()?.parse().ok()?;
    let name = BoxName::parse(parts.next()?).ok()?;
    Some(((revoked, Reverse(mark), Reverse(down)), name))
}

impl Operation for List {
    type Reply = BoxPage;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            let after = self.part.after(place)?;
            let limit = self.part.limit() as usize;
            let search = self.search.as_deref().map(|s| s.trim().to_lowercase());
            let search = search.filter(|s| !s.is_empty());
            let sight = Sight::of(hub, permit)?;
            let mut page = BoxPage {
                rows: Vec::new(),
                next: None,
                counts: BoxCounts::default(),
            };
            let mut last: Option<Rank> = None;
            for row in standings::worst_first(hub, &hub.standings)? {
                if self.r#box.as_ref().is_some_and(|name| *name != row.name) {
                    continue;
                }
                let row = sees(&sight, row);
                let row = match &search {
                    Some(search) => row.and_then(|row| found(search, row)),
                    None => row,
                };
                let Some(row) = row else { continue };
                page.counts.add(&row);
                let here = standings::rank(&row);
                if after.as_ref().is_some_and(|after| here <= *after) {
                    continue;
                }
                if page.rows.len() < limit {
                    last = Some(here);
                    page.rows.push(Arc::unwrap_or_clone(row));
                } else if page.next.is_none() {
                    page.next = last.as_ref().map(mark);
                }
            }
            Ok(page)
        })
        .await
    }
}

/// One box and its cameras.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Show {
    pub name: BoxName,
}

impl Operation for Show {
    type Reply = BoxRow;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, _| {
            let row = standings::one(hub, &self.name)?;
            row.ok_or_else(|| Footage::BoxUnknown { name: self.name }.into())
        })
        .await
    }
}

/// Registers a box and makes its one-time code.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Add {
    pub name: BoxName,
}

impl Operation for Add {
    type Reply = enrol::Codes;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            enrol::add(hub, &self.name, permit)
        })
        .await
    }
}

/// Refuses a box from now on, at once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Revoke {
    pub name: BoxName,
    pub why: String,
}

impl Operation for Revoke {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        work(hub, permit, move |hub, permit| {
            enrol::revoke(hub, &self.name, &self.why, permit)
        })
        .await
        .map(|()| Done {})
    }
}

/// Two people have a box begin a new log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Succeed {
    pub name: BoxName,
    pub reason: String,
    /// The other person, who says so too.
    pub second: SignIn,
}

impl Operation for Succeed {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        let (h, second) = (hub.clone(), self.second);
        let second = work(h, permit.clone(), move |hub, permit| {
            let person = signin::check(hub, &second)?;
            two::people(hub, permit.number(), person.op)?;
            permit.second(&person)
        })
        .await?;
        succession::order(&hub, &self.name, &self.reason, &permit, &second).await?;
        Ok(Done {})
    }
}

/// The hub's word that a box's clock is right, and that all that is past its day may go.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Sweep {
    pub name: BoxName,
    pub reason: String,
}

impl Operation for Sweep {
    type Reply = Done;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        sweep::confirm(&hub, &self.name, &self.reason, &permit).await?;
        Ok(Done {})
    }
}

/// How much of a box's line clips may use, and when; what is not given is without a limit from then on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Line {
    pub name: BoxName,
    /// Kilobits a second, for all clips together.
    #[serde(default)]
    pub most_kbit: Option<u64>,
    /// Planned pulls only then.
    #[serde(default)]
    pub hours: Option<HoursText>,
    pub reason: String,
}

impl Operation for Line {
    type Reply = LineRow;

    fn about(&self) -> Target {
        Target::Box(self.name.clone())
    }

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
        let (most, hours) = (self.most_kbit, self.hours.as_ref());
        steer::set_line(&hub, &self.name, most, hours, &self.reason, permit).await?;
        Ok(standings::line(&hub, &self.name))
    }
}
