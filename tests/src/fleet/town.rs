//! Task. One simulated box: it dials, says hello, reports its health, sends its log and serves clips, as a box does. Its lines and its
//! footage are made up.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quinn::VarInt;
use shared::{
    id::{BoxName, CameraId, ExhibitRef},
    note::SignedHead,
    order::{Act, Done as DoneOrder, Order, Ordered, Outcome, PullSegment},
    record::sha256,
    standing::Flow,
    time::Utc,
    types,
    wire::{self, AuditReply, CameraHealth, CameraInfo, ClipReply, Open, ToBox, ToHub},
};
use tokio::sync::{Notify, mpsc};

use super::{
    dial::{Papers, Way, answer, frame, send},
    footage,
    log::Log,
};
use crate::{Done, Trouble, dice::Dice, wait};

/// As on a box.
const FRAME: usize = 256 * 1024;
const PIECE: usize = 64 * 1024;
const HEALTH: Duration = Duration::from_secs(60);
const LONGEST_MS: u64 = 30_000;
const FIRST_MS: u64 = 500;

fn told(e: impl std::fmt::Display) -> Trouble {
    Trouble(e.to_string())
}

/// What all boxes of a simulator count.
#[derive(Default)]
pub struct Tally {
    pub connected: AtomicU64,
    /// Connections that a hub has welcomed, ever.
    pub welcomes: AtomicU64,
    pub dials: AtomicU64,
    pub failed: AtomicU64,
    pub lines: AtomicU64,
    pub refused: AtomicU64,
    pub clips: AtomicU64,
    /// From a head sent to its countersignature, milliseconds.
    pub countersigned: Mutex<Vec<f32>>,
    /// What was refused, or went wrong, last.
    pub last: Mutex<String>,
    pub stop: AtomicBool,
}

impl Tally {
    fn say(&self, what: String) {
        *lock(&self.last) = what;
    }
}

pub fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A segment of footage that can be asked for: its span, and the line it is.
#[derive(Clone, Copy)]
struct Span {
    t0: Utc,
    t1: Utc,
    n: u64,
}

pub struct Town {
    pub name: BoxName,
    number: usize,
    way: Way,
    endpoint: quinn::Endpoint,
    pub log: Mutex<Log>,
    /// The log has another head.
    pub news: Notify,
    /// Whoever asks cuts the line.
    pub cut: Notify,
    tally: Arc<Tally>,
    /// Sealed segments that are prepared, by exhibit, camera and number.
    pulls: Mutex<BTreeMap<(String, String, u64), Vec<u8>>>,
    /// Newest segments, by camera and number.
    spans: Mutex<BTreeMap<(usize, u64), Span>>,
}

