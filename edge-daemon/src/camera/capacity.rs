//! Task. How many masks this box can paint: measured once per box and version, billed to each camera, refused when it does not fit.
//!
//! `<state>/pictures.json` keeps the measurement, which takes a second or two of processor time. Once a camera's pictures are being
//! painted, what its process really uses takes the place of the estimate.
use std::{
    collections::BTreeMap,
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

use crate::store::writer::lock;

/// What painting may take of the box's processor: recording, sealing, the log and the link need the rest, and so do bad moments.
pub const SHARE: f64 = 0.75;
/// Real streets cost so much more than the scene that is measured: leaves, rain, noise at night. What a camera really takes is known
/// once it is painted.
const REAL: f64 = 1.5;
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
    fn cores(self, costs: &Costs) -> f64 {
        let cost = match self.codec {
            Codec::H264 => costs.h264,
            Codec::H265 => costs.h265,
        };
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
    costs: Option<Costs>,
    /// Of each camera that is painted: of one core.
    used: BTreeMap<usize, f64>,
}

impl Book {
    fn budget(&self) -> f64 {
        self.cores * SHARE
    }

    fn admit(&mut self, camera: usize, name: &str, demand: Demand) -> Admission {
        let Some(costs) = self.costs else {
            return Admission::Measuring;
        };
        let need = demand.cores(&costs);
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
    pub fn new(program: &Path, kept: PathBuf) -> Self {
        let costs = read(&kept);
        Self(Arc::new(Inner {
            program: program.to_owned(),
            kept,
            begun: AtomicBool::new(costs.is_some()),
            book: Mutex::new(Book {
                cores: cores(),
                costs,
                used: BTreeMap::new(),
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
            let costs = measured_now(&mine.0.program, &mine.0.kept);
            lock(&mine.0.book).costs = Some(costs);
        };
        let thread = std::thread::Builder::new().name("measure".into());
        if let Err(e) = thread.spawn(work) {
            tracing::error!(error = %e, "what the box can carry could not be measured; assumed");
            lock(&self.0.book).costs = Some(ASSUMED);
        }
    }

    /// Asks for a camera's place; it keeps one it has.
    pub fn admit(&self, camera: usize, name: &str, demand: Demand) -> Admission {
        self.measure();
        lock(&self.0.book).admit(camera, name, demand)
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

/// How many cameras like [`USUAL`] this box could paint, were there no others; measured now if it was not before. Changes nothing.
pub fn carries(program: &Path, kept: &Path) -> u64 {
    let costs = read(kept).unwrap_or_else(|| measure(program).unwrap_or(ASSUMED));
    (cores() * SHARE / USUAL.cores(&costs)) as u64
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

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    basis: Basis,
    costs: Costs,
}

fn read(path: &Path) -> Option<Costs> {
    let kept: Kept = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (kept.v == 1 && kept.basis == Basis::now() && sane(&kept.costs)).then_some(kept.costs)
}

fn measured_now(program: &Path, kept: &Path) -> Costs {
    let costs = match measure(program) {
        Ok(costs) => costs,
        Err(why) => {
            tracing::warn!(program = %program.display(), why, "what painting a mask costs on this box could not be measured; assumed");
            return ASSUMED;
        }
    };
    let file = Kept {
        v: 1,
        basis: Basis::now(),
        costs,
    };
    let written = serde_json::to_vec(&file)
        .map_err(std::io::Error::other)
        .and_then(|bytes| logbook::write_whole(kept, &bytes, true).map_err(std::io::Error::other));
    if let Err(e) = written {
        tracing::warn!(error = %e, "the measurement could not be kept; it will be made again");
    }
    costs
}

#[derive(Deserialize)]
struct Said {
    v: u32,
    #[serde(flatten)]
    costs: Costs,
}

fn measure(program: &Path) -> Result<Costs, String> {
    let mut child = Command::new(program)
        .arg("measure")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
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
    let said: Said = serde_json::from_slice(&out.stdout)
        .map_err(|e| format!("its answer ({}) cannot be understood: {e}", out.status))?;
    if said.v != 1 || !sane(&said.costs) {
        return Err("its figures cannot be".into());
    }
    Ok(said.costs)
}

fn sane(costs: &Costs) -> bool {
    [costs.h264, costs.h265].iter().all(|c| {
        [c.decode_us, c.paint_us, c.encode_us]
            .iter()
            .all(|us| (0.0..1e7).contains(us))
            && c.all_us() > 10.0
    })
}

/// For tests of others: every step costs so much.
#[cfg(test)]
pub fn pretend(path: &Path, us: f64) {
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
            costs: Some(COSTS),
            used: BTreeMap::new(),
        }
    }

    /// Design §5: one burned camera too many is refused with the bill; who has a place keeps it; a place that is given up is had by another.
    #[test]
    fn one_too_many_is_refused_with_the_bill() {
        let mut b = book();
        // 2.0736 million pixels, 25 times a second, 10 ms each with the reserve: 0.52 of a core; 1.5 cores are there.
        for camera in 0..2 {
            assert_eq!(b.admit(camera, "c", USUAL), Admission::Yes);
        }
        let Admission::No(bill) = b.admit(2, "c03", USUAL) else {
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
        assert_eq!(b.admit(1, "c02", USUAL), Admission::Yes, "it has its place");
        let small = Demand {
            width: 1280,
            height: 720,
            fps_milli: 15_000,
            ..USUAL
        };
        assert_eq!(b.admit(3, "c04", small), Admission::Yes);
        b.used(0, 0.20);
        assert_eq!(
            b.admit(2, "c03", USUAL),
            Admission::Yes,
            "camera 0 takes less than it was billed"
        );
        b.used.remove(&2);
        assert_eq!(b.admit(4, "c05", USUAL), Admission::Yes);
    }

    #[test]
    fn a_camera_set_to_more_asks_again() {
        let mut b = book();
        assert_eq!(b.admit(0, "c01", USUAL), Admission::Yes);
        assert_eq!(b.admit(1, "c02", USUAL), Admission::Yes);
        let more = Demand {
            width: 3840,
            height: 2160,
            ..USUAL
        };
        assert!(matches!(b.admit(0, "c01", more), Admission::No(_)));
        assert_eq!(b.used.len(), 1, "and has lost its place");
        b.costs = None;
        assert_eq!(b.admit(0, "c01", USUAL), Admission::Measuring);
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
            };
            std::fs::write(&path, serde_json::to_vec(&kept).expect("json")).expect("write");
            read(&path)
        };
        assert_eq!(read(&path), None);
        assert_eq!(kept(Basis::now()), Some(COSTS));
        let other = Basis {
            processor: "another".into(),
            ..Basis::now()
        };
        assert_eq!(kept(other), None);
        assert!(measure(Path::new("/bin/true")).is_err());
        assert!(measure(Path::new("/nonexistent")).is_err());
    }
}
