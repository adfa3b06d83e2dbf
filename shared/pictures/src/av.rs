//! Adapter: libav. Decoding, painting, encoding of single pictures.
//!
//! The types carry the promise of the mask: [`Encoder::encode`] takes a [`MaskedPicture`] picture, and only [`Canvas::paint`] makes one.
mod canvas;
mod encoder;
pub mod jpeg;
pub mod vaapi;

use std::slice;

pub use canvas::{Canvas, MaskedPicture};
pub use encoder::{EncodedPicture, Encoder, EncoderSettings};
use ffmpeg_next::{
    self as ff, Packet, Rational,
    codec::{self, flag::Flags, threading},
    ffi,
    format::Pixel,
    frame::Video,
    software::scaling,
};
use shared::worker::Codec;

use crate::{nal, proof::Matrix};

/// Largest picture taken: 8192 × 4320.
const MAX_PIXELS: i64 = 8192 * 4320;

#[derive(Debug, thiserror::Error)]
pub enum AvError {
    #[error("libav has no {0}; install the Debian package libavcodec59 (or libavcodec-extra59)")]
    Absent(&'static str),
    #[error("{what} failed: {why}")]
    Libav { what: &'static str, why: ff::Error },
    #[error(
        "the graphics device {path} cannot be opened: {why}; is it there, may this program's user open it (group render), and is its \
         driver installed (intel-media-va-driver or mesa-va-drivers)?"
    )]
    Device { path: String, why: String },
    #[error("the graphics device {path} does not encode {codec} so: {tried}")]
    Ways {
        path: String,
        codec: &'static str,
        /// Each way with libav's answer.
        tried: String,
    },
    #[error("{0}: out of memory")]
    Memory(&'static str),
    #[error("the decoded picture is {0}; pictures of this kind cannot be masked")]
    Picture(String),
    #[error("the encoder did not keep to one picture out for one picture in")]
    Order,
    #[error(transparent)]
    Record(#[from] nal::NalError),
}

fn libav(what: &'static str) -> impl FnOnce(ff::Error) -> AvError {
    move |why| AvError::Libav { what, why }
}

fn again(error: &ff::Error) -> bool {
    matches!(
        error,
        ff::Error::Eof
            | ff::Error::Other {
                errno: ff::error::EAGAIN
            }
    )
}

/// To be called once. Broken streams are reported in our own words; libav's would flood the daemon's log.
pub fn init() -> Result<(), AvError> {
    ff::init().map_err(libav("starting libav"))?;
    ff::log::set_level(ff::log::Level::Fatal);
    Ok(())
}

pub struct Decoder {
    inner: codec::decoder::Video,
    codec: Codec,
    /// Something was wrong with a picture since this was asked last.
    damaged: bool,
}

impl Decoder {
    /// `config` is the body of an `avcC` or `hvcC`. The first thing wrong with a picture ends its decoding: libav would guess the rest,
    /// and guesses put what is under a mask beside it.
    pub fn open(codec: Codec, config: &[u8]) -> Result<Self, AvError> {
        Self::with(codec, config, |context| {
            context.err_recognition |= ffi::AV_EF_EXPLODE;
            // Of H.265 libav does not say that a part of a picture is missing; it shows by what was there before.
            if codec == Codec::H265 {
                context.get_buffer2 = Some(striped);
            }
        })
    }

    /// One that neither guesses nor remembers: what a damaged picture lacks stays striped ([`striped`]).
    pub fn for_proof(codec: Codec, config: &[u8]) -> Result<Self, AvError> {
        Self::with(codec, config, |context| {
            context.error_concealment = 0;
            context.get_buffer2 = Some(striped);
            // A fifth or more of the work, and what it smoothes the tolerances allow for.
            context.skip_loop_filter = ffi::AVDiscard::AVDISCARD_ALL;
        })
    }

    fn with(
        codec: Codec,
        config: &[u8],
        set: impl FnOnce(&mut ffi::AVCodecContext),
    ) -> Result<Self, AvError> {
        let (id, name) = match codec {
            Codec::H264 => (codec::Id::H264, "H.264 decoder"),
            Codec::H265 => (codec::Id::HEVC, "H.265 decoder"),
        };
        let found = codec::decoder::find(id).ok_or(AvError::Absent(name))?;
        let mut context = codec::Context::new_with_codec(found);
        context.set_flags(Flags::LOW_DELAY);
        context.set_threading(threading::Config {
            kind: threading::Type::None,
            count: 1,
            safe: true,
        });
        // SAFETY: the context is ours and not yet open. libav wants extradata from its own allocator with zeroed padding
        // behind it, and frees it with the context; `av_mallocz` gives zeroed memory of that size.
        unsafe {
            let pointer = context.as_mut_ptr();
            let room = ffi::av_mallocz(config.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize)
                .cast::<u8>();
            if room.is_null() {
                return Err(AvError::Memory("opening the decoder"));
            }
            std::ptr::copy_nonoverlapping(config.as_ptr(), room, config.len());
            (*pointer).extradata = room;
            (*pointer).extradata_size = config.len() as i32;
            (*pointer).max_pixels = MAX_PIXELS;
            (*pointer).pkt_timebase = ffi::AVRational {
                num: 1,
                den: 90_000,
            };
            set(&mut *pointer);
        }
        let inner = context
            .decoder()
            .open_as(found)
            .and_then(|o| o.video())
            .map_err(libav("opening the decoder with the camera's parameters"))?;
        Ok(Self {
            inner,
            codec,
            damaged: false,
        })
    }

    /// Gives one access unit; false when libav cannot make anything of it.
    pub fn give(&mut self, access_unit: &[u8], pts: i64) -> bool {
        let mut packet = Packet::copy(access_unit);
        packet.set_pts(Some(pts));
        packet.set_dts(None);
        self.inner.send_packet(&packet).is_ok()
    }

    /// Whether something was wrong with a picture taken since this was asked last.
    pub fn damaged(&mut self) -> bool {
        std::mem::take(&mut self.damaged)
    }

    /// Decodes one key picture with nothing before or after it. Nothing is left inside.
    pub fn alone(&mut self, access_unit: &[u8], pts: i64) -> Result<Vec<Video>, AvError> {
        let mut frames = Vec::new();
        if self.give(access_unit, pts) {
            self.finish();
            while let Some(frame) = self.take()? {
                frames.push(frame);
            }
        }
        self.inner.flush();
        Ok(frames)
    }

    /// No more is coming; the rest can be taken.
    pub fn finish(&mut self) {
        let _ = self.inner.send_eof();
    }

    /// The next decoded picture, if one is ready.
    pub fn take(&mut self) -> Result<Option<Video>, AvError> {
        let mut frame = Video::empty();
        match self.inner.receive_frame(&mut frame) {
            Ok(()) => {
                // SAFETY: the frame is live; both are plain fields.
                let (errors, corrupt) = unsafe {
                    (
                        (*frame.as_ptr()).decode_error_flags != 0,
                        (*frame.as_ptr()).flags & ffi::AV_FRAME_FLAG_CORRUPT != 0,
                    )
                };
                let holes = self.codec == Codec::H265 && has_holes(&frame);
                self.damaged |= errors || corrupt || holes;
                Ok(Some(frame))
            }
            Err(e) if again(&e) => Ok(None),
            // One bad picture: it is missing from the count, which the caller keeps.
            Err(ff::Error::InvalidData) => {
                self.damaged = true;
                Ok(None)
            }
            Err(e) => Err(AvError::Libav {
                what: "decoding",
                why: e,
            }),
        }
    }
}

/// Whether a part of a picture is as [`striped`] left it: nothing was decoded there. Of 4:2:0 with 8 bits.
fn has_holes(frame: &Video) -> bool {
    /// The smallest block that is decoded or not as one, of H.265.
    const BLOCK: usize = 16;
    (BLOCK / 2..frame.height() as usize)
        .step_by(BLOCK)
        .filter_map(|y| row(frame, 0, y as u32, frame.width()).ok())
        .flat_map(|line| line.chunks_exact(BLOCK))
        // Its edges may have been smoothed.
        .map(|block| &block[BLOCK / 4..BLOCK * 3 / 4])
        .any(|m| (0..4).all(|i| matches!((m[i], m[i + 4]), (16, 235) | (235, 16))))
}

/// Gives the decoder memory filled with upright stripes, four pixels wide, dark and bright: where the stream holds nothing
/// for a part of the picture they stay to be seen, and no mask looks like them.
///
/// # Safety
/// Called by libav while it decodes, with its own context and a frame it wants memory for.
unsafe extern "C" fn striped(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: std::ffi::c_int,
) -> std::ffi::c_int {
    const STRIPES: [u8; 8] = [16, 16, 16, 16, 235, 235, 235, 235];
    // Samples of ten and twelve bits lie in two bytes, the lower first.
    const WIDE: [u8; 16] = [64, 0, 64, 0, 64, 0, 64, 0, 172, 3, 172, 3, 172, 3, 172, 3];
    // SAFETY: libav's own arguments, handed on; it fills in the frame's buffers, or says that it could not.
    let code = unsafe { ffi::avcodec_default_get_buffer2(context, frame, flags) };
    if code < 0 {
        return code;
    }
    // SAFETY: the context is libav's and live.
    let format = Pixel::from(unsafe { (*context).pix_fmt });
    let narrow = matches!(
        format,
        Pixel::YUV420P
            | Pixel::YUVJ420P
            | Pixel::YUV422P
            | Pixel::YUVJ422P
            | Pixel::YUV444P
            | Pixel::YUVJ444P
            | Pixel::GRAY8
    );
    let pattern: &[u8] = if narrow { &STRIPES } else { &WIDE };
    // SAFETY: each buffer of the frame is null or has `size` bytes at `data`, which nobody else has yet.
    unsafe {
        for buffer in (*frame).buf.iter().filter(|b| !b.is_null()) {
            let bytes = slice::from_raw_parts_mut((**buffer).data, (**buffer).size);
            let mut done = pattern.len().min(bytes.len());
            bytes[..done].copy_from_slice(&pattern[..done]);
            while done < bytes.len() {
                let more = done.min(bytes.len() - done);
                bytes.copy_within(..more, done);
                done += more;
            }
        }
    }
    code
}

/// What a picture is like, as far as canvas and encoder depend on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    pub width: u32,
    pub height: u32,
    format: Pixel,
    full_range: bool,
    space: ff::color::Space,
    primaries: ff::color::Primaries,
    transfer: ff::color::TransferCharacteristic,
    aspect: Rational,
}

impl Kind {
    pub fn of(frame: &Video) -> Self {
        let full = matches!(
            frame.format(),
            Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P
        ) || frame.color_range() == ff::color::Range::JPEG;
        Self {
            width: frame.width(),
            height: frame.height(),
            format: frame.format(),
            full_range: full,
            space: frame.color_space(),
            primaries: frame.color_primaries(),
            transfer: frame.color_transfer_characteristic(),
            aspect: frame.aspect_ratio(),
        }
    }

