//! Pure. Whether polygons can be painted, are meant as they are drawn, and how much of the picture they cover.

pub type Corner = (f64, f64);

/// A polygon smaller than this part of the picture hides nothing: 28 pixels square at 1920 × 1080, less than a face.
const SMALLEST: f64 = 0.0004;
/// Areas are measured on so many points each way.
const GRID: usize = 400;

/// Why a polygon cannot be used, in words; nothing when it can.
pub fn fault(corners: &[Corner]) -> Option<String> {
    if corners.len() < 3 {
        return Some(format!(
            "a polygon needs at least three corners; this one has {}",
            corners.len()
        ));
    }
    if let Some((x, y)) = corners
        .iter()
        .find(|(x, y)| !(0.0..=1.0).contains(x) || !(0.0..=1.0).contains(y))
    {
        return Some(format!(
            "the corner [{x}, {y}] lies outside the picture, which runs from 0 to 1 both ways"
        ));
    }
    let n = corners.len();
    let edge = |i: usize| (corners[i], corners[(i + 1) % n]);
    if let Some(i) = (0..n).find(|i| edge(*i).0 == edge(*i).1) {
        return Some(format!("corner {} stands there twice running", i + 1));
    }
    for i in 0..n {
        // Neighbours share a corner and may not fold back on one another; others may not touch at all.
        let ((a, b), (_, c)) = (edge(i), edge((i + 1) % n));
        if cross(a, b, c) == 0.0 && (b.0 - a.0) * (c.0 - b.0) + (b.1 - a.1) * (c.1 - b.1) < 0.0 {
            return Some(format!(
                "its outline folds back on itself at corner {}",
                (i + 1) % n + 1
            ));
        }
        for j in i + 2..n {
            if (i, j) != (0, n - 1) && touch(edge(i), edge(j)) {
                return Some(format!(
                    "its outline crosses itself: side {} and side {}",
                    i + 1,
                    j + 1
                ));
            }
        }
    }
    let area = area(corners);
    if area <= 1e-9 {
        return Some("it covers nothing: its corners lie on one line".into());
    }
    (area < SMALLEST).then(|| {
        let side = |whole: f64| (area.sqrt() * whole).round();
        format!(
            "it covers {:.3} % of the picture, about {} by {} pixels of 1920 by 1080, at the {}: too small to hide a face or a number plate",
            area * 100.0,
            side(1920.0),
            side(1080.0),
            place(middle(corners.iter().copied()))
        )
    })
}

/// Where in the picture, as people say it.
fn place((x, y): Corner) -> &'static str {
    const WORDS: [[&str; 3]; 3] = [
        ["top left", "top", "top right"],
        ["left", "middle", "right"],
        ["bottom left", "bottom", "bottom right"],
    ];
    let third = |v: f64| ((v * 3.0) as usize).min(2);
    WORDS[third(y)][third(x)]
}

fn middle(points: impl Iterator<Item = Corner>) -> Corner {
    let (mut x, mut y, mut n) = (0.0, 0.0, 0.0);
    for p in points {
        (x, y, n) = (x + p.0, y + p.1, n + 1.0);
    }
    (x / f64::max(n, 1.0), y / f64::max(n, 1.0))
}

fn grid() -> impl Iterator<Item = Corner> {
    let at = |i: usize| (i as f64 + 0.5) / GRID as f64;
    (0..GRID * GRID).map(move |k| (at(k % GRID), at(k / GRID)))
}

/// The first two of them that lie over one another, by their places in the list, and how, in words. One drawn twice or shifted by a
/// slip hides less than was meant elsewhere.
pub fn overlap(polygons: &[Vec<Corner>]) -> Option<(usize, usize, String)> {
    let bounds = |p: &[Corner]| {
        let by = |pick: fn(&Corner) -> f64, fold: fn(f64, f64) -> f64, from| {
            p.iter().map(pick).fold(from, fold)
        };
        (
            by(|c| c.0, f64::min, 1.0),
            by(|c| c.0, f64::max, 0.0),
            by(|c| c.1, f64::min, 1.0),
            by(|c| c.1, f64::max, 0.0),
        )
    };
    for (j, b) in polygons.iter().enumerate() {
        for (i, a) in polygons.iter().enumerate().take(j) {
            let ((ax0, ax1, ay0, ay1), (bx0, bx1, by0, by1)) = (bounds(a), bounds(b));
            if ax0.max(bx0) >= ax1.min(bx1) || ay0.max(by0) >= ay1.min(by1) {
                continue;
            }
            let shared: Vec<Corner> = grid().filter(|c| inside(a, *c) && inside(b, *c)).collect();
            if shared.is_empty() {
                continue;
            }
            let share = shared.len() as f64 / (GRID * GRID) as f64 / area(a).min(area(b));
            let at = middle(shared.into_iter());
            return Some((
                i,
                j,
                format!(
                    "it lies over polygons[{i}]: they share {:.0} % of the smaller one, around [{:.2}, {:.2}] at the {} of the picture. Draw them side by side, or as one",
                    (share * 100.0).clamp(1.0, 100.0),
                    at.0,
                    at.1,
                    place(at)
                ),
            ));
        }
    }
    None
}

