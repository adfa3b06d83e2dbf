//! Adapter: sockets. A conversation with one viewer: requests read, answered, and pictures sent once it asks for them.
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use beadle_tests::Done;

use super::{
    camera::{Post, Second},
    send::Sending,
    stream::{Codec, Stream},
};

pub struct Request {
    pub method: String,
    pub url: String,
    /// 0: the pictures; 1: what is beside them.
    pub track: usize,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(name));
        found.map_or("", |(_, v)| v.as_str())
    }
    pub fn is(&self, method: &str) -> bool {
        self.method == method
    }
    /// A request that only says that the viewer is still there.
    pub fn keeps_alive(&self) -> bool {
        ["OPTIONS", "GET_PARAMETER", "SET_PARAMETER"].contains(&self.method.as_str())
    }
}

#[derive(Clone)]
pub struct Answer {
    pub status: String,
    pub cseq: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn of(status: &str) -> Self {
        Self {
            status: status.into(),
            cseq: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
    pub fn ok() -> Self {
        Self::of("200 OK")
    }
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
    /// The same with another value of a header; without it, for `""`.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.headers.retain(|(k, _)| !k.eq_ignore_ascii_case(name));
        if value.is_empty() {
            self
        } else {
            self.with(name, value)
        }
    }
    /// The same with one of its headers changed.
    pub fn change(self, name: &str, change: impl Fn(&str) -> String) -> Self {
        let value = change(self.header(name));
        self.set(name, value)
    }
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(name));
        found.map_or("", |(_, v)| v.as_str())
    }
    pub fn status(mut self, status: &str) -> Self {
        self.status = status.into();
        self
    }
    pub fn bytes(&self, cseq: &str) -> Vec<u8> {
        let mut text = format!("RTSP/1.0 {}\r\n", self.status);
        let cseq = self.cseq.as_deref().unwrap_or(cseq);
        if !cseq.is_empty() {
            text += &format!("CSeq: {cseq}\r\n");
        }
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        [text.as_bytes(), b"\r\n", &self.body].concat()
    }
}

pub enum Reply {
    Answer(Answer),
    Silence,
    Close,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Reply::Answer(answer)
    }
}

/// How a track's packets reach the viewer.
pub enum Carrier {
    /// Within the RTSP connection, on this channel and the next.
    Tcp(u8),
    /// RTP and RTCP, connected to the viewer.
    Udp(UdpSocket, UdpSocket),
}

pub struct Track {
    pub ssrc: u32,
    pub seq: u16,
    pub first: u32,
    pub carrier: Option<Carrier>,
}

/// What reading and sending share.
pub struct Line {
    pub post: Arc<Post>,
    socket: Mutex<TcpStream>,
    over: AtomicBool,
    began: Instant,
    heard_ms: AtomicU64,
}

impl Line {
    pub fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.socket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(bytes)
    }
    pub fn over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.post.over()
    }
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        // The viewer may have closed it already.
        let _ = self
            .socket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .shutdown(Shutdown::Both);
    }
    /// Nothing was heard for longer than the session lasts.
    pub fn timed_out(&self) -> bool {
        let heard = Duration::from_millis(self.heard_ms.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(heard)
            > Duration::from_secs(self.post.script.timeout + 5)
    }
}

pub struct Talk {
    pub line: Arc<Line>,
    socket: TcpStream,
    peer: SocketAddr,
    pub session: String,
    pub tracks: [Track; 2],
    pub playing: bool,
    /// Requests answered before this one.
    pub answered: u32,
    nonce: Option<String>,
    uses: u32,
}

/// Numbers that differ from talk to talk; nothing secret rests on them.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0x1234_5678_9abc_def0);
    let n = NEXT.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n ^ n >> 27
}

impl Talk {
    pub fn new(post: Arc<Post>, socket: TcpStream) -> Self {
        let _ = socket.set_nodelay(true);
        // A viewer that takes nothing any more is no viewer.
        let _ = socket.set_write_timeout(Some(Duration::from_secs(10)));
        let peer = socket
            .peer_addr()
            .unwrap_or_else(|_| ([127, 0, 0, 1], 0).into());
        let writer = socket.try_clone();
        let track = || Track {
            ssrc: number() as u32 | 0x1000_0000,
            seq: (number() % 60_000) as u16 + 2,
            first: number() as u32 >> 1,
            carrier: None,
        };
        let line = Line {
            post,
            socket: Mutex::new(
                writer.unwrap_or_else(|e| panic!("a socket could not be shared: {e}")),
            ),
            over: AtomicBool::new(false),
            began: Instant::now(),
            heard_ms: AtomicU64::new(0),
        };
        Self {
            line: Arc::new(line),
            socket,
            peer,
            session: format!("{:08}", number() % 100_000_000),
            tracks: [track(), track()],
            playing: false,
            answered: 0,
            nonce: None,
            uses: 0,
        }
    }

