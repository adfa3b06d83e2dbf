//! Pure. English for the continuity sheet: everything that happened to an exhibit, and empty rows for the hands it goes through from here.

use shared::plain::plain;

use crate::{
    model::exhibit_event::Hand,
    papers::{certificate::people::Person, sheet::Sheet},
    words::{
        en::{
            certificate::{self, count},
            register,
        },
        paper::{Paper, Sort},
    },
};

/// As the certificate names people; the hub does some things by itself.
fn by(hand: &Hand) -> String {
    match hand.op.as_str() {
        "sys:hub" => "the hub".to_owned(),
        _ => certificate::person(&Person {
            op: hand.op.clone(),
            name: hand.name.clone(),
            roles: hand.roles.clone(),
        }),
    }
}

pub fn of(s: &Sheet) -> Paper {
    let paper = Paper::new("CONTINUITY OF EXHIBIT", s.exhibit.as_str());
    let mut paper = paper.of(Sort::Wide, &s.scheme, s.zone.day_of(s.made));
    let mark = s.mark.as_deref();
    let mark = mark.map_or_else(String::new, |m| format!(", reference {}", plain(m, 40)));
    let called = match s.title.is_empty() {
        true => s.camera.to_string(),
        false => format!("{} \"{}\"", s.camera, plain(&s.title, 60)),
    };
    paper.item("Exhibit", [format!("{}{mark}", s.exhibit)]);
    paper.item(
        "Footage",
        [format!(
            "camera {called}, asked for from {} to {}",
            s.t0.for_people(&s.zone),
            s.t1.for_people(&s.zone)
        )],
    );
    let sums = s.sums.as_ref();
    paper.item(
        "Package",
        [sums.map_or_else(
            || "is not at the hub".to_owned(),
            |sums| format!("SHA-256 of its SHA256SUMS: {sums}"),
        )],
    );
    paper.item(
        "As of",
        [format!(
            "{}, from all {} of the log {}. This sheet is out of date as soon as anything is done with the exhibit: have a new one made",
            s.made.for_people(&s.zone),
            count(s.size, "line", "lines"),
            s.log
        )],
    );

    paper.heading("WHAT HAPPENED TO IT AT THE HUB, BY THE HUB'S LOG");
    let rows: Vec<Vec<String>> = s
        .events
        .iter()
        .map(|e| {
            vec![
                e.line.to_string(),
                e.at.for_people(&s.zone),
                by(&e.by),
                plain(&register::event(e, &s.zone), 400),
            ]
        })
        .collect();
    match rows.is_empty() {
        true => paper.text(0, "Nothing is on record."),
        false => paper.table(&["Line", "When", "By", "What"], rows),
    }

    if !s.copies.is_empty() {
        paper.heading("ITS COPIES, AS THEY ARE NOW");
        let rows = s.copies.iter().map(|c| {
            let received = if c.received { ", signed for" } else { "" };
            vec![
                c.copy.to_string(),
                c.kind.word().to_owned(),
                format!("{}{received}", register::place(c.state)),
                format!("SHA-256 {}", c.sha256),
            ]
        });
        paper.table(&["Copy", "Kind", "Where", "Hash"], rows.collect());
    }

    paper.heading("FROM HERE ON, BY HAND");
    paper.ledger(
        &[
            "Date and time",
            "From (name, signature)",
            "To (name, of, signature)",
            "What for",
            "Seal no.",
        ],
        5,
    );
    paper
}
