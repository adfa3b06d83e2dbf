//! Wiring. The hub's papers as documents: [`make`] gathers the values of each, and has its plain text and its PDF made.
//!
//! What each paper says is in [`words::en::papers`](crate::words::en::papers), its values in [`papers`](crate::papers); the PDF comes from the
//! program behind [`printer`](crate::printer).

pub mod make;

pub use crate::printer::Printer;
