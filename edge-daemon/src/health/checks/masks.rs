//! Adapter: child process. How many masks this box can paint, beside how many it is to.
use shared::{conditions, mask::How};

use super::{Line, Looked, Mark};
use crate::masking::capacity;

pub fn check(looked: &Looked) -> Vec<Line> {
    let cameras = &looked.config.cameras;
    let count = |how| {
        let masks = cameras.iter().filter_map(|c| c.mask.as_ref());
        masks.filter(|m| m.how == how).count()
    };
    let (painted, proved) = (count(How::Burned), count(How::Camera));
    if painted + proved == 0 {
        return Vec::new();
    }
    let masks = format!("{painted} painted by this box, {proved} in cameras and proved");
    let kept = looked.state.pictures();
    // Measuring takes the whole processor for seconds, which a box that records has to do with.
    if super::running::told(looked).status().is_some() && !capacity::is_measured(&kept) {
        let hidden = std::fs::metadata(&kept)
            .is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied);
        let carries = if hidden {
            "the measurement is for root to see"
        } else {
            "the box has not measured yet what it carries"
        };
        return vec![Line::good("masks", format!("{masks}; {carries}"))];
    }
    vec![match capacity::carries(&looked.config, &kept) {
        Ok(carries) => Line::good("masks", format!("{masks}; {carries}")),
        Err(why) => Line {
            mark: Mark::Red,
            what: "masks".into(),
            code: Some("mask.program".into()),
            text: format!("{masks}; {why}"),
            next: conditions::condition("mask.program").map(|c| c.next),
        },
    }]
}
