//! Pure. What is one picture in what a camera sends, and at which pictures decoding may begin.
//!
//! retina ends a picture where the RTP marker is. Cameras set the marker on each slice, on none, or on parameter sets; so the NAL
//! units themselves decide here: a slice that begins a picture begins one, all others belong to the picture before.
//!
//! ```text
//! marker      |         |         |              |
//! slices      1st  2nd  3rd  1st  2nd  3rd      1st …
//! pieces      └──┘ └──┘ └──┘ └──┘ └───────┘
//! pictures    └────────────┘ └────────────┘
//! ```
//! Units are length-prefixed (4 bytes), as in MP4. A picture leaves when the next one begins, or by [`Pictures::flush`].
use bytes::{Bytes, BytesMut};
use footage::mp4::{Codec, Parameters};
use h264_reader::{
    nal::sps::{FrameMbsFlags, SeqParameterSet},
    rbsp::{BitRead, BitReader, ByteReader},
};
use shared::time::Now;

/// Slices of one picture may carry stamps that differ by so much (ticks of 90 kHz): 20 ms.
const SAME_PICTURE: i64 = 1_800;
/// What a piece costs beside its bytes.
const PIECE: usize = 64;
/// Headers that are read of a slice lie within so many bytes of its beginning.
const SLICE_HEAD: usize = 64;

/// What retina gives: the units up to an RTP marker, or to another time stamp.
#[derive(Clone, Debug)]
pub struct Piece {
    /// RTP time, unwrapped, in ticks.
    pub ticks: i64,
    pub arrived: Now,
    pub bytes: Bytes,
    /// Packets lost just before it.
    pub lost: u32,
    /// Set where they changed.
    pub parameters: Option<Parameters>,
}

/// At which pictures decoding may begin, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The picture decodes alone: IDR; H.265 IDR, CRA, BLA; an intra picture whose recovery point says that it is right at once.
    Alone,
    /// A recovery point: from it on so many pictures until all of the picture is right.
    Recovery(u32),
    /// All its slices are intra-coded, and the camera says no more of it.
    Intra,
    No,
}

/// One picture as the camera sent it: slices of one time stamp, and what stands with them.
#[derive(Clone, Debug)]
pub struct Picture {
    pub ticks: i64,
    pub arrived: Now,
    pub bytes: Bytes,
    /// Packets lost just before it, or within it.
    pub lost: u32,
    pub parameters: Option<Parameters>,
    pub opening: Opening,
}

/// What a unit is to the boundaries of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A slice that is the first of a picture (or of a field).
    First,
    /// A further slice; also whatever may only follow one: auxiliary pictures, other layers, suffix messages, fillers.
    Further,
    /// What stands before a picture: parameter sets, messages, delimiters.
    Before,
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    role: Role,
    at: usize,
}

/// What must be known to tell a second field from a next picture, of the H.264 stream's parameter set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fields {
    frame_num_bits: u32,
    colour_planes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    frame_num: u32,
    bottom: bool,
}

/// A picture that has begun.
#[derive(Debug)]
struct Begun {
    picture: Picture,
    parts: Vec<Bytes>,
    /// A slice of it has come.
    coded: bool,
    /// Its first slice has come, and nothing of it was lost.
    whole: bool,
    /// Of a picture whose first slice is a field's.
    field: Option<Field>,
    fields: u8,
    intra: bool,
    recovery: Option<u32>,
    random: bool,
}

/// Joins and parts what comes into pictures.
#[derive(Debug)]
pub struct Pictures {
    /// Bytes held of the picture that has begun.
    held: usize,
    codec: Codec,
    fields: Option<Fields>,
    begun: Option<Begun>,
    /// The camera has sent a picture in several pieces: what is lost between two pieces may be the end of the first.
    sliced: bool,
}

impl Pictures {
    pub fn new(codec: Codec) -> Self {
        Self {
            held: 0,
            codec,
            fields: None,
            begun: None,
            sliced: false,
        }
    }

