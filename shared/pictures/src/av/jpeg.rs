//! Adapter: libav. One picture as a JPEG, for people to look at.
use ffmpeg_next::{
    Packet, Rational,
    codec::{self, flag::Flags, threading},
    ffi,
    format::Pixel,
    frame::Video,
};

use super::{AvError, Kind, MaskedPicture, Plain, libav, row, row_mut};
use crate::outline::{self, Ink};

/// Quantiser: 2 (best) to 31.
const QUALITY: i32 = 3;

/// Of a masked picture.
pub fn masked(painted: &MaskedPicture<'_>, kind: &Kind) -> Result<Vec<u8>, AvError> {
    encode(&mut full_range(painted.0, kind)?)
}

/// Of one of a recording, which has its mask in it already.
pub fn recorded(decoded: &Video, kind: &Kind) -> Result<Vec<u8>, AvError> {
    let mut plain = Plain::new(kind)?;
    encode(&mut full_range(plain.of(decoded)?, kind)?)
}

/// Of an unmasked one with the polygons' outlines: for those who draw the mask and may see what it is to cover.
pub fn outlined(
    decoded: &Video,
    kind: &Kind,
    polygons: &[Vec<[f64; 2]>],
) -> Result<Vec<u8>, AvError> {
    let mut plain = Plain::new(kind)?;
    let mut frame = full_range(plain.of(decoded)?, kind)?;
    let mut failed = None;
    outline::draw(polygons, kind.width, kind.height, |x, y, ink| {
        let [luma, cb, cr] = match ink {
            Ink::Dark => [0, 128, 128],
            Ink::Bright => [225, 0, 148], // yellow
        };
        let (w, h) = (kind.width, kind.height);
        for (plane, x, y, w, value) in [
            (0, x, y, w, luma),
            (1, x / 2, (y / 2).min(h / 2 - 1), w / 2, cb),
            (2, x / 2, (y / 2).min(h / 2 - 1), w / 2, cr),
        ] {
            match row_mut(&mut frame, plane, y, w) {
                Ok(row) => {
                    if let Some(sample) = row.get_mut(x as usize) {
                        *sample = value;
                    }
                }
                Err(e) => failed = Some(e),
            }
        }
    });
    match failed {
        None => encode(&mut frame),
        Some(error) => Err(error),
    }
}

/// A copy in full range, as JPEG has it. The matrix is left as it is: the colours of BT.709 come out a shade off.
fn full_range(source: &Video, kind: &Kind) -> Result<Video, AvError> {
    let (w, h) = (kind.width, kind.height);
    let mut frame = Video::new(Pixel::YUVJ420P, w, h);
    // SAFETY: `frame` is a live AVFrame; its buffer pointers are null when the allocation failed.
    if unsafe { (*frame.as_ptr()).buf[0].is_null() } {
        return Err(AvError::Memory("making room for the still"));
    }
    for plane in 0..3 {
        let shift = u32::from(plane > 0);
        let mut table = [0u8; 256];
        for (value, out) in table.iter_mut().enumerate() {
            let (base, middle, span) = if plane == 0 {
                (16.0, 0.0, 219.0)
            } else {
                (128.0, 128.0, 224.0)
            };
            *out = if kind.full_range {
                value as u8
            } else {
                (middle + (value as f64 - base) * 255.0 / span).round() as u8
            };
        }
        for y in 0..h >> shift {
            let from = row(source, plane, y, w >> shift)?;
            let to = row_mut(&mut frame, plane, y, w >> shift)?;
            for (to, &from) in to.iter_mut().zip(from) {
                *to = table[usize::from(from)];
            }
        }
    }
    Ok(frame)
}

fn encode(frame: &mut Video) -> Result<Vec<u8>, AvError> {
    let found = codec::encoder::find(codec::Id::MJPEG).ok_or(AvError::Absent("JPEG encoder"))?;
    let mut video = codec::Context::new_with_codec(found)
        .encoder()
        .video()
        .map_err(libav("opening the JPEG encoder"))?;
    video.set_width(frame.width());
    video.set_height(frame.height());
    video.set_format(Pixel::YUVJ420P);
    video.set_time_base(Rational::new(1, 25));
    video.set_flags(Flags::QSCALE);
    video.set_threading(threading::Config {
        kind: threading::Type::None,
        count: 1,
        safe: true,
    });
    let lambda = QUALITY * ffi::FF_QP2LAMBDA;
    // SAFETY: the context is ours and not yet open; a plain field, whose setter takes another type.
    unsafe { (*video.as_mut_ptr()).global_quality = lambda };
    // SAFETY: the frame is ours; a plain field without a setter.
    unsafe { (*frame.as_mut_ptr()).quality = lambda };
    frame.set_pts(Some(0));
    let mut encoder = video
        .open_as(found)
        .map_err(libav("opening the JPEG encoder"))?;
    encoder
        .send_frame(frame)
        .map_err(libav("encoding the still"))?;
    encoder.send_eof().map_err(libav("encoding the still"))?;
    let mut packet = Packet::empty();
    encoder
        .receive_packet(&mut packet)
        .map_err(libav("encoding the still"))?;
    Ok(packet.data().unwrap_or(&[]).to_vec())
}
