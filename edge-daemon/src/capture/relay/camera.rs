//! Adapter: network. The relay's connection to a camera: one question at a time, and its answer, however it comes.
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    Asked,
    known::Seen,
    login::Login,
    message::{self, FramingError, Message, Reader, Request, Response, answer, request},
    repair::{Repair, Repairs},
    tls::{self, TlsError, Vouched},
    trouble::Trouble,
};

/// To connect; and for one answer.
const CONNECT: Duration = Duration::from_secs(4);
const ANSWER: Duration = Duration::from_secs(6);
/// A body that is announced and does not come, or comes without being announced.
const BODY: Duration = Duration::from_millis(1_500);
const LOOSE: Duration = Duration::from_millis(400);
/// Addresses that are followed, one after the other.
const REDIRECTS: u32 = 3;
/// Read at once, at most.
const READ: usize = 64 << 10;
/// Packets that come before the answer to PLAY are kept up to this.
const EARLY: usize = 1 << 20;

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

pub struct Camera {
    stream: Box<dyn Stream>,
    pub reader: Reader,
    pub peer: IpAddr,
    pub local: IpAddr,
    /// What is asked for: with redirects followed.
    pub url: url::Url,
    login: Login,
    cseq: u32,
    pub session: Option<String>,
    pub repairs: Repairs,
    /// Packets that came between a question and its answer.
    pub early: Vec<(u8, Bytes)>,
    early_bytes: usize,
    /// SHA-256 of its certificate.
    pub certificate: Option<String>,
    /// Answers that are still due to questions that were asked without waiting.
    pub due: Vec<u32>,
    /// It said that it is going.
    pub going: bool,
}