    pub fn post(&self) -> Arc<Post> {
        Arc::clone(&self.line.post)
    }

    /// Until the viewer goes, or the camera has had enough.
    pub fn run(mut self) {
        let mut bytes = Vec::new();
        while let Some(request) = self.next(&mut bytes) {
            if self
                .line
                .post
                .script
                .alive_by
                .is_none_or(|method| request.is(method))
                || !self.playing
            {
                let heard = self.line.began.elapsed().as_millis() as u64;
                self.line.heard_ms.store(heard, Ordering::Relaxed);
            }
            let usual = self.usual(&request);
            let reply = match &self.post().script.replies {
                Some(replies) => replies(&mut self, &request, usual),
                None => Reply::Answer(usual),
            };
            self.answered += 1;
            let Reply::Answer(answer) = reply else {
                self.line
                    .post
                    .seen()
                    .answers
                    .push(format!("{} -", request.method));
                if matches!(reply, Reply::Close) {
                    break;
                }
                continue;
            };
            let status = answer.status.split(' ').next().unwrap_or_default();
            self.line
                .post
                .seen()
                .answers
                .push(format!("{} {status}", request.method));
            if self
                .line
                .write(&answer.bytes(request.header("CSeq")))
                .is_err()
            {
                break;
            }
            if request.is("PLAY") && status == "200" && !self.playing {
                self.play();
            }
            if request.is("TEARDOWN") {
                break;
            }
        }
        self.line.end();
    }

    /// Sends pictures from now on, on a thread of its own.
    pub fn play(&mut self) {
        self.playing = true;
        let tracks = self.tracks.each_mut().map(|t| Track {
            ssrc: t.ssrc,
            seq: t.seq,
            first: t.first,
            carrier: t.carrier.take(),
        });
        let sending = Sending::new(Arc::clone(&self.line), tracks);
        thread::spawn(move || sending.run());
    }

    /// The next request; None once the connection is closed.
    fn next(&mut self, bytes: &mut Vec<u8>) -> Option<Request> {
        loop {
            // What the viewer says within the connection, reports of its own, is not looked at.
            while bytes.first() == Some(&b'$') && bytes.len() >= 4 {
                let whole = 4 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
                if bytes.len() < whole {
                    break;
                }
                bytes.drain(..whole);
            }
            let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
            if bytes.first() != Some(&b'$')
                && let Some(end) = end
            {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let mut lines = head.split("\r\n");
                let mut words = lines
                    .next()
                    .unwrap_or_default()
                    .split(' ')
                    .map(str::to_owned);
                let (method, url) = (
                    words.next().unwrap_or_default(),
                    words.next().unwrap_or_default(),
                );
                let request = Request {
                    track: usize::from(!url.ends_with(&self.line.post.script.control)),
                    method,
                    url,
                    headers: lines
                        .filter_map(|l| l.split_once(':'))
                        .map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
                        .collect(),
                };
                let body: usize = request.header("Content-Length").parse().unwrap_or(0);
                if bytes.len() >= end + 4 + body {
                    bytes.drain(..end + 4 + body);
                    return Some(request);
                }
            }
            let mut more = [0; 4096];
            match self.socket.read(&mut more) {
                Ok(0) | Err(_) => return None,
                Ok(read) => bytes.extend_from_slice(&more[..read]),
            }
        }
    }

    /// What a camera without quirks answers.
    fn usual(&mut self, request: &Request) -> Answer {
        if let Some(refused) = self.refusal(request) {
            return refused;
        }
        let post = self.post();
        let session = format!("{};timeout={}", self.session, post.script.timeout);
        match request.method.as_str() {
            "OPTIONS" => Answer::ok().with("Public", post.script.methods),
            "DESCRIBE" => {
                let mut answer = Answer::ok()
                    .with(
                        "Content-Base",
                        format!("{}/", request.url.trim_end_matches('/')),
                    )
                    .with("Content-Type", "application/sdp");
                answer.body = self
                    .description()
                    .unwrap_or_else(|e| e.to_string().into_bytes());
                answer
            }
            "SETUP" => match self.set_up(request) {
                Ok(transport) => Answer::ok()
                    .with("Session", session)
                    .with("Transport", transport),
                Err(_) => Answer::of("461 Unsupported Transport"),
            },
            "PLAY" => {
                let url = request.url.trim_end_matches('/');
                let of_track = |(n, t): (usize, &Track)| {
                    format!(
                        "url={url}/trackID={};seq={};rtptime={}",
                        n + 1,
                        t.seq,
                        t.first
                    )
                };
                let set_up = self
                    .tracks
                    .iter()
                    .enumerate()
                    .filter(|(_, t)| t.carrier.is_some());
                let info: Vec<String> = set_up.map(of_track).collect();
                Answer::ok()
                    .with("Session", session)
                    .with("Range", "npt=0.000-")
                    .with("RTP-Info", info.join(","))
            }
            "GET_PARAMETER" | "SET_PARAMETER" | "TEARDOWN" => Answer::ok().with("Session", session),
            _ => Answer::of("405 Method Not Allowed"),
        }
    }

