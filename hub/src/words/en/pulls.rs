//! Pure. English for why a pull waits, or ended as it did.

use shared::time::{Utc, Zone};

use crate::reason::pulls::{
    DisposalNote,
    PullReason::{self, *},
    SegmentLoss, Stretch,
};

const MIB: u64 = 1 << 20;

pub fn of(reason: &PullReason, zone: &Zone) -> String {
    let at = |t: Utc| t.for_people(zone);
    let span = |s: &Stretch| format!("{} to {}", at(s.from), at(s.to));
    match reason {
        BoxOffline { name } => format!("box {name} is offline; the pull goes on when it is back"),
        BoxPrepares { name } => format!("box {name} prepares the footage"),
        TwoBoxes { name, text } => {
            format!("two boxes claim the name {name}, or its disk was put back: {text}")
        }
        LineBroke { name } => {
            format!("the connection to box {name} broke; the pull goes on where it stands")
        }
        BoxSilent { name, secs } => format!("box {name} has not answered within {secs} s"),
        NotCountersigned { name } => format!(
            "the line in which box {name} says that it hands the clip out is not countersigned yet; no clip without it"
        ),
        DiskFull {
            path,
            wanted,
            free,
            kept,
        } => {
            let free = free.map_or("no room".into(), |free| format!("{} MiB", free / MIB));
            let kept = match kept {
                0 => String::new(),
                kept => format!(", of which {} are kept for logs", kept / MIB),
            };
            let wanted = wanted.map_or(String::new(), |wanted| {
                format!(
                    ", and what is still to come of this clip needs {}",
                    wanted.div_ceil(MIB)
                )
            });
            format!(
                "the hub's disk under {path} has {free} left{kept}{wanted}; it goes on when there is room"
            )
        }
        DiskNames { path } => format!(
            "the hub's disk under {path} can hold no more files, whatever room is left on it; it goes on when some are gone"
        ),
        DiskUnknown { path, why } => format!(
            "the hub's disk under {path} cannot be looked at: {why}; it goes on when it can"
        ),
        Paused { by } => format!("{by} has it wait; it goes on when somebody lets it"),
        OutsideHours { name, begins } => format!(
            "planned pulls may use the line of box {name} again from {}",
            at(*begins)
        ),
        UrgentFirst { name, exhibit } => format!(
            "the line of box {name} is for {exhibit}, which is urgent; it goes on after that"
        ),
        InTurn { name, before } => format!(
            "{before} pulls of box {name} come before it; it goes on in its turn"
        ),
        WaitedTooLong { days } => format!(
            "it was not let go on within {days} days ([periods] wait_days in hub.toml)"
        ),
        HoldUnanswered { name, hold } => format!(
            "box {name} has not answered the hold {hold} yet; the clip is pulled all the same"
        ),
        NotHeld { name, full, why } => {
            let full = match full {
                true => "there is no room left in the space for holds: ",
                false => "",
            };
            format!("the footage is not held at box {name}: {full}{why}")
        }
        HoldGoesOn { hold, until } => format!("hold {hold} goes on until {}", at(*until)),
        BoxAway { name, days } => format!(
            "box {name} did not come back within {days} days ([periods] wait_days in hub.toml); ask again when it does"
        ),
        BoxRefused { name, refusal } => format!("box {name} did not obey: {refusal}"),
        BoxOdd { name } => format!("box {name} answered in words this hub does not know"),
        NoSegments { name } => format!("box {name} says the clip has no segments"),
        TooManySegments { segments, most } => {
            format!("the box's list has {segments} segments; a clip has at most {most}")
        }
        SegmentsOutOfOrder { s, n } => format!(
            "the box's list of segments is in no order: {s} of line {n} comes after a later one"
        ),
        LengthOdd {
            s,
            n,
            announced,
            size,
            due,
        } => format!(
            "the box announces segment {s} with {announced} bytes, and line {n} of its log says that it has {size}, which sealed are {due}; nothing of it is fetched"
        ),
        SegmentResealed { s, was, now } => {
            format!("segment {s} is now {now} bytes, not {was}: begun anew")
        }
        SegmentRefused { name, s, why } => format!("box {name} did not send segment {s}: {why}"),
        SegmentCutShort { name, s } => {
            format!("box {name} stopped in the middle of segment {s}; it goes on from there")
        }
        SegmentTooLong { s } => format!("the box sent more than segment {s} has"),
        SegmentDiffers { s, found, logged } => format!(
            "segment {s} is not the one the box logged: SHA-256 {found}, logged {logged}"
        ),
        SegmentShut { s, why } => format!("segment {s} does not open: {why}"),
        FetchedAnew { s } => format!(
            "segment {s} came in pieces and is not the one the box logged; it is fetched anew from its beginning"
        ),
        LogNameOdd { log } => format!("{log} is no name of a box's log"),
        LogLineUnreadable { n, why } => format!("line {n} of the box's log: {why}"),
        LogLineOther { n, cam, s } => {
            format!("line {n} of the box's log is not the seg.write of {cam} segment {s}")
        }
        NotClipLine { log, n } => {
            format!("line {n} of {log} is not the exp.clip that the box announced")
        }
        LogNotHeld { log } => format!(
            "what is asked for was recorded under {log}, of which this hub holds nothing: nothing can be proved of it; it stays on the box's disks until its day"
        ),
        NothingProven { log, lines } => format!(
            "what the box has of the time asked for is not among the {lines} lines of {log} that this hub countersigned: another box, or its own disk put back, had gone on with that log in its place. It stays on the box's disks until its day, and nothing can be proved of it"
        ),
        NotRecorded { stretches } => {
            let each: Vec<String> = stretches.iter().map(span).collect();
            format!("no footage exists from {}", each.join(", nor from "))
        }
        NotProven { stretch, log } => format!(
            "of {} the box has footage under {log} of which nothing can be proved: another box, or its own disk put back, had gone on with that log, and no head that was countersigned covers it; it stays on the box's disks until its day",
            span(stretch)
        ),
        OtherLog { stretch, log } => format!(
            "what is from {} was recorded under another log of the box ({log}), and a package shows one: ask for that time by itself",
            span(stretch)
        ),
        SegmentsGone { first, last, gone } => {
            let each: Vec<&str> = gone.iter().copied().map(gone_as).collect();
            let each = each.join(" or ");
            match first == last {
                true => format!("segment {first}, which was recorded, is not here ({each})"),
                false => format!(
                    "segments {first} to {last}, which were recorded, are not here ({each})"
                ),
            }
        }
        GivenUp { tries } => format!("given up after {tries} tries"),
        HubBroke => {
            "the hub could not go on with it: something of its own does not work, and its journal says what".into()
        }
        HubStops => "the hub is stopping; the pull goes on at its next start".into(),
        HubFile { what, path, why } => format!("the hub cannot {what} {path}: {why}"),
        NotPacked { why } => why.clone(),
        RequestGone => "the request is gone".into(),
        TakenBack => "the request was taken back".into(),
        Disposed { by, at } => disposal(by, at.map(at_text(zone)).as_deref()),
    }
}

