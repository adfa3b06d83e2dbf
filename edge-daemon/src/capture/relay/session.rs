//! Task. The relay at work: what retina asks is asked of the camera, and what the camera sends goes on as retina wants it.
use std::{io, net::IpAddr, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    Asked, Link,
    camera::Camera,
    headers,
    keepalive::Keepalive,
    message::{Message, Reader, Request, Response, answer, data},
    repair::{Repair, Repairs},
    rtp::{self, Reorder},
    sdp,
    trouble::Trouble,
    udp::{Datagram, Pair},
};
use crate::config::Transport;

/// Goodbye: the camera has this long to answer.
const GOODBYE: Duration = Duration::from_millis(400);
/// Packets of other sessions are spoken of this often.
const FOREIGN: Duration = Duration::from_secs(60);
/// While packets wait for one that was overtaken.
const ORDER: Duration = Duration::from_millis(150);
/// Datagrams taken between two looks at everything else.
const AT_ONCE: usize = 64;
const READ: usize = 64 << 10;

/// One of the camera's streams.
struct Track {
    /// Its address at the camera.
    control: String,
    payload_type: u8,
    stream: rtp::Stream,
    /// Channels of its packets; those of its reports are the next.
    theirs: Option<u8>,
    ours: Option<u8>,
    udp: Option<Udp>,
    heard: bool,
}

struct Udp {
    pair: Pair,
    /// Addresses its packets may come from.
    from: Vec<IpAddr>,
    announced: Option<u16>,
    reorder: Reorder,
}

pub(super) struct Session {
    asked: Asked,
    link: Link,
    retina: TcpStream,
    reader: Reader,
    camera: Option<Camera>,
    /// Address of all streams together.
    base: String,
    control: String,
    tracks: Vec<Track>,
    playing: bool,
    keepalive: Keepalive,
    out: Vec<u8>,
    repairs: Repairs,
    began: Instant,
    spoke_of_foreign: Instant,
}

/// What is next.
enum Event {
    Retina(io::Result<usize>),
    Camera(io::Result<bool>),
    Datagram(usize, Datagram),
    Time,
}

impl Session {
    pub(super) fn new(asked: Asked, link: Link, retina: TcpStream, reader: Reader) -> Self {
        let keepalive = Keepalive::new(link.keepalive.get());
        let now = Instant::now();
        Self {
            asked,
            link,
            retina,
            reader,
            camera: None,
            base: String::new(),
            control: String::new(),
            tracks: Vec::new(),
            playing: false,
            keepalive,
            out: Vec::new(),
            repairs: Repairs::new(),
            began: now,
            spoke_of_foreign: now,
        }
    }

    /// To its end, which is the camera's or retina's.
    pub(super) async fn run(mut self) {
        if let Err(trouble) = self.serve().await {
            self.link.failed(trouble.outcome());
        }
        self.tell();
        // Until the camera has described itself there is nothing to leave.
        if let Some(camera) = &mut self.camera
            && !camera.going
            && !self.control.is_empty()
        {
            let _ = timeout(GOODBYE, camera.send("TEARDOWN", &self.control, &[])).await;
        }
    }

    async fn serve(&mut self) -> Result<(), Trouble> {
        loop {
            while let Some(message) = self.reader.next().map_err(Trouble::Framing)? {
                if let Message::Request(request) = message
                    && !self.request(&request).await?
                {
                    return Ok(());
                }
            }
            self.flush().await?;
            match self.next().await {
                Event::Retina(Ok(n)) if n > 0 => {}
                Event::Retina(_) => return Ok(()),
                Event::Camera(read) => {
                    if !matches!(read, Ok(true)) {
                        return Err(self.closed());
                    }
                    self.hear_camera().await?;
                }
                Event::Datagram(track, datagram) => self.datagrams(track, datagram).await,
                Event::Time => self.due().await?,
            }
            self.link.turn.moved();
            self.tell();
        }
    }

