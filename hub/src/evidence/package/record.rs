//! Adapter: filesystem. What a package shows of logs: the box's lines and proofs, keys, and the hub's own lines.

use super::*;
use crate::keys::pem;

pub(super) fn lines(
    log: &mut LogFolder,
    order: &Order,
    masters: &[Master],
    head: &SignedHead,
) -> Result<std::collections::BTreeMap<u64, LogLine>, PackageError> {
    let (Some(first), Some(last)) = (masters.first(), masters.last()) else {
        return Err(PackageError::Log("no segment was fetched".into()));
    };
    let scope = Scope {
        cam: order.request.camera.cam.clone(),
        masters: masters.iter().map(|m| m.n).collect::<BTreeSet<_>>(),
        s0: first.line.s,
        s1: last.line.s,
        masks: masters.iter().filter_map(|m| m.line.mask.clone()).collect(),
        clip: order.later.is_none().then_some(order.clip),
        from: order.request.t0.min(first.line.t0),
        to: order.request.t1.max(last.line.t1),
    };
    let mut selector = Selector::new(scope);
    walk(log, head.head.size, |n, bytes| {
        selector.line(n, bytes, head.head.size)
    })?;
    Ok(selector.finish())
}

pub(super) fn walk(
    log: &mut LogFolder,
    size: u64,
    mut each: impl FnMut(u64, &[u8]),
) -> Result<(), PackageError> {
    let mut n = 0;
    while n < size {
        let bytes = log.read_lines(n, size, 1 << 22).map_err(log_error)?;
        if bytes.is_empty() {
            return Err(PackageError::Log(format!(
                "it ends at line {n}; its countersigned head says {size} lines"
            )));
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            each(n, line);
            n += 1;
        }
    }
    Ok(())
}

pub(super) fn proofs(
    log: &mut LogFolder,
    lines: &std::collections::BTreeMap<u64, LogLine>,
    head: &SignedHead,
    rest: &Resting,
) -> Result<Forest, PackageError> {
    let mut forest = Forest::default();
    walk(log, head.head.size, |_, bytes| {
        forest.push(leaf_hash(bytes))
    })?;
    if forest.root(head.head.size) != Some(head.head.root) {
        return Err(PackageError::Log(
            "its lines are not those its countersigned head covers".into(),
        ));
    }
    for n in lines.keys() {
        put(
            rest,
            &format!("{}/{n}.tlog-proof", names::PROOFS),
            proof(&forest, *n, head)?.as_bytes(),
        )?;
    }
    Ok(forest)
}

/// The line that records the export, with its proof: it lies in a later log than the footage.
pub(super) fn later_clip(
    later: &LaterLog,
    n: u64,
    hub: &Vkey,
    rest: &Resting,
) -> Result<Option<ExpClip>, PackageError> {
    let mut log = LogFolder::new(&later.log);
    let (head, _) = countersigned_head(&log, hub, n)?;
    let kept = line(&mut log, n)?;
    let mut forest = Forest::default();
    walk(&mut log, head.head.size, |_, bytes| {
        forest.push(leaf_hash(bytes));
    })?;
    if forest.root(head.head.size) != Some(head.head.root) {
        return Err(PackageError::Log(
            "the lines of its later log are not those its countersigned head covers".into(),
        ));
    }
    put(rest, names::CLIP_RECORD, &kept.bytes)?;
    put(
        rest,
        names::CLIP_PROOF,
        proof(&forest, n, &head)?.as_bytes(),
    )?;
    Ok(kept.data::<ExpClip>())
}

pub(super) fn proof(forest: &Forest, n: u64, head: &SignedHead) -> Result<String, PackageError> {
    let hashes = forest.inclusion(n, head.head.size);
    let hashes = hashes.ok_or_else(|| {
        PackageError::Log(format!(
            "line {n} is above the head of {} lines",
            head.head.size
        ))
    })?;
    Ok(Proof {
        index: n,
        hashes,
        head: head.clone(),
    }
    .render())
}

/// Keys for convenience, and the line that names the seal key with its proof in the hub's own log.
pub(super) fn keys<A: Authority>(
    authority: &A,
    hub: &Vkey,
    lines: &std::collections::BTreeMap<u64, LogLine>,
    rest: &Resting,
) -> Result<(), PackageError> {
    let newest = lines.values().rev().find_map(|k| {
        k.data::<KeyRoll>()
            .map(|d| d.new)
            .or_else(|| k.data::<LogOpen>().map(|d| d.key))
    });
    let newest =
        newest.ok_or_else(|| PackageError::Log("no key line lies below its head".into()))?;
    let box_key = Vkey::parse(&newest).map_err(log_error)?;
    for (vkey, text, pem) in [
        (&box_key, names::BOX_VKEY, names::BOX_PEM),
        (hub, names::HUB_VKEY, names::HUB_PEM),
    ] {
        put(rest, text, format!("{vkey}\n").as_bytes())?;
        put(rest, pem, vkey.pem().as_bytes())?;
    }
    put(
        rest,
        names::SEAL_PEM,
        &pem("PUBLIC KEY", &authority.seal_spki()),
    )?;
    let n = authority.seal_line().map_err(PackageError::Hub)?;
    let key = hub_line(authority, n, rest, names::SEAL_RECORD, names::SEAL_PROOF)?;
    put(rest, names::HUB_LOG_VKEY, format!("{key}\n").as_bytes())
}