fn at_text(zone: &Zone) -> impl Fn(Utc) -> String {
    move |t| t.for_people(zone)
}

fn gone_as(gone: SegmentLoss) -> &'static str {
    match gone {
        SegmentLoss::Deleted => "deleted on the box",
        SegmentLoss::Lost => "found missing or damaged on the box",
        SegmentLoss::NotOnDisk => "not on any disk of the box that is there",
        SegmentLoss::NotSent => "not sent by the box",
    }
}

fn disposal(by: &[String], at: Option<&str>) -> String {
    let by = match by {
        [] => String::new(),
        by => format!(" by {}", by.join(" and ")),
    };
    match at {
        Some(at) => format!("was disposed of at {at}{by}; nothing of it is left here"),
        None => format!("is being disposed of{by}"),
    }
}

/// What there is to say of an exhibit that was disposed of, after its name.
pub fn disposed(note: &DisposalNote) -> String {
    disposal(
        &note.by,
        note.at.as_ref().map(ToString::to_string).as_deref(),
    )
}

/// Several as one.
pub fn all(reasons: &[PullReason], zone: &Zone) -> String {
    let mut text = String::new();
    for reason in reasons {
        if !text.is_empty() {
            text += "; ";
        }
        text += &of(reason, zone);
    }
    text
}
