//! Pure. Parts of segments as one film that a player plays while it arrives: `ftyp`, `moov`, then fragments.
//!
//! Each segment counts its time from its own first frame; in the film time goes on, as far apart as the wall clock says. Only those times are
//! written anew: the frames are the segments' own. A film has the parameters of its first segment and ends where they change.

use shared::time::Utc;

use super::{
    Mp4Error, PRFT, Parameters, Segment, TIMESCALE,
    boxes::{first, get_u32, get_u64},
    parse::{self, head},
};

/// More than this no fragment has to say of its frames.
const MOOF: usize = 1 << 20;

/// What a player needs before the first fragment, taken from the beginning of a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    pub parameters: Parameters,
    /// `ftyp` and `moov`.
    pub bytes: Vec<u8>,
    /// Where the first fragment begins in the segment.
    pub end: u64,
}

/// Reads the beginning of a segment. None: more of it is needed.
///
/// # Errors
/// It is no segment's beginning.
pub fn opening(bytes: &[u8]) -> Result<Option<Opening>, Mp4Error> {
    let mut at = 0;
    for due in [b"ftyp", b"moov"] {
        match bytes.get(at..).and_then(first) {
            Some(found) if found.kind == *due => at += found.whole,
            Some(_) => return Err(bad("it does not begin with ftyp and moov")),
            None if bytes.len() > MOOF => return Err(bad("its beginning does not end")),
            None => return Ok(None),
        }
    }
    let Segment { parameters, .. } = parse::parse(&bytes[..at])?;
    let (moov, mut end) = (at, at);
    loop {
        match bytes.get(end..).and_then(first) {
            Some(free) if free.kind == *b"free" => end += free.whole,
            Some(_) => break,
            None if bytes.len() < end + 8 => return Ok(None),
            // A fragment, of which only the head is here.
            None if bytes.get(end + 4..end + 8) != Some(b"free") => break,
            None => return Ok(None),
        }
    }
    Ok(Some(Opening {
        parameters,
        bytes: bytes[..moov].to_vec(),
        end: end as u64,
    }))
}

fn bad(what: &str) -> Mp4Error {
    Mp4Error::Bad(format!("not a segment written by this recorder: {what}"))
}

/// A film as far as it has come.
#[derive(Debug)]
pub struct Film {
    parameters: Parameters,
    /// What is needed before more can be given out.
    held: Vec<u8>,
    /// Bytes of a fragment's frames that pass unchanged.
    passing: u64,
    /// Bytes of a box that players pass over.
    skipping: u64,
    /// When its first frame was taken, and that frame's time in the film.
    began: Option<(Utc, i64)>,
    /// What is added to the times of the segment at hand; None: its first fragment is due.
    shift: Option<i64>,
    /// Where the last fragment's frames end, in the film's time.
    end: i64,
    sequence: u32,
}

impl Film {
    /// Begins a film with a segment; its first bytes are in `out`.
    pub fn begin(opening: &Opening, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(&opening.bytes);
        Self {
            parameters: opening.parameters.clone(),
            held: Vec::new(),
            passing: 0,
            skipping: 0,
            began: None,
            shift: None,
            end: 0,
            sequence: 0,
        }
    }

    /// Another segment follows. False: its pictures need other parameters, and the film is over.
    ///
    /// # Errors
    /// The segment before ended within a fragment.
    pub fn goes_on(&mut self, opening: &Opening) -> Result<bool, Mp4Error> {
        if !self.between() {
            return Err(bad("what was to be shown of it ends within a fragment"));
        }
        self.shift = None;
        Ok(opening.parameters == self.parameters)
    }

    /// Whether all that was begun is given out.
    pub fn between(&self) -> bool {
        self.held.is_empty() && self.passing == 0 && self.skipping == 0
    }

    /// When the film's first frame was taken.
    pub fn began(&self) -> Option<Utc> {
        self.began.map(|(wall, _)| wall)
    }

