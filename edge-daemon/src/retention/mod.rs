//! Wiring. Retention: one place decides ([`policy`]), one place deletes ([`sweeper`]), one place looks at the disk afterwards ([`walker`]).
pub mod policy;
pub mod sweeper;
pub mod walker;
#[cfg(test)]
mod tests;
