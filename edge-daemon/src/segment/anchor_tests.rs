//! Pure. What the anchor must never get wrong.
use super::*;
use shared::time::Utc;

const F: i64 = 3600;
/// Wall minus monotonic clock, in ms.
const OFFSET: i64 = 1_800_000_000_000;
const START: i64 = 7_000_000;

fn at(mono: i64) -> Now {
    Now {
        wall: Utc(OFFSET + mono),
        mono: mono as u64,
    }
}

/// A session: what the camera stamps the n-th picture with, when it makes it and when that comes, both in ms.
fn session(
    anchor: &mut Anchor,
    pictures: std::ops::Range<i64>,
    rtp: impl Fn(i64) -> i64,
    made: impl Fn(i64) -> i64,
    came: impl Fn(i64) -> i64,
) -> Vec<(Placed, i64)> {
    pictures
        .map(|n| {
            let placed = anchor.arrived(rtp(n), at(START + came(n)));
            (placed, placed.wall_us / 1000 - OFFSET - START - made(n))
        })
        .collect()
}
/// 25 pictures a second read in turns of 120 ms.
fn plain(
    anchor: &mut Anchor,
    pictures: std::ops::Range<i64>,
    rtp: impl Fn(i64) -> i64,
) -> Vec<(Placed, i64)> {
    session(
        anchor,
        pictures,
        rtp,
        |n| n * 40,
        |n| n * 40 / 120 * 120 + 120,
    )
}
fn worst(seen: &[(Placed, i64)]) -> i64 {
    seen.iter().map(|(_, error)| error.abs()).max().unwrap_or(0)
}

/// REC-4: times follow the camera's own rhythm, not the moment we happened to read; what the camera had kept back is dated by when it
/// was made.
#[test]
fn the_least_late_picture_decides() {
    let mut anchor = Anchor::default();
    let came = |n: i64| match n {
        ..50 => 2000,
        _ => (n * 40) / 120 * 120 + 120,
    };
    session(&mut anchor, 0..65, |n| n * F, |n| n * 40, came);
    let placed = anchor.settle();
    assert_eq!(placed.len(), 65);
    for (n, p) in (0i64..).zip(&placed) {
        let error = p.wall_us / 1000 - OFFSET - START - n * 40;
        assert!((0..=120).contains(&error), "{n}: {error}");
    }
    // The wall clock is set forward by an hour: it shows in full.
    let before = anchor.arrived(65 * F, at(START + 2640));
    let set = Now {
        wall: Utc(OFFSET + START + 2680 + 3_600_000),
        mono: (START + 2680) as u64,
    };
    let after = anchor.arrived(66 * F, set);
    assert_eq!(after.wall_us - before.wall_us, 3_600_040_000);
    assert_eq!((before.dated.clock_sets, after.dated.clock_sets), (0, 1));
}

/// REC-4: cameras whose clock is a little slow or fast are followed.
#[test]
fn clocks_that_drift_are_followed() {
    for ppm in [100, -100, 2_000, -2_000, 9_000, -9_000, 30_000, -30_000] {
        let mut anchor = Anchor::default();
        let seen = session(
            &mut anchor,
            0..25 * 1200,
            |n| n * F - n * F * ppm / 1_000_000,
            |n| n * 40,
            |n| n * 40 + n * 7 % 30,
        );
        for (p, error) in seen {
            let doubt = i64::from(p.dated.doubt_ms);
            assert!(error.abs() <= 1000 + doubt, "{ppm}: {error} ms");
        }
    }
}

/// REC-4: an RTP clock that jumps, either way, by any distance, at any moment, costs no picture and moves no time.
#[test]
fn jumps_are_laid_end_to_end() {
    for ms in [
        300i64, 500, 1000, 3000, 20_000, 300_000, 3_600_000, 90_000_000, -100, -300, -500, -1000,
        -2000, -3000, -300_000, -3_600_000, 47_721_000,
    ] {
        for when in [2, 20, 60, 100, 500] {
            let mut anchor = Anchor::default();
            let rtp = |n: i64| n * F + if n >= when { ms * 90 } else { 0 };
            let mut seen = plain(&mut anchor, 0..15, rtp);
            let settled = anchor.settle();
            for (old, new) in seen.iter_mut().zip(&settled) {
                old.1 += (new.wall_us - old.0.wall_us) / 1000;
                old.0 = *new;
            }
            seen.extend(plain(&mut anchor, 15..1000, rtp));
            assert!(
                seen.windows(2).all(|w| w[0].0.pts < w[1].0.pts),
                "{ms} at {when}"
            );
            // A step forward in the first pictures may be a pause of the camera.
            assert!(worst(&seen) <= 380, "{ms} at {when}: {}", worst(&seen));
            // The very first may have been held back by the network.
            let early = if when == 2 { 15 } else { 0 };
            assert!(seen[early..].iter().all(|(p, _)| p.dated.doubt_ms == 0));
        }
    }
}

