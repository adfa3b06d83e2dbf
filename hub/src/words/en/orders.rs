//! Pure. English for why no order went to a box, or why it was not obeyed.

use crate::{
    reason::Orders::{self, *},
    words::{Text, say},
};

pub fn of(reason: &Orders) -> Text {
    match reason {
        BoxOffline { name } => say!(
            "box {name} is offline, and an order is for now: nothing was ordered";
            "give it again when the box is back"
        ),
        BoxNeverThere { name, state } => {
            say!("box {name} is {state} and has never been on the line; nothing was ordered")
        }
        BoxHasNoCamera { camera, has } => say!(
            "box {} has no camera {}; it has {}",
            camera.r#box,
            camera.cam,
            has.join(", ")
        ),
        BoxRefused { name, refusal } => say!("box {name} did not obey: {refusal}"),
        LineBroke { name } => {
            say!("the connection to box {name} broke; whether it has obeyed will be in its log")
        }
        BoxSilent { name, secs } => say!(
            "box {name} has not answered within {secs} s; if it obeys after all, its log will say so"
        ),
        BoxOdd { name } => say!(
            "box {name} answered in words this hub does not know; whether it has obeyed will be in its log"
        ),
        ReasonWanted => say!("an order needs a reason; nothing was ordered"),
        MoreThanADay { minutes, most } => {
            say!("{minutes} minutes is more than a day ({most}); nothing was ordered")
        }
        RecordsAll { camera } => {
            say!("camera {camera} records continuously, all it sends; there is nothing to switch")
        }
        SecondForNewLog => {
            say!("a second person must agree: a new log takes two; nothing was ordered")
        }
    }
}
