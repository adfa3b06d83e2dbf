//! Pure. English for the certificate of a package. Free text that people typed (title, purpose, names) is cut to one line of printable
//! characters first: nobody writes a heading of the certificate by asking for a clip.

use shared::{plain::plain, time::Utc};

use crate::{
    papers::certificate::{
        Certificate, Facts, HOLE, LaterLog, Recorder, SHORT, check::Check, masks::Imposition,
        people::Person,
    },
    words::paper::{Paper, Sort},
};
use period::{clock, events, gaps, masks, rates};

pub mod period;

/// Sentences of one kind, gaps or faults, at most; how many more there are is said, and where.
const MOST: usize = 60;

pub fn of(f: &Facts<'_>, c: &Certificate) -> Paper {
    let (r, zone) = (f.request, &f.request.zone);
    let paper = Paper::new("CERTIFICATE OF CONTINUITY", r.exhibit.as_str());
    let mut paper = paper.of(Sort::Page, &r.scheme, zone.day_of(f.made));
    paper.line("");
    if let Some(short) = f.short {
        let here = format!("not all that was asked for is here: {}", plain(short, 300));
        paper.item("PARTIAL", [here]);
    }
    let made = format!(
        "{} (grant {}), made by the hub on {} ({})",
        r.exhibit,
        plain(&r.grant, 40),
        f.made.for_people(zone),
        f.made
    );
    paper.item("Exhibit", [made]);
    let place = format!("{} {}", r.camera, called(f, c));
    paper.item("Camera, place", [place].into_iter().chain(devices(c)));
    let name = format!("box {} of {}", r.camera.r#box, plain(&r.scheme, 60));
    paper.item("Recorder", [recorder(&name, &c.recorder)]);
    paper.item("Asked for", asked(f));

    paper.heading("PERIOD");
    let local = format!("local time ({})", plain(&r.zone_name, 30));
    let mut times = vec![("Asked from", r.t0), ("Asked to", r.t1)];
    if let (Some(first), Some(last)) = (f.masters.first(), f.masters.last()) {
        times.push(("Master from", first.line.t0));
        times.push(("Master to", last.line.t1));
    }
    let row = |(label, t): (&str, Utc)| vec![label.to_owned(), t.for_people(zone), t.to_string()];
    let mut rows: Vec<Vec<String>> = times.into_iter().map(row).collect();
    for (at, w) in f.working.iter().enumerate() {
        let which = match f.working.len() {
            1 => String::new(),
            _ => format!(" {}", at + 1),
        };
        rows.push(row((&format!("Working{which} from"), w.t0)));
        rows.push(row((&format!("Working{which} to"), w.t1)));
    }
    paper.table(&["Time", &local, "UTC"], rows);

    paper.heading("FILES");
    files(&mut paper, f, c);

    paper.heading("WHAT THE CHECK BY PROGRAM SAYS");
    for text in verdict(f) {
        paper.text(2, &text);
    }
    paper.heading("IT COVERS, AND DOES NOT COVER");
    paper.item("It covers", covers(f));
    paper.item("It does not", covers_not(f, c));

    paper.heading("IN THIS PERIOD, BY THE RECORDER'S LOG");
    paper.item("Gaps", gaps(&c.continuity, zone));
    paper.item("Faults", events(&c.events, zone));
    paper.item("Privacy masks", masks(&c.masks, zone));
    paper.item("Rate", rates(&c.runs, &c.changes, &c.continuity, zone));
    paper.item("Time", clock(&c.clock, zone));
    let handling = "this paper was made with the package and says nothing of what was done with it since: the hub's log has every viewing, copy and hand-over under the exhibit's number";
    paper.item("Handling", [handling]);

    paper.heading("WHAT NO CHECK CAN SHOW");
    paper.text(2, "That the scene was as it seems; who is in it; what happened outside the picture, under a mask or in a gap; what came along the cable from the camera to the recorder, unless the camera signs its pictures; anything before the lens.");

    paper.heading("HOW TO CHECK (READ-ME-FIRST.txt says more)");
    paper.line("  sha256sum -c SHA256SUMS      and      python3 verify.py bundle . --hub KEY");
    paper.line("  KEY, to be compared with the page the council publishes:");
    paper.line(&format!("  {}", f.hub_key));

    paper.heading("DECLARATION (Criminal Justice Act 1967, s.9)");
    paper.text(
        2,
        &format!(
            "This statement (consisting of ___ page(s), each signed by me) is true to the best of my knowledge and belief and I make it knowing that, if it is tendered in evidence, I shall be liable to prosecution if I have wilfully stated in it anything which I know to be false, or do not believe to be true. I produce {} as described above.",
            r.exhibit
        ),
    );
    paper.fields(&["Name", "Position"]);
    paper.fields(&["Signed", "Dated"]);
    paper
}

/// `1 packet`, `2 packets`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

pub fn bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{n} bytes"),
        1_000_000..1_000_000_000 => format!("{}.{} MB", n / 1_000_000, n / 100_000 % 10),
        _ => format!("{}.{:02} GB", n / 1_000_000_000, n / 10_000_000 % 100),
    }
}