    async fn next(&mut self) -> Event {
        self.reader.buffer.reserve(4 << 10);
        let waits = |t: &Track| t.udp.as_ref().is_some_and(|u| u.reorder.waits());
        let until = if self.tracks.iter().any(waits) {
            Instant::now() + ORDER
        } else if self.playing {
            self.keepalive.due()
        } else {
            Instant::now() + Duration::from_secs(60)
        };
        let (retina, reader) = (&mut self.retina, &mut self.reader);
        let (camera, tracks) = (&mut self.camera, &mut self.tracks);
        let camera = async {
            match camera {
                Some(camera) => camera.read().await,
                None => std::future::pending().await,
            }
        };
        let datagram = std::future::poll_fn(|cx| {
            for (i, track) in tracks.iter_mut().enumerate() {
                if let Some(udp) = &mut track.udp
                    && let std::task::Poll::Ready(datagram) = udp.pair.poll(cx)
                {
                    return std::task::Poll::Ready((i, datagram));
                }
            }
            std::task::Poll::Pending
        });
        tokio::select! {
            biased;
            read = retina.read_buf(&mut reader.buffer) => Event::Retina(read),
            read = camera => Event::Camera(read),
            (i, datagram) = datagram => Event::Datagram(i, datagram),
            () = tokio::time::sleep_until(until) => Event::Time,
        }
    }

    /// What retina asks. False: it says goodbye.
    async fn request(&mut self, request: &Request) -> Result<bool, Trouble> {
        let result = match request.method.as_str() {
            "DESCRIBE" => self.describe().await,
            "SETUP" => self.setup(request).await,
            "PLAY" => self.play().await,
            "TEARDOWN" => {
                self.teardown().await;
                self.say(200, request, &[], "").await?;
                return Ok(false);
            }
            _ => Ok(Told::default()),
        };
        match result {
            Ok(told) => {
                let headers: Vec<(&str, &str)> =
                    told.headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
                self.say(told.status, request, &headers, &told.body).await?;
                if self.playing {
                    self.early();
                }
                Ok(true)
            }
            Err(trouble) => {
                self.link.failed(trouble.outcome());
                self.say(trouble.status(), request, &[], "").await?;
                // It goes away by itself, with the answer.
                Ok(true)
            }
        }
    }