    /// 401, where the camera has a login and the request does not hold.
    fn refusal(&mut self, request: &Request) -> Option<Answer> {
        let login = self.line.post.script.login.clone()?;
        if request.is("OPTIONS") {
            return None;
        }
        let said = request.header("Authorization");
        let spent = login.good_for > 0 && self.uses >= login.good_for;
        if let Some(nonce) = self.nonce.as_ref().filter(|_| !said.is_empty() && !spent) {
            if login.holds(nonce, &request.method, said) {
                self.uses += 1;
                return None;
            }
            // An answer to an older nonce is no try of a password.
            self.line.post.seen().refused += u32::from(said.contains(nonce.as_str()));
        }
        let nonce = format!("{:016x}{:016x}", number(), number());
        let mut answer = Answer::of("401 Unauthorized");
        for offer in login.challenges(&nonce, spent && !said.is_empty()) {
            answer = answer.with("WWW-Authenticate", offer);
        }
        self.nonce = Some(nonce);
        self.uses = 0;
        Some(answer)
    }

    fn set_up(&mut self, request: &Request) -> Done<String> {
        let wanted = request.header("Transport");
        let number_after = |key: &str| {
            let (_, after) = wanted.split_once(key)?;
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u16>().ok()
        };
        let ip = self.peer.ip();
        let track = &mut self.tracks[request.track];
        let ssrc = track.ssrc;
        if wanted.contains("TCP") {
            let channel = number_after("interleaved=").unwrap_or(0);
            track.carrier = Some(Carrier::Tcp(channel as u8));
            return Ok(format!(
                "RTP/AVP/TCP;unicast;interleaved={channel}-{};ssrc={ssrc:08X}",
                channel + 1
            ));
        }
        let client = number_after("client_port=").unwrap_or(0);
        let (rtp, rtcp) = loop {
            // An even port and the one after it.
            let rtp = UdpSocket::bind("127.0.0.1:0")?;
            let port = rtp.local_addr()?.port();
            if port % 2 == 0
                && let Ok(rtcp) = UdpSocket::bind(("127.0.0.1", port + 1))
            {
                break (rtp, rtcp);
            }
        };
        let server = rtp.local_addr()?.port();
        rtp.connect((ip, client))?;
        rtcp.connect((ip, client + 1))?;
        track.carrier = Some(Carrier::Udp(rtp, rtcp));
        Ok(format!(
            "RTP/AVP;unicast;client_port={client}-{};server_port={server}-{};ssrc={ssrc:08X}",
            client + 1,
            server + 1
        ))
    }

    fn description(&self) -> Done<Vec<u8>> {
        let post = self.post();
        let script = &post.script;
        let (stream, _) = post.picture(0)?;
        let mut text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=Media Presentation\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n".to_owned();
        let (kind, codec) = (
            script.payload_type,
            match stream.codec {
                Codec::H264 => "H264",
                Codec::H265 => "H265",
            },
        );
        text += &format!("m=video 0 RTP/AVP {kind}\r\na=rtpmap:{kind} {codec}/90000\r\n");
        let format = format_of(&stream, script.sprop);
        if !format.is_empty() {
            text += &format!("a=fmtp:{kind} {format}\r\n");
        }
        text += "a=control:trackID=1\r\n";
        text += match script.second {
            None => "",
            Some(Second::Aac) => {
                "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000\r\n\
                 a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408\r\n\
                 a=control:trackID=2\r\n"
            }
            Some(Second::Pcma) => {
                "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:trackID=2\r\n"
            }
            Some(Second::Metadata) => {
                "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:trackID=2\r\n"
            }
        };
        Ok(match &script.describes {
            Some(describes) => describes(&stream, text),
            None => text.into_bytes(),
        })
    }
}

/// What a description says of the pictures' format.
fn format_of(stream: &Stream, sprop: bool) -> String {
    let text = |nal: &[u8]| BASE64_STANDARD.encode(nal);
    match (stream.codec, sprop) {
        (Codec::H264, false) => "packetization-mode=1".into(),
        (Codec::H264, true) => {
            let profile: String = stream.sps[1..4]
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            format!(
                "packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={},{}",
                text(&stream.sps),
                text(&stream.pps)
            )
        }
        (Codec::H265, false) => String::new(),
        (Codec::H265, true) => format!(
            "sprop-vps={};sprop-sps={};sprop-pps={}",
            text(&stream.vps),
            text(&stream.sps),
            text(&stream.pps)
        ),
    }
}
