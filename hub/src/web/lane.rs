//! Pure. The time line of one camera on one day, drawn: what is recorded, what is missing and why, what is held, where a mask was lifted, what
//! was pulled before, and what is marked now. Places are shares of the day, which has 23, 24 or 25 hours.

use shared::time::{Utc, Zone, length_in_words};

use crate::{rows::DayRow, words::label::Label};

/// Stretches of one kind that are drawn; more of them are joined, and none is left out.
const DRAWN: usize = 500;
/// Stretches that are put into words.
const IN_WORDS: usize = 60;
/// Every so many hours one is written.
const EVERY: usize = 3;

/// A stretch of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// recorded, lifted, gap, held, pulled, marked
    pub kind: &'static str,
    /// In per cent.
    pub x: String,
    pub w: String,
}

/// An hour on the scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    pub x: String,
    /// Empty: only a tick.
    pub text: String,
}

/// What there is beside footage, of the same camera.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    pub held: Vec<(Utc, Utc, String)>,
    pub pulled: Vec<(Utc, Utc, String)>,
    /// From and to, as they are typed now.
    pub marked: Option<(Utc, Utc)>,
}

/// A camera's line.
#[derive(Clone, Debug)]
pub struct Lane {
    pub stretches: Vec<Stretch>,
    /// The drawing in a sentence.
    pub label: Label,
    /// All of it in words, in order of time.
    pub words: Vec<String>,
    pub left: Label,
}

/// A share of the day in per cent, in hundredths.
fn share(day: (Utc, Utc), t: Utc) -> f64 {
    let all = (day.1.0 - day.0.0).max(1) as f64;
    let at = t.0.clamp(day.0.0, day.1.0) - day.0.0;
    at as f64 * 100.0 / all
}

fn stretch(kind: &'static str, day: (Utc, Utc), t0: Utc, t1: Utc) -> Option<Stretch> {
    if t1 <= day.0 || t0 >= day.1 {
        return None;
    }
    let (a, b) = (share(day, t0), share(day, t1));
    // What is short is still seen.
    let w = (b - a).max(0.08);
    let x = a.min(100.0 - w);
    Some(Stretch {
        kind,
        x: format!("{x:.2}"),
        w: format!("{w:.2}"),
    })
}

/// Of more than can be told apart, neighbours become one.
fn drawn(kind: &'static str, day: (Utc, Utc), mut all: Vec<(Utc, Utc)>) -> Vec<Stretch> {
    all.sort();
    let each = all.len().div_ceil(DRAWN).max(1);
    let joined = all.chunks(each).filter_map(|near| {
        let end = near.iter().map(|(_, t1)| *t1).max()?;
        stretch(kind, day, near.first()?.0, end)
    });
    joined.collect()
}

/// The clock on the wall, with its zone's name where the day shows that hour twice.
pub fn clock(t: Utc, zone: &Zone, long: bool) -> String {
    let text = t.for_people(zone);
    let mut parts = text.split(' ').skip(4);
    let time = parts.next().unwrap_or_default();
    match (long, parts.next()) {
        (true, Some(name)) => format!("{time} {name}"),
        _ => time.to_owned(),
    }
}

/// The hours of a day, as the clock on the wall shows them: both of the hour that October repeats, none of the one that March leaves out.
pub fn hours(day: (Utc, Utc), zone: &Zone) -> Vec<Hour> {
    let hour = |t: Utc| {
        clock(t, zone, false)
            .get(..2)
            .unwrap_or_default()
            .to_owned()
    };
    let mut starts = Vec::new();
    let mut t = day.0;
    while t < day.1 {
        starts.push(t);
        t = t.plus_ms(3_600_000);
    }
    let names: Vec<String> = starts.iter().map(|t| hour(*t)).collect();
    let all = starts.iter().zip(&names).enumerate();
    let all = all.map(|(at, (t, name))| {
        let twice = names.iter().filter(|n| *n == name).count() > 1;
        let label = t.for_people(zone);
        let text = match (twice, at % EVERY) {
            (true, _) => format!("{name} {}", label.rsplit(' ').next().unwrap_or_default()),
            // Beside one that is written twice there is no room.
            (false, 0) if !near_twice(&names, at) => name.clone(),
            _ => String::new(),
        };
        Hour {
            x: format!("{:.2}", share(day, *t)),
            text,
        }
    });
    all.collect()
}

fn near_twice(names: &[String], at: usize) -> bool {
    let twice = |i: usize| {
        let name = names.get(i);
        name.is_some_and(|name| names.iter().filter(|n| *n == name).count() > 1)
    };
    at.checked_sub(1).is_some_and(twice) || twice(at + 1)
}

