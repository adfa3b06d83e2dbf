//! Wiring. Operations: everything that somebody can have the hub do, once each. Pages, commands and programs all come through
//! [`operation::perform`].
//!
//! An operation is a struct with what is asked, in the words of its JSON; its row in [`crate::access::table`] says who may; its `perform`
//! hands the [`Permit`](crate::access::authorise::Permit) on to the room that does it.
//!
//! | module | operations |
//! |---|---|
//! | [`operation`] | what an operation is, and how one is done for whoever may |
//! | [`boxes`] | boxes: list, add, revoke, a new log, a sweep |
//! | [`backups`] | backups, and records that are an older copy |
//! | [`machine`] | how the hub itself is |
//! | [`outside`] | who outside the scheme stamps and attests the hub's log |
//! | [`moves`] | where boxes find the hub |
//! | [`footage`] | footage, retention, recording rates |
//! | [`clips`] | clips: list, pull, follow, watch, save |
//! | [`looks`] | what is watched before it is checked, or not taken at all |
//! | [`requests`] | clip requests: open, submit, authorise, refuse, cancel, release, close |
//! | [`documents`] | the papers of exhibits and requests |
//! | [`evidence`] | what is kept as evidence, and its disposal |
//! | [`exhibits`] | the register of an exhibit: its reference, copies and hand-overs |
//! | [`holds`] | footage kept beyond its day |
//! | [`masks`] | masks, their reviews and lifts |
//! | [`owners`] | owners of cameras |
//! | [`staff`], [`roles`] | accounts, and reading the logs; roles, and what a second administrator approves |
//! | [`log`] | the log of staff acts: search, sample, review |
//! | [`own`] | the own account: sessions, the declaration, second factors |
//! | [`tokens`] | tokens for programs |
//! | [`sight`] | what of a list is for whoever asks |

use crate::{access::table, model::operation::Row};
use operation::{Filmed, Followed, Listed, Operation};

pub mod backups;
pub mod boxes;
pub mod clips;
pub mod documents;
pub mod evidence;
pub mod exhibits;
pub mod footage;
pub mod holds;
pub mod log;
pub mod looks;
pub mod machine;
pub mod masks;
mod moment;
pub mod moves;
pub mod operation;
pub mod outside;
pub mod own;
pub mod owners;
pub mod published;
pub mod requests;
pub mod roles;
pub mod sight;
pub mod staff;
pub mod tokens;
pub mod touches;

#[cfg(test)]
pub mod asked;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod work_tests;

