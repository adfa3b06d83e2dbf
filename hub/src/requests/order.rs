//! Task. An order's way to a box that is on the line, and its answer, while whoever ordered waits.

use std::{sync::Arc, time::Duration};

use shared::{
    id::BoxName,
    types::Data,
    wire::{CameraInfo, Order, Ordered, ToBox, ToHub},
};
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    mpsc::Sender,
    watch,
};

use crate::{
    db::boxes::BoxRecord,
    desk::{Desk, blocking},
    error::{HubError, plain},
};

const ANSWER: Duration = Duration::from_secs(30);
/// Letters of the reason in a line about an order that was not carried out.
const LONGEST_WHY: usize = 300;

/// A box that is on the line. Taken before an order is logged, so that its answer is not missed.
pub struct Way {
    name: BoxName,
    id: u64,
    orders: Sender<ToBox>,
    said: Receiver<(BoxName, ToHub)>,
    changes: watch::Receiver<u64>,
}

/// Orders are for now: a box that is offline gets none.
pub fn way(desk: &Desk, name: &BoxName) -> Result<Way, HubError> {
    let (said, changes) = (desk.live.listen(), desk.live.watch());
    let Some((id, _, orders)) = desk.live.reach(name) else {
        return Err(HubError::Refused(format!(
            "box {name} is offline, and an order is for now: nothing was ordered; give it again when the box is back"
        )));
    };
    Ok(Way {
        name: name.clone(),
        id,
        orders,
        said,
        changes,
    })
}

impl Way {
    /// Sends the order; what the box answers, or why there is no answer, in a sentence.
    pub async fn send<T>(
        mut self,
        desk: &Desk,
        order: ToBox,
        answer: impl Fn(ToHub) -> Option<Result<T, String>>,
    ) -> Result<T, String> {
        let name = self.name.clone();
        let broke = || {
            format!("the connection to box {name} broke; whether it has obeyed will be in its log")
        };
        let answered = async {
            self.orders.send(order).await.map_err(|_| broke())?;
            loop {
                tokio::select! {
                    heard = self.said.recv() => match heard {
                        Ok((b, message)) if b == self.name => {
                            if let Some(answer) = answer(message) {
                                return answer.map_err(|why| format!("box {name} did not obey: {why}"));
                            }
                        }
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return Err("the hub is stopping".into()),
                    },
                    _ = self.changes.changed() => {
                        if desk.live.reach(&self.name).is_none_or(|(now, ..)| now != self.id) {
                            return Err(broke());
                        }
                    }
                }
            }
        };
        tokio::time::timeout(ANSWER, answered).await.unwrap_or_else(|_| {
            Err(format!(
                "box {} has not answered within {} s; if it obeys after all, its log will say so",
                self.name,
                ANSWER.as_secs()
            ))
        })
    }
}

/// Puts an order on the record, has it carried out, and puts on the record why it was not. `log` writes the order's line and gives the line's
/// number, which is the order's, and the order; `answer` knows the box's answer to it; `failed` makes the line for one that was not obeyed.
/// Lines are `who`'s.
pub async fn obeyed<T, D: Data + Send + 'static>(
    desk: &Arc<Desk>,
    way: Way,
    who: &str,
    log: impl FnOnce(&Desk) -> Result<(u64, Order), HubError> + Send + 'static,
    answer: impl Fn(u64, ToHub) -> Option<Result<T, String>>,
    failed: impl FnOnce(u64, String) -> D,
) -> Result<T, HubError> {
    let d = desk.clone();
    let (number, order) = blocking(move || -> Result<_, HubError> {
        let (number, order) = log(&d)?;
        Ok((number, signed(&d, &order)?))
    })
    .await??;
    let why = match way.send(desk, order, |heard| answer(number, heard)).await {
        Ok(done) => return Ok(done),
        Err(why) => why,
    };
    let (d, by) = (desk.clone(), who.to_owned());
    let line = failed(number, why.chars().take(LONGEST_WHY).collect());
    blocking(move || d.log.append(&by, &line).map(drop))
        .await?
        .map_err(plain)?;
    Err(HubError::Refused(why))
}

/// An order as it goes out.
pub fn signed(desk: &Desk, order: &Order) -> Result<ToBox, HubError> {
    let order = Ordered::text(order.clone()).map_err(plain)?;
    let sig = desk.keys.sign_order(&order);
    Ok(ToBox::Order { order, sig })
}

/// A box that has been on the line at least once, and its cameras as it named them last. Blocking.
pub fn known(desk: &Desk, name: &BoxName) -> Result<(BoxRecord, Vec<CameraInfo>), HubError> {
    let record = desk.db.box_named(name).map_err(plain)?.ok_or_else(|| {
        HubError::Missing(format!(
            "there is no box {name}; `beadle-hub box list` shows them"
        ))
    })?;
    let Some(hello) = &record.hello else {
        return Err(HubError::Refused(format!(
            "box {name} is {} and has never been on the line; nothing was ordered",
            record.state
        )));
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
            let has: Vec<&str> = cameras.iter().map(|c| c.cam.as_str()).collect();
            HubError::Refused(format!(
                "box {name} has no camera {cam}; it has {}",
                has.join(", ")
            ))
        })
}
