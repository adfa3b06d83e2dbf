//! Adapter: the worker as a child process, and stock ffmpeg as maker of streams and as judge of what comes out.
#![allow(dead_code)] // each test program uses its part
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop
use std::{
    io::{BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use beadle_pictures::{nal, wire};
use shared::{
    mask::Style,
    worker::{
        self, Codec, Failure, FromWorker, Picture, Rate, Sandbox, Setup, Task, ToWorker, VERSION,
        Verdict,
    },
};

/// One access unit of a made stream.
pub struct Unit {
    pub key: bool,
    pub data: Vec<u8>,
}

pub struct Stream {
    pub codec: Codec,
    pub width: u32,
    pub height: u32,
    pub config: Vec<u8>,
    pub units: Vec<Unit>,
}

/// A test pattern with a magenta box over `marker` (x, y, w, h of the picture), encoded by the ffmpeg program.
pub fn make(
    codec: Codec,
    width: u32,
    height: u32,
    pictures: u32,
    marker: (f64, f64, f64, f64),
    format: &str,
) -> Stream {
    let (x, y, w, h) = marker;
    let filter = format!(
        "hue=s=0.3,drawbox=x=iw*{x}:y=ih*{y}:w=iw*{w}:h=ih*{h}:color=0xFF00FF@1:t=fill,format={format}"
    );
    let source = format!("testsrc2=size={width}x{height}:rate=12");
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        &source,
        "-frames:v",
        &pictures.to_string(),
        "-vf",
        &filter,
    ]);
    match codec {
        Codec::H264 => command.args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-x264-params",
            "keyint=12:scenecut=0:bframes=0:aud=1:repeat-headers=1",
            "-f",
            "h264",
        ]),
        Codec::H265 => command.args([
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=none:keyint=12:scenecut=0:bframes=0:aud=1:repeat-headers=1",
            "-f",
            "hevc",
        ]),
    };
    let made = command
        .arg("-")
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    cut(codec, width, height, &made.stdout)
}

/// How a camera encodes.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    pub codec: Codec,
    /// `-crf` or `-b:v` with its value.
    pub rate: &'static [&'static str],
    pub b_frames: bool,
    /// Each picture in so many independent parts.
    pub slices: u32,
}

/// The project's street footage (scripts/footage.sh), through a filter graph from `[0:v]` to `[o]`, a key picture every
/// `gop` pictures.
pub fn street(name: &str, pictures: u32, gop: u32, graph: &str, quality: Quality) -> Stream {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/footage")
        .join(name);
    assert!(
        file.exists(),
        "{} is missing; scripts/footage.sh makes it",
        file.display()
    );
    let b = if quality.b_frames { 2 } else { 0 };
    let (encoder, preset, parameters, quiet, format) = match quality.codec {
        Codec::H264 => ("libx264", "superfast", "-x264-params", "", "h264"),
        Codec::H265 => (
            "libx265",
            "ultrafast",
            "-x265-params",
            "log-level=none:",
            "hevc",
        ),
    };
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-frames:v", &pictures.to_string()])
        .args(["-filter_complex", graph, "-map", "[o]"])
        .args(["-c:v", encoder, "-preset", preset])
        .args(quality.rate)
        .args([
            parameters,
            &format!(
                "{quiet}keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:bframes={b}:aud=1:repeat-headers=1:slices={}",
                quality.slices
            ),
        ])
        .args(["-f", format, "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{graph}: {said}");
    let (width, height) = if name.contains("1080p") {
        (1920, 1080)
    } else if name.contains("720p") {
        (1280, 720)
    } else {
        (640, 360)
    };
    cut(quality.codec, width, height, &made.stdout)
}

/// Cuts a byte stream at its delimiters, as a camera's depacketiser would hand it over: parameter sets out of band.
pub fn cut(codec: Codec, width: u32, height: u32, bytes: &[u8]) -> Stream {
    let delimiter = match codec {
        Codec::H264 => 9,
        Codec::H265 => 35,
    };
    let mut units: Vec<Vec<&[u8]>> = Vec::new();
    for unit in nal::split(bytes) {
        if nal::kind(codec, unit) == delimiter {
            units.push(Vec::new());
        } else if let Some(last) = units.last_mut() {
            last.push(unit);
        }
    }
    let coded = |u: &[&[u8]]| {
        [0, 0, 0, 1]
            .into_iter()
            .chain(u.join(&[0, 0, 0, 1][..]))
            .collect::<Vec<u8>>()
    };
    let config =
        nal::record(codec, &coded(&units[0])).expect("parameter sets in the first access unit");
    let units = units
        .iter()
        .map(|u| {
            let key = u.iter().any(|n| match codec {
                Codec::H264 => nal::kind(codec, n) == 5,
                Codec::H265 => (16..=21).contains(&nal::kind(codec, n)),
            });
            Unit {
                key,
                data: nal::with_lengths(codec, &coded(u)),
            }
        })
        .collect();
    Stream {
        codec,
        width,
        height,
        config,
        units,
    }
}

impl Stream {
    /// Without what is before key picture `n`, counted from 0.
    pub fn starting_at_key(mut self, n: usize) -> Self {
        let keys = self.units.iter().enumerate().filter(|(_, u)| u.key);
        let at = keys.map(|(i, _)| i).nth(n).expect("a later key picture");
        self.units.drain(..at);
        self
    }

    pub fn setup(&self, polygons: &[&[[f64; 2]]]) -> Setup {
        Setup {
            v: VERSION,
            task: Task::Paint,
            codec: self.codec,
            config: self.config.clone(),
            width: self.width,
            height: self.height,
            mask: "m1".into(),
            polygons: polygons
                .iter()
                .map(|p| p.iter().copied().map(Into::into).collect())
                .collect(),
            style: Style::Solid,
            cell: None,
            colour: None,
            fps: Some(12.0),
            max_kbit: None,
            show: None,
        }
    }
}

impl Unit {
    /// To be given to the worker.
    pub fn at(&self, pts: i64) -> ToWorker<'_> {
        ToWorker::Picture(Picture {
            key: self.key,
            others: 0,
            pts,
            data: self.data.as_slice().into(),
        })
    }
}

