//! Task. Tells boxes of holds until they have answered, hears the answers, and ends holds in time. What is recorded is where each
//! stands: after a restart of either side it goes on from there.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use shared::{
    id::{BoxName, HoldId},
    order::{Act, Code, Done, Order},
    time::Utc,
    types::HoldExtend,
};
use tokio::task::JoinSet;

use super::{HUB, change, due, find, in_turn, plain, watch, write};
use crate::{
    blocking::blocking,
    db::holds::HoldRecord,
    error::HubError,
    hub::Hub,
    model::{
        hold::{Event, HoldEnd, State, Wants},
        order::Failure,
        pull,
    },
    orders::order::{self, BoxRoute, NotObeyed},
};

const EVERY: Duration = Duration::from_secs(60);
/// An order that a box leaves without an answer is sent again on the same connection.
const SILENT: Duration = Duration::from_secs(600);
/// One that it could not obey just now.
const TROUBLE: Duration = Duration::from_secs(60);

/// What went out last about a hold.
struct SentOrder {
    line: u64,
    wants: Wants,
    until: Utc,
    again: Instant,
}

/// What became of an order about a hold.
type Answered = (HoldId, BoxName, Result<Done, NotObeyed>);

/// What this task remembers; everything else is in the records.
#[derive(Default)]
struct Memory {
    sent: HashMap<HoldId, SentOrder>,
    /// Orders whose answers are not here yet; each ends with its connection at the latest.
    answers: JoinSet<Answered>,
    /// Boxes that have something to be told, and the connection they had then.
    wait: HashMap<BoxName, Option<u64>>,
}

pub async fn run(hub: Arc<Hub>) {
    let mut lines = hub.live.arrivals();
    let mut changes = hub.pulls.holds.watch();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut memory = Memory::default();
    loop {
        let again = tokio::select! {
            Some(answered) = memory.answers.join_next(), if !memory.answers.is_empty() => match answered {
                Ok(answered) => answer(&hub, &mut memory, answered).await,
                Err(e) => {
                    tracing::error!("waiting for a box's answer broke off: {e}");
                    false
                }
            },
            _ = lines.changed() => memory.wait.iter().any(|(name, had)| connection(&hub, name) != *had),
            _ = changes.changed() => true,
            _ = tick.tick() => {
                look(&hub).await;
                true
            }
        };
        if again {
            round(&hub, &mut memory).await;
        }
    }
}

async fn look(hub: &Arc<Hub>) {
    let d = hub.clone();
    if let Ok(Err(e)) = blocking(move || watch::look(&d, d.now())).await {
        tracing::error!("faults of holds were not recorded: {e}");
    }
}

fn connection(hub: &Hub, name: &BoxName) -> Option<u64> {
    hub.live.reach(name).map(|(id, ..)| id)
}

/// Ends what is due to end, and sends what is outstanding.
async fn round(hub: &Arc<Hub>, memory: &mut Memory) {
    let d = hub.clone();
    let open = match blocking(move || review(&d)).await {
        Ok(Ok(open)) => open,
        Ok(Err(e)) => {
            tracing::error!("holds cannot be looked through: {e}");
            return;
        }
        Err(_) => return,
    };
    memory.wait.clear();
    memory.sent.retain(|id, _| open.iter().any(|h| h.id == *id));
    for h in open {
        let Some(wants) = h.standing.wants() else {
            continue;
        };
        let name = &h.camera.r#box;
        let way = order::reach(hub, name);
        memory.wait.insert(name.clone(), way.as_ref().map(|w| w.id));
        let Some(way) = way else {
            continue;
        };
        let (line, until) = (way.id, h.standing.until);
        let known = memory.sent.get(&h.id).is_some_and(|s| {
            s.line == line && s.wants == wants && s.until == until && Instant::now() < s.again
        });
        if known {
            continue;
        }
        let d = hub.clone();
        let (id, ready) = (h.id, h);
        let signed = blocking(move || {
            // From here on the box may know of it, on the record before it does.
            let ready = change(&d, ready.id, Event::Sent, &[])?;
            order::signed(&d, order(&ready, wants))
        });
        match signed.await {
            Ok(Ok(message)) => {
                let again = Instant::now() + SILENT;
                memory.sent.insert(
                    id,
                    SentOrder {
                        line,
                        wants,
                        until,
                        again,
                    },
                );
                memory.answers.spawn(wait(hub.clone(), way, id, message));
            }
            Ok(Err(e)) => tracing::error!(hold = %id, "the order was not made: {e}"),
            Err(_) => return,
        }
    }
}

async fn wait(hub: Arc<Hub>, way: BoxRoute, id: HoldId, order: order::SignedOrder) -> Answered {
    let name = way.name.clone();
    (id, name, way.send_patiently(&hub, order).await)
}

