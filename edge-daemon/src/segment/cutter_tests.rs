//! Pure. What the cutter must never get wrong.
use super::*;
use crate::segment::Dated;

const F: i64 = 3600;

fn parameters(tag: u8) -> Parameters {
    Parameters {
        codec: footage::mp4::Codec::H264,
        width: 640,
        height: 360,
        config: vec![1, tag],
        sound: None,
    }
}

struct Rig {
    cutter: Cutter,
    n: i64,
    origin: i64,
    gop: i64,
    dated: Dated,
    steps: Vec<Step>,
}

impl Rig {
    fn new(zone: &str, start: &str, secs: u32, gop: i64) -> Self {
        let t = Utc::parse(start).expect("time");
        Self {
            cutter: Cutter::new(Zone::parse(zone).expect("zone"), secs),
            n: 0,
            origin: t.0 * 1000,
            gop,
            dated: Dated::default(),
            steps: Vec::new(),
        }
    }
    fn frames(&mut self, count: i64) {
        for _ in 0..count {
            self.frame(|_| {});
        }
    }
    fn frame(&mut self, edit: impl FnOnce(&mut Unit)) {
        let mut unit = Unit {
            pts: self.n * F,
            wall_us: 0,
            dated: self.dated,
            key: self.n % self.gop == 0,
            bytes: bytes::Bytes::from_static(b"x"),
            lost: 0,
            shed: 0,
            parameters: (self.n == 0).then(|| parameters(1)),
        };
        edit(&mut unit);
        unit.wall_us = self.origin + ticks_us(unit.pts);
        self.cutter.unit(unit, &mut self.steps);
        self.n += 1;
    }
    fn finish(&mut self, cause: Cause) {
        self.cutter.finish(cause, &mut self.steps);
    }
    /// Every segment.
    fn segments(&self) -> Vec<Seg> {
        let mut all: Vec<Seg> = Vec::new();
        for step in &self.steps {
            match step {
                Step::Begin {
                    id, t0, gap, day, ..
                } => all.push(Seg {
                    id: *id,
                    t0: *t0,
                    t1: None,
                    gap: *gap,
                    flaws: Flaws::default(),
                    frames: 0,
                    day: *day,
                    dts: Vec::new(),
                    first_key: None,
                }),
                Step::Fragment {
                    id,
                    frames,
                    sequence,
                    wall,
                    end,
                    ..
                } => {
                    let seg = all.last_mut().expect("begun");
                    assert_eq!(seg.id, *id);
                    assert!(!frames.is_empty() && *sequence >= 1 && end >= wall);
                    let ticks: i64 = frames.iter().map(|f| i64::from(f.duration)).sum();
                    assert!(ticks <= FRAGMENT || frames.len() == 1, "{ticks}");
                    assert!(
                        frames.iter().skip(1).all(|f| !f.key),
                        "a key frame begins its fragment"
                    );
                    seg.first_key.get_or_insert(frames[0].key);
                    seg.frames += frames.len();
                    seg.dts.extend(frames.iter().map(|f| (f.dts, f.duration)));
                }
                Step::End { id, t1, flaws } => {
                    let seg = all.last_mut().expect("begun");
                    assert_eq!(seg.id, *id);
                    (seg.t1, seg.flaws) = (Some(*t1), flaws.clone());
                }
            }
        }
        for seg in &all {
            assert_eq!(seg.first_key, Some(true), "a segment starts on a key frame");
            assert_eq!(seg.dts[0].0, 0);
            assert!(
                seg.dts
                    .windows(2)
                    .all(|w| w[0].0 + u64::from(w[0].1) == w[1].0),
                "no hole in decode time"
            );
        }
        all
    }
}

#[derive(Debug)]
struct Seg {
    id: u64,
    t0: Utc,
    t1: Option<Utc>,
    gap: Option<(Cause, u64)>,
    flaws: Flaws,
    frames: usize,
    day: Day,
    dts: Vec<(u64, u32)>,
    first_key: Option<bool>,
}

