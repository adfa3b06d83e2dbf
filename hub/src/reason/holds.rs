//! Pure. Reasons about holds.

use shared::{
    id::{BoxName, ExhibitRef, HoldId},
    time::Day,
};

use super::table::reasons;
use crate::model::{local_time::LocalTime, pull};

reasons! {
    Holds {
        Unknown { hold: HoldId } => Missing "hold-unknown",
        UntilOrDays => Refused "hold-until-or-days",
        EndPassed { until: LocalTime } => Refused "hold-end-passed",
        EndTooFar { days: u32 } => Refused "hold-end-too-far",
        /// `last`: the day of the hold's end.
        ReviewOutside { review: Day, last: Day } => Refused "hold-review-outside",
        LastsAlready { hold: HoldId, until: LocalTime } => Refused "hold-lasts-already",
        BeingReleased { hold: HoldId } => Refused "hold-being-released",
        Over { hold: HoldId } => Refused "hold-over",
        /// `why`: what its box said.
        RefusedByBox { hold: HoldId, name: BoxName, why: String } => Refused "hold-refused-by-box",
        ClipStillPulled { hold: HoldId, exhibit: ExhibitRef, state: pull::State } => Refused "hold-clip-still-pulled",
        ReleaseAsked { hold: HoldId, by: String } => Refused "hold-release-asked",
        ReleaseNotAsked { hold: HoldId } => Refused "hold-release-not-asked",
    }
}
