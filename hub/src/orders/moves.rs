//! Task. The hub moves: two people order where boxes will find it, and each box is told as soon as it is on the line.
//!
//! ```text
//! waiting ──the box is on the line──▶ told ──it has kept it──▶ known
//!                                       └───it refuses──────▶ refused (an order.fail)
//! ```
//! The order stands until another takes its place, over every restart of the hub, and may be given again: the box knows it by its number. What
//! it does for a box is little, as the address of its enrolment stays; what it could do wrong is to keep a scheme's boxes away once that
//! address is gone, so it takes two people.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use shared::{
    code::is_address,
    id::BoxName,
    order::{Act as What, Done, Order},
    types::{MoveOrder, OrderFail},
};
use tokio::task::JoinSet;

use super::order::{self, BoxRoute, NotObeyed, SignedOrder};
use crate::{
    access::authorise::Permit,
    blocking::blocking,
    db::moves::MoveRecord,
    error::{HubError, plain},
    hub::Hub,
    model::{
        moves::{MoveRow, MoveState, Moves},
        order::Failure,
    },
    reason::{Footage, Orders},
    texts::keep_salted,
};

const HUB: &str = "sys:hub";
const EVERY: Duration = Duration::from_secs(60);
/// An order that a box leaves without an answer, or cannot obey just now, is sent again on the same connection.
const AGAIN: Duration = Duration::from_secs(120);

/// Where the hub will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRequest {
    /// Boxes that are told; none named: all that are not revoked.
    pub boxes: Vec<BoxName>,
    /// Where boxes dial it, `host:port`.
    pub hub: String,
    /// Where else, when it does not answer there.
    pub second: Option<String>,
    /// What they ask the DNS for when it answers nowhere, `name:port`; None: what they were told at enrolment.
    pub lookup: Option<String>,
    pub reason: String,
}

/// Who knows what. Blocking.
pub fn list(hub: &Hub) -> Result<Moves, HubError> {
    let orders = hub.db.moves(false)?;
    let newest = orders.iter().max_by_key(|o| o.made);
    let mut boxes = Vec::new();
    let mut known = 0;
    for b in hub.db.boxes()? {
        if b.state == "revoked" {
            continue;
        }
        let order = orders.iter().find(|o| o.name == b.name);
        let state = order.map_or(MoveState::None, |o| MoveState::of(&o.state));
        let same = |a: &MoveRecord, b: &MoveRecord| (&a.hub, &a.second) == (&b.hub, &b.second);
        let knows = state == MoveState::Known
            && order
                .zip(newest)
                .is_some_and(|(order, newest)| same(order, newest));
        known += u64::from(knows);
        boxes.push(MoveRow {
            online: hub.live.online(&b.name),
            name: b.name,
            state,
            last_seen: b.last_seen,
            order: order.map(|o| o.n),
            hub: order.map(|o| o.hub.clone()),
            second: order.and_then(|o| o.second.clone()),
            lookup: order.and_then(|o| o.lookup.clone()),
            since: order.map(|o| o.changed),
            code: order.map(|o| o.code.clone()).filter(|c| !c.is_empty()),
        });
    }
    Ok(Moves {
        hub: newest.map(|o| o.hub.clone()),
        second: newest.and_then(|o| o.second.clone()),
        known,
        of: boxes.len() as u64,
        boxes,
    })
}

fn address(what: &'static str, text: &str) -> Result<String, HubError> {
    let text = text.trim();
    if is_address(text) {
        return Ok(text.to_owned());
    }
    let text = text.to_owned();
    Err(Orders::NotAnAddress { what, text }.into())
}

