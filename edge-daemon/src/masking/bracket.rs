//! Pure. Pictures of a camera that paints its mask itself, held until the key frames at both ends of them are proved.
//!
//! ```text
//! key ✓ ─ pictures ─ key ✓ ─ pictures ─ key ✗ ─ pictures ─ key ✓ ─ pictures ─ key ✓
//!      └── released ──┘      └── dropped ────── dropped ───┘     └── released ──┘
//! ```
//! So what is released lags one key-frame interval behind, and that much more is lost when a session ends or the power goes.
//! A picture shown before its own key frame but sent after it lies between that key frame and the one before: it needs both.
use std::collections::VecDeque;

use footage::mp4::Parameters;

use crate::segment::Unit;

/// Held at most of one camera: 16 s at 12 Mbit/s.
pub const MOST_BYTES: usize = 24 << 20;

/// Its key frames are so far apart that what lies between cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFar;

/// A key frame, and what follows it until the next.
#[derive(Debug)]
struct Group {
    pts: i64,
    units: Vec<Unit>,
    proved: Option<bool>,
}

#[derive(Debug, Default)]
pub struct Bracket {
    /// Oldest first. All but the last are whole.
    groups: VecDeque<Group>,
    bytes: usize,
    /// What lies just before the oldest group was released.
    joined: bool,
    /// Said by pictures that were dropped: of the next that is released.
    parameters: Option<Parameters>,
    /// Of pictures that were dropped, and how many: of the next that is released.
    lost: u32,
    shed: u32,
    dropped: u64,
}

impl Bracket {
    /// Takes a unit in. A key frame is to be proved by [`Bracket::verdict`]; until then nothing on either side of it is released.
    pub fn unit(&mut self, unit: Unit) -> Result<(), TooFar> {
        if unit.key {
            self.groups.push_back(Group {
                pts: unit.pts,
                units: Vec::new(),
                proved: None,
            });
        }
        let Some(group) = self.groups.back_mut() else {
            self.drop_unit(unit);
            return Ok(());
        };
        self.bytes += unit.bytes.len();
        group.units.push(unit);
        if self.bytes > MOST_BYTES {
            self.drop_all();
            return Err(TooFar);
        }
        Ok(())
    }

    /// Whether the key frame of this time showed the mask. One that is not known is of pictures dropped before.
    pub fn verdict(&mut self, pts: i64, pass: bool) {
        let asked = self
            .groups
            .iter_mut()
            .find(|g| g.pts == pts && g.proved.is_none());
        if let Some(group) = asked {
            group.proved = Some(pass);
        }
    }

    /// What is proved at both ends, in order.
    pub fn take(&mut self, out: &mut Vec<Unit>) {
        while let [first, next, ..] = self.groups.make_contiguous() {
            let (Some(here), Some(there)) = (first.proved, next.proved) else {
                return;
            };
            let Some(group) = self.groups.pop_front() else {
                return;
            };
            let released = here && there;
            for mut unit in group.units {
                self.bytes -= unit.bytes.len();
                if !released || (unit.pts < group.pts && !self.joined) {
                    self.drop_unit(unit);
                    continue;
                }
                unit.lost += std::mem::take(&mut self.lost);
                unit.shed += std::mem::take(&mut self.shed);
                if unit.key {
                    unit.parameters = unit.parameters.or(self.parameters.take());
                }
                out.push(unit);
            }
            self.joined = released;
        }
    }

    /// Pictures that were not released and never will be.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn drop_unit(&mut self, unit: Unit) {
        self.dropped += 1;
        self.lost += unit.lost;
        self.shed += 1 + unit.shed;
        if unit.parameters.is_some() {
            self.parameters = unit.parameters;
        }
    }

    fn drop_all(&mut self) {
        for group in std::mem::take(&mut self.groups) {
            for unit in group.units {
                self.drop_unit(unit);
            }
        }
        self.bytes = 0;
        self.joined = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::unit;

    fn run(bracket: &mut Bracket) -> Vec<i64> {
        let mut out = Vec::new();
        bracket.take(&mut out);
        out.iter().map(|u| u.pts).collect()
    }

    /// MSK-2, MSK-5: nothing is released before the key frame after it is proved.
    #[test]
    fn both_ends() {
        let mut b = Bracket::default();
        for (pts, key) in [(0, false), (1, true), (2, false), (3, false)] {
            b.unit(unit(pts, key)).expect("fits");
        }
        b.verdict(1, true);
        assert_eq!(run(&mut b), [0; 0], "the other end is missing");
        b.unit(unit(4, true)).expect("fits");
        b.unit(unit(5, false)).expect("fits");
        assert_eq!(run(&mut b), [0; 0]);
        b.verdict(4, true);
        assert_eq!(run(&mut b), [1, 2, 3]);
        assert_eq!(b.dropped(), 1, "what came before the first key frame");
        b.unit(unit(6, true)).expect("fits");
        b.verdict(6, false);
        assert_eq!(run(&mut b), [0; 0]);
        for (pts, key) in [(7, false), (8, true), (9, false), (10, true)] {
            b.unit(unit(pts, key)).expect("fits");
        }
        b.verdict(8, true);
        b.verdict(10, true);
        assert_eq!(
            run(&mut b),
            [8, 9],
            "both sides of the failed one are dropped"
        );
        assert_eq!(b.dropped(), 5);
    }

    /// MSK-5: a picture shown before its key frame needs the key frame before, too.
    #[test]
    fn pictures_shown_before_their_key_frame() {
        let mut b = Bracket::default();
        for (pts, key) in [
            (10, true),
            (20, true),
            (18, false),
            (22, false),
            (30, true),
            (28, false),
            (40, true),
        ] {
            b.unit(unit(pts, key)).expect("fits");
        }
        b.verdict(10, false);
        for pts in [20, 30, 40] {
            b.verdict(pts, true);
        }
        assert_eq!(run(&mut b), [20, 22, 30, 28], "18 lies between 10 and 20");
    }

    #[test]
    fn key_frames_too_far_apart() {
        let mut b = Bracket::default();
        let large = |pts, key| Unit {
            bytes: vec![0; 1 << 20].into(),
            ..unit(pts, key)
        };
        b.unit(large(0, true)).expect("fits");
        let held = (1..).find(|n| b.unit(large(*n, false)).is_err());
        assert_eq!(held, Some(24));
        assert_eq!((b.bytes, b.dropped()), (0, 25));
    }

    proptest! {
        /// MSK-5: whatever passes and fails, and whenever that is known: what is released lies between two proved key frames, in
        /// order, and all that does is released at the end.
        #[test]
        fn only_between_two_proofs(
            keys in proptest::collection::vec((1usize..5, any::<bool>()), 1..12),
            late in 0usize..4,
        ) {
            let mut b = Bracket::default();
            let (mut pts, mut out, mut want, mut said) = (0i64, Vec::new(), Vec::new(), Vec::new());
            for (n, (count, pass)) in keys.iter().enumerate() {
                let after = keys.get(n + 1).is_some_and(|k| k.1);
                said.push((pts, *pass));
                for i in 0..*count {
                    b.unit(unit(pts, i == 0)).expect("fits");
                    if *pass && after {
                        want.push(pts);
                    }
                    pts += 1;
                }
                if n >= late {
                    let (at, pass) = said[n - late];
                    b.verdict(at, pass);
                }
                b.take(&mut out);
            }
            for (at, pass) in &said {
                b.verdict(*at, *pass);
            }
            b.take(&mut out);
            let got: Vec<i64> = out.iter().map(|u| u.pts).collect();
            prop_assert_eq!(got, want);
        }
    }
}
