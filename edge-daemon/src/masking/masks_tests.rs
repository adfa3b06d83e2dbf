//! Pure. Orders about masks, with a clock set by hand and a real log: what is in force, and what is on the record.
use shared::record::{Record, Value};

use super::*;
use crate::{
    clock::Kernel,
    config::Camera,
    masking::orders::old,
    recording::sequence::Sequence,
    testing::{Hands, lines, open_log},
};

const T: i64 = 1_800_000_000_000;

struct World {
    home: tempfile::TempDir,
    log: LogHandle,
    hands: Arc<Hands>,
    faults: Faults,
    trust: Trust,
    cameras: Vec<Arc<Shared>>,
}

fn mask(id: &str, how: How) -> Mask {
    Mask {
        id: id.into(),
        polygons: vec![vec![(0.25, 0.25), (0.75, 0.25), (0.75, 0.75)]],
        reviewer: Some("J. Rees".into()),
        how,
        ..Mask::default()
    }
}

fn camera(index: usize, mask: Option<Mask>) -> Arc<Shared> {
    let config = Camera {
        mask,
        ..crate::testing::camera(c(index))
    };
    Arc::new(Shared::new(index, config, Sequence::new(None, 0)))
}

fn c(n: usize) -> CameraId {
    CameraId::parse(&format!("c0{n}")).expect("id")
}

fn synced() -> Kernel {
    Kernel {
        synced: true,
        offset_us: 0,
        err_us: 1_000,
    }
}

fn unsynced() -> Kernel {
    Kernel {
        synced: false,
        offset_us: 0,
        err_us: 16_000_000,
    }
}

/// c00 has no mask, c01 one that is burned in, c02 one in the camera.
fn world() -> World {
    let home = tempfile::tempdir().expect("home");
    let (log, _) = open_log(home.path(), Arc::new(logbook::SystemClock));
    let hands = Hands::new(Utc(T), 1_000);
    World {
        faults: Faults::new(log.clone(), hands.clone()),
        trust: Trust::with_kernel(synced),
        cameras: vec![
            camera(0, None),
            camera(1, Some(mask("m1", How::Burned))),
            camera(2, Some(mask("m2", How::Camera))),
        ],
        home,
        log,
        hands,
    }
}

impl World {
    fn path(&self) -> PathBuf {
        self.home.path().join("masks.json")
    }

    fn start(&self) -> Masks {
        let deps = Deps {
            path: self.path(),
            log: self.log.clone(),
            clock: self.hands.clone(),
            trust: self.trust.clone(),
            faults: self.faults.clone(),
        };
        Masks::start(deps, &self.cameras)
    }

    /// Kind, mask, why and order of every line about masks.
    fn said(&self) -> Vec<String> {
        lines(&self.log)
            .iter()
            .filter(|r| r.kind.starts_with("mask."))
            .map(|r| {
                let text = |key: &str| {
                    r.data
                        .get(key)
                        .and_then(Value::as_str)
                        .unwrap_or("-")
                        .to_owned()
                };
                let order = r.data.get("order").and_then(Value::as_int);
                let order = order.map_or("-".into(), |n| n.to_string());
                format!("{} {} {} {order}", r.kind, text("mask"), text("why"))
            })
            .collect()
    }

    fn last(&self, kind: &str) -> Record {
        let all = lines(&self.log);
        all.into_iter().rfind(|r| r.kind == kind).expect("a line")
    }
}

fn asked(order: u64, made: i64, minutes: i64) -> Asked {
    Asked {
        order,
        mask: "m1".into(),
        instead: None,
        until: Utc(made + minutes * 60_000),
        authority: "ab".repeat(32),
        by: vec!["op:0002".into(), "op:0003".into()],
        made: Utc(made),
    }
}

fn ordered(order: u64, made: i64, mask: Mask) -> Ordered {
    Ordered {
        order,
        made: Utc(made),
        mask,
        reviewer: Some("cd".repeat(32)),
        by: vec!["op:0002".into()],
    }
}

