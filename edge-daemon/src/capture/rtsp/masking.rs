//! Wiring. A session and its mask: what it is imposed with, where its pictures go, and how a session ends for its sake.
use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::Run;
use crate::{
    capture::{
        session::{Ended, Outcome},
        thread::TICK,
    },
    lock::lock,
    masking::{
        imposition::{Imposition, Means, Obstacle, Outset, may_be_painted},
        worker::Painted,
    },
    segment::{Cause, Guarded},
};

impl From<Obstacle> for Outcome {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Worker(breakdown) => (Ended::Worker, breakdown.why().to_owned()),
            Obstacle::Unproved(why) => (Ended::Unproved, why),
            Obstacle::Rule(why) => (Ended::Rule, why),
            Obstacle::Capacity(why) => (Ended::Capacity, why),
            Obstacle::Unmaskable(why) => (Ended::Unsupported, why),
        }
    }
}

impl Run {
    /// Where it may be that this session's mask is to be painted, waits until it is measured what that costs: before, there is nothing to
    /// ask the camera for. False: the box is to stop.
    pub(super) async fn measured(&mut self) -> bool {
        let began = self.context.clock.now().mono;
        let camera = self.capture.shared.clone();
        let mut waits = false;
        while may_be_painted(&self.rule, &camera) && !self.context.capacity.measured() {
            if self.context.stop.load(Relaxed) {
                return false;
            }
            if !std::mem::replace(&mut waits, true) {
                tracing::info!(camera = %camera.id(), "waits until it is measured what this box can carry");
            }
            tokio::time::sleep(TICK).await;
            self.rule = self.context.masks.in_force(camera.index);
        }
        if waits {
            let ms = self.context.clock.now().mono.saturating_sub(began);
            tracing::info!(camera = %camera.id(), ms, "what this box can carry is measured");
        }
        true
    }

    /// Begins to impose the mask, if there is one; how it is imposed.
    pub(super) fn impose(&mut self, outset: &Outset<'_>) -> Result<Guarded, Outcome> {
        let track = self.capture.track.clone();
        let means = Means {
            program: self.context.config.pictures.clone(),
            clock: self.context.clock.clone(),
            capacity: self.context.capacity.clone(),
            reports: self.context.reports.clone(),
            camera: self.capture.shared.clone(),
            out: Arc::new(move |painted| match painted {
                Painted::Unit(unit) => lock(&track).unit(unit),
                Painted::Broken => lock(&track).finish(Cause::Mask),
            }),
        };
        let (begun, how) = Imposition::begin(&means, &self.rule, outset);
        self.imposition = begun?;
        Ok(how)
    }
}
