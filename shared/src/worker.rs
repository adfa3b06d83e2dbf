//! Pure. What the daemon and the picture worker say to each other over stdin and stdout: version 3.
//!
//! A message is a `u32` length, one kind byte, then `length - 1` bytes of body; numbers are big-endian.
//!
//! | to the worker | body |
//! |---|---|
//! | `C` | JSON [`Setup`]; the first message, and again when the camera's parameters change (the task never does) |
//! | `F` | one compressed picture, see below |
//! | `E` | nothing: finish what was given, answer `D`, end |
//!
//! | from the worker | body | in task |
//! |---|---|---|
//! | `S` | JSON [`Sandbox`]; the first message, once, before anything is read | all |
//! | `P` | JSON [`Stream`]; before the first picture and whenever it changes | paint |
//! | `F` | one compressed picture, masked | paint |
//! | `R` | JSON [`Rate`]; whenever it changes; 1 at first, without being said; and, as a sign of life, for each picture left out as damaged | paint |
//! | `V` | JSON [`Verdict`]; exactly one for each `F`, in order | prove |
//! | `J` | a JPEG; the answer to the one `F`, or of a recording ([`Show::Recorded`]) to `E` | still |
//! | `D` | nothing: done, all of it was written | all |
//! | `X` | JSON [`Failure`]; the last message before a failing end | all |
//!
//! The body of `F`, both ways: one byte of flags, `i64` presentation time (90 kHz), then the access unit, NAL units each
//! with its length before it (as many bytes as the configuration says going in, four coming out).
//! Flag bit 0 says key picture. Bits 1 to 7 are a number (127 means 127 or more). To the worker: how many pictures wait
//! behind this one; by that it knows that it is too slow. From the worker: how many pictures given before this one were left
//! out since the last `F`, because they could not be decoded or because of overload; those after the last `F` are in `X`.
//!
//! Both ends say the version once, in their first message; whoever reads another one there goes no further.
use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::mask::{Style, polygon::Corner};

pub const VERSION: u32 = 3;
/// Largest message either side accepts; a 4K key picture is about 2 MiB.
pub const MAX_MESSAGE: usize = 16 << 20;
const KEY: u8 = 1;
/// The largest number that fits beside the flag.
const MOST_OTHERS: u8 = 127;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    H264,
    H265,
}

/// What the worker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Every picture is decoded, painted, encoded.
    Paint,
    /// Every key picture is decoded and tested for a mask that the camera has put in itself.
    Prove,
    /// One key picture, or one of a recording, becomes a JPEG.
    Still,
}

/// What a still shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// The picture with the mask painted in.
    Masked,
    /// The picture as the camera sent it, each polygon's outline and number drawn over it.
    Outline,
    /// A picture of a recording as it was recorded: that of this presentation time, which the pictures before it are needed for. All of them
    /// are given; the answer comes after `E`, which the worker does not wait for more pictures for.
    Recorded { at: i64 },
}

/// What the worker must know before the first picture.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Setup {
    /// [`VERSION`].
    pub v: u32,
    pub task: Task,
    pub codec: Codec,
    /// `avcC` or `hvcC` body; base64 in the message.
    #[serde(with = "base64_text")]
    pub config: Vec<u8>,
    /// What the camera announced; the pictures themselves decide.
    pub width: u32,
    pub height: u32,
    /// Which mask: the daemon's name for it, given back with [`Stream`].
    pub mask: String,
    /// Each polygon: points with x and y from 0 to 1.
    pub polygons: Vec<Vec<Corner>>,
    pub style: Style,
    /// Task prove, pixelated: the size of the camera's cells, in pixels of this stream.
    pub cell: Option<u32>,
    /// Task prove, solid: the colour the camera's mask has (red, green, blue), when that is known.
    pub colour: Option<[u8; 3]>,
    pub fps: Option<f64>,
    /// Ceiling on the masked stream's rate; below it, and without one, the quality is constant.
    pub max_kbit: Option<u32>,
    /// Task still only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Show>,
}

