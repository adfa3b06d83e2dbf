//! Pure. The RFC 6962 Merkle tree over a log's leaf hashes.
//!
//! A leaf hash is [`crate::record::leaf_hash`] of its line. An inner node is `SHA-256(0x01 ‖ left ‖ right)`. The root of n
//! leaves splits at the largest power of two below n; the root of none is SHA-256 of nothing.

use crate::record::{Digest, sha256, sha256_parts};

/// Interior node: `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    sha256_parts(&[&[1], left, right])
}

/// Root of the empty tree: SHA-256 of nothing.
pub fn empty_root() -> Digest {
    sha256(&[])
}

/// The compact right edge of a growing tree: enough to add leaves and know the root, log2(n) hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the perfect subtrees, largest first.
    peaks: Vec<Digest>,
}

impl Frontier {
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }
    pub fn size(&self) -> u64 {
        self.size
    }
    /// Roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }
    /// None when there must be another number of them.
    pub fn from_peaks(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }
    pub fn root(&self) -> Digest {
        join(self.peaks.iter())
    }
}

/// Root from the roots of the perfect subtrees, largest first.
fn join<'a>(peaks: impl DoubleEndedIterator<Item = &'a Digest>) -> Digest {
    peaks
        .rev()
        .copied()
        .reduce(|right, left| node(&left, &right))
        .unwrap_or_else(empty_root)
}

/// The roots of a growing tree's perfect subtrees that are large, or lie near its end: the root of any newer size costs log2(n) hashes,
/// and that of an older one the leaves of a block besides. A tree of ten million leaves takes 18 MB.
#[derive(Clone, Debug, Default)]
pub struct History {
    size: u64,
    levels: Vec<Row>,
}

/// `nodes[i]`: root of leaves `(first + i)·2^k …` of level k.
#[derive(Clone, Debug, Default)]
struct Row {
    first: u64,
    nodes: Vec<Digest>,
}

/// Subtrees of so many leaves, as a power of two, are kept for good.
const BLOCK: u32 = 12;
/// Leaves of which all subtrees are kept.
const RECENT: u64 = 1 << 17;

impl History {
    pub fn push(&mut self, leaf: Digest) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0u32.. {
            if self.levels.len() == level as usize {
                self.levels.push(Row::default());
            }
            let Some(row) = self.levels.get_mut(level as usize) else {
                return;
            };
            row.nodes.push(hash);
            let pair = match row.nodes.as_slice() {
                [.., left, right] if row.nodes.len().is_multiple_of(2) => Some(node(left, right)),
                _ => None,
            };
            // An even number goes, so that a pair stays a pair.
            let keep = (RECENT >> level) as usize;
            if level < BLOCK && row.nodes.len() >= 2 * keep {
                row.nodes.drain(..keep);
                row.first += keep as u64;
            }
            match pair {
                Some(node) => hash = node,
                None => return,
            }
        }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the first `size` leaves; None when there are fewer, or when what it takes is forgotten.
    pub fn root(&self, size: u64) -> Option<Digest> {
        self.peaks(size).map(|peaks| join(peaks.iter()))
    }

    /// The size below which nothing that it takes to know `size` is forgotten.
    pub fn kept_below(size: u64) -> u64 {
        size >> BLOCK << BLOCK
    }

    /// The right edge of the first `size` leaves, where nothing that it takes is forgotten.
    pub fn frontier(&self, size: u64) -> Option<Frontier> {
        Frontier::from_peaks(size, self.peaks(size)?)
    }

    fn peaks(&self, size: u64) -> Option<Vec<Digest>> {
        if size > self.size {
            return None;
        }
        let mut peaks = Vec::new();
        let mut done = 0u64;
        for level in (0..self.levels.len()).rev() {
            if size >> level & 1 == 1 {
                let row = &self.levels[level];
                let at = (done >> level).checked_sub(row.first)?;
                peaks.push(*row.nodes.get(usize::try_from(at).ok()?)?);
                done += 1 << level;
            }
        }
        Some(peaks)
    }
}

