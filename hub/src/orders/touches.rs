//! Task. Orders that a box takes only when two people approve them with their own passkeys (`[box] approvals = "required"`; MSK-4, ROL-5).
//!
//! At the second person's word the order's line is written, so that its number and with it its whole text are fixed. Whoever asked and whoever
//! approved are then asked to touch their passkeys for the hash of that text (`shared::approval`), each an `order.touch` line; with both the order
//! is sent. What is not touched in time, or is not obeyed, is an `order.fail` line, and the act is over. A box takes such orders in the order of
//! their numbers, so it has one of them open at a time.
//!
//! A touch proves that somebody's key was there for this order, and that their finger, face or PIN was; not what their screen showed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    approval::{Approval, Change, KnownKey, challenge, mark},
    id::BoxName,
    order::{Act as What, Done, Order, Ordered},
    time::Utc,
    types::{OrderFail, OrderTouch},
};
use utoipa::ToSchema;

use super::order::{self, BoxRoute, SignedOrder};
use crate::{
    access::{
        authorise::Permit,
        factors::{self, PasskeyOffer},
    },
    acts::Act,
    blocking::blocking,
    db::{
        approvals::ApprovalRecord,
        touches::{KeyOrderRecord, TouchRecord},
    },
    error::{HubError, plain},
    hub::Hub,
    list::{Part, Rows},
    model::{
        local_time::LocalTime,
        order::Failure,
        substitute::Substitute,
        touch::{Event, NotDone, State, TouchStanding, WAITS_MS},
    },
    ownlog::op,
    reason::{Masks, Notice, Orders},
};

/// What came to an end is shown for so long.
const SHOWN_MS: i64 = 86_400_000;

/// Keys by which this box takes such orders, as it last said; None: the hub's word is enough. Blocking.
pub fn keys(hub: &Hub, name: &BoxName) -> Result<Option<Vec<KnownKey>>, HubError> {
    let (record, _) = order::known(hub, name)?;
    match record.health {
        Some(health) => Ok(health.approvers),
        None => Err(Masks::NotSaidYet { name: name.clone() }.into()),
    }
}

/// Marks of this person's passkeys that the box knows.
fn own_keys(hub: &Hub, keys: &[KnownKey], account: u32) -> Result<Vec<String>, HubError> {
    let own = factors::passkeys(hub, account)?.into_iter();
    let own = own.map(|(_, k)| mark(&k.id));
    let who = op(account);
    Ok(own
        .filter(|own| keys.iter().any(|k| k.who == who && k.key == *own))
        .collect())
}

/// That a box which takes orders by people's own keys knows one of this person's: else they would touch for nothing. Blocking.
pub fn has_key(hub: &Hub, name: &BoxName, permit: &Permit) -> Result<(), HubError> {
    let Some(keys) = keys(hub, name)? else {
        return Ok(());
    };
    match own_keys(hub, &keys, permit.number())?.is_empty() {
        false => Ok(()),
        true => Err(Orders::KeyUnknown {
            name: name.clone(),
            person: permit.name().into(),
        }
        .into()),
    }
}

/// An order that waits for touches until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitsForTouches {
    pub order: u64,
    pub until: Utc,
}

/// Makes an order wait for both people, as part of the act that writes its line.
pub fn begin(
    hub: &Hub,
    act: &Act<'_>,
    order: Order,
    request: &ApprovalRecord,
    permit: &Permit,
) -> Result<WaitsForTouches, HubError> {
    let (n, now) = (order.order, hub.now());
    let until = now.plus_ms(WAITS_MS);
    let cam = match &order.act {
        What::MaskLift { cam, .. } => Some(cam.clone()),
        _ => None,
    };
    let record = KeyOrderRecord {
        n,
        ask: request.n,
        r#box: order.r#box.clone(),
        cam,
        text: Ordered::text(order).map_err(plain)?,
        made: now,
        standing: TouchStanding {
            state: State::Waiting,
            people: [request.asked_by, permit.number()],
            touched: Vec::new(),
            until,
            changed: now,
        },
        why: String::new(),
    };
    act.add_key_order(&record)?;
    Ok(WaitsForTouches { order: n, until })
}