    /// Takes a piece in. Pictures that are complete by it are added to `out`.
    pub fn push(&mut self, piece: Piece, out: &mut Vec<Picture>) {
        if let Some(parameters) = &piece.parameters {
            self.codec = parameters.codec;
            self.fields = match parameters.codec {
                Codec::H264 => interlaced(&parameters.config),
                Codec::H265 => None,
            };
        }
        let Piece {
            ticks,
            arrived,
            bytes,
            mut lost,
            mut parameters,
        } = piece;
        if lost > 0
            && self.sliced
            && let Some(begun) = &mut self.begun
        {
            // Its last slices may be what was lost.
            begun.whole = false;
        }
        let mut starts = self.parts(&bytes);
        // Before the first slice of a new picture nothing belongs to the one that has begun, unless it has none yet.
        let carries_on = match (&self.begun, starts.first()) {
            (Some(begun), Some((_, first))) => {
                !begun.coded || self.belongs(begun, ticks, lost, first, &bytes)
            }
            _ => false,
        };
        if carries_on && !starts.is_empty() {
            let (from, _) = starts.remove(0);
            let to = starts.first().map_or(bytes.len(), |(at, _)| *at);
            self.sliced |= self.begun.as_ref().is_some_and(|b| b.coded);
            if let Some(begun) = &mut self.begun {
                if !begun.coded {
                    (begun.picture.ticks, begun.picture.arrived) = (ticks, arrived);
                } else if lost > 0 {
                    begun.whole = false;
                }
                begun.picture.lost = begun.picture.lost.saturating_add(std::mem::take(&mut lost));
                begun.picture.parameters = parameters.take().or(begun.picture.parameters.take());
            }
            self.add(bytes.slice(from..to));
        }
        for (n, (from, _)) in starts.iter().enumerate() {
            out.extend(self.end());
            let to = starts.get(n + 1).map_or(bytes.len(), |(at, _)| *at);
            self.begun = Some(Begun {
                picture: Picture {
                    ticks,
                    arrived,
                    bytes: Bytes::new(),
                    lost: std::mem::take(&mut lost),
                    parameters: parameters.take(),
                    opening: Opening::No,
                },
                parts: Vec::new(),
                coded: false,
                whole: false,
                field: None,
                fields: 0,
                intra: true,
                recovery: None,
                random: false,
            });
            self.add(bytes.slice(*from..to));
        }
    }

    /// Bytes held of a picture that has not ended; each piece counts for its bookkeeping too.
    pub fn held(&self) -> usize {
        self.held
    }

    /// The camera has sent a picture in several pieces.
    pub fn sliced(&self) -> bool {
        self.sliced
    }

    /// When the oldest slice that is held here came, monotonic ms.
    pub fn since(&self) -> Option<u64> {
        self.begun
            .as_ref()
            .filter(|b| b.coded)
            .map(|b| b.picture.arrived.mono)
    }

    /// Nothing more is waited for: the picture that has begun is complete.
    pub fn flush(&mut self, out: &mut Vec<Picture>) {
        if self.begun.as_ref().is_some_and(|b| b.coded) {
            out.extend(self.end());
        }
    }

    /// Whether what begins with the unit `first` goes on with the picture that has begun.
    fn belongs(&self, begun: &Begun, ticks: i64, lost: u32, first: &Unit, bytes: &[u8]) -> bool {
        let apart = ticks.abs_diff(begun.picture.ticks);
        match first.role {
            Role::Before => false,
            // With another stamp it is what is left of a picture whose first slice was lost.
            Role::Further => apart == 0 || (lost == 0 && apart <= SAME_PICTURE.unsigned_abs()),
            Role::First => {
                let second = self.field(unit(bytes, first.at));
                begun.fields == 1 && lost == 0 && pair(begun.field, second)
            }
        }
    }

    /// Where in a piece pictures begin: the first unit of each, which may stand before its first slice.
    fn parts(&self, bytes: &[u8]) -> Vec<(usize, Unit)> {
        let mut parts: Vec<(usize, Unit)> = Vec::new();
        let (mut coded, mut before): (bool, Option<usize>) = (false, None);
        let mut field = None;
        let mut at = 0;
        while let Some(end) = next(bytes, at) {
            let this = Unit {
                role: self.role(unit(bytes, at)),
                at,
            };
            match this.role {
                Role::Before if coded => {
                    before.get_or_insert(at);
                }
                Role::Before => {}
                Role::Further => {
                    coded = true;
                    before = None;
                }
                Role::First => {
                    let now = self.field(unit(bytes, at));
                    if coded && !pair(field, now) {
                        parts.push((before.unwrap_or(at), this));
                        field = now;
                    } else {
                        // The second field of a pair ends it: a third one is of another picture.
                        field = if coded { None } else { now };
                        if let (false, Some((_, first))) = (coded, parts.last_mut()) {
                            *first = this;
                        }
                    }
                    coded = true;
                    before = None;
                }
            }
            if parts.is_empty() {
                parts.push((0, this));
            } else if let (Role::Further, 1, Some((0, first))) =
                (this.role, parts.len(), parts.first_mut())
                && first.role == Role::Before
            {
                *first = this;
            }
            at = end;
        }
        parts
    }

