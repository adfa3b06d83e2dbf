//! Adapter: filesystem. What others than the scheme have said of the lines a package relies on: the first head of the hub's log that an
//! outside authority stamped, or a witness cosigned, after the hub had seen these lines; and how it leads to them.

use super::{
    record::{proof, walk},
    *,
};
use crate::attestations::{StampedHead, Store};

/// A head of the box's log that the hub says it had seen.
struct BoxHead {
    n: u64,
    bytes: Vec<u8>,
    size: u64,
}

/// Puts it into the package, where there is one. `last`: number of the last line that has to be below it.
pub(super) fn attested<A: Authority>(
    authority: &A,
    forest: &Forest,
    head: &SignedHead,
    last: u64,
    rest: &Resting,
) -> Result<(), PackageError> {
    let hub = |e: &dyn std::fmt::Display| PackageError::Hub(e.to_string());
    let folder = authority.log_folder();
    let kept = Store::new(&folder).kept().map_err(|e| hub(&e))?;
    // Its own signature and countersignature are the scheme's word, a third is another's.
    let spoken = |k: &&StampedHead| !k.stamps.is_empty() || k.head.signatures.len() > 2;
    let kept: Vec<&StampedHead> = kept.iter().filter(spoken).collect();
    let Some(newest) = kept.last() else {
        return Ok(());
    };
    let (mut own, mut seen) = (Forest::default(), Vec::new());
    walk(
        &mut LogFolder::new(&folder),
        newest.head.head.size,
        |n, bytes| {
            own.push(leaf_hash(bytes));
            seen.extend(seen_here(n, bytes, &head.head.origin));
        },
    )
    .map_err(|e| hub(&e))?;
    let covers = |s: &&BoxHead| s.size > last && s.size <= head.head.size;
    for k in kept {
        let size = k.head.head.size;
        let first = seen.iter().filter(covers).find(|s| s.n < size);
        if let Some(seen) = first
            && own.root(size) == Some(k.head.head.root)
            && let Some(path) = forest.consistency(seen.size, head.head.size)
        {
            return write(&own, k, seen, &path, rest);
        }
    }
    Ok(())
}

/// A line of the hub's log, if it says what of that box's log it had seen.
fn seen_here(n: u64, bytes: &[u8], origin: &str) -> Option<BoxHead> {
    const KIND: &[u8] = b"\"type\":\"head.seen\"";
    if !bytes.windows(KIND.len()).any(|w| w == KIND) {
        return None;
    }
    let record = Record::parse(bytes).ok()?;
    let line = LogLine {
        bytes: bytes.to_vec(),
        record,
    };
    let seen = line.data::<HeadSeen>().filter(|s| s.log == origin)?;
    Some(BoxHead {
        n,
        bytes: line.bytes,
        size: seen.size,
    })
}

fn write(
    own: &Forest,
    kept: &StampedHead,
    seen: &BoxHead,
    path: &[Digest],
    rest: &Resting,
) -> Result<(), PackageError> {
    put(rest, names::SEEN_RECORD, &seen.bytes)?;
    put(
        rest,
        names::SEEN_PROOF,
        proof(own, seen.n, &kept.head)?.as_bytes(),
    )?;
    let path: String = path.iter().map(|h| b64(h) + "\n").collect();
    put(rest, names::SEEN_CONSISTENCY, path.as_bytes())?;
    for (authority, stamp) in &kept.stamps {
        let answer = fs::read(stamp).map_err(io_error("read", stamp))?;
        let name = format!("{}/{authority}.tsr", names::OUTSIDE);
        put(rest, &name, &answer)?;
    }
    Ok(())
}
