//! Pure. What reasons are in words: one place per language. A reason without words does not compile, so another language is a folder like
//! [`en`] to fill, and a line here.

use std::fmt;

use shared::time::{Utc, Zone};

use crate::{
    model::{
        backup::BackupRow, copy::CopyState, evidence::Disposal, exhibit_event::ExhibitEvent,
        outside::OutsideRow, rollback::Rollback,
    },
    papers::{
        card::Card,
        certificate::{
            Certificate, Facts, Request, check::Check, continuity::Continuity, people::Person,
        },
        handover::Handover,
        label::Label,
        refusal::RefusalNotice,
        sheet::Sheet,
        still::StillFacts,
    },
    reason::{self, Notice, PullReason, Reason},
    words::paper::Paper,
};
use text::Text;

pub mod en;
pub mod label;
pub mod paper;
pub mod text;

/// In the language of this hub, which is English.
pub fn of(reason: &Reason) -> Text {
    en::of(reason)
}

/// What two people read before they settle that records are an older copy, a paragraph each.
pub fn rolled(rollback: &Rollback, zone: &Zone) -> Vec<String> {
    en::backups::rolled(rollback, zone)
}

/// A backup in a line.
pub fn backup(row: &BackupRow, zone: &Zone) -> String {
    en::backups::row(row, zone)
}

/// What the two people's word means.
pub fn settling() -> &'static str {
    en::backups::SETTLING
}

macro_rules! displayed {
    ($($room:ident),* $(,)?) => {
        $(impl fmt::Display for reason::$room {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&of(&self.clone().into()), f)
            }
        })*
    };
}

displayed! { Access, Accounts, Api, Backups, Clips, Evidence, Footage, Holds, Masks, Orders, Outside, Pages, Proofs, Register, Trail }

/// The certificate of a package.
pub fn certificate(facts: &Facts<'_>, computed: &Certificate) -> Paper {
    en::certificate::of(facts, computed)
}

/// How somebody outside the scheme stands to the hub's log.
pub fn outside(row: &OutsideRow, zone: &Zone) -> String {
    en::outside::row(row, zone)
}

/// Somebody, as papers name them.
pub fn person(person: &Person) -> String {
    en::certificate::person(person)
}

/// The witness statement of a package.
pub fn statement(facts: &Facts<'_>, computed: &Certificate) -> Paper {
    en::papers::statement::of(facts, computed)
}

/// The label of an exhibit.
pub fn label(label: &Label) -> Paper {
    en::papers::label::of(label)
}

/// Everything that happened to an exhibit.
pub fn continuity(sheet: &Sheet) -> Paper {
    en::papers::continuity::of(sheet)
}

/// What is signed before a copy is handed over.
pub fn release(handover: &Handover) -> Paper {
    en::papers::release::form(handover)
}

/// What is signed when it was.
pub fn receipt(handover: &Handover) -> Paper {
    en::papers::release::receipt(handover)
}

/// The certificate that an exhibit was disposed of.
pub fn disposal(disposal: &Disposal) -> Paper {
    en::papers::deletion::of(disposal)
}

/// The notice that a request was refused.
pub fn refusal(refusal: &RefusalNotice) -> Paper {
    en::papers::refusal::of(refusal)
}

/// The subtitles of one of a package's working copies: files and their times, in order, and which of them.
pub fn subtitles(
    request: &Request,
    files: &[(String, Utc, Utc)],
    at: usize,
    continuity: &Continuity,
) -> String {
    en::subtitles::of(request, files, at, continuity)
}

/// The page that lies on top of a package. `printed`: its papers are there as PDF too.
pub fn read_me(facts: &Facts<'_>, computed: &Certificate, printed: bool) -> String {
    en::read_me::of(facts, computed, printed)
}

/// The certificate of a still picture.
pub fn still_certificate(facts: &StillFacts<'_>, check: &Check) -> String {
    en::still::certificate(facts, check)
}

/// The page that lies on top of it.
pub fn still_read_me(facts: &StillFacts<'_>) -> String {
    en::still::read_me(facts)
}

/// The card that goes with a package that is one file.
pub fn card(card: &Card<'_>) -> String {
    en::card::of(card)
}

/// What a page says just now.
pub fn notice(notice: &Notice) -> String {
    en::notices::of(notice)
}

/// Why a pull waits, or ended as it did.
pub fn pull(reason: &PullReason, zone: &Zone) -> String {
    en::pulls::of(reason, zone)
}

/// The same of several reasons, as one sentence.
pub fn pulls(reasons: &[PullReason], zone: &Zone) -> String {
    en::pulls::all(reasons, zone)
}

/// What happened to an exhibit, and by whom.
pub fn exhibit_event(event: &ExhibitEvent, zone: &Zone) -> (String, String) {
    (en::register::event(event, zone), en::register::hand(event))
}

/// Where a copy of an exhibit is.
pub fn copy_state(state: CopyState) -> &'static str {
    en::register::place(state)
}
