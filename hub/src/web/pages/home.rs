//! Wiring. The first page: what waits for whoever is signed in, and how things stand that are theirs to look at. Each part is there for those
//! who may do the operation it is read by, so what a role sees follows from the table of operations.

use std::{cmp::Reverse, sync::Arc};

use askama::Template;
use axum::{extract::State, response::Response};
use shared::{
    standing::{self, Mark, words as standing_words},
    time::{Utc, Zone, length_in_words},
    wire::Fault,
};

use crate::{
    access::table,
    faults::disks,
    list::Part,
    model::{disk::Fullness, operation::Row},
    ops::{
        boxes::{self, BoxCounts},
        machine, masks, requests, staff,
    },
    requests::clip::rows::RequestRow,
    reviews::Due,
    rows::BoxRow,
    web::{
        context::{App, Refusal, SignedIn, page},
        pages::{
            cameras::box_state,
            requests::state_of,
            waiting::{self, Wait},
        },
        parts::{Frame, State as Mood, marked, state},
    },
    words::label::Label,
};

/// Boxes that are looked through for what is wrong: those that stand worst.
const BOXES: u32 = 100;
/// Boxes that are named.
const WORST: usize = 6;
const FAULTS: usize = 30;
/// Requests, masks, promises and accounts that are named.
const NAMED: usize = 8;
/// Accounts that are looked through.
const WAITING: u32 = 200;

/// A line of a short list: what it is, how it stands, and more.
struct LineView {
    address: String,
    name: String,
    state: Mood,
}

struct FaultView {
    address: String,
    place: String,
    since: String,
    age: String,
    state: Mood,
    next: &'static str,
}

/// A short list, and what it says of those that it leaves out.
struct Short {
    rows: Vec<LineView>,
    more: Option<Label>,
}

impl Short {
    fn of(rows: Vec<LineView>, most: usize) -> Self {
        let all = rows.len();
        Self::of_so_many(rows, most, all)
    }

    fn of_so_many(mut rows: Vec<LineView>, most: usize, all: usize) -> Self {
        rows.truncate(most);
        let more = all.saturating_sub(rows.len());
        let more = (more > 0).then_some(Label::MoreOf(more));
        Self { rows, more }
    }
}

/// A number, and what there is so many of.
struct Figure {
    number: u64,
    text: Label,
    class: &'static str,
}

fn figures(counts: &BoxCounts) -> [Figure; 4] {
    let figure = |number, text, class| Figure {
        number,
        text,
        class: if number > 0 { class } else { "none" },
    };
    let all = Label::OfCamerasRecording(counts.cameras);
    [
        figure(counts.recording, all, "all"),
        figure(counts.red, Label::BoxesRed(counts.red), "bad"),
        figure(counts.amber, Label::BoxesAmber(counts.amber), "warn"),
        figure(
            counts.unknown,
            Label::BoxesUnknown(counts.unknown),
            "unknown",
        ),
    ]
}

/// The first of what waits.
struct Waits {
    rows: Vec<Wait>,
    more: Option<Label>,
}

impl Waits {
    fn of(mut rows: Vec<Wait>) -> Self {
        let more = rows.len().saturating_sub(NAMED);
        rows.truncate(NAMED);
        Self {
            rows,
            more: (more > 0).then_some(Label::MoreOf(more)),
        }
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    now: Label,
    ask: bool,
    /// None: nothing is ever theirs to decide.
    waits: Option<Waits>,
    figures: [Figure; 4],
    worst: Short,
    /// For those who see no footage, and look after what is wrong.
    faults: Option<Vec<FaultView>>,
    requests: Option<Vec<LineView>>,
    reviews: Option<Short>,
    promises: Option<Short>,
    declarations: Option<Short>,
    logs: Option<Short>,
    hub: Option<Short>,
}

/// What an account may read for its first page.
struct Reader<'a> {
    app: &'a App,
    who: &'a SignedIn,
    now: Utc,
}

