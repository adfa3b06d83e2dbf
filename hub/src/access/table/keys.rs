//! Pure. Rows about orders that people approve with their own passkeys, and about whose passkeys count at boxes.

use super::roles::{DECIDE, KEEP};
use crate::model::operation::{
    About,
    Method::{Get, Post},
    Row, Second,
};

pub const TOUCHES: Row = Row::new(
    "touch.list",
    Get,
    "/touches",
    "see which orders wait for their own passkey",
    DECIDE,
);
pub const TOUCH: Row = Row::new(
    "touch.give",
    Post,
    "/touches/{order}",
    "approve an order with their own passkey",
    DECIDE,
)
.about(About::Order)
.writes(&["order.touch"]);
pub const TOUCH_CALL_OFF: Row = Row::new(
    "touch.call-off",
    Post,
    "/touches/{order}/call-off",
    "call off an order that waits for passkeys",
    DECIDE,
)
.about(About::Order)
.writes(&["order.fail"]);
pub const APPROVERS: Row = Row::new(
    "approver.list",
    Get,
    "/approvers",
    "see whose passkeys count at boxes",
    KEEP,
)
.about(About::Whole);
pub const APPROVER_ASK: Row = Row::new(
    "approver.ask",
    Post,
    "/boxes/{box}/approvers",
    "ask that a passkey count at a box, or count no more",
    DECIDE,
)
.about(About::Box)
.second(Second::Asks)
.writes(&["approver.ask"]);
pub const APPROVER_APPROVE: Row = Row::new(
    "approver.approve",
    Post,
    "/approvers/{request}/approve",
    "approve that a passkey count at a box, or count no more",
    DECIDE,
)
.about(About::Box)
.second(Second::Approves)
.writes(&["approver.order"]);
pub const APPROVER_WITHDRAW: Row = Row::new(
    "approver.withdraw",
    Post,
    "/approvers/{request}/withdraw",
    "withdraw such a request",
    DECIDE,
)
.about(About::Box)
.writes(&["op.drop"]);
