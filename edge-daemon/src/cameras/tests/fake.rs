//! Adapter: network. A camera on loopback that plays for ever, and breaks, loses and harms what it is told to.
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use crate::config::Address;

const FPS: u64 = 25;
pub(super) const GOP: u64 = 25;
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x58, 0xba, 0x80,
];
const PPS: &[u8] = &[0x68, 0xce, 0x0f, 0xc8];
/// What an unmasked picture is made of.
/// (Its first bit says that a slice is the first of its picture.)
pub(super) const RAW: u8 = 0xf5;

/// An RTSP camera: real time stamps, real pace, pictures that nothing can decode.
pub(super) struct FakeCamera {
    port: u16,
    pub(super) orders: Arc<Orders>,
}

#[derive(Default)]
pub(super) struct Orders {
    /// Break the connection off.
    pub(super) hang_up: AtomicU32,
    /// Lose so many packets.
    pub(super) lose: AtomicU32,
    /// Harm the next packet: 1 its NAL unit, 2 its RTP header, 3 rubbish before it, 4 a picture that never ends.
    pub(super) harm: AtomicU32,
    pub(super) connections: AtomicU32,
    pub(super) playing: AtomicU32,
    password: bool,
}

impl FakeCamera {
    pub(super) fn start(password: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port");
        let port = listener.local_addr().expect("address").port();
        let orders = Arc::new(Orders {
            password,
            ..Orders::default()
        });
        let theirs = orders.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let orders = theirs.clone();
                orders.connections.fetch_add(1, SeqCst);
                std::thread::spawn(move || drop(serve(stream, port, &orders)));
            }
        });
        Self { port, orders }
    }
    pub(super) fn url(&self) -> Address {
        Address::parse(&format!("rtsp://127.0.0.1:{}/stream", self.port)).expect("url")
    }
}

fn serve(stream: TcpStream, port: u16, orders: &Orders) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let Some(Ok(request)) = lines.next() else {
            return Ok(());
        };
        let mut headers: HashMap<String, String> = HashMap::new();
        while let Some(Ok(line)) = lines.next() {
            let Some((k, v)) = line.split_once(':') else {
                break;
            };
            headers.insert(k.to_ascii_lowercase(), v.trim().to_owned());
        }
        let cseq = headers.get("cseq").cloned().unwrap_or_default();
        let method = request.split(' ').next().unwrap_or_default();
        let mut answer = |head: &str, body: &str| {
            write!(
                out,
                "RTSP/1.0 {head}\r\nCSeq: {cseq}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        if orders.password {
            answer(
                "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"abc\"",
                "",
            )?;
            continue;
        }
        match method {
            "DESCRIBE" => {
                let sdp = format!(
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\n\
                     a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42c01e;sprop-parameter-sets=Z0LAHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aM4PyA==\r\n\
                     a=control:rtsp://127.0.0.1:{port}/stream/0\r\n"
                );
                answer("200 OK\r\nContent-Type: application/sdp", &sdp)?;
            }
            "SETUP" => answer(
                "200 OK\r\nSession: 7;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=0000abcd",
                "",
            )?,
            "PLAY" => {
                answer(
                    "200 OK\r\nSession: 7\r\nRTP-Info: url=rtsp://127.0.0.1/stream/0;seq=100;rtptime=5000",
                    "",
                )?;
                orders.playing.fetch_add(1, SeqCst);
                return stream_pictures(out, orders);
            }
            _ => answer("200 OK\r\nPublic: DESCRIBE, SETUP, PLAY, OPTIONS", "")?,
        }
    }
}

fn stream_pictures(mut out: TcpStream, orders: &Orders) -> std::io::Result<()> {
    let began = Instant::now();
    let mut seq = 100u16;
    for n in 0u64.. {
        std::thread::sleep(
            (began + Duration::from_millis(n * 1000 / FPS))
                .saturating_duration_since(Instant::now()),
        );
        if orders.hang_up.load(SeqCst) > 0 {
            orders.hang_up.fetch_sub(1, SeqCst);
            return Ok(());
        }
        let lost = orders.lose.swap(0, SeqCst);
        seq = seq.wrapping_add(lost as u16);
        match orders.harm.swap(0, SeqCst) {
            0 => {}
            3 => out.write_all(&[0x99; 300])?,
            4 => {
                for fragment in 0u64.. {
                    let mut packet = vec![0x80, 96];
                    packet.extend(seq.to_be_bytes());
                    packet.extend((5000 + n as u32 * 3600).to_be_bytes());
                    packet.extend(0xabcdu32.to_be_bytes());
                    packet.extend([0x7c, if fragment == 0 { 0x85 } else { 0x05 }]);
                    packet.resize(60_000, RAW);
                    out.write_all(&[b'$', 0])?;
                    out.write_all(&(packet.len() as u16).to_be_bytes())?;
                    out.write_all(&packet)?;
                    seq = seq.wrapping_add(1);
                }
            }
            kind => {
                let version = if kind == 2 { 0 } else { 0x80 };
                out.write_all(&[b'$', 0, 0, 14, version, 96])?;
                out.write_all(&seq.to_be_bytes())?;
                out.write_all(&(5000 + n as u32 * 3600).to_be_bytes())?;
                out.write_all(&[0, 0, 0xab, 0xcd, 0xff, 0])?;
                seq = seq.wrapping_add(1);
            }
        }
        let key = n % GOP == 0;
        let mut picture = vec![if key { 0x65 } else { 0x41 }];
        picture.resize(if key { 12_000 } else { 3_000 }, RAW);
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
            out.write_all(&[b'$', 0])?;
            out.write_all(&(packet.len() as u16).to_be_bytes())?;
            out.write_all(&packet)?;
            seq = seq.wrapping_add(1);
        }
    }
    Ok(())
}
