//! Pure, but for the dice. How a camera is told the password: Digest (RFC 7616, RFC 2617, RFC 2069), and never Basic.
//!
//! The name and the calls are those of the crate that retina asks for, in whose place this one is built (`[patch.crates-io]`): that
//! crate answers a challenge by Basic when it finds no other, and then the password has gone over the wire as good as in clear.
//! Here Basic is a kind of login that is not spoken. It also answers as cameras need it: `algorithm` as it was asked for.
#![forbid(unsafe_code)]

mod challenge;
mod digest;

pub use challenge::{Challenge, challenges};
pub use digest::Digest;

/// What is answered: one request, and who asks.
#[derive(Clone, Copy)]
pub struct PasswordParams<'a> {
    pub username: &'a str,
    pub password: &'a str,
    /// As in the request's first line.
    pub uri: &'a str,
    pub method: &'a str,
    /// Of no consequence: the body is never part of an answer (`qop=auth-int` is not spoken).
    pub body: Option<&'a [u8]>,
}

/// Why no answer can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The kinds of login that were offered, as they were named.
    #[error("it offers no login that is spoken here (Digest with MD5 or SHA-256) but {}", .0.join(", "))]
    Unspoken(Vec<String>),
    #[error("it asks for a login and does not say which")]
    Unsaid,
    #[error("no random number is to be had")]
    Dice,
}

/// Answers one camera's challenge; kept for the whole session, as it counts its answers.
#[derive(Clone, Debug)]
pub struct PasswordClient(Digest);

impl PasswordClient {
    /// The strongest of what is offered.
    ///
    /// # Errors
    /// [`AuthError::Unspoken`] and [`AuthError::Unsaid`].
    pub fn strongest(offers: &[Challenge]) -> Result<Self, AuthError> {
        let spoken = offers.iter().filter_map(Digest::new);
        match spoken.max_by_key(|d| d.algorithm().strength()) {
            Some(digest) => Ok(Self(digest)),
            None if offers.is_empty() => Err(AuthError::Unsaid),
            None => Err(AuthError::Unspoken(
                offers.iter().map(Challenge::named).collect(),
            )),
        }
    }

    /// The value of an `Authorization` header.
    ///
    /// # Errors
    /// [`AuthError::Dice`].
    pub fn respond(&mut self, params: &PasswordParams<'_>) -> Result<String, AuthError> {
        self.0.answer(params)
    }

    pub fn digest(&self) -> &Digest {
        &self.0
    }

    /// The nonce that the next answers are to carry (`Authentication-Info: nextnonce=…`).
    pub fn renew(&mut self, nonce: &str) {
        self.0.renew(nonce);
    }
}

impl TryFrom<&str> for PasswordClient {
    type Error = AuthError;

    fn try_from(www_authenticate: &str) -> Result<Self, AuthError> {
        Self::strongest(&challenges(www_authenticate))
    }
}
