//! Pure. Whether a polygon can be painted, and how much of the picture it covers.

pub type Corner = (f64, f64);

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
    (area(corners) <= 1e-9).then(|| "it covers nothing: its corners lie on one line".into())
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
    const GRID: usize = 400;
    let at = |i: usize| (i as f64 + 0.5) / GRID as f64;
    let covered = (0..GRID * GRID)
        .filter(|k| {
            polygons
                .iter()
                .any(|p| inside(p, (at(k % GRID), at(k / GRID))))
        })
        .count();
    let permille = (covered * 1000 / (GRID * GRID)) as u64;
    if polygons.is_empty() {
        0
    } else {
        permille.max(1)
    }
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
        let bad: [(&[Corner], &str); 7] = [
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
        ];
        for (p, why) in bad {
            assert!(
                fault(p).is_some_and(|f| f.contains(why)),
                "{p:?}: {:?}",
                fault(p)
            );
        }
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
