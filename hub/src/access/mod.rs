//! Wiring. Who may do what.
//!
//! | module | what lives there |
//! |---|---|
//! | [`role`] | the roles of people |
//! | [`principal`] | whoever asks: a person with grants, or the console |
//! | [`table`], [`row`] | the table: each operation, who may, what it needs, what it writes |
//! | [`accounts`] | staff accounts: made, named, a new password, closed |
//! | [`grants`], [`owners`] | roles given and taken away; whose each camera is |
//! | [`approvals`] | what somebody asked for and a second person has to approve |
//! | [`tokens`] | tokens for programs |
//! | [`totp`] | six digits from a phone |
//! | [`authorise`] | the one function that says yes or no |
pub mod accounts;
pub mod approvals;
pub mod authorise;
pub mod grants;
pub mod owners;
pub mod principal;
pub mod role;
pub mod row;
pub mod table;
pub mod tokens;
pub mod totp;

#[cfg(test)]
mod tests;
