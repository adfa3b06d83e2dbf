//! Pure. Made-up footage: a segment that no decoder looks at, the same for the same camera and number, so that none has to be kept.

use footage::mp4::{self, Codec, Frame, Parameters};
use shared::time::Utc;

use crate::{Done, Trouble};

/// Pictures of a second, and bytes of each.
const RATE: u64 = 5;
const PICTURE: usize = 400;

/// The segment of [t0, t1).
pub fn segment(camera: usize, s: u64, t0: Utc, t1: Utc) -> Done<Vec<u8>> {
    let bad = |e: mp4::Mp4Error| Trouble(e.to_string());
    let parameters = Parameters {
        codec: Codec::H264,
        width: 320,
        height: 180,
        config: vec![1, 0x42, 0, 0x1e, 0xff, 0xe0, 0],
        sound: None,
    };
    let mut out = mp4::init(&parameters).map_err(bad)?;
    let secs = u64::try_from((t1.0 - t0.0) / 1000).unwrap_or(0).max(1);
    let ticks = 90_000 / RATE;
    for f in 0..secs {
        let frames: Vec<Frame> = (0..RATE)
            .map(|i| Frame {
                dts: (f * RATE + i) * ticks,
                cts: 0,
                duration: u32::try_from(ticks).unwrap_or(0),
                key: i == 0,
                bytes: vec![(camera as u64 + s + f + i) as u8; PICTURE].into(),
            })
            .collect();
        let sequence = u32::try_from(f + 1).unwrap_or(1);
        mp4::fragment(
            sequence,
            t0.plus_ms(f as i64 * 1000),
            &frames,
            &[],
            &mut out,
        )
        .map_err(bad)?;
    }
    Ok(out)
}
