//! Pure. What a worker's two threads and the session that owns it know of it.
use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use shared::worker::Verdict;

use crate::{lock::lock, segment::Dated};

/// Pictures that a worker may keep to itself (those of a decoder that reorders), until it has been seen to keep fewer.
const DEPTH: u64 = 8;

pub struct State {
    pub failed: Mutex<Option<String>>,
    /// It closed a pipe; if it said nothing, its exit status says how it ended.
    pub mute: AtomicBool,
    /// It said why it failed, and that was not its encoder.
    pub encoder_well: AtomicBool,
    /// What its sandbox lacks, until the session has taken it.
    pub sandbox: Mutex<Option<Vec<String>>>,
    pub done: AtomicBool,
    /// We asked it to end.
    pub ending: AtomicBool,
    /// Units it was given, in order: time in the session, wall time, and what that rests on. A picture that comes back is given those
    /// of the one it was made from.
    out: Mutex<VecDeque<(i64, i64, Dated)>>,
    /// Signs of life so far.
    signs: AtomicU64,
    sent: AtomicU64,
    /// Taken by the feeder.
    pub taken: AtomicU64,
    back: AtomicU64,
    /// The fewest units that were out when one came back.
    depth: AtomicU64,
    pub verdicts: Mutex<VecDeque<Verdict>>,
    /// It masks one picture in so many.
    pub one_in: AtomicU32,
    /// Packets lost and pictures shed before the worker, to be counted with the next unit that comes back.
    pub lost: AtomicU32,
    pub shed: AtomicU32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            failed: Mutex::new(None),
            mute: AtomicBool::new(false),
            encoder_well: AtomicBool::new(false),
            sandbox: Mutex::new(None),
            done: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            out: Mutex::default(),
            signs: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            back: AtomicU64::new(0),
            depth: AtomicU64::new(DEPTH),
            verdicts: Mutex::default(),
            one_in: AtomicU32::new(1),
            lost: AtomicU32::new(0),
            shed: AtomicU32::new(0),
        }
    }
}

impl State {
    /// The first reason stands.
    pub fn fail(&self, why: String) {
        lock(&self.failed).get_or_insert(why);
    }

    /// A unit is about to be handed over.
    pub fn sends(&self, pts: i64, wall_us: i64, dated: Dated) {
        if self.outstanding() == 0 {
            // It has had nothing to do: its time begins now.
            self.lives();
        }
        lock(&self.out).push_back((pts, wall_us, dated));
        // Counted before it is: its answer may be quick.
        self.sent.fetch_add(1, Relaxed);
    }

    /// The unit last spoken of could not be taken.
    pub fn unsent(&self) {
        self.sent.fetch_sub(1, Relaxed);
        lock(&self.out).pop_back();
    }

    /// How many units wait behind the one that the feeder takes now.
    pub fn takes(&self) -> u8 {
        let taken = self.taken.fetch_add(1, Relaxed) + 1;
        let behind = self.sent.load(Relaxed).saturating_sub(taken);
        u8::try_from(behind).unwrap_or(u8::MAX)
    }

    /// Wall time of the unit that was given with the time `pts`, and what it rests on. A decoder that reorders gives pictures back in
    /// another order than it was given them, but not by more than [`DEPTH`]; what was left out long before is forgotten.
    pub fn given(&self, pts: i64) -> Option<(i64, Dated)> {
        let mut out = lock(&self.out);
        let at = out.iter().position(|o| o.0 == pts)?;
        let (_, wall_us, dated) = out.remove(at)?;
        let old = at.saturating_sub(DEPTH as usize);
        out.drain(..old);
        Some((wall_us, dated))
    }

    pub fn outstanding(&self) -> u64 {
        self.sent
            .load(Relaxed)
            .saturating_sub(self.back.load(Relaxed))
    }

    /// So many units are answered.
    pub fn answered(&self, units: u64) {
        self.lives();
        self.back.fetch_add(units, Relaxed);
        self.depth.fetch_min(self.outstanding(), Relaxed);
    }

    pub fn lives(&self) {
        self.signs.fetch_add(1, Relaxed);
    }

    pub fn signs(&self) -> u64 {
        self.signs.load(Relaxed)
    }

    pub fn back(&self) -> u64 {
        self.back.load(Relaxed)
    }

    pub fn depth(&self) -> u64 {
        self.depth.load(Relaxed)
    }
}
