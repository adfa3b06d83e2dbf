//! Adapter: kernel. A line between two towns' networks: so many bits a second, so long on the way, so much lost.
//!
//! Both ends are network namespaces of the test's own, each with one end of a tunnel; what goes into one comes out of the other, later
//! and not always. TCP and UDP are treated alike. A packet never overtakes another: radio hands them on in turn.
use std::{
    collections::VecDeque,
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, AsRawFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    libc,
    poll::{PollFd, PollFlags, ppoll},
    sched::{CloneFlags, setns},
    sys::socket::{setsockopt, sockopt::TcpCongestion},
};

use crate::{Done, Told, Trouble, args, dice::Dice, disks};

/// Where the hub is.
pub const HUB: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
const TOWN: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
const MTU: usize = 1_400;

/// What a line is like.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub mbit: f64,
    /// One way.
    pub delay_ms: f64,
    /// Each packet takes up to so much longer.
    pub jitter_ms: f64,
    pub loss_percent: f64,
}

impl Kind {
    /// 20 Mbit/s, 40 ms there and back.
    pub const fn town(loss_percent: f64) -> Self {
        Self {
            mbit: 20.0,
            delay_ms: 20.0,
            jitter_ms: 0.0,
            loss_percent,
        }
    }

    /// A radio link on a bad day.
    pub const MOBILE: Self = Self {
        mbit: 5.0,
        delay_ms: 60.0,
        jitter_ms: 20.0,
        loss_percent: 1.0,
    };

    /// What waits before it at most: as much as it carries in 100 ms, 64 KiB at least.
    fn queue(self) -> f64 {
        (self.mbit * 1e6 / 8.0 * 0.1).max(65_536.0)
    }
}

/// A line, until it is dropped. This thread, and what it starts, is at the town's end.
pub struct Line {
    kind: Arc<Mutex<Kind>>,
    hub: File,
    over: Arc<AtomicBool>,
    /// Bytes that came out at the hub's end.
    carried: Arc<AtomicU64>,
    pumps: Vec<JoinHandle<()>>,
}

impl Line {
    /// # Errors
    /// This is not root's process, or has no tunnels.
    pub fn enter(kind: Kind) -> Done<Self> {
        let hub = thread::spawn(|| end(HUB)).join();
        let (at_hub, hub) = hub.map_err(|_| Trouble::new("the hub's end"))??;
        let (at_town, _) = end(TOWN)?;
        let (over, carried) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let kind = Arc::new(Mutex::new(kind));
        let uncounted = Arc::<AtomicU64>::default();
        let pumps = [
            (at_town.try_clone()?, at_hub.try_clone()?, carried.clone()),
            (at_hub, at_town, uncounted),
        ];
        let pumps = pumps.into_iter().enumerate().map(|(n, (from, to, count))| {
            let (kind, over) = (kind.clone(), over.clone());
            thread::spawn(move || pump(from, to, &kind, &over, &count, n as u64 + 1))
        });
        Ok(Self {
            pumps: pumps.collect(),
            kind,
            hub,
            over,
            carried,
        })
    }

    pub fn set(&self, kind: Kind) {
        *self.kind.lock().unwrap_or_else(PoisonError::into_inner) = kind;
    }

    /// Bytes that have arrived at the hub's end, with all that carries them.
    pub fn carried(&self) -> u64 {
        self.carried.load(Relaxed)
    }