fn t(text: &str) -> Utc {
    Utc::parse(text).expect("time")
}

/// REC-1, REC-4: minutes follow one another without a hole, each with its own start and end.
#[test]
fn minutes_are_contiguous() {
    let mut rig = Rig::new("Europe/London", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(25 * 150 + 1);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got.len(), 3);
    assert_eq!(
        (got[0].t0, got[0].t1),
        (
            t("2026-11-03T14:00:00.000Z"),
            Some(t("2026-11-03T14:01:00.000Z"))
        )
    );
    assert_eq!(got[0].frames, 1500);
    assert_eq!(got[0].gap, Some((Cause::Start, 0)));
    assert_eq!(got[1].t0, t("2026-11-03T14:01:00.000Z"));
    assert_eq!(got[1].gap, None);
    assert_eq!(got[2].t1, Some(t("2026-11-03T14:02:30.040Z")));
    assert!(got.iter().flat_map(|s| &s.dts).all(|(_, d)| *d == 3600));
}

#[test]
fn nothing_before_a_key_frame() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.n = 10;
    rig.frame(|u| u.parameters = Some(parameters(1)));
    rig.frames(100);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].t0, t("2026-11-03T14:00:02.000Z"));
}

/// RET-2: a segment belongs to one local day, on both clock-change nights too.
#[test]
fn local_midnight_ends_a_segment() {
    for (zone, start, midnight, day) in [
        (
            "Europe/London",
            "2026-07-01T22:59:30.000Z",
            "2026-07-01T23:00:00.000Z",
            "2026-07-02",
        ),
        (
            "Europe/London",
            "2026-10-25T23:59:30.000Z",
            "2026-10-26T00:00:00.000Z",
            "2026-10-26",
        ),
        (
            "Europe/London",
            "2026-03-29T22:59:30.000Z",
            "2026-03-29T23:00:00.000Z",
            "2026-03-30",
        ),
        (
            "UTC",
            "2026-12-31T23:59:30.000Z",
            "2027-01-01T00:00:00.000Z",
            "2027-01-01",
        ),
    ] {
        let mut rig = Rig::new(zone, start, 60, 50);
        rig.frames(25 * 40);
        rig.finish(Cause::Lost);
        let got = rig.segments();
        assert_eq!(got.len(), 2, "{zone} {start}");
        assert_eq!(got[0].t1, Some(t(midnight)));
        assert_eq!(
            (got[1].t0, got[1].day.to_string().as_str()),
            (t(midnight), day)
        );
    }
}

#[test]
fn a_request_ends_the_segment_at_its_next_key_frame() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(60);
    rig.cutter.cut_at_next_key();
    rig.frames(100);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].t1, Some(t("2026-11-03T14:00:04.000Z")));
    assert_eq!(got[1].t0, t("2026-11-03T14:00:04.000Z"));
}

#[test]
fn new_parameters_begin_a_segment() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(100);
    rig.frame(|u| u.parameters = Some(parameters(2)));
    rig.frames(30);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].frames, 100);
    assert_eq!(got[1].gap, None);
}

#[test]
fn a_lost_session_seals_and_the_next_begins_with_a_gap() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(30);
    rig.finish(Cause::Lost);
    rig.cutter.because(Cause::Unreachable);
    rig.cutter.because(Cause::Password);
    rig.n = 0;
    rig.origin += 20_000_000;
    rig.frames(30);
    rig.finish(Cause::Stall);
    let got = rig.segments();
    assert_eq!(got[0].t1, Some(t("2026-11-03T14:00:01.200Z")));
    assert_eq!(
        (got[1].t0, got[1].gap),
        (t("2026-11-03T14:00:20.000Z"), Some((Cause::Unreachable, 0)))
    );
}

