//! Pure. The table of operations: who may, what it is about, what it needs, what it puts on the hub's log, where its door is.
//!
//! A new operation is a row here, an `impl Operation` in [`crate::ops`], its words, and its page if people see it. `docs/roles.md` is this
//! table in words, and a test compares them.

use crate::model::{
    operation::{
        About,
        Method::{Get, Post},
        Row, Second,
    },
    role::Role::{self, *},
};
use roles::{ADMINISTER, ALL_ROLES, DECIDE, END, FOOTAGE_ROLES, KEEP, OVERSEE};

mod backups;
mod clips;
mod exhibits;
mod keys;
mod machine;
mod people;
pub mod roles;

pub use backups::*;
pub use clips::*;
pub use exhibits::*;
pub use keys::*;
pub use machine::*;
pub use people::*;

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
pub const PUBLISHED: Row = Row::new(
    "published.show",
    Get,
    "/published",
    "see what the scheme publishes so that anybody can check its evidence",
    ALL_ROLES,
)
.console();
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

pub const BOX_LINE: Row = Row::new(
    "box.line",
    Post,
    "/boxes/{name}/line",
    "say how much of a box's line clips may use, and when",
    KEEP,
)
.about(About::Box)
.writes(&["box.line"]);

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
pub const EXHIBIT_DOCUMENT: Row = Row::new(
    "exhibit.document",
    Get,
    "/exhibits/{exhibit}/documents/{paper}",
    "have a continuity sheet, a label, a release form or a receipt of an exhibit made",
    FOOTAGE_ROLES,
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
.writes(&["op.drop"]);

pub const LOG_READ: Row = Row::new("log.read", Post, "/logs/{log}/read", "read a log", OVERSEE)
    .about(About::Log)
    .writes(&["log.read"]);

/// Read what people did, with the purposes and references they gave.
const AUDIT: &[Role] = &[Supervisor, Coordinator, Approver, Auditor, Inspector];
pub const LOG_SHOW: Row = Row::new(
    "log.show",
    Post,
    "/log/show",
    "search the log of staff acts",
    AUDIT,
)
.about(About::Whole)
.writes(&["log.read"]);
pub const LOG_SAMPLE: Row = Row::new(
    "log.sample",
    Post,
    "/log/sample",
    "draw a month's sample of staff acts",
    AUDIT,
)
.about(About::Whole)
.writes(&["log.read"]);
pub const LOG_REVIEW: Row = Row::new(
    "log.review",
    Post,
    "/log/review",
    "say what a month's sample showed",
    &[Supervisor, Coordinator, Approver, Auditor],
)
.about(About::Whole)
.writes(&["log.review"]);

/// Every operation.
pub const ALL: &[&Row] = &[
    &BOXES,
    &PUBLISHED,
    &BOX,
    &BOX_ADD,
    &BOX_REVOKE,
    &BOX_SUCCEED,
    &BOX_SWEEP,
    &BOX_LINE,
    &HUB_STATUS,
    &BACKUPS,
    &BACKUP_BEGIN,
    &BACKUP_END,
    &ROLLBACK,
    &ROLLBACK_ASK,
    &ROLLBACK_APPROVE,
    &OUTSIDE,
    &OUTSIDE_ANCHOR,
    &MOVES,
    &MOVE,
    &FOOTAGE,
    &FOOTAGE_RECENT,
    &RATE,
    &RETENTION,
    &RETENTION_CAMERA,
    &CLIPS,
    &CLIP,
    &CLIP_PULL,
    &CLIP_FORECAST,
    &CLIP_WATCH,
    &CLIP_PAUSE,
    &CLIP_RESUME,
    &CLIP_VIEW,
    &LOOK,
    &LOOK_SHOW,
    &LOOK_FILM,
    &CLIP_SAVE,
    &REQUESTS,
    &REQUEST,
    &REQUEST_WATCH,
    &REQUEST_OPEN,
    &REQUEST_CHANGE,
    &REQUEST_SUBMIT,
    &REQUEST_AUTHORISE,
    &REQUEST_REFUSE,
    &REQUEST_CANCEL,
    &REQUEST_RELEASE,
    &REQUEST_CLOSE,
    &REQUEST_NOTICE,
    &EVIDENCE,
    &EVIDENCE_FAULTS,
    &EVIDENCE_CLASS,
    &EVIDENCE_DISPOSE,
    &EVIDENCE_APPROVE,
    &EVIDENCE_CERTIFICATE,
    &EXHIBIT_DOCUMENT,
    &EXHIBIT,
    &EXHIBIT_RELEASE,
    &EXHIBIT_MARK,
    &EXHIBIT_COPY,
    &EXHIBIT_HAND,
    &EXHIBIT_RECEIPT,
    &EXHIBIT_RETURN,
    &EXHIBIT_DESTROY,
    &EXHIBIT_MEDIA,
    &EXHIBIT_STILL,
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
    &TOUCHES,
    &TOUCH,
    &TOUCH_CALL_OFF,
    &APPROVERS,
    &APPROVER_ASK,
    &APPROVER_APPROVE,
    &APPROVER_WITHDRAW,
    &LOG_READ,
    &LOG_SHOW,
    &LOG_SAMPLE,
    &LOG_REVIEW,
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
