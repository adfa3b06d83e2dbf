//! Wiring. Boxes and cameras, worst first; the last days of footage and the clips for those who may see them.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use serde::Deserialize;
use shared::{
    id::{BoxName, CameraId},
    standing::{self, BoxState, Mark, words},
    time::{Utc, Zone},
    wire::Fault,
};

use crate::{
    access::table,
    api::call::encoded,
    list::{MOST, Part},
    model::evidence::FaultRow,
    ops::{
        boxes::{self, BoxCounts},
        clips, evidence, footage,
    },
    reason::Pages,
    rows::{BoxRow, CameraRow, Footage, SpotRow},
    web::{
        context::{App, Refusal, SignedIn, page},
        leaf::{Leaf, Turn},
        parts::{self, Bar, ExhibitView, Frame, State as Mood, bar, marked, state},
    },
};

/// Days drawn there.
pub const DAYS_AT_A_GLANCE: usize = 7;
/// Boxes listed there, the worst; and of each so many cameras, the worst.
const BOXES_AT_A_GLANCE: u32 = 8;
const CAMERAS_AT_A_GLANCE: usize = 16;
/// Cameras of one part of a box's own page.
const CAMERAS: usize = 50;
const EVIDENCE_AT_A_GLANCE: usize = 10;
/// Clips listed there, the newest.
const CLIPS_AT_A_GLANCE: u32 = 50;

/// A standing fault, with its next step.
pub struct FaultView {
    pub symbol: &'static str,
    pub class: &'static str,
    pub text: String,
    pub next: &'static str,
}

pub struct BoxView {
    pub name: String,
    pub state: Mood,
    pub facts: Vec<String>,
    /// Those of the box as a whole.
    pub faults: Vec<FaultView>,
    pub dispute: Option<String>,
    pub cameras: Vec<CameraView>,
    /// Cameras that are not shown here: none of them is worse than those that are.
    pub more: usize,
}

pub struct CameraView {
    pub id: String,
    pub title: String,
    /// Page of its footage, for those who may list it.
    pub address: Option<String>,
    pub state: Mood,
    /// The next step, where there is one to take.
    pub next: &'static str,
    /// Its standing faults beside the one that its state names.
    pub faults: Vec<FaultView>,
    pub masked: bool,
    /// Of a camera with two rates.
    pub rate: Option<String>,
    pub bars: Vec<Bar>,
    /// Why there is no drawing.
    pub note: String,
}

#[derive(Template)]
#[template(path = "cameras.html")]
pub struct Overview {
    pub frame: Frame,
    pub now: String,
    pub zone: String,
    /// What was looked for; empty: nothing.
    pub search: String,
    pub counts: BoxCounts,
    pub boxes: Vec<BoxView>,
    pub boxes_leaf: Leaf,
    /// None: this person may see none.
    pub exhibits: Option<Vec<ExhibitView>>,
    pub leaf: Leaf,
    /// What somebody has to look at about evidence.
    pub evidence: Vec<String>,
    /// So many more, which are on the page of evidence.
    pub more_evidence: usize,
}

/// A box by itself, with all of its cameras in parts.
#[derive(Template)]
#[template(path = "box.html")]
pub struct OneBox {
    pub frame: Frame,
    pub now: String,
    pub zone: String,
    pub b: BoxView,
    pub leaf: Leaf,
}

