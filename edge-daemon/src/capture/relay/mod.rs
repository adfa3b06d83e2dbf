//! Task. The relay: a small RTSP server on loopback between retina and one camera, which mends what retina does not forgive.
//!
//! ```text
//! retina ──RTSP within TCP, no password──> 127.0.0.1 (session) ──RTSP, RTSPS, UDP──> camera
//!                                             message, sdp, headers, login, rtp: what is mended (repair)
//! ```
//! One relay serves one session. It takes one connection, and only for the address it made up, so that no other program of the box
//! gets a camera's pictures from it. It is used for `rtsps://`, where the address itself holds a secret (which retina would print in its
//! errors), where Basic is allowed, and where the direct way has failed (`capture::way`).
use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use ring::rand::{SecureRandom, SystemRandom};
use shared::{record::hex, time::Utc};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    capture::{session::Outcome, thread::Turn},
    config::{self, Secret},
    lock::lock,
    recording::recorder::Shared,
};

mod camera;
pub(crate) mod headers;
mod keepalive;
pub mod known;
pub(crate) mod login;
pub(crate) mod message;
pub mod repair;
pub(crate) mod rtp;
pub(crate) mod sdp;
mod session;
pub mod tls;
mod trouble;
mod udp;
mod units;

pub use camera::grouped;
use known::Known;
use message::Reader;
use repair::Repairs;

/// retina connects at once; nobody else is to.
const COMES: Duration = Duration::from_secs(5);
/// A stranger's connection is given so long to say what it wants.
const SAYS: Duration = Duration::from_millis(300);
const FIRST_LINE: usize = 4 << 10;

/// What a camera is to be asked with.
#[derive(Clone)]
pub struct Asked {
    pub camera: config::Camera,
    pub password: Option<Secret>,
    pub known: Known,
    pub wall: Utc,
}

impl Asked {
    /// The camera took an answer in Digest: it is not told its password in Basic any more.
    fn remember_digest(&self) {
        let remembered = self.known.read(&self.camera.id).and_then(|mut memory| {
            if memory.digest {
                return Ok(());
            }
            memory.digest = true;
            self.known.write(&self.camera.id, &memory)
        });
        if let Err(e) = remembered {
            tracing::error!(camera = %self.camera.id, error = %e, "that the camera knows Digest cannot be remembered");
        }
    }
}

/// How one session through the relay goes, for whoever began it.
#[derive(Default)]
pub struct Progress {
    outcome: RefCell<Option<Outcome>>,
    repairs: RefCell<Repairs>,
    certificate: RefCell<Option<String>>,
    keepalive: Rc<Cell<usize>>,
}

impl Progress {
    /// `keepalive`: which kind to begin with; kept from one session to the next.
    pub fn new(keepalive: Rc<Cell<usize>>) -> Self {
        Self {
            keepalive,
            ..Self::default()
        }
    }

    /// Why it could not go on, as the relay knows it.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.borrow().clone()
    }
    pub fn repairs(&self) -> Repairs {
        self.repairs.borrow().clone()
    }
    /// SHA-256 of the camera's certificate.
    pub fn certificate(&self) -> Option<String> {
        self.certificate.borrow().clone()
    }
}

/// The relay's end of it.
struct Link {
    url: url::Url,
    turn: Rc<Turn>,
    shared: Arc<Shared>,
    progress: Rc<Progress>,
    keepalive: Rc<Cell<usize>>,
}

impl Link {
    fn failed(&self, outcome: Outcome) {
        self.progress.outcome.borrow_mut().get_or_insert(outcome);
    }

    fn certificate(&self, shown: Option<&str>) {
        *self.progress.certificate.borrow_mut() = shown.map(str::to_owned);
    }

    fn repaired(&self, all: &Repairs) {
        let mut before = self.progress.repairs.borrow_mut();
        let mut new = all.difference(&before).copied().peekable();
        if new.peek().is_none() {
            return;
        }
        for repair in new {
            tracing::info!(camera = %self.shared.id(), repair = repair.code(), "mended: {repair}");
        }
        before.extend(all);
        lock(&self.shared.relayed)
            .get_or_insert_default()
            .extend(all);
    }
}

/// Begins a relay for one session. The address that retina is to ask.
///
/// # Errors
/// The box has no port or no random number left.
pub(crate) async fn begin(
    asked: Asked,
    turn: Rc<Turn>,
    shared: Arc<Shared>,
    progress: Rc<Progress>,
) -> io::Result<url::Url> {
    let mut dice = [0u8; 16];
    SystemRandom::new()
        .fill(&mut dice)
        .map_err(|_| io::Error::other("no random number is to be had"))?;
    let token = hex(&dice);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let url =
        url::Url::parse(&format!("rtsp://127.0.0.1:{port}/{token}/")).map_err(io::Error::other)?;
    lock(&shared.relayed).get_or_insert_default();
    let link = Link {
        url: url.clone(),
        turn,
        shared,
        keepalive: progress.keepalive.clone(),
        progress,
    };
    tokio::task::spawn_local(async move {
        let Ok(Ok((retina, reader))) = timeout(COMES, accept(&listener, &token)).await else {
            return;
        };
        drop(listener);
        session::Session::new(asked, link, retina, reader)
            .run()
            .await;
    });
    Ok(url)
}

/// The first connection that names the token.
async fn accept(listener: &TcpListener, token: &str) -> io::Result<(TcpStream, Reader)> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut reader = Reader::default();
        let says = async {
            loop {
                let line = reader.buffer.iter().position(|b| *b == b'\n');
                if let Some(end) = line {
                    let line = &reader.buffer[..end];
                    return line.windows(token.len()).any(|w| w == token.as_bytes());
                }
                let read = stream.read_buf(&mut reader.buffer).await;
                if !read.is_ok_and(|n| n > 0) || reader.buffer.len() > FIRST_LINE {
                    return false;
                }
            }
        };
        if timeout(SAYS, says).await.is_ok_and(|ours| ours) {
            let _ = stream.set_nodelay(true);
            return Ok((stream, reader));
        }
    }
}

/// Asks a camera what it offers, without a session and without retina: `video h264`, `audio pcma` …
///
/// # Errors
/// How it failed, and why in words.
pub async fn offers(asked: &Asked) -> Result<Vec<String>, Outcome> {
    let described = async {
        let mut camera = camera::Camera::open(asked).await?;
        camera.describe(asked).await
    };
    let response = described.await.map_err(|t: trouble::Trouble| t.outcome())?;
    let description = sdp::read(&response.body);
    if description.tracks.is_empty() {
        return Err(trouble::Trouble::NoStream.outcome());
    }
    Ok(description
        .tracks
        .iter()
        .map(sdp::Offer::in_words)
        .collect())
}
