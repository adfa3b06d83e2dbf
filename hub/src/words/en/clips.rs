//! Pure. English about clip requests.

use crate::{
    model::{clip_request::State, requester::MissingItem, text::TextField},
    reason::{
        Clips::{self, *},
        clips::Extent,
    },
    words::text::{Text, say},
};

fn field(field: TextField) -> &'static str {
    match field {
        TextField::Purpose => "a purpose",
        TextField::Reference => "a reference",
        TextField::Present => "who else is present",
        TextField::Requester => "a requester",
        TextField::Order => "an order",
        TextField::Identity => "how identity was checked",
        TextField::Authority => "an authority",
        TextField::Reason => "a reason",
        TextField::Note => "a note",
        TextField::Recipient => "to whom it is handed",
        TextField::Result => "a result",
        TextField::Mark => "the producer's reference",
        TextField::Medium => "what the copy is on",
        TextField::Place => "where the copy is",
        TextField::Agency => "for whom it is handed over",
        TextField::Sender => "from whom it comes",
        TextField::Receipt => "what was signed",
        TextField::Document => "the release document",
        TextField::Uses => "what it may be used for",
        TextField::Limits => "what it may not be used for",
    }
}

/// What a request has to bring, after "needs".
pub fn missing(what: MissingItem) -> &'static str {
    match what {
        MissingItem::Cameras => "at least one camera",
        MissingItem::Span => "from when to when",
        MissingItem::Purpose => "a purpose",
        MissingItem::Reference => "a reference",
        MissingItem::Requester => "a requester",
        MissingItem::Order => "the order or the power under which it is asked",
        MissingItem::Identity => "how the requester's identity was checked",
    }
}

/// What can be done about a request that stands so.
fn way_on(state: State) -> &'static str {
    match state {
        State::Draft => "submit it first, or change it",
        State::Submitted => "it waits for a second person",
        State::Authorised | State::Waiting | State::Fetching | State::Verifying => {
            "its footage is being fetched; it can be cancelled"
        }
        State::Ready | State::Partial => "release it to whoever asked, or close it",
        State::Released => "close it when it is done with",
        State::Closed | State::Refused | State::Failed | State::Cancelled => {
            "it is over; open another"
        }
    }
}

fn exists(camera: &impl std::fmt::Display, extent: &Extent) -> String {
    match extent {
        Some((from, to)) => format!("footage of {camera} exists from {from} to {to}"),
        None => format!("no footage of {camera} is known to the hub"),
    }
}

