//! Pure. Whether a camera's own mask lies in a picture: every polygon tested, tile by tile.
//!
//! A **solid** mask is one colour: each tile of 16 pixels must be flat and have the colour of the whole polygon; where the
//! colour is known ([`Rule::Solid`]), the polygon must have it. A **pixelated** mask is flat within cells of the stated size:
//! where the grid lies is found from the picture (the columns and rows where it steps), then each cell, and each part of
//! a cell that the polygon's edge leaves, must be flat. The size itself is held to [`cells::smallest`].
//! One bad tile fails the polygon, one bad polygon the picture. Nothing under a polygon goes untested but its rim, where any
//! encoder lets what is outside ring in: [`MARGIN`] pixels, fewer in a small polygon, of which at least half is tested.
//!
//! What pixels cannot prove:
//! - A place that is dark and even (an uncovered window at night, fog) looks like a black mask, and like a mosaic of equal
//!   cells. A colour that no scene has, stated as `colour`, settles it for solid masks: blue or magenta, not black or grey.
//! - A mask that lets a little through shows nothing where the scene behind is even. It is found once the scene is not: at a
//!   quarter let through, differences of about 40 levels.
//! - Things smaller than about six pixels by six, or fainter than what poor encoding does by itself (the tolerances below).
//! - That a mask will be there in the pictures until the next key picture. The daemon writes those only when both ends pass.
//!
//! A picture so poor that the mask's own edges run into it by more than [`DEEP`] pixels, or a mosaic's cells into each other,
//! is judged as uncovered: 1080p at 300 kbit/s with a key picture each second still passes, with six a second it may not, and
//! below 1 Mbit/s nor may the first second or two after a camera's encoder has started, before it has found its rate.
//! A caption (camera's name, time) drawn over a mask is detail, and fails: it must lie elsewhere.
use crate::{
    cells,
    spans::{Mask, Spans},
};

/// Pixels at a polygon's rim that are not looked at: the width of a deblocking filter's reach, where even a good encoder
/// mixes the two sides.
pub const MARGIN: u32 = 4;
/// From here on inwards no transform block of 16 pixels reaches out of the polygon: what an encoder makes of one colour is
/// one colour. Nearer to the rim, errors of the block that straddles it are expected.
const DEEP: u32 = 16;
/// Spans are rounded outwards by up to a pixel; a margin of one more takes that back.
const ROUNDED: u32 = 1;
const TILE: u32 = 16;

/// How far a sample may lie from the polygon's colour, or a cell's, before it counts as standing out; how many of a tile's
/// may; how far a tile's mean may. Chosen on street footage with solid and pixelated masks painted in, encoded by x264 and
/// x265 at crf 20 to 40 and, at 1080p, at 300 kbit/s, where faces are already smeared. There 99 % of a solid mask's deep
/// samples are within 13 levels and of its rim's within 17 (25 in 1080p at 300 kbit/s), of a cell's samples 80 % within 15,
/// while an uncovered tile deviates by 40 to 180. The tests at the end of `tests/proof.rs` hold them to it.
struct Tolerance {
    sample: i32,
    /// One in so many may stand out.
    one_in: u32,
    mean: i32,
}

const DEEP_LUMA: Tolerance = Tolerance {
    sample: 16,
    one_in: 8,
    mean: 9,
};
const DEEP_CHROMA: Tolerance = Tolerance {
    sample: 10,
    one_in: 8,
    mean: 8,
};
const RIM_LUMA: Tolerance = Tolerance {
    sample: 26,
    one_in: 12,
    mean: 20,
};
const RIM_CHROMA: Tolerance = Tolerance {
    sample: 18,
    one_in: 3,
    mean: 16,
};
/// A tile's or cell's few samples may always hold this many that stand out.
const STRAY: u32 = 2;
/// Samples below which a mean says nothing.
const ENOUGH: u32 = 16;

/// Within a cell: edges between cells are strong, and cells small against an encoder's blocks, so more may stand out.
const CELL_LUMA: Tolerance = Tolerance {
    sample: 16,
    one_in: 5,
    mean: 255,
};
const CELL_CHROMA: Tolerance = Tolerance {
    sample: 14,
    one_in: 5,
    mean: 255,
};
/// Pixels along a cell's edges that are not looked at: the deblocking filter again, and a phase that is one off.
const CELL_EDGE: u32 = 2;
/// Of a grid twice or three times as coarse as stated, the lines in between hold less than this part of the others' steps.
const NO_STEP: u64 = 8;
/// Lines across a polygon below which that says nothing: by chance a few steps may all be faint.
const ENOUGH_LINES: usize = 6;

