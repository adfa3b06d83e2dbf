//! Pure. How many connections the reader answers at a time, and for how long it waits on one.
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Connections at a time.
pub const CALLS: usize = 64;
/// One that says nothing, or takes nothing, for so long is closed.
pub const IDLE: Duration = Duration::from_secs(20);

/// One connection's place among those.
pub struct Call(Arc<AtomicUsize>);

impl Call {
    pub fn begin(all: &Arc<AtomicUsize>) -> Option<Self> {
        let call = Self(all.clone());
        (all.fetch_add(1, Relaxed) < CALLS).then_some(call)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
