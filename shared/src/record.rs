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
//! Faults are judged in this order: too long; CR; a byte outside 0x20–0x7E; then from left to right by the reader below (a
//! second use of a key is seen at that key, a number or string at its end); then `v`; unknown key, missing key, key order;
//! then the ten values in order.

use ring::digest::{Context, SHA256, digest};

use crate::{
    time::{Now, Utc},
    verify::words::{self as w, say},
};

/// SHA-256 as used for leaves, roots, files.
pub type Digest = [u8; 32];

/// Most bytes a line may have, LF included.
pub const MAX_LINE: usize = 4096;
/// How deep objects and arrays may nest; the line itself is the first.
pub const MAX_DEPTH: usize = 32;
/// The keys of a line, in order.
pub const KEYS: [&str; 10] = [
    "v", "log", "n", "prev", "t", "boot", "mono", "type", "who", "data",
];

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
    /// An integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_int().and_then(|n| u64::try_from(n).ok())
    }
    /// A string that is a time in the log's form.
    pub fn as_time(&self) -> Option<Utc> {
        self.as_str().and_then(parse_time)
    }
    /// Reads strict JSON as the log allows it, from text without a final LF.
    pub fn parse(text: &[u8]) -> Result<Value, Malformed> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(1)?;
        match reader.peek() {
            None => Ok(value),
            Some(b' ') => Err(bad(w::WHITE_SPACE)),
            Some(_) => Err(bad(w::NOT_JSON)),
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
    Record::parse(&bytes)?;
    Ok(bytes)
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

/// Reads JSON from the left and stops at the first fault.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// What is wrong with the byte here, when it is none of those wanted.
    fn unexpected(&self) -> Malformed {
        bad(if self.peek() == Some(b' ') {
            w::WHITE_SPACE
        } else {
            w::NOT_JSON
        })
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        match self.peek() {
            Some(b'{' | b'[') if depth > MAX_DEPTH => Err(bad(w::TOO_DEEP)),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Str),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Int),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            _ => Err(self.unexpected()),
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Malformed> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(bad(w::NOT_JSON));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.at += 1;
        let mut pairs: Vec<(String, Value)> = Vec::with_capacity(12);
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(pairs));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            let key = self.string()?;
            if pairs.iter().any(|(have, _)| *have == key) {
                return Err(Malformed(say(w::DUPLICATE_KEY, &[&key])));
            }
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            pairs.push((key, value));
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected()),
            }
        }
        self.at += 1;
        Ok(Value::Object(pairs))
    }

    fn array(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.at += 1;
        let mut values = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected()),
            }
        }
        self.at += 1;
        Ok(Value::Array(values))
    }

    fn number(&mut self) -> Result<i64, Malformed> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let first = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = &self.text[first..self.at];
        if digits.is_empty() || (digits.len() > 1 && digits[0] == b'0') {
            return Err(bad(w::NOT_JSON));
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(bad(w::FLOAT));
        }
        if digits == b"0" && start != first {
            return Err(bad(w::MINUS_ZERO));
        }
        if digits.len() > 16 {
            return Err(bad(w::OUT_OF_RANGE));
        }
        let size = digits
            .iter()
            .fold(0i64, |sum, d| sum * 10 + i64::from(d - b'0'));
        if size >= 1 << 53 {
            return Err(bad(w::OUT_OF_RANGE));
        }
        Ok(if start == first { size } else { -size })
    }

    fn string(&mut self) -> Result<String, Malformed> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|c| c != b'"' && c != b'\\') {
                self.at += 1;
            }
            // Plain ASCII in a line; a manifest may hold UTF-8.
            out.push_str(
                std::str::from_utf8(&self.text[start..self.at]).map_err(|_| bad(w::NON_ASCII))?,
            );
            match self.peek() {
                Some(b'"') => break,
                Some(_) => out.push(self.escape()?),
                None => return Err(bad(w::NOT_JSON)),
            }
        }
        self.at += 1;
        Ok(out)
    }

    fn escape(&mut self) -> Result<char, Malformed> {
        let letter = self
            .text
            .get(self.at + 1)
            .copied()
            .ok_or_else(|| bad(w::NOT_JSON))?;
        let plain = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'/' => return Err(bad(w::ESCAPE)),
            b'u' => {
                let high = self.unit()?;
                let code = match high {
                    0xd800..=0xdbff if self.text[self.at..].starts_with(b"\\u") => {
                        let low = self.unit()?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return Err(bad(w::ESCAPE));
                        }
                        0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                    }
                    8 | 9 | 10 | 12 | 13 | 0x20..=0x7e => return Err(bad(w::ESCAPE)),
                    other => other,
                };
                return char::from_u32(code).ok_or_else(|| bad(w::ESCAPE));
            }
            _ => return Err(bad(w::NOT_JSON)),
        };
        self.at += 2;
        Ok(plain)
    }

    /// `\uXXXX`, lower hex.
    fn unit(&mut self) -> Result<u32, Malformed> {
        let digits = self
            .text
            .get(self.at + 2..self.at + 6)
            .ok_or_else(|| bad(w::NOT_JSON))?;
        let mut unit = 0;
        for d in digits {
            unit = unit << 4
                | char::from(*d)
                    .to_digit(16)
                    .ok_or_else(|| bad(w::NOT_JSON))?;
        }
        if digits.iter().any(u8::is_ascii_uppercase) {
            return Err(bad(w::ESCAPE));
        }
        self.at += 6;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(data: &str) -> Vec<u8> {
        format!(
            "{{\"v\":1,\"log\":\"a/box/b/1\",\"n\":0,\"prev\":\"{}\",\"t\":\"2026-11-03T14:01:03.000Z\",\"boot\":1,\"mono\":5,\"type\":\"x\",\"who\":\"sys:x\",\"data\":{data}}}\n",
            "0".repeat(64)
        )
        .into_bytes()
    }

    fn fault(bytes: &[u8]) -> String {
        Record::parse(bytes).map(|_| ()).expect_err("refused").0
    }

    /// AUD-2: the worked line of audit.md 2.1 has the leaf printed there.
    #[test]
    fn worked_line() {
        let line = concat!(
            r#"{"v":1,"log":"cctv.example.gov.uk/box/ashby-high-street/1","n":3,"prev":"0333e47b11833631a1a38a8b864d4a5f5586440b79c8b03561251ffaf0905e3b","t":"2026-11-03T14:01:03.000Z","boot":17,"mono":64000,"type":"seg.write","who":"sys:rec","data":{"cam":"c03","s":184223,"t0":"2026-11-03T14:00:03.000Z","t1":"2026-11-03T14:01:03.000Z","size":2048,"sha256":"e52c2f55568ac4b802b0b4a68a2b704f694540cec275a2c7953ac31dd1cc2a5b","mask":"m7","key":"c03/2026-11-03"}}"#,
            "\n"
        );
        let record = Record::parse(line.as_bytes()).expect("parses");
        assert_eq!(
            hex(&record.leaf),
            "8e5b9cd2a3aadeacd90b9c82215e818cce6660bfdb2966df81fa8cc1c3de97a4"
        );
        assert_eq!(record.data.get("s").and_then(Value::as_u64), Some(184_223));
    }

    /// AUD-2: what is rendered parses back to the same text, Welsh names and all.
    #[test]
    fn render_and_back() {
        let prev = [7; 32];
        let now = Now {
            wall: Utc::parse("2026-11-03T14:01:03.000Z").expect("t"),
            mono: 12,
        };
        let envelope = Envelope {
            log: "a/box/b/1",
            n: 9,
            prev: &prev,
            now,
            boot: 3,
            kind: "log.open",
            who: "sys:log",
        };
        let text = "Tŷ Gwyn \u{7f} \"x\" \\ \n \u{1} 🎥 /";
        let bytes = render(
            &envelope,
            &serde_json::json!({ "site": text, "none": null, "list": [1, -2] }),
        )
        .expect("renders");
        assert!(
            bytes[..bytes.len() - 1]
                .iter()
                .all(|b| (0x20..=0x7e).contains(b))
        );
        let record = Record::parse(&bytes).expect("parses");
        assert_eq!(record.data.get("site").and_then(Value::as_str), Some(text));
        assert_eq!(
            (record.n, record.boot, record.mono, record.prev, record.t),
            (9, 3, 12, prev, now.wall)
        );
        assert!(render(&envelope, &serde_json::json!({ "x": 1.5 })).is_err());
        assert!(render(&envelope, &serde_json::json!({ "x": 1u64 << 53 })).is_err());
        assert!(render(&envelope, &serde_json::json!({ "x": "y".repeat(4096) })).is_err());
    }

    /// Rows C1–C5 and their neighbours: each fault is refused by name.
    #[test]
    fn faults_by_name() {
        assert!(Record::parse(&line("{}")).is_ok());
        for (data, name) in [
            (r#"{"a":1,"a":2}"#, "duplicate key \"a\""),
            (r#"{"b":[{"a":1,"a":2}]}"#, "duplicate key \"a\""),
            (r#"{"a":1.5}"#, "float"),
            (r#"{"a":1e3}"#, "float"),
            (r#"{"a": 1}"#, "white space"),
            (r#"{ "a":1}"#, "white space"),
            (r#"{"a":1 }"#, "white space"),
            (r#"{"a":9007199254740992}"#, "number out of range"),
            (r#"{"a":-9007199254740992}"#, "number out of range"),
            (r#"{"a":99999999999999999999999999}"#, "number out of range"),
            (r#"{"a":01}"#, "not JSON"),
            (r#"{"a":-0}"#, "bad value"),
            (r#"{"a":"\u0041"}"#, "bad value"),
            (r#"{"a":"\u00C5"}"#, "bad value"),
            (r#"{"a":"\/"}"#, "bad value"),
            (r#"{"a":"\ud800"}"#, "bad value"),
            (r#"{"a":"\ud800\u0061"}"#, "bad value"),
            (r#"{"a":"\u000a"}"#, "bad value"),
            (r#"{"a":"\x"}"#, "not JSON"),
            (r#"{"a":tru}"#, "not JSON"),
            (r#"{"a"}"#, "not JSON"),
            (r#"{"a":1,}"#, "not JSON"),
            ("[]", "bad value"),
            ("null", "bad value"),
            ("{\"a\":\"\u{e9}\"}", "non-ASCII"),
            ("{\"a\":\"\t\"}", "non-ASCII"),
        ] {
            let fault = fault(&line(data));
            assert!(fault.starts_with(name), "{data}: {fault}");
        }
        let good = String::from_utf8(line("{}")).expect("text");
        for (from, to, name) in [
            ("\n", "\r\n", "CRLF"),
            ("\n", " \n", "white space"),
            ("\n", "x\n", "not JSON"),
            ("\"n\":0", "\"n\":-1", "number out of range"),
            ("\"n\":0", "\"n\":\"0\"", "bad value"),
            ("\"n\":0,", "", "missing key \"n\""),
            ("\"n\":0", "\"n\":0,\"m\":0", "unknown key \"m\""),
            (
                "\"boot\":1,\"mono\":5",
                "\"mono\":5,\"boot\":1",
                "key order",
            ),
            ("14:01:03.000Z", "14:01:60.000Z", "bad time"),
            ("14:01:03.000Z", "14:01:03Z", "bad time"),
            ("2026-11", "9999-11", "bad time"),
            ("\"prev\":\"0", "\"prev\":\"A", "bad value"),
            ("\"v\":1", "\"v\":2", "version 2"),
            ("\"v\":1", "\"v\":\"1\"", "bad value"),
        ] {
            let fault = fault(good.replacen(from, to, 1).as_bytes());
            assert!(fault.starts_with(name), "{to}: {fault}");
        }
        assert!(fault(b"\n").starts_with("not JSON"));
        assert!(fault(b"[1]\n").starts_with("not JSON"));
        assert!(
            fault(&line(&format!("{{\"a\":\"{}\"}}", "x".repeat(4096)))).starts_with("too long")
        );
        assert!(
            fault(&line(&format!(
                "{{\"a\":{}{}}}",
                "[".repeat(40),
                "]".repeat(40)
            )))
            .starts_with("bad value")
        );
    }

    #[test]
    fn hex_and_salt() {
        assert_eq!(unhex(&hex(&[0xab; 32])), Some([0xab; 32]));
        assert_eq!(unhex(&"AB".repeat(32)), None);
        assert_eq!(unhex("ab"), None);
        assert_eq!(salted(b"s", "t"), hex(&sha256(b"st")));
    }

    proptest::proptest! {
        /// Anything accepted renders to the same bytes again.
        #[test]
        fn one_spelling(text in ".*", number in -(1i64 << 53) + 1..(1i64 << 53)) {
            let prev = [0; 32];
            let now = Now { wall: Utc(1_793_714_463_000), mono: 1 };
            let envelope = Envelope { log: "a", n: 0, prev: &prev, now, boot: 1, kind: "x", who: "y" };
            let bytes = render(&envelope, &serde_json::json!({ "a": text, "b": number })).expect("renders");
            let record = Record::parse(&bytes).expect("parses");
            proptest::prop_assert_eq!(record.data.get("a").and_then(Value::as_str), Some(text.as_str()));
            proptest::prop_assert_eq!(record.data.get("b").and_then(Value::as_int), Some(number));
        }

        /// Times by hand are times by the calendar.
        #[test]
        fn times(ms in -62_135_596_800_000i64..253_339_228_800_000, at in 0usize..24, byte in 0x20u8..0x7f) {
            let text = Utc(ms).to_string();
            proptest::prop_assert_eq!(parse_time(&text), Some(Utc(ms)));
            let mut other = text.into_bytes();
            other[at] = byte;
            let other = String::from_utf8(other).expect("ascii");
            let year = other.get(..4).map(str::to_owned).unwrap_or_default();
            if year != "0000" && year != "9999" {
                proptest::prop_assert_eq!(parse_time(&other), Utc::parse(&other).ok(), "{}", other);
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Record::parse(&bytes);
            let _ = Value::parse(&bytes);
        }
    }
}
