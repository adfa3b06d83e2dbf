//! Pure. Of a camera whose stamps say nothing: its pictures are dated by when they come, until the stamps make sense again.
use super::*;

impl Anchor {
    pub(super) fn leave_stamps(&mut self, mono: u64) {
        self.by_arrival = true;
        self.pace = 0;
        let came = ticks(mono);
        if let Some(newest) = &mut self.newest {
            self.recent = VecDeque::from([(came, came - newest.placed)]);
            newest.came = came;
        }
        self.begin_anew(mono);
    }

    /// Of a camera whose stamps say nothing: evenly, by when they come.
    pub(super) fn by_clock(&mut self, newest: Newest, stamp: i64, passed: i64, mono: u64) -> i64 {
        let came = ticks(mono);
        let usual = passed.clamp(0, TICKS_PER_SEC);
        self.pace = if self.pace == 0 {
            usual
        } else {
            self.pace + (usual - self.pace) / 16
        };
        let (due, seen) = (newest.placed + self.pace, came - self.base);
        let off = seen - due;
        let placed = if off.abs() > LATE {
            seen
        } else {
            due + off / 8
        };
        let placed = placed.max(newest.placed + LEAST);
        let advance = stamp.saturating_sub(newest.stamp);
        let back = advance < 0 && !self.groups.known();
        self.newest = Some(Newest {
            placed,
            stamp,
            came,
        });
        if self.sense.see(mono, passed, advance, back, false) == Some(true) {
            self.by_arrival = false;
            (self.from, self.to, self.correction) = (stamp, placed, 0);
            self.begin_anew(mono);
            // A network that had become slow meanwhile could not be seen.
            self.in_doubt(UNSEEN + TOLERANCE, mono, PROBATION_MS);
        }
        placed
    }
}
