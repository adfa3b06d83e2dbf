//! Pure. English for the subtitles of a working copy (SubRip): the recording's own local time and its offset, and in words what is missing
//! before, inside and after it.

use shared::time::{Utc, Zone};

use super::certificate::{count, length, period::gap_why};
use crate::papers::certificate::{
    Request,
    continuity::{Continuity, Short},
};

/// So long the words of a gap stand at the beginning and at the end of a file.
const STANDS_MS: i64 = 4_000;
/// A cue stands until the next full second.
const SECOND: i64 = 1_000;

/// `00:00:04,000`
fn clock(ms: i64) -> String {
    let (s, rest) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02},{rest:03}", s / 3600, s / 60 % 60, s % 60)
}

/// What is missing between two times, and why the log says so.
fn missing(from: Utc, to: Utc, c: &Continuity, zone: &Zone) -> Option<String> {
    let ms = to.0.saturating_sub(from.0);
    if ms <= 0 {
        return None;
    }
    let within = c.gaps.iter().filter(|g| g.t0 < to && g.t1 > from);
    let mut why: Vec<String> = within.map(|g| gap_why(&g.why)).collect();
    why.dedup();
    let why = match why.is_empty() {
        true => String::new(),
        false => format!(" ({})", why.join("; ")),
    };
    Some(format!(
        "NO FOOTAGE from {} for {}{why}",
        from.for_people(zone),
        length(ms)
    ))
}

fn lost(s: &Short) -> String {
    let parts = [
        (
            s.packets,
            count(
                s.packets,
                "packet of the network lost",
                "packets of the network lost",
            ),
        ),
        (
            s.pictures,
            count(s.pictures, "picture left out", "pictures left out"),
        ),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(_, text)| text)
        .collect();
    format!("PICTURES MISSING HERE: {}", parts.join(", "))
}

pub fn of(r: &Request, files: &[(String, Utc, Utc)], at: usize, c: &Continuity) -> String {
    let Some((_, t0, t1)) = files.get(at) else {
        return String::new();
    };
    let (zone, name) = (&r.zone, |file: &str| {
        file.rsplit('/').next().unwrap_or(file).to_owned()
    });
    // From the end of the file before, or from what was asked for; and the same after.
    let before = match at.checked_sub(1).and_then(|n| files.get(n)) {
        Some((_, _, end)) => missing(*end, *t0, c, zone),
        None => missing(r.t0, *t0, c, zone),
    };
    let after = match files.get(at + 1) {
        Some((file, begin, _)) => {
            let words = missing(*t1, *begin, c, zone);
            let next = format!("It goes on in {}", name(file));
            Some(words.map_or_else(|| next.clone(), |words| format!("{words}. {next}")))
        }
        None => missing(*t1, r.t1, c, zone),
    };
    let (mut out, mut n, mut now) = (String::new(), 0u64, *t0);
    while now < *t1 {
        let next = Utc((now.0.div_euclid(SECOND) + 1) * SECOND).min(*t1);
        n += 1;
        out += &format!(
            "{n}\n{} --> {}\n{} (UTC{}) {} {}\n",
            clock(now.0 - t0.0),
            clock(next.0 - t0.0),
            now.for_people(zone),
            now.offset(zone),
            r.camera,
            r.exhibit
        );
        let inside = c.short.iter().filter(|s| {
            let between = s.between;
            between.is_some_and(|(from, to)| from < next && to > now)
        });
        let early = before.iter().filter(|_| now.0 - t0.0 < STANDS_MS);
        let late = after.iter().filter(|_| t1.0 - next.0 < STANDS_MS);
        for words in early.chain(late).cloned().chain(inside.map(lost)) {
            out += &format!("{words}\n");
        }
        out.push('\n');
        now = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::papers::certificate::{continuity::Gap, tests::request};

    /// A hole between two files stands in words at the end of the first and at the beginning of the second, with its time and cause; each
    /// second has its local time and offset, on a night on which the clock goes back too.
    #[test]
    fn what_stands_below_the_picture() {
        let t0 = Utc::parse("2026-10-25T00:59:57.500Z").expect("time");
        let mut r = request(t0);
        r.t1 = t0.plus_ms(40_000);
        let files = [
            ("working/c03_a.mp4".to_owned(), t0, t0.plus_ms(5_000)),
            (
                "working/c03_b.mp4".to_owned(),
                t0.plus_ms(17_000),
                t0.plus_ms(40_000),
            ),
        ];
        let c = Continuity {
            gaps: vec![Gap {
                t0: t0.plus_ms(5_000),
                t1: t0.plus_ms(17_000),
                why: "stall".into(),
                packets: 0,
            }],
            short: vec![Short {
                between: Some((t0.plus_ms(20_000), t0.plus_ms(21_000))),
                packets: 3,
                pictures: 0,
            }],
            ..Continuity::default()
        };
        let first = of(&r, &files, 0, &c);
        assert!(first.starts_with("1\n00:00:00,000 --> 00:00:00,500\nSun 25 Oct 2026 01:59:57 BST (UTC+01:00) ashby/c03 EXH-2026-000001\n"), "{first}");
        assert!(first.contains("01:00:00 GMT (UTC+00:00)"), "{first}");
        assert!(first.contains("NO FOOTAGE from Sun 25 Oct 2026 01:00:02 GMT for 12.000 s (the camera sent nothing). It goes on in c03_b.mp4\n"), "{first}");
        let second = of(&r, &files, 1, &c);
        assert!(
            second.contains("NO FOOTAGE from Sun 25 Oct 2026 01:00:02 GMT for 12.000 s"),
            "{second}"
        );
        assert!(
            second.contains("PICTURES MISSING HERE: 3 packets of the network lost\n"),
            "{second}"
        );
        assert!(!second.trim_end().ends_with("NO FOOTAGE"), "{second}");
    }
}
