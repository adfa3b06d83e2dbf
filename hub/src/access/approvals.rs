//! Task. What somebody asks for and a second person has to approve (ROL-5): one mechanism and one table, whatever is asked for. Each kind
//! has its lines and its effect, which its own room gives; that asker and approver are two, and each request is settled once, is seen to here.
//! Blocking.

use serde::{Serialize, de::DeserializeOwned};
use shared::{
    time::Utc,
    types::{Data, OpDrop},
};

use super::{authorise::Permit, two};
use crate::{
    acts::Act,
    db::approvals::{ApprovalRecord, NewApproval},
    error::{HubError, plain},
    hub::Hub,
    model::approval::Kind,
    ownlog::{number, op},
    reason::Access,
};

/// Puts a request on record; its number. `subject` is what it is about, as the log names it; `line` is given the number.
pub fn ask<D: Data>(
    hub: &Hub,
    permit: &Permit,
    kind: Kind,
    subject: &str,
    what: &impl Serialize,
    line: impl FnOnce(u64) -> D,
) -> Result<u64, HubError> {
    let what = serde_json::to_string(what).map_err(plain)?;
    // Those whose time is over do not stand in the way.
    waiting(hub)?;
    hub.act(|tx| {
        let same =
            |a: &&ApprovalRecord| a.kind == kind.word() && a.subject == subject && a.what == what;
        if let Some(same) = tx.waiting_approvals()?.iter().find(same) {
            return Err(Access::AskedAlready { request: same.n }.into());
        }
        ask_within(hub, tx, permit, kind, subject, &what, None, line)
    })
}

/// The same within an act that has lines of its own.
pub fn put(
    act: &Act<'_>,
    permit: &Permit,
    kind: Kind,
    subject: &str,
    what: &impl Serialize,
    now: Utc,
) -> Result<u64, HubError> {
    let what = serde_json::to_string(what).map_err(plain)?;
    let asked = NewApproval {
        kind: kind.word(),
        subject,
        what: &what,
        reason: None,
        asked_by: permit.number(),
        made: now,
        until: now.plus_ms(kind.waits_ms()),
    };
    Ok(act.add_approval(&asked)?)
}

/// The same as part of an act. `reason`: of the side table.
#[allow(clippy::too_many_arguments)]
pub fn ask_within<D: Data>(
    hub: &Hub,
    tx: &Act<'_>,
    permit: &Permit,
    kind: Kind,
    subject: &str,
    what: &str,
    reason: Option<&str>,
    line: impl FnOnce(u64) -> D,
) -> Result<u64, HubError> {
    let now = hub.now();
    let asked = NewApproval {
        kind: kind.word(),
        subject,
        what,
        reason,
        asked_by: permit.number(),
        made: now,
        until: now.plus_ms(kind.waits_ms()),
    };
    let n = tx.add_approval(&asked).map_err(plain)?;
    tx.log(&permit.op(), &line(n))?;
    Ok(n)
}

/// What waits about something; None: nothing does, or its time is over.
pub fn about(hub: &Hub, kind: Kind, subject: &str) -> Result<Option<ApprovalRecord>, HubError> {
    let now = hub.now();
    let all = hub.db.waiting_approvals()?.into_iter();
    Ok(all
        .filter(|a| a.kind == kind.word() && a.subject == subject)
        .find(|a| now < a.until))
}

/// Sets aside, as part of an act, what waits about something: it is not what it was when that was asked for.
pub fn set_aside(
    hub: &Hub,
    tx: &Act<'_>,
    kind: Kind,
    subject: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    if let Some(a) = about(hub, kind, subject)? {
        settle(hub, tx, a.n, "aside", Some(permit.number()), &permit.op())?;
    }
    Ok(())
}

/// Those that wait, oldest first. Those whose time is over are settled.
pub fn waiting(hub: &Hub) -> Result<Vec<ApprovalRecord>, HubError> {
    let now = hub.now();
    let all = hub.db.waiting_approvals().map_err(plain)?;
    let (alive, dead): (Vec<_>, Vec<_>) = all.into_iter().partition(|a| now < a.until);
    for a in dead {
        end(hub, a.n, "expired", None, "sys:hub")?;
    }
    Ok(alive)
}

