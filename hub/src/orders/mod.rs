//! Wiring. Orders to boxes.
//!
//! | file | what lives there |
//! |---|---|
//! | [`order`] | one order: signed, sent, answered |
//! | [`mask`] | masks set, lifted, ended |
//! | [`rate`] | recording rates |
//! | [`sweep`] | that a box may delete all that is past its day |
//! | [`succession`] | that a box begins a new log |
//! | [`moves`] | where boxes will find the hub |
//! | [`touches`] | orders that people approve with their own passkeys |
//! | [`approvers`] | whose passkeys count at which box |

pub mod approvers;
pub mod mask;
pub mod moves;
pub mod order;
pub mod rate;
pub mod succession;
pub mod sweep;
pub mod touches;