/// Which parts are wanted, of boxes and of clips, and what was looked for.
#[derive(Debug, Default, Deserialize)]
pub struct CamerasQuery {
    search: Option<String>,
    boxes_after: Option<String>,
    boxes_back: Option<String>,
    after: Option<String>,
    back: Option<String>,
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(wanted): Query<CamerasQuery>,
) -> Result<Response, Refusal> {
    let (now, zone) = (app.now(), app.zone());
    let search = wanted.search.unwrap_or_default().trim().to_owned();
    let places = Turn {
        after: wanted.boxes_after,
        back: wanted.boxes_back,
    };
    let turn = Turn {
        after: wanted.after,
        back: wanted.back,
    };
    let list = boxes::List {
        search: (!search.is_empty()).then(|| search.clone()),
        part: places.part(BOXES_AT_A_GLANCE),
        ..boxes::List::default()
    };
    let found = app.perform(&who, list).await?;
    let mut rows: Vec<(BoxRow, usize)> = found.rows.into_iter().map(worst).collect();
    let mut recent = glance(&app, &who, rows.iter().map(|(row, _)| row)).await?;
    let views = rows.iter_mut().map(|(row, more)| {
        let cameras = row.cameras.iter().map(|c| {
            let footage = recent.remove(&format!("{}/{}", row.name, c.cam));
            camera(row, c, footage, zone)
        });
        let view = of_box(row, cameras.collect(), zone);
        BoxView {
            more: *more,
            ..view
        }
    });
    let views = views.collect();
    let (exhibits, evidence) = match who.may(&table::CLIPS, now) {
        true => {
            let part = turn.part(CLIPS_AT_A_GLANCE);
            let exhibits = app
                .perform(
                    &who,
                    clips::List {
                        part,
                        ..clips::List::default()
                    },
                )
                .await?;
            let faults = app.perform(&who, evidence::Faults {}).await?;
            (Some(exhibits), faults)
        }
        false => (None, Vec::new()),
    };
    let here = now.for_people(zone);
    let address = match search.is_empty() {
        true => "/cameras".to_owned(),
        false => format!("/cameras?search={}", encoded(&search)),
    };
    page(&Overview {
        frame: who.frame(&app, "/cameras"),
        zone: here.rsplit(' ').next().unwrap_or_default().to_owned(),
        now: here,
        counts: found.counts,
        boxes: views,
        boxes_leaf: places.leaf_of(&address, "boxes_", found.next.as_ref()),
        leaf: turn.leaf(&address, exhibits.as_ref().and_then(|e| e.next.as_ref())),
        search,
        exhibits: exhibits.map(|all| {
            let rows = all.rows.iter();
            rows.map(|e| parts::exhibit(e, zone)).collect()
        }),
        evidence: evidence
            .iter()
            .take(EVIDENCE_AT_A_GLANCE)
            .map(FaultRow::in_words)
            .collect(),
        more_evidence: evidence.len().saturating_sub(EVIDENCE_AT_A_GLANCE),
    })
}

/// A box with its worst cameras, and how many more it has.
fn worst(mut row: BoxRow) -> (BoxRow, usize) {
    let more = row.cameras.len().saturating_sub(CAMERAS_AT_A_GLANCE);
    let hidden = row.cameras.split_off(row.cameras.len() - more);
    without(&mut row, &hidden);
    (row, more)
}

/// Faults of cameras stand with these, where they are shown.
fn without(row: &mut BoxRow, cameras: &[CameraRow]) {
    let of = |f: &Fault| cameras.iter().any(|c| Some(&c.cam) == f.cam.as_ref());
    row.faults.retain(|f| !of(f));
}

/// One box and all of its cameras, a part at a time.
pub async fn of_one(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(name): Path<String>,
    Query(turn): Query<Turn>,
) -> Result<Response, Refusal> {
    let Ok(name) = BoxName::parse(&name) else {
        return Err(Refusal::because(Pages::NoSuchPage));
    };
    let list = boxes::List {
        r#box: Some(name.clone()),
        ..boxes::List::default()
    };
    let row = app.perform(&who, list).await?.rows.pop();
    let mut row = row.ok_or_else(|| Refusal::because(Pages::NoSuchPage))?;
    let zone = app.zone();
    let after = |c: &CameraRow| Some(c.cam.as_str()) == turn.after.as_deref();
    let begin = row.cameras.iter().position(after).map_or(0, |at| at + 1);
    let mut cameras = row.cameras.split_off(begin);
    let rest = cameras.split_off(cameras.len().min(CAMERAS));
    let next = cameras.last().filter(|_| !rest.is_empty());
    let next = next.map(|c| c.cam.to_string());
    let before = std::mem::replace(&mut row.cameras, cameras);
    without(&mut row, &before);
    without(&mut row, &rest);
    let mut recent = glance(&app, &who, [&row]).await?;
    let views = row.cameras.iter().map(|c| {
        let footage = recent.remove(&format!("{name}/{}", c.cam));
        camera(&row, c, footage, zone)
    });
    let views = views.collect();
    let here = app.now().for_people(zone);
    page(&OneBox {
        frame: who.frame(&app, ""),
        zone: here.rsplit(' ').next().unwrap_or_default().to_owned(),
        now: here,
        b: of_box(&row, views, zone),
        leaf: turn.leaf(&format!("/box/{name}"), next.as_ref()),
    })
}

