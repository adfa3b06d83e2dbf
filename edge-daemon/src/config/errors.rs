//! Pure. What is wrong with a configuration file: everything, at once.

use std::fmt;

/// One thing wrong: where, what stands there, why it cannot be, and how it might look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `camera[2].url`; counts from 0, as `camera[0]` is the first.
    pub path: String,
    /// The value as the file has it, or nothing where it is missing (or must not be repeated).
    pub value: Option<String>,
    pub why: String,
    pub example: &'static str,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}", self.why)?;
        if !self.example.is_empty() {
            write!(f, ". For example: {}", self.example)?;
        }
        Ok(())
    }
}

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

/// Gathers what is wrong while the file is walked.
#[derive(Debug, Default)]
pub struct Gather {
    wrongs: Vec<Wrong>,
}

impl Gather {
    pub fn wrong(
        &mut self,
        path: impl Into<String>,
        value: Option<String>,
        why: impl Into<String>,
        example: &'static str,
    ) {
        self.wrongs.push(Wrong {
            path: path.into(),
            value,
            why: why.into(),
            example,
        });
    }

    pub fn into_result<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        match value {
            Some(value) if self.wrongs.is_empty() => Ok(value),
            _ => Err(ConfigErrors(self.wrongs)),
        }
    }
}
