//! Pure. Time as a whole: anchor, a worker or a bracket of proofs between, and cutter, against a model that knows when each picture was made.
//!
//! `PROPTEST_CASES` says how many sessions are played; `make fuzz` plays many thousands.
use std::collections::VecDeque;

use proptest::prelude::*;
use shared::time::{Now, Utc, Zone};

use super::{
    Cause, Unit,
    anchor::{Anchor, Placed},
    cutter::{Cutter, Flaws, Step},
    ticks_us,
};
use crate::masking::bracket::Bracket;

const WALL: i64 = 1_800_000_000_000;
const MONO: i64 = 5_000_000;
/// As the capture thread holds pictures at the start of a session.
const HOLD_MS: i64 = 600;
const BURST_MS: i64 = 2_500;

/// What happens before a picture.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The camera's RTP clock jumps.
    Step(i64),
    /// It makes no pictures.
    Pause(i64),
    /// The network holds pictures back, and then brings them all at once.
    Stall(i64),
    /// It becomes slow, by so much, and recovers.
    Slow(i64),
    /// The box's clock is set.
    Set(i64),
}

/// What the camera's stamps are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stamps {
    Honest,
    /// So many for a thousand.
    Pace(i64),
    /// All alike.
    Frozen,
    /// Milliseconds, under a clock of 90 kHz.
    Millis,
}

#[derive(Clone, Debug)]
struct Session {
    distance: i64,
    b: bool,
    gop: i64,
    stamps: Stamps,
    jitter: i64,
    /// We read in turns of this length.
    turn: i64,
    /// Kept back by the camera for a new viewer, in ms.
    burst: i64,
    count: i64,
    /// At which picture.
    events: Vec<(i64, Event)>,
    /// A worker that holds so many pictures and gives them back in the order they are shown.
    worker: usize,
    /// The camera's own mask is proved: pictures wait in the bracket, and verdicts come so many key pictures late.
    proofs: Option<usize>,
}

/// What lies between anchor and cutter.
enum Between {
    Worker {
        holds: usize,
        waiting: Vec<Unit>,
    },
    Proofs {
        bracket: Bracket,
        asked: VecDeque<i64>,
        late: usize,
    },
}

impl Between {
    fn of(session: &Session) -> Self {
        match session.proofs {
            Some(late) => Between::Proofs {
                bracket: Bracket::default(),
                asked: VecDeque::new(),
                late,
            },
            None => Between::Worker {
                holds: session.worker,
                waiting: Vec::new(),
            },
        }
    }

    fn through(&mut self, unit: Unit, out: &mut Vec<Unit>) {
        match self {
            Between::Worker { holds, waiting } => {
                waiting.push(unit);
                if *holds == 0 {
                    out.append(waiting);
                } else if waiting.len() > *holds {
                    let first = (0..waiting.len()).min_by_key(|i| waiting[*i].pts);
                    out.push(waiting.remove(first.expect("one")));
                }
            }
            Between::Proofs {
                bracket,
                asked,
                late,
            } => {
                asked.extend(unit.key.then_some(unit.pts));
                bracket.unit(unit).expect("fits");
                while asked.len() > *late {
                    bracket.verdict(asked.pop_front().expect("one"), true);
                }
                bracket.take(out);
            }
        }
    }

    /// The session ends. What was not proved at both ends is not recorded.
    fn end(self, out: &mut Vec<Unit>) {
        match self {
            Between::Worker { mut waiting, .. } => {
                waiting.sort_by_key(|u| u.pts);
                out.append(&mut waiting);
            }
            Between::Proofs {
                mut bracket, asked, ..
            } => {
                for pts in asked {
                    bracket.verdict(pts, true);
                }
                bracket.take(out);
            }
        }
    }
}

/// A picture, as the model knows it.
#[derive(Clone, Copy, Debug)]
struct Truth {
    made: i64,
    came: i64,
    stamp: i64,
    /// Wall minus monotonic clock when it came.
    offset: i64,
    sets: usize,
}

impl Session {
    fn steady(&self) -> bool {
        let quick = |e: &Event| match e {
            Event::Stall(ms) | Event::Slow(ms) => *ms < 300,
            _ => true,
        };
        self.stamps == Stamps::Honest
            && self.distance < 500
            && (!self.b || self.events.is_empty())
            && self.events.iter().all(|(_, e)| quick(e))
            // What came before a jump right at the beginning may have been held back by the network.
            && !self.events.iter().any(|(at, e)| {
                matches!(e, Event::Step(_)) && (1..400 + self.burst + self.distance).contains(&(at * self.distance))
            })
            // A pause just before a jump may have been the network's.
            && !self.events.iter().any(|(p, e)| {
                let jump = |(at, e): &(i64, Event)| at == p && matches!(e, Event::Step(_));
                matches!(e, Event::Pause(_)) && self.events.iter().any(jump)
            })
    }

