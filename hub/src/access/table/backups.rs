//! Pure. Rows about backups, and about records that are an older copy.

use super::roles::{ADMINISTER, OVERSEE};
use crate::model::operation::{
    About,
    Method::{Get, Post},
    Row, Second,
};

pub const BACKUPS: Row = Row::new(
    "backup.list",
    Get,
    "/backups",
    "see which backups were made",
    OVERSEE,
)
.about(About::Whole)
.console();
pub const BACKUP_BEGIN: Row = Row::new(
    "backup.begin",
    Post,
    "/backups",
    "begin a backup of the hub",
    ADMINISTER,
)
.about(About::Whole)
.console()
.writes(&["backup.begin"]);
pub const BACKUP_END: Row = Row::new(
    "backup.end",
    Post,
    "/backups/{backup}/end",
    "end a backup of the hub",
    ADMINISTER,
)
.about(About::Whole)
.console()
.writes(&["backup.end"]);
pub const ROLLBACK: Row = Row::new(
    "rollback.show",
    Get,
    "/rollback",
    "see whether the hub was put back from an older copy",
    OVERSEE,
)
.about(About::Whole)
.console();
pub const ROLLBACK_ASK: Row = Row::new(
    "rollback.ask",
    Post,
    "/rollback/ask",
    "ask that what the hub forgot be taken for settled",
    ADMINISTER,
)
.about(About::Whole)
.second(Second::Asks)
.writes(&["rollback.ask"]);
pub const ROLLBACK_APPROVE: Row = Row::new(
    "rollback.approve",
    Post,
    "/rollback/approve",
    "approve that what the hub forgot is settled",
    ADMINISTER,
)
.about(About::Whole)
.second(Second::Approves)
.writes(&["rollback.settle"]);
