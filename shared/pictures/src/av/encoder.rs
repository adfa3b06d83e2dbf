//! Adapter: libav. The encoder of the masked pictures: x264 or x265, or a graphics device's; at once and without key pictures of its own.
use std::slice;

use ffmpeg_next::{
    self as ff, Dictionary, Packet, Rational,
    codec::{self, flag::Flags, threading},
    format::Pixel,
    picture,
};
use shared::worker::Codec;

use super::{
    AvError, Kind, MaskedPicture, again, libav,
    vaapi::{self, Device, Surfaces},
};
use crate::nal;

/// Constant quality (crf): what a camera's own picture, encoded once more, still shows.
const QUALITY: &str = "23";
/// Pictures until a hardware encoder makes a key picture of its own: as many as every driver can count, and far more than a camera
/// lets pass without one.
const HARDWARE_GROUP: u32 = 32_000;
/// Bits a second of a hardware encoder for a camera whose own rate cannot be told: its constant quality wants a ceiling.
const HARDWARE_CEILING: usize = 8_000_000;
const OPENING: &str = "opening the encoder";

/// One encoded picture: NAL units with four-byte lengths.
pub struct EncodedPicture {
    pub key: bool,
    pub data: Vec<u8>,
}

pub struct Encoder {
    codec: Codec,
    inner: codec::encoder::Video,
    /// Of a hardware encoder: where its pictures are put.
    surfaces: Option<Surfaces>,
    record: Vec<u8>,
    given: i64,
}

/// What is asked of an encoder.
#[derive(Clone, Copy)]
pub struct EncoderSettings<'a> {
    pub codec: Codec,
    pub kind: &'a Kind,
    pub fps: Option<f64>,
    /// A ceiling on constant quality, kept over two seconds.
    pub max_kbit: Option<u32>,
    /// Pictures are two fields, and the stream is to say so. Only x264 can: H.265 knows no such pictures, and a graphics device's
    /// encoder makes none.
    pub interlaced: bool,
}

impl EncoderSettings<'_> {
    /// Bits a second.
    fn max_rate(&self) -> Option<usize> {
        self.max_kbit
            .map(|kbit| kbit.clamp(50, 100_000) as usize * 1000)
    }

    /// Not yet open, with all that does not depend on whose encoder it is.
    fn context(&self, found: ff::Codec) -> Result<codec::encoder::video::Video, AvError> {
        let kind = self.kind;
        let mut video = codec::Context::new_with_codec(found)
            .encoder()
            .video()
            .map_err(libav(OPENING))?;
        video.set_width(kind.width);
        video.set_height(kind.height);
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
        let fps = self
            .fps
            .filter(|f| (0.1..=240.0).contains(f))
            .unwrap_or(25.0);
        let rate = Rational::new((fps * 1000.0).round() as i32, 1000);
        video.set_frame_rate(Some(rate));
        video.set_time_base(rate.invert());
        video.set_max_b_frames(0);
        video.set_flags(Flags::GLOBAL_HEADER);
        Ok(video)
    }
}

impl Encoder {
    /// On `device`, or by x264 or x265.
    pub fn open(wanted: EncoderSettings<'_>, device: Option<&Device>) -> Result<Self, AvError> {
        let (inner, surfaces) = match device {
            None => (software(wanted)?, None),
            Some(device) => {
                let (inner, surfaces) = hardware(wanted, device)?;
                (inner, Some(surfaces))
            }
        };
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
        // A driver may have parameter sets of its own, and gives them with its first picture.
        let record = match nal::record(wanted.codec, header) {
            Err(_) if surfaces.is_some() => Vec::new(),
            record => record?,
        };
        Ok(Self {
            codec: wanted.codec,
            inner,
            surfaces,
            record,
            given: 0,
        })
    }

    /// Body of the stream's `avcC` or `hvcC`; it holds for what [`Encoder::take`] gave last.
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// Gives one picture; what is ready comes from [`Encoder::take`].
    pub fn encode(&mut self, painted: MaskedPicture<'_>, key: bool) -> Result<(), AvError> {
        let mut surface;
        let frame = match &mut self.surfaces {
            None => painted.0,
            Some(surfaces) => {
                surface = surfaces.upload(painted.0)?;
                &mut surface
            }
        };
        frame.set_pts(Some(self.given));
        frame.set_kind(if key {
            picture::Type::I
        } else {
            picture::Type::None
        });
        self.given += 1;
        self.inner.send_frame(frame).map_err(libav("encoding"))
    }

