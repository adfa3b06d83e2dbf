//! Pure. Masks by order, their reviews, and orders that cannot be read.
use super::*;

/// MSK-3, MSK-1: a mask set by order is on the record, is in force from then on and over a restart, and stands until the
/// configuration's mask is changed, which is on the record too.
#[test]
fn a_mask_by_order() {
    let mut w = world();
    let masks = w.start();
    masks.declare(1).expect("declared");
    let m9 = Mask {
        review: Some(shared::time::Day::parse("2027-11-01").expect("day")),
        ..mask("m9", How::Burned)
    };
    masks.set(&c(1), &ordered(40, T, m9.clone())).expect("set");
    masks.declare(1).expect("declared already");
    masks
        .set(&c(1), &ordered(40, T, m9.clone()))
        .expect("the same");
    let line = w.last("mask.set");
    let text = |key: &str| {
        line.data
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    assert_eq!(text("reviewer"), Some("cd".repeat(32)));
    assert_eq!(
        (text("how"), text("style"), text("review")),
        (
            Some("burned".into()),
            Some("solid".into()),
            Some("2027-11-01".into())
        )
    );
    let shown = masks.shown(1).expect("shown");
    assert_eq!((shown.id.as_str(), shown.order), ("m9", Some(40)));
    let older = masks
        .set(&c(1), &ordered(39, T - 1, m9.clone()))
        .expect_err("older");
    assert!(older.why.contains("newer order"), "{older}");
    let bad = Mask {
        polygons: vec![],
        ..m9.clone()
    };
    let why = masks
        .set(&c(1), &ordered(41, T + 1, bad))
        .expect_err("empty");
    assert!(why.why.contains("at least one polygon"), "{why}");
    masks
        .set(&c(0), &ordered(42, T + 2, m9.clone()))
        .expect("a first");

    let masks = w.start();
    assert_eq!(masks.in_force(1).mask.as_deref(), Some(&m9));
    assert_eq!(masks.in_force(0).mask.as_deref(), Some(&m9));
    masks.declare(1).expect("declared");
    let mut other = mask("m1", How::Burned);
    other.polygons[0][0] = (0.2, 0.2);
    w.cameras[1] = camera(1, Some(other.clone()));
    let masks = w.start();
    assert_eq!(masks.in_force(1).mask.as_deref(), Some(&other));
    masks.declare(1).expect("declared");
    let gone = masks.set(&c(1), &ordered(40, T, m9)).expect_err("replaced");
    assert!(gone.why.contains("taken its place"), "{gone}");
    assert_eq!(
        w.said(),
        [
            "mask.set m1 - -",
            "mask.set m9 - 40",
            "mask.set m9 - 42",
            "mask.set m9 - 40",
            "mask.end m9 config 40",
            "mask.set m1 - -",
        ]
    );
}

/// MSK-3: the mask in force was looked at and stays: the same polygons, whoever looked and the next date on the record, over a restart too;
/// not of a mask that is another by now, or lifted, or not there; an old review is not obeyed again.
#[test]
fn a_mask_is_reviewed() {
    let w = world();
    let masks = w.start();
    let burned = mask("m1", How::Burned);
    assert_eq!(masks.reviewed(&c(1), &seen(40, T, &burned)), Ok(()));
    let line = w.last("mask.set");
    let text = |key: &str| line.data.get(key).and_then(Value::as_str);
    assert_eq!(text("review"), Some("2028-01-15"));
    assert_eq!(text("sha256"), Some(hex(&burned.digest()).as_str()));
    assert_eq!(text("reviewer"), Some("ef".repeat(32).as_str()));
    assert_eq!(line.data.get("order").and_then(Value::as_int), Some(40));
    let lines = w.said().len();
    assert_eq!(
        masks.reviewed(&c(1), &seen(40, T, &burned)),
        Ok(()),
        "asked again"
    );
    assert_eq!(w.said().len(), lines, "the same order makes no other line");

    let before = InForce {
        mask: Some(Arc::new(burned.clone())),
        lifted: None,
    };
    assert!(
        masks.in_force(1).same_for_pictures(&before) && masks.in_force(1) != before,
        "no session ends for it"
    );

    let after = w.start();
    let now = after.in_force(1).mask.expect("mask");
    assert_eq!(
        (&now.polygons, now.review, now.how),
        (
            &burned.polygons,
            Some(Day::parse("2028-01-15").expect("day")),
            How::Burned
        )
    );
    let refused = |cam: usize, seen: Reviewed, says: &str| {
        let why = after.reviewed(&c(cam), &seen).expect_err("refused");
        assert!(why.why.contains(says), "{why}");
    };
    refused(1, seen(39, T - 1, &burned), "a newer order");
    refused(
        1,
        seen(41, T + 1, &mask("m9", How::Burned)),
        "is m1 now, not the m9",
    );
    let other = Mask {
        polygons: vec![vec![(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)]],
        ..burned.clone()
    };
    refused(1, seen(41, T + 1, &other), "look at it again");
    refused(0, seen(41, T + 1, &burned), "there is nothing to review");
    assert!(after.lift(&c(1), &asked(42, T + 2, 10)).is_ok());
    refused(1, seen(43, T + 3, &burned), "is lifted");
    assert_eq!(
        after.reviewed(&c(2), &seen(44, T, &mask("m2", How::Camera))),
        Ok(())
    );
}

/// MSK-4: while a mask is lifted it cannot be exchanged, and a lift does not outlive its mask.
#[test]
fn a_lift_and_another_mask() {
    let mut w = world();
    let masks = w.start();
    masks.lift(&c(1), &asked(40, T, 10)).expect("lifted");
    let why = masks
        .set(&c(1), &ordered(41, T + 1, mask("m9", How::Burned)))
        .expect_err("lifted");
    assert!(why.why.contains("end that first"), "{why}");
    w.cameras[1] = camera(1, Some(mask("m7", How::Burned)));
    assert!(!lifted(&w.start()), "the configuration has another mask");
    assert_eq!(w.said(), ["mask.lift m1 - 40", "mask.end m1 config 40"]);
}

/// AUD-1: the log has the reviewer's name salted, with one salt as long as it is one reviewer, and never the name.
#[test]
fn reviewers_are_salted() {
    let mut w = world();
    let reviewer = |w: &World| {
        w.start().declare(1).expect("declared");
        let line = w.last("mask.set");
        line.data
            .get("reviewer")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .expect("reviewer")
    };
    let one = reviewer(&w);
    assert_eq!(one.len(), 64);
    assert_eq!(reviewer(&w), one);
    w.cameras[1] = camera(
        1,
        Some(Mask {
            reviewer: Some("A. Other".into()),
            ..mask("m1", How::Burned)
        }),
    );
    assert_ne!(reviewer(&w), one);
    let kept = std::fs::read_to_string(w.path()).expect("kept");
    assert!(!kept.contains("Rees"), "erased with its salt: {kept}");
}

/// MSK-5: a damaged file costs nothing while its copy is whole; when both are lost, a camera whose mask is not known is hidden whole,
/// over restarts, until it is given one.
#[test]
fn orders_that_cannot_be_read() {
    let w = world();
    let m9 = mask("m9", How::Burned);
    w.start()
        .set(&c(0), &ordered(40, T, m9.clone()))
        .expect("set");
    std::fs::write(w.path(), b"{\"c00\": tru").expect("torn");
    assert_eq!(w.start().in_force(0).mask.as_deref(), Some(&m9));
    std::fs::remove_file(w.path()).expect("lost");
    assert_eq!(w.start().in_force(0).mask.as_deref(), Some(&m9));
    for path in [w.path(), old(&w.path())] {
        std::fs::write(path, b"{\"c00\": tru").expect("torn");
    }
    let raised = || w.faults.list().iter().any(|f| f.code == UNREADABLE);
    for _ in 0..2 {
        let masks = w.start();
        assert_eq!(
            masks.in_force(0).mask.as_deref(),
            Some(&Mask::of_everything(UNKNOWN))
        );
        assert_eq!(masks.in_force(0).mask.map(|m| m.permille()), Some(1000));
        assert_eq!(
            masks.in_force(1).mask.map(|m| m.id.clone()),
            Some("m1".into())
        );
        assert!(raised());
    }
    let masks = w.start();
    masks
        .set(&c(0), &ordered(41, T + 1, m9.clone()))
        .expect("set");
    assert_eq!(masks.in_force(0).mask.as_deref(), Some(&m9));
    assert!(!raised());
}

/// MSK-1, MSK-5: a camera that was marked as moving after a mask was ordered for it keeps the mask, which may now lie anywhere: all is
/// hidden, painted by the box, a fault says so, and so does the record.
#[test]
fn a_camera_that_moves_from_now_on() {
    let mut w = world();
    let m9 = mask("m9", How::Burned);
    w.start()
        .set(&c(0), &ordered(40, T, m9.clone()))
        .expect("set");
    let raised = |w: &World| w.faults.list().into_iter().find(|f| f.code == MOVING);
    assert!(raised(&w).is_none());
    let config = Camera {
        ptz: true,
        ..crate::testing::camera(c(0))
    };
    w.cameras[0] = Arc::new(Shared::new(0, config, Sequence::new(None, 0)));
    let masks = w.start();
    let fault = raised(&w).expect("the fault");
    assert!(
        fault.cam == Some(c(0)) && fault.detail.contains("mask m9"),
        "{fault:?}"
    );
    masks.declare(0).expect("declared");
    let (line, hidden) = (w.last("mask.set"), masks.in_force(0).mask.expect("a mask"));
    let (mask, permille) = (line.data.get("mask"), line.data.get("permille"));
    assert_eq!(
        (
            mask.and_then(Value::as_str),
            permille.and_then(Value::as_int)
        ),
        (Some("m9"), Some(1000)),
        "the record says that all is hidden"
    );
    assert_eq!(
        (hidden.how, hidden.style, hidden.permille()),
        (How::Burned, shared::mask::Style::Solid, 1000)
    );
}
