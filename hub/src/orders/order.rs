//! Task. An order's way to a box that is on the line, and its answer, while whoever ordered waits.

use std::{fmt, sync::Arc, time::Duration};

use shared::{
    approval::Approval,
    id::{BoxCamera, BoxName},
    order::{Act, Done, Order, Ordered, Outcome, Refusal},
    types::Data,
    wire::{CameraInfo, ToBox},
};
use tokio::sync::mpsc::Sender;

use crate::{
    blocking::blocking,
    db::boxes::BoxRecord,
    error::{HubError, plain},
    hub::Hub,
    model::order::Failure,
    reason::{Footage, Orders, PullReason},
};

const ANSWER: Duration = Duration::from_secs(30);

/// Why an order was not obeyed, as far as is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotObeyed {
    Refused {
        name: BoxName,
        refusal: Refusal,
    },
    /// The connection did: whether the box has obeyed will be in its log.
    Broke(BoxName),
    /// It has not answered in time.
    Silent(BoxName),
    /// It answered in words this hub does not know.
    Odd(BoxName),
}

impl From<NotObeyed> for Orders {
    fn from(why: NotObeyed) -> Self {
        match why {
            NotObeyed::Refused { name, refusal } => Self::BoxRefused { name, refusal },
            NotObeyed::Broke(name) => Self::LineBroke { name },
            NotObeyed::Silent(name) => Self::BoxSilent {
                name,
                secs: ANSWER.as_secs(),
            },
            NotObeyed::Odd(name) => Self::BoxOdd { name },
        }
    }
}

impl From<NotObeyed> for PullReason {
    fn from(why: NotObeyed) -> Self {
        match why {
            NotObeyed::Refused { name, refusal } => Self::BoxRefused { name, refusal },
            NotObeyed::Broke(name) => Self::LineBroke { name },
            NotObeyed::Silent(name) => Self::BoxSilent {
                name,
                secs: ANSWER.as_secs(),
            },
            NotObeyed::Odd(name) => Self::BoxOdd { name },
        }
    }
}

impl fmt::Display for NotObeyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Orders::from(self.clone()), f)
    }
}

impl From<NotObeyed> for HubError {
    fn from(why: NotObeyed) -> Self {
        Orders::from(why).into()
    }
}

impl NotObeyed {
    /// As a line has it.
    pub fn failure(&self) -> Failure {
        let why = Orders::from(self.clone());
        Failure::new(why.cause(), &why.to_string())
    }

    /// Whether the same order may be obeyed at another time.
    pub fn passes(&self) -> bool {
        match self {
            Self::Refused { refusal, .. } => refusal.passes(),
            Self::Broke(_) | Self::Silent(_) => true,
            Self::Odd(_) => false,
        }
    }
}

/// A box that is on the line. Taken before an order is logged: one that is offline gets none.
pub struct BoxRoute {
    pub name: BoxName,
    /// The connection.
    pub id: u64,
    orders: Sender<ToBox>,
}

/// Orders are for now: a box that is offline gets none.
pub fn way(hub: &Hub, name: &BoxName) -> Result<BoxRoute, HubError> {
    reach(hub, name).ok_or_else(|| Orders::BoxOffline { name: name.clone() }.into())
}

/// The way to a box for somebody who orders it something for a reason, which is not empty; the reason without what stands round it.
pub async fn way_with_reason(
    hub: &Arc<Hub>,
    name: &BoxName,
    reason: &str,
) -> Result<(BoxRoute, String), HubError> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Orders::ReasonWanted.into());
    }
    let (d, n) = (hub.clone(), name.clone());
    blocking(move || known(&d, &n)).await??;
    Ok((way(hub, name)?, reason))
}

/// The same for whoever waits for the box by himself.
pub fn reach(hub: &Hub, name: &BoxName) -> Option<BoxRoute> {
    let (id, _, orders) = hub.live.reach(name)?;
    Some(BoxRoute {
        name: name.clone(),
        id,
        orders,
    })
}

/// An order as it goes out, with the number its answer will have.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedOrder {
    pub number: u64,
    pub message: ToBox,
}

impl BoxRoute {
    /// Sends the order and waits as long as somebody is made to wait.
    pub async fn send(self, hub: &Hub, order: SignedOrder) -> Result<Done, NotObeyed> {
        let name = self.name.clone();
        let answered = tokio::time::timeout(ANSWER, self.send_patiently(hub, order)).await;
        answered.unwrap_or(Err(NotObeyed::Silent(name)))
    }

