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
            dated: Dated::default(),
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
    /// (t0, t1, gap, lost, loss, frames) of every ended segment.
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
                    lost: 0,
                    loss: None,
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
                Step::End { id, t1, lost, loss } => {
                    let seg = all.last_mut().expect("begun");
                    assert_eq!(seg.id, *id);
                    (seg.t1, seg.lost, seg.loss) = (Some(*t1), *lost, *loss);
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
    lost: u64,
    loss: Option<Loss>,
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
    rig.cutter.clock_set();
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
    rig.cutter.clock_set();
    rig.frames(60);
    rig.finish(Cause::Lost);
    assert_eq!(rig.segments()[1].t0, t("2026-11-03T13:00:04.000Z"));
}

/// REC-4: the mapping is slewed between segments only, a little at a time, and both sides agree on the moment.
#[test]
fn drift_is_slewed_between_segments() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(10);
    rig.origin += 90_000;
    rig.frames(25 * 180);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got[0].t1, Some(t("2026-11-03T14:01:00.020Z")));
    assert_eq!(got[1].t0, t("2026-11-03T14:01:00.020Z"));
    assert_eq!(got[2].t0, t("2026-11-03T14:02:00.040Z"));
    assert!(got.windows(2).all(|w| w[0].t1 == Some(w[1].t0)));
}

#[test]
fn a_large_error_is_put_right_with_a_gap() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(10);
    rig.origin += 3_000_000;
    rig.frames(25 * 61);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got[0].t1, Some(t("2026-11-03T14:01:00.000Z")));
    assert_eq!(
        (got[1].t0, got[1].gap),
        (t("2026-11-03T14:01:03.000Z"), Some((Cause::Clock, 0)))
    );
}

/// RTP loss is on the record, with packets, and recording goes on.
#[test]
fn loss_inside_a_segment_is_counted() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(10);
    rig.frame(|u| u.lost = 7);
    rig.frames(10);
    rig.frame(|u| u.lost = 2);
    rig.frames(10);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got.len(), 1);
    assert_eq!((got[0].lost, got[0].frames), (9, 32));
    assert_eq!(
        got[0].loss,
        Some(Loss {
            from: t("2026-11-03T14:00:00.360Z"),
            to: t("2026-11-03T14:00:00.840Z"),
            packets: 9
        })
    );
}

#[test]
fn a_pause_is_said() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(10);
    rig.n += 75;
    rig.frames(10);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(
        got[0].loss,
        Some(Loss {
            from: t("2026-11-03T14:00:00.400Z"),
            to: t("2026-11-03T14:00:03.400Z"),
            packets: 0
        })
    );
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

/// FLT-3: a camera that makes no pictures for a while and then goes on has stalled; its time stamps did not jump.
#[test]
fn a_pause_is_a_stall() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 60, 50);
    rig.frames(60);
    rig.n += 190;
    rig.frames(60);
    rig.finish(Cause::Lost);
    let got = rig.segments();
    assert_eq!(got[0].t1, Some(t("2026-11-03T14:00:02.400Z")));
    assert_eq!(got[1].gap, Some((Cause::Stall, 0)));
    assert_eq!(got[1].t0, t("2026-11-03T14:00:10.000Z"));
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

#[test]
fn a_camera_without_key_frames_is_begun_again() {
    let mut rig = Rig::new("UTC", "2026-11-03T14:00:00.000Z", 10, 1_000_000);
    rig.frames(25 * 49);
    assert!(!rig.cutter.starved());
    rig.frames(60);
    assert!(rig.cutter.starved());
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
