//! Wiring. Clip requests: who asks, for what, and what became of it.
//!
//! | file | what lives there |
//! |---|---|
//! | [`clip`] | a request from its draft to the day it is closed |
//! | [`submit`] | one of one camera, submitted at once |
//! | [`ahead`] | how much a clip is, and when it will be there |
//! | [`save`] | that a package is written out in plain |
pub mod ahead;
pub mod clip;
pub mod save;
pub mod submit;