fn area(corners: &[Corner]) -> f64 {
    let n = corners.len();
    (0..n)
        .map(|i| corners[i].0 * corners[(i + 1) % n].1 - corners[(i + 1) % n].0 * corners[i].1)
        .sum::<f64>()
        .abs()
        / 2.0
}

fn cross(a: Corner, b: Corner, c: Corner) -> f64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

fn touch((a, b): (Corner, Corner), (c, d): (Corner, Corner)) -> bool {
    let on = |p: Corner, q: Corner, r: Corner| {
        cross(p, q, r) == 0.0
            && r.0 >= p.0.min(q.0)
            && r.0 <= p.0.max(q.0)
            && r.1 >= p.1.min(q.1)
            && r.1 <= p.1.max(q.1)
    };
    let (d1, d2, d3, d4) = (
        cross(c, d, a),
        cross(c, d, b),
        cross(a, b, c),
        cross(a, b, d),
    );
    (d1 * d2 < 0.0 && d3 * d4 < 0.0) || on(c, d, a) || on(c, d, b) || on(a, b, c) || on(a, b, d)
}

/// Thousandths of the picture that lie under the polygons together, at least 1 when there is any.
pub fn permille(polygons: &[Vec<Corner>]) -> u64 {
    let covered = grid()
        .filter(|c| polygons.iter().any(|p| inside(p, *c)))
        .count();
    let permille = (covered * 1000 / (GRID * GRID)) as u64;
    if polygons.is_empty() {
        0
    } else {
        permille.max(1)
    }
}