/// The stated colour, in YCbCr, may be off by this: the camera's conversion and the encoder's mean error.
const COLOUR_LUMA: i32 = 14;
const COLOUR_CHROMA: i32 = 10;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Solid { colour: Option<[u8; 3]> },
    Pixelated { cell: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Matrix {
    Bt601,
    Bt709,
    /// The stream does not say; either is taken.
    Unknown,
}

/// A decoded picture, planar 4:2:0, 8 bits: the rows of each plane.
pub struct View<'a> {
    pub planes: [Vec<&'a [u8]>; 3],
    pub full_range: bool,
    pub matrix: Matrix,
}

/// What is to be tested in pictures of one size.
pub struct Proof {
    rule: Rule,
    width: u32,
    height: u32,
    polygons: Vec<Region>,
}

/// What of a polygon is looked at: luma and chroma.
struct Region {
    planes: [Zone; 2],
}

struct Zone {
    all: Spans,
    deep: Spans,
}

impl Region {
    fn new(polygon: &Mask, width: u32, height: u32) -> Self {
        let covered = polygon.plane(width, height, 0);
        let all = (1..=MARGIN)
            .rev()
            .map(|margin| covered.shrunk(margin + ROUNDED))
            .find(|left| left.count() * 2 >= covered.count() && left.halved().count() > 0)
            .unwrap_or_else(|| covered.clone());
        let deep = covered.shrunk(DEEP + ROUNDED);
        // A sliver may cover no chroma sample wholly; then those it touches are looked at.
        let mut chroma = all.halved();
        if chroma.count() == 0 {
            chroma = polygon.plane(width, height, 1);
        }
        Self {
            planes: [
                Zone {
                    all: all.clone(),
                    deep: deep.clone(),
                },
                Zone {
                    all: chroma,
                    deep: deep.halved(),
                },
            ],
        }
    }

    fn zone(&self, plane: usize) -> &Zone {
        &self.planes[plane.min(1)]
    }
}

const NOTHING: &str = "nothing of it could be looked at";

/// Why a polygon fails; its number is the caller's.
type Bad = String;

impl Proof {
    pub fn new(mask: &Mask, rule: Rule, width: u32, height: u32) -> Self {
        Self {
            rule,
            width,
            height,
            polygons: mask
                .each()
                .map(|polygon| Region::new(&polygon, width, height))
                .collect(),
        }
    }

    /// The first polygon that fails, in words.
    pub fn test(&self, picture: &View) -> Result<(), String> {
        if let Rule::Pixelated { cell } = self.rule {
            let least = cells::smallest(self.height);
            if cell < least {
                return Err(format!(
                    "cells of {cell} pixels are too small for a picture {} pixels high: what is in them could be recognised; \
                     at least {least} are needed",
                    self.height
                ));
            }
        }
        for (i, region) in self.polygons.iter().enumerate() {
            let done = match self.rule {
                Rule::Solid { colour } => self.solid(region, picture, colour),
                Rule::Pixelated { cell } => self.pixelated(region, picture, cell),
            };
            done.map_err(|bad| format!("polygon {} is not covered: {bad}", i + 1))?;
        }
        Ok(())
    }

    fn place(&self, x: u32, y: u32) -> String {
        let percent = |n: u32, of: u32| (f64::from(n) * 100.0 / f64::from(of.max(1))).round();
        format!(
            "at {} % across, {} % down",
            percent(x, self.width),
            percent(y, self.height)
        )
    }

    fn solid(&self, region: &Region, picture: &View, colour: Option<[u8; 3]>) -> Result<(), Bad> {
        let mut middle = [0u8; 3];
        let mut tiles = Tiles::new(self.width, self.height, TILE);
        for (plane, middle) in middle.iter_mut().enumerate() {
            let zone = region.zone(plane);
            *middle = median(rows(&zone.all, &picture.planes[plane]));
            let shift = u32::from(plane > 0);
            let (rim, deep) = if plane == 0 {
                (&RIM_LUMA, &DEEP_LUMA)
            } else {
                (&RIM_CHROMA, &DEEP_CHROMA)
            };
            tiles.start();
            for y in 0..zone.all.height() {
                let Some(row) = picture.planes[plane].get(y as usize) else {
                    continue;
                };
                let inner = zone.deep.covered(y);
                for &(from, to) in zone.all.covered(y) {
                    // The rim's two ends and the deep parts between them, in order.
                    let mut at = from;
                    for &(a, b) in inner.iter().filter(|&&(a, b)| a < to && b > from) {
                        let (a, b) = (a.max(from), b.min(to));
                        tiles.add(y, (at, a), row, shift, *middle, rim, false);
                        tiles.add(y, (a, b), row, shift, *middle, deep, true);
                        at = b;
                    }
                    tiles.add(y, (at, to), row, shift, *middle, rim, false);
                }
            }
            tiles.judge(rim, deep);
        }
        if let Some((x, y, what)) = tiles.worst() {
            return Err(format!(
                "{}, the picture shows {what} ({} of {} tiles)",
                self.place(x, y),
                tiles.bad(),
                tiles.all()
            ));
        }
        if tiles.all() == 0 {
            return Err(NOTHING.into());
        }
        let Some(stated) = colour else {
            return Ok(());
        };
        let is_it = |matrix| {
            let wanted = ycbcr(stated, matrix, picture.full_range);
            (0..3).all(|p| {
                let limit = if p == 0 { COLOUR_LUMA } else { COLOUR_CHROMA };
                (i32::from(wanted[p]) - i32::from(middle[p])).abs() <= limit
            })
        };
        let right = match picture.matrix {
            Matrix::Unknown => is_it(Matrix::Bt601) || is_it(Matrix::Bt709),
            known => is_it(known),
        };
        if right {
            return Ok(());
        }
        let hex = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
        Err(format!(
            "it is one colour, {}, but not the mask's {}",
            hex(rgb(middle, picture.matrix, picture.full_range)),
            hex(stated)
        ))
    }

    fn pixelated(&self, region: &Region, picture: &View, cell: u32) -> Result<(), Bad> {
        let grid = Grid::find(region, picture, cell);
        let mut tiles = Tiles::with_phase(self.width, self.height, cell, grid.phase);
        let seen = self.cells(region, picture, &grid, &mut tiles, CELL_EDGE);
        let core = f64::from(cell.saturating_sub(2 * CELL_EDGE)) / f64::from(cell);
        if (seen as f64) < region.zone(0).all.count() as f64 * core * core / 2.0 {
            // So small, or so thin along a line, that nearly all of it is edge: then the edges are looked at too.
            tiles = Tiles::with_phase(self.width, self.height, cell, grid.phase);
            self.cells(region, picture, &grid, &mut tiles, 0);
        }
        if tiles.all() == 0 {
            return Err(NOTHING.into());
        }
        if let Some((x, y, _)) = tiles.worst() {
            return Err(format!(
                "{}, the picture shows detail within cells of {cell} pixels ({} of {} cells)",
                self.place(x, y),
                tiles.bad(),
                tiles.all()
            ));
        }
        if grid.coarser(region, picture) {
            return Err(format!(
                "its cells are larger than {cell} pixels; if the camera's setting was changed, so must the mask's be"
            ));
        }
        Ok(())
    }

    /// Says how many luma samples it has looked at.
    fn cells(
        &self,
        region: &Region,
        picture: &View,
        grid: &Grid,
        tiles: &mut Tiles,
        edge: u32,
    ) -> u64 {
        let mut looked_at = 0;
        let mut middles = vec![0u8; tiles.count()];
        for plane in 0..3 {
            let zone = region.zone(plane);
            let shift = u32::from(plane > 0);
            let tolerance = if plane == 0 { &CELL_LUMA } else { &CELL_CHROMA };
            let edge = (edge << shift).min(grid.cell / 4);
            // Each cell's median first, then how far its samples lie from it.
            let mut counts = vec![[0u16; 256]; tiles.count()];
            grid.each(
                zone,
                &picture.planes[plane],
                shift,
                edge,
                tiles,
                |tile, sample| {
                    let count = &mut counts[tile][usize::from(sample)];
                    *count = count.saturating_add(1);
                },
            );
            for (middle, counts) in middles.iter_mut().zip(&counts) {
                *middle = middle_of(counts.iter().map(|&c| u32::from(c)));
            }
            if plane == 0 {
                looked_at = counts.iter().flatten().map(|&c| u64::from(c)).sum();
            }
            tiles.start();
            let mut seen = std::mem::take(&mut tiles.rim);
            grid.each(
                zone,
                &picture.planes[plane],
                shift,
                edge,
                tiles,
                |tile, sample| {
                    seen[tile].see(sample, middles[tile], tolerance);
                },
            );
            tiles.rim = seen;
            tiles.judge(tolerance, tolerance);
        }
        looked_at
    }
}

/// The samples of a zone, row by row.
fn rows<'a>(zone: &'a Spans, plane: &'a [&'a [u8]]) -> impl Iterator<Item = &'a [u8]> + 'a {
    (0..zone.height()).flat_map(move |y| {
        zone.covered(y).iter().filter_map(move |&(a, b)| {
            plane
                .get(y as usize)
                .and_then(|row| row.get(a as usize..b as usize))
        })
    })
}