/// Largest power of two below `n`, n ≥ 2.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// Root over all leaves.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// Inclusion proof of leaf `index` in the tree of the first `size` leaves. None when out of range.
pub fn inclusion(leaves: &[Digest], index: u64, size: u64) -> Option<Vec<Digest>> {
    let mut leaves = leaves.get(..usize::try_from(size).ok()?)?;
    let mut index = usize::try_from(index).ok()?;
    if index >= leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
        if index < left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            index -= left.len();
            leaves = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The root an inclusion proof leads to; None when its length does not fit index and size.
pub fn root_from_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            // A right edge without a sibling on a level rises until it has one.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Consistency proof between the first `old` and the first `size` leaves (RFC 6962 2.1.2).
pub fn consistency(leaves: &[Digest], old: u64, size: u64) -> Option<Vec<Digest>> {
    let leaves = leaves.get(..usize::try_from(size).ok()?)?;
    let old = usize::try_from(old).ok()?;
    if old > leaves.len() {
        return None;
    }
    let mut proof = Vec::new();
    if old > 0 {
        subproof(leaves, old, true, &mut proof);
    }
    Some(proof)
}

fn subproof(leaves: &[Digest], old: usize, whole: bool, proof: &mut Vec<Digest>) {
    if old == leaves.len() {
        if !whole {
            proof.push(root(leaves));
        }
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
    if old <= left.len() {
        subproof(left, old, whole, proof);
        proof.push(root(right));
    } else {
        subproof(right, old - left.len(), false, proof);
        proof.push(root(left));
    }
}

/// Whether a consistency proof connects the two roots.
pub fn consistent(old: u64, size: u64, old_root: &Digest, root: &Digest, proof: &[Digest]) -> bool {
    if old > size {
        return false;
    }
    if old == size {
        return proof.is_empty() && old_root == root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    // RFC 9162 2.1.4.2
    let mut path = proof.iter();
    let first = if old.is_power_of_two() {
        Some(old_root)
    } else {
        path.next()
    };
    let Some(first) = first else { return false };
    let (mut fnode, mut snode) = (old - 1, size - 1);
    while fnode & 1 == 1 {
        fnode >>= 1;
        snode >>= 1;
    }
    let (mut fr, mut sr) = (*first, *first);
    for hash in path {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            fr = node(hash, &fr);
            sr = node(hash, &sr);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            sr = node(&sr, hash);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && fr == *old_root && sr == *root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u64) -> Vec<Digest> {
        (0..n).map(|i| sha256(&i.to_be_bytes())).collect()
    }

    /// RFC 6962 2.1, word for word.
    fn naive(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => sha256(&[]),
            [one] => *one,
            _ => {
                let mut k = 1;
                while k * 2 < leaves.len() {
                    k *= 2;
                }
                node(&naive(&leaves[..k]), &naive(&leaves[k..]))
            }
        }
    }

    /// AUD-2: the tree is RFC 6962's for every size up to 300, grown or built at once or looked up afterwards.
    #[test]
    fn every_size_to_300() {
        let all = leaves(300);
        let (mut frontier, mut history) = (Frontier::default(), History::default());
        let mut roots = vec![frontier.root()];
        for (i, leaf) in all.iter().enumerate() {
            frontier.push(*leaf);
            history.push(*leaf);
            let want = naive(&all[..=i]);
            assert_eq!(frontier.root(), want, "size {}", i + 1);
            assert_eq!(root(&all[..=i]), want);
            roots.push(want);
        }
        for (size, want) in roots.iter().enumerate() {
            assert_eq!(history.root(size as u64), Some(*want), "size {size}");
        }
        assert_eq!(history.root(301), None);
        assert_eq!(roots[0], empty_root());
    }

    /// AUD-2: what a large tree has forgotten is made good by the leaves of one block.
    #[test]
    fn a_large_tree_forgets_little() {
        let leaf = |n: u64| sha256(&n.to_le_bytes());
        let (mut frontier, mut history) = (Frontier::default(), History::default());
        let mut roots = std::collections::BTreeMap::new();
        let total = 3 * RECENT + 777;
        for n in 0..total {
            if n.is_multiple_of(997) || total - n < 3 {
                roots.insert(n, frontier.root());
            }
            frontier.push(leaf(n));
            history.push(leaf(n));
        }
        for (size, want) in roots {
            let known = history.root(size);
            assert!(known.is_some() || size < total - RECENT, "{size}");
            let below = History::kept_below(size);
            let mut made = history.frontier(below).expect("blocks are kept");
            (below..size).for_each(|n| made.push(leaf(n)));
            assert_eq!(made.root(), want, "{size}");
            assert_eq!(known.unwrap_or(want), want, "{size}");
        }
        let kept: usize = history.levels.iter().map(|r| r.nodes.len()).sum();
        assert!(kept < 5 * RECENT as usize, "{kept}");
    }

    /// AUD-2: every inclusion proof up to 70 leaves leads to the root, and to no root when anything is off by one.
    #[test]
    fn inclusion_all_pairs() {
        let all = leaves(70);
        for size in 1..=70u64 {
            let want = root(&all[..size as usize]);
            for index in 0..size {
                let proof = inclusion(&all, index, size).expect("proof");
                let leaf = &all[index as usize];
                assert_eq!(
                    root_from_inclusion(leaf, index, size, &proof),
                    Some(want),
                    "{index} of {size}"
                );
                assert_ne!(
                    root_from_inclusion(&all[(index as usize + 1) % 70], index, size, &proof),
                    Some(want)
                );
                if size > 1 {
                    assert_ne!(
                        root_from_inclusion(leaf, (index + 1) % size, size, &proof),
                        Some(want)
                    );
                    assert_eq!(root_from_inclusion(leaf, index, size, &proof[1..]), None);
                }
                let mut longer = proof.clone();
                longer.push([0; 32]);
                assert_eq!(root_from_inclusion(leaf, index, size, &longer), None);
            }
            assert_eq!(inclusion(&all, size, size), None);
        }
        assert_eq!(inclusion(&all, 0, 71), None);
        assert_eq!(root_from_inclusion(&all[0], 0, 0, &[]), None);
    }

    /// AUD-2: every consistency proof up to 70 leaves holds, and none holds for another old root.
    #[test]
    fn consistency_all_pairs() {
        let all = leaves(70);
        for size in 0..=70u64 {
            let new = root(&all[..size as usize]);
            for old in 0..=size {
                let before = root(&all[..old as usize]);
                let proof = consistency(&all, old, size).expect("proof");
                assert!(
                    consistent(old, size, &before, &new, &proof),
                    "{old} to {size}"
                );
                assert!(
                    !consistent(old, size, &[1; 32], &new, &proof),
                    "{old} to {size}"
                );
                if old > 0 {
                    assert!(
                        !consistent(old, size, &before, &[1; 32], &proof),
                        "{old} to {size}"
                    );
                }
                let mut longer = proof.clone();
                longer.push([0; 32]);
                assert!(!consistent(old, size, &before, &new, &longer));
            }
        }
        assert_eq!(consistency(&all, 8, 71), None);
        assert_eq!(consistency(&all, 9, 8), None);
    }

    /// AUD-2: another implementation accepts every proof made here, up to 70 leaves.
    #[test]
    fn oracle() {
        use tlog_tiles::tlog::{Hash, check_record, check_tree};
        let all = leaves(70);
        let proof = |hashes: Vec<Digest>| hashes.into_iter().map(Hash).collect::<Vec<_>>();
        for size in 1..=70u64 {
            let new = Hash(root(&all[..size as usize]));
            for n in 0..size {
                let included = proof(inclusion(&all, n, size).expect("proof"));
                check_record(&included, size, new, n, Hash(all[n as usize])).expect("included");
                let old = Hash(root(&all[..=n as usize]));
                check_tree(
                    &proof(consistency(&all, n + 1, size).expect("proof")),
                    size,
                    new,
                    n + 1,
                    old,
                )
                .expect("consistent");
            }
        }
    }
}
