//! Adapter: the program `beadle-pictures`, which takes one picture out of a recording. It runs with nothing but two pipes, and shuts itself in before it
//! reads anything: no file, no network, no other program.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use footage::mp4::{Codec, Parameters};
use shared::{
    mask::Style,
    worker::{self, FromWorker, Picture, Setup, Show, Task, ToWorker, VERSION, length},
};

/// It has so long: a minute of recording at most is decoded.
const LONGEST: Duration = Duration::from_secs(60);
const PROGRAM: &str = "beadle-pictures";
/// Where the package of the hub puts it.
const INSTALLED: &str = "/usr/lib/beadle-hub/beadle-pictures";

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPicture {
    /// The program does not run.
    Program { path: PathBuf, why: String },
    /// It ran, and made none.
    Made(String),
}

/// A picture of a recording, compressed, with its presentation time.
pub struct Compressed<'a> {
    pub key: bool,
    pub pts: i64,
    pub data: &'a [u8],
}

/// The program beside this one, or where the package of the hub puts it.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().map(|folder| folder.join(PROGRAM));
    beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| INSTALLED.into())
}

/// The picture of that presentation time as a JPEG. `pictures`: in the order they are decoded, from a key picture on.
pub fn jpeg(
    program: &Path,
    parameters: &Parameters,
    pictures: &[Compressed<'_>],
    at: i64,
) -> Result<Vec<u8>, NoPicture> {
    let broken = |why: String| NoPicture::Program {
        path: program.to_owned(),
        why,
    };
    let mut child = Command::new(program)
        .arg("mask")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| broken(e.to_string()))?;
    let made = talk(&mut child, parameters, pictures, at);
    let _ = child.kill();
    let ended = child.wait();
    match made {
        Ok(jpeg) => Ok(jpeg),
        // What the dynamic loader ends with when it cannot start a program.
        Err(_) if ended.as_ref().is_ok_and(|s| s.code() == Some(127)) => {
            Err(broken("a library that it needs is missing".into()))
        }
        Err(why) => Err(NoPicture::Made(why)),
    }
}

fn setup(parameters: &Parameters, at: i64) -> Setup {
    Setup {
        v: VERSION,
        task: Task::Still,
        codec: match parameters.codec {
            Codec::H264 => worker::Codec::H264,
            Codec::H265 => worker::Codec::H265,
        },
        config: parameters.config.clone(),
        width: parameters.width.into(),
        height: parameters.height.into(),
        mask: String::new(),
        polygons: Vec::new(),
        style: Style::Solid,
        cell: None,
        colour: None,
        fps: None,
        max_kbit: None,
        show: Some(Show::Recorded { at }),
    }
}

fn talk(
    child: &mut Child,
    parameters: &Parameters,
    pictures: &[Compressed<'_>],
    at: i64,
) -> Result<Vec<u8>, String> {
    let (Some(mut to), Some(mut from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no pipes".into());
    };
    let (heard, answer) = mpsc::channel();
    // Ends with the pipe, which ends with the child.
    std::thread::Builder::new()
        .name("still".into())
        .spawn(move || drop(heard.send(hear(&mut from))))
        .map_err(|e| e.to_string())?;
    let sent = (|| {
        put(&mut to, &ToWorker::Setup(setup(parameters, at)))?;
        for p in pictures {
            let picture = Picture {
                key: p.key,
                others: 0,
                pts: p.pts,
                data: p.data.into(),
            };
            put(&mut to, &ToWorker::Picture(picture))?;
        }
        put(&mut to, &ToWorker::End)
    })();
    match (answer.recv_timeout(LONGEST), sent) {
        (Ok(drawn), _) => drawn,
        (Err(_), Err(e)) => Err(e.to_string()),
        (Err(_), Ok(())) => Err(format!("no answer within {} s", LONGEST.as_secs())),
    }
}

fn put(to: &mut impl Write, message: &ToWorker<'_>) -> io::Result<()> {
    to.write_all(&message.encode().map_err(io::Error::other)?)?;
    to.flush()
}

/// Reads until the picture, or why there is none.
fn hear(from: &mut impl Read) -> Result<Vec<u8>, String> {
    loop {
        let mut head = [0; 4];
        from.read_exact(&mut head)
            .map_err(|_| "it ended without a word".to_owned())?;
        let mut body = vec![0; length(head).map_err(|e| e.to_string())?];
        from.read_exact(&mut body).map_err(|e| e.to_string())?;
        match FromWorker::decode(&body).map_err(|e| e.to_string())? {
            FromWorker::Still(jpeg) => return Ok(jpeg.into_owned()),
            FromWorker::Failure(failure) => return Err(failure.why),
            // It is shut in as far as this kernel can; what is missing is the machine's, and pictures here come from our own recorder.
            _ => {}
        }
    }
}
