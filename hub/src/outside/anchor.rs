//! Task. Each night a head of the hub's log is due: every authority is asked for a time stamp over it, the oldest head first, until it has one.
//!
//! The stamp is over the three lines of the head, which fix the whole log so far; and the log holds, of every box's log, which head the hub had
//! seen. So a stamp says of all of these that they stood then. An answer is judged before it counts: it is over this head, to this query,
//! and its certificates lead to a root that `hub.toml` names.

use std::{sync::Arc, time::Duration};

use hyper::Method;
use shared::{
    note::{Cosigned, SignedHead, b64},
    record::{Digest, hex, sha256},
    time::{Utc, Zone},
    timestamp::{self, Judged, Stamp},
    types::HubAnchor,
};

use super::{
    attest,
    http::{self, HttpRequest, NoAnswer},
    packages,
};
use crate::{
    attestations::Store,
    blocking::blocking,
    config::outside::Authority,
    db::faults::{FaultSubject, FoundFault},
    error::{HubError, plain},
    faults, files,
    hub::Hub,
    keys,
    ownlog::MONTHS,
};

pub const LATE: &str = "outside.late";
pub const REFUSED: &str = "outside.refused";

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A head that waited so long is somebody's to look at: more than one night went by.
const LATE_MS: i64 = 36 * 3_600_000;
const HUB: &str = "sys:hub";

/// Why an authority's answer does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStamp {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("it answered with HTTP status {0}")]
    Status(u16),
    #[error(
        "its answer is no time stamp of what it was asked for, or is not signed by whom it names"
    )]
    Bad,
    #[error(
        "its certificates do not lead to the root that hub.toml names for it: ask whoever runs it for its root certificate"
    )]
    OtherRoot,
    #[error("it answered another query than it was asked")]
    OtherQuery,
    #[error("no random number could be had: {0}")]
    Random(String),
}

