//! Adapter: socket. Hostile cameras: answers that do not end, as far as a connection takes them, and what else one can say to cost the box something.
use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use crate::{Done, Told, dice::Dice};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its first answer has short line after short line in its head.
    Lines,
    /// One line that is never over.
    Line,
    /// A description whose length is not said, without an end.
    Body,
    /// A description that says it is enormous, and keeps its word.
    Announced,
    /// It plays, and then begins an answer of short lines.
    LinesLater,
    /// The same, with its pictures beside it over UDP.
    LinesBeside,
    /// It plays, what it sends makes no sense, and its answer to the session's end is of short lines.
    Goodbye,
    /// It does not play, and answers the end of the session as well.
    Refusal,
    /// It sends on to an address of its own at which nobody is.
    Elsewhere,
    /// It asks for the password in Digest or in Basic, again and again.
    Basic,
    /// A description of 200,000 streams.
    Streams,
    /// A byte of an answer in half a second.
    Drip,
    /// It plays key pictures of noise, fifty a second.
    Noise,
}

/// One camera, on a port of its own, until it is dropped.
pub struct Camera {
    pub port: u16,
    opened: Arc<AtomicUsize>,
    told: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Camera {
    /// # Errors
    /// No port is to be had.
    pub fn start(answer: Answer) -> Done<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).told("a camera's port")?;
        let port = listener.local_addr().told("a camera's port")?.port();
        let opened = Arc::<AtomicUsize>::default();
        let (told, over) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let camera = Self {
            port,
            opened: opened.clone(),
            told: told.clone(),
            over: over.clone(),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Relaxed) {
                    return;
                }
                opened.fetch_add(1, Relaxed);
                let (told, over) = (told.clone(), over.clone());
                // However it ends, the box has closed the connection, or the test is over.
                thread::spawn(move || {
                    let _ = serve(&stream, port, answer, &told, &over);
                });
            }
        });
        Ok(camera)
    }

    pub fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/", self.port)
    }

    /// Whether it was told a password in Basic.
    pub fn was_told(&self) -> bool {
        self.told.load(Relaxed)
    }

    /// Connections so far.
    pub fn opened(&self) -> usize {
        self.opened.load(Relaxed)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Each line is another: they cannot be joined.
fn lines(mut stream: &TcpStream, over: &AtomicBool) -> std::io::Result<()> {
    for n in (0..).step_by(4_000) {
        let lines: String = (n..n + 4_000).map(|n| format!("X-{n}: y\r\n")).collect();
        stream.write_all(lines.as_bytes())?;
        if over.load(Relaxed) {
            break;
        }
    }
    Ok(())
}

fn filled(mut stream: &TcpStream, over: &AtomicBool, with: &[u8]) -> std::io::Result<()> {
    let piece = with.repeat((64 << 10) / with.len());
    while !over.load(Relaxed) {
        stream.write_all(&piece)?;
    }
    Ok(())
}

fn serve(
    mut stream: &TcpStream,
    port: u16,
    answer: Answer,
    told: &AtomicBool,
    over: &AtomicBool,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let field = |name: &str| {
            let lines = head.lines().filter_map(|l| l.split_once(": "));
            let mut found = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name));
            found.next().map_or("", |(_, v)| v)
        };
        let method = head.split(' ').next().unwrap_or_default();
        let status = match (method, answer) {
            ("PLAY", Answer::Refusal) => "500 Internal Server Error",
            (_, Answer::Basic) => "401 Unauthorized",
            (_, Answer::Elsewhere) => "302 Found",
            _ => "200 OK",
        };
        let start = format!("RTSP/1.0 {status}\r\nCSeq: {}\r\n", field("CSeq"));
        stream.write_all(start.as_bytes())?;
        match answer {
            Answer::Goodbye | Answer::Refusal if method == "TEARDOWN" => {
                return lines(stream, over);
            }
            Answer::Lines => return lines(stream, over),
            Answer::Basic => {
                if field("Authorization").starts_with("Basic") {
                    told.store(true, Relaxed);
                }
                let asks = "WWW-Authenticate: Digest realm=\"x\", nonce=\"abc\"\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n";
                stream.write_all(asks.as_bytes())?;
                continue;
            }
            Answer::Elsewhere => {
                // A port that only the system gives out, and has not.
                write!(stream, "Location: rtsp://127.0.0.1:1/elsewhere\r\n\r\n")?;
                continue;
            }
            Answer::Drip => {
                while !over.load(Relaxed) {
                    stream.write_all(b"X")?;
                    thread::sleep(Duration::from_millis(500));
                }
                return Ok(());
            }
            Answer::Line => {
                stream.write_all(b"X-A: ")?;
                return filled(stream, over, b"a");
            }
            _ => {}
        }
        let rest = match method {
            "OPTIONS" => "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n".to_owned(),
            "DESCRIBE" => {
                let kind = "Content-Type: application/sdp\r\n";
                let text = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IAKeKQFAe2AtwEBAaQeJEV,aM48gA==;profile-level-id=420029\r\na=control:track1\r\n";
                match answer {
                    Answer::Streams => {
                        let streams: String = (0..200_000)
                            .map(|n| format!("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:t{n}\r\n"))
                            .collect();
                        let length = text.len() + streams.len();
                        write!(stream, "{kind}Content-Length: {length}\r\n\r\n{text}")?;
                        stream.write_all(streams.as_bytes())?;
                        continue;
                    }
                    Answer::Body | Answer::Announced => {
                        let length = match answer {
                            Answer::Body => "",
                            _ => "Content-Length: 99999999999\r\n",
                        };
                        write!(stream, "{kind}{length}\r\n{text}")?;
                        return filled(stream, over, b"a=x-more:of the same\r\n");
                    }
                    _ => format!(
                        "{kind}Content-Base: rtsp://127.0.0.1:{port}/\r\nContent-Length: {}\r\n\r\n{text}",
                        text.len()
                    ),
                }
            }
            "SETUP" => {
                let beside = field("Transport").split("client_port=").nth(1);
                let carried = match beside.and_then(|p| p.split(['-', ';']).next()?.parse().ok()) {
                    Some(to) => {
                        let pictures = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                        let from = pictures.local_addr()?.port();
                        let done = stream.try_clone()?;
                        thread::spawn(move || beside_it(&pictures, to, &done));
                        format!(
                            "RTP/AVP;unicast;client_port={to}-{};server_port={from}-{}",
                            to + 1,
                            from.wrapping_add(1)
                        )
                    }
                    None => "RTP/AVP/TCP;unicast;interleaved=0-1".to_owned(),
                };
                format!("Session: 1\r\nTransport: {carried}\r\n\r\n")
            }
            "PLAY" if answer != Answer::Refusal => {
                let info = format!(
                    "Session: 1\r\nRTP-Info: url=rtsp://127.0.0.1:{port}/track1;seq=1;rtptime=0\r\n\r\n"
                );
                stream.write_all(info.as_bytes())?;
                if answer == Answer::Goodbye {
                    // The second half of a unit whose first never came, again and again.
                    let piece = [
                        &b"$\0\0\x12"[..],
                        &[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 28, 0x45],
                        &[0; 4],
                    ]
                    .concat();
                    stream.write_all(&piece)?;
                    continue;
                }
                if answer == Answer::Noise {
                    return noise(stream, over);
                }
                stream.write_all(b"RTSP/1.0 200 OK\r\nCSeq: 99\r\n")?;
                return lines(stream, over);
            }
            _ => "Session: 1\r\n\r\n".to_owned(),
        };
        stream.write_all(rest.as_bytes())?;
    }
}

