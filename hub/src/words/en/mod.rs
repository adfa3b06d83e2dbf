//! Pure. The sentences of reasons, in English.

use super::text::Text;
use crate::reason::{Reason, class::Class};

mod access;
mod accounts;
mod api;
pub mod backups;
pub mod card;
pub mod certificate;
pub mod claims;
pub mod clips;
mod evidence;
mod footage;
mod holds;
pub mod labels;
mod masks;
pub mod moves;
pub mod notices;
mod orders;
pub mod outside;
mod pages;
pub mod papers;
mod proofs;
pub mod pulls;
pub mod read_me;
pub mod register;
pub mod still;
pub mod subtitles;
mod trail;

pub fn of(reason: &Reason) -> Text {
    match reason {
        Reason::Access(reason) => access::of(reason),
        Reason::Accounts(reason) => accounts::of(reason),
        Reason::Api(reason) => api::of(reason),
        Reason::Backups(reason) => backups::of(reason),
        Reason::Clips(reason) => clips::of(reason),
        Reason::Evidence(reason) => evidence::of(reason),
        Reason::Footage(reason) => footage::of(reason),
        Reason::Holds(reason) => holds::of(reason),
        Reason::Masks(reason) => masks::of(reason),
        Reason::Orders(reason) => orders::of(reason),
        Reason::Outside(reason) => outside::of(reason),
        Reason::Pages(reason) => pages::of(reason),
        Reason::Proofs(reason) => proofs::of(reason),
        Reason::Register(reason) => register::of(reason),
        Reason::Trail(reason) => trail::of(reason),
    }
}

/// What to do about any reason of a class.
pub fn next(class: Class) -> &'static str {
    match class {
        Class::Malformed => "ask again with what is wanted: docs/openapi.json says what that is",
        Class::SignedOut => "sign in, or send a token that is still good",
        Class::NotAllowed => "ask somebody who may, or whoever administers this hub",
        Class::Missing => "look at the list for what there is",
        Class::Refused => "see how things stand, and ask again when that has changed",
        Class::TooFast => "wait a few seconds and ask again",
        Class::Unreachable => "look whether it was done all the same, then ask again in a minute",
        Class::Broken => "tell whoever looks after this hub",
    }
}
