//! Adapter: libav. The encoder of the masked pictures: x264 or x265, at once and without key pictures of its own.
use std::slice;

use ffmpeg_next::{
    self as ff, Dictionary, Packet, Rational,
    codec::{self, flag::Flags, threading},
    format::Pixel,
    picture,
};

use super::{AvError, Kind, Painted, again, libav};
use crate::{nal, wire::Codec};

/// Constant quality (crf): what a camera's own picture, encoded once more, still shows.
const QUALITY: &str = "23";

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
        max_kbit: Option<u32>,
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
        options.set("crf", QUALITY);
        if let Some(kbit) = max_kbit {
            // A ceiling on constant quality, kept over two seconds.
            let rate = kbit.clamp(50, 100_000) as usize * 1000;
            video.set_max_bit_rate(rate);
            options.set("bufsize", &(2 * rate).to_string());
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
