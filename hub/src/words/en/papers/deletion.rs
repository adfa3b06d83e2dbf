//! Pure. English for the certificate that an exhibit was disposed of (RET-5).

use shared::{
    plain::plain,
    time::{Utc, Zone},
};

use crate::{
    model::evidence::{Disposal, gb},
    words::{
        en::claims::claim_in_words,
        paper::{Paper, Sort},
    },
};

pub fn of(d: &Disposal) -> Paper {
    let zone = Zone::parse(&d.zone).unwrap_or_else(|_| Zone::utc());
    let at = |t: Utc| format!("{} ({t})", t.for_people(&zone));
    let paper = Paper::new("CERTIFICATE OF DISPOSAL OF EVIDENCE", &d.exhibit);
    let mut paper = paper.of(Sort::Page, &d.scheme, zone.day_of(d.ended));
    let who = match d.who.as_slice() {
        [asked, approved] => format!("asked for by {asked}, approved by {approved}"),
        other => other.join(", "),
    };
    let period = match d.early {
        true => "before the end of its period, by two people",
        false => "after the end of its period",
    };
    let tried = match d.undecryptable {
        Some(true) => {
            "every key left at the hub was tried on the header of one of its sealed files: none opens it"
        }
        _ => "there was no sealed file of it to try the keys that are left on",
    };
    paper.item("Scheme", [plain(&d.scheme, 60)]);
    paper.item("Exhibit", [d.exhibit.clone()]);
    paper.item("Camera", [d.camera.clone()]);
    paper.item("Footage", [format!("from {} to {}", at(d.t0), at(d.t1))]);
    paper.item("Pulled", [at(d.made)]);
    paper.item("Class", [d.class_text.clone()]);
    paper.item("Kept until", [format!("the end of {}", d.until)]);
    paper.heading("WHAT WAS DONE");
    paper.item("Disposed of", [period]);
    paper.item("By", [who]);
    paper.item(
        "Reason",
        [d.reason
            .as_deref()
            .map_or_else(|| "(erased)".to_owned(), |r| plain(r, 300))],
    );
    paper.item("Begun", [at(d.begun)]);
    paper.item("Complete", [at(d.ended)]);
    paper.item(
        "Destroyed",
        ["the exhibit's own key, which opened all that was sealed for it"],
    );
    paper.item(
        "Removed",
        [format!(
            "{} files, {} ({} bytes)",
            d.files,
            gb(d.bytes),
            d.bytes
        )],
    );
    paper.item(
        "Erased",
        [format!(
            "{} texts (purpose, reference, requester, and those of its register); the log keeps their salted hashes",
            d.texts
        )],
    );
    paper.heading("HOW IT WAS CHECKED");
    paper.item(
        "Looked for",
        ["all folders of state and evidence: nothing that bears its name is left"],
    );
    paper.item("Tried", [tried]);
    paper.item(
        "Claim",
        [format!("{}: {}", d.claim, claim_in_words(&d.claim))],
    );
    paper.item(
        "On record",
        [format!("{} lines {} and {}", d.log, d.begun_line, d.line)],
    );
    paper.heading("WHAT THIS DOES NOT COVER");
    paper.text(0, "Copies that were saved or handed over before (each is on the record as copy.save in the hub's log), backups of this machine made by others, and the recording at the box, which has its own rule and its own certificates.");
    paper.heading("HOW TO CHECK");
    paper.text(0, "The lines named are in the hub's log, which is countersigned. To write it out, and to check it (or with docs/verify/verify.py):");
    paper.line("  beadle-hub log export --log hub DIR");
    paper.line("  beadle-hub verify DIR");
    paper.fields(&["For the scheme", "Date"]);
    paper
}
