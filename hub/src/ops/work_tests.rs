//! No list does more work the longer the history is: what a county has of two months and of eight costs the same to list. Work is counted in
//! steps of SQLite's own, so the machine and its load do not matter.

use std::{future::Future, pin::Pin};

use serde_json::json;

use super::*;
use crate::{
    access::{
        principal::{Grant, Limits, Person, Scope},
        role::Role,
        table::Method,
    },
    desk::testing::{self, Hands},
    retention::rig::utc,
};

#[path = "../../../tests/src/county/rows.rs"]
mod rows;

const NOW: &str = "2026-11-29T12:00:00.000Z";

/// How a list is asked for. One that is not here has to be put here.
fn asked(row: &Row) -> Option<serde_json::Value> {
    if row.name == "log.show" {
        return Some(json!({"camera": "town-01/c01", "kind": "acc.view", "limit": 50}));
    }
    if row.method != Method::Get {
        return None;
    }
    Some(match row.name {
        "footage.list" | "retention.camera" => {
            json!({"box": "town-01", "cam": "c01", "limit": 31})
        }
        "mask.show" => json!({"box": "town-01", "cam": "c01"}),
        "clip.show" => json!({"exhibit": "EXH-2026-000100"}),
        "hold.show" => json!({"hold": "H-000012"}),
        "evidence.certificate" => json!({"exhibit": "EXH-2026-000101"}),
        "box.show" => json!({"name": "town-01"}),
        // It has no end.
        "clip.watch" => return None,
        // One row, by its number.
        "request.show" => return None,
        // A secret for nobody's phone; a text that this hub has not.
        "factor.new" | "declaration.show" => return None,
        "box.list" | "retention.report" | "clip.list" | "evidence.list" | "evidence.faults"
        | "hold.list" | "mask.list" | "lift.list" | "touch.list" | "approver.list"
        | "request.list" | "footage.recent" | "owner.list" | "staff.list" | "staff.waiting"
        | "token.list" | "session.list" | "staff.declarations" | "factor.list" => json!({}),
        other => panic!("say here how {other} is asked for"),
    })
}

/// Every list as somebody may ask for it, one after the other.
struct Asking {
    hub: Arc<Desk>,
    who: Principal,
    each: Vec<(&'static str, Pin<Box<dyn Future<Output = usize>>>)>,
}

impl Visitor for Asking {
    fn asked<O: Operation>(&mut self) {
        let Some(asked) = asked(O::ROW) else { return };
        let operation: O = serde_json::from_value(asked).expect(O::ROW.name);
        let (hub, who) = (self.hub.clone(), self.who.clone());
        self.each.push((
            O::ROW.name,
            Box::pin(async move {
                let reply = perform(&hub, &who, operation).await;
                match reply {
                    Ok(reply) => serde_json::to_vec(&reply).expect("a reply").len(),
                    // One thing of a camera that is not theirs.
                    Err(e) if e.class() == Class::NotAllowed => 0,
                    Err(e) => panic!("{}: {e}", O::ROW.name),
                }
            }),
        ));
    }

    fn followed<O: Followed>(&mut self) {}
}

/// Name, steps and bytes of the answer, of each list, for somebody with every role for these cameras.
async fn work(days: u32, clips: u32, scope: Scope) -> Vec<(&'static str, u64, usize)> {
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
        ..Grant::everywhere(role)
    });
    hub.account(1, "kim", Role::Supervisor.word());
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
    // Lists of clip requests go through their numbers until enough of somebody's are found: who has few of the cameras goes through all
    // requests, some ten steps each, and through nothing else.
    let requests = 900 * 20;
    for (scope, more) in [(Scope::All, 0), (Scope::Owner("west".into()), requests)] {
        let short = work(60, 300, scope.clone()).await;
        let long = work(240, 1200, scope.clone()).await;
        let mut worse = Vec::new();
        for ((name, before, bytes), (same, after, _)) in short.iter().zip(&long) {
            assert_eq!(name, same);
            // A thousand steps are what the last level of an index costs, here and there.
            if *after > before + before / 4 + 1000 + more {
                worse.push(format!(
                    "{name}: {before} steps for {bytes} bytes became {after}"
                ));
            }
        }
        assert!(worse.is_empty(), "{scope:?}: {worse:#?}");
    }
}
