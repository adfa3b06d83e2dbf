//! Task. The hub's records are an older copy: that stands, is told to everybody who signs in, and is settled by two people (ROL-5, AUD-3). Blocking.

use serde::{Deserialize, Serialize};
use shared::{
    id,
    time::Utc,
    types::{RollbackAsk, RollbackSettle},
};
use utoipa::ToSchema;

use crate::{
    access::{approvals, authorise::Permit},
    db::rolled::RollbackRecord,
    error::HubError,
    hub::Hub,
    model::{
        approval::Kind,
        local_time::LocalTime,
        rollback::{Rollback, SettleAsked, ShownRow},
    },
    ownlog::op,
    reason::{Backups, Notice},
    texts::keep_salted,
};

/// What somebody is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RollbackShown {
    /// None: these records are no older copy, or it is settled.
    pub stands: Option<Rollback>,
}

fn subject(n: u64) -> String {
    format!("rollback {n}")
}

/// What stands, if anything does.
pub fn show(hub: &Hub) -> Result<RollbackShown, HubError> {
    let Some(r) = hub.db.rollback()? else {
        return Ok(RollbackShown { stands: None });
    };
    let mut logs = Vec::new();
    for l in r.logs {
        let here = hub.db.log(&l.log)?.map_or(0, |held| held.size);
        logs.push(ShownRow {
            log: l.log,
            shown: l.shown,
            held: l.held,
            here,
        });
    }
    let boxes = hub.db.boxes()?.into_iter();
    let away = boxes.filter(|b| {
        b.state == "enrolled"
            && !hub.live.online(&b.name)
            && b.last_seen.is_none_or(|t| t < r.since)
    });
    let silent = away.map(|b| b.name.to_string()).collect();
    let asked = match approvals::about(hub, Kind::Rollback, &subject(r.n))? {
        None => None,
        Some(a) => {
            let account = hub.db.account_numbered(a.asked_by)?;
            let text: String = serde_json::from_str(&a.what).unwrap_or_default();
            Some(SettleAsked {
                request: a.n,
                by: account.map_or_else(|| op(a.asked_by), |a| a.name),
                reason: hub.db.side_text(&text)?,
                expires: a.until,
            })
        }
    };
    Ok(RollbackShown {
        stands: Some(Rollback {
            rollback: r.n,
            since: r.since,
            restored: r.restored,
            backup: r.backup,
            copied: r.copied,
            logs,
            silent,
            asked,
        }),
    })
}

fn standing(hub: &Hub) -> Result<RollbackRecord, HubError> {
    hub.db
        .rollback()?
        .ok_or_else(|| Backups::NothingRolledBack.into())
}

/// Asks that it be settled: somebody has looked at what boxes told, and at what the copy had forgotten.
pub fn ask(hub: &Hub, reason: &str, permit: &Permit) -> Result<RollbackShown, HubError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 300 {
        return Err(Backups::ReasonWanted.into());
    }
    let n = standing(hub)?.n;
    if let Some(asked) = approvals::about(hub, Kind::Rollback, &subject(n))? {
        let request = asked.n;
        return Err(crate::reason::Access::AskedAlready { request }.into());
    }
    let reason = keep_salted(hub, reason)?;
    let by = permit.op();
    approvals::ask(hub, permit, Kind::Rollback, &subject(n), &reason, |ask| {
        RollbackAsk {
            rollback: n,
            ask,
            reason: reason.clone(),
            by,
        }
    })?;
    show(hub)
}

/// The second person's word: it stands no more.
pub fn approve(hub: &Hub, permit: &Permit) -> Result<RollbackShown, HubError> {
    let n = standing(hub)?.n;
    let request =
        approvals::about(hub, Kind::Rollback, &subject(n))?.ok_or(Backups::SettlingNotAsked)?;
    let by = vec![op(request.asked_by), permit.op()];
    approvals::approve(hub, &request, permit, |act, reason: String| {
        let line = RollbackSettle {
            rollback: n,
            ask: request.n,
            reason,
            by: by.clone(),
        };
        act.log(&permit.op(), &line)?;
        match act.settle_rollback(n, &by, hub.now())? {
            true => Ok(()),
            false => Err(Backups::NothingRolledBack.into()),
        }
    })?;
    show(hub)
}

/// What every page says while it stands.
pub fn notices(hub: &Hub) -> Result<Vec<Notice>, HubError> {
    let at = |t: Utc| LocalTime::of(t, &hub.config.zone);
    let stands = hub.db.rollback()?;
    Ok(stands
        .map(|r| Notice::RolledBack {
            since: at(r.since),
            copied: r.copied.map(at),
            restored: r.restored,
            boxes: r.logs.iter().filter_map(|l| id::box_of(&l.log)).collect(),
        })
        .into_iter()
        .collect())
}
