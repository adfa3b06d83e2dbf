//! Pure. Films of made-up segments, pushed in pieces of any size.
use proptest::prelude::*;

use super::{super::*, *};

const T0: Utc = Utc(1_800_000_000_000);

fn parameters(config: u8) -> Parameters {
    Parameters {
        codec: Codec::H264,
        width: 64,
        height: 64,
        config: vec![1, 66, 0, 10, 0xff, 0xe1, 0, 2, 0x67, config, 1, 0, 1, 0x68],
        sound: None,
    }
}

/// A segment from then on, of fragments of 400 ms, each with a key frame first if it is to be.
fn segment(config: u8, start: Utc, keys: &[bool]) -> Vec<u8> {
    let mut bytes = init(&parameters(config)).expect("init");
    say_mask("burned", "m1", &mut bytes);
    let mut marks = Vec::new();
    for (n, key) in keys.iter().enumerate() {
        let dts = n as u64 * 36_000;
        let frames: Vec<Frame> = (0..10)
            .map(|i| Frame {
                dts: dts + i * 3_600,
                cts: 0,
                duration: 3_600,
                key: *key && i == 0,
                bytes: vec![(n * 10 + i as usize) as u8; 50 + i as usize].into(),
            })
            .collect();
        if *key {
            let (time, moof) = (dts, bytes.len() as u64 + PRFT);
            marks.push(Mark { time, moof });
        }
        let wall = start.plus_ms(n as i64 * 400);
        fragment(n as u32 + 1, wall, &frames, &[], &mut bytes).expect("fragment");
        fill(20, &mut bytes);
    }
    say_marks(&marks, &mut bytes);
    bytes
}

fn begun(bytes: &[u8]) -> Opening {
    opening(bytes).expect("a beginning").expect("whole")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// EVI-1: parts of segments play as one film from their first key frame on, whatever pieces they come in: its frames are theirs, its
    /// times go on, as far apart as the clock on the wall says.
    #[test]
    fn one_film_of_many_segments(skipped in 0usize..3, gap in 0i64..5_000, piece in 1usize..700) {
        let one = segment(1, T0, &[true, false, false, true, false]);
        let two = segment(1, T0.plus_ms(2_000 + gap), &[true, false]);
        let places: Vec<u64> = {
            let marked = part(&mut std::io::Cursor::new(&one), one.len() as u64, T0.plus_ms(skipped as i64 * 600), T0.plus_ms(9_000));
            vec![marked.expect("read").expect("part").from]
        };
        let mut film = Vec::new();
        let mut making = Film::begin(&begun(&one), &mut film);
        for piece in one[places[0] as usize..].chunks(piece) {
            making.push(piece, &mut film).expect("fragments");
        }
        prop_assert!(making.goes_on(&begun(&two)).expect("between"));
        for piece in two[begun(&two).end as usize..].chunks(piece) {
            making.push(piece, &mut film).expect("fragments");
        }
        prop_assert!(making.between());
        let (got, was, then) = (parse(&film).expect("a film"), parse(&one).expect("one"), parse(&two).expect("two"));
        prop_assert_eq!(got.whole_bytes, film.len() as u64);
        let from = was.samples.iter().position(|s| s.offset > places[0]).expect("a frame");
        let frames = |s: &Segment, bytes: &[u8], from: usize| -> Vec<Vec<u8>> {
            s.samples[from..].iter().map(|f| bytes[f.offset as usize..][..f.size as usize].to_vec()).collect()
        };
        let mut due = frames(&was, &one, from);
        due.extend(frames(&then, &two, 0));
        prop_assert_eq!(frames(&got, &film, 0), due);
        prop_assert_eq!(got.samples[0].dts, 0);
        prop_assert_eq!(making.began(), Some(was.samples[from].wall));
        for (a, b) in got.samples.iter().zip(got.samples.iter().skip(1)) {
            prop_assert_eq!((b.dts - a.dts) as i64, (b.wall.0 - a.wall.0) * 90);
        }
    }
}

/// What is not what it was said to be is not shown: no key frame first, another thing than a fragment, times that go back.
#[test]
fn what_is_not_as_noted_is_not_shown() {
    let one = segment(1, T0, &[true, false, true]);
    let second = {
        let head = begun(&one).end as usize;
        let size = |at: usize| get_u32(&one, at).expect("size") as usize;
        let moof = head + 32;
        let mdat = moof + size(moof);
        mdat + size(mdat) + 20
    };
    let refused = |bytes: &[u8]| {
        let mut film = Vec::new();
        let mut making = Film::begin(&begun(&one), &mut film);
        let begun = film.len();
        let refused = making.push(bytes, &mut film).is_err();
        refused && film.len() == begun
    };
    assert!(refused(&one[second..]), "no key frame first");
    assert!(refused(&one[second + 1..]), "the middle of a box");
    assert!(refused(&one), "no fragment");
    let mut film = Vec::new();
    let mut making = Film::begin(&begun(&one), &mut film);
    let all = &one[begun(&one).end as usize..];
    making.push(all, &mut film).expect("once");
    assert!(making.push(all, &mut film).is_err(), "it goes back in time");
    let other = segment(2, T0.plus_ms(60_000), &[true]);
    let mut making = Film::begin(&begun(&one), &mut film);
    assert!(!making.goes_on(&begun(&other)).expect("between"));
    making.push(&all[..500], &mut film).expect("begun");
    assert!(making.goes_on(&begun(&one)).is_err(), "within a fragment");
    for cut in 0..begun(&one).end as usize {
        assert!(
            opening(&one[..cut]).expect("more is needed").is_none(),
            "{cut}"
        );
    }
}
