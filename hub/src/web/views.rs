//! Pure. Rows of the board as pages show them: words and symbols first, colour only on top; drawings with a table beside them.

use askama::Template;
use shared::{
    id::CameraId,
    standing::{self, BoxState, Mark, words},
    time::{Utc, Zone},
    wire::Fault,
};

use super::files::Copy;
use crate::{
    board::{Account, BoxRow, CameraRow, DayRow, ExhibitRow, Footage, HoldRow, LiftRow},
    requests::mask::Substitute,
};

/// Days drawn on the first page.
pub const DAYS_AT_A_GLANCE: usize = 7;

/// Who is signed in, for the head of every page.
pub struct Frame {
    pub scheme: String,
    pub person: String,
    pub form: String,
}

impl Frame {
    pub fn of(scheme: String, account: &Account, form: &str) -> Self {
        Self {
            scheme,
            person: format!("{} (op:{:04}, {})", account.name, account.op, account.role),
            form: form.to_owned(),
        }
    }
}

/// A state in a word, with a symbol of its own shape, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub symbol: &'static str,
    pub word: &'static str,
    pub class: &'static str,
    pub text: String,
}

fn state(symbol: &'static str, word: &'static str, class: &'static str, text: String) -> State {
    State {
        symbol,
        word,
        class,
        text,
    }
}

/// A standing fault, with its next step.
pub struct FaultView {
    pub symbol: &'static str,
    pub class: &'static str,
    pub text: String,
    pub next: &'static str,
}

pub struct BoxView {
    pub name: String,
    pub state: State,
    pub facts: Vec<String>,
    /// Those of the box as a whole.
    pub faults: Vec<FaultView>,
    pub dispute: Option<String>,
    pub cameras: Vec<CameraView>,
}

pub struct CameraView {
    pub id: String,
    pub title: String,
    /// Page of its footage, for those who may list it.
    pub address: Option<String>,
    pub state: State,
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

/// One day of one camera, drawn and in words.
pub struct Bar {
    pub day: String,
    /// The drawing in a sentence, for those who do not see it.
    pub label: String,
    pub blocks: Vec<Block>,
    pub gaps: Vec<Block>,
    pub spans: Vec<String>,
    pub gap_list: Vec<String>,
    pub recorded: String,
    pub size: String,
    pub left: String,
    /// What the camera was called then, where that is not what it is called now.
    pub called: String,
}

/// Place in a drawing a thousand wide.
pub struct Block {
    pub x: String,
    pub w: String,
}

pub struct ExhibitView {
    pub exhibit: String,
    pub camera: String,
    /// What it was called in that time.
    pub called: String,
    pub from: String,
    pub to: String,
    pub state: String,
    pub symbol: &'static str,
    pub class: &'static str,
    pub why: String,
    pub progress: String,
    pub ready: bool,
    pub reference: String,
    pub requester: String,
    pub purpose: String,
}

pub struct CopyView {
    pub index: usize,
    pub name: String,
    pub size: String,
    pub codec: &'static str,
    pub plays: bool,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    pub scheme: &'a str,
    pub form: &'a str,
    pub problem: &'a str,
}

#[derive(Template)]
#[template(path = "overview.html")]
pub struct Overview {
    pub frame: Frame,
    pub now: String,
    pub zone: String,
    pub boxes: Vec<BoxView>,
    /// None: this person may see none.
    pub exhibits: Option<Vec<ExhibitView>>,
    /// What somebody has to look at about evidence.
    pub evidence: Vec<String>,
    pub problem: String,
}

#[derive(Template)]
#[template(path = "footage.html")]
pub struct FootagePage {
    pub frame: Frame,
    pub camera: String,
    pub title: String,
    pub zone: String,
    pub bars: Vec<Bar>,
}

#[derive(Template)]
#[template(path = "clip.html")]
pub struct ClipPage {
    pub frame: Frame,
    pub exhibit: ExhibitView,
    pub copies: Vec<CopyView>,
    pub granted: bool,
    pub problem: String,
    pub purpose: String,
    pub reference: String,
}

/// A lift of a mask that waits for a second person.
pub struct LiftView {
    pub n: u64,
    pub camera: String,
    pub mask: String,
    /// What hides meanwhile, in words.
    pub instead: String,
    pub end: String,
    pub authority: String,
    pub reason: String,
    pub by: String,
    pub made: String,
    pub expires: String,
    /// Asked for by whoever looks: another must approve it.
    pub own: bool,
}

#[derive(Template)]
#[template(path = "lifts.html")]
pub struct LiftsPage {
    pub frame: Frame,
    pub lifts: Vec<LiftView>,
    /// What was just done.
    pub done: String,
    pub problem: String,
}

pub fn lift(l: &LiftRow, who: &Account, zone: &Zone) -> LiftView {
    let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "(erased)".into());
    LiftView {
        n: l.n,
        camera: l.camera.clone(),
        mask: l.mask.clone(),
        instead: l
            .instead
            .as_ref()
            .map_or_else(|| "nothing hides".into(), Substitute::in_words),
        end: match (l.until, l.minutes) {
            (Some(until), _) => format!("until {}", until.for_people(zone)),
            (None, minutes) => format!("for {} minutes from the approval on", minutes.unwrap_or(0)),
        },
        authority: text(&l.authority),
        reason: text(&l.reason),
        by: l.by.clone(),
        made: l.made.for_people(zone),
        expires: l.expires.for_people(zone),
        own: l.by == crate::ownlog::op(who.op),
    }
}

