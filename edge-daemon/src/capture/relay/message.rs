//! Pure. RTSP as cameras write it: bytes in, messages out, whatever their letters, spaces and line ends are; and messages written.
use bytes::{Buf, Bytes, BytesMut};

use super::repair::{Repair, Repairs};

/// The largest head, and the largest body of an answer.
const HEAD: usize = 16 << 10;
pub const BODY: usize = 256 << 10;
/// So much rubbish is skipped at most.
const RUBBISH: usize = 1 << 20;

/// Names are found whatever their letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, v)| v.as_str())
    }

    /// All of that name, joined.
    pub fn all(&self, name: &str) -> Option<String> {
        let all = self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let values: Vec<&str> = all.map(|(_, v)| v.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub reason: String,
    pub headers: Headers,
    pub body: Bytes,
    /// The camera said how long its body is.
    pub measured: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub uri: String,
    pub headers: Headers,
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Response(Response),
    Request(Request),
    /// A packet within the connection.
    Data(u8, Bytes),
}

/// There is no telling where the next message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    #[error("an answer's head is longer than {} KiB", HEAD >> 10)]
    Head,
    #[error("an answer's body is longer than {} KiB", BODY >> 10)]
    Body,
    #[error("more than {} KiB came that are neither answers nor packets", RUBBISH >> 10)]
    Rubbish,
}

/// Takes bytes as they come.
#[derive(Debug, Default)]
pub struct Reader {
    pub buffer: BytesMut,
    /// A head that has come, and how long its body is to be.
    head: Option<(Start, Headers, usize)>,
    rubbish: usize,
    pub repairs: Repairs,
}

#[derive(Debug)]
enum Start {
    Status(u16, String, bool),
    Ask(String, String),
}

impl Reader {
    /// The next whole message; None: more bytes are needed.
    ///
    /// # Errors
    /// [`FramingError`]: the connection is of no more use.
    pub fn next(&mut self) -> Result<Option<Message>, FramingError> {
        loop {
            if let Some((_, _, length)) = &self.head {
                if self.buffer.len() < *length {
                    return Ok(None);
                }
                let length = *length;
                return Ok(self.whole(length));
            }
            match self.buffer.first() {
                None => return Ok(None),
                // Line ends between messages are as good as nothing.
                Some(b'\r' | b'\n' | 0) => self.buffer.advance(1),
                Some(b'$') => {
                    let Some(&[_, channel, a, b]) = self.buffer.first_chunk::<4>() else {
                        return Ok(None);
                    };
                    let length = usize::from(u16::from_be_bytes([a, b]));
                    if self.buffer.len() < 4 + length {
                        return Ok(None);
                    }
                    self.buffer.advance(4);
                    self.rubbish = 0;
                    return Ok(Some(Message::Data(
                        channel,
                        self.buffer.split_to(length).freeze(),
                    )));
                }
                Some(_) => match begins(&self.buffer) {
                    Some(true) => {
                        let Some(end) = head_end(&self.buffer) else {
                            return if self.buffer.len() > HEAD {
                                Err(FramingError::Head)
                            } else {
                                Ok(None)
                            };
                        };
                        let bytes = self.buffer.split_to(end);
                        self.head = self.head(&bytes)?;
                    }
                    Some(false) => self.skip()?,
                    None => return Ok(None),
                },
            }
        }
    }

    /// A body that was announced longer than it comes is taken as it is.
    pub fn cut(&mut self) -> Option<Message> {
        let (_, _, length) = self.head.as_ref()?;
        if self.buffer.is_empty() && *length > 0 {
            return None;
        }
        self.repairs.insert(Repair::Length);
        let length = self.buffer.len();
        self.whole(length)
    }

    /// What follows a body that was not announced, or too short: all that is no message of its own.
    pub fn loose(&mut self) -> Bytes {
        let starts = |b: &[u8]| {
            b.first() == Some(&b'$') || b.len() >= 5 && b[..5].eq_ignore_ascii_case(b"RTSP/")
        };
        let mut end = 0;
        for line in self.buffer.split_inclusive(|b| *b == b'\n') {
            if starts(line) {
                break;
            }
            end += line.len();
        }
        let taken = self.buffer.split_to(end).freeze();
        if !taken.iter().all(u8::is_ascii_whitespace) {
            self.repairs.insert(Repair::Length);
        }
        taken
    }

    /// A head has come, and its body not yet.
    pub fn waits_for_body(&self) -> bool {
        self.head.is_some()
    }

    fn whole(&mut self, length: usize) -> Option<Message> {
        let (start, headers, _) = self.head.take()?;
        let body = self.buffer.split_to(length).freeze();
        self.rubbish = 0;
        Some(match start {
            Start::Status(status, reason, measured) => Message::Response(Response {
                status,
                reason,
                headers,
                body,
                measured,
            }),
            Start::Ask(method, uri) => Message::Request(Request {
                method,
                uri,
                headers,
                body,
            }),
        })
    }