impl Town {
    pub fn new(
        number: usize,
        papers: &Papers,
        way: Way,
        endpoint: quinn::Endpoint,
        log: Log,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            name: papers.name.clone(),
            number,
            way,
            endpoint,
            log: Mutex::new(log),
            news: Notify::new(),
            cut: Notify::new(),
            tally,
            pulls: Mutex::default(),
            spans: Mutex::default(),
        }
    }

    /// Connected for ever, with a box's patience.
    pub async fn run(self: Arc<Self>, seed: u64) {
        let mut dice = Dice::new(seed);
        let mut failures = 0_u32;
        while !self.tally.stop.load(Ordering::Acquire) {
            self.tally.dials.fetch_add(1, Ordering::Relaxed);
            match self.way.dial(&self.endpoint).await {
                Ok(line) => {
                    let why = self.clone().talk(&line, &mut failures).await;
                    if let Err(e) = why {
                        self.tally.say(format!("{}: {e}", self.name));
                    }
                    line.close(VarInt::from_u32(wire::close::DONE), b"the box stops");
                }
                Err(e) => {
                    self.tally.failed.fetch_add(1, Ordering::Relaxed);
                    self.tally.say(format!("{}: {e}", self.name));
                }
            }
            let step = (FIRST_MS << failures.min(16)).min(LONGEST_MS);
            failures = failures.saturating_add(1);
            let wait = step / 2 + dice.below(step / 2 + 1);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }

    /// One connection, until it ends.
    async fn talk(self: Arc<Self>, line: &quinn::Connection, failures: &mut u32) -> Done<()> {
        let (mut out, mut inc) = line.open_bi().await.map_err(told)?;
        send(&mut out, &self.hello()).await?;
        let ToBox::Welcome { .. } = answer::<ToBox>(&mut inc).await? else {
            return Err(Trouble::new("no welcome"));
        };
        *failures = 0;
        self.tally.connected.fetch_add(1, Ordering::Relaxed);
        self.tally.welcomes.fetch_add(1, Ordering::Relaxed);
        let (answers, outbox) = mpsc::channel(64);
        let done = tokio::select! {
            done = self.clone().orders(inc, answers) => done,
            done = self.reports(out, outbox) => done,
            done = self.audit(line) => done,
            done = self.clone().clips(line.clone()) => done,
            () = self.cut.notified() => Err(Trouble::new("the line was cut")),
            e = line.closed() => Err(told(e)),
        };
        self.tally.connected.fetch_sub(1, Ordering::Relaxed);
        done
    }

    fn hello(&self) -> Open {
        let log = lock(&self.log);
        let cameras = log.cameras.iter().map(|c| CameraInfo {
            cam: c.id.clone(),
            title: format!("Street {}", c.id),
            masked: false,
            lapse_secs: None,
            retention_days: None,
        });
        Open::Control {
            v: wire::VERSION,
            r#box: self.name.clone(),
            sw: "fleet".into(),
            time: wait::now(),
            cameras: cameras.collect(),
            retention_days: 31,
            zone: "Europe/London".into(),
        }
    }

    fn health(&self) -> ToHub {
        let log = lock(&self.log);
        let cameras = log.cameras.iter().map(|c| CameraHealth {
            cam: c.id.clone(),
            flow: Flow {
                landed: Some(c.end),
                recording: true,
                ..Flow::default()
            },
            rate: None,
            stands_secs: None,
            mask: None,
            outlook: None,
        });
        ToHub::Health {
            time: wait::now(),
            free_mib: 100_000,
            cameras: cameras.collect(),
            faults: vec![],
            approvers: None,
        }
    }

    async fn reports(
        &self,
        mut out: quinn::SendStream,
        mut outbox: mpsc::Receiver<ToHub>,
    ) -> Done<()> {
        let mut due = tokio::time::interval(HEALTH);
        loop {
            let message = tokio::select! {
                _ = due.tick() => self.health(),
                answer = outbox.recv() => match answer {
                    Some(answer) => answer,
                    None => return Ok(()),
                },
            };
            send(&mut out, &message).await?;
        }
    }

    /// The log goes up, countersigned heads come back.
    pub async fn audit(&self, line: &quinn::Connection) -> Done<()> {
        let (mut out, mut inc) = line.open_bi().await.map_err(told)?;
        send(
            &mut out,
            &Open::Audit {
                log: 1,
                cosigned: None,
            },
        )
        .await?;
        let mut sent = match answer::<AuditReply>(&mut inc).await? {
            AuditReply::Have { size, .. } => size,
            other => return Err(self.not_taken(other)),
        };
        lock(&self.log).held(sent);
        loop {
            let stop = lock(&self.log).next_stop();
            let Some((stop, head)) = stop else {
                self.news.notified().await;
                continue;
            };
            let bytes = lock(&self.log).bytes(sent, stop);
            for part in pieces(&bytes) {
                out.write_all(&wire::encode(b'L', part))
                    .await
                    .map_err(told)?;
            }
            let asked = Instant::now();
            out.write_all(&wire::encode(b'H', head.as_bytes()))
                .await
                .map_err(told)?;
            match answer::<AuditReply>(&mut inc).await? {
                AuditReply::Cosigned { note } => {
                    let ms = asked.elapsed().as_secs_f32() * 1000.0;
                    lock(&self.tally.countersigned).push(ms);
                    self.tally.lines.fetch_add(stop - sent, Ordering::Relaxed);
                    let note = SignedHead::parse(note.as_bytes()).map_err(told)?;
                    let mut log = lock(&self.log);
                    // What went up while it was away is acknowledged by the newest head alone, as on a box that is behind.
                    let at = log.time();
                    log.held(stop);
                    if log.next_stop().is_none() {
                        log.countersigned(&note, at)?;
                    }
                    sent = stop;
                }
                other => return Err(self.not_taken(other)),
            }
        }
    }

    fn not_taken(&self, reply: AuditReply) -> Trouble {
        self.tally.refused.fetch_add(1, Ordering::Relaxed);
        Trouble(format!("the log was not taken: {reply:?}"))
    }

    /// A camera's segment until now, and, after the last camera's, what else there is in a minute, with a head over it.
    pub fn record(&self, camera: usize) -> Done<()> {
        let now = wait::now();
        let mut log = lock(&self.log);
        let cameras = log.cameras.len();
        if let Some(c) = log.cameras.get(camera).cloned() {
            let t0 = c.end;
            let plain = footage::segment(self.number + camera, c.s + 1, t0, now)?;
            let n = log.segment(camera, &sha256(&plain), plain.len() as u64, now)?;
            let mut spans = lock(&self.spans);
            spans.insert((camera, c.s + 1), Span { t0, t1: now, n });
            spans.remove(&(camera, (c.s + 1).saturating_sub(30)));
        }
        if camera + 1 >= cameras {
            log.beat(now)?;
            log.sign();
            drop(log);
            self.news.notify_one();
        }
        Ok(())
    }

    async fn orders(
        self: Arc<Self>,
        mut inc: quinn::RecvStream,
        answers: mpsc::Sender<ToHub>,
    ) -> Done<()> {
        loop {
            let ToBox::Order { order, .. } = frame(&mut inc).await?.json().map_err(told)? else {
                continue;
            };
            let Ok(Ordered { order, .. }) = serde_json::from_str::<Ordered>(&order) else {
                continue;
            };
            let number = order.order;
            match self.obey(order) {
                Ok(done) => {
                    let outcome = Outcome::Done(done);
                    let answer = ToHub::Answer {
                        order: number,
                        outcome,
                    };
                    answers.send(answer).await.map_err(told)?;
                }
                Err(e) => self
                    .tally
                    .say(format!("{}: order {number}: {e}", self.name)),
            }
        }
    }

    fn obey(&self, order: Order) -> Done<DoneOrder> {
        let now = wait::now();
        match order.act {
            Act::HoldSet {
                hold,
                cam,
                t0,
                t1,
                until,
                grant,
            } => {
                let segments = self.touching(&cam, t0, t1).len() as u64;
                let line = types::HoldSet {
                    hold,
                    cam,
                    t0,
                    t1,
                    until,
                    grant,
                };
                self.line("hub:order", &line, now)?;
                Ok(DoneOrder::Hold {
                    until,
                    segments,
                    bytes: segments * 100_000,
                })
            }
            Act::HoldClear { .. } => Ok(DoneOrder::Cleared),
            Act::Pull {
                r#ref,
                cam,
                t0,
                t1,
                grant,
                purpose,
                recipient,
                ..
            } => self.prepare((r#ref, cam, t0, t1), grant, purpose, recipient, now),
            other => Err(Trouble(format!("not obeyed: {other:?}"))),
        }
    }

    fn line<D: types::Data>(&self, who: &str, line: &D, now: Utc) -> Done<u64> {
        let mut log = lock(&self.log);
        let n = log.add(who, line, now)?;
        log.sign();
        drop(log);
        self.news.notify_one();
        Ok(n)
    }

    fn camera(&self, cam: &CameraId) -> Option<usize> {
        let log = lock(&self.log);
        log.cameras.iter().position(|c| c.id == *cam)
    }

    fn touching(&self, cam: &CameraId, t0: Utc, t1: Utc) -> Vec<(u64, Span)> {
        let Some(camera) = self.camera(cam) else {
            return Vec::new();
        };
        let spans = lock(&self.spans);
        let of = spans.range((camera, 0)..=(camera, u64::MAX));
        of.filter(|(_, span)| span.t0 < t1 && span.t1 > t0)
            .map(|((_, s), span)| (*s, *span))
            .collect()
    }

    fn prepare(
        &self,
        (exhibit, cam, t0, t1): (ExhibitRef, CameraId, Utc, Utc),
        grant: String,
        purpose: String,
        recipient: String,
        now: Utc,
    ) -> Done<DoneOrder> {
        let there = self.touching(&cam, t0, t1);
        let (Some((first, _)), Some((last, _))) = (there.first(), there.last()) else {
            return Err(Trouble(format!("nothing of {cam} between {t0} and {t1}")));
        };
        let line = types::ExpClip {
            r#ref: exhibit.to_string(),
            cam: cam.clone(),
            s0: *first,
            s1: *last,
            t0,
            t1,
            grant,
            purpose,
        };
        let n = self.line("hub:order", &line, now)?;
        let camera = self.camera(&cam).unwrap_or(0);
        let mut segments = Vec::new();
        for (s, span) in there {
            let plain = footage::segment(self.number + camera, s, span.t0, span.t1)?;
            let bytes = ::footage::sealed::seal(&recipient, &plain).map_err(told)?;
            segments.push(PullSegment {
                s,
                n: span.n,
                sealed: bytes.len() as u64,
                part: None,
            });
            lock(&self.pulls).insert((exhibit.to_string(), cam.to_string(), s), bytes);
        }
        Ok(DoneOrder::Pull {
            log: 1,
            n,
            of: 1,
            segments,
        })
    }

    async fn clips(self: Arc<Self>, line: quinn::Connection) -> Done<()> {
        loop {
            let (out, inc) = line.accept_bi().await.map_err(told)?;
            let town = self.clone();
            tokio::spawn(async move {
                if let Err(e) = town.clip(out, inc).await {
                    town.tally.say(format!("{}: a clip: {e}", town.name));
                }
            });
        }
    }

    async fn clip(&self, mut out: quinn::SendStream, mut inc: quinn::RecvStream) -> Done<()> {
        let open = frame(&mut inc).await?.json::<Open>().map_err(told)?;
        let Open::Clip {
            r#ref,
            cam,
            s,
            offset,
            length,
        } = open
        else {
            return Err(Trouble::new("a stream that asks for no clip"));
        };
        let of = (r#ref.to_string(), cam.to_string(), s);
        let found = lock(&self.pulls).get(&of).cloned();
        let Some(bytes) = found else {
            let why = "not prepared".into();
            return send(&mut out, &ClipReply::Refused { why }).await;
        };
        let size = bytes.len() as u64;
        send(&mut out, &ClipReply::Bytes { size }).await?;
        let from = offset.min(size);
        let to = from.saturating_add(length).min(size);
        let asked = bytes.get(from as usize..to as usize).unwrap_or_default();
        for part in asked.chunks(PIECE) {
            out.write_all(&wire::encode(b'B', part))
                .await
                .map_err(told)?;
        }
        let _ = out.finish();
        self.tally.clips.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Whole lines, as many as go into a frame.
fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let most = bytes.get(..FRAME).unwrap_or(bytes);
        let end = most.iter().rposition(|b| *b == b'\n')? + 1;
        let (part, rest) = bytes.split_at(end);
        bytes = rest;
        Some(part)
    })
}
