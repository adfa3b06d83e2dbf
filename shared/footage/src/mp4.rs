//! Pure. Segments as fragmented MP4 (CMAF style), and what is made from them.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec { H264, H265 }

/// What a decoder needs to know, as the camera said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters { pub codec: Codec, pub width: u16, pub height: u16, /// avcC or hvcC record
    pub config: Vec<u8> }

/// One access unit in decode order: length-prefixed NAL units (4 bytes).
#[derive(Clone, Debug)]
pub struct Frame { /// Decode time and presentation offset in 90 kHz ticks, since the segment's first frame
    pub dts: u64, pub cts: i32, pub duration: u32, pub key: bool, pub bytes: bytes::Bytes }

#[derive(Debug, thiserror::Error)]
pub enum Mp4Error { #[error("{0}")] Bad(String) }

/// `ftyp` + `moov` of a segment.
pub fn init(parameters: &Parameters) -> Result<Vec<u8>, Mp4Error> { let _ = parameters; todo!() }

/// One fragment: `prft` (wall clock of its first frame), `moof`, `mdat`. `sequence` counts from 1.
pub fn fragment(sequence: u32, wall: shared::time::Utc, frames: &[Frame], out: &mut Vec<u8>) -> Result<(), Mp4Error> { let _ = (sequence, wall, frames, out); todo!() }

/// What [`parse`] finds in a (possibly torn) segment.
#[derive(Clone, Debug)]
pub struct Segment { pub parameters: Parameters, pub samples: Vec<Sample>, /// Bytes of init and whole fragments; what follows is torn
    pub whole_bytes: u64, pub fragments: u64 }

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample { pub offset: u64, pub size: u32, pub dts: u64, pub cts: i32, pub duration: u32, pub key: bool, /// Wall clock from the fragment's prft
    pub wall: shared::time::Utc }

pub fn parse(bytes: &[u8]) -> Result<Segment, Mp4Error> { let _ = bytes; todo!() }

/// One plain (not fragmented) MP4, stream copy: from the last key frame at or before `from` to the first frame at or past `to`.
/// Frame times keep the wall clock; a gap lengthens the frame before it. Masters must share `parameters`.
pub fn working_copy(masters: &[&[u8]], from: shared::time::Utc, to: shared::time::Utc) -> Result<WorkingCopy, Mp4Error> { let _ = (masters, from, to); todo!() }

#[derive(Clone, Debug)]
pub struct WorkingCopy { pub bytes: Vec<u8>, /// Wall times of its first frame and of the end of its last
    pub t0: shared::time::Utc, pub t1: shared::time::Utc, pub frames: u64 }
