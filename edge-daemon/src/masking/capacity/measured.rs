//! Adapter: child process `beadle-pictures measure`, and the file `<state>/pictures.json` that keeps what it said, version 1.
//!
//! The file holds for one box and one version of this program. Of a graphics device nothing is kept.
use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::masking::worker::process::{command, last_word, not_started};

/// A measurement that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Cameras wait for a device's answer at each start.
const DEVICE_PATIENCE: Duration = Duration::from_secs(10);
/// µs of processor time for a million pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub decode_us: f64,
    pub paint_us: f64,
    pub encode_us: f64,
}

impl Cost {
    pub(crate) fn all_us(self) -> f64 {
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
pub(crate) struct Measured {
    pub(crate) software: Costs,
    /// Of the device the box is set to use: or why it is not used.
    pub(crate) device: Option<Result<OnDevice, String>>,
}

/// Until it is measured, and where it cannot be: a processor of ten years ago.
pub(crate) const ASSUMED: Costs = Costs {
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
    machine: String,
}

impl Basis {
    /// The machine by what a service that sees no other process may read of it.
    fn now() -> Self {
        const FROM: [&str; 4] = [
            "/sys/class/dmi/id/sys_vendor",
            "/sys/class/dmi/id/product_name",
            "/sys/firmware/devicetree/base/model",
            "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
        ];
        let read = FROM.iter().filter_map(|p| std::fs::read_to_string(p).ok());
        let mut parts: Vec<String> = read
            .map(|s| s.trim_matches(['\0', '\n', ' ']).to_owned())
            .collect();
        parts.push(format!("{} processors", super::cores()));
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            machine: parts.join(", "),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    basis: Basis,
    costs: Costs,
}

/// What encoding by itself costs this box, as it was measured before.
pub(crate) fn read(path: &Path) -> Option<Costs> {
    let kept: Kept =
        serde_json::from_slice(&crate::below::read_untrusted(path, 1 << 20).ok()?).ok()?;
    (kept.v == 1 && kept.basis == Basis::now() && kept.costs.sane()).then_some(kept.costs)
}

/// What is not known is measured, or assumed where it cannot be. A device is tried each time: its driver may be another one, or it.
pub(crate) fn measured_now(program: &Path, kept: &Path, device: Option<&Path>) -> Measured {
    let software = read(kept).unwrap_or_else(|| match measure(program) {
        Ok(costs) => {
            keep(kept, costs);
            costs
        }
        Err(why) => {
            tracing::warn!(program = %program.display(), why, "what painting a mask costs on this box could not be measured; assumed");
            ASSUMED
        }
    });
    let device = device.map(|path| {
        let tried = measure_device(program, path);
        match &tried {
            Ok(costs) => {
                tracing::info!(device = %path.display(), lacking = costs.lacking, "the graphics device encodes masked pictures");
            }
            Err(why) => {
                tracing::warn!(device = %path.display(), why, "the graphics device does not encode");
            }
        }
        tried
    });
    Measured { software, device }
}

fn keep(path: &Path, costs: Costs) {
    let file = Kept {
        v: 1,
        basis: Basis::now(),
        costs,
    };
    let written = serde_json::to_vec(&file)
        .map_err(std::io::Error::other)
        .and_then(|bytes| logbook::write_whole(path, &bytes, true).map_err(std::io::Error::other));
    if let Err(e) = written {
        tracing::warn!(error = %e, "the measurement could not be kept; it will be made again");
    }
}

/// What the program says: figures, or why there are none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said<T> {
    Why {
        v: u32,
        why: String,
    },
    Costs {
        v: u32,
        #[serde(flatten)]
        costs: T,
    },
}

pub(crate) fn measure(program: &Path) -> Result<Costs, String> {
    let costs: Costs = ask(program, None)?;
    costs.sane().then_some(costs).ok_or_else(|| NONSENSE.into())
}

/// Shows that the device encodes, or why it does not.
fn measure_device(program: &Path, path: &Path) -> Result<OnDevice, String> {
    let costs: OnDevice = ask(program, Some(path))?;
    costs.sane().then_some(costs).ok_or_else(|| NONSENSE.into())
}

const NONSENSE: &str = "its figures cannot be";

fn ask<T: serde::de::DeserializeOwned>(program: &Path, device: Option<&Path>) -> Result<T, String> {
    let patience = if device.is_some() {
        DEVICE_PATIENCE
    } else {
        PATIENCE
    };
    let mut child = command(program, "measure", device)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{} cannot start: {e}", program.display()))?;
    let until = Instant::now() + patience;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
            _ => {
                let _ = child.kill();
                // One that hangs in a driver may take its time to go; nobody waits for it.
                drop(std::thread::spawn(move || child.wait()));
                return Err(format!("no answer within {} s", patience.as_secs()));
            }
        }
    };
    if let Some(why) = not_started(program, status) {
        return Err(why);
    }
    if status.signal().is_some() {
        return Err(last_word(status));
    }
    // One line: it fits the pipe.
    let out = child.wait_with_output().map_err(|e| e.to_string())?;
    match serde_json::from_slice(&out.stdout) {
        Ok(Said::Why { v: 1, why }) => Err(why.chars().take(600).collect()),
        Ok(Said::Costs { v: 1, costs }) => Ok(costs),
        Ok(_) => Err(
            "it speaks another version; install daemon and picture worker of the same version"
                .into(),
        ),
        Err(e) => Err(format!("its answer ({status}) cannot be understood: {e}")),
    }
}

