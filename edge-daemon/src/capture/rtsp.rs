//! Adapter: retina (RTSP). One camera's session that plays, to its end: its packets become units of the track.
//!
//! A packet that cannot be used costs its picture, not the session: it is counted as lost and the next ones are tried. Only when
//! no picture comes for [`DAMAGE_MS`], or the connection itself makes no sense any more, is the session begun again.
use std::{rc::Rc, sync::atomic::Ordering::Relaxed, time::Duration};

use bytes::Bytes;
use footage::mp4::{Codec, Parameters};
use futures::StreamExt;
use retina::codec::{CodecItem, VideoFrame};
use shared::{mask::How, time::Now};

use crate::{
    capture::{
        bounds,
        connect::{Line, Playing, Sounding, connect, first_line, read_parameters},
        damage::{self, Damage, Fate},
        event,
        farewell::Playback,
        picture::{Opening, Openings, Picture, Pictures, Piece},
        session::{
            BURST_MS, CONNECT_MS, DAMAGE_MS, Distance, Ended, GOOD_MS, HOLD_BYTES, HOLD_MS, Meter,
            Outcome, PICTURE_BYTES,
        },
        thread::{Capture, Context, TICK, Tally, Turn},
        way::Way,
    },
    lock::lock,
    masking::{
        imposition::{Imposition, Obstacle, Outset, max_kbit},
        masks::InForce,
    },
    recording::{report::Report, watch::Hindrance},
    segment::{Guard, Unit, anchor::Anchor, gauge::Gauge},
};

mod masking;
mod patience;
mod sound;

/// So long beyond two segments no picture came at which a recording can begin: the session is begun anew, cameras start one with such.
const NO_OPENING_MS: u64 = 30_000;

/// One session.
pub(crate) struct Run {
    capture: Capture,
    context: Context,
    turn: Rc<Turn>,
    anchor: Anchor,
    /// Units held at the start, until their rhythm is known; None afterwards.
    held: Option<Vec<Unit>>,
    held_bytes: usize,
    first_at: u64,
    last_at: u64,
    parameters: Option<Parameters>,
    /// What it was begun under; when that changes it ends.
    rule: InForce,
    looked: u64,
    /// Of a camera with a mask, once its rhythm is known: all its pictures go there.
    imposition: Option<Imposition>,
    /// Why it has to end for its mask's sake.
    obstacle: Option<Obstacle>,
    line: Line,
    /// When the first frame came.
    began: Option<u64>,
    tally: Rc<Tally>,
    /// The last session was a flood: that fault stays until this one has gone well for a while.
    flooded: bool,
    meter: Meter,
    /// Joins slices; what leaves it is one picture.
    pictures: Pictures,
    openings: Openings,
    /// Pictures of this session, and those that came before the first at which a recording can begin.
    counted: u64,
    unopened: Option<u64>,
    /// Key pictures that came without parameter sets.
    bare: u32,
    /// When the last picture came at which a recording can begin, monotonic ms.
    opened: Option<u64>,
    distance: Distance,
    gauge: Gauge,
    /// Packets that could not be used, and since when none could.
    damaged: u32,
    damaged_since: Option<(u64, String)>,
    /// Usual time between frames.
    rhythm_ms: u64,
    /// The newest sender report: the camera's RTP time, and its clock at that time in µs.
    reported: Option<(i64, i64)>,
    jumps: (u64, u64),
    sound: Option<Sounding>,
    /// Packets of the sound, or of the events, that could not be used one after the other.
    beside: u32,
}

impl Run {
    pub(crate) fn new(
        capture: Capture,
        context: Context,
        line: Line,
        tally: Rc<Tally>,
        flooded: bool,
    ) -> Self {
        let now = context.clock.now();
        let rule = context.masks.in_force(capture.shared.index);
        Self {
            capture,
            context,
            turn: line.turn.clone(),
            anchor: Anchor::default(),
            held: Some(Vec::new()),
            held_bytes: 0,
            first_at: now.mono,
            last_at: now.mono,
            parameters: None,
            rule,
            looked: 0,
            imposition: None,
            obstacle: None,
            line,
            began: None,
            tally,
            flooded,
            meter: Meter::default(),
            pictures: Pictures::new(Codec::H264),
            openings: Openings::new(now.mono),
            counted: 0,
            unopened: Some(0),
            bare: 0,
            opened: None,
            distance: Distance::default(),
            gauge: Gauge::default(),
            damaged: 0,
            damaged_since: None,
            rhythm_ms: 0,
            reported: None,
            jumps: (0, 0),
            sound: None,
            beside: 0,
        }
    }