    fn truth(&self) -> Vec<Truth> {
        let mut out: Vec<Truth> = Vec::new();
        let (mut step, mut pause, mut released, mut offset) = (0, 0, 0, WALL);
        let (mut slow, mut sets) = (None, 0);
        let start = MONO;
        for n in 0..self.count {
            for (_, event) in self.events.iter().filter(|(at, _)| *at == n) {
                match *event {
                    Event::Step(ms) => step += ms,
                    Event::Pause(ms) => pause += ms,
                    Event::Stall(ms) => released = start + n * self.distance + pause + ms,
                    Event::Slow(ms) => slow = Some((n, ms)),
                    Event::Set(ms) => {
                        offset += ms;
                        sets += 1;
                    }
                }
            }
            let shown = if self.b {
                n / 4 * 4 + [0, 3, 1, 2][(n % 4) as usize]
            } else {
                n
            };
            let (made, sent) = (
                start + shown * self.distance + pause,
                start + (n + if self.b { 2 } else { 0 }) * self.distance + pause,
            );
            // Ten seconds to become slow, and ten to recover.
            let over = (10_000 / self.distance).max(1);
            let late = slow.map_or(0, |(at, ms)| {
                ms * (over - (n - at - over).abs()).max(0) / over
            });
            let wander = (n * 7_919 + 13) % 101 * self.jitter / 100;
            let came = (sent + wander + late).max(released).max(start + self.burst);
            let came = (came + self.turn - 1) / self.turn * self.turn;
            let came = came.max(out.last().map_or(0, |t| t.came));
            let passed = made - start;
            let stamp = match self.stamps {
                Stamps::Honest => passed * 90,
                Stamps::Pace(permille) => passed * 90 * permille / 1000,
                Stamps::Frozen => 4_711,
                Stamps::Millis => passed,
            };
            out.push(Truth {
                made,
                came,
                stamp: stamp + step * 90,
                offset,
                sets,
            });
        }
        out
    }

    fn play(&self, truth: &[Truth]) -> Vec<Recorded> {
        let mut anchor = Anchor::default();
        let mut cutter = Cutter::new(Zone::parse("Europe/London").expect("zone"), 10);
        let (mut held, mut between, mut steps) = (Some(Vec::new()), Between::of(self), Vec::new());
        let mut through = |unit: Unit, cutter: &mut Cutter, steps: &mut Vec<Step>| {
            let mut out = Vec::new();
            between.through(unit, &mut out);
            out.into_iter().for_each(|unit| cutter.unit(unit, steps));
        };
        let begin = |held: Vec<Unit>, anchor: &mut Anchor, cutter: &mut Cutter| {
            let mut held = held;
            let settled = anchor.settle();
            if settled.len() == held.len() {
                for (unit, p) in held.iter_mut().zip(settled) {
                    (unit.pts, unit.wall_us, unit.dated) = (p.pts, p.wall_us, p.dated);
                }
            }
            let back = held.windows(2).any(|w| w[1].pts < w[0].pts);
            cutter.expect_reorder((back || anchor.reorders()) && self.worker == 0);
            held
        };
        for (n, t) in (0i64..).zip(truth) {
            let now = Now {
                wall: Utc(t.came + t.offset),
                mono: t.came as u64,
            };
            let Placed {
                pts,
                wall_us,
                dated,
            } = anchor.arrived(t.stamp, now);
            let unit = Unit {
                pts,
                wall_us,
                dated,
                key: n % self.gop == 0,
                bytes: bytes::Bytes::copy_from_slice(&n.to_be_bytes()),
                lost: 0,
                shed: 0,
                parameters: (n == 0).then(|| footage::mp4::Parameters {
                    codec: footage::mp4::Codec::H264,
                    width: 640,
                    height: 360,
                    config: vec![1],
                    sound: None,
                }),
            };
            if let Some(units) = &mut held {
                units.push(unit);
                let passed = t.came - truth[0].came;
                if passed >= HOLD_MS && (passed >= BURST_MS || !anchor.bursting()) {
                    let units = held.take().unwrap_or_default();
                    for unit in begin(units, &mut anchor, &mut cutter) {
                        through(unit, &mut cutter, &mut steps);
                    }
                }
            } else {
                through(unit, &mut cutter, &mut steps);
            }
        }
        if let Some(units) = held.take() {
            for unit in begin(units, &mut anchor, &mut cutter) {
                through(unit, &mut cutter, &mut steps);
            }
        }
        let mut rest = Vec::new();
        between.end(&mut rest);
        rest.into_iter()
            .for_each(|unit| cutter.unit(unit, &mut steps));
        cutter.finish(Cause::Lost, &mut steps);
        recorded(&steps)
    }
}