pub fn of(reason: &Clips) -> Text {
    match reason {
        TextWanted { field: what } => {
            say!("{} is needed: no purpose, no access", field(*what))
        }
        TextTooLong { field: what, most } => {
            say!("{} may have at most {most} letters", field(*what))
        }
        Unknown { request } => say!(
            "there is no request {request}"; "`beadle-hub request list` shows them"
        ),
        NameMalformed { text } => {
            say!("there is no request {text:?}"; "a request is named like R-000012")
        }
        Stands { request, state } => say!(
            "request {request} is {}; nothing was changed", state.word();
            "{}", way_on(*state)
        ),
        Own { name, request } => say!(
            "{name} submitted request {request}; a second person has to authorise it, nothing was changed"
        ),
        HandedOver { request } => say!(
            "request {request} is closed as handed-over when it was released, and only then, and as disposed by the hub; nothing was changed"
        ),
        NotInTime { request } => say!(
            "nobody authorised request {request} in time, so it is taken back; nothing was fetched";
            "open another"
        ),
        TooManyCameras { most } => say!(
            "a request covers at most {most} cameras; nothing was asked for"; "open several"
        ),
        SecondPersonWanted { class } => say!(
            "a request of {} takes a second person; nothing was asked for", class.requirements().title;
            "open it with `beadle-hub request open`, submit it, and somebody else authorises it"
        ),
        Lacks { class, lacks } => {
            let lacks: Vec<&str> = lacks.iter().map(|m| missing(*m)).collect();
            say!(
                "a request of {} needs {}: no purpose, no access; nothing was asked for",
                class.requirements().title,
                lacks.join(", ")
            )
        }
        StillDraft { request, why } => {
            let Text { what, next } = super::of(why);
            Text {
                what: format!("{request} is a draft: {what}"),
                next,
            }
        }
        ClassWanted => say!("say who asks; nothing was asked for"),
        ReasonUnknown { word } => say!("{word:?} is no reason of the list; nothing was done"),
        CameraMalformed { why } => {
            say!("a camera is named BOX/CAM: {why}; nothing was asked for")
        }
        TimeUnreadable { why } => say!("{why}; nothing was asked for"),
        SpanEmpty { from, to } => {
            say!("the end ({to}) does not come after the start ({from})")
        }
        SpanHalf => {
            say!("a span has a start and an end, and one of them is not given; nothing was done")
        }
        SpanTooLong { hours } => {
            say!("it may be at most {hours} hours long"; "ask for several")
        }
        LookUnknown => say!(
            "there is no such look, or it is over"; "begin another"
        ),
        LookTooLong { minutes } => say!(
            "a look may be at most {minutes} minutes long"; "ask for several, or for the clip"
        ),
        LookOff => say!(
            "what was being watched turned out not to be what it has to be, and is turned off; the log says why"
        ),
        LookBroken { why } => say!("it cannot be watched just now: {why}"; "try again"),
        NothingArrivedYet { exhibit } => say!(
            "nothing of {exhibit} has arrived yet"; "try again when it is being fetched"
        ),
        ArrivedAlready { exhibit } => say!(
            "all of {exhibit} is here and checked"; "watch the clip itself"
        ),
        SpanNotYet { from } => say!("{from} lies in the future"),
        SpanNotOver { to } => say!("the end ({to}) lies in the future"; "ask again after it"),
        BoxRevoked { name } => say!("box {name} is revoked at this hub"),
        BoxNotEnrolled { name } => say!("box {name} is not enrolled yet"),
        NoSuchBox { name } => {
            say!("there is no box {name}"; "`beadle-hub box list` shows them")
        }
        NoSuchCamera { camera, has } => {
            let has = match has.is_empty() {
                true => "none has been reported yet".to_owned(),
                false => has.join(", "),
            };
            say!(
                "box {} has no camera {}; it has: {has}",
                camera.r#box,
                camera.cam
            )
        }
        Deleted { camera, extent } => say!(
            "the footage asked for has been deleted on schedule; {}",
            exists(camera, extent)
        ),
        Lost { camera, extent } => say!(
            "the footage asked for was found missing or damaged on the box; {}",
            exists(camera, extent)
        ),
        NotRecorded { camera, hole } => {
            let (from, to) = (&hole.from, &hole.to);
            let gap = hole
                .gap
                .as_ref()
                .map_or_else(String::new, |(from, to, why)| {
                    format!(" (declared gap from {from} to {to}: {why})")
                });
            say!(
                "nothing was recorded between {from} and {to}{gap}; {}",
                exists(camera, &hole.extent)
            )
        }
        NotUnderWay { exhibit, state } => say!(
            "the pull of {exhibit} is over ({}); there is nothing to pause or to go on with",
            state.as_str()
        ),
        LineTooThin { least } => say!(
            "a line that clips may use so little of would bring none in time; nothing was changed";
            "give {least} kbit/s or more, or no cap at all; hours keep them off the line by day"
        ),
        HoursUnreadable => say!(
            "the hours are two different times of the day like 18:00 and 07:00; nothing was changed"
        ),
        NotRefused { request, state } => say!(
            "{request} is {}: there is no notice of refusal", state.word();
            "`beadle-hub request show {request}` says where it stands"
        ),
        NoPackage { exhibit, state } => say!(
            "{exhibit} is {}: there is no package to save", state.as_str();
            "`beadle-hub clip watch {exhibit}` says where it stands"
        ),
    }
}