/// How well the worker is shut in. The daemon raises the fault `mask.sandbox` when something is missing and clears it when
/// nothing is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sandbox {
    /// [`VERSION`].
    pub v: u32,
    /// What this kernel could not give, in words; the rest of the sandbox is in force.
    pub missing: Vec<String>,
}

/// How the masked pictures are encoded, and under which mask they lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// `avcC` or `hvcC` body; base64 in the message.
    #[serde(with = "base64_text")]
    pub config: Vec<u8>,
    pub codec: Codec,
    pub width: u32,
    pub height: u32,
    pub mask: String,
    pub style: Style,
}

/// Under overload every picture is decoded, one in `one_in` painted and encoded: the mask stays, the rate falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub one_in: u32,
}

/// Whether the mask lies in a key picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub pts: i64,
    /// What was seen in place of the mask, in a sentence without full stop; none when the mask is there.
    pub why: Option<String>,
}

impl Verdict {
    pub fn pass(&self) -> bool {
        self.why.is_none()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub why: String,
    /// Pictures dropped and not yet told of.
    #[serde(default)]
    pub dropped: u64,
    /// It was the encoder that failed: another one may do.
    #[serde(default)]
    pub encoder: bool,
}

/// One compressed picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture<'a> {
    pub key: bool,
    /// To the worker: pictures that wait behind this one. From it: pictures left out before this one.
    pub others: u8,
    pub pts: i64,
    /// Never empty in a message.
    pub data: Cow<'a, [u8]>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ToWorker<'a> {
    Setup(Setup),
    Picture(Picture<'a>),
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FromWorker<'a> {
    Sandbox(Sandbox),
    Stream(Stream),
    Picture(Picture<'a>),
    Rate(Rate),
    Verdict(Verdict),
    Still(Cow<'a, [u8]>),
    Done,
    Failure(Failure),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error(
        "a message of {0} bytes, where 1 to {MAX_MESSAGE} are allowed: the other end is no daemon or picture worker of Beadle"
    )]
    Size(u64),
    #[error("a message of kind 0x{0:02x}, which is not known; {SAME}")]
    Kind(u8),
    #[error("a message of version {0}, where version {VERSION} is spoken; {SAME}")]
    Version(u64),
    #[error("the message `{kind}` cannot be understood: {why}")]
    Body { kind: char, why: String },
}

const SAME: &str = "install daemon and picture worker of the same version";

/// How many bytes follow a message's first four.
pub fn length(head: [u8; 4]) -> Result<usize, MessageError> {
    let length = u32::from_be_bytes(head);
    match usize::try_from(length) {
        Ok(n @ 1..=MAX_MESSAGE) => Ok(n),
        _ => Err(MessageError::Size(length.into())),
    }
}

impl<'a> ToWorker<'a> {
    /// All of the message, its length first.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        match self {
            ToWorker::Setup(setup) => json(b'C', setup),
            ToWorker::Picture(picture) => picture.encode(),
            ToWorker::End => message(b'E', &[]),
        }
    }

    /// `message` is what follows the length, kind byte first.
    pub fn decode(message: &'a [u8]) -> Result<Self, MessageError> {
        let (kind, body) = parts(message)?;
        match kind {
            b'C' => Ok(ToWorker::Setup(versioned(kind, body)?)),
            b'F' => Ok(ToWorker::Picture(Picture::decode(body)?)),
            b'E' => empty(kind, body).map(|()| ToWorker::End),
            other => Err(MessageError::Kind(other)),
        }
    }
}

impl<'a> FromWorker<'a> {
    /// All of the message, its length first.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        match self {
            FromWorker::Sandbox(sandbox) => json(b'S', sandbox),
            FromWorker::Stream(stream) => json(b'P', stream),
            FromWorker::Picture(picture) => picture.encode(),
            FromWorker::Rate(rate) => json(b'R', rate),
            FromWorker::Verdict(verdict) => json(b'V', verdict),
            FromWorker::Still(jpeg) => message(b'J', &[jpeg]),
            FromWorker::Done => message(b'D', &[]),
            FromWorker::Failure(failure) => json(b'X', failure),
        }
    }

    /// `message` is what follows the length, kind byte first.
    pub fn decode(message: &'a [u8]) -> Result<Self, MessageError> {
        let (kind, body) = parts(message)?;
        Ok(match kind {
            b'S' => FromWorker::Sandbox(versioned(kind, body)?),
            b'P' => FromWorker::Stream(from_json(kind, body)?),
            b'F' => FromWorker::Picture(Picture::decode(body)?),
            b'R' => FromWorker::Rate(from_json(kind, body)?),
            b'V' => FromWorker::Verdict(from_json(kind, body)?),
            b'J' => FromWorker::Still(Cow::Borrowed(body)),
            b'D' => empty(kind, body).map(|()| FromWorker::Done)?,
            b'X' => FromWorker::Failure(from_json(kind, body)?),
            other => return Err(MessageError::Kind(other)),
        })
    }
}

