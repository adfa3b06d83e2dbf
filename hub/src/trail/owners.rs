//! Task. Whose cameras a line of the hub's log is about, looked up when it is written: a camera may be another's later. Blocking.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::id::{BoxCamera, BoxName, CameraId, HoldId};

use crate::db::Db;

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
    if let Some(n) = data.get("request").and_then(Value::as_u64) {
        let request = db.clip_request(n).ok().flatten();
        let cameras = request.into_iter().flat_map(|q| q.cameras);
        return cameras.map(|c| c.camera).collect();
    }
    Vec::new()
}
