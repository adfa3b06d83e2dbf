//! Pure. One audit line, to the byte.
//!
//! A line is one JSON object in printable ASCII (0x20–0x7E) and LF, at most [`MAX_LINE`] bytes:
//! ```text
//! {"v":1,"log":"<origin>","n":3,"prev":"<64 hex>","t":"2026-11-03T14:01:03.000Z","boot":17,"mono":64000,"type":"beat","who":"sys:health","data":{…}}
//! ```
//! | key | form |
//! |---|---|
//! | `v` | `1` |
//! | `log` | origin of the log, not empty |
//! | `n` | place in the log from 0 |
//! | `prev` | leaf hash of the line before, lower hex; 64 zeros at 0 |
//! | `t` | `YYYY-MM-DDTHH:MM:SS.mmmZ`, years 0001–9998 |
//! | `boot`, `mono` | start counter; milliseconds of `CLOCK_BOOTTIME` |
//! | `type`, `who` | strings |
//! | `data` | an object; keys per type in [`crate::types`] |
//!
//! - All ten keys, in this order, and no other. In `data` any further key is allowed. No key twice in one object, at any depth.
//! - No white space outside strings; integers `0` or `-?[1-9][0-9]*` below 2^53 in size, nothing else that is a number;
//!   objects and arrays at most [`MAX_DEPTH`] deep.
//! - Strings have one spelling: printable ASCII as it is, but `\"` and `\\`; `\b \f \n \r \t`; all else `\uXXXX` in lower hex,
//!   pairs above U+FFFF, no lone surrogate. So a text has exactly one line, the one [`render`] makes.
//! - Leaf = `SHA-256(0x00 ‖ line with LF)`. The bytes in the file are the bytes hashed.
//!
//! Faults are judged in this order: too long; CR; a byte outside 0x20–0x7E; then from left to right by the reader of values (a
//! second use of a key is seen at that key, a number or string at its end); then `v`; unknown key, missing key, key order;
//! then the ten values in order.

mod value;

use ring::digest::{Context, SHA256, digest};

use crate::{
    time::{Now, Utc},
    verify::words::{self as w, say},
};

pub use value::{MAX_DEPTH, Value};

/// SHA-256 as used for leaves, roots, files.
pub type Digest = [u8; 32];

/// Most bytes a line may have, LF included.
pub const MAX_LINE: usize = 4096;
/// The keys of a line, in order.
pub const KEYS: [&str; 10] = [
    "v", "log", "n", "prev", "t", "boot", "mono", "type", "who", "data",
];

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

/// Why a line is not a record. Displays as a plain sentence that begins with the fault's name ("duplicate key …", "CRLF …",
/// "non-ASCII …", "float …", "white space …", …).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

fn bad(sentence: &str) -> Malformed {
    Malformed(sentence.into())
}

/// What became of a line: a record, a line of another version, or no record.
pub(crate) enum Parsed {
    Record(Box<Record>),
    Version(i64),
    Malformed(Malformed),
}

impl Record {
    /// Parses one line, LF included, strictly. A line that would not be rendered to the same bytes is refused.
    pub fn parse(line: &[u8]) -> Result<Record, Malformed> {
        match Self::read(line) {
            Parsed::Record(record) => Ok(*record),
            Parsed::Version(v) => Err(Malformed(say(w::VERSION, &[&v]))),
            Parsed::Malformed(fault) => Err(fault),
        }
    }

    pub(crate) fn read(line: &[u8]) -> Parsed {
        match Self::inner(line) {
            Ok(parsed) => parsed,
            Err(fault) => Parsed::Malformed(fault),
        }
    }

