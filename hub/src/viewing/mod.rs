//! Wiring. What is watched.
//!
//! | file | what lives there |
//! |---|---|
//! | [`looks`] | footage at a box that nobody takes: judged, put on record, ordered |
//! | [`exhibit`] | a clip that is here, or on its way |
//! | [`arriving`] | a film out of sealed pieces, as they come |

pub mod arriving;
pub mod exhibit;
pub mod looks;
