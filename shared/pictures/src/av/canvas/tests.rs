use super::*;
use crate::testing::Dice;

fn video(width: u32, height: u32, value: impl Fn(usize, u32, u32) -> u8) -> Video {
    let mut frame = Video::new(Pixel::YUV420P, width, height);
    for plane in 0..3 {
        let (w, h) = if plane == 0 {
            (width, height)
        } else {
            (width / 2, height / 2)
        };
        for y in 0..h {
            let row = row_mut(&mut frame, plane, y, w).unwrap();
            for (x, sample) in row.iter_mut().enumerate() {
                *sample = value(plane, x as u32, y);
            }
        }
    }
    frame
}

fn planes(frame: &Video) -> Vec<Vec<u8>> {
    let side = |plane: usize, n: u32| if plane == 0 { n } else { n / 2 };
    (0..3)
        .map(|p| {
            let (w, h) = (side(p, frame.width()), side(p, frame.height()));
            (0..h)
                .flat_map(|y| row(frame, p, y, w).unwrap().to_vec())
                .collect()
        })
        .collect()
}

fn mask(dice: &mut Dice) -> Mask {
    let polygon = (0..5).map(|_| [dice.roll(), dice.roll()]).collect();
    Mask::new(vec![polygon]).unwrap()
}

const SIZES: [(u32, u32); 5] = [
    (320, 180),
    (640, 360),
    (1280, 720),
    (1920, 1080),
    (3840, 2160),
];

/// MSK-1: two pictures that differ only within the cells (their means are the same) are painted the same under the mask;
/// outside it every pixel is as it was. All three planes, at each usual size.
#[test]
fn msk_1_only_the_means_of_cells_get_through() {
    let mut dice = Dice(3);
    for (width, height) in SIZES {
        let mask = mask(&mut dice);
        let cell = cells::painted(height);
        assert!(height <= cell * cells::CELLS_HIGH);
        let base = dice.0;
        let mean = move |plane: usize, x: u32, y: u32| {
            let cell = if plane == 0 { cell } else { cell / 2 };
            let mut dice =
                Dice(base ^ u64::from(x / cell * 7919 + y / cell * 104_729 + plane as u32));
            dice.roll();
            40 + (dice.roll() * 170.0) as u8
        };
        // Detail as strong as can be, of mean zero in each cell: pairs of samples, one up, one down. In each picture other.
        let detailed = |seed: u64| {
            move |plane: usize, x: u32, y: u32| {
                let mut dice = Dice(seed ^ u64::from(x / 2 * 31 + y * 65_537));
                dice.roll();
                let up = (dice.roll() < 0.5) == x.is_multiple_of(2);
                let value = mean(plane, x, y);
                if up { value + 39 } else { value - 39 }
            }
        };
        let (one, other) = (
            video(width, height, detailed(11)),
            video(width, height, detailed(12)),
        );
        let kind = Kind::of(&one);
        let mut canvas = Canvas::new(&kind, &mask, Style::Pixelated).unwrap();
        let painted_one = planes(canvas.paint(&one).unwrap().0);
        let painted_other = planes(canvas.paint(&other).unwrap().0);
        for plane in 0..3 {
            let spans = mask.plane(width, height, u32::from(plane > 0));
            let w = spans.width as usize;
            let (original_one, original_other) = (&planes(&one)[plane], &planes(&other)[plane]);
            // The last row of cells may be cut within a pair of rows but never within a pair of columns: widths are even,
            // but a cut cell of odd width would not have its mean kept; those are left to the test below.
            let mut differ = 0;
            for y in 0..spans.height() {
                let at = y as usize * w;
                let row = at..at + w;
                for (a, b) in spans.open(y) {
                    let range = row.start + a as usize..row.start + b as usize;
                    assert_eq!(
                        painted_one[plane][range.clone()],
                        original_one[range.clone()]
                    );
                    assert_eq!(painted_other[plane][range.clone()], original_other[range]);
                }
                for &(a, b) in spans.covered(y) {
                    let range = row.start + a as usize..row.start + b as usize;
                    assert_eq!(
                        painted_one[plane][range.clone()],
                        painted_other[plane][range.clone()],
                        "{width}x{height}, plane {plane}, row {y}"
                    );
                    differ += usize::from(original_one[range.clone()] != original_other[range]);
                }
            }
            assert!(differ > 10, "the pictures do differ under the mask");
        }
    }
}

/// MSK-1: what gets through of a cell is its mean, to the nearest of 32 steps.
#[test]
fn msk_1_means_are_in_thirty_two_steps() {
    let mut dice = Dice(5);
    let (width, height) = (640, 360);
    let whole = Mask::new(vec![vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]]).unwrap();
    let base = dice.0;
    let noise = move |_: usize, x: u32, y: u32| {
        let mut dice = Dice(base ^ u64::from(x * 31 + y * 65_537));
        dice.roll();
        ((x / 3) as f64 + dice.roll() * 40.0) as u8
    };
    let picture = video(width, height, noise);
    let mut canvas = Canvas::new(&Kind::of(&picture), &whole, Style::Pixelated).unwrap();
    let (painted, original) = (planes(canvas.paint(&picture).unwrap().0), planes(&picture));
    for plane in 0..3 {
        let cell = if plane == 0 { 16 } else { 8 };
        let (w, h) = if plane == 0 { (640, 360) } else { (320, 180) };
        for (top, left) in (0..h)
            .step_by(cell)
            .flat_map(|y| (0..w).step_by(cell).map(move |x| (y, x)))
        {
            let at: Vec<usize> = (top..(top + cell).min(h))
                .flat_map(|y| (left..left + cell).map(move |x| y * w + x))
                .collect();
            let mean = at
                .iter()
                .map(|&i| f64::from(original[plane][i]))
                .sum::<f64>()
                / at.len() as f64;
            let value = painted[plane][at[0]];
            assert!(at.iter().all(|&i| painted[plane][i] == value) && value % 8 == 0);
            assert!((f64::from(value) - mean).abs() <= 4.0, "{value} for {mean}");
        }
    }
    let _ = dice.roll();
}

/// MSK-1: under a solid mask nothing gets through.
#[test]
fn msk_1_under_a_solid_mask_all_is_black() {
    let mut dice = Dice(9);
    for (width, height) in SIZES {
        let mask = mask(&mut dice);
        let picture = video(width, height, |_, x, y| (x * 7 + y * 13) as u8);
        let mut canvas = Canvas::new(&Kind::of(&picture), &mask, Style::Solid).unwrap();
        let painted = planes(canvas.paint(&picture).unwrap().0);
        for (plane, black) in [16u8, 128, 128].into_iter().enumerate() {
            let spans = mask.plane(width, height, u32::from(plane > 0));
            for y in 0..spans.height() {
                let row = &painted[plane][(y * spans.width) as usize..][..spans.width as usize];
                for &(a, b) in spans.covered(y) {
                    assert!(row[a as usize..b as usize].iter().all(|&s| s == black));
                }
            }
        }
    }
}