/// A length of time: `4.750 s`, `2 min 05.000 s`, `1 h 00 min 00.000 s`.
pub fn length(ms: i64) -> String {
    let (s, rest) = (ms.max(0) / 1000, ms.max(0) % 1000);
    match s {
        0..60 => format!("{s}.{rest:03} s"),
        60..3600 => format!("{} min {:02}.{rest:03} s", s / 60, s % 60),
        _ => format!(
            "{} h {:02} min {:02}.{rest:03} s",
            s / 3600,
            s / 60 % 60,
            s % 60
        ),
    }
}

fn cut(mut all: Vec<String>, none: &str) -> Vec<String> {
    if all.is_empty() {
        return vec![none.to_owned()];
    }
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    if more > 0 {
        all.push(format!("and {more} more, all in log/records.jsonl"));
    }
    all
}

pub fn person(p: &Person) -> String {
    let role = |r: &String| {
        let (role, scope) = match (r.split_once('@'), r.split_once('/')) {
            (Some((role, owner)), _) => (role, format!(" for {}", plain(owner, 40))),
            (None, Some((role, _))) => (role, " for single cameras".to_owned()),
            (None, None) => (r.as_str(), String::new()),
        };
        plain(role, 30) + &scope
    };
    let roles: Vec<String> = p.roles.iter().map(role).collect();
    let name = match &p.name {
        Some(name) => plain(name, 80),
        None => "somebody whose name the hub does not hold".to_owned(),
    };
    match roles.is_empty() {
        true => format!("{name} ({})", plain(&p.op, 20)),
        false => format!("{name} ({}; {})", roles.join(", "), plain(&p.op, 20)),
    }
}

pub fn asked(f: &Facts<'_>) -> Vec<String> {
    let p = &f.request.people;
    let mut all = vec![
        format!(
            "by {}, reference {}, for: {}",
            plain(&p.requester, 80),
            plain(&p.reference, 60),
            plain(&p.purpose, 200)
        ),
        format!("asked of the hub by {}", person(&p.submitted)),
    ];
    all.push(match &p.authorised {
        Some(by) => format!("authorised by {}", person(by)),
        None => "nobody else had to authorise it".to_owned(),
    });
    all
}

/// What the camera was called, and where it stood.
pub fn called(f: &Facts<'_>, c: &Certificate) -> String {
    let words = |name: Option<&(String, String)>| match name {
        Some((title, site)) => format!("\"{}\", {}", plain(title, 80), plain(site, 80)),
        None if f.request.title.is_empty() => {
            "of which the log does not say what it was called".to_owned()
        }
        None => format!(
            "called \"{}\" when this package was made (the log does not say what it was called when it recorded)",
            plain(&f.request.title, 80)
        ),
    };
    let Some((first, rest)) = c.names.split_first() else {
        return words(None);
    };
    rest.iter().fold(words(first.name.as_ref()), |text, next| {
        let from = next.from.for_people(&f.request.zone);
        format!("{text}, until {from}, then {}", words(next.name.as_ref()))
    })
}

fn devices(c: &Certificate) -> Vec<String> {
    let one = |d: &crate::papers::certificate::Device| {
        let serial = d.serial.as_ref().map_or_else(
            || "which gave no serial number".to_owned(),
            |s| format!("serial number {}", plain(s, 40)),
        );
        format!(
            "a camera that sent {} of {} × {}, {serial}",
            plain(&d.codec, 20),
            d.width,
            d.height
        )
    };
    c.devices.iter().map(one).collect()
}

fn recorder(name: &str, r: &Recorder) -> String {
    let mut text = name.to_owned();
    if let Some(site) = r.site.as_ref().filter(|s| !s.is_empty()) {
        text += &format!(", whose log began at \"{}\"", plain(site, 80));
    }
    let software: Vec<String> = r.software.iter().map(|s| plain(s, 30)).collect();
    match software.as_slice() {
        [] => text + "; the lines here do not say which software it ran",
        all => format!("{text}; Beadle {}", all.join(", then ")),
    }
}

