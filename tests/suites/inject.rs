//! Task. Calls of box and hub that fail, one at a time. `make fault` has many more of them.

use beadle_tests::{Done, inject::inject};

use crate::rig;

/// AUD-2, REC-1, EVI-2: a write, a sync, a rename or a removal at a log, a key or a package fails: nothing acknowledged is lost, the next
/// ordinary start goes on by itself, and all logs and packages verify.
#[test]
fn a_call_that_fails_loses_nothing() -> Done<()> {
    let _alone = rig::alone();
    let report = inject(6, 20_261_130)?;
    println!("{report}");
    assert!(report.points > 20, "{report}");
    Ok(())
}
