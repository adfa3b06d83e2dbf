//! Task. What is due in a session whether pictures come or not, and how long it waits for those that do not.
use std::sync::atomic::Ordering::Relaxed;

use shared::time::Now;

use super::{NO_OPENING_MS, Run};
use crate::{
    capture::session::{ALONE_MS, Ended, Outcome, PARAMETERS_MS, complete_ms, stall_ms},
    lock::lock,
    masking::imposition::{Imposition, Obstacle},
};

impl Run {
    /// What is due whether frames come or not.
    pub(super) fn look(&mut self) -> Option<Outcome> {
        let now = self.now();
        if self.context.stop.load(Relaxed) {
            return Some((Ended::Stop, String::new()));
        }
        let silent = now.mono.saturating_sub(self.last_at);
        let rhythm = self.capture.shared.rhythm_ms.load(Relaxed);
        let patience = stall_ms(self.counted, rhythm, self.line.unseen());
        if silent > patience {
            return Some((
                Ended::Stalled,
                format!("no picture for {} s", patience / 1000),
            ));
        }
        let usual = self.capture.shared.rhythm_ms.load(Relaxed);
        let patience = complete_ms(self.pictures.sliced(), usual);
        let complete = |since: u64| now.mono.saturating_sub(since.max(self.last_at)) >= patience;
        if self.pictures.since().is_some_and(complete) {
            let mut whole = Vec::new();
            self.pictures.flush(&mut whole);
            for picture in whole {
                if let Err(outcome) = self.picture(picture) {
                    return Some(outcome);
                }
            }
        }
        if let Some(outcome) = self.gave_up() {
            return Some(outcome);
        }
        if self.held.is_some()
            && !self.held.as_ref().is_some_and(Vec::is_empty)
            && self.known(now)
            && let Err(outcome) = self.begin()
        {
            return Some(outcome);
        }
        if silent > 700 && !self.imposition.as_ref().is_some_and(Imposition::paints) {
            lock(&self.capture.track).idle();
        }
        if self.looked != now.mono {
            self.looked = now.mono;
            let now = self.context.masks.in_force(self.capture.shared.index);
            if !now.same_for_pictures(&self.rule) {
                return Some((Ended::Rule, "another mask is in force".into()));
            }
        }
        if let Some(obstacle) = self.imposition.as_mut().and_then(|i| i.look(now)) {
            return Some(self.obstructed(obstacle));
        }
        let contradiction = lock(&self.capture.track).contradiction();
        if let Some(why) = contradiction {
            return Some((Ended::Jump, why.to_string()));
        }
        self.starved(now)
    }

    /// Pictures come, and none that is needed to go on.
    pub(super) fn starved(&mut self, now: Now) -> Option<Outcome> {
        let began = self.began?;
        let waited = now.mono.saturating_sub(self.opened.unwrap_or(began));
        if self.parameters.is_none() && self.bare >= 2 && waited >= PARAMETERS_MS {
            return Some((
                Ended::Unsupported,
                format!(
                    "{} pictures came in {} s, {} of them key pictures, and the camera sent no parameter sets (SPS, PPS), neither in its description nor in its stream",
                    self.counted,
                    waited / 1000,
                    self.bare
                ),
            ));
        }
        let proves = self.imposition.as_ref().is_some_and(|i| !i.paints());
        if proves && waited >= ALONE_MS {
            return Some(self.obstructed(Obstacle::Unproved(format!(
                "no picture came for {} s that can be decoded alone, so its mask cannot be proved: set a key frame (IDR) every 2 s",
                waited / 1000
            ))));
        }
        let patience = 2 * u64::from(self.context.config.segment_secs) * 1000 + NO_OPENING_MS;
        let patience = patience.max(self.capture.shared.group_ms.load(Relaxed) * 2);
        let lapsed = lock(&self.capture.track).starved();
        (lapsed || waited > patience).then(|| {
            (
                Ended::NoKey,
                format!(
                    "no key picture or recovery point came for {} s",
                    waited / 1000
                ),
            )
        })
    }
}
