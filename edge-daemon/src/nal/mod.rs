//! Pure. NAL units of H.264 and H.265 as cameras send them: where each lies, what it is, and the few bits of it that matter here.
//!
//! Both who joins units into pictures (capture) and who keeps of them what a prover decodes (masking) read them here, and nowhere else:
//! a unit that one of them took for a slice and the other for a message would be recorded unproved. Units stand one after the other,
//! each with its length in four bytes before it, as in MP4.
use std::ops::Range;

use footage::mp4::Codec;
use h264_reader::{
    nal::sps::{FrameMbsFlags, SeqParameterSet},
    rbsp::{BitReader, ByteReader},
};

mod bits;
mod timing;
pub use bits::Bits;
pub use timing::{FieldOrder, Timing};

/// Bytes that are no sequence of NAL units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn;

/// Each unit's place, with its length before it. Ends at the first that is torn.
pub fn units(bytes: &[u8]) -> impl Iterator<Item = Result<Range<usize>, Torn>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|r| !r.is_empty())?;
        let end = rest.split_first_chunk::<4>().and_then(|(length, body)| {
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            (length <= body.len()).then(|| at + 4 + length)
        });
        let Some(end) = end else {
            at = bytes.len();
            return Some(Err(Torn));
        };
        let range = at..end;
        at = end;
        Some(Ok(range))
    })
}

/// The unit at a place of [`units`], without its length.
pub fn body<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.start + 4..range.end).unwrap_or_default()
}

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A slice. `key`: of a picture with which a sequence begins (IDR; of H.265 CRA and BLA too).
    Slice { key: bool },
    /// A part of a slice, which is decoded only by who has all the parts (H.264).
    Partition,
    /// A slice of a type that nobody may use yet (H.265).
    Reserved,
    /// A parameter set.
    Set,
    /// Messages (SEI) that stand before a picture.
    Message,
    /// What may only follow a slice: auxiliary pictures, other layers, messages that stand after, ends and fillers.
    Trailing,
    /// What else there is, before a picture: delimiters, prefixes, extensions of parameter sets.
    Leading,
}

/// Of a unit without its length.
pub fn kind(codec: Codec, nal: &[u8]) -> Kind {
    match codec {
        Codec::H264 => match h264(nal) {
            1 => Kind::Slice { key: false },
            2..=4 => Kind::Partition,
            5 => Kind::Slice { key: true },
            6 => Kind::Message,
            7 | 8 => Kind::Set,
            10..=12 | 19..=21 => Kind::Trailing,
            _ => Kind::Leading,
        },
        Codec::H265 => match h265(nal) {
            (_, layer) if layer > 0 => Kind::Trailing,
            (0..=9, _) => Kind::Slice { key: false },
            (16..=21, _) => Kind::Slice { key: true },
            (0..=31, _) => Kind::Reserved,
            (32..=34, _) => Kind::Set,
            (36..=38 | 40, _) => Kind::Trailing,
            (39, _) => Kind::Message,
            _ => Kind::Leading,
        },
    }
}

/// A slice that is the first of its picture, or of a field.
pub fn begins(codec: Codec, nal: &[u8]) -> bool {
    let bit = |at: usize| nal.get(at).is_some_and(|b| b & 0x80 != 0);
    match codec {
        // first_mb_in_slice is 0: one bit that is set. Of partitions only the first says so.
        Codec::H264 => matches!(h264(nal), 1 | 2 | 5) && bit(1),
        // first_slice_segment_in_pic_flag.
        Codec::H265 => matches!(kind(codec, nal), Kind::Slice { .. } | Kind::Reserved) && bit(2),
    }
}

/// A slice that refers to no other picture. (Of H.265 that cannot be told without its parameter sets: never.)
pub fn intra(codec: Codec, nal: &[u8]) -> bool {
    if codec != Codec::H264 || !matches!(h264(nal), 1 | 2 | 5) {
        return false;
    }
    let mut bits = Bits::new(&nal[1..]);
    // first_mb_in_slice, slice_type
    let slice_type = bits.golomb().and_then(|_| bits.golomb());
    slice_type.is_some_and(|t| matches!(t % 5, 2 | 4))
}

/// A picture parameter set of H.264.
pub fn picture_set(codec: Codec, nal: &[u8]) -> bool {
    codec == Codec::H264 && h264(nal) == 8
}

