//! Pure. The rows about people: owners, accounts, roles, and the own account of whoever asks.

use super::roles::{ACCOUNTS, ADMINISTER, OVERSEE};
use crate::model::operation::{
    About,
    Method::{Get, Post},
    Row, Second,
};

pub const OWNERS: Row = Row::new(
    "owner.list",
    Get,
    "/owners",
    "see which cameras are whose",
    OVERSEE,
)
.about(About::Whole);
pub const OWNER_ADD: Row = Row::new("owner.add", Post, "/owners", "add an owner", ADMINISTER)
    .about(About::Whole)
    .writes(&["owner.add"]);
pub const OWNER_ASSIGN: Row = Row::new(
    "owner.assign",
    Post,
    "/owners/{owner}/cameras",
    "say whose a camera is",
    ADMINISTER,
)
.about(About::Whole)
.writes(&["owner.set"]);

pub const STAFF: Row = Row::new(
    "staff.list",
    Get,
    "/staff",
    "see accounts and their roles",
    ACCOUNTS,
)
.about(About::Whole);
pub const STAFF_ADD: Row = Row::new("staff.add", Post, "/staff", "make an account", ADMINISTER)
    .about(About::Whole)
    .writes(&["op.add", "op.ask"]);
pub const STAFF_NAME: Row = Row::new(
    "staff.name",
    Post,
    "/staff/{name}/name",
    "write down an account's name for people",
    ADMINISTER,
)
.about(About::Whole)
.writes(&["op.name"]);
pub const STAFF_RESET: Row = Row::new(
    "staff.reset",
    Post,
    "/staff/{name}/reset",
    "give an account a one-time password",
    ADMINISTER,
)
.about(About::Whole)
.second(Second::Asks)
.writes(&["op.password", "op.ask"]);
pub const STAFF_RECOVER: Row = Row::new(
    "staff.recover",
    Post,
    "/staff/{name}/recover",
    "ask that an account begin anew, without its second factors",
    ADMINISTER,
)
.about(About::Whole)
.second(Second::Asks)
.writes(&["op.ask"]);
pub const STAFF_BREAK: Row = Row::new(
    "staff.break-glass",
    Post,
    "/break-glass",
    "make an administrator for some hours, because no two can sign in",
    &[],
)
.console()
.writes(&["op.add", "op.break"]);
pub const STAFF_CLOSE: Row = Row::new(
    "staff.close",
    Post,
    "/staff/{name}/close",
    "close an account",
    ADMINISTER,
)
.about(About::Whole)
.writes(&["op.close"]);
pub const STAFF_GRANT: Row = Row::new(
    "staff.grant",
    Post,
    "/staff/{name}/roles",
    "give a role",
    ADMINISTER,
)
.about(About::Whole)
.second(Second::Asks)
.writes(&["op.grant", "op.ask"]);
pub const STAFF_REVOKE: Row = Row::new(
    "staff.revoke",
    Post,
    "/roles/{grant}/revoke",
    "take a role away",
    ADMINISTER,
)
.about(About::Whole)
.writes(&["op.revoke"]);
pub const STAFF_WAITING: Row = Row::new(
    "staff.waiting",
    Get,
    "/approvals",
    "see what waits for a second administrator",
    ACCOUNTS,
)
.about(About::Whole);
pub const STAFF_APPROVE: Row = Row::new(
    "staff.approve",
    Post,
    "/approvals/{request}/approve",
    "approve what an administrator asked for",
    ADMINISTER,
)
.about(About::Whole)
.second(Second::Approves)
.writes(&["op.grant", "op.password", "op.unfactor"]);
pub const STAFF_WITHDRAW: Row = Row::new(
    "staff.withdraw",
    Post,
    "/approvals/{request}/withdraw",
    "withdraw what an administrator asked for",
    ADMINISTER,
)
.about(About::Whole)
.writes(&["op.drop"]);

pub const TOKENS: Row = Row::own(
    "token.list",
    Get,
    "/tokens",
    "see their own tokens, and who administers everybody's",
);
pub const TOKEN_ADD: Row =
    Row::own("token.add", Post, "/tokens", "make a token for a program").writes(&["op.token"]);
pub const TOKEN_REVOKE: Row = Row::own(
    "token.revoke",
    Post,
    "/tokens/{token}/revoke",
    "end their own tokens, and who administers everybody's",
)
.writes(&["op.untoken"]);
pub const SESSIONS: Row = Row::own(
    "session.list",
    Get,
    "/sessions",
    "see where they are signed in, and who administers where everybody is",
);
pub const SESSION_END: Row = Row::own(
    "session.end",
    Post,
    "/sessions/{name}/end",
    "sign out everywhere, and who administers anybody",
)
.writes(&["op.signout"]);
pub const STAFF_PASSWORD: Row = Row::own(
    "staff.password",
    Post,
    "/staff-password",
    "set their own password",
)
.writes(&["op.password"]);
pub const DECLARATION: Row = Row::own(
    "declaration.show",
    Get,
    "/declaration",
    "read the declaration",
);
pub const DECLARATION_ACCEPT: Row = Row::own(
    "declaration.accept",
    Post,
    "/declaration/accept",
    "accept the declaration",
)
.writes(&["op.accept"]);
pub const ACCEPTANCES: Row = Row::new(
    "staff.declarations",
    Get,
    "/declaration/accepted",
    "see who accepted which declaration, and when",
    ACCOUNTS,
)
.about(About::Whole);
pub const FACTORS: Row = Row::own(
    "factor.list",
    Get,
    "/factors",
    "see their own second factors",
);
pub const FACTOR_NEW: Row = Row::own(
    "factor.new",
    Get,
    "/factors/new",
    "get what a new second factor is made of",
);
pub const FACTOR_CODE: Row = Row::own(
    "factor.code",
    Post,
    "/factors/code",
    "have codes from a phone as a second factor",
)
.writes(&["op.factor"]);
pub const FACTOR_PASSKEY: Row = Row::own(
    "factor.passkey",
    Post,
    "/factors/passkey",
    "have a passkey as a second factor",
)
.writes(&["op.factor"]);
pub const FACTOR_REMOVE: Row = Row::own(
    "factor.remove",
    Post,
    "/factors/{factor}/remove",
    "take a second factor of theirs away",
)
.writes(&["op.unfactor"]);
