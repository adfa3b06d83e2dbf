//! Task. What somebody asks for and a second person has to approve (ROL-5): one mechanism and one table, whatever is asked for. Each kind
//! has its lines and its effect, which its own room gives; that asker and approver are two, and each request is settled once, is seen to here.
//! Blocking.

use serde::{Serialize, de::DeserializeOwned};
use shared::{
    time::Utc,
    types::{Data, OpDrop},
};

use super::authorise::Permit;
use crate::{
    acts::Act,
    db::approvals::ApprovalRecord,
    desk::Desk,
    error::{HubError, plain},
    ownlog::op,
};

/// A request waits so long.
const WAITS_MS: i64 = 7 * 86_400_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A role for the account of whoever asks.
    Role,
    /// A clip request of a class that takes a second person.
    Request,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Request => "request",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Role, Self::Request]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// Puts a request on record; its number. `subject` is what it is about, as the log names it; `line` is given the number.
pub fn ask<D: Data>(
    hub: &Desk,
    permit: &Permit,
    kind: Kind,
    subject: &str,
    what: &impl Serialize,
    line: impl FnOnce(u64) -> D,
) -> Result<u64, HubError> {
    let what = serde_json::to_string(what).map_err(plain)?;
    let now = hub.now();
    // Those whose time is over do not stand in the way.
    waiting(hub)?;
    hub.act(|tx| {
        let same =
            |a: &&ApprovalRecord| a.kind == kind.word() && a.subject == subject && a.what == what;
        if let Some(same) = tx.waiting_approvals()?.iter().find(same) {
            return Err(HubError::Refused(format!(
                "the same is asked for already, as request {}; it waits for a second person",
                same.n
            )));
        }
        let until = now.plus_ms(WAITS_MS);
        let n = tx
            .add_approval(kind.word(), subject, &what, permit.number(), now, until)
            .map_err(plain)?;
        tx.log(&permit.op(), &line(n))?;
        Ok(n)
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
    let until = now.plus_ms(WAITS_MS);
    Ok(act.add_approval(kind.word(), subject, &what, permit.number(), now, until)?)
}

/// Those that wait, oldest first. Those whose time is over are settled.
pub fn waiting(hub: &Desk) -> Result<Vec<ApprovalRecord>, HubError> {
    let now = hub.now();
    let all = hub.db.waiting_approvals().map_err(plain)?;
    let (alive, dead): (Vec<_>, Vec<_>) = all.into_iter().partition(|a| now < a.until);
    for a in dead {
        end(hub, a.n, "expired", None, "sys:hub")?;
    }
    Ok(alive)
}

/// Takes a request back.
pub fn withdraw(hub: &Desk, n: u64, permit: &Permit) -> Result<(), HubError> {
    find(hub, n)?;
    match end(hub, n, "withdrawn", Some(permit.number()), &permit.op())? {
        true => Ok(()),
        false => Err(settled(n)),
    }
}

/// Settles, with its line. False: somebody was quicker.
fn end(hub: &Desk, n: u64, why: &str, who: Option<u32>, by: &str) -> Result<bool, HubError> {
    hub.act(|tx| {
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
    })
}

fn settled(n: u64) -> HubError {
    HubError::Refused(format!(
        "request {n} was settled meanwhile; nothing was done"
    ))
}

/// One that waits.
pub fn find(hub: &Desk, n: u64) -> Result<ApprovalRecord, HubError> {
    if let Some(found) = waiting(hub)?.into_iter().find(|a| a.n == n) {
        return Ok(found);
    }
    Err(match hub.db.approval(n).map_err(plain)? {
        Some(a) => HubError::Refused(format!("request {n} is {}; nothing was done", a.state)),
        None => HubError::Missing(format!(
            "there is no request {n}; `beadle-hub staff waiting` shows them"
        )),
    })
}

/// The second person's word: in one unit, the request is settled and `act` does what was asked for, with its line. Never the word of
/// whoever asked, nor of whom it is about.
pub fn approve<T: DeserializeOwned, R>(
    hub: &Desk,
    request: &ApprovalRecord,
    permit: &Permit,
    act: impl FnOnce(&Act<'_>, T) -> Result<R, HubError>,
) -> Result<R, HubError> {
    let n = request.n;
    if permit.number() == request.asked_by || permit.op() == request.subject {
        return Err(HubError::Refused(format!(
            "request {n} takes somebody else than {}, who asked for it, and than {}, whom it is about; nothing was done",
            op(request.asked_by),
            request.subject
        )));
    }
    let what = serde_json::from_str(&request.what).map_err(plain)?;
    hub.act(|tx| {
        let now = hub.now();
        if !tx
            .settle_approval(n, "approved", Some(permit.number()), now)
            .map_err(plain)?
        {
            return Err(settled(n));
        }
        act(tx, what)
    })
}