/// The pictures until all of the picture is right, where the unit is a message with a recovery point.
pub fn recovery(codec: Codec, nal: &[u8]) -> Option<u32> {
    const RECOVERY_POINT: usize = 6;
    if kind(codec, nal) != Kind::Message {
        return None;
    }
    let head = match codec {
        Codec::H264 => 1,
        Codec::H265 => 2,
    };
    let mut bits = Bits::new(nal.get(head..)?);
    // Messages follow one another; each has a type and a length.
    loop {
        let kind = bits.counted()?;
        let length = bits.counted()?;
        if kind == RECOVERY_POINT {
            return match codec {
                // recovery_frame_cnt
                Codec::H264 => bits.golomb(),
                // recovery_poc_cnt, which may lie before the picture.
                Codec::H265 => bits.signed_golomb().map(|n| u32::try_from(n).unwrap_or(0)),
            };
        }
        bits.skip(8 * length)?;
    }
}

/// At which pictures decoding may begin, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The picture decodes alone: IDR; H.265 IDR, CRA, BLA; an intra picture whose recovery point says that it is right at once.
    Alone,
    /// A recovery point: from it on so many pictures until all of the picture is right; what is not until then no decoder shows.
    Recovery(u32),
    /// All its slices are intra-coded, and the camera says no more of it.
    Intra,
    No,
}

impl Opening {
    /// Of a whole picture: its slices are a key picture's; all of them are intra-coded; it has a recovery point.
    pub fn of(key: bool, intra: bool, recovery: Option<u32>) -> Self {
        match recovery {
            _ if key => Opening::Alone,
            Some(0) if intra => Opening::Alone,
            Some(pictures) => Opening::Recovery(pictures),
            None if intra => Opening::Intra,
            None => Opening::No,
        }
    }
}

/// What must be known to tell a second field from a next picture, of an H.264 stream's parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    frame_num_bits: u32,
    colour_planes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    frame_num: u32,
    bottom: bool,
}

impl Fields {
    /// Of an `avcC`; None where pictures are never coded as two fields.
    pub fn of(config: &[u8]) -> Option<Self> {
        let sps = sets(config)?.into_iter().find(|set| h264(set) == 7)?;
        let bits = BitReader::new(ByteReader::skipping_h264_header(sps));
        let sps = SeqParameterSet::from_bits(bits).ok()?;
        match sps.frame_mbs_flags {
            FrameMbsFlags::Frames => None,
            FrameMbsFlags::Fields { .. } => Some(Self {
                frame_num_bits: u32::from(sps.log2_max_frame_num_minus4) + 4,
                colour_planes: sps.chroma_info.separate_colour_plane_flag,
            }),
        }
    }

    /// The field that a slice is of; None: of a whole picture.
    pub fn field(self, nal: &[u8]) -> Option<Field> {
        let mut bits = Bits::new(nal.get(1..)?);
        bits.golomb()?; // first_mb_in_slice
        bits.golomb()?; // slice_type
        bits.golomb()?; // pic_parameter_set_id
        if self.colour_planes {
            bits.skip(2)?; // colour_plane_id
        }
        let frame_num = bits.number(self.frame_num_bits)?;
        let field = bits.bit()?; // field_pic_flag
        let bottom = field && bits.bit()?; // bottom_field_flag
        field.then_some(Field { frame_num, bottom })
    }
}

impl Field {
    /// Two fields of one picture, whichever of them comes first.
    pub fn pair(first: Option<Self>, second: Option<Self>) -> bool {
        matches!((first, second), (Some(a), Some(b)) if a.frame_num == b.frame_num && a.bottom != b.bottom)
    }
}

/// The parameter sets in an `avcC`; None: it makes no sense.
pub fn sets(config: &[u8]) -> Option<Vec<&[u8]>> {
    let mut sets = Vec::new();
    let mut at = 5;
    // Sequence parameter sets, then picture parameter sets.
    for mask in [0x1f, 0xff] {
        let count = *config.get(at)? & mask;
        at += 1;
        for _ in 0..count {
            let length = usize::from(u16::from_be_bytes([*config.get(at)?, *config.get(at + 1)?]));
            sets.push(config.get(at + 2..at + 2 + length)?);
            at += 2 + length;
        }
    }
    Some(sets)
}

fn h264(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |b| b & 0x1f)
}

/// Type and layer.
fn h265(nal: &[u8]) -> (u8, u8) {
    let (a, b) = (
        nal.first().copied().unwrap_or(0),
        nal.get(1).copied().unwrap_or(0),
    );
    ((a >> 1) & 0x3f, ((a & 1) << 5) | (b >> 3))
}
