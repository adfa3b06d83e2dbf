//! Wiring. Pulls: from a box to whole segments that are what its log says, and on to their package.
//!
//! | file | what lives there |
//! |---|---|
//! | [`fetch`] | the task: one pull from its turn to its end |
//! | [`announced`] | what the box says it will send |
//! | [`bytes`] | the segments, byte by byte |
//! | [`ended`] | a clip out of a log that has ended |
//! | [`finish`] | what came, held against what was asked for; the package |
//! | [`steer`] | pause, resume, a cap and hours |
//!
//! Which pulls are under way, and whose turn it is: [`hub::pulls`](crate::hub::pulls), [`hub::lines`](crate::hub::lines), [`hub::turns`](crate::hub::turns).

pub mod announced;
pub mod bytes;
pub mod ended;
pub mod fetch;
pub mod finish;
pub mod outcome;
pub mod steer;
