//! Task. Blocking work, off the async threads.

use tokio::task::JoinError;

/// Runs blocking work (SQLite, disks, the log) off the async threads.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Interruption> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// Work that did not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Interruption {
    #[error("the work broke off: this is a fault in Beadle")]
    Panicked,
    #[error("the work was stopped before it ended")]
    Stopping,
}

impl From<JoinError> for Interruption {
    fn from(e: JoinError) -> Self {
        match e.is_panic() {
            true => Self::Panicked,
            false => Self::Stopping,
        }
    }
}
