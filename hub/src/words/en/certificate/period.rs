//! Pure. English for what happened in the period of a package, by the recorder's log.

use shared::{
    plain::plain,
    time::{Utc, Zone},
};

use super::{count, cut, length};
use crate::papers::certificate::{
    clock::{Clock, Reading, Trust},
    continuity::{Continuity, Event, Happening},
    masks::{Imposition, Lift, Masks},
    rate::{Change, Pace, Run},
};

/// Why there was nothing to record, for people.
pub fn gap_why(code: &str) -> String {
    match code {
        "start" => "the recorder had started".into(),
        "restart" => "the recorder was started again".into(),
        "lost-session" => "the connection to the camera was lost".into(),
        "stall" => "the camera sent nothing".into(),
        "unreachable" => "the camera could not be reached".into(),
        "loss" => "pictures were lost on the way from the camera".into(),
        "jump" => "the camera's own clock jumped".into(),
        "clock" => "the recorder's clock was set".into(),
        "disk" => "the recorder's disks took nothing".into(),
        "shed" => "the recorder could not keep up".into(),
        "mask-worker" => "the program that paints the mask had failed".into(),
        "mask-unproved" => "the camera's own mask was not proved".into(),
        "mask-change" => "the mask was changed".into(),
        "mask-capacity" => "the recorder could not paint one more mask".into(),
        other => plain(other, 40),
    }
}

pub fn gaps(c: &Continuity, zone: &Zone) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let ms = c.gaps.iter().map(|g| g.t1.0.saturating_sub(g.t0.0));
    let ms = ms.fold(0, i64::saturating_add);
    if c.gaps.len() > 1 {
        let n = count(c.gaps.len() as u64, "gap", "gaps");
        all.push(format!("{n}, {} in all:", length(ms)));
    }
    all.extend(c.gaps.iter().map(|g| {
        let lost = match g.packets {
            0 => String::new(),
            n => format!(", {} known to be lost", count(n, "packet", "packets")),
        };
        format!(
            "from {} for {}: {}{lost}",
            g.t0.for_people(zone),
            length(g.t1.0.saturating_sub(g.t0.0)),
            gap_why(&g.why)
        )
    }));
    let lost = c.lost.iter();
    all.extend(lost.map(|l| {
        let why = plain(&l.why, 60);
        format!("segment {} was found missing or damaged: {why}", l.s)
    }));
    let mut all = cut(all, "no gap is on record");
    if let (n @ 1.., ms) = c.seams {
        all.push(format!(
            "between {} of masters up to half a second is missing, for which the log has no line: {} in all",
            count(n, "pair", "pairs"),
            length(ms)
        ));
    }
    if c.packets > 0 {
        let n = count(
            c.packets,
            "packet of the network was",
            "packets of the network were",
        );
        all.push(format!("{n} lost inside masters"));
    }
    if c.pictures > 0 {
        let n = count(c.pictures, "picture", "pictures");
        all.push(format!(
            "{n} inside masters the recorder left out, because it could not keep up or could not prove their mask"
        ));
    }
    all
}

/// What a fault is called, where its code is known here.
fn title(code: &str) -> String {
    let known = shared::conditions::condition(code);
    known.map_or_else(String::new, |c| format!(" ({})", c.title))
}

pub fn events(all: &[Event], zone: &Zone) -> Vec<String> {
    let one = |e: &Event| {
        let at = e.at.for_people(zone);
        match &e.what {
            Happening::Raised(code) => format!("{} raised {at}{}", plain(code, 40), title(code)),
            Happening::Over(code) => format!("{} over {at}{}", plain(code, 40), title(code)),
            Happening::Started { why, software } => format!(
                "recorder started ({}) {at}, Beadle {}",
                plain(why, 20),
                plain(software, 30)
            ),
        }
    };
    let none = "none on record for this camera or its recorder";
    cut(all.iter().map(one).collect(), none)
}

fn permille(p: u64) -> String {
    format!("{}.{} % of the picture", p / 10, p % 10)
}

