use proptest::prelude::*;
use shared::time::Utc;

use super::*;

fn now(mono: u64) -> Now {
    Now {
        wall: Utc(1_800_000_000_000 + mono as i64),
        mono,
    }
}

fn units(nals: &[&[u8]]) -> Bytes {
    let mut out = Vec::new();
    for nal in nals {
        out.extend((nal.len() as u32).to_be_bytes());
        out.extend(*nal);
    }
    out.into()
}

fn piece(ticks: i64, nals: &[&[u8]]) -> Piece {
    Piece {
        ticks,
        arrived: now(ticks as u64 / 90),
        bytes: units(nals),
        lost: 0,
        parameters: None,
    }
}

fn run(pictures: &mut Pictures, pieces: impl IntoIterator<Item = Piece>) -> Vec<Picture> {
    let mut out = Vec::new();
    for piece in pieces {
        pictures.push(piece, &mut out);
    }
    pictures.flush(&mut out);
    out
}

// H.264: first_mb 0 and slice_type 7 (I) is 1 0001000; slice_type 5 (P) is 1 00110; a later slice begins with a 0 bit.
const IDR: &[u8] = &[0x65, 0b1000_1000, 0x84];
const IDR_MORE: &[u8] = &[0x65, 0b0101_0000, 0x11];
const P: &[u8] = &[0x41, 0b1001_1010, 0x22];
const P_MORE: &[u8] = &[0x41, 0b0111_0000, 0x33];
const I: &[u8] = &[0x41, 0b1000_1000, 0x44];
/// first_mb 1 (010), slice_type 7 (0001000).
const I_MORE: &[u8] = &[0x41, 0b0100_0010, 0b0000_0000, 0x55];
const AUD: &[u8] = &[0x09, 0xf0];
const SEI: &[u8] = &[0x06, 0x05, 0x01, 0x77, 0x80];
/// recovery_frame_cnt 0, exact, not broken, no changes.
const NOW: &[u8] = &[0x06, 0x06, 0x01, 0b1100_0100, 0x80];
/// recovery_frame_cnt 14: 0001111.
const LATER: &[u8] = &[0x06, 0x06, 0x02, 0b0001_1111, 0b0001_0000, 0x80];
const AUXILIARY: &[u8] = &[0x13, 0x88, 0x99];

/// REC-2 (K2): cameras that mark each slice: the slices of one time stamp are one picture, whatever the marker says.
#[test]
fn slices_each_marked_are_one_picture() {
    let mut pictures = Pictures::new(Codec::H264);
    let got = run(
        &mut pictures,
        [
            piece(0, &[AUD, IDR]),
            piece(0, &[IDR_MORE]),
            piece(0, &[IDR_MORE]),
            piece(3600, &[AUD, P]),
            piece(3600, &[P_MORE]),
            piece(3601, &[P_MORE]),
            piece(7200, &[P]),
        ],
    );
    let want = [
        (0, units(&[AUD, IDR, IDR_MORE, IDR_MORE]), Opening::Alone),
        (3600, units(&[AUD, P, P_MORE, P_MORE]), Opening::No),
        (7200, units(&[P]), Opening::No),
    ];
    assert_eq!(got.len(), want.len());
    for (picture, (ticks, bytes, opening)) in got.iter().zip(want) {
        assert_eq!(
            (picture.ticks, &picture.bytes, picture.opening),
            (ticks, &bytes, opening)
        );
    }
}

/// REC-2: pictures that all carry one stamp, or come without a marker between them, are parted; what stands before a picture goes
/// with it, an auxiliary picture with the one it follows.
#[test]
fn pictures_of_one_stamp_are_parted() {
    let mut pictures = Pictures::new(Codec::H264);
    let got = run(
        &mut pictures,
        [
            piece(0, &[AUD, SEI, IDR, AUXILIARY, AUD, SEI, P, P_MORE, P]),
            piece(0, &[P, AUXILIARY]),
            piece(0, &[AUXILIARY]),
            piece(0, &[SEI]),
            piece(0, &[P]),
        ],
    );
    let bytes: Vec<Bytes> = got.iter().map(|p| p.bytes.clone()).collect();
    assert_eq!(
        bytes,
        [
            units(&[AUD, SEI, IDR, AUXILIARY]),
            units(&[AUD, SEI, P, P_MORE]),
            units(&[P]),
            units(&[P, AUXILIARY, AUXILIARY]),
            units(&[SEI, P]),
        ]
    );
}

