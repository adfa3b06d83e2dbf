//! Wiring. Which mask is in force, who imposes it, and whether it was imposed.
//!
//! | file | what |
//! |---|---|
//! | [`masks`], [`orders`], [`lift`] | the mask in force: by configuration, by order, lifted for a time |
//! | [`approvals`] | whether people have approved a lift with their own keys |
//! | [`imposition`] | one session's mask: pictures in, those that may be recorded out |
//! | [`primary`] | what is kept of an access unit, and what is not |
//! | [`worker`], [`pulse`] | the process that paints or proves; whether it is slow or hangs |
//! | [`prover`], [`bracket`], [`trust`] | pictures of a camera that paints its mask itself: held until proved; whether it is relied on |
//! | [`capacity`] | how many masks this box can paint |
//!
//! Of capturing these rooms know nothing: a session of a camera owns its imposition, and not the other way round.
pub mod approvals;
pub mod bracket;
pub mod capacity;
pub mod imposition;
pub mod lift;
mod lines;
pub mod masks;
pub mod orders;
pub mod primary;
pub mod prover;
pub mod pulse;
pub mod trust;
pub mod worker;
