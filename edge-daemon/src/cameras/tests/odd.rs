//! Adapter: network. A camera on loopback that answers as it likes, and sends good pictures all the same.
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use crate::config::Address;

const FPS: u64 = 25;
const GOP: u64 = 25;
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x58, 0xba, 0x80,
];
const PPS: &[u8] = &[0x68, 0xce, 0x0f, 0xc8];

/// A request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) headers: HashMap<String, String>,
    /// In this connection, from 1.
    pub(super) nth: u32,
    pub(super) playing: bool,
}

impl Ask {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
    /// An answer to it: status line and headers without the number, and the body.
    pub(super) fn answer(&self, head: &str, body: &[u8]) -> Answer {
        let head = format!(
            "RTSP/1.0 {head}\r\nCSeq: {}\r\nContent-Length: {}\r\n\r\n",
            self.header("cseq"),
            body.len()
        );
        Answer::Raw([head.as_bytes(), body].concat())
    }
}

pub(super) enum Answer {
    Usual,
    Raw(Vec<u8>),
    Nothing,
}

/// What is odd about it.
#[derive(Clone, Copy)]
pub(super) struct Whim {
    pub(super) answer: fn(&Ask) -> Answer,
    /// Changes a packet of the nth picture before it is sent.
    pub(super) packet: fn(u64, &mut Vec<u8>),
}

impl Default for Whim {
    fn default() -> Self {
        Self {
            answer: |_| Answer::Usual,
            packet: |_, _| {},
        }
    }
}

pub(super) struct OddCamera {
    pub(super) port: u16,
    pub(super) asks: Arc<Mutex<Vec<Ask>>>,
    pub(super) connections: Arc<AtomicU32>,
    pub(super) sent: Arc<AtomicU32>,
}

pub(super) fn sdp() -> String {
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\n\
     a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42c01e;sprop-parameter-sets=Z0LAHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aM4PyA==\r\n\
     a=control:track1\r\n"
        .into()
}

impl OddCamera {
    pub(super) fn start(whim: Whim) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port");
        let camera = Self {
            port: listener.local_addr().expect("address").port(),
            asks: Arc::default(),
            connections: Arc::default(),
            sent: Arc::default(),
        };
        let (asks, connections, sent) = (
            camera.asks.clone(),
            camera.connections.clone(),
            camera.sent.clone(),
        );
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, SeqCst);
                let (asks, sent) = (asks.clone(), sent.clone());
                std::thread::spawn(move || drop(serve(stream, whim, &asks, &sent)));
            }
        });
        camera
    }

    pub(super) fn url(&self) -> Address {
        self.at("stream")
    }

    pub(super) fn at(&self, path: &str) -> Address {
        Address::parse(&format!("rtsp://127.0.0.1:{}/{path}", self.port)).expect("url")
    }

    pub(super) fn asked(&self, method: &str) -> Vec<Ask> {
        let asks = self.asks.lock().expect("asks");
        asks.iter()
            .filter(|a| a.method == method)
            .cloned()
            .collect()
    }
}

fn serve(
    stream: TcpStream,
    whim: Whim,
    asks: &Mutex<Vec<Ask>>,
    sent: &Arc<AtomicU32>,
) -> std::io::Result<()> {
    let out = Arc::new(Mutex::new(stream.try_clone()?));
    let over = Arc::new(AtomicBool::new(false));
    let mut from = BufReader::new(stream);
    let (mut nth, mut playing, mut udp) = (0, false, None);
    loop {
        let mut request = String::new();
        if from.read_line(&mut request)? == 0 {
            over.store(true, SeqCst);
            return Ok(());
        }
        if request.trim().is_empty() {
            continue;
        }
        if request.starts_with('$') {
            // Reports of the other side's; none are sent.
            let _ = from.read(&mut [0; 1])?;
            continue;
        }
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        nth += 1;
        let mut words = request.split_whitespace().map(str::to_owned);
        let ask = Ask {
            method: words.next().unwrap_or_default(),
            uri: words.next().unwrap_or_default(),
            headers,
            nth,
            playing,
        };
        asks.lock().expect("asks").push(ask.clone());
        let wanted = ask.header("transport").to_owned();
        if let Some((_, port)) = wanted.split_once("client_port=") {
            let port = port.split('-').next().and_then(|p| p.parse::<u16>().ok());
            udp = port;
        }
        let (answer, good) = match (whim.answer)(&ask) {
            Answer::Usual => (usual(&ask, udp.is_some()), true),
            Answer::Raw(bytes) => {
                let good = bytes.starts_with(b"RTSP/1.0 2");
                (bytes, good)
            }
            Answer::Nothing => (Vec::new(), true),
        };
        out.lock().expect("out").write_all(&answer)?;
        if ask.method == "PLAY" && good && !playing {
            playing = true;
            let (out, over, sent) = (out.clone(), over.clone(), sent.clone());
            std::thread::spawn(move || drop(pictures(&out, udp, whim, &over, &sent)));
        }
        if ask.method == "TEARDOWN" {
            over.store(true, SeqCst);
        }
    }
}

