//! Wiring. The page of the hub itself: its disks, its own faults, which boxes know where it will be, and the form by which two people tell
//! them (FLT-3).

use askama::Template;
use serde::Deserialize;
use shared::{conditions::condition, id::BoxName};

use crate::{
    access::{signin::SignIn, table},
    error::HubError,
    faults::disks,
    model::{disk::Fullness, moves::MoveState},
    ops::{backups, machine, moves, outside},
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
        parts::Frame,
    },
    words::{
        self,
        en::moves::{knowing, told},
    },
};

#[derive(Template)]
#[template(path = "hub.html")]
pub struct HubPage {
    frame: Frame,
    now: String,
    sw: String,
    online: u64,
    disks: Vec<DiskView>,
    faults: Vec<FaultView>,
    rolled: Option<RolledView>,
    backups: Vec<String>,
    knowing: String,
    boxes: Vec<MoveView>,
    outside: Vec<OutsideView>,
    /// Whether they may have it sent at once.
    anchors: bool,
    leaf: Leaf,
    /// Whether they may tell boxes where the hub will be.
    moves: bool,
    /// What was typed and not taken, but for passwords.
    typed: MoveForm,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct MoveForm {
    form: String,
    act: String,
    hub: String,
    other: String,
    lookup: String,
    /// Names with spaces between; empty: all.
    boxes: String,
    reason: String,
    /// The other person.
    name: String,
    password: String,
    code: String,
}

page_form!(MoveForm);

/// Backups listed here, the newest.
const BACKUPS: usize = 5;
/// Boxes on one page.
const BOXES: usize = 100;

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

/// That the records are an older copy.
struct RolledView {
    text: Vec<String>,
    settling: &'static str,
    /// Who asks that it be settled, why, and until when somebody else may approve.
    asked: Option<(String, String, String)>,
    asks: bool,
    approves: bool,
}

struct OutsideView {
    name: String,
    what: String,
    class: &'static str,
    symbol: &'static str,
    text: String,
}

struct MoveView {
    name: String,
    class: &'static str,
    symbol: &'static str,
    text: String,
}

impl FormPage for HubPage {
    const PATH: &'static str = "/hub";
    type Form = MoveForm;

    async fn read(app: &App, who: &SignedIn, shown: PageState<MoveForm>) -> Result<Self, HubError> {
        let is = app.perform(who, machine::Status {}).await?;
        let others = app.perform(who, outside::List {}).await?;
        let mut all = app.perform(who, moves::List {}).await?;
        let rolled = app.perform(who, backups::Rollback {}).await?.stands;
        let made = app.perform(who, backups::List {}).await?;
        let turn = shown.turn;
        let known = knowing(&all);
        let boxes = std::mem::take(&mut all.boxes);
        let (boxes, next) = turn.cut(boxes, BOXES, |b| b.name.to_string());
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
                text: disks::said(disk),
            }
        });
        let rolled = rolled.map(|r| RolledView {
            text: words::rolled(&r, zone),
            settling: words::settling(),
            asked: r.asked.map(|a| {
                let reason = a.reason.unwrap_or_else(|| "(erased)".into());
                (a.by, reason, a.expires.for_people(zone))
            }),
            asks: who.may(&table::ROLLBACK_ASK, app.now()),
            approves: who.may(&table::ROLLBACK_APPROVE, app.now()),
        });
        let made = made.iter().take(BACKUPS).map(|b| words::backup(b, zone));
        // What the records are has a part of its own.
        let faults = is.faults.iter().filter(|f| f.code != "hub.rolled-back");
        let faults = faults.map(|f| {
            let known = condition(&f.code);
            FaultView {
                title: known.map_or("A fault of the hub", |c| c.title),
                since: f.since.for_people(zone),
                text: f.text.clone(),
                next: known.map_or("", |c| c.next),
            }
        });
        let boxes = boxes.iter().map(|b| {
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
        let others = others.rows.iter().map(|row| {
            let (class, symbol) = match (&row.trouble, row.lines) {
                (Some(_), _) => ("bad", "✖"),
                (None, Some(_)) => ("good", "✔"),
                (None, None) => ("unknown", "○"),
            };
            OutsideView {
                name: row.name.clone(),
                what: row.what.clone(),
                class,
                symbol,
                text: words::outside(row, zone),
            }
        });
        Ok(Self {
            frame: shown.frame,
            now: app.now().for_people(zone),
            sw: is.sw.clone(),
            online: is.online,
            disks: disks.collect(),
            faults: faults.collect(),
            rolled,
            backups: made.collect(),
            knowing: known,
            leaf: turn.leaf(Self::PATH, next.as_ref()),
            boxes: boxes.collect(),
            outside: others.collect(),
            anchors: who.may(&table::OUTSIDE_ANCHOR, app.now()),
            moves: who.may(&table::MOVE, app.now()),
            typed: shown.typed,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: MoveForm) -> Result<String, HubError> {
        match form.act.as_str() {
            "move" => {}
            "settle" => {
                let reason = form.reason;
                app.perform(who, backups::Ask { reason }).await?;
                return Ok(
                    "It is on the record; somebody else has to approve it within seven days."
                        .into(),
                );
            }
            "approve" => {
                app.perform(who, backups::Approve {}).await?;
                return Ok("It is settled, and on the record with both your names.".into());
            }
            "anchor" => {
                let is = app.perform(who, outside::Anchor {}).await?;
                let failed = is.rows.iter().filter(|r| r.trouble.is_some()).count();
                return Ok(match failed {
                    0 => "All of them have answered.".into(),
                    n => format!(
                        "{n} of {} did not answer as they should: see below.",
                        is.rows.len()
                    ),
                });
            }
            _ => return Err(no_such_act()),
        }
        let some = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let names = form.boxes.split([' ', ',']).filter(|n| !n.is_empty());
        let boxes = names.map(BoxName::parse).collect::<Result<Vec<_>, _>>()?;
        let ask = moves::Ask {
            boxes,
            hub: form.hub,
            other: some(&form.other),
            lookup: some(&form.lookup),
            reason: form.reason,
            second: SignIn {
                name: form.name,
                password: form.password,
                code: some(&form.code),
            },
        };
        let all = app.perform(who, ask).await?;
        Ok(format!(
            "It is on the record, and boxes are told as they are on the line. {}.",
            knowing(&all)
        ))
    }
}