    pub fn full_range(&self) -> bool {
        self.full_range
    }

    pub fn matrix(&self) -> Matrix {
        match self.space {
            ff::color::Space::BT709 => Matrix::Bt709,
            ff::color::Space::BT470BG | ff::color::Space::SMPTE170M => Matrix::Bt601,
            _ => Matrix::Unknown,
        }
    }

    /// Whether a picture is two fields, woven together: what moves was taken twice.
    pub fn interlaced(frame: &Video) -> bool {
        // SAFETY: the frame is live; a plain field.
        unsafe { (*frame.as_ptr()).interlaced_frame != 0 }
    }

    fn plain(&self) -> bool {
        matches!(self.format, Pixel::YUV420P | Pixel::YUVJ420P)
    }
}

/// Pictures as planar 4:2:0 with 8 bits, whatever the camera sends.
pub struct Plain(Option<(scaling::Context, Video)>);

impl Plain {
    pub fn new(kind: &Kind) -> Result<Self, AvError> {
        if kind.plain() {
            return Ok(Self(None));
        }
        let target = if kind.full_range {
            Pixel::YUVJ420P
        } else {
            Pixel::YUV420P
        };
        let (w, h) = (kind.width, kind.height);
        let how = scaling::Flags::BILINEAR;
        let context = scaling::Context::get(kind.format, w, h, target, w, h, how)
            .map_err(|_| AvError::Picture(format!("in the pixel format {:?}", kind.format)))?;
        Ok(Self(Some((context, Video::empty()))))
    }

