//! Task. The subcommand `mask`: the first setup says which task this process is for; it keeps it until told to end.
use std::io::{self, Read, Write};

use shared::{
    mask::polygon::Corner,
    worker::{Failure, FromWorker, Task, ToWorker},
};

use crate::{
    av::{AvError, vaapi::Device},
    paint, prove,
    spans::{Mask, MaskError},
    still,
    wire::{self, WireError},
};

/// Pictures given without one coming out, after which the stream counts as undecodable. Ten seconds at 25 a second.
pub const PATIENCE: usize = 250;

#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the input ended before it said so; the daemon seems to have stopped")]
    NoEnd,
    #[error("a picture came before the setup")]
    NoSetup,
    #[error("a second setup is for another task; the daemon is to start another worker for it")]
    OtherTask,
    #[error("the setup is for a still and does not say what it is to show (masked or outline)")]
    NoShow,
    #[error(
        "the setup is for a pixelated mask of the camera's and does not say how large its cells are"
    )]
    NoCell,
    #[error("the mask cannot be painted: {0}; correct the camera's mask")]
    Mask(#[from] MaskError),
    #[error("{0}")]
    Av(#[from] AvError),
    /// The pictures are not to blame, and another encoder may do.
    #[error("{0}")]
    Encoder(AvError),
    #[error(
        "none of the last {PATIENCE} pictures could be decoded; the camera's stream is damaged or not what it announces"
    )]
    Undecodable,
    #[error("the picture cannot be decoded by itself; a still needs a key picture")]
    NotKey,
    #[error("none of the pictures that were given is of that moment, or it cannot be decoded")]
    NotThen,
    #[error("a part of the picture of that moment is missing or damaged in the recording")]
    NotWhole,
    #[error("cannot write to the daemon: {0}")]
    Write(#[from] io::Error),
}

/// Runs to the end; what is painted is encoded on `device`, if there is one. On failure the last message is an `X` that says why; the
/// caller ends with a failing status.
pub fn run(
    mut from: impl Read,
    mut to: impl Write,
    device: Option<Device>,
) -> Result<(), WorkError> {
    let mut lost = 0;
    let result = work(&mut from, &mut to, device, &mut lost);
    if let Err(error) = &result {
        let failure = Failure {
            why: error.to_string(),
            dropped: lost,
            encoder: matches!(error, WorkError::Encoder(_)),
        };
        // The daemon may be gone; there is nobody else to tell.
        let _ = wire::write(&mut to, &FromWorker::Failure(failure)).and_then(|()| to.flush());
    }
    result
}

fn work(
    from: &mut impl Read,
    to: &mut impl Write,
    device: Option<Device>,
    lost: &mut u64,
) -> Result<(), WorkError> {
    let mut message = Vec::new();
    match wire::read(from, &mut message)? {
        None => Err(WorkError::NoEnd),
        Some(ToWorker::Picture(_)) => Err(WorkError::NoSetup),
        Some(ToWorker::End) => {
            wire::write(to, &FromWorker::Done)?;
            Ok(to.flush()?)
        }
        Some(ToWorker::Setup(setup)) => match setup.task {
            Task::Paint => paint::run(setup, device, from, to, lost),
            Task::Prove => prove::run(setup, from, to),
            Task::Still => still::run(setup, from, to),
        },
    }
}

/// The mask of a setup.
pub(crate) fn mask(polygons: Vec<Vec<Corner>>) -> Result<Mask, MaskError> {
    let corners = |polygon: Vec<Corner>| polygon.into_iter().map(<[f64; 2]>::from).collect();
    Mask::new(polygons.into_iter().map(corners).collect())
}
