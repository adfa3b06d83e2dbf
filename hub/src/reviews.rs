//! Task. Reviews of masks (MSK-3): somebody has looked at pictures recorded under a camera's mask and says that it stays as it is, until
//! it is looked at again. What the mask looked like is the exhibit that was looked at; it is kept until then at least.
//!
//! The order is a `mask.order` line before it goes out, with the exhibit's name and the next date; the box answers with a `mask.set` line
//! that names the order, the reviewer (salted) and the date.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use shared::{
    id::{BoxCamera, ExhibitRef},
    order::Act,
    time::{Day, Utc},
    types::MaskOrder,
    wire::MaskInfo,
};
use utoipa::ToSchema;

use crate::{
    access::authorise::Permit,
    blocking::blocking,
    db::{boxes::BoxRecord, reviews::ReviewRecord},
    disposal::acts,
    error::{HubError, plain},
    hub::Hub,
    model::{local_time::LocalTime, pull::State},
    orders::mask::{blank, give, in_force},
    ownlog::op,
    periods,
    reason::Masks,
    texts::keep_salted,
};

/// A review that is due within so many days is said to be.
const SOON_DAYS: i32 = 30;

/// A review as pages and commands show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewRow {
    /// The mask that was looked at; it may be another by now.
    pub mask: String,
    /// What shows it.
    pub exhibit: String,
    pub by: String,
    pub made: Utc,
    pub next: Day,
}

/// How a camera stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Its box has not said which mask it has.
    Unknown,
    NoMask,
    /// It has a mask, and nobody has set a date.
    NoDate,
    Overdue,
    Soon,
    Later,
}

impl Due {
    /// For people; `day` is the date, where there is one.
    pub fn in_words(self, day: &str) -> String {
        match self {
            Self::Unknown => "its box has not said yet which mask it has".into(),
            Self::NoMask => "nothing to review".into(),
            Self::NoDate => "no review date is set".into(),
            Self::Overdue => format!("overdue since {day}: look at it"),
            Self::Soon => format!("due on {day}: look at it soon"),
            Self::Later => format!("due on {day}"),
        }
    }
}

/// A camera's mask and its review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaskRow {
    /// BOX/CAM
    pub camera: String,
    pub title: String,
    pub mask: Option<MaskInfo>,
    pub due: Due,
    /// The last one.
    pub reviewed: Option<ReviewRow>,
}

fn due(mask: Option<&MaskInfo>, today: Day) -> Due {
    match mask.map(|m| m.review) {
        None => Due::NoMask,
        Some(None) => Due::NoDate,
        Some(Some(day)) if day < today => Due::Overdue,
        Some(Some(day)) if day <= today.plus_days(SOON_DAYS) => Due::Soon,
        Some(Some(_)) => Due::Later,
    }
}

fn row(r: ReviewRecord) -> ReviewRow {
    ReviewRow {
        mask: r.mask,
        exhibit: r.exhibit.to_string(),
        by: op(r.op),
        made: r.made,
        next: r.next,
    }
}

/// The last review of a camera. Blocking.
pub fn last(hub: &Hub, camera: &BoxCamera) -> Result<Option<ReviewRow>, HubError> {
    Ok(hub.db.last_review(camera).map_err(plain)?.map(row))
}

/// Every camera of every box that is not revoked, what has to be looked at first. Blocking.
pub fn all(hub: &Hub) -> Result<Vec<MaskRow>, HubError> {
    let today = hub.config.zone.day_of(hub.now());
    let reviewed = hub.db.last_reviews().map_err(plain)?;
    let mut rows = Vec::new();
    for b in hub.db.boxes().map_err(plain)? {
        // Of a revoked box nobody can see anything new.
        if b.state != "revoked" {
            rows.extend(of(b, &reviewed, today));
        }
    }
    let rank = |due: Due| match due {
        Due::Overdue => 0,
        Due::Soon => 1,
        Due::NoDate => 2,
        Due::Unknown => 3,
        Due::Later => 4,
        Due::NoMask => 5,
    };
    // Stable: within a rank by box and camera.
    rows.sort_by_key(|r| rank(r.due));
    Ok(rows)
}

fn of(b: BoxRecord, reviewed: &BTreeMap<String, ReviewRecord>, today: Day) -> Vec<MaskRow> {
    let Some(hello) = b.hello else {
        return Vec::new();
    };
    let said = b.health.map_or_else(Vec::new, |h| h.cameras);
    hello
        .cameras
        .into_iter()
        .map(|c| {
            let camera = BoxCamera {
                r#box: b.name.clone(),
                cam: c.cam.clone(),
            }
            .to_string();
            let one = said.iter().find(|s| s.cam == c.cam);
            let mask = one.and_then(|s| s.mask.clone());
            MaskRow {
                title: c.title,
                due: one.map_or(Due::Unknown, |_| due(mask.as_ref(), today)),
                mask,
                reviewed: reviewed.get(&camera).cloned().map(row),
                camera,
            }
        })
        .collect()
}

