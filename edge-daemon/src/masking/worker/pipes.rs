//! Task. A worker's two threads: one feeds its input, one reads what it answers.
use std::{
    io::{self, Read, Write},
    process::{ChildStdin, ChildStdout},
    sync::{atomic::Ordering::Relaxed, mpsc::Receiver},
};

use bytes::Bytes;
use footage::mp4::{Codec, Parameters};
use shared::worker::{self, FromWorker, Picture, Setup, ToWorker, length};

use super::{Painted, state::State};
use crate::{lock::lock, segment::Unit};

pub enum Message {
    Setup(Box<Setup>),
    Unit(Unit),
    End,
}

/// What becomes of what a worker answers.
pub enum Answers {
    /// Pictures that the mask of this id was painted into.
    Painted {
        mask: String,
        out: Box<dyn FnMut(Painted) + Send>,
    },
    /// Verdicts, which the session asks for.
    Verdicts,
}

/// Writes one message.
pub fn put(to: &mut impl Write, message: &ToWorker<'_>) -> io::Result<()> {
    to.write_all(&message.encode().map_err(io::Error::other)?)?;
    to.flush()
}

/// What follows one message's length; None at the end of the stream.
pub fn next(from: &mut impl Read) -> io::Result<Option<Bytes>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let mut body = vec![0; length(head).map_err(io::Error::other)?];
    from.read_exact(&mut body)?;
    Ok(Some(Bytes::from(body)))
}

pub fn feed(mut stdin: ChildStdin, units: Receiver<Message>, state: &State) {
    for message in units {
        let done = match message {
            Message::Setup(setup) => put(&mut stdin, &ToWorker::Setup(*setup)),
            Message::Unit(unit) => {
                let picture = Picture {
                    key: unit.key,
                    others: state.takes(),
                    pts: unit.pts,
                    data: unit.bytes.as_ref().into(),
                };
                put(&mut stdin, &ToWorker::Picture(picture))
            }
            Message::End => put(&mut stdin, &ToWorker::End),
        };
        if let Err(e) = done {
            // It may have said why on its output, which is not read to its end yet.
            if !state.ending.load(Relaxed) {
                tracing::debug!(error = %e, "the picture worker closed its input");
                state.mute.store(true, Relaxed);
            }
            return;
        }
    }
}

pub fn read(mut stdout: ChildStdout, mut answers: Answers, state: &State) {
    let mut pending = None;
    loop {
        let message = match next(&mut stdout) {
            Ok(Some(message)) => message,
            Ok(None) => {
                // The pipe closes a little before the exit status can be had.
                state.mute.store(!state.ending.load(Relaxed), Relaxed);
                break;
            }
            Err(e) => {
                state.fail(format!("its answer cannot be read: {e}"));
                break;
            }
        };
        match answer(&message, &mut answers, &mut pending, state) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => {
                state.fail(why);
                break;
            }
        }
    }
    if (lock(&state.failed).is_some() || state.mute.load(Relaxed))
        && let Answers::Painted { out, .. } = &mut answers
    {
        // What came back is masked and good; what did not is gone.
        out(Painted::Broken);
    }
    state.done.store(true, Relaxed);
}

/// Takes one message in; false after the last. An error is why the worker is of no use any more.
fn answer(
    message: &Bytes,
    answers: &mut Answers,
    pending: &mut Option<Parameters>,
    state: &State,
) -> Result<bool, String> {
    match (
        FromWorker::decode(message).map_err(|e| e.to_string())?,
        answers,
    ) {
        (FromWorker::Sandbox(sandbox), _) => *lock(&state.sandbox) = Some(sandbox.missing),
        (FromWorker::Stream(stream), Answers::Painted { mask, .. }) => {
            *pending = Some(parameters(stream, mask)?);
        }
        (FromWorker::Picture(picture), Answers::Painted { out, .. }) => {
            let pts = picture.pts;
            let (wall_us, dated) = state
                .given(pts)
                .ok_or_else(|| format!("it sent a picture (time {pts}) that it was not given"))?;
            let shed = u32::from(picture.others);
            state.answered(1 + u64::from(shed));
            out(Painted::Unit(Unit {
                pts,
                wall_us,
                dated,
                key: picture.key,
                bytes: message.slice_ref(&picture.data),
                lost: state.lost.swap(0, Relaxed),
                shed: shed + state.shed.swap(0, Relaxed),
                parameters: pending.take(),
            }));
        }
        (FromWorker::Verdict(verdict), Answers::Verdicts) => {
            let _ = state.given(verdict.pts);
            state.answered(1);
            lock(&state.verdicts).push_back(verdict);
        }
        (FromWorker::Rate(rate), _) => {
            // It lives: while it waits for a key picture after a damaged one it sends no pictures.
            state.lives();
            state.one_in.store(rate.one_in.max(1), Relaxed);
        }
        (FromWorker::Done, _) => return Ok(false),
        (FromWorker::Failure(failure), _) => {
            state.encoder_well.store(!failure.encoder, Relaxed);
            return Err(failure.why);
        }
        (FromWorker::Stream(_) | FromWorker::Picture(_), Answers::Verdicts)
        | (FromWorker::Verdict(_), Answers::Painted { .. })
        | (FromWorker::Still(_), _) => {
            return Err("it answered what it was not asked".into());
        }
    }
    Ok(true)
}

/// How the pictures that come back are encoded; `mask` is the one that is to be in them.
fn parameters(stream: worker::Stream, mask: &str) -> Result<Parameters, String> {
    if stream.mask != mask {
        return Err(format!("it painted the mask {:?}, not {mask}", stream.mask));
    }
    let (Ok(width), Ok(height)) = (u16::try_from(stream.width), u16::try_from(stream.height))
    else {
        return Err("picture too large".into());
    };
    Ok(Parameters {
        codec: match stream.codec {
            worker::Codec::H264 => Codec::H264,
            worker::Codec::H265 => Codec::H265,
        },
        width,
        height,
        config: stream.config,
        sound: None,
    })
}

#[cfg(test)]
mod tests {
    use shared::mask::Style;

    use super::*;

    #[test]
    fn messages() {
        let mut bytes: &[u8] = &[0, 0, 0, 3, b'F', 1, 2, 0, 0, 0, 1, b'D'];
        let mut one = || next(&mut bytes).expect("reads");
        assert_eq!(one().as_deref(), Some(&[b'F', 1, 2][..]));
        assert_eq!(one().as_deref(), Some(&b"D"[..]));
        assert_eq!(one(), None);
        assert!(
            next(&mut &[0xff, 0, 0, 0, 0][..]).is_err(),
            "a length that cannot be is refused"
        );
        assert!(
            next(&mut &[0, 0, 0, 9, b'F'][..]).is_err(),
            "a torn message is not a picture"
        );
    }

    /// MSK-5: what was painted with another mask is not recorded.
    #[test]
    fn painted_with_another_mask() {
        let stream = |mask: &str| worker::Stream {
            config: vec![1, 2, 3],
            codec: worker::Codec::H265,
            width: 640,
            height: 360,
            mask: mask.into(),
            style: Style::Solid,
        };
        assert!(parameters(stream("m7"), "m7").is_ok());
        assert!(parameters(stream("m8"), "m7").is_err_and(|e| e.contains("m8")));
    }
}
