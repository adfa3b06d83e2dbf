//! Adapter: sockets. A network between cameras and box that breaks what passes: RTSP is made by others, only bytes are broken here.
//!
//! ```text
//! box ══TCP══> relay ══TCP══> camera        RTSP, and RTP interleaved in it: harmed packet by packet
//! box <──UDP── relay <──UDP── camera        RTP over UDP: its ports are put between the two, packets are lost
//! ```
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Done, Told, dice::Dice};

/// What is done to one RTP packet of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Its header's version is wrong.
    Version,
    /// Its sequence number.
    Number,
    /// Its time stamp.
    Time,
    /// Its source.
    Source,
    /// The header of the NAL unit in it.
    Unit,
    /// Rubbish is put before it.
    Garbage,
    /// Its length is given too large.
    Length,
    /// From it on, one picture that never ends, as fast as the network takes it.
    Endless,
}

#[derive(Default)]
struct State {
    harms: Mutex<VecDeque<Harm>>,
    harmed: AtomicU64,
    /// Of a thousand datagrams.
    lose: AtomicU64,
    lost: AtomicU64,
    passed: AtomicU64,
    /// A connection is open; with `single`, another is refused until it has been closed for as long as `linger`.
    open: AtomicU64,
    single: Mutex<Option<Duration>>,
    closed_at: Mutex<Option<Instant>>,
    connections: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends when dropped; connections through it too.
pub struct Relay {
    port: u16,
    camera: SocketAddr,
    state: Arc<State>,
}

impl Relay {
    /// In front of the cameras' server at `port`; nobody listens yet.
    pub fn closed(port: u16) -> Done<Self> {
        Ok(Self {
            port: crate::places::free_tcp()?,
            camera: SocketAddr::from(([127, 0, 0, 1], port)),
            state: Arc::default(),
        })
    }

    pub fn new(port: u16) -> Done<Self> {
        let relay = Self::closed(port)?;
        relay.open()?;
        Ok(relay)
    }