    /// Sends the order and waits until the box answers or goes away.
    pub async fn send_patiently(self, hub: &Hub, order: SignedOrder) -> Result<Done, NotObeyed> {
        let Self { name, id, orders } = self;
        let Some(slot) = hub.live.slot(&name, id, order.number) else {
            return Err(NotObeyed::Broke(name));
        };
        if orders.send(order.message).await.is_err() {
            return Err(NotObeyed::Broke(name));
        }
        match slot.answer().await {
            Some(Ok(Outcome::Done(Done::Unknown)) | Err(_)) => Err(NotObeyed::Odd(name)),
            Some(Ok(Outcome::Done(done))) => Ok(done),
            Some(Ok(Outcome::Refused(refusal))) => Err(NotObeyed::Refused { name, refusal }),
            None => Err(NotObeyed::Broke(name)),
        }
    }
}

/// Puts an order on the record, has it carried out, and puts on the record why it was not. `log` writes the order's line and gives the line's
/// number, which is the order's, with who has a part in it and what is to be done; `failed` makes the line for one that was not obeyed.
/// Lines are `who`'s.
pub async fn obeyed<D: Data + Send + 'static>(
    hub: &Arc<Hub>,
    way: BoxRoute,
    who: &str,
    log: impl FnOnce(&Hub) -> Result<(u64, Vec<String>, Act), HubError> + Send + 'static,
    failed: impl FnOnce(u64, Failure) -> D,
) -> Result<Done, HubError> {
    let (d, name) = (hub.clone(), way.name.clone());
    let order = blocking(move || -> Result<_, HubError> {
        let (order, by, act) = log(&d)?;
        let made = d.now();
        let r#box = name;
        let order = Order {
            order,
            made,
            r#box,
            by,
            act,
        };
        signed(&d, order)
    })
    .await??;
    sent(hub, way, order, who, failed).await
}

/// Sends an order that is on the record; what the box did. That it was not obeyed is put on the record, too: `failed` makes that line, which is
/// `who`'s.
pub async fn sent<D: Data + Send + 'static>(
    hub: &Arc<Hub>,
    way: BoxRoute,
    order: SignedOrder,
    who: &str,
    failed: impl FnOnce(u64, Failure) -> D,
) -> Result<Done, HubError> {
    let number = order.number;
    let why = match way.send(hub, order).await {
        Ok(done) => return Ok(done),
        Err(why) => why,
    };
    let (d, by) = (hub.clone(), who.to_owned());
    let line = failed(number, why.failure());
    blocking(move || d.log.append(&by, &line).map(drop))
        .await?
        .map_err(plain)?;
    Err(why.into())
}

/// What a box did is not what it was told to do: it is another version, or not sound.
pub fn odd(name: &BoxName) -> HubError {
    NotObeyed::Odd(name.clone()).into()
}

/// An order as it goes out.
pub fn signed(hub: &Hub, order: Order) -> Result<SignedOrder, HubError> {
    signed_with(hub, order, Vec::new())
}

/// The same of one that people approved with their own keys.
pub fn signed_with(
    hub: &Hub,
    order: Order,
    approvals: Vec<Approval>,
) -> Result<SignedOrder, HubError> {
    let number = order.order;
    let order = Ordered::approved(order, approvals).map_err(plain)?;
    let sig = hub.keys.sign_order(&order);
    let message = ToBox::Order { order, sig };
    Ok(SignedOrder { number, message })
}

/// A box that has been on the line at least once, and its cameras as it named them last. Blocking.
pub fn known(hub: &Hub, name: &BoxName) -> Result<(BoxRecord, Vec<CameraInfo>), HubError> {
    let record = hub
        .db
        .box_named(name)
        .map_err(plain)?
        .ok_or_else(|| Footage::BoxUnknown { name: name.clone() })?;
    let Some(hello) = &record.hello else {
        return Err(Orders::BoxNeverThere {
            name: name.clone(),
            state: record.state,
        }
        .into());
    };
    let cameras = hello.cameras.clone();
    Ok((record, cameras))
}

/// A camera of a box's. Blocking.
pub fn camera(
    name: &BoxName,
    cameras: &[CameraInfo],
    cam: &shared::id::CameraId,
) -> Result<CameraInfo, HubError> {
    cameras
        .iter()
        .find(|c| c.cam == *cam)
        .cloned()
        .ok_or_else(|| {
            let has = cameras.iter().map(|c| c.cam.to_string()).collect();
            let camera = BoxCamera {
                r#box: name.clone(),
                cam: cam.clone(),
            };
            Orders::BoxHasNoCamera { camera, has }.into()
        })
}
