//! Adapter: child process. How many masks this box can paint, beside how many it is to.
use shared::mask::How;

use super::{Line, Looked};
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
    let carries = capacity::carries(&looked.config, &looked.state.pictures());
    let all = format!("{painted} painted by this box, {proved} in cameras and proved; {carries}");
    vec![Line::good("masks", all)]
}
