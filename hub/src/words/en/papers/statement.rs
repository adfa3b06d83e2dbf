//! Pure. English for the witness statement of a package, in the form of an MG11: what the recorder's log and the hub's records say is filled
//! in, in the first person; what only a person can say is left to be written by hand.

use shared::plain::plain;

use crate::{
    papers::certificate::{Certificate, Facts},
    words::{
        en::certificate::{self, count, length, period},
        paper::{Paper, Sort},
    },
};

pub fn of(f: &Facts<'_>, c: &Certificate) -> Paper {
    let (r, zone) = (f.request, &f.request.zone);
    let paper = Paper::new("WITNESS STATEMENT", r.exhibit.as_str());
    let mut paper = paper.of(Sort::Signed, &r.scheme, zone.day_of(f.made));
    paper.foot = vec!["Signature".to_owned(), "Signature witnessed by".to_owned()];
    paper.text(
        0,
        "Criminal Procedure Rules, r. 16.2; Criminal Justice Act 1967, s. 9; Magistrates' Courts Act 1980, s. 5B. In the form of an MG11. \
         What is printed was filled in by the hub from its records and the recorder's log; whoever signs strikes out what they cannot say of their own knowledge.",
    );
    paper.fields(&["URN", "Statement of"]);
    paper.fields(&["Age if under 18 (else \"over 18\")", "Occupation"]);
    paper.text(
        0,
        "This statement (consisting of ____ page(s), each signed by me) is true to the best of my knowledge and belief and I make it knowing that, if it is tendered in evidence, I shall be liable to prosecution if I have wilfully stated in it anything which I know to be false, or do not believe to be true.",
    );
    paper.fields(&["Signature", "Date"]);

    paper.heading("WHO I AM, AND BY WHAT AUTHORITY I USE THE SYSTEM");
    paper.blank(
        "Employed by, as what, since when; authorised and trained to use this CCTV system by whom",
        2,
    );

    paper.heading("THE SYSTEM");
    let place = c.recorder.site.as_deref().filter(|s| !s.is_empty());
    let place = place.map_or_else(String::new, |site| {
        format!(", which stands at {}", plain(site, 80))
    });
    let software = match c.recorder.software.is_empty() {
        true => "whose version its log does not say in this package".to_owned(),
        false => {
            let all = c.recorder.software.iter().map(|s| plain(s, 30));
            format!("version {}", all.collect::<Vec<_>>().join(", then "))
        }
    };
    let camera = format!(
        "The scheme {} records its public-space cameras with Beadle, {software}. Camera {} is {}. It is recorded by the recorder {}{place}.",
        plain(&r.scheme, 60),
        r.camera,
        certificate::called(f, c),
        r.camera.r#box
    );
    paper.text(0, &camera);
    paper.text(
        0,
        "The recorder writes footage in pieces, each with its SHA-256 in a log whose lines are chained to each other. The hub countersigns that log, so that a line changed, taken out or put in after that is found.",
    );

    paper.heading("WHAT WAS ASKED FOR, AND BY WHOM");
    for (at, said) in certificate::asked(f).iter().enumerate() {
        let begins = match (at, said.starts_with("nobody")) {
            (0, _) => "The footage was asked for ",
            (_, false) => "It was ",
            (_, true) => "",
        };
        paper.text(0, &sentence(&format!("{begins}{said}")));
    }
    paper.text(
        0,
        &format!(
            "The time asked for is from {} to {}. The hub made the package on {}.",
            r.t0.for_people(zone),
            r.t1.for_people(zone),
            f.made.for_people(zone)
        ),
    );

    paper.heading("WHAT I PRODUCE");
    let masters = count(f.masters.len() as u64, "file", "files");
    let span = match (f.masters.first(), f.masters.last()) {
        (Some(first), Some(last)) => format!(
            ", from {} to {}, {} of footage in all",
            first.line.t0.for_people(zone),
            last.line.t1.for_people(zone),
            length(c.recorded_ms)
        ),
        _ => String::new(),
    };
    paper.text(
        0,
        &format!(
            "I produce as exhibit {} the folder master: {masters} as the recorder recorded them{span}. Their SHA-256 stand in SHA256SUMS of the package.",
            r.exhibit
        ),
    );
    for w in f.working {
        paper.text(
            0,
            &format!(
                "{} is a working copy, from {} to {}: the pictures of the masters, copied and not encoded anew; its SHA-256 is {}.",
                w.file,
                w.t0.for_people(zone),
                w.t1.for_people(zone),
                w.sha256
            ),
        );
    }
    if let Some(short) = f.short {
        let short = plain(short, 300);
        paper.text(0, &format!("Not all that was asked for is here: {short}."));
    }
    paper.fields(&[
        "My reference for it (initials and number)",
        "Seal or bag number",
    ]);

    paper.heading("WHAT ITS TIMES ARE WORTH");
    for said in period::clock(&c.clock, zone) {
        paper.text(0, &sentence(&said));
    }
    paper.blank(
        "I compared the time that the system showed with (source, date, both times, difference)",
        2,
    );

    paper.heading("WHAT IS MISSING, HIDDEN OR CHANGED");
    paper.item("Gaps", period::gaps(&c.continuity, zone));
    paper.item("Masks", period::masks(&c.masks, zone));
    paper.item(
        "Rate",
        period::rates(&c.runs, &c.changes, &c.continuity, zone),
    );

    paper.heading("WHETHER THE SYSTEM WORKED");
    paper.item("Its log says", period::events(&c.events, zone));
    paper.item(
        "The check",
        [format!(
            "a program checked this package when it was made, and says {}; the certificate says what that covers and what not",
            f.check.verdict
        )],
    );
    paper.choice(
        "So far as I know, the system was working properly when the footage was recorded and when it was copied:",
        &["yes", "no"],
    );
    paper.blank(
        "If not, in what respect; and whether it may affect the footage",
        2,
    );

    paper.heading("WHAT I DID WITH IT");
    paper.blank(
        "I retrieved, viewed, copied, sealed, stored or handed over (date, time, place, to whom)",
        5,
    );
    paper.heading("WHAT I SAW, OR WHOM I KNOW IN IT");
    paper.blank(
        "Only if I am asked to say; where, when and how I know them",
        4,
    );
    paper.fields(&["Signature", "Date"]);
    paper
}

/// As a sentence of its own.
fn sentence(said: &str) -> String {
    let mut letters = said.chars();
    let first = letters.next().map(char::to_uppercase);
    let text: String = first.into_iter().flatten().chain(letters).collect();
    match text.ends_with(['.', ':']) {
        true => text,
        false => text + ".",
    }
}
