//! Wiring. Retention: one place decides ([`policy`]), one place deletes ([`sweeper`]), one place looks at the disk afterwards ([`walker`]).
//! What is kept beyond its day is a hold's ([`holds`]). One segment a day is compared with its line ([`spot`]).
pub mod holds;
pub mod policy;
pub mod remembered;
pub mod spot;
pub mod sweeper;
#[cfg(test)]
mod tests;
mod unlink;
pub mod walker;
