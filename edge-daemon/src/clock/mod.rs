//! Wiring. Clock trust: kernel state, and agreement with the hub.
//!
//! | file | what |
//! |---|---|
//! | [`trust`] | what may be believed, and why |
//! | [`kernel`] | the kernel's own word (adjtimex) |
//! | [`task`] | `clock.state` lines, hourly and on change |
mod kernel;
mod task;
pub mod trust;

pub use kernel::kernel;
pub use task::run;
pub use trust::{Kernel, Level, State, Trust};
