//! Pure. English of the papers: each a list of parts, of which text and PDF are made.

pub mod continuity;
pub mod deletion;
pub mod label;
pub mod refusal;
pub mod release;
pub mod statement;
