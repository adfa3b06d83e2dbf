//! Task. The hub's word that a box's clock is right, and that all that is past its day may go in one sweep: for a box that comes back
//! from a month in a store.
//!
//! The order's number is that of its `sweep.order` line, which the box's `del.confirm` line names. What becomes of it, unless it was
//! carried out, is a `sweep.fail` line.
use std::sync::Arc;

use shared::{
    id::BoxName,
    types::{SweepFail, SweepOrder},
    wire::{Order, ToHub},
};

use super::{order, submit::keep_salted};
use crate::{
    access::authorise::Permit,
    board::{HubError, plain},
    desk::{Desk, blocking},
};

/// Confirms; the sweep has begun when this returns.
pub async fn confirm(
    desk: &Arc<Desk>,
    name: &BoxName,
    reason: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(HubError::Refused(
            "an order needs a reason; nothing was ordered".into(),
        ));
    }
    let (d, n) = (desk.clone(), name.clone());
    blocking(move || order::known(&d, &n)).await??;
    let way = order::way(desk, name)?;
    let (d, n, by) = (desk.clone(), name.clone(), permit.op());
    let (number, order) = blocking(move || -> Result<_, HubError> {
        let by = vec![by];
        let line = SweepOrder {
            r#box: n.to_string(),
            reason: keep_salted(&d, &reason)?,
            by: by.clone(),
        };
        let number = d.log.append(&by.concat(), &line).map_err(plain)?.n;
        let order = Order::Sweep {
            r#box: n,
            order: number,
            by,
            made: d.now(),
        };
        Ok((number, order::signed(&d, &order)?))
    })
    .await??;
    let answered = way.send(desk, order, |heard| match heard {
        ToHub::SweepBegun { order } if order == number => Some(Ok(())),
        ToHub::SweepFailed { order, why } if order == number => Some(Err(why)),
        _ => None,
    });
    let Err(why) = answered.await else {
        return Ok(());
    };
    let line = SweepFail {
        order: number,
        r#box: name.to_string(),
        why: why.chars().take(300).collect(),
    };
    let (d, by) = (desk.clone(), permit.op());
    blocking(move || d.log.append(&by, &line).map(drop))
        .await
        .map_err(plain)?
        .map_err(plain)?;
    Err(HubError::Refused(why))
}
