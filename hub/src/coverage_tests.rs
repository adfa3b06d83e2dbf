//! Pure. What may be asked for, what of it is there, and why the rest is not.
use super::*;
use crate::{
    model::{pull::State, text::TextField},
    texts::texts,
    words,
};

fn asked(t0: i64, t1: i64) -> Span {
    Span {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: Utc(t0),
        t1: Utc(t1),
    }
}

fn segment(t0: i64, t1: i64, gone: Option<&str>) -> SegmentRecord {
    SegmentRecord {
        log: "l".into(),
        n: 1,
        s: 1,
        day: Zone::utc().day_of(Utc(t0)),
        t0: Utc(t0),
        t1: Utc(t1),
        size: 1,
        mask: None,
        how: "none".into(),
        gone: gone.map(Into::into),
    }
}

fn known<'a>(
    zone: &'a Zone,
    cameras: &'a [String],
    segments: &'a [SegmentRecord],
) -> KnownFootage<'a> {
    KnownFootage {
        now: Utc(1_000_000),
        zone,
        box_state: Some("enrolled"),
        cameras,
        extent: Some((Utc(100_000), Utc(900_000))),
        segments,
        gaps: &[],
        held: &[],
    }
}

/// EVI-1, AUD-5: a request without purpose, reference or requester goes nowhere.
#[test]
fn purpose_is_needed() {
    for blank in 0..3 {
        let mut said = ["theft", "CR/1", "PC 1"].map(str::to_owned);
        said[blank] = " ".into();
        let [purpose, reference, requester] = &said;
        let all = [
            (TextField::Purpose, purpose),
            (TextField::Reference, reference),
            (TextField::Requester, requester),
        ];
        let field = all[blank].0;
        assert_eq!(texts(all), Err(Clips::TextWanted { field }));
    }
}

/// Footage that does not exist is refused at once, with what exists.
#[test]
fn footage_that_does_not_exist() {
    let (zone, cams) = (Zone::utc(), vec!["c01".to_owned(), "c02".to_owned()]);
    let there = [segment(100_000, 200_000, None)];
    assert_eq!(
        judge(&asked(150_000, 160_000), &known(&zone, &cams, &there)),
        Ok(())
    );
    let none = known(&zone, &cams, &[]);
    let e = judge(&asked(300_000, 310_000), &none).expect_err("hole");
    let text = e.reason.to_string();
    assert!(
        text.contains("nothing was recorded") && text.contains("exists from"),
        "{text}"
    );
    let deleted = [segment(300_000, 310_000, Some("deleted"))];
    assert!(
        judge(&asked(300_000, 310_000), &known(&zone, &cams, &deleted))
            .expect_err("deleted")
            .reason
            .to_string()
            .contains("deleted on schedule")
    );
    assert!(
        judge(&asked(2_000_000, 2_000_001), &none)
            .expect_err("future")
            .reason
            .to_string()
            .contains("future")
    );
    assert!(
        judge(&asked(900_000, 2_000_001), &none)
            .expect_err("future")
            .reason
            .to_string()
            .contains("future")
    );
    assert!(
        judge(&asked(5, 5), &none)
            .expect_err("empty")
            .reason
            .to_string()
            .contains("does not come after")
    );
    let mut other = asked(150_000, 160_000);
    other.camera = BoxCamera::parse("ashby/c09").expect("camera");
    assert!(
        judge(&other, &none)
            .expect_err("camera")
            .reason
            .to_string()
            .contains("it has: c01, c02")
    );
    assert!(
        judge(
            &asked(1, 2),
            &KnownFootage {
                box_state: None,
                ..none.clone()
            }
        )
        .expect_err("box")
        .reason
        .to_string()
        .contains("no box")
    );
    assert!(
        judge(
            &asked(1, 2),
            &KnownFootage {
                box_state: Some("revoked"),
                ..none
            }
        )
        .expect_err("box")
        .reason
        .to_string()
        .contains("revoked")
    );
}