pub fn masks(m: &Masks, zone: &Zone) -> Vec<String> {
    let style = |s: &Option<String>| {
        s.as_ref()
            .map_or_else(String::new, |s| format!(" ({})", plain(s, 20)))
    };
    let mut all: Vec<String> = Vec::new();
    for s in &m.stretches {
        let span = format!(
            "from {} to {}",
            s.from.for_people(zone),
            s.to.for_people(zone)
        );
        all.push(match &s.mask {
            Imposition::None => format!("no mask configured, {span}"),
            Imposition::Burned { mask, style: s } => format!(
                "mask {}{} painted into the picture before recording, {span}: the recorder decoded the camera's pictures, painted them over and encoded them anew, so these masters are not the camera's own bytes",
                plain(mask, 20),
                style(s)
            ),
            Imposition::Proved { mask, style: s, tested } => format!(
                "mask {}{} set in the camera and proved on the recorded pictures, {}, {span}",
                plain(mask, 20),
                style(s),
                count(*tested, "key picture tested", "key pictures tested")
            ),
            Imposition::Lifted { mask, instead } => {
                let but = instead.as_ref().map_or_else(String::new, |id| {
                    format!(" but for what {} covers, painted in its place", plain(id, 20))
                });
                format!(
                    "mask {} LIFTED by order of two people: what it covers is visible{but}, {span}",
                    plain(mask, 20)
                )
            }
            Imposition::Other { mask, how } => {
                format!("mask {} ({}), {span}", plain(mask, 20), plain(how, 20))
            }
        });
    }
    for c in &m.covers {
        let review = c
            .review
            .map_or_else(String::new, |day| format!(", to be reviewed {day}"));
        let order = c
            .order
            .map_or_else(String::new, |n| format!(", set by the hub's order {n}"));
        all.push(format!(
            "{} covers {}{review}{order}",
            plain(&c.mask, 20),
            permille(c.permille)
        ));
    }
    all.extend(m.lifts.iter().map(|l| lift(l, zone)));
    all.extend(
        m.gone
            .iter()
            .map(|(mask, at)| format!("{} ended {}", plain(mask, 20), at.for_people(zone))),
    );
    all.extend(m.failed.iter().map(|(mask, t0, t1)| {
        format!(
            "{} failed its check from {} to {}; those pictures were not recorded",
            plain(mask, 20),
            t0.for_people(zone),
            t1.for_people(zone)
        )
    }));
    cut(all, "none on record")
}

fn lift(l: &Lift, zone: &Zone) -> String {
    let authority = match &l.authority {
        Ok(text) => plain(text, 60),
        Err(hash) => format!("on record as {}", plain(hash, 12)),
    };
    let end = match &l.ended {
        None => format!("until {} at the latest", l.at_the_latest.for_people(zone)),
        Some((at, why)) => {
            let why = match why.as_str() {
                "time" => "its time was over",
                "order" => "ended by order",
                "clock" => "ended by a restart",
                other => other,
            };
            format!("to {} ({})", at.for_people(zone), plain(why, 40))
        }
    };
    let instead = l.instead.as_ref().map_or_else(String::new, |(id, p)| {
        format!(" to {}, which hides {},", plain(id, 20), permille(*p))
    });
    format!(
        "{} lifted{instead} by {} under authority {authority}, from {} {end}",
        plain(&l.mask, 20),
        plain(&l.by.join(" and "), 40),
        l.from.for_people(zone)
    )
}

pub fn rates(runs: &[Run], changes: &[Change], c: &Continuity, zone: &Zone) -> Vec<String> {
    // Said only where it is so.
    let every = match (c.packets, c.pictures) {
        (0, 0) => "every picture the camera sent".to_owned(),
        (0, _) => "the camera's own rate, but for pictures that this recorder left out because it could not keep up or could not prove their mask".to_owned(),
        (_, 0) => "the camera's own rate, but for pictures lost on the way from the camera".to_owned(),
        _ => "the camera's own rate, but for pictures lost on the way from the camera and pictures that this recorder left out because it could not keep up or could not prove their mask".to_owned(),
    };
    let words = |rate: &Pace| match rate {
        Pace::Own => every.clone(),
        Pace::Lapse(secs) => format!(
            "TIME-LAPSE, one picture about every {} s and nothing of what happened between them",
            plain(secs, 4)
        ),
        Pace::Other(word) => plain(word, 40),
    };
    let mut all: Vec<String> = match runs {
        [run] => vec![words(&run.rate)],
        runs => {
            let one = |run: &Run| {
                format!(
                    "from {} to {}: {}",
                    run.t0.for_people(zone),
                    run.t1.for_people(zone),
                    words(&run.rate)
                )
            };
            runs.iter().map(one).collect()
        }
    };
    all.extend(changes.iter().map(|change| {
        let to = if change.real_time {
            "real time"
        } else {
            "time-lapse"
        };
        let why = match (change.why.as_str(), change.order) {
            ("order", Some(n)) => format!("by the hub's order {n}"),
            ("end", Some(n)) => format!("as the hub's order {n} was over"),
            ("event", _) => "by an event of the camera's".into(),
            ("end", None) => "as the event was over".into(),
            ("start", _) => "as the recorder started".into(),
            (why, _) => plain(why, 20),
        };
        format!("set to {to} {} {why}", change.at.for_people(zone))
    }));
    all.extend(c.short.iter().filter_map(|s| {
        let (from, to) = s.between?;
        Some(format!(
            "between {} and {}: {} lost, {} left out",
            from.for_people(zone),
            to.for_people(zone),
            count(s.packets, "packet", "packets"),
            count(s.pictures, "picture", "pictures")
        ))
    }));
    cut(all, &every)
}