    /// Begins to listen.
    pub fn open(&self) -> Done<()> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).told("the relay's port")?;
        listener.set_nonblocking(true)?;
        let (state, camera) = (self.state.clone(), self.camera);
        thread::spawn(move || {
            while !state.over.load(SeqCst) {
                match listener.accept() {
                    Ok((client, _)) => admit(client, camera, &state),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Ok(())
    }

    /// The relay's address for a camera's own.
    pub fn url(&self, camera: &str) -> String {
        let port = self.camera.port();
        camera.replace(&format!(":{port}/"), &format!(":{}/", self.port))
    }

    /// Harms the next packet (or so many, one after the other).
    pub fn harm(&self, harm: Harm) {
        lock(&self.state.harms).push_back(harm);
    }
    /// Packets harmed so far.
    pub fn harmed(&self) -> u64 {
        self.state.harmed.load(SeqCst)
    }
    /// Loses so many of a thousand datagrams.
    pub fn lose(&self, permille: u64) {
        self.state.lose.store(permille, SeqCst);
    }
    /// Datagrams of RTP lost and passed so far.
    pub fn datagrams(&self) -> (u64, u64) {
        (self.state.lost.load(SeqCst), self.state.passed.load(SeqCst))
    }
    /// Room for one connection, and for the next only when it has been gone for so long.
    pub fn single(&self, linger: Duration) {
        *lock(&self.state.single) = Some(linger);
    }
    /// Connections made, and those of them that were refused.
    pub fn connections(&self) -> (u64, u64) {
        let s = &self.state;
        (s.connections.load(SeqCst), s.refused.load(SeqCst))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.over.store(true, SeqCst);
    }
}

fn admit(client: TcpStream, camera: SocketAddr, state: &Arc<State>) {
    state.connections.fetch_add(1, SeqCst);
    if let Some(linger) = *lock(&state.single) {
        let gone = lock(&state.closed_at).is_none_or(|at| at.elapsed() >= linger);
        if state.open.load(SeqCst) > 0 || !gone {
            state.refused.fetch_add(1, SeqCst);
            return;
        }
    }
    state.open.fetch_add(1, SeqCst);
    let state = state.clone();
    thread::spawn(move || {
        // A connection that breaks is what the box has to live with.
        let _ = connect(client, camera, &state);
        *lock(&state.closed_at) = Some(Instant::now());
        state.open.fetch_sub(1, SeqCst);
    });
}

/// The UDP ports between: for the camera to send to, and for the box to hear from.
#[derive(Default)]
struct Ports {
    box_rtp: Option<u16>,
    ours: Option<(Pair, Pair)>,
}

struct Pair(UdpSocket, UdpSocket);

impl Pair {
    fn new() -> std::io::Result<Self> {
        for _ in 0..200 {
            let even = UdpSocket::bind("127.0.0.1:0")?;
            let port = even.local_addr()?.port();
            if port % 2 == 0
                && let Ok(odd) = UdpSocket::bind(("127.0.0.1", port + 1))
            {
                return Ok(Self(even, odd));
            }
        }
        Err(std::io::Error::other("no pair of UDP ports"))
    }
    fn port(&self) -> u16 {
        self.0.local_addr().map_or(0, |a| a.port())
    }
}

fn connect(client: TcpStream, camera: SocketAddr, state: &Arc<State>) -> std::io::Result<()> {
    let server = TcpStream::connect(camera)?;
    for s in [&client, &server] {
        s.set_read_timeout(Some(Duration::from_millis(200)))?;
        s.set_nodelay(true)?;
    }
    let ports = Arc::new(Mutex::new(Ports::default()));
    let over = Arc::new(AtomicBool::new(false));
    let up = {
        let (mut from, mut to) = (Patient::new(&client, state, &over)?, server.try_clone()?);
        let (ports, over) = (ports.clone(), over.clone());
        thread::spawn(move || {
            while let Ok(Some(message)) = message(&mut from, None) {
                let text = String::from_utf8_lossy(&message).into_owned();
                let out = ask(&text, &ports).map_or(message, String::into_bytes);
                if to.write_all(&out).is_err() {
                    break;
                }
            }
            over.store(true, SeqCst);
            let _ = to.shutdown(Shutdown::Both);
        })
    };
    let mut from = Patient::new(&server, state, &over)?;
    let mut to = client.try_clone()?;
    let mut harm = Harmer {
        state: state.clone(),
        endless: false,
    };
    while let Ok(Some(message)) = message(&mut from, Some(&mut harm)) {
        let out = if message.starts_with(b"RTSP/") {
            let text = String::from_utf8_lossy(&message).into_owned();
            answer(&text, &ports, state, &over).map_or(message, String::into_bytes)
        } else {
            message
        };
        if to.write_all(&out).is_err() || (harm.endless && !endless(&mut to, &out, &over)) {
            break;
        }
    }
    over.store(true, SeqCst);
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}

/// Reads with a look now and then whether it is over.
struct Patient {
    stream: TcpStream,
    state: Arc<State>,
    over: Arc<AtomicBool>,
}

impl Patient {
    fn new(
        stream: &TcpStream,
        state: &Arc<State>,
        over: &Arc<AtomicBool>,
    ) -> std::io::Result<BufReader<Self>> {
        Ok(BufReader::with_capacity(
            1 << 16,
            Self {
                stream: stream.try_clone()?,
                state: state.clone(),
                over: over.clone(),
            },
        ))
    }
}

impl Read for Patient {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.stream.read(into) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if self.over.load(SeqCst) || self.state.over.load(SeqCst) {
                        return Ok(0);
                    }
                }
                other => return other,
            }
        }
    }
}

