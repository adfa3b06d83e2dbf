//! Task. A still: a key picture becomes a JPEG, masked, or unmasked with the mask's outline for those who may see that.
use std::io::{Read, Write};

use shared::{
    mask::Style,
    worker::{FromWorker, Picture, Setup, Show, Task, ToWorker},
};

use crate::{
    av::{Canvas, Decoder, Kind, jpeg},
    mask::{WorkError, mask},
    spans::Mask,
    wire,
};

pub fn run(setup: Setup, from: &mut impl Read, to: &mut impl Write) -> Result<(), WorkError> {
    let mut painter = Painter::new(setup)?;
    let mut message = Vec::new();
    loop {
        match wire::read(from, &mut message)? {
            None => return Err(WorkError::NoEnd),
            Some(ToWorker::Setup(setup)) => painter = Painter::new(setup)?,
            Some(ToWorker::Picture(picture)) => {
                let jpeg = painter.still(&picture)?;
                wire::write(to, &FromWorker::Still(jpeg.into()))?;
                to.flush()?;
            }
            Some(ToWorker::End) => {
                wire::write(to, &FromWorker::Done)?;
                return Ok(to.flush()?);
            }
        }
    }
}

struct Painter {
    decoder: Decoder,
    mask: Mask,
    style: Style,
    show: Show,
}

impl Painter {
    fn new(setup: Setup) -> Result<Self, WorkError> {
        if setup.task != Task::Still {
            return Err(WorkError::OtherTask);
        }
        let show = setup.show.ok_or(WorkError::NoShow)?;
        let mask = mask(setup.polygons)?;
        Ok(Self {
            decoder: Decoder::open(setup.codec, &setup.config)?,
            mask,
            style: setup.style,
            show,
        })
    }

    fn still(&mut self, picture: &Picture<'_>) -> Result<Vec<u8>, WorkError> {
        let frames = self.decoder.alone(&picture.data, picture.pts)?;
        let frame = frames.first().ok_or(WorkError::NotKey)?;
        let kind = Kind::of(frame);
        // Also where it only shows outlines: a picture that could not be masked is said to be so.
        let mut canvas = Canvas::new(&kind, &self.mask, self.style)?;
        Ok(match self.show {
            Show::Masked => jpeg::masked(&canvas.paint(frame)?, &kind)?,
            Show::Outline => jpeg::outlined(frame, &kind, self.mask.polygons())?,
        })
    }
}
