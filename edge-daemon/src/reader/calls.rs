//! Adapter: threads. How many connections the reader answers at a time, and for how long it waits on one.
//!
//! The recorder opens one for each question, and has a handful of threads. Whoever leaves them open is not to take threads and memory
//! until nobody is answered, nor to end the reader by it.
use std::{
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// Connections at a time.
const MOST: usize = 64;
/// One that says nothing, or takes nothing, for so long is closed.
const IDLE: Duration = Duration::from_secs(20);

/// Those that are answered now.
#[derive(Default)]
pub struct Calls(Arc<AtomicUsize>);

/// One connection's place among them.
struct Call(Arc<AtomicUsize>);

impl Calls {
    fn begin(&self) -> Option<Call> {
        let call = Call(self.0.clone());
        (self.0.fetch_add(1, Relaxed) < MOST).then_some(call)
    }

    /// Answers a connection in a thread of its own; one too many is closed.
    pub fn answer(&self, stream: UnixStream, converse: impl FnOnce(UnixStream) + Send + 'static) {
        let Some(call) = self.begin() else {
            tracing::warn!(most = MOST, "too many connections at once; one was closed");
            return;
        };
        let begun = stream
            .set_read_timeout(Some(IDLE))
            .and_then(|()| stream.set_write_timeout(Some(IDLE)))
            .and_then(|()| {
                std::thread::Builder::new()
                    .name("reader-call".into())
                    .spawn(move || {
                        converse(stream);
                        drop(call);
                    })
            });
        if let Err(e) = begun {
            tracing::warn!(error = %e, "a connection could not be answered");
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
