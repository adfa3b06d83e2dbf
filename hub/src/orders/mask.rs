//! Task. Masks by order: one person asks that a mask be lifted, a second approves, and the box is told; one is enough to end a lift, or
//! to set another mask that hides as much (MSK-4, ROL-5). A mask that hides less is a lift, under which it takes the other's place.
//!
//! A request is one of the table of approvals (`lift.ask`); it is forgotten after an hour (`op.drop`). What is ordered is a
//! `mask.order` line before it goes out, whose number is the order's and which names everybody who had a part in it; what becomes of
//! it, unless it was obeyed, is an `order.fail` line. A lift ends by itself at the box; nothing here remembers it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    id::BoxCamera,
    mask::{How, LONGEST_LIFT_MINUTES, Mask, UNKNOWN, from_toml},
    order::{Act, Done, Order},
    record::hex,
    time::Utc,
    types::{LiftAsk, MaskOrder, OrderFail},
    wire::MaskInfo,
};
use utoipa::ToSchema;

use super::{
    order,
    touches::{self, WaitsForTouches},
};
use crate::{
    access::{approvals, authorise::Permit},
    blocking::blocking,
    db::{
        lifts::{LiftRecord, NewLift},
        visible::VisibleRows,
    },
    error::{HubError, plain},
    hub::Hub,
    list::{Part, Rows},
    model::{approval::Kind, local_time::LocalTime, order::Failure, substitute::Substitute},
    ownlog::op,
    reason::{Masks, Orders},
    texts::keep_salted,
};

/// A lift as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = LiftWanted)]
pub struct LiftRequest {
    pub until: Option<Utc>,
    pub minutes: Option<u32>,
    pub authority: String,
    pub reason: String,
    /// TOML, the keys of `[camera.mask]`: hides meanwhile. None: nothing does.
    #[serde(default)]
    pub file: Option<String>,
}

/// A lift of a mask that waits for a second person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiftRow {
    pub n: u64,
    pub camera: String,
    pub mask: String,
    /// Hides meanwhile; None: nothing does.
    #[serde(default)]
    pub instead: Option<Substitute>,
    pub until: Option<Utc>,
    /// From the order on, when there is no `until`.
    pub minutes: Option<u32>,
    /// None: erased.
    pub authority: Option<String>,
    pub reason: Option<String>,
    /// Who asked, as the log names them.
    pub by: String,
    pub made: Utc,
    pub expires: Utc,
}

impl LiftRow {
    /// The mask, and what hides while it is lifted.
    pub fn mask_in_words(&self) -> String {
        match &self.instead {
            Some(instead) => format!("{}; meanwhile {}", self.mask, instead.in_words()),
            None => format!("{}; meanwhile nothing hides", self.mask),
        }
    }
}