fn median<'a>(samples: impl Iterator<Item = &'a [u8]>) -> u8 {
    let mut counts = [0u32; 256];
    for &sample in samples.flatten() {
        counts[usize::from(sample)] += 1;
    }
    middle_of(counts.into_iter())
}

fn middle_of(counts: impl Iterator<Item = u32> + Clone) -> u8 {
    let half = counts.clone().sum::<u32>() / 2;
    let mut sum = 0;
    for (value, count) in counts.enumerate() {
        sum += count;
        if sum > half {
            return value as u8;
        }
    }
    0
}

#[derive(Clone, Copy, Default)]
struct Seen {
    count: u32,
    standing_out: u32,
    /// Of the deviations.
    sum: i64,
}

impl Seen {
    fn see(&mut self, sample: u8, middle: u8, tolerance: &Tolerance) {
        let off = i32::from(sample) - i32::from(middle);
        self.count += 1;
        self.standing_out += u32::from(off.abs() > tolerance.sample);
        self.sum += i64::from(off);
    }

    /// How bad it is: nothing where it is good.
    fn judge(&self, tolerance: &Tolerance) -> Option<(u32, &'static str)> {
        let allowed = (self.count / tolerance.one_in).max(STRAY);
        if self.standing_out > allowed {
            return Some((self.standing_out, "detail"));
        }
        let mean = self.sum / i64::from(self.count.max(1));
        (self.count >= ENOUGH && mean.abs() > i64::from(tolerance.mean))
            .then_some((1, "more than one colour"))
    }
}

