//! Wiring. From a session's units to segments on a disk and lines in the log.
//!
//! ```text
//! recorder (cutter, numbers, the volume's queue) ──> store/writer ──report──> log (lines, faults)
//!      ↑ rates, switch: which of two rates               sequence: s, gaps ──┘
//! ```
pub mod continuity;
pub mod log;
pub mod names;
pub mod rates;
pub mod recorder;
pub mod report;
pub mod sequence;
pub mod switch;
pub mod watch;
