//! Pure. Slices of frames of two fields (H.264, CAVLC) that do not say which field is first: only a message does then.
use super::stream::{Codec, Nal};

/// How the streams of the footage number their pictures, in bits.
#[derive(Clone, Copy)]
struct Numbers {
    frame: usize,
    order: usize,
}

struct Bits {
    all: Vec<bool>,
    at: usize,
}

impl Bits {
    /// Of a unit without its header, and without the bytes that keep start codes out.
    fn of(nal: &[u8]) -> Self {
        let (mut plain, mut zeros) = (Vec::new(), 0);
        for byte in nal.iter().skip(1) {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            plain.push(*byte);
        }
        let bits = |byte: &u8| (0..8).rev().map(|n| byte >> n & 1 == 1).collect::<Vec<_>>();
        Self {
            all: plain.iter().flat_map(bits).collect(),
            at: 0,
        }
    }

    fn number(&mut self, count: usize) -> usize {
        let end = (self.at + count).min(self.all.len());
        let bits = &self.all[self.at..end];
        self.at = end;
        bits.iter().fold(0, |n, bit| n << 1 | usize::from(*bit))
    }

    fn golomb(&mut self) -> usize {
        let zeros = self.all[self.at..].iter().take_while(|b| !**b).count();
        self.at += zeros;
        self.number(zeros + 1).saturating_sub(1)
    }
}

impl Numbers {
    fn of(sps: &[u8]) -> Option<Self> {
        let mut bits = Bits::of(sps);
        let profile = bits.number(24) >> 16;
        bits.golomb(); // seq_parameter_set_id
        let frame = bits.golomb() + 4;
        let kind = bits.golomb();
        (profile < 100 && kind == 0).then(|| Self {
            frame,
            order: bits.golomb() + 4,
        })
    }

    /// The slice with an order of 0 between its two fields.
    fn without_order(self, nal: &[u8]) -> Nal {
        let mut bits = Bits::of(nal);
        for _ in 0..3 {
            bits.golomb(); // first_mb_in_slice, slice_type, pic_parameter_set_id
        }
        bits.number(self.frame + 1); // field_pic_flag: a frame
        if Codec::H264.kind(nal) == 5 {
            bits.golomb(); // idr_pic_id
        }
        bits.number(self.order);
        let from = bits.at;
        bits.golomb(); // delta_pic_order_cnt_bottom
        bits.all.splice(from..bits.at, [true]);
        let last = bits.all.iter().rposition(|b| *b).unwrap_or(0);
        bits.all.truncate(last + 1);
        let bytes = bits.all.chunks(8).map(|byte| {
            let byte = byte.iter().enumerate();
            byte.fold(0u8, |sum, (n, bit)| sum | u8::from(*bit) << (7 - n))
        });
        let (mut out, mut zeros) = (vec![nal[0]], 0);
        for byte in bytes {
            if zeros >= 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
        }
        out
    }
}

/// A picture whose slices do not say which field is first. `sps`: of its stream.
pub fn unordered(sps: &[u8], nals: Vec<Nal>) -> Vec<Nal> {
    let numbers = Numbers::of(sps).expect("a stream that numbers its pictures");
    let change = |nal: Nal| match Codec::H264.is_slice(&nal) {
        true => numbers.without_order(&nal),
        false => nal,
    };
    nals.into_iter().map(change).collect()
}
