//! Adapter: libav, VA-API. A graphics device that encodes (Intel's, AMD's), and the way of a painted picture into its memory.
//!
//! Only [`MaskedPicture`](super::Painted) pictures get there: pictures are decoded and painted in this process's own memory, so that what is
//! under a mask never reaches a device that other processes use too.
use std::{
    ffi::CString,
    fs::OpenOptions,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    ptr,
};

use ffmpeg_next::{
    self as ff, Dictionary, codec, ffi, format::Pixel, frame::Video, software::scaling,
};

use super::{AvError, Kind, libav};

/// Encoders hold on to few: the one being encoded, the one referred to, one on its way.
const POOL: i32 = 8;

/// An open device. Never closed: the process ends with it, for what drivers do when they are closed is not on the list of calls.
pub struct Device {
    path: PathBuf,
    reference: *mut ffi::AVBufferRef,
}

impl Device {
    pub fn open(path: &Path) -> Result<Self, AvError> {
        let failed = |why: String| AvError::Device {
            path: path.display().to_string(),
            why,
        };
        // First by itself: libav would take what it cannot open for the name of a display, and say that of it.
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|e| failed(e.to_string()))?;
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| failed("no such name can be".into()))?;
        let mut options = Dictionary::new();
        options.set("connection_type", "drm");
        let mut reference = ptr::null_mut();
        // SAFETY: `name` and `options` outlive the call; libav fills `reference` in where it returns 0.
        let code = unsafe {
            ffi::av_hwdevice_ctx_create(
                &raw mut reference,
                ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI,
                name.as_ptr(),
                options.as_mut_ptr(),
                0,
            )
        };
        if code < 0 || reference.is_null() {
            return Err(failed(format!("its driver: {}", ff::Error::from(code))));
        }
        Ok(Self {
            path: path.to_owned(),
            reference,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Pictures in a device's memory, of one size.
pub struct Surfaces {
    frames: *mut ffi::AVBufferRef,
    /// What the device takes: brightness, then both colours of each point in turn.
    turned: (scaling::Context, Video),
}

impl Drop for Surfaces {
    fn drop(&mut self) {
        // SAFETY: ours, made in `new`; encoders and pictures that still use it hold references of their own.
        unsafe { ffi::av_buffer_unref(&raw mut self.frames) }
    }
}

impl Surfaces {
    pub fn new(device: &Device, kind: &Kind) -> Result<Self, AvError> {
        let (w, h) = (kind.width, kind.height);
        let turned = scaling::Context::get(
            Pixel::YUV420P,
            w,
            h,
            Pixel::NV12,
            w,
            h,
            scaling::Flags::POINT,
        )
        .map_err(libav("preparing pictures for the graphics device"))?;
        // SAFETY: the device is open. What libav allocates is a frames context, whose fields are plain until it is initialised.
        let frames = unsafe {
            let frames = ffi::av_hwframe_ctx_alloc(device.reference);
            if frames.is_null() {
                return Err(AvError::Memory(
                    "preparing pictures for the graphics device",
                ));
            }
            let context = (*frames).data.cast::<ffi::AVHWFramesContext>();
            (*context).format = Pixel::VAAPI.into();
            (*context).sw_format = Pixel::NV12.into();
            (*context).width = w as i32;
            (*context).height = h as i32;
            (*context).initial_pool_size = POOL;
            frames
        };
        let surfaces = Self {
            frames,
            turned: (turned, Video::empty()),
        };
        // SAFETY: made above, and not yet initialised.
        check("making room on the graphics device", unsafe {
            ffi::av_hwframe_ctx_init(surfaces.frames)
        })?;
        Ok(surfaces)
    }

    /// Has the encoder, not yet open, take its pictures from here.
    pub fn lend(&self, encoder: &mut codec::encoder::video::Video) -> Result<(), AvError> {
        encoder.set_format(Pixel::VAAPI);
        // SAFETY: the context is not yet open; it owns the reference given to it.
        unsafe {
            let reference = ffi::av_buffer_ref(self.frames);
            if reference.is_null() {
                return Err(AvError::Memory("opening the encoder"));
            }
            (*encoder.as_mut_ptr()).hw_frames_ctx = reference;
        }
        Ok(())
    }

    /// A copy on the device.
    pub fn upload(&mut self, painted: &Video) -> Result<Video, AvError> {
        let (context, turned) = &mut self.turned;
        context
            .run(painted, turned)
            .map_err(libav("preparing a picture for the graphics device"))?;
        let mut surface = Video::empty();
        // SAFETY: the frames context is initialised; both frames are live.
        unsafe {
            check(
                "making room on the graphics device",
                ffi::av_hwframe_get_buffer(self.frames, surface.as_mut_ptr(), 0),
            )?;
            check(
                "giving a picture to the graphics device",
                ffi::av_hwframe_transfer_data(surface.as_mut_ptr(), turned.as_ptr(), 0),
            )?;
        }
        surface.set_color_range(painted.color_range());
        Ok(surface)
    }
}

fn check(what: &'static str, code: i32) -> Result<(), AvError> {
    if code < 0 {
        return Err(AvError::Libav {
            what,
            why: ff::Error::from(code),
        });
    }
    Ok(())
}

/// Ways to ask a driver for what [`super::Encoder`] wants, constant quality below a ceiling: drivers know one of them or both, and newer
/// Intel devices only the encoder that wants `low_power`. The first that opens is used.
pub fn ways(quality: &str, ceiling: usize) -> Vec<Way> {
    // Of the second its target is what it uses up.
    [("QVBR", ceiling), ("VBR", ceiling / 4 * 3)]
        .into_iter()
        .flat_map(|(mode, usual)| {
            [("0", ""), ("1", ", low power")].map(|(low_power, spoken)| {
                let mut options = Dictionary::new();
                options.set("rc_mode", mode);
                options.set("low_power", low_power);
                // One picture in, one out.
                options.set("async_depth", "1");
                // Nothing beside the pictures.
                options.set("sei", "0");
                if mode == "QVBR" {
                    options.set("global_quality", quality);
                }
                Way {
                    name: format!("{mode}{spoken}"),
                    options,
                    usual,
                }
            })
        })
        .collect()
}

pub struct Way {
    /// For people.
    pub name: String,
    pub options: Dictionary<'static>,
    /// Bits a second.
    pub usual: usize,
}
