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
use shared::time::Now;

pub use crate::nal::Opening;
use crate::nal::{self, Field, Fields, Kind};

/// Slices of one picture may carry stamps that differ by so much (ticks of 90 kHz): 20 ms.
const SAME_PICTURE: i64 = 1_800;
/// What a piece costs beside its bytes.
const PIECE: usize = 64;

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
    /// Of a first slice: the field that it begins.
    field: Option<Field>,
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
    key: bool,
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
                Codec::H264 => Fields::of(&parameters.config),
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
                !begun.coded || Self::belongs(begun, ticks, lost, first)
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
                key: false,
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
    fn belongs(begun: &Begun, ticks: i64, lost: u32, first: &Unit) -> bool {
        let apart = ticks.abs_diff(begun.picture.ticks);
        match first.role {
            Role::Before => false,
            // With another stamp it is what is left of a picture whose first slice was lost.
            Role::Further => apart == 0 || (lost == 0 && apart <= SAME_PICTURE.unsigned_abs()),
            Role::First => begun.fields == 1 && lost == 0 && Field::pair(begun.field, first.field),
        }
    }

    /// Where in a piece pictures begin: the first unit of each, which may stand before its first slice.
    fn parts(&self, bytes: &[u8]) -> Vec<(usize, Unit)> {
        let mut parts: Vec<(usize, Unit)> = Vec::new();
        let (mut coded, mut before): (bool, Option<usize>) = (false, None);
        let mut field = None;
        for range in nal::units(bytes).map_while(Result::ok) {
            let (nal, at) = (nal::body(bytes, &range), range.start);
            let role = self.role(nal);
            let this = Unit {
                role,
                field: self.field(nal).filter(|_| role == Role::First),
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
                    let now = this.field;
                    if coded && !Field::pair(field, now) {
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
        }
        parts
    }

    /// Adds units to the picture that has begun.
    fn add(&mut self, bytes: Bytes) {
        let Some(mut begun) = self.begun.take() else {
            return;
        };
        for range in nal::units(&bytes).map_while(Result::ok) {
            let nal = nal::body(&bytes, &range);
            match self.role(nal) {
                Role::First => {
                    if begun.fields == 0 {
                        begun.field = self.field(nal);
                        begun.whole = true;
                    }
                    begun.fields = begun.fields.saturating_add(1);
                    begun.coded = true;
                    begun.key |= nal::kind(self.codec, nal) == Kind::Slice { key: true };
                    begun.intra &= nal::intra(self.codec, nal);
                }
                Role::Further => {
                    begun.coded = true;
                    let beside = nal::kind(self.codec, nal) == Kind::Trailing;
                    begun.intra &= beside || nal::intra(self.codec, nal);
                }
                Role::Before => begun.recovery = nal::recovery(self.codec, nal).or(begun.recovery),
            }
        }
        self.held += bytes.len() + PIECE;
        begun.parts.push(bytes);
        self.begun = Some(begun);
    }

    fn end(&mut self) -> Option<Picture> {
        let begun = self.begun.take()?;
        self.held = 0;
        let mut picture = begun.picture;
        picture.opening = if begun.whole {
            Opening::of(begun.key, begun.intra, begun.recovery)
        } else {
            Opening::No
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
        match nal::kind(self.codec, nal) {
            _ if nal::begins(self.codec, nal) => Role::First,
            Kind::Slice { .. } | Kind::Partition | Kind::Reserved | Kind::Trailing => Role::Further,
            Kind::Set | Kind::Message | Kind::Leading => Role::Before,
        }
    }

    fn field(&self, nal: &[u8]) -> Option<Field> {
        self.fields.and_then(|f| f.field(nal))
    }
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
