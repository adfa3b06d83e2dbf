//! Pure. What pages share: the head with its navigation, states in words and symbols first and colour only on top, days drawn.

use askama::Template;
use shared::{
    standing::Mark,
    time::{Utc, Zone, length_in_words},
};

use crate::{
    access::{principal::Person, table},
    hub::sessions::Session,
    model::{line::Forecast, operation::Row},
    rows::{DayRow, ExhibitRow},
    words::label::Label,
};

/// The pages that every other leads to, for those who may do the operation. What is about the own account stands by the own name.
pub const LINKS: [(&str, Label, &Row); 16] = [
    ("/", Label::Home, &table::BOXES),
    ("/cameras", Label::Cameras, &table::BOXES),
    ("/find", Label::Find, &table::REQUEST_OPEN),
    ("/requests", Label::Requests, &table::REQUESTS),
    ("/holds", Label::Holds, &table::HOLDS),
    ("/evidence", Label::Evidence, &table::EVIDENCE),
    ("/masks", Label::Masks, &table::MASKS),
    ("/lifts", Label::Lifts, &table::LIFTS),
    ("/touches", Label::Touches, &table::TOUCHES),
    ("/approvers", Label::Approvers, &table::APPROVERS),
    ("/retention", Label::Retention, &table::RETENTION),
    ("/log", Label::Log, &table::LOG_SHOW),
    ("/hub", Label::Hub, &table::HUB_STATUS),
    ("/staff", Label::Staff, &table::STAFF),
    ("/tokens", Label::Tokens, &table::TOKENS),
    ("/account", Label::Account, &table::FACTORS),
];

pub struct Link {
    pub address: &'static str,
    pub text: Label,
    /// It is the page that is shown.
    pub here: bool,
}

/// Who is signed in and where they may go: the head of every page.
pub struct Frame {
    pub scheme: String,
    pub name: String,
    pub roles: String,
    pub form: String,
    pub links: Vec<Link>,
    /// The same about the own account.
    pub own: Vec<Link>,
    /// Until when the session goes on, if nothing more is asked for; and in how many seconds that is.
    pub ends: Label,
    pub left: i64,
    /// In how many seconds it ends in any case.
    pub most: i64,
    /// What every page says just now.
    pub notices: Vec<String>,
    /// What was just done on this page, and what was not, and why. Empty: nothing.
    pub done: String,
    pub problem: String,
    /// Whether clips, and footage, may be named as links.
    pub clips: bool,
    pub footage: bool,
}

impl Frame {
    pub fn of(
        scheme: String,
        who: &Person,
        session: Session,
        here: &str,
        (now, zone): (Utc, &Zone),
        notices: Vec<String>,
        may: impl Fn(&'static Row) -> bool,
    ) -> Self {
        let open = LINKS.into_iter().filter(|(_, _, row)| may(row));
        let (own, links): (Vec<_>, Vec<_>) = open.partition(|(_, _, row)| row.own);
        let led = |all: Vec<(&'static str, Label, &Row)>| -> Vec<Link> {
            let all = all.into_iter().map(|(address, text, _)| Link {
                address,
                text,
                here: address == here,
            });
            all.collect()
        };
        let roles: Vec<&str> = who.roles(now).into_iter().map(|r| r.word()).collect();
        Self {
            scheme,
            name: who.name.clone(),
            roles: roles.join(", "),
            ends: Label::SessionEnds(session.ends().for_people(zone)),
            left: (session.ends().0 - now.0) / 1000,
            most: (session.last().0 - now.0) / 1000,
            form: session.form,
            links: led(links),
            own: led(own),
            notices,
            done: String::new(),
            problem: String::new(),
            clips: may(&table::CLIP),
            footage: may(&table::FOOTAGE),
        }
    }

    /// The same of a page that answers a form.
    pub fn after(self, done: &str, problem: &str) -> Self {
        Self {
            done: done.to_owned(),
            problem: problem.to_owned(),
            ..self
        }
    }
}

/// A text of the side table, or that it is there no more.
pub fn text(kept: &Option<String>) -> String {
    kept.clone().unwrap_or_else(|| "(erased)".into())
}

#[derive(Template)]
#[template(path = "message.html")]
pub struct Message<'a> {
    pub title: &'a str,
    pub text: &'a str,
}

/// A state in a word, with a symbol of its own shape, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub symbol: &'static str,
    pub word: &'static str,
    pub class: &'static str,
    pub text: String,
}

