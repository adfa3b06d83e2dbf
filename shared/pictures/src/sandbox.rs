//! Wiring. What this process gives up before it reads the first byte: the walls of [`walls`], with the list of [`calls`].
//!
//! A camera's pictures are parsed by C code; should they subvert it, there is little to reach. What Landlock the kernel lacks is said to the
//! daemon ([`shared::worker::Sandbox`]).
//!
//! A graphics device that encodes must be opened, and its driver started, before the walls are up, and orders to it are let through
//! ([`calls::DEVICE`]): a lower wall than that around a worker that encodes by itself, and only for boxes set to use one.
pub mod calls;

pub use walls::{SandboxError, domain, limits, one_heap, privileges};

use walls::call::Call;

/// With a graphics device open, or without.
fn lists(device: bool) -> &'static [&'static [Call]] {
    match device {
        true => &[calls::CALLS, calls::DEVICE],
        false => &[calls::CALLS],
    }
}

/// Says what the kernel could not give, in words; nothing when all is in force.
pub fn enter(device: bool) -> Result<Vec<String>, SandboxError> {
    walls::enter(lists(device))
}

/// The list of calls alone.
pub fn filter(device: bool) -> Result<(), walls::filter::FilterError> {
    walls::filter::enter(lists(device))
}