/// The tiles of a picture: what has been seen in each of one polygon, and which are bad.
struct Tiles {
    size: u32,
    phase: [u32; 2],
    across: u32,
    rim: Vec<Seen>,
    deep: Vec<Seen>,
    looked_at: Vec<bool>,
    verdict: Vec<Option<(u32, &'static str)>>,
}

impl Tiles {
    fn new(width: u32, height: u32, size: u32) -> Self {
        Self::with_phase(width, height, size, [0, 0])
    }

    /// Cells begin at `phase` and every `size` from there; the first may be cut.
    fn with_phase(width: u32, height: u32, size: u32, phase: [u32; 2]) -> Self {
        let across = width.div_ceil(size) + 1;
        let count = (across * (height.div_ceil(size) + 1)) as usize;
        Self {
            size,
            phase,
            across,
            rim: vec![Seen::default(); count],
            deep: vec![Seen::default(); count],
            looked_at: vec![false; count],
            verdict: vec![None; count],
        }
    }

    fn count(&self) -> usize {
        self.rim.len()
    }

    fn start(&mut self) {
        self.rim.fill(Seen::default());
        self.deep.fill(Seen::default());
    }

    /// Tile of a luma pixel along one axis.
    fn along(&self, at: u32, axis: usize) -> u32 {
        (at + (self.size - self.phase[axis]) % self.size) / self.size
    }

    fn tile(&self, x: u32, y: u32) -> usize {
        (self.along(y, 1) * self.across + self.along(x, 0)) as usize
    }