/// Takes a request back.
pub fn withdraw(hub: &Hub, request: &ApprovalRecord, permit: &Permit) -> Result<(), HubError> {
    still_waits(request)?;
    let n = request.n;
    match end(hub, n, "withdrawn", Some(permit.number()), &permit.op())? {
        true => Ok(()),
        false => Err(settled(n)),
    }
}

/// Settles, with its line. False: somebody was quicker.
fn end(hub: &Hub, n: u64, why: &str, who: Option<u32>, by: &str) -> Result<bool, HubError> {
    hub.act(|tx| settle(hub, tx, n, why, who, by))
}

fn settle(
    hub: &Hub,
    tx: &Act<'_>,
    n: u64,
    why: &str,
    who: Option<u32>,
    by: &str,
) -> Result<bool, HubError> {
    if !tx.settle_approval(n, why, who, hub.now()).map_err(plain)? {
        return Ok(false);
    }
    let line = OpDrop {
        ask: n,
        why: why.into(),
        by: vec![by.into()],
    };
    tx.log(by, &line)?;
    Ok(true)
}

fn settled(n: u64) -> HubError {
    Access::RequestSettled { request: n }.into()
}

/// That it is not settled; [`waiting`] has settled those whose time is over.
pub fn still_waits(request: &ApprovalRecord) -> Result<(), HubError> {
    match request.state.as_str() {
        "waiting" => Ok(()),
        state => Err(Access::RequestOver {
            request: request.n,
            state: state.into(),
        }
        .into()),
    }
}

/// One about an account, that waits.
pub fn find(hub: &Hub, n: u64) -> Result<ApprovalRecord, HubError> {
    let accounts = |a: &ApprovalRecord| {
        let kind = Kind::parse(&a.kind);
        kind.is_some_and(|kind| Kind::OF_ACCOUNTS.contains(&kind))
    };
    let found = waiting(hub)?.into_iter().find(|a| a.n == n);
    if let Some(found) = found.filter(accounts) {
        return Ok(found);
    }
    Err(match hub.db.approval(n).map_err(plain)?.filter(accounts) {
        Some(a) => Access::RequestOver {
            request: n,
            state: a.state,
        },
        None => Access::RequestUnknown { request: n },
    }
    .into())
}

/// The second person's word: in one unit, the request is settled and `act` does what was asked for, with its line.
pub fn approve<T: DeserializeOwned, R>(
    hub: &Hub,
    request: &ApprovalRecord,
    permit: &Permit,
    act: impl FnOnce(&Act<'_>, T) -> Result<R, HubError>,
) -> Result<R, HubError> {
    let what = serde_json::from_str(&request.what).map_err(plain)?;
    hub.act(|tx| {
        approve_within(hub, tx, request, permit)?;
        act(tx, what)
    })
}

/// Whether they are a second person to a request: never whoever asked, nor whom it is about, nor whoever had the account of one of them in
/// their hands.
pub fn second_person(hub: &Hub, request: &ApprovalRecord, permit: &Permit) -> Result<(), HubError> {
    let n = request.n;
    if permit.number() == request.asked_by || permit.op() == request.subject {
        let name = |account: u32| {
            let found = hub.db.account_numbered(account)?;
            Ok::<_, HubError>(found.map_or_else(|| op(account), |a| a.name))
        };
        return Err(Access::SecondPersonWanted {
            request: n,
            asked: name(request.asked_by)?,
            subject: number(&request.subject).map(name).transpose()?,
        }
        .into());
    }
    two::people(hub, request.asked_by, permit.number())?;
    if let Some(subject) = number(&request.subject) {
        two::apart(hub, subject, permit.number())?;
    }
    Ok(())
}

/// The same as part of an act.
pub fn approve_within(
    hub: &Hub,
    tx: &Act<'_>,
    request: &ApprovalRecord,
    permit: &Permit,
) -> Result<(), HubError> {
    second_person(hub, request, permit)?;
    let n = request.n;
    let now = hub.now();
    let who = Some(permit.number());
    match now < request.until && tx.settle_approval(n, "approved", who, now).map_err(plain)? {
        true => Ok(()),
        false => Err(settled(n)),
    }
}