/// That no other such order to this box is open. Within the act, before its line.
pub fn none_open(act: &Act<'_>, name: &BoxName) -> Result<(), HubError> {
    match act.key_order_at(name)? {
        None => Ok(()),
        Some(order) => Err(Orders::KeyOrderWaits {
            name: name.clone(),
            order,
        }
        .into()),
    }
}

/// Settles those whose time is over. Blocking.
pub fn settle(hub: &Hub) -> Result<(), HubError> {
    let now = hub.now();
    for o in hub.db.open_key_orders()? {
        if o.standing.apply(Event::Tick, now).is_err() {
            continue;
        }
        let why = match o.standing.state {
            State::Waiting => Orders::NotTouched,
            _ => Orders::StoppedMeanwhile,
        };
        fail(hub, &o, o.standing.state, "sys:hub", &HubError::from(why))?;
    }
    Ok(())
}

/// Whoever decides about that camera, or that box, may say that an order which waits for keys is not to be: it shows less. One that both have
/// touched is on its way. Blocking.
pub fn call_off(hub: &Hub, n: u64, permit: &Permit) -> Result<(), HubError> {
    settle(hub)?;
    let o = hub.db.key_order(n)?;
    let o = o.ok_or(Orders::TouchUnknown { order: n })?;
    let judge = |o: &KeyOrderRecord| {
        let ended = o.standing.apply(Event::CalledOff, hub.now());
        ended.map_err(|why| HubError::from(not_done(o, why)))
    };
    judge(&o)?;
    let name = permit.name().to_owned();
    let why = HubError::from(Orders::CalledOff { person: name });
    if fail(hub, &o, State::Waiting, &permit.op(), &why)? {
        return Ok(());
    }
    // Somebody was quicker: with the last touch, or with the same word.
    let now = hub.db.key_order(n)?.unwrap_or(o);
    judge(&now).map(drop)
}

/// The act is over: on the log, and for both to read. Whoever is first says so; false: somebody else was.
fn fail(
    hub: &Hub,
    o: &KeyOrderRecord,
    from: State,
    who: &str,
    why: &HubError,
) -> Result<bool, HubError> {
    let Failure { code, why } = Failure::of(why);
    hub.db.write(|tx| {
        if !tx.turn_key_order(o.n, (from, State::Failed), &why, hub.now())? {
            return Ok(false);
        }
        let line = OrderFail {
            order: o.n,
            r#box: o.r#box.to_string(),
            cam: o.cam.clone(),
            code: code.clone(),
            why: why.clone(),
        };
        hub.log.append(who, &line)?;
        Ok(true)
    })
}

/// A lift as it waits for touches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiftToTouch {
    /// BOX/CAM
    pub camera: String,
    pub mask: String,
    /// Hides meanwhile; None: nothing does.
    pub instead: Option<Substitute>,
    pub until: Utc,
    /// None: erased.
    pub authority: Option<String>,
    pub reason: Option<String>,
}

/// A change of who may approve, as it waits for touches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApproverToTouch {
    /// add, remove
    pub what: String,
    /// Name of the account; its number where there is none.
    pub account: String,
    /// First 16 letters of the SHA-256 of the key's id.
    pub key: String,
}

/// An order that waits, or waited lately, for the passkey of whoever asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TouchRow {
    pub order: u64,
    pub r#box: String,
    /// One of these two is there.
    pub lift: Option<LiftToTouch>,
    pub approver: Option<ApproverToTouch>,
    pub asked_by: String,
    pub approved_by: String,
    pub made: Utc,
    /// Waits for touches until then.
    pub expires: Utc,
    /// waiting, sent, done, failed
    pub state: String,
    /// Of one that failed.
    pub why: String,
    /// Who has touched.
    pub touched: Vec<String>,
    /// What the browser is asked for; None: it does not wait for whoever asks.
    pub passkey: Option<PasskeyOffer>,
}

