//! Adapter: retina, child process `beadle-pictures`. One picture of a camera with a mask's outlines on it, for whoever sets masks.
use std::{
    io::Write,
    path::Path,
    process::Child,
    sync::{Arc, mpsc},
    time::Duration,
};

use bytes::Bytes;
use footage::mp4::Parameters;
use futures::StreamExt;
use retina::{client::SessionGroup, codec::CodecItem};

use crate::{
    capture::connect::{connect, first_line, read_parameters},
    masking::worker::{self, Said},
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
pub fn outlined(program: &Path, camera: &config::Camera, mask: &Mask) -> Result<Vec<u8>, String> {
    let (parameters, picture) = key_frame(camera)?;
    draw(program, mask, &parameters, &picture)
}

/// A session of its own with the camera; the running box's is left alone.
fn key_frame(camera: &config::Camera) -> Result<(Parameters, Bytes), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let local = tokio::task::LocalSet::new();
    let asked = async {
        let shared = Shared::new(0, camera.clone(), Sequence::new(None, 0));
        let (reports, _) = mpsc::channel();
        let farewell = Arc::new(SessionGroup::default());
        let (mut demuxed, stream, _) = connect(
            &shared,
            camera.password.as_ref(),
            &reports,
            farewell.clone(),
        )
        .await
        .map_err(|(_, why)| why)?;
        let found = loop {
            match demuxed.next().await {
                None => return Err("it closed the connection".to_owned()),
                Some(Err(e)) => return Err(first_line(&e)),
                Some(Ok(CodecItem::VideoFrame(frame))) if frame.is_random_access_point() => {
                    let parameters = demuxed.streams().get(stream).and_then(read_parameters);
                    let parameters =
                        parameters.ok_or("it sends no parameter sets (SPS, PPS)".to_owned())?;
                    break (parameters, Bytes::from(frame.into_data()));
                }
                Some(Ok(_)) => {}
            }
        };
        drop(demuxed);
        // A camera with room for one session only is to have it back.
        let _ = tokio::time::timeout(Duration::from_secs(1), farewell.await_teardown()).await;
        Ok(found)
    };
    let limited = async {
        let none = format!("no key frame within {} s", CAMERA.as_secs());
        tokio::time::timeout(CAMERA, asked)
            .await
            .unwrap_or(Err(none))
    };
    local
        .block_on(&runtime, limited)
        .map_err(|why| format!("camera {}: {why}", camera.id))
}

fn draw(
    program: &Path,
    mask: &Mask,
    parameters: &Parameters,
    picture: &[u8],
) -> Result<Vec<u8>, String> {
    let told = |why: String| format!("the picture worker {}: {why}", program.display());
    let mut child = worker::spawn(program, None).map_err(|e| told(e.to_string()))?;
    let drawn = one_picture(&mut child, mask, parameters, picture);
    let _ = child.kill();
    let _ = child.wait();
    drawn.map_err(told)
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
            let _ = heard.send(worker::still(&mut from));
        })
        .map_err(|e| e.to_string())?;
    let setup = worker::still_setup(parameters, mask);
    let sent = worker::put(&mut to, b'C', &[&setup])
        .and_then(|()| worker::put(&mut to, b'F', &[&[1], &0i64.to_be_bytes(), picture]))
        .and_then(|()| worker::put(&mut to, b'E', &[]))
        .and_then(|()| to.flush());
    let answered = answer.recv_timeout(WORKER);
    match (answered, sent) {
        (Ok(Ok(Said::Jpeg(jpeg))), _) => Ok(jpeg),
        (Ok(Ok(Said::Failed(why)) | Err(why)), _) => Err(why),
        (Err(_), Err(e)) => Err(e.to_string()),
        (Err(_), Ok(())) => Err(format!("no answer within {} s", WORKER.as_secs())),
    }
}