/// A segment, with the pictures in it and the wall time each has in the file, in ms.
#[derive(Debug)]
struct Recorded {
    t0: i64,
    t1: i64,
    gap: Option<Cause>,
    flaws: Flaws,
    pictures: Vec<(usize, i64)>,
}

fn recorded(steps: &[Step]) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = Vec::new();
    for step in steps {
        match step {
            Step::Begin { t0, gap, .. } => all.push(Recorded {
                t0: t0.0,
                t1: 0,
                gap: gap.map(|g| g.0),
                flaws: Flaws::default(),
                pictures: Vec::new(),
            }),
            Step::Fragment { frames, .. } => {
                let segment = all.last_mut().expect("begun");
                for f in frames {
                    let n = i64::from_be_bytes(f.bytes[..].try_into().expect("number"));
                    let at = i64::try_from(f.dts).expect("time") + i64::from(f.cts);
                    segment
                        .pictures
                        .push((n as usize, segment.t0 + ticks_us(at) / 1000));
                }
            }
            Step::End { t1, flaws, .. } => {
                let segment = all.last_mut().expect("begun");
                (segment.t1, segment.flaws) = (t1.0, flaws.clone());
            }
        }
    }
    all
}

fn check(session: &Session) -> Result<(), TestCaseError> {
    let truth = session.truth();
    let segments = session.play(&truth);
    let all: Vec<(usize, i64)> = segments.iter().flat_map(|s| s.pictures.clone()).collect();
    let mut seen: Vec<usize> = Vec::new();
    if std::env::var("BEADLE_SHOW").is_ok() {
        eprintln!("{session:?}");
        for s in &segments {
            eprintln!(
                "segment {} {} {:?} {:?}",
                s.t0 - WALL,
                s.t1 - WALL,
                s.gap,
                s.flaws
            );
            for (n, at) in &s.pictures {
                let t = truth[*n];
                eprint!("{n}:{}/{} ", at - t.offset - t.made, t.came - t.made);
            }
            eprintln!();
        }
    }
    for (i, s) in segments.iter().enumerate() {
        let marked = s.flaws.by_arrival || s.flaws.off_ms.is_some();
        prop_assert!(
            !marked || !session.steady(),
            "marked without a reason: {:?}",
            s.flaws
        );
        prop_assert!(s.t1 >= s.t0, "segment {}: {} to {}", i, s.t0, s.t1);
        for (n, at) in &s.pictures {
            let t = truth[*n];
            let off = |offset: i64| at - offset - t.made;
            // A segment keeps the clock under which it began.
            let off = truth[..=*n].iter().map(|t| off(t.offset));
            let off = off.min_by_key(|o| o.abs()).unwrap_or(0);
            prop_assert!(
                marked || off.abs() <= 1_000,
                "picture {} is {} ms off",
                n,
                off
            );
            seen.push(*n);
        }
        for pause in &s.flaws.pauses {
            let set = truth.iter().any(|t| t.sets > 0);
            let silent = all.windows(2).any(|w| {
                let made = truth[w[1].0].made - truth[w[0].0].made;
                let there = w[1].1 >= pause.to.0 - 500 && w[0].1 <= pause.from.0 + 500;
                made - session.distance >= 1_500 && (there || set)
            });
            prop_assert!(marked || silent, "no such pause: {:?}", pause);
        }
    }
    for w in segments.windows(2) {
        let hole = w[1].t0 - w[0].t1;
        let (last, first) = (w[0].pictures.last(), w[1].pictures.first());
        let sets = last
            .zip(first)
            .is_some_and(|(l, f)| truth[l.0].sets != truth[f.0].sets);
        // A worker may have had pictures from before.
        let set = sets || (w[1].gap == Some(Cause::Clock) && truth.iter().any(|t| t.sets > 0));
        prop_assert!(
            set || hole <= 500,
            "false gap of {} ms ({:?})",
            hole,
            w[1].gap
        );
        prop_assert!(set || hole >= -500, "overlap of {} ms", -hole);
    }
    // No picture is lost; with a worker they come as they are shown. What follows the last key picture is never proved.
    seen.sort_unstable();
    let proved = (truth.len() - 1) / session.gop as usize * session.gop as usize;
    let last = session.proofs.map_or(truth.len(), |_| proved);
    let all: Vec<usize> = (0..last).collect();
    prop_assert_eq!(seen, all);
    Ok(())
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => prop_oneof![
            Just(-500i64), Just(500), Just(-1000), Just(1000), Just(300_000), Just(-300_000), Just(3_600_000),
            Just(-3_600_000), -5_000i64..5_000, -40_000_000i64..40_000_000,
        ].prop_map(Event::Step),
        1 => (500i64..8_000).prop_map(Event::Pause),
        1 => (100i64..4_000).prop_map(Event::Stall),
        1 => (100i64..5_000).prop_map(Event::Slow),
        1 => prop_oneof![-4_000_000i64..4_000_000, -2_000i64..2_000].prop_map(Event::Set),
    ]
}

