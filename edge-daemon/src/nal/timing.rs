//! Pure. The order of an H.264 picture's two fields, where only a message (SEI, picture timing) says it; and that message written anew.
//! Without it players take the upper one first.
//!
//! A camera whose pictures are two fields of one order count (no B pictures) says nowhere else which of them was taken first. Of its message
//! stay the order (`pic_struct`) and whether a clock says that the fields are of two moments (`ct_type`); times and delays are left out
//! (ITU-T H.264, D.1.3 and D.2.3).
use h264_reader::{
    nal::sps::{FrameMbsFlags, SeqParameterSet},
    rbsp::{BitReader, ByteReader},
};

use super::{Bits, h264, sets};

/// The message's number, and the type of the unit that holds it.
const PICTURE_TIMING: usize = 1;
const MESSAGES: u8 = 6;
/// How many clocks each order has.
const CLOCKS: [usize; 9] = [1, 1, 1, 2, 2, 3, 3, 2, 3];
/// A clock says: of two moments.
const INTERLACED: u32 = 1;

/// What must be known to read the message, of a stream's parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Bits of its two delays together.
    delays: usize,
    /// Bits of a clock's offset.
    offset: usize,
    /// Pictures are never coded as fields, nor their blocks.
    frames: bool,
}

/// What of a message is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldOrder {
    pic_struct: usize,
    /// Of each clock that is there, its `ct_type`.
    clocks: [Option<u32>; 3],
}

impl Timing {
    /// Of an `avcC`; None where no message says anything of fields.
    pub fn of(config: &[u8]) -> Option<Self> {
        let sps = sets(config)?.into_iter().find(|set| h264(set) == 7)?;
        let bits = BitReader::new(ByteReader::skipping_h264_header(sps));
        let sps = SeqParameterSet::from_bits(bits).ok()?;
        let vui = sps.vui_parameters.filter(|v| v.pic_struct_present_flag)?;
        let hrd = vui.nal_hrd_parameters.or(vui.vcl_hrd_parameters);
        let bits = |minus1: u8| usize::from(minus1) + 1;
        Some(Self {
            delays: hrd.as_ref().map_or(0, |h| {
                bits(h.cpb_removal_delay_length_minus1) + bits(h.dpb_output_delay_length_minus1)
            }),
            offset: hrd.map_or(24, |h| usize::from(h.time_offset_length)),
            frames: matches!(sps.frame_mbs_flags, FrameMbsFlags::Frames),
        })
    }

    /// What a unit says of the fields of the picture it stands before; None: nothing that anybody needs.
    pub fn read(self, nal: &[u8]) -> Option<FieldOrder> {
        if h264(nal) != MESSAGES {
            return None;
        }
        let mut bits = Bits::new(nal.get(1..)?);
        // Messages follow one another; each has a type and a length.
        loop {
            let kind = bits.counted()?;
            let length = bits.counted()?;
            if kind == PICTURE_TIMING {
                break;
            }
            bits.skip(8 * length)?;
        }
        bits.skip(self.delays)?;
        let pic_struct = usize::try_from(bits.number(4)?).ok()?;
        let mut clocks = [None; 3];
        for clock in clocks.iter_mut().take(*CLOCKS.get(pic_struct)?) {
            if !bits.bit()? {
                continue;
            }
            *clock = Some(bits.number(2)?);
            bits.skip(1 + 5)?; // nuit_field_based_flag, counting_type
            let full = bits.bit()?;
            bits.skip(1 + 1 + 8)?; // discontinuity_flag, cnt_dropped_flag, n_frames
            for width in [6, 6, 5] {
                // seconds, minutes, hours: each where the one before is
                if !full && !bits.bit()? {
                    break;
                }
                bits.skip(width)?;
            }
            bits.skip(self.offset)?;
        }
        let plain = self.frames && pic_struct == 0 && !clocks.contains(&Some(INTERLACED));
        (!plain).then_some(FieldOrder { pic_struct, clocks })
    }

