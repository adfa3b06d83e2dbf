//! Adapter: filesystem. Prepared bytes as they are sent, from any place on; and a clip that waits while the log is succeeded.
use std::{sync::Arc, time::Duration};

use shared::time::Clock;

use super::*;

/// A transfer can go on from any byte, and the bytes are those of the new header and the old payload.
#[test]
fn resumable_at_any_byte() {
    let dir = tempfile::tempdir().expect("dir");
    let state = State::new(dir.path());
    std::fs::create_dir_all(state.pulls()).expect("pulls");
    let (r, cam) = (
        ExhibitRef::new(2026, 7),
        CameraId::parse("c03").expect("cam"),
    );
    let file = dir.path().join("x.mp4.age");
    std::fs::write(&file, b"old header|payload").expect("file");
    let prepared = |header: Option<&str>, sealed| Prepared {
        s: 4,
        n: 9,
        path: file.clone(),
        key: "c03/2026-11-03".into(),
        header: header.map(|h| (11, STANDARD.encode(h))),
        sealed,
        part: None,
    };
    let put = |p| {
        write(
            &path(&state, &r, &cam),
            &Record {
                order: "{}".into(),
                log: 1,
                n: 12,
                of: 1,
                segments: vec![p],
            },
        )
        .expect("written")
    };
    assert!(
        Sending::open(&state, &r, &cam, 4, (0, 99))
            .err()
            .is_some_and(|e| e.contains("nothing is prepared"))
    );
    put(prepared(None, 0));
    assert!(
        Sending::open(&state, &r, &cam, 4, (0, 99))
            .err()
            .is_some_and(|e| e.contains("not prepared yet"))
    );
    put(prepared(Some("NEW:"), 11));
    let whole = b"NEW:payload";
    for from in 0..=whole.len() {
        for (most, length) in [(1, 99), (3, 2), (3, 99), (100, 5), (100, 99)] {
            let range = (from as u64, length as u64);
            let mut sending = Sending::open(&state, &r, &cam, 4, range).expect("opens");
            assert_eq!(sending.size, whole.len() as u64);
            let mut got = Vec::new();
            loop {
                let bytes = sending.next(most).expect("reads");
                if bytes.is_empty() {
                    break;
                }
                got.extend(bytes);
            }
            let to = whole.len().min(from + length);
            assert_eq!(got, &whole[from..to], "{length} from {from} by {most}");
        }
    }
    assert!(Sending::open(&state, &r, &cam, 4, (12, 1)).is_err());
    assert!(Sending::open(&state, &r, &cam, 5, (0, 99)).is_err());
    std::fs::write(&file, b"old header|pay").expect("cut");
    assert!(
        Sending::open(&state, &r, &cam, 4, (0, 99))
            .err()
            .is_some_and(|e| e.contains("were prepared"))
    );
}

/// V11, EVI-1: a clip that waits while two people have the log succeeded is said once more, in the log that goes on, under a signed head;
/// what its segments were recorded under stays what it was, and asked again it is not said a third time.
#[test]
fn a_clip_that_waits_is_said_again_in_the_successor() {
    let dir = tempfile::tempdir().expect("folder");
    let clock: Arc<dyn Clock> = Arc::new(logbook::SystemClock);
    let asked = Asked {
        r#ref: ExhibitRef::new(2026, 7),
        span: Span {
            cam: CameraId::parse("c03").expect("cam"),
            t0: Utc(0),
            t1: Utc(1_000),
        },
        grant: "G-000001".into(),
        purpose: "0".repeat(64),
    };
    let exports = |log: &LogHandle| -> Vec<(u64, String)> {
        let all = crate::testing::lines(log).into_iter();
        let all = all.filter(|l| l.kind == "exp.clip");
        all.map(|l| (l.n, format!("{:?}", l.data))).collect()
    };
    let (log, _) = crate::testing::open_log(dir.path(), clock.clone());
    let record = Record {
        order: "{}".into(),
        log: number(&log).expect("number"),
        n: log_export(&log, &asked, 4, 6).expect("logged"),
        of: 1,
        segments: [4, 6]
            .map(|s| Prepared {
                s,
                n: s + 5,
                path: dir.path().join("x.mp4.age"),
                key: "c03/2026-11-03".into(),
                header: None,
                sealed: 0,
                part: None,
            })
            .to_vec(),
    };
    let file = dir.path().join("waiting.json");
    let same = restated(&log, &file, &asked, record.clone()).expect("the log goes on");
    assert_eq!(same, record);
    assert_eq!(exports(&log).len(), 1, "nothing is said twice in one log");
    let first = exports(&log);
    log.close("test").expect("closes");

    let settings = logbook::Settings {
        base: "cctv.example.gov.uk/box/ashby".into(),
        site: "Ashby".into(),
        hw: "test".into(),
        sw: "test".into(),
        key_life: Duration::from_secs(3600),
        acks: true,
        resume: true,
    };
    logbook::succeed_above(dir.path(), settings, clock.clone(), "forked", 1).expect("succeeds");
    let (log, _) = crate::testing::open_log(dir.path(), clock);
    let again = restated(&log, &file, &asked, record.clone()).expect("said again");
    assert_eq!((again.log, again.of), (2, 1));
    assert_eq!(again.segments, record.segments);
    let second = exports(&log);
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].0, again.n);
    assert_eq!(second[0].1, first[0].1, "the same export");
    let head = log.head().expect("a head");
    assert!(head.head.size > again.n, "it is under a signed head");
    assert_eq!(read(&file).expect("reads"), Some(again.clone()));
    let third = restated(&log, &file, &asked, again.clone()).expect("once");
    assert_eq!((third, exports(&log).len()), (again, 1));
    log.close("test").expect("closes");
}
