//! Task. Whose passkeys count at boxes that lift masks only when people approve with their own keys (MSK-4, ROL-5): the list that root pins at
//! enrolment, and changes afterwards, which one person asks for, another approves, and both sign with keys that the box knows already.
//! Blocking.

use serde::{Deserialize, Serialize};
use shared::{
    approval::{Approver, Approvers, Change, KnownKey, mark},
    id::BoxName,
    order::{Act as What, Order},
    time::Utc,
    types::{ApproverAsk, ApproverOrder},
};
use utoipa::ToSchema;

use super::touches::{self, WaitsForTouches, said};
use crate::{
    access::{approvals, authorise::Permit, factors},
    db::approvals::ApprovalRecord,
    error::{HubError, plain},
    hub::Hub,
    model::{approval::Kind, role::Role},
    ownlog::{number, op},
    reason::Orders,
};

/// A passkey of somebody who has the role of an approver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApproverKey {
    /// Name of the account.
    pub account: String,
    /// As logs name it, `op:0002`.
    pub who: String,
    /// Number of the second factor.
    pub factor: u64,
    /// As its owner calls it.
    pub label: String,
    /// First 16 letters of the SHA-256 of its id.
    pub key: String,
    /// Boxes that know it.
    pub boxes: Vec<String>,
}

/// A box that lifts masks only by people's own keys, as it last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyedBox {
    pub r#box: String,
    pub keys: Vec<KnownKey>,
}

/// A change of who may approve that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApproverRequest {
    pub request: u64,
    pub r#box: String,
    /// add, remove
    pub what: String,
    /// Name of the account; its number where there is none.
    pub account: String,
    pub key: String,
    pub asked_by: String,
    pub made: Utc,
    pub expires: Utc,
}

/// All about whose keys count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApproverKeys {
    pub keys: Vec<ApproverKey>,
    pub boxes: Vec<KeyedBox>,
    pub waiting: Vec<ApproverRequest>,
    /// What root pins at a box as `hub/approvers.json`; None: two people's keys are needed, and a name of the hub that browsers know it by.
    pub file: Option<String>,
}

/// Passkeys of everybody who has the role now.
fn approvers(hub: &Hub) -> Result<Vec<(Approver, u64, String)>, HubError> {
    let (mut all, now) = (Vec::new(), hub.now());
    for account in hub.db.accounts()?.iter().filter(|a| a.closed.is_none()) {
        let grants = hub.db.grants(account.op)?;
        let mut held = grants.iter().filter(|g| g.grant.holds_at(now));
        if !held.any(|g| g.grant.role == Role::Approver) {
            continue;
        }
        for (factor, passkey) in factors::passkeys(hub, account.op)? {
            let who = op(account.op);
            all.push((Approver { who, passkey }, factor.n, factor.label));
        }
    }
    Ok(all)
}

/// The list that root pins; None: it cannot be made yet.
pub fn pinned(hub: &Hub) -> Result<Option<Approvers>, HubError> {
    let Some(party) = hub.config.party() else {
        return Ok(None);
    };
    let keys = approvers(hub)?.into_iter().map(|(a, ..)| a);
    Ok(Approvers::pinned(party.clone(), keys.collect()).ok())
}

fn name_of(hub: &Hub, who: &str) -> Result<String, HubError> {
    let found = number(who)
        .map(|n| hub.db.account_numbered(n))
        .transpose()?;
    Ok(found.flatten().map_or_else(|| who.to_owned(), |a| a.name))
}

