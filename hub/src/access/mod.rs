//! Wiring. Who may do what.
//!
//! | module | what lives there |
//! |---|---|
//! | [`principal`] | whoever asks: a person with grants, or the console |
//! | [`table`] | the table: each operation, who may, what it needs, what it writes |
//! | [`accounts`] | staff accounts: made, named, a new password, closed |
//! | [`declaration`] | what everybody accepts before they do anything |
//! | [`signin`] | passwords, and what is put on record of signing in |
//! | [`browsers`] | who is signed in at the pages, and signing out everywhere |
//! | [`factors`], [`totp`] | second factors: codes from a phone, passkeys |
//! | [`two`] | whether two accounts are two people |
//! | [`breaks`] | administrators whom root makes |
//! | [`grants`], [`owners`] | roles given and taken away; whose each camera is |
//! | [`approvals`] | what somebody asked for and a second person has to approve |
//! | [`tokens`] | tokens for programs |
//! | [`denials`] | who asked for what is not theirs, on the log |
//! | [`authorise`] | the one function that says yes or no |
pub mod accounts;
pub mod approvals;
pub mod authorise;
pub mod breaks;
pub mod browsers;
pub mod declaration;
pub mod denials;
pub mod factors;
pub mod grants;
pub mod owners;
pub mod principal;
pub mod signin;
pub mod table;
pub mod tokens;
pub mod totp;
pub mod two;

#[cfg(test)]
mod tests;
