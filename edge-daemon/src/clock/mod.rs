//! Wiring. Clock trust: kernel state, and agreement with the hub.
/// How far the wall clock can be believed. Cheap to clone.
#[derive(Clone)]
pub struct Trust {}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level { Synced, Holdover, Unknown }
impl Trust {
    pub fn new() -> Self { todo!() }
    /// The hub's time at a countersignature, and ours when it arrived.
    pub fn heard_hub(&self, hub: shared::time::Utc, now: shared::time::Now) { let _ = (hub, now); todo!() }
    pub fn level(&self, now: shared::time::Now) -> Level { let _ = now; todo!() }
    /// Whether footage may be deleted by this clock (audit.md, design.md §4: corroborated).
    pub fn corroborated(&self, now: shared::time::Now) -> bool { let _ = now; todo!() }
}
impl Default for Trust { fn default() -> Self { Self::new() } }
