//! Pure. What the card beside a saved package says.

use shared::id::ExhibitRef;
use zeroize::Zeroizing;

/// Whom it is sealed for.
pub enum Seal {
    None,
    /// An `age1…` recipient.
    Recipient(String),
    Passphrase(Zeroizing<String>),
}

impl Seal {
    /// As the log has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Recipient(_) => "recipient",
            Self::Passphrase(_) => "passphrase",
        }
    }
}

/// What the card beside a file says of it.
pub struct Card<'a> {
    pub exhibit: &'a ExhibitRef,
    /// Its producer's reference.
    pub mark: Option<&'a str>,
    pub scheme: &'a str,
    /// Who wrote it out, by name, and when, as the clock on the wall has it.
    pub by: &'a str,
    pub at: &'a str,
    /// The file's name and its SHA-256.
    pub file: &'a str,
    pub sha256: &'a str,
    pub seal: &'a Seal,
}
