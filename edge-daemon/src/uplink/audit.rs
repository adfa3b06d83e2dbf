//! Task. The audit stream: the log's own bytes go up, countersigned heads come back.
//!
//! The hub says what it holds (`have`); we check that this is a beginning of our own log, then send what follows: at each
//! stop the lines up to it and the head over them. Stops are the heads that are kept (`heads/<size>.note`), then the
//! newest head, then every new one as it is signed. Each head is answered before the next is sent.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use logbook::{LogFolder, LogHandle};
use shared::{
    note::{Cosigned, SignedHead, Vkey},
    time::{Clock, Utc},
    wire::{self, AuditReply, Open},
};
use tokio::sync::Notify;

use super::quic::{Line, LinkError, priority};
use crate::{clock::Trust, health::Faults};

/// The hub checks every line before it answers; a month of lines may take it a while.
const ANSWER: Duration = Duration::from_secs(300);
/// How long one wait for a new head lasts, so that a stop is never far away.
const HEAD: Duration = Duration::from_secs(2);
/// Bytes of lines in one frame.
const FRAME: usize = 256 * 1024;
const FAULT: &str = "log.refused";
/// Between one refusal and the next attempt.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What the audit stream needs.
#[derive(Clone)]
pub struct Audit {
    /// The hub says that its disk has room again.
    pub room: Arc<Notify>,
    pub log: LogHandle,
    pub cosign: Vkey,
    pub faults: Faults,
    pub trust: Trust,
    pub clock: Arc<dyn Clock>,
}

/// Why a stream ended.
enum Ended {
    Link(LinkError),
    /// The hub refused, or holds something else than we do: a code and a sentence.
    Refused {
        code: String,
        why: String,
    },
    /// The log has stopped, or cannot be read.
    Log(String),
}

impl From<LinkError> for Ended {
    fn from(e: LinkError) -> Self {
        Ended::Link(e)
    }
}

fn broken(e: impl std::fmt::Display) -> Ended {
    Ended::Log(e.to_string())
}

/// Sends the log until the connection is lost. A refusal is said once, as a fault, and tried again ever more slowly;
/// recording goes on regardless.
pub async fn run(audit: Audit, line: Line) -> LinkError {
    let mut wait = FIRST_WAIT;
    loop {
        let begun = std::time::Instant::now();
        match stream(&audit, &line).await {
            Ended::Link(e) => match line.why_closed() {
                Some(closed) => return closed,
                None => tracing::warn!(error = %e, "audit stream ended; opened again"),
            },
            // The hub's disk, and the hub's fault; what is owed stays here.
            Ended::Refused { code, why } if code == wire::NO_ROOM => {
                tracing::warn!(why, "the hub has no room for this box's log");
            }
            Ended::Refused { code, why } => audit.faults.on(FAULT, None, &format!("{code}: {why}")),
            Ended::Log(why) => tracing::error!(why, "the log cannot be sent"),
        }
        tokio::select! {
            e = line.closed() => return e,
            () = tokio::time::sleep(wait) => {}
            () = audit.room.notified() => {
                wait = FIRST_WAIT;
                continue;
            }
        }
        // What ran for a while before it broke is a new trouble, not the old one.
        wait = if begun.elapsed() > LONGEST_WAIT {
            FIRST_WAIT
        } else {
            (wait * 2).min(LONGEST_WAIT)
        };
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Ended> + Send + 'static,
) -> Result<T, Ended> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(broken(e)))
}

async fn stream(audit: &Audit, line: &Line) -> Ended {
    match talk(audit, line).await {
        Ok(never) => never,
        Err(ended) => ended,
    }
}