/// The mask in force on a camera, as its box last said. Blocking.
pub fn in_force(hub: &Hub, camera: &BoxCamera) -> Result<Option<MaskInfo>, HubError> {
    let (record, cameras) = order::known(hub, &camera.r#box)?;
    order::camera(&camera.r#box, &cameras, &camera.cam)?;
    let Some(health) = record.health else {
        return Err(Masks::NotSaidYet {
            name: camera.r#box.clone(),
        }
        .into());
    };
    Ok(health.camera(&camera.cam).and_then(|c| c.mask.clone()))
}

/// Takes a request in; its number. Blocking.
pub fn ask(
    hub: &Hub,
    camera: &BoxCamera,
    wanted: &LiftRequest,
    permit: &Permit,
) -> Result<LiftRow, HubError> {
    if wanted.authority.trim().is_empty() || wanted.reason.trim().is_empty() {
        return Err(Masks::AuthorityWanted.into());
    }
    ends(hub, wanted.until, wanted.minutes)?;
    let mask = in_force(hub, camera)?.ok_or_else(|| Masks::NothingToLift {
        camera: camera.clone(),
    })?;
    if mask.how == "camera" {
        return Err(Masks::InTheCamera {
            camera: camera.clone(),
            mask: mask.id,
        }
        .into());
    }
    let instead = match &wanted.file {
        Some(file) => Some(substitute(file, &mask)?),
        None => None,
    };
    order::way(hub, &camera.r#box)?;
    touches::has_key(hub, &camera.r#box, permit)?;
    let n = hub.act(|act| {
        let (authority, reason) = (
            keep_salted(hub, wanted.authority.trim())?,
            keep_salted(hub, wanted.reason.trim())?,
        );
        let line = |ask| LiftAsk {
            ask,
            r#box: camera.r#box.to_string(),
            cam: camera.cam.clone(),
            mask: mask.id.clone(),
            until: wanted.until,
            minutes: wanted.minutes.map(u64::from),
            authority: authority.clone(),
            reason: reason.clone(),
            by: permit.op(),
            instead: instead.as_ref().map(|m| m.id.clone()),
            sha256: instead.as_ref().map(|m| hex(&m.digest())),
        };
        let (about, why) = (camera.to_string(), Some(reason.as_str()));
        let n = approvals::ask_within(hub, act, permit, Kind::Lift, &about, "null", why, line)?;
        let lift = NewLift {
            camera: camera.clone(),
            mask: mask.id.clone(),
            instead: instead.clone(),
            until: wanted.until,
            minutes: wanted.minutes,
            authority,
        };
        act.add_lift(n, &lift)?;
        Ok(n)
    })?;
    row(hub, found(hub, n)?)
}

/// A mask as it stands in a file, or all that is wrong with it.
fn read(file: &str) -> Result<Mask, HubError> {
    from_toml(file).map_err(|wrong| {
        let wrong = wrong.iter().map(ToString::to_string).collect();
        Masks::Unusable { wrong }.into()
    })
}

/// The mask that is to hide while another is lifted. Whether it hides less, point by point, only the box can tell.
fn substitute(file: &str, before: &MaskInfo) -> Result<Mask, HubError> {
    let mask = Mask {
        review: None,
        reviewer: None,
        ..read(file)?
    };
    if mask.id == before.id {
        return Err(Masks::SameVersion { mask: mask.id }.into());
    }
    if mask.how == How::Camera {
        return Err(Masks::SubstituteInTheCamera { mask: mask.id }.into());
    }
    if hex(&mask.digest()) == before.sha256 && mask.style.code() == before.style {
        return Err(Masks::SubstituteHidesTheSame {
            mask: mask.id,
            before: before.id.clone(),
        }
        .into());
    }
    Ok(mask)
}

/// When a lift that begins now ends, or why it cannot be.
fn ends(hub: &Hub, until: Option<Utc>, minutes: Option<u32>) -> Result<Utc, HubError> {
    let now = hub.now();
    let until = match (until, minutes) {
        (Some(until), None) => until,
        (None, Some(minutes)) => now.plus_ms(i64::from(minutes) * 60_000),
        _ => {
            return Err(Masks::EndWanted.into());
        }
    };
    if until <= now {
        let local = |t| LocalTime::of(t, &hub.config.zone);
        let (until, now) = (local(until), local(now));
        return Err(Masks::EndPassed { until, now }.into());
    }
    if until.0 - now.0 > i64::from(LONGEST_LIFT_MINUTES) * 60_000 {
        return Err(Masks::EndTooFar {
            hours: LONGEST_LIFT_MINUTES / 60,
        }
        .into());
    }
    Ok(until)
}

fn row(hub: &Hub, l: LiftRecord) -> Result<LiftRow, HubError> {
    let text = |hash: &str| hub.db.side_text(hash).map_err(plain);
    let LiftRecord { asked, lift } = l;
    Ok(LiftRow {
        n: asked.n,
        camera: lift.camera.to_string(),
        mask: lift.mask,
        instead: lift.instead.as_ref().map(Substitute::of),
        until: lift.until,
        minutes: lift.minutes,
        authority: text(&lift.authority)?,
        reason: asked.reason.as_deref().map_or(Ok(None), text)?,
        by: op(asked.asked_by),
        made: asked.made,
        expires: asked.until,
    })
}

/// Those that wait for a second person; what nobody approved in time is put aside, on the record. Blocking.
pub fn list(hub: &Hub, seen: &VisibleRows, part: &Part) -> Result<Rows<LiftRow>, HubError> {
    approvals::waiting(hub)?;
    let (after, limit) = (part.number()?, part.limit());
    let found = hub.db.pending_lifts(seen, after, limit + 1)?;
    Rows::cut(found, limit, |l| l.asked.n.to_string()).try_map(|l| row(hub, l))
}

/// One that was asked for.
fn found(hub: &Hub, n: u64) -> Result<LiftRecord, HubError> {
    let found = hub.db.lift(n)?;
    found.ok_or_else(|| Masks::LiftUnknown { request: n }.into())
}

/// The same, if it waits still.
fn waiting(hub: &Hub, n: u64) -> Result<LiftRecord, HubError> {
    approvals::waiting(hub)?;
    let lift = found(hub, n)?;
    approvals::still_waits(&lift.asked)?;
    Ok(lift)
}

/// Blocking.
pub fn withdraw(hub: &Hub, n: u64, permit: &Permit) -> Result<(), HubError> {
    approvals::withdraw(hub, &waiting(hub, n)?.asked, permit)
}

/// An order that is logged and signed, and on its way.
struct ReadyOrder {
    way: order::BoxRoute,
    camera: BoxCamera,
    order: order::SignedOrder,
    /// Whoever gave it.
    who: String,
}

/// What came of the second person's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiftApproval {
    /// The end of the lift: by the box's clock, once it is lifted.
    pub until: Utc,
    /// Nothing is lifted yet: the box takes the order when both people have touched their passkeys for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touches: Option<WaitsForTouches>,
}

/// The second person's word: orders the lift, or has both people touch their passkeys for it first, where the box takes it only so.
pub async fn approve(hub: &Arc<Hub>, n: u64, permit: &Permit) -> Result<LiftApproval, HubError> {
    let (d, w) = (hub.clone(), permit.clone());
    let ready = match blocking(move || order_lift(&d, n, &w)).await?? {
        (_, Next::Send(ready)) => ready,
        (until, Next::Touch(waits)) => {
            return Ok(LiftApproval {
                until,
                touches: Some(waits),
            });
        }
    };
    let name = ready.camera.r#box.clone();
    match send(hub, *ready).await? {
        Done::Lift { until } => Ok(LiftApproval {
            until,
            touches: None,
        }),
        _ => Err(order::odd(&name)),
    }
}

/// What is next for a lift that two people want.
enum Next {
    Send(Box<ReadyOrder>),
    Touch(WaitsForTouches),
}

/// Its end, and what is next. Blocking.
fn order_lift(hub: &Hub, n: u64, permit: &Permit) -> Result<(Utc, Next), HubError> {
    let LiftRecord { asked, lift } = waiting(hub, n)?;
    approvals::second_person(hub, &asked, permit)?;
    let until = ends(hub, lift.until, lift.minutes)?;
    let name = lift.camera.r#box.clone();
    let way = order::way(hub, &name)?;
    touches::settle(hub)?;
    let by_keys = touches::keys(hub, &name)?.is_some();
    touches::has_key(hub, &name, permit)?;
    let by = vec![op(asked.asked_by), permit.op()];
    let line = MaskOrder {
        until: Some(until),
        authority: Some(lift.authority.clone()),
        reason: asked.reason.clone(),
        ask: Some(n),
        sha256: lift.instead.as_ref().map(|m| hex(&m.digest())),
        instead: lift.instead.as_ref().map(|m| m.id.clone()),
        ..blank("lift", &lift.camera, &lift.mask, &by)
    };
    let what = Act::MaskLift {
        cam: lift.camera.cam.clone(),
        mask: lift.mask,
        instead: lift.instead,
        until,
        authority: lift.authority,
    };
    let next = hub.act(|act| {
        if by_keys {
            touches::none_open(act, &name)?;
        }
        approvals::approve_within(hub, act, &asked, permit)?;
        let order = Order {
            order: act.log(last(&by), &line)?,
            made: hub.now(),
            r#box: name,
            by: by.clone(),
            act: what,
        };
        Ok(match by_keys {
            true => Next::Touch(touches::begin(hub, act, order, &asked, permit)?),
            false => Next::Send(Box::new(ReadyOrder {
                way,
                camera: lift.camera,
                order: order::signed(hub, order)?,
                who: permit.op(),
            })),
        })
    })?;
    Ok((until, next))
}

/// The mask is to be back at once.
pub async fn end(
    hub: &Arc<Hub>,
    camera: &BoxCamera,
    reason: &str,
    permit: &Permit,
) -> Result<(), HubError> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Orders::ReasonWanted.into());
    }
    give(hub, camera, permit, move |d, c, by| {
        let line = MaskOrder {
            mask: in_force(d, c)?.map(|m| m.id),
            reason: Some(keep_salted(d, &reason)?),
            ..blank("end", c, "", by)
        };
        let cam = c.cam.clone();
        Ok((line, Act::MaskEnd { cam }, ()))
    })
    .await
    .map(drop)
}

