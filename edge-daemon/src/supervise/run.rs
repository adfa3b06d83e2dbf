//! Wiring. What runs beside the cameras: threads for the index, keys, retention, holds and the clock; the uplink.
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use logbook::LogHandle;
use shared::id::CameraId;

use super::{NamedThread, RunError, build::BoxContext, thread};
use crate::{
    clock,
    health::Faults,
    identity::BoxKey,
    masking::approvals::Approvals,
    reader,
    recording::names::Names,
    retention::{spot::Spot, sweeper::Sweeper},
    state::State,
    store::{Index, Volumes, index::IndexError, outlook::Watch, recovery},
    uplink::{Uplink, looks::Looks, orders},
};

/// When the index could not be used at all, it is tried again.
const INDEX_AGAIN: Duration = Duration::from_secs(30);

impl BoxContext {
    /// Starts them all; they end when it is time to stop.
    pub(super) fn threads(&self) -> Result<Vec<NamedThread>, RunError> {
        Ok(vec![
            self.recovery()?,
            self.recipients()?,
            self.retention()?,
            self.holds()?,
            self.spot()?,
            self.clock()?,
        ])
    }

    fn ids(&self) -> Vec<CameraId> {
        self.config.cameras.iter().map(|c| c.id.clone()).collect()
    }

    /// The index and what an earlier start left torn; then how long the disks will hold.
    fn recovery(&self) -> Result<NamedThread, RunError> {
        let retention = self
            .config
            .cameras
            .iter()
            .map(|c| (c.id.clone(), c.retention_days));
        let watch = Watch {
            volumes: self.volumes.clone(),
            retention: retention.collect(),
            clock: self.clock.clone(),
            faults: self.faults.clone(),
            outlook: self.outlook.clone(),
            holds: self.holds.clone(),
        };
        let (ids, config, state) = (self.ids(), self.config.clone(), self.state.clone());
        let (client, log, faults) = (self.client.clone(), self.log.clone(), self.faults.clone());
        let (cameras, stop) = (self.cameras.clone(), self.stop.clone());
        thread("recovery", move || {
            // Recording does not need the index, but lines wait until recovery knows where each camera's numbers stand.
            let (mut index, found) = loop {
                match indexed(&state, &log, &watch.volumes, &faults) {
                    Ok(both) => break both,
                    Err(e) => faults.on("index.unusable", None, &crate::failure::chain(&e)),
                }
                if stop.wait(INDEX_AGAIN) {
                    return;
                }
            };
            let names = Names::of(&config, &index);
            // An index that cannot be asked says nothing: then the log says of each once more.
            let certificates = index.accepted().unwrap_or_default();
            for cam in &ids {
                let known = certificates.iter().find(|(of, _)| of == cam);
                cameras.accepted(cam, known.map(|(_, cert)| cert.clone()));
            }
            found.recover(
                &ids,
                &client,
                &log,
                &mut index,
                &faults,
                &stop,
                |cam, last| {
                    // After what an earlier start recorded, and before what this one does.
                    names.declare(cam, &log, &stop);
                    cameras.recovered(cam, last)
                },
            );
            watch.run(&mut index, &stop);
        })
    }

    /// Keys to seal with are kept weeks ahead.
    fn recipients(&self) -> Result<NamedThread, RunError> {
        let (client, recipients) = (self.client.clone(), self.recipients.clone());
        let (ids, zone) = (self.ids(), self.config.zone.clone());
        let (clock, trust) = (self.clock.clone(), self.trust.clone());
        let (faults, stop) = (self.faults.clone(), self.stop.clone());
        thread("recipients", move || {
            reader::keeper::run(
                &client,
                &recipients,
                &ids,
                &zone,
                &clock,
                &trust,
                &faults,
                &stop,
            )
        })
    }