async fn talk(audit: &Audit, line: &Line) -> Result<Ended, Ended> {
    let (mut out, mut inc) = line.open(priority::AUDIT).await?;
    let folder = Arc::new(Mutex::new(LogFolder::new(&audit.log.folder())));
    let shown = audit.log.cosigned();
    let Some(number) = audit
        .log
        .folder()
        .file_name()
        .and_then(|n| n.to_str())
        .and_then(|n| n.parse().ok())
    else {
        return Err(broken("its folder has no number"));
    };
    out.send(&Open::Audit {
        log: number,
        cosigned: shown.as_ref().map(SignedHead::render),
    })
    .await?;
    let (have, root) = match answer(&mut inc).await? {
        AuditReply::Have { size, root } => (size, root),
        AuditReply::Refused { code, why } => return Ok(Ended::Refused { code, why }),
        AuditReply::Cosigned { .. } | AuditReply::Unknown => {
            return Err(LinkError::Lost("the hub answered out of turn".into()).into());
        }
    };
    let known = shown.is_some_and(|c| c.head.size == have && STANDARD.encode(c.head.root) == root);
    if !known {
        let (log, lines) = (audit.log.clone(), folder.clone());
        match blocking(move || prefix(&log, &lines, have, &root)).await {
            Err(Ended::Refused { code, why }) => {
                let hubs = confess(audit, &folder, have, &mut out, &mut inc).await?;
                return Ok(hubs.unwrap_or(Ended::Refused { code, why }));
            }
            other => other?,
        }
    }
    let mut sent = have;
    loop {
        let (log, at) = (audit.log.clone(), sent);
        let Some(newest) = blocking(move || Ok(log.wait_head(at, HEAD)))
            .await?
            .filter(|h| h.head.size > sent)
        else {
            continue;
        };
        let upto = newest.head.size;
        let mut stops = {
            let folder = folder.clone();
            blocking(move || lock(&folder).head_sizes().map_err(broken)).await?
        };
        stops.retain(|s| *s > sent && *s < upto);
        stops.push(upto);
        for stop in stops {
            let head = if stop == upto {
                newest.clone()
            } else {
                let folder = folder.clone();
                let Some(head) = blocking(move || {
                    lock(&folder)
                        .head(&format!("heads/{stop}.note"))
                        .map_err(broken)
                })
                .await?
                else {
                    continue;
                };
                head
            };
            while sent < stop {
                let folder = folder.clone();
                let bytes =
                    blocking(move || lock(&folder).read_lines(sent, stop, FRAME).map_err(broken))
                        .await?;
                let lines = bytes.iter().filter(|b| **b == b'\n').count() as u64;
                if lines == 0 {
                    return Err(broken(format!("line {sent} is not on disk")));
                }
                out.frame(b'L', &bytes).await?;
                sent += lines;
            }
            out.frame(b'H', head.render().as_bytes()).await?;
            match answer(&mut inc).await? {
                AuditReply::Cosigned { note } => countersigned(audit, note).await?,
                AuditReply::Refused { code, why } => return Ok(Ended::Refused { code, why }),
                AuditReply::Have { .. } | AuditReply::Unknown => {
                    return Err(LinkError::Lost("the hub answered out of turn".into()).into());
                }
            }
        }
    }
}

/// The hub holds another past than ours. It is shown what we have (the line after its last, our newest head), so that it judges by
/// itself and keeps both; its verdict, if it gave one.
async fn confess(
    audit: &Audit,
    folder: &Arc<Mutex<LogFolder>>,
    have: u64,
    out: &mut super::quic::Outgoing,
    inc: &mut super::quic::Incoming,
) -> Result<Option<Ended>, Ended> {
    let log = audit.log.clone();
    let Some(newest) = blocking(move || Ok(log.wait_head(0, HEAD))).await? else {
        return Ok(None);
    };
    let upto = newest.head.size;
    if upto > have {
        let folder = folder.clone();
        let bytes =
            blocking(move || lock(&folder).read_lines(have, upto, FRAME).map_err(broken)).await?;
        out.frame(b'L', &bytes).await?;
    }
    out.frame(b'H', newest.render().as_bytes()).await?;
    Ok(match answer(inc).await? {
        AuditReply::Refused { code, why } => Some(Ended::Refused { code, why }),
        _ => None,
    })
}

