//! Adapter: child process `beadle-pictures measure`, and the file `<state>/pictures.json` that keeps what it said, version 1.
//!
//! The file holds for one box, one version of this program and one graphics device; of a device that failed nothing is kept.
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::super::pictures::last_word;

/// A measurement that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// µs of processor time for a million pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub decode_us: f64,
    pub paint_us: f64,
    pub encode_us: f64,
}

impl Cost {
    pub(super) fn all_us(self) -> f64 {
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
pub(super) struct Measured {
    pub(super) software: Costs,
    /// Of the device the box is set to use: or why it is not used.
    pub(super) device: Option<Result<OnDevice, String>>,
}

/// Until it is measured, and where it cannot be: a processor of ten years ago.
pub(super) const ASSUMED: Costs = Costs {
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
pub(super) struct Known {
    software: Option<Costs>,
    device: Option<OnDevice>,
    /// A device is to encode.
    wanted: bool,
}

impl Known {
    /// All that is to be known.
    pub(super) fn whole(self) -> Option<Measured> {
        if self.wanted && self.device.is_none() {
            return None;
        }
        Some(Measured {
            software: self.software?,
            device: self.device.map(Ok),
        })
    }

    /// What is lacking is measured; what cannot be is assumed.
    pub(super) fn complete(self, program: &Path, device: Option<&Path>) -> Measured {
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

pub(super) fn read(path: &Path, device: Option<&Path>) -> Known {
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

pub(super) fn measured_now(program: &Path, kept: &Path, device: Option<&Path>) -> Measured {
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
            "" => last_word(out.status),
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
        h264: ASSUMED.h264,
        h265: ASSUMED.h265,
    };

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