/// Puts the order on the record, one line for each box; boxes are told as they are on the line. Blocking.
pub fn order(
    hub: &Hub,
    wanted: &MoveRequest,
    permit: &Permit,
    second: &Permit,
) -> Result<Moves, HubError> {
    if permit.op() == second.op() {
        return Err(Orders::SecondForMove.into());
    }
    let reason = wanted.reason.trim();
    if reason.is_empty() {
        return Err(Orders::ReasonWanted.into());
    }
    let to = address("hub", &wanted.hub)?;
    let optional = |what, text: &Option<String>| {
        let text = text.as_deref().filter(|t| !t.trim().is_empty());
        text.map(|t| address(what, t)).transpose()
    };
    let other = optional("second", &wanted.second)?;
    let lookup = optional("lookup", &wanted.lookup)?;
    let all = hub.db.boxes()?;
    let known = |name: &BoxName| all.iter().find(|b| b.name == *name);
    let mut names = Vec::new();
    for name in &wanted.boxes {
        let record = known(name).ok_or_else(|| Footage::BoxUnknown { name: name.clone() })?;
        if record.state == "revoked" {
            return Err(Footage::BoxRevokedAlready { name: name.clone() }.into());
        }
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if wanted.boxes.is_empty() {
        let expected = all.iter().filter(|b| b.state != "revoked");
        names = expected.map(|b| b.name.clone()).collect();
    }
    if names.is_empty() {
        return Err(Orders::NoBoxToTell.into());
    }
    let reason = keep_salted(hub, reason)?;
    let by = [permit.op(), second.op()];
    hub.act(|act| {
        let made = hub.now();
        for name in names {
            let line = MoveOrder {
                r#box: name.to_string(),
                hub: to.clone(),
                second: other.clone(),
                lookup: lookup.clone(),
                reason: reason.clone(),
                by: by.to_vec(),
            };
            let n = act.log(&by[0], &line)?;
            act.put_move(&MoveRecord {
                name,
                n,
                hub: to.clone(),
                second: other.clone(),
                lookup: lookup.clone(),
                by: by.clone(),
                made,
                state: MoveState::Waiting.as_str().into(),
                code: String::new(),
                changed: made,
            })?;
        }
        Ok(())
    })?;
    hub.pulls.moves.ring();
    list(hub)
}

/// What became of an order.
type Answered = (MoveRecord, Result<Done, NotObeyed>);

/// What the task remembers; everything else is in the records.
#[derive(Default)]
struct Memory {
    /// By box: on which connection which order went out, and when it may again.
    sent: HashMap<BoxName, (u64, u64, Instant)>,
    answers: JoinSet<Answered>,
}

/// Tells boxes until they have answered.
pub async fn run(hub: Arc<Hub>) {
    let mut lines = hub.live.arrivals();
    let mut ordered = hub.pulls.moves.0.subscribe();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut memory = Memory::default();
    let mut open = true;
    loop {
        let look = tokio::select! {
            Some(answered) = memory.answers.join_next(), if !memory.answers.is_empty() => {
                if let Ok(answered) = answered {
                    answer(&hub, answered).await;
                }
                false
            }
            // Boxes that come and go while there is nothing to tell are not looked up.
            _ = lines.changed() => open,
            _ = ordered.changed() => true,
            _ = tick.tick() => true,
        };
        if look {
            open = round(&hub, &mut memory).await;
        }
    }
}

/// Sends what is outstanding; whether anything is.
async fn round(hub: &Arc<Hub>, memory: &mut Memory) -> bool {
    let d = hub.clone();
    let open = match blocking(move || d.db.moves(true)).await {
        Ok(Ok(open)) => open,
        Ok(Err(e)) => {
            tracing::error!("which boxes are to be told where the hub will be cannot be read: {e}");
            return true;
        }
        Err(_) => return true,
    };
    let any = !open.is_empty();
    memory
        .sent
        .retain(|name, _| open.iter().any(|o| o.name == *name));
    for o in open {
        let Some(way) = order::reach(hub, &o.name) else {
            continue;
        };
        let now = Instant::now();
        let known = memory.sent.get(&o.name);
        if known.is_some_and(|(line, n, again)| (*line, *n) == (way.id, o.n) && now < *again) {
            continue;
        }
        let (d, record) = (hub.clone(), o.clone());
        let signed = blocking(move || {
            let told = (MoveState::Told.as_str(), "");
            d.db.move_state(&record.name, record.n, told, d.now())?;
            order::signed(&d, order_of(&record))
        });
        match signed.await {
            Ok(Ok(message)) => {
                memory
                    .sent
                    .insert(o.name.clone(), (way.id, o.n, now + AGAIN));
                memory.answers.spawn(wait(hub.clone(), way, o, message));
            }
            Ok(Err(e)) => tracing::error!(name = %o.name, "the order was not made: {e}"),
            Err(_) => return true,
        }
    }
    any
}

fn order_of(o: &MoveRecord) -> Order {
    Order {
        order: o.n,
        made: o.made,
        r#box: o.name.clone(),
        by: o.by.to_vec(),
        act: What::HubMove {
            hub: o.hub.clone(),
            second: o.second.clone(),
            lookup: o.lookup.clone(),
        },
    }
}

async fn wait(hub: Arc<Hub>, way: BoxRoute, o: MoveRecord, order: SignedOrder) -> Answered {
    let answer = tokio::time::timeout(AGAIN, way.send_patiently(&hub, order)).await;
    let silent = NotObeyed::Silent(o.name.clone());
    (o, answer.unwrap_or(Err(silent)))
}

async fn answer(hub: &Arc<Hub>, (o, answer): Answered) {
    let d = hub.clone();
    let noted = blocking(move || -> Result<(), HubError> {
        let why = match answer {
            Ok(Done::Addresses) => {
                let known = (MoveState::Known.as_str(), "");
                return Ok(d.db.move_state(&o.name, o.n, known, d.now())?);
            }
            Ok(_) => NotObeyed::Odd(o.name.clone()),
            Err(why) => why,
        };
        if why.passes() {
            tracing::info!(name = %o.name, "the box was not told where the hub will be: {why}; it is told again");
            return Ok(());
        }
        let Failure { code, why } = why.failure();
        let line = OrderFail {
            order: o.n,
            r#box: o.name.to_string(),
            cam: None,
            code: code.clone(),
            why,
        };
        d.log.append(HUB, &line).map_err(plain)?;
        let refused = (MoveState::Refused.as_str(), code.as_str());
        Ok(d.db.move_state(&o.name, o.n, refused, d.now())?)
    });
    if let Ok(Err(e)) = noted.await {
        tracing::error!("a box's answer about where the hub will be was not recorded: {e}");
    }
}
