//! Pure. Reasons of how people show who they are: name and password, second factors.

use shared::passkey::PasskeyError;

use super::table::reasons;

reasons! {
    Proofs {
        /// Which of the two is not told.
        NameOrPasswordWrong => Refused "name-or-password-wrong",
        /// The account has a second factor, and nothing of it was given.
        CodeWanted { name: String } => Refused "code-wanted",
        TooManyTries => TooFast "too-many-tries",
        TooManyChallenges => TooFast "too-many-challenges",

        NoCodes => Refused "account-has-no-codes",
        CodeMalformed => Refused "code-malformed",
        CodeWrong => Refused "code-wrong",
        CodeUsed => Refused "code-used-already",
        SecretMalformed => Malformed "secret-malformed",
        PasskeyNotTaken { why: PasskeyError } => Refused "passkey-not-taken",
        PasskeySomebodys => Refused "passkey-somebodys",
        /// The hub has no name that a passkey could be for.
        NoNameForPasskeys => Refused "no-name-for-passkeys",
        BrowserUnreadable => Refused "browser-answer-unreadable",
        MostFactors { most: usize } => Refused "most-factors",
        FactorUnknown { factor: u64 } => Missing "factor-unknown",
        LastFactor => Refused "last-factor",
        FactorGone => Refused "factor-gone-meanwhile",
    }
}

impl From<PasskeyError> for Proofs {
    fn from(why: PasskeyError) -> Self {
        Self::PasskeyNotTaken { why }
    }
}