    /// Adds units to the picture that has begun.
    fn add(&mut self, bytes: Bytes) {
        let Some(mut begun) = self.begun.take() else {
            return;
        };
        let mut at = 0;
        while let Some(end) = next(&bytes, at) {
            let nal = unit(&bytes, at);
            match self.role(nal) {
                Role::First => {
                    let field = self.field(nal);
                    if begun.fields == 0 {
                        begun.field = field;
                        begun.whole = true;
                    }
                    begun.fields = begun.fields.saturating_add(1);
                    begun.coded = true;
                    begun.random |= self.random(nal);
                    begun.intra &= self.intra(nal);
                }
                Role::Further => {
                    begun.coded = true;
                    begun.intra &= !self.is_slice(nal) || self.intra(nal);
                }
                Role::Before => begun.recovery = recovery(self.codec, nal).or(begun.recovery),
            }
            at = end;
        }
        self.held += bytes.len() + PIECE;
        begun.parts.push(bytes);
        self.begun = Some(begun);
    }

    fn end(&mut self) -> Option<Picture> {
        let begun = self.begun.take()?;
        self.held = 0;
        let mut picture = begun.picture;
        picture.opening = match (begun.whole, begun.random, begun.recovery) {
            (false, ..) => Opening::No,
            (true, true, _) => Opening::Alone,
            (true, false, Some(0)) if begun.intra && self.codec == Codec::H264 => Opening::Alone,
            (true, false, Some(n)) => Opening::Recovery(n),
            (true, false, None) if begun.intra && self.codec == Codec::H264 => Opening::Intra,
            (true, false, None) => Opening::No,
        };
        picture.bytes = match <[Bytes; 1]>::try_from(begun.parts) {
            Ok([one]) => one,
            Err(parts) => {
                let mut all = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
                parts.iter().for_each(|p| all.extend_from_slice(p));
                all.freeze()
            }
        };
        Some(picture)
    }

    fn role(&self, nal: &[u8]) -> Role {
        let bit = |at: usize| nal.get(at).is_some_and(|b| b & 0x80 != 0);
        match self.codec {
            // first_mb_in_slice is 0: one bit that is set.
            Codec::H264 => match nal.first().map_or(0, |b| b & 0x1f) {
                1 | 2 | 5 if bit(1) => Role::First,
                1..=5 | 10..=12 | 19..=21 => Role::Further,
                _ => Role::Before,
            },
            Codec::H265 => match h265(nal) {
                (_, layer) if layer > 0 => Role::Further,
                // first_slice_segment_in_pic_flag.
                (0..=31, _) if bit(2) => Role::First,
                (0..=31 | 36..=38 | 40, _) => Role::Further,
                _ => Role::Before,
            },
        }
    }

    fn is_slice(&self, nal: &[u8]) -> bool {
        match self.codec {
            Codec::H264 => matches!(nal.first().map_or(0, |b| b & 0x1f), 1..=5),
            Codec::H265 => matches!(h265(nal), (0..=31, 0)),
        }
    }

    fn random(&self, nal: &[u8]) -> bool {
        match self.codec {
            Codec::H264 => nal.first().is_some_and(|b| b & 0x1f == 5),
            Codec::H265 => matches!(h265(nal), (16..=23, 0)),
        }
    }

    /// An H.264 slice that refers to no other picture. (Of H.265 that cannot be told without its parameter sets.)
    fn intra(&self, nal: &[u8]) -> bool {
        self.codec == Codec::H264
            && matches!(nal.first().map_or(0, |b| b & 0x1f), 1 | 2 | 5)
            && slice_type(nal).is_some_and(|t| matches!(t % 5, 2 | 4))
    }

    fn field(&self, nal: &[u8]) -> Option<Field> {
        let fields = self.fields?;
        let mut bits = head(nal);
        bits.read_ue("first_mb_in_slice").ok()?;
        bits.read_ue("slice_type").ok()?;
        bits.read_ue("pic_parameter_set_id").ok()?;
        if fields.colour_planes {
            bits.skip(2, "colour_plane_id").ok()?;
        }
        let frame_num = bits.read(fields.frame_num_bits, "frame_num").ok()?;
        let field = bits.read_bool("field_pic_flag").ok()?;
        let bottom = field && bits.read_bool("bottom_field_flag").ok()?;
        field.then_some(Field { frame_num, bottom })
    }
}

/// Two fields of one picture.
fn pair(first: Option<Field>, second: Option<Field>) -> bool {
    matches!((first, second), (Some(a), Some(b)) if a.frame_num == b.frame_num && a.bottom != b.bottom)
}

fn head(nal: &[u8]) -> BitReader<ByteReader<&[u8]>> {
    let some = &nal[..nal.len().min(SLICE_HEAD)];
    BitReader::new(ByteReader::skipping_h264_header(some))
}

fn slice_type(nal: &[u8]) -> Option<u32> {
    let mut bits = head(nal);
    bits.read_ue("first_mb_in_slice").ok()?;
    bits.read_ue("slice_type").ok()
}