/// Writes line `n` of the hub's own log and its proof under a fresh countersigned head; returns the key that signed that head.
pub(super) fn hub_line<A: Authority>(
    authority: &A,
    n: u64,
    rest: &Resting,
    record: &str,
    proof_file: &str,
) -> Result<Vkey, PackageError> {
    let head = authority.head_now().map_err(PackageError::Hub)?;
    let mut log = LogFolder::new(&authority.log_folder());
    let mut forest = Forest::default();
    let (mut found, mut key) = (None, None);
    walk(&mut log, head.head.size, |at, bytes| {
        forest.push(leaf_hash(bytes));
        key = new_key(bytes).or(key.take());
        if at == n {
            found = Some(bytes.to_vec());
        }
    })
    .map_err(|e| PackageError::Hub(e.to_string()))?;
    let bytes = found.ok_or_else(|| {
        PackageError::Hub(format!("its log has no line {n} under its newest head"))
    })?;
    let key = key.ok_or_else(|| PackageError::Hub("its log names no key of its own".into()))?;
    put(rest, record, &bytes)?;
    put(rest, proof_file, proof(&forest, n, &head)?.as_bytes())?;
    Vkey::parse(&key).map_err(log_error)
}

/// The log key a line brings in, if it is one of those that do.
fn new_key(line: &[u8]) -> Option<String> {
    let record = Record::parse(line)
        .ok()
        .filter(|r| [LogOpen::KIND, KeyRoll::KIND].contains(&r.kind.as_str()))?;
    let name = if record.kind == LogOpen::KIND {
        "key"
    } else {
        "new"
    };
    Some(record.data.get(name)?.as_str()?.to_owned())
}

/// Registers the working copies and their subtitles in the hub's log, and puts those lines and their proofs into the package.
pub(super) fn copy_lines<A: Authority>(
    authority: &A,
    order: &Order,
    working: &[WorkingCopy],
    rest: &Resting,
) -> Result<(), PackageError> {
    let mut wanted = BTreeSet::new();
    let hashes = working.iter().flat_map(|w| {
        let subtitles = w.subtitles.iter().map(|s| &s.sha256);
        std::iter::once(&w.sha256).chain(subtitles)
    });
    for sha256 in hashes {
        let line = CopyMade {
            r#ref: order.request.exhibit.to_string(),
            cam: order.request.camera.cam.clone(),
            what: "working".into(),
            sha256: sha256.clone(),
        };
        let line = authority.append(&order.request.operator, &line);
        wanted.insert(line.map_err(PackageError::Hub)?.n);
    }
    put_hub_lines(authority, &wanted, rest)
}

/// Puts lines of the hub's own log that speak of copies, and their proofs, into the package.
pub(super) fn put_hub_lines<A: Authority>(
    authority: &A,
    wanted: &BTreeSet<u64>,
    rest: &Resting,
) -> Result<(), PackageError> {
    let head = authority.head_now().map_err(PackageError::Hub)?;
    let mut log = LogFolder::new(&authority.log_folder());
    let (mut forest, mut lines) = (Forest::default(), Vec::new());
    walk(&mut log, head.head.size, |at, bytes| {
        forest.push(leaf_hash(bytes));
        if wanted.contains(&at) {
            lines.extend_from_slice(bytes);
        }
    })
    .map_err(|e| PackageError::Hub(e.to_string()))?;
    put(rest, names::COPIES, &lines)?;
    for n in wanted {
        let name = format!("{}/{n}.tlog-proof", names::COPY_PROOFS);
        put(rest, &name, proof(&forest, *n, &head)?.as_bytes())?;
    }
    Ok(())
}

/// Registers the package in the hub's log, and puts that line beside the sums.
pub(super) fn register_line<A: Authority>(
    authority: &A,
    order: &Order,
    sums: &Digest,
    rest: &Resting,
) -> Result<(), PackageError> {
    let line = ExpDone {
        r#ref: order.request.exhibit.to_string(),
        cam: order.request.camera.cam.clone(),
        sums: hex(sums),
        to: order.to.clone(),
    };
    sums_line(authority, &order.request.operator, &line, rest)
}

/// The same of any package.
pub(super) fn sums_line<A: Authority>(
    authority: &A,
    operator: &str,
    line: &ExpDone,
    rest: &Resting,
) -> Result<(), PackageError> {
    let line = authority.append(operator, line);
    let line = line.map_err(PackageError::Hub)?;
    hub_line(
        authority,
        line.n,
        rest,
        names::SUMS_RECORD,
        names::SUMS_PROOF,
    )
    .map(drop)
}
