//! Pure. English about the register of an exhibit: why something of it was not done, and what happened to it.

use shared::time::Zone;

use crate::{
    model::{
        copy::CopyState,
        exhibit_event::{Erasable, ExhibitAct, ExhibitEvent},
        rank::Rank,
    },
    reason::Register::{self, *},
    words::text::{Text, say},
};

/// Where a copy is, for people.
pub fn place(state: CopyState) -> &'static str {
    match state {
        CopyState::Here => "with the scheme",
        CopyState::Out => "handed over",
        CopyState::Back => "returned: never again a master",
        CopyState::Gone => "destroyed",
    }
}

pub fn of(reason: &Register) -> Text {
    match reason {
        CopyUnknown { exhibit, copy } => say!(
            "{exhibit} has no copy {copy}; nothing was done";
            "`beadle-hub exhibit show {exhibit}` lists its copies"
        ),
        SaveUnknown { exhibit, line } => say!(
            "no save of {exhibit} is under way by line {line} of the hub's log; no copy was registered";
            "save it again"
        ),
        SaveOfAnother { line, by } => {
            say!("the save of line {line} is {by}'s; nothing was registered")
        }
        OtherPackage { exhibit } => say!(
            "what was saved is not the package of {exhibit} that is on record; no copy was registered";
            "delete what was saved and save it again"
        ),
        MasterThere { exhibit, copy } => say!(
            "copy {copy} of {exhibit} is its master already, and there is one; nothing was saved";
            "save a working copy, or have that copy returned or destroyed first"
        ),
        NoMaster { exhibit, copy } => say!(
            "copy {copy} of {exhibit} is no master: it was made as a working copy, or was handed out before; nothing was handed over";
            "hand it over as a working copy, or save a new master"
        ),
        CopyOut { exhibit, copy } => say!(
            "copy {copy} of {exhibit} is in somebody's hands; nothing was done";
            "put its return on record first"
        ),
        CopyNotOut {
            exhibit,
            copy,
            state,
        } => say!(
            "copy {copy} of {exhibit} is in nobody's hands ({}); nothing was done",
            place(*state)
        ),
        CopyGone { exhibit, copy } => {
            say!("copy {copy} of {exhibit} was destroyed; nothing was done")
        }
        ReceiptThere { exhibit, copy } => say!(
            "that copy {copy} of {exhibit} was received is on record already; nothing was done"
        ),
        NotSignedAs { name } => say!(
            "the name that was typed is not yours; nothing was handed over";
            "sign with your name as it is known here: {name}"
        ),
        SecondFactorWanted { name } => say!(
            "{name} has no second factor, and handing over is signed with one; nothing was handed over";
            "set one up on the page of your account (/account) or with `beadle-hub factor`"
        ),
        MarkMalformed { most } => say!(
            "a producer's reference is 1 to {most} letters, digits and signs on one line, like ABC/1; nothing was changed"
        ),
        HashMalformed => {
            say!("a SHA-256 is 64 digits 0-9 and a-f; nothing was done")
        }
        WordUnknown { field, word, known } => {
            say!("{word:?} is no {field}: it is one of {known}; nothing was done")
        }
        MediaNotAllowed { exhibit } => say!(
            "no release document says what media may do with {exhibit}; nothing goes to them without one";
            "a supervisor, coordinator or approver puts it on record: `beadle-hub exhibit media {exhibit} --document … --uses … --limits …`"
        ),
        MediaAuthoriser { name } => say!(
            "{name} authorised what media may do with it, and somebody else hands it over; nothing was handed over"
        ),
        NotForMedia { exhibit, class } => say!(
            "{exhibit} was asked for by {}, not by media; nothing was changed",
            class.requirements().title;
            "write a request of class media for the same footage"
        ),
        RankUnknown { rank } => say!(
            "{rank:?} is no rank that is known here; nothing was made. Ranks are {}",
            Rank::ALL
                .iter()
                .map(|r| r.word())
                .collect::<Vec<_>>()
                .join(", ")
        ),
        RankTooLow { rank } => say!(
            "a still picture for police is authorised by an inspector or above, not by a {}; nothing was made",
            rank.title();
            "have one of these authorise it: {}", Rank::enough()
        ),
        NoPictureThen {
            exhibit,
            at,
            from,
            to,
        } => say!(
            "{exhibit} shows no picture at {at}; nothing was made. It goes from {from} to {to}"
        ),
        PictureInGap { exhibit, at } => say!(
            "{exhibit} has a gap at {at}, so there is no picture of that moment; nothing was made";
            "the certificate names every gap; name a moment beside it"
        ),
        StillOfStill { exhibit } => say!(
            "{exhibit} is a still picture itself; nothing was made";
            "name the exhibit that it was made of"
        ),
        NoPictureProgram { path, why } => say!(
            "the program that makes pictures, {path}, does not run: {why}; nothing was made";
            "install it: it comes with the package of the hub"
        ),
        PictureNotMade { exhibit, why } => {
            say!("no still picture of {exhibit} could be made: {why}")
        }
        SegmentUnreadable { exhibit, file, why } => say!(
            "{file} of {exhibit} cannot be read: {why}; nothing was made";
            "`beadle-hub clip check {exhibit}` says what is damaged"
        ),
    }
}

