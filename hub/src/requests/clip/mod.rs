//! Wiring. Clip requests: what somebody asks for, of several cameras and one span, from the draft to the day it is closed (EVI-1, AUD-5).
//!
//! | file | what lives there |
//! |---|---|
//! | [`model::requester`](crate::model::requester) | who asks, and what is required of them: one table |
//! | [`model::clip_request`](crate::model::clip_request) | where a request stands, and what each event makes of it |
//! | [`draft`] | what people do while it is a draft: open, change |
//! | [`acts`] | what they do until it is granted: submit, authorise |
//! | [`ends`] | and when it ends: refuse, cancel, release, close |
//! | [`ending`] | where its cameras bring it: the least advanced of them, and at the end all, some or nothing |
//! | [`rows`], [`shown`] | a request as pages, commands and programs are shown it |
//!
//! Each camera that is granted is an exhibit of its own, with its grant, hold and package; the request says who asked, for what, and where
//! all of them stand. `clip pull` is a request of one camera of class police, submitted at once.
pub mod acts;
pub mod draft;
pub mod ending;
pub mod ends;
pub mod objection;
pub mod rows;
pub mod shown;
