//! Pure. What is remembered of disks between looks.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::disk::Fullness;

/// What is remembered between looks.
#[derive(Default)]
pub struct Memory {
    pub taken: Vec<(PathBuf, String, u64)>,
    pub noted: Option<u64>,
    pub stood: Vec<(String, Fullness)>,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Disks(Arc<Mutex<Memory>>);

impl Disks {
    pub fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