    fn add(
        &mut self,
        y: u32,
        (from, to): (u32, u32),
        row: &[u8],
        shift: u32,
        middle: u8,
        tolerance: &Tolerance,
        deep: bool,
    ) {
        for x in from..to.min(row.len() as u32) {
            let tile = self.tile(x << shift, y << shift);
            let seen = if deep {
                &mut self.deep[tile]
            } else {
                &mut self.rim[tile]
            };
            seen.see(row[x as usize], middle, tolerance);
        }
    }

    /// What was seen of one plane becomes verdicts.
    fn judge(&mut self, rim: &Tolerance, deep: &Tolerance) {
        for i in 0..self.count() {
            self.looked_at[i] |= self.rim[i].count + self.deep[i].count > 0;
            for bad in [self.deep[i].judge(deep), self.rim[i].judge(rim)]
                .into_iter()
                .flatten()
            {
                if self.verdict[i].is_none_or(|v| v.0 < bad.0) {
                    self.verdict[i] = Some(bad);
                }
            }
        }
    }

    /// The middle of the worst tile, in luma pixels, and what is seen there.
    fn worst(&self) -> Option<(u32, u32, &'static str)> {
        let (i, (_, what)) = self
            .verdict
            .iter()
            .enumerate()
            .filter_map(|(i, v)| Some((i as u32, (*v)?)))
            .max_by_key(|(_, v)| v.0)?;
        let centre = |n: u32, axis: usize| {
            let shift = (self.size - self.phase[axis]) % self.size;
            (n * self.size + self.size / 2).saturating_sub(shift)
        };
        Some((centre(i % self.across, 0), centre(i / self.across, 1), what))
    }

    fn bad(&self) -> usize {
        self.verdict.iter().flatten().count()
    }

    fn all(&self) -> usize {
        self.looked_at.iter().filter(|l| **l).count()
    }
}

/// Where a mosaic's lines lie.
struct Grid {
    cell: u32,
    /// Of the first line: columns, rows.
    phase: [u32; 2],
}

impl Grid {
    /// Sums, for each column (axis 0) or row (1), how far the picture steps there within the polygon, and how many pixels that is.
    fn steps(region: &Region, picture: &View, axis: usize) -> Vec<(u64, u64)> {
        let zone = &region.zone(0).all;
        let length = if axis == 0 { zone.width } else { zone.height() };
        let mut steps = vec![(0u64, 0u64); length as usize];
        let plane = &picture.planes[0];
        for y in 0..zone.height() {
            let Some(row) = plane.get(y as usize) else {
                continue;
            };
            for &(from, to) in zone.covered(y) {
                let Some(part) = row.get(from as usize..to as usize) else {
                    continue;
                };
                if axis == 0 {
                    for (x, pair) in part.windows(2).enumerate() {
                        let step = &mut steps[from as usize + x + 1];
                        step.0 += u64::from(pair[0].abs_diff(pair[1]));
                        step.1 += 1;
                    }
                } else if y > 0 {
                    let above = zone.covered(y - 1);
                    for &(a, b) in above.iter().filter(|&&(a, b)| a < to && b > from) {
                        let (a, b) = (a.max(from) as usize, b.min(to) as usize);
                        let upper = plane.get(y as usize - 1).and_then(|r| r.get(a..b));
                        let lower = row.get(a..b);
                        if let (Some(upper), Some(lower)) = (upper, lower) {
                            let sum: u64 = upper
                                .iter()
                                .zip(lower)
                                .map(|(a, b)| u64::from(a.abs_diff(*b)))
                                .sum();
                            steps[y as usize].0 += sum;
                            steps[y as usize].1 += (b - a) as u64;
                        }
                    }
                }
            }
        }
        steps
    }

    fn find(region: &Region, picture: &View, cell: u32) -> Self {
        let phase = [0, 1].map(|axis| {
            let mut folded = vec![0u64; cell as usize];
            for (i, step) in Self::steps(region, picture, axis).iter().enumerate() {
                folded[i % cell as usize] += step.0;
            }
            // An encoder spreads a step over its neighbours: those count by half.
            let n = folded.len();
            let around = |i: usize| folded[(i + n - 1) % n] + 2 * folded[i] + folded[(i + 1) % n];
            (0..n).max_by_key(|&i| (around(i), folded[i])).unwrap_or(0) as u32
        });
        Self { cell, phase }
    }

