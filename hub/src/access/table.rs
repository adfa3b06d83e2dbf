//! Pure. The table of operations: who may, what it is about, what it needs, what it puts on the hub's log, where its door is.
//!
//! A new operation is a row here, an `impl Operation` in [`crate::ops`], its words, and its page if people see it. `docs/roles.md` is this
//! table in words, and a test compares them.

use super::role::Role::{self, *};
pub use super::row::{About, Method, Row, Second};

/// Everybody with an account: nothing here is about people or pictures.
const ALL_ROLES: &[Role] = &Role::ALL;
/// Work with footage.
const FOOTAGE_ROLES: &[Role] = &[Operator, Supervisor, Coordinator, Approver];
/// Decide about what others are bound by.
const DECIDE: &[Role] = &[Supervisor, Coordinator, Approver];
/// Keep the scheme's boxes in order.
const KEEP: &[Role] = &[Supervisor, Coordinator, Approver, Administrator];
/// May end what shows more than usual: whoever can see that it is not needed any more.
const END: &[Role] = &[Operator, Supervisor, Coordinator, Approver, Administrator];
/// Look at how the scheme keeps its rules.
const OVERSEE: &[Role] = &[
    Supervisor,
    Coordinator,
    Approver,
    Auditor,
    Inspector,
    Administrator,
];
/// See who has which role.
const ACCOUNTS: &[Role] = &[Coordinator, Auditor, Inspector, Administrator];
/// Keep accounts.
pub const ADMINISTER: &[Role] = &[Coordinator, Administrator];
/// Whoever decides over what takes two people, of footage or of accounts: two administrators give and restore these.
pub const WEIGHTY: &[Role] = &[Supervisor, Coordinator, Approver, Administrator];

use Method::{Get, Post};

pub const BOXES: Row = Row::new(
    "box.list",
    Get,
    "/boxes",
    "see boxes and cameras and how they are",
    ALL_ROLES,
)
.console();
pub const BOX: Row = Row::new(
    "box.show",
    Get,
    "/boxes/{name}",
    "see a box and its cameras and how they are",
    ALL_ROLES,
)
.console()
.about(About::Box);
pub const BOX_ADD: Row = Row::new("box.add", Post, "/boxes", "register a box", ADMINISTER)
    .about(About::Box)
    .writes(&["box.add"]);
pub const BOX_REVOKE: Row = Row::new(
    "box.revoke",
    Post,
    "/boxes/{name}/revoke",
    "refuse a box from now on",
    ADMINISTER,
)
.about(About::Box)
.writes(&["box.revoke"]);
pub const BOX_SUCCEED: Row = Row::new(
    "box.succeed",
    Post,
    "/boxes/{name}/succeed",
    "have a box begin a new log",
    DECIDE,
)
.about(About::Box)
.second(Second::Both)
.writes(&["log.order"]);
pub const BOX_SWEEP: Row = Row::new(
    "box.sweep",
    Post,
    "/boxes/{name}/sweep",
    "confirm that a box may delete all that is past its day",
    KEEP,
)
.about(About::Box)
.writes(&["sweep.order"]);

pub const FOOTAGE: Row = Row::new(
    "footage.list",
    Get,
    "/cameras/{box}/{cam}/footage",
    "see what footage there is",
    FOOTAGE_ROLES,
)
.about(About::Camera);
pub const FOOTAGE_RECENT: Row = Row::new(
    "footage.recent",
    Get,
    "/footage",
    "see the last days of footage of all their cameras",
    FOOTAGE_ROLES,
);
pub const RATE: Row = Row::new(
    "rate.set",
    Post,
    "/cameras/{box}/{cam}/rate",
    "have a camera in time-lapse record in real time",
    END,
)
.about(About::Camera)
.writes(&["rate.order"]);

pub const RETENTION: Row = Row::new(
    "retention.report",
    Get,
    "/retention",
    "see how footage is kept against what was promised",
    ALL_ROLES,
)
.console();
pub const RETENTION_CAMERA: Row = Row::new(
    "retention.camera",
    Get,
    "/retention/{box}/{cam}",
    "see one camera's days and their certificates",
    ALL_ROLES,
)
.console()
.about(About::Camera);

