//! Pure. Every fault condition as data: code, title, cause, what to do next, severity, who.
