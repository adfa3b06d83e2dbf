//! Task. Witnesses attest the heads of the hub's log: each is sent the newest that waits, with the proof that the log only grew since the one it
//! saw last (C2SP `tlog-witness`), and answers with its cosignature; or, where it has no address, fetches that and brings the cosignature
//! itself. What it gives lies on the head and on the log.

use std::sync::Arc;

use hyper::{Method, Uri};
use logbook::LogFolder;
use shared::{
    note::{Cosigned, Signature, SignedHead, b64},
    record::{Digest, leaf_hash},
    tree::Frontier,
    types::HubWitness,
    witness::Submission,
};

use super::http::{self, HttpRequest, NoAnswer};
use crate::{
    attestations::Store,
    blocking::blocking,
    config::outside::Witness,
    error::{HubError, plain},
    evidence::proofs::Forest,
    hub::Hub,
};

const HUB: &str = "sys:hub";
/// What a witness answers with the size of the head it saw last.
const SIZE: &str = "text/x.tlog.size";

/// Why a witness's answer does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWord {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("it answered with HTTP status {0}")]
    Status(u16),
    #[error(
        "it does not know this hub: whoever runs it has to name this hub's countersigning key there ([[outside.watched]])"
    )]
    Unknown,
    #[error("what it answered is not its cosignature of what it was sent")]
    Bad,
    #[error(
        "it had seen {seen} lines of this log, which now has {size}: lines that others have seen are missing here"
    )]
    Shorter { seen: u64, size: u64 },
    #[error("it had seen other lines than these: there are two histories of this log")]
    Forked,
}

impl NoWord {
    /// Whether it says that the log is not what it was.
    pub fn refuses(&self) -> bool {
        matches!(self, Self::Shorter { .. } | Self::Forked)
    }
}

