//! Pure. The primary coded picture of an access unit: what the picture worker decodes, and nothing beside it.
//!
//! An access unit may carry more than the picture that is shown: messages (SEI) with whatever a maker puts in them, the same scene once
//! more as auxiliary or redundant pictures, further layers and views. None of that is decoded when a mask is proved, and any of it may
//! show what is under the mask. So of a camera that has a mask it is left out here, before painter, prover and recorder see the unit:
//! all three have the very same bytes.
//!
//! | | kept, bit for bit | left out |
//! |---|---|---|
//! | H.264 | slices (1, 5), parameter sets (7, 8) | everything else: partitions (2 to 4), SEI (6), delimiters (9), ends (10, 11), filler (12), extensions (13), prefixes and layers (14, 15, 20, 21), auxiliary pictures (19), unknown types |
//! | H.265 | slices (0 to 9, 16 to 21) and parameter sets (32 to 34) of layer 0 | everything else: SEI (39, 40), other layers, delimiters, ends, filler, unknown types |
//!
//! A recovery point is a message too, and one of our own takes its place, with its number of pictures and no more: without it no decoder
//! shows what follows, where there is no IDR. Where that number is nought and the picture refers to no other (an intra picture of an open
//! group) it can be decoded by itself, and proves what it shows. Pictures that come right only after others (intra refresh) can be painted,
//! but prove nothing.
//!
//! The order of an H.264 picture's two fields is written anew likewise ([`Timing`]): without it every player guesses.
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use footage::mp4::{Codec, Parameters};

use crate::nal::{self, Bits, Kind, Opening, Timing, Torn};

/// The longest parameter set that is kept of a camera whose mask is proved. With all its scaling lists one has half as much.
const LONGEST_SET: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// Length-prefixed NAL units (4 bytes); empty where the unit had no picture.
    pub bytes: Bytes,
    pub opening: Opening,
    /// Why nobody can prove what it shows.
    pub doubt: Option<&'static str>,
}

/// More pictures than any intra refresh takes; beyond that a recovery point says nothing.
const LATEST: u32 = 1000;

/// A unit that is kept, or one of ours.
enum Piece {
    Kept(Range<usize>),
    Ours(Vec<u8>),
}

/// How a stream with these parameters says in which order the fields of its pictures were taken; None: it does not, or need not.
pub fn timing(parameters: &Parameters) -> Option<Timing> {
    match parameters.codec {
        Codec::H264 => Timing::of(&parameters.config),
        Codec::H265 => None,
    }
}

/// What is kept of an access unit. `timing`: of the parameter set in force.
pub fn primary(codec: Codec, timing: Option<Timing>, unit: &Bytes) -> Result<Primary, Torn> {
    let mut kept = Vec::new();
    // Of the fields of the picture that comes next.
    let mut fields = None;
    // Where the first slice stands among what is kept.
    let mut first_slice = None;
    let (mut first, mut intra, mut recovery) = (false, true, None);
    let (mut whole, mut doubt) = (true, None);
    for range in nal::units(unit) {
        let range = range?;
        let nal = nal::body(unit, &range);
        let keep = match kind(codec, nal) {
            Some(Kind::Slice { key }) => {
                kept.extend(fields.take().map(Piece::Ours));
                first_slice.get_or_insert(kept.len());
                first |= key;
                intra &= key || nal::intra(codec, nal);
                true
            }
            Some(Kind::Set) => {
                doubt = doubt.or(doubtful(codec, nal));
                true
            }
            Some(Kind::Partition) => {
                doubt = Some(PARTITIONS);
                false
            }
            // One of H.265 is not written anew: there a picture that decodes alone says so itself.
            Some(Kind::Message) if codec == Codec::H264 => {
                recovery = nal::recovery(codec, nal)
                    .filter(|pictures| *pictures <= LATEST)
                    .or(recovery);
                let said = timing.and_then(|t| Some(t.message(t.read(nal)?)));
                fields = said.map(with_length).or(fields);
                false
            }
            _ => false,
        };
        whole &= keep;
        if keep {
            kept.push(Piece::Kept(range));
        }
    }
    let point = recovery.filter(|_| !first).map(recovery_point);
    let bytes = match first_slice {
        None => Bytes::new(),
        Some(_) if whole => unit.clone(),
        Some(at) => {
            let mut bytes = BytesMut::with_capacity(unit.len() + 16);
            for (n, piece) in kept.into_iter().enumerate() {
                if let (true, Some(point)) = (n == at, &point) {
                    bytes.extend_from_slice(point);
                }
                match piece {
                    Piece::Kept(range) => bytes.extend_from_slice(&unit[range]),
                    Piece::Ours(ours) => bytes.extend_from_slice(&ours),
                }
            }
            bytes.freeze()
        }
    };
    let opening = if bytes.is_empty() {
        Opening::No
    } else {
        Opening::of(first, intra, recovery)
    };
    Ok(Primary {
        bytes,
        opening,
        doubt,
    })
}