fn usual(ask: &Ask, udp: bool) -> Vec<u8> {
    let answer = match ask.method.as_str() {
        "DESCRIBE" => ask.answer("200 OK\r\nContent-Type: application/sdp", sdp().as_bytes()),
        "SETUP" if udp => ask.answer(
            "200 OK\r\nSession: 7;timeout=60\r\nTransport: RTP/AVP;unicast;server_port=5012-5013",
            b"",
        ),
        "SETUP" => ask.answer(
            "200 OK\r\nSession: 7;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1",
            b"",
        ),
        _ => ask.answer("200 OK\r\nSession: 7", b""),
    };
    match answer {
        Answer::Raw(bytes) => bytes,
        _ => Vec::new(),
    }
}

fn pictures(
    out: &Mutex<TcpStream>,
    udp: Option<u16>,
    whim: Whim,
    over: &AtomicBool,
    sent: &AtomicU32,
) -> std::io::Result<()> {
    let began = Instant::now();
    let mut seq = 100u16;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    for n in 0u64.. {
        let due = began + Duration::from_millis(n * 1000 / FPS);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if over.load(SeqCst) {
            return Ok(());
        }
        let key = n % GOP == 0;
        let mut picture = vec![if key { 0x65 } else { 0x41 }, 0x88];
        picture.resize(if key { 1_300 } else { 900 }, 0x75);
        let nals: Vec<&[u8]> = if key {
            vec![SPS, PPS, &picture]
        } else {
            vec![&picture]
        };
        for (i, nal) in nals.iter().enumerate() {
            let mark = if i + 1 == nals.len() { 0x80 } else { 0 };
            let mut packet = vec![0x80, 96 | mark];
            packet.extend(seq.to_be_bytes());
            packet.extend((5000 + n as u32 * 3600).to_be_bytes());
            packet.extend(0xabcdu32.to_be_bytes());
            packet.extend(*nal);
            seq = seq.wrapping_add(1);
            (whim.packet)(n, &mut packet);
            match udp {
                Some(port) => drop(socket.send_to(&packet, ("127.0.0.1", port))?),
                None => {
                    let mut framed = vec![b'$', 0];
                    framed.extend((packet.len() as u16).to_be_bytes());
                    framed.extend(packet);
                    out.lock().expect("out").write_all(&framed)?;
                }
            }
        }
        sent.fetch_add(1, SeqCst);
    }
    Ok(())
}

/// Speaks TLS before a camera, with a certificate of its own making.
pub(super) struct TlsFront {
    pub(super) port: u16,
}

impl TlsFront {
    /// At `port`, 0 for any.
    pub(super) fn start(camera: u16, port: u16) -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("certificate");
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.expect("key"))
            .expect("config");
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("port");
        let port = listener.local_addr().expect("address").port();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            runtime.block_on(async move {
                listener.set_nonblocking(true).expect("listener");
                let listener = tokio::net::TcpListener::from_std(listener).expect("listener");
                let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
                while let Ok((stream, _)) = listener.accept().await {
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        let mut near = acceptor.accept(stream).await.ok()?;
                        let far = tokio::net::TcpStream::connect(("127.0.0.1", camera)).await;
                        let mut far = far.ok()?;
                        tokio::io::copy_bidirectional(&mut near, &mut far)
                            .await
                            .ok()
                    });
                }
            });
        });
        Self { port }
    }

    pub(super) fn url(&self) -> Address {
        Address::parse(&format!("rtsps://127.0.0.1:{}/stream", self.port)).expect("url")
    }
}
