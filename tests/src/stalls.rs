//! Adapter: clock, files. When this machine stood still: what no program on it could have done in time.
//!
//! A promise in seconds ("a kill costs one second at most") is about what Beadle holds back. On a machine that is shared, a synced write
//! may take most of a second and a thread that is due may not run for as long; both add to what a fault costs, whoever wrote the
//! program. So a probe does the two smallest things a recorder does, beside it, again and again: it wakes up when due and syncs one
//! block to the same disk. What they took beyond [`USUAL`] is what the machine stood still, is printed, and is allowed for; a quiet
//! machine is allowed nothing.
use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use shared::time::Utc;

use crate::{Done, Told, wait};

/// How often the probe wakes up.
const EVERY: Duration = Duration::from_millis(20);
/// A wake-up and a synced block take no longer on a machine that does what it is asked.
const USUAL: i64 = 100;
/// How long before a fault a stall can still be felt in what it cost: a stall ends, then what waited is written.
const FELT: i64 = 3_000;

/// (when it began, when it was over)
type Stall = (Utc, Utc);

/// A probe that runs until it is dropped.
pub struct Stalls {
    seen: Arc<Mutex<Vec<Stall>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stalls {
    /// Watches the disk that `folder` is on.
    pub fn watch(folder: &Path) -> Done<Self> {
        let path = folder.join("probe");
        let mut file = File::create(&path).told(path.display())?;
        let (seen, over) = (Arc::new(Mutex::new(Vec::new())), Arc::default());
        let (theirs, ended): (_, Arc<AtomicBool>) = (Arc::clone(&seen), Arc::clone(&over));
        let thread = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let began = wait::now();
                thread::sleep(EVERY);
                // A disk that cannot be written to is for the test to notice.
                let _ = file
                    .seek(SeekFrom::Start(0))
                    .and_then(|_| file.write_all(&[0; 4096]))
                    .and_then(|()| file.sync_data());
                let ended = wait::now();
                if ended.0 - began.0 > USUAL {
                    theirs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((began, ended));
                }
            }
        });
        Ok(Self {
            seen,
            over,
            thread: Some(thread),
        })
    }

    /// For how many ms the machine stood still in the seconds before `at`, in all.
    pub fn before(&self, at: Utc) -> i64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        felt(&seen, at)
    }
}

fn felt(seen: &[Stall], at: Utc) -> i64 {
    seen.iter()
        .map(|(began, ended)| ended.0.min(at.0) - began.0.max(at.0 - FELT))
        .filter(|ms| *ms > 0)
        .sum()
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It holds nothing that could be lost.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_felt_is_what_was_just_before() {
        let seen = [
            (Utc(1_000), Utc(2_000)),
            (Utc(9_500), Utc(9_700)),
            (Utc(9_900), Utc(11_000)),
        ];
        assert_eq!(felt(&seen, Utc(10_000)), 300);
        assert_eq!(felt(&seen, Utc(4_500)), 500, "half of it was too long ago");
        assert_eq!(felt(&seen, Utc(900)), 0);
        assert_eq!(felt(&[], Utc(900)), 0);
    }
}
