//! Wiring. One file a page: what it asks of the operations, and its view.
//!
//! | module | page |
//! |---|---|
//! | [`door`] | signing in and out |
//! | [`account`] | the own account: password, declaration, second factors, sessions |
//! | [`staff`] | accounts and their roles |
//! | [`home`] | what waits for whoever is signed in, and what is theirs to look at |
//! | [`cameras`] | boxes and cameras, clips |
//! | [`find`] | finding footage, and asking for it |
//! | [`footage`] | the footage of one camera |
//! | [`clip`] | one pulled clip: purpose, copies, certificate |
//! | [`waiting`] | what waits for the second of two people |
//! | [`watch`] | footage of several cameras on one clock, as it arrives or out of packages |
//! | [`document`] | papers of exhibits and requests, as files |
//! | [`evidence`] | what is kept as evidence, and its disposal |
//! | [`holds`] | held footage, and its release |
//! | [`masks`] | the masks and their reviews |
//! | [`lifts`] | lifts that wait for a second person |
//! | [`tokens`] | tokens for programs, and for commands |
//! | [`touches`] | orders that wait for the passkey of whoever looks |
//! | [`approvers`] | whose passkeys count at boxes |
//! | [`log`] | what people did here |
//! | [`requests`] | clip requests: opening one, and every act on it |
//! | [`request`] | one clip request, and how it goes on |
//! | [`retention`] | how footage is kept against what was promised |
pub mod account;
pub mod approvers;
pub mod cameras;
pub mod clip;
pub mod document;
pub mod door;
pub mod evidence;
pub mod find;
pub mod footage;
pub mod holds;
pub mod home;
pub mod lifts;
pub mod log;
pub mod machine;
pub mod masks;
pub mod proof;
pub mod register;
pub mod request;
pub mod requests;
pub mod retention;
pub mod staff;
pub mod tokens;
pub mod touches;
pub mod waiting;
pub mod watch;
pub mod witness;
