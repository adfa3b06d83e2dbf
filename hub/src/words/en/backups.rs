//! Pure. English for backups, and for records that are an older copy.

use shared::time::Zone;

use crate::{
    model::{backup::BackupRow, rollback::Rollback},
    reason::Backups::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Backups) -> Text {
    match reason {
        FolderOdd => say!(
            "a backup is begun with its folder's name (32 letters of 0-9 and a-f), the highest number in it, and an age recipient; nothing was done";
            "`beadle-hub backup FOLDER` says all of it by itself"
        ),
        NoRoomForCopy { why } => say!(
            "there is no room for the copy of the records that a backup is made of: {why}; nothing was written";
            "make room on that disk"
        ),
        NotBegun { backup } => say!(
            "backup {backup} was not begun, or has ended: nothing was noted"; "begin another"
        ),
        NothingRolledBack => say!(
            "nothing is to be settled: this hub's records are no older copy, or somebody settled it; nothing was done"
        ),
        ReasonWanted => {
            say!("say in a sentence, of 300 letters at most, what was looked at; nothing was done")
        }
        SettlingNotAsked => say!(
            "nobody has asked that it be settled, or seven days have passed since; nothing was done";
            "one asks (`beadle-hub rollback settle`, or the page Hub), another approves"
        ),
    }
}

/// What two people read before they settle it, a paragraph each.
pub fn rolled(r: &Rollback, zone: &Zone) -> Vec<String> {
    let at = |t: shared::time::Utc| t.for_people(zone);
    let mut all = vec![match (r.restored, r.backup, r.copied) {
        (true, Some(n), Some(copied)) => format!(
            "HUB-ROLLED-BACK. This hub was put back {} from backup {n}, which shows it as it was {}. What was done at it between the two is in none of its records: it has to be found out and done again.",
            at(r.since),
            at(copied)
        ),
        _ => format!(
            "HUB-ROLLED-BACK. This hub's records are an older copy: since {} boxes show its own countersignature over lines that it does not know. Somebody put a disk or a virtual machine back.",
            at(r.since)
        ),
    }];
    if r.logs.is_empty() {
        all.push("No box has told of anything forgotten so far.".into());
    }
    for l in &r.logs {
        let now = match l.here >= l.shown {
            true => "all of them are here again".to_owned(),
            false => format!("{} are here by now", l.here),
        };
        all.push(format!(
            "{}: the hub had countersigned {} lines, and knew {}; {now}.",
            l.log, l.shown, l.held
        ));
    }
    if !r.silent.is_empty() {
        all.push(format!(
            "Not on the line since, and may know more: {}.",
            r.silent.join(", ")
        ));
    }
    all.push(
        "Boxes tell by themselves: their logs, which holds stand there, and which numbers of exhibits, holds and orders were given out. No number is given out twice."
            .into(),
    );
    all.push(
        "Nobody can tell what only the hub knew, and these have to be looked at: accounts that were made, closed, or given or lost a role; passwords and second factors that were changed, so that old ones count again; tokens that were revoked, which count again; boxes that were refused, which are let in again until they are refused again (beadle-hub box revoke); boxes that were enrolled, which are not known and are enrolled anew; clip requests, masks and lifts that were asked for; packages that were made, which are fetched again as long as a box has their footage; exhibits that were disposed of, whose keys are gone."
            .into(),
    );
    all
}

/// What the two people's word means.
pub const SETTLING: &str = "Whoever asks and whoever approves say by it that they have looked at all of this, and that what was forgotten was done again or is known to be lost.";

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

/// A backup in a line.
pub fn row(b: &BackupRow, zone: &Zone) -> String {
    let what = match &b.written {
        Some(w) => format!(
            "{} files, {} MiB, {} MiB new, sha256 {}",
            w.files,
            mib(w.bytes),
            mib(w.fresh),
            w.sums
        ),
        None => match b.state.as_str() {
            "begun" => "is being written, or broke off".into(),
            _ => "came to nothing".into(),
        },
    };
    format!(
        "{:>6} {} by {}: {what}",
        b.backup,
        b.made.for_people(zone),
        b.by
    )
}
