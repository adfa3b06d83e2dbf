//! Task. How many masks this box can paint: measured once per box and version, billed to each camera, refused when it does not fit. And
//! with what a camera's masked pictures are encoded.
//!
//! `<state>/pictures.json` keeps the measurement, which takes a second or two of processor time. Once a camera's pictures are being
//! painted, what its process really uses takes the place of the estimate.
//!
//! A graphics device that is to encode is used only after the picture worker has shown here, within its sandbox and on pictures of its
//! own making, that what comes back is what was given; and for a camera whose worker then fails with it, not again for an hour. Whatever
//! goes wrong with it, the box encodes by itself, and says so.
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use footage::mp4::Codec;
use serde::{Deserialize, Serialize};

use crate::{config::Config, store::writer::lock};

/// What painting may take of the box's processor: recording, sealing, the log and the link need the rest, and so do bad moments.
pub const SHARE: f64 = 0.75;
/// Real streets cost so much more than the scene that is measured: leaves, rain, noise at night. What a camera really takes is known
/// once it is painted.
const REAL: f64 = 1.5;
/// A camera whose worker failed with the device does without it for so long.
const STRUCK_MS: u64 = 3_600_000;
/// A measurement that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// The camera by which boxes are compared.
pub const USUAL: Demand = Demand {
    codec: Codec::H264,
    width: 1920,
    height: 1080,
    fps_milli: 25_000,
};

/// µs of processor time for a million pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub decode_us: f64,
    pub paint_us: f64,
    pub encode_us: f64,
}

impl Cost {
    fn all_us(self) -> f64 {
        self.decode_us + self.paint_us + self.encode_us
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    pub h264: Cost,
    pub h265: Cost,
}

/// What painting takes of the processor when a graphics device encodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnDevice {
    pub h264: Cost,
    pub h265: Option<Cost>,
    /// Why it does not encode H.265.
    #[serde(default)]
    pub lacking: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Measured {
    software: Costs,
    /// Of the device the box is set to use: or why it is not used.
    device: Option<Result<OnDevice, String>>,
}

/// What a camera's masked pictures are encoded with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoder {
    /// By the picture worker itself, as the box is set to.
    Software,
    /// On the graphics device at this path.
    Device(PathBuf),
    /// By the picture worker itself, because the device cannot be used: why.
    Instead(String),
}

/// Until it is measured, and where it cannot be: a processor of ten years ago.
const ASSUMED: Costs = Costs {
    h264: Cost {
        decode_us: 4_000.0,
        paint_us: 500.0,
        encode_us: 8_000.0,
    },
    h265: Cost {
        decode_us: 6_000.0,
        paint_us: 500.0,
        encode_us: 30_000.0,
    },
};

/// What a camera's pictures are like, as far as the cost depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    pub codec: Codec,
    pub width: u16,
    pub height: u16,
    pub fps_milli: u64,
}

impl Demand {
    /// Of one core.
    fn cores(self, cost: Cost) -> f64 {
        let pixels = f64::from(self.width) * f64::from(self.height) / 1e6;
        // One whose rhythm cannot be told is taken for a usual one.
        let fps = match self.fps_milli {
            0 => 25.0,
            n => n as f64 / 1000.0,
        };
        pixels * fps * cost.all_us() * REAL / 1e6
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    Yes,
    /// It is being measured: ask again in a moment.
    Measuring,
    /// The bill, in words.
    No(String),
}

/// What is painted, and what it takes. Pure.
#[derive(Debug)]
struct Book {
    cores: f64,
    /// The graphics device that is to encode.
    device: Option<PathBuf>,
    measured: Option<Measured>,
    /// Of each camera that is painted: of one core.
    used: BTreeMap<usize, f64>,
    /// Cameras whose worker failed with the device: until when (monotonic ms) they do without it, and why.
    struck: BTreeMap<usize, (u64, String)>,
}

impl Book {
    fn budget(&self) -> f64 {
        self.cores * SHARE
    }

