//! Wiring. Finding footage and asking for it: cameras from a list, what there is of them on one day, from and to, and one form.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use shared::{
    id::BoxCamera,
    time::{Day, Utc, Zone},
};

use super::requests::{ClassView, RequestForm, classes, open};
use crate::{
    access::table,
    error::HubError,
    list::{MOST, Part},
    ops::{boxes, clips, footage, holds},
    rows::{BoxRow, DayRow},
    viewing::looks::MOST_MINUTES,
    web::{
        asked::View,
        context::{App, Outcome, Refusal, SignedIn},
        lane::{self, Beside, Hour, Lane},
        pages::cameras::box_state,
        parts::{self, Frame, State as Mood, marked, state},
        watched::{self, Watched},
    },
    words::label::Label,
};

/// Boxes of a search, and cameras of one of them, that are listed.
const BOXES: u32 = 12;
const CAMERAS: usize = 24;
/// Days that one goes to from here.
const DAYS: u32 = 31;
/// Holds of a box, and clips of a camera, that are drawn.
const DRAWN: u32 = 200;

struct Town {
    name: String,
    state: Mood,
    cameras: Vec<Choice>,
    more: Option<Label>,
}

/// A camera that may be chosen.
struct Choice {
    camera: String,
    title: String,
    chosen: bool,
    state: Mood,
}

/// A camera that is.
struct Chosen {
    camera: String,
    title: String,
    /// The view without it.
    without: String,
    lane: Option<Lane>,
    /// How much it is, and when it would be there.
    ahead: String,
}

struct DayLink {
    day: String,
    address: String,
    here: bool,
    /// Something is recorded.
    some: bool,
}

#[derive(Template)]
#[template(path = "find.html")]
struct FindPage {
    frame: Frame,
    view: View,
    towns: Vec<Town>,
    more: Option<Label>,
    /// Cameras that are chosen and not among those that are listed.
    kept: Vec<String>,
    chosen: Vec<Chosen>,
    day: String,
    days: Vec<DayLink>,
    hours: Vec<Hour>,
    /// Milliseconds at which the day begins and ends, and by whose clock.
    bounds: (i64, i64),
    zone_name: String,
    zone: Label,
    /// From and to can be asked for.
    ready: bool,
    /// Where it is looked at without being taken.
    look: Option<String>,
    classes: Vec<ClassView>,
    typed: RequestForm,
}

fn choices(row: &BoxRow, view: &View) -> (Vec<Choice>, usize) {
    let all = row.cameras.iter().map(|c| {
        let camera = BoxCamera {
            r#box: row.name.clone(),
            cam: c.cam.clone(),
        };
        let (symbol, class) = marked(c.standing.mark);
        Choice {
            chosen: view.cameras.contains(&camera),
            camera: camera.to_string(),
            title: c.title.clone(),
            state: state(symbol, "", class, String::new()),
        }
    });
    let mut all: Vec<Choice> = all.collect();
    let more = all.len().saturating_sub(CAMERAS);
    all.truncate(CAMERAS);
    (all, more)
}

/// The cameras that a search finds, by town.
async fn towns(
    app: &App,
    who: &SignedIn,
    view: &View,
) -> Result<(Vec<Town>, Option<Label>), HubError> {
    let list = boxes::List {
        search: (!view.search.is_empty()).then(|| view.search.clone()),
        part: Part::of(BOXES),
        ..boxes::List::default()
    };
    let found = app.perform(who, list).await?;
    let zone = app.zone();
    let mut rows: Vec<&BoxRow> = found.rows.iter().collect();
    rows.sort_by_key(|row| row.name.clone());
    let towns: Vec<Town> = rows
        .into_iter()
        .map(|row| {
            let (cameras, more) = choices(row, view);
            Town {
                name: row.name.to_string(),
                state: box_state(row, zone),
                cameras,
                more: (more > 0).then_some(Label::MoreOf(more)),
            }
        })
        .collect();
    let all = usize::try_from(found.counts.boxes).unwrap_or(usize::MAX);
    let more = all.saturating_sub(towns.len());
    Ok((towns, (more > 0).then_some(Label::MoreTowns(more))))
}

