//! Adapter: sockets. One camera: what it is like, the port it listens on, and what was seen and sent there.
use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use beadle_tests::{Done, Told};

use super::{
    login::Login,
    send::{Packet, Sending},
    stream::{Codec, Hash, Nal, Stream},
    talk::{Answer, Reply, Request, Talk},
    tls,
};

/// What follows the pictures in a camera's description.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// AAC of one channel, 16,000 samples a second.
    Aac,
    /// G.711.
    Pcma,
    /// The camera's events (ONVIF).
    Metadata,
}

/// Whether the next picture goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Send,
    /// It is lost on its way: its packets have their numbers, nobody gets them.
    Lose,
    /// It is not made at all.
    Skip,
    /// The camera ends the session.
    End,
}

type Described = Arc<dyn Fn(&Stream, String) -> Vec<u8> + Send + Sync>;
type Replies = Arc<dyn Fn(&mut Talk, &Request, Answer) -> Reply + Send + Sync>;
type Pictured = Arc<dyn Fn(usize) -> (&'static str, usize) + Send + Sync>;
/// From the session, the number of the picture in it, and what its ticks would be.
type Stamps = Arc<dyn Fn(u32, usize, i64) -> i64 + Send + Sync>;
type Dues = Arc<dyn Fn(usize) -> f64 + Send + Sync>;
type Units = Arc<dyn Fn(usize, Codec, Vec<Nal>) -> Vec<Nal> + Send + Sync>;
type Packets = Arc<dyn Fn(usize, Codec, Vec<Packet>) -> Vec<Packet> + Send + Sync>;
type Before = Arc<dyn Fn(&mut Sending, usize) -> Flow + Send + Sync>;

/// What a camera is like. Hooks change what a plain camera would do; each case has those it is about.
#[derive(Clone)]
pub struct Script {
    pub stream: &'static str,
    pub per_second: f64,
    /// Its first picture, and the one that follows its last.
    pub starts_at: usize,
    pub loops_to: usize,
    /// Parameter sets come with the pictures.
    pub in_band: bool,
    /// Parameter sets are in the description.
    pub sprop: bool,
    pub payload_type: u8,
    /// Bytes of a packet's payload at most.
    pub largest: usize,
    /// Seconds without a request after which it ends a session.
    pub timeout: u64,
    pub methods: &'static str,
    /// The only method that keeps a session; every request does, where None.
    pub alive_by: Option<&'static str>,
    /// What a request for the pictures' track ends with.
    pub control: String,
    pub login: Option<Login>,
    pub second: Option<Second>,
    pub v6: bool,
    /// It listens for TLS; whether its certificate changes after its first connection.
    pub tls: Option<bool>,
    /// Sender reports come every five seconds.
    pub reports: bool,
    /// Packets have a header extension and padding.
    pub padded: bool,
    pub describes: Option<Described>,
    pub replies: Option<Replies>,
    /// Which picture of which file is the one of that number.
    pub pictures: Option<Pictured>,
    pub stamps: Option<Stamps>,
    pub dues: Option<Dues>,
    pub units: Option<Units>,
    pub packets: Option<Packets>,
    pub before: Option<Before>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            stream: "odd-main.h264",
            per_second: 12.0,
            starts_at: 0,
            loops_to: 0,
            in_band: true,
            sprop: true,
            payload_type: 96,
            largest: 700,
            timeout: 60,
            methods: "OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY, GET_PARAMETER, SET_PARAMETER",
            alive_by: None,
            control: "trackID=1".into(),
            login: None,
            second: None,
            v6: false,
            tls: None,
            reports: true,
            padded: false,
            describes: None,
            replies: None,
            pictures: None,
            stamps: None,
            dues: None,
            units: None,
            packets: None,
            before: None,
        }
    }
}

/// A picture that went out.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Number of its session, from 1.
    pub session: u32,
    /// Its number within the session.
    pub number: usize,
    /// Wall clock, in ms: when it was due, and when its last packet had gone.
    pub due_ms: i64,
    pub gone_ms: i64,
    pub hash: Hash,
    /// The number that stands in the picture itself.
    pub mark: u8,
    /// How much later than in the order sent it is shown, at most.
    pub reorder_ms: i64,
    pub opens: bool,
}

/// What a camera saw of its viewers.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub connects: u32,
    pub plays: u32,
    /// Requests with a login that does not hold, although its nonce was good.
    pub refused: u32,
    pub sent: Vec<Sent>,
    /// `METHOD status` of each answer.
    pub answers: Vec<String>,
    /// How its own threads ended sessions.
    pub ends: Vec<String>,
}

/// What the threads of a camera share.
pub struct Post {
    pub script: Script,
    pub port: u16,
    /// Where the box finds it: another than its own behind TLS.
    front: u16,
    pub seen: Mutex<Seen>,
    pub over: AtomicBool,
}

impl Post {
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub fn over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
    /// File and place of a picture.
    pub fn picture(&self, number: usize) -> Done<(Arc<Stream>, usize)> {
        if let Some(pictures) = &self.script.pictures {
            let (name, unit) = pictures(number);
            let stream = Stream::of(name)?;
            let unit = unit % stream.units.len();
            return Ok((stream, unit));
        }
        let stream = Stream::of(self.script.stream)?;
        let (all, back) = (stream.units.len(), self.script.loops_to);
        let at = number + self.script.starts_at;
        let unit = if at < all {
            at
        } else {
            back + (at - all) % (all - back)
        };
        Ok((stream, unit))
    }
}

/// A camera that listens until it is dropped.
pub struct Camera {
    pub post: Arc<Post>,
}

impl Camera {
    pub fn start(script: Script) -> Done<Self> {
        Stream::of(script.stream)?;
        let host = if script.v6 { "[::1]:0" } else { "127.0.0.1:0" };
        let listener = TcpListener::bind(host).told(host)?;
        let port = listener.local_addr()?.port();
        let front = match script.tls {
            Some(changes) => tls::before(listener.local_addr()?, changes)?,
            None => port,
        };
        let post = Arc::new(Post {
            script,
            port,
            front,
            seen: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&post);
        thread::spawn(move || {
            for viewer in listener.incoming().flatten() {
                if theirs.over() {
                    return;
                }
                theirs.seen().connects += 1;
                let post = Arc::clone(&theirs);
                thread::spawn(move || Talk::new(post, viewer).run());
            }
        });
        Ok(Self { post })
    }

    pub fn host(&self) -> String {
        let name = if self.post.script.v6 {
            "[::1]"
        } else {
            "127.0.0.1"
        };
        format!("{name}:{}", self.post.front)
    }

    pub fn seen(&self) -> Seen {
        self.post.seen().clone()
    }

    /// Ends it and what it sends.
    pub fn stop(&self) {
        self.post.over.store(true, Ordering::Relaxed);
        // Its listener waits for somebody.
        let host = if self.post.script.v6 {
            "::1"
        } else {
            "127.0.0.1"
        };
        let _ = TcpStream::connect((host, self.post.port));
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop();
    }
}
