//! Task. Many simulated boxes in one process, told by lines on standard input what to do; each is answered by a line of JSON.

use std::{
    fs,
    io::{BufRead, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{id, time::Utc};
use tokio::{runtime::Runtime, task::JoinSet};

use super::{
    dial::{self, Hub, Papers, Way},
    log::Log,
    town::{Tally, Town, lock},
};
use crate::{Done, Told, Trouble, dice::Dice, measure, wait};

/// Boxes that share an address.
const STREET: usize = 10;
/// For everything that is owed to be taken.
const PATIENCE: Duration = Duration::from_secs(300);
/// That enrol at once.
const ENROL: usize = 6;

/// What a simulator is told at its start.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plan {
    pub hub: String,
    /// The hub's authority, PEM.
    pub authority: PathBuf,
    pub scheme: String,
    /// One-time codes, long: as many boxes.
    pub codes: Vec<String>,
    pub cameras: usize,
    /// Minutes of recordings that each box owes the hub when it comes.
    pub owed: u64,
    /// Seconds of a segment.
    pub segment: u64,
    pub seed: u64,
}

struct Fleet {
    runtime: Runtime,
    towns: Vec<Arc<Town>>,
    endpoints: Vec<quinn::Endpoint>,
    tally: Arc<Tally>,
    dice: Dice,
    began: Instant,
    segment: Duration,
    are_there: bool,
}

/// Runs until it is told to stop, or nobody is left to tell it.
pub fn run(plan: &Path) -> Done<()> {
    let plan: Plan = serde_json::from_slice(&fs::read(plan).told(plan.display())?)?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).told("open files")?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).told("open files")?;
    let mut fleet = Fleet::make(&plan)?;
    let (mut lines, mut bytes) = (0, 0);
    for town in &fleet.towns {
        let log = lock(&town.log);
        lines += log.size();
        bytes += log.waiting();
    }
    say(&json!({ "boxes": fleet.towns.len(), "lines": lines, "bytes": bytes }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.as_slice() {
            ["owed"] => fleet.owed()?,
            ["live"] => fleet.live(),
            ["cut", n] => fleet.cut(n.parse().told(n)?),
            ["move", n] => fleet.moves(n.parse().told(n)?)?,
            ["lose"] => fleet.lose()?,
            ["lost"] => fleet.lost()?,
            ["report"] => fleet.report()?,
            ["stop"] => break,
            _ => return Err(Trouble(format!("not understood: {line}"))),
        };
        say(&answer)?;
    }
    fleet.tally.stop.store(true, Ordering::Release);
    fleet.runtime.shutdown_background();
    Ok(())
}

fn say(answer: &Value) -> Done<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