impl Costs {
    fn sane(&self) -> bool {
        self.h264.sane() && self.h265.sane()
    }
}

impl OnDevice {
    fn sane(&self) -> bool {
        self.h264.sane() && self.h265.is_none_or(Cost::sane)
    }
}

impl Cost {
    fn sane(self) -> bool {
        [self.decode_us, self.paint_us, self.encode_us]
            .iter()
            .all(|us| (0.0..1e7).contains(us))
            && self.all_us() > 10.0
    }
}

/// For tests of others: every step costs so much.
#[cfg(test)]
pub fn pretend(path: &Path, us: f64) {
    let cost = Cost {
        decode_us: us,
        paint_us: us,
        encode_us: us,
    };
    let costs = Costs {
        h264: cost,
        h265: cost,
    };
    keep(path, costs);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = ASSUMED;

    #[test]
    fn what_is_kept_holds_for_this_box_and_version() {
        let home = tempfile::tempdir().expect("dir");
        let path = home.path().join("pictures.json");
        assert_eq!(read(&path), None);
        keep(&path, COSTS);
        assert_eq!(read(&path), Some(COSTS));
        let other = Kept {
            v: 1,
            basis: Basis {
                machine: "another".into(),
                ..Basis::now()
            },
            costs: COSTS,
        };
        std::fs::write(&path, serde_json::to_vec(&other).expect("json")).expect("write");
        assert_eq!(read(&path), None);
        assert!(measure(Path::new("/bin/true")).is_err());
        assert!(measure(Path::new("/nonexistent")).is_err());
    }

    /// Issue 4: what the program says of a device, and what it does not say, is a reason in words.
    #[test]
    fn why_a_device_does_not_encode() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("dir");
        let program = home.path().join("beadle-pictures");
        let says = |act: &str| {
            std::fs::write(&program, format!("#!/bin/sh\n{act}\n")).expect("script");
            std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("mode");
            measure_device(&program, Path::new("/dev/dri/renderD128"))
        };
        let cost = r#"{"decode_us":1500,"paint_us":300,"encode_us":100}"#;
        let good =
            format!(r#"echo '{{"v":1,"h264":{cost},"h265":null,"lacking":"no such profile"}}'"#);
        assert_eq!(
            says(&good).map(|d| (d.h265, d.lacking)),
            Ok((None, Some("no such profile".into())))
        );
        assert_eq!(
            says(
                r#"[ "$1 $2 $3" = "measure --vaapi /dev/dri/renderD128" ] && echo '{"v":1,"why":"it is not there"}'; exit 1"#
            ),
            Err("it is not there".into())
        );
        let killed = says(&format!("{good}; kill -SYS $$")).expect_err("ended by its sandbox");
        assert!(killed.contains("sandbox forbids"), "{killed}");
        assert!(says("echo nonsense").is_err_and(|e| e.contains("cannot be understood")));
    }
}
