//! Task. kill -9 of box, hub or both at random moments. `make fault` does the same fifty times.

use beadle_tests::{
    Done,
    fault::{ALLOWED_MS, fault},
};

/// AUD-2, REC-1, EVI-1: nothing acknowledged is lost, the chain verifies, a camera loses no more than design.md §3 allows,
/// interrupted clips complete.
#[test]
fn kill_nine_loses_nothing_acknowledged_and_little_footage() -> Done<()> {
    let worst = fault(8, 20_261_122)?;
    assert!(worst <= ALLOWED_MS, "{worst} ms were lost at one kill");
    Ok(())
}
