//! Task. A still: a key picture becomes a JPEG, masked, or unmasked with the mask's outline for those who may see that; or a picture of a recording,
//! with all that it is decoded from, as it was recorded.
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
    if let Some(Show::Recorded { at }) = setup.show {
        return recorded(&setup, at, from, to);
    }
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

/// The picture of that moment, out of a recording.
fn recorded(
    setup: &Setup,
    at: i64,
    from: &mut impl Read,
    to: &mut impl Write,
) -> Result<(), WorkError> {
    let mut decoder = Decoder::open(setup.codec, &setup.config)?;
    let mut found = None;
    let mut look = |decoder: &mut Decoder| -> Result<(), WorkError> {
        while let Some(frame) = decoder.take()? {
            let damaged = decoder.damaged();
            if frame.pts() == Some(at) {
                if damaged {
                    return Err(WorkError::NotWhole);
                }
                found = Some(jpeg::recorded(&frame, &Kind::of(&frame))?);
            }
        }
        Ok(())
    };
    let mut message = Vec::new();
    loop {
        match wire::read(from, &mut message)? {
            None => return Err(WorkError::NoEnd),
            Some(ToWorker::Setup(_)) => return Err(WorkError::OtherTask),
            Some(ToWorker::Picture(picture)) => {
                decoder.give(&picture.data, picture.pts);
                look(&mut decoder)?;
            }
            Some(ToWorker::End) => break,
        }
    }
    decoder.finish();
    look(&mut decoder)?;
    let jpeg = found.ok_or(WorkError::NotThen)?;
    wire::write(to, &FromWorker::Still(jpeg.into()))?;
    wire::write(to, &FromWorker::Done)?;
    Ok(to.flush()?)
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
            Show::Recorded { .. } => return Err(WorkError::OtherTask),
        })
    }
}