/// V12, MSK-4: a mask that hides less than the one in force is no order of one person's: refused at the box, wherever that one came from.
/// One that hides as much or more is obeyed, however it is cut.
#[test]
fn less_than_before_is_a_lift() {
    let w = world();
    let masks = w.start();
    let drawn = |id: &str, x1: f64| Mask {
        id: id.into(),
        polygons: vec![vec![(0.0, 0.0), (x1, 0.0), (x1, 0.5), (0.0, 0.5)]],
        ..Mask::default()
    };
    // The configuration's.
    let whole = Mask::of_everything("whole");
    masks
        .set(&c(1), &ordered(40, T, whole.clone()))
        .expect("more");
    let said = masks
        .set(&c(1), &ordered(41, T + 1, drawn("tiny", 0.5)))
        .expect_err("less");
    assert!(said.why.contains("hides less than whole"), "{said}");
    assert!(said.why.contains("two people"), "{said}");
    assert_eq!(masks.in_force(1).mask.as_deref(), Some(&whole));
    // A camera that had none.
    masks
        .set(&c(0), &ordered(42, T, drawn("m1", 0.5)))
        .expect("first");
    masks
        .set(&c(0), &ordered(43, T + 1, drawn("m2", 0.6)))
        .expect("more");
    let less = masks.set(&c(0), &ordered(44, T + 2, drawn("m3", 0.599)));
    assert!(less.is_err());
    // The same again is no other mask, and a refused order counts for nothing.
    masks
        .set(&c(0), &ordered(45, T + 3, drawn("m4", 0.6)))
        .expect("as much");
    assert_eq!(
        masks.in_force(0).mask.map(|m| m.id.clone()),
        Some("m4".into())
    );
}

/// V12, MSK-4: a mosaic in the place of a solid mask shows that something moves, and smaller cells show more: less than before, too.
#[test]
fn a_weaker_style_is_a_lift() {
    let w = world();
    let masks = w.start();
    let solid = mask("m1", How::Burned);
    let mosaic = Mask {
        id: "m9".into(),
        style: shared::mask::Style::Pixelated,
        ..solid.clone()
    };
    let said = masks
        .set(&c(1), &ordered(40, T, mosaic.clone()))
        .expect_err("a mosaic");
    assert!(
        said.why.contains("movement") && said.why.contains("two people"),
        "{said}"
    );
    assert_eq!(masks.in_force(1).mask.as_deref(), Some(&solid));
    let cells = |id: &str, cell| Mask {
        id: id.into(),
        how: How::Camera,
        cell: Some(cell),
        ..mosaic.clone()
    };
    masks
        .set(&c(0), &ordered(41, T, cells("m2", 64)))
        .expect("first");
    let said = masks
        .set(&c(0), &ordered(42, T + 1, cells("m3", 48)))
        .expect_err("finer");
    assert!(
        said.why.contains("cells of its mosaic are smaller"),
        "{said}"
    );
    masks
        .set(&c(0), &ordered(43, T + 2, cells("m4", 80)))
        .expect("coarser");
}

fn narrow(id: &str) -> Mask {
    Mask {
        id: id.into(),
        polygons: vec![vec![(0.3, 0.3), (0.6, 0.3), (0.6, 0.4), (0.3, 0.4)]],
        reviewer: None,
        ..mask(id, How::Burned)
    }
}