    /// What a camera's pictures are encoded with, and what they cost. None: not yet known.
    fn encoder(&self, camera: usize, codec: Codec, mono: u64) -> Option<(Encoder, Cost)> {
        let measured = self.measured.as_ref()?;
        let software = match codec {
            Codec::H264 => measured.software.h264,
            Codec::H265 => measured.software.h265,
        };
        let (Some(path), Some(device)) = (&self.device, &measured.device) else {
            return Some((Encoder::Software, software));
        };
        let struck = self.struck.get(&camera).filter(|(until, _)| mono < *until);
        let usable = match (device, codec, struck) {
            (Err(why), ..) => Err(why.clone()),
            (Ok(_), _, Some((_, why))) => {
                Err(format!("a picture worker that used it failed: {why}"))
            }
            (Ok(d), Codec::H264, None) => Ok(d.h264),
            (Ok(d), Codec::H265, None) => d.h265.ok_or_else(|| {
                let why = d.lacking.as_deref().unwrap_or("it does not say why");
                format!("it does not encode H.265: {why}")
            }),
        };
        Some(match usable {
            Ok(cost) => (Encoder::Device(path.clone()), cost),
            Err(why) => (
                Encoder::Instead(format!("{}: {why}", path.display())),
                software,
            ),
        })
    }

    fn admit(&mut self, camera: usize, name: &str, demand: Demand, mono: u64) -> Admission {
        let Some((_, cost)) = self.encoder(camera, demand.codec, mono) else {
            return Admission::Measuring;
        };
        let need = demand.cores(cost);
        if let Some(used) = self.used.get(&camera) {
            // It has its place already; a camera that was set to more must ask like a new one.
            if need <= used * 1.25 {
                return Admission::Yes;
            }
        }
        let others = self.used.iter().filter(|(c, _)| **c != camera);
        let others: f64 = others.map(|(_, u)| u).sum();
        if others + need > self.budget() {
            self.used.remove(&camera);
            return Admission::No(format!(
                "camera {name} ({}x{}, {:.0} pictures a second) needs about {need:.2} of a processor core for painting its mask; \
                 masks painted already take {others:.2} of the {:.2} cores that this box has for that ({:.0} cores, {:.0} % of them). \
                 Set the mask in the camera and let the box prove it (how = \"camera\"), lower the camera's picture rate or size, or \
                 use a stronger box",
                demand.width,
                demand.height,
                demand.fps_milli as f64 / 1000.0,
                self.budget(),
                self.cores,
                SHARE * 100.0,
            ));
        }
        self.used.insert(camera, need);
        Admission::Yes
    }

    fn used(&mut self, camera: usize, cores: f64) {
        if let Some(used) = self.used.get_mut(&camera) {
            *used = cores;
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Capacity(Arc<Inner>);

struct Inner {
    program: PathBuf,
    kept: PathBuf,
    book: Mutex<Book>,
    begun: AtomicBool,
}

impl Capacity {
    /// Takes the last measurement up.
    pub fn new(config: &Config, kept: PathBuf) -> Self {
        let device = config.encoder.clone();
        // A device that could not be used last time is tried again.
        let measured = read(&kept, device.as_deref()).whole();
        Self(Arc::new(Inner {
            program: config.pictures.clone(),
            kept,
            begun: AtomicBool::new(measured.is_some()),
            book: Mutex::new(Book {
                cores: cores(),
                device,
                measured,
                used: BTreeMap::new(),
                struck: BTreeMap::new(),
            }),
        }))
    }

    /// Begins to measure, unless that was done before.
    pub fn measure(&self) {
        if self.0.begun.swap(true, Relaxed) {
            return;
        }
        let mine = self.clone();
        let work = move || {
            let device = lock(&mine.0.book).device.clone();
            let measured = measured_now(&mine.0.program, &mine.0.kept, device.as_deref());
            lock(&mine.0.book).measured = Some(measured);
        };
        let thread = std::thread::Builder::new().name("measure".into());
        if let Err(e) = thread.spawn(work) {
            tracing::error!(error = %e, "what the box can carry could not be measured; assumed");
            let mut book = lock(&self.0.book);
            book.measured = Some(Measured {
                software: ASSUMED,
                device: book.device.as_ref().map(|_| Err(e.to_string())),
            });
        }
    }

    /// Asks for a camera's place; it keeps one it has.
    pub fn admit(&self, camera: usize, name: &str, demand: Demand, mono: u64) -> Admission {
        self.measure();
        lock(&self.0.book).admit(camera, name, demand, mono)
    }

    /// What a camera that was admitted is to be encoded with.
    pub fn encoder(&self, camera: usize, codec: Codec, mono: u64) -> Encoder {
        let chosen = lock(&self.0.book).encoder(camera, codec, mono);
        chosen.map_or(Encoder::Software, |(encoder, _)| encoder)
    }

    /// Its worker failed while it used the graphics device.
    pub fn struck(&self, camera: usize, mono: u64, why: &str) {
        let until = mono.saturating_add(STRUCK_MS);
        lock(&self.0.book)
            .struck
            .insert(camera, (until, why.to_owned()));
    }

    /// What painting its pictures really takes, of one core.
    pub fn used(&self, camera: usize, cores: f64) {
        lock(&self.0.book).used(camera, cores);
    }

    /// It is not painted any more.
    pub fn release(&self, camera: usize) {
        lock(&self.0.book).used.remove(&camera);
    }
}

/// How many cameras like [`USUAL`] this box could paint, were there no others, and with what it encodes them.
pub struct Carries {
    pub cameras: u64,
    pub encoder: Encoder,
}

/// Measured now where it was not before. Changes nothing.
pub fn carries(config: &Config, kept: &Path) -> Carries {
    let device = config.encoder.as_deref();
    let known = read(kept, device);
    let measured = known.complete(&config.pictures, device);
    let book = Book {
        cores: cores(),
        device: config.encoder.clone(),
        measured: Some(measured),
        used: BTreeMap::new(),
        struck: BTreeMap::new(),
    };
    let (encoder, cost) = book
        .encoder(0, USUAL.codec, 0)
        .unwrap_or((Encoder::Software, ASSUMED.h264));
    Carries {
        cameras: (book.budget() / USUAL.cores(cost)) as u64,
        encoder,
    }
}

impl std::fmt::Display for Carries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "this box carries {} cameras of 1920x1080 (H.264, 25 pictures a second) whose masks it paints",
            self.cameras
        )?;
        match &self.encoder {
            Encoder::Software => Ok(()),
            Encoder::Device(path) => write!(f, ", encoding on {}", path.display()),
            Encoder::Instead(why) => {
                write!(f, ", encoding by its processor, because it cannot on {why}")
            }
        }
    }
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64)
}