    pub fn of<'a>(&'a mut self, decoded: &'a Video) -> Result<&'a Video, AvError> {
        match &mut self.0 {
            None => Ok(decoded),
            Some((context, scratch)) => {
                context
                    .run(decoded, scratch)
                    .map_err(libav("converting the picture to 4:2:0, 8 bits"))?;
                Ok(scratch)
            }
        }
    }
}

/// Checks that row `y` of `plane` exists with `columns` bytes, and gives its address.
fn row_at(frame: &Video, plane: usize, y: u32, columns: u32) -> Result<*mut u8, AvError> {
    let planar = matches!(frame.format(), Pixel::YUV420P | Pixel::YUVJ420P);
    let (width, height) = if plane == 0 {
        (frame.width(), frame.height())
    } else {
        (frame.width().div_ceil(2), frame.height().div_ceil(2))
    };
    if !planar || plane > 2 || y >= height || columns > width {
        return Err(AvError::Picture(format!(
            "{}x{} {:?}, not what was expected",
            frame.width(),
            frame.height(),
            frame.format()
        )));
    }
    // SAFETY: `frame` is a live AVFrame; its arrays have eight entries.
    let (start, stride) = unsafe {
        (
            (*frame.as_ptr()).data[plane],
            (*frame.as_ptr()).linesize[plane],
        )
    };
    if start.is_null() || (stride.unsigned_abs()) < columns {
        return Err(AvError::Picture("without pixels".into()));
    }
    // SAFETY: a planar 4:2:0 frame of this size has `height` rows, `stride` bytes apart, from `start` on.
    Ok(unsafe { start.offset(stride as isize * y as isize) })
}

/// Row `y` of a planar 4:2:0 picture's plane.
pub fn row(frame: &Video, plane: usize, y: u32, columns: u32) -> Result<&[u8], AvError> {
    let start = row_at(frame, plane, y, columns)?;
    // SAFETY: `row_at` has checked that `columns` bytes belong to this row; they live as long as the frame.
    Ok(unsafe { slice::from_raw_parts(start, columns as usize) })
}

/// Its own buffer only: fresh, or made writable.
pub fn row_mut(
    frame: &mut Video,
    plane: usize,
    y: u32,
    columns: u32,
) -> Result<&mut [u8], AvError> {
    let start = row_at(frame, plane, y, columns)?;
    // SAFETY: as for `row`; the frame is borrowed mutably, and its buffer is its own (fresh, or made writable).
    Ok(unsafe { slice::from_raw_parts_mut(start, columns as usize) })
}
