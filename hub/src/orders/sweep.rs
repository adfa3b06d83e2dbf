//! Task. The hub's word that a box's clock is right, and that all that is past its day may go in one sweep: for a box that comes back
//! from a month in a store.
//!
//! The order's number is that of its `sweep.order` line, which the box's `del.confirm` line names. What becomes of it, unless it was
//! carried out, is a `sweep.fail` line.
use std::sync::Arc;

use shared::{
    id::BoxName,
    order::{Act, Done},
    types::{SweepFail, SweepOrder},
};

use super::order;
use crate::{
    access::authorise::Permit,
    error::{HubError, plain},
    hub::Hub,
    model::order::Failure,
    texts::keep_salted,
};

/// Confirms; the sweep has begun when this returns.
pub async fn confirm(
    hub: &Arc<Hub>,
    name: &BoxName,
    reason: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    let (way, reason) = order::way_with_reason(hub, name, reason).await?;
    let (n, by) = (name.clone(), permit.op());
    let log = move |d: &Hub| {
        let by = vec![by];
        let line = SweepOrder {
            r#box: n.to_string(),
            reason: keep_salted(d, &reason)?,
            by: by.clone(),
        };
        let order = d.log.append(&by.concat(), &line).map_err(plain)?.n;
        let order = d.log.number(order);
        Ok((order, by, Act::Sweep))
    };
    let failed = |order, Failure { code, why }| SweepFail {
        order,
        r#box: name.to_string(),
        code,
        why,
    };
    match order::obeyed(hub, way, &permit.op(), log, failed).await? {
        Done::Sweep => Ok(()),
        _ => Err(order::odd(name)),
    }
}
