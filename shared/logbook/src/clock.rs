//! Adapter: OS clock. The time of the wall and the time since the start, read together.

use nix::time::{ClockId, clock_gettime};
use shared::time::{Clock, Now, Utc};

/// Wall clock and `CLOCK_BOOTTIME`, read within 5 ms of each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// `CLOCK_BOOTTIME` in milliseconds. It exists on every Linux this runs on; 0 stands for a kernel that refuses it.
fn boottime_ms() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |t| {
        t.tv_sec() as u64 * 1000 + t.tv_nsec() as u64 / 1_000_000
    })
}

fn wall() -> Utc {
    clock_gettime(ClockId::CLOCK_REALTIME)
        .map_or(Utc(0), |t| Utc(t.tv_sec() * 1000 + t.tv_nsec() / 1_000_000))
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        // A writer that is put to sleep between the two readings would state a clock step that never
        // happened: read again, and take the last pair when the machine never lets two readings meet.
        let mut now = Now {
            wall: wall(),
            mono: boottime_ms(),
        };
        for _ in 0..100 {
            let before = boottime_ms();
            let wall = wall();
            let after = boottime_ms();
            now = Now { wall, mono: after };
            if after.saturating_sub(before) <= 5 {
                break;
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run_on() {
        let a = SystemClock.now();
        let b = SystemClock.now();
        assert!(b.mono >= a.mono && a.wall.0 > 1_600_000_000_000);
    }
}