pub fn state(symbol: &'static str, word: &'static str, class: &'static str, text: String) -> State {
    State {
        symbol,
        word,
        class,
        text,
    }
}

pub fn marked(mark: Mark) -> (&'static str, &'static str) {
    match mark {
        Mark::Good => ("✔", "good"),
        Mark::Amber => ("▲", "warn"),
        Mark::Unknown => ("?", "unknown"),
        Mark::Red => ("✖", "bad"),
    }
}

/// One day of one camera, drawn and in words.
pub struct Bar {
    pub day: String,
    /// The drawing in a sentence, for those who do not see it.
    pub label: String,
    pub blocks: Vec<Block>,
    pub gaps: Vec<Block>,
    /// Stretches and gaps that there are; in words are the first of them.
    pub counts: (usize, usize),
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

/// Stretches, and gaps, of a day that are put into words; and that are drawn.
const IN_WORDS: usize = 200;
const DRAWN: usize = 1000;

fn left_out(all: usize) -> Option<String> {
    let more = all.checked_sub(IN_WORDS).filter(|n| *n > 0);
    more.map(|n| format!("and {n} more"))
}

/// Of more than can be told apart in the drawing, so many neighbours become one that none is left out.
fn drawn(
    spans: impl ExactSizeIterator<Item = (Utc, Utc)>,
    place: impl Fn(Utc, Utc) -> Block,
) -> Vec<Block> {
    let each = spans.len().div_ceil(DRAWN).max(1);
    let mut all: Vec<(Utc, Utc)> = spans.collect();
    all.sort();
    let joined = all.chunks(each).filter_map(|near| {
        let end = near.iter().map(|(_, t1)| *t1).max()?;
        Some(place(near.first()?.0, end))
    });
    joined.collect()
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
    let gaps = row.gaps.iter().take(IN_WORDS);
    let gap_list: Vec<String> = gaps
        .map(|g| format!("{} to {}: {}", clock(g.t0), clock(g.t1), g.why))
        .chain(left_out(row.gaps.len()))
        .collect();
    let spans = row.spans.iter().take(IN_WORDS);
    let spans: Vec<String> = spans
        .map(|s| format!("{} to {}", clock(s.t0), clock(s.t1)))
        .chain(left_out(row.spans.len()))
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
            let rest = match row.spans.len() {
                1 => first.clone(),
                n => format!("{n} stretches, the first {first}"),
            };
            format!(
                "{}: {} recorded, {rest}; {} gaps",
                row.day,
                hours(recorded),
                row.gaps.len()
            )
        }
    };
    Bar {
        day: row.day.to_string(),
        label,
        counts: (row.spans.len(), row.gaps.len()),
        blocks: drawn(row.spans.iter().map(|s| (s.t0, s.t1)), place),
        gaps: drawn(row.gaps.iter().map(|g| (g.t0, g.t1)), place),
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
    let progress = match (row.total, &row.forecast) {
        (0, _) | (_, None) => String::new(),
        (total, Some(f)) => {
            let there = f.there.filter(|_| row.bytes < total);
            let there = there.map(|t| format!(", there about {}", t.for_people(zone)));
            let have = format!("{} of {}", size(row.bytes), size(total));
            format!("{have}{}", there.unwrap_or_default())
        }
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

fn hours(ms: i64) -> String {
    let minutes = (ms.max(0) + 30_000) / 60_000;
    match (minutes, ms) {
        (0, 1..) => "less than a minute".into(),
        (m, _) => format!("{} h {:02} min", m / 60, m % 60),
    }
}

/// How much of a clip is to come, and when it will be there.
pub fn ahead(f: &Forecast, zone: &Zone) -> String {
    let before = match f.ahead {
        0 => String::new(),
        ahead => format!(", after {} of other pulls", size(ahead)),
    };
    let when = match (f.secs, f.there) {
        (Some(secs), Some(there)) => {
            let length = length_in_words(i64::try_from(secs).unwrap_or(i64::MAX / 1000) * 1000);
            format!(
                "{length} over its line, there about {}",
                there.for_people(zone)
            )
        }
        (Some(_), None) => "more than two months over its line".into(),
        _ => "its line has not been measured yet".into(),
    };
    format!("{} to come{before}: {when}", size(f.bytes))
}

pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use shared::time::Day;

    use super::*;
    use crate::rows::{GapRow, Span};

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
