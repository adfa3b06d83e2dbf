//! Pure. How time becomes a byte: the marks at a segment's end, and which part of a segment a span of time lies in.
//!
//! A mark says where a fragment that begins with a key frame lies, and when that frame is shown. Marks only save reading: whatever they
//! say is held against the fragments themselves, and where they are missing or say otherwise, the fragments are read from the beginning.

use std::io::{self, Read, Seek, SeekFrom};

use shared::{order::Part, time::Utc};

use super::{
    boxes::{child, get_u32, get_u64, put, put_full, u32be, u64be},
    ms,
    parse::head,
};

/// One fragment that begins with a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When that frame is shown, in ticks since the segment's first.
    pub time: u64,
    /// Where its `moof` begins in the plain file.
    pub moof: u64,
}

/// Bytes of a `prft` box, which stands right before each `moof`.
pub const PRFT: u64 = 32;
/// Bytes of a mark.
const ENTRY: usize = 19;
/// What stands before and behind the marks: the heads of `mfra` and `tfra`, and `mfro`.
const AROUND: usize = 8 + 24 + 16;
/// A day of fragments of two in a second. More marks than that are none.
const MOST: usize = 200_000;
/// More than this no fragment has to say of its frames.
const MOOF: usize = 1 << 20;

/// The marks of a segment, as its last box.
pub fn say_marks(marks: &[Mark], out: &mut Vec<u8>) {
    let from = out.len();
    put(out, b"mfra", |out| {
        put_full(out, b"tfra", 1, 0, |out| {
            u32be(out, 1);
            // Numbers of one byte.
            u32be(out, 0);
            u32be(out, marks.len() as u32);
            for mark in marks {
                u64be(out, mark.time);
                u64be(out, mark.moof);
                // Track part, run and frame, each the first.
                out.extend_from_slice(&[1, 1, 1]);
            }
        });
        let size = (out.len() - from + 16) as u32;
        put_full(out, b"mfro", 0, 0, |out| u32be(out, size));
    });
}

/// The part of a segment that shows [t0, t1): from the fragment with the last key frame at or before `t0` (or the segment's first) up to the
/// first fragment at or after `t1`. None: it shows nothing of it. `len`: bytes of the plain file.
///
/// # Errors
/// It cannot be read, or is no segment of whole fragments.
pub fn part(file: &mut (impl Read + Seek), len: u64, t0: Utc, t1: Utc) -> io::Result<Option<Part>> {
    let mut file = Fragments { file, len };
    let begins = file.begins()?;
    if let Some(found) = file.by_marks(begins, t0, t1)? {
        return Ok(found);
    }
    file.walk(begins, begins, t0, t1)
}

fn bad(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not a segment written by this recorder: {what}"),
    )
}

struct Fragments<'a, R> {
    file: &'a mut R,
    len: u64,
}

/// What one fragment says of itself.
struct Fragment {
    /// When its first frame is shown.
    wall: Utc,
    time: u64,
    key: bool,
    /// When its last frame ends.
    end: Utc,
    size: u64,
}

