//! No list does more work the longer the history is: what a county has of two months and of eight costs the same to list. Work is counted in
//! steps of SQLite's own, so the machine and its load do not matter.

use std::{future::Future, pin::Pin, sync::Arc};

use serde_json::json;
use shared::id::BoxCamera;

use super::{operation::perform, *};
use crate::{
    access::principal::{Limits, Person, Principal},
    hub::{
        Hub,
        testing::{self, Hands},
    },
    model::{
        grant::{Grant, Scope},
        operation::Method,
        role::Role,
    },
    reason::class::Class,
    retention::rig::utc,
};

#[path = "../../../tests/src/county/rows.rs"]
mod rows;

const NOW: &str = "2026-11-29T12:00:00.000Z";

/// How a list is asked for, each way of its own. One that is not here has to be put here.
fn asked(row: &Row) -> Vec<serde_json::Value> {
    match row.name {
        "log.show" => {
            return vec![
                json!({"limit": 50}),
                json!({"camera": "town-01/c01", "kind": "acc.view", "limit": 50}),
                json!({"camera": "town-01/c01", "kind": "acc", "limit": 50}),
                json!({"person": "kim", "limit": 50}),
                json!({"person": "kim", "kind": "grant.set", "camera": "town-02/c02", "limit": 50}),
                json!({"kind": "mask.order", "limit": 50}),
                json!({"kind": "log", "limit": 50}),
                json!({"reference": "a text of some length, number 7", "limit": 50}),
                json!({"from": "2026-11-28T00:00:00.000Z", "limit": 50}),
                json!({"to": "2026-10-28T00:00:00.000Z", "kind": "copy", "limit": 50}),
            ];
        }
        "hold.list" => {
            return vec![
                json!({}),
                json!({"all": true, "limit": 20}),
                json!({"box": "town-01"}),
            ];
        }
        // What one camera has of either is more than this.
        "clip.list" | "request.list" => return vec![json!({"limit": 20})],
        "evidence.list" => {
            return vec![
                json!({"limit": 20}),
                json!({"due": true}),
                json!({"asked": true}),
            ];
        }
        "session.list" => return vec![json!({}), json!({"own": true}), json!({"limit": 1})],
        _ if row.method != Method::Get => return Vec::new(),
        _ => {}
    }
    vec![match row.name {
        "footage.list" | "retention.camera" => {
            json!({"box": "town-01", "cam": "c01", "limit": 31})
        }
        "mask.show" => json!({"box": "town-01", "cam": "c01"}),
        "clip.show" => json!({"exhibit": "EXH-2026-000100"}),
        "clip.forecast" => json!({
            "box": "town-01", "cam": "c01", "from": "2026-11-03T10:00:00Z", "to": "2026-11-03T11:00:00Z"
        }),
        "hold.show" => json!({"hold": "H-000012"}),
        "evidence.certificate" => json!({"exhibit": "EXH-2026-000101"}),
        "box.show" => json!({"name": "town-01"}),
        // It is there for a while.
        "look.show" => return Vec::new(),
        // Of one exhibit and all that happened to it, and of a request that was refused.
        "exhibit.show" | "exhibit.release" | "exhibit.document" | "request.notice" => {
            return Vec::new();
        }
        // It has no end.
        "clip.watch" => return Vec::new(),
        "request.show" => json!({"request": "R-000100"}),
        // A secret for nobody's phone.
        "factor.new" => return Vec::new(),
        "box.list" | "retention.report" | "evidence.faults" | "mask.list" | "lift.list"
        | "footage.recent" | "owner.list" | "staff.list" | "staff.waiting" | "token.list"
        | "staff.declarations" | "declaration.show" | "factor.list" | "touch.list"
        | "approver.list" | "hub.status" | "move.list" | "published.show" | "backup.list"
        | "rollback.show" | "outside.list" => json!({}),
        other => panic!("say here how {other} is asked for"),
    }]
}

