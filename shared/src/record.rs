//! Pure. One audit line, to the byte.
//!
//! (format specification to be completed here: audit.md 2.1)

use crate::time::{Now, Utc};

/// SHA-256 as used for leaves, roots, files.
pub type Digest = [u8; 32];

/// Most bytes a line may have, LF included.
pub const MAX_LINE: usize = 4096;

/// A JSON value as the log allows it: no floats, integers below 2^53 in size, key order kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Str(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(pairs) => pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }
}

/// A parsed line. `leaf` is the hash of the bytes it was parsed from.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub v: i64,
    pub log: String,
    pub n: u64,
    pub prev: Digest,
    pub t: Utc,
    pub boot: u64,
    pub mono: u64,
    pub kind: String,
    pub who: String,
    pub data: Value,
    pub leaf: Digest,
}

/// Why a line is not a record. Displays as a plain sentence that names the fault ("duplicate key …", "CRLF …",
/// "non-ASCII byte …", "float …", "white space …", …).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Record {
    /// Parses one line, LF included, strictly. A line that would not be rendered to the same bytes is refused.
    pub fn parse(line: &[u8]) -> Result<Record, Malformed> {
        let _ = line;
        todo!()
    }
}

/// Everything of a line but its data.
pub struct Envelope<'a> {
    pub log: &'a str,
    pub n: u64,
    pub prev: &'a Digest,
    pub now: Now,
    pub boot: u64,
    pub kind: &'a str,
    pub who: &'a str,
}

/// Renders a line, LF included. `data` is serialised in its own field order; non-ASCII is escaped.
/// Refuses data that would not parse back (floats, too large, longer than [`MAX_LINE`]).
pub fn render(envelope: &Envelope<'_>, data: &impl serde::Serialize) -> Result<Vec<u8>, Malformed> {
    let _ = (envelope, data);
    todo!()
}

/// `SHA-256(0x00 ‖ line including LF)`.
pub fn leaf_hash(line: &[u8]) -> Digest {
    let _ = line;
    todo!()
}

/// Plain SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    let _ = bytes;
    todo!()
}

pub fn hex(bytes: &[u8]) -> String {
    let _ = bytes;
    todo!()
}

/// Parses 64 lower-case hex digits.
pub fn unhex(text: &str) -> Option<Digest> {
    let _ = text;
    todo!()
}

/// `SHA-256(salt ‖ text)` in lower hex: how free text and names appear in a line (audit.md 2.2 "salted").
pub fn salted(salt: &[u8], text: &str) -> String {
    let _ = (salt, text);
    todo!()
}
