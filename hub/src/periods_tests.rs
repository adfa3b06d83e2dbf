//! Pure. The rule of disposal against a second program that only counts days.
use proptest::prelude::*;

use super::*;

fn day(t: &str) -> Day {
    Day::parse(t).expect("day")
}

fn utc(t: &str) -> Utc {
    Utc::parse(t).expect("time")
}

fn london() -> Zone {
    Zone::parse("Europe/London").expect("zone")
}

fn exhibit(made: Utc, class: Class) -> Exhibit {
    Exhibit {
        exhibit: "EXH-2026-000001".into(),
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: Utc(1_000),
        t1: Utc(2_000),
        made,
        class,
    }
}

/// RET-5: three years mean the same date three years later, whole, by the clock on the wall; five for directed surveillance; a review
/// day is kept whole too. A warning comes thirty days before.
#[test]
fn periods_end_with_their_day() {
    let (zone, periods) = (london(), Periods::default());
    let made = utc("2026-11-03T14:00:00.000Z");
    let at = |class, now: &str| standing(&exhibit(made, class), &[], &periods, &zone, utc(now));
    for (class, last_moment, first) in [
        (
            Class::General,
            "2029-11-03T23:59:59.999Z",
            "2029-11-04T00:00:00.000Z",
        ),
        (
            Class::Surveillance,
            "2031-11-03T23:59:59.999Z",
            "2031-11-04T00:00:00.000Z",
        ),
        (
            // Summer time: the day ends an hour earlier by UTC.
            Class::Review {
                review: day("2027-07-01"),
            },
            "2027-07-01T22:59:59.999Z",
            "2027-07-01T23:00:00.000Z",
        ),
    ] {
        assert_eq!(at(class, last_moment), PeriodStanding::Soon, "{class:?}");
        assert_eq!(at(class, first), PeriodStanding::Due, "{class:?}");
    }
    assert_eq!(
        at(Class::General, "2029-10-04T22:59:59.999Z"),
        PeriodStanding::Kept
    );
    assert_eq!(
        at(Class::General, "2029-10-04T23:00:00.000Z"),
        PeriodStanding::Soon
    );
    assert_eq!(years_later(day("2028-02-29"), 3), day("2031-02-28"));
    assert_eq!(years_later(day("2028-02-29"), 4), day("2032-02-29"));
}

/// RET-6: what is past its period stays while an open request or a hold wants footage of the same camera and time; of another camera or
/// time it does not matter.
#[test]
fn what_is_wanted_stays() {
    let (zone, periods) = (london(), Periods::default());
    let e = exhibit(utc("2026-11-03T14:00:00.000Z"), Class::General);
    let later = utc("2031-01-01T00:00:00.000Z");
    let claim = |camera: &str, t0, t1| Claim {
        camera: BoxCamera::parse(camera).expect("camera"),
        t0: Utc(t0),
        t1: Utc(t1),
        by: "the hold H-000001".into(),
    };
    let stands = |claims: &[Claim]| standing(&e, claims, &periods, &zone, later);
    assert_eq!(
        stands(&[claim("ashby/c01", 1_999, 3_000)]),
        PeriodStanding::Wanted("the hold H-000001".into())
    );
    for other in [
        claim("ashby/c01", 2_000, 3_000),
        claim("ashby/c01", 0, 1_000),
        claim("ashby/c02", 1_000, 2_000),
        claim("derby/c01", 1_000, 2_000),
    ] {
        assert_eq!(stands(&[other]), PeriodStanding::Due);
    }
    let kept = Inventory {
        exhibits: vec![e.clone()],
        claims: vec![claim("ashby/c01", 0, 1_001)],
        ..Inventory::default()
    };
    assert_eq!(due(&kept, &periods, &zone, later), []);
}

/// RET-5: a review is from today on, and never so far ahead that it is as good as never.
#[test]
fn review_days_have_a_limit() {
    let (today, p) = (day("2026-11-03"), Periods::default());
    assert_eq!(review_may_be(today, today, &p), Ok(()));
    assert_eq!(review_may_be(day("2027-11-03"), today, &p), Ok(()));
    let far = review_may_be(day("2027-11-04"), today, &p)
        .expect_err("too far")
        .to_string();
    assert!(
        far.contains("2027-11-03") && far.contains("review_days"),
        "{far}"
    );
    assert!(review_may_be(day("2026-11-02"), today, &p).is_err());
    assert!(
        Class::parse("review", None)
            .expect_err("no day")
            .to_string()
            .contains("needs the day")
    );
    assert!(Class::parse("general", Some(today)).is_err());
    assert!(
        Class::parse("forever", None)
            .expect_err("none")
            .to_string()
            .contains("surveillance")
    );
}

/// The model: walks the calendar day by day.
mod model {
    use super::*;

    /// Whether `now` lies after the last day of a period of years.
    fn years_over(from: Day, years: u32, today: Day) -> bool {
        let (mut d, mut left) = (from, years);
        // Day by day, to the same month and day of the next year; a 29 February meets only every fourth.
        let same = |d: Day| d.to_string()[5..] == from.to_string()[5..];
        let leap = from.to_string().ends_with("02-29");
        while left > 0 {
            d = d.plus_days(1);
            let is_28 = d.to_string().ends_with("02-28");
            let has_29 = d.plus_days(1).to_string().ends_with("02-29");
            if same(d) && d != from || leap && is_28 && !has_29 {
                left -= 1;
            }
        }
        today > d
    }

