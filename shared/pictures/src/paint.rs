//! Task. Painting: each picture decoded, the mask painted in, encoded; under overload fewer of them.
use std::{
    collections::VecDeque,
    io::{Read, Write},
};

use ffmpeg_next::frame::Video;
use shared::{
    mask::Style,
    worker::{self, Codec, FromWorker, Picture, Rate, Setup, Task, ToWorker},
};

use crate::{
    av::{AvError, Canvas, Decoder, Encoder, EncoderSettings, Kind, vaapi::Device},
    mask::{PATIENCE, WorkError, mask},
    shed::Shed,
    spans::Mask,
    wire,
};

/// Until told to end. `lost` is how many pictures were left out and not yet told of, should it fail.
pub fn run(
    setup: Setup,
    device: Option<Device>,
    from: &mut impl Read,
    to: &mut impl Write,
    lost: &mut u64,
) -> Result<(), WorkError> {
    let mut worker = Worker {
        device,
        ..Worker::default()
    };
    let result = worker.run(setup, from, to);
    *lost = worker.dropped + worker.waiting.len() as u64;
    result
}

#[derive(Default)]
struct Worker {
    /// Encodes; without one this program does it itself.
    device: Option<Device>,
    stream: Option<Stream>,
    told: Option<worker::Stream>,
    /// Given to the decoder and not yet seen again, in the order given.
    waiting: VecDeque<Waiting>,
    /// A picture could not be decoded whole: until the next key picture the others rely on it, and on guesses in its place.
    damaged: bool,
    /// Left out since the last picture encoded, for whatever reason.
    dropped: u64,
    /// Of those, given in a row without one coming out of the decoder.
    undecoded: usize,
    shed: Shed,
}

#[derive(Clone, Copy)]
struct Waiting {
    pts: i64,
    key: bool,
    /// Neither it nor what it relies on is damaged, as far as is known.
    whole: bool,
}

/// One setup's decoder, and what is made from the first picture on.
struct Stream {
    codec: Codec,
    mask: Mask,
    name: String,
    style: Style,
    fps: Option<f64>,
    max_kbit: Option<u32>,
    /// A picture of two fields was among them; whole ones between such pictures are encoded like them.
    interlaced: bool,
    decoder: Decoder,
    stage: Option<Stage>,
}

struct Stage {
    canvas: Canvas,
    interlaced: bool,
    encoder: Encoder,
    made: worker::Stream,
    /// Times of the pictures inside the encoder.
    inside: VecDeque<i64>,
    fresh: bool,
}

impl Worker {
    fn run(
        &mut self,
        setup: Setup,
        from: &mut impl Read,
        to: &mut impl Write,
    ) -> Result<(), WorkError> {
        self.stream = Some(open(setup)?);
        let mut message = Vec::new();
        loop {
            match wire::read(from, &mut message)? {
                None => return Err(WorkError::NoEnd),
                Some(ToWorker::Setup(setup)) => {
                    self.finish(to)?;
                    self.stream = Some(open(setup)?);
                }
                Some(ToWorker::Picture(picture)) => self.picture(&picture, to)?,
                Some(ToWorker::End) => {
                    self.finish(to)?;
                    wire::write(to, &FromWorker::Done)?;
                    to.flush()?;
                    return Ok(());
                }
            }
        }
    }

    fn picture(&mut self, picture: &Picture<'_>, to: &mut impl Write) -> Result<(), WorkError> {
        let stream = self.stream.as_mut().ok_or(WorkError::NoSetup)?;
        if let Some(one_in) = self.shed.behind(picture.others) {
            wire::write(to, &FromWorker::Rate(Rate { one_in }))?;
        }
        self.damaged &= !picture.key;
        if stream.decoder.give(&picture.data, picture.pts) {
            self.waiting.push_back(Waiting {
                pts: picture.pts,
                key: picture.key,
                whole: !self.damaged,
            });
        } else {
            self.damaged = true;
            self.dropped += 1;
        }
        self.undecoded += 1;
        self.take_decoded(to)?;
        if self.damaged {
            // A sign of life: nothing else may come before the next key picture.
            let one_in = self.shed.one_in();
            wire::write(to, &FromWorker::Rate(Rate { one_in }))?;
        }
        if self.undecoded >= PATIENCE {
            return Err(WorkError::Undecodable);
        }
        Ok(to.flush()?)
    }

    /// Moves every decoded picture through canvas and encoder.
    fn take_decoded(&mut self, to: &mut impl Write) -> Result<(), WorkError> {
        loop {
            let (frame, damaged) = match &mut self.stream {
                Some(s) => (s.decoder.take()?, s.decoder.damaged()),
                None => (None, false),
            };
            self.damaged |= damaged;
            let Some(frame) = frame else {
                return Ok(());
            };
            // A picture whose time is not one that was given cannot be placed: it is left out (and counted with the next).
            let Some(place) = frame
                .pts()
                .and_then(|pts| self.waiting.iter().position(|w| w.pts == pts))
            else {
                continue;
            };
            let Some(Waiting { pts, key, whole }) = self.waiting.remove(place) else {
                continue;
            };
            // Pictures come out in the order they are shown: what should have come before and did not will not come.
            let before = self.waiting.len();
            self.waiting.retain(|w| w.pts >= pts);
            self.dropped += (before - self.waiting.len()) as u64;
            if damaged || !whole {
                self.dropped += 1;
                continue;
            }
            self.undecoded = 0;
            self.mask(&frame, pts, key, to)?;
        }
    }

