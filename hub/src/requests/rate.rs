//! Task. Real time for a camera in time-lapse: judged, logged, ordered of its box, answered while whoever asked waits.
//!
//! The order's number is that of its `rate.order` line, so the box's `rate.set` line and this one name each other. What becomes of
//! it, unless it was carried out, is a `rate.fail` line. The box ends it by itself; nothing here remembers it.

use std::sync::Arc;

use shared::{
    id::BoxCamera,
    time::Utc,
    types::{RateFail, RateOrder},
    wire::{Order, ToBox, ToHub},
};

use super::{order, submit::keep_salted};
use crate::{
    access::authorise::Permit,
    board::{HubError, plain},
    desk::{Desk, blocking},
};

/// Longest order, in minutes: a day.
pub const MOST_MINUTES: u32 = 1440;

/// Orders `minutes` of real time (0: no longer); answers with its end by the box's clock.
pub async fn order(
    desk: &Arc<Desk>,
    camera: &BoxCamera,
    minutes: u32,
    reason: &str,
    permit: &Permit,
) -> Result<Utc, HubError> {
    if minutes > MOST_MINUTES {
        return Err(HubError::Refused(format!(
            "{minutes} minutes is more than a day ({MOST_MINUTES}); nothing was ordered"
        )));
    }
    if reason.trim().is_empty() {
        return Err(HubError::Refused(
            "an order needs a reason; nothing was ordered".into(),
        ));
    }
    let (d, c) = (desk.clone(), camera.clone());
    blocking(move || judge(&d, &c)).await??;
    let way = order::way(desk, &camera.r#box)?;
    let (d, c, r, who) = (desk.clone(), camera.clone(), reason.to_owned(), permit.op());
    let (number, order) = blocking(move || sign(&d, &c, minutes, &r, &who)).await??;
    let answered = way.send(desk, order, |heard| match heard {
        ToHub::RateSet { order, until, .. } if order == number => Some(Ok(until)),
        ToHub::RateFailed { order, why, .. } if order == number => Some(Err(why)),
        _ => None,
    });
    let answered = answered.await;
    let why = match answered {
        Ok(until) => return Ok(until),
        Err(why) => why,
    };
    let (d, c, text, who) = (desk.clone(), camera.clone(), why.clone(), permit.op());
    let logged = blocking(move || {
        let line = RateFail {
            order: number,
            r#box: c.r#box.to_string(),
            cam: c.cam,
            why: text.chars().take(300).collect(),
        };
        d.log.append(&who, &line).map(drop)
    });
    logged.await.map_err(plain)?.map_err(plain)?;
    Err(HubError::Refused(why))
}

/// What is known of box and camera before it is asked. Blocking.
fn judge(desk: &Desk, camera: &BoxCamera) -> Result<(), HubError> {
    let (_, cameras) = order::known(desk, &camera.r#box)?;
    let info = order::camera(&camera.r#box, &cameras, &camera.cam)?;
    if info.lapse_secs.is_none() {
        return Err(HubError::Refused(format!(
            "camera {camera} records continuously, all it sends; there is nothing to switch"
        )));
    }
    Ok(())
}

/// Logs the order and signs it. Blocking.
fn sign(
    desk: &Desk,
    camera: &BoxCamera,
    minutes: u32,
    reason: &str,
    who: &str,
) -> Result<(u64, ToBox), HubError> {
    let reason = keep_salted(desk, reason)?;
    let line = RateOrder {
        r#box: camera.r#box.to_string(),
        cam: camera.cam.clone(),
        minutes: minutes.into(),
        reason,
    };
    let number = desk.log.append(who, &line).map_err(plain)?.n;
    let order = Order::Rate {
        r#box: camera.r#box.clone(),
        order: number,
        cam: camera.cam.clone(),
        minutes,
        made: desk.now(),
    };
    Ok((number, order::signed(desk, &order)?))
}
