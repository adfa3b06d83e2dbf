//! Pure. The retention report in words: for the terminal, as CSV, and as one page that prints on A4.

use askama::Template;
use shared::time::{Utc, Zone};

use super::report::{CameraReport, Certificate, DayState, Report, Verdict};
use crate::words::en::claims::claim_in_words;

/// Columns of the CSV (documented in docs/hub.md): new ones are added at the end, none is renamed.
pub const CSV_HEADERS: [&str; 26] = [
    "box",
    "camera",
    "title",
    "configured",
    "policy_days",
    "zone",
    "first_frame",
    "last_frame",
    "gaps",
    "gap_seconds",
    "gb_per_day",
    "days_on_disk",
    "forecast_days_left",
    "forecast_days_kept",
    "certificate_day",
    "certificate_time",
    "certificate_segments",
    "certificate_copies_held",
    "certificate_rule",
    "oldest_left",
    "undecryptable",
    "claim",
    "claim_in_words",
    "last_heard",
    "verdict",
    "why",
];

/// A field of a CSV: quoted where it must be, and never begun with what a spreadsheet takes for a formula.
fn field(text: &str) -> String {
    let text = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Times are UTC, days local to the camera's zone; what is not known is empty.
pub fn csv(report: &Report) -> String {
    let some = |t: Option<&dyn std::fmt::Display>| t.map_or_else(String::new, |t| t.to_string());
    let mut out = CSV_HEADERS.join(",") + "\r\n";
    for c in &report.cameras {
        let certificate = c.certificate.as_ref();
        let outlook = c.outlook.as_ref();
        let of = |get: fn(&Certificate) -> String| certificate.map(get).unwrap_or_default();
        let row: [String; CSV_HEADERS.len()] = [
            c.r#box.to_string(),
            c.cam.to_string(),
            c.title.clone(),
            if c.configured { "yes" } else { "no" }.into(),
            some(c.policy_days.as_ref().map(|d| d as _)),
            c.zone.clone(),
            some(c.first.as_ref().map(|t| t as _)),
            some(c.last.as_ref().map(|t| t as _)),
            c.gaps.to_string(),
            (c.gap_ms / 1000).to_string(),
            c.bytes_per_day.map(gb).unwrap_or_default(),
            c.days_on_disk.to_string(),
            outlook.map_or_else(String::new, |o| {
                o.days_left.map_or("enough".into(), |d| d.to_string())
            }),
            some(outlook.map(|o| &o.days_kept as _)),
            of(|c| c.day.to_string()),
            of(|c| c.at.to_string()),
            of(|c| c.count.to_string()),
            of(|c| c.held.to_string()),
            of(|c| c.rule.clone()),
            of(|c| c.oldest.map_or("none".into(), |t| t.to_string())),
            of(|c| match c.undecryptable {
                Some(true) => "yes".into(),
                Some(false) => "no".into(),
                None => String::new(),
            }),
            of(|c| c.claim.clone().unwrap_or_default()),
            of(|c| claim_in_words(c.claim.as_deref().unwrap_or_default()).into()),
            some(c.heard.as_ref().map(|t| t as _)),
            c.verdict.word().into(),
            c.why.clone(),
        ];
        out += &row.iter().map(|f| field(f)).collect::<Vec<_>>().join(",");
        out += "\r\n";
    }
    out
}

fn gb(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e9)
}

