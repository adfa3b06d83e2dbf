//! Pure. Reasons why no order went to a box, or why it was not obeyed.

use shared::{
    id::{BoxCamera, BoxName},
    order::Refusal,
};

use super::reasons;

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
