//! Pure. English about accounts, their sessions, the declaration, and break-glass.

use crate::{
    reason::Accounts::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Accounts) -> Text {
    match reason {
        NameMalformed { name } => say!(
            "{name:?} is not an account name (1 to 40 of letters, digits, . - _ @); nothing was done"
        ),
        Exists { name } => say!("there is an account {name} already; nothing was done"),
        Unknown { name } => say!(
            "there is no account {name}"; "`beadle-hub staff list` shows them"
        ),
        NeverThere { name } => say!(
            "there is no account {name}, nor was there one"; "`beadle-hub staff list --all` shows them"
        ),
        ClosedMeanwhile { name } => {
            say!("the account {name} was closed meanwhile; nothing was done")
        }
        Own { name } => say!(
            "this is your own account; nothing was done";
            "`beadle-hub staff password --as {name}` sets another password"
        ),
        OldPasswordWrong => say!("the password of until now is another one; nothing was done"),
        PasswordUnfit { least, most } => say!(
            "a password has {least} to {most} characters, and is not the one that the hub made; nothing was done"
        ),
        PasswordTypedTwoWays => {
            say!("the new password was typed in two ways; nothing was done")
        }
        SessionsOfOthers { name } => {
            say!("{name} may end their own sessions and nobody else's; nothing was done")
        }
        NoDeclaration => say!("this hub has no declaration; nothing was done"),
        DeclarationChanged => say!(
            "the declaration has another text now; nothing was done"; "read it again"
        ),
        DeclarationAccepted => say!("you have accepted this declaration already"),
        AdministratorsAble { names, days } => say!(
            "{} administer this hub and signed in within {days} days; nothing was done",
            names.join(", ");
            "two of them can do what is needed"
        ),
    }
}