    fn now(&self) -> Now {
        self.turn
            .now
            .get()
            .unwrap_or_else(|| self.context.clock.now())
    }

    pub(crate) async fn run(mut self) -> Outcome {
        if !self.measured().await {
            return (Ended::Stop, String::new());
        }
        self.turn.connecting(self.context.clock.now().mono);
        let connected = tokio::time::timeout(
            Duration::from_millis(CONNECT_MS),
            self.tally.bounds.keep(
                &self.line.farewell,
                bounds::answers,
                self.line
                    .farewell
                    .around(connect(&self.line, &self.context.reports)),
            ),
        )
        .await;
        self.turn.connected();
        let outcome = match connected {
            Ok(Err(outcome)) | Ok(Ok(Err(outcome))) => outcome,
            Err(_) => (
                Ended::Unreachable,
                format!("no answer within {} s", CONNECT_MS / 1000),
            ),
            Ok(Ok(Ok(Playing {
                demuxed,
                stream,
                sound,
            }))) => {
                self.tally.bounds.plays(self.line.beside());
                self.sound = sound;
                let about = self.sound.as_ref().map(|s| s.about.clone());
                lock(&self.capture.track).expect_sound(about);
                self.capture.shared.connected.store(true, Relaxed);
                self.last_at = self.context.clock.now().mono;
                self.openings = Openings::new(self.last_at);
                if let Some(offered) = demuxed.streams().get(stream)
                    && offered.encoding_name() == "h265"
                {
                    self.pictures = Pictures::new(Codec::H265);
                }
                self.capture.shared.hindered(Some(Hindrance::NoPicture));
                self.play(demuxed, stream).await
            }
        };
        // Where the relay had to end it, it knows why.
        let outcome = match (outcome.0, self.line.progress.outcome()) {
            (Ended::Lost | Ended::Damaged | Ended::Unreachable, Some(known)) => known,
            _ => outcome,
        };
        self.close(outcome).await
    }

    /// An event document.
    fn heard(&self, document: &[u8]) {
        let shared = &self.capture.shared;
        let topic = shared
            .config
            .timelapse
            .as_ref()
            .and_then(|t| t.event.as_deref());
        for on in topic.map_or_else(Vec::new, |t| event::states(document, t)) {
            self.context.rates.event(shared.index, on);
        }
    }

    async fn play(&mut self, mut demuxed: Playback, stream: usize) -> Outcome {
        loop {
            let item = tokio::time::timeout(
                TICK,
                self.tally
                    .bounds
                    .keep(&self.line.farewell, bounds::pictures, demuxed.next()),
            )
            .await;
            self.turn.moved();
            let other = !matches!(item, Err(_) | Ok(Ok(Some(Ok(CodecItem::VideoFrame(_))))));
            if let (true, Some(why)) = (other, self.meter.other(self.now().mono)) {
                return (Ended::Flood, why);
            }
            match item {
                Err(_) => {}
                Ok(Err(outcome)) => {
                    self.line.farewell.silently(demuxed);
                    return outcome;
                }
                Ok(Ok(None)) => {
                    return match self.damaged_since.take() {
                        Some((_, why)) => (Ended::Damaged, why),
                        None => (Ended::Lost, "the camera closed the connection".into()),
                    };
                }
                Ok(Ok(Some(Err(e)))) => {
                    if let Some(outcome) = self.damage(&e, stream) {
                        return outcome;
                    }
                    self.tally.bounds.passed(e);
                }
                Ok(Ok(Some(Ok(CodecItem::VideoFrame(frame))))) => {
                    if let Err(outcome) = self.frame(frame, &demuxed, stream) {
                        return outcome;
                    }
                }
                Ok(Ok(Some(Ok(other)))) => {
                    match &other {
                        CodecItem::AudioFrame(frame) => self.sound(frame),
                        CodecItem::Rtcp(packet) if packet.stream_id() == stream => {
                            self.report(packet);
                        }
                        CodecItem::MessageFrame(message) => self.heard(message.data()),
                        _ => {}
                    }
                    self.tally.bounds.passed(other);
                }
            }
            if let Some(outcome) = self.look() {
                return outcome;
            }
        }
    }

