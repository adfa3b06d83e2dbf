//! Pure. Overload: how many pictures are left out so that the rest keep pace. The mask is never what is left out.
//!
//! Every picture is decoded (the next one needs it); one in 1, 2, 3, 4 or 6 is painted and encoded, which is most of the
//! cost. Key pictures the camera gave are always encoded: players and cuts rely on them.

/// One picture in so many.
pub const STEPS: [u32; 5] = [1, 2, 3, 4, 6];
/// Pictures waiting at which something is done: a third of a second at 25 a second, more than a slow key picture makes.
const MANY: u8 = 8;
/// Pictures after a step in which it can show whether it was enough: whether fewer wait than before.
const SETTLE: u32 = 25;
/// At so many waiting nobody waits that long: the daemon is about to drop what it cannot hold (100).
const TOO_MANY: u8 = 64;
const SETTLE_PRESSED: u32 = 5;
/// The daemon hands pictures over in turns of a fifth of a second, and those of a session's beginning at once: what waits is judged by
/// the fewest that waited over so many pictures. A worker that keeps pace has an empty queue once in each turn.
const WINDOW: usize = 16;
/// Waiting pictures that still count as none: one is on its way in.
const FEW: u8 = 1;
/// Pictures in a row with [`FEW`] waiting before a step down; doubled each time that step down proves too early.
const CALM: u32 = 100;
const LONGEST_CALM: u32 = 6400;

#[derive(Clone, Debug)]
pub struct Shed {
    step: usize,
    /// How many waited at each of the last [`WINDOW`] pictures, in turn.
    recent: [u8; WINDOW],
    next: usize,
    /// Pictures since the last step, or since it was last looked at.
    since: u32,
    /// How many waited then.
    mark: u8,
    /// Pictures in a row with few waiting.
    calm: u32,
    /// How many are wanted before the next step down.
    patience: u32,
    /// The last step was downwards.
    eased: bool,
    /// Pictures since the last one encoded.
    left_out: u32,
}

impl Default for Shed {
    fn default() -> Self {
        Self {
            step: 0,
            recent: [0; WINDOW],
            next: 0,
            since: SETTLE,
            mark: 0,
            calm: 0,
            patience: CALM,
            eased: false,
            left_out: u32::MAX,
        }
    }
}

impl Shed {
    pub fn one_in(&self) -> u32 {
        STEPS[self.step]
    }

    /// A picture has come in with so many behind it. Says the new rate when it changes.
    pub fn behind(&mut self, waiting: u8) -> Option<u32> {
        self.recent[self.next] = waiting;
        self.next = (self.next + 1) % WINDOW;
        let fewest = self.recent.iter().copied().min().unwrap_or(0);
        let most = self.recent.iter().copied().max().unwrap_or(0);
        self.since = self.since.saturating_add(1);
        self.calm = if fewest <= FEW {
            self.calm.saturating_add(1)
        } else {
            0
        };
        // What came at once and is being worked off is no overload.
        if fewest >= MANY && (waiting >= most || waiting >= TOO_MANY) {
            let settle = if waiting >= TOO_MANY {
                SETTLE_PRESSED
            } else {
                SETTLE
            };
            if self.since <= settle {
                return None;
            }
            self.since = 0;
            let grows = waiting >= self.mark;
            self.mark = waiting;
            if grows && self.step + 1 < STEPS.len() {
                if self.eased {
                    self.patience = (self.patience * 2).min(LONGEST_CALM);
                }
                self.eased = false;
                self.step += 1;
                return Some(self.one_in());
            }
        } else if self.step > 0 && self.calm >= self.patience {
            if self.eased {
                // The step before this one was not too early.
                self.patience = (self.patience / 4).max(CALM);
            }
            self.eased = true;
            self.step -= 1;
            (self.since, self.mark, self.calm) = (SETTLE, 0, 0);
            return Some(self.one_in());
        } else if self.step == 0 && self.calm >= LONGEST_CALM {
            (self.patience, self.eased) = (CALM, false);
        }
        None
    }

