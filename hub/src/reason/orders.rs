//! Pure. Reasons why no order went to a box, or why it was not obeyed.

use shared::{
    id::{BoxCamera, BoxName},
    order::Refusal,
    passkey::PasskeyError,
};

use super::table::reasons;
use crate::model::touch::State;

impl Orders {
    /// The box's code where it refused, else the hub's.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::BoxRefused { refusal, .. } => refusal.code.as_str(),
            other => other.code(),
        }
    }
}

reasons! {
    Orders {
        BoxOffline { name: BoxName } => Refused "box-offline",
        /// `state`: of its record.
        BoxNeverThere { name: BoxName, state: String } => Refused "box-never-there",
        BoxHasNoCamera { camera: BoxCamera, has: Vec<String> } => Refused "box-has-no-camera",
        BoxRefused { name: BoxName, refusal: Refusal } => Refused "box-refused",
        LineBroke { name: BoxName } => Refused "box-line-broke",
        BoxSilent { name: BoxName, secs: u64 } => Refused "box-silent",
        BoxOdd { name: BoxName } => Refused "box-answered-oddly",
        ReasonWanted => Refused "reason-wanted",
        MoreThanADay { minutes: u32, most: u32 } => Refused "more-than-a-day",
        RecordsAll { camera: BoxCamera } => Refused "camera-records-all",
        /// The box takes such orders by people's own keys, and knows none of this person's.
        KeyUnknown { name: BoxName, person: String } => Refused "key-unknown-at-box",
        KeyOrderWaits { name: BoxName, order: u64 } => Refused "order-waits-for-touches",
        TouchUnknown { order: u64 } => Missing "touch-unknown",
        TouchNotYours { order: u64 } => Refused "touch-not-yours",
        TouchedAlready { order: u64 } => Refused "touched-already",
        TouchOver { order: u64, state: State } => Refused "touch-over",
        TouchNotTaken { why: PasskeyError } => Refused "touch-not-taken",
        NotTouched => Refused "not-touched",
        CalledOff { person: String } => Refused "called-off",
        StoppedMeanwhile => Refused "hub-stopped-meanwhile",
        KeysNotAskedFor { name: BoxName } => Refused "keys-not-asked-for",
        NoSuchKey { person: String } => Missing "no-such-key",
        NotAnApprover { person: String } => Refused "not-an-approver",
        KeyKnown { name: BoxName, person: String } => Refused "key-known-already",
        ApproverRequestUnknown { request: u64 } => Missing "approver-request-unknown",
        /// `what`: hub, second, lookup.
        NotAnAddress { what: &'static str, text: String } => Malformed "not-an-address",
        NoBoxToTell => Refused "no-box-to-tell",
        SecondForMove => Refused "second-for-move",
        SecondForNewLog => Refused "second-for-new-log",
    }
}