pub const CLIPS: Row = Row::new(
    "clip.list",
    Get,
    "/clips",
    "see which clips were pulled, or anything of them",
    FOOTAGE_ROLES,
);
pub const CLIP: Row = Row::new(
    "clip.show",
    Get,
    "/clips/{exhibit}",
    "see anything of a clip that was pulled",
    FOOTAGE_ROLES,
)
.about(About::Exhibit);
pub const CLIP_PULL: Row = Row::new("clip.pull", Post, "/clips", "pull a clip", FOOTAGE_ROLES)
    .about(About::Camera)
    .purpose()
    .writes(&["grant.set", "hold.ask", "copy.class"]);
pub const CLIP_WATCH: Row = Row::new(
    "clip.watch",
    Get,
    "/clips/{exhibit}/events",
    "follow the pull of a clip",
    FOOTAGE_ROLES,
)
.about(About::Exhibit);
pub const CLIP_VIEW: Row = Row::new(
    "clip.view",
    Post,
    "/clips/{exhibit}/view",
    "watch a clip",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.purpose()
.writes(&["acc.view"]);
pub const CLIP_SAVE: Row = Row::new(
    "clip.save",
    Post,
    "/clips/{exhibit}/save",
    "save a package",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.purpose()
.writes(&["copy.save"]);

pub const EVIDENCE: Row = Row::new(
    "evidence.list",
    Get,
    "/evidence",
    "see what is kept as evidence, and for how long",
    &[
        Operator,
        Supervisor,
        Coordinator,
        Approver,
        Auditor,
        Inspector,
    ],
);
pub const EVIDENCE_FAULTS: Row = Row::new(
    "evidence.faults",
    Get,
    "/evidence/faults",
    "see what of the evidence has to be looked at",
    EVIDENCE.roles,
);
pub const EVIDENCE_CLASS: Row = Row::new(
    "evidence.class",
    Post,
    "/evidence/{exhibit}/class",
    "say how long evidence is kept",
    DECIDE,
)
.about(About::Exhibit)
.writes(&["copy.class"]);
pub const EVIDENCE_DISPOSE: Row = Row::new(
    "evidence.dispose",
    Post,
    "/evidence/{exhibit}/dispose",
    "dispose of evidence",
    DECIDE,
)
.about(About::Exhibit)
.second(Second::Asks)
.writes(&["copy.drop", "copy.dispose", "copy.gone"]);
pub const EVIDENCE_APPROVE: Row = Row::new(
    "evidence.approve",
    Post,
    "/evidence/{exhibit}/approve",
    "approve that evidence be disposed of",
    DECIDE,
)
.about(About::Exhibit)
.second(Second::Approves)
.writes(&["copy.dispose", "copy.gone"]);
pub const EVIDENCE_CERTIFICATE: Row = Row::new(
    "evidence.certificate",
    Get,
    "/evidence/{exhibit}/certificate",
    "read the certificate of a disposal",
    EVIDENCE.roles,
)
.about(About::Exhibit);

pub const HOLDS: Row = Row::new(
    "hold.list",
    Get,
    "/holds",
    "see held footage",
    FOOTAGE_ROLES,
);
pub const HOLD: Row = Row::new(
    "hold.show",
    Get,
    "/holds/{hold}",
    "see held footage",
    FOOTAGE_ROLES,
)
.about(About::Hold);
pub const HOLD_ADD: Row = Row::new("hold.add", Post, "/holds", "place a hold", FOOTAGE_ROLES)
    .about(About::Camera)
    .writes(&["hold.ask"]);
pub const HOLD_EXTEND: Row = Row::new(
    "hold.extend",
    Post,
    "/holds/{hold}/extend",
    "extend a hold",
    FOOTAGE_ROLES,
)
.about(About::Hold)
.writes(&["hold.extend"]);
pub const HOLD_RELEASE: Row = Row::new(
    "hold.release",
    Post,
    "/holds/{hold}/release",
    "ask that a hold be released",
    DECIDE,
)
.about(About::Hold)
.second(Second::Asks)
.writes(&["hold.drop"]);
pub const HOLD_APPROVE: Row = Row::new(
    "hold.approve",
    Post,
    "/holds/{hold}/approve",
    "approve that a hold be released",
    DECIDE,
)
.about(About::Hold)
.second(Second::Approves)
.writes(&["hold.free"]);

pub const MASKS: Row = Row::new(
    "mask.list",
    Get,
    "/masks",
    "see every camera's mask and its review",
    ALL_ROLES,
)
.console();
pub const MASK: Row = Row::new(
    "mask.show",
    Get,
    "/cameras/{box}/{cam}/mask",
    "see a camera's mask",
    ALL_ROLES,
)
.console()
.about(About::Camera);
pub const MASK_SET: Row = Row::new(
    "mask.set",
    Post,
    "/cameras/{box}/{cam}/mask",
    "set a mask",
    KEEP,
)
.about(About::Camera)
.writes(&["mask.order"]);
pub const MASK_REVIEW: Row = Row::new(
    "mask.review",
    Post,
    "/cameras/{box}/{cam}/mask/review",
    "review a mask",
    DECIDE,
)
.about(About::Camera)
.writes(&["mask.order", "copy.class"]);
pub const MASK_END: Row = Row::new(
    "mask.end",
    Post,
    "/cameras/{box}/{cam}/mask/end",
    "end a lift",
    END,
)
.about(About::Camera)
.writes(&["mask.order"]);
pub const LIFTS: Row = Row::new(
    "lift.list",
    Get,
    "/lifts",
    "see which lifts of masks are asked for",
    DECIDE,
);
pub const LIFT_ASK: Row = Row::new(
    "lift.ask",
    Post,
    "/lifts",
    "ask that a mask be lifted",
    DECIDE,
)
.about(About::Camera)
.second(Second::Asks)
.writes(&["lift.ask"]);
pub const LIFT_APPROVE: Row = Row::new(
    "lift.approve",
    Post,
    "/lifts/{request}/approve",
    "approve that a mask be lifted",
    DECIDE,
)
.about(About::Lift)
.second(Second::Approves)
.writes(&["mask.order"]);
pub const LIFT_WITHDRAW: Row = Row::new(
    "lift.withdraw",
    Post,
    "/lifts/{request}/withdraw",
    "withdraw a request",
    DECIDE,
)
.about(About::Lift)
.writes(&["lift.drop"]);

pub const LOG_READ: Row = Row::new("log.read", Post, "/logs/{log}/read", "read a log", OVERSEE)
    .about(About::Log)
    .writes(&["log.read"]);

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

/// Every operation.
pub const ALL: &[&Row] = &[
    &BOXES,
    &BOX,
    &BOX_ADD,
    &BOX_REVOKE,
    &BOX_SUCCEED,
    &BOX_SWEEP,
    &FOOTAGE,
    &FOOTAGE_RECENT,
    &RATE,
    &RETENTION,
    &RETENTION_CAMERA,
    &CLIPS,
    &CLIP,
    &CLIP_PULL,
    &CLIP_WATCH,
    &CLIP_VIEW,
    &CLIP_SAVE,
    &EVIDENCE,
    &EVIDENCE_FAULTS,
    &EVIDENCE_CLASS,
    &EVIDENCE_DISPOSE,
    &EVIDENCE_APPROVE,
    &EVIDENCE_CERTIFICATE,
    &HOLDS,
    &HOLD,
    &HOLD_ADD,
    &HOLD_EXTEND,
    &HOLD_RELEASE,
    &HOLD_APPROVE,
    &MASKS,
    &MASK,
    &MASK_SET,
    &MASK_REVIEW,
    &MASK_END,
    &LIFTS,
    &LIFT_ASK,
    &LIFT_APPROVE,
    &LIFT_WITHDRAW,
    &LOG_READ,
    &OWNERS,
    &OWNER_ADD,
    &OWNER_ASSIGN,
    &STAFF,
    &STAFF_ADD,
    &STAFF_NAME,
    &STAFF_RESET,
    &STAFF_RECOVER,
    &STAFF_BREAK,
    &STAFF_GRANT,
    &STAFF_REVOKE,
    &STAFF_WAITING,
    &STAFF_APPROVE,
    &STAFF_WITHDRAW,
    &STAFF_CLOSE,
    &TOKENS,
    &TOKEN_ADD,
    &TOKEN_REVOKE,
    &SESSIONS,
    &SESSION_END,
    &STAFF_PASSWORD,
    &DECLARATION,
    &DECLARATION_ACCEPT,
    &ACCEPTANCES,
    &FACTORS,
    &FACTOR_NEW,
    &FACTOR_CODE,
    &FACTOR_PASSKEY,
    &FACTOR_REMOVE,
];