/// Another mask, from a file with the keys of `[camera.mask]`; its id.
pub async fn set(
    hub: &Arc<Hub>,
    camera: &BoxCamera,
    file: &str,
    permit: &Permit,
) -> Result<String, HubError> {
    let mask = read(file)?;
    let (_, id) = give(hub, camera, permit, move |d, c, by| {
        let (_, cameras) = order::known(d, &c.r#box)?;
        order::camera(&c.r#box, &cameras, &c.cam)?;
        // The box compares point by point; what is smaller as a whole need not go there.
        if let Some(before) = in_force(d, c)?
            && before.id != UNKNOWN
            && mask.permille() < before.permille
        {
            return Err(Masks::CoversLess {
                camera: c.clone(),
                permille: mask.permille(),
                mask: mask.id,
                before: before.id,
                covered: before.permille,
            }
            .into());
        }
        let line = MaskOrder {
            sha256: Some(hex(&mask.digest())),
            ..blank("set", c, &mask.id, by)
        };
        let reviewer = mask
            .reviewer
            .as_deref()
            .map(|r| keep_salted(d, r))
            .transpose()?;
        let id = mask.id.clone();
        let act = Act::MaskSet {
            cam: c.cam.clone(),
            mask,
            reviewer,
        };
        Ok((line, act, id))
    })
    .await?;
    Ok(id)
}

/// Logs an order of one person's, sends it, and waits for the box. `made`: its line, what is to be done, and what the caller wants to know
/// of it; comes back with the number once the box has obeyed.
pub async fn give<T: Send + 'static>(
    hub: &Arc<Hub>,
    camera: &BoxCamera,
    permit: &Permit,
    made: impl FnOnce(&Hub, &BoxCamera, &[String]) -> Result<(MaskOrder, Act, T), HubError>
    + Send
    + 'static,
) -> Result<(u64, T), HubError> {
    let way = order::way(hub, &camera.r#box)?;
    let (d, c, w) = (hub.clone(), camera.clone(), permit.op());
    let (order, told) = blocking(move || -> Result<_, HubError> {
        let by = vec![w.clone()];
        let (line, act, told) = made(&d, &c, &by)?;
        let order = Order {
            order: d.act(|act| act.log(&w, &line))?,
            made: d.now(),
            r#box: c.r#box,
            by,
            act,
        };
        Ok((order::signed(&d, order)?, told))
    })
    .await??;
    let number = order.number;
    let ready = ReadyOrder {
        way,
        camera: camera.clone(),
        order,
        who: permit.op(),
    };
    match send(hub, ready).await? {
        Done::Mask => Ok((number, told)),
        _ => Err(order::odd(&camera.r#box)),
    }
}

pub fn blank(what: &str, camera: &BoxCamera, mask: &str, by: &[String]) -> MaskOrder {
    MaskOrder {
        what: what.into(),
        r#box: camera.r#box.to_string(),
        cam: camera.cam.clone(),
        mask: Some(mask.to_owned()).filter(|m| !m.is_empty()),
        until: None,
        authority: None,
        reason: None,
        sha256: None,
        ask: None,
        by: by.to_vec(),
        r#ref: None,
        review: None,
        instead: None,
    }
}

/// Whoever gave the order: the last to have a part in it.
fn last(by: &[String]) -> &str {
    by.last().map_or("sys:hub", String::as_str)
}

/// Sends it; what the box did. That it was not obeyed is logged.
async fn send(hub: &Arc<Hub>, ready: ReadyOrder) -> Result<Done, HubError> {
    let camera = ready.camera;
    let failed = |order, Failure { code, why }| OrderFail {
        order,
        r#box: camera.r#box.to_string(),
        cam: Some(camera.cam.clone()),
        code,
        why,
    };
    order::sent(hub, ready.way, ready.order, &ready.who, failed).await
}
