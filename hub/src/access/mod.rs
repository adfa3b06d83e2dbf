//! Wiring. Who may do what.
//!
//! | module | what lives there |
//! |---|---|
//! | [`role`] | the roles of people |
//! | [`principal`] | whoever asks: a person with grants, or the console |
//! | [`table`] | the table: each operation, who may, what it needs, what it writes |
//! | [`accounts`] | staff accounts: making one |
//! | [`totp`] | six digits from a phone |
//! | [`authorise`] | the one function that says yes or no |
pub mod accounts;
pub mod authorise;
pub mod principal;
pub mod role;
pub mod table;
pub mod totp;
