//! Adapter: libav. Decoding, painting, encoding of single pictures.
//!
//! The types carry the promise of the mask: [`Encoder::encode`] takes a [`Painted`] picture, and only [`Canvas::paint`] makes one.
use std::slice;

use ffmpeg_next::{
    self as ff, Dictionary, Packet, Rational,
    codec::{self, flag::Flags, threading},
    ffi,
    format::Pixel,
    frame::Video,
    picture,
    software::scaling,
};

use crate::{
    nal,
    spans::{Mask, Spans},
    wire::Codec,
};

/// Largest picture taken: 8192 × 4320.
const MAX_PIXELS: i64 = 8192 * 4320;

#[derive(Debug, thiserror::Error)]
pub enum AvError {
    #[error("libav has no {0}; install the Debian package libavcodec59 (or libavcodec-extra59)")]
    Absent(&'static str),
    #[error("{what} failed: {why}")]
    Libav { what: &'static str, why: ff::Error },
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
}

impl Decoder {
    /// `config` is the body of an `avcC` or `hvcC`.
    pub fn open(codec: Codec, config: &[u8]) -> Result<Self, AvError> {
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
        }
        let inner = context
            .decoder()
            .open_as(found)
            .and_then(|o| o.video())
            .map_err(libav("opening the decoder with the camera's parameters"))?;
        Ok(Self { inner })
    }

    /// Gives one access unit; false when libav cannot make anything of it.
    pub fn give(&mut self, access_unit: &[u8], pts: i64) -> bool {
        let mut packet = Packet::copy(access_unit);
        packet.set_pts(Some(pts));
        packet.set_dts(None);
        self.inner.send_packet(&packet).is_ok()
    }

    /// No more is coming; the rest can be taken.
    pub fn finish(&mut self) {
        let _ = self.inner.send_eof();
    }

    /// The next decoded picture, if one is ready.
    pub fn take(&mut self) -> Result<Option<Video>, AvError> {
        let mut frame = Video::empty();
        match self.inner.receive_frame(&mut frame) {
            Ok(()) => Ok(Some(frame)),
            Err(e) if again(&e) => Ok(None),
            // One bad picture: it is missing from the count, which the caller keeps.
            Err(ff::Error::InvalidData) => Ok(None),
            Err(e) => Err(AvError::Libav {
                what: "decoding",
                why: e,
            }),
        }
    }
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

    fn plain(&self) -> bool {
        matches!(self.format, Pixel::YUV420P | Pixel::YUVJ420P)
    }
}

/// A picture in which everything under the mask is solid.
pub struct Painted<'a>(&'a mut Video);

/// The one picture given to the encoder, used again and again. It starts black and only what lies outside the mask is
/// ever copied into it: the pixels under the mask never get there.
pub struct Canvas {
    kind: Kind,
    luma: Spans,
    chroma: Spans,
    frame: Video,
    convert: Option<(scaling::Context, Video)>,
}

impl Canvas {
    pub fn new(kind: &Kind, mask: &Mask) -> Result<Self, AvError> {
        let (width, height) = (kind.width, kind.height);
        if width < 16 || height < 16 || width % 2 != 0 || height % 2 != 0 {
            return Err(AvError::Picture(format!("{width}x{height}")));
        }
        let mut frame = Video::new(Pixel::YUV420P, width, height);
        // SAFETY: `frame` is a live AVFrame; its buffer pointers are null when the allocation failed.
        if unsafe { (*frame.as_ptr()).buf[0].is_null() } {
            return Err(AvError::Memory("making room for the masked picture"));
        }
        let convert = if kind.plain() {
            None
        } else {
            let target = if kind.full_range {
                Pixel::YUVJ420P
            } else {
                Pixel::YUV420P
            };
            let context = scaling::Context::get(
                kind.format,
                width,
                height,
                target,
                width,
                height,
                scaling::Flags::BILINEAR,
            )
            .map_err(|_| AvError::Picture(format!("in the pixel format {:?}", kind.format)))?;
            Some((context, Video::empty()))
        };
        let (luma, chroma) = (mask.plane(width, height, 0), mask.plane(width, height, 1));
        let black = [if kind.full_range { 0 } else { 16 }, 128, 128];
        for (plane, value) in black.into_iter().enumerate() {
            let lines = if plane == 0 {
                luma.height()
            } else {
                chroma.height()
            };
            let columns = if plane == 0 { luma.width } else { chroma.width };
            for y in 0..lines {
                row_mut(&mut frame, plane, y, columns)?.fill(value);
            }
        }
        if kind.full_range {
            frame.set_color_range(ff::color::Range::JPEG);
        }
        frame.set_color_space(kind.space);
        frame.set_color_primaries(kind.primaries);
        frame.set_color_transfer_characteristic(kind.transfer);
        Ok(Self {
            kind: kind.clone(),
            luma,
            chroma,
            frame,
            convert,
        })
    }

