//! Pure. English about holds.

use crate::{
    reason::Holds::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Holds) -> Text {
    match reason {
        Unknown { hold } => say!(
            "there is no hold {hold}"; "`beadle-hub hold list --all` shows them"
        ),
        UntilOrDays => say!("say either until when or for how many days; nothing was held"),
        EndPassed { until } => say!("{until} has passed; nothing was changed"),
        EndTooFar { days } => say!(
            "a hold may last {days} days from now at most ([holds] longest_days in hub.toml); nothing was changed";
            "extend it when that is over"
        ),
        ReviewOutside { review, last } => say!(
            "a review on {review} is of no use: it has to be from today on, and not after the hold's end on {last}; nothing was changed"
        ),
        LastsAlready { hold, until } => say!(
            "hold {hold} lasts until {until} already; a hold is made shorter only by releasing it"
        ),
        BeingReleased { hold } => say!("hold {hold} is being released; nothing was changed"),
        Over { hold } => say!("hold {hold} is over; nothing was changed"; "place another"),
        RefusedByBox { hold, name, why } => {
            say!("box {name} refused hold {hold}, so it keeps nothing: {why}")
        }
        ClipStillPulled {
            hold,
            exhibit,
            state,
        } => say!(
            "hold {hold} is that of the clip {exhibit}, which is still being pulled ({}); nothing was released",
            state.as_str()
        ),
        ReleaseAsked { hold, by } => say!(
            "{by} asked for this already"; "approve it with `beadle-hub hold approve {hold}`"
        ),
        ReleaseNotAsked { hold } => say!(
            "nobody asked that hold {hold} be released";
            "ask with `beadle-hub hold release {hold} --reason …`, and a second person approves"
        ),
    }
}
