//! Wiring. Simulated boxes beside a real hub.
//!
//! `audit.ingest`: lines a second that one hub countersigns, of ten boxes that come back at once with what they owe; their own work, on
//! the same machine, is told beside it. `hub.lost`: one box of 8 cameras reports every segment of a month lost; until that is in the hub's
//! tables, and what a page and a countersignature of others take before and meanwhile. `hub.fleet`: 100 boxes of ten cameras for two minutes,
//! with lines that drop and addresses that change, fifty pulls at once, and a hub that is killed: what they cost the hub, how long a head
//! and a page take, and until all are back.
//! `link.idle`: bits a second, per camera and both ways, between a real box of eight cameras that only records and its hub.
use beadle_tests::{Done, figure::Figure, fleet};

pub fn ingest(_: u64) -> Done<Vec<Figure>> {
    fleet::ingest()
}

pub fn lost(_: u64) -> Done<Vec<Figure>> {
    fleet::lost_disk(8, 44_640)
}

pub fn load(_: u64) -> Done<Vec<Figure>> {
    fleet::hub_fleet(fleet::Load {
        boxes: 100,
        cameras: 10,
        secs: 120,
        pulls: 50,
        segment: 60,
        killed: Some(10),
    })
}

pub fn idle(secs: u64) -> Done<Vec<Figure>> {
    fleet::idle(secs)
}
