//! Pure. As much CBOR (RFC 8949) as an authenticator may send (CTAP 2.1, "Message Encoding"): definite lengths in their shortest form, whole
//! numbers, bytes, text, arrays, maps, true, false, null. Everything else is refused: tags, fractions, indefinite lengths, an item that is longer
//! than what is there.

/// Arrays and maps within each other. An attestation statement has three.
const DEPTH: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    #[error("it ends in the middle of an item")]
    Short,
    #[error("a number or a length is not in its shortest form")]
    Long,
    #[error("it holds an item of a kind that authenticators do not send")]
    Kind,
    #[error("text in it is not UTF-8")]
    Text,
    #[error("its arrays and maps are more than 8 deep")]
    Deep,
    #[error("bytes follow behind its end")]
    Trailing,
}

/// One item, or the beginning of an array or a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    Unsigned(u64),
    /// The number -1 - n.
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// So many items follow.
    Array(u64),
    /// So many pairs of items follow.
    Map(u64),
    Bool(bool),
    Null,
}

/// Reads item after item.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// # Errors
    /// Something is left.
    pub fn end(&self) -> Result<(), CborError> {
        match self.rest.is_empty() {
            true => Ok(()),
            false => Err(CborError::Trailing),
        }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], CborError> {
        let count = usize::try_from(count).map_err(|_| CborError::Short)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CborError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The argument of an item, whose size its first byte says.
    fn argument(&mut self, size: u8) -> Result<u64, CborError> {
        let (bytes, least) = match size {
            0..=23 => return Ok(u64::from(size)),
            24 => (self.take(1)?, 24),
            25 => (self.take(2)?, 1 << 8),
            26 => (self.take(4)?, 1 << 16),
            27 => (self.take(8)?, 1 << 32),
            _ => return Err(CborError::Kind),
        };
        let value = bytes.iter().fold(0, |sum, b| sum << 8 | u64::from(*b));
        match value < least {
            true => Err(CborError::Long),
            false => Ok(value),
        }
    }

    /// # Errors
    /// [`CborError`].
    pub fn item(&mut self) -> Result<Item<'a>, CborError> {
        let first = self.take(1)?[0];
        let size = first & 0x1f;
        Ok(match first >> 5 {
            0 => Item::Unsigned(self.argument(size)?),
            1 => Item::Negative(self.argument(size)?),
            2 => {
                let count = self.argument(size)?;
                Item::Bytes(self.take(count)?)
            }
            3 => {
                let count = self.argument(size)?;
                let text = std::str::from_utf8(self.take(count)?);
                Item::Text(text.map_err(|_| CborError::Text)?)
            }
            4 => Item::Array(self.argument(size)?),
            5 => Item::Map(self.argument(size)?),
            7 => match size {
                20 => Item::Bool(false),
                21 => Item::Bool(true),
                22 => Item::Null,
                _ => return Err(CborError::Kind),
            },
            _ => return Err(CborError::Kind),
        })
    }

    /// Passes over one item with all that is in it.
    ///
    /// # Errors
    /// [`CborError`].
    pub fn skip(&mut self) -> Result<(), CborError> {
        self.skip_to(DEPTH)
    }

    fn skip_to(&mut self, depth: usize) -> Result<(), CborError> {
        let inner = match self.item()? {
            Item::Array(count) => count,
            Item::Map(count) => count.checked_mul(2).ok_or(CborError::Short)?,
            _ => return Ok(()),
        };
        let depth = depth.checked_sub(1).ok_or(CborError::Deep)?;
        // Each item takes a byte at least: a count that lies ends at the end of the bytes.
        for _ in 0..inner {
            self.skip_to(depth)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> Result<Item<'_>, CborError> {
        let mut reader = Reader::new(bytes);
        let item = reader.item()?;
        reader.end()?;
        Ok(item)
    }

    /// RFC 8949, appendix A, as far as it is taken here.
    #[test]
    fn items() {
        for (bytes, item) in [
            (&b"\x00"[..], Item::Unsigned(0)),
            (b"\x17", Item::Unsigned(23)),
            (b"\x18\x18", Item::Unsigned(24)),
            (b"\x19\x03\xe8", Item::Unsigned(1000)),
            (b"\x1a\x00\x0f\x42\x40", Item::Unsigned(1_000_000)),
            (
                b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
                Item::Unsigned(u64::MAX),
            ),
            (b"\x26", Item::Negative(6)),
            (b"\x39\x01\x00", Item::Negative(256)),
            (b"\x44\x01\x02\x03\x04", Item::Bytes(&[1, 2, 3, 4])),
            (b"\x64IETF", Item::Text("IETF")),
            (b"\x83", Item::Array(3)),
            (b"\xa0", Item::Map(0)),
            (b"\xf4", Item::Bool(false)),
            (b"\xf5", Item::Bool(true)),
            (b"\xf6", Item::Null),
        ] {
            assert_eq!(one(bytes), Ok(item), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (bytes, why) in [
            (&b""[..], CborError::Short),
            (b"\x18", CborError::Short),
            (b"\x44\x01", CborError::Short),
            (b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", CborError::Short),
            (b"\x18\x17", CborError::Long),
            (b"\x19\x00\xff", CborError::Long),
            (b"\x1a\x00\x00\xff\xff", CborError::Long),
            (b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff", CborError::Long),
            (b"\x58\x01\x00", CborError::Long),
            (b"\x5f\x41\x00\xff", CborError::Kind),
            (b"\x1c", CborError::Kind),
            (b"\xc0\x00", CborError::Kind),
            (b"\xf7", CborError::Kind),
            (b"\xf9\x00\x00", CborError::Kind),
            (b"\x61\xff", CborError::Text),
            (b"\x00\x00", CborError::Trailing),
        ] {
            assert_eq!(one(bytes), Err(why), "{bytes:x?}");
        }
    }

    #[test]
    fn passing_over() {
        let skip = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            reader.skip().and_then(|()| reader.end())
        };
        assert_eq!(skip(b"\xa2\x01\x82\x00\xf6\x61a\xa0"), Ok(()));
        assert_eq!(skip(b"\xa2\x01\x82\x00"), Err(CborError::Short));
        assert_eq!(skip(&[0x81; 100]), Err(CborError::Deep));
        assert_eq!(skip(b"\x81\x81\x81\x81\x81\x81\x81\x81\x00"), Ok(()));
        // A count of 2^64 - 1 is no reason to wait.
        assert_eq!(
            skip(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
            Err(CborError::Short)
        );
        assert_eq!(
            skip(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x00"),
            Err(CborError::Short)
        );
    }
}
