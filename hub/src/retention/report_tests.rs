//! Wiring. The report, from a box's log as it comes to the hub.

use super::*;
use crate::retention::{
    gather,
    rig::{Rig, ashby, cam, day, london, utc},
};

const GB: u64 = 1_000_000_000;

/// Records one segment a day on `c01` from 1 November on, and deletes by the rule of 28 days each night, up to the morning of `upto`.
fn kept(upto: &str, rule: &str) -> (Rig, Vec<(Day, u64)>) {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", Some(28)), ("c02", None)], 31);
    let (mut all, mut at) = (Vec::new(), day("2026-11-01"));
    while at < day(upto) {
        all.push((at, rig.noon("c01", at, 2 * GB)));
        at = at.plus_days(1);
        rig.box_to(london().at(at, 0, 5).plus_ms(1000));
        let due = at.plus_days(-29);
        if let Some((_, s)) = all.iter().find(|(d, _)| *d == due) {
            let oldest = london().at(due.plus_days(1), 11, 59);
            rig.deleted("c01", due, *s, rule, Some(oldest));
        }
    }
    rig.hub_to(london().at(at, 1, 0));
    rig.send();
    (rig, all)
}

fn report(rig: &Rig) -> Report {
    gather::report(&rig.hub, Some(&ashby()), &Default::default()).expect("report")
}

/// RET-1, RET-2, RET-4: a camera that is kept as promised, with all the numbers a data-protection officer asks for; its own 28 days
/// beside the box's 31.
#[test]
fn as_promised() {
    let (rig, _) = kept("2026-12-05", "28d");
    let report = report(&rig);
    assert_eq!(report.cameras.len(), 2);
    let c = &report.cameras[0];
    assert_eq!(
        (c.verdict, c.policy_days),
        (Verdict::AsPromised, Some(28)),
        "{}",
        c.why
    );
    assert_eq!(c.days_on_disk, 28, "7 November to 4 December");
    assert_eq!(c.first, Some(london().at(day("2026-11-07"), 11, 59)));
    assert_eq!(c.last, Some(london().at(day("2026-12-04"), 12, 0)));
    assert_eq!(c.bytes_per_day, Some(2 * GB));
    let certificate = c.certificate.as_ref().expect("a certificate");
    assert_eq!((certificate.day, certificate.count), (day("2026-11-06"), 1));
    assert_eq!(certificate.claim.as_deref(), Some("file"));
    assert_eq!(
        certificate.oldest,
        Some(london().at(day("2026-11-07"), 11, 59))
    );
    assert!(
        c.bar.iter().all(|r| r.kept != DayState::Over),
        "{:?}",
        c.bar
    );
    let none = &report.cameras[1];
    assert_eq!(
        (none.policy_days, none.verdict),
        (Some(31), Verdict::NotKnown)
    );
    assert_eq!(report.promises.len(), 2, "each policy is said once");
    let page = gather::of_camera(
        &rig.hub,
        &"ashby/c01".parse_camera(),
        &crate::list::Part::default(),
    )
    .expect("page");
    assert_eq!(page.days.len(), 34);
    let old = page
        .days
        .iter()
        .find(|d| d.day == day("2026-11-03"))
        .expect("day");
    assert_eq!(
        (old.standing.as_str(), old.certificates.len()),
        ("sound", 1)
    );
}

trait Camera {
    fn parse_camera(&self) -> shared::id::BoxCamera;
}

impl Camera for &str {
    fn parse_camera(&self) -> shared::id::BoxCamera {
        shared::id::BoxCamera::parse(self).expect("camera")
    }
}

/// RET-2: no deletion for two days: over, in words and in the drawing.
#[test]
fn kept_too_long() {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", None)], 28);
    for n in 0..32 {
        rig.noon("c01", day("2026-11-01").plus_days(n), GB);
    }
    rig.hub_to(utc("2026-12-02T20:00:00.000Z"));
    rig.send();
    let c = &report(&rig).cameras[0];
    assert_eq!(c.verdict, Verdict::Over);
    assert!(
        c.why.starts_with("2026-11-01: due Mon 30 Nov 2026 00:05"),
        "{}",
        c.why
    );
    assert!(c.why.contains("and 1 more days"), "{}", c.why);
    assert!(
        c.bar.iter().any(|r| r.kept == DayState::Over),
        "{:?}",
        c.bar
    );
}

