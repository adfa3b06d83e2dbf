use super::*;
use crate::testing::{Dice, noise};

const W: u32 = 640;
const H: u32 = 360;

/// A picture made by a function of plane and luma place.
struct Made([Vec<Vec<u8>>; 3]);

impl Made {
    fn new(value: impl Fn(usize, u32, u32) -> u8) -> Self {
        Self([0usize, 1, 2].map(|plane| {
            let step = if plane == 0 { 1 } else { 2 };
            (0..H)
                .step_by(step)
                .map(|y| (0..W).step_by(step).map(|x| value(plane, x, y)).collect())
                .collect()
        }))
    }

    fn view(&self) -> View<'_> {
        View {
            planes: [0, 1, 2].map(|p| self.0[p].iter().map(Vec::as_slice).collect()),
            full_range: false,
            matrix: Matrix::Unknown,
        }
    }
}

/// A scene with detail everywhere.
fn scene(plane: usize, x: u32, y: u32) -> u8 {
    let roll = noise(u64::from(
        x / 3 * 7919 + y / 3 * 104_729 + plane as u32 * 31,
    ));
    let spread = if plane == 0 { 170.0 } else { 40.0 };
    (if plane == 0 { 40.0 } else { 108.0 } + roll * spread) as u8
}

fn inside(x: u32, y: u32) -> bool {
    (192..352).contains(&x) && (108..216).contains(&y)
}

fn mask() -> Mask {
    Mask::new(vec![vec![[0.3, 0.3], [0.55, 0.3], [0.55, 0.6], [0.3, 0.6]]]).unwrap()
}

fn test(rule: Rule, value: impl Fn(usize, u32, u32) -> u8) -> Result<(), String> {
    Proof::new(&mask(), rule, W, H).test(&Made::new(value).view())
}

const SOLID: Rule = Rule::Solid { colour: None };

fn covered(colour: [u8; 3]) -> impl Fn(usize, u32, u32) -> u8 {
    move |plane, x, y| {
        if inside(x, y) {
            colour[plane]
        } else {
            scene(plane, x, y)
        }
    }
}

/// Design §5: a polygon of one colour passes, whichever; an uncovered one does not, and the sentence says where and what.
#[test]
fn msk_2_one_colour_passes_and_a_scene_does_not() {
    for colour in [
        [16, 128, 128],
        [235, 128, 128],
        [41, 240, 110],
        [128, 90, 200],
    ] {
        assert_eq!(test(SOLID, covered(colour)), Ok(()));
    }
    let why = test(SOLID, scene).unwrap_err();
    assert!(
        why.starts_with("polygon 1 is not covered: at ")
            && why.contains("% across")
            && why.contains("the picture shows detail (")
            && why.ends_with(" of 70 tiles)"),
        "{why}"
    );
}

/// Design §5: what leaves a part of the polygon open fails: half of it, a shift by three in a hundred, an object, a hole.
#[test]
fn msk_2_every_part_must_be_covered() {
    let black = covered([16, 128, 128]);
    let with = |open: &dyn Fn(u32, u32) -> bool| {
        test(SOLID, |plane, x, y| {
            if open(x, y) {
                scene(plane, x, y)
            } else {
                black(plane, x, y)
            }
        })
    };
    assert!(with(&|_, _| false).is_ok());
    assert!(with(&|x, _| x < 272).unwrap_err().contains("detail"));
    assert!(with(&|x, _| x < 192 + 19).is_err(), "shifted to the right");
    assert!(with(&|_, y| y >= 216 - 11).is_err(), "shifted upwards");
    for (left, top) in [(200, 115), (260, 150), (330, 190)] {
        let object = |plane: usize, x: u32, y: u32| {
            if (left..left + 16).contains(&x) && (top..top + 16).contains(&y) {
                [200, 128, 128][plane]
            } else {
                black(plane, x, y)
            }
        };
        let why = test(SOLID, object).unwrap_err();
        let percent = |n: u32, of: u32| f64::from(n) * 100.0 / f64::from(of);
        let near: Vec<f64> = why
            .split(['t', '%', ','])
            .filter_map(|w| w.trim().parse().ok())
            .collect();
        assert!(
            (near[0] - percent(left + 8, W)).abs() < 4.0
                && (near[1] - percent(top + 8, H)).abs() < 6.0,
            "{why}"
        );
    }
    // A colour that differs by little but everywhere in a tile, and in chroma only.
    for other in [[40, 128, 128], [16, 140, 128], [16, 128, 116]] {
        assert!(
            test(
                SOLID,
                |p, x, y| if (240..300).contains(&x) && inside(x, y) {
                    other[p]
                } else {
                    black(p, x, y)
                }
            )
            .is_err()
        );
    }
}

