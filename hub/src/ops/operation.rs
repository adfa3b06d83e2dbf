//! Task. One operation: what it is, what it is about, and how it is done for whoever may. Pages, commands and programs all come through [`perform`].

use std::{future::Future, sync::Arc};

use futures::Stream;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{
    id::{BoxCamera, BoxName, CameraId, ExhibitRef, HoldId},
    time::Utc,
    types::AccToken,
};
use tokio::sync::mpsc::Receiver;
use utoipa::ToSchema;

use crate::{
    access::{
        authorise::{Permit, Subject, authorise, authorise_all},
        denials,
        principal::Principal,
    },
    blocking::blocking,
    disks,
    error::{HubError, plain},
    hub::Hub,
    model::operation::{About, Method, Row},
    reason::{Api, class::Class},
};

/// Its row in the table. Only the list below says which it is, so that an operation without a row does not compile.
pub trait Listed {
    const ROW: &'static Row;
}

/// One operation, as it is asked for.
pub trait Operation: Listed + Serialize + DeserializeOwned + ToSchema + Send + 'static {
    type Reply: Serialize + DeserializeOwned + ToSchema + Send + 'static;

    /// What of the hub it is about.
    fn about(&self) -> Target {
        Target::Hub
    }

    /// Does it. Whatever it puts on the log it puts there before it is done.
    fn perform(
        self,
        hub: Arc<Hub>,
        permit: Permit,
    ) -> impl Future<Output = Result<Self::Reply, HubError>> + Send;
}

/// One that is followed: it answers again and again until it is over.
pub trait Followed: Listed + Serialize + DeserializeOwned + ToSchema + Send + 'static {
    type News: Serialize + DeserializeOwned + ToSchema + Send + 'static;

    fn about(&self) -> Target {
        Target::Hub
    }

    fn follow(
        self,
        hub: Arc<Hub>,
        permit: Permit,
    ) -> impl Stream<Item = Result<Self::News, HubError>> + Send + 'static;
}

/// A film's bytes as they come; an error breaks it off.
pub type Bytes = Receiver<std::io::Result<axum::body::Bytes>>;

/// One that is answered with a film that is not yet verified.
pub trait Filmed: Listed + Serialize + DeserializeOwned + ToSchema + Send + 'static {
    fn about(&self) -> Target {
        Target::Hub
    }

    /// None: there is no such film.
    fn film(
        self,
        hub: Arc<Hub>,
        permit: Permit,
    ) -> impl Future<Output = Result<Option<Bytes>, HubError>> + Send;
}

/// What an operation is about, as it was named.
pub enum Target {
    Hub,
    /// All cameras of a box; of one that has none, the whole hub.
    Box(BoxName),
    Camera(BoxCamera),
    /// Footage of a camera from then on.
    Footage(BoxCamera, Utc),
    /// A log: `hub`, a box's name, or a log's full name.
    Log(String),
    Exhibit(ExhibitRef),
    Hold(HoldId),
    /// Number of a request that a mask be lifted.
    Lift(u64),
    /// A look, by its name.
    Look(String),
    /// Number of an order that waits for people's passkeys.
    Order(u64),
    /// Number of a request that a passkey count at a box.
    Approver(u64),
    /// Every camera of a clip request, by its number.
    Request(u64),
    /// The same, and the cameras and the start that it is to have instead.
    Changed(u64, Option<Vec<BoxCamera>>, Option<Utc>),
    /// Footage of several cameras from then on; of none, the hub.
    Several(Vec<BoxCamera>, Option<Utc>),
}

/// Nothing to tell but that it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {}

/// Has it done for whoever asks, if they may.
pub async fn perform<O: Operation>(
    hub: &Arc<Hub>,
    principal: &Principal,
    operation: O,
) -> Result<O::Reply, HubError> {
    let permit = permitted(hub, principal, O::ROW, operation.about()).await?;
    operation.perform(hub.clone(), permit).await
}

/// The same for one that is followed.
pub async fn follow<O: Followed>(
    hub: &Arc<Hub>,
    principal: &Principal,
    operation: O,
) -> Result<impl Stream<Item = Result<O::News, HubError>> + Send + 'static + use<O>, HubError> {
    let permit = permitted(hub, principal, O::ROW, operation.about()).await?;
    Ok(operation.follow(hub.clone(), permit))
}

