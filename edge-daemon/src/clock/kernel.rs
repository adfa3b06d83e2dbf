//! Adapter: OS clock. What the kernel knows of how well its clock is kept.
use super::Kernel;

/// Asks the kernel (adjtimex without a change: needs no privilege).
pub fn kernel() -> Kernel {
    // SAFETY: timex is plain integers; all zeros is a valid value and means "change nothing, only read".
    let mut t: nix::libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `t` is a valid, exclusively borrowed timex for the length of the call.
    let state = unsafe { nix::libc::adjtimex(&raw mut t) };
    let unsynced =
        state < 0 || state == nix::libc::TIME_ERROR || t.status & nix::libc::STA_UNSYNC != 0;
    let nano = t.status & nix::libc::STA_NANO != 0;
    Kernel {
        synced: !unsynced,
        offset_us: t.offset / if nano { 1000 } else { 1 },
        err_us: t.maxerror,
    }
}
