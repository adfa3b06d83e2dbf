//! Wiring. What each paper says, as values; the sentences are made of them in [`words`](crate::words).
//!
//! | file | what lives there |
//! |---|---|
//! | [`lines`] | which lines of the box's log a package relies on |
//! | [`certificate`] | the certificate of a package |
//! | [`still`] | the papers of a still picture |
//! | [`card`] | the card beside a package that is one file |
//! | [`handover`] | release and receipt of a copy |
//! | [`label`] | the label of an exhibit |
//! | [`sheet`] | everything that happened to an exhibit |
//! | [`refusal`] | the notice that a request was refused |

pub mod card;
pub mod certificate;
pub mod handover;
pub mod label;
pub mod lines;
pub mod refusal;
pub mod sheet;
pub mod still;