/// REC-2: H.265 alike.
#[test]
fn slices_of_h265() {
    let idr: &[u8] = &[0x26, 0x01, 0x80, 1];
    let idr_more: &[u8] = &[0x26, 0x01, 0x40, 2];
    let trail: &[u8] = &[0x02, 0x01, 0x80, 3];
    let other_layer: &[u8] = &[0x02, 0x09, 0x80, 4];
    let cra: &[u8] = &[0x2a, 0x01, 0x80, 5];
    let suffix: &[u8] = &[0x50, 0x01, 6];
    // A recovery point in two pictures: recovery_poc_cnt +2 (00100).
    let message: &[u8] = &[0x4e, 0x01, 6, 1, 0b0010_0110, 0x80];
    let mut pictures = Pictures::new(Codec::H265);
    let got = run(
        &mut pictures,
        [
            piece(0, &[idr]),
            piece(0, &[idr_more]),
            piece(3600, &[trail, other_layer]),
            piece(3600, &[suffix]),
            piece(7200, &[cra]),
            piece(10_800, &[message, trail]),
        ],
    );
    let all: Vec<(Bytes, Opening)> = got.into_iter().map(|p| (p.bytes, p.opening)).collect();
    assert_eq!(
        all,
        [
            (units(&[idr, idr_more]), Opening::Alone),
            (units(&[trail, other_layer, suffix]), Opening::No),
            (units(&[cra]), Opening::Alone),
            (units(&[message, trail]), Opening::Recovery(2)),
        ]
    );
}

/// REC-1 (K1): where decoding may begin: recovery points now and later, intra pictures of which nothing is said, and none of them when
/// one slice of it is not intra.
#[test]
fn openings() {
    let mut pictures = Pictures::new(Codec::H264);
    let got = run(
        &mut pictures,
        [
            piece(0, &[NOW, I]),
            piece(3600, &[LATER, P]),
            piece(7200, &[I, I_MORE]),
            piece(10_800, &[I, P_MORE]),
            piece(14_400, &[IDR]),
            piece(18_000, &[NOW, P]),
        ],
    );
    let all: Vec<Opening> = got.iter().map(|p| p.opening).collect();
    assert_eq!(
        all,
        [
            Opening::Alone,
            Opening::Recovery(14),
            Opening::Intra,
            Opening::No,
            Opening::Alone,
            Opening::Recovery(0),
        ]
    );
}

/// MSK-5: a picture of which something was lost opens nothing: a decoder that begins there guesses.
#[test]
fn what_was_lost_opens_nothing() {
    let lost = |piece: Piece| Piece { lost: 3, ..piece };
    let mut pictures = Pictures::new(Codec::H264);
    // Its first slice is missing; a slice within; its last (of a camera known to send several); and a whole one after a loss.
    let got = run(
        &mut pictures,
        [
            piece(0, &[IDR_MORE]),
            piece(3600, &[IDR]),
            lost(piece(3600, &[IDR_MORE])),
            piece(7200, &[IDR]),
            piece(7200, &[IDR_MORE]),
            lost(piece(10_800, &[IDR])),
            piece(10_800, &[IDR_MORE]),
            // What is left of a picture whose first slice was lost is not the end of the one before.
            lost(piece(14_400, &[P_MORE])),
        ],
    );
    let all: Vec<(i64, u32, Opening)> = got.iter().map(|p| (p.ticks, p.lost, p.opening)).collect();
    assert_eq!(
        all,
        [
            (0, 0, Opening::No),
            (3600, 3, Opening::No),
            (7200, 0, Opening::No),
            (10_800, 3, Opening::No),
            (14_400, 3, Opening::No),
        ]
    );
}

