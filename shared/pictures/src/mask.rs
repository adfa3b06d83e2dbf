//! Task. The subcommand `mask`: pictures from stdin, masked pictures to stdout, until told to end.
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ffmpeg_next::frame::Video;

use crate::{
    av::{AvError, Canvas, Decoder, Encoder, Kind},
    spans::{Mask, MaskError},
    wire::{self, Codec, Failure, Params, Picture, Setup, ToWorker, WireError},
};

/// Pictures given without one coming out, after which the stream counts as undecodable. Ten seconds at 25 a second.
const PATIENCE: usize = 250;

#[derive(Debug, thiserror::Error)]
pub enum MaskingError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the input ended before it said so; the daemon seems to have stopped")]
    NoEnd,
    #[error("a picture came before the setup")]
    NoSetup,
    #[error(
        "the setup is for version {0}; this program knows version 1; install daemon and picture worker of the same version"
    )]
    Version(u32),
    #[error("the setup's configuration is not base64: {0}")]
    Config(base64::DecodeError),
    #[error("the mask cannot be painted: {0}; correct the camera's mask")]
    Mask(#[from] MaskError),
    #[error("{0}")]
    Av(#[from] AvError),
    #[error(
        "none of the last {PATIENCE} pictures could be decoded; the camera's stream is damaged or not what it announces"
    )]
    Undecodable,
    #[error("cannot write to the daemon: {0}")]
    Write(#[from] io::Error),
}

/// Runs to the end. On failure the last message is an `X` that says why; the caller ends with a failing status.
pub fn run(mut from: impl Read, mut to: impl Write) -> Result<(), MaskingError> {
    let mut worker = Worker::default();
    let result = worker.run(&mut from, &mut to);
    if let Err(error) = &result {
        let failure = Failure {
            why: error.to_string(),
            dropped: worker.dropped + worker.waiting.len() as u64,
        };
        // The daemon may be gone; there is nobody else to tell.
        let _ = wire::write_json(&mut to, b'X', &failure).and_then(|()| to.flush());
    }
    result
}

#[derive(Default)]
struct Worker {
    stream: Option<Stream>,
    told: Option<Params>,
    /// Given to the decoder and not yet seen again: time and whether a key picture, in the order given.
    waiting: VecDeque<(i64, bool)>,
    dropped: u64,
}

/// One setup's decoder, and what is made from the first picture on.
struct Stream {
    codec: Codec,
    mask: Mask,
    fps: Option<f64>,
    bitrate_kbit: Option<u32>,
    decoder: Decoder,
    stage: Option<Stage>,
}

struct Stage {
    canvas: Canvas,
    encoder: Encoder,
    params: Params,
    /// Times of the pictures inside the encoder.
    inside: VecDeque<i64>,
    fresh: bool,
}

impl Worker {
    fn run(&mut self, from: &mut impl Read, to: &mut impl Write) -> Result<(), MaskingError> {
        loop {
            match wire::read(from)? {
                None => return Err(MaskingError::NoEnd),
                Some(ToWorker::Setup(setup)) => {
                    self.finish(to)?;
                    self.stream = Some(open(setup)?);
                }
                Some(ToWorker::Picture(picture)) => self.picture(&picture, to)?,
                Some(ToWorker::End) => {
                    self.finish(to)?;
                    wire::write_frame(to, b'D', &[])?;
                    to.flush()?;
                    return Ok(());
                }
            }
        }
    }

    fn picture(&mut self, picture: &Picture, to: &mut impl Write) -> Result<(), MaskingError> {
        let stream = self.stream.as_mut().ok_or(MaskingError::NoSetup)?;
        self.waiting.push_back((picture.pts, picture.key));
        if !stream.decoder.give(&picture.data, picture.pts) {
            self.waiting.pop_back();
            self.dropped += 1;
        }
        let before = self.waiting.len();
        self.take_decoded(to)?;
        if self.waiting.len() >= PATIENCE && self.waiting.len() == before
            || self.dropped >= PATIENCE as u64
        {
            return Err(MaskingError::Undecodable);
        }
        Ok(to.flush()?)
    }

