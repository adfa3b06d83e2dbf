//! Pure. From a mask's polygons to the pixels they cover, row by row.
//!
//! Each polygon is filled by the even-odd rule; several polygons add up. Rounding is outwards: a pixel is covered when
//! the polygon covers any part of its square, in the chroma planes too, so nothing under a polygon escapes (MSK-1).

/// Most points in one polygon, and most polygons. More is a mistake, and would cost time quadratically.
pub const MAX_POINTS: usize = 256;
pub const MAX_POLYGONS: usize = 64;

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MaskError {
    #[error("the mask has no polygon")]
    Empty,
    #[error("the mask has {0} polygons; at most {MAX_POLYGONS} are allowed")]
    TooManyPolygons(usize),
    #[error("polygon {polygon} has {points} points; it needs 3 to {MAX_POINTS}")]
    Points { polygon: usize, points: usize },
    #[error(
        "polygon {polygon}, point {point}: ({x}, {y}) is outside the picture; x and y go from 0 to 1"
    )]
    Outside {
        polygon: usize,
        point: usize,
        x: f64,
        y: f64,
    },
    #[error("polygon {0} covers nothing: its points lie on one line")]
    Flat(usize),
}

/// The mask as drawn, checked.
#[derive(Clone, Debug)]
pub struct Mask {
    polygons: Vec<Vec<[f64; 2]>>,
}

impl Mask {
    pub fn new(polygons: Vec<Vec<[f64; 2]>>) -> Result<Self, MaskError> {
        if polygons.is_empty() {
            return Err(MaskError::Empty);
        }
        if polygons.len() > MAX_POLYGONS {
            return Err(MaskError::TooManyPolygons(polygons.len()));
        }
        for (i, polygon) in polygons.iter().enumerate() {
            if polygon.len() < 3 || polygon.len() > MAX_POINTS {
                return Err(MaskError::Points {
                    polygon: i + 1,
                    points: polygon.len(),
                });
            }
            for (j, &[x, y]) in polygon.iter().enumerate() {
                if !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
                    return Err(MaskError::Outside {
                        polygon: i + 1,
                        point: j + 1,
                        x,
                        y,
                    });
                }
            }
            // A polygon that covers nothing was meant to cover something: better no picture than a wrong one (MSK-5).
            let mut rows = vec![Vec::new(); 64];
            fill(polygon, 64.0, 64.0, 64, &mut rows);
            if rows.iter().all(Vec::is_empty) {
                return Err(MaskError::Flat(i + 1));
            }
        }
        Ok(Self { polygons })
    }

    /// The covered pixels of one plane of a `width` × `height` picture; `shift` is 0 for luma, 1 for 4:2:0 chroma.
    pub fn plane(&self, width: u32, height: u32, shift: u32) -> Spans {
        let round_up = |n: u32| (n + (1 << shift) - 1) >> shift;
        let (columns, lines) = (round_up(width), round_up(height));
        let scale = f64::from(1u32 << shift);
        let mut rows = vec![Vec::new(); lines as usize];
        for polygon in &self.polygons {
            fill(
                polygon,
                f64::from(width) / scale,
                f64::from(height) / scale,
                columns,
                &mut rows,
            );
        }
        Spans {
            width: columns,
            rows: rows.into_iter().map(join).collect(),
        }
    }
}

impl Mask {
    /// Each polygon as a mask of its own, in order.
    pub fn each(&self) -> impl Iterator<Item = Mask> + '_ {
        self.polygons.iter().map(|polygon| Mask {
            polygons: vec![polygon.clone()],
        })
    }

    pub fn polygons(&self) -> &[Vec<[f64; 2]>] {
        &self.polygons
    }
}

/// Covered pixels of a plane: per row, disjoint ranges in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Spans {
    pub width: u32,
    rows: Vec<Vec<(u32, u32)>>,
}

impl Spans {
    pub fn height(&self) -> u32 {
        self.rows.len() as u32
    }

    /// Ranges `[from, to)` of row `y` under the mask.
    pub fn covered(&self, y: u32) -> &[(u32, u32)] {
        self.rows.get(y as usize).map_or(&[], Vec::as_slice)
    }

    /// Ranges `[from, to)` of row `y` outside the mask.
    pub fn open(&self, y: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let covered = self.covered(y);
        let starts = std::iter::once(0).chain(covered.iter().map(|s| s.1));
        let ends = covered
            .iter()
            .map(|s| s.0)
            .chain(std::iter::once(self.width));
        starts.zip(ends).filter(|(from, to)| from < to)
    }

