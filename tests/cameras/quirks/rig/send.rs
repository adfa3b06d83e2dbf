//! Adapter: sockets, clock. Pictures as RTP packets (RFC 6184, RFC 7798), each sent when it is due.
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use beadle_tests::{Done, wait};

use super::{
    camera::{Flow, Second, Sent},
    stream::{self, Codec},
    talk::{Carrier, Line, Track},
};

#[derive(Clone)]
pub struct Packet {
    pub payload: Vec<u8>,
    pub marker: bool,
    /// Another time stamp than the picture's, in ticks since the session's first picture.
    pub ticks: Option<i64>,
    pub payload_type: Option<u8>,
    /// Another source's packet: its SSRC and sequence number; the camera's own numbers go on without it.
    pub foreign: Option<(u32, u16)>,
}

impl Packet {
    pub fn new(payload: Vec<u8>) -> Self {
        Self {
            payload,
            marker: false,
            ticks: None,
            payload_type: None,
            foreign: None,
        }
    }
}

/// RTP payloads of one NAL unit: itself, or fragments of at most `largest` bytes.
pub fn fragments(codec: Codec, nal: &[u8], largest: usize) -> Vec<Vec<u8>> {
    if nal.len() <= largest {
        return vec![nal.to_vec()];
    }
    let (head, body): (Vec<u8>, &[u8]) = match codec {
        Codec::H264 => (vec![nal[0] & 0xe0 | 28], &nal[1..]),
        Codec::H265 => (vec![nal[0] & 0x81 | 49 << 1, nal[1]], &nal[2..]),
    };
    let kind = codec.kind(nal);
    let parts: Vec<&[u8]> = body.chunks(largest - 3).collect();
    let last = parts.len() - 1;
    let part = |(n, part): (usize, &&[u8])| {
        let edges = u8::from(n == 0) << 7 | u8::from(n == last) << 6;
        [&head, &[edges | kind][..], part].concat()
    };
    parts.iter().enumerate().map(part).collect()
}

/// A session's pictures under way.
pub struct Sending {
    pub line: Arc<Line>,
    pub tracks: [Track; 2],
    /// Number of the session, from 1.
    pub session: u32,
    began: Instant,
    began_ms: i64,
    sounds: u32,
    reported: Option<Instant>,
    /// Bytes for the connection that are not written yet.
    held: Vec<u8>,
}

impl Sending {
    pub fn new(line: Arc<Line>, tracks: [Track; 2]) -> Self {
        let session = {
            let mut seen = line.post.seen();
            seen.plays += 1;
            seen.plays
        };
        Self {
            line,
            tracks,
            session,
            began: Instant::now(),
            began_ms: wait::now().0,
            sounds: 0,
            reported: None,
            held: Vec::new(),
        }
    }

    pub fn run(mut self) {
        let end = self.pictures().unwrap_or_else(|e| e.to_string());
        self.line.end();
        self.line.post.seen().ends.push(end);
    }

    /// Says why it ended.
    fn pictures(&mut self) -> Done<String> {
        let post = Arc::clone(&self.line.post);
        let script = &post.script;
        let mut ticks = 0;
        for number in 0.. {
            let due = match &script.dues {
                Some(dues) => dues(number),
                None => number as f64 / script.per_second,
            };
            loop {
                if self.line.over() {
                    return Ok("the viewer left".into());
                }
                if self.line.timed_out() {
                    return Ok("the viewer was silent for too long".into());
                }
                let left = Duration::from_secs_f64(due).saturating_sub(self.began.elapsed());
                if left.is_zero() {
                    break;
                }
                thread::sleep(left.min(Duration::from_millis(250)));
            }
            let flow = script
                .before
                .as_ref()
                .map_or(Flow::Send, |before| before(self, number));
            if flow == Flow::End {
                return Ok("the camera left".into());
            }
            if flow == Flow::Skip {
                continue;
            }
            let (stream, unit) = post.picture(number)?;
            let place = number as i64 + stream.shown[unit] as i64 - unit as i64;
            let usual = match &script.dues {
                Some(_) => (due * 90_000.0) as i64,
                None => (place as f64 * 90_000.0 / script.per_second).round() as i64,
            };
            ticks = script
                .stamps
                .as_ref()
                .map_or(usual, |stamps| stamps(self.session, number, usual));
            self.report(ticks)?;
            let mut nals = stream.units[unit].nals.clone();
            if !script.in_band {
                nals.retain(|n| !stream.codec.is_parameters(n));
            }
            if let Some(units) = &script.units {
                nals = units(number, stream.codec, nals);
            }
            let mut packets: Vec<Packet> = nals
                .iter()
                .flat_map(|n| fragments(stream.codec, n, script.largest))
                .map(Packet::new)
                .collect();
            if let Some(last) = packets.last_mut() {
                last.marker = true;
            }
            if let Some(change) = &script.packets {
                packets = change(number, stream.codec, packets);
            }
            for packet in packets {
                if flow == Flow::Lose {
                    self.tracks[0].seq = self.tracks[0].seq.wrapping_add(1);
                } else {
                    self.send(packet, ticks)?;
                }
            }
            self.sound()?;
            self.flush()?;
            if flow == Flow::Send {
                let sent = Sent {
                    session: self.session,
                    number,
                    due_ms: self.began_ms + (due * 1000.0) as i64,
                    gone_ms: wait::now().0,
                    hash: stream::hash(stream.codec, nals.iter().map(Vec::as_slice)),
                    mark: stream.shown[unit] as u8,
                    reorder_ms: match stream.reorders() {
                        true => (3_000.0 / script.per_second) as i64,
                        false => 0,
                    },
                    opens: stream.units[unit].opens,
                };
                post.seen().sent.push(sent);
            }
        }
        Ok(format!("no more pictures after {ticks} ticks"))
    }

