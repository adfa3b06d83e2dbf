//! Task. Two people's word that a box begins the successor of its log: the way out when what it offers does not follow on from what the hub
//! has of it (FORKED, ROLLED-BACK, two boxes of one name), without a visit.
//!
//! The order's number is that of its `log.order` line, which names both. What was countersigned before stays as it is; the box's new log
//! says in its first line who ordered it, and its number is above every one the hub holds. One that the box does not obey is a `log.fail` line.
use std::sync::Arc;

use shared::{
    id::BoxName,
    order::{Act, Done},
    types::{LogFail, LogOrder},
};

use super::order;
use crate::{
    access::authorise::Permit,
    error::{HubError, plain},
    hub::Hub,
    model::order::Failure,
    reason::Orders,
    texts::keep_salted,
};

/// Orders it; the box has kept the order and is about to begin when this returns.
pub async fn order(
    hub: &Arc<Hub>,
    name: &BoxName,
    reason: &str,
    permit: &Permit,
    second: &Permit,
) -> Result<(), HubError> {
    if permit.op() == second.op() {
        return Err(Orders::SecondForNewLog.into());
    }
    let (way, reason) = order::way_with_reason(hub, name, reason).await?;
    let n = name.clone();
    let by = vec![permit.op(), second.op()];
    let log = move |d: &Hub| {
        let held = d.db.newest_log(&n).map_err(plain)?;
        let above = held.map_or(0, |l| l.number);
        let line = LogOrder {
            r#box: n.to_string(),
            above,
            reason: keep_salted(d, &reason)?,
            by: by.clone(),
        };
        let order = d.log.append(&by[0], &line).map_err(plain)?.n;
        let order = d.log.number(order);
        d.logs.ordered(&n, above);
        Ok((order, by, Act::LogSucceed { above }))
    };
    let failed = |order, Failure { code, why }| LogFail {
        order,
        r#box: name.to_string(),
        code,
        why,
    };
    match order::obeyed(hub, way, &permit.op(), log, failed).await? {
        Done::Succession => Ok(()),
        _ => Err(order::odd(name)),
    }
}