    /// What is left when `margin` pixels are taken off all round. Where the cover reaches the plane's edge nothing is taken
    /// off there: it may be taken to go on outside.
    pub fn shrunk(&self, margin: u32) -> Spans {
        let narrow = |spans: &[(u32, u32)]| -> Vec<(u32, u32)> {
            let in_from = |x: u32| if x == 0 { 0 } else { x + margin };
            let in_to = |x: u32| {
                if x == self.width {
                    x
                } else {
                    x.saturating_sub(margin)
                }
            };
            spans
                .iter()
                .map(|&(a, b)| (in_from(a), in_to(b)))
                .filter(|(a, b)| a < b)
                .collect()
        };
        let narrowed: Vec<_> = self.rows.iter().map(|row| narrow(row)).collect();
        let last = narrowed.len().saturating_sub(1);
        let rows = (0..narrowed.len())
            .map(|y| {
                let near = y.saturating_sub(margin as usize)..=(y + margin as usize).min(last);
                let mut left = narrowed[y].clone();
                for other in &narrowed[near] {
                    if left.is_empty() {
                        break;
                    }
                    left = both(&left, other);
                }
                left
            })
            .collect();
        Spans {
            width: self.width,
            rows,
        }
    }

    /// The chroma pixels (4:2:0) all of whose luma pixels are covered.
    pub fn halved(&self) -> Spans {
        let rows = self
            .rows
            .chunks(2)
            .map(|pair| {
                let (first, second) = (&pair[0], &pair[pair.len() - 1]);
                both(first, second)
                    .into_iter()
                    .map(|(a, b)| {
                        (
                            a.div_ceil(2),
                            if b == self.width {
                                b.div_ceil(2)
                            } else {
                                b / 2
                            },
                        )
                    })
                    .filter(|(a, b)| a < b)
                    .collect()
            })
            .collect();
        Spans {
            width: self.width.div_ceil(2),
            rows,
        }
    }

    /// Covered pixels of the whole plane.
    pub fn count(&self) -> u64 {
        self.rows
            .iter()
            .flatten()
            .map(|(a, b)| u64::from(b - a))
            .sum()
    }
}

/// What lies in both of two rows.
fn both(one: &[(u32, u32)], other: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        let (from, to) = (a.0.max(b.0), a.1.min(b.1));
        if from < to {
            out.push((from, to));
        }
        if a.1 < b.1 { i += 1 } else { j += 1 }
    }
    out
}

struct Edge {
    top: [f64; 2],
    bottom: [f64; 2],
}

impl Edge {
    fn x(&self, y: f64) -> f64 {
        let part = (y - self.top[1]) / (self.bottom[1] - self.top[1]);
        self.top[0] + (self.bottom[0] - self.top[0]) * part
    }

    /// Height at which two edges cross, where both exist there.
    fn crossing(&self, other: &Edge) -> Option<f64> {
        let (from, to) = (
            self.top[1].max(other.top[1]),
            self.bottom[1].min(other.bottom[1]),
        );
        if from >= to {
            return None;
        }
        let (above, below) = (self.x(from) - other.x(from), self.x(to) - other.x(to));
        (above * below < 0.0).then(|| from + (to - from) * above / (above - below))
    }
}

/// Adds to `rows` the pixels whose squares the polygon touches, in a plane of `across` × `down` pixels.
///
/// Each row is cut at every height where something happens (a corner, two edges crossing). Between two cuts the polygon
/// is a set of slanted boxes, side by side, and each box's widest extent is what its row must cover.
fn fill(polygon: &[[f64; 2]], across: f64, down: f64, columns: u32, rows: &mut [Vec<(u32, u32)>]) {
    let points: Vec<[f64; 2]> = polygon
        .iter()
        .map(|&[x, y]| [x * across, y * down])
        .collect();
    let edges: Vec<Edge> = points
        .iter()
        .zip(points.iter().cycle().skip(1))
        .filter(|(a, b)| a[1] != b[1])
        .map(|(&a, &b)| {
            if a[1] < b[1] {
                Edge { top: a, bottom: b }
            } else {
                Edge { top: b, bottom: a }
            }
        })
        .collect();
    let mut cuts: Vec<f64> = points.iter().map(|p| p[1]).collect();
    for (i, a) in edges.iter().enumerate() {
        cuts.extend(edges[i + 1..].iter().filter_map(|b| a.crossing(b)));
    }
    cuts.sort_by(f64::total_cmp);
    let (Some(&first), Some(&last)) = (cuts.first(), cuts.last()) else {
        return;
    };
    let mut next_cut = 0;
    let lines = first.floor().max(0.0) as usize..(last.ceil().max(0.0) as usize).min(rows.len());
    for line in lines {
        let (top, bottom) = ((line as f64).max(first), (line as f64 + 1.0).min(last));
        while next_cut < cuts.len() && cuts[next_cut] <= top {
            next_cut += 1;
        }
        let mut above = top;
        let inside = cuts[next_cut..]
            .iter()
            .copied()
            .take_while(|&c| c < bottom)
            .chain(std::iter::once(bottom));
        for below in inside {
            if below > above {
                band(&edges, above, below, columns, &mut rows[line]);
                above = below;
            }
        }
    }
}

