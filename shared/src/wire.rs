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
//! - **clip** (hub opens): `Open::Clip` → [`ClipReply`], then `B` frames until the announced size is reached.
//!
//! A message with an unknown `is` deserialises to `Unknown` and is answered politely or ignored, never fatal.

use serde::{Deserialize, Serialize};

use crate::{
    approval::Approval,
    id::{BoxName, CameraId, ExhibitRef, HoldId},
    mask::Mask,
    standing::Flow,
    time::{Day, Utc},
};

pub const ALPN: &[u8] = b"beadle/1";
pub const MAX_FRAME: usize = 1 << 20;
/// Version of this protocol, the `v` of [`Open::Enrol`] and [`Open::Control`].
pub const VERSION: u32 = 1;
/// The name in the hub's certificate (DNS SAN) that boxes ask for, whatever the hub is called. The hub sends its CA certificate after its
/// own, so that a box that is enrolling can hold it against the mark in its one-time code.
pub const SERVER_NAME: &str = "beadle-hub";

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
    /// The hub asks for bytes of one sealed segment of a prepared pull.
    Clip {
        r#ref: ExhibitRef,
        cam: CameraId,
        s: u64,
        offset: u64,
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
        scheme: String,
        cert: String,
        ca: String,
        cosign: String,
        order: String,
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
        time: Utc,
    },
    /// An order: `order` is the exact JSON text of an [`Order`], `sig` the base64 Ed25519 signature by the hub's order key
    /// over `beadle order v1\n` + that text.
    Order {
        order: String,
        sig: String,
    },
    #[serde(other)]
    Unknown,
}

/// An order as its text is: the order's own keys, and the approvals of people beside them, which the hub's signature covers too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ordered {
    #[serde(flatten)]
    pub order: Order,
    /// What those who approved it touched their own keys for; empty where the scheme does not ask for that.
    #[serde(default)]
    pub approvals: Vec<Approval>,
}

impl Ordered {
    /// The exact text that is signed of an order without approvals. Of one with approvals it is what people approve.
    ///
    /// # Errors
    /// A number in it cannot be written as JSON.
    pub fn text(order: Order) -> serde_json::Result<String> {
        Self::approved(order, Vec::new())
    }

    /// The exact text that is signed of an order that people approved.
    ///
    /// # Errors
    /// A number in it cannot be written as JSON.
    pub fn approved(order: Order, approvals: Vec<Approval>) -> serde_json::Result<String> {
        serde_json::to_string(&Self { order, approvals })
    }
}

/// Prefix of what an order's signature covers.
pub const ORDER_PREFIX: &str = "beadle order v1\n";