/// Every list as somebody may ask for it, one after the other.
struct Asking {
    hub: Arc<Hub>,
    who: Principal,
    each: Vec<(String, Pin<Box<dyn Future<Output = usize>>>)>,
}

impl Visitor for Asking {
    fn asked<O: Operation>(&mut self) {
        for asked in asked(O::ROW) {
            let name = format!("{} {asked}", O::ROW.name);
            let operation: O = serde_json::from_value(asked).expect(O::ROW.name);
            let (hub, who) = (self.hub.clone(), self.who.clone());
            let ask = async move {
                let reply = perform(&hub, &who, operation).await;
                match reply {
                    Ok(reply) => serde_json::to_vec(&reply).expect("a reply").len(),
                    // One thing of a camera that is not theirs.
                    Err(e) if e.class() == Class::NotAllowed => 0,
                    Err(e) => panic!("{}: {e}", O::ROW.name),
                }
            };
            self.each.push((name, Box::pin(ask)));
        }
    }

    fn followed<O: Followed>(&mut self) {}
    fn filmed<O: Filmed>(&mut self) {}
}

/// Name, steps and bytes of the answer, of each list, for somebody with every role for these cameras.
async fn work(
    days: u32,
    clips: u32,
    scope: Scope,
    oldest: Option<u32>,
) -> Vec<(String, u64, usize)> {
    let dir = tempfile::tempdir().expect("folder");
    let hub = Arc::new(testing::open(dir.path(), Hands::at(utc(NOW))));
    let size = rows::Size {
        towns: 2,
        days,
        segment_days: 2,
        clips,
        holds: 40,
    };
    let records = rusqlite::Connection::open(dir.path().join("hub.sqlite")).expect("records");
    rows::write(&records, size, utc(NOW)).expect("written");
    drop(records);
    hub.db.add_owner("west", "West", utc(NOW)).expect("owner");
    let camera = BoxCamera::parse("town-01/c01").expect("camera");
    hub.db.set_camera_owner(&camera, "west").expect("assigned");
    let grants = Role::ALL.map(|role| Grant {
        scope: match role {
            // What takes the whole hub.
            Role::Auditor | Role::Administrator => Scope::All,
            _ => scope.clone(),
        },
        oldest_days: oldest,
        ..Grant::everywhere(role)
    });
    hub.account(1, "kim", Role::Supervisor.word());
    for (op, token) in [(1, 1), (2, 2), (3, 3)] {
        let begun = hub.sessions.begin(&hub.db, op, 1, [token; 32], utc(NOW));
        begun.expect("a session");
    }
    let who = Principal::Person(Person {
        op: 1,
        name: "kim".into(),
        grants: grants.to_vec(),
        limits: Limits::default(),
    });
    let mut asking = Asking {
        hub: hub.clone(),
        who,
        each: Vec::new(),
    };
    visit(&mut asking);
    let mut out = Vec::new();
    for (name, ask) in asking.each {
        let before = hub.db.steps();
        let bytes = ask.await;
        out.push((name, hub.db.steps() - before, bytes));
    }
    out
}

/// FLT-1, ROL-4: four times the history is no more work for any list, for somebody with the whole hub and for somebody with one camera.
#[tokio::test]
async fn lists_do_not_read_the_history() {
    let west = || Scope::Owner("west".into());
    for (scope, oldest) in [
        (Scope::All, None),
        (west(), None),
        (Scope::All, Some(20)),
        (west(), Some(20)),
    ] {
        let short = work(60, 300, scope.clone(), oldest).await;
        let long = work(240, 1200, scope.clone(), oldest).await;
        let mut worse = Vec::new();
        for ((name, before, bytes), (same, after, _)) in short.iter().zip(&long) {
            assert_eq!(name, same);
            // A thousand steps are what the last level of an index costs, here and there.
            if *after > before + before / 4 + 1000 {
                worse.push(format!(
                    "{name}: {before} steps for {bytes} bytes became {after}"
                ));
            }
        }
        assert!(worse.is_empty(), "{scope:?} {oldest:?}: {worse:#?}");
    }
}
