//! Pure. A JSON value as the log writes it: one spelling, read from the left, refused at the first fault.
use super::{Malformed, bad, parse_time};
use crate::{
    time::Utc,
    verify::words::{self as w, say},
};

/// How deep objects and arrays may nest; the line itself is the first.
pub const MAX_DEPTH: usize = 32;

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

    fn require(&mut self, byte: u8) -> Result<(), Malformed> {
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
            self.require(b':')?;
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
