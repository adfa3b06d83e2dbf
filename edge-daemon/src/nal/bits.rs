//! Pure. Bits of a NAL unit's body, without the bytes that keep start codes out of it.

pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    zeros: u32,
    left: u32,
    byte: u8,
}

impl<'a> Bits<'a> {
    /// `bytes`: a unit without its header.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            zeros: 0,
            left: 0,
            byte: 0,
        }
    }

    fn next(&mut self) -> Option<u8> {
        let mut byte = *self.bytes.get(self.at)?;
        self.at += 1;
        if self.zeros >= 2 && byte == 3 {
            self.zeros = 0;
            byte = *self.bytes.get(self.at)?;
            self.at += 1;
        }
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        Some(byte)
    }

    pub fn bit(&mut self) -> Option<bool> {
        if self.left == 0 {
            (self.byte, self.left) = (self.next()?, 8);
        }
        self.left -= 1;
        Some((self.byte >> self.left) & 1 == 1)
    }

    /// So many bits, 32 at most.
    pub fn number(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |n, _| Some((n << 1) | u32::from(self.bit()?)))
    }

    pub fn skip(&mut self, count: usize) -> Option<()> {
        let mut count = count;
        while count > 0 {
            if self.left == 0 && count >= 8 {
                self.next()?;
                count -= 8;
            } else {
                self.bit()?;
                count -= 1;
            }
        }
        Some(())
    }

    /// A number of a message's head: bytes of 255 and a rest.
    pub fn counted(&mut self) -> Option<usize> {
        let mut sum = 0;
        loop {
            let byte = self.number(8)?;
            sum += byte as usize;
            if byte != 255 {
                return Some(sum);
            }
        }
    }

    /// An Exp-Golomb number without a sign.
    pub fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.number(zeros)?)
    }

    /// An Exp-Golomb number with a sign.
    pub fn signed_golomb(&mut self) -> Option<i64> {
        let coded = i64::from(self.golomb()?);
        let amount = (coded + 1) / 2;
        Some(if coded % 2 == 1 { amount } else { -amount })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        // 1 | 010 | 011 | 00100 | 00101 and a rest.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let unsigned: Vec<u32> = (0..3).filter_map(|_| bits.golomb()).collect();
        assert_eq!(unsigned, [0, 1, 2]);
        assert_eq!(
            (bits.signed_golomb(), bits.signed_golomb()),
            (Some(2), Some(-2))
        );
        assert_eq!(Bits::new(&[0; 9]).golomb(), None);
        let mut bits = Bits::new(&[0, 0, 3, 1, 0xff, 0xff, 7]);
        assert_eq!(bits.skip(20), Some(()), "one byte is none of the body's");
        assert_eq!((bits.number(4), bits.counted()), (Some(1), Some(517)));
        assert_eq!((bits.skip(8), bits.bit()), (None, None));
    }
}
