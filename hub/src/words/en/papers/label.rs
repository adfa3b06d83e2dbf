//! Pure. English for the label of an exhibit.

use shared::plain::plain;

use crate::{
    papers::label::Label,
    words::paper::{Paper, Part, Sort},
};

pub fn of(l: &Label) -> Paper {
    let paper = Paper::new("EXHIBIT LABEL · CCTV FOOTAGE", l.exhibit.as_str());
    let mut paper = paper.of(Sort::Label, &l.scheme, l.zone.day_of(l.made));
    let called = match l.title.is_empty() {
        true => l.camera.to_string(),
        false => format!("{} \"{}\"", l.camera, plain(&l.title, 60)),
    };
    if let Some(mark) = &l.mark {
        paper.item("Reference", [plain(mark, 40)]);
    }
    paper.item("Camera", [called]);
    paper.item("From", [l.t0.for_people(&l.zone)]);
    paper.item("To", [l.t1.for_people(&l.zone)]);
    if l.partial {
        paper.item(
            "PARTIAL",
            ["not all of that time is here: see the certificate"],
        );
    }
    paper.item("Scheme", [plain(&l.scheme, 60)]);
    paper.item(
        "SHA256SUMS",
        [format!("SHA-256 {} …", Label::groups(&l.sums))],
    );
    paper.item(
        "Sealed by",
        [format!("P-256 key {} …", Label::groups(&l.seal_key))],
    );
    paper.item("Hub's key", [l.key.clone()]);
    if l.mark.is_none() {
        paper.fields(&["Reference"]);
    }
    paper.choice("Copy", &["master, sealed", "working copy"]);
    paper.fields(&["Seal no.", "Copy no."]);
    paper.fields(&["Signed", "Date"]);
    if let Some(svg) = l.drawn() {
        let holds = l.code();
        paper.parts.push(Part::Code { svg, holds });
    }
    paper
}
