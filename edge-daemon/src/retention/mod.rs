//! Wiring. Retention: one place decides ([`policy`]), one place deletes ([`sweeper`]), one place looks at the disk afterwards ([`walker`]).
pub mod policy;
pub mod sweeper;
#[cfg(test)]
mod tests;
pub mod walker;