/// Sends a witness what waits for it, or lays it out where it fetches it.
pub(super) async fn send(hub: &Arc<Hub>, witness: &Witness) -> Result<(), HubError> {
    let whom = witness.id();
    let (d, id) = (hub.clone(), whom.clone());
    let next = blocking(move || newest(&d, &id)).await??;
    let Some((size, mut old)) = next else {
        return Ok(());
    };
    for again in [true, false] {
        let d = hub.clone();
        let sent = blocking(move || submission(&d, size, old)).await??;
        let Some(url) = &witness.url else {
            let d = hub.clone();
            return blocking(move || {
                let store = Store::new(&d.log.folder());
                store.put_ask(size, &whom, &sent.render()).map_err(plain)
            })
            .await?;
        };
        match asked(url, witness, &sent).await {
            Ok(Word::Cosigned(signatures)) => {
                let (d, w) = (hub.clone(), witness.clone());
                let taken = blocking(move || take(&d, &w, size, &signatures)).await??;
                match taken {
                    true => hub.outside.answered(&whom),
                    false => hub
                        .outside
                        .failed(&whom, &NoWord::Bad, false, hub.clock.now()),
                }
                return Ok(());
            }
            Ok(Word::Seen(seen)) if seen <= size && again => old = seen,
            Ok(Word::Seen(seen)) => {
                let why = NoWord::Shorter { seen, size };
                hub.outside.failed(&whom, &why, true, hub.clock.now());
                return Ok(());
            }
            Err(why) => {
                let refuses = why.refuses();
                hub.outside.failed(&whom, &why, refuses, hub.clock.now());
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What a witness says.
enum Word {
    Cosigned(Vec<Signature>),
    /// It saw a head of another size last.
    Seen(u64),
}

async fn asked(url: &Uri, witness: &Witness, sent: &Submission) -> Result<Word, NoWord> {
    let url = format!("{}/add-checkpoint", url.to_string().trim_end_matches('/'));
    let url: Uri = url.parse().map_err(|_| NoWord::Bad)?;
    let answer = http::ask(HttpRequest {
        method: Method::POST,
        url: &url,
        kind: "text/plain; charset=utf-8",
        body: sent.render().into_bytes(),
        tls: witness.tls.as_deref(),
    })
    .await?;
    let text = String::from_utf8(answer.body).map_err(|_| NoWord::Bad)?;
    match answer.status {
        200 => {
            let whole = sent.head.render() + &text;
            let whole = SignedHead::parse(whole.as_bytes()).map_err(|_| NoWord::Bad)?;
            Ok(Word::Cosigned(whole.signatures))
        }
        409 if answer.kind.starts_with(SIZE) => {
            let size = text.trim_end().parse().map_err(|_| NoWord::Bad)?;
            match size == sent.old {
                true => Err(NoWord::Forked),
                false => Ok(Word::Seen(size)),
            }
        }
        409 | 422 => Err(NoWord::Forked),
        404 => Err(NoWord::Unknown),
        status => Err(NoWord::Status(status)),
    }
}

/// Size of the newest head that waits for it, and of the one it saw last. Blocking.
fn newest(hub: &Hub, whom: &str) -> Result<Option<(u64, u64)>, HubError> {
    let store = Store::new(&hub.log.folder());
    let due = store.due().map_err(plain)?;
    let last = due.iter().rev().find(|d| d.whom == whom);
    // What is laid out already is not worked out once more.
    let Some(last) = last.filter(|d| !store.is_laid_out(d.size, whom)) else {
        return Ok(None);
    };
    let seen = store.seen_by(whom).map_err(plain)?;
    Ok(Some((last.size, seen.unwrap_or(0))))
}

/// A head, and the proof that the log only grew since it had `old` lines. Blocking.
fn submission(hub: &Hub, size: u64, old: u64) -> Result<Submission, HubError> {
    let store = Store::new(&hub.log.folder());
    let head = store.head(size).map_err(plain)?;
    let head = head.ok_or_else(|| plain("a head that was to be attested is not there any more"))?;
    // A witness that saw more than there is has nothing to be proved to.
    let proof = match (1..=size).contains(&old) {
        false => Vec::new(),
        true => grown(hub, &store, old, size)?,
    };
    Ok(Submission { old, proof, head })
}

/// The proof that the log's first `size` lines begin with its first `old`. Where the last one ended is kept, so that a night costs the lines of a
/// day and not those of years.
fn grown(hub: &Hub, store: &Store, old: u64, size: u64) -> Result<Vec<Digest>, HubError> {
    let mut log = LogFolder::new(&hub.log.folder());
    let kept = store.edge().map_err(plain)?;
    let mut edge = kept.filter(|e| e.size() <= old).unwrap_or_default();
    walk(&mut log, edge.size(), old, |leaf| edge.push(leaf))?;
    let seen = store.head(old).map_err(plain)?;
    if seen.is_some_and(|seen| seen.head.root != edge.root()) {
        // What was kept is not of this log: it is hashed from the beginning.
        edge = Frontier::default();
        walk(&mut log, 0, old, |leaf| edge.push(leaf))?;
    }
    let mut forest = Forest::after(&edge);
    walk(&mut log, old, size, |leaf| {
        forest.push(leaf);
        edge.push(leaf);
    })?;
    store.put_edge(&edge).map_err(plain)?;
    let proof = forest.consistency(old, size);
    proof.ok_or_else(|| plain("the hub's log is shorter than its own head"))
}

/// The leaf hashes of these lines.
fn walk(
    log: &mut LogFolder,
    mut from: u64,
    to: u64,
    mut each: impl FnMut(Digest),
) -> Result<(), HubError> {
    while from < to {
        let bytes = log.read_lines(from, to, 1 << 22).map_err(plain)?;
        if bytes.is_empty() {
            return Err(plain("the hub's log is shorter than its own head"));
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            each(leaf_hash(line));
            from += 1;
        }
    }
    Ok(())
}

/// Keeps a witness's cosignature, if it is good: on the head, then on the log. Blocking.
pub(super) fn take(
    hub: &Hub,
    witness: &Witness,
    size: u64,
    signatures: &[Signature],
) -> Result<bool, HubError> {
    let store = Store::new(&hub.log.folder());
    let Some(mut head) = store.head(size).map_err(plain)? else {
        return Ok(false);
    };
    let whom = witness.id();
    let key = &witness.key;
    let theirs = signatures
        .iter()
        .find(|s| s.name == key.name && s.id == key.id());
    let Some(theirs) = theirs else {
        return Ok(false);
    };
    let told = !matches!(head.check_cosigned(key), Cosigned::Absent);
    if !told {
        head.signatures.push(theirs.clone());
        let Cosigned::Good { time } = head.check_cosigned(key) else {
            return Ok(false);
        };
        store.put_head(&head).map_err(plain)?;
        let line = HubWitness {
            witness: key.name.clone(),
            size,
            root: b64(&head.head.root),
            time,
            sig: theirs.b64(),
        };
        hub.log.append(HUB, &line).map_err(plain)?;
        tracing::info!(witness = key.name, size, "the log's head is attested");
    }
    store.put_seen_by(&whom, size).map_err(plain)?;
    store.settled_to(size, &whom).map_err(plain)?;
    Ok(true)
}

/// A cosignature that a witness brings by itself. False: nobody's who is named, or not of a head that was laid out. Blocking.
pub fn brought(hub: &Hub, note: &SignedHead) -> Result<bool, HubError> {
    for witness in &hub.config.outside.witnesses {
        if !matches!(note.check_cosigned(&witness.key), Cosigned::Good { .. }) {
            continue;
        }
        let kept = Store::new(&hub.log.folder()).head(note.head.size);
        if kept.map_err(plain)?.is_some_and(|h| h.head == note.head) {
            let taken = take(hub, witness, note.head.size, &note.signatures)?;
            hub.outside.answered(&witness.id());
            return Ok(taken);
        }
    }
    Ok(false)
}

/// What is laid out for a witness that fetches it. Blocking.
pub fn laid_out(hub: &Hub, id: &str) -> Result<Option<String>, HubError> {
    let mut named = hub.config.outside.witnesses.iter();
    match named.find(|w| w.id() == id && w.url.is_none()) {
        Some(_) => Store::new(&hub.log.folder()).ask(id).map_err(plain),
        None => Ok(None),
    }
}
