//! Pure. What the daemon and the picture worker say to each other over stdin and stdout: version 2.
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
//! | `S` | JSON [`Sandboxed`]; the first message, once, before anything is read | all |
//! | `P` | JSON [`Params`]; before the first picture and whenever they change | paint |
//! | `F` | one compressed picture, masked | paint |
//! | `R` | JSON [`Rate`]; whenever it changes; 1 at first, without being said; and, as a sign of life, for each picture left out as damaged | paint |
//! | `V` | JSON [`Verdict`]; exactly one for each `F`, in order | prove |
//! | `J` | a JPEG; the answer to the one `F` | still |
//! | `D` | nothing: done, all of it was written | all |
//! | `X` | JSON [`Failure`]; the last message before a failing end | all |
//!
//! The body of `F`, both ways: one byte of flags, `i64` presentation time (90 kHz), then the access unit, NAL units each
//! with its length before it (as many bytes as the configuration says going in, four coming out).
//! Flag bit 0 says key picture. Bits 1 to 7 are a number (127 means 127 or more). To the worker: how many pictures wait
//! behind this one; by that it knows that it is too slow. From the worker: how many pictures given before this one were left
//! out since the last `F`, because they could not be decoded or because of overload; those after the last `F` are in `X`.
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// Of everything said but [`Sandboxed`], which must be understood before versions are compared.
pub const VERSION: u32 = 2;
/// Largest message either side accepts; a 4K key picture is about 2 MiB.
pub const MAX_MESSAGE: usize = 16 << 20;
pub const KEY: u8 = 1;

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
    /// One key picture becomes a JPEG.
    Still,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    Solid,
    Pixelated,
}

/// What a still shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// The picture with the mask painted in.
    Masked,
    /// The picture as the camera sent it, each polygon's outline and number drawn over it.
    Outline,
}

/// What the worker must know before the first picture.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Setup {
    /// [`VERSION`].
    pub v: u32,
    pub task: Task,
    pub codec: Codec,
    /// `avcC` or `hvcC` body, base64.
    pub config: String,
    /// What the camera announced; the pictures themselves decide.
    pub width: u32,
    pub height: u32,
    /// Which mask: the daemon's name for it, given back with [`Params`].
    pub mask: String,
    /// Each polygon: points with x and y from 0 to 1.
    pub polygons: Vec<Vec<[f64; 2]>>,
    pub style: Style,
    /// Task prove, pixelated: the size of the camera's cells, in pixels of this stream.
    pub cell: Option<u32>,
    /// Task prove, solid: the colour the camera's mask has (red, green, blue), when that is known.
    pub colour: Option<[u8; 3]>,
    pub fps: Option<f64>,
    /// Ceiling on the masked stream's rate; below it, and without one, the quality is constant.
    pub max_kbit: Option<u32>,
    /// Task still only.
    pub show: Option<Show>,
}

/// How well the worker is shut in. The daemon raises the fault `mask.sandbox` when something is missing and clears it when
/// nothing is; a daemon that does not know the version takes the worker for one that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sandboxed {
    pub v: u32,
    /// What this kernel could not give, in words; the rest of the sandbox is in force.
    pub missing: Vec<String>,
}

/// How the masked pictures are encoded, and under which mask they lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Params {
    pub config: String,
    pub codec: Codec,
    pub width: u32,
    pub height: u32,
    pub mask: String,
    pub style: Style,
}

/// Under overload every picture is decoded, one in `one_in` painted and encoded: the mask stays, the rate falls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    pub v: u32,
    pub one_in: u32,
}

/// Whether the mask lies in a key picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub v: u32,
    pub pts: i64,
    pub pass: bool,
    /// What was seen, in a sentence without full stop; empty when it passed.
    pub why: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub key: bool,
    /// To the worker: pictures that wait behind this one. From it: pictures left out before this one.
    pub others: u8,
    pub pts: i64,
    pub data: Vec<u8>,
}

#[derive(Debug)]
pub enum ToWorker {
    Setup(Setup),
    Picture(Picture),
    End,
}

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("cannot read from the daemon: {0}")]
    Read(#[source] io::Error),
    #[error("the daemon's message is cut off; it seems to have stopped")]
    CutOff,
    #[error(
        "a message of {0} bytes: not what a daemon sends (1 to {MAX_MESSAGE} bytes); is something else connected to this program?"
    )]
    Size(u64),
    #[error(
        "a message of kind 0x{0:02x} that this program does not know; daemon and picture worker must be of the same version"
    )]
    Kind(u8),
    #[error(
        "the setup is of version {0}; this program knows version {VERSION}; install daemon and picture worker of the same version"
    )]
    Version(u64),
    #[error("the message `{kind}` cannot be understood: {why}")]
    Body { kind: char, why: String },
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

/// The next message, or `None` where the input ends between two messages.
pub fn read(from: &mut impl Read) -> Result<Option<ToWorker>, WireError> {
    let Some((kind, body)) = read_frame(from)? else {
        return Ok(None);
    };
    match kind {
        b'C' => {
            let not_understood = |e: serde_json::Error| WireError::Body {
                kind: 'C',
                why: e.to_string(),
            };
            // The version first: of another one the rest need not make sense.
            let version: Version = serde_json::from_slice(&body).map_err(not_understood)?;
            if version.v != u64::from(VERSION) {
                return Err(WireError::Version(version.v));
            }
            let setup = serde_json::from_slice(&body).map_err(not_understood)?;
            Ok(Some(ToWorker::Setup(setup)))
        }
        b'F' => Ok(Some(ToWorker::Picture(picture(&body)?))),
        b'E' if body.is_empty() => Ok(Some(ToWorker::End)),
        b'E' => Err(WireError::Body {
            kind: 'E',
            why: "it has a body".into(),
        }),
        other => Err(WireError::Kind(other)),
    }
}