/// A clock that is set ends the segment at its next key frame; what is recorded keeps the time it was recorded under.
#[test]
fn a_clock_step_begins_a_segment_at_the_new_time() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(60);
    rig.origin += 3_600_000_000;
    rig.dated.clock_sets += 1;
    rig.frames(60);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got[0].t1, Some(t("2026-11-03T14:00:04.000Z")));
    assert_eq!(
        (got[1].t0, got[1].gap),
        (t("2026-11-03T15:00:04.000Z"), Some((Cause::Clock, 0)))
    );
    // And back again.
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(60);
    rig.origin -= 3_600_000_000;
    rig.dated.clock_sets += 1;
    rig.frames(60);
    rig.finish(Cause::Lost);
    assert_eq!(rig.segments()[1].t0, t("2026-11-03T13:00:04.000Z"));
}

/// REC-4: the mapping is slewed between segments only, a little at a time, and both sides agree on the moment.
#[test]
fn drift_is_slewed_between_segments() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(10);
    rig.origin += 190_000;
    rig.frames(25 * 180);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got[0].t1, Some(t("2026-11-03T14:01:00.100Z")));
    assert_eq!(got[1].t0, t("2026-11-03T14:01:00.100Z"));
    assert_eq!(got[2].t0, t("2026-11-03T14:02:00.190Z"));
    assert!(got.windows(2).all(|w| w[0].t1 == Some(w[1].t0)));
    assert!(got.iter().all(|s| s.flaws == Flaws::default()));
}

/// REC-4: times that proved wrong are put right at the next key frame, without a gap where there is none, and the segment says by how
/// much its times may be wrong.
#[test]
fn a_large_error_is_put_right_and_marked() {
    for wrong in [3_000_000, -1_500_000, 700_000] {
        let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
        rig.frames(60);
        rig.origin += wrong;
        rig.frames(25 * 61);
        rig.finish(Cause::Lost);
        let got = rig.segments();
        let t0 = t("2026-11-03T14:00:04.000Z").plus_ms(wrong / 1000);
        assert_eq!((got[0].t1, got[1].t0, got[1].gap), (Some(t0), t0, None));
        let off = wrong.unsigned_abs() as u32 / 1000;
        let marked = Some(off).filter(|o| *o > 1000);
        assert_eq!((got[0].flaws.off_ms, got[1].flaws.off_ms), (marked, None));
        assert_eq!(got[0].frames, 100);
    }
}

/// REC-4: a doubt that is settled while the segment is open leaves no mark; one that is not, or that proved right, does.
#[test]
fn doubts_are_marked() {
    let doubt = |after: u32, corrections: u32| {
        let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
        rig.frames(60);
        rig.dated.doubt_ms = 2_400;
        rig.frames(10);
        (rig.dated.doubt_ms, rig.dated.corrections) = (after, corrections);
        rig.frames(10);
        rig.finish(Cause::Lost);
        rig.segments()[0].flaws.off_ms
    };
    assert_eq!(doubt(0, 0), None);
    assert_eq!(doubt(1_100, 0), Some(2_400));
    assert_eq!(doubt(0, 1), Some(2_400));
}

/// Stamps that say nothing are said.
#[test]
fn dated_by_arrival_is_said() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 2, 50);
    rig.frames(60);
    rig.dated.by_arrival = true;
    rig.frames(100);
    rig.finish(Cause::Lost);
    let got: Vec<bool> = rig.segments().iter().map(|s| s.flaws.by_arrival).collect();
    assert_eq!(got, [false, true, true, true]);
}

/// FLT-3: what the network lost and what the box left out are counted apart, with where; neither is a stretch without footage.
#[test]
fn loss_inside_a_segment_is_counted() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(10);
    rig.frame(|u| u.lost = 7);
    rig.frames(10);
    rig.n += 1;
    rig.frame(|u| (u.lost, u.shed) = (2, 5));
    rig.frames(10);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!((got.len(), got[0].frames), (1, 32));
    assert_eq!(
        got[0].flaws,
        Flaws {
            lost: 9,
            shed: 5,
            short: Some((t("2026-11-03T14:00:00.360Z"), t("2026-11-03T14:00:00.880Z"))),
            ..Flaws::default()
        }
    );
}

