//! Pure. The certificate and the read-me of a package, in plain words.
//!
//! Free text that people typed (title, purpose, names) is cut to one line of printable characters first: nobody writes a
//! heading of the certificate by asking for a clip.

use std::{collections::BTreeMap, fmt::Write as _};

use shared::{
    check::{Span, covered},
    id::{BoxCamera, ExhibitRef},
    plain::plain,
    time::{Utc, Zone},
    types::{
        CamSession, CamSet, ClockState, ClockStep, FaultOff, FaultOn, HeadAck, RateSet, SegGap,
        SegLost, SegWrite, SysBoot,
    },
};

use super::{lines::LogLine, package::Later};
use masks::masks;

mod masks;

const WIDTH: usize = 92;
const COLUMN: usize = 15;

/// Who asked for what, and who made it.
#[derive(Clone, Debug)]
pub struct Request {
    pub exhibit: ExhibitRef,
    pub camera: BoxCamera,
    /// What the camera is called now: for a log that does not say what it was called when.
    pub title: String,
    /// The box and its scheme.
    pub site: String,
    /// Asked from, asked to.
    pub t0: Utc,
    pub t1: Utc,
    pub purpose: String,
    /// The requester's own reference.
    pub reference: String,
    pub requester: String,
    pub grant: String,
    /// Under which authorities masks of this camera were lifted: salted hash, as in the log, and text.
    pub authorities: BTreeMap<String, String>,
    /// Who made the package: `op:0147`.
    pub operator: String,
    pub zone: Zone,
    pub zone_name: String,
}

/// One master as it was checked.
#[derive(Clone, Debug)]
pub struct Master {
    pub n: u64,
    pub file: String,
    pub line: SegWrite,
}

/// One working copy as it was made.
#[derive(Clone, Debug)]
pub struct WorkingCopy {
    pub file: String,
    pub t0: Utc,
    pub t1: Utc,
    pub frames: u64,
    pub bytes: u64,
    pub codec: &'static str,
    pub sha256: String,
}

/// What is to be said of footage whose log has ended.
fn ended(log: &str, later: &Later, n: u64) -> String {
    let why = match &later.dispute {
        Some((code, why)) => format!(
            " The hub countersigns {log} no more ({code}: {}): a copy of the recorder's disk, or one that was put back. The lines in this package are of what the hub had countersigned of it before.",
            plain(why, 300)
        ),
        None => String::new(),
    };
    format!(
        "The log {log} has ended; the recorder writes {} now. Line {n} of that log (log/clip.record, with its proof) states that this footage was handed out.{why}",
        later.origin
    )
}

/// Everything the certificate says.
pub struct Facts<'a> {
    pub request: &'a Request,
    pub made: Utc,
    /// Origin of the box's log, lines under the head, and when the hub countersigned it.
    pub log: &'a str,
    pub size: u64,
    pub countersigned: Utc,
    pub masters: &'a [Master],
    pub working: &'a [WorkingCopy],
    /// Why there is no working copy, or not one of everything.
    pub working_short: &'a [String],
    pub lines: &'a [&'a LogLine],
    pub hub_key: &'a str,
    /// What of what was asked for is missing.
    pub short: Option<&'a str>,
    /// SHA-256 of the seal key (SPKI), lower hex.
    pub seal_key: &'a str,
    /// Where the log of the footage has ended: the one that says that it was handed out, and in which line.
    pub later: Option<(&'a Later, u64)>,
}

fn wrap(out: &mut String, indent: usize, text: &str) {
    let mut at = indent;
    for word in text.split(' ') {
        let len = word.chars().count();
        if at > indent && at + 1 + len > WIDTH {
            let _ = write!(out, "\n{:indent$}", "");
            at = indent;
        } else if at > indent {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += len;
    }
    out.push('\n');
}

fn item(out: &mut String, label: &str, text: &str) {
    let _ = write!(out, "{label:COLUMN$}");
    wrap(out, COLUMN, text);
}

fn both(t: Utc, zone: &Zone) -> String {
    format!("{:<30}  {t}", t.for_people(zone))
}

fn bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{n} bytes"),
        1_000_000..1_000_000_000 => format!("{}.{} MB", n / 1_000_000, n / 100_000 % 10),
        _ => format!("{}.{:02} GB", n / 1_000_000_000, n / 10_000_000 % 100),
    }
}