    /// Moves every decoded picture through canvas and encoder.
    fn take_decoded(&mut self, to: &mut impl Write) -> Result<(), MaskingError> {
        loop {
            let Some(frame) = self
                .stream
                .as_mut()
                .map_or(Ok(None), |s| s.decoder.take())?
            else {
                return Ok(());
            };
            // A picture whose time is not one that was given cannot be placed: it is left out (and counted with the next).
            let Some(place) = frame
                .pts()
                .and_then(|pts| self.waiting.iter().position(|w| w.0 == pts))
            else {
                continue;
            };
            let Some((pts, key)) = self.waiting.remove(place) else {
                continue;
            };
            // Pictures come out in the order they are shown: what should have come before and did not will not come.
            let before = self.waiting.len();
            self.waiting.retain(|w| w.0 >= pts);
            self.dropped += (before - self.waiting.len()) as u64;
            self.mask(&frame, pts, key, to)?;
        }
    }

    fn mask(
        &mut self,
        frame: &Video,
        pts: i64,
        key: bool,
        to: &mut impl Write,
    ) -> Result<(), MaskingError> {
        let kind = Kind::of(frame);
        if !self
            .stream
            .as_ref()
            .and_then(|s| s.stage.as_ref())
            .is_some_and(|s| s.canvas.fits(&kind))
        {
            // First picture, or the camera has changed its pictures: end the old encoding, measure the mask anew.
            self.end_stage(to)?;
            let Some(stream) = self.stream.as_mut() else {
                return Err(MaskingError::NoSetup);
            };
            stream.stage = Some(Stage::new(stream, &kind)?);
        }
        let Some(stage) = self.stream.as_mut().and_then(|s| s.stage.as_mut()) else {
            return Err(MaskingError::NoSetup);
        };
        let painted = stage.canvas.paint(frame)?;
        stage.encoder.encode(painted, key || stage.fresh)?;
        stage.fresh = false;
        stage.inside.push_back(pts);
        self.take_encoded(to)
    }

    fn take_encoded(&mut self, to: &mut impl Write) -> Result<(), MaskingError> {
        let Some(stage) = self.stream.as_mut().and_then(|s| s.stage.as_mut()) else {
            return Ok(());
        };
        while let Some(encoded) = stage.encoder.take()? {
            let pts = stage.inside.pop_front().ok_or(AvError::Order)?;
            if self.told.as_ref() != Some(&stage.params) {
                wire::write_json(to, b'P', &stage.params)?;
                self.told = Some(stage.params.clone());
            }
            let dropped = self.dropped.min(127) as u8;
            wire::write_picture(
                to,
                &Picture {
                    key: encoded.key,
                    dropped,
                    pts,
                    data: encoded.data,
                },
            )?;
            self.dropped = 0;
        }
        Ok(())
    }

    fn end_stage(&mut self, to: &mut impl Write) -> Result<(), MaskingError> {
        if let Some(stage) = self.stream.as_mut().and_then(|s| s.stage.as_mut()) {
            stage.encoder.finish()?;
            self.take_encoded(to)?;
        }
        if let Some(stream) = self.stream.as_mut() {
            stream.stage = None;
        }
        Ok(())
    }

    /// Everything given so far is written, or counted as dropped.
    fn finish(&mut self, to: &mut impl Write) -> Result<(), MaskingError> {
        if let Some(stream) = self.stream.as_mut() {
            stream.decoder.finish();
            self.take_decoded(to)?;
            self.end_stage(to)?;
        }
        self.dropped += self.waiting.len() as u64;
        self.waiting.clear();
        self.stream = None;
        Ok(())
    }
}

impl Stage {
    fn new(stream: &Stream, kind: &Kind) -> Result<Self, AvError> {
        let canvas = Canvas::new(kind, &stream.mask)?;
        let encoder = Encoder::open(stream.codec, kind, stream.fps, stream.bitrate_kbit)?;
        let params = Params {
            config: BASE64.encode(encoder.record()),
            codec: stream.codec,
            width: kind.width,
            height: kind.height,
        };
        Ok(Self {
            canvas,
            encoder,
            params,
            inside: VecDeque::new(),
            fresh: true,
        })
    }
}

fn open(setup: Setup) -> Result<Stream, MaskingError> {
    if setup.v != 1 {
        return Err(MaskingError::Version(setup.v));
    }
    let mask = Mask::new(setup.polygons)?;
    let config = BASE64.decode(&setup.config).map_err(MaskingError::Config)?;
    let decoder = Decoder::open(setup.codec, &config)?;
    Ok(Stream {
        codec: setup.codec,
        mask,
        fps: setup.fps,
        bitrate_kbit: setup.bitrate_kbit,
        decoder,
        stage: None,
    })
}