/// FLT-3: a stretch without pictures is said, with its cause; recording goes on after it.
#[test]
fn a_pause_is_said() {
    let causes = [
        (0, 0, Cause::Stall),
        (3, 0, Cause::Loss),
        (0, 4, Cause::Shed),
    ];
    for (lost, shed, why) in causes {
        let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
        rig.frames(10);
        rig.n += 190;
        rig.frame(|u| (u.lost, u.shed) = (lost, shed));
        rig.frames(10);
        rig.finish(Cause::Lost);
        let got = rig.segments();
        let pause = Pause {
            from: t("2026-11-03T14:00:00.400Z"),
            to: t("2026-11-03T14:00:08.000Z"),
            why,
            packets: u64::from(lost),
        };
        assert_eq!((got.len(), got[0].frames), (1, 21));
        assert_eq!(got[0].flaws.pauses, [pause]);
    }
}

/// REC-1: a camera that makes a picture each three or twelve seconds has no gap, nor has one that becomes slow at night.
#[test]
fn a_slow_camera_is_no_gap() {
    for every in [75, 300] {
        let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 1);
        rig.gop = 1;
        for _ in 0..20 {
            rig.frame(|_| {});
            rig.n += every - 1;
        }
        rig.frames(50);
        for _ in 0..20 {
            rig.frame(|_| {});
            rig.n += every - 1;
        }
        rig.finish(Cause::Lost);
        let got = rig.segments();
        assert!(got.iter().all(|s| s.flaws == Flaws::default()), "{got:?}");
        assert!(got.windows(2).all(|w| w[0].t1 == Some(w[1].t0)));
        let last = got.last().and_then(|s| s.t1).expect("ended").0;
        let want = t("2026-11-03T14:00:00.000Z").0 + (rig.n * 40);
        assert_eq!(last, want, "the last picture stands as long as the others");
        // A pause of four times its rhythm is one.
        let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 3600, 1);
        for n in 0..20 {
            rig.frame(|_| {});
            rig.n += every * if n == 10 { 9 } else { 1 } - 1;
        }
        rig.finish(Cause::Lost);
        assert_eq!(rig.segments()[0].flaws.pauses.len(), 1);
    }
}

#[test]
fn a_jump_of_the_time_stamps_seals_what_is_good() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(60);
    rig.n = 1_000_000;
    rig.origin -= (1_000_000 - 60) * 40_000;
    rig.frames(60);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got.len(), 2);
    assert_eq!(
        (got[0].frames, got[0].t1),
        (60, Some(t("2026-11-03T14:00:02.400Z")))
    );
    assert_eq!(got[1].gap, Some((Cause::Jump, 0)));
    assert_eq!(got[1].t0, t("2026-11-03T14:00:02.400Z"));
}

#[test]
fn an_abandoned_segment_waits_for_a_key_frame() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(60);
    assert!(rig.cutter.abandon(99, Cause::Disk).is_none());
    assert!(rig.cutter.abandon(1, Cause::Disk).is_some());
    rig.steps.clear();
    rig.frames(60);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(
        (got[0].t0, got[0].gap),
        (t("2026-11-03T14:00:04.000Z"), Some((Cause::Disk, 0)))
    );
}

/// A camera that is silent does not keep pictures in memory.
#[test]
fn fragments_can_be_flushed() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(5);
    assert!(!rig.steps.iter().any(|s| matches!(s, Step::Fragment { .. })));
    rig.cutter.flush_fragment(&mut rig.steps);
    assert!(matches!(rig.steps.last(), Some(Step::Fragment { frames, .. }) if frames.len() == 4));
    rig.frames(5);
    rig.finish(Cause::Stall);
    assert_eq!(rig.segments()[0].frames, 10);
}

const RATE: u32 = 16_000;

