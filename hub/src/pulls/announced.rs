//! Pure. What a box announces of a pull.

use shared::{id::BoxName, order::PullSegment};

use crate::reason::PullReason;

const MAX_SEGMENTS: usize = 3000;

/// The box's answer is believed only as far as it can be meant.
pub(super) fn sane(name: &BoxName, segments: &[PullSegment]) -> Result<(), PullReason> {
    if segments.is_empty() {
        return Err(PullReason::NoSegments { name: name.clone() });
    }
    if segments.len() > MAX_SEGMENTS {
        return Err(PullReason::TooManySegments {
            segments: segments.len() as u64,
            most: MAX_SEGMENTS as u64,
        });
    }
    // Numbers may be left out: what the box does not have any more it cannot send.
    let odd = segments
        .windows(2)
        .find(|w| w[1].s <= w[0].s || w[1].n <= w[0].n);
    match odd {
        Some(w) => Err(PullReason::SegmentsOutOfOrder {
            s: w[1].s,
            n: w[1].n,
        }),
        None => Ok(()),
    }
}
