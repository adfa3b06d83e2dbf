//! Adapter: sockets. `link.idle`: what a box that only records sends and hears, counted at a relay of datagrams between it and its hub.

use std::{
    collections::HashMap,
    fs,
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    Done, Folder, Told,
    cameras::{Cameras, Scene},
    figure::Figure,
    hub::Hub,
    places,
    town::{Plan, Town},
    wait::{self, Look},
};

/// The most that may be, as docs/scale.md has it.
const BITS: f64 = 1_000.0;
/// What IP and UDP add to a datagram.
const HEADERS: u64 = 28;
const CAMERAS: usize = 8;

#[derive(Default)]
struct Counted {
    up: AtomicU64,
    down: AtomicU64,
    datagrams: AtomicU64,
    over: AtomicBool,
}

/// Hands datagrams on between boxes and a hub, and counts them.
struct Between {
    counted: Arc<Counted>,
    thread: Option<JoinHandle<()>>,
}

impl Between {
    fn start(port: u16, hub: u16) -> Done<Self> {
        let counted = Arc::new(Counted::default());
        let here = UdpSocket::bind(("127.0.0.1", port)).told(port)?;
        here.set_nonblocking(true)?;
        let (own, hub) = (counted.clone(), SocketAddr::from(([127, 0, 0, 1], hub)));
        let thread = thread::spawn(move || {
            let mut boxes: HashMap<SocketAddr, UdpSocket> = HashMap::new();
            let mut bytes = vec![0; 65_536];
            while !own.over.load(SeqCst) {
                let mut quiet = true;
                while let Ok((n, from)) = here.recv_from(&mut bytes) {
                    quiet = false;
                    own.up.fetch_add(n as u64 + HEADERS, SeqCst);
                    own.datagrams.fetch_add(1, SeqCst);
                    let known = match boxes.entry(from) {
                        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                        std::collections::hash_map::Entry::Vacant(new) => {
                            let Ok(socket) = UdpSocket::bind("127.0.0.1:0") else {
                                continue;
                            };
                            if socket.set_nonblocking(true).is_err() {
                                continue;
                            }
                            new.insert(socket)
                        }
                    };
                    let _ = known.send_to(bytes.get(..n).unwrap_or_default(), hub);
                }
                for (of, socket) in &boxes {
                    loop {
                        match socket.recv_from(&mut bytes) {
                            Ok((n, _)) => {
                                quiet = false;
                                own.down.fetch_add(n as u64 + HEADERS, SeqCst);
                                own.datagrams.fetch_add(1, SeqCst);
                                let _ = here.send_to(bytes.get(..n).unwrap_or_default(), of);
                            }
                            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                            Err(_) => break,
                        }
                    }
                }
                if quiet {
                    thread::sleep(Duration::from_millis(2));
                }
            }
        });
        Ok(Self {
            counted,
            thread: Some(thread),
        })
    }

    fn so_far(&self) -> (u64, u64, u64) {
        let c = &self.counted;
        (
            c.up.load(SeqCst),
            c.down.load(SeqCst),
            c.datagrams.load(SeqCst),
        )
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.counted.over.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// `link.idle`: a real box of eight cameras, for `secs` seconds.
pub fn idle(secs: u64) -> Done<Vec<Figure>> {
    let folder = Folder::new("idle")?;
    let paths: Vec<String> = (0..CAMERAS).map(|i| format!("/idle/c{i:02}")).collect();
    let scene = paths.iter().fold(Scene::new(), |s, p| s.street_low(p));
    let cameras = Cameras::start(scene)?;
    let mut hub = Hub::make(folder.path())?;
    let port = places::free_udp()?;
    let between = Between::start(port, hub.quic)?;
    let toml = hub.state.join("hub.toml");
    let text = fs::read_to_string(&toml).told(toml.display())?;
    let others = text.lines().filter(|l| !l.starts_with("address "));
    let others: Vec<&str> = others.collect();
    let address = format!("address = \"127.0.0.1:{port}\"\n{}\n", others.join("\n"));
    fs::write(&toml, address).told(toml.display())?;
    hub.start()?;
    let plan = paths
        .iter()
        .enumerate()
        .fold(Plan::new("idle").segment_secs(60), |p, (i, path)| {
            p.camera(&format!("c{i:02}"), cameras.url(path))
        });
    let mut town = Town::make(folder.path(), plan)?
        .enrolled(&mut hub)?
        .started()?;
    wait::until("every camera has a segment at the hub", 240, || {
        town.must_run()?;
        let row = hub.box_row("idle")?;
        let all = row["cameras"].as_array().into_iter().flatten();
        let good = all.filter(|c| c["recording"] == true && !c["landed"].is_null());
        let good = good.count();
        let written = town.lines_of("seg.write", None).len();
        Ok(if good == CAMERAS && written >= CAMERAS {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{good} of {CAMERAS}, {written} segments"))
        })
    })?;
    let (then, began) = (between.so_far(), Instant::now());
    thread::sleep(Duration::from_secs(secs.max(120)));
    let (now, secs) = (between.so_far(), began.elapsed().as_secs_f64());
    town.must_run()?;
    hub.must_run()?;
    town.stop()?;
    let each = |bytes: u64| bytes as f64 * 8.0 / secs / CAMERAS as f64;
    let (up, down) = (now.0 - then.0, now.1 - then.1);
    let datagrams = (now.2 - then.2) as f64 / secs;
    Ok(vec![
        Figure::new(
            "link.idle",
            "",
            each(up + down),
            "bit/s a camera, both ways",
        )
        .at_most(BITS),
        Figure::new("link.idle", ".up", each(up), "bit/s a camera"),
        Figure::new("link.idle", ".down", each(down), "bit/s a camera"),
        Figure::new(
            "link.idle",
            ".datagrams",
            datagrams,
            "a second, of 8 cameras",
        ),
    ])
}
