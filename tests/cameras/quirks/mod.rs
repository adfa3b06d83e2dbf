//! Task. Cameras nobody tuned the recorder to, each rebuilt from what somebody reported of one: raw RTSP and RTP, written by hand.
//!
//! `kinds/`: one file per kind of quirk (K1 to K14 of the review of cameras), each case naming its public reports. `rig/`: the
//! cameras, the one box that records several dozen of them at once, and the judge that holds what was kept against what was sent,
//! picture for picture. `BEADLE_QUIRKS=NAME,NAME` (or a kind, `K5`) runs only those. What came of each: `target/quirks/*.json`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop
mod kinds;
mod rig;

use beadle_tests::Done;

/// REC-1, REC-2, REC-4, FLT-3: each is recorded whole at the right times, or says in time why not; none harms another.
#[test]
fn odd_cameras_are_kept_or_told() -> Done<()> {
    rig::house::run("odd", kinds::all())
}
