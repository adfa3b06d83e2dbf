//! Wiring. Which mask is in force, who imposes it, and whether it was imposed.
//!
//! | file | what |
//! |---|---|
//! | [`masks`], [`lift`] | the mask in force: by configuration, by order, lifted for a time |
//! | [`worker`] | the process that paints or proves |
//! | [`bracket`], [`trust`] | pictures of a camera that paints its mask itself: held until proved; whether it is relied on |
//! | [`capacity`] | how many masks this box can paint |
//! | [`still`] | one picture with the mask's outlines, for whoever draws it |
pub mod bracket;
pub mod capacity;
pub mod lift;
pub mod masks;
pub mod still;
pub mod trust;
pub mod worker;