fn order(h: &HoldRecord, wants: Wants) -> Order {
    let (by, act) = match wants {
        Wants::Set => (
            vec![h.who.clone()],
            Act::HoldSet {
                hold: h.id,
                cam: h.camera.cam.clone(),
                t0: h.t0,
                t1: h.t1,
                until: h.standing.until,
                grant: h.grant.clone(),
            },
        ),
        Wants::Clear(ended) => (
            h.freed.clone(),
            Act::HoldClear {
                hold: h.id,
                why: ended.as_str().into(),
            },
        ),
    };
    Order {
        order: h.line,
        made: h.changed,
        r#box: h.camera.r#box.clone(),
        by,
        act,
    }
}

/// What time and the clip requests make of the holds; those that are not over. Blocking.
fn review(hub: &Hub) -> Result<Vec<HoldRecord>, HubError> {
    let now = hub.now();
    let by = [HUB.to_owned()];
    let mut open = Vec::new();
    for mut h in hub.db.holds(None).map_err(plain)? {
        if h.standing.state.alive() {
            match wanted(hub, &h)? {
                Demand::Served(ended) => h = change(hub, h.id, Event::Released { ended }, &by)?,
                Demand::Open => {
                    let until = due::carried_on(h.standing.until, hub.config.hold_days, now);
                    if let Some(until) = until {
                        h = carry_on(hub, h.id, until)?;
                    }
                }
                Demand::Kept => {}
            }
        }
        if h.standing.until <= now {
            h = change(hub, h.id, Event::Tick { now }, &by)?;
        }
        if !h.standing.state.done() {
            open.push(h);
        }
    }
    Ok(open)
}

/// What its clip request makes of a hold.
enum Demand {
    /// Nothing: it goes on until its date.
    Kept,
    /// The request is open (RET-6).
    Open,
    /// The clip is here, whole and checked, or the request came to nothing.
    Served(HoldEnd),
}

/// What somebody extended by hand stays.
fn wanted(hub: &Hub, h: &HoldRecord) -> Result<Demand, HubError> {
    let ended = |ended| match h.kept {
        true => Demand::Kept,
        false => Demand::Served(ended),
    };
    if let Some(exhibit) = &h.exhibit {
        let request = hub.db.request(exhibit).map_err(plain)?;
        return Ok(match request.map(|r| r.state) {
            None => Demand::Kept,
            Some(state) if !state.over() => Demand::Open,
            Some(pull::State::Ready) => ended(HoldEnd::Fetched),
            Some(pull::State::Failed | pull::State::Refused | pull::State::Cancelled) => {
                ended(HoldEnd::Unused)
            }
            Some(_) => Demand::Kept,
        });
    }
    let request = h.request.map(|n| hub.db.clip_request(n)).transpose();
    Ok(match request.map_err(plain)?.flatten() {
        None => Demand::Kept,
        Some(q) if q.state.holds() => Demand::Open,
        Some(_) => ended(HoldEnd::Unused),
    })
}

/// The hub's own extension of a hold that a request still needs, on the record like anybody's.
fn carry_on(hub: &Hub, id: HoldId, until: Utc) -> Result<HoldRecord, HubError> {
    in_turn(hub, |act| {
        let before = find(hub, id)?;
        let mut h = before.clone();
        let zone = &hub.config.zone;
        h.review = due::review(hub.now(), until, zone);
        let line = HoldExtend {
            hold: id,
            until,
            review: Some(h.review),
            reason: h.reason.clone(),
            by: HUB.into(),
        };
        h.line = act.log(HUB, &line)?;
        h.standing.apply(Event::Extended { until });
        write(hub, act, before, h, None, &[HUB.to_owned()])
    })
}

/// Takes what became of an order about a hold in; whether the box had something to say.
async fn answer(hub: &Arc<Hub>, memory: &mut Memory, (id, name, answered): Answered) -> bool {
    let event = match answered {
        Ok(Done::Hold {
            until,
            segments,
            bytes,
        }) => Event::Placed {
            until,
            segments,
            bytes,
        },
        Ok(Done::Cleared) => Event::Cleared,
        Ok(_) | Err(NotObeyed::Odd(_)) => Event::Failed {
            full: false,
            passes: false,
            failure: NotObeyed::Odd(name.clone()).failure(),
        },
        Err(NotObeyed::Refused { refusal, .. }) => {
            if let Some(sent) = memory.sent.get_mut(&id) {
                sent.again = Instant::now() + TROUBLE;
            }
            Event::Failed {
                full: refusal.code == Code::NoRoom,
                passes: refusal.passes(),
                failure: Failure::new(refusal.code.as_str(), &refusal.why),
            }
        }
        // It is asked again when it is back.
        Err(NotObeyed::Broke(_) | NotObeyed::Silent(_)) => return false,
    };
    // It knows holds after all.
    super::lock(&hub.pulls.holds.silent).remove(&name);
    let d = hub.clone();
    let done = blocking(move || {
        let h = change(&d, id, event, &[HUB.to_owned()])?;
        if h.standing.state == State::Refused {
            tracing::warn!(%name, hold = %id, why = h.standing.why, "a hold was refused");
        }
        Ok::<_, HubError>(())
    });
    if let Ok(Err(e)) = done.await {
        tracing::error!(hold = %id, "a box's answer was not recorded: {e}");
    }
    true
}
