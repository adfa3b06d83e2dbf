//! Adapter: filesystem. The append-only log of box and hub: lines, heads, keys (audit.md 2.3, 2.4, 2.6).
//!
//! ```text
//! <state>/log/<number>/<first line, ten digits>.jsonl    lines, a new file each 65,536
//! <state>/log/<number>/head.note                          newest head, signed by the log key
//! <state>/log/<number>/cosigned.note                      newest head the hub countersigned
//! <state>/log/<number>/resume.json                        where the next start may begin to read
//! <state>/log/<number>/heads/<size>.note                  one per key.roll, at close, and every 2,048 lines
//! <state>/log/keys/<number>.current …                     the log's private key (32 bytes), replaced hourly on a box
//! <state>/log/boot                                        start counter
//! ```
mod clock;
mod copy;
mod files;
mod handle;
mod keys;
mod owner;
mod point;
mod writer;

pub use clock::SystemClock;
pub use copy::{Copy, CopyError, Refusal};
pub use files::{Folder, LogFolder, LogName, named, sync_dir, write_whole};
pub use handle::{Line, LogHandle, OpenedLog};
pub use owner::{act_as, act_as_owner, heir};
pub use point::SkippedLines;
pub use writer::{LogError, Settings, Succession, succeed, succeed_above};

#[cfg(test)]
mod tests;
