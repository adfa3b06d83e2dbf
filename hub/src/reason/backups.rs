//! Pure. Reasons about backups, and about records that are an older copy.

use super::table::reasons;

reasons! {
    Backups {
        FolderOdd => Malformed "backup-folder-odd",
        /// `why`: which disk, what is left, what is needed.
        NoRoomForCopy { why: String } => Refused "backup-no-room",
        NotBegun { backup: u64 } => Refused "backup-not-begun",
        NothingRolledBack => Refused "nothing-rolled-back",
        ReasonWanted => Malformed "settling-needs-reason",
        SettlingNotAsked => Refused "settling-not-asked",
    }
}