/// V12, MSK-4: a mask that hides less is taken under a lift of the one in force, with two people, an authority and an end; the record says
/// which polygons it has; it goes on over a restart, and at its end the former mask is back, hub or no hub, whatever the wall clock says.
#[test]
fn a_smaller_mask_for_a_while() {
    let w = world();
    let masks = w.start();
    let former = mask("m1", How::Burned);
    let order = Asked {
        instead: Some(narrow("m1-door")),
        ..asked(40, T, 10)
    };
    masks.lift(&c(1), &order).expect("lifted");
    let paints = |masks: &Masks| masks.in_force(1).imposed().map(|m| (**m).clone());
    assert_eq!(paints(&masks), Some(narrow("m1-door")));
    assert_eq!(
        masks.in_force(1).mask.as_deref(),
        Some(&former),
        "the one in force is the former"
    );
    assert_eq!(paints(&masks).and_then(|_| masks.in_force(0).mask), None);
    let line = w.last("mask.lift");
    let text = |key: &str| line.data.get(key).and_then(Value::as_str);
    assert_eq!(
        (text("mask"), text("instead"), text("sha256")),
        (
            Some("m1"),
            Some("m1-door"),
            Some(hex(&narrow("m1-door").digest()).as_str())
        )
    );
    assert_eq!(
        line.data.get("permille").and_then(Value::as_u64),
        Some(narrow("m1-door").permille())
    );
    let shown = masks.shown(1).expect("shown");
    assert_eq!(
        (shown.id.as_str(), shown.instead.as_deref()),
        ("m1", Some("m1-door"))
    );
    // Nothing else is slipped in under the same order, nor by one person meanwhile.
    let other = Asked {
        instead: Some(narrow("m1-gate")),
        ..order.clone()
    };
    masks
        .lift(&c(1), &other)
        .expect_err("the same order number");
    let one = masks
        .set(&c(1), &ordered(41, T + 1, narrow("m1-gate")))
        .expect_err("one person");
    assert!(one.why.contains("is lifted"), "{one}");

    w.hands.pass(200_000);
    let masks = w.start();
    assert_eq!(paints(&masks), Some(narrow("m1-door")), "over a restart");
    w.hands.set(Utc(T - 86_400_000));
    w.hands.pass(399_999);
    assert_eq!(paints(&masks), Some(narrow("m1-door")));
    w.hands.pass(1);
    assert_eq!(
        paints(&masks),
        Some(former.clone()),
        "before anything looked"
    );
    masks.look();
    w.hands.set(Utc(T + 700_000));
    assert_eq!(paints(&w.start()), Some(former.clone()), "over is over");
    assert_eq!(w.said(), ["mask.lift m1 - 40", "mask.end m1 time 40"]);

    // A restart with a clock that nobody vouches for.
    let mut w = world();
    w.start().lift(&c(1), &order).expect("lifted");
    w.trust = Trust::with_kernel(unsynced);
    w.hands.pass(1_000);
    assert_eq!(paints(&w.start()), Some(former));
}

/// V12, MSK-4, ROL-5: which smaller masks are not taken, each in a sentence, and nothing of it is kept or logged.
#[test]
fn which_smaller_masks_are_not_taken() {
    let w = world();
    let masks = w.start();
    let refused = |instead: Mask, change: fn(&mut Asked), word: &str| {
        let mut a = asked(40, T, 10);
        a.instead = Some(instead);
        change(&mut a);
        let why = masks.lift(&c(1), &a).expect_err(word);
        assert!(
            why.why.contains(word) && why.why.split(' ').count() > 5,
            "{why}"
        );
    };
    let good = || narrow("m1-door");
    refused(good(), |a| a.by.truncate(1), "two different people");
    refused(good(), |a| a.authority.clear(), "an authority");
    refused(
        good(),
        |a| a.until = Utc(T + 25 * 3_600_000),
        "1440 minutes",
    );
    refused(
        good(),
        |a| a.mask = "m2".into(),
        "the mask in force on c01 is m1",
    );
    refused(narrow("m1"), |_| {}, "has the version of the one in force");
    refused(mask("m5", How::Burned), |_| {}, "hides all that m1 hides");
    refused(Mask::of_everything("m5"), |_| {}, "that is no lift");
    refused(
        Mask {
            how: How::Camera,
            ..good()
        },
        |_| {},
        "the box paints m1-door itself",
    );
    refused(
        Mask {
            polygons: vec![],
            ..good()
        },
        |_| {},
        "at least one polygon",
    );
    assert!(!lifted(&masks) && w.said().is_empty() && !w.path().exists());
}

