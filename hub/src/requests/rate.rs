//! Task. Real time for a camera in time-lapse: judged, logged, ordered of its box, answered while whoever asked waits.
//!
//! The order's number is that of its `rate.order` line, so the box's `rate.set` line and this one name each other. What becomes of
//! it, unless it was carried out, is a `rate.fail` line. The box ends it by itself; nothing here remembers it.

use std::{sync::Arc, time::Duration};

use shared::{
    id::BoxCamera,
    time::Utc,
    types::{RateFail, RateOrder},
    wire::{Open, Order, ToBox, ToHub},
};
use tokio::sync::broadcast::error::RecvError;

use super::submit::keep_salted;
use crate::{
    board::Refusal,
    desk::{Desk, blocking},
};

/// Longest order, in minutes: a day.
pub const MOST_MINUTES: u32 = 1440;
const ANSWER: Duration = Duration::from_secs(30);

fn plain(e: impl std::fmt::Display) -> Refusal {
    Refusal(e.to_string())
}

/// Orders `minutes` of real time (0: no longer); answers with its end by the box's clock.
pub async fn order(
    desk: &Arc<Desk>,
    camera: &BoxCamera,
    minutes: u32,
    reason: &str,
    who: &'static str,
) -> Result<Utc, Refusal> {
    if minutes > MOST_MINUTES {
        return Err(Refusal(format!(
            "{minutes} minutes is more than a day ({MOST_MINUTES}); nothing was ordered"
        )));
    }
    if reason.trim().is_empty() {
        return Err(Refusal(
            "an order needs a reason; nothing was ordered".into(),
        ));
    }
    let (d, c) = (desk.clone(), camera.clone());
    blocking(move || judge(&d, &c)).await.map_err(plain)??;
    let name = &camera.r#box;
    let Some((id, _, orders)) = desk.live.reach(name) else {
        return Err(Refusal(format!(
            "box {name} is offline, and an order is for now: nothing was ordered; give it again when the box is back"
        )));
    };
    let mut said = desk.live.listen();
    let mut changes = desk.live.watch();
    let (d, c, r) = (desk.clone(), camera.clone(), reason.to_owned());
    let (number, order) = blocking(move || sign(&d, &c, minutes, &r, who))
        .await
        .map_err(plain)??;
    let broke = || {
        format!("the connection to box {name} broke; whether it has switched will be in its log")
    };
    let answer = async {
        orders.send(order).await.map_err(|_| broke())?;
        loop {
            tokio::select! {
                heard = said.recv() => match heard {
                    Ok((b, ToHub::RateSet { order, until, .. })) if b == *name && order == number => return Ok(until),
                    Ok((b, ToHub::RateFailed { order, why, .. })) if b == *name && order == number => {
                        return Err(format!("box {name} did not switch: {why}"));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err("the hub is stopping".into()),
                },
                _ = changes.changed() => {
                    if desk.live.reach(name).is_none_or(|(now, ..)| now != id) {
                        return Err(broke());
                    }
                }
            }
        }
    };
    let answered = tokio::time::timeout(ANSWER, answer)
        .await
        .unwrap_or_else(|_| {
            Err(format!(
                "box {name} has not answered within {} s; if it switches after all, its log will say so",
                ANSWER.as_secs()
            ))
        });
    let why = match answered {
        Ok(until) => return Ok(until),
        Err(why) => why,
    };
    let (d, c, text) = (desk.clone(), camera.clone(), why.clone());
    let logged = blocking(move || {
        let line = RateFail {
            order: number,
            r#box: c.r#box.to_string(),
            cam: c.cam,
            why: text.chars().take(300).collect(),
        };
        d.log.append(who, &line).map(drop)
    });
    logged.await.map_err(plain)?.map_err(plain)?;
    Err(Refusal(why))
}

/// What is known of box and camera before it is asked. Blocking.
fn judge(desk: &Desk, camera: &BoxCamera) -> Result<(), Refusal> {
    let (name, cam) = (&camera.r#box, &camera.cam);
    let record = desk.db.box_named(name).map_err(plain)?.ok_or_else(|| {
        Refusal(format!(
            "there is no box {name}; `beadle-hub box list` shows them"
        ))
    })?;
    let hello = record
        .hello
        .as_deref()
        .and_then(|t| serde_json::from_str::<Open>(t).ok());
    let Some(Open::Control { cameras, .. }) = hello else {
        return Err(Refusal(format!(
            "box {name} is {} and has never been on the line; nothing was ordered",
            record.state
        )));
    };
    let Some(info) = cameras.iter().find(|c| c.cam == *cam) else {
        let has: Vec<&str> = cameras.iter().map(|c| c.cam.as_str()).collect();
        return Err(Refusal(format!(
            "box {name} has no camera {cam}; it has {}",
            has.join(", ")
        )));
    };
    if info.lapse_secs.is_none() {
        return Err(Refusal(format!(
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
) -> Result<(u64, ToBox), Refusal> {
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
    let order = serde_json::to_string(&order).map_err(plain)?;
    let sig = desk.keys.sign_order(&order);
    Ok((number, ToBox::Order { order, sig }))
}