    /// A message of our own that says this and no more, without its length before it. All else in it is 0.
    pub fn message(self, order: FieldOrder) -> Vec<u8> {
        let mut bits: Vec<bool> = vec![false; self.delays];
        let mut put = |value: usize, count: usize| {
            bits.extend((0..count).rev().map(|n| value >> n & 1 == 1));
        };
        put(order.pic_struct, 4);
        for clock in order
            .clocks
            .iter()
            .take(CLOCKS.get(order.pic_struct).copied().unwrap_or(0))
        {
            put(usize::from(clock.is_some()), 1);
            if let Some(kind) = clock {
                put(*kind as usize, 2);
                put(0, 1 + 5 + 1 + 1 + 1 + 8 + 1 + self.offset);
            }
        }
        if !bits.len().is_multiple_of(8) {
            // A one and zeros up to the byte's end.
            bits.push(true);
        }
        let bytes = bits.chunks(8).map(|byte| {
            let byte = byte.iter().enumerate();
            byte.fold(0u8, |sum, (n, bit)| sum | u8::from(*bit) << (7 - n))
        });
        let mut body = vec![PICTURE_TIMING as u8, bits.len().div_ceil(8) as u8];
        body.extend(bytes);
        body.push(0x80);
        let mut nal = vec![MESSAGES];
        let mut zeros = 0;
        for byte in body {
            // Nothing in a unit may look as a start code does.
            if zeros >= 2 && byte <= 3 {
                nal.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            nal.push(byte);
        }
        nal
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// REC-2: the order of fields is read behind delays and other messages, and what is written says it and nothing else.
    #[test]
    fn the_order_stays_and_nothing_else() {
        let fields = Timing::of(&crate::testing::config_of_fields()).expect("says it");
        let of = (fields.delays, fields.offset, fields.frames);
        assert_eq!(of, (0, 24, false));
        let top_first = FieldOrder {
            pic_struct: 3,
            clocks: [None; 3],
        };
        assert_eq!(fields.read(&[6, 1, 1, 0x32, 0x80]), Some(top_first));
        assert_eq!(fields.message(top_first), [6, 1, 1, 0x32, 0x80]);
        let other: &[u8] = &[6, 5, 3, 7, 7, 7, 1, 1, 0x42, 0x80];
        assert_eq!(fields.read(other).map(|o| o.pic_struct), Some(4));
        assert_eq!(fields.read(&[6, 5, 3, 7, 7, 7, 0x80]), None);
        assert_eq!(fields.read(&[6, 1, 1, 0xf2, 0x80]), None, "no such order");
        assert_eq!(fields.read(&[0x65, 1, 1, 0x32, 0x80]), None);
        // Two delays of 24 bits, and a clock with all its times.
        let long = Timing {
            delays: 48,
            offset: 24,
            frames: true,
        };
        let said: &[u8] = &[
            6, 1, 15, 1, 2, 9, 9, 9, 9, 0x0a, 0x7c, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0x80,
        ];
        let order = long.read(said).expect("a clock says that they are fields");
        assert_eq!((order.pic_struct, order.clocks[0]), (0, Some(1)));
        let ours = long.message(order);
        assert_eq!(
            ours[..6],
            [6, 1, 13, 0, 0, 3],
            "no delay, and no start code"
        );
        assert_eq!(long.read(&ours), Some(order));
        let plain = [6, 1, 7, 1, 2, 9, 9, 9, 9, 0x04, 0x80];
        assert_eq!(long.read(&plain), None, "a whole picture needs no message");
    }

    proptest! {
        /// MSK-5: whatever a message holds, what is written of it reads the same, and is all zeros beside that.
        #[test]
        fn read_again(bytes in proptest::collection::vec(any::<u8>(), 0..40), delays in 0usize..65, offset in 0usize..32, frames in any::<bool>()) {
            let timing = Timing { delays, offset, frames };
            let nal = [&[6, 1, bytes.len() as u8][..], &bytes].concat();
            if let Some(order) = timing.read(&nal) {
                let ours = timing.message(order);
                prop_assert_eq!(timing.read(&ours), Some(order));
                prop_assert!(!ours.windows(3).any(|w| w[..2] == [0, 0] && w[2] < 3));
                prop_assert!(ours.iter().skip(3).map(|b| b.count_ones()).sum::<u32>() < 20 + ours.len() as u32 / 2);
            }
        }
    }
}