/// The same for a film.
pub async fn film<O: Filmed>(
    hub: &Arc<Hub>,
    principal: &Principal,
    operation: O,
) -> Result<Option<Bytes>, HubError> {
    let permit = permitted(hub, principal, O::ROW, operation.about()).await?;
    operation.film(hub.clone(), permit).await
}

/// Puts on record that somebody asked for what is not theirs.
pub async fn denied(
    hub: &Arc<Hub>,
    principal: &Principal,
    row: &'static Row,
    about: Option<Subject>,
) -> Result<(), HubError> {
    let Principal::Person(person) = principal.clone() else {
        return Ok(());
    };
    let hub = hub.clone();
    blocking(move || denials::note(&hub, &person, row, about.as_ref())).await?
}

/// The role first: whoever may not learns nothing of what there is.
pub async fn permitted(
    hub: &Arc<Hub>,
    principal: &Principal,
    row: &'static Row,
    target: Target,
) -> Result<Permit, HubError> {
    let now = hub.now();
    let mut about = None;
    let permit = match authorise(principal, row, &Subject::hub(), now) {
        Err(e) => Err(e),
        Ok(permit) => match target {
            Target::Hub if row.about == About::Whole => {
                authorise(principal, row, &Subject::whole(), now)
            }
            Target::Hub => Ok(permit),
            target => {
                let hub = hub.clone();
                let subjects = blocking(move || of(&hub, target)).await??;
                about = subjects.first().cloned();
                authorise_all(principal, row, subjects, now)
            }
        },
    };
    if permit
        .as_ref()
        .is_err_and(|e| e.class() == Class::NotAllowed)
    {
        denied(hub, principal, row, about).await?;
    }
    let permit = permit?;
    if row.method == Method::Post && !GOES_ON.contains(&row.name) {
        let hub = hub.clone();
        blocking(move || room(&hub)).await??;
    }
    if let Principal::Person(person) = principal
        && let Some(token) = &person.limits.token
        && row.method == Method::Post
    {
        let line = AccToken {
            op: person.op(),
            token: token.n,
            what: row.name.into(),
        };
        let (hub, op) = (hub.clone(), person.op());
        blocking(move || hub.log.append(&op, &line))
            .await?
            .map_err(plain)?;
    }
    Ok(permit)
}

/// What may be done while the hub's disk is full: whatever makes room, and whatever shuts somebody out. What it writes has the room that is
/// left.
pub(super) const GOES_ON: [&str; 18] = [
    "evidence.class",
    "evidence.dispose",
    "evidence.approve",
    "hold.release",
    "hold.approve",
    "request.refuse",
    "request.cancel",
    "request.close",
    "box.revoke",
    "staff.close",
    "staff.revoke",
    "staff.password",
    "staff.withdraw",
    "token.revoke",
    "session.end",
    "mask.end",
    "log.read",
    "log.show",
];

/// Whether there is more room on the disk of the state than the hub's own log needs. One that cannot be looked at is not said to be full.
fn room(hub: &Hub) -> Result<(), HubError> {
    match disks::room::of(&hub.state) {
        Ok(room) if disks::outlook::is_full(&room) => Err(Api::DiskFull {
            path: hub.state.display().to_string(),
            mib: room.free >> 20,
        }
        .into()),
        _ => Ok(()),
    }
}

/// Blocking.
fn of_camera(hub: &Hub, camera: BoxCamera, from: Option<Utc>) -> Result<Subject, HubError> {
    Ok(Subject {
        owner: hub.db.camera_owner(&camera).map_err(plain)?,
        camera: Some(camera),
        from,
        whole: false,
    })
}

/// Blocking.
fn several(
    hub: &Hub,
    cameras: Vec<BoxCamera>,
    from: Option<Utc>,
) -> Result<Vec<Subject>, HubError> {
    if cameras.is_empty() {
        return Ok(vec![Subject::hub()]);
    }
    let cameras = cameras.into_iter();
    cameras.map(|c| of_camera(hub, c, from)).collect()
}