    /// Whether the next decoded picture is to be encoded.
    pub fn take(&mut self, key: bool) -> bool {
        if key || self.left_out >= self.one_in() - 1 {
            self.left_out = 0;
            true
        } else {
            self.left_out += 1;
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker for `ms` milliseconds a picture encoded (`decode` a picture decoded), a camera with 25 pictures a second
    /// and a key picture each 50. Gives the rates said, with the picture at which they were.
    fn run(
        shed: &mut Shed,
        pictures: u32,
        encode: impl Fn(u32) -> f64,
        decode: f64,
    ) -> Vec<(u32, u32)> {
        let (mut clock, mut said) = (0.0f64, Vec::new());
        for i in 0..pictures {
            clock = clock.max(f64::from(i) * 40.0);
            let came = (clock / 40.0) as u32;
            let waiting = (came.min(pictures) - i).min(100) as u8;
            said.extend(shed.behind(waiting).map(|rate| (i, rate)));
            clock += decode;
            if shed.take(i % 50 == 0) {
                clock += encode(i);
            }
        }
        said
    }

    /// Issue 4: a worker that keeps pace leaves nothing out, even with a key picture that takes five times as long.
    #[test]
    fn who_keeps_pace_leaves_nothing_out() {
        let slow_keys = |i: u32| if i.is_multiple_of(50) { 180.0 } else { 30.0 };
        assert_eq!(run(&mut Shed::default(), 5000, slow_keys, 4.0), []);
    }

    /// Issue 4: pictures that come in turns, and many at once when a session begins, are no overload; after one they come all again.
    #[test]
    fn pictures_that_come_in_turns_are_no_overload() {
        for (fps, at_once) in [(12u32, 8), (25, 15), (50, 30)] {
            for encode_ms in [5.0, 0.8 * 1000.0 / f64::from(fps)] {
                for step in [0, 3] {
                    let mut shed = Shed {
                        step,
                        ..Shed::default()
                    };
                    // Those before `at_once` come with the first; the others at the end of the turn they fall in.
                    let comes =
                        |i: u32| f64::from(i.saturating_sub(at_once) * 1000 / fps / 200) * 200.0;
                    let (mut clock, mut said) = (0.0f64, Vec::new());
                    for i in 0..fps * 120 {
                        clock = clock.max(comes(i));
                        let waiting = (i + 1..)
                            .take_while(|n| comes(*n) <= clock)
                            .take(100)
                            .count();
                        said.extend(shed.behind(waiting as u8));
                        if shed.take(false) {
                            clock += encode_ms;
                        }
                    }
                    assert_eq!(shed.one_in(), 1, "{fps} {encode_ms} {said:?}");
                    assert!(step > 0 || said.is_empty(), "{fps} {encode_ms} {said:?}");
                }
            }
        }
    }

    /// Issue 4: under overload the rate falls just so far that the rest keeps pace, and comes back when the load is gone.
    #[test]
    fn the_rate_falls_as_far_as_it_must_and_comes_back() {
        let mut shed = Shed::default();
        let said = run(&mut shed, 5000, |i| if i < 1500 { 90.0 } else { 15.0 }, 5.0);
        let rates: Vec<u32> = said.iter().map(|s| s.1).collect();
        assert_eq!(rates.iter().max(), Some(&3), "{said:?}");
        assert_eq!(shed.one_in(), 1, "{said:?}");
        let first = said[0];
        assert!(first.1 == 2 && first.0 < 40, "{said:?}");
    }

    /// Issue 4: near the edge it does not swing to and fro: each try that was too early makes the next one later.
    #[test]
    fn it_does_not_swing() {
        let said = run(&mut Shed::default(), 25 * 600, |_| 45.0, 5.0);
        assert!(
            said.len() <= 16,
            "{} changes in ten minutes: {said:?}",
            said.len()
        );
    }

    /// Issue 4: one in two, three, four, six; and a key picture always.
    #[test]
    fn one_in_so_many_is_encoded_and_each_key_picture() {
        for (step, &one_in) in STEPS.iter().enumerate() {
            let mut shed = Shed {
                step,
                ..Shed::default()
            };
            let taken = (0..600).filter(|_| shed.take(false)).count();
            assert_eq!(taken as u32, 600 / one_in);
            assert!((0..100).all(|_| shed.take(true)));
        }
        let mut shed = Shed {
            step: 4,
            ..Shed::default()
        };
        let taken: Vec<u32> = (0..20).filter(|&i| shed.take(i == 9)).collect();
        assert_eq!(taken, [0, 6, 9, 15]);
    }

    /// Issue 4: a worker too slow to decode ends at the lowest rate and stays there; the daemon drops the rest.
    #[test]
    fn below_the_lowest_rate_it_does_not_go() {
        let mut shed = Shed::default();
        let said = run(&mut shed, 2000, |_| 100.0, 60.0);
        let rates: Vec<u32> = said.iter().map(|s| s.1).collect();
        assert_eq!(rates, [2, 3, 4, 6]);
        assert!(said[3].0 < 150, "{said:?}");
    }
}