/// What a review is about, once it is known to be possible. Blocking.
fn checked(
    hub: &Hub,
    camera: &BoxCamera,
    exhibit: &ExhibitRef,
    next: Day,
) -> Result<MaskInfo, HubError> {
    let today = hub.config.zone.day_of(hub.now());
    periods::review_may_be(next, today, &hub.config.periods)?;
    let mask = in_force(hub, camera)?.ok_or_else(|| Masks::NothingToReview {
        camera: camera.clone(),
    })?;
    if let Some(until) = mask.lifted {
        return Err(Masks::LiftedNow {
            camera: camera.clone(),
            until: LocalTime::of(until, &hub.config.zone),
        }
        .into());
    }
    let request = hub.db.request(exhibit.as_str()).map_err(plain)?;
    let request = request.ok_or_else(|| Masks::ReviewExhibitUnknown {
        exhibit: exhibit.clone(),
        camera: camera.clone(),
    })?;
    if request.camera != *camera {
        return Err(Masks::OtherCamera {
            exhibit: exhibit.clone(),
            of: request.camera,
            camera: camera.clone(),
        }
        .into());
    }
    if !matches!(request.state, State::Ready | State::Partial) {
        return Err(Masks::ShowsNothing {
            exhibit: exhibit.clone(),
            state: request.state,
        }
        .into());
    }
    let segments = hub
        .db
        .segments(camera, request.t0, request.t1)
        .map_err(plain)?;
    let under = |s: &crate::db::footage::SegmentRecord| {
        s.mask.as_ref() == Some(&mask.id) && s.how != "lifted"
    };
    if !segments.iter().any(under) {
        return Err(Masks::OtherMask {
            exhibit: exhibit.clone(),
            camera: camera.clone(),
            mask: mask.id,
        }
        .into());
    }
    Ok(mask)
}

/// Puts a review on both records: the hub's, and, by order, the box's.
pub async fn review(
    hub: &Arc<Hub>,
    camera: &BoxCamera,
    exhibit: &ExhibitRef,
    next: Day,
    permit: &Permit,
) -> Result<ReviewRow, HubError> {
    let (shown, person) = (exhibit.clone(), permit.clone());
    let (number, mask) = give(hub, camera, permit, move |d, c, by| {
        let mask = checked(d, c, &shown, next)?;
        // First: should the order fail, it is kept for nothing, and no longer than that.
        acts::keep_until(d, &shown, next, &person.op())?;
        let line = MaskOrder {
            sha256: Some(mask.sha256.clone()),
            r#ref: Some(shown.to_string()),
            review: Some(next),
            ..blank("review", c, &mask.id, by)
        };
        let reviewer = Some(keep_salted(d, person.name())?);
        let act = Act::MaskReview {
            cam: c.cam.clone(),
            mask: mask.id.clone(),
            sha256: mask.sha256,
            review: next,
            reviewer,
        };
        Ok((line, act, mask.id))
    })
    .await?;
    let record = ReviewRecord {
        n: number,
        camera: camera.clone(),
        mask,
        exhibit: exhibit.clone(),
        op: permit.number(),
        made: hub.now(),
        next,
    };
    let d = hub.clone();
    blocking(move || {
        d.db.add_review(&record).map_err(plain)?;
        Ok(row(record))
    })
    .await
    .map_err(plain)?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MSK-3: a mask that nobody has to look at yet, one that is due within a month, one whose date has passed, one without a date.
    #[test]
    fn how_a_mask_stands() {
        let today = Day::parse("2026-11-23").expect("day");
        let mask = |review: Option<&str>| MaskInfo {
            id: "m7".into(),
            how: "burned".into(),
            style: "solid".into(),
            permille: 60,
            sha256: "ab".repeat(32),
            review: review.map(|d| Day::parse(d).expect("day")),
            order: None,
            lifted: None,
            instead: None,
        };
        let stands = |review| due(Some(&mask(review)), today);
        assert_eq!(due(None, today), Due::NoMask);
        assert_eq!(stands(None), Due::NoDate);
        assert_eq!(stands(Some("2026-11-22")), Due::Overdue);
        assert_eq!(stands(Some("2026-11-23")), Due::Soon);
        assert_eq!(stands(Some("2026-12-23")), Due::Soon);
        assert_eq!(stands(Some("2026-12-24")), Due::Later);
    }
}