/// Design §5: a mask that lets a quarter through is none.
#[test]
fn msk_2_a_see_through_mask_fails() {
    let black = covered([16, 128, 128]);
    let through = |plane: usize, x: u32, y: u32| {
        (f64::from(black(plane, x, y)) * 0.75 + f64::from(scene(plane, x, y)) * 0.25) as u8
    };
    assert!(test(SOLID, through).is_err());
}

/// Design §5: the colour stated is the colour looked for, in either matrix where the stream does not say which.
#[test]
fn msk_2_the_colour_stated_must_be_the_colour_seen() {
    for stated in [[0, 0, 0], [0, 0, 255], [255, 0, 255], [16, 120, 40]] {
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            let rule = Rule::Solid {
                colour: Some(stated),
            };
            assert_eq!(test(rule, covered(ycbcr(stated, matrix, false))), Ok(()));
        }
        let rule = Rule::Solid {
            colour: Some([200, 60, 20]),
        };
        let why = test(rule, covered(ycbcr(stated, Matrix::Bt601, false))).unwrap_err();
        assert!(
            why.contains("one colour, #") && why.ends_with("but not the mask's #c83c14"),
            "{why}"
        );
    }
    // A dark window is not a blue mask.
    let blue = Rule::Solid {
        colour: Some([0, 0, 255]),
    };
    assert!(test(blue, covered([18, 128, 128])).is_err());
    // Full range, and a stream that says which matrix.
    let made = Made::new(covered(ycbcr([0, 0, 255], Matrix::Bt709, true)));
    let mut view = made.view();
    (view.full_range, view.matrix) = (true, Matrix::Bt709);
    assert_eq!(Proof::new(&mask(), blue, W, H).test(&view), Ok(()));
    view.full_range = false;
    assert!(Proof::new(&mask(), blue, W, H).test(&view).is_err());
}

fn mosaic(cell: u32, phase: (u32, u32)) -> impl Fn(usize, u32, u32) -> u8 {
    move |plane, x, y| {
        if !inside(x, y) {
            return scene(plane, x, y);
        }
        // A mean over half a cell, so that chroma pixels on the line fall to one side.
        let (cx, cy) = ((x + cell - phase.0) / cell, (y + cell - phase.1) / cell);
        let roll = noise(u64::from(cx * 7919 + cy * 104_729 + plane as u32));
        let spread = if plane == 0 { 120.0 } else { 30.0 };
        (if plane == 0 { 60.0 } else { 113.0 } + roll * spread) as u8
    }
}

/// Design §5: a mosaic of the stated cells passes wherever its grid lies; finer and coarser ones fail, and so does the scene.
#[test]
fn msk_2_a_mosaic_of_the_stated_cells_passes() {
    for phase in [(0, 0), (3, 7), (11, 4), (5, 9)] {
        let rule = |cell| Rule::Pixelated { cell };
        assert_eq!(test(rule(12), mosaic(12, phase)), Ok(()), "{phase:?}");
        assert_eq!(test(rule(16), mosaic(16, phase)), Ok(()), "{phase:?}");
        for (stated, real) in [
            (16, 8),
            (16, 12),
            (24, 8),
            (24, 16),
            (16, 20),
            (12, 16),
            (24, 30),
        ] {
            let why =
                test(rule(stated), mosaic(real, (phase.0 % real, phase.1 % real))).unwrap_err();
            assert!(why.contains("detail within cells of"), "{why}");
        }
        // Twice or three times as coarse: every cell is flat, but lines are missing.
        for (stated, real) in [(12, 24), (12, 36)] {
            let why = test(rule(stated), mosaic(real, phase)).unwrap_err();
            assert!(
                why.contains(&format!("cells are larger than {stated} pixels")),
                "{why}"
            );
        }
        assert!(test(rule(12), scene).unwrap_err().contains("detail within"));
    }
}

