//! Pure. One fragment: the recorder's hot path.

use shared::time::Utc;

use super::{
    Frame, Mp4Error, SoundFrame,
    boxes::{put, put_full, u32be, u64be},
};

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_OFFSET: i64 = 2_208_988_800;
/// ISO 14496-12: the NTP time is that of capture.
const CAPTURED: u32 = 24;
/// trun: data offset; each sample's duration, size, flags and composition offset.
pub const TRUN: u32 = 0x01 | 0x100 | 0x200 | 0x400 | 0x800;
/// trun of sound: data offset; each sample's duration and size.
pub const SOUND_TRUN: u32 = 0x01 | 0x100 | 0x200;
pub const KEY: u32 = 0x0200_0000; // depends on no other
pub const NOT_KEY: u32 = 0x0101_0000; // depends on others, no sync sample
/// How the `free` box that says the rate begins.
pub const RATE: &[u8] = b"rate=";
/// And the one that says the mask.
pub const MASK: &[u8] = b"mask=";
pub const NOT_SYNC_BIT: u32 = 0x1_0000;

/// NTP 64-bit time; the era is left to the reader.
pub fn to_ntp(t: Utc) -> u64 {
    let seconds = (t.seconds() + NTP_OFFSET) as u32; // era wraps on purpose
    let ms = t.0.rem_euclid(1000) as u64;
    // Rounded up, so that truncating readers find the same millisecond.
    u64::from(seconds) << 32 | (ms << 32).div_ceil(1000)
}

/// The time in 1968–2104 that an NTP time names, to the nearest millisecond.
pub fn from_ntp(ntp: u64) -> Utc {
    let seconds = (ntp >> 32) as i64;
    let era = if seconds < 1 << 31 { 1i64 << 32 } else { 0 };
    let ms = ((ntp & 0xffff_ffff) * 1000 + (1 << 31)) >> 32;
    Utc((seconds + era - NTP_OFFSET) * 1000 + ms as i64)
}

/// One fragment: `prft` (wall clock of its first frame), `moof`, `mdat`. `sequence` counts from 1.
pub fn fragment(
    sequence: u32,
    wall: Utc,
    frames: &[Frame],
    sound: &[SoundFrame],
    out: &mut Vec<u8>,
) -> Result<(), Mp4Error> {
    head(sequence, wall, frames, sound, out)?;
    let bytes = frames.iter().map(|f| &f.bytes);
    for bytes in bytes.chain(sound.iter().map(|f| &f.bytes)) {
        out.extend_from_slice(bytes);
    }
    Ok(())
}

/// A fragment up to its frames' bytes, which follow it in their order, then the sound's: the recorder need not copy them together.
pub fn head(
    sequence: u32,
    wall: Utc,
    frames: &[Frame],
    sound: &[SoundFrame],
    out: &mut Vec<u8>,
) -> Result<(), Mp4Error> {
    let first = frames
        .first()
        .ok_or_else(|| Mp4Error::Bad("a fragment without frames: nothing was written".into()))?;
    let pictures: u64 = frames.iter().map(|f| f.bytes.len() as u64).sum();
    let payload = pictures + sound.iter().map(|f| f.bytes.len() as u64).sum::<u64>();
    let Ok(mdat) = u32::try_from(payload + 8) else {
        return Err(Mp4Error::Bad(format!(
            "a fragment of {payload} bytes: at most 4 GiB fit, nothing was written; the camera's frames are out of all proportion"
        )));
    };
    put_full(out, b"prft", 1, CAPTURED, |out| {
        u32be(out, 1);
        u64be(out, to_ntp(wall));
        u64be(out, presentation(first));
    });
    let moof = out.len();
    let (mut offset_at, mut sound_at) = (0, None);
    put(out, b"moof", |out| {
        put_full(out, b"mfhd", 0, 0, |out| u32be(out, sequence));
        put(out, b"traf", |out| {
            put_full(out, b"tfhd", 0, 0x02_0000, |out| u32be(out, 1));
            put_full(out, b"tfdt", 1, 0, |out| u64be(out, first.dts));
            put_full(out, b"trun", 1, TRUN, |out| {
                u32be(out, frames.len() as u32);
                offset_at = out.len();
                u32be(out, 0);
                for frame in frames {
                    u32be(out, frame.duration);
                    u32be(out, frame.bytes.len() as u32);
                    u32be(out, if frame.key { KEY } else { NOT_KEY });
                    u32be(out, frame.cts as u32);
                }
            });
        });
        let Some(first) = sound.first() else { return };
        put(out, b"traf", |out| {
            put_full(out, b"tfhd", 0, 0x02_0000, |out| u32be(out, 2));
            put_full(out, b"tfdt", 1, 0, |out| u64be(out, first.dts));
            put_full(out, b"trun", 0, SOUND_TRUN, |out| {
                u32be(out, sound.len() as u32);
                sound_at = Some(out.len());
                u32be(out, 0);
                for frame in sound {
                    u32be(out, frame.duration);
                    u32be(out, frame.bytes.len() as u32);
                }
            });
        });
    });
    let data = (out.len() - moof + 8) as u32;
    out[offset_at..offset_at + 4].copy_from_slice(&data.to_be_bytes());
    if let Some(at) = sound_at {
        let data = data.saturating_add(pictures as u32);
        out[at..at + 4].copy_from_slice(&data.to_be_bytes());
    }
    u32be(out, mdat);
    out.extend_from_slice(b"mdat");
    Ok(())
}

/// What a segment was recorded at: a `free` box, which players pass over.
pub fn say_rate(rate: &str, out: &mut Vec<u8>) {
    say(RATE, rate, out);
}

/// How a segment's mask was imposed, and which it was: `burned m7`.
pub fn say_mask(how: &str, mask: &str, out: &mut Vec<u8>) {
    say(MASK, &format!("{how} {mask}"), out);
}

fn say(what: &[u8], text: &str, out: &mut Vec<u8>) {
    put(out, b"free", |out| {
        out.extend_from_slice(what);
        out.extend_from_slice(text.as_bytes());
    });
}

/// A `free` box of at least so many bytes, 8 at the fewest.
pub fn fill(bytes: usize, out: &mut Vec<u8>) {
    put(out, b"free", |out| {
        out.resize(out.len() + bytes.saturating_sub(8), 0);
    });
}

fn presentation(frame: &Frame) -> u64 {
    frame.dts.saturating_add_signed(i64::from(frame.cts))
}