fn seen(order: u64, made: i64, mask: &Mask) -> Reviewed {
    Reviewed {
        order,
        made: Utc(made),
        mask: mask.id.clone(),
        sha256: hex(&mask.digest()),
        review: Day::parse("2028-01-15").expect("day"),
        reviewer: Some("ef".repeat(32)),
        by: vec!["op:0002".into()],
    }
}

fn lifted(masks: &Masks) -> bool {
    masks.in_force(1).lifted.is_some()
}

/// MSK-4, AUD-1: a lift is on the record before it is in force, lasts until its end wherever the wall clock is set, and its end is a
/// line; an order ends it early; old orders are not obeyed again.
#[test]
fn lifted_until_its_end() {
    let w = world();
    let masks = w.start();
    assert!(!lifted(&masks) && masks.in_force(1).mask.is_some());
    assert_eq!(masks.lift(&c(1), &asked(40, T, 10)), Ok(Utc(T + 600_000)));
    assert!(lifted(&masks));
    let line = w.last("mask.lift");
    assert_eq!(line.who, "hub:order");
    assert_eq!(
        line.data.get("until").and_then(Value::as_time),
        Some(Utc(T + 600_000))
    );
    assert!(matches!(line.data.get("by"), Some(Value::Array(by)) if by.len() == 2));
    assert_eq!(
        masks.in_force(1).lifted,
        Some(Lifted {
            order: 40,
            until_mono: 601_000,
            instead: None,
        })
    );
    w.hands.pass(60_000);
    assert_eq!(
        masks.lift(&c(1), &asked(40, T, 10)),
        Ok(Utc(T + 600_000)),
        "the same order again"
    );
    w.hands.set(Utc(T - 86_400_000));
    w.hands.pass(539_999);
    masks.look();
    assert!(
        lifted(&masks),
        "set back a day: not a moment longer or shorter"
    );
    w.hands.pass(1);
    assert!(!lifted(&masks), "before anything has looked");
    masks.look();
    masks.look();
    w.hands.set(Utc(T + 700_000));
    let again = masks.lift(&c(1), &asked(40, T, 10)).expect_err("over");
    assert!(again.why.contains("obeyed before"), "{again}");
    let older = masks.lift(&c(1), &asked(39, T - 1, 60)).expect_err("older");
    assert!(older.why.contains("newer order"), "{older}");

    let made = T + 700_000;
    masks.lift(&c(1), &asked(50, made, 5)).expect("a second");
    assert!(masks.end(&c(1), 49, Utc(made - 1)).is_err(), "an old end");
    masks.end(&c(1), 51, Utc(made + 1)).expect("ended");
    assert!(!lifted(&masks));
    let none = masks.end(&c(1), 52, Utc(made + 2)).expect_err("over");
    assert!(none.why.contains("nothing to end"), "{none}");
    assert_eq!(
        w.said(),
        [
            "mask.lift m1 - 40",
            "mask.end m1 time 40",
            "mask.lift m1 - 50",
            "mask.end m1 order 51"
        ]
    );
}

/// MSK-4, ROL-5: what is refused, each in a sentence, and nothing of it is kept or logged.
#[test]
fn what_is_not_lifted() {
    let w = world();
    let masks = w.start();
    let refused = |cam: usize, change: fn(&mut Asked), word: &str| {
        let mut a = asked(40, T, 10);
        change(&mut a);
        let why = masks.lift(&c(cam), &a).expect_err(word);
        assert!(
            why.why.contains(word) && why.why.split(' ').count() > 5,
            "{why}"
        );
    };
    refused(0, |_| {}, "c00 has no mask");
    refused(
        1,
        |a| a.mask = "m9".into(),
        "the mask in force on c01 is m1",
    );
    refused(2, |a| a.mask = "m2".into(), "in the camera itself");
    refused(2, |a| a.mask = "m2".into(), "lift it there");
    refused(9, |_| {}, "no camera c09");
    refused(
        1,
        |a| a.by = vec!["op:0002".into(); 2],
        "two different people",
    );
    refused(1, |a| a.until = Utc(T), "has passed");
    refused(1, |a| a.until = Utc(T + 25 * 3_600_000), "1440 minutes");
    assert!(!lifted(&masks) && w.said().is_empty() && !w.path().exists());
}