    fn inner(line: &[u8]) -> Result<Parsed, Malformed> {
        if line.len() > MAX_LINE {
            return Err(bad(w::TOO_LONG));
        }
        let text = line.strip_suffix(b"\n").ok_or_else(|| bad(w::NO_LF))?;
        if text.contains(&b'\r') {
            return Err(bad(w::CRLF));
        }
        if !text.iter().all(|b| (0x20..=0x7e).contains(b)) {
            return Err(bad(w::NON_ASCII));
        }
        let Value::Object(pairs) = Value::parse(text)? else {
            return Err(bad(w::NOT_JSON));
        };
        if let Some((key, Value::Int(v))) = pairs.first()
            && key == "v"
            && *v != 1
        {
            return Ok(Parsed::Version(*v));
        }
        if let Some((key, _)) = pairs.iter().find(|(k, _)| !KEYS.contains(&k.as_str())) {
            return Err(Malformed(say(w::UNKNOWN_KEY_IN_LINE, &[key])));
        }
        if let Some(key) = KEYS
            .iter()
            .find(|k| !pairs.iter().any(|(have, _)| have == *k))
        {
            return Err(Malformed(say(w::MISSING_KEY, &[key])));
        }
        if !pairs.iter().map(|(k, _)| k.as_str()).eq(KEYS) {
            return Err(bad(w::KEY_ORDER));
        }
        let mut values = pairs.into_iter().map(|(_, v)| v);
        let mut next = |key| {
            values
                .next()
                .ok_or_else(|| Malformed(say(w::MISSING_KEY, &[&key])))
        };
        let wrong = |key: &str| Malformed(say(w::BAD_VALUE, &[&key]));
        let string = |key: &str, value: Value| match value {
            Value::Str(s) => Ok(s),
            _ => Err(wrong(key)),
        };
        let count = |key: &str, value: Value| match value {
            Value::Int(n) => u64::try_from(n).map_err(|_| bad(w::OUT_OF_RANGE)),
            _ => Err(wrong(key)),
        };
        let v = match next("v")? {
            Value::Int(1) => 1,
            _ => return Err(wrong("v")),
        };
        let log = string("log", next("log")?)?;
        if log.is_empty() {
            return Err(wrong("log"));
        }
        let n = count("n", next("n")?)?;
        let prev = unhex(&string("prev", next("prev")?)?).ok_or_else(|| wrong("prev"))?;
        let t = parse_time(&string("t", next("t")?)?)
            .ok_or_else(|| Malformed(say(w::BAD_TIME, &[&"t"])))?;
        let boot = count("boot", next("boot")?)?;
        let mono = count("mono", next("mono")?)?;
        let kind = string("type", next("type")?)?;
        let who = string("who", next("who")?)?;
        let data = next("data")?;
        if !matches!(data, Value::Object(_)) {
            return Err(wrong("data"));
        }
        Ok(Parsed::Record(Box::new(Record {
            v,
            log,
            n,
            prev,
            t,
            boot,
            mono,
            kind,
            who,
            data,
            leaf: leaf_hash(line),
        })))
    }
}

/// The log's one form of a time; years 0001 to 9998, which every implementation's calendar has. The same as [`Utc::parse`],
/// reckoned by hand: a verifier reads a million of them.
pub fn parse_time(text: &str) -> Option<Utc> {
    let b: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (23, b'Z'),
    ];
    if marks.iter().any(|(at, mark)| b[*at] != *mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        b[from..to].iter().try_fold(0i64, |sum, c| {
            c.is_ascii_digit().then(|| sum * 10 + i64::from(c - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, ms) = (
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
        number(20, 23)?,
    );
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=9998).contains(&year)
        || !(1..=days).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    // Days since 1970 in the Gregorian calendar, counted in years that begin in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(Utc((((days * 24 + hour) * 60 + minute) * 60 + second)
        * 1000
        + ms))
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
    rendered(envelope, data).map(|(bytes, _)| bytes)
}

/// As [`render`], with what the line says.
pub fn rendered(
    envelope: &Envelope<'_>,
    data: &impl serde::Serialize,
) -> Result<(Vec<u8>, Record), Malformed> {
    let json = |value: &str| serde_json::to_string(value).map_err(|e| Malformed(e.to_string()));
    let data = serde_json::to_string(data).map_err(|e| Malformed(e.to_string()))?;
    let Envelope {
        log,
        n,
        prev,
        now,
        boot,
        kind,
        who,
    } = envelope;
    let line = format!(
        "{{\"v\":1,\"log\":{},\"n\":{n},\"prev\":\"{}\",\"t\":\"{}\",\"boot\":{boot},\"mono\":{},\"type\":{},\"who\":{},\"data\":{data}}}\n",
        json(log)?,
        hex(*prev),
        now.wall,
        now.mono,
        json(kind)?,
        json(who)?,
    );
    let bytes = ascii(&line).into_bytes();
    let record = Record::parse(&bytes)?;
    Ok((bytes, record))
}

/// In JSON text anything outside ASCII can only be inside a string, so it may be escaped where it stands.
fn ascii(json: &str) -> String {
    if json.bytes().all(|b| b < 0x7f) {
        return json.into();
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if (c as u32) < 0x7f {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// `SHA-256(0x00 ‖ line including LF)`.
pub fn leaf_hash(line: &[u8]) -> Digest {
    sha256_parts(&[&[0], line])
}

/// Plain SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    array(digest(&SHA256, bytes))
}

/// SHA-256 of several pieces one after the other.
pub fn sha256_parts(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    array(context.finish())
}

fn array(digest: ring::digest::Digest) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref()); // SHA-256 is 32 bytes
    out
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    out
}

/// Parses 64 lower-case hex digits.
pub fn unhex(text: &str) -> Option<Digest> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != 64 {
        return None;
    }
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

/// `SHA-256(salt ‖ text)` in lower hex: how free text and names appear in a line (audit.md 2.2 "salted").
pub fn salted(salt: &[u8], text: &str) -> String {
    hex(&sha256_parts(&[salt, text.as_bytes()]))
}

#[cfg(test)]
mod tests;
