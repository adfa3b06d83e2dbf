//! Pure. Rows about the hub itself: where boxes find it, and how it is.

use super::roles::{ADMINISTER, OVERSEE};
use crate::model::operation::{
    About,
    Method::{Get, Post},
    Row, Second,
};

pub const HUB_STATUS: Row = Row::new(
    "hub.status",
    Get,
    "/status",
    "see how the hub itself is",
    OVERSEE,
)
.about(About::Whole)
.console();
pub const OUTSIDE: Row = Row::new(
    "outside.list",
    Get,
    "/outside",
    "see who outside the scheme stamps and attests the hub's log",
    OVERSEE,
)
.about(About::Whole)
.console();
pub const OUTSIDE_ANCHOR: Row = Row::new(
    "outside.anchor",
    Post,
    "/outside/anchor",
    "have the hub's log stamped and attested from outside at once",
    ADMINISTER,
)
.about(About::Whole)
.writes(&["hub.anchor", "hub.witness", "exp.stamp"]);
pub const MOVES: Row = Row::new(
    "move.list",
    Get,
    "/moves",
    "see which boxes know where the hub will be",
    OVERSEE,
)
.about(About::Whole)
.console();
pub const MOVE: Row = Row::new(
    "move.order",
    Post,
    "/moves",
    "tell boxes where the hub will be",
    ADMINISTER,
)
.about(About::Whole)
.second(Second::Both)
.writes(&["move.order"]);
