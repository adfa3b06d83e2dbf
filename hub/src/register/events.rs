//! Task. Everything that happened to an exhibit, read from the hub's log in its order. What a line says that an `act.fail` names is left out:
//! it was not done. Blocking.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use shared::{
    id::ExhibitRef,
    types::{
        AccView, ActFail, CopyClass, CopyDispose, CopyDrop, CopyGone, CopyMade, CopySave, Data,
        ExpDone, GrantSet, RegCopy, RegEnd, RegHand, RegMark, RegMedia, RegReceipt, RegReturn,
        RegStill,
    },
};

use crate::{
    db::own_lines::OwnLine,
    error::{HubError, plain},
    hub::Hub,
    model::exhibit_event::{Erasable, ExhibitAct, ExhibitEvent, Hand},
    trail,
};

/// All of them, oldest first. None of an exhibit that the log does not know is no error: there are none.
pub fn of(hub: &Hub, exhibit: &ExhibitRef) -> Result<Vec<ExhibitEvent>, HubError> {
    trail::read_on(hub)?;
    let log = &hub.log.name();
    let lines = hub.db.own_lines_of_exhibit(log, exhibit.as_str())?;
    let undone = undone(hub)?;
    let mut all = Vec::new();
    for line in lines.into_iter().filter(|l| !undone.contains(&l.n)) {
        let Some(what) = act(hub, &line)? else {
            continue;
        };
        all.push(ExhibitEvent {
            line: line.n,
            at: line.t,
            by: hand(hub, &line)?,
            what,
        });
    }
    Ok(all)
}

/// Lines that say what was not done.
fn undone(hub: &Hub) -> Result<BTreeSet<u64>, HubError> {
    let failed = hub.db.own_lines_of_kind(&hub.log.name(), ActFail::KIND)?;
    let failed = failed.iter().map(read::<ActFail>);
    failed.map(|l| Ok(l?.line)).collect()
}

fn read<D: DeserializeOwned>(line: &OwnLine) -> Result<D, HubError> {
    serde_json::from_str(&line.data)
        .map_err(|e| plain(format!("line {} of the hub's log: {e}", line.n)))
}

fn hand(hub: &Hub, line: &OwnLine) -> Result<Hand, HubError> {
    let number = line.who.strip_prefix("op:").and_then(|n| n.parse().ok());
    let account = number.map(|n| hub.db.account_numbered(n)).transpose()?;
    let name = match account.flatten() {
        Some(a) => match &a.shown {
            Some(hash) => hub.db.side_text(hash)?,
            None => Some(a.name),
        },
        None => None,
    };
    let roles = line.roles.split_whitespace();
    let roles = roles.filter(|r| !["none", "unknown"].contains(r));
    Ok(Hand {
        op: line.who.clone(),
        name,
        roles: roles.map(str::to_owned).collect(),
    })
}