/// REC-4: clocks that are set back again and again; after the review's K5.
#[test]
fn steps_do_not_add_up() {
    for (every, ms) in [
        (250, -500),
        (250, -1000),
        (100, -60),
        (250, 300),
        (250, 1000),
    ] {
        let mut anchor = Anchor::default();
        let rtp = |n: i64| n * F + n / every * ms * 90;
        let seen = plain(&mut anchor, 0..5000, rtp);
        assert!(worst(&seen) <= 450, "{ms}: {}", worst(&seen));
    }
}

/// REC-4: one damaged time stamp moves nothing but its own picture, and that by less than a quarter of a second.
#[test]
fn one_wrong_time_stamp_moves_one_picture() {
    let mut anchor = Anchor::default();
    let seen = plain(
        &mut anchor,
        0..1000,
        |n| if n == 600 { 1 << 30 } else { n * F },
    );
    assert_eq!(anchor.jumps(), 2);
    assert!(worst(&seen) <= 250);
}

/// REC-4: a pause, B pictures, a slow network and a burst after it are no jumps.
#[test]
fn what_is_not_a_jump_is_left_alone() {
    let mut anchor = Anchor::default();
    let b = [0i64, 3, 1, 2];
    let rtp = |n: i64| (n / 4 * 4 + b[(n % 4) as usize]) * F;
    plain(&mut anchor, 0..15, rtp);
    let first = anchor.settle();
    assert!(anchor.reorders());
    assert!(first.iter().zip(0..).all(|(p, n)| p.pts == rtp(n)));
    let seen = plain(&mut anchor, 15..400, rtp);
    assert!(seen.iter().zip(15..).all(|((p, _), n)| p.pts == rtp(n)));
    // Nothing for 8 s: the pictures were not made.
    let seen = plain(&mut anchor, 600..1000, rtp);
    assert!(seen.iter().zip(600..).all(|((p, _), n)| p.pts == rtp(n)));
    // Nothing for 8 s, and then all at once.
    let seen = session(&mut anchor, 1000..1200, rtp, |n| n * 40, |_| 1200 * 40);
    assert!(seen.iter().zip(1000..).all(|((p, _), n)| p.pts == rtp(n)));
    assert_eq!((anchor.jumps(), anchor.corrections()), (0, 0));
}

/// A camera with B pictures whose clock is set back: the jump is seen all the same.
#[test]
fn b_pictures_do_not_hide_a_jump() {
    for ms in [-200i64, -500, -1000, 700, -3_600_000] {
        let mut anchor = Anchor::default();
        let b = [0i64, 3, 1, 2];
        let rtp =
            |n: i64| (n / 4 * 4 + b[(n % 4) as usize]) * F + if n >= 400 { ms * 90 } else { 0 };
        let shown = |n: i64| (n / 4 * 4 + b[(n % 4) as usize]) * 40;
        let came = |n: i64| n * 40 + 120;
        session(&mut anchor, 0..15, rtp, shown, came);
        anchor.settle();
        let seen = session(&mut anchor, 15..1000, rtp, shown, came);
        assert!(worst(&seen) <= 400, "{ms}: {}", worst(&seen));
    }
}

/// REC-4: a camera that stamps 25 pictures a second whatever it sends (12 or 50) is dated by the clock within a minute, and until
/// then the doubt is said; its times never go back.
#[test]
fn a_camera_that_lies_about_its_rate_is_dated_by_the_clock() {
    for (sent_ms, lie) in [
        (80i64, "half"),
        (20, "double"),
        (44, "a tenth less"),
        (160, "a quarter"),
    ] {
        let mut anchor = Anchor::default();
        let (made, came) = (|n| n * sent_ms, |n: i64| n * sent_ms / 120 * 120 + 120);
        let seen = session(&mut anchor, 0..300_000 / sent_ms, |n| n * F, made, came);
        assert!(seen.windows(2).all(|w| w[0].0.pts < w[1].0.pts), "{lie}");
        for (n, (p, error)) in (0i64..).zip(&seen) {
            let doubt = i64::from(p.dated.doubt_ms);
            assert!(error.abs() <= 1000 + doubt, "{lie} {n}: {error} ms");
            assert!(
                n * sent_ms < 60_000 || error.abs() <= 1000,
                "{lie} {n}: {error} ms"
            );
        }
        assert!(anchor.corrections() > 0, "{lie}");
    }
}