    pub fn fits(&self, kind: &Kind) -> bool {
        self.kind == *kind
    }

    pub fn paint(&mut self, decoded: &Video) -> Result<Painted<'_>, AvError> {
        // SAFETY: `frame` is a live, reference-counted AVFrame. An encoder may still hold its buffer; this gives the frame
        // a copy of its own in that case, so that what the encoder holds does not change under it.
        let code = unsafe { ffi::av_frame_make_writable(self.frame.as_mut_ptr()) };
        if code < 0 {
            return Err(AvError::Libav {
                what: "making the picture writable",
                why: ff::Error::from(code),
            });
        }
        let source = match &mut self.convert {
            None => decoded,
            Some((context, scratch)) => {
                context
                    .run(decoded, scratch)
                    .map_err(libav("converting the picture to 4:2:0, 8 bits"))?;
                &*scratch
            }
        };
        for plane in 0..3 {
            let spans = if plane == 0 { &self.luma } else { &self.chroma };
            for y in 0..spans.height() {
                let from = row(source, plane, y, spans.width)?;
                let to = row_mut(&mut self.frame, plane, y, spans.width)?;
                for (a, b) in spans.open(y) {
                    to[a as usize..b as usize].copy_from_slice(&from[a as usize..b as usize]);
                }
            }
        }
        Ok(Painted(&mut self.frame))
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

fn row(frame: &Video, plane: usize, y: u32, columns: u32) -> Result<&[u8], AvError> {
    let start = row_at(frame, plane, y, columns)?;
    // SAFETY: `row_at` has checked that `columns` bytes belong to this row; they live as long as the frame.
    Ok(unsafe { slice::from_raw_parts(start, columns as usize) })
}

fn row_mut(frame: &mut Video, plane: usize, y: u32, columns: u32) -> Result<&mut [u8], AvError> {
    let start = row_at(frame, plane, y, columns)?;
    // SAFETY: as for `row`; the frame is borrowed mutably, and its buffer is its own (fresh, or made writable).
    Ok(unsafe { slice::from_raw_parts_mut(start, columns as usize) })
}

/// One encoded picture: NAL units with four-byte lengths.
pub struct Encoded {
    pub key: bool,
    pub data: Vec<u8>,
}

pub struct Encoder {
    codec: Codec,
    inner: codec::encoder::Video,
    record: Vec<u8>,
    given: i64,
}

impl Encoder {
    pub fn open(
        codec: Codec,
        kind: &Kind,
        fps: Option<f64>,
        bitrate_kbit: Option<u32>,
    ) -> Result<Self, AvError> {
        let (name, absent) = match codec {
            Codec::H264 => ("libx264", "H.264 encoder libx264"),
            Codec::H265 => ("libx265", "H.265 encoder libx265"),
        };
        let found = codec::encoder::find_by_name(name).ok_or(AvError::Absent(absent))?;
        let mut video = codec::Context::new_with_codec(found)
            .encoder()
            .video()
            .map_err(libav("opening the encoder"))?;
        video.set_width(kind.width);
        video.set_height(kind.height);
        video.set_format(Pixel::YUV420P);
        video.set_aspect_ratio(kind.aspect);
        video.set_color_range(if kind.full_range {
            ff::color::Range::JPEG
        } else {
            ff::color::Range::MPEG
        });
        video.set_colorspace(kind.space);
        // SAFETY: the context is ours and not yet open; both are plain fields without a setter.
        unsafe {
            (*video.as_mut_ptr()).color_primaries = kind.primaries.into();
            (*video.as_mut_ptr()).color_trc = kind.transfer.into();
        }
        // The encoder counts pictures; times are kept beside it, so that a camera's odd clock cannot upset its rate control.
        let fps = fps.filter(|f| (0.1..=240.0).contains(f)).unwrap_or(25.0);
        let rate = Rational::new((fps * 1000.0).round() as i32, 1000);
        video.set_frame_rate(Some(rate));
        video.set_time_base(rate.invert());
        video.set_gop(i32::MAX as u32);
        video.set_max_b_frames(0);
        video.set_flags(Flags::GLOBAL_HEADER);
        let threads = if u64::from(kind.width) * u64::from(kind.height) > 1280 * 720 {
            2
        } else {
            1
        };
        video.set_threading(threading::Config {
            kind: threading::Type::Slice,
            count: threads,
            safe: true,
        });
        let mut options = Dictionary::new();
        options.set("preset", "superfast");
        options.set("tune", "zerolatency");
        options.set("forced-idr", "1");
        match bitrate_kbit {
            Some(kbit) => {
                let rate = kbit.clamp(50, 100_000) as usize * 1000;
                video.set_bit_rate(rate);
                video.set_max_bit_rate(rate);
                options.set("bufsize", &rate.to_string());
            }
            None => options.set("crf", "23"),
        }
        // Key pictures come where the camera's came and nowhere else.
        match codec {
            Codec::H264 => {
                options.set("a53cc", "0");
                options.set("x264-params", "keyint=infinite:scenecut=0:bframes=0:open-gop=0:intra-refresh=0");
            }
            Codec::H265 => options.set(
                "x265-params",
                &format!("log-level=none:keyint=-1:scenecut=0:bframes=0:open-gop=0:repeat-headers=0:info=0:frame-threads=1:pools={}", if threads > 1 { "2" } else { "none" }),
            ),
        }
        let inner = video
            .open_as_with(found, options)
            .map_err(libav("opening the encoder"))?;
        // SAFETY: the context is open; libav gives `extradata_size` readable bytes at `extradata`, or none.
        let header = unsafe {
            let pointer = inner.as_ptr();
            if (*pointer).extradata.is_null() {
                &[][..]
            } else {
                slice::from_raw_parts(
                    (*pointer).extradata,
                    (*pointer).extradata_size.max(0) as usize,
                )
            }
        };
        let record = nal::record(codec, header)?;
        Ok(Self {
            codec,
            inner,
            record,
            given: 0,
        })
    }

    /// Body of the stream's `avcC` or `hvcC`.
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// Gives one picture; what is ready comes from [`Encoder::take`].
    pub fn encode(&mut self, painted: Painted<'_>, key: bool) -> Result<(), AvError> {
        painted.0.set_pts(Some(self.given));
        painted.0.set_kind(if key {
            picture::Type::I
        } else {
            picture::Type::None
        });
        self.given += 1;
        self.inner.send_frame(painted.0).map_err(libav("encoding"))
    }

    pub fn finish(&mut self) -> Result<(), AvError> {
        self.inner.send_eof().map_err(libav("ending the encoder"))
    }

    pub fn take(&mut self) -> Result<Option<Encoded>, AvError> {
        let mut packet = Packet::empty();
        match self.inner.receive_packet(&mut packet) {
            Ok(()) => {
                let data = nal::with_lengths(self.codec, packet.data().unwrap_or(&[]));
                if data.is_empty() {
                    return Err(AvError::Order);
                }
                Ok(Some(Encoded {
                    key: packet.is_key(),
                    data,
                }))
            }
            Err(e) if again(&e) => Ok(None),
            Err(e) => Err(AvError::Libav {
                what: "encoding",
                why: e,
            }),
        }
    }
}
