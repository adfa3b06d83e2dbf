//! Task. Backups on the record: one begins (its moment is taken), one ends. Whoever writes it does so with the command, which reads the hub's
//! folders by being root or the hub's user; the hub numbers, judges and records. Blocking.

use serde::{Deserialize, Serialize};
use shared::{
    time::Utc,
    types::{BackupBegin, BackupEnd as EndLine},
};
use utoipa::ToSchema;

use super::{
    format,
    moment::{self, Moment},
};
use crate::{
    access::authorise::Permit,
    db::backups::{BackupEnd, BackupRecord},
    error::HubError,
    hub::Hub,
    model::backup::{BackupRow, WrittenBackup},
    reason::Backups,
};

/// A backup that has begun: its number, and the moment that it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Begun {
    pub backup: u64,
    pub made: Utc,
    pub moment: Moment,
}

impl From<BackupRecord> for BackupRow {
    fn from(r: BackupRecord) -> Self {
        let written = r.sums.map(|sums| WrittenBackup {
            sums,
            files: r.files.unwrap_or(0),
            bytes: r.bytes.unwrap_or(0),
            fresh: r.fresh.unwrap_or(0),
        });
        Self {
            backup: r.n,
            folder: r.id,
            recipient: r.recipient,
            by: r.who,
            made: r.made,
            ended: r.ended,
            state: r.state,
            written,
        }
    }
}

/// Numbers of backups stay below this.
const MOST: u64 = 999_999_999;

/// It is on the record, and its moment is taken.
pub fn begin(
    hub: &Hub,
    above: u64,
    id: &str,
    recipient: &str,
    permit: &Permit,
) -> Result<Begun, HubError> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let named = id.len() == 32 && id.bytes().all(hex);
    if !named || above >= MOST || !footage::sealed::is_recipient(recipient) {
        return Err(Backups::FolderOdd.into());
    }
    let made = hub.now();
    let backup = hub.act(|act| {
        let n = act.begin_backup(above, id, recipient, &permit.op(), made)?;
        let line = BackupBegin {
            backup: n,
            id: id.to_owned(),
            to: recipient.to_owned(),
            by: vec![permit.op()],
        };
        act.log(&permit.op(), &line)?;
        Ok(n)
    })?;
    let moment = moment::take(hub, backup).inspect_err(|_| {
        if let Err(e) = over(hub, backup, None, permit) {
            tracing::error!(
                backup,
                "that it came to nothing is on the log at the next one: {e}"
            );
        }
    })?;
    Ok(Begun {
        backup,
        made,
        moment,
    })
}

fn over(
    hub: &Hub,
    n: u64,
    written: Option<&WrittenBackup>,
    permit: &Permit,
) -> Result<(), HubError> {
    let end = written.map(|w| BackupEnd {
        sums: w.sums.clone(),
        files: w.files,
        bytes: w.bytes,
        fresh: w.fresh,
    });
    let now = hub.now();
    hub.act(|act| {
        if !act.end_backup(n, end.as_ref(), now)? {
            return Err(Backups::NotBegun { backup: n }.into());
        }
        let line = EndLine {
            backup: n,
            sums: written.map(|w| w.sums.clone()),
            files: written.map_or(0, |w| w.files),
            bytes: written.map_or(0, |w| w.bytes),
            by: vec![permit.op()],
        };
        act.log(&permit.op(), &line)?;
        Ok(())
    })
}

/// It is whole, or came to nothing; its moment is taken away.
pub fn end(
    hub: &Hub,
    n: u64,
    written: Option<&WrittenBackup>,
    permit: &Permit,
) -> Result<BackupRow, HubError> {
    let odd = |w: &WrittenBackup| {
        let counts = [w.files, w.bytes, w.fresh];
        !format::is_hash(&w.sums) || counts.iter().any(|n| *n > 1 << 53)
    };
    if n > MOST || written.is_some_and(odd) {
        return Err(Backups::NotBegun { backup: n }.into());
    }
    over(hub, n, written, permit)?;
    moment::clear(hub)?;
    let row = hub.db.backup(n)?;
    row.map(BackupRow::from)
        .ok_or_else(|| Backups::NotBegun { backup: n }.into())
}

/// Those the hub knows of, the newest first.
pub fn list(hub: &Hub) -> Result<Vec<BackupRow>, HubError> {
    const MOST: u32 = 100;
    let all = hub.db.backups(MOST)?;
    Ok(all.into_iter().map(BackupRow::from).collect())
}
