//! Task. Real time for a camera in time-lapse: judged, logged, ordered of its box, answered while whoever asked waits.
//!
//! The order's number is that of its `rate.order` line, so the box's `rate.set` line and this one name each other. What becomes of
//! it, unless it was carried out, is a `rate.fail` line. The box ends it by itself; nothing here remembers it.

use std::sync::Arc;

use shared::{
    id::BoxCamera,
    order::{Act, Done},
    time::Utc,
    types::{RateFail, RateOrder},
};

use super::order;
use crate::{
    access::authorise::Permit,
    blocking::blocking,
    error::{HubError, plain},
    hub::Hub,
    model::order::Failure,
    reason::Orders,
    texts::keep_salted,
};

/// Longest order, in minutes: a day.
pub const MOST_MINUTES: u32 = 1440;

/// Orders `minutes` of real time (0: no longer); answers with its end by the box's clock.
pub async fn order(
    hub: &Arc<Hub>,
    camera: &BoxCamera,
    minutes: u32,
    reason: &str,
    permit: &Permit,
) -> Result<Utc, HubError> {
    if minutes > MOST_MINUTES {
        return Err(Orders::MoreThanADay {
            minutes,
            most: MOST_MINUTES,
        }
        .into());
    }
    if reason.trim().is_empty() {
        return Err(Orders::ReasonWanted.into());
    }
    let (d, c) = (hub.clone(), camera.clone());
    blocking(move || judge(&d, &c)).await??;
    let way = order::way(hub, &camera.r#box)?;
    let (c, r, who) = (camera.clone(), reason.to_owned(), permit.op());
    let log = move |d: &Hub| put(d, &c, minutes, &r, &who);
    let failed = |order, Failure { code, why }| RateFail {
        order,
        r#box: camera.r#box.to_string(),
        cam: camera.cam.clone(),
        code,
        why,
    };
    match order::obeyed(hub, way, &permit.op(), log, failed).await? {
        Done::Rate { until } => Ok(until),
        _ => Err(order::odd(&camera.r#box)),
    }
}

/// What is known of box and camera before it is asked. Blocking.
fn judge(hub: &Hub, camera: &BoxCamera) -> Result<(), HubError> {
    let (_, cameras) = order::known(hub, &camera.r#box)?;
    let info = order::camera(&camera.r#box, &cameras, &camera.cam)?;
    if info.lapse_secs.is_none() {
        return Err(Orders::RecordsAll {
            camera: camera.clone(),
        }
        .into());
    }
    Ok(())
}

/// Puts the order on the record. Blocking.
fn put(
    hub: &Hub,
    camera: &BoxCamera,
    minutes: u32,
    reason: &str,
    who: &str,
) -> Result<(u64, Vec<String>, Act), HubError> {
    let reason = keep_salted(hub, reason)?;
    let line = RateOrder {
        r#box: camera.r#box.to_string(),
        cam: camera.cam.clone(),
        minutes: minutes.into(),
        reason,
    };
    let number = hub.log.append(who, &line).map_err(plain)?.n;
    let number = hub.log.number(number);
    let cam = camera.cam.clone();
    Ok((number, vec![who.into()], Act::Rate { cam, minutes }))
}
