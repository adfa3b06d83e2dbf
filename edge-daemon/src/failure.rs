//! Pure. How the program ends when it cannot go on: the exit code, and what failed, down to its cause.

/// Exit codes of sysexits.h.
pub mod exit {
    pub const USAGE: u8 = 64;
    pub const UNAVAILABLE: u8 = 69;
    pub const SOFTWARE: u8 = 70;
    pub const IO: u8 = 74;
    pub const CONFIG: u8 = 78;
}

/// Why a command failed: what to print, and the exit code.
#[derive(Debug)]
pub struct Failed {
    pub code: u8,
    pub error: Box<dyn std::error::Error + Send + Sync>,
}

impl Failed {
    pub fn new(code: u8, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            code,
            error: error.into(),
        }
    }
}

impl From<crate::identity::fixed::FixedError> for Failed {
    fn from(e: crate::identity::fixed::FixedError) -> Self {
        use crate::identity::fixed::FixedError::Changed;
        let code = if matches!(e, Changed { .. }) {
            exit::CONFIG
        } else {
            exit::IO
        };
        Self::new(code, e)
    }
}

impl From<crate::config::LoadError> for Failed {
    fn from(e: crate::config::LoadError) -> Self {
        Self::new(exit::CONFIG, e)
    }
}

/// The whole chain of causes as one sentence.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
