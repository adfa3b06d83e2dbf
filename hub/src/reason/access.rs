//! Pure. Reasons of who may do what, and of accounts, roles, owners and tokens.

use shared::id::BoxCamera;

use super::table::reasons;
use crate::model::{operation::Row, role::Role};

reasons! {
    Access {
        /// Root did not say who it is.
        PersonWanted { row: &'static Row } => NotAllowed "person-wanted",
        NotForRole { name: String, roles: Vec<Role>, row: &'static Row } => NotAllowed "not-for-role",
        NotForAllCameras { name: String, row: &'static Row } => NotAllowed "not-for-all-cameras",
        NotForThisCamera { name: String, row: &'static Row } => NotAllowed "not-for-this-camera",
        TokenNotForThis { token: u64, name: String, row: &'static Row } => NotAllowed "token-not-for-this",
        /// The password is one that the hub made.
        PasswordToBeSet { name: String } => Refused "password-to-be-set",
        DeclarationToBeAccepted { name: String } => Refused "declaration-to-be-accepted",
        FactorToBeSet { name: String } => Refused "factor-to-be-set",

        AskedAlready { request: u64 } => Refused "asked-already",
        RequestSettled { request: u64 } => Refused "request-settled",
        RequestOver { request: u64, state: String } => Refused "request-over",
        RequestUnknown { request: u64 } => Missing "request-unknown",
        RequestOfAnotherKind { request: u64 } => Refused "request-of-another-kind",
        /// `asked`, `subject`: numbers of accounts as the log has them.
        /// `name`: who asked, and approves.
        SamePerson { name: String } => Refused "same-person",
        /// Both accounts are in `hand`'s hands: they made one, or were told its password.
        MayBeOnePerson { one: String, other: String, hand: String, days: i64 } => Refused "may-be-one-person",
        InTheirHands { name: String, account: String, days: i64 } => Refused "account-in-their-hands",
        ConsoleIsNobody => Refused "console-is-nobody",
        /// `asked`, `subject`: names of accounts; whom it is about, where it is about somebody.
        SecondPersonWanted { request: u64, asked: String, subject: Option<String> } => Refused "second-person-wanted",

        RoleUnknown { role: String } => Malformed "role-unknown",
        RoleForWhichCameras { most: usize } => Malformed "role-for-which-cameras",
        RoleEndsBeforeItBegins => Malformed "role-ends-before-it-begins",
        RoleNotHeld { grant: u64 } => Missing "role-not-held",
        AccountClosed { account: String } => Refused "account-closed",
        /// They have not signed in and set a password of their own.
        AccountNotTheirsYet { name: String } => Refused "account-not-theirs-yet",
        LastAdministrator => Refused "last-administrator",

        TextNotShowable { text: String, most: usize } => Malformed "text-not-showable",
        OwnerNameMalformed { owner: String } => Malformed "owner-name-malformed",
        OwnerExists { owner: String } => Refused "owner-exists",
        OwnerHasIt { owner: String, camera: BoxCamera } => Refused "owner-has-it",
        OwnerUnknown { owner: String } => Missing "owner-unknown",

        TokenIsAPersons => NotAllowed "token-is-a-persons",
        TokenDays { most: u32 } => Malformed "token-days",
        TokenOperations { most: usize } => Malformed "token-operations",
        OperationUnknown { operation: String } => Malformed "operation-unknown",
        TokenNeverForThis { operation: String } => Refused "token-never-for-this",
        TokenBeyondRoles { name: String, row: &'static Row } => Refused "token-beyond-roles",
        TokenUnknown { name: String, token: u64 } => Missing "token-unknown",
        TokenEnded { token: u64 } => Refused "token-ended",
    }
}