fn said(text: &Erasable) -> &str {
    text.as_deref().unwrap_or("(erased)")
}

fn with(present: &Option<Erasable>) -> String {
    present
        .as_ref()
        .map_or_else(String::new, |p| format!(", with {} present", said(p)))
}

/// Whoever did it, for people.
pub fn hand(e: &ExhibitEvent) -> String {
    let name = match (&e.by.name, e.by.op.as_str()) {
        (Some(name), _) => name.as_str(),
        (None, "sys:hub") => "the hub",
        (None, op) => op,
    };
    match e.by.roles.is_empty() {
        true => name.to_owned(),
        false => format!("{name} ({})", e.by.roles.join(", ")),
    }
}

/// What happened, in one sentence without a full stop.
pub fn event(e: &ExhibitEvent, zone: &Zone) -> String {
    match &e.what {
        ExhibitAct::Granted {
            purpose,
            reference,
            requester,
        } => format!(
            "footage granted to {} for {}, reference {}",
            said(requester),
            said(purpose),
            said(reference)
        ),
        ExhibitAct::WorkingCopyMade { sha256 } => {
            format!("working film cut from the masters, SHA-256 {sha256}")
        }
        ExhibitAct::Made { sums } => {
            format!("package made and sealed; SHA-256 of its SHA256SUMS {sums}")
        }
        ExhibitAct::StillMade {
            still,
            parent,
            taken,
            authority,
            rank,
            reason,
            ..
        } => format!(
            "still picture {still} made of {parent}, of {}; reason: {}; authorised by {} ({})",
            taken.for_people(zone),
            said(reason),
            said(authority),
            Rank::parse(rank).map_or_else(|| rank.clone(), |r| r.title().into())
        ),
        ExhibitAct::Marked { mark } => format!("producer's reference: {}", said(mark)),
        ExhibitAct::Viewed {
            purpose,
            reference,
            present,
        } => format!(
            "watched for {}, reference {}{}",
            said(purpose),
            said(reference),
            with(present)
        ),
        ExhibitAct::SaveBegun {
            purpose,
            reference,
            present,
        } => format!(
            "opened to be written out, for {}, reference {}{}",
            said(purpose),
            said(reference),
            with(present)
        ),
        ExhibitAct::Copied {
            copy,
            kind,
            form,
            seal,
            sha256,
            medium,
            place,
            ..
        } => {
            let seal = match seal.as_str() {
                "passphrase" => ", sealed with a passphrase",
                "recipient" => ", sealed to its recipient's key",
                _ => ", not encrypted",
            };
            format!(
                "copy {copy} made, {kind}: a {form}{seal}, on {}, kept at {}; SHA-256 {sha256}",
                said(medium),
                said(place)
            )
        }
        ExhibitAct::HandedOver {
            copy,
            kind,
            class,
            to,
            agency,
            signed,
            factor,
        } => {
            let factor = match factor.as_str() {
                "passkey" => "a passkey",
                _ => "a code",
            };
            format!(
                "copy {copy} handed over as {kind} copy to {} of {} ({class}); signed {} with {factor}",
                said(to),
                said(agency),
                said(signed)
            )
        }
        ExhibitAct::Received {
            copy,
            from,
            receipt,
            ..
        } => format!(
            "copy {copy}: receipt signed by {}{}",
            said(from),
            receipt
                .as_ref()
                .map_or_else(String::new, |r| format!(", {}", said(r)))
        ),
        ExhibitAct::Returned { copy, from, note } => format!(
            "copy {copy} returned by {}{}; never again a master",
            said(from),
            note.as_ref()
                .map_or_else(String::new, |n| format!(", {}", said(n)))
        ),
        ExhibitAct::CopyDestroyed { copy, reason } => {
            format!("copy {copy} destroyed: {}", said(reason))
        }
        ExhibitAct::MediaAllowed {
            document,
            uses,
            limits,
            ..
        } => format!(
            "media may have it by {}: for {}; not for {}",
            said(document),
            said(uses),
            said(limits)
        ),
        ExhibitAct::Classed {
            class,
            review,
            reason,
        } => format!(
            "kept as {class}{}: {}",
            review.map_or_else(String::new, |d| format!(" until {d}")),
            said(reason)
        ),
        ExhibitAct::DisposalAsked { reason } => {
            format!("disposal before its time asked for: {}", said(reason))
        }
        ExhibitAct::Disposed { people, reason } => {
            format!("disposed of by {}: {}", people.join(", "), said(reason))
        }
        ExhibitAct::Gone => "nothing of it is left at the hub".into(),
    }
}
