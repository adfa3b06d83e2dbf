//! Pure. English for what the doors refuse.

use crate::{
    reason::Api::{self, *},
    words::text::{Text, say},
};

pub fn of(reason: &Api) -> Text {
    match reason {
        NoSuchOperation => {
            say!("there is no such operation"; "docs/openapi.json lists what there is")
        }
        OtherMethod => {
            say!("this address does not take what was sent to it; nothing was done"; "ask with the method that the header Allow names")
        }
        AddressUnreadable => say!("the address cannot be read; nothing was done"),
        JsonWanted => say!("what is sent has to be application/json; nothing was done"),
        ObjectWanted => say!("the body is not a JSON object; nothing was done"),
        BodyNotJson { why } => say!("the body is not JSON ({why}); nothing was done"),
        SaidTwice { name } => say!("{name} is said twice; nothing was done"),
        NotTaken { name, taken } => {
            let taken = match taken.is_empty() {
                true => "nothing".to_owned(),
                false => taken.join(", "),
            };
            say!("{name:?} is not taken here, only {taken}; nothing was done")
        }
        NumberTooGreat { name, most } => {
            say!("{name} is a whole number of at most {most}; nothing was done")
        }
        NotAsWanted { why } => say!("{why}; nothing was done"),
        NoPlaceInList { text } => {
            say!("{text:?} is no place in this list; nothing was done"; "`after` is what `next` of the part before said")
        }
        NotAName { text, wanted } => say!("{text:?} is not {wanted}"),
        TooSlow => say!("what was sent took too long to arrive. Nothing was done"; "try again"),
        TooLarge => say!(
            "what was sent was larger than anything that is taken here, or did not come whole. Nothing was done"
        ),
        OtherSite => say!("this was sent by another site; nothing was done"),
        NotTheHubsUser => say!("only root and the hub's own user may give the hub commands"),
        SignInUnreadable => say!("the sign-in cannot be read"),
        AddressTooFast => {
            say!("too much is asked from this address at once. Wait a few seconds and try again")
        }
        Stopping => say!("the hub is stopping"; "try again in a minute"),
        DiskFull { path, mib } => say!(
            "the disk of {path} has {mib} MiB left, which are kept for the hub's own log: nothing was done";
            "`beadle-hub status` says what takes the room; evidence may be disposed of and holds released all the same"
        ),
        TookTooLong => {
            say!("this took longer than it may, so it was given up. What was to be done may be done all the same"; "look before you ask again")
        }
    }
}
