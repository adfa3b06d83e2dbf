//! Task. How many masks this box can paint: measured once per box and version, billed to each camera, refused when it does not fit. And
//! with what a camera's masked pictures are encoded.
//!
//! `<state>/pictures.json` keeps the measurement, which takes a second or two of processor time. Once a camera's pictures are being
//! painted, what its process really uses takes the place of the estimate.
//!
//! A graphics device that is to encode is used only after the picture worker has shown at this start, within its sandbox and on pictures
//! of its own making, that what comes back is what was given. A camera whose worker then fails with it does without it for a while, ever
//! longer, unless it could not be recorded at all without. Whatever goes wrong, the box says so.
mod measured;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use footage::mp4::Codec;
#[cfg(test)]
pub use measured::pretend;
use measured::{ASSUMED, Cost, Measured, measure, measured_now, read};

use crate::{config::Config, lock::lock};

/// What painting may take of the box's processor: recording, sealing, the log and the link need the rest, and so do bad moments.
pub const SHARE: f64 = 0.75;
/// Real streets cost so much more than the scene that is measured: leaves, rain, noise at night. What a camera really takes is known
/// once it is painted.
const REAL: f64 = 1.5;
/// A camera whose worker failed with the device does without it for so long; six times that the next time, and so on, to a day.
const STRUCK_MS: u64 = 10_000;
const LONGEST_MS: u64 = 86_400_000;
/// The camera by which boxes are compared.
pub const USUAL: Demand = Demand {
    codec: Codec::H264,
    width: 1920,
    height: 1080,
    fps_milli: 25_000,
};

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
    /// Cameras whose worker failed with the device.
    struck: BTreeMap<usize, Strike>,
}

#[derive(Debug)]
struct Strike {
    why: String,
    /// Monotonic ms.
    until: u64,
    lasts: u64,
}

impl Book {
    fn budget(&self) -> f64 {
        self.cores * SHARE
    }

    /// What a camera's pictures are encoded with, and what they cost. Before anything is measured: by the picture worker, at the price of
    /// a slow box.
    fn encoder(&self, camera: usize, codec: Codec, mono: u64) -> (Encoder, Cost) {
        let measured = self.measured.as_ref();
        let costs = measured.map_or(ASSUMED, |m| m.software);
        let software = match codec {
            Codec::H264 => costs.h264,
            Codec::H265 => costs.h265,
        };
        let device = measured.and_then(|m| m.device.as_ref());
        let (Some(path), Some(device)) = (&self.device, device) else {
            return (Encoder::Software, software);
        };
        let instead = |why: &str| Encoder::Instead(format!("{}: {why}", path.display()));
        let costs = match device {
            Ok(costs) => costs,
            Err(why) => return (instead(why), software),
        };
        let cost = match codec {
            Codec::H264 => costs.h264,
            // Older devices do not know it, and nobody can change that.
            Codec::H265 => match costs.h265 {
                Some(cost) => cost,
                None => return (Encoder::Software, software),
            },
        };
        match self.struck.get(&camera) {
            Some(s) if mono < s.until => {
                let why = format!("a picture worker that used it failed: {}", s.why);
                (instead(&why), software)
            }
            _ => (Encoder::Device(path.clone()), cost),
        }
    }

    fn strike(&mut self, camera: usize, mono: u64, why: &str) {
        let last = self.struck.get(&camera);
        // A device that was good for longer than it was done without has made up for it.
        let lasts = match last {
            Some(s) if mono < s.until + s.lasts => (s.lasts * 6).min(LONGEST_MS),
            _ => STRUCK_MS,
        };
        let strike = Strike {
            why: why.to_owned(),
            until: mono + lasts,
            lasts,
        };
        self.struck.insert(camera, strike);
    }

