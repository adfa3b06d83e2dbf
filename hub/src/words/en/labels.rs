//! Pure. English for what pages say beside reasons.

use std::borrow::Cow;

use crate::words::label::Label::{self, *};

/// So many of something.
fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The words after a number that stands by itself.
fn one(n: u64, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}

pub fn of(label: &Label) -> Cow<'static, str> {
    let said = match label {
        SkipToContent => "Skip to the content",
        SignedInAs => "Signed in as",
        SignOut => "Sign out",
        Pages => "Pages",
        Menu => "Menu",
        SessionEndsSoon => {
            "Your session ends in less than five minutes, if nothing more is asked for."
        }
        SessionOver => {
            "Your session has ended. What you have typed is still here: sign in beside this page, come back to it, and send it then."
        }
        SignInBeside => "Sign in in a new tab",
        StaySignedIn => "Stay signed in",
        SessionEnds(at) => {
            return format!(
                "Signed in until {at} if nothing more is asked for. What is done here is written to a log that cannot be edited."
            )
            .into();
        }
        Home => "Home",
        Cameras => "Cameras",
        Requests => "Requests",
        Holds => "Holds",
        Evidence => "Evidence",
        Masks => "Masks",
        Lifts => "Mask lifts",
        Touches => "Your key",
        Approvers => "Keys at boxes",
        Retention => "Retention",
        Log => "Log",
        Hub => "Hub",
        Staff => "Staff",
        Tokens => "Tokens",
        Account => "Your account",
        AsOf(now) => return format!("As of {now}").into(),
        AskForClip => "Ask for a clip",
        HowBoxesAre => "How boxes and cameras are",
        OfCamerasRecording(all) => {
            return format!("of {} recording", count(*all, "camera", "cameras")).into();
        }
        BoxesRed(n) => one(*n, "box needs somebody now", "boxes need somebody now"),
        BoxesAmber(n) => one(*n, "box needs somebody soon", "boxes need somebody soon"),
        BoxesUnknown(n) => one(*n, "box is not heard of", "boxes are not heard of"),
        WaitsForYou => "Waits for you",
        NothingWaits => "Nothing waits for your decision.",
        DecideBy(until) => return format!("by {until}").into(),
        WaitsForKey { order, place } => {
            return format!("Order {order} to box {place}: touch your passkey").into();
        }
        WaitsRequest {
            request,
            class,
            cameras,
        } => {
            let cameras = count(*cameras, "camera", "cameras");
            return format!("{request}: footage of {cameras} for {class}").into();
        }
        WaitsLift { mask, camera } => {
            return format!("Mask {mask} of {camera} is to be lifted").into();
        }
        WaitsRelease { hold, camera } => {
            return format!("{hold}: held footage of {camera} is to be released").into();
        }
        WaitsDisposal { exhibit } => return format!("{exhibit} is to be disposed of").into(),
        WaitsAccount(what) => {
            let mut what = what.clone();
            if let Some(first) = what.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            return what.into();
        }
        MyRequests => "My requests",
        NoRequestYet => "You have not asked for footage yet.",
        AllRequests => "All requests",
        CamerasFrom { cameras, from } => {
            return format!("{}, {from}", count(*cameras, "camera", "cameras")).into();
        }
        WorstFirst => "Boxes that need somebody",
        NothingWrong => "Nothing is wrong.",
        MoreOf(n) => return format!("{n} more").into(),
        MasksDue => "Masks to be reviewed",
        NoMaskDue => "No mask is due for review.",
        PromisesAtRisk => "Retention",
        NoPromiseAtRisk => "Every deletion is shown, and no box says that its disks are too small.",
        DeclarationsDue => "Declarations to be accepted",
        NoDeclarationDue => "Everybody has accepted the declaration as it reads now.",
        NotAccepted => "has not accepted the declaration as it reads now",
        Logs => "Logs",
        NoLogRefused => "No box's log is refused.",
        HubItself => "The hub itself",
        FaultsByAge => "Faults, oldest first",
        Where => "Where",
        WhatIsWrong => "What is wrong",
        Since => "For",
        NextStep => "Next step",
        Find => "Find footage",
        ChooseCameras => "Cameras",
        SearchFor => "A town, a place or a camera",
        Search => "Search",
        NoCameraFound => "No camera has this in its name, nor its town.",
        MoreTowns(n) => {
            return count(*n as u64, "more town", "more towns").into();
        }
        NarrowSearch => "search for a part of a name",
        ShowChosen => "Show these cameras",
        WhatThereIs => "What there is",
        LocalTimes(zone) => {
            return format!("Times are those of the clock on the wall ({zone}).").into();
        }
        Days => "Days",
        NothingThatDay => "nothing is recorded",
        LeaveOut => "Leave out",
        InWords => "In words",
        DayDeleted => "this day is deleted",
        DayDrawn { recorded, gaps } => {
            let gaps = count(*gaps, "gap", "gaps");
            return format!("{recorded} recorded, {gaps}").into();
        }
        DaysLeft(None) => "",
        DaysLeft(Some(..=0)) => "due for deletion",
        DaysLeft(Some(n)) => {
            let n = u64::try_from(*n).unwrap_or(0);
            return format!("deleted in {}", count(n, "day", "days")).into();
        }
        Recorded { from, to } => return format!("{from} to {to}: recorded").into(),
        RecordedLifted { from, to } => {
            return format!("{from} to {to}: recorded without its mask, which was lifted").into();
        }
        Missing { from, to, why } => return format!("{from} to {to}: missing, {why}").into(),
        Held { from, to, what } => return format!("{from} to {to}: held, {what}").into(),
        Pulled { from, to, what } => {
            return format!("{from} to {to}: pulled before, {what}").into();
        }
        KeyRecorded => "recorded",
        KeyGap => "missing",
        KeyLifted => "mask lifted",
        KeyHeld => "held",
        KeyPulled => "pulled before",
        From => "From",
        To => "To",
        MarkSpan => "Mark this",
        AskForIt => "Ask for it",
        WhoAsks => "Who asks",
        Requester => "Their name and unit",
        RequesterHint => "For example: PC 1742 Evans, Ashby",
        Purpose => "What it is for",
        PurposeHint => "For example: theft from a shop in Market Street",
        Reference => "Crime, request or log number",
        Urgent => "Urgent: fetch it before what is planned, whatever the hour",
        OrderAndIdentity => "Order, power, identity",
        OrderWhen => {
            "A body with a power in law names it, a solicitor the court's order; of whoever asks for footage of themselves, say how their identity was checked."
        }
        Order => "Order or power",
        Identity => "How identity was checked",
        AskNow => "Ask for this footage",
        CameraByCamera => "Camera by camera",
        NoCameraNamed => "No camera was named yet.",
        Paused => "waits, as somebody asked",
        Arriving => "arriving",
        WaitsItsTurn => "waits",
        NotAskedFor => "not asked for",
        CameraStands(state) => return state.to_lowercase().into(),
        Arrived {
            have,
            kbit,
            left,
            said,
        } => {
            let here = have.as_ref().map(|(have, all)| format!("{have} of {all}"));
            let rate = kbit.map(|kbit| format!("{kbit} kbit/s"));
            let said = Some(said.clone()).filter(|s| !s.is_empty());
            let all: Vec<String> = [said, here, rate, left.clone()]
                .into_iter()
                .flatten()
                .collect();
            return all.join(" · ").into();
        }
    };
    said.into()
}
