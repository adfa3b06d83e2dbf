//! Pure. Which bytes of a file are here, when they come in any order.

/// Ranges of bytes, first and after the last, in order and apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    pub fn add(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let first = self.0.partition_point(|r| r.1 < from);
        let after = self.0.partition_point(|r| r.0 <= to);
        let joined = match self.0.get(first..after) {
            Some([one, ..]) if after > first => {
                let last = self.0[after - 1];
                (from.min(one.0), to.max(last.1))
            }
            _ => (from, to),
        };
        self.0.splice(first..after.max(first), [joined]);
    }

    /// What of [from, to) is not here, in order.
    pub fn missing(&self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        let mut at = from;
        for (begins, ends) in self.0.iter().filter(|r| r.1 > from && r.0 < to) {
            if *begins > at {
                out.push((at, *begins));
            }
            at = at.max(*ends);
        }
        if at < to {
            out.push((at, to));
        }
        out
    }

    pub fn has(&self, from: u64, to: u64) -> bool {
        self.missing(from, to).is_empty()
    }

    /// Bytes that are here.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|r| r.1 - r.0).sum()
    }

    /// Where the last of them ends.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |r| r.1)
    }

    /// The same without what lies past there.
    pub fn within(mut self, end: u64) -> Self {
        self.0.retain_mut(|r| {
            r.1 = r.1.min(end);
            r.0 < r.1
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// EVI-1: whatever order bytes come in, what is missing is what has not come, and nothing of it is counted twice.
        #[test]
        fn every_byte_is_here_once(came in prop::collection::vec((0u64..200, 0u64..40), 0..30), from in 0u64..220, length in 0u64..80) {
            let mut ranges = Ranges::default();
            let mut bytes = vec![false; 300];
            for (at, n) in came {
                ranges.add(at, at + n);
                for b in at..at + n {
                    bytes[b as usize] = true;
                }
            }
            prop_assert_eq!(ranges.total(), bytes.iter().filter(|b| **b).count() as u64);
            prop_assert!(ranges.0.windows(2).all(|w| w[0].1 < w[1].0));
            let to = from + length;
            let missing = ranges.missing(from, to);
            for b in from..to {
                let said = missing.iter().any(|r| (r.0..r.1).contains(&b));
                prop_assert_eq!(said, !bytes[b as usize], "byte {}", b);
            }
            prop_assert_eq!(ranges.has(from, to), (from..to).all(|b| bytes[b as usize]));
            let cut = ranges.clone().within(from);
            prop_assert!(cut.end() <= from && cut.missing(0, from) == ranges.missing(0, from));
        }
    }
}