/// What the measurement holds for.
#[derive(PartialEq, Serialize, Deserialize)]
struct Basis {
    version: String,
    processor: String,
}

impl Basis {
    fn now() -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|l| {
            ["model name", "CPU part", "Model"]
                .iter()
                .any(|k| l.starts_with(k))
        });
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            processor: model
                .and_then(|l| l.split_once(':'))
                .map(|(_, name)| name.trim().to_owned())
                .unwrap_or_default(),
        }
    }
}

/// The file, version 1.
#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    basis: Basis,
    costs: Costs,
    /// Of a device that was shown to encode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<KeptDevice>,
}

#[derive(Serialize, Deserialize)]
struct KeptDevice {
    path: PathBuf,
    costs: OnDevice,
}

/// What is known of this box from before. Of a device that failed nothing is.
struct Known {
    software: Option<Costs>,
    device: Option<OnDevice>,
    /// A device is to encode.
    wanted: bool,
}

impl Known {
    /// All that is to be known.
    fn whole(self) -> Option<Measured> {
        if self.wanted && self.device.is_none() {
            return None;
        }
        Some(Measured {
            software: self.software?,
            device: self.device.map(Ok),
        })
    }

    /// What is lacking is measured; what cannot be is assumed.
    fn complete(self, program: &Path, device: Option<&Path>) -> Measured {
        let software = self.software.or_else(|| {
            measure(program)
                .inspect_err(|why| {
                    tracing::warn!(program = %program.display(), why, "what painting a mask costs on this box could not be measured; assumed");
                })
                .ok()
        });
        let device = device.map(|path| match self.device {
            Some(costs) => Ok(costs),
            None => measure_device(program, path),
        });
        Measured {
            software: software.unwrap_or(ASSUMED),
            device,
        }
    }
}

fn read(path: &Path, device: Option<&Path>) -> Known {
    let kept = std::fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok())
        .filter(|k| k.v == 1 && k.basis == Basis::now() && sane(&[k.costs.h264, k.costs.h265]));
    let software = kept.as_ref().map(|k| k.costs);
    let on_device = kept
        .and_then(|k| k.device)
        .filter(|d| Some(d.path.as_path()) == device && d.costs.sane())
        .map(|d| d.costs);
    Known {
        software,
        device: on_device,
        wanted: device.is_some(),
    }
}

fn measured_now(program: &Path, kept: &Path, device: Option<&Path>) -> Measured {
    let measured = read(kept, device).complete(program, device);
    let works = measured.device.as_ref().and_then(|d| d.as_ref().ok());
    let file = Kept {
        v: 1,
        basis: Basis::now(),
        costs: measured.software,
        device: device.zip(works).map(|(path, costs)| KeptDevice {
            path: path.to_owned(),
            costs: costs.clone(),
        }),
    };
    if file.costs == ASSUMED {
        return measured;
    }
    let written = serde_json::to_vec(&file)
        .map_err(std::io::Error::other)
        .and_then(|bytes| logbook::write_whole(kept, &bytes, true).map_err(std::io::Error::other));
    if let Err(e) = written {
        tracing::warn!(error = %e, "the measurement could not be kept; it will be made again");
    }
    measured
}

