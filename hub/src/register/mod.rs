//! Wiring. The register of an exhibit: its producer's reference, its copies and in whose hands they are, what media may do with it, and
//! everything that ever happened to it, in order (EVI-2 to EVI-5, EVI-8, EVI-9).
//!
//! | module | what lives there |
//! |---|---|
//! | [`event`] | what happens to an exhibit, as values: for the page, the commands, and the continuity sheet |
//! | [`events`] | the one function that reads them from the hub's log |
//! | [`state`] | where a copy is, and what may be done with it |
//! | [`rank`] | who may authorise a still picture |
//! | [`acts`] | what people do: mark, register, hand over, receive, take back, destroy |
//! | [`media`] | what media may have, and that nothing goes to them without it |
//! | [`rows`], [`shown`] | the register as pages and commands show it; the release form's values |

pub mod acts;
pub mod event;
pub mod events;
pub mod media;
pub mod rank;
pub mod rows;
pub mod shown;
pub mod state;

pub use event::{ExhibitAct, ExhibitEvent};
pub use events::of as events_of;
