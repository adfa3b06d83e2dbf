//! Pure. Reasons why no order went to a box, or why it was not obeyed.

use shared::{
    id::{BoxCamera, BoxName},
    order::Refusal,
};

use super::reasons;

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
    pub fn new(code: &str, why: &str) -> Self {
        Self {
            code: code.into(),
            why: why.chars().take(LONGEST_WHY).collect(),
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
        SecondForNewLog => Refused "second-for-new-log",
    }
}