#[derive(Deserialize)]
struct Said<T> {
    v: u32,
    #[serde(flatten)]
    costs: T,
}

fn measure(program: &Path) -> Result<Costs, String> {
    let costs: Costs = ask(program, &[])?;
    if !sane(&[costs.h264, costs.h265]) {
        return Err(NONSENSE.into());
    }
    Ok(costs)
}

/// Shows that the device encodes, or why it does not.
fn measure_device(program: &Path, path: &Path) -> Result<OnDevice, String> {
    let costs: OnDevice = ask(program, &["--vaapi".as_ref(), path.as_os_str()])?;
    if !costs.sane() {
        return Err(NONSENSE.into());
    }
    Ok(costs)
}

const NONSENSE: &str = "its figures cannot be";

fn ask<T: serde::de::DeserializeOwned>(program: &Path, more: &[&OsStr]) -> Result<T, String> {
    let mut child = Command::new(program)
        .arg("measure")
        .args(more)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("it does not end".into());
            }
        }
    }
    // One line: it fits the pipe.
    let out = child.wait_with_output().map_err(|e| e.to_string())?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        let last = said.lines().last().unwrap_or_default();
        let last = last.strip_prefix("beadle-pictures: ").unwrap_or(last);
        return Err(match last {
            "" => super::pictures::last_word(out.status),
            why => why.chars().take(300).collect(),
        });
    }
    let said: Said<T> = serde_json::from_slice(&out.stdout)
        .map_err(|e| format!("its answer ({}) cannot be understood: {e}", out.status))?;
    if said.v != 1 {
        return Err(NONSENSE.into());
    }
    Ok(said.costs)
}

impl OnDevice {
    fn sane(&self) -> bool {
        sane(&[self.h264, self.h265.unwrap_or(self.h264)])
    }
}

fn sane(costs: &[Cost]) -> bool {
    costs.iter().all(|c| {
        [c.decode_us, c.paint_us, c.encode_us]
            .iter()
            .all(|us| (0.0..1e7).contains(us))
            && c.all_us() > 10.0
    })
}

