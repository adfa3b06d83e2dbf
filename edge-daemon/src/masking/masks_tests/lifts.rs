//! Pure. Lifts: until their end, over a restart, with a doubtful clock, and never without their line.
use super::*;

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