impl Fleet {
    fn make(plan: &Plan) -> Done<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let pem = fs::read(&plan.authority).told(plan.authority.display())?;
        let hub = Hub {
            address: plan.hub.parse().told(&plan.hub)?,
            authority: CertificateDer::from_pem_slice(&pem).told(plan.authority.display())?,
            scheme: plan.scheme.clone(),
        };
        let tally = Arc::new(Tally::default());
        let mut endpoints = Vec::new();
        let papers = {
            let _within = runtime.enter();
            for n in 0..plan.codes.len().div_ceil(STREET) {
                endpoints.push(dial::endpoint(dial::street(n))?);
            }
            runtime.block_on(enrolled(&hub, &endpoints, &plan.codes))?
        };
        let mut towns = Vec::new();
        let begin = wait::now().plus_ms(-(i64::try_from(plan.owed).unwrap_or(0) * 60_000));
        for (n, papers) in papers.iter().enumerate() {
            let origin = id::box_log(&plan.scheme, &papers.name, 1);
            let mut log = Log::new(&origin, plan.cameras, begin)?;
            for _ in 0..plan.owed {
                log.minute(&[7; 32], 3_000_000)?;
            }
            log.sign();
            let way = Way::new(&hub, Some(papers))?;
            let Some(endpoint) = endpoints.get(n / STREET).cloned() else {
                continue;
            };
            towns.push(Arc::new(Town::new(
                n,
                papers,
                way,
                endpoint,
                log,
                tally.clone(),
            )));
        }
        Ok(Self {
            runtime,
            towns,
            endpoints,
            tally,
            dice: Dice::new(plan.seed),
            began: Instant::now(),
            segment: Duration::from_secs(plan.segment.max(1)),
            are_there: false,
        })
    }

    /// All boxes come with what they owe, at once; until the hub has countersigned it.
    fn owed(&mut self) -> Done<Value> {
        let (began, cpu) = (Instant::now(), measure::cost(std::process::id())?.cpu_secs);
        let before = self.tally.lines.load(Ordering::Relaxed);
        self.come();
        while self
            .towns
            .iter()
            .any(|t| lock(&t.log).next_stop().is_some())
        {
            if began.elapsed() > PATIENCE {
                let last = lock(&self.tally.last).clone();
                return Err(Trouble(format!("not taken in five minutes; {last}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(json!({
            "secs": began.elapsed().as_secs_f64(),
            "lines": self.tally.lines.load(Ordering::Relaxed) - before,
            "cpu": measure::cost(std::process::id())?.cpu_secs - cpu,
        }))
    }

    /// Each comes once.
    fn come(&mut self) {
        if std::mem::replace(&mut self.are_there, true) {
            return;
        }
        for town in &self.towns {
            let seed = self.dice.below(1 << 40);
            self.runtime.spawn(town.clone().run(seed));
        }
    }

    /// All boxes come, and record: each camera a segment after the other, each box at a time of its own.
    fn live(&mut self) -> Value {
        self.began = Instant::now();
        self.come();
        for town in &self.towns {
            let cameras = lock(&town.log).cameras.len().max(1);
            let each = self.segment / u32::try_from(cameras).unwrap_or(1);
            let first = self.segment.mul_f64(self.dice.below(1000) as f64 / 1000.0);
            let town = town.clone();
            self.runtime.spawn(async move {
                tokio::time::sleep(first).await;
                let mut due = tokio::time::interval(each);
                loop {
                    for camera in 0..cameras {
                        due.tick().await;
                        if let Err(e) = town.record(camera) {
                            eprintln!("{}: {e}", town.name);
                            return;
                        }
                    }
                }
            });
        }
        json!({ "boxes": self.towns.len() })
    }

    /// So many boxes lose their line.
    fn cut(&mut self, n: usize) -> Value {
        for _ in 0..n {
            self.dice.one(&self.towns).cut.notify_one();
        }
        json!({ "cut": n })
    }

    /// So many streets get another address in the midst of it all, as over a mobile network.
    fn moves(&mut self, n: usize) -> Done<Value> {
        let _within = self.runtime.enter();
        for _ in 0..n {
            let at = self.dice.below(self.endpoints.len() as u64) as usize;
            if let Some(endpoint) = self.endpoints.get(at) {
                let socket = std::net::UdpSocket::bind((dial::street(at), 0))?;
                endpoint.rebind(socket).told("another address")?;
            }
        }
        Ok(json!({ "moved": n }))
    }

    /// The first box's disk is replaced: all that it has recorded is lost, and written down as such. Nobody is told yet.
    fn lose(&mut self) -> Done<Value> {
        let Some(town) = self.towns.first() else {
            return Err(Trouble::new("no box"));
        };
        let mut log = lock(&town.log);
        let cameras = log.cameras.clone();
        let at = wait::now();
        let mut lines = 0_u64;
        for (camera, c) in cameras.iter().enumerate() {
            for s in 1..=c.s {
                log.lost(camera, s, Utc(at.0 + (lines / 4) as i64))?;
                lines += 1;
            }
        }
        log.sign();
        Ok(json!({ "lines": lines }))
    }

    /// And now it is sent.
    fn lost(&mut self) -> Done<Value> {
        let Some(town) = self.towns.first() else {
            return Err(Trouble::new("no box"));
        };
        let began = Instant::now();
        town.news.notify_one();
        while lock(&town.log).next_stop().is_some() {
            if began.elapsed() > PATIENCE {
                let last = lock(&self.tally.last).clone();
                return Err(Trouble(format!("not taken in five minutes; {last}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(json!({ "secs": began.elapsed().as_secs_f64() }))
    }

    /// What has been counted; times since the last report.
    fn report(&mut self) -> Done<Value> {
        let mut ms = std::mem::take(&mut *lock(&self.tally.countersigned));
        ms.sort_by(f32::total_cmp);
        let at = |part: usize| ms.get(ms.len() * part / 100).or(ms.last()).copied();
        let cost = measure::cost(std::process::id())?;
        let count = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        Ok(json!({
            "connected": count(&self.tally.connected),
            "welcomes": count(&self.tally.welcomes),
            "dials": count(&self.tally.dials),
            "failed": count(&self.tally.failed),
            "lines": count(&self.tally.lines),
            "refused": count(&self.tally.refused),
            "clips": count(&self.tally.clips),
            "countersigned": ms.len(),
            "p50": at(50),
            "p95": at(95),
            "most": ms.last(),
            "cpu": cost.cpu_secs,
            "mib": cost.rss_mib,
            "secs": self.began.elapsed().as_secs_f64(),
            "last": *lock(&self.tally.last),
        }))
    }
}

async fn enrolled(hub: &Hub, endpoints: &[quinn::Endpoint], codes: &[String]) -> Done<Vec<Papers>> {
    let mut all: Vec<Option<Papers>> = codes.iter().map(|_| None).collect();
    let mut tasks = JoinSet::new();
    for (n, code) in codes.iter().enumerate() {
        let (hub, code) = (hub.clone(), code.clone());
        let endpoint = endpoints.get(n / STREET).cloned();
        let endpoint = endpoint.ok_or_else(|| Trouble::new("no endpoint"))?;
        tasks.spawn(async move { (n, dial::enrol(&hub, &endpoint, &code).await) });
        if tasks.len() >= ENROL {
            keep(&mut all, tasks.join_next().await)?;
        }
    }
    while let Some(done) = tasks.join_next().await {
        keep(&mut all, Some(done))?;
    }
    let all: Option<Vec<Papers>> = all.into_iter().collect();
    all.ok_or_else(|| Trouble::new("a box was not enrolled"))
}

fn keep(
    all: &mut [Option<Papers>],
    done: Option<Result<(usize, Done<Papers>), tokio::task::JoinError>>,
) -> Done<()> {
    let Some(done) = done else { return Ok(()) };
    let (n, papers) = done.told("enrolment")?;
    if let Some(slot) = all.get_mut(n) {
        *slot = Some(papers?);
    }
    Ok(())
}
