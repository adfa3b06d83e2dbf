//! Pure. A reason in words.

use std::fmt;

/// A reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What failed, on what, and what was done about it.
    pub what: String,
    /// What to do, where more can be said than of every reason of its class.
    pub next: Option<String>,
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.next {
            Some(next) => write!(f, "{}; {next}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// `say!("what")`, or `say!("what"; "what to do")`.
macro_rules! say {
    ($what:literal $(, $arg:expr)* $(,)?) => {
        $crate::words::text::Text { what: format!($what $(, $arg)*), next: None }
    };
    ($what:literal $(, $arg:expr)*; $next:literal $(, $more:expr)* $(,)?) => {
        $crate::words::text::Text { what: format!($what $(, $arg)*), next: Some(format!($next $(, $more)*)) }
    };
}
pub(crate) use say;