fn files(paper: &mut Paper, f: &Facts<'_>, c: &Certificate) {
    let masters = format!(
        "{} as the recorder recorded {}, {}, {} of footage; their SHA-256 stand in SHA256SUMS and in the recorder's log",
        count(
            f.masters.len() as u64,
            "original segment file",
            "original segment files"
        ),
        if f.masters.len() == 1 { "it" } else { "them" },
        bytes(c.bytes),
        length(c.recorded_ms)
    );
    paper.item("Master", [masters]);
    let working = f.working.iter().map(|w| {
        format!(
            "{}: {}, {}, {}; the pictures of the masters, copied and not encoded anew, by Beadle {}; SHA-256 {}",
            w.file,
            count(w.frames, "frame", "frames"),
            w.codec,
            bytes(w.bytes),
            env!("CARGO_PKG_VERSION"),
            w.sha256
        )
    });
    paper.item("Working copy", working);
    paper.item("Not in a copy", f.working_short.iter().cloned());
    let seal = format!(
        "SHA256SUMS lists every file; SHA256SUMS.sig signs it with the P-256 key whose SHA-256 is {}. The SHA-256 of SHA256SUMS itself is on the label and in the hub's log (exp.done)",
        f.seal_key
    );
    paper.item("Seal", [seal]);
}

fn codes(all: &std::collections::BTreeMap<&'static str, u64>) -> String {
    let times = |n: &u64| match n {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    };
    let each = all.iter().map(|(code, n)| format!("{code} {}", times(n)));
    each.collect::<Vec<_>>().join(", ")
}

fn verdict(f: &Facts<'_>) -> Vec<String> {
    let Check {
        verdict,
        damage,
        notes,
    } = f.check;
    let mut all = vec![format!(
        "{verdict}, of this package when it was made, by the rules of verify/verify.py and with the hub's key that stands below."
    )];
    if !damage.is_empty() {
        let why = match damage.keys().all(|code| *code == SHORT || *code == HOLE) {
            true => {
                ": not all that was asked for is here (see PARTIAL), and for no other reason. What is here was intact"
            }
            false => "",
        };
        all.push(format!("It finds {}{why}.", codes(damage)));
    }
    if !notes.is_empty() {
        all.push(format!(
            "It notes {}: notes are no damage, and verify/SPEC.txt says what each of them means.",
            codes(notes)
        ));
    }
    if let Some((later, n)) = f.later {
        all.push(ended(f.log, later, n));
    }
    all
}

/// Of footage whose log has ended.
fn ended(log: &str, later: &LaterLog, n: u64) -> String {
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

fn covers(f: &Facts<'_>) -> Vec<String> {
    vec![
        "that no file which SHA256SUMS lists has changed since the hub sealed the package"
            .to_owned(),
        "that each master is, to the last byte, what the recorder logged when it recorded it"
            .to_owned(),
        format!(
            "that {} of this package lie in the log {}, under its head of {}, which the hub countersigned on {} ({}): at that time it had seen this log grow only by addition since it first met it, and this was its longest form",
            count(f.lines.len() as u64, "log line", "log lines"),
            f.log,
            count(f.size, "line", "lines"),
            f.countersigned.for_people(&f.request.zone),
            f.countersigned
        ),
        match f.check.damage.is_empty() {
            true => "that what lies between two masters is declared by the log, down to half a second".to_owned(),
            false => "what lies between two masters: but for what it finds above, that is declared by the log, down to half a second".to_owned(),
        },
    ]
}

fn covers_not(f: &Facts<'_>, c: &Certificate) -> Vec<String> {
    let mut all = Vec::new();
    if !f.working.is_empty() {
        all.push("that the working copy shows the masters: its SHA-256 is sealed with the rest, and whoever doubts it compares its pictures with the masters' (verify/SPEC.txt says how)".to_owned());
    }
    all.push("that no line about faults, the clock or the camera was left out of this package: the hub chose them out of its copy of the log".to_owned());
    all.push("what whoever had full control of the recorder did to a line before the hub had countersigned it".to_owned());
    let outside = ["ANCHORED", "WITNESSED"]
        .iter()
        .any(|code| f.check.notes.contains_key(code));
    all.push(match outside {
        true => "that recorder and hub did not rewrite the log together before somebody outside the scheme had stamped or attested it: folder outside; the check says who, and when",
        false => "that recorder and hub did not rewrite the log together: nobody outside the scheme had stamped or attested these lines when this package was made",
    }.to_owned());
    let tested = |m: &Imposition| matches!(m, Imposition::Proved { .. });
    if c.masks.stretches.iter().any(|s| tested(&s.mask)) {
        all.push(
            "that the camera's own mask was there between two key pictures: only those were tested"
                .to_owned(),
        );
    }
    all
}