fn length(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    format!(
        "{} h {:02} min {:02}.{:03} s",
        s / 3600,
        s / 60 % 60,
        s % 60,
        ms.max(0) % 1000
    )
}

fn list(mut parts: Vec<String>, none: &str, most: usize) -> String {
    if parts.is_empty() {
        return none.to_owned();
    }
    let more = parts.len().saturating_sub(most);
    parts.truncate(most);
    if more > 0 {
        parts.push(format!("and {more} more, all in log/records.jsonl"));
    }
    parts.join("; ")
}

/// The continuity certificate.
pub fn certificate(f: &Facts<'_>) -> String {
    let r = f.request;
    let zone = &r.zone;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "CERTIFICATE OF CONTINUITY{:>1$}\n",
        r.exhibit.to_string(),
        WIDTH - 25
    );
    item(
        &mut out,
        "Exhibit",
        &format!(
            "{} (grant {}), made by {} on {} ({})",
            r.exhibit,
            plain(&r.grant, 40),
            plain(&r.operator, 20),
            f.made.for_people(zone),
            f.made
        ),
    );
    item(
        &mut out,
        "Camera, place",
        &format!("{} {}; {}", r.camera, called(f), plain(&r.site, 80)),
    );
    item(
        &mut out,
        "Asked for by",
        &format!(
            "{}, reference {}, for: {}",
            plain(&r.requester, 80),
            plain(&r.reference, 60),
            plain(&r.purpose, 200)
        ),
    );

    let _ = writeln!(
        out,
        "\nPERIOD         {:<30}  UTC",
        format!("local time ({})", plain(&r.zone_name, 30))
    );
    let times = |out: &mut String, label: &str, t: Utc| {
        let _ = writeln!(out, "{label:COLUMN$}{}", both(t, zone));
    };
    times(&mut out, "Asked from", r.t0);
    times(&mut out, "Asked to", r.t1);
    if let (Some(first), Some(last)) = (f.masters.first(), f.masters.last()) {
        times(&mut out, "Master from", first.line.t0);
        times(&mut out, "Master to", last.line.t1);
    }
    for w in f.working {
        times(&mut out, "Working from", w.t0);
        times(&mut out, "Working to", w.t1);
    }

    let codes = said_by_check(f);
    if let Some(short) = f.short {
        let check = match codes.as_slice() {
            [] => "declared on the log, so the check by program finds nothing damaged".to_owned(),
            codes => format!("the check by program says {}", codes.join(" and ")),
        };
        item(
            &mut out,
            "PARTIAL",
            &format!(
                "not all that was asked for is here: {}. That is why: {check}",
                plain(short, 300)
            ),
        );
    }
    out.push_str("\nFILES\n");
    let total = f
        .masters
        .iter()
        .fold(0u64, |sum, m| sum.saturating_add(m.line.size));
    let recorded = f.masters.iter().fold(0i64, |sum, m| {
        sum.saturating_add(m.line.t1.0.saturating_sub(m.line.t0.0))
    });
    item(
        &mut out,
        "Master",
        &format!(
            "{} original segment file(s) as the box recorded them, {}, {} of footage; their SHA-256 stand in SHA256SUMS and in the recorder's log",
            f.masters.len(),
            bytes(total),
            length(recorded)
        ),
    );
    for w in f.working {
        item(
            &mut out,
            "Working copy",
            &format!(
                "{}: {} frames, {}, {}; the masters' frames copied without re-encoding by Beadle {}, nothing hidden; SHA-256 {}",
                w.file,
                w.frames,
                w.codec,
                bytes(w.bytes),
                env!("CARGO_PKG_VERSION"),
                w.sha256
            ),
        );
    }
    for why in f.working_short {
        item(&mut out, "Not in a copy", why);
    }
    item(
        &mut out,
        "Seal",
        &format!(
            "SHA256SUMS lists every file; SHA256SUMS.sig signs it with the P-256 key whose SHA-256 is {}. The SHA-256 of SHA256SUMS itself is on the label and in the hub's log (exp.done)",
            f.seal_key
        ),
    );

    out.push_str("\nVERDICT\n");
    let verdict = match codes.as_slice() {
        [] => "INTACT when made.".to_owned(),
        codes => format!(
            "NOT-INTACT ({}) because not all that was asked for is here (see PARTIAL), and for no other reason. What is here was intact when made.",
            codes.join(", ")
        ),
    };
    wrap_at(
        &mut out,
        &format!(
            "{verdict} The hub compared each master with the hash in the recorder's log, and proved each of the {} log lines relied on to lie in the log {} under its head of {} lines, countersigned on {} ({}). The hub states that at this time it had seen this log grow only by addition since it first met it, and that this was its longest form. It does not state that the camera saw truly.",
            f.lines.len(),
            f.log,
            f.size,
            f.countersigned.for_people(zone),
            f.countersigned
        ),
    );
    if let Some((later, n)) = f.later {
        wrap_at(&mut out, &ended(f.log, later, n));
    }

    out.push_str("\nIN THIS PERIOD\n");
    item(&mut out, "Gaps", &gaps(f));
    item(&mut out, "Faults", &faults(f));
    item(&mut out, "Privacy masks", &masks(f));
    item(&mut out, "Rate", &rates(f));
    item(&mut out, "Time", &time_statement(f));
    item(
        &mut out,
        "Handled since",
        "nobody; the hub keeps a register of every viewing, copy and hand-over under the exhibit's number",
    );

    out.push_str("\nWHAT THIS DOES NOT SHOW\n");
    wrap_at(
        &mut out,
        "That the scene was as it seems; who is in it; what happened outside the picture, under a mask or in a gap; what came along the cable from the camera to the recorder, unless the camera signs its pictures; anything before the lens.",
    );

    out.push_str("\nHOW TO CHECK (READ-ME-FIRST.txt says more)\n");
    let _ = writeln!(
        out,
        "  sha256sum -c SHA256SUMS      and      python3 verify/verify.py bundle . --hub KEY"
    );
    let _ = writeln!(
        out,
        "  KEY, to be compared with the page the council publishes:\n  {}",
        f.hub_key
    );

    out.push_str("\nDECLARATION (Criminal Justice Act 1967, s.9)\n");
    wrap_at(
        &mut out,
        &format!(
            "This statement (consisting of ___ page(s), each signed by me) is true to the best of my knowledge and belief and I make it knowing that, if it is tendered in evidence, I shall be liable to prosecution if I have wilfully stated in it anything which I know to be false, or do not believe to be true. I produce {} as described above.",
            r.exhibit
        ),
    );
    out.push_str(
        "\nName ______________________________  Position ______________________________________\n",
    );
    out.push_str(
        "Signed ____________________________  Dated _________________________________________\n",
    );
    out
}

