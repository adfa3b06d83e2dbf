//! Task. Operations: everything that somebody can have the hub do, once each. Pages, commands and programs all come through [`perform`].
//!
//! An operation is a struct with what is asked, in the words of its JSON; its row in [`crate::access::table`] says who may; its `perform`
//! hands the [`Permit`] on to the room that does it.
//!
//! | module | operations |
//! |---|---|
//! | [`boxes`] | boxes: list, add, revoke, a new log, a sweep |
//! | [`footage`] | footage, retention, recording rates |
//! | [`clips`] | clips: list, pull, follow, watch, save |
//! | [`evidence`] | what is kept as evidence, and its disposal |
//! | [`holds`] | footage kept beyond its day |
//! | [`masks`] | masks, their reviews and lifts |
//! | [`staff`] | accounts, and reading the logs |
use std::{future::Future, sync::Arc};

use futures::Stream;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::id::{BoxCamera, ExhibitRef, HoldId};

use crate::{
    access::{
        authorise::{Permit, Subject, authorise},
        principal::Principal,
        table::{self, Row},
    },
    desk::{Desk, blocking},
    error::{HubError, plain},
};

pub mod boxes;
pub mod clips;
pub mod evidence;
pub mod footage;
pub mod holds;
pub mod loose;
pub mod masks;
pub mod staff;

#[cfg(test)]
mod tests;

/// Its row in the table. Only the list below says which it is, so that an operation without a row does not compile.
pub trait Listed {
    const ROW: &'static Row;
}

/// One operation, as it is asked for.
pub trait Operation: Listed + Serialize + DeserializeOwned + Send + 'static {
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// What of the hub it is about.
    fn about(&self) -> Target {
        Target::Hub
    }

    /// Does it. Whatever it puts on the log it puts there before it is done.
    fn perform(
        self,
        hub: Arc<Desk>,
        permit: Permit,
    ) -> impl Future<Output = Result<Self::Reply, HubError>> + Send;
}

/// One that is followed: it answers again and again until it is over.
pub trait Followed: Listed + Serialize + DeserializeOwned + Send + 'static {
    type News: Serialize + DeserializeOwned + Send + 'static;

    fn about(&self) -> Target {
        Target::Hub
    }

    fn follow(
        self,
        hub: Arc<Desk>,
        permit: Permit,
    ) -> impl Stream<Item = Result<Self::News, HubError>> + Send + 'static;
}

/// What an operation is about, as it was named.
pub enum Target {
    Hub,
    Camera(BoxCamera),
    Exhibit(ExhibitRef),
    Hold(HoldId),
    /// Number of a request that a mask be lifted.
    Lift(u64),
}

/// Nothing to tell but that it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// Has it done for whoever asks, if they may.
pub async fn perform<O: Operation>(
    hub: &Arc<Desk>,
    principal: &Principal,
    operation: O,
) -> Result<O::Reply, HubError> {
    let permit = permitted(hub, principal, O::ROW, operation.about()).await?;
    operation.perform(hub.clone(), permit).await
}

/// The same for one that is followed.
pub async fn follow<O: Followed>(
    hub: &Arc<Desk>,
    principal: &Principal,
    operation: O,
) -> Result<impl Stream<Item = Result<O::News, HubError>> + Send + 'static + use<O>, HubError> {
    let permit = permitted(hub, principal, O::ROW, operation.about()).await?;
    Ok(operation.follow(hub.clone(), permit))
}

/// The role first: whoever may not learns nothing of what there is.
async fn permitted(
    hub: &Arc<Desk>,
    principal: &Principal,
    row: &'static Row,
    target: Target,
) -> Result<Permit, HubError> {
    let now = hub.now();
    let permit = authorise(principal, row, &Subject::hub(), now)?;
    let hub = hub.clone();
    let subject = match target {
        Target::Hub => return Ok(permit),
        Target::Camera(camera) => blocking(move || of_camera(&hub, camera)).await?,
        target => blocking(move || of(&hub, target)).await?,
    }?;
    authorise(principal, row, &subject, now)
}