    /// Whether the cells are two or three times as large as stated: every axis that has lines enough says so.
    fn coarser(&self, region: &Region, picture: &View) -> bool {
        let mut said = false;
        for axis in [0, 1] {
            let steps = Self::steps(region, picture, axis);
            let lines: Vec<(u64, u64)> = (0..)
                .map(|n| (self.phase[axis] + n * self.cell) as usize)
                .take_while(|&at| at < steps.len())
                .enumerate()
                .filter_map(|(n, at)| {
                    let near = &steps[at.saturating_sub(1)..(at + 2).min(steps.len())];
                    let pixels = near.iter().map(|s| s.1).max().unwrap_or(0);
                    let step: u64 = near.iter().map(|s| s.0).sum();
                    (pixels > 0).then(|| (n as u64, step * 64 / pixels))
                })
                .collect();
            let larger = [2u64, 3].into_iter().any(|times| {
                let class = |rest: u64| -> Option<u64> {
                    let of: Vec<u64> = lines
                        .iter()
                        .filter(|l| l.0 % times == rest)
                        .map(|l| l.1)
                        .collect();
                    (of.len() >= ENOUGH_LINES / times as usize)
                        .then(|| of.iter().sum::<u64>() / of.len() as u64)
                };
                let Some(classes) = (0..times).map(class).collect::<Option<Vec<u64>>>() else {
                    return false;
                };
                let most = classes.iter().max().copied().unwrap_or(0);
                // Faint steps all round say nothing: four levels at least, on the lines there are.
                most >= 4 * 64
                    && classes.iter().filter(|c| **c * NO_STEP < most).count() as u64 == times - 1
            });
            if !larger && lines.len() >= ENOUGH_LINES {
                return false;
            }
            said |= larger;
        }
        said
    }

    /// Every sample of a plane's zone that lies in a cell and not at its edge.
    fn each(
        &self,
        zone: &Zone,
        plane: &[&[u8]],
        shift: u32,
        edge: u32,
        tiles: &Tiles,
        mut what: impl FnMut(usize, u8),
    ) {
        let within = |at: u32, axis: usize| {
            let (first, last) = (at << shift, ((at + 1) << shift) - 1);
            let into = |p: u32| (p + self.cell - self.phase[axis]) % self.cell;
            into(first) >= edge && into(last) < self.cell - edge && into(first) <= into(last)
        };
        let columns: Vec<bool> = (0..zone.all.width).map(|x| within(x, 0)).collect();
        for y in (0..zone.all.height()).filter(|&y| within(y, 1)) {
            let Some(row) = plane.get(y as usize) else {
                continue;
            };
            for &(from, to) in zone.all.covered(y) {
                for x in (from..to.min(row.len() as u32)).filter(|&x| columns[x as usize]) {
                    what(tiles.tile(x << shift, y << shift), row[x as usize]);
                }
            }
        }
    }
}

/// Weights of red and blue in luma.
fn weights(matrix: Matrix) -> (f64, f64) {
    match matrix {
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt601 | Matrix::Unknown => (0.299, 0.114),
    }
}

fn ycbcr([r, g, b]: [u8; 3], matrix: Matrix, full_range: bool) -> [u8; 3] {
    let (kr, kb) = weights(matrix);
    let [r, g, b] = [r, g, b].map(|v| f64::from(v) / 255.0);
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (cb, cr) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
    let (base, luma, chroma) = if full_range {
        (0.0, 255.0, 255.0)
    } else {
        (16.0, 219.0, 224.0)
    };
    [base + luma * y, 128.0 + chroma * cb, 128.0 + chroma * cr]
        .map(|v| v.round().clamp(0.0, 255.0) as u8)
}

fn rgb([y, cb, cr]: [u8; 3], matrix: Matrix, full_range: bool) -> [u8; 3] {
    let (kr, kb) = weights(matrix);
    let (base, luma, chroma) = if full_range {
        (0.0, 255.0, 255.0)
    } else {
        (16.0, 219.0, 224.0)
    };
    let y = (f64::from(y) - base) / luma;
    let [cb, cr] = [cb, cr].map(|v| (f64::from(v) - 128.0) / chroma);
    let (r, b) = (y + 2.0 * (1.0 - kr) * cr, y + 2.0 * (1.0 - kb) * cb);
    let g = (y - kr * r - kb * b) / (1.0 - kr - kb);
    [r, g, b].map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests;
