//! Adapter: retina (RTSP). One camera's session that plays, to its end: its packets become units of the track.
//!
//! A packet that cannot be used costs its picture, not the session: it is counted as lost and the next ones are tried. Only when
//! no picture comes for [`DAMAGE_MS`], or the connection itself makes no sense any more, is the session begun again.
use std::{
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use footage::mp4::Parameters;
use futures::StreamExt;
use retina::{
    client::{Demuxed, SessionGroup},
    codec::{CodecItem, VideoFrame},
};
use shared::time::Now;

use crate::{
    capture::connect::{Sounding, connect, first_line, read_parameters},
    capture::event,
    capture::session::{
        CONNECT_MS, DAMAGE_MS, Ended, GOOD_MS, HOLD_BYTES, HOLD_MS, Meter, Outcome, PICTURE_BYTES,
        STALL_MS, UNFINISHED_BYTES,
    },
    capture::thread::{Capture, Context, TICK, Tally, Turn},
    masking::capacity::Demand,
    masking::masks::InForce,
    masking::worker::Worker,
    recording::report::Report,
};
use crate::{
    config::Secret,
    lock::lock,
    masking::bracket::MOST_BYTES,
    memory,
    segment::{
        Dated, Guard, Heard, TICKS_PER_SEC, Unit,
        anchor::{Anchor, clock_offset_us},
        ticks_us,
    },
};

mod masking;

use masking::{Prover, max_kbit};

/// A clock that moved by more than this against the monotonic one was set.
const STEP_US: i64 = 250_000;

/// One session.
pub(crate) struct Run {
    capture: Capture,
    context: Context,
    turn: Rc<Turn>,
    anchor: Anchor,
    /// Wall minus monotonic clock when last looked at.
    offset_us: i64,
    /// Units held at the start, until their rhythm is known; None afterwards.
    held: Option<Vec<Unit>>,
    held_bytes: usize,
    first_at: u64,
    last_at: u64,
    parameters: Option<Parameters>,
    /// What it was begun under; when that changes it ends.
    rule: InForce,
    looked: u64,
    /// Paints the mask.
    painter: Option<Worker>,
    /// Proves the camera's own mask.
    prover: Option<Prover>,
    /// Wall time of the first and of the last unit given to a worker.
    given: Option<(i64, i64)>,
    demand: Option<Demand>,
    billed: Option<(u64, f64)>,
    /// The painter paints one picture in so many.
    one_in: u32,
    ok: bool,
    password: Option<Secret>,
    /// When the first frame came.
    began: Option<u64>,
    tally: Rc<Tally>,
    /// The last session was a flood: that fault stays until this one has gone well for a while.
    flooded: bool,
    meter: Meter,
    /// Packets that could not be used, and since when none could.
    damaged: u32,
    damaged_since: Option<(u64, String)>,
    /// Usual time between frames.
    rhythm_ms: u64,
    /// The newest sender report: the camera's RTP time, and its clock at that time in µs.
    reported: Option<(i64, i64)>,
    jumps: (u64, u64),
    sound: Option<Sounding>,
}

impl Run {
    pub(crate) fn new(
        capture: Capture,
        context: Context,
        turn: Rc<Turn>,
        password: Option<Secret>,
        tally: Rc<Tally>,
        flooded: bool,
    ) -> Self {
        let now = context.clock.now();
        let rule = context.masks.in_force(capture.shared.index);
        Self {
            capture,
            context,
            turn,
            anchor: Anchor::default(),
            offset_us: clock_offset_us(now),
            held: Some(Vec::new()),
            held_bytes: 0,
            first_at: now.mono,
            last_at: now.mono,
            parameters: None,
            rule,
            looked: 0,
            painter: None,
            prover: None,
            given: None,
            demand: None,
            billed: None,
            one_in: 1,
            ok: false,
            password,
            began: None,
            tally,
            flooded,
            meter: Meter::default(),
            damaged: 0,
            damaged_since: None,
            rhythm_ms: 0,
            reported: None,
            jumps: (0, 0),
            sound: None,
        }
    }

    fn now(&self) -> Now {
        self.turn
            .now
            .get()
            .unwrap_or_else(|| self.context.clock.now())
    }

    pub(crate) async fn run(mut self, farewell: Arc<SessionGroup>) -> Outcome {
        self.turn.connecting(self.context.clock.now().mono);
        let connected = tokio::time::timeout(
            Duration::from_millis(CONNECT_MS),
            self.bounded(connect(
                &self.capture.shared,
                self.password.as_ref(),
                &self.context.reports,
                farewell,
            )),
        )
        .await;
        self.turn.connected();
        let outcome = match connected {
            Ok(Err(outcome)) | Ok(Ok(Err(outcome))) => outcome,
            Err(_) => (
                Ended::Unreachable,
                format!("no answer within {} s", CONNECT_MS / 1000),
            ),
            Ok(Ok(Ok((demuxed, stream, sound)))) => {
                self.sound = sound;
                let about = self.sound.as_ref().map(|s| s.about.clone());
                lock(&self.capture.track).expect_sound(about);
                self.capture.shared.connected.store(true, Relaxed);
                self.last_at = self.context.clock.now().mono;
                self.play(demuxed, stream).await
            }
        };
        self.close(outcome).await
    }

    /// Polls with the thread's large buffers counted to this camera: what it makes retina keep has a limit.
    async fn bounded<F: Future>(&self, work: F) -> Result<F::Output, Outcome> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            let before = memory::large_held();
            let polled = work.as_mut().poll(cx);
            let held = self.tally.unfinished.get() + memory::large_held() - before;
            self.tally.unfinished.set(held);
            if polled.is_pending() && held > UNFINISHED_BYTES {
                return Poll::Ready(Err((
                    Ended::Flood,
                    format!(
                        "a picture of more than {} MiB without an end",
                        PICTURE_BYTES >> 20
                    ),
                )));
            }
            polled.map(Ok)
        })
        .await
    }

    /// A frame of sound.
    fn sound(&mut self, frame: &retina::codec::AudioFrame) {
        let now = self.now();
        let Some(sound) = self
            .sound
            .as_mut()
            .filter(|s| s.stream == frame.stream_id())
        else {
            return;
        };
        let ticks = i128::from(frame.timestamp().elapsed()) * i128::from(TICKS_PER_SEC)
            / i128::from(sound.about.rate.max(1));
        let pts = sound
            .anchor
            .arrived(i64::try_from(ticks).unwrap_or(0), now.mono);
        if let Some(origin) = sound.anchor.origin_us(now) {
            lock(&self.capture.track).heard(Heard {
                wall_us: origin.saturating_add(ticks_us(pts)),
                duration: frame.frame_length().get(),
                bytes: Bytes::copy_from_slice(frame.data()),
            });
        }
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

    async fn play(&mut self, mut demuxed: Demuxed, stream: usize) -> Outcome {
        loop {
            let item = tokio::time::timeout(TICK, self.bounded(demuxed.next())).await;
            self.turn.moved();
            let other = !matches!(item, Err(_) | Ok(Ok(Some(Ok(CodecItem::VideoFrame(_))))));
            if let (true, Some(why)) = (other, self.meter.other(self.now().mono)) {
                return (Ended::Flood, why);
            }
            match item {
                Err(_) => {}
                Ok(Err(outcome)) => return outcome,
                Ok(Ok(None)) => {
                    return match self.damaged_since.take() {
                        Some((_, why)) => (Ended::Damaged, why),
                        None => (Ended::Lost, "the camera closed the connection".into()),
                    };
                }
                Ok(Ok(Some(Err(e)))) => {
                    if let Some(outcome) = self.damage(&e) {
                        return outcome;
                    }
                }
                Ok(Ok(Some(Ok(CodecItem::VideoFrame(frame))))) => {
                    if let Err(outcome) = self.frame(frame, &demuxed, stream) {
                        return outcome;
                    }
                }
                Ok(Ok(Some(Ok(CodecItem::AudioFrame(frame))))) => self.sound(&frame),
                Ok(Ok(Some(Ok(CodecItem::Rtcp(packet))))) if packet.stream_id() == stream => {
                    self.report(&packet);
                }
                Ok(Ok(Some(Ok(CodecItem::MessageFrame(message))))) => self.heard(message.data()),
                Ok(Ok(Some(Ok(_)))) => {}
            }
            if let Some(outcome) = self.look() {
                return outcome;
            }
        }
    }

    /// retina goes on after a packet it cannot use; so do we, for a while.
    fn damage(&mut self, e: &retina::Error) -> Option<Outcome> {
        let text = e.to_string();
        let line = first_line(e);
        // Errors about one packet name it. After any other there is no telling where the next packet begins.
        if !text.contains("\npkt: ") {
            let how = if text.starts_with("RTSP framing error") {
                Ended::Damaged
            } else {
                Ended::Lost
            };
            return Some((how, line));
        }
        self.tally.unusable.set(self.tally.unusable.get() + 1);
        let now = self.now().mono;
        if self.damaged_since.is_none() {
            tracing::warn!(camera = %self.capture.shared.id(), why = %line, "a packet cannot be used");
            self.damaged_since = Some((now, line.clone()));
        }
        // One whose header made no sense is missed by its number with the next.
        let missed = !text.contains("\nssrc: ")
            || line.starts_with("wrong ssrc")
            || line.starts_with("Out-of-order");
        self.damaged = self.damaged.saturating_add(u32::from(!missed));
        if (self.painter.is_some() || self.prover.is_some()) && !missed {
            // retina may panic when it goes on from here, and a picture worker is to be ended in order.
            return Some((Ended::Damaged, line));
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
        self.anchor.camera_offset_ms(pts, theirs, self.now())
    }

    /// What is due whether frames come or not.
    fn look(&mut self) -> Option<Outcome> {
        let now = self.now();
        if self.context.stop.load(Relaxed) {
            return Some((Ended::Stop, String::new()));
        }
        let silent = now.mono.saturating_sub(self.last_at);
        if silent > STALL_MS {
            return Some((
                Ended::Stalled,
                format!("no picture for {} s", STALL_MS / 1000),
            ));
        }
        if let Some(outcome) = self.gave_up() {
            return Some(outcome);
        }
        if self.held.is_some()
            && !self.held.as_ref().is_some_and(Vec::is_empty)
            && now.mono.saturating_sub(self.first_at) >= HOLD_MS
            && let Err(outcome) = self.begin(now)
        {
            return Some(outcome);
        }
        let offset = clock_offset_us(now);
        if (offset - self.offset_us).abs() > STEP_US {
            lock(&self.capture.track).clock_set();
        }
        self.offset_us = offset;
        if silent > 700 && self.painter.is_none() {
            lock(&self.capture.track).idle();
        }
        if self.looked != now.mono {
            self.looked = now.mono;
            let now = self.context.masks.in_force(self.capture.shared.index);
            if !now.same_for_pictures(&self.rule) {
                return Some((Ended::Rule, "another mask is in force".into()));
            }
        }
        if let Some(outcome) = self.painting(now).or_else(|| self.proving(now)) {
            return Some(outcome);
        }
        lock(&self.capture.track)
            .starved()
            .then(|| (Ended::NoKey, "the camera sends no key frames".into()))
    }

    fn frame(
        &mut self,
        frame: VideoFrame,
        demuxed: &Demuxed,
        stream: usize,
    ) -> Result<(), Outcome> {
        let now = self.now();
        self.last_at = now.mono;
        self.tally.unfinished.set(0);
        let first_at = self.first_frame_at(now.mono);
        let played = now.mono.saturating_sub(first_at);
        self.tally.played_ms.set(played);
        self.tally.unusable.set(0);
        if self.flooded && played >= GOOD_MS {
            self.flooded = false;
            self.well();
        }
        if let Some(why) = self.meter.picture(now.mono, frame.data().len()) {
            return Err((Ended::Flood, why));
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
        let pts = self.anchor.arrived(frame.timestamp().elapsed(), now.mono);
        self.say_jumps();
        let key = frame.is_random_access_point();
        self.damaged_since = None;
        let lost = u32::from(frame.loss()) + std::mem::take(&mut self.damaged);
        if lost > 0 {
            tracing::warn!(camera = %self.capture.shared.id(), packets = lost, "packets lost");
        }
        let unit = Unit {
            pts,
            wall_us: self.wall_us(pts, now),
            dated: Dated::default(),
            key,
            bytes: Bytes::from(frame.into_data()),
            lost,
            shed: 0,
            parameters,
        };
        if let Some(held) = &mut self.held {
            if held.is_empty() {
                self.first_at = now.mono;
            }
            self.held_bytes += unit.bytes.len();
            held.push(unit);
            if self.held_bytes > HOLD_BYTES || now.mono.saturating_sub(self.first_at) >= HOLD_MS {
                self.begin(now)?;
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
    fn begin(&mut self, now: Now) -> Result<(), Outcome> {
        let held = self.held.take().unwrap_or_default();
        let shared = self.capture.shared.clone();
        let Some(parameters) = self.parameters.clone() else {
            return Err((
                Ended::Unsupported,
                "the camera sends no parameter sets (SPS, PPS)".into(),
            ));
        };
        let fps_milli = rate(&held);
        self.rhythm_ms = 1_000_000u64.checked_div(fps_milli).unwrap_or(0);
        self.demand = Some(Demand {
            codec: parameters.codec,
            width: parameters.width,
            height: parameters.height,
            fps_milli,
        });
        let how = self.guard(&parameters, fps_milli, max_kbit(&held))?;
        let offset_ms = self.offset_ms();
        shared.set_offset_ms(offset_ms);
        let _ = self.context.reports.send(Report::Session {
            cam: shared.index,
            codec: parameters.codec,
            width: parameters.width,
            height: parameters.height,
            fps_milli,
            offset_ms,
        });
        if !self.flooded {
            self.well();
        }
        let back = held.windows(2).any(|w| w[1].pts < w[0].pts);
        let mut track = lock(&self.capture.track);
        track.expect_reorder(back && self.painter.is_none());
        track.guarded(Guard {
            how,
            mask: self.rule.mask.as_ref().map(|m| m.id.clone()),
        });
        drop(track);
        for mut unit in held {
            // More is known of the camera's clock now than when the first of them came.
            unit.wall_us = self.wall_us(unit.pts, now);
            self.give(unit)?;
        }
        Ok(())
    }

    /// Wall time of the session's time `pts`, as far as is known now.
    fn wall_us(&self, pts: i64, now: Now) -> i64 {
        let origin = self.anchor.origin_us(now).unwrap_or(0);
        origin.saturating_add(ticks_us(pts))
    }

    fn give(&mut self, mut unit: Unit) -> Result<(), Outcome> {
        if let Some(lifted) = self.rule.lifted
            && self.context.clock.now().mono >= lifted.until_mono
        {
            return Err((Ended::Rule, "the mask is back".into()));
        }
        if self.painter.is_some() || self.prover.is_some() {
            let wall = unit.wall_us;
            self.given = Some((self.given.map_or(wall, |g| g.0), wall));
        }
        if let Some(prover) = &mut self.prover
            && !prover.take(&unit)
        {
            return Err((
                Ended::Unproved,
                format!(
                    "its key frames are so far apart that more than {} MiB lie between them: set a key frame every 2 s",
                    MOST_BYTES >> 20
                ),
            ));
        }
        match (&mut self.painter, &self.prover) {
            (Some(painter), _) => {
                // The worker was told with its setup; it says itself what it encodes to.
                if self.given.is_some_and(|(first, last)| first == last) {
                    unit.parameters = None;
                }
                painter.unit(unit);
            }
            // They come out of the bracket.
            (None, Some(_)) => {}
            (None, None) => lock(&self.capture.track).unit(unit),
        }
        Ok(())
    }

    /// Lets the workers finish, and puts a failure on the record.
    async fn close(mut self, outcome: Outcome) -> Outcome {
        let failed = outcome.0 == Ended::Worker;
        if outcome.0 == Ended::Unproved {
            let mut standing = lock(&self.capture.shared.standing);
            if standing.trusted() {
                standing.failed(self.context.clock.now().mono, &outcome.1);
            }
        }
        let until = self.context.clock.now().mono + if failed { 0 } else { 3_000 };
        if let Some(prover) = &mut self.prover {
            prover.worker.end();
            while !prover.worker.ended() && self.context.clock.now().mono < until {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            for verdict in prover.verdicts() {
                if let Some(bracket) = &mut prover.bracket {
                    bracket.verdict(verdict.pts, verdict.pass);
                }
            }
            self.release();
        }
        if let Some(painter) = &mut self.painter {
            painter.end();
            while !painter.ended() && self.context.clock.now().mono < until {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        let workers = [self.painter.take(), self.prover.take().map(|p| p.worker)];
        // Joining waits for threads whose pipes are closed by the kill; off this thread all the same.
        let reap = move || workers.into_iter().flatten().for_each(Worker::reap);
        let _ = tokio::task::spawn_blocking(reap).await;
        let cam = self.capture.shared.index;
        if let Some(mask) = &self.rule.mask
            && matches!(outcome.0, Ended::Worker | Ended::Unproved)
        {
            let last = lock(&self.capture.track).last();
            let wall = self.context.clock.now().wall;
            let (first, end) = self.given.map_or((wall, wall), |(a, b)| {
                (shared::time::Utc(a / 1000), shared::time::Utc(b / 1000))
            });
            let t0 = last.filter(|l| *l > first).unwrap_or(first);
            let _ = self.context.reports.send(Report::MaskFailed {
                cam,
                mask: mask.id.clone(),
                t0,
                t1: end.max(t0),
                why: outcome.1.clone(),
            });
        }
        if failed {
            let _ = self.context.reports.send(Report::Mask {
                cam,
                failed: Some(outcome.1.clone()),
            });
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