impl Camera {
    /// Connects, with TLS where the address says so.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(asked: &Asked) -> Result<Self, Trouble> {
        let config = &asked.camera;
        let filled = config
            .url
            .filled(config.username.as_deref(), asked.password.as_ref())
            .map_err(|_| Trouble::Address)?;
        let memory = remembered(asked)?;
        let login = Login::new(
            config.username.clone(),
            asked.password.clone(),
            config.basic,
            memory.digest,
        );
        let (stream, peer, local, certificate) = line(asked, filled.reveal()).await?;
        Ok(Self {
            stream,
            reader: Reader::default(),
            peer,
            local,
            url: filled.reveal().clone(),
            login,
            cseq: 0,
            session: None,
            repairs: Repairs::new(),
            early: Vec::new(),
            early_bytes: 0,
            certificate,
            due: Vec::new(),
            going: false,
        })
    }

    /// The other end of the address that is asked for now.
    async fn again(&mut self, asked: &Asked) -> Result<(), Trouble> {
        let (stream, peer, local, certificate) = line(asked, &self.url).await?;
        (self.stream, self.peer, self.local) = (stream, peer, local);
        self.certificate = certificate;
        let repairs = std::mem::take(&mut self.reader.repairs);
        self.repairs.extend(repairs);
        self.reader = Reader::default();
        Ok(())
    }

    /// Reads what has come. False: the camera has closed the connection. Safe to be given up.
    pub async fn read(&mut self) -> io::Result<bool> {
        self.reader.buffer.reserve(READ);
        let mut part = (&mut self.stream).take(READ as u64);
        Ok(part.read_buf(&mut self.reader.buffer).await? > 0)
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = timeout(ANSWER, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        written
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// What DESCRIBE answers, with redirects followed.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn describe(&mut self, asked: &Asked) -> Result<Response, Trouble> {
        for _ in 0..=REDIRECTS {
            let uri = self.url.to_string();
            let accept = [("Accept", "application/sdp")];
            let response = match self.ask("DESCRIBE", &uri, &accept).await {
                // Some close the connection with the question for the password.
                Err(Trouble::Closed) if self.login.begun() => {
                    self.again(asked).await?;
                    self.repairs.insert(Repair::Closed);
                    self.ask("DESCRIBE", &uri, &accept).await?
                }
                other => other?,
            };
            if !(300..400).contains(&response.status) {
                return whole("DESCRIBE", response);
            }
            let moved = self.redirected(&response)?;
            self.repairs.insert(Repair::Redirect);
            let there = |u: &url::Url| (u.scheme() == "rtsps", port(u));
            let elsewhere = there(&moved) != there(&self.url);
            self.url = moved;
            if elsewhere {
                // Of the address only what is no secret.
                let host = self.url.host_str().unwrap_or_default();
                let to = format!("{host}:{}", port(&self.url));
                self.again(asked).await.map_err(|e| match e {
                    Trouble::Connect(e) => Trouble::Moved(to, e),
                    other => other,
                })?;
            }
        }
        Err(Trouble::Circle)
    }

    /// What SETUP answers; where it sends on to another address on this connection, that is asked.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn set_up(
        &mut self,
        control: &mut String,
        transport: &str,
    ) -> Result<Response, Trouble> {
        let wanted = [("Transport", transport)];
        let response = self.ask("SETUP", control, &wanted).await?;
        if !(300..400).contains(&response.status) {
            return Ok(response);
        }
        let moved = self.redirected(&response)?;
        if (moved.scheme(), port(&moved)) != (self.url.scheme(), port(&self.url)) {
            return Err(Trouble::Elsewhere);
        }
        self.repairs.insert(Repair::Redirect);
        *control = moved.to_string();
        self.ask("SETUP", control, &wanted).await
    }

    fn redirected(&self, response: &Response) -> Result<url::Url, Trouble> {
        let location = response.headers.get("Location");
        let location = location.ok_or(Trouble::Refused("DESCRIBE", response.status))?;
        let mut moved = self.url.join(location).map_err(|_| Trouble::Elsewhere)?;
        // Names and passwords in it are none of ours.
        let _ = moved.set_username("");
        let _ = moved.set_password(None);
        let same = moved.host_str().is_some_and(|h| {
            let bare = h.trim_start_matches('[').trim_end_matches(']');
            self.url
                .host_str()
                .is_some_and(|o| o.eq_ignore_ascii_case(h))
                || bare.parse::<IpAddr>().is_ok_and(|ip| ip == self.peer)
        });
        if !same || !matches!(moved.scheme(), "rtsp" | "rtsps") {
            return Err(Trouble::Elsewhere);
        }
        if self.url.scheme() == "rtsps" && moved.scheme() == "rtsp" {
            return Err(Trouble::Downgrade);
        }
        Ok(moved)
    }

    /// Asks, and waits for the answer; the password is told as often as that makes sense.
    ///
    /// # Errors
    /// [`Trouble`]. A refusal is an answer, but for that of the login.
    pub async fn ask(
        &mut self,
        method: &'static str,
        uri: &str,
        headers: &[(&str, &str)],
    ) -> Result<Response, Trouble> {
        self.login.begin();
        loop {
            let cseq = self.send(method, uri, headers).await?;
            let response = timeout(ANSWER, self.answered(cseq, method)).await;
            let response = response.unwrap_or(Err(Trouble::Silent(ANSWER.as_secs())))?;
            if response.status != 401 {
                return Ok(response);
            }
            self.challenged(&response)?;
        }
    }

    /// The answer was 401: whether the question is to be asked again.
    ///
    /// # Errors
    /// [`Trouble::Login`].
    pub fn challenged(&mut self, response: &Response) -> Result<(), Trouble> {
        let challenge = response.headers.all("WWW-Authenticate");
        let renewed = self
            .login
            .challenged(challenge.as_deref().unwrap_or(""))
            .map_err(Trouble::Login)?;
        if renewed {
            self.repairs.insert(Repair::Nonce);
        }
        if self.login.in_basic() {
            self.repairs.insert(Repair::Basic);
        }
        Ok(())
    }

    /// Asks without waiting for the answer. Its number.
    ///
    /// # Errors
    /// [`Trouble::Closed`].
    pub async fn send(
        &mut self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
    ) -> Result<u32, Trouble> {
        self.cseq = self.cseq.wrapping_add(1);
        let authorization = self.login.header(method, uri);
        let mut all = headers.to_vec();
        if let Some(value) = &authorization {
            all.push(("Authorization", value));
        }
        let session = self.session.clone();
        if let Some(session) = &session {
            all.push(("Session", session));
        }
        let bytes = request(method, uri, self.cseq, &all);
        self.write(&bytes).await.map_err(|_| Trouble::Closed)?;
        Ok(self.cseq)
    }

    /// An answer that is not 401 has come to something that was asked. True: that the camera knows Digest is to be remembered.
    pub fn accepted(&mut self, response: &Response) -> bool {
        let info = response.headers.get("Authentication-Info");
        let info = info.map(|i| http_auth::challenges(&format!("Info {i}")));
        let nonce = info.as_ref().and_then(|i| i.first()?.get("nextnonce"));
        self.login.answered(nonce)
    }

    async fn answered(&mut self, cseq: u32, method: &str) -> Result<Response, Trouble> {
        let mut until = None;
        loop {
            let message = match self.reader.next().map_err(Trouble::Framing)? {
                Some(message) => Some(message),
                None if until.is_some_and(|u| Instant::now() >= u) => self.reader.cut(),
                None => None,
            };
            match message {
                Some(Message::Data(channel, packet)) => self.keep(channel, packet),
                Some(Message::Request(request)) => self.asked(&request).await?,
                // The answer is under way.
                Some(Message::Response(response)) if response.status < 200 => {
                    self.repairs.insert(Repair::Interim);
                }
                Some(Message::Response(response)) => {
                    if self.is_for(cseq, &response) {
                        return self.with_body(response, method).await;
                    }
                }
                None => {
                    if self.reader.waits_for_body() && until.is_none() {
                        until = Some(Instant::now() + BODY);
                    }
                    let left =
                        until.map_or(ANSWER, |u| u.saturating_duration_since(Instant::now()));
                    match timeout(left, self.read()).await {
                        Err(_) => {}
                        Ok(Ok(true)) => {}
                        Ok(Ok(false) | Err(_)) if self.reader.waits_for_body() => {
                            if let Some(Message::Response(response)) = self.reader.cut() {
                                return Ok(response);
                            }
                            return Err(Trouble::Closed);
                        }
                        Ok(_) => return Err(Trouble::Closed),
                    }
                }
            }
        }
    }

    /// An answer that names the question, or none; one that is still due to another is that one's.
    fn is_for(&mut self, cseq: u32, response: &Response) -> bool {
        let number = response.headers.get("CSeq");
        let number = number.and_then(|n| n.trim().parse::<u32>().ok());
        if number == Some(cseq) {
            return true;
        }
        if let Some(due) = number
            && let Some(at) = self.due.iter().position(|d| *d == due)
        {
            self.due.remove(at);
            return false;
        }
        self.repairs.insert(Repair::Number);
        true
    }

    /// A description whose length was not said, or too short, is taken as far as it goes.
    async fn with_body(
        &mut self,
        mut response: Response,
        method: &str,
    ) -> Result<Response, Trouble> {
        let described = method == "DESCRIBE" && response.status == 200;
        if !described {
            return Ok(response);
        }
        if !response.measured {
            while let Ok(Ok(true)) = timeout(LOOSE, self.read()).await {
                if self.reader.buffer.len() > message::BODY {
                    return Err(Trouble::Framing(FramingError::Body));
                }
            }
        }
        let more = self.reader.loose();
        if !more.is_empty() {
            response.body = [response.body, more].concat().into();
        }
        Ok(response)
    }

    /// A packet before the answer to PLAY; past a limit they are let go.
    pub fn keep(&mut self, channel: u8, packet: Bytes) {
        self.early_bytes += packet.len();
        if self.early_bytes <= EARLY {
            self.early.push((channel, packet));
        }
    }

    /// Questions of the camera's are answered politely.
    ///
    /// # Errors
    /// [`Trouble::Closed`].
    pub async fn asked(&mut self, request: &Request) -> Result<(), Trouble> {
        self.repairs.insert(Repair::Asks);
        let (status, headers): (u16, &[(&str, &str)]) = match request.method.as_str() {
            "OPTIONS" => (
                200,
                &[("Public", "OPTIONS, ANNOUNCE, GET_PARAMETER, SET_PARAMETER")],
            ),
            "ANNOUNCE" | "GET_PARAMETER" | "SET_PARAMETER" => (200, &[]),
            "REDIRECT" | "TEARDOWN" => {
                self.going = true;
                (200, &[])
            }
            _ => (501, &[]),
        };
        let bytes = answer(status, request.headers.get("CSeq"), headers, "");
        self.write(&bytes).await.map_err(|_| Trouble::Closed)
    }

    /// All repairs so far.
    pub fn repaired(&self) -> Repairs {
        &self.repairs | &self.reader.repairs
    }
}

