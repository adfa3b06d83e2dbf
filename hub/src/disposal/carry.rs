//! Task. A disposal, step by step. Each step may be done again: after a power cut all of them are, from the first. Blocking.
//!
//! 1. A mark in the evidence folder, by which it is known again; the row of the intent, in one transaction with the request's new state: from here on nothing of the exhibit is shown.
//! 2. `copy.dispose` in the hub's log, unless it is there already, and a countersigned head over it.
//! 3. The exhibit's key: overwritten, synced, removed. From here on what it had sealed is noise, whoever copied it.
//! 4. Its folders: every file removed, every folder synced.
//! 5. Somebody else looks: a walker that knows nothing of all this goes through the folders of state and evidence for anything that bears
//!    the exhibit's name; and every key that is left is tried on the header of one of its sealed files, kept for this. None may open it.
//! 6. Its request is closed, if this was the last of its exhibits.
//! 7. What the side table has of it is erased.
//! 8. `copy.gone`, the certificate, under a countersigned head; then the row says so.
//!
//! There is no certificate before all of it is true. What fails is an error here, a fault until it is mended, and tried again.

use std::path::Path;

use footage::sealed::Opener;
use logbook::LogFolder;
use shared::{
    id::ExhibitRef,
    record::Record,
    types::{CopyDispose, CopyGone, Data},
};

use super::{files, gather};
use crate::{
    acts::Act,
    db::disposal::DisposalRecord,
    error::{HubError, plain},
    files::FileError,
    hub::{Hub, pulls::Progress},
    model::pull::State,
    periods,
    reason::{Evidence, PullReason},
    requests::clip::ending,
};

/// The key is a file: what that is worth is said in docs/retention.md.
pub const CLAIM: &str = "file";
/// In lines, for what a restarted hub finishes.
const HUB: &str = "sys:hub";
/// Of what was found, so much is named.
const NAMED: usize = 5;