/// A recovery point of our own, with its length before it (ITU-T H.264, D.1.8).
fn recovery_point(pictures: u32) -> Vec<u8> {
    const KIND: u8 = 6;
    // recovery_frame_cnt as Exp-Golomb, then exact_match_flag, broken_link_flag, changing_slice_group_idc (0 each), then a one and
    // zeros up to the byte's end.
    let value = u64::from(pictures) + 1;
    let digits = 64 - value.leading_zeros();
    let bits = 2 * digits - 1 + 4 + 1;
    let bytes = bits.div_ceil(8);
    let payload = ((value << 5) | 1) << (8 * bytes - bits);
    let payload = &payload.to_be_bytes()[8 - bytes as usize..];
    let mut nal = vec![KIND, KIND, bytes as u8];
    nal.extend_from_slice(payload);
    nal.push(0x80);
    with_length(nal)
}

fn with_length(nal: Vec<u8>) -> Vec<u8> {
    let mut out = (nal.len() as u32).to_be_bytes().to_vec();
    out.extend(nal);
    out
}

const PARTITIONS: &str = "the camera sends its pictures in partitions (H.264 Extended profile), which cannot be decoded here: set its \
                          profile to Main or High";
const REDUNDANT: &str = "the camera says that it sends pictures twice (redundant pictures), and the second is not what is proved: set \
                         its profile to Main or High";
const GROUPS: &str = "the camera sends its pictures in slice groups (H.264 Baseline with FMO), which cannot be decoded here: set its \
                      profile to Main or High";
const LONG_SET: &str = "the camera sends parameter sets that are much longer than any need to be, and nobody can say what is in them";
const BAD_SET: &str = "the camera sends a picture parameter set that cannot be understood";

/// Why pictures that are decoded by a parameter set prove nothing.
fn doubtful(codec: Codec, set: &[u8]) -> Option<&'static str> {
    if set.len() > LONGEST_SET {
        return Some(LONG_SET);
    }
    if nal::picture_set(codec, set) {
        return match promises(set) {
            Some((false, false)) => None,
            Some((true, _)) => Some(GROUPS),
            Some((_, true)) => Some(REDUNDANT),
            None => Some(BAD_SET),
        };
    }
    None
}

/// Why pictures of a stream with this `avcC` or `hvcC` body prove nothing.
pub fn doubtful_config(codec: Codec, config: &[u8]) -> Option<&'static str> {
    if codec != Codec::H264 {
        return None;
    }
    match nal::sets(config) {
        None => Some(BAD_SET),
        Some(sets) => sets.iter().find_map(|set| doubtful(codec, set)),
    }
}

/// None: shorter than any that is decoded.
fn kind(codec: Codec, nal: &[u8]) -> Option<Kind> {
    let shortest = match codec {
        Codec::H264 => 2,
        Codec::H265 => 3,
    };
    (nal.len() >= shortest).then(|| nal::kind(codec, nal))
}