    /// On to the next byte with which something may begin.
    fn skip(&mut self) -> Result<(), FramingError> {
        let next = self.buffer.iter().skip(1).position(|b| {
            matches!(b, b'$') || b.is_ascii_uppercase() || b.eq_ignore_ascii_case(&b'r')
        });
        let skipped = next.map_or(self.buffer.len(), |at| at + 1);
        self.buffer.advance(skipped);
        self.rubbish += skipped;
        self.repairs.insert(Repair::Rubbish);
        if self.rubbish > RUBBISH {
            return Err(FramingError::Rubbish);
        }
        Ok(())
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Option<(Start, Headers, usize)>, FramingError> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split('\n').map(|l| l.trim_end_matches(['\r', '\0']));
        let first = lines.next().unwrap_or_default();
        let mut words = first.split_ascii_whitespace();
        let (one, two) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let mut headers = Headers::default();
        let mut odd = text.contains('\u{fffd}');
        for line in lines {
            if line.trim().is_empty() {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                // A line that goes on.
                odd = true;
                if let Some((_, value)) = headers.0.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                odd = true;
                continue;
            };
            odd |= name != name.trim();
            headers
                .0
                .push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let length = headers.get("Content-Length");
        let number = length.and_then(|l| l.split([' ', ',', ';']).next()?.parse::<usize>().ok());
        odd |= length.is_some() && number.is_none();
        let length = number.unwrap_or(0);
        if length > BODY {
            return Err(FramingError::Body);
        }
        let answer = is_version(one);
        let start = if answer {
            let digits: String = two.chars().take_while(char::is_ascii_digit).collect();
            odd |= !one.starts_with("RTSP/1.0") || digits.len() != two.len();
            let status = digits.parse().ok().filter(|s| (100..600).contains(s));
            odd |= status.is_none();
            Start::Status(
                status.unwrap_or(500),
                words.collect::<Vec<_>>().join(" "),
                number.is_some(),
            )
        } else {
            Start::Ask(one.to_ascii_uppercase(), two.to_owned())
        };
        if odd {
            self.repairs.insert(Repair::Head);
        }
        Ok(Some((start, headers, length)))
    }
}

fn is_version(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    word.starts_with("RTSP/") || word.starts_with("HTTP/")
}

/// Whether a message begins here; None: it cannot be told yet.
fn begins(bytes: &[u8]) -> Option<bool> {
    const LONGEST: usize = 16;
    let word = bytes.iter().take(LONGEST + 1);
    let word: Vec<u8> = word
        .take_while(|b| !b.is_ascii_whitespace())
        .copied()
        .collect();
    let whole = word.len() < bytes.len() || word.len() > LONGEST;
    let version = |word: &[u8]| {
        [&b"RTSP/"[..], b"HTTP/"].iter().any(|v| {
            let n = v.len().min(word.len());
            word[..n].eq_ignore_ascii_case(&v[..n])
        })
    };
    let method = |word: &[u8]| {
        word.iter()
            .all(|b| b.is_ascii_uppercase() || matches!(b, b'_'))
    };
    if version(&word) && (whole || word.len() < 5) {
        return if whole { Some(word.len() >= 5) } else { None };
    }
    if version(&word) {
        return None;
    }
    if !method(&word) || word.len() > LONGEST {
        return Some(false);
    }
    if !whole {
        return None;
    }
    // A request's first line ends with the version.
    let line = bytes.iter().position(|b| *b == b'\n');
    let Some(end) = line else {
        return if bytes.len() > 2048 {
            Some(false)
        } else {
            None
        };
    };
    let line = String::from_utf8_lossy(&bytes[..end]);
    Some(word.len() > 2 && line.trim_end().rsplit(' ').next().is_some_and(is_version))
}

/// The length of a head with the empty line after it.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (at, b) in bytes.iter().enumerate() {
        if *b != b'\n' {
            continue;
        }
        if bytes[line..at].iter().all(|b| matches!(b, b'\r')) && line > 0 {
            return Some(at + 1);
        }
        line = at + 1;
    }
    None
}

