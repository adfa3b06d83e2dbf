//! Pure. English for the form that is signed before a copy is handed over, and for the receipt (EVI-4, EVI-5, EVI-9).

use shared::plain::plain;

use crate::{
    model::register::CopyRow,
    papers::handover::Handover,
    words::{
        en::certificate::bytes,
        paper::{Paper, Sort},
    },
};

fn erased(text: &Option<String>, most: usize) -> String {
    let erased = || "no longer on record".to_owned();
    text.as_deref().map_or_else(erased, |t| plain(t, most))
}

fn kind(word: &str) -> &str {
    match word {
        "master" => "the master",
        "working" => "a working copy",
        other => other,
    }
}

fn copy(c: &CopyRow) -> String {
    let form = match c.form.as_str() {
        "zip" => "one ZIP file",
        "folder" => "a folder",
        other => other,
    };
    let seal = match c.seal.as_str() {
        "passphrase" => "encrypted with a passphrase, which is sent by another way",
        "recipient" => "encrypted to the receiver's key",
        "none" => "not encrypted",
        other => other,
    };
    let medium = c
        .medium
        .as_deref()
        .map_or_else(String::new, |m| format!(", on {}", plain(m, 60)));
    format!(
        "copy {}, {} of {}, {seal}{medium}; SHA-256 {}",
        c.copy,
        form,
        bytes(c.bytes),
        c.sha256
    )
}

/// What it is, on both papers.
fn what(paper: &mut Paper, h: &Handover) {
    paper.heading("WHAT IT IS");
    let mark = h
        .mark
        .as_deref()
        .map_or_else(String::new, |m| format!(", reference {}", plain(m, 40)));
    paper.item("Exhibit", [format!("{}{mark}", h.exhibit)]);
    let called = match h.title.is_empty() {
        true => h.camera.to_string(),
        false => format!("{} \"{}\"", h.camera, plain(&h.title, 60)),
    };
    paper.item(
        "Footage",
        [format!(
            "CCTV footage of camera {called}, asked for from {} to {}",
            h.t0.for_people(&h.zone),
            h.t1.for_people(&h.zone)
        )],
    );
    paper.item(
        "Package",
        [format!("SHA-256 of its SHA256SUMS: {}", h.sums)],
    );
    paper.item(
        "Asked for",
        [format!(
            "{}, reference {}",
            erased(&h.purpose, 200),
            erased(&h.reference, 60)
        )],
    );
    match &h.copy {
        Some(c) => paper.item("Copy", [copy(c)]),
        None => {
            paper.choice(
                "Copy",
                &["master", "working copy", "encrypted", "not encrypted"],
            );
            paper.fields(&["On (stick, disc, upload)", "Seal no."]);
        }
    }
}

/// Whom it goes to, as far as that is on record.
fn whom(paper: &mut Paper, h: &Handover) {
    paper.heading("TO WHOM");
    match &h.hand {
        Some(hand) => {
            paper.item(
                "To",
                [format!(
                    "{}, {}",
                    erased(&hand.to, 80),
                    erased(&hand.agency, 80)
                )],
            );
            paper.item(
                "On",
                [format!(
                    "{}, as {} (line {} of the hub's log)",
                    hand.at.for_people(&h.zone),
                    kind(&hand.kind),
                    hand.line
                )],
            );
            let how = match hand.factor.as_str() {
                "passkey" => "a passkey",
                _ => "a code",
            };
            let by = format!("{}, who signed with {how}", erased(&hand.signed, 80));
            paper.item("Handed by", [by]);
        }
        None => {
            paper.fields(&["Name", "Rank or role, and number"]);
            paper.fields(&["Of (force, body, firm)", "Identity seen"]);
            paper.fields(&["Date and time", "Handed over by"]);
        }
    }
}

/// To be signed before anything is handed over.
pub fn form(h: &Handover) -> Paper {
    let paper = Paper::new("RELEASE OF CCTV FOOTAGE", h.exhibit.as_str());
    let mut paper = paper.of(Sort::Page, &h.scheme, h.zone.day_of(h.made));
    paper.text(
        0,
        &format!(
            "To be signed before the footage is handed over by the CCTV scheme {}.",
            plain(&h.scheme, 60)
        ),
    );
    what(&mut paper, h);
    whom(&mut paper, h);
    paper.heading("ON WHAT TERMS");
    for (at, term) in [
        "From my signature on the footage is in my hands: I keep the record of who has it, and answer for its security.",
        "I use it for the purpose it was asked for and for no other, and not for entertainment or gain.",
        "I make no more copies than that purpose needs, and record each. A master I neither open for writing nor copy from while a working copy serves.",
        "I publish nothing of it, and give nothing of it to media, without a release document of the scheme that says what for and within what limits.",
        "When it is no longer needed I return it or destroy it, and tell the scheme which and when. A copy that comes back is never a master again.",
    ]
    .into_iter()
    .enumerate()
    {
        paper.text(0, &format!("{}. {term}", at + 1));
    }
    if let Some(m) = &h.media {
        paper.heading("MEDIA RELEASE");
        paper.item("By document", [erased(&m.document, 120)]);
        paper.item("To be used", [erased(&m.uses, 300)]);
        paper.item("Within", [erased(&m.limits, 300)]);
    }
    paper.heading("SIGNED");
    paper.fields(&["Receiver", "Date"]);
    paper.fields(&["For the scheme", "Date"]);
    paper
}

/// That it was received.
pub fn receipt(h: &Handover) -> Paper {
    let paper = Paper::new("RECEIPT FOR CCTV FOOTAGE", h.exhibit.as_str());
    let mut paper = paper.of(Sort::Page, &h.scheme, h.zone.day_of(h.made));
    paper.text(
        0,
        &format!(
            "I received from the CCTV scheme {} what is named below.",
            plain(&h.scheme, 60)
        ),
    );
    what(&mut paper, h);
    whom(&mut paper, h);
    paper.heading("AS IT WAS RECEIVED");
    paper.choice(
        "The SHA-256 on its label was compared with the package",
        &["it agrees", "it does not", "not compared"],
    );
    paper.choice(
        "The seal or bag was",
        &["unbroken", "broken", "there was none"],
    );
    paper.blank("Remarks", 2);
    paper.heading("SIGNED");
    match h.hand.as_ref().and_then(|hand| hand.receipt.as_ref()) {
        Some(r) => paper.item(
            "On record",
            [format!(
                "received by {}; entered {}",
                erased(&r.from, 80),
                r.at.for_people(&h.zone)
            )],
        ),
        None => paper.text(
            0,
            "The hub's log has no receipt for it yet: it is entered when this paper comes back.",
        ),
    }
    paper.fields(&["Receiver", "Date and time"]);
    paper.fields(&["For the scheme", "Date and time"]);
    paper
}
