//! Pure. English for the notice that a request was refused (EVI-6, EVI-7).

use shared::plain::plain;

use crate::{
    model::{clip_request::RefusalReason, requester::RequesterClass},
    papers::refusal::RefusalNotice,
    words::{
        en::certificate::person,
        paper::{Paper, Sort},
    },
};

fn why(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::NoRight => {
            "no right to this footage was shown: neither a power in law, nor an order of a court, nor that it is of the person who asks"
        }
        RefusalReason::Identity => "it could not be established who asks",
        RefusalReason::Disproportionate => "it asks for more than its purpose needs",
        RefusalReason::Others => "the footage would show other people, whose rights weigh more",
        RefusalReason::NoFootage => "the scheme does not have such footage",
        RefusalReason::Other => "for another reason, which stands below",
    }
}

pub fn of(r: &RefusalNotice) -> Paper {
    let paper = Paper::new("NOTICE OF REFUSAL", &r.request);
    let mut paper = paper.of(Sort::Page, &r.scheme, r.zone.day_of(r.decided));
    paper.text(
        0,
        &format!(
            "The request named below, made to the CCTV scheme {}, was refused.",
            plain(&r.scheme, 60)
        ),
    );
    paper.heading("THE REQUEST");
    let text = |t: &Option<String>, most| {
        t.as_deref()
            .map_or_else(|| "not on record".to_owned(), |t| plain(t, most))
    };
    paper.item("Made by", [text(&r.requester, 80)]);
    paper.item("As", [r.class.requirements().title]);
    paper.item("Reference", [text(&r.reference, 60)]);
    paper.item("Cameras", r.cameras.iter().map(ToString::to_string));
    if let Some((from, to)) = r.span {
        let at = |t: shared::time::Utc| t.for_people(&r.zone);
        paper.item("Footage", [format!("from {} to {}", at(from), at(to))]);
    }
    paper.heading("THE DECISION");
    paper.item("Refused", [r.decided.for_people(&r.zone)]);
    let by = match &r.by {
        Some(by) => person(by),
        None => "somebody whom the log does not name".to_owned(),
    };
    paper.item("By", [by]);
    paper.item("Reason", [why(r.why)]);
    if let Some(note) = &r.note {
        paper.item("They add", [plain(note, 300)]);
    }
    paper.heading("IF YOU DO NOT AGREE");
    paper.text(0, "Ask the scheme to look at it again, and say what it should take into account. The decision and its reason are on the scheme's record under the number of the request.");
    if r.class == RequesterClass::DataSubject {
        paper.text(0, "You asked for footage of yourself. You may complain to the Information Commissioner (ico.org.uk), and you may ask a court to decide.");
    }
    paper.blank("Where to write to", 3);
    paper.fields(&["For the scheme", "Date"]);
    paper
}