/// The answer, if it is one.
///
/// # Errors
/// [`Trouble::Refused`].
pub fn whole(what: &'static str, response: Response) -> Result<Response, Trouble> {
    if (200..300).contains(&response.status) {
        Ok(response)
    } else {
        Err(Trouble::Refused(what, response.status))
    }
}

fn port(url: &url::Url) -> u16 {
    url.port()
        .unwrap_or(if url.scheme() == "rtsps" { 322 } else { 554 })
}

fn remembered(asked: &Asked) -> Result<super::known::Memory, Trouble> {
    asked.known.read(&asked.camera.id).map_err(|e| {
        Trouble::Memory(format!(
            "what the box remembers of this camera's certificate and login (cameras/{}.json in its state folder) cannot be read: {e}. Nothing is told to the camera until it can be; if the file is damaged, remove it",
            asked.camera.id
        ))
    })
}

async fn line(
    asked: &Asked,
    url: &url::Url,
) -> Result<(Box<dyn Stream>, IpAddr, IpAddr, Option<String>), Trouble> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = timeout(CONNECT, TcpStream::connect((host, port(url)))).await;
    let stream = stream
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(Trouble::Connect)?;
    let _ = stream.set_nodelay(true);
    let end = |a: io::Result<SocketAddr>| a.map(|a| a.ip()).map_err(Trouble::Connect);
    let (peer, local) = (end(stream.peer_addr())?, end(stream.local_addr())?);
    if url.scheme() != "rtsps" {
        return Ok((Box::new(stream), peer, local, None));
    }
    let mut memory = remembered(asked)?;
    let vouched = match &asked.camera.tls_ca {
        Some(path) => {
            Vouched::By(tls::roots(path).map_err(|e| Trouble::Certificate(format!("tls_ca: {e}")))?)
        }
        None => Vouched::Pinned(memory.accepted.as_ref().map(|s| s.sha256.clone())),
    };
    let pinned = matches!(vouched, Vouched::Pinned(_));
    let first = pinned && memory.accepted.is_none();
    let made = timeout(ANSWER, tls::connect(stream, host, vouched)).await;
    let made = made.map_err(|_| Trouble::Silent(ANSWER.as_secs()))?;
    let at = asked.wall;
    let write = |memory: &super::known::Memory| {
        asked.known.write(&asked.camera.id, memory).map_err(|e| {
            Trouble::Memory(format!(
                "the camera's certificate cannot be remembered: {e}"
            ))
        })
    };
    match made {
        Ok((stream, shown)) => {
            let refused = pinned && memory.refused.take().is_some();
            if first {
                let sha256 = shown.clone();
                memory.accepted = Some(Seen { sha256, at });
            }
            if first || refused {
                write(&memory)?;
            }
            Ok((Box::new(stream), peer, local, Some(shown)))
        }
        Err(TlsError::Changed { shown }) => {
            let accepted = memory.accepted.as_ref().map_or("", |s| s.sha256.as_str());
            let words = format!(
                "it shows another certificate (SHA-256 {}) than the one that was accepted ({}): no password was told. If the camera was reset or replaced, accept it: beadle-edge camera accept {}",
                grouped(&shown),
                grouped(accepted),
                asked.camera.id
            );
            if memory.refused.as_ref().is_none_or(|r| r.sha256 != shown) {
                memory.refused = Some(Seen { sha256: shown, at });
                write(&memory)?;
            }
            Err(Trouble::Certificate(words))
        }
        Err(e @ TlsError::NotVouched(_)) => Err(Trouble::Certificate(e.to_string())),
        Err(e) => Err(Trouble::Tls(e.to_string())),
    }
}

/// A digest as people compare it: its first and last bytes would do, all are there.
pub fn grouped(hex: &str) -> String {
    let pairs: Vec<&str> = (0..hex.len() / 2)
        .filter_map(|n| hex.get(2 * n..2 * n + 2))
        .collect();
    pairs.join(":").to_uppercase()
}
