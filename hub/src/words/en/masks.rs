//! Pure. English about masks, their reviews and lifts.

use crate::{
    reason::Masks::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Masks) -> Text {
    match reason {
        NotSaidYet { name } => say!(
            "box {name} has not said yet which masks it has"; "try again in a minute"
        ),
        AuthorityWanted => {
            say!("lifting a mask needs an authority and a reason; nothing was asked for")
        }
        NothingToLift { camera } => say!("camera {camera} has no mask; there is nothing to lift"),
        InTheCamera { camera, mask } => say!(
            "the mask {mask} of {camera} is in the camera itself, and what the camera hides the box cannot show";
            "lift it there"
        ),
        Unusable { wrong } => {
            let all: Vec<String> = wrong.iter().map(|w| format!("\n  {w}")).collect();
            say!(
                "this mask cannot be used; nothing was ordered:{}",
                all.concat()
            )
        }
        SameVersion { mask } => say!(
            "the mask in the file has the version of the one in force, {mask}: give it another; nothing was asked for"
        ),
        SubstituteInTheCamera { mask } => say!(
            "the mask {mask} is one in the camera (how = \"camera\"), and while another is lifted the box paints; nothing was asked for"
        ),
        SubstituteHidesTheSame { mask, before } => say!(
            "the mask {mask} hides what {before} hides, which is in force: there is nothing to lift; nothing was asked for"
        ),
        EndWanted => say!("say either until when or for how many minutes; nothing was asked for"),
        EndPassed { until, now } => say!("{until} has passed; the hub's clock says {now}"),
        EndTooFar { hours } => say!(
            "a mask may be lifted for {hours} hours at most, and comes back by itself";
            "ask again when that is over"
        ),
        LiftUnknown { request } => say!(
            "there is no request {request}"; "`beadle-hub mask list` shows those that wait"
        ),
        CoversLess {
            camera,
            mask,
            permille,
            before,
            covered,
        } => say!(
            "the mask {mask} covers {permille} thousandths of the picture, and {before}, which is in force on {camera}, covers {covered}: less than before is a lift, which takes two people, an authority and an end (beadle-hub mask lift {camera} --file FILE); nothing was ordered"
        ),
        NothingToReview { camera } => {
            say!("camera {camera} has no mask; there is nothing to review")
        }
        LiftedNow { camera, until } => say!(
            "the mask of {camera} is lifted until {until}"; "review it when it is back"
        ),
        ReviewExhibitUnknown { exhibit, camera } => say!(
            "there is no exhibit {exhibit}";
            "pull a clip of {camera} first (beadle-hub clip pull) and look at it"
        ),
        OtherCamera {
            exhibit,
            of,
            camera,
        } => {
            say!("{exhibit} is of camera {of}, not of {camera}")
        }
        ShowsNothing { exhibit, state } => {
            say!("{exhibit} shows nothing: it is {}", state.as_str())
        }
        OtherMask {
            exhibit,
            camera,
            mask,
        } => say!(
            "nothing in {exhibit} was recorded under the mask {mask} that is in force on {camera}";
            "pull a newer clip and look at that"
        ),
    }
}
