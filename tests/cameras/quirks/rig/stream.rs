//! Adapter: filesystem. A camera's coded pictures: an elementary stream of the footage, cut into pictures.
use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
};

use beadle_tests::{Done, Told, Trouble, places};
use ring::digest;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
}

impl Codec {
    /// Type of a NAL unit.
    pub fn kind(self, nal: &[u8]) -> u8 {
        let first = nal.first().copied().unwrap_or_default();
        match self {
            Codec::H264 => first & 31,
            Codec::H265 => first >> 1 & 63,
        }
    }

    /// Whether it is a coded slice of the picture that is shown.
    pub fn is_slice(self, nal: &[u8]) -> bool {
        if nal.is_empty() {
            return false;
        }
        match (self, self.kind(nal)) {
            (Codec::H264, kind) => matches!(kind, 1 | 5),
            // The base layer only.
            (Codec::H265, kind) => {
                kind < 32 && nal[0] & 1 == 0 && nal.get(1).is_some_and(|b| b >> 3 == 0)
            }
        }
    }

    pub fn is_parameters(self, nal: &[u8]) -> bool {
        match self {
            Codec::H264 => matches!(self.kind(nal), 7 | 8),
            Codec::H265 => matches!(self.kind(nal), 32..=34),
        }
    }

    fn is_delimiter(self, nal: &[u8]) -> bool {
        matches!((self, self.kind(nal)), (Codec::H264, 9) | (Codec::H265, 35))
    }

    /// Whether a slice is the first of its picture.
    fn begins(self, nal: &[u8]) -> bool {
        let at = match self {
            Codec::H264 => 1,
            Codec::H265 => 2,
        };
        nal.get(at).is_some_and(|b| b & 0x80 != 0)
    }

    /// Whether a recorder may open a segment with a picture that has this unit.
    fn opens(self, nal: &[u8]) -> bool {
        match (self, self.kind(nal)) {
            (Codec::H264, 5) | (Codec::H265, 16..=21) => true,
            (Codec::H264, 6) => has_recovery_point(&nal[1..]),
            _ => false,
        }
    }
}

/// Whether a message of H.264's SEI is a recovery point (payload type 6).
fn has_recovery_point(mut rest: &[u8]) -> bool {
    fn number(rest: &mut &[u8]) -> Option<usize> {
        let mut sum = 0;
        loop {
            let (first, after) = rest.split_first()?;
            *rest = after;
            sum += usize::from(*first);
            if *first != 255 {
                return Some(sum);
            }
        }
    }
    while rest.len() > 2 {
        let (Some(kind), Some(size)) = (number(&mut rest), number(&mut rest)) else {
            return false;
        };
        if kind == 6 {
            return true;
        }
        rest = rest.get(size..).unwrap_or_default();
    }
    false
}

/// SHA-256 of a picture's coded slices, in order.
pub type Hash = [u8; 32];

pub fn hash<'a>(codec: Codec, nals: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    // Some cameras join units with start codes between; what carries them may part them.
    let parted = nals.into_iter().flat_map(parts_of);
    for nal in parted.filter(|n| codec.is_slice(n)) {
        // Zeros behind a unit belong to what carried it.
        let end = nal.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        context.update(&(end as u64).to_be_bytes());
        context.update(&nal[..end]);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

pub type Nal = Vec<u8>;

pub struct Unit {
    /// Without access unit delimiter.
    pub nals: Vec<Nal>,
    /// A segment may begin with it.
    pub opens: bool,
}

pub struct Stream {
    pub codec: Codec,
    pub units: Vec<Unit>,
    /// For each picture as coded, its place in the order shown.
    pub shown: Vec<usize>,
    pub vps: Nal,
    pub sps: Nal,
    pub pps: Nal,
}

static READ: Mutex<BTreeMap<String, Arc<Stream>>> = Mutex::new(BTreeMap::new());

impl Stream {
    /// One of the files of `scripts/footage.sh`; each is read once.
    pub fn of(name: &str) -> Done<Arc<Self>> {
        let mut all = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(name) {
            return Ok(Arc::clone(known));
        }
        let path = places::footage(name)?;
        let codec = if name.ends_with(".h265") {
            Codec::H265
        } else {
            Codec::H264
        };
        let mut stream = Self::cut(codec, &fs::read(&path).told(path.display())?);
        if let Ok(text) = fs::read_to_string(path.with_file_name(format!("{name}.shown"))) {
            stream.shown = text.lines().filter_map(|l| l.parse().ok()).collect();
        }
        if stream.units.len() != stream.shown.len() || stream.sps.is_empty() {
            return Err(Trouble(format!(
                "{}: not the pictures that were meant",
                path.display()
            )));
        }
        let stream = Arc::new(stream);
        all.insert(name.to_owned(), Arc::clone(&stream));
        Ok(stream)
    }

    fn cut(codec: Codec, bytes: &[u8]) -> Self {
        let mut this = Self {
            codec,
            units: Vec::new(),
            shown: Vec::new(),
            vps: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
        };
        let (mut nals, mut sliced): (Vec<Nal>, bool) = (Vec::new(), false);
        for nal in units_of(bytes) {
            let slice = codec.is_slice(nal);
            let leads = codec.is_delimiter(nal)
                || codec.is_parameters(nal)
                || matches!(
                    (codec, codec.kind(nal)),
                    (Codec::H264, 6) | (Codec::H265, 39)
                );
            if sliced && (leads || (slice && codec.begins(nal))) {
                this.push(std::mem::take(&mut nals));
                sliced = false;
            }
            sliced |= slice;
            match (codec, codec.kind(nal)) {
                (Codec::H265, 32) => keep(&mut this.vps, nal),
                (Codec::H264, 7) | (Codec::H265, 33) => keep(&mut this.sps, nal),
                (Codec::H264, 8) | (Codec::H265, 34) => keep(&mut this.pps, nal),
                _ => {}
            }
            if !codec.is_delimiter(nal) {
                nals.push(nal.to_vec());
            }
        }
        if sliced {
            this.push(nals);
        }
        this.shown = (0..this.units.len()).collect();
        this
    }

    /// Whether pictures are shown in another order than sent.
    pub fn reorders(&self) -> bool {
        self.shown
            .iter()
            .enumerate()
            .any(|(sent, shown)| sent != *shown)
    }

    fn push(&mut self, nals: Vec<Nal>) {
        let opens = nals.iter().any(|n| self.codec.opens(n));
        self.units.push(Unit { nals, opens });
    }
}

fn keep(place: &mut Nal, nal: &[u8]) {
    if place.is_empty() {
        *place = nal.to_vec();
    }
}

/// The NAL units of what was sent as one.
fn parts_of(nal: &[u8]) -> Vec<&[u8]> {
    let found = nal.windows(3).position(|w| w == [0, 0, 1]);
    let Some(at) = found else {
        return vec![nal];
    };
    let first = nal[..at].strip_suffix(&[0]).unwrap_or(&nal[..at]);
    [vec![first], units_of(&nal[at..])].concat()
}

/// NAL units of an Annex B file.
fn units_of(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..bytes.len().saturating_sub(2))
        .filter(|at| bytes[*at..].starts_with(&[0, 0, 1]))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let nal = &bytes[start + 3..end];
            // The zero before a start code of four bytes.
            if end < bytes.len() && nal.ends_with(&[0]) {
                &nal[..nal.len() - 1]
            } else {
                nal
            }
        })
        .filter(|n| !n.is_empty())
        .collect()
}