    /// Mbit/s while all but the first and last fiftieth of what the work sends cross the line, everything counted that the line carries:
    /// what begins and ends the work is asking and answering, which no line can hurry.
    pub fn rate<T>(&self, work: impl FnOnce() -> Done<T>) -> Done<(f64, T)> {
        const LOOK: Duration = Duration::from_millis(10);
        let over = AtomicBool::new(false);
        let (before, began) = (self.carried(), Instant::now());
        let (done, looks) = thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut looks = Vec::new();
                while !over.load(Relaxed) {
                    looks.push((began.elapsed().as_secs_f64(), self.carried() - before));
                    thread::sleep(LOOK);
                }
                looks
            });
            let done = work();
            over.store(true, Relaxed);
            (done, watch.join())
        });
        let looks = looks.map_err(|_| Trouble::new("the watch failed"))?;
        let all = looks.last().map_or(0, |(_, bytes)| *bytes);
        let when = |part: u64| looks.iter().find(|(_, bytes)| *bytes * 50 >= all * part);
        let (Some(first), Some(last)) = (when(1), when(49)) else {
            return Err(Trouble::new("nothing crossed the line"));
        };
        let mbit = (last.1 - first.1) as f64 * 8e-6 / (last.0 - first.0).max(0.001);
        Ok((mbit, done?))
    }

    /// Does something at the hub's end.
    pub fn at_hub<T: Send>(&self, work: impl FnOnce() -> Done<T> + Send) -> Done<T> {
        thread::scope(|scope| {
            let there = scope.spawn(|| {
                setns(&self.hub, CloneFlags::CLONE_NEWNET).told("the hub's network")?;
                work()
            });
            there.join().map_err(|_| Trouble::new("at the hub's end"))?
        })
    }

    /// Sends so many bytes to the hub's end over TCP, with this congestion control. How long it took until all had arrived.
    pub fn tcp(&self, bytes: usize, control: &str) -> Done<Duration> {
        let listener = self.at_hub(|| Ok(TcpListener::bind((HUB, 0))?))?;
        let to: SocketAddr = listener.local_addr()?;
        let sink = thread::spawn(move || -> std::io::Result<usize> {
            let (mut stream, _) = listener.accept()?;
            let (mut taken, mut piece) = (0, vec![0; 64 << 10]);
            loop {
                match stream.read(&mut piece)? {
                    0 => return Ok(taken),
                    n => taken += n,
                }
            }
        });
        let began = Instant::now();
        let mut stream = TcpStream::connect(to)?;
        setsockopt(&stream, TcpCongestion, &control.into()).told(control)?;
        let piece = vec![7; 64 << 10];
        let mut left = bytes;
        while left > 0 {
            let n = left.min(piece.len());
            stream.write_all(&piece[..n])?;
            left -= n;
        }
        drop(stream);
        let taken = sink.join().map_err(|_| Trouble::new("the sink"))??;
        if taken == bytes {
            Ok(began.elapsed())
        } else {
            Err(Trouble(format!("{taken} of {bytes} bytes arrived")))
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        for pump in self.pumps.drain(..) {
            let _ = pump.join();
        }
    }
}

/// A network of this thread's own, with one end of a tunnel in it: the tunnel, and the network.
fn end(address: Ipv4Addr) -> Done<(File, File)> {
    nix::sched::unshare(CloneFlags::CLONE_NEWNET).told("a network of our own")?;
    let tunnel = File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .told("/dev/net/tun")?;
    // SAFETY: a structure of numbers, for which all zeros are good.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"line") {
        *to = (*from).cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
    // SAFETY: the request lives until the call returns, which reads and writes it alone.
    let made = unsafe { libc::ioctl(tunnel.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) };
    if made != 0 {
        return Err(std::io::Error::last_os_error()).told("a tunnel");
    }
    let address = format!("{address}/24");
    disks::tell("ip", args!["address", "add", address, "dev", "line"])?;
    let mtu = MTU.to_string();
    disks::tell("ip", args!["link", "set", "line", "mtu", mtu, "up"])?;
    disks::tell("ip", args!["link", "set", "lo", "up"])?;
    let network = File::open("/proc/thread-self/ns/net").told("the network")?;
    Ok((tunnel, network))
}

/// Carries packets one way until it is over.
fn pump(
    mut from: File,
    mut to: File,
    kind: &Mutex<Kind>,
    over: &AtomicBool,
    carried: &AtomicU64,
    seed: u64,
) {
    let mut dice = Dice::new(seed);
    let began = Instant::now();
    let mut waiting: VecDeque<(Duration, Vec<u8>)> = VecDeque::new();
    let (mut free, mut last) = (Duration::ZERO, Duration::ZERO);
    let mut packet = [0; 2 * MTU];
    while !over.load(Relaxed) {
        let now = began.elapsed();
        let due = waiting
            .front()
            .map_or(Duration::from_millis(50), |(at, _)| at.saturating_sub(now));
        if waiting.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, packet)) = waiting.pop_front() {
                carried.fetch_add(packet.len() as u64, Relaxed);
                let _ = to.write(&packet);
            }
            continue;
        }
        let wait = nix::sys::time::TimeSpec::from_duration(due.min(Duration::from_millis(50)));
        let mut ready = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        if !ppoll(&mut ready, Some(wait), None).is_ok_and(|n| n > 0) {
            continue;
        }
        let Ok(length) = from.read(&mut packet) else {
            continue;
        };
        let kind = *kind.lock().unwrap_or_else(PoisonError::into_inner);
        let now = began.elapsed();
        let bytes = kind.mbit * 1e6 / 8.0;
        let waits = free.saturating_sub(now).as_secs_f64() * bytes;
        let lost =
            dice.below(1_000_000) as f64 <= kind.loss_percent * 10_000.0 && kind.loss_percent > 0.0;
        if waits > kind.queue() || lost {
            continue;
        }
        free = free.max(now) + Duration::from_secs_f64(length as f64 / bytes);
        let jitter = dice.below(1_000) as f64 / 1_000.0 * kind.jitter_ms;
        last = last.max(free + Duration::from_secs_f64((kind.delay_ms + jitter) / 1_000.0));
        waiting.push_back((last, packet[..length].to_vec()));
    }
}
