//! Task. Whether two accounts are two people (ROL-5). An account is in the hands of its owner, and for some weeks of whoever knew a
//! password of it: whoever made it, or was told a one-time password. Two accounts that are in the hands of one person are one person's.
//! Blocking.

use std::collections::BTreeSet;

use crate::{
    error::HubError,
    hub::Hub,
    ownlog::{self, CONSOLE},
    reason::Access,
};

/// An account is in somebody's hands for so long after they knew a password of it.
pub const HANDS_DAYS: i64 = 30;

/// In whose hands an account is, its own included. Whoever has the hands has what those hold.
fn hands(hub: &Hub, account: u32) -> Result<BTreeSet<u32>, HubError> {
    let since = hub.now().plus_ms(-HANDS_DAYS * 86_400_000);
    let (mut all, mut look) = (BTreeSet::from([account]), vec![account]);
    while let Some(one) = look.pop() {
        for by in hub.db.hands(one, since)? {
            if all.insert(by) {
                look.push(by);
            }
        }
    }
    Ok(all)
}

fn name(hub: &Hub, account: u32) -> Result<String, HubError> {
    let found = hub.db.account_numbered(account)?;
    Ok(found.map_or_else(|| ownlog::op(account), |a| a.name))
}

/// Refuses two that may be one: the same account, one of an account that made the other or was told its password, or two of one other's.
pub fn people(hub: &Hub, asked: u32, approves: u32) -> Result<(), HubError> {
    if asked == approves {
        let name = name(hub, asked)?;
        return Err(Access::SamePerson { name }.into());
    }
    let both = &hands(hub, asked)? & &hands(hub, approves)?;
    let Some(one) = both.first() else {
        return Ok(());
    };
    Err(Access::MayBeOnePerson {
        one: name(hub, asked)?,
        other: name(hub, approves)?,
        hand: name(hub, *one)?,
        days: HANDS_DAYS,
    }
    .into())
}

/// Refuses the word of somebody about an account that is in their own hands.
pub fn apart(hub: &Hub, account: u32, approves: u32) -> Result<(), HubError> {
    match hands(hub, account)?.contains(&approves) {
        false => Ok(()),
        true => Err(Access::InTheirHands {
            name: name(hub, approves)?,
            account: name(hub, account)?,
            days: HANDS_DAYS,
        }
        .into()),
    }
}

/// The same of people as lines of the log name them. The console is nobody.
pub fn named(hub: &Hub, asked: &str, approves: &str) -> Result<(), HubError> {
    if asked == CONSOLE || approves == CONSOLE {
        return Err(Access::ConsoleIsNobody.into());
    }
    match (ownlog::number(asked), ownlog::number(approves)) {
        (Some(asked), Some(approves)) => people(hub, asked, approves),
        // Whatever the hub asked for by itself has nobody behind it.
        _ => Ok(()),
    }
}
