//! Pure. One act about evidence at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One act about evidence at a time.
pub fn turn(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