/// MSK-4: over a restart a lift goes on by a clock that somebody vouches for, and ends when it should; it is one lift on the record.
#[test]
fn lifted_over_a_restart() {
    let w = world();
    w.start().lift(&c(1), &asked(40, T, 10)).expect("lifted");
    w.hands.pass(200_000);
    let masks = w.start();
    assert_eq!(
        masks.in_force(1).lifted,
        Some(Lifted {
            order: 40,
            until_mono: 601_000,
            instead: None,
        })
    );
    w.hands.pass(400_000);
    masks.look();
    assert!(!lifted(&masks) && !lifted(&w.start()));
    assert_eq!(w.said(), ["mask.lift m1 - 40", "mask.end m1 time 40"]);
}

/// MSK-4, MSK-5: a restart with a clock that is wrong or unknown ends a lift, for good: fail closed.
#[test]
fn a_doubtful_clock_brings_the_mask_back() {
    for (wall, kernel, why) in [
        (Utc(5_000), synced as fn() -> Kernel, "clock"),
        (Utc(T - 1), synced, "clock"),
        (Utc(T + 60_000), unsynced, "clock"),
        (Utc(T + 365 * 86_400_000), synced, "time"),
    ] {
        let mut w = world();
        w.start().lift(&c(1), &asked(40, T, 10)).expect("lifted");
        w.trust = Trust::with_kernel(kernel);
        w.hands.set(wall);
        assert!(!lifted(&w.start()), "{wall}");
        w.trust = Trust::with_kernel(synced);
        w.hands.set(Utc(T + 60_000));
        assert!(!lifted(&w.start()), "over is over");
        assert_eq!(
            w.said(),
            [
                "mask.lift m1 - 40".to_owned(),
                format!("mask.end m1 {why} 40")
            ]
        );
    }
}

/// MSK-4: a box that woke up in 1970 lifts no longer than was meant, and says until when by its own clock.
#[test]
fn lifted_in_1970() {
    let w = world();
    w.hands.set(Utc(5_000));
    let masks = w.start();
    assert_eq!(masks.lift(&c(1), &asked(40, T, 10)), Ok(Utc(605_000)));
    w.hands.pass(600_000);
    assert!(!lifted(&masks));
}

/// MSK-4, AUD-1: a lift that cannot be logged is not in force, and nothing of it is kept; a mask that is back stays back though the
/// log takes no lines.
#[test]
fn no_lift_without_its_line() {
    let w = world();
    let masks = w.start();
    w.log.close("test").expect("closed");
    let why = masks.lift(&c(1), &asked(40, T, 10)).expect_err("refused");
    assert!(why.why.contains("nothing was done"), "{why}");
    assert!(!lifted(&masks) && !lifted(&w.start()));
    let set = ordered(41, T, mask("m9", How::Burned));
    masks.set(&c(0), &set).expect_err("refused");
    assert_eq!(masks.in_force(0).mask, None);

    let w = world();
    let masks = w.start();
    masks.lift(&c(1), &asked(40, T, 10)).expect("lifted");
    w.log.close("test").expect("closed");
    masks.end(&c(1), 41, Utc(T + 1)).expect("ended");
    assert!(!lifted(&masks));
    w.hands.pass(600_000);
    masks.look();
    assert!(!lifted(&masks) && w.said().len() == 1);
}

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