    /// retina goes on after a packet it cannot use; so do we, for a while.
    fn damage(&mut self, e: &retina::Error, pictures: usize) -> Option<Outcome> {
        let line = first_line(e);
        let fate = match Damage::of(e) {
            Damage::Broken => return Some((Ended::Lost, line)),
            Damage::Garbled => return Some((Ended::Damaged, line)),
            Damage::Packet(_) if damage::stream(e).is_some_and(|s| s != pictures) => {
                self.beside(line);
                return None;
            }
            // The relay leaves such packets out.
            Damage::Packet(Fate::Empty) if self.line.way == Way::Direct => {
                return Some((Ended::Damaged, line));
            }
            Damage::Packet(fate) => fate,
        };
        self.tally.unusable.set(self.tally.unusable.get() + 1);
        let now = self.now().mono;
        if self.damaged_since.is_none() {
            tracing::warn!(camera = %self.capture.shared.id(), why = %line, "a packet cannot be used");
            self.damaged_since = Some((now, line.clone()));
        }
        if fate != Fate::PassedBy {
            self.damaged = self.damaged.saturating_add(1);
            if self.imposition.is_some() {
                // retina may panic when it goes on from here, and a picture worker is to be ended in order.
                return Some((Ended::Damaged, line));
            }
        }
        self.gave_up()
    }

    /// No picture since a packet that could not be used.
    fn gave_up(&self) -> Option<Outcome> {
        let (since, why) = self.damaged_since.as_ref()?;
        let patience = DAMAGE_MS.max(self.rhythm_ms * 2);
        (self.now().mono.saturating_sub(*since) > patience).then(|| (Ended::Damaged, why.clone()))
    }

    /// A sender report: what the camera's clock said at one of its RTP times.
    fn report(&mut self, packet: &retina::rtcp::ReceivedCompoundPacket) {
        let Some(at) = packet.rtp_timestamp() else {
            return;
        };
        let ntp = packet
            .pkts()
            .find_map(|p| p.as_sender_report().ok().flatten())
            .map(|sr| sr.ntp_timestamp().0);
        // A camera that has no clock says nought.
        let Some(ntp) = ntp.filter(|n| n >> 32 != 0) else {
            return;
        };
        let since_1970 = ntp.wrapping_sub(retina::UNIX_EPOCH.0);
        let secs = i64::try_from(since_1970 >> 32).unwrap_or(0);
        let micros = i64::try_from(((since_1970 & 0xffff_ffff) * 1_000_000) >> 32).unwrap_or(0);
        self.reported = Some((at.elapsed(), secs * 1_000_000 + micros));
        if self.held.is_none() {
            self.capture.shared.set_offset_ms(self.offset_ms());
        }
    }

    fn offset_ms(&self) -> Option<i64> {
        let (pts, theirs) = self.reported?;
        self.anchor.camera_offset_ms(pts, theirs)
    }

    fn frame(
        &mut self,
        frame: VideoFrame,
        demuxed: &Playback,
        stream: usize,
    ) -> Result<(), Outcome> {
        let now = self.now();
        self.last_at = now.mono;
        let first_at = self.first_frame_at(now.mono);
        let played = now.mono.saturating_sub(first_at);
        self.tally.played_ms.set(played);
        self.tally.unusable.set(0);
        if self.flooded && played >= GOOD_MS {
            self.flooded = false;
            self.well();
        }
        let changed = frame.has_new_parameters() || self.parameters.is_none();
        let mut parameters = None;
        if changed {
            let new = demuxed.streams().get(stream).and_then(read_parameters);
            if new.is_some() && new != self.parameters {
                self.parameters.clone_from(&new);
                parameters = new;
            }
        }
        self.damaged_since = None;
        // A camera that counts its packets anew has lost none.
        let lost = u32::from(frame.loss());
        let lost = self.gauge.lost(lost, frame.data().len(), now.mono);
        let lost = lost + std::mem::take(&mut self.damaged);
        if lost > 0 {
            tracing::warn!(camera = %self.capture.shared.id(), packets = lost, "packets lost");
        }
        let ticks = frame.timestamp().elapsed();
        let data = frame.into_data();
        self.tally.bounds.picture(data.capacity());
        let piece = Piece {
            ticks,
            arrived: now,
            bytes: Bytes::from(data),
            lost,
            parameters,
        };
        let mut whole = Vec::new();
        self.pictures.push(piece, &mut whole);
        if self.pictures.held() > PICTURE_BYTES.unsigned_abs() {
            return Err((Ended::Flood, bounds::endless()));
        }
        whole
            .into_iter()
            .try_for_each(|picture| self.picture(picture))
    }