/// The last days of every camera that is shown, for whoever may see them.
async fn glance<'a>(
    app: &App,
    who: &SignedIn,
    rows: impl IntoIterator<Item = &'a BoxRow>,
) -> Result<BTreeMap<String, Footage>, Refusal> {
    if !who.may(&table::FOOTAGE_RECENT, app.now()) {
        return Ok(BTreeMap::new());
    }
    let names = rows.into_iter().flat_map(|row| {
        let cameras = row.cameras.iter();
        cameras.map(|c| format!("{}/{}", row.name, c.cam))
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted = footage::Recent {
        days: Some(DAYS_AT_A_GLANCE as u32),
        cameras: Some(names.join(",")),
        part: Part::of(MOST),
    };
    let found = app.perform(who, wanted).await?;
    let rows = found.rows.into_iter();
    Ok(rows.map(|f| (f.camera.clone(), f)).collect())
}

pub fn box_state(row: &BoxRow, zone: &Zone) -> Mood {
    let said = words::r#box(&row.standing, row.last_seen, zone);
    let (symbol, class) = marked(row.standing.mark);
    let symbol = match row.standing.state {
        BoxState::Revoked => "⊘",
        BoxState::NotEnrolled => "…",
        _ => symbol,
    };
    state(symbol, said.word, class, said.text)
}

/// A standing fault in the words of the table of conditions.
fn fault(f: &Fault, zone: &Zone) -> FaultView {
    let of = match &f.cam {
        Some(cam) => format!("camera {cam}: "),
        None => String::new(),
    };
    let (symbol, class) = marked(Mark::of(standing::severity(f)));
    FaultView {
        symbol,
        class,
        text: of + &words::fault(f, zone),
        next: words::next_step(&f.code).unwrap_or_default(),
    }
}

/// A rate in plain words.
fn rate(code: &str) -> String {
    match code.strip_prefix("timelapse-") {
        Some(secs) => format!("time-lapse, a picture every {secs} s"),
        None if code == "realtime" => "real time".into(),
        None => code.into(),
    }
}

/// `footage`: None for somebody who may not list it.
pub fn camera(
    row: &BoxRow,
    camera: &CameraRow,
    footage: Option<Footage>,
    zone: &Zone,
) -> CameraView {
    let address = format!("/footage/{}/{}", row.name, camera.cam);
    let address = footage.is_some().then_some(address);
    let (bars, note) = match footage {
        None => Default::default(),
        Some(f) if f.days.is_empty() => (Vec::new(), "No footage on record.".to_owned()),
        Some(f) => (
            f.days
                .iter()
                .take(DAYS_AT_A_GLANCE)
                .map(|d| bar(d, zone))
                .collect(),
            String::new(),
        ),
    };
    let standing = &camera.standing;
    let now = row.reported.unwrap_or(Utc(0));
    let said = words::camera(standing, camera.flow.as_ref(), now, zone);
    let (symbol, class) = marked(standing.mark);
    CameraView {
        id: camera.cam.to_string(),
        title: camera.title.clone(),
        address,
        state: state(symbol, said.word, class, said.text),
        next: said.next.unwrap_or_default(),
        faults: standing.others.iter().map(|f| fault(f, zone)).collect(),
        masked: camera.masked,
        rate: camera.rate.as_deref().map(rate),
        bars,
        note,
    }
}

pub fn of_box(row: &BoxRow, cameras: Vec<CameraView>, zone: &Zone) -> BoxView {
    let mut facts = Vec::new();
    if let Some(days) = row.retention_days {
        facts.push(format!("keeps footage {days} days"));
    }
    if let Some(free) = row.free_mib {
        facts.push(format!("{} GiB free", free / 1024));
    }
    facts.push(match row.countersigned {
        Some(t) => format!(
            "{} log lines held here, countersigned {}",
            row.lines,
            t.for_people(zone)
        ),
        None => "no log line held here yet".into(),
    });
    facts.extend(row.spot.as_ref().map(SpotRow::in_words));
    if let Some(sw) = &row.sw {
        facts.push(format!("software {sw}"));
    }
    // A camera's own stand with it.
    let shown = |f: &&Fault| {
        let listed = |cam: &CameraId| row.cameras.iter().any(|c| c.cam == *cam);
        !f.cam.as_ref().is_some_and(listed)
    };
    let faults = row.faults.iter().filter(shown).map(|f| fault(f, zone));
    BoxView {
        name: row.name.to_string(),
        state: box_state(row, zone),
        facts,
        faults: faults.collect(),
        dispute: row.dispute.clone(),
        cameras,
        more: 0,
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        id::{BoxName, CameraId},
        standing::{BoxStanding, CameraStanding, Flow},
    };

    use super::*;

    fn row(online: bool, landed: Option<i64>, recording: bool) -> BoxRow {
        BoxRow {
            line: crate::rows::LineRow::default(),
            name: BoxName::parse("ashby").expect("name"),
            state: "enrolled".into(),
            online,
            sw: None,
            last_seen: Some(Utc(100_000)),
            reported: Some(Utc(100_000)),
            free_mib: None,
            retention_days: Some(31),
            faults: Vec::new(),
            lines: 0,
            countersigned: None,
            dispute: None,
            spot: None,
            cameras: vec![CameraRow {
                cam: CameraId::parse("c01").expect("cam"),
                title: "T".into(),
                masked: false,
                flow: Some(Flow {
                    recording,
                    landed: landed.map(Utc),
                    ..Flow::default()
                }),
                standing: CameraStanding::default(),
                stands_secs: None,
                rate: None,
            }],
            standing: BoxStanding::default(),
        }
    }

    /// HLT-1: a camera is said to record only when its box is on the line and pictures landed just now; else it says what is known.
    #[test]
    fn unknown_is_never_called_good() {
        let zone = Zone::utc();
        for (online, landed, recording, word) in [
            (true, Some(99_000), true, "recording"),
            (true, Some(80_000), true, "not recording"),
            (true, Some(99_000), false, "not recording"),
            (true, None, true, "not recording"),
            (false, Some(99_000), true, "unknown"),
            (false, Some(99_000), false, "unknown"),
        ] {
            let row = row(online, landed, recording).judged();
            let shown = camera(&row, &row.cameras[0], None, &zone);
            assert_eq!(shown.state.word, word, "{online} {landed:?} {recording}");
        }
        let mut unheard = row(true, None, false);
        (unheard.cameras[0].flow, unheard.reported) = (None, None);
        let unheard = unheard.judged();
        assert_eq!(box_state(&unheard, &zone).class, "unknown");
        assert_eq!(unheard.cameras[0].standing.mark, Mark::Unknown);
        let mut refused = row(true, None, true);
        refused.dispute = Some("FORKED: x".into());
        assert_eq!(box_state(&refused.judged(), &zone).word, "log refused");
    }

    /// FLT-1: a box whose cameras are dead is red, with cause and next step; one whose mask is due for review is amber.
    #[test]
    fn the_worst_is_red_and_says_what_to_do() {
        let zone = Zone::utc();
        let fault = |code: &str| Fault {
            code: code.into(),
            cam: Some(CameraId::parse("c01").expect("cam")),
            since: Utc(50_000),
            text: "as seen".into(),
        };
        let mut dead = row(true, Some(40_000), false);
        dead.faults.push(fault("camera.password"));
        let dead = dead.judged();
        assert_eq!(box_state(&dead, &zone).class, "bad");
        let shown = camera(&dead, &dead.cameras[0], None, &zone);
        assert!(
            shown
                .state
                .text
                .contains("Camera refuses the password: as seen"),
            "{}",
            shown.state.text
        );
        assert!(shown.next.contains("password_file"));
        assert!(of_box(&dead, Vec::new(), &zone).faults.is_empty());
        let mut due = row(true, Some(99_000), true);
        due.faults.push(fault("mask.review"));
        let due = due.judged();
        assert_eq!(box_state(&due, &zone).class, "warn");
        assert!(standing::box_order(&dead.standing) < standing::box_order(&due.standing));
    }

    /// HLT-1, UI-1: what records and what does not is said in a word, a symbol and a sentence.
    #[test]
    fn cameras_are_told_apart_in_words() {
        let zone = Zone::parse("Europe/London").expect("zone");
        let now = Utc::parse("2026-11-03T14:00:00.000Z").expect("time");
        let mut row = row(true, Some(now.0 - 900), true);
        (row.reported, row.last_seen) = (Some(now), Some(now));
        let mut dead = row.cameras[0].clone();
        dead.cam = CameraId::parse("c02").expect("cam");
        dead.flow = Some(Flow {
            landed: Some(now.plus_ms(-900)),
            down_since: Some(now.plus_ms(-900)),
            ..Flow::default()
        });
        row.cameras.push(dead);
        let row = row.judged();
        let cameras = row.cameras.iter().map(|c| camera(&row, c, None, &zone));
        let view = of_box(&row, cameras.collect(), &zone);
        let said = |s: &Mood| format!("{} {}: {}", s.symbol, s.word, s.text);
        let all: Vec<String> = view.cameras.iter().map(|c| said(&c.state)).collect();
        let all = format!("{}\n{}", said(&view.state), all.join("\n"));
        for part in [
            "✔ recording",
            "✖ not recording",
            "nothing recorded since Tue 3 Nov 2026 13:59:59 GMT",
            "1 of 2 cameras recording; not: c02",
            "last picture landed Tue 3 Nov 2026 13:59:59 GMT",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
    }
}
