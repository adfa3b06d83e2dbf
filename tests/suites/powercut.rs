//! Task. Power cuts at random moments, on file systems of their own. `make fault` does a hundred.

use beadle_tests::{Done, disks, powercut::powercut};

/// REC-1, AUD-2: a power cut costs a camera at most what design.md §3 says (2 s; 64 KiB more at a low rate); no closed segment is
/// lost or harmed; no line claims what is not there; the log verifies.
#[test]
fn a_power_cut_costs_a_camera_two_seconds_at_most() -> Done<()> {
    if !disks::possible("power cuts on ext4") {
        return Ok(());
    }
    disks::enter()?;
    let losses = powercut(4, 20_261_122)?;
    println!("{}", losses.histogram());
    Ok(())
}