pub fn lane(row: &DayRow, beside: &Beside, zone: &Zone) -> Lane {
    let day = (row.from, row.to);
    // A day with two zones says of every time which it is.
    let long = clock(row.from, zone, true).split(' ').nth(1)
        != clock(row.to, zone, true).split(' ').nth(1);
    let at = |t: Utc| match t >= row.to {
        true => "24:00:00".to_owned(),
        false => clock(t.max(row.from), zone, long),
    };
    let spans = |lifted: bool| {
        let of = row.spans.iter().filter(|s| (s.how == "lifted") == lifted);
        of.map(|s| (s.t0, s.t1)).collect::<Vec<_>>()
    };
    let plain = |all: &[(Utc, Utc, String)]| -> Vec<(Utc, Utc)> {
        all.iter().map(|(t0, t1, _)| (*t0, *t1)).collect()
    };
    let mut stretches = drawn("recorded", day, spans(false));
    stretches.extend(drawn("lifted", day, spans(true)));
    let gaps = row.gaps.iter().map(|g| (g.t0, g.t1)).collect();
    stretches.extend(drawn("gap", day, gaps));
    stretches.extend(drawn("held", day, plain(&beside.held)));
    stretches.extend(drawn("pulled", day, plain(&beside.pulled)));
    let marked = beside
        .marked
        .and_then(|(t0, t1)| stretch("marked", day, t0, t1));
    stretches.extend(marked);
    let within = |t0: Utc, t1: Utc| t1 > day.0 && t0 < day.1;
    let mut words: Vec<(Utc, Label)> = Vec::new();
    for s in &row.spans {
        let (from, to) = (at(s.t0), at(s.t1));
        let said = match s.how == "lifted" {
            true => Label::RecordedLifted { from, to },
            false => Label::Recorded { from, to },
        };
        words.push((s.t0, said));
    }
    for g in &row.gaps {
        let (from, to, why) = (at(g.t0), at(g.t1), g.why.clone());
        words.push((g.t0, Label::Missing { from, to, why }));
    }
    for (t0, t1, what) in beside.held.iter().filter(|h| within(h.0, h.1)) {
        let (from, to, what) = (at(*t0), at(*t1), what.clone());
        words.push((*t0, Label::Held { from, to, what }));
    }
    for (t0, t1, what) in beside.pulled.iter().filter(|p| within(p.0, p.1)) {
        let (from, to, what) = (at(*t0), at(*t1), what.clone());
        words.push((*t0, Label::Pulled { from, to, what }));
    }
    words.sort_by_key(|(t, _)| *t);
    let more = words.len().saturating_sub(IN_WORDS);
    let mut words: Vec<String> = words
        .into_iter()
        .take(IN_WORDS)
        .map(|(_, said)| said.to_string())
        .collect();
    if more > 0 {
        words.push(Label::MoreOf(more).to_string());
    }
    let recorded = row
        .spans
        .iter()
        .map(|s| s.t1.0.min(row.to.0).saturating_sub(s.t0.0.max(row.from.0)))
        .fold(0, i64::saturating_add);
    Lane {
        stretches,
        label: match row.deleted {
            true => Label::DayDeleted,
            false => Label::DayDrawn {
                recorded: length_in_words(recorded),
                gaps: row.gaps.len() as u64,
            },
        },
        words,
        left: Label::DaysLeft(match row.deleted {
            true => None,
            false => row.days_left,
        }),
    }
}

#[cfg(test)]
mod tests {
    use shared::time::Day;

    use super::*;
    use crate::rows::{GapRow, Span};

    fn october() -> (Zone, DayRow) {
        let zone = Zone::parse("Europe/London").expect("zone");
        let day = Day::parse("2026-10-25").expect("day");
        let (from, to) = (zone.start_of(day), zone.start_of(day.plus_days(1)));
        let span = |t0: i64, t1: i64, how: &str| Span {
            t0: from.plus_ms(t0 * 3_600_000),
            t1: from.plus_ms(t1 * 3_600_000),
            segments: 1,
            mask: None,
            how: how.into(),
        };
        let row = DayRow {
            day,
            from,
            to,
            spans: vec![
                span(-1, 2, "none"),
                span(2, 10, "lifted"),
                span(12, 26, "none"),
            ],
            gaps: vec![GapRow {
                t0: from.plus_ms(10 * 3_600_000),
                t1: from.plus_ms(12 * 3_600_000),
                why: "camera silent".into(),
                packets: 0,
            }],
            bytes: 1,
            called: Vec::new(),
            days_left: Some(3),
            deleted: false,
        };
        (zone, row)
    }

    /// RET-2, UI-1: the day of 25 hours is drawn whole, its repeated hour twice and told apart; March's day has 23.
    #[test]
    fn october_has_an_hour_twice() {
        let (zone, row) = october();
        let all = hours((row.from, row.to), &zone);
        assert_eq!(all.len(), 25);
        let told: Vec<&str> = all
            .iter()
            .map(|h| h.text.as_str())
            .filter(|t| t.starts_with("01"))
            .collect();
        assert_eq!(told, ["01 BST", "01 GMT"]);
        assert!(all.iter().all(|h| h.text != "00" || h.x == "0.00"));
        let march = Day::parse("2026-03-29").expect("day");
        let march = (zone.start_of(march), zone.start_of(march.plus_days(1)));
        assert_eq!(hours(march, &zone).len(), 23);
    }

    /// UI-1: what is drawn is said in words too, what hides nothing apart from what hides, and nothing lies outside of the day.
    #[test]
    fn what_is_drawn_is_said() {
        let (zone, row) = october();
        let at = |h: i64| row.from.plus_ms(h * 3_600_000);
        let beside = Beside {
            held: vec![(at(13), at(14), "H-000001".into())],
            pulled: vec![
                (at(15), at(16), "EXH-2026-000001".into()),
                (at(40), at(41), "EXH-2026-000002".into()),
            ],
            marked: Some((at(1), at(2))),
        };
        let lane = lane(&row, &beside, &zone);
        let kinds: Vec<&str> = lane.stretches.iter().map(|s| s.kind).collect();
        assert_eq!(
            kinds,
            [
                "recorded", "recorded", "lifted", "gap", "held", "pulled", "marked"
            ]
        );
        for s in &lane.stretches {
            let (x, w): (f64, f64) = (s.x.parse().expect("x"), s.w.parse().expect("w"));
            assert!(x >= 0.0 && x + w <= 100.01, "{s:?}");
        }
        let words = lane.words.join("\n");
        for part in [
            "00:00:00 BST to 01:00:00 GMT: recorded",
            "without its mask",
            "camera silent",
            "H-000001",
            "EXH-2026-000001",
        ] {
            assert!(words.contains(part), "{part} in {words}");
        }
        assert!(!words.contains("EXH-2026-000002"), "{words}");
    }
}