/// RET-3, EVI-1: what was deleted on its day and a hold keeps can be asked for; what no hold touches, or was found missing, cannot.
#[test]
fn what_a_hold_keeps_is_there() {
    let (zone, cams) = (Zone::utc(), vec!["c01".to_owned()]);
    let deleted = [segment(300_000, 310_000, Some("deleted"))];
    let k = known(&zone, &cams, &deleted);
    let judged = |held: &[(Utc, Utc)]| {
        judge(
            &asked(301_000, 302_000),
            &KnownFootage { held, ..k.clone() },
        )
    };
    assert_eq!(
        judged(&[(Utc(305_000), Utc(306_000))]),
        Ok(()),
        "whole segments are kept"
    );
    for held in [(310_000, 320_000), (290_000, 300_000)] {
        let e = judged(&[(Utc(held.0), Utc(held.1))]).expect_err("another");
        assert!(
            e.reason.to_string().contains("deleted on schedule"),
            "{e:?}"
        );
    }
    let lost = [segment(300_000, 310_000, Some("lost"))];
    let held = [(Utc(300_000), Utc(310_000))];
    let k = KnownFootage {
        held: &held,
        ..known(&zone, &cams, &lost)
    };
    assert!(
        judge(&asked(301_000, 302_000), &k)
            .expect_err("lost")
            .reason
            .to_string()
            .contains("missing or damaged")
    );
}

/// EVI-1: the last minute, or a box out of reach: the hub cannot know yet, so the box is asked; that nothing was recorded is said only of
/// what its log covers.
#[test]
fn what_the_log_does_not_show_yet() {
    let (zone, cams) = (Zone::utc(), vec!["c01".to_owned()]);
    let k = known(&zone, &cams, &[]);
    for span in [(950_000, 960_000), (990_000, 1_000_000), (890_000, 900_001)] {
        assert_eq!(judge(&asked(span.0, span.1), &k), Ok(()), "{span:?}");
    }
    let within = judge(&asked(890_000, 900_000), &k).expect_err("the log covers it");
    assert_eq!(within.absence, Absence::NotRecorded);
    let never = KnownFootage { extent: None, ..k };
    assert_eq!(judge(&asked(5_000, 6_000), &never), Ok(()));
}

#[test]
fn what_is_missing() {
    let m = |f: &[(i64, i64)]| {
        let f: Vec<_> = f.iter().map(|(a, b)| (Utc(*a), Utc(*b))).collect();
        missing(&f, Utc(10_000), Utc(20_000))
            .iter()
            .map(|(a, b)| (a.0, b.0))
            .collect::<Vec<_>>()
    };
    assert_eq!(m(&[(9_000, 15_000), (15_400, 21_000)]), []);
    assert_eq!(m(&[(9_000, 15_000), (16_000, 21_000)]), [(15_000, 16_000)]);
    assert_eq!(m(&[(12_000, 15_000)]), [(10_000, 12_000), (15_000, 20_000)]);
    assert_eq!(m(&[]), [(10_000, 20_000)]);
    assert!(shortfall(&[], "l", &[], None).is_empty());
}

/// EVI-1, V11: what a box recorded after its log was forked is not said to be none; what was not recorded is.
#[test]
fn what_cannot_be_proved_is_not_what_is_not_there() {
    let missing = [(Utc(10_000), Utc(12_000)), (Utc(15_000), Utc(20_000))];
    let short = |from| shortfall(&missing, "s/box/a/1", &[], from);
    let codes = |from| short(from).iter().map(PullReason::code).collect::<Vec<_>>();
    assert_eq!(codes(None), ["not-recorded"]);
    assert_eq!(codes(Some(Utc(15_000))), ["not-recorded", "not-proven"]);
    let said = |from| words::pulls(&short(from), &Zone::utc());
    let (all, first) = (said(None), said(Some(Utc(15_000))));
    assert_eq!(all.matches(", nor from ").count(), 1, "{all}");
    assert!(
        first.starts_with("no footage exists from ")
            && !first.contains(", nor from ")
            && first.contains("the box has footage under s/box/a/1 of which nothing can be proved"),
        "{first}"
    );
}

/// EVI-1: what was recorded and is not there any more is named by its numbers, with what the log says of it.
#[test]
fn what_is_left_out() {
    let numbered = |s, gone| SegmentRecord {
        s,
        ..segment(0, 1, gone)
    };
    let known = [
        numbered(4, None),
        numbered(5, Some("lost")),
        numbered(6, None),
        numbered(7, Some("deleted")),
        numbered(8, None),
        numbered(9, None),
    ];
    let holes = holes(&[4, 6, 9]);
    assert_eq!(holes, [(5, 5), (7, 8)]);
    assert_eq!(
        words::pulls(&left_out(&holes, &known), &Zone::utc()),
        "segment 5, which was recorded, is not here (found missing or damaged on the box); \
         segments 7 to 8, which were recorded, are not here (deleted on the box or not on any disk of the box that is there)"
    );
    assert_eq!(left_out(&[], &known), []);
    assert!(super::holes(&[4, 5, 6]).is_empty() && super::holes(&[]).is_empty());
}

#[test]
fn states_round_trip() {
    for (s, t) in State::ALL {
        assert_eq!(State::parse(t), Some(s));
        assert_eq!(s.as_str(), t);
    }
}