/// A hold as its page shows it.
pub struct HoldView {
    pub hold: String,
    pub camera: String,
    pub state: State,
    pub warnings: Vec<String>,
    pub from: String,
    pub to: String,
    pub kept: String,
    pub until: String,
    pub review: String,
    pub reason: String,
    pub authority: String,
    pub reference: String,
    pub by: String,
    pub made: String,
    pub exhibit: Option<String>,
    pub release: Option<String>,
    pub freed: String,
    /// This person asked that it be released.
    pub own: bool,
    /// Somebody else did, so this person may approve it.
    pub approve: bool,
}

#[derive(Template)]
#[template(path = "holds.html")]
pub struct HoldsPage {
    pub frame: Frame,
    pub holds: Vec<HoldView>,
    /// What was just done.
    pub done: String,
    pub problem: String,
}

pub fn hold(h: &HoldRow, who: &Account, zone: &Zone) -> HoldView {
    let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "(erased)".into());
    let says = h.standing(zone);
    let me = crate::ownlog::op(who.op);
    HoldView {
        hold: h.hold.to_string(),
        camera: h.camera.clone(),
        state: match h.state.as_str() {
            "pending" => state("…", "waiting for the box", "warn", says),
            "placed" => state("✔", "in force", "good", says),
            "releasing" => state("…", "being released", "unknown", says),
            "over" => state("⊘", "over", "unknown", says),
            _ => state("✖", "refused", "bad", says),
        },
        warnings: h.warnings.clone(),
        from: h.t0.for_people(zone),
        to: h.t1.for_people(zone),
        kept: h.segments.map_or("nothing yet".into(), |n| {
            format!("{n} segments, {}", size(h.bytes.unwrap_or(0)))
        }),
        until: match h.days_left {
            Some(days) => format!("{}, {days} days left", h.until.for_people(zone)),
            None => h.until.for_people(zone),
        },
        review: h.review.to_string(),
        reason: text(&h.reason),
        authority: text(&h.authority),
        reference: text(&h.reference),
        by: h.by.clone(),
        made: h.made.for_people(zone),
        exhibit: h.exhibit.clone(),
        release: h.release.as_ref().map(|r| {
            format!(
                "{} at {}: {}",
                r.by,
                r.made.for_people(zone),
                text(&r.reason)
            )
        }),
        freed: h.freed.join(", "),
        own: h.release.as_ref().is_some_and(|r| r.by == me),
        approve: h.release.as_ref().is_some_and(|r| r.by != me),
    }
}

