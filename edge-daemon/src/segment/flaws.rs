//! Pure. What is not as it should be in a segment, as its line says it.
use shared::time::Utc;

use super::Cause;

/// Stretches without pictures of one segment are said one by one, so many of them; the last grows.
const PAUSES: usize = 16;
/// Times that may be wrong by more than this, in ms, are marked.
pub const MARKED_MS: u32 = 1_000;

/// What is not as it should be in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flaws {
    /// Packets that the network lost.
    pub lost: u64,
    /// Pictures that this box left out.
    pub shed: u64,
    /// From the picture before the first of them to the picture after the last.
    pub short: Option<(Utc, Utc)>,
    /// Stretches without pictures.
    pub pauses: Vec<Pause>,
    /// Pictures in it are dated by when they arrived: their time stamps say nothing.
    pub by_arrival: bool,
    /// Times in it may be wrong by so many ms. None: by no more than [`MARKED_MS`].
    pub off_ms: Option<u32>,
}

impl Flaws {
    /// Packets or pictures are missing between these two pictures.
    pub fn add_short(&mut self, from: Utc, to: Utc) {
        let (first, last) = self.short.unwrap_or((from, to));
        self.short = Some((first.min(from), last.max(to)));
    }
    pub fn add_pause(&mut self, pause: Pause) {
        let full = self.pauses.len() == PAUSES;
        match self.pauses.last_mut() {
            Some(last) if full => {
                last.to = pause.to;
                last.packets += pause.packets;
            }
            _ => self.pauses.push(pause),
        }
    }
}

/// A stretch without pictures inside a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub from: Utc,
    pub to: Utc,
    pub why: Cause,
    /// Lost in it.
    pub packets: u64,
}