    pub fn exhibit(e: &Exhibit, claims: &[Claim], p: &Periods, zone: &Zone, now: Utc) -> bool {
        let today = zone.day_of(now);
        let over = match e.class {
            Class::General => years_over(zone.day_of(e.made), p.master_years, today),
            Class::Surveillance => years_over(zone.day_of(e.made), p.surveillance_years, today),
            Class::Review { review } => today > review,
        };
        // Every millisecond of the span would do; the ends of both are enough.
        let inside = |t: i64, a: Utc, b: Utc| a.0 <= t && t < b.0;
        let wanted = claims.iter().any(|c| {
            c.camera == e.camera && (inside(c.t0.0, e.t0, e.t1) || inside(e.t0.0, c.t0, c.t1))
        });
        over && !wanted
    }

    pub fn text(made: Utc, p: &Periods, zone: &Zone, now: Utc) -> bool {
        years_over(zone.day_of(made), p.text_years, zone.day_of(now))
    }
}

fn times() -> impl Strategy<Value = Utc> {
    // From 2023 to 2034.
    (1_672_531_200_000i64..2_019_686_400_000).prop_map(Utc)
}

fn classes() -> impl Strategy<Value = Class> {
    prop_oneof![
        Just(Class::General),
        Just(Class::Surveillance),
        (0i32..4000).prop_map(|n| Class::Review {
            review: Day::parse("2023-01-01").expect("day").plus_days(n)
        }),
    ]
}

fn cameras() -> impl Strategy<Value = BoxCamera> {
    prop_oneof![Just("ashby/c01"), Just("ashby/c02"), Just("derby/c01")]
        .prop_map(|t| BoxCamera::parse(t).expect("camera"))
}

fn exhibits() -> impl Strategy<Value = Exhibit> {
    (cameras(), 0i64..50, 1i64..20, times(), classes()).prop_map(
        |(camera, t0, len, made, class)| Exhibit {
            exhibit: String::new(),
            camera,
            t0: Utc(t0),
            t1: Utc(t0 + len),
            made,
            class,
        },
    )
}

fn claims() -> impl Strategy<Value = Claim> {
    (cameras(), 0i64..50, 1i64..20).prop_map(|(camera, t0, len)| Claim {
        camera,
        t0: Utc(t0),
        t1: Utc(t0 + len),
        by: "a request".into(),
    })
}

fn periods() -> impl Strategy<Value = Periods> {
    (1u32..6, 1u32..8, 1u32..32, 1u32..8, 1u32..6).prop_map(|(m, s, d, part, t)| Periods {
        master_years: m,
        surveillance_years: s,
        review_days: 365,
        draft_days: d,
        part_days: part,
        text_years: t,
        wait_days: 90,
    })
}

proptest! {
    /// RET-5, RET-6: of anything that may be kept, exactly that is due which the model says; and only exhibits need a person.
    #[test]
    fn exactly_what_is_due(
        exhibits in prop::collection::vec(exhibits(), 0..8),
        overs in prop::collection::vec(times(), 0..5),
        parts in prop::collection::vec((times(), any::<bool>()), 0..5),
        texts in prop::collection::vec((times(), any::<bool>()), 0..5),
        claims in prop::collection::vec(claims(), 0..3),
        p in periods(),
        now in times(),
    ) {
        let zone = london();
        let mut kept = Inventory { exhibits, claims, ..Inventory::default() };
        for (n, e) in kept.exhibits.iter_mut().enumerate() {
            e.exhibit = format!("EXH-2026-{n:06}");
        }
        kept.drafts = overs.iter().enumerate()
            .map(|(n, over)| Draft { exhibit: format!("EXH-2027-{n:06}"), over: *over }).collect();
        kept.parts = parts.iter().enumerate()
            .map(|(n, (touched, open))| Part { path: format!("{n}").into(), touched: *touched, open: *open }).collect();
        kept.texts = texts.iter().enumerate()
            .map(|(n, (made, used))| Text { hash: format!("{n}"), made: *made, used: *used }).collect();

        let passed = |from: Utc, days: u32| (now.0 - from.0) / 86_400_000 >= i64::from(days) && now >= from;
        let mut want: Vec<DueThing> = Vec::new();
        want.extend(kept.exhibits.iter().filter(|e| model::exhibit(e, &kept.claims, &p, &zone, now))
            .map(|e| DueThing::Exhibit(e.exhibit.clone())));
        want.extend(kept.drafts.iter().filter(|d| passed(d.over, p.draft_days)).map(|d| DueThing::Draft(d.exhibit.clone())));
        want.extend(kept.parts.iter().filter(|x| !x.open && passed(x.touched, p.part_days)).map(|x| DueThing::Part(x.path.clone())));
        want.extend(kept.texts.iter().filter(|t| !t.used && model::text(t.made, &p, &zone, now)).map(|t| DueThing::Text(t.hash.clone())));

        let found = due(&kept, &p, &zone, now);
        for d in &found {
            prop_assert!(d.since <= now);
            prop_assert_eq!(d.what.needs_a_person(), matches!(d.what, DueThing::Exhibit(_)));
        }
        prop_assert_eq!(found.into_iter().map(|d| d.what).collect::<Vec<_>>(), want);
    }
}