/// Blocking.
fn of_camera(_hub: &Desk, camera: BoxCamera) -> Result<Subject, HubError> {
    Ok(Subject {
        camera: Some(camera),
        ..Subject::hub()
    })
}

/// The camera that something belongs to. What is not there is for the operation itself to say. Blocking.
fn of(hub: &Desk, target: Target) -> Result<Subject, HubError> {
    let found = match target {
        Target::Hub => None,
        Target::Camera(camera) => Some((camera, None)),
        Target::Exhibit(exhibit) => {
            let request = hub.db.request(exhibit.as_str()).map_err(plain)?;
            request.map(|r| (r.camera, Some(r.t0)))
        }
        Target::Hold(hold) => {
            let hold = hub.db.hold(hold).map_err(plain)?;
            hold.map(|h| (h.camera, Some(h.t0)))
        }
        Target::Lift(n) => hub.db.lift(n).map_err(plain)?.map(|l| (l.camera, None)),
    };
    let Some((camera, from)) = found else {
        return Ok(Subject::hub());
    };
    Ok(Subject {
        from,
        ..of_camera(hub, camera)?
    })
}

/// Blocking work of an operation, off the async threads.
pub(crate) async fn work<T: Send + 'static>(
    hub: Arc<Desk>,
    permit: Permit,
    work: impl FnOnce(&Desk, &Permit) -> Result<T, HubError> + Send + 'static,
) -> Result<T, HubError> {
    blocking(move || work(&hub, &permit)).await?
}

/// Every operation with its row. `$then` is a macro that is given them all.
macro_rules! operations {
    (
        asked { $($row:ident => $op:path),* $(,)? }
        followed { $($frow:ident => $fop:path),* $(,)? }
    ) => {
        $(impl Listed for $op { const ROW: &'static Row = &table::$row; })*
        $(impl Listed for $fop { const ROW: &'static Row = &table::$frow; })*

        /// Hands every operation to a visitor, one by one.
        pub fn visit(visitor: &mut impl Visitor) {
            $(visitor.asked::<$op>();)*
            $(visitor.followed::<$fop>();)*
        }
    };
}

/// Does something with every operation: makes a route of it, a line of a document.
pub trait Visitor {
    fn asked<O: Operation>(&mut self);
    fn followed<O: Followed>(&mut self);
}

operations! {
    asked {
        BOXES => boxes::List,
        BOX_ADD => boxes::Add,
        BOX_REVOKE => boxes::Revoke,
        BOX_SUCCEED => boxes::Succeed,
        BOX_SWEEP => boxes::Sweep,
        FOOTAGE => footage::List,
        RATE => footage::Rate,
        RETENTION => footage::Retention,
        RETENTION_CAMERA => footage::RetentionOfCamera,
        CLIPS => clips::List,
        CLIP => clips::Show,
        CLIP_PULL => clips::Pull,
        CLIP_VIEW => clips::View,
        CLIP_SAVE => clips::Save,
        EVIDENCE => evidence::List,
        EVIDENCE_FAULTS => evidence::Faults,
        EVIDENCE_CLASS => evidence::Classify,
        EVIDENCE_DISPOSE => evidence::Dispose,
        EVIDENCE_APPROVE => evidence::Approve,
        EVIDENCE_CERTIFICATE => evidence::Certificate,
        HOLDS => holds::List,
        HOLD => holds::Show,
        HOLD_ADD => holds::Add,
        HOLD_EXTEND => holds::Extend,
        HOLD_RELEASE => holds::Release,
        HOLD_APPROVE => holds::Approve,
        MASKS => masks::List,
        MASK => masks::Show,
        MASK_SET => masks::Set,
        MASK_REVIEW => masks::Review,
        MASK_END => masks::End,
        LIFTS => masks::Lifts,
        LIFT_ASK => masks::AskLift,
        LIFT_APPROVE => masks::ApproveLift,
        LIFT_WITHDRAW => masks::WithdrawLift,
        LOG_READ => staff::ReadLog,
        STAFF_ADD => staff::Add,
    }
    followed {
        CLIP_WATCH => clips::Watch,
    }
}
