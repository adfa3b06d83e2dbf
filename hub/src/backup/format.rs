//! Pure. What lies in a backup folder, and which of it stays.
//!
//! ```text
//! beadle-backup.json        the folder's label: of which hub, sealed to whom
//! identity.age              where a passphrase opens it: the folder's identity, sealed to the passphrase
//! objects/ab/ab…-….age      pieces of files, sealed: <name: keyed hash of what is in it>-<SHA-256 of the sealed file>
//! backups/000012.list.age   every file of backup 12 with its pieces, sealed
//! backups/000012.objects    the names of its pieces, one a line
//! backups/000012.json       its mark, written last: a backup without one was not finished
//! keys/000012.age           the exhibits' keys as they were then, sealed; apart, and kept for fewer backups
//! ```

use std::collections::BTreeSet;

use ring::hmac;
use serde::{Deserialize, Serialize};
use shared::{
    record::{hex, sha256},
    time::Utc,
};

pub const LABEL: &str = "beadle-backup.json";
pub const IDENTITY: &str = "identity.age";
pub const OBJECTS: &str = "objects";
pub const BACKUPS: &str = "backups";
pub const KEYS: &str = "keys";
/// Of every file written here.
pub const VERSION: u32 = 1;

/// Bytes of a piece of the records, in which a day changes little here and there; and of every other file.
const RECORDS_PIECE: usize = 1 << 20;
const PIECE: usize = 4 << 20;

/// Of which hub a folder is, and to whom it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub beadle_backup: u32,
    /// Made up when the folder was begun.
    pub id: String,
    pub scheme: String,
    /// age1…
    pub to: String,
    /// Its identity lies in it, sealed to a passphrase.
    pub passphrase: bool,
}

/// A file of a backup folder, as its mark names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub sha256: String,
    pub bytes: u64,
}

impl Part {
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: hex(&sha256(bytes)),
            bytes: bytes.len() as u64,
        }
    }
}

/// The hub's own log as a backup has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upto {
    pub log: String,
    pub size: u64,
    /// base64
    pub root: String,
}

/// A backup that was finished and read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub beadle_backup: u32,
    pub n: u64,
    /// The moment that it shows.
    pub made: Utc,
    pub sw: String,
    pub files: u64,
    pub bytes: u64,
    pub upto: Upto,
    pub list: Part,
    pub objects: Part,
    pub keys: Part,
}

/// Below what a file of a backup lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Root {
    State,
    Evidence,
}

/// A file of a backup, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub root: Root,
    /// Below it, with strokes.
    pub path: String,
    pub mode: u32,
    pub bytes: u64,
    pub sha256: String,
    /// Names of its pieces, in order.
    pub pieces: Vec<String>,
}

/// An exhibit's key, as the part of keys has it: a file's name and what is in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptKey {
    pub name: String,
    pub text: String,
}

pub fn piece(path: &str) -> usize {
    match path {
        "hub.sqlite" => RECORDS_PIECE,
        _ => PIECE,
    }
}

/// What a piece is called by what is in it. Keyed, so that nobody who sees the folder can ask whether something is in it.
pub fn name(key: &hmac::Key, plain: &[u8]) -> String {
    hex_of(hmac::sign(key, plain).as_ref())
}

pub fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether a word is a name of 32 bytes as they are written here.
pub fn is_hash(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 64 && text.bytes().all(hex)
}

/// Both halves of a file's name: the name of the piece in it, and the hash of the sealed file.
pub fn halves(object: &str) -> Option<(&str, &str)> {
    let (name, sealed) = object.split_once('-')?;
    (is_hash(name) && is_hash(sealed)).then_some((name, sealed))
}

/// Where a piece lies below the folder.
pub fn object_path(name: &str, sealed: &str) -> String {
    let first = name.get(..2).unwrap_or("00");
    format!("{OBJECTS}/{first}/{name}-{sealed}.age")
}

pub fn mark_path(n: u64) -> String {
    format!("{BACKUPS}/{n:06}.json")
}

pub fn list_path(n: u64) -> String {
    format!("{BACKUPS}/{n:06}.list.age")
}

pub fn objects_path(n: u64) -> String {
    format!("{BACKUPS}/{n:06}.objects")
}

pub fn keys_path(n: u64) -> String {
    format!("{KEYS}/{n:06}.age")
}

/// The number in the name of a file of a backup.
pub fn number(name: &str) -> Option<u64> {
    let digits = name.split('.').next()?;
    let all = digits.len() >= 6 && digits.bytes().all(|b| b.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

/// Which of the numbered are too old, when so many are kept.
pub fn too_old(numbers: &BTreeSet<u64>, kept: u32) -> BTreeSet<u64> {
    let kept = usize::try_from(kept.max(1)).unwrap_or(usize::MAX);
    let over = numbers.len().saturating_sub(kept);
    numbers.iter().take(over).copied().collect()
}

/// A path below a root that leads nowhere else.
pub fn is_below(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\0')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RET-5: as many as are kept are kept, the newest; one at least.
    #[test]
    fn old_ones_go() {
        let all = BTreeSet::from([1, 2, 5, 9]);
        assert_eq!(too_old(&all, 2), BTreeSet::from([1, 2]));
        assert_eq!(too_old(&all, 0), BTreeSet::from([1, 2, 5]));
        assert_eq!(too_old(&all, 9), BTreeSet::new());
    }

    /// Names in a folder are read for what they are, and no path leads out of it.
    #[test]
    fn names() {
        assert_eq!(number("000012.list.age"), Some(12));
        assert_eq!(number("1000012.json"), Some(1_000_012));
        assert_eq!(number("12.json"), None);
        assert_eq!(number("notes.txt"), None);
        let (a, b) = ("a".repeat(64), "0".repeat(64));
        assert!(halves(&format!("{a}-{b}")).is_some());
        assert!(halves(&format!("{a}-{}", "G".repeat(64))).is_none());
        for (path, below) in [
            ("keys/ca.key", true),
            ("../x", false),
            ("a//b", false),
            ("/etc/passwd", false),
            ("a/./b", false),
            ("", false),
        ] {
            assert_eq!(is_below(path), below, "{path}");
        }
    }
}