fn wrap_at(out: &mut String, text: &str) {
    out.push_str("  ");
    wrap(out, 2, text);
}

fn of<'a, D: shared::types::Data + serde::de::DeserializeOwned + 'a>(
    f: &Facts<'a>,
) -> impl Iterator<Item = (&'a LogLine, D)> + 'a {
    f.lines
        .iter()
        .filter_map(|k| Some((*k, k.data::<D>()?)))
        .collect::<Vec<_>>()
        .into_iter()
}

/// What the camera was called, and where it stood, when each of the masters was recorded.
fn called(f: &Facts<'_>) -> String {
    let names: Vec<(u64, CamSet)> = of::<CamSet>(f).map(|(k, name)| (k.n(), name)).collect();
    let mut runs: Vec<(Option<&CamSet>, Utc)> = Vec::new();
    for m in f.masters {
        let name = names.iter().rfind(|(n, _)| *n < m.n).map(|(_, name)| name);
        let same = |before: &CamSet| {
            name.is_some_and(|now| (&now.title, &now.site) == (&before.title, &before.site))
        };
        if runs
            .last()
            .is_none_or(|(last, _)| !last.map_or(name.is_none(), same))
        {
            runs.push((name, m.line.t0));
        }
    }
    let words = |name: Option<&CamSet>| match name {
        Some(name) => format!("\"{}\", {}", plain(&name.title, 80), plain(&name.site, 80)),
        None if f.request.title.is_empty() => {
            "of which the log does not say what it was called".to_owned()
        }
        None => format!(
            "called \"{}\" when this package was made (the log does not say what it was called when it recorded)",
            plain(&f.request.title, 80)
        ),
    };
    match runs.as_slice() {
        [] => words(None),
        [(name, _)] => words(*name),
        [(first, _), rest @ ..] => rest.iter().fold(words(*first), |text, (name, from)| {
            format!(
                "{text}, until {}, then {}",
                from.for_people(&f.request.zone),
                words(*name)
            )
        }),
    }
}

/// What the check by program finds of this very package, as its rules are: the time asked for is neither here nor in declared gaps at an
/// end, or numbers between the first and the last segment are missing.
fn said_by_check(f: &Facts<'_>) -> Vec<&'static str> {
    let mut codes = Vec::new();
    let (Some(first), Some(last)) = (f.masters.first(), f.masters.last()) else {
        return codes;
    };
    let gaps: Vec<Span> = of::<SegGap>(f)
        .map(|(_, g)| Span { t0: g.t0, t1: g.t1 })
        .collect();
    if !covered(f.request.t0, first.line.t0, &gaps) || !covered(last.line.t1, f.request.t1, &gaps) {
        codes.push(super::package::SHORT);
    }
    if f.masters
        .windows(2)
        .any(|w| w[1].line.s != w[0].line.s.saturating_add(1))
    {
        codes.push(super::package::HOLE);
    }
    codes
}

fn gaps(f: &Facts<'_>) -> String {
    let zone = &f.request.zone;
    let mut parts: Vec<String> = of::<SegGap>(f)
        .map(|(_, g)| {
            format!(
                "from {} for {} ({}, {} packets lost)",
                g.t0.for_people(zone),
                length(g.t1.0 - g.t0.0),
                plain(&g.why, 40),
                g.packets
            )
        })
        .collect();
    parts.extend(of::<SegLost>(f).map(|(_, l)| {
        format!(
            "segment {} found missing or damaged: {}",
            l.s,
            plain(&l.why, 60)
        )
    }));
    let (lost, shed) = missing(f);
    let mut inside = String::new();
    if lost > 0 {
        let _ = write!(
            inside,
            "; {lost} network packets were lost inside recorded segments"
        );
    }
    if shed > 0 {
        let _ = write!(
            inside,
            "; {shed} pictures inside recorded segments were left out by the recorder"
        );
    }
    list(parts, "none on record longer than half a second", 6) + &inside
}

/// Packets lost, and pictures left out, inside the masters.
fn missing(f: &Facts<'_>) -> (u64, u64) {
    let lines = || f.masters.iter().map(|m| &m.line);
    (
        lines().fold(0, |sum: u64, l| sum.saturating_add(l.lost)),
        lines().fold(0, |sum: u64, l| sum.saturating_add(l.shed)),
    )
}

fn faults(f: &Facts<'_>) -> String {
    let zone = &f.request.zone;
    let mut parts: Vec<(Utc, String)> = Vec::new();
    for (k, d) in of::<FaultOn>(f) {
        parts.push((
            k.record.t,
            format!(
                "{} raised {}",
                plain(&d.code, 40),
                k.record.t.for_people(zone)
            ),
        ));
    }
    for (k, d) in of::<FaultOff>(f) {
        parts.push((
            k.record.t,
            format!(
                "{} over {}",
                plain(&d.code, 40),
                k.record.t.for_people(zone)
            ),
        ));
    }
    for (k, d) in of::<SysBoot>(f) {
        parts.push((
            k.record.t,
            format!(
                "recorder started ({}) {}",
                plain(&d.why, 20),
                k.record.t.for_people(zone)
            ),
        ));
    }
    parts.sort();
    list(
        parts.into_iter().map(|(_, text)| text).collect(),
        "none on record for this camera or its recorder",
        6,
    )
}

/// How many pictures there are, in plain words: whoever sees a time-lapse must know it for one.
fn rates(f: &Facts<'_>) -> String {
    let zone = &f.request.zone;
    let mut runs: Vec<(Option<&str>, Utc, Utc)> = Vec::new();
    for m in f.masters {
        let rate = m.line.rate.as_deref();
        match runs.last_mut() {
            Some((r, _, t1)) if *r == rate => *t1 = m.line.t1,
            _ => runs.push((rate, m.line.t0, m.line.t1)),
        }
    }
    // Said only where it is so.
    let every = match missing(f) {
        (0, 0) => "every picture the camera sent",
        (0, _) => {
            "the camera's own rate, but for pictures that this recorder left out because it could not keep up or could not prove their mask"
        }
        (_, 0) => "the camera's own rate, but for pictures lost on the way from the camera",
        _ => {
            "the camera's own rate, but for pictures lost on the way from the camera and pictures that this recorder left out because it could not keep up or could not prove their mask"
        }
    };
    let words = |rate: Option<&str>| match rate.map(|r| (r, r.strip_prefix("timelapse-"))) {
        Some((_, Some(secs))) => format!(
            "TIME-LAPSE, one picture about every {} s and nothing of what happened between them",
            plain(secs, 4)
        ),
        None | Some(("realtime", _)) => every.to_owned(),
        Some((other, _)) => plain(other, 40),
    };
    let mut parts: Vec<String> = match runs.as_slice() {
        [] => Vec::new(),
        [(rate, ..)] => vec![words(*rate)],
        _ => runs
            .iter()
            .map(|(rate, t0, t1)| {
                format!(
                    "from {} to {}: {}",
                    t0.for_people(zone),
                    t1.for_people(zone),
                    words(*rate)
                )
            })
            .collect(),
    };
    parts.extend(of::<RateSet>(f).map(|(k, d)| {
        let to = match d.rate.as_str() {
            "realtime" => "real time",
            _ => "time-lapse",
        };
        let why = match (d.why.as_str(), d.order) {
            ("order", Some(n)) => format!("by the hub's order {n}"),
            ("end", Some(n)) => format!("as the hub's order {n} was over"),
            ("event", _) => "by an event of the camera's".into(),
            ("end", None) => "as the event was over".into(),
            ("start", _) => "as the recorder started".into(),
            (why, _) => plain(why, 20),
        };
        format!("set to {to} {} {why}", k.record.t.for_people(zone))
    }));
    for m in f
        .masters
        .iter()
        .filter(|m| m.line.lost > 0 || m.line.shed > 0)
    {
        if let (Some(from), Some(to)) = (m.line.short_t0, m.line.short_t1) {
            parts.push(format!(
                "between {} and {}: {} packets lost, {} pictures left out",
                from.for_people(zone),
                to.for_people(zone),
                m.line.lost,
                m.line.shed
            ));
        }
    }
    list(parts, every, 10)
}

fn time_statement(f: &Facts<'_>) -> String {
    let zone = &f.request.zone;
    let mut out = match of::<ClockState>(f).last() {
        Some((_, c)) => {
            let trust = match c.trust.as_str() {
                "synced" => "synchronised",
                "holdover" => "running on without its source",
                _ => "not synchronised: times may be wrong",
            };
            format!(
                "times are the recorder's clock, {trust} (source {}, stratum {}, offset {} ms, uncertain by {} ms)",
                plain(&c.src, 40),
                c.stratum,
                c.offset_us / 1000,
                c.err_us.saturating_add(999) / 1000
            )
        }
        None => "times are the recorder's clock, whose state is not on record for this period"
            .to_owned(),
    };
    for (_, step) in of::<ClockStep>(f) {
        let _ = write!(
            out,
            "; the clock was stepped by {} ms ({})",
            step.delta_ms,
            plain(&step.src, 40)
        );
    }
    let arrival = |m: &&Master| m.line.stamps.as_deref() == Some("arrival");
    if let Some(m) = f.masters.iter().find(arrival) {
        let _ = write!(
            out,
            "; from {} on {} of the masters are dated by when their pictures reached the recorder, because the camera's own time stamps said nothing",
            m.line.t0.for_people(zone),
            f.masters.iter().filter(arrival).count()
        );
    }
    for m in f.masters {
        if let Some(off) = m.line.off_ms {
            let _ = write!(
                out,
                "; times inside the segment that begins {} may be wrong by up to {off} ms",
                m.line.t0.for_people(zone)
            );
        }
    }
    // By the footage itself where it says so, else by the session it came from.
    let offset = f.masters.iter().rev().find_map(|m| m.line.offset_ms);
    let session = || of::<CamSession>(f).last().and_then(|(_, c)| c.offset_ms);
    if let Some(offset) = offset.or_else(session) {
        let _ = write!(out, "; the camera's own clock differed by {offset} ms");
    }
    // The bracket: what the hub's clock says, whatever the box's said.
    let first = f.masters.first().map_or(u64::MAX, |m| m.n);
    let acks: Vec<(u64, HeadAck)> = of::<HeadAck>(f).map(|(k, a)| (k.n(), a)).collect();
    let hub =
        |time: u64| Utc(i64::try_from(time).unwrap_or(0).saturating_mul(1000)).for_people(zone);
    let before = acks
        .iter()
        .rev()
        .find(|(n, _)| *n < first)
        .map(|(_, a)| hub(a.time));
    let after = acks
        .iter()
        .find(|(n, _)| *n > first)
        .map_or_else(|| f.countersigned.for_people(zone), |(_, a)| hub(a.time));
    match before {
        Some(before) => {
            let _ = write!(
                out,
                ". By the hub's own clock these lines were written after {before} and before {after}"
            );
        }
        None => {
            let _ = write!(
                out,
                ". By the hub's own clock these lines were written before {after}"
            );
        }
    }
    out
}

/// The page somebody reads who has never seen such a package.
pub fn read_me(f: &Facts<'_>) -> String {
    let r = f.request;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "READ ME FIRST{:>1$}\n",
        r.exhibit.to_string(),
        WIDTH - 13
    );
    let mut say = |text: &str| {
        wrap(&mut out, 0, text);
        out.push('\n');
    };
    say(&format!(
        "This is an evidence package: CCTV footage of camera {} ({}), asked for from {} to {}, with everything needed to check that it is what the recorder recorded.",
        r.camera,
        called(f),
        r.t0.for_people(&r.zone),
        r.t1.for_people(&r.zone)
    ));
    if let Some(short) = f.short {
        say(&format!(
            "NOT ALL THAT WAS ASKED FOR IS HERE: {}.",
            plain(short, 300)
        ));
    }
    say(
        "TO WATCH: open the file in the folder working with any player. It is a copy to handle and hand on.",
    );
    say(
        "THE EXHIBIT is the folder master: the recorder's own files, unaltered. They play too. Do not rename, convert or trim them; copy the whole package.",
    );
    say(
        "CERTIFICATE.txt says in plain words what, where, when, by whom, what is missing, and what this cannot show.",
    );
    say("THREE WAYS TO CHECK. The first needs nothing special, the third checks everything.");
    let _ = writeln!(out, "1  Nothing changed since it was sealed");
    let _ = writeln!(
        out,
        "     Linux, Mac:  sha256sum -c SHA256SUMS          (Mac: shasum -a 256 -c SHA256SUMS)"
    );
    let _ = writeln!(
        out,
        "     Windows:     Get-FileHash FILE                compare with the line in SHA256SUMS"
    );
    let _ = writeln!(
        out,
        "     Then compare the SHA-256 of the file SHA256SUMS with the label that came with this package.\n"
    );
    let _ = writeln!(out, "2  It was sealed by the hub");
    let _ = writeln!(
        out,
        "     openssl dgst -sha256 -verify keys/seal.pem -signature SHA256SUMS.sig SHA256SUMS\n"
    );
    let _ = writeln!(
        out,
        "3  The footage is what the recorder logged when it was recorded, and the log was not rewritten"
    );
    let _ = writeln!(out, "     python3 verify/verify.py bundle . --hub KEY");
    let _ = writeln!(
        out,
        "     KEY is the hub's countersigning key. Take it from the page the council publishes or from the"
    );
    let _ = writeln!(
        out,
        "     printed certificate, not from this folder. The answer begins with INTACT or NOT-INTACT."
    );
    let _ = writeln!(
        out,
        "     verify/SPEC.txt explains every step, so that somebody else can write the same check.\n"
    );
    wrap(
        &mut out,
        0,
        "WHAT IT CANNOT SHOW: that the scene was as it seems, who is in it, or what happened outside the picture, under a privacy mask or in a gap named in the certificate.",
    );
    out
}

#[cfg(test)]
mod tests;
