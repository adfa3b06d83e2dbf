//! Pure. The first pictures of a session, placed again when its time is settled: what a camera had kept back, and what nobody can know of it.
use super::*;

/// The stamps go on evenly and more than four times as fast as time: they are of another clock. Only what came in the later half is
/// looked at, for what a camera had kept back for its viewer comes first; and a jump is not even.
fn hurries(first: &[First]) -> bool {
    let [a, .., b] = first else { return false };
    let middle = a.mono + (b.mono - a.mono) / 2;
    let late: Vec<&First> = first.iter().filter(|f| f.mono >= middle).collect();
    let [from, ..] = late[..] else { return false };
    let passed = ticks(b.mono) - ticks(from.mono);
    let mut steps: Vec<i64> = late.windows(2).map(|w| w[1].stamp - w[0].stamp).collect();
    steps.sort_unstable();
    let (Some(least), Some(most)) = (steps.first(), steps.last()) else {
        return false;
    };
    late.len() >= PICTURES
        && passed > TOLERANCE
        && b.stamp.saturating_sub(from.stamp) > 4 * passed
        && *least > 0
        && *most <= least.saturating_mul(3)
}

impl Anchor {
    /// While the first pictures come faster than they were made: what the camera kept back for its viewer is still on its way.
    pub fn bursting(&self) -> bool {
        let [.., a, _, _, _, b] = self.first[..] else {
            return false;
        };
        !self.settled && b.stamp.saturating_sub(a.stamp) > 2 * (ticks(b.mono) - ticks(a.mono))
    }

    /// The session's time is settled: all pictures that came so far, in order, placed again with what is known now.
    pub fn settle(&mut self) -> Vec<Placed> {
        let first = std::mem::take(&mut self.first);
        if self.settled {
            return Vec::new();
        }
        let mut fresh = Self {
            began: self.began,
            groups: self.groups.clone(),
            rhythm: self.rhythm.clone(),
            offset_us: self.offset_us,
            clock_sets: self.clock_sets,
            ..Self::default()
        };
        if let [a, .., _] = first[..] {
            // All alike, or nearly: they will say nothing later either. What the network held back once is not held against them.
            let steps = first
                .windows(2)
                .map(|w| ticks(w[1].mono) - ticks(w[0].mono));
            let passed: i64 = steps.map(|s| s.min(TOLERANCE)).sum();
            let alike = |f: &First| f.stamp.abs_diff(a.stamp).saturating_mul(10) < passed as u64;
            fresh.by_arrival =
                (first.len() >= PICTURES && passed > TOLERANCE && first.iter().all(alike))
                    || hurries(&first);
        }
        let groups = self.groups.clone();
        let (placed, doubts): (Vec<i64>, Vec<u32>) =
            first.iter().map(|f| fresh.place(f.stamp, f.mono)).unzip();
        fresh.groups = groups;
        fresh.settled();
        *self = fresh;
        // A camera keeps pictures back, and then they come together. Stamps that gain on time otherwise may be a clock that is too fast.
        let mut gains: Vec<i64> = Vec::new();
        let mut from: Option<(i64, i64)> = None;
        for (f, at) in first.iter().zip(&placed) {
            let came = ticks(f.mono);
            let (began, was) = *from.get_or_insert((came, *at));
            let (passed, went) = (came - began, at - was);
            if passed >= TOLERANCE {
                gains.push(if went > passed * 3 / 2 && went <= 10 * passed {
                    went - passed
                } else {
                    0
                });
                from = Some((came, *at));
            }
        }
        // The rest, too short to be looked at on its own, shows whether it still gains.
        if let (Some((began, was)), Some(last), Some(at)) = (from, first.last(), placed.last()) {
            let (passed, went) = (ticks(last.mono) - began, at - was);
            if gains.len() == 1 && passed > 0 && went > passed * 3 / 2 && went <= 10 * passed {
                gains.push(went - passed);
            }
        }
        // What had been kept back comes first, and then no more.
        let burst = match &gains[..] {
            [_] | [] => first.get(2).is_some_and(|f| f.mono - first[0].mono < 150),
            [_, rest @ ..] => rest.iter().sum::<i64>() < LATE,
        };
        let gained = if burst { 0 } else { gains.iter().sum() };
        // Nor is it known of a picture that alone is far before the others whether it was kept back, or the clock jumped after it.
        let alone = self.far_before(&first, &placed);
        // Nor of pictures before a jump after a pause, or of the very first, whether the network held them back and the clock never jumped.
        let held = Some(self.gained).filter(|g| (VERY_LATE..HELD_BACK).contains(g));
        let gained = ms(gained.max(alone).max(held.unwrap_or(0)) + TOLERANCE);
        let doubt = if gained > 1_000 { gained } else { 0 };
        // Each by the clock as it was when it came.
        let (offset, sets) = (self.offset_us, self.clock_sets);
        let mut all = Vec::with_capacity(first.len());
        for (f, (pts, own)) in first.iter().zip(placed.into_iter().zip(doubts)) {
            (self.offset_us, self.clock_sets) = (Some(f.offset_us), f.clock_sets);
            all.push(self.placed(pts, doubt.max(own)));
        }
        self.corrections += u32::from(doubt > 0);
        (self.offset_us, self.clock_sets) = (offset, sets);
        all
    }

    /// By how much a picture among the first gained on time, though the camera's steps are otherwise shorter. Of two pictures that
    /// cannot be said: it is in doubt until the camera's rhythm is known.
    fn far_before(&mut self, first: &[First], placed: &[i64]) -> i64 {
        let steps: Vec<(i64, i64)> = first
            .windows(2)
            .zip(placed.windows(2))
            .map(|(f, p)| (p[1] - p[0], ticks(f[1].mono) - ticks(f[0].mono)))
            .filter(|(step, _)| *step > 0)
            .collect();
        let gains = |(step, passed): (i64, i64)| Some(step - passed).filter(|g| *g > VERY_LATE);
        if let [only] = steps[..]
            && let Some(gain) = gains(only)
        {
            self.opening = Some(only.0);
            self.in_doubt(gain + TOLERANCE, first[0].mono, LEAP_MS);
            return gain;
        }
        let mut lengths: Vec<i64> = steps.iter().map(|s| s.0).collect();
        lengths.sort_unstable();
        let Some(usual) = lengths.get(lengths.len().saturating_sub(1) / 2) else {
            return 0;
        };
        let far = steps.iter().filter(|(step, _)| step - usual > VERY_LATE);
        far.filter_map(|s| gains(*s)).max().unwrap_or(0)
    }
}