    fn retention(&self) -> Result<NamedThread, RunError> {
        let sweeper = Sweeper::new(
            &self.config,
            self.state.index(),
            self.volumes.clone(),
            self.log.clone(),
            self.client.clone(),
            self.clock.clone(),
            self.trust.clone(),
            self.faults.clone(),
            self.holds.clone(),
            self.rules.clone(),
            self.confirmed.clone(),
        );
        let stop = self.stop.clone();
        thread("retention", move || sweeper.run(&stop))
    }

    fn holds(&self) -> Result<NamedThread, RunError> {
        let (holds, stop) = (self.holds.clone(), self.stop.clone());
        thread("holds", move || holds.run(&stop))
    }

    /// One segment a day is compared with its line.
    fn spot(&self) -> Result<NamedThread, RunError> {
        let spot = Spot {
            zone: self.config.zone.clone(),
            volumes: self.volumes.clone(),
            log: self.log.clone(),
            index: self.state.index(),
            client: self.client.clone(),
            faults: self.faults.clone(),
            holds: self.holds.clone(),
            nothing: None,
        };
        let stop = self.stop.clone();
        thread("spot", move || spot.run(&stop))
    }

    fn clock(&self) -> Result<NamedThread, RunError> {
        let (trust, clock) = (self.trust.clone(), self.clock.clone());
        let (log, faults, stop) = (self.log.clone(), self.faults.clone(), self.stop.clone());
        thread("clock", move || {
            clock::run(&trust, &clock, &log, &faults, &stop)
        })
    }

    pub(super) fn uplink(&self, key: BoxKey) -> Result<Uplink, RunError> {
        let desk = orders::BoxContext {
            config: self.config.clone(),
            state: self.state.clone(),
            log: self.log.clone(),
            cameras: self.cameras.clone(),
            volumes: self.volumes.clone(),
            client: self.client.clone(),
            clock: self.clock.clone(),
            trust: self.trust.clone(),
            holds: self.holds.clone(),
            confirmed: self.confirmed.clone(),
            outlook: self.outlook.clone(),
            succession: self.succession.clone(),
            approvals: Approvals::new(&self.state, self.config.approvals),
            looks: Looks::default(),
        };
        Uplink::start(desk, key, self.faults.clone(), self.trust.clone()).map_err(RunError::Thread)
    }

    /// A start reads the log from its last file on; the rest is checked while the box records. True once it is found to be other than
    /// what was signed.
    pub(super) fn check_older_lines(&self) -> Result<Arc<AtomicBool>, RunError> {
        let changed = Arc::new(AtomicBool::new(false));
        if let Some(skipped) = self.opened.skipped.clone() {
            let changed = changed.clone();
            thread("log-check", move || match skipped.check() {
                Ok(true) => tracing::info!(
                    lines = skipped.lines(),
                    "the log's older lines are as they were signed"
                ),
                Ok(false) => changed.store(true, Relaxed),
                Err(e) => tracing::error!(error = %e, "the log's older lines cannot be checked"),
            })?;
        }
        Ok(changed)
    }
}

#[derive(Debug, thiserror::Error)]
enum IndexFailed {
    #[error("the index of footage cannot be used")]
    Index(#[from] IndexError),
    #[error("the disks cannot be compared with the log")]
    Scan(#[from] recovery::RecoveryError),
}

fn indexed(
    state: &State,
    log: &LogHandle,
    volumes: &Volumes,
    faults: &Faults,
) -> Result<(Index, recovery::Found), IndexFailed> {
    let index = Index::open(&state.index(), &log.folder()).or_else(|e| {
        // Torn segments can be dealt with all the same, and cameras need to know their last number: one in memory does for that.
        faults.on("index.unusable", None, &crate::failure::chain(&e));
        Index::open(Path::new(":memory:"), &log.folder())
    })?;
    let found = recovery::scan(volumes, &index)?;
    if found.orphans() > 0 {
        tracing::info!(
            segments = found.orphans(),
            "footage that is not in the log yet: to be recovered"
        );
    }
    Ok((index, found))
}