    /// One picture as the camera sent it.
    fn picture(&mut self, picture: Picture) -> Result<(), Outcome> {
        let now = picture.arrived;
        if let Some(why) = self.meter.picture(now.mono, picture.bytes.len()) {
            return Err((Ended::Flood, why));
        }
        self.counted += 1;
        let shared = self.capture.shared.clone();
        if let Some(usual) = self.distance.picture(now.mono) {
            shared.rhythm_ms.store(usual, Relaxed);
        }
        if self.parameters.is_none() {
            // It cannot be decoded, nor can any before the first key picture with them.
            self.bare += u32::from(picture.opening == Opening::Alone);
            shared.hindered(Some(Hindrance::NoParameters {
                pictures: self.counted,
            }));
            return Ok(());
        }
        let placed = self.anchor.arrived(picture.ticks, now);
        self.say_jumps();
        let alone = picture.opening == Opening::Alone;
        // A picture that needs others cannot be proved: of a camera that is to show its own mask it begins nothing.
        let proved = matches!(self.rule.imposed(), Some(m) if m.how == How::Camera)
            && !self.imposition.as_ref().is_some_and(Imposition::paints);
        let opens = self.openings.opens(picture.opening, now.mono);
        let key = if proved { alone } else { opens };
        if key {
            if let Some(last) = self.opened.replace(now.mono) {
                let group = now.mono.saturating_sub(last);
                shared.group_ms.fetch_max(group, Relaxed);
            }
            if self.unopened.take().is_some() {
                let masked = self.rule.imposed().is_some();
                shared.hindered(masked.then_some(Hindrance::Masking));
            }
        } else if let Some(unopened) = &mut self.unopened {
            *unopened += 1;
            shared.hindered(Some(Hindrance::NoOpening {
                pictures: *unopened,
            }));
        }
        let unit = Unit {
            pts: placed.pts,
            wall_us: placed.wall_us,
            dated: placed.dated,
            key,
            bytes: picture.bytes,
            lost: picture.lost,
            shed: 0,
            parameters: picture.parameters,
        };
        if let Some(held) = &mut self.held {
            if held.is_empty() {
                self.first_at = now.mono;
            }
            self.held_bytes += unit.bytes.len();
            held.push(unit);
            if self.held_bytes > HOLD_BYTES || self.known(now) {
                self.begin()?;
            }
            return Ok(());
        }
        self.give(unit)
    }

    /// Whatever was the matter with the camera is over.
    fn well(&self) {
        let cam = self.capture.shared.index;
        let _ = self
            .context
            .reports
            .send(Report::Trouble { cam, code: None });
    }

    fn first_frame_at(&mut self, mono: u64) -> u64 {
        *self.began.get_or_insert(mono)
    }

    fn say_jumps(&mut self) {
        let now = (self.anchor.jumps(), self.anchor.corrections());
        if now != self.jumps {
            self.jumps = now;
            tracing::warn!(camera = %self.capture.shared.id(), jumps = now.0, corrections = now.1, "the camera's RTP clock jumped or runs at another pace; no picture is lost");
        }
    }

