//! Wiring. Footage on disk: volumes, the segment writer, the derived index.
pub mod forecast;
pub mod index;
pub mod label;
pub mod monitor;
pub mod outlook;
pub mod recovery;
pub mod volume;
pub use index::Index;
pub use volume::{Volume, Volumes};
pub mod writer;
