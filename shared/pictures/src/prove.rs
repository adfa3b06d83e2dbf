//! Task. Proving: each key picture of a camera that masks by itself is decoded alone, and each polygon tested.
//!
//! A decoder that keeps nothing and conceals nothing: what a damaged picture lacks must not be filled with something even,
//! or with what an earlier, covered picture showed there ([`Decoder::for_proof`]).
use std::io::{Read, Write};

use ffmpeg_next::frame::Video;
use shared::{
    mask::Style,
    worker::{FromWorker, Picture, Setup, Task, ToWorker, Verdict},
};

use crate::{
    av::{AvError, Decoder, Kind, Plain, row},
    mask::{WorkError, mask},
    proof::{Proof, Rule, View},
    spans::Mask,
    wire,
};

/// Of a picture that holds no key picture, or a damaged one.
const UNDECODABLE: &str =
    "the key picture cannot be decoded by itself, so nobody can say whether its mask is there";

pub fn run(setup: Setup, from: &mut impl Read, to: &mut impl Write) -> Result<(), WorkError> {
    let mut prover = Prover::new(setup)?;
    let mut message = Vec::new();
    loop {
        match wire::read(from, &mut message)? {
            None => return Err(WorkError::NoEnd),
            Some(ToWorker::Setup(setup)) => prover = Prover::new(setup)?,
            Some(ToWorker::Picture(picture)) => {
                let verdict = Verdict {
                    pts: picture.pts,
                    why: prover.test(&picture)?.err(),
                };
                wire::write(to, &FromWorker::Verdict(verdict))?;
                to.flush()?;
            }
            Some(ToWorker::End) => {
                wire::write(to, &FromWorker::Done)?;
                return Ok(to.flush()?);
            }
        }
    }
}

struct Prover {
    decoder: Decoder,
    mask: Mask,
    rule: Rule,
    /// For pictures of the last one's kind.
    stage: Option<(Kind, Plain, Proof)>,
}

impl Prover {
    fn new(setup: Setup) -> Result<Self, WorkError> {
        if setup.task != Task::Prove {
            return Err(WorkError::OtherTask);
        }
        let rule = match (setup.style, setup.cell) {
            (Style::Solid, _) => Rule::Solid {
                colour: setup.colour,
            },
            (Style::Pixelated, Some(cell)) if cell > 0 => Rule::Pixelated { cell },
            (Style::Pixelated, _) => return Err(WorkError::NoCell),
        };
        let mask = mask(setup.polygons)?;
        Ok(Self {
            decoder: Decoder::for_proof(setup.codec, &setup.config)?,
            mask,
            rule,
            stage: None,
        })
    }

    /// The outer error ends the worker: something is wrong that is not the picture's.
    fn test(&mut self, picture: &Picture<'_>) -> Result<Result<(), String>, WorkError> {
        let frames = self.decoder.alone(&picture.data, picture.pts)?;
        if frames.is_empty() {
            return Ok(Err(UNDECODABLE.into()));
        }
        for frame in &frames {
            match self.judge(frame) {
                Ok(Ok(())) => {}
                Ok(Err(why)) => return Ok(Err(why)),
                // A kind of picture that cannot be looked at is the camera's doing, and no proof.
                Err(e @ AvError::Picture(_)) => return Ok(Err(e.to_string())),
                Err(e) => return Err(e.into()),
            }
        }
        Ok(Ok(()))
    }

    fn judge(&mut self, frame: &Video) -> Result<Result<(), String>, AvError> {
        let kind = Kind::of(frame);
        if self.stage.as_ref().is_none_or(|s| s.0 != kind) {
            let (w, h) = (kind.width, kind.height);
            if w < 16 || h < 16 || w % 2 != 0 || h % 2 != 0 {
                return Err(AvError::Picture(format!("{w}x{h}")));
            }
            let plain = Plain::new(&kind)?;
            let proof = Proof::new(&self.mask, self.rule, w, h);
            self.stage = Some((kind, plain, proof));
        }
        let Some((kind, plain, proof)) = &mut self.stage else {
            return Err(AvError::Memory("testing a picture"));
        };
        let frame = plain.of(frame)?;
        let plane = |plane: usize| {
            let shift = u32::from(plane > 0);
            (0..kind.height >> shift)
                .map(|y| row(frame, plane, y, kind.width >> shift))
                .collect::<Result<Vec<_>, _>>()
        };
        let view = View {
            planes: [plane(0)?, plane(1)?, plane(2)?],
            full_range: kind.full_range(),
            matrix: kind.matrix(),
        };
        Ok(proof.test(&view))
    }
}