/// REC-1: the best kind of opening that comes often enough is used: once a camera's only IDR is long past, its recovery points.
#[test]
fn the_best_opening_that_comes() {
    let mut openings = Openings::new(1_000);
    assert!(openings.opens(Opening::Recovery(5), 1_500));
    assert!(openings.opens(Opening::Alone, 2_000));
    assert!(!openings.opens(Opening::Recovery(5), 9_000));
    assert!(!openings.opens(Opening::Intra, 9_500));
    assert!(openings.opens(Opening::Recovery(5), 12_000));
    assert!(!openings.opens(Opening::Intra, 13_000));
    assert!(openings.opens(Opening::Intra, 23_000));
    let mut openings = Openings::new(1_000);
    assert!(!openings.opens(Opening::Intra, 3_000));
    assert!(openings.opens(Opening::Intra, 4_000), "nothing else came");
    assert!(!openings.opens(Opening::No, 90_000));
}

/// An interlaced stream of 176 by 288, of whose pictures each is two fields: `frame_num` of four bits, no colour planes.
fn interlaced() -> Parameters {
    let sps = [0x67, 0x4d, 0x00, 0x1e, 0xda, 0x0b, 0x12, 0x48];
    let pps = [0x68, 0xce, 0x0f, 0xc8];
    let mut config = vec![1, 0x4d, 0, 0x1e, 0xff, 0xe1, 0, sps.len() as u8];
    config.extend(sps);
    config.extend([1, 0, pps.len() as u8]);
    config.extend(pps);
    Parameters {
        codec: Codec::H264,
        width: 176,
        height: 288,
        config,
        sound: None,
    }
}

/// REC-2 (K2): two fields are one picture, whichever comes first and whether they have one time stamp or two; a third is the next's.
#[test]
fn two_fields_are_one_picture() {
    // first_mb 0, slice type 7 or 5, parameter set 0, frame_num, field_pic_flag, bottom_field_flag, and some of the rest.
    let key = |bottom: u8| [0x65, 0b1000_1000, 0b1000_0101 | bottom << 1, 0x44];
    let other = |frame: u8, bottom: u8| {
        [
            0x41,
            0b1001_1010 | frame >> 3,
            (frame & 7) << 5 | 0b1_0111 | bottom << 3,
            0x55,
        ]
    };
    for (first, second, apart) in [(0, 1, 0), (0, 1, 1800), (1, 0, 0), (1, 0, 1800)] {
        let mut pictures = Pictures::new(Codec::H264);
        let fields = [
            (0, key(first)),
            (apart, other(0, second)),
            (3600, other(1, first)),
            (3600 + apart, other(1, second)),
            (7200, other(2, first)),
        ];
        let mut pieces: Vec<Piece> = fields.iter().map(|(t, nal)| piece(*t, &[nal])).collect();
        pieces[0].parameters = Some(interlaced());
        let got = run(&mut pictures, pieces);
        let all: Vec<(i64, Bytes, Opening)> = got
            .into_iter()
            .map(|p| (p.ticks, p.bytes, p.opening))
            .collect();
        let two = |a: usize, b: usize| units(&[&fields[a].1, &fields[b].1]);
        assert_eq!(
            all,
            [
                (0, two(0, 1), Opening::Alone),
                (3600, two(2, 3), Opening::No),
                (7200, units(&[&fields[4].1]), Opening::No),
            ],
            "{first} first, {apart} apart"
        );
    }
}

proptest! {
    /// Whatever a camera sends: nothing is lost or doubled, and nothing panics.
    #[test]
    fn every_byte_leaves_once(
        codec in prop_oneof![Just(Codec::H264), Just(Codec::H265)],
        all in proptest::collection::vec((proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..12), 1..5), 0i64..3, 0u32..2), 1..20),
    ) {
        let mut pictures = Pictures::new(codec);
        let (mut out, mut sent, mut lost) = (Vec::new(), Vec::new(), 0);
        for (nals, ticks, gone) in &all {
            let nals: Vec<&[u8]> = nals.iter().map(Vec::as_slice).collect();
            let piece = Piece { lost: *gone, ..piece(ticks * 3600, &nals) };
            sent.extend_from_slice(&piece.bytes);
            lost += gone;
            pictures.push(piece, &mut out);
        }
        out.extend(pictures.end());
        let got: Vec<u8> = out.iter().flat_map(|p| p.bytes.to_vec()).collect();
        prop_assert_eq!(got, sent);
        prop_assert_eq!(out.iter().map(|p| p.lost).sum::<u32>(), lost);
    }
}
