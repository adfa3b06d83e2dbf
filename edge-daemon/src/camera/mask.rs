//! Pure. A mask as the log names it: the bytes its hash is of, and how much of the picture it covers.
use shared::record::{hex, sha256};

use crate::config::Mask;

/// The polygons as the picture worker is given them, `[[[x,y],…],…]`, and the SHA-256 of those bytes in lower hex.
pub fn polygons_json(mask: &Mask) -> (String, String) {
    let polygons: Vec<Vec<[f64; 2]>> = mask
        .polygons
        .iter()
        .map(|p| p.iter().map(|(x, y)| [*x, *y]).collect())
        .collect();
    // Numbers in lists always have a JSON form.
    let json = serde_json::to_string(&polygons).unwrap_or_default();
    let digest = hex(&sha256(json.as_bytes()));
    (json, digest)
}

/// Thousandths of the picture that the polygons cover together, by a grid of 250 × 250 points.
pub fn permille(mask: &Mask) -> u64 {
    const N: u32 = 250;
    let centre = |i: u32| (f64::from(i) + 0.5) / f64::from(N);
    let mut covered = 0u64;
    for y in 0..N {
        for x in 0..N {
            covered += u64::from(
                mask.polygons
                    .iter()
                    .any(|p| inside(p, centre(x), centre(y))),
            );
        }
    }
    (covered * 1000 + u64::from(N * N) / 2) / u64::from(N * N)
}

/// Even-odd rule.
fn inside(polygon: &[(f64, f64)], x: f64, y: f64) -> bool {
    let mut odd = false;
    for (i, (x1, y1)) in polygon.iter().enumerate() {
        let (x2, y2) = polygon[(i + 1) % polygon.len()];
        if (*y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 {
            odd = !odd;
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(polygons: Vec<Vec<(f64, f64)>>) -> Mask {
        Mask {
            id: "m1".into(),
            polygons,
            review: None,
        }
    }

    /// MSK-3: the log says how much of the picture is covered; overlap counts once.
    #[test]
    fn cover() {
        let left = vec![(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)];
        assert_eq!(permille(&mask(vec![left.clone()])), 500);
        assert_eq!(permille(&mask(vec![left.clone(), left])), 500);
        assert_eq!(permille(&mask(vec![])), 0);
        assert!(permille(&mask(vec![vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]])).abs_diff(500) <= 2);
    }

    #[test]
    fn json() {
        let (json, hash) = polygons_json(&mask(vec![vec![(0.0, 0.25), (1.0, 0.0), (0.5, 1.0)]]));
        assert_eq!(json, "[[[0.0,0.25],[1.0,0.0],[0.5,1.0]]]");
        assert_eq!(hash.len(), 64);
    }
}