#[derive(Template)]
#[template(path = "message.html")]
pub struct Message<'a> {
    pub title: &'a str,
    pub text: &'a str,
}

pub fn box_state(row: &BoxRow, zone: &Zone) -> State {
    let said = words::r#box(&row.standing, row.last_seen, zone);
    let (symbol, class) = marked(row.standing.mark);
    let symbol = match row.standing.state {
        BoxState::Revoked => "⊘",
        BoxState::NotEnrolled => "…",
        _ => symbol,
    };
    state(symbol, said.word, class, said.text)
}

fn marked(mark: Mark) -> (&'static str, &'static str) {
    match mark {
        Mark::Good => ("✔", "good"),
        Mark::Amber => ("▲", "warn"),
        Mark::Unknown => ("?", "unknown"),
        Mark::Red => ("✖", "bad"),
    }
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
    footage: Option<Result<Footage, String>>,
    zone: &Zone,
) -> CameraView {
    let address = format!("/footage/{}/{}", row.name, camera.cam);
    let address = footage.is_some().then_some(address);
    let (bars, note) = match footage {
        None => Default::default(),
        Some(Ok(f)) if f.days.is_empty() => (Vec::new(), "No footage on record.".to_owned()),
        Some(Ok(f)) => (
            f.days
                .iter()
                .take(DAYS_AT_A_GLANCE)
                .map(|d| bar(d, zone))
                .collect(),
            String::new(),
        ),
        Some(Err(why)) => (Vec::new(), why),
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
    }
}

pub fn bar(row: &DayRow, zone: &Zone) -> Bar {
    let length = (row.to.0 - row.from.0).max(1);
    let place = |t0: Utc, t1: Utc| {
        let share =
            |t: Utc| (t.0.clamp(row.from.0, row.to.0) - row.from.0) as f64 * 1000.0 / length as f64;
        let (a, b) = (share(t0), share(t1));
        Block {
            x: format!("{a:.1}"),
            w: format!("{:.1}", (b - a).max(0.8)),
        }
    };
    let clock = |t: Utc| {
        if t >= row.to {
            return "24:00:00".to_owned();
        }
        let text = t.max(row.from).for_people(zone);
        text.split(' ').nth(4).unwrap_or_default().to_owned()
    };
    let recorded: i64 = row
        .spans
        .iter()
        .map(|s| s.t1.0.min(row.to.0).saturating_sub(s.t0.0.max(row.from.0)))
        .fold(0, i64::saturating_add);
    let gap_list: Vec<String> = row
        .gaps
        .iter()
        .map(|g| format!("{} to {}: {}", clock(g.t0), clock(g.t1), g.why))
        .collect();
    let spans: Vec<String> = row
        .spans
        .iter()
        .map(|s| format!("{} to {}", clock(s.t0), clock(s.t1)))
        .collect();
    let left = match row.days_left {
        _ if row.deleted => "deleted".to_owned(),
        None => "not known".to_owned(),
        Some(n) if n <= 0 => "due for deletion".to_owned(),
        Some(1) => "1 day left".to_owned(),
        Some(n) => format!("{n} days left"),
    };
    let label = match (row.deleted, spans.as_slice()) {
        (true, _) => format!("{}: deleted", row.day),
        (false, []) => format!("{}: nothing recorded", row.day),
        (false, [first, ..]) => {
            let rest = if spans.len() == 1 {
                first.clone()
            } else {
                format!("{} stretches, the first {first}", spans.len())
            };
            format!(
                "{}: {} recorded, {rest}; {} gaps",
                row.day,
                hours(recorded),
                gap_list.len()
            )
        }
    };
    Bar {
        day: row.day.to_string(),
        label,
        blocks: row.spans.iter().map(|s| place(s.t0, s.t1)).collect(),
        gaps: row.gaps.iter().map(|g| place(g.t0, g.t1)).collect(),
        spans,
        gap_list,
        recorded: hours(recorded),
        size: size(row.bytes),
        left,
        called: row.called.join("; then "),
    }
}

