//! Pure. The report on paper and for machines.

use super::*;
use crate::retention::{
    gather,
    rig::{Rig, ashby, day, london, utc},
};

fn report() -> Report {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", None)], 28);
    let s = rig.noon("c01", day("2026-11-01"), 3_000_000_000);
    for n in 1..30 {
        rig.noon("c01", day("2026-11-01").plus_days(n), 3_000_000_000);
        if n == 28 {
            rig.box_to(london().at(day("2026-11-30"), 0, 5));
            rig.deleted("c01", day("2026-11-01"), s, "28d", None);
        }
    }
    rig.hub_to(utc("2026-11-30T13:00:00.000Z"));
    rig.send();
    let mut report = gather::report(&rig.hub, Some(&ashby()), &Default::default()).expect("report");
    report.cameras[0].title = "=Market, \"Square\" <b>".into();
    report
}

/// RET-4: the CSV has one row per camera under stable headers; no title can be taken for a formula or break its row.
#[test]
fn csv_for_machines() {
    let text = csv(&report());
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], CSV_HEADERS.join(","));
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[1].starts_with("ashby,c01,\"'=Market, \"\"Square\"\" <b>\",yes,28,Europe/London,2026-11-02T11:59:00.000Z,2026-11-30T12:00:00.000Z,28,2417520,3.00,29,,,2026-11-01,2026-11-30T00:05:"),
        "{text}"
    );
    assert!(
        lines[1].contains(
            ",1,0,28d,none,yes,file,deleted; key copies may survive in worn flash until overwritten,"
        ),
        "{text}"
    );
    assert!(lines[1].contains(",as promised,"), "{text}");
}

/// RET-1, RET-4: one page that needs no other file, prints on A4, and says what is promised, held and certified.
#[test]
fn a_page_to_print() {
    let text = html(&report(), &london()).expect("page");
    for part in [
        "<!doctype html>",
        "@page { size: A4 landscape",
        "@media print",
        "28 days means: footage of a local day D is deleted between 00:05 and 00:15 of local day D+29",
        "as promised",
        "key copies may survive in worn flash",
        "1 segments",
        "role=\"img\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<b>") && !text.contains("<script") && !text.contains("href="));
    assert_eq!(text.matches("28 days means").count(), 1);
}

/// The drawing has the policy as its ground and what is held upon it; what it shows it also says.
#[test]
fn the_drawing() {
    let report = report();
    let bar = bar(&report.cameras[0]).expect("a drawing");
    assert_eq!((bar.x.as_str(), bar.w.as_str()), ("0.0", "1000.0"));
    assert_eq!(bar.blocks.len(), 1);
    assert_eq!(
        (bar.blocks[0].class, bar.blocks[0].x.as_str()),
        ("recorded", "0.0")
    );
    assert!(
        bar.label.contains("29 days held of 28 promised"),
        "{}",
        bar.label
    );
}

/// RET-1: on the terminal too, the sentence, the numbers and the verdict; what is red on the page is in capitals.
#[test]
fn on_the_terminal() {
    let mut report = report();
    let text = terminal(&report, &london());
    assert!(
        text.contains("28 days means") && text.contains("as promised") && text.contains("3.00 GB"),
        "{text}"
    );
    report.cameras[0].verdict = Verdict::Over;
    assert!(terminal(&report, &london()).contains("OVER"));
}

#[test]
fn lengths() {
    assert_eq!(
        (length(61_000), length(600_000), length(7_260_000)),
        ("61 s".into(), "10 min".into(), "2 h 01 min".into())
    );
}
