//! Pure. Reasons about the register of an exhibit: its copies, hand-overs, what media may have, stills.

use shared::id::ExhibitRef;

use super::table::reasons;
use crate::model::{copy::CopyState, local_time::LocalTime, rank::Rank, requester::RequesterClass};

reasons! {
    Register {
        /// Its number in the list of copies.
        CopyUnknown { exhibit: ExhibitRef, copy: u64 } => Missing "copy-unknown",
        /// `line`: of the hub's log. Nobody began that save, or it was ended already.
        SaveUnknown { exhibit: ExhibitRef, line: u64 } => Refused "save-unknown",
        /// Somebody else began it.
        SaveOfAnother { line: u64, by: String } => Refused "save-of-another",
        /// What was saved is not the package of this exhibit.
        OtherPackage { exhibit: ExhibitRef } => Refused "other-package",
        /// One that is here or out is a master already.
        MasterThere { exhibit: ExhibitRef, copy: u64 } => Refused "master-there",
        NoMaster { exhibit: ExhibitRef, copy: u64 } => Refused "no-master",
        CopyOut { exhibit: ExhibitRef, copy: u64 } => Refused "copy-out",
        CopyNotOut { exhibit: ExhibitRef, copy: u64, state: CopyState } => Refused "copy-not-out",
        CopyGone { exhibit: ExhibitRef, copy: u64 } => Refused "copy-gone",
        ReceiptThere { exhibit: ExhibitRef, copy: u64 } => Refused "receipt-there",
        /// `name`: what whoever signs is called here.
        NotSignedAs { name: String } => Refused "not-signed-as",
        SecondFactorWanted { name: String } => Refused "second-factor-wanted",
        MarkMalformed { most: usize } => Malformed "mark-malformed",
        HashMalformed => Malformed "hash-malformed",
        WordUnknown { field: String, word: String, known: String } => Malformed "word-unknown",
        /// No document says yet what media may do with it.
        MediaNotAllowed { exhibit: ExhibitRef } => Refused "media-not-allowed",
        /// Whoever authorised it does not hand it over too.
        MediaAuthoriser { name: String } => Refused "media-authoriser",
        /// Its request is of a class that is not media.
        NotForMedia { exhibit: ExhibitRef, class: RequesterClass } => Refused "not-for-media",

        RankUnknown { rank: String } => Malformed "rank-unknown",
        RankTooLow { rank: Rank } => Refused "rank-too-low",
        /// What the footage of the exhibit covers.
        NoPictureThen { exhibit: ExhibitRef, at: LocalTime, from: LocalTime, to: LocalTime } => Refused "no-picture-then",
        /// Its masters have a hole there.
        PictureInGap { exhibit: ExhibitRef, at: LocalTime } => Refused "picture-in-gap",
        StillOfStill { exhibit: ExhibitRef } => Refused "still-of-still",
        NoPictureProgram { path: String, why: String } => Refused "no-picture-program",
        PictureNotMade { exhibit: ExhibitRef, why: String } => Refused "picture-not-made",
        SegmentUnreadable { exhibit: ExhibitRef, file: String, why: String } => Refused "segment-unreadable",
    }
}
