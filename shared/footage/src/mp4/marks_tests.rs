//! Pure. Time and bytes of made-up segments, sealed and read as the reader reads them.
use std::io::Cursor;

use proptest::prelude::*;

use super::{super::*, *};
use crate::sealed::{self, RangeReader};

const T0: Utc = Utc(1_800_000_000_000);

/// Fragments as (length in ms, bytes, whether it begins with a key frame): a plain segment with or without marks, and where each fragment
/// begins and when.
fn segment(fragments: &[(u64, usize, bool)], marked: bool) -> (Vec<u8>, Vec<(u64, Utc, bool)>) {
    let mut bytes = init(&Parameters {
        codec: Codec::H264,
        width: 64,
        height: 64,
        config: vec![1, 66, 0, 10, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 1, 0x68],
        sound: None,
    })
    .expect("init");
    say_rate("realtime", &mut bytes);
    let (mut dts, mut marks, mut places) = (0, Vec::new(), Vec::new());
    for (n, (ms, size, key)) in fragments.iter().enumerate() {
        let key = *key || n == 0;
        let frame = |dts, key| Frame {
            dts,
            cts: 0,
            duration: (*ms * 45) as u32,
            key,
            bytes: vec![n as u8; *size].into(),
        };
        let frames = [frame(dts, key), frame(dts + ms * 45, false)];
        let wall = T0.plus_ms((dts / 90) as i64);
        places.push((bytes.len() as u64, wall, key));
        if key {
            let (time, moof) = (dts, bytes.len() as u64 + PRFT);
            marks.push(Mark { time, moof });
        }
        fragment(n as u32 + 1, wall, &frames, &[], &mut bytes).expect("fragment");
        if n % 5 == 4 {
            fill(9, &mut bytes);
        }
        dts += ms * 90;
    }
    places.push((bytes.len() as u64, T0.plus_ms((dts / 90) as i64), false));
    if marked {
        say_marks(&marks, &mut bytes);
    }
    (bytes, places)
}

fn found(bytes: &[u8], t0: Utc, t1: Utc) -> Option<Part> {
    part(&mut Cursor::new(bytes), bytes.len() as u64, t0, t1).expect("a segment")
}

/// What is due, from every fragment there is.
fn due(places: &[(u64, Utc, bool)], t0: Utc, t1: Utc) -> Option<Part> {
    let (end, fragments) = places.split_last().expect("fragments");
    if end.1 <= t0 || fragments[0].1 >= t1 {
        return None;
    }
    let from = fragments.iter().rev().find(|f| f.2 && f.1 <= t0);
    let to = fragments.iter().find(|f| f.1 >= t1).unwrap_or(end).0;
    Some(Part {
        from: from.unwrap_or(&fragments[0]).0,
        to,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// EVI-1: whatever span is asked for, the part of a sealed segment begins at the key frame before it and ends with it, by the marks and
    /// without them; and marks that say anything else never make it another one.
    #[test]
    fn time_becomes_a_byte(
        fragments in prop::collection::vec((20u64..700, 1usize..90_000, prop::bool::weighted(0.3)), 1..24),
        from in -500i64..8_000,
        length in 1i64..6_000,
        (at, flip) in (0usize..20_000, 1u8..=255),
    ) {
        let (t0, t1) = (T0.plus_ms(from), T0.plus_ms(from + length));
        let (marked, places) = segment(&fragments, true);
        let (bare, _) = segment(&fragments, false);
        let due = due(&places, t0, t1);
        prop_assert_eq!(found(&bare, t0, t1), due);
        let (identity, recipient) = sealed::keypair();
        let sealed = sealed::seal(&recipient, &marked).expect("sealed");
        let mut reader = RangeReader::new(Cursor::new(sealed), &identity).expect("opened");
        let len = reader.plain_len();
        prop_assert_eq!(part(&mut reader, len, t0, t1).expect("part"), due);
        prop_assert_eq!(parse(&marked).expect("parsed").whole_bytes, len);

        // One byte of the marks is another.
        let mut wrong = marked;
        let begins = bare.len();
        let at = begins + at % (wrong.len() - begins);
        wrong[at] ^= flip;
        if let Ok(Some(got)) = part(&mut Cursor::new(&wrong), len, t0, t1) {
            let starts = |b: u64| places.iter().find(|p| p.0 == b);
            let first = starts(got.from).expect("a fragment begins there");
            prop_assert!(first.1 <= t0 || got.from == places[0].0);
            prop_assert_eq!(Some(got.to), due.map(|d| d.to));
        }
    }
}

/// Every ordinary program reads a segment with its marks, and a torn one is made whole without them.
#[test]
fn marks_are_a_standard_box() {
    let (marked, _) = segment(
        &[(300, 500, true), (300, 400, false), (300, 300, true)],
        true,
    );
    let boxes = super::super::boxes::children(&marked, b"mfra").count();
    assert_eq!(boxes, 1);
    assert_eq!(parse(&marked).expect("parsed").fragments, 3);
    for cut in 1..60 {
        let kept = salvage(marked[..marked.len() - cut].to_vec()).expect("salvaged");
        let again = parse(&kept).expect("parsed");
        assert_eq!((again.fragments, again.whole_bytes), (3, kept.len() as u64));
    }
}
