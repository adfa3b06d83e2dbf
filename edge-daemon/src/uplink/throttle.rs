//! Task. How fast clips go, all of them together: what the hub wishes at most.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What may go at once after a quiet time, in milliseconds of the rate.
const BURST_MS: u64 = 250;

struct Used {
    /// Kilobits a second; None: as the line carries them.
    most_kbit: Option<u64>,
    /// When all that went so far has had its time.
    until: Instant,
}

/// Cheap to clone; one for each connection.
#[derive(Clone)]
pub struct Throttle(Arc<Mutex<Used>>);

impl Default for Throttle {
    fn default() -> Self {
        let until = Instant::now();
        Self(Arc::new(Mutex::new(Used {
            most_kbit: None,
            until,
        })))
    }
}

impl Throttle {
    pub fn set(&self, most_kbit: Option<u64>) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.most_kbit = most_kbit.filter(|most| *most > 0);
        used.until = Instant::now();
    }

    /// Bytes that go in one piece: small where the rate is, so that whoever shares it is not kept waiting.
    pub fn piece(&self, most: usize) -> usize {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tenth = used.most_kbit.map(|kbit| kbit.saturating_mul(1000) / 80);
        let tenth = tenth.and_then(|bytes| usize::try_from(bytes).ok());
        tenth.map_or(most, |bytes| bytes.clamp(1024, most))
    }

    /// Waits until so many bytes may go.
    pub async fn pass(&self, bytes: usize) {
        if let Some(due) = self.due(bytes, Instant::now()) {
            tokio::time::sleep_until(due).await;
        }
    }

    /// When so many bytes may go; None: at once.
    fn due(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kbit = used.most_kbit?;
        let takes = Duration::from_micros((bytes as u64).saturating_mul(8000) / kbit);
        let burst = Duration::from_millis(BURST_MS);
        let from = used.until.max(now.checked_sub(burst).unwrap_or(now));
        used.until = from + takes;
        Some(used.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-6: all streams together go as fast as the cap says, after a quiet time a little at once, and as the line carries them when there
    /// is no cap.
    #[test]
    fn all_streams_keep_to_one_cap() {
        let throttle = Throttle::default();
        let began = Instant::now();
        assert_eq!(throttle.due(1 << 30, began), None);
        throttle.set(Some(2_000));
        assert_eq!(throttle.piece(64 << 10), 25_000);
        let began = began + Duration::from_secs(60);
        // A million bytes at 250,000 a second, less the burst.
        let due = (0..100).filter_map(|_| throttle.clone().due(10_000, began));
        let due: Vec<Instant> = due.collect();
        let last = due.last().copied().expect("capped");
        assert_eq!(last - began, Duration::from_millis(3_750));
        throttle.set(None);
        assert_eq!(throttle.due(1 << 30, began), None);
    }
}
