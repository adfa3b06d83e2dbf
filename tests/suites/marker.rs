//! Task. The marker test of [`beadle_tests::marker`], five minutes of it; `make soak MINUTES=60` runs it for an hour.

use beadle_tests::{Done, marker::marker};

/// MSK-1, MSK-2, MSK-5: no recorded picture of a masked camera shows what is under the mask, whether the box burns it in or proves the
/// camera's own, whatever happens to cameras, workers and box. BEADLE_MARKER_SECS changes how long.
#[test]
fn the_marker_is_in_no_recorded_frame() -> Done<()> {
    let secs = std::env::var("BEADLE_MARKER_SECS").ok();
    marker(
        secs.and_then(|s| s.parse().ok()).unwrap_or(300),
        20_261_122,
        &[],
    )
}