    fn admit(&mut self, camera: usize, name: &str, demand: Demand, mono: u64) -> Admission {
        let others = self.used.iter().filter(|(c, _)| **c != camera);
        let others: f64 = others.map(|(_, u)| u).sum();
        let (encoder, cost) = self.encoder(camera, demand.codec, mono);
        let mut need = demand.cores(cost);
        // Better with a device that has failed it than not at all.
        if others + need > self.budget()
            && matches!(encoder, Encoder::Instead(_))
            && let Some(struck) = self.struck.get_mut(&camera)
        {
            struck.until = mono;
            need = demand.cores(self.encoder(camera, demand.codec, mono).1);
        }
        if let Some(used) = self.used.get(&camera) {
            // It has its place already; a camera that was set to more must ask like a new one.
            if need <= used * 1.25 {
                return Admission::Yes;
            }
        }
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
        let measured = read(&kept).filter(|_| device.is_none());
        let measured = measured.map(|software| Measured {
            software,
            device: None,
        });
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

    /// Whether the measurement is there; begins it where it was not begun before. A session that may need a place waits for this before it
    /// connects: no camera is asked for pictures that nobody can say anything about yet.
    pub fn measured(&self) -> bool {
        self.measure();
        lock(&self.0.book).measured.is_some()
    }

    /// Asks for a camera's place; it keeps one it has. To be asked once [`Capacity::measured`].
    pub fn admit(&self, camera: usize, name: &str, demand: Demand, mono: u64) -> Admission {
        lock(&self.0.book).admit(camera, name, demand, mono)
    }

    /// What a camera that was admitted is to be encoded with.
    pub fn encoder(&self, camera: usize, codec: Codec, mono: u64) -> Encoder {
        lock(&self.0.book).encoder(camera, codec, mono).0
    }

    /// Its worker failed while it used the graphics device.
    pub fn struck(&self, camera: usize, mono: u64, why: &str) {
        lock(&self.0.book).strike(camera, mono, why);
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

/// Whether this box has measured what it can carry.
pub fn is_measured(kept: &Path) -> bool {
    read(kept).is_some()
}

/// How many cameras like [`USUAL`] this box could paint, were there no others, encoding by itself; measured now if it was not before.
/// Err: why it cannot be measured. Changes nothing.
pub fn carries(config: &Config, kept: &Path) -> Result<String, String> {
    let costs = read(kept).map_or_else(|| measure(&config.pictures), Ok)?;
    let cameras = (cores() * SHARE / USUAL.cores(costs.h264)) as u64;
    let all = format!(
        "this box carries {cameras} cameras of 1920x1080 (H.264, 25 pictures a second) whose masks it paints"
    );
    Ok(match &config.encoder {
        None => all,
        // Whoever asks may see devices that the service does not, and the other way round.
        Some(path) => format!(
            "{all}, and more if {} encodes: the service tries it when it starts, and a fault mask.encoder says if it cannot",
            path.display()
        ),
    })
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64)
}

#[cfg(test)]
mod tests {
    use super::{
        measured::{Costs, OnDevice},
        *,
    };

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
        let Admission::No(bill) = b.admit(
            0,
            "c01",
            Demand {
                fps_milli: 50_000,
                ..USUAL
            },
            0,
        ) else {
            panic!("admitted without being measured")
        };
        assert!(bill.contains("1.94 of a processor core"), "{bill}");
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
            (
                Encoder::Instead("/dev/dri/renderD128: it is not there".into()),
                COSTS.h264
            )
        );
        b.measured = with(Ok(OnDevice {
            h264: light,
            h265: None,
            lacking: Some("no such profile".into()),
        }));
        let on = (Encoder::Device(path), light);
        assert_eq!(b.encoder(0, Codec::H264, 0), on.clone());
        // An older device: nothing that anybody could mend.
        assert_eq!(
            b.encoder(0, Codec::H265, 0),
            (Encoder::Software, COSTS.h265)
        );
        // Seven of them, where two are carried without.
        for camera in 0..7 {
            assert_eq!(b.admit(camera, "c", USUAL, 0), Admission::Yes, "{camera}");
        }
        // It fails one of them: by itself for a while, ever longer, where there is room for that.
        b.used.retain(|camera, _| *camera < 2);
        let mut mono = 0;
        for lasts in [10_000, 60_000, 360_000] {
            b.strike(1, mono, "nothing came back");
            let (Encoder::Instead(why), _) = b.encoder(1, Codec::H264, mono + lasts - 1) else {
                panic!("used again at once")
            };
            assert!(why.contains("failed: nothing came back"), "{why}");
            assert_eq!(b.encoder(0, Codec::H264, mono), on.clone(), "others go on");
            mono += lasts;
            assert_eq!(b.encoder(1, Codec::H264, mono), on.clone());
        }
        b.strike(1, mono + 720_001, "nothing came back");
        assert!(b.struck[&1].lasts == STRUCK_MS, "it was good for long");
        assert_eq!(b.admit(1, "c", USUAL, mono + 720_001), Admission::Yes);
        assert!(
            b.used[&1] > 0.5,
            "billed for what it takes now: {:?}",
            b.used
        );
        // Where there is no room the device is better than nothing.
        for camera in 2..6 {
            b.used.insert(camera, 0.19);
        }
        b.strike(0, mono, "nothing came back");
        assert_eq!(b.admit(0, "c", USUAL, mono), Admission::Yes);
        assert_eq!(b.encoder(0, Codec::H264, mono), on);
    }
}
