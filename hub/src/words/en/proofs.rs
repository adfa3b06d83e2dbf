//! Pure. English for how people show who they are.

use crate::{
    reason::Proofs::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Proofs) -> Text {
    match reason {
        NameOrPasswordWrong => say!("name or password is wrong"),
        CodeWanted { name } => say!(
            "{name} has a second factor, and nothing was done";
            "give the code of the app too (--code); with a passkey alone, sign in at the page, make a token under \u{201c}Tokens\u{201d}, and give the command --token-file in the place of --as"
        ),
        TooManyTries => say!(
            "too many tries at this account in a row"; "wait some seconds and try again"
        ),
        TooManyChallenges => say!(
            "too many passkeys are being asked for"; "try again in some minutes"
        ),
        NoCodes => say!(
            "this account has no codes";
            "use the passkey, on the page; for commands, make a token there and give --token-file"
        ),
        CodeMalformed => say!("a code is six digits; nothing was done"),
        CodeWrong => say!(
            "the code is not the one of this half minute; nothing was done";
            "look at the app again, and at the phone's clock"
        ),
        CodeUsed => say!(
            "this code was used already; nothing was done"; "wait for the next one"
        ),
        SecretMalformed => {
            say!("a secret is 32 letters A to Z and digits 2 to 7; nothing was done")
        }
        PasskeyNotTaken { why } => say!("the passkey was not taken: {why}; nothing was done"),
        PasskeySomebodys => say!("this passkey is somebody's already; nothing was done"),
        NoNameForPasskeys => say!(
            "passkeys need a name of the hub that browsers know it by, and this hub has none; nothing was done";
            "whoever looks after it gives it one (`names`, or `[sign_in] origin`, in hub.toml)"
        ),
        BrowserUnreadable => {
            say!("what the browser handed over is not readable; nothing was done")
        }
        MostFactors { most } => say!(
            "you have {most} second factors; nothing was done"; "take one away first"
        ),
        FactorUnknown { factor } => say!("you have no second factor {factor}; nothing was done"),
        LastFactor => say!(
            "a role of yours takes a second factor, and this is your last one; nothing was done";
            "add another first"
        ),
        FactorGone => say!("it was taken away meanwhile; nothing was done"),
    }
}