    pub fn finish(&mut self) -> Result<(), AvError> {
        self.inner.send_eof().map_err(libav("ending the encoder"))
    }

    pub fn take(&mut self) -> Result<Option<EncodedPicture>, AvError> {
        let mut packet = Packet::empty();
        match self.inner.receive_packet(&mut packet) {
            Ok(()) => {
                let made = packet.data().unwrap_or(&[]);
                let data = nal::with_lengths(self.codec, made);
                if data.is_empty() {
                    return Err(AvError::Order);
                }
                if self.surfaces.is_some() && packet.is_key() {
                    // Its driver's sets, where it writes them, and not libav's, are what its pictures are made by.
                    match nal::record(self.codec, made) {
                        Ok(record) => self.record = record,
                        Err(why) if self.record.is_empty() => return Err(why.into()),
                        Err(_) => {}
                    }
                }
                Ok(Some(EncodedPicture {
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

/// Bits over which a ceiling is kept: two seconds of it.
fn buffer(rate: usize) -> usize {
    2 * rate
}

fn software(wanted: EncoderSettings<'_>) -> Result<codec::encoder::Video, AvError> {
    let (name, absent) = match wanted.codec {
        Codec::H264 => ("libx264", "H.264 encoder libx264"),
        Codec::H265 => ("libx265", "H.265 encoder libx265"),
    };
    let found = codec::encoder::find_by_name(name).ok_or(AvError::Absent(absent))?;
    let mut video = wanted.context(found)?;
    video.set_format(Pixel::YUV420P);
    video.set_gop(i32::MAX as u32);
    let pixels = u64::from(wanted.kind.width) * u64::from(wanted.kind.height);
    let threads = if pixels > 1280 * 720 { 2 } else { 1 };
    video.set_threading(threading::Config {
        kind: threading::Type::Slice,
        count: threads,
        safe: true,
    });
    // x264 refuses other heights.
    if wanted.interlaced && wanted.codec == Codec::H264 && wanted.kind.height.is_multiple_of(4) {
        video.set_flags(Flags::GLOBAL_HEADER | Flags::INTERLACED_DCT);
    }
    let mut options = Dictionary::new();
    options.set("preset", "superfast");
    options.set("tune", "zerolatency");
    options.set("forced-idr", "1");
    options.set("crf", QUALITY);
    if let Some(rate) = wanted.max_rate() {
        video.set_max_bit_rate(rate);
        options.set("bufsize", &buffer(rate).to_string());
    }
    // Key pictures come where the camera's came and nowhere else.
    match wanted.codec {
        Codec::H264 => {
            options.set("a53cc", "0");
            options.set("x264-params", "keyint=infinite:scenecut=0:bframes=0:open-gop=0:intra-refresh=0");
        }
        Codec::H265 => options.set(
            "x265-params",
            &format!("log-level=none:keyint=-1:scenecut=0:bframes=0:open-gop=0:repeat-headers=0:info=0:frame-threads=1:pools={}", if threads > 1 { "2" } else { "none" }),
        ),
    }
    video.open_as_with(found, options).map_err(libav(OPENING))
}

fn hardware(
    wanted: EncoderSettings<'_>,
    device: &Device,
) -> Result<(codec::encoder::Video, Surfaces), AvError> {
    let (name, spoken, absent) = match wanted.codec {
        Codec::H264 => ("h264_vaapi", "H.264", "H.264 encoder h264_vaapi"),
        Codec::H265 => ("hevc_vaapi", "H.265", "H.265 encoder hevc_vaapi"),
    };
    let found = codec::encoder::find_by_name(name).ok_or(AvError::Absent(absent))?;
    let surfaces = Surfaces::new(device, wanted.kind)?;
    let ceiling = wanted.max_rate().unwrap_or(HARDWARE_CEILING);
    let mut tried = Vec::new();
    for way in vaapi::ways(QUALITY, ceiling) {
        let mut video = wanted.context(found)?;
        video.set_gop(HARDWARE_GROUP);
        surfaces.lend(&mut video)?;
        video.set_bit_rate(way.usual);
        video.set_max_bit_rate(ceiling);
        // SAFETY: the context is ours and not yet open; a plain field without a setter.
        unsafe { (*video.as_mut_ptr()).rc_buffer_size = buffer(ceiling) as i32 };
        match video.open_as_with(found, way.options) {
            Ok(open) => return Ok((open, surfaces)),
            Err(why) => tried.push(format!("{}: {why}", way.name)),
        }
    }
    Err(AvError::Ways {
        path: device.path().display().to_string(),
        codec: spoken,
        tried: tried.join("; "),
    })
}
