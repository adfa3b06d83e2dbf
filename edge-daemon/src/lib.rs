//! Pure. Module map of the box.
//!
//! ```text
//! packet      capture/rtsp → [masking/worker] → segment/cutter → footage::mp4 → footage::sealed → store/writer → audit line → store/index
//!             … pulled:  uplink/pulls → reader → uplink/quic ══> hub          … or due:  retention/policy → retention/sweeper
//! audit line  whoever acts → logbook (append, sync, then act) → uplink/audit ══> hub → countersigned head → logbook (head.ack)
//! ```
pub mod below;
pub mod cameras;
pub mod capture;
pub mod clock;
pub mod commands;
pub mod config;
pub mod demoted;
pub mod failure;
pub mod fuzz;
pub mod health;
pub mod identity;
mod lock;
pub mod logging;
pub mod masking;
pub mod memory;
pub mod nal;
pub mod reader;
pub mod recording;
pub mod retention;
pub mod segment;
pub mod state;
pub mod stop;
pub mod store;
pub mod supervise;
#[cfg(test)]
mod testing;
pub mod uplink;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;
