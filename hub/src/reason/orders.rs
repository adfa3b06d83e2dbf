//! Pure. Reasons why no order went to a box, or why it was not obeyed.

use shared::{
    id::{BoxCamera, BoxName},
    order::Refusal,
    passkey::PasskeyError,
};

use super::{Reason, reasons};
use crate::{error::HubError, requests::touch_state::State};

/// Letters of the reason in a line about an order that was not carried out.
const LONGEST_WHY: usize = 300;

/// Why an order was not obeyed, as a line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The box's, or the hub's own where the box refused nothing.
    pub code: String,
    /// A sentence of then, cut to what a line takes.
    pub why: String,
}

impl Failure {
    /// Of an act that came to nothing at the hub or at the box.
    pub fn of(why: &HubError) -> Self {
        match why {
            HubError::Because(reason) => {
                let code = match reason.as_ref() {
                    Reason::Orders(why) => why.cause(),
                    reason => reason.code(),
                };
                Self::new(code, &why.to_string())
            }
            // What broke is for the journal.
            _ => Self::new(why.code(), "the hub failed at it; its journal says why"),
        }
    }

    pub fn new(code: &str, why: &str) -> Self {
        Self {
            code: code.into(),
            why: why.chars().take(LONGEST_WHY).collect(),
        }
    }
}

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