/// Hours and minutes of gaps; seconds while they are few.
pub fn length(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// One camera's row in words.
pub struct Row {
    pub name: String,
    pub address: String,
    pub title: String,
    pub policy: String,
    pub held: String,
    pub gaps: String,
    pub rate: String,
    pub days: u64,
    pub forecast: String,
    pub certificate: String,
    pub symbol: &'static str,
    pub class: &'static str,
    pub verdict: &'static str,
    pub why: String,
    pub bar: Option<Bar>,
}

/// Days held against the policy, drawn a thousand wide.
pub struct Bar {
    pub label: String,
    /// Where the policy begins, and how wide it is.
    pub x: String,
    pub w: String,
    pub blocks: Vec<Block>,
}

pub struct Block {
    pub class: &'static str,
    pub x: String,
    pub w: String,
}

pub fn certificate(c: &Certificate, zone: &Zone) -> String {
    let at = c.at.for_people(zone);
    if !c.done {
        return format!("{}: begun {at}, not reported done", c.day);
    }
    let oldest = c.oldest.map_or_else(
        || "nothing of this camera was left".into(),
        |t| format!("oldest footage left of {}", t.for_people(zone)),
    );
    let opens = match c.undecryptable {
        Some(false) => "; A KEY OF THE BOX STILL OPENS IT",
        _ => "",
    };
    let claim = c.claim.as_deref().map_or("", claim_in_words);
    let held = match c.held {
        0 => String::new(),
        n => format!(" (holds keep copies of {n})"),
    };
    format!(
        "{}: {} segments{held}, {at}; {oldest}; {claim}{opens}",
        c.day, c.count
    )
}

pub fn row(c: &CameraReport, zone: &Zone) -> Row {
    let (symbol, class) = match c.verdict {
        Verdict::AsPromised => ("✔", "good"),
        Verdict::Over | Verdict::Under => ("✖", "bad"),
        Verdict::NotKnown => ("?", "unknown"),
    };
    let at = |t: Utc| t.for_people(zone);
    Row {
        name: format!("{}/{}", c.r#box, c.cam),
        address: format!("/retention/{}/{}", c.r#box, c.cam),
        title: match (c.configured, c.title.as_str()) {
            (true, title) => title.to_owned(),
            (false, _) => "(not in the box's configuration any more)".into(),
        },
        policy: c
            .policy_days
            .map_or("not known".into(), |d| format!("{d} days")),
        held: match c.first.zip(c.last) {
            Some((a, b)) => format!("{} to {}", at(a), at(b)),
            None => "nothing".into(),
        },
        gaps: match c.gaps {
            0 => "none".into(),
            n => format!("{n}, {}", length(c.gap_ms)),
        },
        rate: c
            .bytes_per_day
            .map_or("not known yet".into(), |b| format!("{} GB", gb(b))),
        days: c.days_on_disk,
        forecast: match &c.outlook {
            None => "not known".into(),
            Some(o) => o.days_left.map_or_else(
                || "the disks hold it all".into(),
                |d| format!("short in {d} days, with {} days kept", o.days_kept),
            ),
        },
        certificate: c
            .certificate
            .as_ref()
            .map_or("none yet".into(), |c| certificate(c, zone)),
        symbol,
        class,
        verdict: c.verdict.word(),
        why: c.why.clone(),
        bar: bar(c),
    }
}

fn bar(c: &CameraReport) -> Option<Bar> {
    let policy = i64::from(c.policy_days?);
    let (first, last) = (c.bar.first()?.from, c.bar.last()?.to);
    let all = first.days_until(last).saturating_add(1);
    let place = |days: i64| format!("{:.1}", days as f64 * 1000.0 / all as f64);
    let days_of = |kept: DayState| -> i64 {
        let runs = c.bar.iter().filter(|r| r.kept == kept);
        runs.map(|r| r.from.days_until(r.to).saturating_add(1))
            .fold(0, i64::saturating_add)
    };
    let extra: String = [(DayState::Over, "over"), (DayState::Early, "gone early")]
        .into_iter()
        .filter(|(kept, _)| days_of(*kept) > 0)
        .map(|(kept, word)| format!(", {} {word}", days_of(kept)))
        .collect();
    let blocks = c.bar.iter().filter_map(|r| {
        Some(Block {
            class: match r.kept {
                DayState::Held => "recorded",
                DayState::Over => "over",
                DayState::Early => "early",
                DayState::Nothing => return None,
            },
            x: place(first.days_until(r.from)),
            w: place(r.from.days_until(r.to).saturating_add(1)),
        })
    });
    // Today and N days before it.
    let promised = (policy + 1).min(all);
    Some(Bar {
        label: format!(
            "{first} to {last}: {} days held of {policy} promised{extra}",
            c.days_on_disk
        ),
        x: place(all - promised),
        w: place(promised),
        blocks: blocks.collect(),
    })
}

#[derive(Template)]
#[template(path = "retention_export.html")]
struct Page<'a> {
    scheme: &'a str,
    now: String,
    zone: &'a str,
    promises: &'a [String],
    rows: Vec<Row>,
    counts: Vec<(&'static str, usize)>,
}

/// How many cameras have each verdict.
pub fn counts(report: &Report) -> Vec<(&'static str, usize)> {
    [
        Verdict::AsPromised,
        Verdict::Over,
        Verdict::Under,
        Verdict::NotKnown,
    ]
    .into_iter()
    .map(|v| {
        (
            v.word(),
            report.cameras.iter().filter(|c| c.verdict == v).count(),
        )
    })
    .collect()
}

/// One page that needs no other file.
pub fn html(report: &Report, zone: &Zone) -> Result<String, askama::Error> {
    Page {
        scheme: &report.scheme,
        now: report.now.for_people(zone),
        zone: &report.zone,
        promises: &report.promises,
        rows: report.cameras.iter().map(|c| row(c, zone)).collect(),
        counts: counts(report),
    }
    .render()
}

pub fn terminal(report: &Report, zone: &Zone) -> String {
    let mut out = format!(
        "Retention of {}, {}   times in {}\n",
        report.scheme,
        report.now.for_people(zone),
        report.zone
    );
    for sentence in &report.promises {
        out += &format!("{sentence}\n");
    }
    if report.cameras.is_empty() {
        out += "no camera is known yet\n";
    }
    let rows: Vec<Row> = report.cameras.iter().map(|c| row(c, zone)).collect();
    let wide = rows.iter().map(|r| r.name.len()).max().unwrap_or(0).max(6);
    if !rows.is_empty() {
        out += &format!(
            "\n{:<wide$}  {:<12}{:<10}{:<9}{:<15}{:<16}{}\n",
            "CAMERA", "VERDICT", "POLICY", "ON DISK", "GB A DAY", "GAPS", "DISKS"
        );
    }
    for r in &rows {
        out += &format!(
            "{:<wide$}  {:<12}{:<10}{:<9}{:<15}{:<16}{}\n",
            r.name,
            mark(r),
            r.policy,
            r.days,
            r.rate,
            r.gaps,
            r.forecast
        );
        for (what, text) in [
            ("why", &r.why),
            ("held", &r.held),
            ("certificate", &r.certificate),
        ] {
            out += &format!("{:wide$}  {what:<12}{text}\n", "");
        }
    }
    let counts: Vec<String> = counts(report)
        .into_iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    out + &format!("\n{}\n", counts.join(", "))
}

/// The eye finds in capitals what is red on the page.
fn mark(r: &Row) -> String {
    match r.class {
        "bad" => r.verdict.to_uppercase(),
        _ => r.verdict.to_owned(),
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