/// RET-1: disk pressure took a day before its time: under, for as long as the day was promised.
#[test]
fn gone_before_its_time() {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", None)], 28);
    let s: Vec<u64> = (0..10)
        .map(|n| rig.noon("c01", day("2026-11-01").plus_days(n), GB))
        .collect();
    rig.deleted("c01", day("2026-11-01"), s[0], "early", None);
    rig.hub_to(utc("2026-11-10T20:00:00.000Z"));
    rig.send();
    let c = &report(&rig).cameras[0];
    assert_eq!(c.verdict, Verdict::Under);
    assert!(c.why.contains("for lack of space"), "{}", c.why);
    assert!(
        c.bar.iter().any(|r| r.kept == DayState::Early),
        "{:?}",
        c.bar
    );
    assert_eq!(c.days_on_disk, 9);
    // Past the day it was promised for, nothing is owed any more.
    for (n, s) in s.iter().enumerate().skip(1) {
        let d = day("2026-11-01").plus_days(n as i32);
        rig.box_to(london().at(d.plus_days(29), 0, 5).plus_ms(2000));
        rig.deleted("c01", d, *s, "28d", None);
    }
    rig.noon("c01", day("2026-12-09"), GB);
    rig.hub_to(utc("2026-12-09T20:00:00.000Z"));
    rig.send();
    let c = &report(&rig).cameras[0];
    assert_eq!(c.verdict, Verdict::AsPromised, "{}", c.why);
}

/// RET-2: a camera that is configured no more keeps its rule and its row, until nothing of it is left to answer for.
#[test]
fn a_camera_that_was_removed() {
    let (mut rig, all) = kept("2026-11-20", "28d");
    rig.hello(&[("c02", None)], 31);
    let c = &report(&rig).cameras[0];
    assert_eq!((&c.cam, c.configured), (&cam("c01"), false));
    assert_eq!(
        (c.policy_days, c.verdict),
        (Some(28), Verdict::AsPromised),
        "{}",
        c.why
    );
    // Nobody deletes what is left of it.
    rig.hub_to(utc("2026-12-02T00:00:00.000Z"));
    rig.box_to(utc("2026-12-02T00:00:00.000Z"));
    rig.log.beat();
    rig.send();
    let c = &report(&rig).cameras[0];
    assert_eq!(c.verdict, Verdict::Over, "{}", c.why);
    assert_eq!(c.days_on_disk, all.len() as u64);
}

/// FLT-3: nothing heard of a box for more than a day: nothing is called kept as promised.
#[test]
fn a_silent_box_is_not_known() {
    let (rig, _) = kept("2026-11-20", "28d");
    rig.hub_to(utc("2026-11-21T02:00:00.000Z"));
    let c = &report(&rig).cameras[0];
    assert_eq!(c.verdict, Verdict::NotKnown);
    assert!(
        c.why.contains("not known since Fri 20 Nov 2026"),
        "{}",
        c.why
    );
}

/// RET-1: a disk that was lost took its footage with it: under, and no certificate is asked for.
#[test]
fn footage_found_missing() {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", None)], 28);
    let s = rig.noon("c01", day("2026-11-01"), GB);
    rig.noon("c01", day("2026-11-02"), GB);
    let lost = shared::types::SegLost {
        cam: cam("c01"),
        s,
        why: "its file is on none of the volumes".into(),
    };
    rig.log.add("sys:rec", &lost);
    rig.hub_to(utc("2026-11-02T20:00:00.000Z"));
    rig.send();
    let c = &report(&rig).cameras[0];
    assert_eq!(
        (c.verdict, c.days_on_disk),
        (Verdict::Under, 1),
        "{}",
        c.why
    );
    assert!(c.why.contains("found missing"), "{}", c.why);
}

/// RET-1: gaps are counted, and only those of what is held.
#[test]
fn gaps_of_what_is_held() {
    let mut rig = Rig::new("2026-11-01T00:30:00.000Z");
    rig.hello(&[("c01", None)], 28);
    let first = rig.noon("c01", day("2026-11-01"), GB);
    rig.noon("c01", day("2026-11-02"), GB);
    rig.noon("c01", day("2026-11-03"), GB);
    rig.hub_to(utc("2026-11-03T20:00:00.000Z"));
    rig.send();
    let night = 86_400_000 - 60_000;
    let c = &report(&rig).cameras[0];
    assert_eq!((c.gaps, c.gap_ms), (2, 2 * night));
    rig.deleted("c01", day("2026-11-01"), first, "early", None);
    rig.send();
    let c = &report(&rig).cameras[0];
    assert_eq!((c.gaps, c.gap_ms), (1, night));
}
