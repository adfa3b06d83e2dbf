//! Pure. What pages say beside reasons: a key for each text, so that another language is a file to fill.

use std::fmt;

/// A text of a page. It stands in a template as `{{ Label::SignOut }}` does, and is put into words as the page is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    // Round every page.
    SkipToContent,
    SignedInAs,
    SignOut,
    /// Name of the navigation.
    Pages,
    Menu,
    SessionEndsSoon,
    SessionOver,
    SignInBeside,
    StaySignedIn,
    /// When the session ends if nothing more is asked for.
    SessionEnds(String),
    // Where the navigation leads.
    Home,
    Cameras,
    Find,
    Requests,
    Holds,
    Evidence,
    Masks,
    Lifts,
    Touches,
    Approvers,
    Retention,
    Log,
    Hub,
    Staff,
    Tokens,
    Account,
    // The first page.
    AsOf(String),
    AskForClip,
    HowBoxesAre,
    /// Of so many cameras.
    OfCamerasRecording(u64),
    BoxesRed(u64),
    BoxesAmber(u64),
    BoxesUnknown(u64),
    WaitsForYou,
    NothingWaits,
    DecideBy(String),
    WaitsForKey {
        order: u64,
        place: String,
    },
    WaitsRequest {
        request: String,
        class: &'static str,
        cameras: u64,
    },
    WaitsLift {
        mask: String,
        camera: String,
    },
    WaitsRelease {
        hold: String,
        camera: String,
    },
    WaitsDisposal {
        exhibit: String,
    },
    /// What was asked for about an account.
    WaitsAccount(String),
    MyRequests,
    NoRequestYet,
    AllRequests,
    CamerasFrom {
        cameras: u64,
        from: String,
    },
    WorstFirst,
    NothingWrong,
    /// So many more than are named.
    MoreOf(usize),
    MasksDue,
    NoMaskDue,
    PromisesAtRisk,
    NoPromiseAtRisk,
    DeclarationsDue,
    NoDeclarationDue,
    NotAccepted,
    Logs,
    NoLogRefused,
    HubItself,
    FaultsByAge,
    Where,
    WhatIsWrong,
    Since,
    NextStep,
    // Finding footage, and asking for it.
    ChooseCameras,
    SearchFor,
    Search,
    NoCameraFound,
    MoreTowns(usize),
    NarrowSearch,
    ShowChosen,
    WhatThereIs,
    LocalTimes(String),
    Days,
    NothingThatDay,
    LeaveOut,
    InWords,
    DayDeleted,
    DayDrawn {
        recorded: String,
        gaps: u64,
    },
    /// Until it is deleted; None: that is not known, or it is over.
    DaysLeft(Option<i64>),
    Recorded {
        from: String,
        to: String,
    },
    RecordedLifted {
        from: String,
        to: String,
    },
    Missing {
        from: String,
        to: String,
        why: String,
    },
    Held {
        from: String,
        to: String,
        what: String,
    },
    Pulled {
        from: String,
        to: String,
        what: String,
    },
    KeyRecorded,
    KeyGap,
    KeyLifted,
    KeyHeld,
    KeyPulled,
    From,
    To,
    MarkSpan,
    AskForIt,
    WhoAsks,
    Requester,
    RequesterHint,
    Purpose,
    PurposeHint,
    Reference,
    Urgent,
    OrderAndIdentity,
    OrderWhen,
    Order,
    Identity,
    AskNow,
    // One request.
    CameraByCamera,
    NoCameraNamed,
    Paused,
    Arriving,
    WaitsItsTurn,
    NotAskedFor,
    /// As the record has it.
    CameraStands(String),
    Arrived {
        have: Option<(String, String)>,
        kbit: Option<u64>,
        left: Option<String>,
        said: String,
    },
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::en::labels::of(self))
    }
}