/// A key picture of noise fifty times a second, within the connection.
fn noise(mut stream: &TcpStream, over: &AtomicBool) -> std::io::Result<()> {
    let mut dice = Dice::new(1);
    for n in 1u16.. {
        if over.load(Relaxed) {
            break;
        }
        let mut packet = vec![0x80, 0xe0];
        packet.extend(n.to_be_bytes());
        packet.extend((u32::from(n) * 1_800).to_be_bytes());
        packet.extend(0x1234u32.to_be_bytes());
        packet.push(0x65);
        packet.extend((0..1_200).map(|_| dice.below(256) as u8));
        let length = packet.len() as u16;
        stream.write_all(&[&[b'$', 0][..], &length.to_be_bytes(), &packet].concat())?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A small picture 25 times a second, until the connection is closed.
fn beside_it(socket: &UdpSocket, to: u16, connection: &TcpStream) {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, to));
    for n in 1u16.. {
        if matches!(connection.take_error(), Ok(Some(_)) | Err(_)) {
            return;
        }
        let mut packet = vec![0x80, 0xe0];
        packet.extend(n.to_be_bytes());
        packet.extend((u32::from(n) * 3_600).to_be_bytes());
        packet.extend(0x1234u32.to_be_bytes());
        packet.push(if n % 25 == 1 { 0x65 } else { 0x41 });
        packet.extend([0x9a; 900]);
        if socket.send_to(&packet, to).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(40));
    }
}
