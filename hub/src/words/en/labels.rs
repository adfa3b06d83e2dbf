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
        WaitsKeyOf {
            account,
            place,
            remove: false,
        } => return format!("The passkey of {account} is to count at box {place}").into(),
        WaitsKeyOf { account, place, .. } => {
            return format!("The passkey of {account} is to count at box {place} no more").into();
        }
        WaitsSettled => "What this hub forgot is to be taken for settled",
        AllThatWaits => "All that waits, and what will happen",
        TwoPeople => {
            "Each of these takes two people: somebody asked for it, and nothing happens until another person says yes. What you asked for yourself is not here."
        }
        AskedBy { by, .. } if by.is_empty() => "Two people have said yes; their keys are missing.",
        AskedBy { by, made } => {
            let made = made.as_ref().map(|made| format!(", {made}"));
            return format!("Asked for by {by}{}.", made.unwrap_or_default()).into();
        }
        TheySay(reason) => return format!("They say: {reason}").into(),
        DecideThere => "Look at it and decide",
        WillTouch => {
            "Once both of you have touched your passkeys for it, the order goes to the box, which obeys it at once."
        }
        WillFetch {
            cameras,
            from,
            length,
        } => {
            let cameras = count(*cameras, "camera", "cameras");
            return format!(
                "If you authorise it, {length} of footage of {cameras}, from {from} on, is fetched and kept as evidence."
            )
            .into();
        }
        WillLift {
            camera,
            mask,
            until,
            minutes,
        } => {
            let end = match until {
                Some(until) => format!("until {until}"),
                None => {
                    let minutes = u64::from(minutes.unwrap_or(0));
                    format!("for {}", count(minutes, "minute", "minutes"))
                }
            };
            return format!(
                "If you approve it, {camera} records without its mask {mask}, from then on {end}; then the mask comes back by itself."
            )
            .into();
        }
        WillRelease => {
            "If you approve it, the footage is held no longer: what is past its day is deleted in the next night, for good."
        }
        WillDispose => {
            "If you approve it, the exhibit's key is destroyed and its files are deleted: nobody can open it again. Backups lose the key as they are made anew."
        }
        WillHold => "If you approve it, this holds from then on.",
        WillCount => {
            "If you approve it, the box is ordered to count the passkey so, once both of you have touched your own keys for it."
        }
        WillSettle => {
            "If you approve it, this hub stops saying on every page that it is an older copy."
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
        WatchThese => "Watch these cameras side by side",
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
        Watch => "Watch",
        WatchFrames => "Watch it frame by frame, with the time of day",
        LookFirst => "Look at it first, without taking it",
        LooksAtMost(minutes) => {
            return format!(
                "Look before you take: the span is shown as it arrives from the box, for at most {minutes} minutes of footage. No exhibit is made, and nothing of it is kept here."
            )
            .into();
        }
        SayWhyFirst => {
            "Say why first. Your number, the time, the purpose, the reference and who is there with you are written to the log before the first picture is shown; of footage that is looked at, to the box's log too."
        }
        Present => "Others present, by name and what they are (leave it empty if you are alone)",
        LogAndWatch => "Log this and watch",
        NothingChosen => "Choose cameras and a span first.",
        NothingToWatch(exhibit) => {
            return format!("Of {exhibit} there is nothing to watch now.").into();
        }
        WatchedLook => {
            "Not yet verified: the recorder's exact pictures as they arrive. No evidence, and not kept."
        }
        WatchedArriving => {
            "Not yet verified: the recorder's exact pictures as they arrive, before all of them are here to be checked."
        }
        WatchedMasters => {
            "The recorder's exact pictures, from this exhibit's masters, each checked against the box's log as it came."
        }
        WatchingLogged => "That you watch is on the log.",
        Player => "Player",
        NeedsScript => "Without scripts the films play one by one here, without the time of day.",
        TurnedOff => {
            "Turned off: what was being shown is not what it has to be. It is on the log. Nothing of it may be relied on."
        }
        FilmBroke => "The film broke off.",
        BeginAgain => "Begin it again",
        CannotPlay => {
            "This browser cannot play this camera's format. Ask for the clip, download it and open it with a player such as VLC."
        }
        WatchEnded => {
            "Nothing more is shown: your session has ended, or you may not watch this any more."
        }
        OnItsWay => "Still on its way",
        NoMore => "No more of this camera in this span",
        GapHere => "Nothing recorded from {from} to {to} ({length})",
        Hopped => "Hopped {length}: nothing recorded from {from} to {to}",
        WaitingFor => "Waiting for {camera} to arrive",
        AtEnd => "This is the end of the span.",
        Play => "Play",
        Pause => "Pause",
        FrameBack => "Frame back",
        FrameOn => "Frame on",
        Backwards => "Backwards",
        Faster => "Faster",
        Slower => "Slower",
        Speed => "{speed} times as fast",
        Normal => "as fast as it was",
        MarkBegin => "Mark from",
        MarkEnd => "Mark to",
        MarkMoment => "Mark this moment",
        Marks => "Marks",
        NoMarks => "Nothing is marked yet. Marks are gone when you leave this page.",
        RemoveMark => "Remove",
        AskForMarked => "Ask for what is marked",
        GoTo => "Go to a time, as the clock on the wall shows it",
        Go => "Go",
        NotInSpan => "This time is not in the span.",
        PlaceInTime => "Place in time",
        Sound => "Sound of the first camera",
        Keys => "Keys",
        KeysSaid => {
            "While the player has the focus: space or K plays and pauses; L forwards, again faster; J backwards, again faster; the arrows left and right, or comma and full stop, one frame; with Shift five seconds; Home and End; I and O mark from and to, M marks this moment; plus and minus change the speed."
        }
        MinutesSeconds => "{m} min {s} s",
        PictureOf => "Picture of {time}",
    };
    said.into()
}
