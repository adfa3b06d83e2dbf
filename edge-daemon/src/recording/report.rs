//! Pure. What the recording threads tell the one that writes lines and raises faults.
use std::path::PathBuf;

use footage::mp4::Codec;
use shared::{id::CameraId, time::Utc};

use crate::{
    capture::{relay::repair::Repairs, way::Way},
    masking::worker::Breakdown,
    recording::watch::Hindrance,
    segment::{Cause, Guard, cutter::Flaws},
};

/// A segment that landed: whole, synced, under its closed name.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    pub volume: PathBuf,
    pub name: shared::segment::SegmentName,
    pub t0: Utc,
    pub t1: Utc,
    /// Of the plaintext file.
    pub size: u64,
    pub sha256: shared::record::Digest,
    pub key: String,
    /// What all its pictures went through.
    pub guard: Guard,
    /// Key frames in it.
    pub keys: u64,
    /// Of a camera with two rates: the segment's, as in its line.
    pub rate: Option<String>,
    pub flaws: Flaws,
    /// The camera's clock minus the box's, as it was last known while it was recorded.
    pub offset_ms: Option<i64>,
}

/// Sent without waiting; handled in order by the scribe.
#[derive(Debug)]
pub enum Report {
    Closed {
        cam: usize,
        id: u64,
        closed: Box<Closed>,
    },
    /// No line for this segment.
    Failed {
        cam: usize,
        id: u64,
        cause: Cause,
    },
    Session {
        cam: usize,
        codec: Codec,
        width: u16,
        height: u16,
        fps_milli: u64,
        /// The camera's clock minus the box's.
        offset_ms: Option<i64>,
        by: Way,
        /// What is mended on the way.
        repairs: Repairs,
        /// SHA-256 of the camera's certificate.
        certificate: Option<String>,
    },
    /// Pictures that were not recorded because their mask could not be imposed, or proved.
    MaskFailed {
        cam: usize,
        mask: String,
        t0: Utc,
        t1: Utc,
        why: String,
    },
    /// The camera's own condition: at most one of these is raised at a time.
    Trouble {
        cam: usize,
        code: Option<(&'static str, String)>,
    },
    /// Nothing of the camera lands: since when, when this begins, and what is in the way.
    Down {
        cam: usize,
        since: Option<Utc>,
        hindrance: Option<Hindrance>,
    },
    /// It lands again.
    Landing {
        cam: usize,
    },
    /// The picture worker's.
    Mask {
        cam: usize,
        failed: Option<Breakdown>,
    },
    /// The camera's own mask: why it is not proved.
    Proof {
        cam: usize,
        failed: Option<String>,
    },
    /// The picture worker masks fewer pictures than come.
    Overload {
        cam: usize,
        failed: Option<String>,
    },
    /// Why the graphics device that is to encode its masked pictures does not.
    Encoder {
        cam: usize,
        failed: Option<String>,
    },
    /// What a picture worker's sandbox lacks on this kernel, which is the same for all of the box.
    Sandbox {
        missing: Option<String>,
    },
    /// Sound that is allowed: its codec and rate, or why there is none.
    Sound {
        cam: usize,
        heard: Result<u32, String>,
    },
    /// Events that should switch the camera's rate cannot be had.
    Events {
        cam: usize,
        failed: Option<String>,
    },
    /// A thread that reads cameras could not start.
    Capture(String),
    /// No key could be had from the reader's store.
    Reader(Option<String>),
    /// The certificate that the log has as the camera's own.
    Accepted {
        cam: usize,
        certificate: Option<String>,
    },
    /// [`super::Cameras::recovered`] was called.
    Recovered {
        cam: usize,
        id: CameraId,
    },
    Stop,
}
