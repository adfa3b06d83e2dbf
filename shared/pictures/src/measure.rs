//! Task. The subcommand `measure`: what masking a camera costs on this machine, for the daemon's decision how many it takes.
//!
//! A scene made here (a street of sorts: a textured ground, things that move, a sensor's noise) is encoded once, as a camera
//! would, and goes the way of [`crate::paint`], two seconds at most. Counted is the processor time of all of the process's
//! threads, not time on the clock: other work on the machine does not change it. The first picture, a key picture, is left
//! out: a camera sends few.
//!
//! Of a graphics device it is also shown here, within the walls and before any camera's picture is given to it, that it encodes: every
//! picture that comes back is decoded and held against what was painted. What it uses of its own processor is not counted.
use ffmpeg_next::{format::Pixel, frame::Video};
use nix::time::{ClockId, clock_gettime};
use serde::Serialize;
use shared::{mask::Style, worker::Codec};

use crate::{
    av::{AvError, Canvas, Decoder, Encoder, EncoderSettings, Kind, row_mut, vaapi::Device},
    judge::{Judge, JudgeError},
    spans::{Mask, MaskError},
};

pub(crate) const WIDTH: u32 = 1280;
/// No whole number of blocks of 16: what is beyond the edge must not show.
pub(crate) const HEIGHT: u32 = 712;
/// A mask, because the types want one: next to nothing.
const CORNER: [[f64; 2]; 3] = [[0.0, 0.0], [0.02, 0.0], [0.0, 0.02]];
/// One more than are counted; H.265 takes several times as long a picture.
const PICTURES: [(Codec, usize); 2] = [(Codec::H264, 11), (Codec::H265, 5)];

#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Av(#[from] AvError),
    #[error(transparent)]
    Mask(#[from] MaskError),
    #[error("the processor time used cannot be read: {0}")]
    Clock(#[from] nix::Error),
    #[error("not every picture of the made scene came through; nothing was measured")]
    Lost,
    #[error(transparent)]
    Judge(#[from] JudgeError),
}

/// Microseconds of processor time per million pixels.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    pub decode_us: u64,
    pub paint_us: u64,
    pub encode_us: u64,
}

#[derive(Debug, Serialize)]
pub struct Costs {
    pub v: u32,
    pub h264: Cost,
    /// None: `lacking` says why.
    pub h265: Option<Cost>,
    /// Why a graphics device is not used for H.265; older ones encode H.264 alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacking: Option<String>,
}

/// Encodes on `device`, if there is one.
pub fn run(device: Option<&Device>) -> Result<Costs, MeasureError> {
    let scene = Scene::new();
    let [h264, h265] = PICTURES.map(|(codec, pictures)| measure(&scene, codec, pictures, device));
    let (h265, lacking) = match h265 {
        Ok(cost) => (Some(cost), None),
        Err(why) if device.is_some() => (None, Some(why.to_string())),
        Err(why) => return Err(why),
    };
    Ok(Costs {
        v: 1,
        h264: h264?,
        h265,
        lacking,
    })
}

/// Has the device encode a grey picture in each codec, for what its driver opens only then: to be called before the walls are up. Whether
/// it works is shown within them, so what goes wrong here says nothing yet.
pub fn warm(device: &Device) {
    for (codec, _) in PICTURES {
        let _ = warm_codec(device, codec);
    }
}

fn warm_codec(device: &Device, codec: Codec) -> Result<(), MeasureError> {
    let mut grey = Video::new(Pixel::YUV420P, WIDTH, HEIGHT);
    for plane in 0..3 {
        let shift = u32::from(plane > 0);
        for y in 0..HEIGHT >> shift {
            row_mut(&mut grey, plane, y, WIDTH >> shift)?.fill(128);
        }
    }
    let kind = Kind::of(&grey);
    let corner = Mask::new(vec![CORNER.to_vec()])?;
    let mut canvas = Canvas::new(&kind, &corner, Style::Solid)?;
    let mut encoder = Encoder::open(wanted(codec, &kind, true), Some(device))?;
    encoder.encode(canvas.paint(&grey)?, true)?;
    encoder.finish()?;
    while encoder.take()?.is_some() {}
    Ok(())
}

/// A device is asked for all that a camera's pictures ask of it: below a ceiling.
fn wanted(codec: Codec, kind: &Kind, ceiling: bool) -> EncoderSettings<'_> {
    EncoderSettings {
        codec,
        kind,
        fps: Some(25.0),
        max_kbit: ceiling.then_some(8_000),
        interlaced: false,
    }
}

fn used_us() -> Result<u64, MeasureError> {
    let used = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    Ok(used.tv_sec().unsigned_abs() * 1_000_000 + used.tv_nsec().unsigned_abs() / 1000)
}