    /// The next bytes of a segment, from the beginning of a fragment with a key frame on; what can be shown of them is added to `out`.
    ///
    /// # Errors
    /// They are no fragments, or do not begin with a key frame.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), Mp4Error> {
        loop {
            let passing = take(&mut self.passing, &mut plain);
            out.extend_from_slice(passing);
            take(&mut self.skipping, &mut plain);
            if plain.is_empty() || self.passing > 0 || self.skipping > 0 {
                return Ok(());
            }
            // The head of one fragment, byte by byte as far as it is needed.
            let before = self.held.len();
            let needed = self.needed()?;
            let (now, later) = plain.split_at(plain.len().min(needed - before));
            self.held.extend_from_slice(now);
            plain = later;
            if self.held.len() == self.needed()? {
                self.head(out)?;
            }
        }
    }

    /// Bytes that have to be held to know what comes next.
    fn needed(&self) -> Result<usize, Mp4Error> {
        let Some(kind) = self.held.get(4..8) else {
            return Ok(8);
        };
        let prft = PRFT as usize;
        match kind {
            b"free" | b"mfra" => Ok(8),
            b"prft" => {
                if get_u32(&self.held, 0) != Some(PRFT as u32) {
                    return Err(bad("a fragment's clock is odd"));
                }
                match get_u32(&self.held, prft) {
                    None => Ok(prft + 8),
                    Some(_)
                        if self
                            .held
                            .get(prft + 4..prft + 8)
                            .is_some_and(|k| k != b"moof") =>
                    {
                        Err(bad("no fragment follows its clock"))
                    }
                    Some(moof) if (8..=MOOF).contains(&(moof as usize)) => {
                        Ok(prft + 8.max(moof as usize) + 8)
                    }
                    Some(_) => Err(bad("a fragment's head has no sensible length")),
                }
            }
            _ => Err(bad("a fragment was due where something else is")),
        }
    }

    /// What is held is a head: it is written anew, and what follows it passes.
    fn head(&mut self, out: &mut Vec<u8>) -> Result<(), Mp4Error> {
        let mut held = std::mem::take(&mut self.held);
        if held.get(4..8) != Some(b"prft") {
            let size = get_u32(&held, 0).unwrap_or(0);
            let rest = u64::from(size).checked_sub(8);
            self.skipping = rest.ok_or_else(|| bad("a box has no sensible length"))?;
            return Ok(());
        }
        let found = head(&held).ok_or_else(|| bad("a fragment's head is not one of ours"))?;
        let media = get_u64(&held, 24).and_then(|m| i64::try_from(m).ok());
        let (media, dts) = media
            .zip(i64::try_from(found.dts).ok())
            .ok_or_else(|| bad("a fragment's time is out of all bounds"))?;
        let shift = match self.shift {
            Some(shift) => shift,
            None if found.begins_with_key() != Some(true) => {
                return Err(bad("it does not begin with a key frame"));
            }
            None => {
                let shift = match self.began {
                    None => -dts,
                    Some((wall, time)) => {
                        let apart = (found.wall.0 - wall.0).saturating_mul(90);
                        // Never before the end of what was shown.
                        (time.saturating_add(apart) - media).max(self.end - dts)
                    }
                };
                self.shift = Some(shift);
                shift
            }
        };
        let begins = dts.saturating_add(shift);
        if begins < self.end || begins > i64::MAX / 4 {
            return Err(bad("its fragments go back in time"));
        }
        self.began.get_or_insert((found.wall, media + shift));
        let ticks = found.rows.chunks_exact(16);
        let ticks: i64 = ticks.filter_map(|row| get_u32(row, 0)).map(i64::from).sum();
        self.end = begins.saturating_add(ticks);
        self.passing = found.length;
        self.sequence += 1;
        let sound = self.parameters.sound.as_ref().map(|s| i64::from(s.rate));
        put(&mut held, 24, media.saturating_add(shift));
        restamp(&mut held, self.sequence, shift, sound)
            .ok_or_else(|| bad("a fragment's head is not one of ours"))?;
        out.extend_from_slice(&held);
        Ok(())
    }
}

fn take<'a>(left: &mut u64, plain: &mut &'a [u8]) -> &'a [u8] {
    let now = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(plain.len());
    let (taken, later) = plain.split_at(now);
    *left -= now as u64;
    *plain = later;
    taken
}

fn put(bytes: &mut [u8], at: usize, ticks: i64) {
    if let Some(place) = bytes.get_mut(at..at + 8) {
        place.copy_from_slice(&ticks.max(0).to_be_bytes());
    }
}

/// Number and times of a fragment whose `moof` follows its `prft`.
fn restamp(bytes: &mut [u8], sequence: u32, shift: i64, sound: Option<i64>) -> Option<()> {
    let moof = PRFT as usize;
    let end = moof + get_u32(bytes, moof)? as usize;
    let (mut at, mut track) = (moof + 8, 0);
    while at < end {
        let found = first(bytes.get(at..end)?)?;
        let (kind, whole) = (found.kind, found.whole);
        match &kind {
            b"mfhd" => {
                let place = bytes.get_mut(at + 12..at + 16)?;
                place.copy_from_slice(&sequence.to_be_bytes());
            }
            b"traf" => {
                track += 1;
                let rate = if track == 1 {
                    i64::from(TIMESCALE)
                } else {
                    sound?
                };
                let mut inner = at + 8;
                while inner < at + whole {
                    let found = first(bytes.get(inner..at + whole)?)?;
                    let (kind, size) = (found.kind, found.whole);
                    if kind == *b"tfdt" {
                        let was = i64::try_from(get_u64(bytes, inner + 12)?).ok()?;
                        let by = shift.checked_mul(rate)? / i64::from(TIMESCALE);
                        put(bytes, inner + 12, was.checked_add(by)?);
                    }
                    inner += size;
                }
            }
            _ => {}
        }
        at += whole;
    }
    Some(())
}

#[cfg(test)]
#[path = "film_tests.rs"]
mod tests;