pub fn send(to: &mut impl Write, message: &ToWorker<'_>) -> std::io::Result<()> {
    to.write_all(&message.encode().unwrap())?;
    to.flush()
}

/// What the worker said.
#[derive(Debug)]
pub enum Said {
    Params(worker::Stream),
    Picture(Picture<'static>),
    Rate(Rate),
    Verdict(Verdict),
    Still(Vec<u8>),
    Done,
    Failed(Failure),
}

pub struct Worker {
    pub child: Child,
    pub to: Option<ChildStdin>,
    pub from: BufReader<ChildStdout>,
    /// What it said of its sandbox; its first message.
    pub sandboxed: Option<Sandbox>,
}

impl Worker {
    pub fn start() -> Self {
        Self::from(Command::new(env!("CARGO_BIN_EXE_beadle-pictures")).arg("mask"))
    }

    /// By a command of the test's own, which comes to the same program.
    pub fn from(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the worker starts");
        let (to, from) = (
            child.stdin.take(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        Self {
            child,
            to,
            from,
            sandboxed: None,
        }
    }

    pub fn setup(&mut self, setup: &Setup) {
        send(self.to.as_mut().unwrap(), &ToWorker::Setup(setup.clone())).unwrap();
    }

    pub fn give(&mut self, unit: &Unit, pts: i64) {
        send(self.to.as_mut().unwrap(), &unit.at(pts)).unwrap();
    }

    pub fn end(&mut self) {
        let mut to = self.to.take().unwrap();
        send(&mut to, &ToWorker::End).unwrap();
    }

    pub fn hear(&mut self) -> Option<Said> {
        let mut message = Vec::new();
        if !wire::read_frame(&mut self.from, &mut message).expect("whole messages") {
            return None;
        }
        Some(match FromWorker::decode(&message).unwrap() {
            FromWorker::Sandbox(sandbox) => {
                assert!(self.sandboxed.replace(sandbox).is_none(), "said once");
                return self.hear();
            }
            FromWorker::Stream(stream) => Said::Params(stream),
            FromWorker::Picture(picture) => Said::Picture(picture.into_owned()),
            FromWorker::Rate(rate) => Said::Rate(rate),
            FromWorker::Verdict(verdict) => Said::Verdict(verdict),
            FromWorker::Still(jpeg) => Said::Still(jpeg.into_owned()),
            FromWorker::Done => Said::Done,
            FromWorker::Failure(failure) => Said::Failed(failure),
        })
    }

    pub fn hear_all(&mut self) -> Vec<Said> {
        std::iter::from_fn(|| self.hear()).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Feeds a whole stream, 7500 ticks a picture, and collects what comes back. Reading and writing at once: pipes are short.
pub fn through(stream: &Stream, setup: &Setup) -> (Vec<Said>, bool) {
    through_worker(&mut Worker::start(), stream, setup)
}

pub fn through_worker(worker: &mut Worker, stream: &Stream, setup: &Setup) -> (Vec<Said>, bool) {
    let mut to = worker.to.take().unwrap();
    let said = std::thread::scope(|scope| {
        scope.spawn(move || {
            send(&mut to, &ToWorker::Setup(setup.clone())).unwrap();
            for (i, unit) in stream.units.iter().enumerate() {
                if send(&mut to, &unit.at(i as i64 * 7500)).is_err() {
                    return; // the worker has given up; the test sees why
                }
            }
            let _ = send(&mut to, &ToWorker::End);
        });
        worker.hear_all()
    });
    let status = worker.child.wait().unwrap();
    (said, status.success())
}

/// Gives the key pictures of a stream to a worker that proves; its verdicts.
pub fn prove(stream: &Stream, setup: &Setup) -> Vec<Verdict> {
    let keys = Stream {
        codec: stream.codec,
        width: stream.width,
        height: stream.height,
        config: stream.config.clone(),
        units: stream
            .units
            .iter()
            .filter(|u| u.key)
            .map(|u| Unit {
                key: true,
                data: u.data.clone(),
            })
            .collect(),
    };
    assert!(!keys.units.is_empty());
    let (said, well) = through(&keys, setup);
    assert!(
        well && matches!(said.last(), Some(Said::Done)),
        "{:?}",
        said.last()
    );
    let verdicts: Vec<Verdict> = said
        .into_iter()
        .filter_map(|s| match s {
            Said::Verdict(v) => Some(v),
            Said::Done => None,
            other => panic!("{other:?}"),
        })
        .collect();
    let times: Vec<i64> = verdicts.iter().map(|v| v.pts).collect();
    let given: Vec<i64> = (0..keys.units.len() as i64).map(|i| i * 7500).collect();
    assert_eq!(times, given, "one verdict for each, in order");
    verdicts
}

pub fn pictures(said: &[Said]) -> Vec<&Picture<'static>> {
    said.iter()
        .filter_map(|s| {
            if let Said::Picture(p) = s {
                Some(p)
            } else {
                None
            }
        })
        .collect()
}

/// Decoded pictures, planar 4:2:0.
pub struct Decoded {
    pub width: usize,
    pub height: usize,
    pub frames: Vec<Vec<u8>>,
}

/// Decodes with the ffmpeg program. `pictures` all belong to `params`.
pub fn decode(params: &worker::Stream, pictures: &[&Picture<'_>], folder: &Path) -> Decoded {
    let name = match params.codec {
        Codec::H264 => "h264",
        Codec::H265 => "hevc",
    };
    let file = folder.join(format!("out.{name}"));
    let mut bytes = parameter_sets(params);
    for picture in pictures {
        let mut rest = &*picture.data;
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (unit, tail) = tail.split_at(u32::from_be_bytes(*length) as usize);
            bytes.extend([0, 0, 0, 1]);
            bytes.extend(unit);
            rest = tail;
        }
        assert!(rest.is_empty());
    }
    std::fs::write(&file, bytes).unwrap();
    let raw = Command::new("ffmpeg")
        .args(["-v", "error", "-f", name, "-i"])
        .arg(&file)
        .args([
            "-vsync",
            "passthrough",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
            "-",
        ])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    assert!(
        raw.status.success() && raw.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&raw.stderr)
    );
    let (width, height) = (params.width as usize, params.height as usize);
    let frames = raw
        .stdout
        .chunks(width * height * 3 / 2)
        .map(<[u8]>::to_vec)
        .collect();
    Decoded {
        width,
        height,
        frames,
    }
}

/// The parameter sets inside a configuration record, with start codes.
fn parameter_sets(params: &worker::Stream) -> Vec<u8> {
    let record = &params.config;
    let mut out = Vec::new();
    let mut at;
    let mut take = |at: &mut usize| {
        let length = usize::from(u16::from_be_bytes([record[*at], record[*at + 1]]));
        out.extend([0, 0, 0, 1]);
        out.extend(&record[*at + 2..*at + 2 + length]);
        *at += 2 + length;
    };
    match params.codec {
        Codec::H264 => {
            at = 6;
            (0..record[5] & 31).for_each(|_| take(&mut at));
            let count = record[at];
            at += 1;
            (0..count).for_each(|_| take(&mut at));
        }
        Codec::H265 => {
            at = 23;
            for _ in 0..record[22] {
                let count = u16::from_be_bytes([record[at + 1], record[at + 2]]);
                at += 3;
                (0..count).for_each(|_| take(&mut at));
            }
        }
    }
    out
}

impl Decoded {
    /// Pixels of a picture that look magenta (the marker, however badly encoded).
    pub fn magenta(&self, picture: usize) -> usize {
        let (w, h, f) = (self.width, self.height, &self.frames[picture]);
        let (u, v) = (&f[w * h..], &f[w * h + w * h / 4..]);
        (0..w * h)
            .filter(|i| {
                let c = i / w / 2 * (w / 2) + i % w / 2;
                u[c] > 170 && v[c] > 180
            })
            .count()
    }

    pub fn pixel(&self, picture: usize, x: usize, y: usize) -> [u8; 3] {
        let (w, h, f) = (self.width, self.height, &self.frames[picture]);
        let c = y / 2 * (w / 2) + x / 2;
        [f[y * w + x], f[w * h + c], f[w * h * 5 / 4 + c]]
    }
}