    fn mask(
        &mut self,
        frame: &Video,
        pts: i64,
        key: bool,
        to: &mut impl Write,
    ) -> Result<(), WorkError> {
        let kind = Kind::of(frame);
        if !self.shed.take(key) {
            self.dropped += 1;
            return Ok(());
        }
        let interlaced = match &mut self.stream {
            Some(stream) => {
                stream.interlaced |= Kind::interlaced(frame);
                stream.interlaced
            }
            None => return Err(WorkError::NoSetup),
        };
        if !self
            .stream
            .as_ref()
            .and_then(|s| s.stage.as_ref())
            .is_some_and(|s| s.canvas.fits(&kind) && s.interlaced == interlaced)
        {
            // First picture, or the camera has changed its pictures: end the old encoding, measure the mask anew.
            self.end_stage(to)?;
            let Some(stream) = self.stream.as_mut() else {
                return Err(WorkError::NoSetup);
            };
            stream.stage = Some(Stage::new(stream, &kind, self.device.as_ref())?);
        }
        let Some(stage) = self.stream.as_mut().and_then(|s| s.stage.as_mut()) else {
            return Err(WorkError::NoSetup);
        };
        let painted = stage.canvas.paint(frame)?;
        stage
            .encoder
            .encode(painted, key || stage.fresh)
            .map_err(WorkError::Encoder)?;
        stage.fresh = false;
        stage.inside.push_back(pts);
        self.take_encoded(to)
    }

    fn take_encoded(&mut self, to: &mut impl Write) -> Result<(), WorkError> {
        let Some(stage) = self.stream.as_mut().and_then(|s| s.stage.as_mut()) else {
            return Ok(());
        };
        while let Some(encoded) = stage.encoder.take().map_err(WorkError::Encoder)? {
            if encoded.key {
                // A device's own parameter sets come with its key pictures.
                stage.made.config = stage.encoder.record().to_vec();
            }
            let pts = stage.inside.pop_front().ok_or(AvError::Order)?;
            if self.told.as_ref() != Some(&stage.made) {
                wire::write(to, &FromWorker::Stream(stage.made.clone()))?;
                self.told = Some(stage.made.clone());
            }
            let others = self.dropped.min(127) as u8;
            let picture = Picture {
                key: encoded.key,
                others,
                pts,
                data: encoded.data.into(),
            };
            wire::write(to, &FromWorker::Picture(picture))?;
            self.dropped = 0;
        }
        Ok(())
    }

    fn end_stage(&mut self, to: &mut impl Write) -> Result<(), WorkError> {
        if let Some(stage) = self.stream.as_mut().and_then(|s| s.stage.as_mut()) {
            stage.encoder.finish().map_err(WorkError::Encoder)?;
            self.take_encoded(to)?;
        }
        if let Some(stream) = self.stream.as_mut() {
            stream.stage = None;
        }
        Ok(())
    }

    /// Everything given so far is written, or counted as dropped.
    fn finish(&mut self, to: &mut impl Write) -> Result<(), WorkError> {
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
    fn new(stream: &Stream, kind: &Kind, device: Option<&Device>) -> Result<Self, WorkError> {
        let canvas = Canvas::new(kind, &stream.mask, stream.style)?;
        let wanted = EncoderSettings {
            codec: stream.codec,
            kind,
            fps: stream.fps,
            max_kbit: stream.max_kbit,
            interlaced: stream.interlaced,
        };
        let encoder = Encoder::open(wanted, device).map_err(WorkError::Encoder)?;
        let made = worker::Stream {
            config: encoder.record().to_vec(),
            codec: stream.codec,
            width: kind.width,
            height: kind.height,
            mask: stream.name.clone(),
            style: stream.style,
        };
        Ok(Self {
            canvas,
            interlaced: stream.interlaced,
            encoder,
            made,
            inside: VecDeque::new(),
            fresh: true,
        })
    }
}

fn open(setup: Setup) -> Result<Stream, WorkError> {
    if setup.task != Task::Paint {
        return Err(WorkError::OtherTask);
    }
    let mask = mask(setup.polygons)?;
    let decoder = Decoder::open(setup.codec, &setup.config)?;
    Ok(Stream {
        codec: setup.codec,
        mask,
        name: setup.mask,
        style: setup.style,
        fps: setup.fps,
        max_kbit: setup.max_kbit,
        interlaced: false,
        decoder,
        stage: None,
    })
}