/// What a line says; None: nothing of an exhibit's life.
fn act(hub: &Hub, line: &OwnLine) -> Result<Option<ExhibitAct>, HubError> {
    let text = |hash: &str| -> Result<Erasable, HubError> { Ok(hub.db.side_text(hash)?) };
    let some = |hash: &Option<String>| hash.as_deref().map(text).transpose();
    Ok(Some(match line.kind.as_str() {
        GrantSet::KIND => {
            let d: GrantSet = read(line)?;
            ExhibitAct::Granted {
                purpose: text(&d.purpose)?,
                reference: text(&d.reference)?,
                requester: text(&d.requester)?,
            }
        }
        CopyMade::KIND => ExhibitAct::WorkingCopyMade {
            sha256: read::<CopyMade>(line)?.sha256,
        },
        ExpDone::KIND => ExhibitAct::Made {
            sums: read::<ExpDone>(line)?.sums,
        },
        RegStill::KIND => {
            let d: RegStill = read(line)?;
            ExhibitAct::StillMade {
                still: ExhibitRef::parse(&d.r#ref)?,
                parent: ExhibitRef::parse(&d.parent)?,
                log: d.log,
                segment: d.n,
                picture: d.picture,
                taken: d.t,
                sha256: d.sha256,
                reason: text(&d.reason)?,
                authority: text(&d.authority)?,
                rank: d.rank,
            }
        }
        RegMark::KIND => ExhibitAct::Marked {
            mark: text(&read::<RegMark>(line)?.mark)?,
        },
        AccView::KIND => {
            let d: AccView = read(line)?;
            ExhibitAct::Viewed {
                purpose: text(&d.purpose)?,
                reference: text(&d.reference)?,
                present: some(&d.present)?,
            }
        }
        CopySave::KIND => {
            let d: CopySave = read(line)?;
            ExhibitAct::SaveBegun {
                purpose: text(&d.purpose)?,
                reference: text(&d.reference)?,
                present: some(&d.present)?,
            }
        }
        RegCopy::KIND => {
            let d: RegCopy = read(line)?;
            ExhibitAct::Copied {
                copy: d.copy,
                kind: d.what,
                form: d.form,
                seal: d.seal,
                sha256: d.sha256,
                sums: d.sums,
                bytes: d.bytes,
                medium: text(&d.medium)?,
                place: text(&d.place)?,
            }
        }
        RegHand::KIND => {
            let d: RegHand = read(line)?;
            ExhibitAct::HandedOver {
                copy: d.copy,
                kind: d.what,
                class: d.class,
                to: text(&d.to)?,
                agency: text(&d.agency)?,
                signed: text(&d.signed)?,
                factor: d.factor,
            }
        }
        RegReceipt::KIND => {
            let d: RegReceipt = read(line)?;
            ExhibitAct::Received {
                copy: d.copy,
                hand: d.hand,
                from: text(&d.from)?,
                receipt: some(&d.receipt)?,
            }
        }
        RegReturn::KIND => {
            let d: RegReturn = read(line)?;
            ExhibitAct::Returned {
                copy: d.copy,
                from: text(&d.from)?,
                note: some(&d.note)?,
            }
        }
        RegEnd::KIND => {
            let d: RegEnd = read(line)?;
            ExhibitAct::CopyDestroyed {
                copy: d.copy,
                reason: text(&d.reason)?,
            }
        }
        RegMedia::KIND => {
            let d: RegMedia = read(line)?;
            ExhibitAct::MediaAllowed {
                document: text(&d.document)?,
                sha256: d.sha256,
                uses: text(&d.uses)?,
                limits: text(&d.limits)?,
            }
        }
        CopyClass::KIND => {
            let d: CopyClass = read(line)?;
            ExhibitAct::Classed {
                class: d.class,
                review: d.review,
                reason: text(&d.reason)?,
            }
        }
        CopyDrop::KIND => ExhibitAct::DisposalAsked {
            reason: text(&read::<CopyDrop>(line)?.reason)?,
        },
        CopyDispose::KIND => {
            let d: CopyDispose = read(line)?;
            ExhibitAct::Disposed {
                people: d.by,
                reason: text(&d.reason)?,
            }
        }
        CopyGone::KIND => ExhibitAct::Gone,
        _ => return Ok(None),
    }))
}

/// The highest number of a copy that the log gave out, whether or not that was done.
pub(super) fn copies_on_log(hub: &Hub, exhibit: &ExhibitRef) -> Result<u64, HubError> {
    trail::read_on(hub)?;
    let lines = hub
        .db
        .own_lines_of_exhibit(&hub.log.name(), exhibit.as_str())?;
    let copies = lines.iter().filter(|l| l.kind == RegCopy::KIND);
    let mut numbers = copies.map(|l| read::<RegCopy>(l).map(|c| c.copy));
    numbers.try_fold(0, |most, n| Ok(most.max(n?)))
}
