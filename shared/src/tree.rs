//! Pure. The RFC 6962 Merkle tree over a log's leaf hashes.

use crate::record::Digest;

/// Interior node: `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let _ = (left, right);
    todo!()
}

/// Root of the empty tree: SHA-256 of nothing.
pub fn empty_root() -> Digest {
    todo!()
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
        let _ = leaf;
        todo!()
    }
    pub fn size(&self) -> u64 {
        self.size
    }
    pub fn root(&self) -> Digest {
        todo!()
    }
}

/// Root over all leaves.
pub fn root(leaves: &[Digest]) -> Digest {
    let _ = leaves;
    todo!()
}

/// Inclusion proof of leaf `index` in the tree of the first `size` leaves. None when out of range.
pub fn inclusion(leaves: &[Digest], index: u64, size: u64) -> Option<Vec<Digest>> {
    let _ = (leaves, index, size);
    todo!()
}

/// The root an inclusion proof leads to; None when its length does not fit index and size.
pub fn root_from_inclusion(leaf: &Digest, index: u64, size: u64, proof: &[Digest]) -> Option<Digest> {
    let _ = (leaf, index, size, proof);
    todo!()
}

/// Consistency proof between the first `old` and the first `size` leaves (RFC 6962 2.1.2).
pub fn consistency(leaves: &[Digest], old: u64, size: u64) -> Option<Vec<Digest>> {
    let _ = (leaves, old, size);
    todo!()
}

/// Whether a consistency proof connects the two roots.
pub fn consistent(old: u64, size: u64, old_root: &Digest, root: &Digest, proof: &[Digest]) -> bool {
    let _ = (old, size, old_root, root, proof);
    todo!()
}