/// A request as it goes to the camera.
pub fn request(method: &str, uri: &str, cseq: u32, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{method} {uri} RTSP/1.0\r\nCSeq: {cseq}\r\nUser-Agent: beadle\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// An answer: to retina, or to what a camera asks.
pub fn answer(status: u16, cseq: Option<&str>, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let reason = if (200..300).contains(&status) {
        "OK"
    } else {
        "Refused"
    };
    let mut text = format!("RTSP/1.0 {status} {reason}\r\n");
    if let Some(cseq) = cseq {
        text.push_str(&format!("CSeq: {cseq}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}

/// A packet within the connection.
pub fn data(channel: u8, packet: &[u8], out: &mut Vec<u8>) {
    let Ok(length) = u16::try_from(packet.len()) else {
        return;
    };
    out.extend([b'$', channel]);
    out.extend(length.to_be_bytes());
    out.extend(packet);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Message>, Repairs) {
        let mut reader = Reader::default();
        let mut all = Vec::new();
        // One byte at a time, as a network may have it.
        for b in bytes {
            reader.buffer.extend_from_slice(&[*b]);
            while let Some(m) = reader.next().expect("framing") {
                all.push(m);
            }
        }
        (all, reader.repairs)
    }

    fn one(bytes: &[u8]) -> (Response, Repairs) {
        let (mut all, repairs) = read(bytes);
        assert_eq!(all.len(), 1, "{all:?}");
        match all.remove(0) {
            Message::Response(r) => (r, repairs),
            other => panic!("{other:?}"),
        }
    }

    /// REC-6: answers as cameras write them.
    #[test]
    fn odd_answers_are_read() {
        for (bytes, odd) in [
            (&b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 2\r\n\r\nab"[..], false),
            (b"RTSP/1.0 200\r\ncseq:3\r\ncontent-length:2\r\n\r\nab", false),
            (b"RTSP/1.0 200 OK\nCSeq: 3\nContent-Length: 2\n\nab", false),
            (b"rtsp/1.0 200 OK\r\nCSeq : 3\r\nContent-Length: 2 \r\n\r\nab", true),
            (b"RTSP/1.0  200  Fine indeed\r\nCSEQ: 3\r\nnothing at all\r\nContent-Length: 2\r\n\r\nab", true),
            (b"RTSP/2.0 200 OK\r\nCSeq:\r\n 3\r\nContent-Length: 2\r\n\r\nab", true),
            (b"\r\n\r\nRTSP/1.0 200 OK\r\nX: \xff\r\nCSeq: 3\r\nContent-Length: 2\r\n\r\nab", true),
        ] {
            let (response, repairs) = one(bytes);
            assert_eq!((response.status, &response.body[..]), (200, &b"ab"[..]));
            assert_eq!(response.headers.get("CSeq").map(str::trim), Some("3"));
            assert_eq!(repairs.contains(&Repair::Head), odd, "{repairs:?}");
        }
    }

    /// REC-6: packets, requests of the camera's, and rubbish between them.
    #[test]
    fn packets_requests_and_rubbish() {
        let mut bytes = Vec::new();
        data(0, b"one", &mut bytes);
        bytes.extend(b"\x99\x99rubbish\x00\x01");
        data(3, b"two", &mut bytes);
        bytes.extend(b"OPTIONS rtsp://us/ RTSP/1.0\r\nCSeq: 9\r\n\r\n");
        bytes.extend(b"RTSP/1.0 200 OK\r\n\r\n");
        let (all, repairs) = read(&bytes);
        let [
            Message::Data(0, one),
            Message::Data(3, two),
            Message::Request(ask),
            Message::Response(_),
        ] = &all[..]
        else {
            panic!("{all:?}")
        };
        assert_eq!((&one[..], &two[..]), (&b"one"[..], &b"two"[..]));
        assert_eq!(
            (ask.method.as_str(), ask.headers.get("cseq")),
            ("OPTIONS", Some("9"))
        );
        assert_eq!(repairs, Repairs::from([Repair::Rubbish]));
    }

    /// REC-6: a body that is longer or shorter than it says.
    #[test]
    fn bodies_without_measure() {
        let mut reader = Reader::default();
        reader
            .buffer
            .extend_from_slice(b"RTSP/1.0 200 OK\r\nContent-Length: 99\r\n\r\nv=0\r\n");
        assert_eq!(reader.next(), Ok(None));
        assert!(reader.waits_for_body());
        let Some(Message::Response(cut)) = reader.cut() else {
            panic!("cut")
        };
        assert_eq!(&cut.body[..], b"v=0\r\n");
        reader
            .buffer
            .extend_from_slice(b"a=x\r\nm=video\r\n$\x00\x00\x01z");
        assert_eq!(&reader.loose()[..], b"a=x\r\nm=video\r\n");
        assert!(matches!(reader.next(), Ok(Some(Message::Data(0, _)))));
    }

    proptest::proptest! {
        /// Whatever a camera sends, reading it ends, and panics never.
        #[test]
        fn whatever_comes(parts in proptest::collection::vec(proptest::prop_oneof![
            proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
            proptest::prelude::Just(b"RTSP/1.0 200 OK\r\n".to_vec()),
            proptest::prelude::Just(b"Content-Length: 5\r\n".to_vec()),
            proptest::prelude::Just(b"\r\n\r\n".to_vec()),
            proptest::prelude::Just(b"$\x00\x00\x02ab".to_vec()),
        ], 0..20)) {
            let mut reader = Reader::default();
            for part in parts {
                reader.buffer.extend_from_slice(&part);
                while let Ok(Some(_)) = reader.next() {}
            }
            reader.cut();
            reader.loose();
        }
    }
}