/// A point that lies under the first polygons and not under the second; None: all that the first cover the second cover too.
///
/// Exact but for rounding: between two neighbouring heights at which an outline turns or two outlines cross, no outline crosses another, so
/// what holds half-way between them holds for all of the strip.
pub fn uncovered(first: &[Vec<Corner>], second: &[Vec<Corner>]) -> Option<Corner> {
    /// Less than a thousandth of a pixel: the same corner, written differently.
    const NOTHING: f64 = 1e-7;
    let edges = |polygons: &[Vec<Corner>]| -> Vec<(Corner, Corner)> {
        let of = |p: &Vec<Corner>| {
            let n = p.len();
            (0..n).map(|i| (p[i], p[(i + 1) % n])).collect::<Vec<_>>()
        };
        polygons.iter().flat_map(of).collect()
    };
    let all = [edges(first), edges(second)].concat();
    let mut heights: Vec<f64> = all.iter().map(|(a, _)| a.1).collect();
    for (i, (a, b)) in all.iter().enumerate() {
        for (c, d) in &all[..i] {
            let (r, s) = ((b.0 - a.0, b.1 - a.1), (d.0 - c.0, d.1 - c.1));
            let turn = r.0 * s.1 - r.1 * s.0;
            if turn == 0.0 {
                continue;
            }
            let t = ((c.0 - a.0) * s.1 - (c.1 - a.1) * s.0) / turn;
            if (0.0..=1.0).contains(&t) {
                heights.push(a.1 + t * r.1);
            }
        }
    }
    heights.sort_by(f64::total_cmp);
    // Where the polygons lie at this height: from, to.
    let spans = |polygons: &[Vec<Corner>], y: f64| {
        let mut spans: Vec<(f64, f64)> = Vec::new();
        for p in polygons {
            let n = p.len();
            let mut at: Vec<f64> = (0..n)
                .map(|i| (p[i], p[(i + 1) % n]))
                .filter(|(a, b)| (a.1 > y) != (b.1 > y))
                .map(|(a, b)| (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0)
                .collect();
            at.sort_by(f64::total_cmp);
            spans.extend(at.chunks_exact(2).map(|c| (c[0], c[1])));
        }
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        spans
    };
    for pair in heights.windows(2) {
        let (top, bottom) = (pair[0], pair[1]);
        if bottom - top < NOTHING {
            continue;
        }
        let y = f64::midpoint(top, bottom);
        let under = spans(second, y);
        for (from, to) in spans(first, y) {
            let mut reached = from;
            for (a, b) in &under {
                if *a <= reached + NOTHING {
                    reached = reached.max(*b);
                }
            }
            if reached < to - NOTHING {
                return Some((reached.max(from), y));
            }
        }
    }
    None
}

fn inside(corners: &[Corner], (x, y): Corner) -> bool {
    let n = corners.len();
    (0..n).fold(false, |within, i| {
        let ((x1, y1), (x2, y2)) = (corners[i], corners[(i + 1) % n]);
        within ^ ((y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x0: f64, y0: f64, x1: f64, y1: f64) -> Vec<Corner> {
        vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    }

    /// V12, MSK-4: a mask covers another when every point of that one is under it, however both are cut into polygons.
    #[test]
    fn what_a_smaller_mask_leaves_open() {
        let old = [rect(0.1, 0.1, 0.5, 0.5)];
        let covered = |new: &[Vec<Corner>]| uncovered(&old, new).is_none();
        assert!(covered(&old));
        assert!(covered(&[rect(0.0, 0.0, 1.0, 1.0)]));
        assert!(
            covered(&[rect(0.1, 0.1, 0.3, 0.5), rect(0.3, 0.1, 0.5, 0.5)]),
            "cut in two"
        );
        assert!(covered(&[
            rect(0.1, 0.1, 0.5, 0.3),
            rect(0.05, 0.3, 0.5, 0.6)
        ]));
        // As large elsewhere, a corner less, a slit of a pixel, a hole that only crossing outlines leave.
        assert!(!covered(&[rect(0.5, 0.5, 0.9, 0.9)]));
        assert!(!covered(&[rect(0.101, 0.1, 0.9, 0.9)]));
        assert!(!covered(&[
            rect(0.0, 0.0, 0.3, 1.0),
            rect(0.3005, 0.0, 1.0, 1.0)
        ]));
        let fold = vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.3, 0.3), (0.0, 1.0)];
        let at = uncovered(&old, &[fold]).expect("between its legs");
        assert!(
            (0.1..=0.5).contains(&at.0) && (0.3..=0.5).contains(&at.1),
            "{at:?}"
        );
        assert!(!covered(&[]));
        assert!(uncovered(&[], &old).is_none());
        // Two slanted ones that cross: together they cover the square but for a wedge, or wholly.
        let left = vec![(0.0, 0.0), (0.4, 0.0), (0.2, 0.6), (0.0, 0.6)];
        let right = |x: f64| vec![(0.3, 0.0), (0.6, 0.0), (0.6, 0.6), (x, 0.6)];
        assert!(covered(&[left.clone(), right(0.15)]));
        assert!(!covered(&[left, right(0.35)]));
    }

    /// MSK-1: a mask that cannot be painted as drawn is refused, not guessed at.
    #[test]
    fn what_can_be_painted() {
        let good: [&[Corner]; 3] = [
            &[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
            &[(0.1, 0.1), (0.5, 0.1), (0.3, 0.4)],
            &[
                (0.0, 0.0),
                (0.5, 0.0),
                (1.0, 0.0),
                (1.0, 1.0),
                (0.5, 0.2),
                (0.0, 1.0),
            ],
        ];
        for p in good {
            assert_eq!(fault(p), None, "{p:?}");
        }
        let bad: [(&[Corner], &str); 8] = [
            (&[(0.0, 0.0), (1.0, 0.0)], "at least three"),
            (&[(0.0, 0.0), (1.2, 0.0), (1.0, 1.0)], "outside the picture"),
            (
                &[(0.0, 0.0), (f64::NAN, 0.0), (1.0, 1.0)],
                "outside the picture",
            ),
            (
                &[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)],
                "crosses itself",
            ),
            (&[(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)], "folds back"),
            (&[(0.0, 0.0), (0.0, 0.0), (1.0, 1.0)], "twice running"),
            (
                &[(0.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.5, 1.0)],
                "folds back",
            ),
            (
                &[(0.9, 0.5), (0.91, 0.5), (0.91, 0.51)],
                "0.005 % of the picture, about 14 by 8 pixels of 1920 by 1080, at the right",
            ),
        ];
        for (p, why) in bad {
            assert!(
                fault(p).is_some_and(|f| f.contains(why)),
                "{p:?}: {:?}",
                fault(p)
            );
        }
    }

    /// MSK-1: polygons over one another are a slip, and are said with where; side by side and in each other's bays they are fine.
    #[test]
    fn polygons_over_one_another() {
        let square = |x: f64, y: f64, side: f64| {
            vec![(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
        };
        let (a, b) = (square(0.0, 0.0, 0.5), square(0.5, 0.0, 0.5));
        assert_eq!(overlap(&[a.clone(), b.clone()]), None, "side by side");
        let bay = vec![
            (0.0, 0.0),
            (0.9, 0.0),
            (0.9, 0.9),
            (0.8, 0.9),
            (0.8, 0.1),
            (0.0, 0.1),
        ];
        assert_eq!(overlap(&[bay, square(0.1, 0.3, 0.4)]), None);
        let (i, j, why) = overlap(&[b, a.clone(), square(0.4, 0.4, 0.2)]).expect("over");
        assert_eq!((i, j), (0, 2));
        assert!(why.contains("polygons[0]") && why.contains("25 %"), "{why}");
        let (_, _, twice) = overlap(&[a.clone(), a]).expect("over");
        assert!(
            twice.contains("100 %") && twice.contains("at the top left"),
            "{twice}"
        );
    }

    #[test]
    fn how_much_is_covered() {
        let left = vec![(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)];
        let top = vec![(0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)];
        assert_eq!(permille(std::slice::from_ref(&left)), 500);
        assert_eq!(permille(&[left, top]), 750);
        assert_eq!(permille(&[vec![(0.0, 0.0), (0.001, 0.0), (0.0, 0.001)]]), 1);
    }
}
