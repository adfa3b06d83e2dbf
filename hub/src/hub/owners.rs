//! Task. Whose cameras a line of the hub's log is about, looked up when it is written: a camera may be another's later. Blocking.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::id::{BoxCamera, BoxName, CameraId, HoldId};

use crate::{
    db::Db,
    model::{approval::Kind, clip_request},
};

/// Bytes of what a line says of it.
const MOST_TEXT: usize = 300;

/// Short names of the owners of every camera that a line with this data is about, with spaces between; None: of none, or of nobody's.
pub fn of(db: &Db, data: &Value) -> Option<String> {
    let owners = cameras(db, data).into_iter();
    // A line is written even where this cannot be read: whoever acts is on it all the same.
    let owners: BTreeSet<String> = owners.filter_map(|c| db.camera_owner(&c).ok()?).collect();
    let mut text = owners.into_iter().collect::<Vec<_>>().join(" ");
    if text.len() > MOST_TEXT {
        text.truncate(MOST_TEXT);
        text.push_str("...");
    }
    (!text.is_empty()).then_some(text)
}

fn cameras(db: &Db, data: &Value) -> Vec<BoxCamera> {
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    let whole = |camera: &str| BoxCamera::parse(camera).ok();
    if let Some(all) = data.get("cams").and_then(Value::as_array) {
        return all
            .iter()
            .filter_map(Value::as_str)
            .filter_map(whole)
            .collect();
    }
    if let (Some(name), Some(cam)) = (text("box"), text("cam")) {
        let both = BoxName::parse(name).ok().zip(CameraId::parse(cam).ok());
        return both
            .map(|(r#box, cam)| BoxCamera { r#box, cam })
            .into_iter()
            .collect();
    }
    if let Some(camera) = text("cam").and_then(whole) {
        return vec![camera];
    }
    if let Some(exhibit) = text("ref").or(text("exh")) {
        let request = db.request(exhibit).ok().flatten();
        return request.map(|r| r.camera).into_iter().collect();
    }
    if let Some(hold) = text("hold").and_then(|h| HoldId::parse(h).ok()) {
        let hold = db.hold(hold).ok().flatten();
        return hold.map(|h| h.camera).into_iter().collect();
    }
    let number = |key: &str| data.get(key).and_then(Value::as_u64);
    if let Some(n) = number("request") {
        return of_request(db, n);
    }
    if let Some(order) = number("order").and_then(|n| db.key_order(n).ok().flatten()) {
        return match order.cam {
            Some(cam) => vec![BoxCamera {
                r#box: order.r#box,
                cam,
            }],
            None => of_box(db, &order.r#box),
        };
    }
    if let Some(n) = number("ask") {
        return asked(db, n);
    }
    let name = text("box").and_then(|name| BoxName::parse(name).ok());
    name.map_or_else(Vec::new, |name| of_box(db, &name))
}

fn of_request(db: &Db, n: u64) -> Vec<BoxCamera> {
    let request = db.clip_request(n).ok().flatten();
    let cameras = request.into_iter().flat_map(|q| q.cameras);
    cameras.map(|c| c.camera).collect()
}

/// Of something that waits, or waited, for a second person.
fn asked(db: &Db, n: u64) -> Vec<BoxCamera> {
    if let Ok(Some(lift)) = db.lift(n) {
        return vec![lift.lift.camera];
    }
    let Ok(Some(ask)) = db.approval(n) else {
        return Vec::new();
    };
    let subject = ask.subject.as_str();
    match Kind::parse(&ask.kind) {
        Some(Kind::Release) => {
            let hold = HoldId::parse(subject).ok();
            let hold = hold.and_then(|h| db.hold(h).ok().flatten());
            hold.map(|h| h.camera).into_iter().collect()
        }
        Some(Kind::Disposal) => {
            let request = db.request(subject).ok().flatten();
            request.map(|r| r.camera).into_iter().collect()
        }
        Some(Kind::Request) => {
            clip_request::number(subject).map_or_else(Vec::new, |n| of_request(db, n))
        }
        Some(Kind::Approver) => {
            let name = BoxName::parse(subject).ok();
            name.map_or_else(Vec::new, |name| of_box(db, &name))
        }
        Some(Kind::Role | Kind::Reset | Kind::Recovery | Kind::Lift | Kind::Rollback) | None => {
            Vec::new()
        }
    }
}

/// Every camera that a box named when it was on the line last.
fn of_box(db: &Db, name: &BoxName) -> Vec<BoxCamera> {
    let record = db.box_named(name).ok().flatten();
    let hello = record.and_then(|r| r.hello);
    let cameras = hello.into_iter().flat_map(|h| h.cameras);
    let cameras = cameras.map(|c| BoxCamera {
        r#box: name.clone(),
        cam: c.cam,
    });
    cameras.collect()
}
