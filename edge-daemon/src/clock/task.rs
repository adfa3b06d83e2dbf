//! Task. States the clock's quality in the log, hourly and on change.
use std::{sync::Arc, time::Duration};

use logbook::{LogError, LogHandle};
use shared::{time::Clock, types::ClockState};

use super::{Level, Trust};
use crate::{health::Faults, stop::Stop};

const LOOK_EVERY: Duration = Duration::from_secs(5);
const HOUR_MS: u64 = 3_600_000;

/// Until told to stop, or the log ends.
pub fn run(trust: &Trust, clock: &Arc<dyn Clock>, log: &LogHandle, faults: &Faults, stop: &Stop) {
    let mut said: Option<(Level, &'static str, u64)> = None;
    loop {
        let now = clock.now();
        let state = trust.state(now);
        if said.is_none_or(|(level, src, then)| {
            level != state.level || src != state.src || now.mono.saturating_sub(then) >= HOUR_MS
        }) {
            // The kernel does not say how far its time service is from a reference clock: 0, as in NTP "unspecified".
            let line = ClockState {
                src: state.src.into(),
                stratum: 0,
                offset_us: state.offset_us,
                err_us: state.err_us,
                trust: state.level.as_str().into(),
            };
            match log.append_soon("sys:clock", &line) {
                Ok(_) => said = Some((state.level, state.src, now.mono)),
                Err(LogError::Stopped(_)) => return,
                Err(e) => tracing::warn!(error = %e, "the clock's state could not be logged"),
            }
            let disagrees = state.level == Level::Unknown && state.src == "hub";
            set(
                faults,
                "clock.disagrees",
                disagrees,
                &beside_the_hub(state.offset_us / 1000),
            );
            set(
                faults,
                "clock.unsynced",
                state.level == Level::Unknown && !disagrees,
                match state.src {
                    "log" => {
                        "the clock stands before the last line of this box's own log, and the hub has not said yet which of the two is right"
                    }
                    _ => "neither a time service nor the hub vouches for the clock",
                },
            );
        }
        if stop.wait(LOOK_EVERY) {
            return;
        }
    }
}

/// `offset_ms`: the hub's clock minus this box's.
fn beside_the_hub(offset_ms: i64) -> String {
    let side = if offset_ms < 0 { "ahead of" } else { "behind" };
    format!(
        "this box is {} {side} the hub",
        shared::time::length_in_words(offset_ms)
    )
}

fn set(faults: &Faults, code: &'static str, on: bool, why: &str) {
    if on {
        faults.on(code, None, why)
    } else {
        faults.off(code, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-1: a difference says who is ahead, in words.
    #[test]
    fn a_difference_has_a_direction() {
        assert_eq!(
            beside_the_hub(-86_400_000),
            "this box is 1 day ahead of the hub"
        );
        assert_eq!(
            beside_the_hub(200_000),
            "this box is 3 min 20 s behind the hub"
        );
    }
}