pub fn exhibit(row: &ExhibitRow, zone: &Zone) -> ExhibitView {
    let (symbol, class) = match row.state.as_str() {
        "Ready" | "Released" => ("✔", "good"),
        "Partial" => ("◐", "warn"),
        "Failed" | "Refused" => ("✖", "bad"),
        "Closed" => ("■", "unknown"),
        "Disposed" => ("⊘", "unknown"),
        _ => ("…", "unknown"),
    };
    let progress = match row.total {
        0 => String::new(),
        total => format!("{} of {}", size(row.bytes), size(total)),
    };
    let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "erased".into());
    ExhibitView {
        exhibit: row.r#ref.clone(),
        camera: row.camera.clone(),
        called: row.called.join("; then "),
        from: row.t0.for_people(zone),
        to: row.t1.for_people(zone),
        state: row.state.clone(),
        symbol,
        class,
        why: row.why.clone(),
        progress,
        ready: row.package.is_some(),
        reference: text(&row.reference),
        requester: text(&row.requester),
        purpose: text(&row.purpose),
    }
}

pub fn copies(all: &[Copy]) -> Vec<CopyView> {
    let views = all.iter().enumerate();
    views
        .map(|(index, c)| CopyView {
            index,
            name: c.name.clone(),
            size: size(c.bytes),
            codec: c.codec,
            plays: c.plays,
        })
        .collect()
}

fn hours(ms: i64) -> String {
    let minutes = (ms.max(0) + 30_000) / 60_000;
    match (minutes, ms) {
        (0, 1..) => "less than a minute".into(),
        (m, _) => format!("{} h {:02} min", m / 60, m % 60),
    }
}

pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use shared::{
        id::{BoxName, CameraId},
        standing::{BoxStanding, CameraStanding, Flow},
        time::Day,
    };

    use super::*;
    use crate::board::{GapRow, Span};

    fn row(online: bool, landed: Option<i64>, recording: bool) -> BoxRow {
        BoxRow {
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

    /// RET-2: the drawing is right on the day of 25 hours too, and its words say the same.
    #[test]
    fn a_day_of_25_hours_is_drawn_whole() {
        let zone = Zone::parse("Europe/London").expect("zone");
        let day = Day::parse("2026-10-25").expect("day");
        let (from, to) = (zone.start_of(day), zone.start_of(day.plus_days(1)));
        let half = Utc((from.0 + to.0) / 2);
        let span = |t0, t1| Span {
            t0,
            t1,
            segments: 1,
            mask: None,
            how: "none".into(),
        };
        let drawn = bar(
            &DayRow {
                day,
                from,
                to,
                spans: vec![
                    span(from.plus_ms(-60_000), half),
                    span(half.plus_ms(60_000), to),
                ],
                gaps: vec![GapRow {
                    t0: half,
                    t1: half.plus_ms(60_000),
                    why: "camera silent".into(),
                    packets: 0,
                }],
                bytes: 5_000_000,
                called: Vec::new(),
                days_left: Some(3),
                deleted: false,
            },
            &zone,
        );
        assert_eq!(
            (drawn.blocks[0].x.as_str(), drawn.blocks[0].w.as_str()),
            ("0.0", "500.0")
        );
        assert_eq!(drawn.recorded, "24 h 59 min");
        assert_eq!(
            drawn.spans,
            ["00:00:00 to 11:30:00", "11:31:00 to 24:00:00"]
        );
        assert_eq!(drawn.gap_list, ["11:30:00 to 11:31:00: camera silent"]);
        assert!(
            drawn.label.contains("2 stretches") && drawn.label.contains("1 gaps"),
            "{}",
            drawn.label
        );
    }
}