fn band(edges: &[Edge], above: f64, below: f64, columns: u32, row: &mut Vec<(u32, u32)>) {
    let middle = (above + below) / 2.0;
    let mut sides: Vec<(f64, f64, f64)> = edges
        .iter()
        .filter(|e| e.top[1] <= above && e.bottom[1] >= below)
        .map(|e| (e.x(middle), e.x(above), e.x(below)))
        .collect();
    sides.sort_by(|a, b| a.0.total_cmp(&b.0));
    let pairs: Vec<_> = if sides.len().is_multiple_of(2) {
        sides.chunks(2).map(|p| (p[0], p[p.len() - 1])).collect()
    } else {
        // Arithmetic has lost an edge: cover all of it rather than guess.
        sides
            .first()
            .zip(sides.last())
            .map(|(a, b)| (*a, *b))
            .into_iter()
            .collect()
    };
    for (left, right) in pairs {
        let from = left.1.min(left.2).floor().max(0.0) as u32;
        let to = (right.1.max(right.2).ceil().max(0.0) as u32).min(columns);
        if from < to {
            row.push((from, to));
        }
    }
}

fn join(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    fn mask(polygons: &[&[[f64; 2]]]) -> Mask {
        Mask::new(polygons.iter().map(|p| p.to_vec()).collect()).unwrap()
    }

    /// Even-odd by ray casting: the textbook way, and slow.
    fn inside(polygon: &[[f64; 2]], x: f64, y: f64) -> bool {
        let mut odd = false;
        for i in 0..polygon.len() {
            let ([ax, ay], [bx, by]) = (polygon[i], polygon[(i + 1) % polygon.len()]);
            if (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
                odd = !odd;
            }
        }
        odd
    }

    #[test]
    fn a_rectangle_covers_just_its_pixels() {
        let mask = mask(&[&[[0.25, 0.5], [0.75, 0.5], [0.75, 1.0], [0.25, 1.0]]]);
        let luma = mask.plane(16, 8, 0);
        assert_eq!((luma.width, luma.height(), luma.count()), (16, 8, 8 * 4));
        assert!(luma.covered(3).is_empty());
        assert_eq!(luma.covered(4), [(4, 12)]);
        assert_eq!(luma.open(4).collect::<Vec<_>>(), [(0, 4), (12, 16)]);
        assert_eq!(mask.plane(16, 8, 1).count(), 4 * 2);
    }

    #[test]
    fn msk_1_rounding_is_outwards_in_luma_and_chroma() {
        let mask = mask(&[&[[0.26, 0.51], [0.74, 0.51], [0.74, 0.74], [0.26, 0.74]]]);
        // x 4.16 to 11.84, y 4.08 to 5.92 of 16 × 8
        let luma = mask.plane(16, 8, 0);
        assert_eq!(
            (luma.covered(4), luma.covered(5), luma.count()),
            (&[(4, 12)][..], &[(4, 12)][..], 16)
        );
        let chroma = mask.plane(16, 8, 1);
        assert_eq!((chroma.covered(2), chroma.count()), (&[(2, 6)][..], 4));
        // an odd-sized picture: the last chroma column and row belong to it
        let whole = super::tests::mask(&[&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]]);
        assert_eq!(whole.plane(15, 7, 1).count(), 8 * 4);
    }

    #[test]
    fn msk_1_no_point_under_any_polygon_escapes() {
        let mut dice = Dice(7);
        for round in 0..400 {
            let corners = 3 + round % 9;
            let polygon: Vec<[f64; 2]> = (0..corners).map(|_| [dice.roll(), dice.roll()]).collect();
            let mask = mask(&[&polygon]);
            let (w, h) = (17 + round as u32 % 31, 9 + round as u32 % 23);
            for shift in [0, 1] {
                let spans = mask.plane(w, h, shift);
                for _ in 0..400 {
                    let (x, y) = (dice.roll(), dice.roll());
                    if inside(&polygon, x, y) {
                        let (px, py) = (
                            (x * f64::from(w)) as u32 >> shift,
                            (y * f64::from(h)) as u32 >> shift,
                        );
                        assert!(
                            spans.covered(py).iter().any(|&(a, b)| (a..b).contains(&px)),
                            "{polygon:?} {w}x{h} shift {shift}: {x},{y} at {px},{py}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_sliver_thinner_than_a_pixel_is_covered() {
        let mask = mask(&[&[
            [0.101, 0.101],
            [0.102, 0.101],
            [0.102, 0.102],
            [0.101, 0.102],
        ]]);
        assert_eq!(mask.plane(100, 100, 0).covered(10), [(10, 11)]);
        assert_eq!(mask.plane(100, 100, 1).covered(5), [(5, 6)]);
    }

    #[test]
    fn shrunk_leaves_what_is_far_enough_inside() {
        let mut dice = Dice(13);
        for round in 0..60u32 {
            let polygon: Vec<[f64; 2]> = (0..4).map(|_| [dice.roll(), dice.roll()]).collect();
            let spans = mask(&[&polygon]).plane(64, 40, 0);
            let covered = |x: i64, y: i64| {
                !(0..64).contains(&x)
                    || !(0..40).contains(&y)
                    || spans
                        .covered(y as u32)
                        .iter()
                        .any(|&(a, b)| (a..b).contains(&(x as u32)))
            };
            let margin = round % 5;
            let m = i64::from(margin);
            let left = spans.shrunk(margin);
            for (y, x) in (0..40i64).flat_map(|y| (0..64i64).map(move |x| (y, x))) {
                let deep = (-m..=m).all(|dy| (-m..=m).all(|dx| covered(x + dx, y + dy)));
                let is = left
                    .covered(y as u32)
                    .iter()
                    .any(|&(a, b)| (a..b).contains(&(x as u32)));
                // A span that is cut by another polygon's gap or reaches the edge is left out rather than in.
                assert!(!is || deep, "{x},{y} of {polygon:?} less {margin}");
                assert!(
                    is || !deep,
                    "{x},{y} of {polygon:?} less {margin} is missing"
                );
            }
            let half = left.halved();
            assert_eq!((half.width, half.height()), (32, 20));
            for y in 0..20 {
                for &(a, b) in half.covered(y) {
                    for (x, dy) in (2 * a..2 * b).flat_map(|x| [(x, 0), (x, 1)]) {
                        assert!(
                            left.covered(2 * y + dy)
                                .iter()
                                .any(|&(a, b)| (a..b).contains(&x))
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn overlapping_polygons_add_up() {
        let a: &[[f64; 2]] = &[[0.0, 0.0], [0.6, 0.0], [0.6, 1.0], [0.0, 1.0]];
        let b: &[[f64; 2]] = &[[0.4, 0.0], [1.0, 0.0], [1.0, 1.0], [0.4, 1.0]];
        assert_eq!(mask(&[a, b]).plane(10, 10, 0).count(), 100);
    }

    #[test]
    fn little_more_than_the_polygon_is_covered() {
        let mut dice = Dice(11);
        for _ in 0..100 {
            let polygon: Vec<[f64; 2]> = (0..3).map(|_| [dice.roll(), dice.roll()]).collect();
            let (w, h) = (200u32, 120u32);
            let spans = mask(&[&polygon]).plane(w, h, 0);
            let area: f64 = (0..3)
                .map(|i| {
                    let ([ax, ay], [bx, by]) = (polygon[i], polygon[(i + 1) % 3]);
                    ax * by - bx * ay
                })
                .sum::<f64>()
                .abs()
                / 2.0
                * f64::from(w * h);
            let around: f64 = (0..3)
                .map(|i| {
                    let ([ax, ay], [bx, by]) = (polygon[i], polygon[(i + 1) % 3]);
                    (ax - bx).abs() * f64::from(w) + (ay - by).abs() * f64::from(h)
                })
                .sum();
            assert!(
                spans.count() as f64 <= area + around + 4.0,
                "{} for {area} around {around}",
                spans.count()
            );
        }
    }

    #[test]
    fn msk_5_a_mask_that_cannot_be_right_is_refused() {
        let square = vec![[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]];
        assert_eq!(Mask::new(vec![]).unwrap_err(), MaskError::Empty);
        assert!(matches!(
            Mask::new(vec![square.clone(), vec![[0.1, 0.1], [0.2, 0.1]]]).unwrap_err(),
            MaskError::Points {
                polygon: 2,
                points: 2
            }
        ));
        assert!(matches!(
            Mask::new(vec![vec![[0.1, 0.1], [1.2, 0.1], [0.2, 0.2]]]).unwrap_err(),
            MaskError::Outside {
                polygon: 1,
                point: 2,
                ..
            }
        ));
        assert!(matches!(
            Mask::new(vec![vec![[0.1, f64::NAN], [0.2, 0.1], [0.2, 0.2]]]).unwrap_err(),
            MaskError::Outside { point: 1, .. }
        ));
        assert_eq!(
            Mask::new(vec![vec![[0.1, 0.1], [0.5, 0.1], [0.9, 0.1]]]).unwrap_err(),
            MaskError::Flat(1)
        );
        assert!(matches!(
            Mask::new(vec![square; 65]).unwrap_err(),
            MaskError::TooManyPolygons(65)
        ));
    }
}