fn lock(folder: &Mutex<LogFolder>) -> std::sync::MutexGuard<'_, LogFolder> {
    folder.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(inc: &mut super::quic::Incoming) -> Result<AuditReply, LinkError> {
    match inc.frame_within(ANSWER).await? {
        Some(frame) => Ok(frame.json()?),
        None => Err(LinkError::Cut),
    }
}

/// What the hub holds must be a beginning of our own lines.
fn prefix(log: &LogHandle, folder: &Mutex<LogFolder>, have: u64, root: &str) -> Result<(), Ended> {
    let ours = log.size();
    if have > ours {
        return Err(Ended::Refused {
            code: "ROLLED-BACK".into(),
            why: format!(
                "the hub holds {have} lines of this log, the box only {ours}: the box's disk was restored from an older copy, or another box has its name"
            ),
        });
    }
    let newest = log.cosigned();
    if newest.is_some_and(|c| c.head.size == have && STANDARD.encode(c.head.root) == root) {
        // The usual case, and a log of years need not be read for it.
        return Ok(());
    }
    let Some(frontier) = lock(folder).frontier(have).map_err(broken)? else {
        return Err(broken(format!("{have} lines are not on disk")));
    };
    if have > 0 && STANDARD.encode(frontier.root()) != root {
        return Err(Ended::Refused {
            code: "FORKED".into(),
            why: format!(
                "the {have} lines the hub holds are not the first {have} lines of this box's log"
            ),
        });
    }
    Ok(())
}

async fn countersigned(audit: &Audit, note: String) -> Result<(), Ended> {
    let held = audit.clone();
    let time = blocking(move || {
        let head = SignedHead::parse(note.as_bytes()).map_err(broken)?;
        let Cosigned::Good { time } = head.check_cosigned(&held.cosign) else {
            return Err(Ended::Refused { code: "BAD-SIGNATURE".into(), why: "the hub's countersignature does not verify with the key this box was enrolled with".into() });
        };
        held.log.countersigned(&head, &held.cosign).map_err(broken)?;
        Ok(time)
    })
    .await?;
    audit.trust.heard_hub(
        Utc(i64::try_from(time).unwrap_or(0).saturating_mul(1000)),
        audit.clock.now(),
    );
    audit.faults.off(FAULT, None);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::types::CfgSet;

    /// AUD-2: a box whose disk was restored, or that shares its name, is told so before a line is sent.
    #[test]
    fn what_the_hub_holds_must_be_a_beginning_of_our_log() {
        let dir = tempfile::tempdir().expect("dir");
        let (log, _) = crate::testing::open_log(dir.path(), Arc::new(logbook::SystemClock));
        for _ in 0..5 {
            log.append(
                "sys:test",
                &CfgSet {
                    sha256: "0".repeat(64),
                },
            )
            .expect("line");
        }
        let folder = Mutex::new(LogFolder::new(&log.folder()));
        let mut leaves = lock(&folder).leaves().expect("leaves");
        // The newest line may be on disk a moment before the log counts it; the hub never holds more than a head covers.
        leaves.truncate(usize::try_from(log.size()).expect("size"));
        let root = |n: usize| STANDARD.encode(shared::tree::root(&leaves[..n]));
        for n in 0..=leaves.len() {
            assert!(prefix(&log, &folder, n as u64, &root(n)).is_ok(), "{n}");
        }
        let refused = |have, root: &str| match prefix(&log, &folder, have, root) {
            Err(Ended::Refused { code, why }) => (code, why),
            _ => panic!("{have} lines were taken"),
        };
        assert_eq!(refused(3, &root(4)).0, "FORKED");
        let (code, why) = refused(1000, &root(3));
        assert!(
            code == "ROLLED-BACK" && why.contains("restored from an older copy"),
            "{why}"
        );
    }
}