/// Issue 4: a camera's cells may not be finer than what hides enough.
#[test]
fn msk_1_cells_too_small_for_the_picture_fail() {
    let why = test(Rule::Pixelated { cell: 11 }, mosaic(11, (0, 0))).unwrap_err();
    assert!(
        why.contains("cells of 11 pixels are too small") && why.contains("at least 12"),
        "{why}"
    );
}

/// Design §5: one uncovered spot fails a mosaic.
#[test]
fn msk_2_a_hole_in_a_mosaic_fails() {
    let whole = mosaic(16, (3, 5));
    let hole = |plane: usize, x: u32, y: u32| {
        if (260..280).contains(&x) && (150..170).contains(&y) {
            scene(plane, x, y)
        } else {
            whole(plane, x, y)
        }
    };
    assert!(test(Rule::Pixelated { cell: 16 }, hole).is_err());
}

/// MSK-5: a polygon too small for the margins is tested all the same, by half of it at least.
#[test]
fn msk_5_a_small_polygon_is_never_passed_untested() {
    let mut dice = Dice(17);
    for (wide, high) in [
        (6.0, 6.0),
        (3.0, 40.0),
        (60.0, 2.0),
        (12.0, 9.0),
        (1.0, 1.0),
    ] {
        for _ in 0..20 {
            let (x, y) = (dice.roll() * 500.0, dice.roll() * 300.0);
            let at = |x: f64, y: f64| [x / f64::from(W), y / f64::from(H)];
            let polygon = vec![
                at(x, y),
                at(x + wide, y),
                at(x + wide, y + high),
                at(x, y + high),
            ];
            let Ok(mask) = Mask::new(vec![polygon]) else {
                continue; // one that falls between the checking grid's points is refused elsewhere
            };
            let region = Region::new(&mask.each().next().unwrap(), W, H);
            let covered = mask.plane(W, H, 0).count();
            assert!(
                region.planes[0].all.count() * 2 >= covered && region.planes[1].all.count() > 0
            );
            // Detail of one pixel, so that even the smallest shows some.
            let fine = |plane: usize, x: u32, y: u32| {
                if plane == 0 {
                    ((x + y) % 2 * 200) as u8
                } else {
                    128
                }
            };
            for rule in [SOLID, Rule::Pixelated { cell: 16 }] {
                let done = Proof::new(&mask, rule, W, H).test(&Made::new(fine).view());
                assert!(
                    done.is_err() || covered < 9,
                    "{wide}x{high} at {x},{y}: {covered} pixels"
                );
            }
        }
    }
}

/// Design §5: of several polygons each is tested, and the sentence says which failed.
#[test]
fn msk_2_the_polygon_that_fails_is_named() {
    let square = |x: f64, y: f64| vec![[x, y], [x + 0.1, y], [x + 0.1, y + 0.1], [x, y + 0.1]];
    let mask = Mask::new(vec![square(0.32, 0.32), square(0.7, 0.7)]).unwrap();
    let why = Proof::new(&mask, SOLID, W, H)
        .test(&Made::new(covered([16, 128, 128])).view())
        .unwrap_err();
    assert!(why.starts_with("polygon 2 is not covered: at 7"), "{why}");
}

#[test]
fn colours_there_and_back() {
    for matrix in [Matrix::Bt601, Matrix::Bt709] {
        for full in [false, true] {
            for colour in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [10, 200, 90]] {
                let back = rgb(ycbcr(colour, matrix, full), matrix, full);
                assert!(
                    (0..3).all(|i| back[i].abs_diff(colour[i]) <= 3),
                    "{colour:?} {back:?}"
                );
            }
        }
    }
    assert_eq!(ycbcr([0, 0, 255], Matrix::Bt601, false), [41, 240, 110]);
}
