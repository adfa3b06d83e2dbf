//! Wiring. From a camera on the wire to lines in the log, with a camera that does as it is told.
//!
//! `fake` is that camera, `rig` the box around what is tested.
mod damage;
mod fake;
mod masks;
mod odd;
mod recording;
mod relay;
mod rig;
