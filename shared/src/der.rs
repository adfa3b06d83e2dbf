//! Pure. A strict reader of DER, as certificates and time stamps are written: one way to write each length, tags of one byte, nothing that
//! goes on without an end.

/// Tags that are read here.
pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// What is left to be read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

/// One element: its tag, what it holds, and all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    pub whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// Some when nothing is left.
    pub fn end(&self) -> Option<()> {
        self.is_over().then_some(())
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let (head, rest) = self.0.split_at_checked(2)?;
        // A tag of several bytes is none of ours.
        if head[0] & 0x1f == 0x1f {
            return None;
        }
        let (len, head_len) = match head[1] {
            n @ 0..=0x7f => (usize::from(n), 2),
            n @ 0x81..=0x83 => {
                let digits = rest.get(..usize::from(n & 0x0f))?;
                let len = digits.iter().fold(0, |all, b| all << 8 | usize::from(*b));
                if digits[0] == 0 || len < 0x80 {
                    return None;
                }
                (len, 2 + digits.len())
            }
            _ => return None,
        };
        let (whole, after) = self.0.split_at_checked(head_len + len)?;
        self.0 = after;
        Some(Element {
            tag: whole[0],
            content: &whole[head_len..],
            whole,
        })
    }

    /// The next element, if it has this tag; else it is left where it is.
    pub fn maybe(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.any().filter(|e| e.tag == tag)?;
        *self = ahead;
        Some(element)
    }

    /// What the next element holds, which has to have this tag.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.maybe(tag).map(|e| e.content)
    }

    /// The same, to be read on.
    pub fn inside(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(Reader)
    }

    /// The next element with its head.
    pub fn whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.maybe(tag).map(|e| e.whole)
    }
}

/// A number that is not negative, without leading zeros; None when it is written another way.
pub fn number(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, rest @ ..] if rest.first().is_some_and(|b| b & 0x80 != 0) => Some(rest),
        [0] => Some(content),
        [0, ..] | [] => None,
        [first, ..] if first & 0x80 != 0 => None,
        _ => Some(content),
    }
}

/// Writes an element.
pub fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut out = vec![tag];
    match u8::try_from(len).ok().filter(|n| *n < 0x80) {
        Some(short) => out.push(short),
        None => {
            let bytes = len.to_be_bytes();
            let digits: Vec<u8> = bytes.into_iter().skip_while(|b| *b == 0).collect();
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(&digits);
        }
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_the_same() {
        for len in [0usize, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; len];
            let written = write(OCTET_STRING, &content);
            let mut reader = Reader::new(&written);
            assert_eq!(reader.take(OCTET_STRING), Some(&content[..]), "{len}");
            assert!(reader.is_over());
        }
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        for odd in [
            &[0x04u8, 0x81, 0x01, 7][..],       // a long length of what is short
            &[0x04, 0x82, 0x00, 0x80],          // a leading zero, and cut off
            &[0x30, 0x80, 0x00, 0x00],          // without an end
            &[0x1f, 0x01, 0x00],                // a tag of several bytes
            &[0x04, 0x02, 7],                   // cut off
            &[0x04, 0x84, 0x01, 0, 0, 0, 7, 7], // larger than anything here
        ] {
            assert_eq!(Reader::new(odd).any(), None, "{odd:02x?}");
        }
        assert_eq!(number(&[0, 0x80]), Some(&[0x80][..]));
        assert_eq!(number(&[0]), Some(&[0][..]));
        for odd in [&[][..], &[0, 1], &[0x80], &[0, 0]] {
            assert_eq!(number(odd), None, "{odd:02x?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let mut reader = Reader::new(&bytes);
            while reader.any().is_some() {}
        }
    }
}