/// Every operation with its row.
macro_rules! operations {
    (
        asked { $($row:ident => $op:path),* $(,)? }
        followed { $($frow:ident => $fop:path),* $(,)? }
        filmed { $($srow:ident => $sop:path),* $(,)? }
    ) => {
        $(impl Listed for $op { const ROW: &'static Row = &table::$row; })*
        $(impl Listed for $fop { const ROW: &'static Row = &table::$frow; })*
        $(impl Listed for $sop { const ROW: &'static Row = &table::$srow; })*

        /// Hands every operation to a visitor, one by one.
        pub fn visit(visitor: &mut impl Visitor) {
            $(visitor.asked::<$op>();)*
            $(visitor.followed::<$fop>();)*
            $(visitor.filmed::<$sop>();)*
        }
    };
}

/// Does something with every operation: makes a route of it, a line of a document.
pub trait Visitor {
    fn asked<O: Operation>(&mut self);
    fn followed<O: Followed>(&mut self);
    fn filmed<O: Filmed>(&mut self);
}

operations! {
    asked {
        BOXES => boxes::List,
        PUBLISHED => published::Show,
        BOX => boxes::Show,
        BOX_ADD => boxes::Add,
        BOX_REVOKE => boxes::Revoke,
        BOX_SUCCEED => boxes::Succeed,
        BOX_SWEEP => boxes::Sweep,
        BOX_LINE => boxes::Line,
        HUB_STATUS => machine::Status,
        BACKUPS => backups::List,
        BACKUP_BEGIN => backups::Begin,
        BACKUP_END => backups::End,
        ROLLBACK => backups::Rollback,
        ROLLBACK_ASK => backups::Ask,
        ROLLBACK_APPROVE => backups::Approve,
        OUTSIDE => outside::List,
        OUTSIDE_ANCHOR => outside::Anchor,
        MOVES => moves::List,
        MOVE => moves::Ask,
        FOOTAGE => footage::List,
        FOOTAGE_RECENT => footage::Recent,
        RATE => footage::Rate,
        RETENTION => footage::Retention,
        RETENTION_CAMERA => footage::RetentionOfCamera,
        CLIPS => clips::List,
        CLIP => clips::Show,
        CLIP_PULL => clips::Pull,
        CLIP_FORECAST => clips::Forecast,
        CLIP_PAUSE => clips::Pause,
        CLIP_RESUME => clips::Resume,
        CLIP_VIEW => clips::View,
        LOOK => looks::Begin,
        LOOK_SHOW => looks::Show,
        CLIP_SAVE => clips::Save,
        REQUESTS => requests::List,
        REQUEST => requests::Show,
        REQUEST_OPEN => requests::Open,
        REQUEST_CHANGE => requests::Change,
        REQUEST_SUBMIT => requests::Submit,
        REQUEST_AUTHORISE => requests::Authorise,
        REQUEST_REFUSE => requests::Refuse,
        REQUEST_CANCEL => requests::Cancel,
        REQUEST_RELEASE => requests::Release,
        REQUEST_CLOSE => requests::Close,
        REQUEST_NOTICE => documents::Notice,
        EVIDENCE => evidence::List,
        EVIDENCE_FAULTS => evidence::Faults,
        EVIDENCE_CLASS => evidence::Classify,
        EVIDENCE_DISPOSE => evidence::Dispose,
        EVIDENCE_APPROVE => evidence::Approve,
        EVIDENCE_CERTIFICATE => evidence::Certificate,
        EXHIBIT_DOCUMENT => documents::Show,
        EXHIBIT => exhibits::Show,
        EXHIBIT_RELEASE => exhibits::Release,
        EXHIBIT_MARK => exhibits::Mark,
        EXHIBIT_COPY => exhibits::RegisterCopy,
        EXHIBIT_HAND => exhibits::Hand,
        EXHIBIT_RECEIPT => exhibits::Receipt,
        EXHIBIT_RETURN => exhibits::Return,
        EXHIBIT_DESTROY => exhibits::Destroy,
        EXHIBIT_MEDIA => exhibits::Media,
        EXHIBIT_STILL => exhibits::Still,
        HOLDS => holds::List,
        HOLD => holds::Show,
        HOLD_ADD => holds::Add,
        HOLD_EXTEND => holds::Extend,
        HOLD_RELEASE => holds::Release,
        HOLD_APPROVE => holds::Approve,
        MASKS => masks::List,
        MASK => masks::Show,
        MASK_SET => masks::Set,
        MASK_REVIEW => masks::Review,
        MASK_END => masks::End,
        LIFTS => masks::Lifts,
        LIFT_ASK => masks::AskLift,
        LIFT_APPROVE => masks::ApproveLift,
        LIFT_WITHDRAW => masks::WithdrawLift,
        TOUCHES => touches::List,
        TOUCH => touches::Give,
        TOUCH_CALL_OFF => touches::CallOff,
        APPROVERS => touches::Approvers,
        APPROVER_ASK => touches::AskApprover,
        APPROVER_APPROVE => touches::ApproveApprover,
        APPROVER_WITHDRAW => touches::WithdrawApprover,
        LOG_READ => staff::ReadLog,
        LOG_SHOW => log::Show,
        LOG_SAMPLE => log::Draw,
        LOG_REVIEW => log::Review,
        OWNERS => owners::List,
        OWNER_ADD => owners::Add,
        OWNER_ASSIGN => owners::Assign,
        STAFF => staff::List,
        STAFF_ADD => staff::Add,
        STAFF_NAME => staff::Name,
        STAFF_RESET => staff::Reset,
        STAFF_RECOVER => staff::Recover,
        STAFF_BREAK => staff::BreakGlass,
        STAFF_PASSWORD => staff::Password,
        STAFF_CLOSE => staff::Close,
        STAFF_GRANT => roles::Give,
        STAFF_REVOKE => roles::Take,
        STAFF_WAITING => roles::Waiting,
        STAFF_APPROVE => roles::Approve,
        STAFF_WITHDRAW => roles::Withdraw,
        TOKENS => tokens::List,
        TOKEN_ADD => tokens::Add,
        TOKEN_REVOKE => tokens::Revoke,
        SESSIONS => own::Sessions,
        SESSION_END => own::EndSessions,
        DECLARATION => own::ShowDeclaration,
        DECLARATION_ACCEPT => own::Accept,
        ACCEPTANCES => own::Acceptances,
        FACTORS => own::Factors,
        FACTOR_NEW => own::FreshFactor,
        FACTOR_CODE => own::AddCode,
        FACTOR_PASSKEY => own::AddPasskey,
        FACTOR_REMOVE => own::RemoveFactor,
    }
    followed {
        REQUEST_WATCH => requests::Watch,
        CLIP_WATCH => clips::Watch,
    }
    filmed {
        LOOK_FILM => looks::Film,
    }
}