/// Every camera that is known of a box.
fn of_box(hub: &Hub, name: &BoxName) -> Result<Vec<Subject>, HubError> {
    let record = hub.db.box_named(name).map_err(plain)?;
    let hello = record.and_then(|r| r.hello).into_iter();
    let mut cameras: Vec<CameraId> = hello.flat_map(|h| h.cameras).map(|c| c.cam).collect();
    let recorded = hub.db.cameras_seen(name).map_err(plain)?;
    cameras.extend(recorded.iter().filter_map(|c| CameraId::parse(c).ok()));
    if cameras.is_empty() {
        return Ok(vec![Subject::whole()]);
    }
    cameras.sort();
    cameras.dedup();
    let cameras = cameras.into_iter().map(|cam| BoxCamera {
        r#box: name.clone(),
        cam,
    });
    cameras.map(|c| of_camera(hub, c, None)).collect()
}

/// The cameras that something belongs to. What is not there is for the operation itself to say. Blocking.
fn of(hub: &Hub, target: Target) -> Result<Vec<Subject>, HubError> {
    let found = match target {
        Target::Hub => None,
        Target::Box(name) => return of_box(hub, &name),
        Target::Log(log) if log == "hub" => return Ok(vec![Subject::whole()]),
        Target::Log(log) => {
            let held = hub.db.log(&log).map_err(plain)?;
            let name = held.map_or(log, |l| l.r#box);
            return match BoxName::parse(&name) {
                Ok(name) => of_box(hub, &name),
                Err(_) => Ok(vec![Subject::whole()]),
            };
        }
        Target::Several(cameras, from) => return several(hub, cameras, from),
        Target::Request(n) => {
            let Some(q) = hub.db.clip_request(n).map_err(plain)? else {
                return Ok(vec![Subject::hub()]);
            };
            let cameras = q.cameras.into_iter().map(|c| c.camera);
            return several(hub, cameras.collect(), q.span.map(|s| s.0));
        }
        Target::Changed(n, cameras, from) => {
            let Some(q) = hub.db.clip_request(n).map_err(plain)? else {
                return Ok(vec![Subject::hub()]);
            };
            let had: Vec<BoxCamera> = q.cameras.into_iter().map(|c| c.camera).collect();
            let began = q.span.map(|s| s.0);
            let mut both = several(hub, had.clone(), began)?;
            both.extend(several(hub, cameras.unwrap_or(had), from.or(began))?);
            return Ok(both);
        }
        Target::Order(n) => {
            let found = hub.db.key_order(n)?;
            let Some(order) = found else {
                return Ok(vec![Subject::hub()]);
            };
            match order.cam {
                Some(cam) => {
                    let r#box = order.r#box;
                    Some((BoxCamera { r#box, cam }, None))
                }
                None => return of_box(hub, &order.r#box),
            }
        }
        Target::Approver(n) => {
            let found = hub.db.approval(n)?.filter(|a| a.kind == "approver");
            let name = found.and_then(|a| BoxName::parse(&a.subject).ok());
            return name.map_or_else(|| Ok(vec![Subject::hub()]), |name| of_box(hub, &name));
        }
        Target::Camera(camera) => Some((camera, None)),
        Target::Footage(camera, from) => Some((camera, Some(from))),
        Target::Look(id) => hub
            .looks
            .about(&id)
            .map(|(camera, from)| (camera, Some(from))),
        Target::Exhibit(exhibit) => {
            let request = hub.db.request(exhibit.as_str()).map_err(plain)?;
            request.map(|r| (r.camera, Some(r.t0)))
        }
        Target::Hold(hold) => {
            let hold = hub.db.hold(hold).map_err(plain)?;
            hold.map(|h| (h.camera, Some(h.t0)))
        }
        Target::Lift(n) => hub
            .db
            .lift(n)
            .map_err(plain)?
            .map(|l| (l.lift.camera, None)),
    };
    Ok(vec![match found {
        Some((camera, from)) => of_camera(hub, camera, from)?,
        None => Subject::hub(),
    }])
}

/// Blocking work of an operation, off the async threads.
pub async fn work<T: Send + 'static>(
    hub: Arc<Hub>,
    permit: Permit,
    work: impl FnOnce(&Hub, &Permit) -> Result<T, HubError> + Send + 'static,
) -> Result<T, HubError> {
    blocking(move || work(&hub, &permit)).await?
}
