//! Pure. Reasons about what is kept as evidence, and its disposal.

use std::path::PathBuf;

use shared::{id::ExhibitRef, time::Day};

use super::{pulls::DisposalNote, table::reasons};
use crate::model::pull::State;

reasons! {
    Evidence {
        ClassNeedsReview => Malformed "class-needs-review",
        ClassHasItsPeriod { class: String } => Malformed "class-has-its-period",
        ClassUnknown { class: String } => Malformed "class-unknown",
        ReviewPassed { review: Day } => Refused "review-passed",
        ReviewTooFar { days: u32, last: Day } => Refused "review-too-far",
        /// `why`: who had a part in its end, and when.
        Disposed { exhibit: ExhibitRef, note: DisposalNote } => Refused "exhibit-disposed",
        StillPulled { exhibit: ExhibitRef, state: State } => Refused "exhibit-still-pulled",
        NothingGiven { exhibit: ExhibitRef, state: State, days: u32 } => Refused "request-gave-no-exhibit",
        /// `class`: in words.
        KeptSoAlready { exhibit: ExhibitRef, class: String } => Refused "kept-so-already",
        /// `by`: what wants the same footage.
        WantedElsewhere { exhibit: ExhibitRef, by: String } => Refused "wanted-elsewhere",
        DisposalAsked { exhibit: ExhibitRef, by: String } => Refused "disposal-asked",
        DisposalNotAsked { exhibit: ExhibitRef } => Refused "disposal-not-asked",
        DisposalBegun { exhibit: ExhibitRef } => Refused "disposal-begun",
        /// It is on the log and goes on by itself.
        DisposalIncomplete { exhibit: ExhibitRef, why: String } => Refused "disposal-incomplete",
        NotDisposed { exhibit: ExhibitRef, state: State } => Refused "exhibit-not-disposed",
        NoCertificateYet { exhibit: ExhibitRef } => Refused "no-certificate-yet",

        PackageNotThere { exhibit: ExhibitRef, package: String } => Refused "package-not-there",
        OtherFolder { folder: PathBuf } => Refused "other-folder",
        /// `first`: what the first of them says; `more`: how many besides.
        NotRemoved { first: String, more: usize } => Refused "files-not-removed",
        StillThere { count: usize, named: Vec<String> } => Refused "files-still-there",
        KeyStillOpens { keys: PathBuf } => Refused "key-still-opens",
    }
}
