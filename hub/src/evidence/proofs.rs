//! Pure. Inclusion proofs for many lines of one large log: every subtree is hashed once, not once per proof.

use shared::{
    record::Digest,
    tree::{self, Frontier, node},
};

/// Roots of all full blocks of 2^k leaves.
#[derive(Default)]
pub struct Forest {
    levels: Vec<Row>,
}

/// Those of one k, from the block with number `first` on.
#[derive(Default)]
struct Row {
    first: u64,
    nodes: Vec<Digest>,
}

impl Row {
    /// One past the last block.
    fn end(&self) -> u64 {
        self.first + self.nodes.len() as u64
    }

    fn get(&self, block: u64) -> Option<Digest> {
        let at = usize::try_from(block.checked_sub(self.first)?).ok()?;
        self.nodes.get(at).copied()
    }
}

impl Forest {
    /// What goes on from that edge: it proves that larger trees begin with that one, and needs none of its leaves.
    pub fn after(edge: &Frontier) -> Self {
        let size = edge.size();
        let mut peaks = edge.peaks().iter().rev();
        let levels = (0..u64::BITS - size.leading_zeros()).map(|level| {
            let full = size >> level;
            let peak = match full & 1 {
                1 => peaks.next().copied(),
                _ => None,
            };
            Row {
                first: full - peak.iter().len() as u64,
                nodes: peak.into_iter().collect(),
            }
        });
        Self {
            levels: levels.collect(),
        }
    }

    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Row::default());
            }
            let row = &mut self.levels[level];
            row.nodes.push(hash);
            match row.nodes.as_slice() {
                [.., left, right] if row.end().is_multiple_of(2) => hash = node(left, right),
                _ => return,
            }
        }
    }

    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, Row::end)
    }

    pub fn root(&self, size: u64) -> Option<Digest> {
        match size {
            0 => Some(tree::empty_root()),
            n if n > self.size() => None,
            n => self.range(0, n),
        }
    }

    /// Proof of leaf `index` in the tree of the first `size` leaves, from the leaf upwards.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Digest>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut from, mut to, mut out) = (0, size, Vec::new());
        while to - from > 1 {
            let middle = from + split(to - from);
            if index < middle {
                out.push(self.range(middle, to)?);
                to = middle;
            } else {
                out.push(self.range(from, middle)?);
                from = middle;
            }
        }
        out.reverse();
        Some(out)
    }

    /// Proof that the tree of the first `size` leaves begins with that of the first `old` (RFC 6962, 2.1.2); 0 < old <= size.
    pub fn consistency(&self, old: u64, size: u64) -> Option<Vec<Digest>> {
        if old == 0 || old > size || size > self.size() {
            return None;
        }
        let (mut from, mut to, mut out) = (0, size, Vec::new());
        // Whether what is left of the old tree is a whole subtree that the new one has as it is, from the first leaf on.
        let mut known = true;
        while old < to {
            let middle = from + split(to - from);
            if old <= middle {
                out.push(self.range(middle, to)?);
                to = middle;
            } else {
                out.push(self.range(from, middle)?);
                from = middle;
                known = false;
            }
        }
        if !known {
            out.push(self.range(from, to)?);
        }
        out.reverse();
        Some(out)
    }

    /// Root over leaves from..to, where `from` is where RFC 6962 would begin such a subtree.
    fn range(&self, from: u64, to: u64) -> Option<Digest> {
        let n = to - from;
        if n.is_power_of_two() {
            return self.levels.get(n.trailing_zeros() as usize)?.get(from / n);
        }
        let middle = from + split(n);
        Some(node(&self.range(from, middle)?, &self.range(middle, to)?))
    }
}

/// Largest power of two below `n`, n ≥ 2.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUD-4: the same proofs as the plain tree, for every line of every small log.
    #[test]
    fn proofs_are_those_of_the_tree() {
        let leaves: Vec<Digest> = (0..70u8).map(|i| [i; 32]).collect();
        let mut forest = Forest::default();
        leaves.iter().for_each(|l| forest.push(*l));
        for size in 1..=70u64 {
            assert_eq!(
                forest.root(size),
                Some(tree::root(&leaves[..size as usize]))
            );
            for index in 0..size {
                let proof = forest.inclusion(index, size).expect("proof");
                assert_eq!(
                    Some(&proof),
                    tree::inclusion(&leaves, index, size).as_ref(),
                    "{index} of {size}"
                );
            }
        }
        for size in 1..=70u64 {
            for old in 1..=size {
                let proof = forest.consistency(old, size);
                assert_eq!(
                    proof,
                    tree::consistency(&leaves, old, size),
                    "{old}, {size}"
                );
            }
        }
        // What goes on from an edge proves the same of it.
        for old in 1..=70u64 {
            let mut edge = Frontier::default();
            leaves.iter().take(old as usize).for_each(|l| edge.push(*l));
            let mut forest = Forest::after(&edge);
            for size in old..=70 {
                assert_eq!(forest.size(), size);
                let proof = forest.consistency(old, size);
                assert_eq!(
                    proof,
                    tree::consistency(&leaves, old, size),
                    "{old}, {size}"
                );
                if let Some(leaf) = leaves.get(size as usize) {
                    forest.push(*leaf);
                }
            }
        }
        assert_eq!(forest.consistency(0, 5), None);
        assert_eq!(forest.inclusion(70, 70), None);
        assert_eq!(forest.inclusion(0, 71), None);
        assert_eq!(forest.root(0), Some(tree::empty_root()));
    }
}