    /// The rhythm is known: what was held goes on its way.
    fn begin(&mut self) -> Result<(), Outcome> {
        let mut held = self.held.take().unwrap_or_default();
        // More is known of the camera's clock now than when the first of them came.
        let settled = self.anchor.settle();
        if settled.len() == held.len() {
            for (unit, placed) in held.iter_mut().zip(settled) {
                (unit.pts, unit.wall_us, unit.dated) = (placed.pts, placed.wall_us, placed.dated);
            }
        }
        let shared = self.capture.shared.clone();
        let Some(parameters) = self.parameters.clone() else {
            return Ok(());
        };
        let fps_milli = rate(&held);
        self.rhythm_ms = 1_000_000u64.checked_div(fps_milli).unwrap_or(0);
        let how = self.impose(&Outset {
            parameters: &parameters,
            fps_milli,
            max_kbit: max_kbit(&held),
        })?;
        let offset_ms = self.offset_ms();
        shared.set_offset_ms(offset_ms);
        let _ = self.context.reports.send(Report::Session {
            cam: shared.index,
            codec: parameters.codec,
            width: parameters.width,
            height: parameters.height,
            fps_milli,
            offset_ms,
            by: self.line.way,
            repairs: lock(&shared.relayed).clone().unwrap_or_default(),
            certificate: self.line.progress.certificate(),
        });
        if !self.flooded {
            self.well();
        }
        let back = held.windows(2).any(|w| w[1].pts < w[0].pts);
        let mut track = lock(&self.capture.track);
        let painted = self.imposition.as_ref().is_some_and(Imposition::paints);
        track.expect_reorder((back || self.anchor.reorders()) && !painted);
        track.guarded(Guard {
            how,
            mask: self.rule.mask.as_ref().map(|m| m.id.clone()),
        });
        drop(track);
        for unit in held {
            self.give(unit)?;
        }
        Ok(())
    }

    /// The rhythm of the camera is known, and all that it had kept back for a viewer has come.
    fn known(&self, now: Now) -> bool {
        let held = now.mono.saturating_sub(self.first_at);
        held >= HOLD_MS && (held >= BURST_MS || !self.anchor.bursting())
    }

    fn give(&mut self, unit: Unit) -> Result<(), Outcome> {
        if let Some(lifted) = &self.rule.lifted
            && self.context.clock.now().mono >= lifted.until_mono
        {
            return Err((Ended::Rule, "the mask is back".into()));
        }
        let masked = self.rule.imposed().is_some();
        match &mut self.imposition {
            None if !masked => lock(&self.capture.track).unit(unit),
            // It could not be begun: the session is ending, and what comes meanwhile is not recorded.
            None => {}
            // What may be recorded comes out of it.
            Some(imposition) => {
                if let Err(obstacle) = imposition.unit(unit) {
                    return Err(self.obstructed(obstacle));
                }
            }
        }
        Ok(())
    }

    /// Kept until the end: it says what becomes of pictures that are under way.
    fn obstructed(&mut self, obstacle: Obstacle) -> Outcome {
        self.obstacle = Some(obstacle.clone());
        obstacle.into()
    }

    /// Lets the workers finish, and puts a failure on the record.
    async fn close(mut self, outcome: Outcome) -> Outcome {
        let obstacle = self.obstacle.take();
        let mut whole = Vec::new();
        // Of a camera that sends its pictures in pieces the last one may lack some: half a picture is none.
        if !self.pictures.sliced() {
            self.pictures.flush(&mut whole);
        }
        for picture in whole {
            // The session is over already; what ends it stands.
            let _ = self.picture(picture);
        }
        if let Some(imposition) = self.imposition.take() {
            let track = self.capture.track.clone();
            let recorded = move || lock(&track).last();
            imposition.end(obstacle.as_ref(), recorded).await;
        }
        outcome
    }
}

/// Pictures in a thousand seconds, by the usual distance between them; 0 when it cannot be told.
fn rate(held: &[Unit]) -> u64 {
    let mut times: Vec<i64> = held.iter().map(|u| u.pts).collect();
    times.sort_unstable();
    let mut steps: Vec<i64> = times
        .windows(2)
        .map(|w| w[1] - w[0])
        .filter(|d| *d > 0)
        .collect();
    steps.sort_unstable();
    steps
        .get(steps.len() / 2)
        .map_or(0, |d| 90_000_000u64 / d.unsigned_abs().max(1))
}