pub fn list(hub: &Hub) -> Result<ApproverKeys, HubError> {
    let mut boxes = Vec::new();
    for b in hub.db.boxes()? {
        if let Some(keys) = b.health.and_then(|h| h.approvers) {
            let name = b.name.to_string();
            boxes.push(KeyedBox { r#box: name, keys });
        }
    }
    let mut keys = Vec::new();
    for (approver, factor, label) in approvers(hub)? {
        let known = approver.known();
        let at = boxes.iter().filter(|b| b.keys.contains(&known));
        let at = at.map(|b| b.r#box.clone()).collect();
        keys.push(ApproverKey {
            account: name_of(hub, &approver.who)?,
            who: approver.who,
            factor,
            label,
            key: known.key,
            boxes: at,
        });
    }
    let kind = Kind::Approver.word();
    let waiting = approvals::waiting(hub)?.into_iter();
    let waiting = waiting.filter(|a| a.kind == kind).map(|a| asked(hub, a));
    let file = pinned(hub)?.map(|list| serde_json::to_string_pretty(&list));
    Ok(ApproverKeys {
        keys,
        waiting: waiting.collect::<Result<_, _>>()?,
        boxes,
        file: file.transpose().map_err(plain)?,
    })
}

fn asked(hub: &Hub, a: ApprovalRecord) -> Result<ApproverRequest, HubError> {
    let change: Change = serde_json::from_str(&a.what).map_err(plain)?;
    let (what, who, key) = said(&change);
    Ok(ApproverRequest {
        request: a.n,
        r#box: a.subject,
        what: what.into(),
        account: name_of(hub, &who)?,
        key,
        asked_by: name_of(hub, &op(a.asked_by))?,
        made: a.made,
        expires: a.until,
    })
}

/// Which key of whom is to count, or no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ApproverWanted)]
pub struct KeyRequest {
    /// Name of the account.
    pub account: String,
    /// The key: first 16 letters of the SHA-256 of its id.
    pub key: String,
    /// It is to count no more.
    #[serde(default)]
    pub remove: bool,
}

/// One person asks.
pub fn ask(
    hub: &Hub,
    name: &BoxName,
    wanted: &KeyRequest,
    permit: &Permit,
) -> Result<ApproverRequest, HubError> {
    let known = touches::keys(hub, name)?;
    let known = known.ok_or_else(|| Orders::KeysNotAskedFor { name: name.clone() })?;
    touches::has_key(hub, name, permit)?;
    let person = wanted.account.trim().to_owned();
    let missing = || Orders::NoSuchKey {
        person: person.clone(),
    };
    let account = hub.db.account(&person)?.ok_or_else(missing)?;
    let who = op(account.op);
    let own = factors::passkeys(hub, account.op)?.into_iter();
    let mut own = own.filter(|(_, k)| mark(&k.id) == wanted.key);
    let (_, passkey) = own.next().ok_or_else(missing)?;
    let there = known.iter().any(|k| k.who == who && k.key == wanted.key);
    if there != wanted.remove {
        let name = name.clone();
        return Err(Orders::KeyKnown { name, person }.into());
    }
    let change = match wanted.remove {
        true => Change::Remove {
            who: who.clone(),
            id: passkey.id,
        },
        false => {
            let role = approvers(hub)?.iter().any(|(a, ..)| a.who == who);
            if !role {
                return Err(Orders::NotAnApprover { person }.into());
            }
            Change::Add {
                approver: Approver {
                    who: who.clone(),
                    passkey,
                },
            }
        }
    };
    let (what, ..) = said(&change);
    let line = |ask| ApproverAsk {
        ask,
        r#box: name.to_string(),
        what: what.into(),
        who: who.clone(),
        key: wanted.key.clone(),
        by: permit.op(),
    };
    let n = approvals::ask(hub, permit, Kind::Approver, name.as_str(), &change, line)?;
    asked(hub, find(hub, n)?)
}

/// One that waits.
fn find(hub: &Hub, n: u64) -> Result<ApprovalRecord, HubError> {
    approvals::waiting(hub)?;
    let found = hub.db.approval(n)?;
    let found = found.filter(|a| a.kind == Kind::Approver.word());
    let found = found.ok_or(Orders::ApproverRequestUnknown { request: n })?;
    approvals::still_waits(&found)?;
    Ok(found)
}

pub fn withdraw(hub: &Hub, n: u64, permit: &Permit) -> Result<(), HubError> {
    approvals::withdraw(hub, &find(hub, n)?, permit)
}

/// The second person's word: both touch next.
pub fn approve(hub: &Hub, n: u64, permit: &Permit) -> Result<WaitsForTouches, HubError> {
    let request = find(hub, n)?;
    approvals::second_person(hub, &request, permit)?;
    let name = BoxName::parse(&request.subject).map_err(plain)?;
    touches::settle(hub)?;
    if touches::keys(hub, &name)?.is_none() {
        return Err(Orders::KeysNotAskedFor { name }.into());
    }
    touches::has_key(hub, &name, permit)?;
    let change: Change = serde_json::from_str(&request.what).map_err(plain)?;
    let (what, who, key) = said(&change);
    let by = vec![op(request.asked_by), permit.op()];
    hub.act(|act| {
        touches::none_open(act, &name)?;
        approvals::approve_within(hub, act, &request, permit)?;
        let line = ApproverOrder {
            r#box: name.to_string(),
            what: what.into(),
            who,
            key,
            ask: n,
            by: by.clone(),
        };
        let order = Order {
            order: act.log(&permit.op(), &line)?,
            made: hub.now(),
            r#box: name.clone(),
            by,
            act: What::Approvers { change },
        };
        touches::begin(hub, act, order, &request, permit)
    })
}
