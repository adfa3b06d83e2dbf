//! Task. Holds what an encoder made against what it was given, picture by picture: whether a graphics device is to be trusted with any.
use std::collections::VecDeque;

use shared::worker::Codec;

use crate::av::{AvError, Decoder, EncodedPicture, MaskedPicture, row};

/// Tiles of so many pixels are compared, in each plane.
const TILE: usize = 16;
/// By which a tile may differ, pixel by pixel, in the mean: a fine encoding differs by 1 or 2, a wrong picture by tens.
const MOST: u32 = 20;
const PLANES: [&str; 3] = ["the brightness", "the blue", "the red"];

#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    #[error(transparent)]
    Av(#[from] AvError),
    #[error("more pictures came back than were given")]
    More,
    #[error("picture {0} was to be a key picture and is none, or the other way round")]
    Key(usize),
    #[error("what came back cannot be decoded: picture {0}")]
    Undecodable(usize),
    #[error(
        "what came back is not what was encoded: {what} of picture {picture} differs by {by} of 255 at {x}, {y}"
    )]
    Differs {
        what: &'static str,
        picture: usize,
        by: u32,
        x: usize,
        y: usize,
    },
}

pub struct Judge {
    codec: Codec,
    width: u32,
    height: u32,
    decoder: Option<Decoder>,
    /// Planes of the pictures that are not back yet, and whether each is to be a key picture.
    given: VecDeque<([Vec<u8>; 3], bool)>,
    seen: usize,
}

impl Judge {
    pub fn new(codec: Codec, width: u32, height: u32) -> Self {
        Self {
            codec,
            width,
            height,
            decoder: None,
            given: VecDeque::new(),
            seen: 0,
        }
    }

    /// How many came back as they were given.
    pub fn seen(&self) -> usize {
        self.seen
    }

    pub fn given(&mut self, painted: &MaskedPicture<'_>, key: bool) -> Result<(), AvError> {
        let plane = |plane: usize| {
            let rows = (0..self.height >> u32::from(plane > 0)).map(|y| painted.row(plane, y));
            Ok::<_, AvError>(rows.collect::<Result<Vec<_>, _>>()?.concat())
        };
        let planes = [plane(0)?, plane(1)?, plane(2)?];
        self.given.push_back((planes, key));
        Ok(())
    }

    /// `record`: what the encoder says its pictures are to be decoded with.
    pub fn came_back(&mut self, encoded: &EncodedPicture, record: &[u8]) -> Result<(), JudgeError> {
        let picture = self.seen;
        let (given, key) = self.given.pop_front().ok_or(JudgeError::More)?;
        if encoded.key != key {
            return Err(JudgeError::Key(picture));
        }
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => none.insert(Decoder::open(self.codec, record)?),
        };
        if !decoder.give(&encoded.data, picture as i64) {
            return Err(JudgeError::Undecodable(picture));
        }
        let frame = decoder.take()?.ok_or(JudgeError::Undecodable(picture))?;
        if decoder.damaged() || (frame.width(), frame.height()) != (self.width, self.height) {
            return Err(JudgeError::Undecodable(picture));
        }
        for (plane, what) in PLANES.into_iter().enumerate() {
            let shift = u32::from(plane > 0);
            let width = (self.width >> shift) as usize;
            let lines = (0..self.height >> shift)
                .map(|y| row(&frame, plane, y, self.width >> shift))
                .collect::<Result<Vec<_>, _>>()?;
            let given: Vec<&[u8]> = given[plane].chunks_exact(width).collect();
            for (n, (given, back)) in given.chunks(TILE).zip(lines.chunks(TILE)).enumerate() {
                for x in (0..width).step_by(TILE) {
                    let by = differs(given, back, x..width.min(x + TILE));
                    if by > MOST {
                        return Err(JudgeError::Differs {
                            what,
                            picture,
                            by,
                            x,
                            y: n * TILE,
                        });
                    }
                }
            }
        }
        self.seen += 1;
        Ok(())
    }
}

/// By how much the pixels of these columns differ, in the mean.
fn differs(given: &[&[u8]], back: &[&[u8]], columns: std::ops::Range<usize>) -> u32 {
    let pixels = given.len() * columns.len();
    let pairs = given.iter().zip(back).flat_map(|(a, b)| {
        let (a, b) = (&a[columns.clone()], &b[columns.clone()]);
        a.iter().zip(b)
    });
    let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    sum / pixels.max(1) as u32
}

#[cfg(test)]
mod tests {
    use ffmpeg_next::{format::Pixel, frame::Video};
    use shared::mask::Style;

    use super::*;
    use crate::{
        av::{Canvas, Encoder, EncoderSettings, Kind},
        measure::{HEIGHT, Scene, WIDTH},
        spans::Mask,
    };

    /// Issue 4: an encoder is used only if what comes back is what it was given: everywhere, in every plane, and key where it was to be.
    #[test]
    fn a_wrong_picture_is_seen() {
        let scene = Scene::new();
        let mut frame = Video::new(Pixel::YUV420P, WIDTH, HEIGHT);
        Scene::colour(&mut frame).unwrap();
        let kind = Kind::of(&frame);
        let corner = Mask::new(vec![vec![[0.0, 0.0], [0.02, 0.0], [0.0, 0.02]]]).unwrap();
        let mut canvas = Canvas::new(&kind, &corner, Style::Solid).unwrap();
        let wanted = EncoderSettings {
            interlaced: false,
            codec: Codec::H264,
            kind: &kind,
            fps: None,
            max_kbit: Some(8_000),
        };
        let mut encoder = Encoder::open(wanted, None).unwrap();
        let mut judge = Judge::new(Codec::H264, WIDTH, HEIGHT);
        let mut came_back = |time: u32, key: bool, spoil: &dyn Fn(&mut [Vec<u8>; 3])| {
            scene.draw(&mut frame, time).unwrap();
            let painted = canvas.paint(&frame).unwrap();
            judge.given(&painted, time == 0).unwrap();
            spoil(&mut judge.given.back_mut().unwrap().0);
            encoder.encode(painted, key).unwrap();
            let encoded = encoder.take().unwrap().unwrap();
            let told = judge.came_back(&encoded, encoder.record());
            told.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(came_back(0, true, &|_| {}), "");
        assert_eq!(came_back(1, false, &|_| {}), "");
        let (w, h) = (WIDTH as usize, HEIGHT as usize);
        let moved = came_back(2, false, &|p| p[0][300 * w..][..32 * w].rotate_left(40));
        let cut = came_back(3, false, &|p| p[0][(h - 6) * w..].fill(0));
        let coloured = came_back(4, false, &|p| p[1].iter_mut().for_each(|b| *b ^= 64));
        for (wrong, what) in [
            (moved, "brightness"),
            (cut, "brightness"),
            (coloured, "blue"),
        ] {
            let begins = format!("what came back is not what was encoded: the {what} of picture 2");
            assert!(wrong.starts_with(&begins), "{wrong}");
        }
        let key = came_back(5, true, &|_| {});
        assert!(key.starts_with("picture 2 was to be"), "{key}");
    }
}
