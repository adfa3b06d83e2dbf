//! Adapter: OS clock.
use shared::time::{Clock, Now};
/// Wall clock and `CLOCK_BOOTTIME`, read within 5 ms of each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;
impl Clock for SystemClock {
    fn now(&self) -> Now {
        todo!()
    }
}