impl Rig {
    /// A camera with sound: a frame of 64 ms for each that has begun by the newest picture's time, `late_ms` later than it should be.
    fn with_sound(&mut self, pictures: i64, late_ms: i64, jitter: &[i64]) {
        let sound = footage::mp4::Sound {
            rate: RATE,
            entry: b"....mp4a".to_vec(),
        };
        self.cutter.expect_sound(Some(sound));
        let mut k = 0;
        for _ in 0..pictures {
            self.frame(|_| {});
            while k * 64 + late_ms < self.n * 40 {
                let wander = jitter
                    .get(k as usize % jitter.len().max(1))
                    .copied()
                    .unwrap_or(0);
                self.cutter.heard(Heard {
                    wall_us: self.origin + (k * 64 + wander) * 1000,
                    duration: 1024,
                    bytes: bytes::Bytes::copy_from_slice(&k.to_be_bytes()),
                });
                k += 1;
            }
        }
    }

    /// Per segment, the frames of sound in it: their number and their time.
    fn heard(&self) -> Vec<Vec<(i64, u64)>> {
        let mut all: Vec<Vec<(i64, u64)>> = Vec::new();
        for step in &self.steps {
            match step {
                Step::Begin { parameters, .. } => {
                    assert!(parameters.sound.is_some());
                    all.push(Vec::new());
                }
                Step::Fragment { sound, .. } => {
                    let number = |b: &[u8]| i64::from_be_bytes(b.try_into().expect("number"));
                    let frames = sound.iter().map(|f| (number(&f.bytes), f.dts));
                    all.last_mut().expect("begun").extend(frames);
                }
                Step::End { .. } => {}
            }
        }
        all
    }
}

/// REC-2: sound lies beside its pictures, each frame once, evenly, from segment to segment, whatever the jitter of its arrival.
#[test]
fn sound_goes_with_its_pictures() {
    for (late, jitter) in [
        (0, vec![0]),
        (80, vec![0, 12, -9, 20, -18]),
        (0, vec![30, -30]),
    ] {
        let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 4, 50);
        rig.with_sound(325, late, &jitter);
        rig.finish(Cause::Lost);
        let got = rig.heard();
        assert_eq!(got.len(), 4, "4 s each, the last of one");
        let all: Vec<i64> = got.iter().flatten().map(|(k, _)| *k).collect();
        assert_eq!(
            all,
            (0..all.len() as i64).collect::<Vec<_>>(),
            "each once, in order"
        );
        assert!(
            all.len() as i64 >= (13_000 - late - 200) / 64,
            "{} frames",
            all.len()
        );
        for (i, segment) in got.iter().enumerate() {
            assert!(
                segment.windows(2).all(|w| w[1].1 == w[0].1 + 1024),
                "evenly"
            );
            // Each is heard within a tenth of a second of when it was.
            for (k, dts) in segment {
                let heard = i as i64 * 4000 + *dts as i64 * 1000 / i64::from(RATE);
                assert!((heard - k * 64).abs() <= 100 + 30, "{k} at {heard} ms");
            }
        }
    }
}

/// Sound that stops and comes back keeps its time; sound without an open segment is not kept for ever.
#[test]
fn silence_keeps_its_length() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    let sound = footage::mp4::Sound {
        rate: RATE,
        entry: b"....mp4a".to_vec(),
    };
    rig.cutter.expect_sound(Some(sound));
    let heard = |rig: &mut Rig, ms: i64| {
        rig.cutter.heard(Heard {
            wall_us: rig.origin + ms * 1000,
            duration: 1024,
            bytes: bytes::Bytes::copy_from_slice(&ms.to_be_bytes()),
        });
    };
    rig.frames(25);
    heard(&mut rig, 64);
    heard(&mut rig, 128);
    rig.frames(100);
    heard(&mut rig, 3_000);
    rig.frames(25);
    rig.finish(Cause::Lost);
    let got = rig.heard();
    assert_eq!(got[0], [(64, 1024), (128, 2048), (3_000, 48_000)]);
    for ms in 0..10_000 {
        heard(&mut rig, ms);
    }
    assert_eq!(rig.cutter.waiting.len(), SOUND_WAITS);
}
