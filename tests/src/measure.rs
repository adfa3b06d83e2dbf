//! Adapter: /proc. What a process has cost so far, its children's cost with it.
use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde::Serialize;

use crate::{Done, Told, Trouble};

/// CPU seconds and memory of a process and everything it has started.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Cost {
    pub cpu_secs: f64,
    pub rss_mib: f64,
    pub threads: u64,
    pub processes: u64,
    /// Context switches of all its threads that live, of their own will or not.
    pub switches: u64,
}

impl Cost {
    pub fn plus(self, other: Cost) -> Cost {
        Cost {
            cpu_secs: self.cpu_secs + other.cpu_secs,
            rss_mib: self.rss_mib + other.rss_mib,
            threads: self.threads + other.threads,
            processes: self.processes + other.processes,
            switches: self.switches + other.switches,
        }
    }

    /// CPU spent since `earlier`, memory as it is now.
    pub fn since(self, earlier: Cost) -> Cost {
        Cost {
            cpu_secs: self.cpu_secs - earlier.cpu_secs,
            switches: self.switches.saturating_sub(earlier.switches),
            ..self
        }
    }
}

/// Fields of /proc/<pid>/stat after the name: parent, and CPU ticks of itself and of children it has waited for.
fn stat(pid: u32) -> Option<(u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields
        .get(11..15)?
        .iter()
        .map(|f| f.parse::<u64>().unwrap_or(0))
        .sum();
    Some((fields.get(1)?.parse().ok()?, ticks))
}

fn kib(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines()
        .find_map(|l| l.strip_prefix(name))
        .and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

fn switches(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    let of = |status: String| -> u64 {
        let lines = status.lines().filter(|l| l.contains("ctxt_switches:"));
        lines
            .filter_map(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum()
    };
    threads
        .flatten()
        .filter_map(|t| fs::read_to_string(t.path().join("status")).ok())
        .map(of)
        .sum()
}

/// How many system calls a process with all its threads makes in `secs` seconds, counted by strace; None when that cannot be had.
pub fn system_calls(pid: u32, secs: u64) -> Option<u64> {
    let out = Command::new("timeout")
        .args(["-s", "INT", &secs.to_string()])
        .args(["strace", "-c", "-f", "-qq", "-U", "calls,name", "-p"])
        .arg(pid.to_string())
        .output()
        .ok()?;
    // One row a call, and the sum at the end.
    let table = String::from_utf8_lossy(&out.stderr);
    let total = table.lines().find(|l| l.trim_end().ends_with(" total"))?;
    total.split_whitespace().next()?.parse().ok()
}

/// What a process itself has in memory, without those it has started.
pub fn memory_mib(pid: u32) -> f64 {
    kib(pid, "VmRSS:") as f64 / 1024.0
}

/// A process with all its descendants.
pub fn cost(pid: u32) -> Done<Cost> {
    let parents: BTreeMap<u32, u32> = fs::read_dir("/proc")
        .told("/proc")?
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter_map(|p| Some((p, stat(p)?.0)))
        .collect();
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(&parent) = all.get(next) {
        all.extend(
            parents
                .iter()
                .filter(|(_, its)| **its == parent)
                .map(|(p, _)| *p),
        );
        next += 1;
    }
    let (_, own) = stat(pid).ok_or_else(|| Trouble(format!("process {pid} is gone")))?;
    // Children still running are not in their parent's count yet.
    let ticks = own
        + all
            .iter()
            .skip(1)
            .filter_map(|p| stat(*p))
            .map(|s| s.1)
            .sum::<u64>();
    let rss: u64 = all.iter().map(|p| kib(*p, "VmRSS:")).sum();
    let threads: u64 = all.iter().map(|p| kib(*p, "Threads:")).sum();
    Ok(Cost {
        cpu_secs: ticks as f64 / 100.0,
        rss_mib: rss as f64 / 1024.0,
        threads,
        processes: all.len() as u64,
        switches: all.iter().map(|p| switches(*p)).sum(),
    })
}

/// What the figures were measured on.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub load_before: String,
}

pub fn machine() -> Machine {
    let read = |p: &str| fs::read_to_string(Path::new(p)).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|l| {
            l.strip_prefix("model name")
                .map(|l| l.trim_start_matches([' ', '\t', ':']).to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.into());
    let total = read("/proc/meminfo")
        .lines()
        .find_map(|l| {
            l.strip_prefix("MemTotal:")?
                .split_whitespace()
                .next()?
                .parse::<f64>()
                .ok()
        })
        .unwrap_or(0.0);
    Machine {
        cpu,
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory_gib: (total / 1048576.0 * 10.0).round() / 10.0,
        kernel: read("/proc/sys/kernel/osrelease").trim().into(),
        load_before: read("/proc/loadavg")
            .split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" "),
    }
}