    /// One packet of the pictures, `ticks` after the session's first.
    pub fn send(&mut self, packet: Packet, ticks: i64) -> Done<()> {
        let kind = packet
            .payload_type
            .unwrap_or(self.line.post.script.payload_type);
        let stamp = packet.ticks.unwrap_or(ticks);
        let track = &mut self.tracks[0];
        let (ssrc, seq) = packet.foreign.unwrap_or((track.ssrc, track.seq));
        if packet.foreign.is_none() {
            track.seq = track.seq.wrapping_add(1);
        }
        let stamp = track.first.wrapping_add(stamp as u32);
        let mut bytes = rtp(kind, packet.marker, seq, stamp, ssrc, &packet.payload);
        if self.line.post.script.padded {
            bytes[0] |= 0x30;
            bytes.splice(12..12, [0xab, 0xac, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
            bytes.extend([0, 0, 0, 4]);
        }
        self.carry(0, false, &bytes)
    }

    /// Bytes to the viewer, as the track is carried.
    pub fn carry(&mut self, track: usize, control: bool, bytes: &[u8]) -> Done<()> {
        match &self.tracks[track].carrier {
            Some(Carrier::Tcp(channel)) => {
                let channel = channel + u8::from(control);
                self.on_channel(channel, bytes);
            }
            Some(Carrier::Udp(rtp, rtcp)) => {
                // A viewer that has gone is told apart by its connection.
                let _ = if control {
                    rtcp.send(bytes)
                } else {
                    rtp.send(bytes)
                };
            }
            None => {}
        }
        Ok(())
    }

    /// Bytes within the connection, on any channel.
    pub fn on_channel(&mut self, channel: u8, bytes: &[u8]) {
        self.held.extend([b'$', channel]);
        self.held.extend((bytes.len() as u16).to_be_bytes());
        self.held.extend(bytes);
    }

    pub fn flush(&mut self) -> Done<()> {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.line.write(&held)?;
        }
        Ok(())
    }

    /// A sender report every five seconds.
    fn report(&mut self, ticks: i64) -> Done<()> {
        if !self.line.post.script.reports
            || self
                .reported
                .is_some_and(|t| t.elapsed() < Duration::from_secs(5))
        {
            return Ok(());
        }
        self.reported = Some(Instant::now());
        let report = self.sender_report(ticks);
        self.carry(0, true, &report)
    }

    pub fn sender_report(&self, ticks: i64) -> Vec<u8> {
        let now = wait::now().0;
        let secs = (now / 1000 + 2_208_988_800) as u32;
        let part = ((now % 1000) as u64 * (1 << 32) / 1000) as u32;
        let track = &self.tracks[0];
        let mut out = vec![0x80, 200, 0, 6];
        for word in [
            track.ssrc,
            secs,
            part,
            track.first.wrapping_add(ticks as u32),
            1,
            1,
        ] {
            out.extend(word.to_be_bytes());
        }
        out
    }

    /// The sound that is due, where it was set up.
    fn sound(&mut self) -> Done<()> {
        let (rate, samples, kind, payload): (u32, u32, u8, Vec<u8>) =
            match self.line.post.script.second {
                // A frame of silence.
                Some(Second::Aac) => (
                    16_000,
                    1024,
                    97,
                    vec![0, 16, 0, 6 << 3, 0, 0xc8, 0, 0x80, 0x23, 0x80],
                ),
                Some(Second::Pcma) => (8_000, 512, 8, vec![0xd5; 512]),
                _ => return Ok(()),
            };
        if self.tracks[1].carrier.is_none() {
            return Ok(());
        }
        while f64::from(self.sounds * samples) / f64::from(rate)
            <= self.began.elapsed().as_secs_f64()
        {
            let stamp = self.tracks[1].first.wrapping_add(self.sounds * samples);
            let (ssrc, seq) = (self.tracks[1].ssrc, self.tracks[1].seq);
            let bytes = rtp(kind, true, seq, stamp, ssrc, &payload);
            self.tracks[1].seq = seq.wrapping_add(1);
            self.sounds += 1;
            self.carry(1, false, &bytes)?;
        }
        Ok(())
    }
}

pub fn rtp(kind: u8, marker: bool, seq: u16, stamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, u8::from(marker) << 7 | kind];
    out.extend(seq.to_be_bytes());
    out.extend(stamp.to_be_bytes());
    out.extend(ssrc.to_be_bytes());
    out.extend(payload);
    out
}
