//! Pure. Rows of the table of operations: the register of an exhibit.

use super::{
    EVIDENCE,
    roles::{DECIDE, FOOTAGE_ROLES},
};
use crate::model::operation::{
    About,
    Method::{Get, Post},
    Row,
};

pub const EXHIBIT: Row = Row::new(
    "exhibit.show",
    Get,
    "/exhibits/{exhibit}",
    "see the register of an exhibit: its copies, in whose hands they are, and all that happened to it",
    EVIDENCE.roles,
)
.about(About::Exhibit);
pub const EXHIBIT_RELEASE: Row = Row::new(
    "exhibit.release",
    Get,
    "/exhibits/{exhibit}/copies/{copy}/release",
    "see the release form of a copy, and the receipt for it",
    EVIDENCE.roles,
)
.about(About::Exhibit);
pub const EXHIBIT_MARK: Row = Row::new(
    "exhibit.mark",
    Post,
    "/exhibits/{exhibit}/mark",
    "give an exhibit its producer's reference",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["reg.mark"]);
pub const EXHIBIT_COPY: Row = Row::new(
    "exhibit.copy",
    Post,
    "/exhibits/{exhibit}/copies",
    "register a copy of an exhibit that they saved, or say that the save came to nothing",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["reg.copy", "act.fail"]);
pub const EXHIBIT_HAND: Row = Row::new(
    "exhibit.hand",
    Post,
    "/exhibits/{exhibit}/hand",
    "hand a copy of an exhibit over, signed with name and second factor",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["reg.hand"]);
pub const EXHIBIT_RECEIPT: Row = Row::new(
    "exhibit.receipt",
    Post,
    "/exhibits/{exhibit}/receipt",
    "put on record that a copy was signed for",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["reg.receipt"]);
pub const EXHIBIT_RETURN: Row = Row::new(
    "exhibit.return",
    Post,
    "/exhibits/{exhibit}/return",
    "put on record that a copy came back",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["reg.return"]);
pub const EXHIBIT_DESTROY: Row = Row::new(
    "exhibit.destroy",
    Post,
    "/exhibits/{exhibit}/destroy",
    "put on record that a copy was destroyed",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["reg.end"]);
pub const EXHIBIT_MEDIA: Row = Row::new(
    "exhibit.media",
    Post,
    "/exhibits/{exhibit}/media",
    "authorise what media may do with an exhibit, by a release document",
    DECIDE,
)
.about(About::Exhibit)
.writes(&["reg.media"]);
pub const EXHIBIT_STILL: Row = Row::new(
    "exhibit.still",
    Post,
    "/exhibits/{exhibit}/stills",
    "have a still picture made of an exhibit's film, which is an exhibit of its own",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["reg.still", "copy.class"]);
