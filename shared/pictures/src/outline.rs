//! Pure. Each polygon's outline and number, as dots on a picture: bright on a dark edge, to be seen on anything.

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ink {
    Dark,
    Bright,
}

/// Three columns by five rows, a row in three bits.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 3, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 2, 2, 2],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];

/// Dots may come several times, the last one counts.
pub fn draw(
    polygons: &[Vec<[f64; 2]>],
    width: u32,
    height: u32,
    mut dot: impl FnMut(u32, u32, Ink),
) {
    let mut square = |x: i64, y: i64, size: i64, ink: Ink| {
        for (x, y) in (y..y + size).flat_map(|y| (x..x + size).map(move |x| (x, y))) {
            if (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y) {
                dot(x as u32, y as u32, ink);
            }
        }
    };
    let line = i64::from(height / 360).max(1) + 1;
    for (ink, size) in [(Ink::Dark, line + 2), (Ink::Bright, line)] {
        for polygon in polygons {
            for (a, b) in polygon.iter().zip(polygon.iter().cycle().skip(1)) {
                let (from, to) = (at(a, width, height), at(b, width, height));
                let steps = (to[0] - from[0]).abs().max((to[1] - from[1]).abs()).ceil();
                for step in 0..=steps as u32 {
                    let part = f64::from(step) / steps.max(1.0);
                    let place = |i: usize| (from[i] + (to[i] - from[i]) * part) as i64 - size / 2;
                    square(place(0), place(1), size, ink);
                }
            }
        }
    }
    let scale = i64::from(height / 120).max(2);
    for (i, polygon) in polygons.iter().enumerate() {
        let [x, y] = inner_point(polygon, width, height);
        let text = (i + 1).to_string();
        let (wide, high) = ((text.len() as i64 * 4 + 1) * scale, 7 * scale);
        let left = (x as i64 - wide / 2).clamp(0, (i64::from(width) - wide).max(0));
        let top = (y as i64 - high / 2).clamp(0, (i64::from(height) - high).max(0));
        for (x, y) in (0..wide / scale).flat_map(|x| (0..7).map(move |y| (x, y))) {
            square(left + x * scale, top + y * scale, scale, Ink::Dark);
        }
        for (n, digit) in text.bytes().enumerate() {
            let rows = DIGITS[usize::from(digit.wrapping_sub(b'0') % 10)];
            for (row, bits) in rows.into_iter().enumerate() {
                for column in (0..3).filter(|c| bits >> (2 - c) & 1 == 1) {
                    let (x, y) = (n as i64 * 4 + 1 + column, row as i64 + 1);
                    square(left + x * scale, top + y * scale, scale, Ink::Bright);
                }
            }
        }
    }
}

fn at(&[x, y]: &[f64; 2], width: u32, height: u32) -> [f64; 2] {
    [x * f64::from(width), y * f64::from(height)]
}

/// The middle of the widest stretch inside the polygon at half its height: inside even where the polygon is bent.
fn inner_point(polygon: &[[f64; 2]], width: u32, height: u32) -> [f64; 2] {
    let heights = || polygon.iter().map(|p| p[1]);
    let y = (heights().fold(1.0, f64::min) + heights().fold(0.0, f64::max)) / 2.0;
    let mut sides: Vec<f64> = polygon
        .iter()
        .zip(polygon.iter().cycle().skip(1))
        .filter(|(a, b)| (a[1] > y) != (b[1] > y))
        .map(|(a, b)| a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]))
        .collect();
    sides.sort_by(f64::total_cmp);
    let x = sides
        .chunks_exact(2)
        .max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])))
        .map_or(polygon.first().map_or(0.0, |p| p[0]), |pair| {
            (pair[0] + pair[1]) / 2.0
        });
    at(&[x, y], width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(polygons: &[Vec<[f64; 2]>], width: u32, height: u32) -> Vec<Option<Ink>> {
        let mut dots = vec![None; (width * height) as usize];
        draw(polygons, width, height, |x, y, ink| {
            dots[(y * width + x) as usize] = Some(ink);
        });
        dots
    }

    /// Issue 4: the outline lies where the polygon does, the number within it, the rest of the picture is left alone.
    #[test]
    fn outline_and_number() {
        let square = vec![[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]];
        let dots = drawn(&[square], 640, 360);
        let get = |x: u32, y: u32| dots[(y * 640 + x) as usize];
        assert_eq!(
            (get(160, 180), get(400, 90)),
            (Some(Ink::Bright), Some(Ink::Bright))
        );
        assert_eq!((get(200, 120), get(20, 20)), (None, None));
        let bright = (140..220)
            .flat_map(|y| (290..350).map(move |x| (x, y)))
            .filter(|&(x, y)| get(x, y) == Some(Ink::Bright))
            .count();
        assert!(bright > 30, "the number 1 in the middle: {bright}");
    }

    /// Corners on the very edge and bent polygons are drawn without leaving the picture.
    #[test]
    fn nothing_leaves_the_picture() {
        let bent = vec![
            [0.0, 0.0],
            [1.0, 0.0],
            [1.0, 1.0],
            [0.9, 1.0],
            [0.9, 0.1],
            [0.0, 0.1],
        ];
        for (w, h) in [(16, 16), (320, 180), (3840, 2160)] {
            assert!(
                drawn(&vec![bent.clone(); 12], w, h)
                    .iter()
                    .flatten()
                    .count()
                    > 0
            );
        }
        let [x, y] = inner_point(&bent, 100, 100);
        assert!((90.0..100.0).contains(&x) && (49.0..51.0).contains(&y));
    }
}
