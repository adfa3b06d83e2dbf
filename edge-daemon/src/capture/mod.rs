//! Wiring. From a camera on the wire to units of a session: how it is asked, what it sends, when it is asked again.
//!
//! ```text
//! thread (turns) → connect (DESCRIBE … PLAY; [relay] where the direct way fails: way) → rtsp (its session, to its end) → [masking] → recording
//!                      session: how a session ended, and when the next begins
//! ```
pub(crate) mod aside;
pub(crate) mod bounds;
pub mod connect;
pub(crate) mod damage;
pub mod event;
pub(crate) mod farewell;
pub mod picture;
pub(crate) mod plain;
pub mod relay;
pub mod rtsp;
pub mod session;
pub mod still;
pub mod thread;
pub mod way;
