//! Pure. Prepared bytes as they are sent, from any place on.
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
        Sending::open(&state, &r, &cam, 4, 0)
            .err()
            .is_some_and(|e| e.contains("nothing is prepared"))
    );
    put(prepared(None, 0));
    assert!(
        Sending::open(&state, &r, &cam, 4, 0)
            .err()
            .is_some_and(|e| e.contains("not prepared yet"))
    );
    put(prepared(Some("NEW:"), 11));
    let whole = b"NEW:payload";
    for offset in 0..=whole.len() {
        for most in [1, 3, 100] {
            let mut sending = Sending::open(&state, &r, &cam, 4, offset as u64).expect("opens");
            let mut got = Vec::new();
            loop {
                let bytes = sending.next(most).expect("reads");
                if bytes.is_empty() {
                    break;
                }
                got.extend(bytes);
            }
            assert_eq!(got, &whole[offset..], "from {offset} by {most}");
        }
    }
    assert!(Sending::open(&state, &r, &cam, 4, 12).is_err());
    assert!(Sending::open(&state, &r, &cam, 5, 0).is_err());
    std::fs::write(&file, b"old header|pay").expect("cut");
    assert!(
        Sending::open(&state, &r, &cam, 4, 0)
            .err()
            .is_some_and(|e| e.contains("were prepared"))
    );
}
