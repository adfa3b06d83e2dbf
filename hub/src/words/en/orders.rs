//! Pure. English for why no order went to a box, or why it was not obeyed.

use crate::{
    model::touch::State,
    reason::Orders::{self, *},
    words::text::{Text, say},
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
        KeyUnknown { name, person } => say!(
            "box {name} takes such an order only by people's own passkeys, and knows none of {person}; nothing was ordered";
            "`beadle-hub approver list` shows whose it knows"
        ),
        KeyOrderWaits { name, order } => say!(
            "order {order} to box {name} waits for people's passkeys, and a box takes such orders one after the other; nothing was ordered";
            "try again when it is settled, after a quarter of an hour at most"
        ),
        TouchUnknown { order } => say!("no order {order} waits for anybody's passkey"),
        TouchNotYours { order } => {
            say!("order {order} waits for the passkeys of others; nothing was done")
        }
        TouchedAlready { order } => {
            say!("you have touched your passkey for order {order}; it waits for the other person")
        }
        TouchOver { order, state } => match state {
            State::Failed => {
                say!("order {order} has come to nothing; it waits for nobody any more")
            }
            _ => say!("both have touched their passkeys for order {order}; it is on its way"),
        },
        TouchNotTaken { why } => say!(
            "the passkey was not taken: {why}"; "nothing was done; touch it again"
        ),
        NotTouched => say!(
            "nobody touched their passkey for it in time, or one person only; nothing was sent";
            "ask again, and have both people at their keys"
        ),
        CalledOff { person } => say!("{person} called it off; nothing was sent"),
        StoppedMeanwhile => say!(
            "the hub stopped before the box had answered; whether it has obeyed will be in its log"
        ),
        KeysNotAskedFor { name } => say!(
            "box {name} lifts masks at the hub's word, so nobody's key counts there; nothing was asked for";
            "whoever looks after the box sets approvals = \"required\" in [box] of its edge.toml, and root pins the first keys"
        ),
        NoSuchKey { person } => say!("{person} has no such passkey; nothing was asked for"),
        NotAnApprover { person } => say!(
            "{person} has not the role of an approver, and only approvers' keys count at boxes; nothing was asked for"
        ),
        KeyKnown { name, person } => say!(
            "box {name} knows that passkey of {person}, or does not know it, already; nothing was asked for"
        ),
        ApproverRequestUnknown { request } => say!(
            "there is no request {request}"; "`beadle-hub approver list` shows those that wait"
        ),
        NotAnAddress { what, text } => say!(
            "{what} = {text:?} is not where boxes can dial: nothing was ordered";
            "give a name or address, a colon and a port, like hub.example.gov.uk:4433"
        ),
        NoBoxToTell => say!("there is no box to tell: nothing was ordered"),
        SecondForMove => say!(
            "a second person must agree: where boxes find the hub takes two; nothing was ordered"
        ),
        SecondForNewLog => {
            say!("a second person must agree: a new log takes two; nothing was ordered")
        }
    }
}