fn measure(
    scene: &Scene,
    codec: Codec,
    pictures: usize,
    device: Option<&Device>,
) -> Result<Cost, MeasureError> {
    let mut frame = Video::new(Pixel::YUV420P, WIDTH, HEIGHT);
    Scene::colour(&mut frame)?;
    let kind = Kind::of(&frame);
    // As a camera: its picture, but for a corner that the types want masked.
    let corner = Mask::new(vec![CORNER.to_vec()])?;
    let mut canvas = Canvas::new(&kind, &corner, Style::Solid)?;
    let mut camera = Encoder::open(wanted(codec, &kind, false), None)?;
    let mut stream = Vec::new();
    for i in 0..pictures {
        scene.draw(&mut frame, i as u32)?;
        camera.encode(canvas.paint(&frame)?, i == 0)?;
        while let Some(encoded) = camera.take()? {
            stream.push(encoded.data);
        }
    }
    if stream.len() != pictures {
        return Err(MeasureError::Lost);
    }
    // As the worker: a quarter of the picture under a pixelated mask, which costs more than a solid one.
    let quarter = Mask::new(vec![vec![[0.2, 0.2], [0.7, 0.2], [0.7, 0.7], [0.2, 0.7]]])?;
    let mut canvas = Canvas::new(&kind, &quarter, Style::Pixelated)?;
    let mut encoder = Encoder::open(wanted(codec, &kind, device.is_some()), device)?;
    let mut judge = Judge::new(codec, WIDTH, HEIGHT);
    let mut decoder = Decoder::open(codec, camera.record())?;
    let mut sums = [0u64; 3];
    for (i, data) in stream.iter().enumerate() {
        let start = used_us()?;
        if !decoder.give(data, i as i64) {
            return Err(MeasureError::Lost);
        }
        let decoded = decoder.take()?.ok_or(MeasureError::Lost)?;
        let after_decode = used_us()?;
        let painted = canvas.paint(&decoded)?;
        let after_paint = used_us()?;
        // A device must take the order for a key picture in the middle, too.
        let key = i == 0 || (device.is_some() && i == 3);
        judge.given(&painted, key)?;
        let before_encode = used_us()?;
        encoder.encode(painted, key)?;
        let mut back = Vec::new();
        while let Some(encoded) = encoder.take()? {
            back.push(encoded);
        }
        let end = used_us()?;
        for encoded in &back {
            judge.came_back(encoded, encoder.record())?;
        }
        if i > 0 {
            sums[0] += after_decode - start;
            sums[1] += after_paint - after_decode;
            sums[2] += end - before_encode;
        }
    }
    encoder.finish()?;
    while let Some(encoded) = encoder.take()? {
        judge.came_back(&encoded, encoder.record())?;
    }
    if judge.seen() != pictures {
        return Err(MeasureError::Lost);
    }
    let pixels = u64::from(WIDTH * HEIGHT) * (pictures as u64 - 1);
    let [decode_us, paint_us, encode_us] = sums.map(|us| us * 1_000_000 / pixels);
    Ok(Cost {
        decode_us,
        paint_us,
        encode_us,
    })
}

/// The made scene's ground; what moves is drawn over it.
pub(crate) struct Scene {
    ground: Vec<u8>,
}

fn noise(n: u32) -> u32 {
    let n = (n ^ 61 ^ (n >> 16)).wrapping_mul(9);
    let n = (n ^ (n >> 4)).wrapping_mul(0x27d4_eb2d);
    n ^ (n >> 15)
}

impl Scene {
    pub(crate) fn new() -> Self {
        let mut ground = vec![0; (WIDTH * HEIGHT) as usize];
        for (y, row) in (0..).zip(ground.chunks_exact_mut(WIDTH as usize)) {
            let light = 60 + y * 40 / HEIGHT;
            for (x, sample) in (0..).zip(row) {
                // Coarse shapes, finer ones on them, a slope of light.
                let coarse = noise(x / 160 + y / 160 * 104_729) % 64;
                let fine = noise(x / 24 + y / 24 * 7919) % 26;
                *sample = (light + coarse + fine + noise(x / 3 + y / 3 * 997) % 7) as u8;
            }
        }
        Self { ground }
    }

    pub(crate) fn colour(frame: &mut Video) -> Result<(), AvError> {
        for plane in [1, 2] {
            for y in 0..HEIGHT / 2 {
                for (x, sample) in (0..).zip(row_mut(frame, plane, y, WIDTH / 2)?) {
                    *sample = (120 + noise(x / 40 + y / 30 * 997 + plane as u32) % 16) as u8;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn draw(&self, frame: &mut Video, time: u32) -> Result<(), AvError> {
        for y in 0..HEIGHT {
            let row = row_mut(frame, 0, y, WIDTH)?;
            let start = (y * WIDTH) as usize;
            row.copy_from_slice(&self.ground[start..start + WIDTH as usize]);
            // A sensor's noise: a step up or down on a part of the pixels.
            for (x, sample) in row.iter_mut().enumerate().step_by(3) {
                *sample =
                    sample.wrapping_add((noise(x as u32 + y * WIDTH + time * 31_337) % 3) as u8);
            }
            // Eight people of sorts, each at its pace.
            for n in 0..8 {
                let (wide, high) = (40 + n * 5, 110 + n * 13);
                let top = 60 + n * 60;
                let left = (n * 150 + time * (3 + n)) % (WIDTH - wide);
                if (top..top + high).contains(&y) {
                    for x in left..left + wide {
                        let cloth = noise((x - left) / 6 * 57 + (y - top) / 9 * 131 + n) % 90;
                        row[x as usize] = (30 + n * 12 + cloth) as u8;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Issue 4: what admission counts with: each part costs something, encoding most, H.265 more than H.264.
    #[test]
    fn each_part_has_its_cost() {
        let costs = run(None).unwrap();
        let h265 = costs.h265.unwrap();
        for cost in [costs.h264, h265] {
            assert!(
                cost.decode_us > 0 && cost.paint_us > 0 && cost.encode_us > cost.paint_us,
                "{costs:?}"
            );
        }
        assert!(h265.encode_us > costs.h264.encode_us, "{costs:?}");
        let json = serde_json::to_value(&costs).unwrap();
        assert!(
            json["v"] == 1 && json["h265"]["encode_us"].is_u64(),
            "{json}"
        );
    }
}