/// Of an H.264 picture parameter set: whether it speaks of slice groups, and of redundant pictures (ITU-T H.264, 7.3.2.2). None: it makes
/// no sense.
fn promises(set: &[u8]) -> Option<(bool, bool)> {
    let mut bits = Bits::new(set.get(1..)?);
    bits.golomb()?; // pic_parameter_set_id
    bits.golomb()?; // seq_parameter_set_id
    bits.skip(2)?; // entropy_coding_mode_flag, bottom_field_pic_order_in_frame_present_flag
    if bits.golomb()? > 0 {
        return Some((true, false));
    }
    bits.golomb()?; // num_ref_idx_l0_default_active_minus1
    bits.golomb()?; // num_ref_idx_l1_default_active_minus1
    bits.skip(3)?; // weighted_pred_flag, weighted_bipred_idc
    bits.golomb()?; // pic_init_qp_minus26
    bits.golomb()?; // pic_init_qs_minus26
    bits.golomb()?; // chroma_qp_index_offset
    bits.skip(2)?; // deblocking_filter_control_present_flag, constrained_intra_pred_flag
    Some((false, bits.bit()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture parameter set of x264's.
    const PPS: &[u8] = &[0x68, 0xee, 0x3c, 0x80];

    fn unit(nals: &[&[u8]]) -> Bytes {
        nals.iter()
            .flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat())
            .collect()
    }

    /// REC-2, MSK-5: of H.264 slices and parameter sets stay, bit for bit; an open picture beside them, in whatever clothes, does not.
    #[test]
    fn h264_keeps_what_is_decoded() {
        let (sps, idr, p): (&[u8], &[u8], &[u8]) =
            (&[0x67, 0x64, 0, 30], &[0x65, 1, 2], &[0x41, 3]);
        let plain = unit(&[sps, PPS, idr, idr]);
        let kept = primary(Codec::H264, None, &plain).expect("whole");
        assert_eq!(
            (&kept.bytes, kept.opening, kept.doubt),
            (&plain, Opening::Alone, None)
        );
        for beside in [
            0u8, 6, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 23, 24, 31,
        ] {
            let open: &[u8] = &[0x60 | beside, 7, 7, 7];
            let all = unit(&[open, sps, PPS, open, idr, idr, open]);
            assert_eq!(
                primary(Codec::H264, None, &all),
                Ok(kept.clone()),
                "type {beside}"
            );
            let alone = primary(Codec::H264, None, &unit(&[open])).expect("whole");
            assert!(alone.bytes.is_empty(), "type {beside} by itself");
        }
        let later = primary(Codec::H264, None, &unit(&[&[6, 1, 2], p])).expect("whole");
        assert_eq!((later.bytes, later.opening), (unit(&[p]), Opening::No));
    }

    /// REC-2, MSK-5: of H.265 the base layer's slices and parameter sets stay.
    #[test]
    fn h265_keeps_the_base_layer() {
        let nal = |kind: u8, layer: u8| vec![kind << 1 | layer >> 5, layer << 3 | 1, 9, 9];
        let (vps, idr, p) = (nal(32, 0), nal(19, 0), nal(1, 0));
        let plain = unit(&[&vps, &idr]);
        let kept = primary(Codec::H265, None, &plain).expect("whole");
        assert_eq!((&kept.bytes, kept.opening), (&plain, Opening::Alone));
        let others: Vec<Vec<u8>> = (10..16)
            .chain(22..32)
            .chain(35..64)
            .map(|kind| nal(kind, 0))
            .chain((0..64).map(|kind| nal(kind, 1)))
            .chain([nal(19, 32), nal(1, 63), nal(33, 5)])
            .collect();
        for open in &others {
            let all = unit(&[open, &vps, open, &idr, open]);
            assert_eq!(
                primary(Codec::H265, None, &all),
                Ok(kept.clone()),
                "{open:?}"
            );
        }
        for kind in 16..=21 {
            assert!(
                primary(Codec::H265, None, &unit(&[&nal(kind, 0)]))
                    .is_ok_and(|p| p.opening == Opening::Alone)
            );
        }
        assert!(primary(Codec::H265, None, &unit(&[&p])).is_ok_and(|p| p.opening == Opening::No));
    }

    /// MSK-5: what only some decoders put together proves nothing, and that is said.
    #[test]
    fn what_cannot_be_proved_is_said() {
        let doubt = |nals: &[&[u8]]| {
            primary(Codec::H264, None, &unit(nals))
                .expect("whole")
                .doubt
        };
        assert_eq!(doubt(&[PPS, &[0x65, 1]]), None);
        assert_eq!(
            doubt(&[&[0x62, 1], &[0x63, 1], &[0x64, 1]]),
            Some(PARTITIONS)
        );
        // Its last flag says redundant pictures; one slice group more.
        assert_eq!(
            doubt(&[&[0x68, 0xee, 0x3d, 0x80], &[0x65, 1]]),
            Some(REDUNDANT)
        );
        assert_eq!(
            doubt(&[&[0x68, 0xe5, 0x3c, 0x80], &[0x65, 1]]),
            Some(GROUPS)
        );
        assert_eq!(doubt(&[&[0x68, 0], &[0x65, 1]]), Some(BAD_SET));
        let long = [&[0x67][..], &[9; 2000]].concat();
        assert_eq!(doubt(&[&long, &[0x65, 1]]), Some(LONG_SET));
        let config = |pps: &[u8]| {
            let head = [
                1,
                100,
                0,
                30,
                0xff,
                0xe1,
                0,
                4,
                0x67,
                100,
                0,
                30,
                1,
                0,
                pps.len() as u8,
            ];
            [&head[..], pps].concat()
        };
        assert_eq!(doubtful_config(Codec::H264, &config(PPS)), None);
        let redundant = config(&[0x68, 0xee, 0x3d, 0x80]);
        assert_eq!(doubtful_config(Codec::H264, &redundant), Some(REDUNDANT));
        assert_eq!(
            doubtful_config(Codec::H264, &redundant[..14]),
            Some(BAD_SET)
        );
        assert_eq!(doubtful_config(Codec::H265, &[]), None);
    }

    /// REC-1, MSK-5: an intra picture at which decoding may begin is one that can be decoded by itself; its message is ours, and holds
    /// nothing of the camera's. One that comes right after others is not.
    #[test]
    fn a_recovery_point_is_written_anew() {
        // first_mb 0, slice type 7 (I) and 5 (P): 1 0001000, 1 00110.
        let (i, p): (&[u8], &[u8]) = (&[0x61, 0x88, 0x40], &[0x61, 0x9a, 0x40]);
        // After a message with an open picture.
        let at_once: &[u8] = &[6, 5, 4, 7, 7, 7, 7, 6, 1, 0xc4, 0x80];
        let later: &[u8] = &[6, 6, 1, 0x4c, 0x80, 5, 2, 9, 9, 0x80];
        let of = |nals: &[&[u8]]| primary(Codec::H264, None, &unit(nals)).expect("whole");
        let (now, soon) = (recovery_point(0), recovery_point(1));
        assert_eq!(
            (&now[4..], &soon[4..]),
            (&[6, 6, 1, 0x84, 0x80][..], &[6, 6, 1, 0x41, 0x80][..])
        );
        for (nals, ours, opening) in [
            ([at_once, i], Some(&now), Opening::Alone),
            ([at_once, p], Some(&now), Opening::Recovery(0)),
            ([later, p], Some(&soon), Opening::Recovery(1)),
            ([&[6, 5, 1, 7, 0x80], i], None, Opening::Intra),
            ([at_once, &[0x65, 0x88, 0x40]], None, Opening::Alone),
        ] {
            let all = [PPS, nals[0], nals[1], nals[1]];
            let kept = of(&all);
            let wanted: Vec<&[u8]> = match ours {
                Some(ours) => vec![PPS, &ours[4..], nals[1], nals[1]],
                None => vec![PPS, nals[1], nals[1]],
            };
            assert_eq!(
                (&kept.bytes, kept.opening),
                (&unit(&wanted), opening),
                "{nals:?}"
            );
            assert_eq!(primary(Codec::H264, None, &kept.bytes), Ok(kept.clone()));
        }
        for pictures in [0, 1, 2, 24, 255, 999] {
            let point = recovery_point(pictures);
            assert_eq!(point.len(), 4 + usize::from(point[3]));
            assert_eq!(nal::recovery(Codec::H264, &point[4..]), Some(pictures));
        }
    }

    /// REC-2, MSK-5: which field of a picture was taken first stays said, of each of two fields that come as one unit too; the message is
    /// ours, stands before a slice only, and holds nothing else of the camera's.
    #[test]
    fn the_order_of_fields_is_written_anew() {
        let timing = Timing::of(&crate::testing::config_of_fields());
        assert!(timing.is_some());
        let of = |nals: &[&[u8]]| primary(Codec::H264, timing, &unit(nals)).expect("whole");
        let slice: &[u8] = &[0x41, 0x9a, 0x40];
        // After and before messages with an open picture.
        let said: &[u8] = &[6, 5, 4, 7, 7, 7, 7, 1, 1, 0x32, 4, 2, 9, 9, 0x80];
        let ours: &[u8] = &[6, 1, 1, 0x32, 0x80];
        let (top, bottom): (&[u8], &[u8]) = (&[6, 1, 1, 0x14, 0x80], &[6, 1, 1, 0x24, 0x80]);
        for (nals, wanted) in [
            (vec![said, PPS, slice, slice], vec![PPS, ours, slice, slice]),
            (
                vec![top, slice, bottom, slice],
                vec![top, slice, bottom, slice],
            ),
            (vec![slice, said], vec![slice]),
            (vec![said, said, slice], vec![ours, slice]),
            (vec![&[6, 5, 1, 7, 0x80], slice], vec![slice]),
        ] {
            let kept = of(&nals);
            assert_eq!(kept.bytes, unit(&wanted), "{nals:?}");
            assert_eq!(primary(Codec::H264, timing, &kept.bytes), Ok(kept));
        }
        // Beside a recovery point of ours.
        let at_once: &[u8] = &[6, 1, 1, 0x32, 6, 1, 0xc4, 0x80];
        let both = of(&[at_once, slice]);
        assert_eq!(both.opening, Opening::Recovery(0));
        assert_eq!(both.bytes, unit(&[ours, &recovery_point(0)[4..], slice]));
        assert_eq!(primary(Codec::H264, timing, &both.bytes), Ok(both));
    }

    #[test]
    fn torn_units() {
        for torn in [&[0, 0, 0][..], &[0, 0, 0, 9, 0x65], &[0, 0, 0, 1, 0x65, 1]] {
            assert_eq!(
                primary(Codec::H264, None, &Bytes::copy_from_slice(torn)),
                Err(Torn)
            );
        }
    }

    proptest! {
        /// MSK-5: whatever a camera sends, what is kept is a part of it, in order, and keeping it again changes nothing.
        #[test]
        fn a_part_of_what_came(nals in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8), h264 in any::<bool>()) {
            let codec = if h264 { Codec::H264 } else { Codec::H265 };
            let all: Vec<&[u8]> = nals.iter().map(Vec::as_slice).collect();
            let kept = primary(codec, None, &unit(&all)).expect("whole");
            let mut rest = nals.iter();
            for range in nal::units(&kept.bytes) {
                let nal = nal::body(&kept.bytes, &range.expect("whole"));
                prop_assert!(nal.starts_with(&[6, 6]) || rest.any(|n| n == nal));
            }
            let again = primary(codec, None, &kept.bytes).expect("whole");
            prop_assert_eq!(&again.bytes, &kept.bytes);
            prop_assert_eq!(again.opening, kept.opening);
        }
    }
}
