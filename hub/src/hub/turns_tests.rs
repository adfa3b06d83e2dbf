//! Pure. Whose turn it is, by hours, urgency and order; and when it will be there.
use super::*;
use crate::model::line::HoursText;

fn london() -> Zone {
    Zone::parse("Europe/London").expect("zone")
}

fn at(text: &str) -> Utc {
    Utc::parse_lenient(text).expect("time")
}

fn name() -> BoxName {
    BoxName::parse("ashby").expect("name")
}

fn pull(order: u64, urgent: bool) -> Entry {
    Entry {
        exhibit: format!("E{order}"),
        order,
        urgent,
        paused: None,
        wants: true,
        left: 1_000_000,
    }
}

fn hours(begins: &str, ends: &str) -> Hours {
    let text = HoursText {
        begins: begins.into(),
        ends: ends.into(),
    };
    text.read().expect("hours")
}

/// EVI-1: what is urgent goes first, whatever the hour; two share, others wait their turn; what is paused stands in nobody's way.
#[test]
fn whose_turn_it_is() {
    let now = at("2026-11-03T12:00:00Z");
    let night = LineWish {
        most_kbit: None,
        hours: Some(hours("18:00", "07:00")),
    };
    let code = |pulls: &[Entry], wish, n: u64| {
        let said = verdict(pulls, &format!("E{n}"), wish, &name(), now, &london());
        said.err().map(|why| why.code())
    };
    let mut pulls: Vec<Entry> = (1..=4).map(|n| pull(n, false)).collect();
    let any = LineWish::default();
    let all = |pulls: &[Entry], wish| (1..=4).map(|n| code(pulls, wish, n)).collect::<Vec<_>>();
    assert_eq!(
        all(&pulls, any),
        [None, None, Some("in-turn"), Some("in-turn")]
    );
    assert_eq!(code(&pulls, night, 1), Some("outside-hours"));
    pulls[0].paused = Some("op:0007".into());
    assert_eq!(
        all(&pulls, any),
        [Some("paused"), None, None, Some("in-turn")]
    );
    pulls[3].urgent = true;
    let after = Some("urgent-first");
    assert_eq!(all(&pulls, any), [Some("paused"), after, after, None]);
    assert_eq!(code(&pulls, night, 4), None, "whatever the hour");
    pulls[3].wants = false;
    assert_eq!(code(&pulls, any, 2), None);
}

/// Hours are those of the clock on the wall: over midnight, and in the nights in which it is put forward or back.
#[test]
fn hours_of_the_wall() {
    let zone = london();
    let night = hours("18:00", "07:00");
    for (text, within) in [
        ("2026-07-01T16:59:59Z", false),
        ("2026-07-01T17:00:00Z", true),
        ("2026-07-02T05:59:00Z", true),
        ("2026-07-02T06:00:00Z", false),
        ("2026-12-01T17:59:00Z", false),
        ("2026-12-01T18:00:00Z", true),
    ] {
        assert_eq!(night.cover(at(text), &zone), within, "{text}");
    }
    assert_eq!(
        night.turn(at("2026-07-01T12:00:30Z"), &zone),
        at("2026-07-01T17:00:00Z")
    );
    // The hour that comes twice counts twice.
    let twice = hours("01:00", "02:00");
    assert_eq!(
        twice.turn(at("2026-10-25T00:00:00Z"), &zone),
        at("2026-10-25T02:00:00Z")
    );
    // The one that is left out does not come.
    assert_eq!(
        twice.turn(at("2026-03-29T00:30:00Z"), &zone),
        at("2026-03-30T00:00:00Z")
    );
    for (begins, ends) in [
        ("24:00", "01:00"),
        ("1", "02:00"),
        ("09:00", "09:00"),
        ("", ""),
    ] {
        let text = HoursText {
            begins: begins.into(),
            ends: ends.into(),
        };
        assert_eq!(text.read(), None, "{text:?}");
    }
}

/// A day's pull over a slow line says when it will be there; in hours of the night that is after several of them.
#[test]
fn when_it_will_be_there() {
    let (now, zone) = (at("2026-11-03T12:00:00Z"), london());
    let day = 9_000_000_000;
    let wish = LineWish::default();
    let f = forecast((day, 0), None, wish, false, now, &zone);
    assert_eq!((f.kbit, f.secs, f.there), (None, None, None));
    let f = forecast((day, 0), Some(2_000), wish, false, now, &zone);
    assert_eq!((f.kbit, f.secs), (Some(2_000), Some(36_000)));
    assert_eq!(f.there, Some(at("2026-11-03T22:00:00Z")));
    let capped = LineWish {
        most_kbit: Some(1_000),
        hours: Some(hours("22:00", "06:00")),
    };
    let f = forecast((day, 0), Some(2_000), capped, false, now, &zone);
    // Twenty hours on the line, eight a night.
    assert_eq!(
        (f.secs, f.there),
        (Some(72_000), Some(at("2026-11-06T02:00:00Z")))
    );
    let f = forecast((day, 0), Some(2_000), capped, true, now, &zone);
    assert_eq!(
        f.there,
        Some(at("2026-11-04T08:00:00Z")),
        "urgent: any hour"
    );
    let f = forecast((u64::MAX, 9), Some(1), wish, true, now, &zone);
    assert_eq!(f.there, None);
    let pulls = [pull(1, true), pull(2, false), pull(3, false)];
    assert_eq!(ahead(&pulls, "E3", 400_000, false), 1_400_000);
    assert_eq!(ahead(&pulls, "E1", 400_000, true), 0);
}