/// Step 1. The caller has made sure that it may. `settle`: what belongs to the same unit of work.
pub fn begin(
    hub: &Hub,
    exhibit: &ExhibitRef,
    (class, until): (periods::Class, shared::time::Utc),
    reason: String,
    who: Vec<String>,
    settle: impl FnOnce(&Act<'_>) -> Result<(), HubError>,
) -> Result<DisposalRecord, HubError> {
    let evidence = &hub.config.evidence;
    let row = hub.db.request(exhibit.as_str()).map_err(plain)?;
    let package = row.and_then(|r| r.package);
    if let Some(package) = package.filter(|p| !Path::new(p).is_dir()) {
        return Err(Evidence::PackageNotThere {
            exhibit: exhibit.clone(),
            package,
        }
        .into());
    }
    let folders = files::folders(&hub.state, evidence, exhibit.as_str());
    let (mut count, mut bytes) = (0, 0);
    for folder in &folders {
        let (n, b) = files::count(folder).map_err(plain)?;
        count += n;
        bytes += b;
    }
    let d = DisposalRecord {
        r#ref: exhibit.clone(),
        class,
        until,
        reason,
        who,
        files: count,
        bytes,
        header: files::header(&folders).map_err(plain)?,
        log: hub.log.origin().to_owned(),
        size: hub.log.handle().size(),
        begun: hub.now(),
        line: None,
        emptied: false,
        undecryptable: None,
        texts: 0,
        gone: None,
    };
    files::mark(evidence, exhibit.as_str()).map_err(plain)?;
    let (by, at) = (d.who.clone(), None);
    let why = [PullReason::Disposed { by, at }];
    hub.act(|act| {
        settle(act)?;
        Ok(act.begin_disposal(&d, &why)?)
    })?;
    tell(hub, exhibit, why);
    Ok(d)
}

pub type Step = fn(&Hub, &mut DisposalRecord) -> Result<(), HubError>;

/// Steps 2 to 8.
pub const STEPS: [Step; 7] = [line, key, folders, look, request, texts, certify];

/// From wherever it stands to its certificate.
pub fn finish(hub: &Hub, mut d: DisposalRecord) -> Result<DisposalRecord, HubError> {
    if d.gone.is_none() {
        for step in STEPS {
            step(hub, &mut d)?;
        }
    }
    Ok(d)
}

fn tell(hub: &Hub, exhibit: &ExhibitRef, why: [PullReason; 1]) {
    let disposed = Progress::of(exhibit, State::Disposed, why.into());
    hub.pulls.tell(disposed);
}

/// The line of this kind about this exhibit that was written since the disposal began: power may have gone before the row knew of it.
fn logged(hub: &Hub, d: &DisposalRecord, kind: &str) -> Result<Option<u64>, HubError> {
    // A log that was succeeded by another is looked through whole.
    let mut from = match hub.log.origin() == d.log {
        true => d.size,
        false => 0,
    };
    let mut folder = LogFolder::new(&hub.log.folder());
    loop {
        let bytes = folder
            .read_lines(from, hub.log.handle().size(), 1 << 20)
            .map_err(plain)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        for bytes in bytes.split_inclusive(|b| *b == b'\n') {
            from += 1;
            let about = |r: &Record| {
                r.kind == kind
                    && r.data.get("ref").and_then(|v| v.as_str()) == Some(d.r#ref.as_str())
            };
            if let Some(r) = Record::parse(bytes).ok().filter(about) {
                return Ok(Some(hub.log.number(r.n)));
            }
        }
    }
}

fn line(hub: &Hub, d: &mut DisposalRecord) -> Result<(), HubError> {
    if d.line.is_none() {
        d.line = logged(hub, d, CopyDispose::KIND)?;
    }
    if d.line.is_none() {
        let line = CopyDispose {
            r#ref: d.r#ref.to_string(),
            class: d.class.word().into(),
            until: d.until,
            reason: d.reason.clone(),
            by: d.who.clone(),
            files: d.files,
            bytes: d.bytes,
        };
        let who = d.who.last().map_or(HUB, String::as_str);
        let n = hub.log.append(who, &line).map_err(plain)?.n;
        d.line = Some(hub.log.number(n));
    }
    hub.db.put_disposal(d).map_err(plain)?;
    hub.log.head_now().map_err(plain)?;
    Ok(())
}

fn key(hub: &Hub, d: &mut DisposalRecord) -> Result<(), HubError> {
    hub.keys.destroy_exhibit(&d.r#ref).map_err(plain)
}

fn folders(hub: &Hub, d: &mut DisposalRecord) -> Result<(), HubError> {
    let (exhibit, evidence) = (d.r#ref.as_str(), &hub.config.evidence);
    if !d.emptied {
        if !files::is_marked(evidence, exhibit) {
            return Err(Evidence::OtherFolder {
                folder: evidence.clone(),
            }
            .into());
        }
        for folder in files::folders(&hub.state, evidence, exhibit) {
            files::remove(&folder).map_err(|e| some(&e))?;
        }
        d.emptied = true;
        hub.db.put_disposal(d).map_err(plain)?;
    }
    files::unmark(evidence, d.r#ref.as_str()).map_err(|e| some(&e))
}

fn some(errors: &[FileError]) -> HubError {
    Evidence::NotRemoved {
        first: errors.first().map(ToString::to_string).unwrap_or_default(),
        more: errors.len().saturating_sub(1),
    }
    .into()
}

fn look(hub: &Hub, d: &mut DisposalRecord) -> Result<(), HubError> {
    let name = d.r#ref.as_str();
    let mut left = files::named_like(&hub.config.evidence, name).map_err(plain)?;
    // The state folder may hold the evidence folder.
    left.extend(files::named_like(&hub.state, name).map_err(plain)?);
    left.sort();
    left.dedup();
    if !left.is_empty() {
        let named: Vec<String> = left
            .iter()
            .take(NAMED)
            .map(|p| p.display().to_string())
            .collect();
        return Err(Evidence::StillThere {
            count: left.len(),
            named,
        }
        .into());
    }
    if let Some(header) = &d.header {
        let keys = hub.keys.exhibit_identities().map_err(plain)?;
        if Opener::new(&keys).push(header, &mut Vec::new()).is_ok() {
            return Err(Evidence::KeyStillOpens {
                keys: gather::keys(hub),
            }
            .into());
        }
        d.undecryptable = Some(true);
        hub.db.put_disposal(d).map_err(plain)?;
    }
    Ok(())
}

fn request(hub: &Hub, d: &mut DisposalRecord) -> Result<(), HubError> {
    ending::disposed(hub, d.r#ref.as_str(), &d.who)
}

fn texts(hub: &Hub, d: &mut DisposalRecord) -> Result<(), HubError> {
    let exhibit = d.r#ref.to_string();
    let Some(r) = hub.db.request(&exhibit).map_err(plain)? else {
        return Ok(());
    };
    let mut hashes = vec![r.purpose, r.reference, r.requester];
    hashes.extend(hub.db.register_texts(&exhibit)?);
    let erased = hub.db.erase_side(&hashes, &exhibit, Some(d));
    erased.map(drop).map_err(plain)
}

fn certify(hub: &Hub, d: &mut DisposalRecord) -> Result<(), HubError> {
    let n = match logged(hub, d, CopyGone::KIND)? {
        Some(n) => n,
        None => {
            let line = CopyGone {
                r#ref: d.r#ref.to_string(),
                n: d.line.unwrap_or_default(),
                files: d.files,
                bytes: d.bytes,
                texts: d.texts,
                left: 0,
                undecryptable: d.undecryptable,
                claim: CLAIM.into(),
            };
            let who = d.who.last().map_or(HUB, String::as_str);
            hub.log.number(hub.log.append(who, &line).map_err(plain)?.n)
        }
    };
    hub.log.head_now().map_err(plain)?;
    let now = hub.now();
    d.gone = Some((n, now));
    d.header = None;
    let (by, at) = (d.who.clone(), Some(now));
    let why = [PullReason::Disposed { by, at }];
    hub.db.end_disposal(d, &why, now).map_err(plain)?;
    tell(hub, &d.r#ref, why);
    Ok(())
}