impl Reader<'_> {
    fn may(&self, row: &'static Row) -> bool {
        self.who.may(row, self.now)
    }

    fn zone(&self) -> &Zone {
        self.app.zone()
    }

    /// What they asked for themselves, newest first.
    async fn requests(&self) -> Result<Option<Vec<LineView>>, Refusal> {
        if !self.may(&table::REQUESTS) {
            return Ok(None);
        }
        let list = requests::List {
            mine: true,
            part: Part::of(NAMED as u32),
            ..requests::List::default()
        };
        let found = self.app.perform(self.who, list).await?;
        let rows = found.rows.iter().map(|r| request(r, self.zone()));
        Ok(Some(rows.collect()))
    }

    /// Masks that somebody has to look at.
    async fn reviews(&self) -> Result<Option<Short>, Refusal> {
        if !self.may(&table::MASK_REVIEW) {
            return Ok(None);
        }
        let all = self.app.perform(self.who, masks::List {}).await?;
        let due = all.iter().filter_map(|m| {
            let (mark, word) = match m.due {
                Due::Overdue => (Mark::Red, "overdue"),
                Due::Soon => (Mark::Amber, "due soon"),
                Due::NoDate => (Mark::Amber, "no date"),
                Due::Unknown | Due::NoMask | Due::Later => return None,
            };
            let (symbol, class) = marked(mark);
            let day = m.mask.as_ref().and_then(|mask| mask.review);
            let day = day.map(|d| d.to_string()).unwrap_or_default();
            Some(LineView {
                address: "/masks".into(),
                name: format!("{} {}", m.camera, m.title),
                state: state(symbol, word, class, m.due.in_words(&day)),
            })
        });
        Ok(Some(Short::of(due.collect(), NAMED)))
    }

    /// Who has not accepted the declaration as it reads now.
    async fn declarations(&self) -> Result<Option<Short>, Refusal> {
        if !(self.may(&table::STAFF) && self.may(&table::ACCEPTANCES)) {
            return Ok(None);
        }
        let list = staff::List {
            closed: false,
            part: Part::of(WAITING),
        };
        let found = self.app.perform(self.who, list).await?;
        let rows = found.rows.iter().filter(|a| !a.declared).map(|a| LineView {
            address: "/staff".into(),
            name: a.person(),
            state: state("▲", "due", "warn", Label::NotAccepted.to_string()),
        });
        Ok(Some(Short::of(rows.collect(), NAMED)))
    }

    /// How the hub itself is: its disks and its own faults.
    async fn hub(&self) -> Result<Option<Short>, Refusal> {
        if !self.may(&table::HUB_STATUS) {
            return Ok(None);
        }
        let is = self.app.perform(self.who, machine::Status {}).await?;
        let faults = is.faults.iter().map(|f| {
            let title = shared::conditions::condition(&f.code).map_or("Fault", |c| c.title);
            LineView {
                address: "/hub".into(),
                name: f.about.clone(),
                state: state("✖", "fault", "bad", format!("{title}: {}", f.text)),
            }
        });
        let disks = is.disks.iter().map(|disk| {
            let (symbol, word, class) = match disk.state {
                Fullness::Good => ("✔", "good", "good"),
                Fullness::Low => ("▲", "fills up", "warn"),
                Fullness::Full => ("✖", "full", "bad"),
            };
            LineView {
                address: "/hub".into(),
                name: disk.disk.clone(),
                state: state(symbol, word, class, disks::said(disk)),
            }
        });
        Ok(Some(Short::of(faults.chain(disks).collect(), NAMED)))
    }
}

fn request(r: &RequestRow, zone: &Zone) -> LineView {
    let at = |t: Option<Utc>| t.map_or_else(String::new, |t| t.for_people(zone));
    let said = match r.cameras.as_slice() {
        [only] => format!("{}, {}", only.camera, at(r.from)),
        all => Label::CamerasFrom {
            cameras: all.len() as u64,
            from: at(r.from),
        }
        .to_string(),
    };
    let moving = r.cameras.iter().find(|c| c.under_way && !c.said.is_empty());
    let text = match moving {
        Some(c) => format!("{said}: {}", c.said),
        None => said,
    };
    LineView {
        address: format!("/requests/{}", r.request),
        name: r.request.clone(),
        state: Mood {
            text,
            ..state_of(r.state)
        },
    }
}

fn place(row: &BoxRow, f: &Fault) -> String {
    let Some(cam) = &f.cam else {
        return row.name.to_string();
    };
    let title = row.cameras.iter().find(|c| c.cam == *cam);
    let title = title.map_or("", |c| c.title.as_str());
    format!("{}/{cam} {title}", row.name)
}

