//! Pure. What box and hub say to each other over QUIC (ALPN `beadle/1`), version 1.
//!
//! # Frames
//! Every stream carries frames: `u32` big-endian length, one kind byte, then `length - 1` bytes of body.
//!
//! | kind | body |
//! |---|---|
//! | `J` | one JSON message |
//! | `L` | whole audit lines, each with its LF |
//! | `H` | a signed head (note text) |
//! | `B` | raw bytes of a clip |
//!
//! A frame is at most 1 MiB. The first frame of a stream is a `J` that says what the stream is ([`Open`]).
//!
//! # Streams
//! - **enrol** (box opens, no client certificate): `Open::Enrol` → [`EnrolReply`].
//! - **renew** (box opens, and the only one it may open once its certificate is over): `Open::Renew` → [`RenewReply`].
//! - **control** (box opens, one per connection): `Open::Control` → [`ToBox::Welcome`], then [`ToHub`] / [`ToBox`] both ways.
//! - **audit** (box opens): `Open::Audit` → [`AuditReply::Have`]; then the box sends `L` frames and, at each head, an `H` frame;
//!   the hub answers every `H` with a `J` [`AuditReply::Cosigned`] or [`AuditReply::Refused`].
//! - **clip** (hub opens): `Open::Clip` or `Open::Look` → [`ClipReply`], then `B` frames until the range that was asked for is through.
//!
//! # Version
//! What begins a conversation says its version, `v`: [`Open::Enrol`], [`Open::Renew`], [`Open::Control`], and what the hub answers them with when it
//! does as it was asked. Whoever hears another version than [`VERSION`] closes the connection with [`close::VERSION`] and a sentence, whatever
//! else the message has, and does nothing of it.
//!
//! A message with an unknown `is` deserialises to `Unknown` and is answered politely or ignored, never fatal.

use serde::{Deserialize, Serialize};

use crate::{
    approval::{Approvers, KnownKey},
    id::{BoxName, CameraId, ExhibitRef},
    order::Outcome,
    standing::Flow,
    time::{Day, Utc},
};

pub const ALPN: &[u8] = b"beadle/1";
pub const MAX_FRAME: usize = 1 << 20;
/// Version of this protocol, the `v` of what begins a conversation.
pub const VERSION: u32 = 1;
/// The name in the hub's certificate (DNS SAN) that boxes ask for, whatever the hub is called. The hub sends its CA certificate after its
/// own, so that a box that is enrolling can hold it against the mark in its one-time code.
pub const SERVER_NAME: &str = "beadle-hub";

/// Code of a refused head: the hub's disk has no room for it. The box tries again later, or when it hears [`ToBox::Room`].
pub const NO_ROOM: &str = "NO-ROOM";

/// QUIC application close codes, with the sentence sent beside them.
pub mod close {
    pub const DONE: u32 = 0;
    pub const REVOKED: u32 = 1;
    pub const UNKNOWN_BOX: u32 = 2;
    pub const BAD_MESSAGE: u32 = 3;
    pub const REPLACED: u32 = 4;
    pub const NO_CERTIFICATE: u32 = 5;
    /// The box's certificate is over: it may renew it, and nothing else.
    pub const EXPIRED: u32 = 6;
    /// The other side speaks another version of this protocol.
    pub const VERSION: u32 = 7;
}

