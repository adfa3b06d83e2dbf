//! Pure. Segments as fragmented MP4 (CMAF style), and what is made from them.
//!
//! # A segment
//! ```text
//! ftyp iso6 (iso5 iso6 cmfc)   moov: a video track (id 1, 90 kHz), avc1+avcC or hvc1+hvcC, mvex/trex
//!                              where sound is recorded, a sound track (id 2, its sampling rate), mp4a, trex
//! then, per fragment (at most 500 ms of frames):
//!   prft v1    track 1, NTP time of the first frame, its presentation time in 90 kHz ticks
//!   moof       mfhd(sequence from 1)  traf( tfhd(default-base-is-moof)  tfdt v1  trun v1(duration, size, flags, offset) )
//!              where there is sound, a second traf( tfhd  tfdt v1  trun v0(duration, size) )
//!   mdat       the frames, NAL units with 4-byte lengths, exactly as the camera encoded them, then the frames of sound
//! ```
//! A segment of a masked camera has a `free` box after `moov` that begins with `mask=` and says how the mask was imposed and which,
//! e.g. `mask=burned m7`: recovery has no other witness. A segment of a camera with two rates has a `free` box after `moov` that begins with `rate=` and says the segment's; in a time-lapse
//! segment `free` boxes follow the fragments, so that sealing in pieces holds no picture back. The last box of a segment that was closed as
//! it should be is an `mfra` with its marks: where each fragment that begins with a key frame lies, and when (`tfra`, 19 bytes each). One
//! that was recovered has none.
//!
//! The config record is kept byte for byte, and boxes are written straight into the output, because this is the hot path
//! of the recorder. Only whole `prft + moof + mdat` count when a file is read: what follows the last one is a torn tail, of which
//! [`salvage`] makes a last fragment with the frames that are whole.
//!
//! A frame's wall clock is its fragment's NTP time plus the distance of the presentation times. NTP seconds are taken to
//! lie in 1968–2104 (the era changes in February 2036).
//!
//! # A working copy
//! `ftyp`, `moov`, `mdat` in that order; no fragments; sample bytes are the masters'. No edit list, but for an empty edit that
//! delays sound which begins after the pictures: nothing is hidden.

mod boxes;
mod film;
mod fragment;
mod init;
mod marks;
mod parse;
mod working;

#[cfg(test)]
mod tests;

use shared::time::Utc;

pub use film::{Film, Opening, opening};
pub use fragment::{fill, fragment, head as fragment_head, say_mask, say_rate};
pub use init::init;
pub use marks::{Mark, PRFT, part, say_marks};
pub use parse::{parse, salvage};
pub use working::{Plan, Run, plan_working_copy, split_by_parameters, stretches, working_copy};

/// Ticks per second of every track written here.
pub const TIMESCALE: u32 = 90_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
}

/// What a decoder needs to know, as the camera said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    pub codec: Codec,
    pub width: u16,
    pub height: u16,
    /// avcC or hvcC record
    pub config: Vec<u8>,
    /// None where sound is not recorded: the rule, unless the camera's configuration allows it.
    pub sound: Option<Sound>,
}

/// A track of sound (AAC).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Samples per second; ticks per second of its track
    pub rate: u32,
    /// `mp4a` box, whole
    pub entry: Vec<u8>,
}

/// One access unit in decode order: length-prefixed NAL units (4 bytes).
#[derive(Clone, Debug)]
pub struct Frame {
    /// Decode time and presentation offset in 90 kHz ticks, since the segment's first frame
    pub dts: u64,
    pub cts: i32,
    pub duration: u32,
    pub key: bool,
    pub bytes: bytes::Bytes,
}

/// One frame of sound.
#[derive(Clone, Debug)]
pub struct SoundFrame {
    /// Ticks of the sound's own rate, since the segment's first picture
    pub dts: u64,
    pub duration: u32,
    pub bytes: bytes::Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mp4Error {
    #[error("{0}")]
    Bad(String),
    /// The masters' parameters differ: one file cannot hold them (see [`split_by_parameters`]).
    #[error("the camera's picture parameters change {} times within these masters (first at master {}, counted from 0): \
             no file was written; split_by_parameters says which masters go together", .at.len(), .at.first().copied().unwrap_or_default())]
    ParametersChange {
        /// Indices of the masters that differ from the one before.
        at: Vec<usize>,
    },
}

/// What [`parse`] finds in a (possibly torn) segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub parameters: Parameters,
    pub samples: Vec<Sample>,
    /// Frames of sound; their times in ticks of its own rate, all of them `key`
    pub sound: Vec<Sample>,
    /// Bytes of init and whole fragments; what follows is torn
    pub whole_bytes: u64,
    pub fragments: u64,
    /// What it says it was recorded at; None for a camera with one rate.
    pub rate: Option<String>,
    /// How its mask was imposed, and which; None: it says nothing.
    pub mask: Option<(String, String)>,
}

impl Segment {
    /// Wall times of the first frame and of the end of the last frame.
    pub fn span(&self) -> Option<(Utc, Utc)> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        Some((first.wall, last.end()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub offset: u64,
    pub size: u32,
    pub dts: u64,
    pub cts: i32,
    pub duration: u32,
    pub key: bool,
    /// Wall clock from the fragment's prft
    pub wall: Utc,
}

impl Sample {
    /// Wall clock at which the next frame is due.
    pub fn end(&self) -> Utc {
        self.wall.plus_ms(ms(i64::from(self.duration)))
    }
}

#[derive(Clone, Debug)]
pub struct WorkingCopy {
    pub bytes: Vec<u8>,
    /// Wall times of its first frame and of the end of its last
    pub t0: Utc,
    pub t1: Utc,
    pub frames: u64,
}

/// Ticks as milliseconds, to the nearest.
fn ms(ticks: i64) -> i64 {
    (ticks + 45).div_euclid(90)
}
