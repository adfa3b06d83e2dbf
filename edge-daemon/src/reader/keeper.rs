//! Task. Keeps recipients 35 days ahead, and says when the reader is absent.
use std::{sync::Arc, time::Duration};

use shared::{
    id::CameraId,
    time::{Clock, Zone},
};

use super::{Client, ReaderError, Recipients};
use crate::{clock::Trust, health::Faults, stop::Stop};

/// How far ahead recipients are made: longer than the longest usual retention, so that a box whose reader is down
/// for weeks still seals each day to its own key.
pub const DAYS_AHEAD: u32 = 35;

/// How often the clock is looked at meanwhile, and how far it may be set without asking anew: the days ahead are others then.
const LOOK: Duration = Duration::from_secs(5);
const SET_MS: i64 = 3_600_000;

/// Asks for recipients at once, then hourly (and each second while the reader does not answer), and when the clock was set, until `stop`.
pub fn run(
    client: &Client,
    recipients: &Recipients,
    cams: &[CameraId],
    zone: &Zone,
    clock: &Arc<dyn Clock>,
    trust: &Trust,
    faults: &Faults,
    stop: &Stop,
) {
    loop {
        let now = clock.now();
        let wait = match once(client, recipients, cams, zone, now) {
            Ok(()) => {
                faults.off("reader.absent", None);
                // Until the clock is right the days asked for may be the wrong ones.
                if trust.corroborated(now) {
                    Duration::from_secs(3600)
                } else {
                    Duration::from_secs(60)
                }
            }
            Err(e) => {
                faults.on("reader.absent", None, &e.to_string());
                Duration::from_secs(1)
            }
        };
        let run = |now: shared::time::Now| now.wall.0 - now.mono as i64;
        let set = || (run(clock.now()) - run(now)).abs() > SET_MS;
        let over = |at: u64| clock.now().mono.saturating_sub(at) >= wait.as_millis() as u64;
        while !over(now.mono) && !set() {
            if stop.wait(wait.min(LOOK)) {
                return;
            }
        }
    }
}

/// One request for all cameras: the answer replaces the whole cache.
pub fn once(
    client: &Client,
    recipients: &Recipients,
    cams: &[CameraId],
    zone: &Zone,
    now: shared::time::Now,
) -> Result<(), ReaderError> {
    let today = zone.day_of(now.wall);
    client.recipients(cams, today, DAYS_AHEAD + 1, recipients)
}