impl<R: Read + Seek> Fragments<'_, R> {
    /// So many bytes from there; None: there are not so many.
    fn bytes(&mut self, at: u64, size: usize) -> io::Result<Option<Vec<u8>>> {
        if at.checked_add(size as u64).is_none_or(|end| end > self.len) {
            return Ok(None);
        }
        let mut bytes = vec![0; size];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Size and kind of the box there; None: none begins there, or not whole.
    fn frame(&mut self, at: u64) -> io::Result<Option<(u64, [u8; 4])>> {
        let Some(start) = self.bytes(at, 8)? else {
            return Ok(None);
        };
        let size = u64::from(get_u32(&start, 0).unwrap_or(0));
        let whole = size >= 8 && at.checked_add(size).is_some_and(|end| end <= self.len);
        let mut kind = [0; 4];
        kind.copy_from_slice(&start[4..]);
        Ok(whole.then_some((size, kind)))
    }

    /// Where the first fragment begins.
    fn begins(&mut self) -> io::Result<u64> {
        let mut at = 0;
        for due in [b"ftyp", b"moov"] {
            match self.frame(at)? {
                Some((size, kind)) if kind == *due => at += size,
                _ => return Err(bad("it does not begin with ftyp and moov")),
            }
        }
        self.after_free(at)
    }

    fn after_free(&mut self, mut at: u64) -> io::Result<u64> {
        while let Some((size, kind)) = self.frame(at)?
            && kind == *b"free"
        {
            at += size;
        }
        Ok(at)
    }

    /// The fragment that begins there.
    fn fragment(&mut self, at: u64) -> io::Result<Option<Fragment>> {
        let prft = PRFT as usize;
        let Some(start) = self.bytes(at, prft + 8)? else {
            return Ok(None);
        };
        let moof = get_u32(&start, prft).unwrap_or(0) as usize;
        if start[4..8] != *b"prft" || moof > MOOF {
            return Ok(None);
        }
        let Some(bytes) = self.bytes(at, prft + moof + 8)? else {
            return Ok(None);
        };
        Ok(read(&bytes).filter(|f| at + f.size <= self.len))
    }

    /// The marks at the end, if all of them can be meant.
    fn marks(&mut self, begins: u64) -> io::Result<Option<Vec<Mark>>> {
        let Some(end) = self.len.checked_sub(16) else {
            return Ok(None);
        };
        let Some(mfro) = self.bytes(end, 16)? else {
            return Ok(None);
        };
        let size = get_u32(&mfro, 12).unwrap_or(0) as usize;
        if mfro[4..8] != *b"mfro" || size > AROUND + MOST * ENTRY {
            return Ok(None);
        }
        let Some(at) = self.len.checked_sub(size as u64).filter(|at| *at >= begins) else {
            return Ok(None);
        };
        let Some(bytes) = self.bytes(at, size)? else {
            return Ok(None);
        };
        Ok(said(&bytes).filter(|marks| {
            marks.first().is_some_and(|m| m.moof >= begins + PRFT)
                && marks.last().is_some_and(|m| m.moof < at)
                && marks.windows(2).all(|w| w[0].moof < w[1].moof)
        }))
    }

    /// The fragment that a mark is about, if it is as the mark says.
    fn marked(&mut self, mark: Mark) -> io::Result<Option<Fragment>> {
        let found = self.fragment(mark.moof - PRFT)?;
        Ok(found.filter(|f| f.key && f.time == mark.time))
    }

    /// How many marks, from the first on, are of fragments that `before` holds for. None: a mark that was looked at is wrong.
    fn count(&mut self, marks: &[Mark], before: impl Fn(Utc) -> bool) -> io::Result<Option<usize>> {
        let (mut low, mut high) = (0, marks.len());
        while low < high {
            let middle = low.midpoint(high);
            let Some(fragment) = self.marked(marks[middle])? else {
                return Ok(None);
            };
            if before(fragment.wall) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(Some(low))
    }

    /// By the marks; None: there are none, or one of them is wrong.
    #[allow(clippy::type_complexity)]
    fn by_marks(&mut self, begins: u64, t0: Utc, t1: Utc) -> io::Result<Option<Option<Part>>> {
        let Some(marks) = self.marks(begins)? else {
            return Ok(None);
        };
        let Some(n) = self.count(&marks, |wall| wall <= t0)? else {
            return Ok(None);
        };
        let Some(ends) = self.count(&marks, |wall| wall < t1)? else {
            return Ok(None);
        };
        let at = |n: usize| match n.checked_sub(1) {
            Some(n) => marks[n].moof - PRFT,
            None => begins,
        };
        self.walk(at(n), at(ends.max(n)), t0, t1).map(Some)
    }

    /// From a fragment that `t0` does not lie before (or the first), with the walk begun at a later one that `t1` does not lie before.
    fn walk(&mut self, from: u64, at: u64, t0: Utc, t1: Utc) -> io::Result<Option<Part>> {
        let (mut from, mut at, mut shows) = (from, at, false);
        while let Some((size, kind)) = self.frame(at)? {
            match &kind {
                b"free" => at += size,
                b"mfra" => break,
                _ => {
                    let fragment = self.fragment(at)?;
                    let fragment =
                        fragment.ok_or_else(|| bad("one of its fragments is not whole"))?;
                    if fragment.wall >= t1 {
                        break;
                    }
                    if fragment.key && fragment.wall <= t0 {
                        from = at;
                    }
                    shows |= fragment.end > t0;
                    at += fragment.size;
                }
            }
        }
        Ok(shows.then_some(Part { from, to: at }))
    }
}

/// What a fragment's head says: `prft`, `moof` and the head of its `mdat`.
fn read(bytes: &[u8]) -> Option<Fragment> {
    let head = head(bytes)?;
    let row = head.rows.get(..16)?;
    let cts = get_u32(row, 12)?.cast_signed();
    let ticks = head.rows.chunks_exact(16);
    let ticks: u64 = ticks.filter_map(|row| get_u32(row, 0)).map(u64::from).sum();
    Some(Fragment {
        wall: head.wall,
        time: head.dts.checked_add_signed(i64::from(cts))?,
        key: head.begins_with_key()?,
        end: head.wall.plus_ms(ms(i64::try_from(ticks).ok()?)),
        size: head.data as u64 + head.length,
    })
}

/// The marks in an `mfra` box.
fn said(mfra: &[u8]) -> Option<Vec<Mark>> {
    let body = (mfra.get(4..8)? == b"mfra").then(|| mfra.get(8..))??;
    let tfra = child(body, b"tfra")?;
    let count = get_u32(tfra, 12)? as usize;
    let rows = tfra.get(16..)?;
    let plain = get_u32(tfra, 0)? == 1 << 24 && get_u32(tfra, 4)? == 1 && get_u32(tfra, 8)? == 0;
    if !plain || count > MOST || rows.len() != count * ENTRY {
        return None;
    }
    let rows = rows.chunks_exact(ENTRY);
    rows.map(|row| {
        Some(Mark {
            time: get_u64(row, 0)?,
            moof: get_u64(row, 8)?,
        })
    })
    .collect()
}

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;