/// Boxes that need somebody, worst first.
fn worst(rows: &[BoxRow], counts: &BoxCounts, zone: &Zone) -> Short {
    let bad = rows.iter().filter(|r| r.standing.mark != Mark::Good);
    let lines = bad.take(WORST).map(|row| LineView {
        address: format!("/box/{}", row.name),
        name: row.name.to_string(),
        state: box_state(row, zone),
    });
    let all = counts.red + counts.amber + counts.unknown;
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    Short::of_so_many(lines.collect(), WORST, all)
}

/// Every fault of these boxes, oldest first.
fn by_age(rows: &[BoxRow], now: Utc, zone: &Zone) -> Vec<FaultView> {
    let all = rows
        .iter()
        .flat_map(|r| r.faults.iter().map(move |f| (r, f)));
    let mut all: Vec<(&BoxRow, &Fault)> = all.collect();
    all.sort_by_key(|(_, f)| (f.since, Reverse(standing::severity(f))));
    let shown = all.into_iter().take(FAULTS).map(|(row, f)| {
        let mark = Mark::of(standing::severity(f));
        let (symbol, class) = marked(mark);
        let title = shared::conditions::condition(&f.code).map_or("Fault", |c| c.title);
        FaultView {
            address: format!("/box/{}", row.name),
            place: place(row, f),
            since: f.since.for_people(zone),
            age: length_in_words(now.0 - f.since.0),
            state: state(symbol, title, class, f.text.clone()),
            next: standing_words::next_step(&f.code).unwrap_or_default(),
        }
    });
    shown.collect()
}

/// Promises that are broken, and those that disks will not keep.
fn promises(rows: &[BoxRow], zone: &Zone) -> Short {
    let mut all = Vec::new();
    for row in rows {
        for f in &row.faults {
            let (mark, word) = match f.code.as_str() {
                "disk.forecast" => (Mark::Amber, "will not hold"),
                "disk.early" | "disk.full" => (Mark::Red, "too short"),
                code if code.starts_with("retention.") => (Mark::Red, "not shown"),
                _ => continue,
            };
            let (symbol, class) = marked(mark);
            let address = match &f.cam {
                Some(cam) => format!("/retention/{}/{cam}", row.name),
                None => "/retention".into(),
            };
            let said = standing_words::fault(f, zone);
            let line = LineView {
                address,
                name: place(row, f),
                state: state(symbol, word, class, said),
            };
            all.push((Reverse(mark as u8), line));
        }
    }
    all.sort_by_key(|(mark, _)| *mark);
    Short::of(all.into_iter().map(|(_, line)| line).collect(), NAMED)
}

/// Boxes whose log is not taken as it is.
fn logs(rows: &[BoxRow]) -> Short {
    let disputed = rows.iter().filter_map(|row| {
        let why = row.dispute.clone()?;
        Some(LineView {
            address: format!("/box/{}", row.name),
            name: row.name.to_string(),
            state: state("✖", "refused", "bad", why),
        })
    });
    Short::of(disputed.collect(), NAMED)
}

pub async fn show(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, Refusal> {
    let now = app.now();
    let zone = app.zone();
    let reader = Reader {
        app: &app,
        who: &who,
        now,
    };
    let list = boxes::List {
        part: Part::of(BOXES),
        ..boxes::List::default()
    };
    let found = app.perform(&who, list).await?;
    let rows = &found.rows;
    let oversees = reader.may(&table::HUB_STATUS);
    page(&Home {
        frame: who.frame(&app, "/"),
        now: Label::AsOf(now.for_people(zone)),
        ask: reader.may(&table::REQUEST_OPEN),
        waits: waiting::waits(&app, &who).await?.map(Waits::of),
        worst: worst(rows, &found.counts, zone),
        faults: (!reader.may(&table::FOOTAGE)).then(|| by_age(rows, now, zone)),
        requests: reader.requests().await?,
        reviews: reader.reviews().await?,
        promises: oversees.then(|| promises(rows, zone)),
        declarations: reader.declarations().await?,
        logs: reader.may(&table::LOG_READ).then(|| logs(rows)),
        hub: reader.hub().await?,
        figures: figures(&found.counts),
    })
}
