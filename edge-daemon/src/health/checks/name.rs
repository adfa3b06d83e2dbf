//! Adapter: filesystem. Whether the configuration calls the box what its state folder does.
use super::{Line, Looked, Mark};
use crate::identity::fixed::{self, FixedError};

pub fn check(looked: &Looked) -> Vec<Line> {
    let text = match fixed::check(&looked.config, &looked.file, false) {
        Ok(()) => return Vec::new(),
        // The log's own check says that it may not be read, and by whom.
        Err(e) if e.is_permission() => return Vec::new(),
        Err(FixedError::Changed {
            wrong, what, next, ..
        }) => format!(
            "{}. {what} says so, and both are fixed for as long as it is there: the box does not start under another. {next}",
            wrong.join(", and ")
        ),
        Err(e) => e.to_string(),
    };
    vec![Line {
        mark: Mark::Red,
        what: "name".into(),
        code: None,
        text,
        next: None,
    }]
}
