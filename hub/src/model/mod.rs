//! Wiring. Plain values that many rooms name: numbers, names, states, kinds, spans; and what each event makes of a state. Nothing here reads or
//! writes anything.
//!
//! | file | what lives there |
//! |---|---|
//! | [`role`], [`grant`], [`operation`], [`approval`] | who may: roles, for which cameras; a row of the table of operations; what a second person approves |
//! | [`requester`], [`clip_request`], [`pull`], [`text`] | clip requests: who asks, where one stands, where each of its cameras stands, what people have to say |
//! | [`hold`], [`touch`], [`moves`], [`order`] | what boxes are ordered: holds, orders that wait for passkeys, where the hub will be, why one was not obeyed |
//! | [`line`], [`disk`] | what a box's line carries; room on disks |
//! | [`exhibit_event`], [`copy`], [`rank`], [`register`], [`evidence`] | exhibits: what happened to one, its copies, who may authorise a still picture, rows of the register and of what is kept |
//! | [`backup`], [`rollback`] | backups, as they are listed; records that are an older copy: what stands of it |
//! | [`local_time`] | a moment by the scheme's own clock |

pub mod approval;
pub mod backup;
pub mod clip_request;
pub mod copy;
pub mod disk;
pub mod evidence;
pub mod exhibit_event;
pub mod grant;
pub mod hold;
pub mod line;
pub mod local_time;
pub mod moves;
pub mod operation;
pub mod order;
pub mod outside;
pub mod pull;
pub mod rank;
pub mod register;
pub mod requester;
pub mod role;
pub mod rollback;
pub mod substitute;
pub mod text;
pub mod touch;