/// REC-4: stamps that say nothing: all alike, in ms, in µs, at random. Dated by arrival, and it is said.
#[test]
fn stamps_that_say_nothing() {
    let stamps: [(&str, fn(i64) -> i64); 5] = [
        ("frozen", |_| 77),
        ("ms", |n| n * 40),
        ("µs", |n| n * 40_000),
        ("nearly frozen", |n| n / 250 * 90),
        ("random", |n| (n * 7_919_317) % 900_000_011),
    ];
    for (name, rtp) in stamps {
        for settle in [false, true] {
            let mut anchor = Anchor::default();
            let mut seen = plain(&mut anchor, 0..15, rtp);
            if settle {
                let settled = anchor.settle();
                assert!(settled.windows(2).all(|w| w[0].pts <= w[1].pts), "{name}");
                seen.clear();
            }
            seen.extend(plain(&mut anchor, 15..2000, rtp));
            for (n, (p, error)) in (0..).zip(&seen) {
                let doubt = i64::from(p.dated.doubt_ms);
                assert!(
                    error.abs() <= 1000 + doubt || p.dated.by_arrival,
                    "{name} {n}: {error}"
                );
                assert!(n < 200 || error.abs() <= 600, "{name} {n}: {error}");
            }
            let last = seen.last().expect("one").0;
            assert!(
                last.dated.by_arrival || name == "µs" || name == "random",
                "{name}"
            );
        }
    }
}

/// Stamps that make sense again are believed again.
#[test]
fn stamps_are_believed_again() {
    let mut anchor = Anchor::default();
    plain(&mut anchor, 0..500, |_| 0);
    let seen = plain(&mut anchor, 500..2500, |n| n * F);
    let last = seen.last().expect("one");
    assert!(!last.0.dated.by_arrival && last.1.abs() <= 200, "{last:?}");
}

/// An honest camera on a network that holds its pictures back for a while is not taken for a liar; while nobody can tell, the doubt
/// is said, and it is over when the pictures have caught up.
#[test]
fn a_slow_network_is_no_lie() {
    let mut anchor = Anchor::default();
    let late = |n: i64| match n {
        1000..1500 => (n - 1000) * 12,
        1500..1700 => 6000 - (n - 1500) * 30,
        _ => 0,
    };
    let seen = session(
        &mut anchor,
        0..5000,
        |n| n * F,
        |n| n * 40,
        |n| n * 40 + late(n),
    );
    assert!(seen.iter().zip(0..).all(|((p, _), n)| p.pts == n * F));
    assert_eq!((anchor.jumps(), anchor.corrections()), (0, 0));
    assert!(seen[1500].0.dated.doubt_ms > 5_000);
    assert_eq!(seen[1800].0.dated.doubt_ms, 0);
}

/// A slow camera: a picture each three seconds, or each twelve.
#[test]
fn slow_cameras_are_not_out_of_time() {
    for every in [1000i64, 3000, 12_000] {
        let mut anchor = Anchor::default();
        let seen = session(
            &mut anchor,
            0..200,
            |n| n * every * 90,
            |n| n * every,
            |n| n * every + 50 + n % 7 * 10,
        );
        assert!(worst(&seen) <= 120, "{every}: {}", worst(&seen));
        assert_eq!((anchor.jumps(), anchor.corrections()), (0, 0));
        // Set back by just as much: once.
        let rtp = |n: i64| (n - 1) * every * 90;
        let seen = session(
            &mut anchor,
            200..300,
            rtp,
            |n| n * every,
            |n| n * every + 60,
        );
        assert!(worst(&seen) <= 120, "{every}: {}", worst(&seen));
    }
}

/// REC-4: what a sender report says of the camera's clock, and what cannot be one.
#[test]
fn the_cameras_clock_against_ours() {
    let mut anchor = Anchor::default();
    plain(&mut anchor, 0..500, |n| n * F);
    let made = OFFSET + START + 400 * 40;
    let offset = anchor
        .camera_offset_ms(400 * F, (made + 7_300) * 1000)
        .expect("known");
    assert!((7_100..=7_300).contains(&offset), "{offset}");
    assert_eq!(
        anchor.camera_offset_ms(TICKS_PER_SEC * 3600, made * 1000),
        None
    );
    assert_eq!(Anchor::default().camera_offset_ms(0, 0), None);
}

proptest::proptest! {
    /// REC-4: whatever a camera stamps, no picture is placed far before the furthest one, nor after it came by more than arrivals wander.
    #[test]
    fn no_stamp_takes_time_back(steps in proptest::collection::vec((proptest::num::i32::ANY, 0u64..3_000, 0u8..4), 1..300)) {
        let (mut anchor, mut pts, mut mono, mut newest) = (Anchor::default(), 0i64, START, i64::MIN);
        for (step, passed, kind) in steps {
            mono += passed as i64;
            pts += match kind {
                0 => i64::from(step),
                1 => i64::from(step % 500_000),
                _ => ticks(passed),
            };
            let placed = anchor.arrived(pts, at(mono)).pts;
            proptest::prop_assert!(newest == i64::MIN || placed >= newest - JUMP, "{} after {}", placed, newest);
            newest = newest.max(placed);
        }
    }
}
