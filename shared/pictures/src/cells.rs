//! Pure. The pixelated mask: how large its cells are, and what of a picture is left in them.
//!
//! Nothing of the picture gets through but one number a cell and plane: the mean of the whole cell, in 32 steps. What lies
//! in a cell outside the polygon counts too, so that the cells, and with them what can be made of them, do not depend on how
//! a polygon was drawn; only the pixels under the polygon are replaced.
use crate::spans::Spans;

/// A picture is at most this many cells high, whatever its size.
///
/// Held against the levels of IEC 62676-4 and of the Home Office before it (CAST 28/09): to be identified a person fills the
/// picture's whole height, at 250 pixels a metre. Someone that large is left with 32 cells, 19 a metre: a thirteenth of that,
/// and fewer than the 25 a metre asked for to *detect* that a person is there at all. Their face, an eighth of the picture
/// high, is at most four cells, from hair to chin. A number plate's characters, where the plate is large enough to be read in
/// the plain picture (characters a fortieth of its height), are below one cell, their strokes far below.
pub const CELLS_HIGH: u32 = 32;

/// Means are rounded to multiples of this: 32 steps from black to white.
///
/// A subject that moves is sampled by the grid at another place in each picture; from many exact means a finer picture could
/// be computed than one grid gives. With five bits a mean, differences that are small against a whole cell are gone from every
/// one of those pictures alike.
const STEP: u32 = 8;

/// Smallest cell that hides enough in a picture of this height. What a camera pixelates itself is held to this.
pub fn smallest(height: u32) -> u32 {
    height.div_ceil(CELLS_HIGH)
}

/// Cell of the masks painted here: whole macroblocks (16 pixels), which cost the encoder least.
pub fn painted(height: u32) -> u32 {
    smallest(height).next_multiple_of(16).max(16)
}

/// One plane's cells: which the mask touches, and what is left of the picture in them.
#[derive(Clone, Debug)]
pub struct Cells {
    size: u32,
    across: usize,
    touched: Vec<bool>,
    /// Sum of samples while measuring.
    sums: Vec<u32>,
    counts: Vec<u32>,
    values: Vec<u8>,
}

impl Cells {
    /// `size` in samples of this plane.
    pub fn new(covered: &Spans, size: u32) -> Self {
        let across = covered.width.div_ceil(size) as usize;
        let down = covered.height().div_ceil(size) as usize;
        let mut touched = vec![false; across * down];
        for y in 0..covered.height() {
            let row = (y / size) as usize * across;
            for &(from, to) in covered.covered(y) {
                for column in from / size..to.div_ceil(size) {
                    touched[row + column as usize] = true;
                }
            }
        }
        Self {
            size,
            across,
            sums: vec![0; touched.len()],
            counts: vec![0; touched.len()],
            values: vec![0; touched.len()],
            touched,
        }
    }

    /// To be called before the rows of a new picture.
    pub fn start(&mut self) {
        self.sums.fill(0);
        self.counts.fill(0);
    }

    fn row(&self, y: u32) -> std::ops::Range<usize> {
        let first = (y / self.size) as usize * self.across;
        first..first + self.across
    }

    /// Every row that [`Cells::wanted`] says is to be added before a row of it is painted.
    pub fn add(&mut self, y: u32, samples: &[u8]) {
        let row = self.row(y);
        let cells = self.touched[row.clone()]
            .iter()
            .zip(&mut self.sums[row.clone()])
            .zip(&mut self.counts[row]);
        for (((touched, sum), count), part) in cells.zip(samples.chunks(self.size as usize)) {
            if *touched {
                // A cell's row has a few hundred samples: it cannot overflow, and unchecked it is done many at once.
                let row = part
                    .iter()
                    .fold(0u32, |row, &s| row.wrapping_add(u32::from(s)));
                *sum += row;
                *count += part.len() as u32;
            }
        }
    }

    pub fn wanted(&self, y: u32) -> bool {
        self.touched[self.row(y)].contains(&true)
    }

    /// After the last row: sums become steps.
    pub fn close(&mut self) {
        for ((value, &sum), &count) in self.values.iter_mut().zip(&self.sums).zip(&self.counts) {
            if count > 0 {
                let steps = (sum + count * STEP / 2) / (count * STEP);
                *value = (steps.min(255 / STEP) * STEP) as u8;
            }
        }
    }

    /// Writes into row `y` what is left of the picture, between the columns given.
    pub fn paint(&self, y: u32, (from, to): (u32, u32), row: &mut [u8]) {
        let values = &self.values[self.row(y)];
        let mut at = from;
        while at < to {
            let cell = at / self.size;
            let end = ((cell + 1) * self.size).min(to);
            row[at as usize..end as usize].fill(values[cell as usize]);
            at = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MSK-1: the rule for what cannot be read, at the usual sizes.
    #[test]
    fn msk_1_a_picture_is_at_most_thirty_two_cells_high() {
        for (height, least, cell) in [
            (180, 6, 16),
            (360, 12, 16),
            (576, 18, 32),
            (720, 23, 32),
            (1080, 34, 48),
            (1440, 45, 48),
            (2160, 68, 80),
            (4320, 135, 144),
        ] {
            assert_eq!(
                (smallest(height), painted(height)),
                (least, cell),
                "{height}"
            );
            assert!(f64::from(height) / f64::from(least) <= f64::from(CELLS_HIGH));
            assert_eq!(painted(height) % 16, 0);
            let (face, character) = (height / 8, height / 40);
            assert!(face <= 4 * least && character < least);
        }
    }
}
