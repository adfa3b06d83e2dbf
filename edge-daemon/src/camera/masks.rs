//! Task. Which mask each camera has, and whether it is lifted; puts both on the record.
//!
//! A session is begun under what [`Masks::in_force`] says, and ends when that says something else: so no picture falls between two
//! masks. Whoever cannot be told what is in force gets the mask.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use logbook::{LogError, LogHandle};
use shared::{record::hex, types::MaskSet};

use super::track::Shared;
use crate::{config::Mask, store::writer::lock};

const WHO: &str = "sys:rec";

/// What a camera's pictures must go through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InForce {
    pub mask: Option<Arc<Mask>>,
    /// The mask is lifted: pictures are recorded as they come.
    pub lifted: Option<Lifted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// Number of the hub's line.
    pub order: u64,
    /// Its end by the monotonic clock, in ms: not one picture that comes later is recorded without the mask.
    pub until_mono: u64,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Masks(Arc<Inner>);

struct Inner {
    log: LogHandle,
    cameras: Vec<Arc<Shared>>,
    /// Cameras whose mask the log says in this start.
    said: Mutex<BTreeSet<usize>>,
}

impl Masks {
    pub fn start(log: LogHandle, cameras: &[Arc<Shared>]) -> Self {
        Self(Arc::new(Inner {
            log,
            cameras: cameras.to_vec(),
            said: Mutex::default(),
        }))
    }

    pub fn in_force(&self, index: usize) -> InForce {
        let mask = self
            .0
            .cameras
            .get(index)
            .and_then(|c| c.config.mask.clone());
        InForce {
            mask: mask.map(Arc::new),
            lifted: None,
        }
    }

    /// Puts the mask in force on the record, once a start and after each change, before the first line that relies on it.
    pub fn declare(&self, index: usize) -> Result<(), LogError> {
        let (Some(shared), Some(m)) = (self.0.cameras.get(index), self.in_force(index).mask) else {
            return Ok(());
        };
        if lock(&self.0.said).contains(&index) {
            return Ok(());
        }
        self.0.log.append(
            WHO,
            &MaskSet {
                cam: shared.id().clone(),
                mask: m.id.clone(),
                sha256: hex(&m.digest()),
                permille: m.permille(),
                review: m.review,
            },
        )?;
        lock(&self.0.said).insert(index);
        Ok(())
    }
}