/// The next RTSP message or interleaved packet, whole.
fn message(
    from: &mut BufReader<Patient>,
    harmer: Option<&mut Harmer>,
) -> std::io::Result<Option<Vec<u8>>> {
    let Some(&first) = from.fill_buf()?.first() else {
        return Ok(None);
    };
    let mut all = Vec::new();
    if first == b'$' {
        let mut head = [0u8; 4];
        from.read_exact(&mut head)?;
        let mut packet = vec![0u8; usize::from(u16::from_be_bytes([head[2], head[3]]))];
        from.read_exact(&mut packet)?;
        all.extend(head);
        all.extend(packet);
        if head[1] == 0
            && let Some(harmer) = harmer
        {
            harmer.packet(&mut all);
        }
        return Ok(Some(all));
    }
    let mut body = 0usize;
    loop {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        all.extend(&line);
        let line = String::from_utf8_lossy(&line).to_ascii_lowercase();
        if let Some(length) = line.strip_prefix("content-length:") {
            body = length.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() && all.len() > 2 {
            break;
        }
    }
    let start = all.len();
    all.resize(start + body, 0);
    from.read_exact(&mut all[start..])?;
    Ok(Some(all))
}

struct Harmer {
    state: Arc<State>,
    endless: bool,
}

impl Harmer {
    /// `all`: four bytes of interleaving, then the RTP packet.
    fn packet(&mut self, all: &mut Vec<u8>) {
        if all.len() < 4 + 12 + 2 {
            return;
        }
        let mut harms = lock(&self.state.harms);
        // The picture that never ends begins where another has ended.
        if harms.front() == Some(&Harm::Endless) && all[5] & 0x80 == 0 {
            return;
        }
        let Some(harm) = harms.pop_front() else {
            return;
        };
        drop(harms);
        self.state.harmed.fetch_add(1, SeqCst);
        match harm {
            Harm::Version => all[4] = 0,
            Harm::Number => all[6] ^= 0x40,
            Harm::Time => all[8] ^= 0x40,
            Harm::Source => all[12] ^= 0xff,
            Harm::Unit => all[16] = 0xff,
            Harm::Garbage => {
                let mut dice = Dice::new(7);
                let rubbish = (0..300).map(|_| 0x80 | (dice.below(128) as u8));
                all.splice(0..0, rubbish);
            }
            Harm::Length => all[2] ^= 0x10,
            Harm::Endless => self.endless = true,
        }
    }
}

/// Sends one picture that does not end: fragments of a NAL unit, as fast as they are taken. False when nobody takes them any more.
fn endless(to: &mut TcpStream, last: &[u8], over: &AtomicBool) -> bool {
    let (channel, mut seq) = (last[1], u16::from_be_bytes([last[6], last[7]]));
    let mut header = last[4..16].to_vec();
    header[0] = 0x80;
    header[1] &= 0x7f;
    // Another picture than the one before.
    let stamp = u32::from_be_bytes([header[4], header[5], header[6], header[7]]).wrapping_add(3600);
    header[4..8].copy_from_slice(&stamp.to_be_bytes());
    let mut start = true;
    while !over.load(SeqCst) {
        let mut burst = Vec::new();
        for _ in 0..64 {
            seq = seq.wrapping_add(1);
            header[2..4].copy_from_slice(&seq.to_be_bytes());
            burst.extend([b'$', channel]);
            burst.extend((12u16 + 2 + 1400).to_be_bytes());
            burst.extend(&header);
            burst.extend([0x7c, if start { 0x85 } else { 0x05 }]);
            burst.resize(burst.len() + 1400, 0x55);
            start = false;
        }
        if to.write_all(&burst).is_err() {
            return false;
        }
    }
    false
}

fn number(text: &str, key: &str) -> Option<u16> {
    let after = text.split_once(key)?.1;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn replaced(text: &str, key: &str, port: u16) -> String {
    let Some((before, after)) = text.split_once(key) else {
        return text.to_owned();
    };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    format!("{before}{key}{port}-{}{rest}", port + 1)
}

/// A SETUP over UDP gets our port.
fn ask(text: &str, ports: &Mutex<Ports>) -> Option<String> {
    let theirs = number(text, "client_port=").filter(|_| text.starts_with("SETUP"))?;
    let pairs = (Pair::new().ok()?, Pair::new().ok()?);
    let out = replaced(text, "client_port=", pairs.0.port());
    let mut ports = lock(ports);
    ports.box_rtp = Some(theirs);
    ports.ours = Some(pairs);
    Some(out)
}

/// Its answer gets our port too, and packets begin to pass.
fn answer(
    text: &str,
    ports: &Mutex<Ports>,
    state: &Arc<State>,
    over: &Arc<AtomicBool>,
) -> Option<String> {
    number(text, "server_port=")?;
    let mut ports = lock(ports);
    let (camera, side) = ports.ours.take()?;
    let theirs = ports.box_rtp?;
    let out = replaced(text, "client_port=", theirs);
    let out = replaced(&out, "server_port=", side.port());
    let (a, b) = (state.clone(), over.clone());
    thread::spawn(move || pass(&camera.0, &side.0, theirs, &a, &b, true));
    let (a, b) = (state.clone(), over.clone());
    thread::spawn(move || pass(&camera.1, &side.1, theirs + 1, &a, &b, false));
    Some(out)
}

fn pass(from: &UdpSocket, by: &UdpSocket, to: u16, state: &State, over: &AtomicBool, rtp: bool) {
    let _ = from.set_read_timeout(Some(Duration::from_millis(200)));
    let mut dice = Dice::new(20_261_122);
    let mut buffer = vec![0u8; 65_536];
    while !over.load(SeqCst) && !state.over.load(SeqCst) {
        let Ok((length, _)) = from.recv_from(&mut buffer) else {
            continue;
        };
        if rtp && dice.below(1000) < state.lose.load(SeqCst) {
            state.lost.fetch_add(1, SeqCst);
            continue;
        }
        if rtp {
            state.passed.fetch_add(1, SeqCst);
        }
        let _ = by.send_to(&buffer[..length], ("127.0.0.1", to));
    }
}