prop_compose! {
    fn session()(
        distance in prop_oneof![Just(20i64), Just(40), Just(66), Just(100), Just(200), Just(500), Just(1000), Just(3000)],
        b in any::<bool>(),
        gop in 1i64..16,
        stamps in prop_oneof![
            6 => Just(Stamps::Honest), 1 => (300i64..3_000).prop_map(Stamps::Pace), 1 => (960i64..1_040).prop_map(Stamps::Pace),
            1 => Just(Stamps::Frozen), 1 => Just(Stamps::Millis),
        ],
        jitter in 0i64..100,
        turn in prop_oneof![Just(1i64), Just(120)],
        burst in prop_oneof![2 => Just(0i64), 1 => 0i64..2_000],
        count in 30i64..500,
        mut events in proptest::collection::vec((0i64..500, event()), 0..5),
        worker in 0usize..8,
        proofs in prop_oneof![3 => Just(None), 1 => (0usize..4).prop_map(Some)],
    ) -> Session {
        // The session outlasts what was kept back.
        let count = count.max((burst + 1_500) / distance);
        // A camera with B pictures makes more than ten a second, and jumps with a group.
        let b = b && distance <= 100 && stamps == Stamps::Honest;
        let gop = if b { gop * 4 } else { gop };
        for (at, _) in &mut events {
            *at = if b { *at / 4 * 4 } else { *at };
        }
        // Of a clock that is too fast on a network that is too slow nothing can be known.
        if matches!(stamps, Stamps::Pace(_)) {
            events.retain(|(_, e)| !matches!(e, Event::Slow(_) | Event::Stall(_)));
        }
        // What a liar had kept back cannot be dated better than it lies.
        // Nor a single picture that was kept back, when its clock jumps before the next.
        let burst = if stamps == Stamps::Honest && distance < 500 { burst } else { 0 };
        // What is kept back of pictures without a stamp cannot be dated better than it comes.
        if stamps != Stamps::Honest {
            events.retain(|(at, e)| !matches!(e, Event::Stall(_) | Event::Slow(_)) || at * distance > 2_500);
        }
        // A session that begins in a stall outlasts it.
        let end = count * distance;
        events.retain(|(at, e)| match e {
            Event::Stall(ms) => at * distance > 1_000 || at * distance + ms + 1_000 < end,
            _ => true,
        });
        // A pause in what the network holds back at the beginning looks as a jump does; nor is anything known of a network that is late
        // from the first picture on until the end.
        let stalls: Vec<(i64, i64)> = events
            .iter()
            .filter_map(|(at, e)| match e {
                Event::Stall(ms) if at * distance <= 1_000 => Some((*at, at * distance + ms)),
                _ => None,
            })
            .collect();
        events.retain(|(at, e)| {
            let within = |(from, until): &(i64, i64)| at >= from && at * distance <= *until;
            !matches!(e, Event::Slow(_)) || !stalls.iter().any(within)
        });
        // A clock that jumps ahead just when the network begins to hold pictures back looks as a camera does that made none.
        let jumps: Vec<i64> =
            events.iter().filter(|(_, e)| matches!(e, Event::Step(_))).map(|(at, _)| *at).collect();
        let near = if distance >= 500 { 10 } else { 1 };
        events.retain(|(at, e)| !matches!(e, Event::Stall(_)) || !jumps.iter().any(|j| (j - at).abs() < near));
        // A pause in what was kept back looks as a jump does; what the network holds of it as well comes as if it were younger.
        events.retain(|(at, e)| {
            !matches!(e, Event::Pause(_) | Event::Stall(_)) || burst == 0 || at * distance > burst + 200
        });
        let worker = if b && worker > 0 { worker.max(4) } else { worker };
        let worker = if proofs.is_some() { 0 } else { worker };
        Session { distance, b, gop, stamps, jitter, turn, burst, count, events, worker, proofs }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    /// REC-1, REC-4: whatever the camera's clock, the network and the box's clock do, with and without a worker between: no picture is
    /// lost or dated wrong by more than a second without a mark, there is no gap that is none, and segments do not overlap.
    #[test]
    fn times_hold(session in session()) {
        check(&session)?;
    }
}

#[path = "time_found.rs"]
mod found;
