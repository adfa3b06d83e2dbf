//! Pure. Reasons about accounts, their sessions, the declaration, and break-glass.

use super::table::reasons;

reasons! {
    Accounts {
        NameMalformed { name: String } => Malformed "account-name-malformed",
        Exists { name: String } => Refused "account-exists",
        Unknown { name: String } => Missing "account-unknown",
        /// Nobody ever had it, closed accounts included.
        NeverThere { name: String } => Missing "account-never-there",
        ClosedMeanwhile { name: String } => Refused "account-closed-meanwhile",
        Own { name: String } => Refused "account-own",
        OldPasswordWrong => Refused "old-password-wrong",
        PasswordUnfit { least: usize, most: usize } => Refused "password-unfit",
        /// The form's two fields differ.
        PasswordTypedTwoWays => Refused "password-typed-two-ways",
        SessionsOfOthers { name: String } => NotAllowed "sessions-of-others",

        NoDeclaration => Missing "no-declaration",
        DeclarationChanged => Refused "declaration-changed",
        DeclarationAccepted => Refused "declaration-accepted-already",

        /// `names`: of those who administer and signed in within `days`.
        AdministratorsAble { names: Vec<String>, days: i64 } => Refused "administrators-able",
    }
}
