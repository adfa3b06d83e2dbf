//! Pure. Sessions whose times the property of time found wrong once, each a kind of its own.
use super::*;

/// Found by chance once: played each time.
#[test]
fn found_before() {
    use Event::{Pause, Set, Slow, Stall, Step};
    use Stamps::{Frozen, Pace};
    let of = |distance, gop, count, events: &[(i64, Event)]| Session {
        distance,
        b: false,
        gop,
        stamps: Stamps::Honest,
        jitter: 0,
        turn: 1,
        burst: 0,
        count,
        events: events.to_vec(),
        worker: 0,
        proofs: None,
    };
    let sessions = [
        Session {
            stamps: Frozen,
            proofs: Some(0),
            ..of(
                20,
                1,
                269,
                &[(226, Step(300_000)), (1, Step(1_700)), (142, Pause(831))],
            )
        },
        Session {
            stamps: Pace(504),
            jitter: 2,
            proofs: Some(0),
            ..of(20, 15, 75, &[(39, Pause(837))])
        },
        of(1_000, 11, 363, &[(362, Pause(3_045)), (362, Step(-1_001))]),
        of(500, 1, 30, &[(1, Step(1_001))]),
        Session {
            turn: 120,
            ..of(3_000, 3, 208, &[(203, Step(1_000)), (199, Slow(2_942))])
        },
        Session {
            b: true,
            jitter: 20,
            ..of(20, 4, 453, &[(260, Slow(2_547)), (4, Stall(763))])
        },
        of(20, 1, 75, &[(1, Pause(1_561)), (2, Step(651))]),
        of(3_000, 8, 30, &[(7, Step(1_001)), (3, Slow(1_127))]),
        Session {
            turn: 120,
            ..of(3_000, 1, 159, &[(154, Slow(962)), (156, Step(1_000))])
        },
        Session {
            stamps: Pace(973),
            ..of(3_000, 1, 30, &[(16, Step(1_000))])
        },
        of(3_000, 11, 30, &[(1, Step(1_001))]),
        Session {
            stamps: Stamps::Millis,
            ..of(3_000, 1, 30, &[(2, Set(-67))])
        },
        Session {
            stamps: Pace(1_307),
            jitter: 66,
            ..of(3_000, 3, 30, &[(7, Pause(4_153))])
        },
        Session {
            stamps: Pace(1_242),
            ..of(1_000, 1, 30, &[(2, Pause(1_243))])
        },
        Session {
            stamps: Frozen,
            ..of(20, 1, 210, &[(185, Step(3_290)), (7, Step(500))])
        },
        Session {
            b: true,
            ..of(40, 4, 112, &[(0, Stall(1_121)), (4, Pause(1_922))])
        },
        of(20, 1, 75, &[(1, Step(300_000)), (2, Pause(751))]),
        Session {
            b: true,
            turn: 120,
            ..of(
                100,
                4,
                369,
                &[
                    (172, Step(500)),
                    (264, Pause(3_601)),
                    (176, Step(500)),
                    (72, Slow(2_373)),
                ],
            )
        },
        Session {
            b: true,
            ..of(
                20,
                4,
                313,
                &[
                    (180, Step(500)),
                    (36, Slow(1_564)),
                    (312, Step(500)),
                    (32, Step(-500)),
                ],
            )
        },
        Session {
            stamps: Frozen,
            ..of(20, 1, 75, &[(1, Set(-1)), (2, Step(1_041))])
        },
        Session {
            b: true,
            turn: 120,
            ..of(
                100,
                4,
                266,
                &[(144, Step(500)), (168, Step(500)), (96, Slow(613))],
            )
        },
        Session {
            stamps: Pace(8_000),
            turn: 120,
            ..of(83, 24, 480, &[])
        },
        Session {
            b: true,
            ..of(20, 4, 227, &[(4, Pause(1_041)), (0, Stall(1_061))])
        },
    ];
    let failed = sessions
        .iter()
        .filter_map(|s| Some(format!("{s:?}: {}", check(s).err()?)));
    let failed: Vec<String> = failed.collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