    async fn say(
        &mut self,
        status: u16,
        request: &Request,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(), Trouble> {
        let bytes = answer(status, request.headers.get("CSeq"), headers, body);
        self.out.extend(bytes);
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Trouble> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = self.retina.write_all(&self.out).await;
        self.out.clear();
        if self.out.capacity() > 1 << 20 {
            self.out.shrink_to(READ);
        }
        written.map_err(Trouble::Here)
    }

    async fn describe(&mut self) -> Result<Told, Trouble> {
        let mut camera = Camera::open(&self.asked).await?;
        let described = camera.describe(&self.asked).await;
        let camera = self.camera.insert(camera);
        self.link.certificate(camera.certificate.as_deref());
        let response = described?;
        if camera.accepted(&response) {
            self.asked.remember_digest();
        }
        let asked_for = camera.url.to_string();
        let kind = response.headers.get("Content-Type").unwrap_or("");
        if !kind.is_empty() && kind != "application/sdp" {
            self.repairs.insert(Repair::ContentType);
        }
        self.base = headers::base(&response, &asked_for, &mut self.repairs);
        let description = sdp::read(&response.body);
        self.repairs.extend(&description.repairs);
        if description.tracks.is_empty() {
            return Err(Trouble::NoStream);
        }
        self.control = headers::joined(&self.base, description.control.as_deref());
        self.tracks = description
            .tracks
            .iter()
            .map(|offer| Track {
                control: offer.control.as_deref().map_or_else(
                    || self.control.clone(),
                    |c| headers::joined(&self.base, Some(c)),
                ),
                payload_type: offer.payload_type,
                stream: rtp::Stream::new(offer.rate(), None).of_pictures(offer.media == "video"),
                theirs: None,
                ours: None,
                udp: None,
                heard: false,
            })
            .collect();
        Ok(Told {
            headers: vec![
                ("Content-Type", "application/sdp".into()),
                ("Content-Base", self.link.url.to_string()),
            ],
            body: description.written(),
            ..Told::default()
        })
    }

    async fn setup(&mut self, request: &Request) -> Result<Told, Trouble> {
        let number = request.uri.rsplit("track").next();
        let number = number.and_then(|n| n.parse::<usize>().ok());
        let ours = request.headers.get("Transport");
        let ours = ours.and_then(|t| headers::Transport::read(t).channel);
        let (Some(number), Some(camera)) = (number, &mut self.camera) else {
            return Ok(Told::refused(455));
        };
        let Some(track) = self.tracks.get_mut(number) else {
            return Ok(Told::refused(404));
        };
        let proposed = u8::try_from(number * 2).unwrap_or(0);
        let pair = match self.asked.camera.transport {
            Transport::Tcp => None,
            Transport::Udp => Some(Pair::bind(camera.local).await.map_err(Trouble::Here)?),
        };
        let transport = match &pair {
            None => format!(
                "RTP/AVP/TCP;unicast;interleaved={proposed}-{}",
                proposed + 1
            ),
            Some(pair) => format!(
                "RTP/AVP;unicast;client_port={}-{}",
                pair.port,
                pair.port + 1
            ),
        };
        let response = camera.set_up(&mut track.control, &transport).await?;
        if !(200..300).contains(&response.status) {
            return Ok(Told::refused(response.status));
        }
        if camera.accepted(&response) {
            self.asked.remember_digest();
        }
        if camera.session.is_none() {
            let header = response.headers.get("Session");
            camera.session = self.keepalive.session(header, &mut self.repairs);
        }
        let said = response.headers.get("Transport");
        let said = said.map(headers::Transport::read).unwrap_or_default();
        track.stream = track.stream.anew(said.ssrc);
        track.ours = ours;
        match pair {
            None => {
                if said.channel.is_none() {
                    self.repairs.insert(Repair::Transport);
                }
                track.theirs = Some(said.channel.unwrap_or(proposed));
            }
            Some(pair) => {
                let mut from = vec![camera.peer];
                from.extend(said.source);
                match said.server_port {
                    Some(port) => pair.knock(said.source.unwrap_or(camera.peer), port).await,
                    None => {
                        self.repairs.insert(Repair::Transport);
                    }
                }
                track.udp = Some(Udp {
                    pair,
                    from,
                    announced: said.server_port,
                    reorder: Reorder::default(),
                });
            }
        }
        let ours = ours.unwrap_or(0);
        let transport = format!(
            "RTP/AVP/TCP;unicast;interleaved={ours}-{}",
            ours.saturating_add(1)
        );
        Ok(Told {
            headers: vec![("Session", "1;timeout=60".into()), ("Transport", transport)],
            ..Told::default()
        })
    }

    async fn play(&mut self) -> Result<Told, Trouble> {
        let Some(camera) = &mut self.camera else {
            return Ok(Told::refused(455));
        };
        let uri = self.control.clone();
        let mut asked = camera.ask("PLAY", &uri, &[("Range", "npt=0.000-")]).await;
        if matches!(&asked, Ok(r) if r.status == 457) {
            self.repairs.insert(Repair::Range);
            asked = camera.ask("PLAY", &uri, &[]).await;
        }
        match asked {
            // It plays, and does not say so.
            Err(Trouble::Silent(_)) if !camera.early.is_empty() => {
                self.repairs.insert(Repair::Early);
            }
            Err(trouble) => return Err(trouble),
            Ok(response) if !(200..300).contains(&response.status) => {
                return Ok(Told::refused(response.status));
            }
            Ok(response) => {
                if camera.accepted(&response) {
                    self.asked.remember_digest();
                }
            }
        }
        self.playing = true;
        self.keepalive.begin();
        Ok(Told {
            headers: vec![("Session", "1;timeout=60".into())],
            ..Told::default()
        })
    }

    /// What came before the answer to PLAY.
    fn early(&mut self) {
        let Some(camera) = &mut self.camera else {
            return;
        };
        let early = std::mem::take(&mut camera.early);
        if !early.is_empty() {
            self.repairs.insert(Repair::Early);
        }
        for (channel, packet) in early {
            self.packet(channel, packet);
        }
    }

    async fn teardown(&mut self) {
        let uri = self.control.clone();
        if let Some(camera) = &mut self.camera
            && !uri.is_empty()
            && !std::mem::replace(&mut camera.going, true)
        {
            let _ = timeout(GOODBYE, camera.ask("TEARDOWN", &uri, &[])).await;
        }
    }

    /// The camera has closed the connection.
    fn closed(&mut self) -> Trouble {
        if let Some(next) = self.keepalive.closed_by() {
            self.repairs.insert(Repair::Keepalive);
            self.link.keepalive.set(next);
        }
        Trouble::Closed
    }

    async fn hear_camera(&mut self) -> Result<(), Trouble> {
        while let Some(camera) = &mut self.camera {
            let Some(message) = camera.reader.next().map_err(Trouble::Framing)? else {
                break;
            };
            match message {
                Message::Data(channel, packet) if self.playing => self.packet(channel, packet),
                Message::Data(channel, packet) => camera.keep(channel, packet),
                Message::Request(request) => {
                    camera.asked(&request).await?;
                    if camera.going {
                        return Err(Trouble::Closed);
                    }
                }
                Message::Response(response) => self.answered(&response).await?,
            }
        }
        Ok(())
    }

    /// An answer nobody waits for: that of a keepalive.
    async fn answered(&mut self, response: &Response) -> Result<(), Trouble> {
        let Some(camera) = self.camera.as_mut().filter(|_| response.status >= 200) else {
            return Ok(());
        };
        if response.status == 401 {
            self.repairs.insert(Repair::Keepalive);
            // Whether the login still holds is seen at the next session; while pictures come this is no end.
            if camera.challenged(response).is_err() {
                return Ok(());
            }
            self.keepalive.again();
            return self.alive().await;
        }
        camera.accepted(response);
        if self.keepalive.answered(response, &mut self.repairs) {
            return self.alive().await;
        }
        Ok(())
    }

    async fn alive(&mut self) -> Result<(), Trouble> {
        let Some(camera) = &mut self.camera else {
            return Ok(());
        };
        let method = self.keepalive.method();
        let sent = camera.send(method, &self.base, &[]).await?;
        self.keepalive.sent(sent);
        Ok(())
    }

    async fn due(&mut self) -> Result<(), Trouble> {
        let now = self.mono_ms();
        for i in 0..self.tracks.len() {
            let mut ordered = Vec::new();
            if let Some(udp) = self.tracks.get_mut(i).and_then(|t| t.udp.as_mut()) {
                udp.reorder.expire(now, &mut |p| ordered.push(p));
            }
            for packet in ordered {
                self.ordered(i, packet);
            }
        }
        if self.playing && self.keepalive.due() <= Instant::now() {
            if self.keepalive.unanswered() {
                self.repairs.insert(Repair::Keepalive);
            }
            self.alive().await?;
        }
        Ok(())
    }

    fn mono_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0)
    }

    /// A packet within the connection.
    fn packet(&mut self, channel: u8, packet: Bytes) {
        let of = |t: &Track| {
            t.theirs
                .is_some_and(|c| channel == c || channel == c.wrapping_add(1))
        };
        let found = self.tracks.iter().position(of);
        let found = found.or_else(|| self.unannounced(channel, &packet));
        let Some(i) = found else {
            return;
        };
        if rtp::is_report(&packet) {
            self.report(i, channel, &packet);
        } else if self.tracks.get(i).and_then(|t| t.theirs) == Some(channel) {
            self.ordered(i, packet);
        }
    }

    /// A channel nobody named: that of a stream that is not heard on its own, if its type fits.
    fn unannounced(&mut self, channel: u8, packet: &[u8]) -> Option<usize> {
        let head = rtp::header(packet).filter(|_| !rtp::is_report(packet))?;
        let silent = |t: &Track| {
            t.ours.is_some() && t.udp.is_none() && !t.heard && t.payload_type == head.payload_type
        };
        let i = self.tracks.iter().position(silent)?;
        self.tracks.get_mut(i)?.theirs = Some(channel);
        self.repairs.insert(Repair::Transport);
        Some(i)
    }

    fn ordered(&mut self, i: usize, packet: Bytes) {
        let now = self.mono_ms();
        let Some(track) = self.tracks.get_mut(i) else {
            return;
        };
        track.heard = true;
        let (out, ours) = (&mut self.out, track.ours.unwrap_or(0));
        track
            .stream
            .packet(packet, now, &mut |p| data(ours, &p, out));
    }

    fn report(&mut self, i: usize, channel: u8, packet: &[u8]) {
        let Some(track) = self.tracks.get_mut(i) else {
            return;
        };
        if track.theirs == Some(channel) {
            self.repairs.insert(Repair::Reports);
        }
        if let Some(report) = track.stream.report(packet) {
            let ours = track.ours.unwrap_or(0).saturating_add(1);
            data(ours, &report, &mut self.out);
        }
    }

    async fn datagrams(&mut self, first: usize, datagram: Datagram) {
        self.datagram(first, datagram);
        for _ in 1..AT_ONCE {
            let mut more = None;
            for (i, track) in self.tracks.iter_mut().enumerate() {
                let Some(udp) = &mut track.udp else { continue };
                let polled = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(match udp.pair.poll(cx) {
                        std::task::Poll::Ready(d) => Some(d),
                        std::task::Poll::Pending => None,
                    })
                });
                if let Some(datagram) = polled.await {
                    more = Some((i, datagram));
                    break;
                }
            }
            let Some((i, datagram)) = more else { return };
            self.datagram(i, datagram);
        }
    }

    fn datagram(&mut self, i: usize, datagram: Datagram) {
        let (now, playing) = (self.mono_ms(), self.playing);
        let Some(track) = self.tracks.get_mut(i) else {
            return;
        };
        let Some(udp) = &mut track.udp else { return };
        // Anybody can send a datagram; the camera's come from its own address.
        if !playing || !udp.from.contains(&datagram.from.ip().to_canonical()) {
            return;
        }
        let usual =
            |p: u16| datagram.from.port() == p || datagram.report && datagram.from.port() == p + 1;
        if udp.announced.is_some_and(|p| !usual(p)) {
            self.repairs.insert(Repair::Port);
        }
        if rtp::is_report(&datagram.bytes) {
            let channel = track.theirs.unwrap_or(0).wrapping_add(1);
            return self.report(i, channel, &datagram.bytes);
        }
        let mut ordered = Vec::new();
        udp.reorder
            .push(datagram.bytes, now, &mut |p| ordered.push(p));
        for packet in ordered {
            self.ordered(i, packet);
        }
    }

    /// What is new about this session goes where it is asked for.
    fn tell(&mut self) {
        let mut all = self.repairs.clone();
        if let Some(camera) = &self.camera {
            all.extend(camera.repaired());
        }
        for track in &self.tracks {
            all.extend(&track.stream.repairs);
            if let Some(udp) = &track.udp {
                all.extend(&udp.reorder.repairs);
            }
        }
        self.link.repaired(&all);
        if self.spoke_of_foreign.elapsed() >= FOREIGN {
            self.spoke_of_foreign = Instant::now();
            let tracks = self.tracks.iter_mut();
            let packets: u32 = tracks.map(|t| t.stream.foreign()).sum();
            if packets > 0 {
                tracing::warn!(camera = %self.asked.camera.id, packets, "packets of another session came in this one, and were left out");
            }
        }
    }
}

/// What retina is told.
struct Told {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

impl Told {
    fn refused(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}
