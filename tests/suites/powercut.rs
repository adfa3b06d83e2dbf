//! Task. Power cuts at random moments, on file systems of their own. `make fault` does a hundred.

use beadle_tests::{
    Done, disks,
    powercut::{ALLOWED_MS, powercut},
};

/// REC-1, AUD-2: a power cut costs a camera at most two seconds; no closed segment is lost or harmed; the log verifies.
#[test]
fn a_power_cut_costs_two_seconds_at_most() -> Done<()> {
    if !disks::possible("power cuts on ext4") {
        return Ok(());
    }
    disks::enter()?;
    let losses = powercut(4, 20_261_122)?;
    println!("{}", losses.histogram());
    assert!(losses.worst() <= ALLOWED_MS, "{} ms", losses.worst());
    Ok(())
}