fn kept(view: &View, towns: &[Town]) -> Vec<String> {
    let listed = |name: &String| {
        let mut all = towns.iter().flat_map(|t| &t.cameras);
        all.any(|c| c.camera == *name)
    };
    let names = view.cameras.iter().map(ToString::to_string);
    names.filter(|name| !listed(name)).collect()
}

/// What there is of a camera beside footage.
async fn beside(
    app: &App,
    who: &SignedIn,
    camera: &BoxCamera,
    (from, to): (Utc, Utc),
) -> Result<Beside, HubError> {
    let now = app.now();
    let mut beside = Beside::default();
    if who.may(&table::HOLDS, now) {
        let list = holds::List {
            r#box: Some(camera.r#box.clone()),
            all: false,
            part: Part::of(DRAWN),
        };
        let name = camera.to_string();
        let held = app.perform(who, list).await?.rows.into_iter();
        let held = held.filter(|h| h.camera == name && h.ended.is_none());
        beside.held = held.map(|h| (h.t0, h.t1, h.hold.to_string())).collect();
    }
    if who.may(&table::CLIPS, now) {
        let list = clips::List {
            camera: Some(camera.clone()),
            from: Some(from),
            to: Some(to),
            part: Part::of(DRAWN),
        };
        let pulled = app.perform(who, list).await?.rows.into_iter();
        beside.pulled = pulled.map(|e| (e.t0, e.t1, e.r#ref)).collect();
    }
    Ok(beside)
}

/// A day of which nothing is on record.
fn nothing(day: Day, zone: &Zone) -> DayRow {
    DayRow {
        day,
        from: zone.start_of(day),
        to: zone.start_of(day.plus_days(1)),
        spans: Vec::new(),
        gaps: Vec::new(),
        bytes: 0,
        called: Vec::new(),
        days_left: None,
        deleted: false,
    }
}

async fn chosen(
    app: &App,
    who: &SignedIn,
    view: &View,
    camera: &BoxCamera,
    (day, span): (Day, Option<(Utc, Utc)>),
) -> Result<Chosen, HubError> {
    let zone = app.zone();
    let list = footage::List {
        r#box: camera.r#box.clone(),
        cam: camera.cam.clone(),
        day: Some(day),
        part: Part::of(1),
    };
    let found = app.perform(who, list).await?;
    let row = found.days.into_iter().next();
    let row = row.unwrap_or_else(|| nothing(day, zone));
    let mut around = beside(app, who, camera, (row.from, row.to)).await?;
    around.marked = span;
    let mut ahead = String::new();
    if let Some((from, to)) = span.filter(|_| who.may(&table::CLIP_FORECAST, app.now())) {
        let wanted = clips::Forecast {
            r#box: camera.r#box.clone(),
            cam: camera.cam.clone(),
            from,
            to,
            urgent: false,
        };
        let found = app.perform(who, wanted).await?;
        ahead = parts::ahead(&found.forecast, zone);
    }
    let of = boxes::List {
        r#box: Some(camera.r#box.clone()),
        ..boxes::List::default()
    };
    let cameras = app.perform(who, of).await?.rows.into_iter();
    let mut cameras = cameras.flat_map(|b| b.cameras);
    let title = cameras.find(|c| c.cam == camera.cam).map(|c| c.title);
    Ok(Chosen {
        camera: camera.to_string(),
        title: title.unwrap_or_default(),
        without: view.without(camera).address(),
        lane: Some(lane::lane(&row, &around, zone)),
        ahead,
    })
}

/// Where the span is looked at; None: it is too long, or there are too many cameras.
fn look(view: &View, span: Option<(Utc, Utc)>, zone: &Zone) -> Option<String> {
    let (from, to) = span.filter(|(from, to)| from < to)?;
    let short = to.0.saturating_sub(from.0) <= MOST_MINUTES * 60_000;
    let few = (1..=watched::MOST).contains(&view.cameras.len());
    let watched = Watched {
        cameras: view.cameras.clone(),
        from: zone.as_typed(from),
        to: zone.as_typed(to),
        ..Watched::default()
    };
    (short && few).then(|| watched.address())
}

/// 25/10
fn short(day: Day) -> String {
    let text = day.to_string();
    let mut parts = text.rsplit('-');
    let (d, m) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    format!("{d}/{m}")
}

/// The last days, and of which of them there is something.
async fn days(app: &App, who: &SignedIn, view: &View, here: Day) -> Result<Vec<DayLink>, HubError> {
    let names: Vec<String> = view.cameras.iter().map(ToString::to_string).collect();
    let mut some = BTreeSet::new();
    if !names.is_empty() {
        let wanted = footage::Recent {
            days: Some(DAYS),
            cameras: Some(names.join(",")),
            part: Part::of(MOST),
        };
        for f in app.perform(who, wanted).await?.rows {
            let recorded = f.days.into_iter().filter(|d| !d.spans.is_empty());
            some.extend(recorded.map(|d| d.day));
        }
    }
    let today = app.zone().day_of(app.now());
    let back = i32::try_from(DAYS).unwrap_or(31);
    let all = (0..back).rev().map(|n| today.plus_days(-n));
    let all = all.map(|day| DayLink {
        day: short(day),
        address: view.on(day).address(),
        here: day == here,
        some: some.contains(&day),
    });
    Ok(all.collect())
}

/// The view as it is now. What is typed and cannot be read is said on it.
async fn read(
    app: &App,
    who: &SignedIn,
    view: View,
    typed: RequestForm,
    mut outcome: Outcome,
) -> Result<Response, Refusal> {
    let zone = app.zone();
    let today = zone.day_of(app.now());
    let whole = view.span(view.day.unwrap_or(today), zone);
    if let (Err(e), true) = (&whole, outcome.problem.is_empty()) {
        outcome.problem = e.sentence();
    }
    let span = whole.ok().flatten();
    let day = view.day.or(span.map(|(from, _)| zone.day_of(from)));
    let day = day.unwrap_or(today);
    let (towns, more) = towns(app, who, &view).await?;
    let mut all = Vec::new();
    for camera in &view.cameras {
        all.push(chosen(app, who, &view, camera, (day, span)).await?);
    }
    let bounds = (zone.start_of(day), zone.start_of(day.plus_days(1)));
    let shown = FindPage {
        frame: who
            .frame(app, "/find")
            .after(&outcome.done, &outcome.problem),
        days: days(app, who, &view, day).await?,
        day: day.to_string(),
        hours: lane::hours(bounds, zone),
        bounds: (bounds.0.0, bounds.1.0),
        zone_name: app.hub.config.zone_name.clone(),
        zone: Label::LocalTimes(app.hub.config.zone_name.clone()),
        ready: !all.is_empty() && span.is_some_and(|(from, to)| from < to),
        look: look(&view, span, zone).filter(|_| who.may(&table::LOOK, app.now())),
        chosen: all,
        classes: classes(),
        kept: kept(&view, &towns),
        towns,
        more,
        view,
        typed,
    };
    outcome.on(&shown)
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let view = View::of(&fields);
    read(&app, &who, view, RequestForm::default(), Outcome::default()).await
}

/// Asks for what the view shows, and leads to what becomes of it.
pub async fn ask(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let view = View::of(&fields);
    let mut typed = RequestForm::of(&fields);
    who.check_form(&typed.form)?;
    let zone = app.zone();
    let day = view.day.unwrap_or_else(|| zone.day_of(app.now()));
    let asked = match view.span(day, zone) {
        Err(e) => Err(e),
        Ok(span) => {
            let names: Vec<String> = view.cameras.iter().map(ToString::to_string).collect();
            typed.cameras = names.join(" ");
            let text = |t: Option<Utc>| t.map_or_else(String::new, |t| zone.as_typed(t));
            typed.from = text(span.map(|s| s.0));
            typed.to = text(span.map(|s| s.1));
            open(&app, &who, &typed).await
        }
    };
    match asked {
        Ok(row) => {
            let to = format!("/requests/{}", row.request);
            Ok(Redirect::to(&to).into_response())
        }
        Err(e) => {
            let outcome = Outcome::of(Err(e))?;
            read(&app, &who, view, typed, outcome).await
        }
    }
}
