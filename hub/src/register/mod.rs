//! Wiring. The register of an exhibit: its producer's reference, its copies and in whose hands they are, what media may do with it, and
//! everything that ever happened to it, in order (EVI-2 to EVI-5, EVI-8, EVI-9).
//!
//! | file | what lives there |
//! |---|---|
//! | [`events`] | the one function that reads from the hub's log what happened |
//! | [`acts`] | what people do: mark, register, hand over, receive, take back, destroy |
//! | [`media`] | what media may have, and that nothing goes to them without it |
//! | [`shown`] | the register as pages and commands show it; the release form's values |
//!
//! Its values are in [`model`](crate::model): `exhibit_event`, `copy`, `rank`, `register`.

pub mod acts;
pub mod events;
pub mod kept;
pub mod media;
pub mod shown;

pub use crate::model::exhibit_event::{ExhibitAct, ExhibitEvent};
pub use events::of as events_of;