/// One message's kind and body.
pub fn read_frame(from: &mut impl Read) -> Result<Option<(u8, Vec<u8>)>, WireError> {
    let mut head = [0u8; 4];
    let mut have = 0;
    while have < head.len() {
        match from.read(&mut head[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(WireError::CutOff),
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(WireError::Read(e)),
        }
    }
    let length = u32::from_be_bytes(head) as usize;
    if length == 0 || length > MAX_MESSAGE {
        return Err(WireError::Size(length as u64));
    }
    let mut body = vec![0u8; length];
    from.read_exact(&mut body).map_err(|e| {
        if e.kind() == io::ErrorKind::UnexpectedEof {
            WireError::CutOff
        } else {
            WireError::Read(e)
        }
    })?;
    let kind = body.remove(0);
    Ok(Some((kind, body)))
}

/// The body of an `F`.
pub fn picture(body: &[u8]) -> Result<Picture, WireError> {
    let [flags, rest @ ..] = body else {
        return Err(WireError::Body {
            kind: 'F',
            why: "it is empty".into(),
        });
    };
    let Some((pts, data)) = rest.split_first_chunk::<8>() else {
        return Err(WireError::Body {
            kind: 'F',
            why: format!("it has {} bytes; a picture has at least 10", body.len()),
        });
    };
    if data.is_empty() {
        return Err(WireError::Body {
            kind: 'F',
            why: "it holds no picture".into(),
        });
    }
    Ok(Picture {
        key: flags & KEY != 0,
        others: flags >> 1,
        pts: i64::from_be_bytes(*pts),
        data: data.to_vec(),
    })
}

pub fn write_frame(to: &mut impl Write, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
    let length: usize = 1 + parts.iter().map(|p| p.len()).sum::<usize>();
    let length = u32::try_from(length).map_err(|_| io::Error::other("message too large"))?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&[kind])?;
    for part in parts {
        to.write_all(part)?;
    }
    Ok(())
}

pub fn write_picture(to: &mut impl Write, picture: &Picture) -> io::Result<()> {
    let flags = u8::from(picture.key) | (picture.others.min(127) << 1);
    write_frame(
        to,
        b'F',
        &[&[flags], &picture.pts.to_be_bytes(), &picture.data],
    )
}

pub fn write_json(to: &mut impl Write, kind: u8, what: &impl Serialize) -> io::Result<()> {
    write_frame(to, kind, &[&serde_json::to_vec(what)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_survives_the_way_there_and_back() {
        let sent = Picture {
            key: true,
            others: 3,
            pts: -7,
            data: vec![0, 0, 0, 1, 9],
        };
        let mut bytes = Vec::new();
        write_picture(&mut bytes, &sent).unwrap();
        assert_eq!(&bytes[..6], &[0, 0, 0, 15, b'F', 7]);
        let Some(ToWorker::Picture(got)) = read(&mut bytes.as_slice()).unwrap() else {
            panic!("no picture")
        };
        assert_eq!(got, sent);
    }

    /// Daemon and worker of different versions: said so, whatever else the message holds.
    #[test]
    fn another_version_is_refused_before_all_else() {
        let read_json = |json: &str| {
            let mut bytes = Vec::new();
            write_frame(&mut bytes, b'C', &[json.as_bytes()]).unwrap();
            read(&mut bytes.as_slice())
        };
        for json in [r#"{"v":1,"codec":"h264"}"#, r#"{"v":3}"#] {
            let error = read_json(json).unwrap_err().to_string();
            assert!(error.contains("this program knows version 2"), "{error}");
        }
        let whole = r#"{"v":2,"task":"prove","codec":"h265","config":"","width":2,"height":2,"mask":"m1","polygons":[],
            "style":"pixelated","cell":48,"colour":null,"fps":null,"max_kbit":null}"#;
        let Some(ToWorker::Setup(setup)) = read_json(whole).unwrap() else {
            panic!("no setup")
        };
        assert_eq!(
            (setup.task, setup.style, setup.cell, setup.show),
            (Task::Prove, Style::Pixelated, Some(48), None)
        );
    }

    #[test]
    fn garbage_is_named_not_believed() {
        let bad = |bytes: &[u8]| read(&mut &bytes[..]).unwrap_err().to_string();
        assert!(bad(b"GET / HTTP/1.1\r\n").contains("not what a daemon sends"));
        assert!(bad(&[0, 0, 0, 0]).contains("0 bytes"));
        assert!(bad(&[0, 0]).contains("cut off"));
        assert!(bad(&[0, 0, 0, 9, b'C', b'{']).contains("cut off"));
        assert!(bad(&[0, 0, 0, 2, b'C', b'{']).contains("`C` cannot be understood"));
        assert!(bad(&[0, 0, 0, 1, b'Z']).contains("0x5a"));
        assert!(bad(&[0, 0, 0, 3, b'F', 1, 1]).contains("at least 10"));
        assert!(read(&mut &b""[..]).unwrap().is_none());
    }
}