/// For tests of others: every step costs so much, on a device too.
#[cfg(test)]
pub fn pretend(path: &Path, us: f64, device: Option<&Path>) {
    let cost = Cost {
        decode_us: us,
        paint_us: us,
        encode_us: us,
    };
    let kept = Kept {
        v: 1,
        basis: Basis::now(),
        costs: Costs {
            h264: cost,
            h265: cost,
        },
        device: device.map(|at| KeptDevice {
            path: at.to_owned(),
            costs: OnDevice {
                h264: cost,
                h265: Some(cost),
                lacking: None,
            },
        }),
    };
    std::fs::write(path, serde_json::to_vec(&kept).expect("json")).expect("write");
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs {
        h264: Cost {
            decode_us: 2_000.0,
            paint_us: 1_000.0 / 3.0,
            encode_us: 13_000.0 / 3.0,
        },
        h265: ASSUMED.h265,
    };

    fn book() -> Book {
        Book {
            cores: 2.0,
            device: None,
            measured: Some(Measured {
                software: COSTS,
                device: None,
            }),
            used: BTreeMap::new(),
            struck: BTreeMap::new(),
        }
    }

    /// Design §5: one burned camera too many is refused with the bill; who has a place keeps it; a place that is given up is had by another.
    #[test]
    fn one_too_many_is_refused_with_the_bill() {
        let mut b = book();
        // 2.0736 million pixels, 25 times a second, 10 ms each with the reserve: 0.52 of a core; 1.5 cores are there.
        for camera in 0..2 {
            assert_eq!(b.admit(camera, "c", USUAL, 0), Admission::Yes);
        }
        let Admission::No(bill) = b.admit(2, "c03", USUAL, 0) else {
            panic!("admitted")
        };
        for part in [
            "camera c03 (1920x1080, 25 pictures a second)",
            "0.52 of a processor core",
            "take 1.04 of the 1.50 cores",
            "2 cores, 75 %",
            "how = \"camera\"",
        ] {
            assert!(bill.contains(part), "{part} not in {bill}");
        }
        assert_eq!(
            b.admit(1, "c02", USUAL, 0),
            Admission::Yes,
            "it has its place"
        );
        let small = Demand {
            width: 1280,
            height: 720,
            fps_milli: 15_000,
            ..USUAL
        };
        assert_eq!(b.admit(3, "c04", small, 0), Admission::Yes);
        b.used(0, 0.20);
        assert_eq!(
            b.admit(2, "c03", USUAL, 0),
            Admission::Yes,
            "camera 0 takes less than it was billed"
        );
        b.used.remove(&2);
        assert_eq!(b.admit(4, "c05", USUAL, 0), Admission::Yes);
    }

    #[test]
    fn a_camera_set_to_more_asks_again() {
        let mut b = book();
        assert_eq!(b.admit(0, "c01", USUAL, 0), Admission::Yes);
        assert_eq!(b.admit(1, "c02", USUAL, 0), Admission::Yes);
        let more = Demand {
            width: 3840,
            height: 2160,
            ..USUAL
        };
        assert!(matches!(b.admit(0, "c01", more, 0), Admission::No(_)));
        assert_eq!(b.used.len(), 1, "and has lost its place");
        b.measured = None;
        assert_eq!(b.admit(0, "c01", USUAL, 0), Admission::Measuring);
    }

    /// Issue 4: a graphics device is used where it was shown to encode; where it was not, does not, or has just failed a camera, the box
    /// encodes by itself, says why, and bills the camera for that.
    #[test]
    fn a_device_is_used_only_where_it_works() {
        let mut b = book();
        let light = Cost {
            encode_us: 100.0,
            ..COSTS.h264
        };
        let with = |device| {
            Some(Measured {
                software: COSTS,
                device: Some(device),
            })
        };
        let path = PathBuf::from("/dev/dri/renderD128");
        b.device = Some(path.clone());
        b.measured = with(Err("it is not there".into()));
        assert_eq!(
            b.encoder(0, Codec::H264, 0),
            Some((
                Encoder::Instead("/dev/dri/renderD128: it is not there".into()),
                COSTS.h264
            ))
        );
        b.measured = with(Ok(OnDevice {
            h264: light,
            h265: None,
            lacking: Some("no such profile".into()),
        }));
        let on = (Encoder::Device(path), light);
        assert_eq!(b.encoder(0, Codec::H264, 0), Some(on.clone()));
        let Some((Encoder::Instead(why), cost)) = b.encoder(0, Codec::H265, 0) else {
            panic!("H.265 on a device without")
        };
        assert!(why.contains("does not encode H.265: no such profile") && cost == COSTS.h265);
        // Five of them, where two are carried without.
        for camera in 0..5 {
            assert_eq!(b.admit(camera, "c", USUAL, 0), Admission::Yes, "{camera}");
        }
        b.struck.insert(1, (STRUCK_MS, "nothing came back".into()));
        let Some((Encoder::Instead(why), _)) = b.encoder(1, Codec::H264, STRUCK_MS - 1) else {
            panic!("used again at once")
        };
        assert!(why.contains("failed: nothing came back"), "{why}");
        assert!(
            matches!(b.admit(1, "c", USUAL, 0), Admission::No(_)),
            "it is dearer now"
        );
        assert_eq!(
            b.encoder(0, Codec::H264, 1),
            Some(on.clone()),
            "others go on"
        );
        assert_eq!(b.encoder(1, Codec::H264, STRUCK_MS), Some(on));
    }

    #[test]
    fn what_is_kept_holds_for_this_box_and_version() {
        let home = tempfile::tempdir().expect("dir");
        let path = home.path().join("pictures.json");
        let kept = |basis| {
            let kept = Kept {
                v: 1,
                basis,
                costs: COSTS,
                device: Some(KeptDevice {
                    path: "/dev/dri/renderD128".into(),
                    costs: OnDevice {
                        h264: COSTS.h264,
                        h265: None,
                        lacking: None,
                    },
                }),
            };
            std::fs::write(&path, serde_json::to_vec(&kept).expect("json")).expect("write");
            read(&path, None).software
        };
        assert_eq!(read(&path, None).software, None);
        assert_eq!(kept(Basis::now()), Some(COSTS));
        let device = |at: &str| read(&path, Some(Path::new(at)));
        assert!(device("/dev/dri/renderD128").whole().is_some());
        assert!(
            device("/dev/dri/renderD129").whole().is_none(),
            "another device"
        );
        assert!(read(&path, None).whole().is_some());
        let other = Basis {
            processor: "another".into(),
            ..Basis::now()
        };
        assert_eq!(kept(other), None);
        assert!(measure(Path::new("/bin/true")).is_err());
        assert!(measure(Path::new("/nonexistent")).is_err());
        let why = measure_device(Path::new("/bin/sh"), Path::new("/dev/dri/renderD999"));
        assert!(why.is_err());
    }
}