/// What the hub may ask a box to do. Signed, so that the reader process can check it by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Order {
    /// Prepare the segments of `cam` that touch [t0, t1) for transfer, sealed to `recipient` (an age X25519 recipient).
    /// `purpose` is already salted and hashed.
    Pull {
        r#box: BoxName,
        r#ref: ExhibitRef,
        cam: CameraId,
        t0: Utc,
        t1: Utc,
        grant: String,
        purpose: String,
        recipient: String,
    },
    /// Record `cam`, which is in time-lapse, in real time for so many minutes from now (0: no longer). `order` is the number of the
    /// hub's line about it, `made` the hub's time: an older order than one obeyed before is refused.
    Rate {
        r#box: BoxName,
        order: u64,
        cam: CameraId,
        minutes: u32,
        made: Utc,
    },
    /// Record `cam` without its mask until then (MSK-4). `mask` is the version that is lifted; `authority` is already salted and
    /// hashed; `by` are the two people. Numbers and times as of [`Order::Rate`].
    MaskLift {
        r#box: BoxName,
        order: u64,
        cam: CameraId,
        mask: String,
        /// Hides meanwhile, and less than `mask`; None: nothing is hidden.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<Mask>,
        until: Utc,
        authority: String,
        by: Vec<String>,
        made: Utc,
    },
    /// A lift is over before its time.
    MaskEnd {
        r#box: BoxName,
        order: u64,
        cam: CameraId,
        by: Vec<String>,
        made: Utc,
    },
    /// Another mask for `cam`, from its next session on. `reviewer`: the mask's, salted and hashed.
    MaskSet {
        r#box: BoxName,
        order: u64,
        cam: CameraId,
        mask: Mask,
        reviewer: Option<String>,
        by: Vec<String>,
        made: Utc,
    },
    /// The mask in force on `cam` was looked at and stays as it is (MSK-3): `mask` and `sha256` say which one that was, `review` when it is
    /// to be looked at again. `reviewer`: who it was, salted and hashed.
    MaskReview {
        r#box: BoxName,
        order: u64,
        cam: CameraId,
        mask: String,
        sha256: String,
        review: Day,
        reviewer: Option<String>,
        by: Vec<String>,
        made: Utc,
    },
    /// Keep what was recorded of `cam` in [t0, t1) until then (RET-3), whole segments of it. The same hold again with a later
    /// `until` extends it; a hold that is over cannot be set again.
    HoldSet {
        r#box: BoxName,
        hold: HoldId,
        cam: CameraId,
        t0: Utc,
        t1: Utc,
        until: Utc,
        grant: String,
    },
    /// All that is past its day may go in one sweep, not one day per camera: whoever gave this has made sure that the box's clock is
    /// right. Numbers and times as of [`Order::Rate`].
    Sweep {
        r#box: BoxName,
        order: u64,
        by: Vec<String>,
        made: Utc,
    },
    /// Leave the log as it is and begin its successor, with a number above `above`, the newest the hub holds of this box. `by` are the two
    /// people. Obeyed again it changes nothing.
    LogSucceed {
        r#box: BoxName,
        order: u64,
        above: u64,
        by: Vec<String>,
        made: Utc,
    },
    /// A hold is over. `why`: order, fetched, expired.
    HoldClear {
        r#box: BoxName,
        hold: HoldId,
        why: String,
        by: Vec<String>,
    },
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
    },
    /// A pull is ready: the `exp.clip` line is line `n` of the box's log number `log`; the segments in order, whose lines are of log number
    /// `of`. That is another one, an earlier one, for footage whose log has ended.
    PullReady {
        r#ref: ExhibitRef,
        cam: CameraId,
        log: u64,
        n: u64,
        of: u64,
        segments: Vec<PullSegment>,
    },
    PullFailed {
        r#ref: ExhibitRef,
        cam: CameraId,
        why: String,
    },
    /// An order of a rate is obeyed, until then by the box's clock.
    RateSet {
        order: u64,
        cam: CameraId,
        until: Utc,
    },
    RateFailed {
        order: u64,
        cam: CameraId,
        why: String,
    },
    /// An order about a mask is obeyed; a lift until then by the box's clock.
    MaskDone {
        order: u64,
        cam: CameraId,
        until: Option<Utc>,
    },
    MaskFailed {
        order: u64,
        cam: CameraId,
        why: String,
    },
    /// A hold is in force and on the record: segments it keeps, and their bytes. Copies may still be being made.
    HoldPlaced {
        hold: HoldId,
        until: Utc,
        segments: u64,
        bytes: u64,
    },
    /// A hold is over, or never was; its copies are gone or are going.
    HoldCleared {
        hold: HoldId,
    },
    /// The next sweep, which begins now, takes all that is past its day.
    SweepBegun {
        order: u64,
    },
    SweepFailed {
        order: u64,
        why: String,
    },
    /// The box has kept the order, and begins the new log at once: its connection ends, and is back some seconds later.
    SuccessionBegun {
        order: u64,
    },
    SuccessionFailed {
        order: u64,
        why: String,
    },
    /// Why a hold was not set, extended or cleared. `full`: it does not fit into the space reserved for holds.
    HoldFailed {
        hold: HoldId,
        #[serde(default)]
        full: bool,
        why: String,
    },
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
pub struct PullSegment {
    pub s: u64,
    /// Line number of its `seg.write`.
    pub n: u64,
    /// Size in bytes of the sealed file as it will be sent.
    pub sealed: u64,
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
    /// `size` of the whole sealed file; bytes from the asked offset follow.
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
