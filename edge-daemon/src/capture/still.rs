//! Adapter: retina, child process `beadle-pictures`. One picture of a camera with a mask's outlines on it, for whoever sets masks.
use std::{
    io::Read,
    path::Path,
    process::Child,
    rc::Rc,
    sync::{Arc, mpsc},
    time::Duration,
};

use bytes::Bytes;
use footage::mp4::Parameters;
use futures::StreamExt;
use retina::codec::CodecItem;
use shared::time::Clock;
use shared::worker::{FromWorker, Picture, ToWorker};

use crate::{
    capture::{
        connect::{Line, Playing, connect, first_line, read_parameters},
        farewell::{self, Farewell},
        relay::known::Known,
        thread::Turn,
        way::Way,
    },
    masking::{
        primary::{primary, timing},
        worker::{pipes, process, still_setup},
    },
    recording::recorder::Shared,
};
use crate::{
    config::{self, Mask},
    recording::sequence::Sequence,
};

/// From first packet to a key frame: some cameras send one every ten seconds.
const CAMERA: Duration = Duration::from_secs(25);
/// What the picture worker may take over one picture.
const WORKER: Duration = Duration::from_secs(15);

/// A JPEG of what the camera sees now, as it sends it, each polygon's outline and number drawn over it. Or why not, in a sentence.
pub fn outlined(
    program: &Path,
    camera: &config::Camera,
    known: &Known,
    mask: &Mask,
) -> Result<Vec<u8>, String> {
    let (parameters, picture) = key_frame(camera, known)?;
    draw(program, mask, &parameters, &picture)
}

/// A session of its own with the camera; the running box's is left alone.
fn key_frame(camera: &config::Camera, known: &Known) -> Result<(Parameters, Bytes), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let local = tokio::task::LocalSet::new();
    let turn: Rc<Turn> = Rc::default();
    let asked = async {
        let shared = Arc::new(Shared::new(0, camera.clone(), Sequence::new(None, 0)));
        let (reports, _) = mpsc::channel();
        // The relay forgives more, and what its session costs is of no matter here.
        let line = Line {
            camera: shared,
            password: camera.password.clone(),
            way: Way::Relay,
            farewell: Farewell::new(turn.clone()),
            turn: turn.clone(),
            known: known.clone(),
            wall: logbook::SystemClock.now().wall,
            progress: Rc::default(),
        };
        let Playing {
            mut demuxed,
            stream,
            ..
        } = connect(&line, &reports).await.map_err(|(_, why)| why)?;
        let found = loop {
            match demuxed.next().await {
                None => return Err("it closed the connection".to_owned()),
                Some(Err(e)) => return Err(first_line(&e)),
                Some(Ok(CodecItem::VideoFrame(frame))) if frame.is_random_access_point() => {
                    let parameters = demuxed.streams().get(stream).and_then(read_parameters);
                    let parameters =
                        parameters.ok_or("it sends no parameter sets (SPS, PPS)".to_owned())?;
                    // As it would be given to a worker that paints.
                    let picture = primary(
                        parameters.codec,
                        timing(&parameters),
                        &frame.into_data().into(),
                    )
                    .map_err(|_| "its key frame is torn".to_owned())?;
                    break (parameters, picture.bytes);
                }
                Some(Ok(_)) => {}
            }
        };
        Ok(found)
    };
    let limited = async {
        let none = format!("no key frame within {} s", CAMERA.as_secs());
        tokio::time::timeout(CAMERA, asked)
            .await
            .unwrap_or(Err(none))
    };
    let found = local.block_on(&runtime, limited);
    // A camera with room for one session only is to have it back.
    for n in 0..100 {
        if !farewell::round(&turn, 10 * n) {
            break;
        }
        local.block_on(&runtime, async {
            tokio::time::sleep(Duration::from_millis(10)).await;
        });
    }
    found.map_err(|why| format!("camera {}: {why}", camera.id))
}

fn draw(
    program: &Path,
    mask: &Mask,
    parameters: &Parameters,
    picture: &[u8],
) -> Result<Vec<u8>, String> {
    let told = |why: String| format!("the picture worker {}: {why}", program.display());
    let mut child = process::spawn(program, None).map_err(|e| told(e.to_string()))?;
    let drawn = one_picture(&mut child, mask, parameters, picture);
    // One that has not even started ends by itself; a moment is left for that.
    let ended = match &drawn {
        Ok(_) => None,
        Err(_) => (0..50).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            child.try_wait().ok().flatten()
        }),
    };
    let _ = child.kill();
    let _ = child.wait();
    drawn.map_err(|why| {
        let lacking = ended.and_then(|status| process::not_started(program, status));
        lacking.unwrap_or_else(|| told(why))
    })
}

fn one_picture(
    child: &mut Child,
    mask: &Mask,
    parameters: &Parameters,
    picture: &[u8],
) -> Result<Vec<u8>, String> {
    let (Some(mut to), Some(mut from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no pipes".into());
    };
    let (heard, answer) = mpsc::channel();
    // Ends with the pipe, which ends with the child.
    std::thread::Builder::new()
        .name("still".into())
        .spawn(move || {
            let _ = heard.send(jpeg(&mut from));
        })
        .map_err(|e| e.to_string())?;
    let key = Picture {
        key: true,
        others: 0,
        pts: 0,
        data: picture.into(),
    };
    let messages = [
        ToWorker::Setup(still_setup(parameters, mask)),
        ToWorker::Picture(key),
        ToWorker::End,
    ];
    let sent = messages.iter().try_for_each(|m| pipes::put(&mut to, m));
    match (answer.recv_timeout(WORKER), sent) {
        (Ok(drawn), _) => drawn,
        (Err(_), Err(e)) => Err(e.to_string()),
        (Err(_), Ok(())) => Err(format!("no answer within {} s", WORKER.as_secs())),
    }
}

/// Reads until the still, or why there is none.
fn jpeg(from: &mut impl Read) -> Result<Vec<u8>, String> {
    loop {
        let message = pipes::next(from).map_err(|e| e.to_string())?;
        let message = message.ok_or("it ended without a word")?;
        match FromWorker::decode(&message).map_err(|e| e.to_string())? {
            FromWorker::Still(jpeg) => return Ok(jpeg.into_owned()),
            FromWorker::Failure(failure) => return Err(failure.why),
            _ => {}
        }
    }
}
