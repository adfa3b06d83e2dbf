//! Wiring. The hub's papers as documents: the values of each, its plain text, and its PDF from the program `beadle-documents`.
//!
//! | module | what lives there |
//! |---|---|
//! | [`printer`] | the program that makes PDF, and the fault that it does not |
//! | [`label`] | what stands on the label of an exhibit |
//! | [`hands`] | release and receipt of a copy |
//! | [`sheet`] | everything that happened to an exhibit |
//! | [`refusal`] | the notice that a request was refused |
//! | [`make`] | gathers the values of a paper and has it made |
//!
//! What each paper says is in [`words::en::papers`](crate::words::en::papers), the certificate and the statement of a package beside
//! their values in [`evidence::certificate`](crate::evidence::certificate).

pub mod hands;
pub mod label;
pub mod make;
pub mod printer;
pub mod refusal;
pub mod sheet;

pub use printer::Printer;