impl<'a> Picture<'a> {
    fn encode(&self) -> Result<Vec<u8>, MessageError> {
        let flags = if self.key { KEY } else { 0 } | (self.others.min(MOST_OTHERS) << 1);
        message(b'F', &[&[flags], &self.pts.to_be_bytes(), &self.data])
    }

    fn decode(body: &'a [u8]) -> Result<Self, MessageError> {
        let parts = body
            .split_first()
            .and_then(|(flags, rest)| Some((flags, rest.split_first_chunk::<8>()?)));
        match parts {
            Some((flags, (pts, data))) if !data.is_empty() => Ok(Self {
                key: flags & KEY != 0,
                others: flags >> 1,
                pts: i64::from_be_bytes(*pts),
                data: Cow::Borrowed(data),
            }),
            _ => Err(MessageError::Body {
                kind: 'F',
                why: format!("it has {} bytes; a picture has at least 10", body.len()),
            }),
        }
    }

    /// With bytes of its own.
    pub fn into_owned(self) -> Picture<'static> {
        Picture {
            key: self.key,
            others: self.others,
            pts: self.pts,
            data: Cow::Owned(self.data.into_owned()),
        }
    }
}

fn message(kind: u8, parts: &[&[u8]]) -> Result<Vec<u8>, MessageError> {
    let bytes: usize = 1 + parts.iter().map(|p| p.len()).sum::<usize>();
    let length = u32::try_from(bytes)
        .ok()
        .filter(|_| bytes <= MAX_MESSAGE)
        .ok_or(MessageError::Size(bytes as u64))?;
    let mut out = Vec::with_capacity(4 + bytes);
    out.extend_from_slice(&length.to_be_bytes());
    out.push(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(out)
}

fn json(kind: u8, what: &impl Serialize) -> Result<Vec<u8>, MessageError> {
    let body = serde_json::to_vec(what).map_err(not_understood(kind))?;
    message(kind, &[&body])
}

fn parts(message: &[u8]) -> Result<(u8, &[u8]), MessageError> {
    let (kind, body) = message.split_first().ok_or(MessageError::Size(0))?;
    Ok((*kind, body))
}

fn empty(kind: u8, body: &[u8]) -> Result<(), MessageError> {
    let why = "it has a body".to_owned();
    let kind = kind.into();
    (body.is_empty())
        .then_some(())
        .ok_or(MessageError::Body { kind, why })
}

fn from_json<T: DeserializeOwned>(kind: u8, body: &[u8]) -> Result<T, MessageError> {
    serde_json::from_slice(body).map_err(not_understood(kind))
}

/// The version first: of another one the rest need not make sense.
fn versioned<T: DeserializeOwned>(kind: u8, body: &[u8]) -> Result<T, MessageError> {
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    let version: Version = from_json(kind, body)?;
    if version.v != u64::from(VERSION) {
        return Err(MessageError::Version(version.v));
    }
    from_json(kind, body)
}

fn not_understood(kind: u8) -> impl FnOnce(serde_json::Error) -> MessageError {
    move |e| MessageError::Body {
        kind: kind.into(),
        why: e.to_string(),
    }
}

/// Bytes as base64 text.
mod base64_text {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The message without its length, after the length was found to be right.
    fn body(message: &[u8]) -> &[u8] {
        let (head, rest) = message.split_first_chunk::<4>().unwrap();
        assert_eq!(length(*head), Ok(rest.len()));
        rest
    }

    /// MSK-5: the daemon's word reaches the worker, and the worker's the daemon, as it was said.
    #[test]
    fn every_message_survives_the_way() {
        let picture = Picture {
            key: true,
            others: 3,
            pts: -7,
            data: Cow::Borrowed(&[0, 0, 0, 1, 9][..]),
        };
        let setup = Setup {
            v: VERSION,
            task: Task::Still,
            codec: Codec::H264,
            config: vec![1, 2, 3],
            width: 640,
            height: 360,
            mask: "m7".into(),
            polygons: vec![vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]],
            style: Style::Solid,
            cell: None,
            colour: Some([0, 0, 255]),
            fps: Some(25.0),
            max_kbit: None,
            show: Some(Show::Recorded { at: -3 }),
        };
        for message in [
            ToWorker::Setup(setup),
            ToWorker::Picture(picture.clone()),
            ToWorker::End,
        ] {
            let bytes = message.encode().unwrap();
            assert_eq!(ToWorker::decode(body(&bytes)), Ok(message));
        }
        let bytes = FromWorker::Picture(picture.clone()).encode().unwrap();
        assert_eq!(bytes[..6], [0, 0, 0, 15, b'F', 7]);
        let why = "polygon 1 is not covered".to_owned();
        for message in [
            FromWorker::Sandbox(Sandbox {
                v: VERSION,
                missing: vec!["TCP".into()],
            }),
            FromWorker::Stream(Stream {
                config: vec![4, 5],
                codec: Codec::H265,
                width: 2,
                height: 2,
                mask: "m1".into(),
                style: Style::Pixelated,
            }),
            FromWorker::Picture(picture),
            FromWorker::Rate(Rate { one_in: 3 }),
            FromWorker::Verdict(Verdict {
                pts: 5,
                why: Some(why.clone()),
            }),
            FromWorker::Still(Cow::Borrowed(&[0xff, 0xd8])),
            FromWorker::Done,
            FromWorker::Failure(Failure {
                why,
                dropped: 2,
                encoder: true,
            }),
        ] {
            let bytes = message.encode().unwrap();
            assert_eq!(FromWorker::decode(body(&bytes)), Ok(message));
        }
    }

    /// Daemon and worker of different versions: said so, whatever else the message holds.
    #[test]
    fn another_version_is_refused_before_all_else() {
        assert_eq!(
            ToWorker::decode(br#"C{"v":2,"codec":"h264"}"#),
            Err(MessageError::Version(2))
        );
        assert_eq!(
            FromWorker::decode(br#"S{"v":1,"lacking":7}"#),
            Err(MessageError::Version(1))
        );
        let said = MessageError::Version(2).to_string();
        assert!(said.contains("of the same version"), "{said}");
    }

    #[test]
    fn garbage_is_named_not_believed() {
        let bad = |bytes: &[u8]| ToWorker::decode(bytes).unwrap_err().to_string();
        assert!(length(*b"GET ").is_err_and(|e| e.to_string().contains("no daemon")));
        assert_eq!(length([0; 4]), Err(MessageError::Size(0)));
        assert!(bad(b"C{").contains("`C` cannot be understood"));
        assert!(bad(b"Z").contains("0x5a"));
        assert!(bad(&[b'F', 1, 1]).contains("at least 10"));
        assert!(bad(b"").contains("0 bytes"));
        assert!(bad(b"E1").contains("it has a body"));
        let huge = Picture {
            key: true,
            others: 0,
            pts: 0,
            data: vec![0; MAX_MESSAGE].into(),
        };
        assert!(matches!(huge.encode(), Err(MessageError::Size(_))));
    }

    proptest! {
        /// MSK-5: whatever comes, from a worker that a camera's pictures have taken over, too.
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (ToWorker::decode(&bytes), FromWorker::decode(&bytes));
        }
    }
}
