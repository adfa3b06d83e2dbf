//! Pure. Rate and cutter together: what is cut of a camera with two rates.
use footage::mp4::{Codec, Frame, Parameters};
use shared::time::{Utc, Zone};

use super::{
    Cause, Dated, Unit,
    cutter::{Cutter, Pause, Step},
    rate::{Rate, Thinner, Verdict, Wanted},
    ticks_us,
};

const F: i64 = 3600;

struct Rig {
    thinner: Thinner,
    cutter: Cutter,
    realtime: bool,
    /// Where the camera's time zero lies.
    origin_us: i64,
    /// Key frames every so many pictures.
    gop: i64,
    n: i64,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Seg {
    rate: Option<Rate>,
    t0: i64,
    t1: Option<i64>,
    gap: Option<Cause>,
    pauses: Vec<Pause>,
    frames: Vec<Frame>,
}

impl Rig {
    fn new(every: u32, secs: u32) -> Self {
        Self {
            thinner: Thinner::new(every),
            cutter: Cutter::new(Zone::parse("Europe/London").expect("zone"), secs),
            realtime: false,
            origin_us: 0,
            gop: 50,
            n: 0,
            steps: Vec::new(),
        }
    }

    fn frames(&mut self, count: i64) {
        for _ in 0..count {
            self.unit(self.n * F, self.n % self.gop == 0);
            self.n += 1;
        }
    }

    fn unit(&mut self, pts: i64, key: bool) {
        let mut unit = Unit {
            pts,
            wall_us: self.origin_us + ticks_us(pts),
            dated: Dated::default(),
            key,
            bytes: bytes::Bytes::from_static(b"x"),
            lost: 0,
            shed: 0,
            parameters: (self.n == 0).then(|| Parameters {
                codec: Codec::H264,
                width: 640,
                height: 360,
                config: vec![1],
                sound: None,
            }),
        };
        let wanted = Wanted {
            realtime: self.realtime,
            ..Wanted::default()
        };
        let at = self.cutter.at(&unit);
        let seen = self.thinner.unit(&mut unit, at, wanted);
        if seen.verdict == Verdict::Skip {
            self.cutter.skipped(&unit, seen, &mut self.steps);
        } else {
            self.cutter.rated(unit, seen, &mut self.steps);
        }
    }

