//! Pure. What is wrong with a configuration file: everything, at once.

use std::fmt;

pub use shared::fields::{Gather, Wrong};

/// All that is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<Wrong>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("one thing is wrong in the configuration")?,
            n => write!(f, "{n} things are wrong in the configuration")?,
        }
        for wrong in &self.0 {
            write!(f, "\n  {wrong}")?;
        }
        Ok(())
    }
}
