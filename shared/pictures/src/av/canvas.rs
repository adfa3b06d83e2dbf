//! Adapter: libav. The picture that goes to the encoder, and what may get into it.
use ffmpeg_next::{self as ff, ffi, format::Pixel, frame::Video};
use shared::mask::Style;

use super::{AvError, Kind, Plain, row, row_mut};
use crate::{
    cells::{self, Cells},
    spans::{Mask, Spans},
};

/// A picture of which everything under the mask is solid, or the cells' means.
pub struct MaskedPicture<'a>(pub(super) &'a mut Video);

impl MaskedPicture<'_> {
    /// Row `y` of a plane.
    pub fn row(&self, plane: usize, y: u32) -> Result<&[u8], AvError> {
        row(self.0, plane, y, self.0.width() >> u32::from(plane > 0))
    }
}

/// The one picture given to the encoder, used again and again. It starts black, and only two things are ever written into
/// it: what lies outside the mask, as it is, and under a pixelated mask the means of whole cells. The pixels under the mask
/// never get there.
pub struct Canvas {
    kind: Kind,
    planes: [Plane; 3],
    frame: Video,
    plain: Plain,
}

struct Plane {
    spans: Spans,
    /// None: solid.
    cells: Option<Cells>,
}

impl Canvas {
    pub fn new(kind: &Kind, mask: &Mask, style: Style) -> Result<Self, AvError> {
        let (width, height) = (kind.width, kind.height);
        if width < 16 || height < 16 || width % 2 != 0 || height % 2 != 0 {
            return Err(AvError::Picture(format!("{width}x{height}")));
        }
        let mut frame = Video::new(Pixel::YUV420P, width, height);
        // SAFETY: `frame` is a live AVFrame; its buffer pointers are null when the allocation failed.
        if unsafe { (*frame.as_ptr()).buf[0].is_null() } {
            return Err(AvError::Memory("making room for the masked picture"));
        }
        let plane = |shift: u32| {
            let spans = mask.plane(width, height, shift);
            let cells = (style == Style::Pixelated)
                .then(|| Cells::new(&spans, cells::painted(height) >> shift));
            Plane { spans, cells }
        };
        let planes = [plane(0), plane(1), plane(1)];
        let black = [if kind.full_range { 0 } else { 16 }, 128, 128];
        for (i, value) in black.into_iter().enumerate() {
            let spans = &planes[i].spans;
            for y in 0..spans.height() {
                row_mut(&mut frame, i, y, spans.width)?.fill(value);
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
            planes,
            frame,
            plain: Plain::new(kind)?,
        })
    }

    pub fn fits(&self, kind: &Kind) -> bool {
        self.kind == *kind
    }

    pub fn paint(&mut self, decoded: &Video) -> Result<MaskedPicture<'_>, AvError> {
        // SAFETY: `frame` is a live, reference-counted AVFrame. An encoder may still hold its buffer; this gives the frame
        // a copy of its own in that case, so that what the encoder holds does not change under it.
        let code = unsafe { ffi::av_frame_make_writable(self.frame.as_mut_ptr()) };
        if code < 0 {
            return Err(AvError::Libav {
                what: "making the picture writable",
                why: ff::Error::from(code),
            });
        }
        // SAFETY: both frames are live; plain fields.
        unsafe {
            let (to, from) = (self.frame.as_mut_ptr(), decoded.as_ptr());
            (*to).interlaced_frame = (*from).interlaced_frame;
            (*to).top_field_first = (*from).top_field_first;
        }
        let source = self.plain.of(decoded)?;
        for (i, Plane { spans, cells }) in self.planes.iter_mut().enumerate() {
            if let Some(cells) = cells {
                cells.start();
                for y in 0..spans.height() {
                    if cells.wanted(y) {
                        cells.add(y, row(source, i, y, spans.width)?);
                    }
                }
                cells.close();
            }
            for y in 0..spans.height() {
                let from = row(source, i, y, spans.width)?;
                let to = row_mut(&mut self.frame, i, y, spans.width)?;
                for (a, b) in spans.open(y) {
                    to[a as usize..b as usize].copy_from_slice(&from[a as usize..b as usize]);
                }
                if let Some(cells) = cells {
                    for &covered in spans.covered(y) {
                        cells.paint(y, covered, to);
                    }
                }
            }
        }
        Ok(MaskedPicture(&mut self.frame))
    }
}

#[cfg(test)]
mod tests;