/// Tenths of a millisecond are nothing to a court: milliseconds up to a second, then seconds with a digit.
fn span(us: i64) -> String {
    let us = us.unsigned_abs();
    match us {
        0..1_000 => "less than 1 ms".to_owned(),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
    }
}

fn slow(us: i64) -> String {
    match us {
        -999..=999 => "right to less than 1 ms".to_owned(),
        1_000.. => format!("{} slow", span(us)),
        _ => format!("{} fast", span(us)),
    }
}

fn source(code: &str) -> String {
    match code {
        "kernel" => "the time service of its system".into(),
        "hub" => "the hub's clock".into(),
        "log" => "the newest line of its own log".into(),
        "none" => "nothing".into(),
        other => plain(other, 40),
    }
}

fn trust(r: &Reading) -> &'static str {
    match r.trust {
        Trust::Synchronised => "synchronised",
        Trust::RunningOn => "running on without its source",
        Trust::Unknown => "NOT SYNCHRONISED, so that times may be wrong",
    }
}

pub fn clock(c: &Clock, zone: &Zone) -> Vec<String> {
    let mut all = Vec::new();
    let one = |r: &Reading| {
        format!(
            "{}; by {} it was {}, ± {}",
            trust(r),
            source(&r.source),
            slow(r.slow_us),
            span(r.error_us)
        )
    };
    match c.readings.as_slice() {
        [] => all.push(
            "times are the recorder's clock, whose state is not on record for this period"
                .to_owned(),
        ),
        [first, rest @ ..] => {
            all.push(format!(
                "times are the recorder's clock, which was, at {}, {}",
                first.at.for_people(zone),
                one(first)
            ));
            // Each change of what it is worth is said; hourly readings that say the same are not.
            let mut last = first;
            for r in rest {
                if (r.trust, &r.source) != (last.trust, &last.source) {
                    all.push(format!("from {} on: {}", r.at.for_people(zone), one(r)));
                }
                last = r;
            }
            let us = || c.readings.iter().map(|r| r.slow_us);
            if let (false, Some(least), Some(most)) = (rest.is_empty(), us().min(), us().max()) {
                let error = c.readings.iter().map(|r| r.error_us).max().unwrap_or(0);
                all.push(format!(
                    "in {} readings it was between {} and {}, ± {} at most",
                    c.readings.len(),
                    slow(least),
                    slow(most),
                    span(error)
                ));
            }
        }
    }
    all.extend(c.steps.iter().map(|s| {
        format!(
            "at {} the clock was set {} by {} ms ({})",
            s.at.for_people(zone),
            if s.ms < 0 { "back" } else { "forward" },
            s.ms.unsigned_abs(),
            plain(&s.source, 40)
        )
    }));
    if let Some((from, n)) = c.arrival {
        all.push(format!(
            "from {} on {} dated by when their pictures reached the recorder, because the camera's own time stamps said nothing",
            from.for_people(zone),
            count(n, "master is", "masters are")
        ));
    }
    all.extend(c.off.iter().map(|(from, ms)| {
        let from = from.for_people(zone);
        format!("times inside the master that begins {from} may be wrong by up to {ms} ms")
    }));
    all.extend(c.camera_ms.map(|(least, most)| {
        let ahead = |ms: i64| match ms {
            0.. => format!("{} ahead of the recorder's", span(ms.saturating_mul(1000))),
            _ => format!("{} behind the recorder's", span(ms.saturating_mul(1000))),
        };
        match least == most {
            true => format!("the camera's own clock was {}", ahead(most)),
            false => format!(
                "the camera's own clock was between {} and {}",
                ahead(least),
                ahead(most)
            ),
        }
    }));
    let by = "by the hub's own clock the lines of these masters were written";
    let at = |t: Utc| t.for_people(zone);
    all.extend(match (c.after, c.before) {
        (Some(after), Some(before)) => Some(format!(
            "{by} after {} and before {}",
            at(after),
            at(before)
        )),
        (None, Some(before)) => Some(format!("{by} before {}", at(before))),
        (Some(after), None) => Some(format!("{by} after {}", at(after))),
        (None, None) => None,
    });
    all
}
