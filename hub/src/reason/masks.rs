//! Pure. Reasons about masks, their reviews and lifts.

use shared::id::{BoxCamera, BoxName, ExhibitRef};

use super::table::reasons;
use crate::model::{local_time::LocalTime, pull};

reasons! {
    Masks {
        NotSaidYet { name: BoxName } => Refused "masks-not-said-yet",
        AuthorityWanted => Refused "lift-authority-wanted",
        NothingToLift { camera: BoxCamera } => Refused "no-mask-to-lift",
        InTheCamera { camera: BoxCamera, mask: String } => Refused "mask-in-the-camera",
        /// `wrong`: all that is.
        Unusable { wrong: Vec<String> } => Refused "mask-unusable",
        SameVersion { mask: String } => Refused "mask-same-version",
        SubstituteInTheCamera { mask: String } => Refused "substitute-in-the-camera",
        SubstituteHidesTheSame { mask: String, before: String } => Refused "substitute-hides-the-same",
        EndWanted => Refused "lift-end-wanted",
        EndPassed { until: LocalTime, now: LocalTime } => Refused "lift-end-passed",
        EndTooFar { hours: u32 } => Refused "lift-end-too-far",
        LiftUnknown { request: u64 } => Missing "lift-unknown",
        /// Of the picture, in thousandths.
        CoversLess { camera: BoxCamera, mask: String, permille: u64, before: String, covered: u64 } => Refused "mask-covers-less",

        NothingToReview { camera: BoxCamera } => Refused "no-mask-to-review",
        LiftedNow { camera: BoxCamera, until: LocalTime } => Refused "mask-lifted-now",
        ReviewExhibitUnknown { exhibit: ExhibitRef, camera: BoxCamera } => Missing "review-exhibit-unknown",
        OtherCamera { exhibit: ExhibitRef, of: BoxCamera, camera: BoxCamera } => Refused "exhibit-of-other-camera",
        ShowsNothing { exhibit: ExhibitRef, state: pull::State } => Refused "exhibit-shows-nothing",
        OtherMask { exhibit: ExhibitRef, camera: BoxCamera, mask: String } => Refused "exhibit-of-other-mask",
    }
}