/// Those that name whoever asks, and those that ended in the last day. Blocking.
pub fn list(hub: &Hub, part: &Part, permit: &Permit) -> Result<Rows<TouchRow>, HubError> {
    settle(hub)?;
    let (after, limit) = (part.number()?.unwrap_or(0), part.limit());
    let since = hub.now().plus_ms(-SHOWN_MS);
    let found = hub
        .db
        .key_orders_of(permit.number(), since, after, limit + 1)?;
    Rows::cut(found, limit, |o| o.n.to_string()).try_map(|o| row(hub, o, permit))
}

fn row(hub: &Hub, o: KeyOrderRecord, permit: &Permit) -> Result<TouchRow, HubError> {
    let name = |account: u32| {
        let found = hub.db.account_numbered(account)?;
        Ok::<_, HubError>(found.map_or_else(|| op(account), |a| a.name))
    };
    let ordered: Ordered = serde_json::from_str(&o.text).map_err(plain)?;
    let (mut lift, mut approver) = (None, None);
    match ordered.order.act {
        What::MaskLift {
            cam,
            mask,
            instead,
            until,
            authority,
        } => {
            let asked = hub.db.approval(o.ask)?.and_then(|a| a.reason);
            let text = |hash: &str| hub.db.side_text(hash).map_err(plain);
            lift = Some(LiftToTouch {
                camera: format!("{}/{cam}", o.r#box),
                mask,
                instead: instead.as_ref().map(Substitute::of),
                until,
                authority: text(&authority)?,
                reason: asked.as_deref().map_or(Ok(None), text)?,
            });
        }
        What::Approvers { change } => {
            let (what, who, key) = said(&change);
            let account = crate::ownlog::number(&who).map_or(Ok(who), name)?;
            approver = Some(ApproverToTouch {
                what: what.into(),
                account,
                key,
            });
        }
        _ => {}
    }
    let me = permit.number();
    let mine = o.standing.apply(Event::Touched(me), hub.now()).is_ok();
    let passkey = match (mine, keys(hub, &o.r#box)) {
        (true, Ok(Some(keys))) => {
            let own = own_keys(hub, &keys, me)?;
            let challenge = challenge(&o.text);
            Some(factors::to_touch(hub, me, permit.name(), &challenge, &own)?)
        }
        _ => None,
    };
    let [asked, approved] = o.standing.people;
    let touched = o.standing.touched.iter().map(|n| name(*n));
    Ok(TouchRow {
        order: o.n,
        r#box: o.r#box.to_string(),
        lift,
        approver,
        asked_by: name(asked)?,
        approved_by: name(approved)?,
        made: o.made,
        expires: o.standing.until,
        state: o.standing.state.word().into(),
        why: o.why,
        touched: touched.collect::<Result<_, _>>()?,
        passkey,
    })
}

/// What every page says to somebody for whose passkey an order waits. Blocking.
pub fn notices(hub: &Hub, account: u32) -> Result<Vec<Notice>, HubError> {
    let (now, zone) = (hub.now(), &hub.config.zone);
    let open = hub.db.open_key_orders()?.into_iter();
    let mine = open.filter(|o| o.standing.apply(Event::Touched(account), now).is_ok());
    Ok(mine
        .map(|o| Notice::KeyAwaited {
            order: o.n,
            until: LocalTime::of(o.standing.until, zone),
            name: o.r#box,
        })
        .collect())
}

/// What came of a touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TouchOutcome {
    pub order: u64,
    /// The other person has not touched yet; nothing was sent.
    pub waits: bool,
    /// Of a lift that the box has obeyed: its end by the box's clock.
    pub until: Option<Utc>,
}

/// An order that both have approved, on its way.
struct Ready {
    way: BoxRoute,
    record: KeyOrderRecord,
    order: SignedOrder,
}

/// One person's touch; `credential` is the JSON their browser handed over. With the second the order goes to the box.
pub async fn give(
    hub: &Arc<Hub>,
    n: u64,
    credential: String,
    permit: &Permit,
) -> Result<TouchOutcome, HubError> {
    let (d, p) = (hub.clone(), permit.clone());
    let ready = blocking(move || touch(&d, n, &credential, &p)).await??;
    let Some(Ready { way, record, order }) = ready else {
        return Ok(TouchOutcome {
            order: n,
            waits: true,
            until: None,
        });
    };
    let name = way.name.clone();
    let done = way.send(hub, order).await.map_err(HubError::from);
    let until = match done {
        Ok(Done::Lift { until }) if record.cam.is_some() => Ok(Some(until)),
        Ok(Done::Approvers) if record.cam.is_none() => Ok(None),
        Ok(_) => Err(order::odd(&name)),
        Err(e) => Err(e),
    };
    let (d, who) = (hub.clone(), permit.op());
    blocking(move || match until {
        Ok(until) => {
            let (from, now) = ((State::Sent, State::Done), d.now());
            d.db.turn_key_order(n, from, "", now)?;
            Ok(TouchOutcome {
                order: n,
                waits: false,
                until,
            })
        }
        Err(e) => {
            fail(&d, &record, State::Sent, &who, &e)?;
            Err(e)
        }
    })
    .await?
}

/// Blocking. None: it waits for the other person.
fn touch(hub: &Hub, n: u64, credential: &str, permit: &Permit) -> Result<Option<Ready>, HubError> {
    settle(hub)?;
    let find = || {
        let found = hub.db.key_order(n)?;
        found.ok_or_else(|| HubError::from(Orders::TouchUnknown { order: n }))
    };
    let (record, me) = (find()?, permit.number());
    let next = |o: &KeyOrderRecord| {
        let event = Event::Touched(me);
        o.standing
            .apply(event, hub.now())
            .map_err(|why| HubError::from(not_done(o, why)))
    };
    // With the last touch it is sent at once: a box that is away gets it when it is back, if that is in time.
    let way = match next(&record)? {
        State::Sent => Some(order::way(hub, &record.r#box)?),
        _ => None,
    };
    let touch = factors::touched(hub, me, &challenge(&record.text), credential)?;
    let sent = hub.act(|act| {
        let state = next(&find()?)?;
        if !touch.use_up(act, hub.now())? {
            return Err(Orders::TouchedAlready { order: n }.into());
        }
        let touched = TouchRecord {
            op: me,
            factor: touch.factor,
            assertion: touch.assertion.clone(),
            made: hub.now(),
        };
        act.add_touch(n, &touched)?;
        if state == State::Sent {
            let way = (State::Waiting, State::Sent);
            act.turn_key_order(n, way, "", hub.now())?;
        }
        let line = OrderTouch {
            order: n,
            factor: touch.factor,
            by: permit.op(),
        };
        act.log(&permit.op(), &line)?;
        Ok(state == State::Sent)
    })?;
    if !sent {
        return Ok(None);
    }
    let way = way.map_or_else(|| order::way(hub, &record.r#box), Ok);
    let ready = way.and_then(|way| {
        let order = approved(hub, &record)?;
        let record = record.clone();
        Ok(Ready { way, record, order })
    });
    match ready {
        Ok(ready) => Ok(Some(ready)),
        Err(e) => {
            fail(hub, &record, State::Sent, &permit.op(), &e)?;
            Err(e)
        }
    }
}

fn not_done(o: &KeyOrderRecord, why: NotDone) -> Orders {
    let order = o.n;
    match why {
        NotDone::NotYours => Orders::TouchNotYours { order },
        NotDone::Already => Orders::TouchedAlready { order },
        NotDone::Late | NotDone::NotYet => Orders::NotTouched,
        NotDone::Over(state) => Orders::TouchOver { order, state },
    }
}

/// The same text with what both have touched, signed.
fn approved(hub: &Hub, o: &KeyOrderRecord) -> Result<SignedOrder, HubError> {
    let ordered: Ordered = serde_json::from_str(&o.text).map_err(plain)?;
    let touches = hub.db.touches(o.n)?.into_iter();
    let approvals = touches.map(|t| Approval {
        who: op(t.op),
        passkey: t.assertion,
    });
    order::signed_with(hub, ordered.order, approvals.collect())
}

/// What a change says: add or remove, whose key, its mark.
pub fn said(change: &Change) -> (&'static str, String, String) {
    match change {
        Change::Add { approver } => ("add", approver.who.clone(), mark(&approver.passkey.id)),
        Change::Remove { who, id } => ("remove", who.clone(), mark(id)),
    }
}