/// First frame of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Open {
    /// Claims a box with the secret of its one-time code ([`crate::code::EnrolCode::secret_text`]); `spki` is the DER public key
    /// (P-256 SubjectPublicKeyInfo, base64) to certify; `scheme` is the box's: the hub of another refuses before the code is spent.
    Enrol {
        v: u32,
        scheme: String,
        r#box: BoxName,
        secret: String,
        spki: String,
    },
    /// Asks for another certificate. It will be for the name and the key of the one that this connection was made with: nothing is said
    /// that could be anything else.
    Renew { v: u32 },
    Control {
        v: u32,
        r#box: BoxName,
        sw: String,
        time: Utc,
        cameras: Vec<CameraInfo>,
        retention_days: u32,
        zone: String,
    },
    /// `log` is the log number; `cosigned` the newest countersigned head the box holds (note text).
    Audit { log: u64, cosigned: Option<String> },
    /// The hub asks for a range of one sealed segment of a prepared pull: so many bytes from there, or as many as there are.
    Clip {
        r#ref: ExhibitRef,
        cam: CameraId,
        s: u64,
        offset: u64,
        length: u64,
    },
    /// The same of one that was prepared to be looked at, by the number of its order.
    Look {
        order: u64,
        s: u64,
        offset: u64,
        length: u64,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraInfo {
    pub cam: CameraId,
    pub title: String,
    pub masked: bool,
    /// Recorded in time-lapse, a picture every so many seconds, unless real time is ordered.
    #[serde(default)]
    pub lapse_secs: Option<u32>,
    /// Days its footage is kept; None of a box that says it only for all its cameras.
    #[serde(default)]
    pub retention_days: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum EnrolReply {
    /// Everything the box keeps: its certificate and the CA (PEM), the scheme, and the hub's public keys.
    Enrolled {
        v: u32,
        scheme: String,
        cert: String,
        ca: String,
        cosign: String,
        order: String,
        /// What the box asks the DNS for when the hub answers nowhere, `name:port`.
        lookup: String,
        /// Whose passkeys approve lifts, for root to pin where the box asks for that; None: the hub has not the keys of two people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approvers: Option<Box<Approvers>>,
    },
    Refused {
        why: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum RenewReply {
    /// The certificate to use from now on (PEM). It may be the one the box has, when the hub holds that one for fresh.
    Renewed {
        v: u32,
        cert: String,
    },
    Refused {
        why: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ToBox {
    Welcome {
        v: u32,
        time: Utc,
    },
    /// An order: `order` is the exact JSON text of an [`Ordered`](crate::order::Ordered), `sig` the base64 Ed25519 signature by the hub's order key
    /// over `beadle order v1\n` + that text.
    Order {
        order: String,
        sig: String,
    },
    /// How fast clips may go from here on, all of them together: kilobits a second; None: as fast as the line carries them. It is the
    /// scheme's wish about its own line, shows nothing and keeps nothing back for ever, so it bears no signature.
    Clips {
        most_kbit: Option<u64>,
    },
    /// The hub's disk takes lines again, for which it had no room ([`NO_ROOM`]): the box need not wait until its next try.
    Room,
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ToHub {
    Health {
        time: Utc,
        free_mib: u64,
        cameras: Vec<CameraHealth>,
        faults: Vec<Fault>,
        /// Keys of people who approve lifts, where the box takes none without; None: the hub's word is enough.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approvers: Option<Vec<KnownKey>>,
    },
    /// What became of the order of that number.
    Answer { order: u64, outcome: Outcome },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraHealth {
    pub cam: CameraId,
    #[serde(flatten)]
    pub flow: Flow,
    /// Of a camera with two rates: realtime, timelapse-N.
    #[serde(default)]
    pub rate: Option<String>,
    /// Of a camera in time-lapse: a picture may be followed by none for so long.
    #[serde(default)]
    pub stands_secs: Option<u32>,
    /// The mask in force.
    #[serde(default)]
    pub mask: Option<MaskInfo>,
    /// None: the box has made no forecast yet, or makes none.
    #[serde(default)]
    pub outlook: Option<Outlook>,
}

/// Will the disks hold what was promised? As the box forecasts it, for one camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outlook {
    /// Days until the disks are full; None: they hold all that was promised.
    pub days_left: Option<u32>,
    /// Days of its footage there will be then.
    pub days_kept: u32,
}

/// A mask as a box reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MaskInfo {
    pub id: String,
    /// burned, camera
    pub how: String,
    /// solid, pixelated
    pub style: String,
    /// Thousandths of the picture.
    pub permille: u64,
    /// SHA-256 of the polygons, lower hex.
    pub sha256: String,
    pub review: Option<Day>,
    /// The hub's order that set it; None: the box's configuration did.
    #[serde(default)]
    pub order: Option<u64>,
    /// It is lifted until then, by the box's clock.
    #[serde(default)]
    pub lifted: Option<Utc>,
    /// Version of the mask that hides meanwhile; None: nothing does.
    #[serde(default)]
    pub instead: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fault {
    pub code: String,
    pub cam: Option<CameraId>,
    pub since: Utc,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum AuditReply {
    /// What the hub holds of this log; `root` base64.
    Have { size: u64, root: String },
    /// The head with the hub's countersignature (note text).
    Cosigned { note: String },
    /// ROLLED-BACK, FORKED, WRONG-KEY, MALFORMED … and a sentence.
    Refused { code: String, why: String },
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ClipReply {
    /// `size` of the whole sealed file; the range that was asked for follows.
    Bytes {
        size: u64,
    },
    Refused {
        why: String,
    },
    #[serde(other)]
    Unknown,
}

/// One frame, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub kind: u8,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    #[error("frame of {0} bytes: at most {MAX_FRAME} are taken")]
    TooLong(usize),
    #[error("empty frame")]
    Empty,
    #[error("message not understood: {0}")]
    Json(String),
    #[error("frame kind {0:?} where {1:?} was due")]
    Kind(char, char),
    #[error(
        "version {0} of the protocol is spoken there, and version {VERSION} here; nothing was done; bring box and hub to the same release of Beadle"
    )]
    Version(u64),
}

/// Length prefix of a frame: how many bytes follow it.
pub fn frame_len(prefix: [u8; 4]) -> Result<usize, BadFrame> {
    match u32::from_be_bytes(prefix) as usize {
        0 => Err(BadFrame::Empty),
        n if n > MAX_FRAME => Err(BadFrame::TooLong(n)),
        n => Ok(n),
    }
}

/// Encodes a frame, prefix included.
pub fn encode(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 5);
    out.extend_from_slice(&(body.len() as u32 + 1).to_be_bytes());
    out.push(kind);
    out.extend_from_slice(body);
    out
}

/// Encodes a JSON message as a frame.
pub fn encode_json(message: &impl Serialize) -> Result<Vec<u8>, BadFrame> {
    let body = serde_json::to_vec(message).map_err(|e| BadFrame::Json(e.to_string()))?;
    if body.len() + 1 > MAX_FRAME {
        return Err(BadFrame::TooLong(body.len()));
    }
    Ok(encode(b'J', &body))
}

impl Frame {
    /// From the bytes after the length prefix.
    pub fn from_bytes(mut bytes: Vec<u8>) -> Result<Self, BadFrame> {
        if bytes.is_empty() {
            return Err(BadFrame::Empty);
        }
        let kind = bytes.remove(0);
        Ok(Self { kind, body: bytes })
    }

    pub fn json<T: for<'de> Deserialize<'de>>(&self) -> Result<T, BadFrame> {
        if self.kind != b'J' {
            return Err(BadFrame::Kind(self.kind as char, 'J'));
        }
        serde_json::from_slice(&self.body).map_err(|e| BadFrame::Json(e.to_string()))
    }

    /// A message that may begin a conversation. A version that it says is judged first: of another, nothing else of it need have the shape
    /// that is known here.
    pub fn first<T: for<'de> Deserialize<'de>>(&self) -> Result<T, BadFrame> {
        #[derive(Deserialize)]
        struct Spoken {
            v: u64,
        }
        match serde_json::from_slice(&self.body) {
            Ok(Spoken { v }) if v != u64::from(VERSION) => Err(BadFrame::Version(v)),
            _ => self.json(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another version is told as that, whatever else stands beside it; what says none, or the right one, is judged by the rest.
    #[test]
    fn the_version_is_judged_first() {
        let first = |text: &str| {
            let frame = Frame {
                kind: b'J',
                body: text.into(),
            };
            frame.first::<Open>()
        };
        assert_eq!(first(r#"{"is":"renew","v":1}"#), Ok(Open::Renew { v: 1 }));
        for other in [
            r#"{"is":"renew","v":2}"#,
            r#"{"is":"control","v":2,"of":"a later shape"}"#,
            r#"{"v":2}"#,
        ] {
            assert_eq!(first(other), Err(BadFrame::Version(2)), "{other}");
        }
        let most = format!(r#"{{"is":"renew","v":{}}}"#, u64::MAX);
        assert_eq!(first(&most), Err(BadFrame::Version(u64::MAX)));
        for odd in [r#"{"is":"renew"}"#, r#"{"is":"renew","v":-1}"#, "null"] {
            assert!(matches!(first(odd), Err(BadFrame::Json(_))), "{odd}");
        }
        let audit = r#"{"is":"audit","log":1,"cosigned":null}"#;
        assert!(matches!(first(audit), Ok(Open::Audit { .. })));
    }

    /// A camera without days of its own, or without a forecast yet, is told of without them.
    #[test]
    fn what_may_be_left_out() {
        let info: CameraInfo =
            serde_json::from_str(r#"{"cam":"c01","title":"Street","masked":false}"#).expect("info");
        assert_eq!(info.retention_days, None);
        let health: CameraHealth =
            serde_json::from_str(r#"{"cam":"c01","landed":null,"recording":true}"#)
                .expect("health");
        assert_eq!(health.outlook, None);
    }
}
