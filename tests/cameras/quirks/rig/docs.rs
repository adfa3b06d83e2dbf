//! Adapter: filesystem. `docs/cameras.md` says of every case what was tried, what comes of it, and what a user does about the rest.
use std::fs;

use beadle_tests::{Done, Told as _, Trouble, places};

use super::{Case, Kept};

/// Kinds in the order of the page, each with its heading.
const KINDS: [(&str, &str); 19] = [
    ("plain", "Cameras without quirks"),
    ("K1", "No key picture, or one in a long while"),
    ("K2", "Where a picture ends"),
    ("K3", "Sound and events beside the pictures"),
    ("K4", "Parameter sets: when and where they come"),
    ("K5", "Clocks that are set while the camera plays"),
    ("K6", "Time stamps that say little or nothing"),
    ("K7", "Odd words in answers"),
    ("K8", "Logins"),
    ("K9", "What the doctor says"),
    ("K10", "Keepalives"),
    ("K11", "Masked cameras when the box starts"),
    ("K12", "Slow cameras, loss, and what only looks like loss"),
    ("K13", "Name and password in the address"),
    ("K14", "UDP"),
    ("rtsps", "RTSP over TLS"),
    ("K15", "What does not belong to the session"),
    ("masked", "Masks painted by the box"),
    ("jumps", "Masked cameras whose clock jumps at once"),
];

/// A report as a link; what is no address stays as it is.
fn link(report: &str) -> String {
    match report.split_once('#') {
        Some((name, number)) if name.contains('/') => {
            format!("[{report}](https://github.com/{name}/issues/{number})")
        }
        _ => match report.split_once("/pull/") {
            Some((name, number)) => {
                format!("[{name}#{number}](https://github.com/{name}/pull/{number})")
            }
            None if report.contains('/') => format!("[{report}](https://github.com/{report})"),
            None => report.to_owned(),
        },
    }
}

fn result(case: &Case) -> String {
    let expect = &case.expect;
    let codes = |codes: &[&str]| {
        codes
            .iter()
            .map(|c| format!("`{c}`"))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let mut text = match expect.kept {
        Kept::Whole => "Every picture is kept".to_owned(),
        Kept::AtLeast(_) if expect.lost => {
            "Kept but for what was lost, which the log says".to_owned()
        }
        Kept::AtLeast(_) if case.told.events => "Kept, in time-lapse".to_owned(),
        Kept::AtLeast(_) => "Kept".to_owned(),
        Kept::Nothing => format!(
            "Not recorded: {}; the gap is on the record",
            codes(expect.faults)
        ),
    };
    if expect.by_arrival {
        text += "; wall times are those of arrival, and the segment says so";
    } else if expect.within_ms > 300 {
        text += ", dated right within a second";
    }
    if expect.kept != Kept::Nothing && !expect.faults.is_empty() {
        text += &format!("; fault {}", codes(expect.faults));
    } else if expect.may.contains(&"camera.sound") {
        text += "; the sound too, or fault `camera.sound`";
    }
    if expect.learnt {
        text += ", by way of the relay after a first try without it";
    }
    if expect.sessions.0 > 1 {
        text += "; the box connects again, the gap is on the record";
    }
    text
}

fn row(case: &Case) -> String {
    let reports: Vec<String> = case.reports.iter().map(|r| link(r)).collect();
    let reports = if reports.is_empty() {
        "–".to_owned()
    } else {
        reports.join(", ")
    };
    let remedy = if case.remedy.is_empty() {
        "–"
    } else {
        case.remedy
    };
    format!(
        "| `{}` | {} | {reports} | {} | {remedy} |",
        case.name,
        case.about,
        result(case)
    )
}

/// The tables of the page.
fn tables(cases: &[Case]) -> String {
    let mut text = String::new();
    for (kind, heading) in KINDS {
        let rows: Vec<String> = cases.iter().filter(|c| c.kind == kind).map(row).collect();
        if !rows.is_empty() {
            text += &format!(
                "\n### {heading}\n\n| case | what the camera does | reported in | result | what you do |\n|---|---|---|---|---|\n{}\n",
                rows.join("\n")
            );
        }
    }
    text
}

/// An error if the page does not end with the tables of these cases; they are in `target/quirks/cameras.md` then.
pub fn check(cases: &[Case]) -> Done<()> {
    let unknown: Vec<&str> = cases
        .iter()
        .filter(|c| !KINDS.iter().any(|(k, _)| *k == c.kind))
        .map(|c| c.name)
        .collect();
    if !unknown.is_empty() {
        return Err(Trouble(format!("cases of no kind: {unknown:?}")));
    }
    let page = places::root().join("docs/cameras.md");
    let text = fs::read_to_string(&page).told(page.display())?;
    let tables = tables(cases);
    if text.ends_with(&tables) {
        return Ok(());
    }
    let folder = places::target().join("quirks");
    fs::create_dir_all(&folder).told(folder.display())?;
    let made = folder.join("cameras.md");
    let head = text.split("\n### ").next().unwrap_or_default().trim_end();
    fs::write(&made, format!("{head}\n{tables}")).told(made.display())?;
    Err(Trouble(format!(
        "docs/cameras.md does not say what the cases are; it would be {}",
        made.display()
    )))
}
