//! Pure. Orders about masks, with a clock set by hand and a real log: what is in force, and what is on the record.
use shared::record::{Record, Value};

use super::*;
use crate::{
    clock::Kernel,
    config::Camera,
    masking::{lift::Asked, orders::old},
    recording::sequence::Sequence,
    testing::{Hands, lines, open_log},
};

const T: i64 = 1_800_000_000_000;

#[path = "masks_tests/lifts.rs"]
mod lifts;
#[path = "masks_tests/orders.rs"]
mod orders;

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