pub async fn run(hub: Arc<Hub>) {
    if hub.config.outside.is_empty() {
        // Nobody is named: nothing is ever due.
        std::future::pending::<()>().await;
    }
    loop {
        if let Err(e) = round(&hub, false).await {
            tracing::error!("what goes to those outside could not be looked at: {e}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One look: what is due is queued, everybody is asked whose time it is. `now`: a head of this moment, and nobody's pause counts.
pub async fn round(hub: &Arc<Hub>, now: bool) -> Result<(), HubError> {
    let _turn = hub.outside.turn.lock().await;
    let d = hub.clone();
    blocking(move || queue(&d, now)).await??;
    for authority in &hub.config.outside.authorities {
        if now || !hub.outside.waits(&authority.name, hub.clock.now()) {
            ask_all(hub, authority).await?;
        }
    }
    for witness in &hub.config.outside.witnesses {
        if now || !hub.outside.waits(&witness.id(), hub.clock.now()) {
            attest::send(hub, witness).await?;
        }
    }
    let d = hub.clone();
    blocking(move || settle(&d)).await?
}

/// Queues a head, if none of today is. Blocking.
fn queue(hub: &Hub, now: bool) -> Result<(), HubError> {
    let store = Store::new(&hub.log.folder());
    queue_month(hub, &store)?;
    let utc = Zone::utc();
    let today = utc.start_of(utc.day_of(hub.now()));
    let newest = store.newest().map_err(plain)?;
    let queued = newest.and_then(|head| match head.check_cosigned(hub.keys.cosign_vkey()) {
        Cosigned::Good { time } => i64::try_from(time).ok(),
        _ => None,
    });
    if !now && queued.is_some_and(|secs| Utc(secs.saturating_mul(1000)) >= today) {
        return Ok(());
    }
    // What the hub has seen of every box's log comes under this head.
    hub.logs.note_heads_seen(0).map_err(|e| plain(e.why))?;
    let head = hub.log.head_now().map_err(plain)?;
    let whom: Vec<String> = hub.config.outside.everybody();
    store.queue(&head, &whom, hub.now()).map_err(plain)
}

/// The head that a month's sample is drawn by is stamped too, once its day is over. Blocking.
fn queue_month(hub: &Hub, store: &Store) -> Result<(), HubError> {
    let today = Zone::utc().day_of(hub.now()).to_string();
    let Some((month, day)) = today.get(..7).zip(today.get(8..)) else {
        return Ok(());
    };
    let path = hub.log.folder().join(MONTHS).join(format!("{month}.note"));
    if day == "01" || !path.exists() {
        return Ok(());
    }
    let head = SignedHead::parse(&files::read(&path).map_err(plain)?).map_err(plain)?;
    if store.head(head.head.size).map_err(plain)?.is_some() {
        return Ok(());
    }
    let authorities = hub.config.outside.authorities.iter();
    let whom: Vec<String> = authorities.map(|a| a.name.clone()).collect();
    store.queue(&head, &whom, hub.now()).map_err(plain)
}

/// Asks one authority for all that waits for it, until it fails.
async fn ask_all(hub: &Arc<Hub>, authority: &Authority) -> Result<(), HubError> {
    loop {
        let (d, name) = (hub.clone(), authority.name.clone());
        let next = blocking(move || oldest(&d, &name)).await??;
        let Some((size, over)) = next else {
            break;
        };
        match stamped(authority, &over).await {
            Ok((answer, stamp)) => {
                let (d, name) = (hub.clone(), authority.name.clone());
                blocking(move || keep(&d, size, &name, &answer, &stamp)).await??;
                hub.outside.answered(&authority.name);
            }
            Err(why) => {
                let now = hub.clock.now();
                hub.outside.failed(&authority.name, &why, false, now);
                return Ok(());
            }
        }
    }
    packages::stamp_all(hub, authority).await
}

/// The oldest head that waits for it, and the hash of its three lines. Blocking.
fn oldest(hub: &Hub, authority: &str) -> Result<Option<(u64, Digest)>, HubError> {
    let store = Store::new(&hub.log.folder());
    let due = store.due().map_err(plain)?;
    for d in due.iter().filter(|d| d.whom == authority) {
        if let Some(head) = store.head(d.size).map_err(plain)? {
            return Ok(Some((d.size, sha256(head.head.body().as_bytes()))));
        }
        store.settled(d.size, authority).map_err(plain)?;
    }
    Ok(None)
}

/// A time stamp over what has this hash, judged; and the answer it came in.
pub(super) async fn stamped(
    authority: &Authority,
    over: &Digest,
) -> Result<(Vec<u8>, Stamp), NoStamp> {
    let nonce = keys::random::<8>().map_err(|e| NoStamp::Random(e.to_string()))?;
    let nonce = u64::from_be_bytes(nonce);
    let answer = http::ask(HttpRequest {
        method: Method::POST,
        url: &authority.url,
        kind: "application/timestamp-query",
        body: timestamp::query(over, nonce),
        tls: None,
    })
    .await?;
    if answer.status != 200 {
        return Err(NoStamp::Status(answer.status));
    }
    match timestamp::judge(&answer.body, over, &authority.roots) {
        Judged::Good(stamp) if stamp.answers(nonce) => Ok((answer.body, stamp)),
        Judged::Good(_) => Err(NoStamp::OtherQuery),
        Judged::Foreign => Err(NoStamp::OtherRoot),
        Judged::Bad => Err(NoStamp::Bad),
    }
}

/// The time a good stamp says.
pub(super) fn time(stamp: &Stamp) -> Result<Utc, HubError> {
    Utc::parse(&stamp.time).map_err(plain)
}

/// Written, then on the log. Blocking.
fn keep(
    hub: &Hub,
    size: u64,
    authority: &str,
    answer: &[u8],
    stamp: &Stamp,
) -> Result<(), HubError> {
    let store = Store::new(&hub.log.folder());
    let head = store.head(size).map_err(plain)?;
    let head = head.ok_or_else(|| plain("a head that was stamped is not there any more"))?;
    store.put_stamp(size, authority, answer).map_err(plain)?;
    let line = HubAnchor {
        authority: authority.to_owned(),
        size,
        root: b64(&head.head.root),
        time: time(stamp)?,
        sha256: hex(&sha256(answer)),
    };
    hub.log.append(HUB, &line).map_err(plain)?;
    store.settled(size, authority).map_err(plain)?;
    tracing::info!(
        authority,
        size,
        time = stamp.time,
        "the log's head is stamped"
    );
    Ok(())
}

/// Whoever has not answered for too long is a fault. Blocking.
fn settle(hub: &Hub) -> Result<(), HubError> {
    let due = Store::new(&hub.log.folder()).due().map_err(plain)?;
    let now = hub.now();
    let mut found: Vec<FoundFault> = Vec::new();
    for d in due {
        let about = FaultSubject::Outside(d.whom.clone());
        let late = now.0.saturating_sub(d.since.0) > LATE_MS;
        let named = hub.config.outside.everybody().contains(&d.whom);
        if !late || !named || found.iter().any(|f| f.about == about) {
            continue;
        }
        let since = d.since.for_people(&hub.config.zone);
        let why = hub.outside.why(&d.whom);
        let why = why.unwrap_or_else(|| "it has not come".into());
        found.push(FoundFault {
            about,
            code: LATE.into(),
            log: hub.log.origin().to_owned(),
            since: d.since,
            text: format!("nothing of {} since {since}: {why}", called(hub, &d.whom)),
        });
    }
    for (whom, why) in hub.outside.refused() {
        found.push(FoundFault {
            text: format!("{}: {why}", called(hub, &whom)),
            about: FaultSubject::Outside(whom),
            code: REFUSED.into(),
            log: hub.log.origin().to_owned(),
            since: now,
        });
    }
    faults::settle(hub, |f| [LATE, REFUSED].contains(&f.code.as_str()), &found)
}

/// What somebody outside is called: an authority by its name, a witness by its key's.
fn called(hub: &Hub, whom: &str) -> String {
    let witness = hub.config.outside.witnesses.iter().find(|w| w.id() == whom);
    witness.map_or_else(|| whom.to_owned(), |w| w.key.name.clone())
}
