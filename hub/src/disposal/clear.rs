//! Task. What goes without a person when its days are over: what came of requests that gave no exhibit, what interrupted work left
//! behind, texts nothing kept refers to. One line in the log with counts, before anything goes. Blocking.

use shared::types::CopyClear;

use super::{files, gather::Survey};
use crate::{
    error::{HubError, plain},
    hub::Hub,
    periods::{self, DueThing},
};

const HUB: &str = "sys:hub";

/// What could not be removed: of which exhibit or file, and why.
pub type Leftovers = Vec<(String, String)>;

pub fn clear(hub: &Hub, found: &Survey) -> Result<Leftovers, HubError> {
    let (periods, zone) = (&hub.config.periods, &hub.config.zone);
    let (mut drafts, mut parts, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for d in periods::due(&found.kept, periods, zone, hub.now()) {
        match d.what {
            DueThing::Exhibit(_) => {}
            DueThing::Draft(exhibit) => drafts.extend(found.requests.get(&exhibit)),
            DueThing::Part(path) => parts.push(path),
            DueThing::Text(hash) => texts.push(hash),
        }
    }
    if drafts.is_empty() && parts.is_empty() && texts.is_empty() {
        return Ok(Leftovers::new());
    }
    let folders = |exhibit: &str| files::folders(&hub.state, &hub.config.evidence, exhibit);
    let mut line = CopyClear {
        requests: drafts.len() as u64,
        parts: parts.len() as u64,
        files: 0,
        bytes: 0,
        texts: texts.len() as u64,
    };
    let mut measured = parts.clone();
    for r in &drafts {
        let hashes = [r.purpose.clone(), r.reference.clone(), r.requester.clone()];
        let erasable = hub.db.erasable_side(&hashes, r.r#ref.as_str());
        line.texts += erasable.map_err(plain)?.len() as u64;
        let whole = folders(r.r#ref.as_str());
        measured.retain(|p| !whole.iter().any(|w| p.starts_with(w)));
        measured.extend(whole);
    }
    for path in &measured {
        let (n, bytes) = files::count(path).map_err(plain)?;
        line.files += n;
        line.bytes += bytes;
    }
    hub.log.append(HUB, &line).map_err(plain)?;
    tracing::info!(
        requests = line.requests,
        parts = line.parts,
        files = line.files,
        bytes = line.bytes,
        texts = line.texts,
        "what is past its days and is no evidence goes"
    );

    let mut stuck = Leftovers::new();
    for path in parts {
        // A key that was never finished is a key.
        let gone = match path.extension().is_some_and(|e| e == "tmp") {
            true => crate::files::shred(&path).map_err(|e| e.to_string()),
            false => files::remove(&path).map_err(|e| first(&e)),
        };
        if let Err(why) = gone {
            stuck.push((path.display().to_string(), why));
        }
    }
    for r in drafts {
        let exhibit = r.r#ref.as_str();
        let mut gone = hub
            .keys
            .destroy_exhibit(&r.r#ref)
            .map_err(|e| e.to_string());
        for folder in folders(exhibit) {
            let removed = files::remove(&folder).map_err(|e| first(&e));
            gone = gone.and(removed);
        }
        if let Err(why) = gone {
            stuck.push((exhibit.to_owned(), why));
            continue;
        }
        let hashes = [r.purpose.clone(), r.reference.clone(), r.requester.clone()];
        hub.db.erase_side(&hashes, exhibit, None).map_err(plain)?;
        let mut e = found.evidence.get(exhibit).cloned().unwrap_or_default();
        e.cleared = Some(hub.now());
        hub.db.put_evidence(exhibit, &e).map_err(plain)?;
    }
    if !texts.is_empty() {
        hub.db.erase_side(&texts, "", None).map_err(plain)?;
    }
    Ok(stuck)
}

fn first(errors: &[crate::files::FileError]) -> String {
    errors
        .first()
        .map_or_else(String::new, std::string::ToString::to_string)
}