/// Type and layer of an H.265 unit.
fn h265(nal: &[u8]) -> (u8, u8) {
    let (a, b) = (
        nal.first().copied().unwrap_or(0),
        nal.get(1).copied().unwrap_or(0),
    );
    ((a >> 1) & 0x3f, ((a & 1) << 5) | (b >> 3))
}

/// Of an `avcC`: set where pictures may be coded as two fields.
fn interlaced(config: &[u8]) -> Option<Fields> {
    let length = usize::from(u16::from_be_bytes([*config.get(6)?, *config.get(7)?]));
    let sps = config.get(8..8 + length)?;
    let bits = BitReader::new(ByteReader::skipping_h264_header(sps));
    let sps = SeqParameterSet::from_bits(bits).ok()?;
    match sps.frame_mbs_flags {
        FrameMbsFlags::Frames => None,
        FrameMbsFlags::Fields { .. } => Some(Fields {
            frame_num_bits: u32::from(sps.log2_max_frame_num_minus4) + 4,
            colour_planes: sps.chroma_info.separate_colour_plane_flag,
        }),
    }
}

/// The pictures until all is right, where the unit is a message with a recovery point.
fn recovery(codec: Codec, nal: &[u8]) -> Option<u32> {
    const RECOVERY_POINT: usize = 6;
    let skip = match codec {
        Codec::H264 if nal.first().is_some_and(|b| b & 0x1f == 6) => 1,
        Codec::H265 if matches!(h265(nal), (39, 0)) => 2,
        Codec::H264 | Codec::H265 => return None,
    };
    let plain = unescaped(nal.get(skip..)?);
    let mut rest = plain.as_slice();
    // Messages follow one another; each has a type and a length in bytes of 255 and a rest.
    while rest.len() > 2 {
        let kind = counted(&mut rest)?;
        let length = counted(&mut rest)?;
        let body = rest.get(..length)?;
        if kind == RECOVERY_POINT {
            let mut bits = BitReader::new(body);
            return match codec {
                Codec::H264 => bits.read_ue("recovery_frame_cnt").ok(),
                Codec::H265 => bits
                    .read_se("recovery_poc_cnt")
                    .ok()
                    .map(|n| u32::try_from(n).unwrap_or(0)),
            };
        }
        rest = &rest[length..];
    }
    None
}

fn counted(rest: &mut &[u8]) -> Option<usize> {
    let mut sum = 0;
    loop {
        let (first, others) = rest.split_first()?;
        *rest = others;
        sum += usize::from(*first);
        if *first != 0xff {
            return Some(sum);
        }
    }
}

/// Without the bytes that keep a start code from appearing.
fn unescaped(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for byte in nal {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    out
}

/// The unit that begins (with its length) at `at`.
fn unit(bytes: &[u8], at: usize) -> &[u8] {
    next(bytes, at).map_or(&[], |end| &bytes[at + 4..end])
}

/// Where the unit that begins at `at` ends; None at the end, or where lengths make no sense.
fn next(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..at.checked_add(4)?)?;
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
    let end = (at + 4).checked_add(usize::try_from(length).ok()?)?;
    (end <= bytes.len()).then_some(end)
}

/// Decides which openings are used: the best kind that the camera sends often enough.
///
/// A camera that sends pictures which decode alone is cut at those. One that sends them once, or never, is cut at recovery points;
/// one that sends neither, at intra pictures. So whatever can be decoded is recorded, and footage begins where players can begin.
#[derive(Clone, Copy, Debug)]
pub struct Openings {
    began: u64,
    alone: Option<u64>,
    recovery: Option<u64>,
}

/// A better opening that did not come for so long is not waited for.
const BETTER_MS: u64 = 10_000;
/// An intra picture of which the camera says nothing is used only so long after the beginning of a session.
const BEGIN_MS: u64 = 3_000;

impl Openings {
    /// `mono`: when the session began to play, monotonic ms.
    pub fn new(mono: u64) -> Self {
        Self {
            began: mono,
            alone: None,
            recovery: None,
        }
    }

    /// Whether a segment may begin with this picture.
    pub fn opens(&mut self, opening: Opening, mono: u64) -> bool {
        let past = |last: Option<u64>| last.is_none_or(|at| mono.saturating_sub(at) >= BETTER_MS);
        match opening {
            Opening::Alone => {
                self.alone = Some(mono);
                true
            }
            Opening::Recovery(_) => {
                self.recovery = Some(mono);
                past(self.alone)
            }
            // At first something better may still come.
            Opening::Intra => {
                mono.saturating_sub(self.began) >= BEGIN_MS
                    && past(self.alone)
                    && past(self.recovery)
            }
            Opening::No => false,
        }
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
