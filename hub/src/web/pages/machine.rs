//! Wiring. The page of the hub itself: its disks, its own faults, and which boxes know where it will be (FLT-3).

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use shared::conditions::condition;

use crate::{
    commands::boxes::{knowing, told},
    disks::{outlook::Fullness, watch},
    ops::{machine, moves},
    requests::moves::MoveState,
    web::{
        context::{App, Refused, SignedIn, page},
        parts::Frame,
    },
};

#[derive(Template)]
#[template(path = "hub.html")]
struct HubPage {
    frame: Frame,
    now: String,
    sw: String,
    online: u64,
    disks: Vec<DiskView>,
    faults: Vec<FaultView>,
    knowing: String,
    boxes: Vec<MoveView>,
}

struct DiskView {
    path: String,
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    text: String,
}

struct FaultView {
    title: &'static str,
    since: String,
    text: String,
    next: &'static str,
}

struct MoveView {
    name: String,
    class: &'static str,
    symbol: &'static str,
    text: String,
}

pub async fn show(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, Refused> {
    let is = app.perform(&who, machine::Status {}).await?;
    let all = app.perform(&who, moves::List {}).await?;
    let zone = app.zone();
    let disks = is.disks.iter().map(|disk| {
        let (class, symbol, word) = match disk.state {
            Fullness::Good => ("good", "✔", "good"),
            Fullness::Low => ("warn", "▲", "fills up"),
            Fullness::Full => ("bad", "✖", "full"),
        };
        DiskView {
            path: disk.disk.clone(),
            class,
            symbol,
            word,
            text: watch::said(disk),
        }
    });
    let faults = is.faults.iter().map(|f| {
        let known = condition(&f.code);
        FaultView {
            title: known.map_or("A fault of the hub", |c| c.title),
            since: f.since.for_people(zone),
            text: f.text.clone(),
            next: known.map_or("", |c| c.next),
        }
    });
    let boxes = all.boxes.iter().map(|b| {
        let (class, symbol) = match b.state {
            MoveState::None => ("unknown", "○"),
            MoveState::Waiting | MoveState::Told => ("warn", "▲"),
            MoveState::Known => ("good", "✔"),
            MoveState::Refused => ("bad", "✖"),
        };
        MoveView {
            name: b.name.to_string(),
            class,
            symbol,
            text: told(b, zone),
        }
    });
    page(&HubPage {
        frame: who.frame(&app, "/hub"),
        now: app.now().for_people(zone),
        sw: is.sw.clone(),
        online: is.online,
        disks: disks.collect(),
        faults: faults.collect(),
        knowing: knowing(&all),
        boxes: boxes.collect(),
    })
}
