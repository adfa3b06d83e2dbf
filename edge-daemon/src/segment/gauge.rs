//! Pure. Whether packets said to be lost can have been: a camera that counts its packets anew lost none.
//!
//! Loss is told by the numbers of packets, which have 16 bits. A camera that begins to count somewhere else (an encoder that was
//! started anew, a sequence that was reset) leaves a step of any size. More than a camera can have sent in the time since its last
//! picture was no loss.
use super::stamps::Rhythm;

/// Bytes of picture in one packet, as small as cameras make them when they fragment.
const PACKET: i64 = 500;
/// A camera may send so many times its usual for a while: key pictures, motion.
const TIMES: i64 = 8;
/// Packets that may be missing whatever came before: a key picture of a large camera.
const LEAST: i64 = 250;
/// Bursts are of about this length.
const SLACK_MS: i64 = 500;
/// Before anything is known of a camera: 100 Mbit/s, which counts as a flood.
const FLOOD_PER_MS: i64 = 12_500;

/// What a camera sends, by its last pictures.
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    bytes: Rhythm,
    distance_ms: Rhythm,
    /// When the last picture came.
    came: Option<u64>,
}

impl Gauge {
    /// A picture of so many bytes came, with `lost` packets missing before it by their numbers. Returns how many were lost: all of
    /// these, or none, when they cannot have been sent.
    pub fn lost(&mut self, lost: u32, bytes: usize, mono: u64) -> u32 {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let passed = self.came.replace(mono).map(|c| mono.saturating_sub(c));
        let Some(passed) = passed.and_then(|p| i64::try_from(p).ok()) else {
            self.bytes.see(bytes);
            return lost;
        };
        let per_ms = match (self.bytes.usual(), self.distance_ms.usual()) {
            (Some(bytes), Some(distance)) if self.distance_ms.known() => {
                bytes / distance.max(1) + 1
            }
            _ => FLOOD_PER_MS,
        };
        let may = per_ms.saturating_mul(TIMES) * passed.saturating_add(SLACK_MS) / PACKET + LEAST;
        self.bytes.see(bytes);
        self.distance_ms.see(passed);
        if i64::from(lost) > may { 0 } else { lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FLT-3: what the network loses is counted; numbers that begin elsewhere are no loss, while a camera is known and before.
    #[test]
    fn a_reset_is_no_loss() {
        // 25 pictures a second at 2 Mbit/s.
        let mut gauge = Gauge::default();
        for n in 0..100 {
            assert_eq!(gauge.lost(n % 3, 10_000, 1_000 + u64::from(n) * 40), n % 3);
        }
        assert_eq!(gauge.lost(39_359, 10_000, 5_000), 0);
        assert_eq!(gauge.lost(9_000, 10_000, 5_040), 0);
        assert_eq!(gauge.lost(120, 10_000, 5_080), 120, "a key picture");
        assert_eq!(
            gauge.lost(2_000, 10_000, 13_000),
            2_000,
            "eight seconds without a network"
        );
        // A large camera.
        let mut gauge = Gauge::default();
        for n in 0..100 {
            gauge.lost(0, 100_000, 1_000 + n * 40);
        }
        assert_eq!(gauge.lost(1_500, 100_000, 6_000), 1_500);
        assert_eq!(gauge.lost(60_000, 100_000, 6_040), 0);
        // Nothing known: the flood limit decides.
        let mut gauge = Gauge::default();
        gauge.lost(0, 10_000, 1_000);
        assert_eq!(gauge.lost(30, 10_000, 1_040), 30);
    }
}