    /// Times in milliseconds of the session.
    fn segments(&mut self) -> Vec<Seg> {
        self.cutter.finish(Cause::Lost, &mut self.steps);
        let mut all: Vec<Seg> = Vec::new();
        for step in &self.steps {
            match step {
                Step::Begin { t0, rate, gap, .. } => all.push(Seg {
                    rate: *rate,
                    t0: t0.0,
                    t1: None,
                    gap: gap.map(|g| g.0),
                    pauses: Vec::new(),
                    frames: Vec::new(),
                }),
                Step::Fragment { frames, .. } => {
                    let seg = all.last_mut().expect("begun");
                    if matches!(seg.rate, Some(Rate::Timelapse(_))) {
                        assert_eq!(frames.len(), 1, "a picture is a fragment");
                    }
                    seg.frames.extend(frames.iter().cloned());
                }
                Step::End { t1, flaws, .. } => {
                    let seg = all.last_mut().expect("begun");
                    (seg.t1, seg.pauses) = (Some(t1.0), flaws.pauses.clone());
                }
            }
        }
        for seg in &all {
            let hole = |w: &[Frame]| w[0].dts + u64::from(w[0].duration) != w[1].dts;
            assert!(
                !seg.frames.windows(2).any(hole),
                "each lasts until the next"
            );
            assert!(seg.frames[0].key);
        }
        all
    }
}

fn contiguous(all: &[Seg]) {
    for pair in all.windows(2) {
        assert_eq!((pair[0].t1, pair[1].gap), (Some(pair[1].t0), None));
    }
    assert!(
        all.iter().all(|s| s.pauses.is_empty()),
        "nothing is missing"
    );
}

/// REC-3, REC-4: key frames at the interval, each lasting until the next, in segments that follow one another without a hole; and each is
/// handed out when it is taken.
#[test]
fn a_time_lapse_is_whole() {
    let mut rig = Rig::new(4, 12);
    rig.frames(1);
    let out = |rig: &Rig| {
        let is = |s: &&Step| matches!(s, Step::Fragment { .. });
        rig.steps.iter().filter(is).count()
    };
    assert_eq!(
        out(&rig),
        1,
        "the first picture does not wait for the second"
    );
    rig.frames(101 - 1);
    assert_eq!(out(&rig), 2);
    rig.frames(1000 - 101);
    let all = rig.segments();
    contiguous(&all);
    assert_eq!(
        all.iter()
            .map(|s| (s.t0, s.frames.len()))
            .collect::<Vec<_>>(),
        [(0, 3), (12_000, 3), (24_000, 3), (36_000, 1)]
    );
    assert!(
        all.iter()
            .flat_map(|s| &s.frames)
            .skip(1)
            .all(|f| f.duration == 360_000 && f.key),
        "4 s each"
    );
    // The last picture would stand until 40 s; the camera was seen until then but for nothing.
    assert_eq!(all[3].t1, Some(40_000));
    assert_eq!(all[3].rate, Some(Rate::Timelapse(4)));
}

/// A session that ends between two pictures: no more is claimed than was seen.
#[test]
fn the_end_is_what_was_seen() {
    let mut rig = Rig::new(10, 60);
    rig.frames(300);
    let all = rig.segments();
    assert_eq!(all[0].frames.len(), 2);
    assert_eq!(all[0].t1, Some(12_000));
    let mut rig = Rig::new(10, 60);
    rig.frames(251);
    assert_eq!(rig.segments()[0].t1, Some(10_040));
}

/// REC-3: there and back, each side in segments of its own, exactly contiguous, every picture of real time there.
#[test]
fn there_and_back() {
    let mut rig = Rig::new(4, 60);
    rig.frames(320);
    rig.realtime = true;
    rig.frames(310);
    rig.realtime = false;
    rig.frames(370);
    let all = rig.segments();
    contiguous(&all);
    let said: Vec<_> = all.iter().map(|s| (s.rate, s.t0, s.frames.len())).collect();
    assert_eq!(
        said,
        [
            (Some(Rate::Timelapse(4)), 0, 4),
            (Some(Rate::Realtime), 14_000, 300),
            (Some(Rate::Timelapse(4)), 26_000, 4)
        ]
    );
    assert!(all[1].frames.iter().all(|f| f.duration == 3_600));
    assert_eq!(ticks_us(i64::from(all[0].frames[3].duration)), 4_000_000);
}

/// A camera with B pictures: the order they are decoded in survives the switches.
#[test]
fn b_pictures() {
    let mut rig = Rig::new(4, 60);
    rig.cutter.expect_reorder(true);
    rig.realtime = true;
    for (base, realtime) in [
        (0, true),
        (50, true),
        (100, false),
        (150, false),
        (200, true),
        (250, true),
    ] {
        rig.realtime = realtime;
        rig.unit(base * F, true);
        rig.n += 1;
        for group in 0..16 {
            let first = base + 1 + group * 3;
            for at in [first + 2, first, first + 1] {
                rig.unit(at * F, false);
            }
        }
        rig.unit((base + 49) * F, false);
    }
    let all = rig.segments();
    contiguous(&all);
    assert_eq!(
        all.iter()
            .map(|s| (s.rate, s.t0, s.frames.len()))
            .collect::<Vec<_>>(),
        [
            (Some(Rate::Realtime), 0, 100),
            (Some(Rate::Timelapse(4)), 4_000, 1),
            (Some(Rate::Realtime), 8_000, 100)
        ]
    );
}

/// The camera's time stamps jump, or it is silent for a while: said, in time-lapse too.
#[test]
fn jumps_and_silence_are_said() {
    let mut rig = Rig::new(4, 60);
    rig.frames(110);
    rig.n += 25 * 3600;
    rig.n -= rig.n % 50;
    rig.origin_us = -3_600_000_000;
    rig.frames(120);
    let all = rig.segments();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].gap, Some(Cause::Jump));
    assert_eq!(all[0].t1, Some(4_400));

    // Its clock went on, and it made no pictures for longer than a segment can say.
    let mut rig = Rig::new(4, 60);
    rig.frames(110);
    rig.n += 190;
    rig.frames(200);
    let all = rig.segments();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].gap, Some(Cause::Stall));

    let mut rig = Rig::new(4, 60);
    rig.frames(110);
    rig.n += 90;
    rig.frames(200);
    let all = rig.segments();
    assert_eq!(all.len(), 1);
    assert_eq!(
        all[0].pauses,
        [Pause {
            from: Utc(4_360),
            to: Utc(8_000),
            why: Cause::Stall,
            packets: 0
        }]
    );
}
