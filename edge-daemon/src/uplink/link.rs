//! Task. One connection to the hub after the other, for ever; on each the control stream, the audit stream and clips.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shared::{
    approval::KnownKey,
    id::CameraId,
    time::Utc,
    wire::{self, BadFrame, CameraHealth, CameraInfo, ClipReply, Fault, Open, ToBox, ToHub},
};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
};

use super::{
    addresses::{Addresses, Place},
    audit::{self, Audit},
    lanes::{Job, Jobs},
    moved,
    orders::BoxContext,
    pulls::Sending,
    quic::{Incoming, Line, LinkError, Outgoing, Target, Trusted, dial_first, priority},
    renewal,
    session::{Event, Session, State},
    throttle::Throttle,
};
use crate::{
    clock::Trust,
    health::{Faults, status},
    identity::{self, BoxKey, Enrolment},
};

/// How often a box that is not enrolled looks whether it is.
const LOOK: Duration = Duration::from_secs(2);
/// What a last word to the hub may take, before the link is cut.
const FAREWELL: Duration = Duration::from_millis(1200);
const WELCOME: Duration = Duration::from_secs(20);
const HEALTH: Duration = Duration::from_secs(60);
const CHANGES: Duration = Duration::from_secs(1);
/// Bytes of a clip in one frame: small, so that audit lines do not wait behind it.
const PIECE: usize = 64 * 1024;
const UNREACHABLE: &str = "hub.unreachable";
const REFUSED: &str = "hub.refused";
const VERSION: &str = "hub.version";
const NOT_ENROLLED: &str = "cert.missing";
const EXPIRING: &str = "cert.expiring";

/// What the link needs from the rest of the box.
pub struct Deps {
    pub desk: BoxContext,
    pub key: BoxKey,
    pub faults: Faults,
    pub trust: Trust,
    /// How the link is, for `status.json`.
    pub seen: Arc<Mutex<status::Uplink>>,
}

/// Runs until told to stop.
pub async fn run(deps: Arc<Deps>, mut stop: watch::Receiver<bool>) {
    let jobs = Jobs::start(&deps);
    let mut session = Session::new(deps.desk.clock.now().mono);
    let mut addresses = Addresses::default();
    // The hub said that the certificate is over, whatever our clock says.
    let mut over = false;
    while !*stop.borrow() {
        let enrolled = match Enrolment::load(&deps.desk.state) {
            Ok(Some(enrolled)) => enrolled,
            other => {
                let why = other.err().map(|e| crate::failure::chain(&e));
                deps.faults.on(
                    NOT_ENROLLED,
                    None,
                    why.as_deref()
                        .unwrap_or("the box has not been enrolled with a hub"),
                );
                deps.say("not-enrolled", None, why);
                pause(LOOK, &mut stop).await;
                continue;
            }
        };
        deps.faults.off(NOT_ENROLLED, None);
        deps.look_at_certificate(&enrolled);
        let mono = deps.desk.clock.now().mono;
        if let Some(at) = session.next_deadline().filter(|at| *at > mono) {
            pause(Duration::from_millis(at - mono), &mut stop).await;
            continue;
        }
        session.apply(mono, Event::Due);
        addresses.know(moved::places(
            &enrolled,
            moved::known(&deps.desk.state, &enrolled).as_ref(),
        ));
        let first = addresses.in_turn().into_iter().next();
        deps.say("dialling", first, None);
        let mut at = Place {
            session: &mut session,
            addresses: &mut addresses,
            hub: None,
        };
        let why = tokio::select! {
            why = connection(&deps, &enrolled, over, &jobs, &mut at, stop.clone()) => why,
            // The link has this long to say so; then it is cut.
            () = told_to_stop(&mut stop) => break,
        };
        if *stop.borrow() {
            break;
        }
        let refused = match why.main() {
            LinkError::NotAccepted(_) | LinkError::Stranger { .. } | LinkError::NotRenewed(_) => {
                Some(REFUSED)
            }
            LinkError::Frame(BadFrame::Version(_)) => Some(VERSION),
            LinkError::Closed { code, .. } => match *code {
                wire::close::REVOKED | wire::close::UNKNOWN_BOX | wire::close::NO_CERTIFICATE => {
                    Some(REFUSED)
                }
                wire::close::VERSION => Some(VERSION),
                _ => None,
            },
            _ => None,
        };
        over =
            matches!(why.main(), LinkError::Closed { code, .. } if *code == wire::close::EXPIRED);
        if let (Some(hub), false) = (&at.hub, at.session.state == State::Connected) {
            let hub = hub.clone();
            addresses.turned_away(&hub);
        }
        let why = crate::failure::chain(&why);
        let was = session.state == State::Connected;
        let mono = deps.desk.clock.now().mono;
        session.apply(mono, Event::Lost { random: random() });
        tracing::info!(why, connected = was, "no link to the hub");
        if let Some(refused) = refused {
            for other in [UNREACHABLE, REFUSED, VERSION] {
                if other != refused {
                    deps.faults.off(other, None);
                }
            }
            deps.faults.on(refused, None, &why);
        } else if session.down(mono) {
            deps.faults.on(UNREACHABLE, None, &why);
        }
        let first = addresses.in_turn().into_iter().next();
        deps.say("waiting", first, Some(why));
    }
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(FAREWELL).await;
}

async fn pause(time: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

fn random() -> u32 {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 4];
    // Without randomness boxes only come back in step: no reason to fail.
    let _ = ring::rand::SystemRandom::new().fill(&mut bytes);
    u32::from_le_bytes(bytes)
}

impl Deps {
    /// A certificate that renews itself is never this old.
    pub fn look_at_certificate(&self, enrolled: &Enrolment) {
        let until = enrolled.certificate().map(|c| c.until);
        match until.filter(|t| t.0 - self.desk.clock.now().wall.0 < identity::SOON_MS) {
            Some(until) => self.faults.on(
                EXPIRING,
                None,
                &format!(
                    "it is good until {}",
                    until.for_people(&self.desk.config.zone)
                ),
            ),
            None => self.faults.off(EXPIRING, None),
        }
    }

    fn say(&self, state: &str, hub: Option<String>, why: Option<String>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.state != state {
            seen.since = Some(self.desk.clock.now().wall);
            seen.state = state.into();
        }
        seen.hub = hub;
        // While dialling, the last failure stays to be read.
        if why.is_some() || state == "connected" {
            seen.why = why;
        }
    }
}

/// One connection, from dialling to its end; says why it ended.
async fn connection(
    deps: &Arc<Deps>,
    enrolled: &Enrolment,
    over: bool,
    jobs: &Jobs,
    at: &mut Place<'_>,
    mut stop: watch::Receiver<bool>,
) -> LinkError {
    let judged_at = super::floor(deps.desk.clock.now().wall);
    let targets = at.addresses.in_turn().into_iter().map(|hub| Target {
        hub,
        trusted: Trusted::Ca(enrolled.ca.clone()),
        client: Some((enrolled.cert.clone(), deps.key.tls())),
        congestion: deps.desk.config.congestion,
        judged_at,
    });
    let (hub, line) = match dial_first(targets.collect()).await {
        Ok(found) => found,
        Err(e) => return e,
    };
    at.hub = Some(hub);
    if over || renewal::is_over(enrolled, judged_at) {
        match renewal::ask(deps, enrolled, &line).await {
            Ok(Some(_)) => {
                at.hub = None;
                line.close("renewed").await;
                return LinkError::Renewed;
            }
            // The hub holds it for good: it is our clock that is ahead.
            Ok(None) => {}
            Err(e) => return e,
        }
    }
    tokio::select! {
        talked = talk(deps, enrolled, jobs, at, &line) => match talked {
            Ok(never) => never,
            // We closed it, and say why.
            Err(e @ LinkError::Frame(BadFrame::Version(_))) => e,
            // The reason the hub gave for closing says more than the stream that broke.
            Err(e) => line.why_closed().unwrap_or(e),
        },
        // The hub is to know at once, not when it misses us.
        _ = stop.wait_for(|stop| *stop) => {
            line.close("the box stops").await;
            LinkError::Lost("the box stops".into())
        }
    }
}

async fn talk(
    deps: &Arc<Deps>,
    enrolled: &Enrolment,
    jobs: &Jobs,
    at: &mut Place<'_>,
    line: &Line,
) -> Result<LinkError, LinkError> {
    let (out, inc, time) = greet(line, &hello(deps)).await?;
    tracing::info!(hub = at.hub, hub_time = %time, "link to the hub");
    at.session
        .apply(deps.desk.clock.now().mono, Event::Welcomed);
    at.addresses.welcomed();
    deps.faults.off(UNREACHABLE, None);
    deps.faults.off(REFUSED, None);
    deps.faults.off(VERSION, None);
    deps.say("connected", at.hub.clone(), None);
    let (answers, outbox) = mpsc::channel(64);
    let mut parts = JoinSet::new();
    let throttle = Throttle::default();
    let heard = throttle.clone();
    let room = Arc::new(Notify::new());
    let heard = Heard {
        throttle: heard,
        room: room.clone(),
    };
    parts.spawn(orders(inc, enrolled.clone(), jobs.clone(), answers, heard));
    parts.spawn(reports(deps.clone(), out, outbox));
    parts.spawn(clips(deps.clone(), line.clone(), throttle));
    parts.spawn(renewal::keep(deps.clone(), enrolled.clone(), line.clone()));
    let audit = Audit {
        room,
        log: deps.desk.log.clone(),
        cosign: enrolled.cosign.clone(),
        faults: deps.faults.clone(),
        trust: deps.trust.clone(),
        clock: deps.desk.clock.clone(),
    };
    parts.spawn(audit::run(audit, line.clone()));
    let ended = tokio::select! {
        e = line.closed() => e,
        Some(part) = parts.join_next() => part.unwrap_or_else(|e| LinkError::Lost(format!("a part of the link failed: {e}"))),
    };
    line.close("the box begins again").await;
    Ok(ended)
}

/// Says hello, and hears the hub's welcome: both halves of the control stream, and the hub's time.
pub(super) async fn greet(
    line: &Line,
    hello: &Open,
) -> Result<(Outgoing, Incoming, Utc), LinkError> {
    let (mut out, mut inc) = line.open(priority::CONTROL).await?;
    out.send(hello).await?;
    let welcome = inc.frame_within(WELCOME).await?.ok_or(LinkError::Cut)?;
    match welcome.first::<ToBox>() {
        Ok(ToBox::Welcome { v: _, time }) => Ok((out, inc, time)),
        Ok(_) => Err(LinkError::Lost("the hub answered out of turn".into())),
        Err(e) => Err(line.not_understood(e).await),
    }
}

fn hello(deps: &Deps) -> Open {
    let config = &deps.desk.config;
    let cameras = config
        .cameras
        .iter()
        .map(|c| CameraInfo {
            cam: c.id.clone(),
            title: c.title.clone(),
            masked: c.mask.is_some(),
            lapse_secs: c.timelapse.as_ref().map(|t| t.every_secs),
            retention_days: Some(c.retention_days),
        })
        .collect();
    Open::Control {
        v: wire::VERSION,
        r#box: config.name.clone(),
        sw: env!("CARGO_PKG_VERSION").into(),
        time: deps.desk.clock.now().wall,
        cameras,
        retention_days: config.retention_days,
        zone: config.zone_name.clone(),
    }
}

/// Who hears what the hub says beside orders.
struct Heard {
    throttle: Throttle,
    room: Arc<Notify>,
}

/// What the hub sends on the control stream.
async fn orders(
    mut inc: Incoming,
    enrolled: Enrolment,
    jobs: Jobs,
    answers: mpsc::Sender<ToHub>,
    heard: Heard,
) -> LinkError {
    loop {
        let frame = match inc.frame().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return LinkError::Cut,
            Err(e) => return e,
        };
        match frame.json::<ToBox>() {
            Ok(ToBox::Order { order, sig }) => {
                let (key, answers) = (enrolled.order.clone(), answers.clone());
                let job = Job {
                    key,
                    order,
                    sig,
                    answers,
                };
                jobs.give(job).await;
            }
            Ok(ToBox::Clips { most_kbit }) => heard.throttle.set(most_kbit),
            Ok(ToBox::Room) => heard.room.notify_one(),
            Ok(ToBox::Welcome { .. } | ToBox::Unknown) => {}
            Err(e) => {
                tracing::warn!(error = %e, "a message of the hub was not understood and left alone")
            }
        }
    }
}

/// Health each minute and on every change, and answers to orders.
async fn reports(
    deps: Arc<Deps>,
    mut out: Outgoing,
    mut answers: mpsc::Receiver<ToHub>,
) -> LinkError {
    type Seen = (
        CameraId,
        [bool; 3],
        Option<String>,
        Option<(String, Option<u64>, bool)>,
    );
    type Said = (Vec<Seen>, Vec<Fault>, Option<Vec<KnownKey>>);
    let mut last: Option<(Said, tokio::time::Instant)> = None;
    // The end of a lift is reckoned anew each time: that it is lifted is what changes.
    let seen = |c: &CameraHealth| {
        let mask = c
            .mask
            .as_ref()
            .map(|m| (m.id.clone(), m.order, m.lifted.is_some()));
        let flow = [c.flow.recording, c.flow.connected, c.flow.starting];
        (c.cam.clone(), flow, c.rate.clone(), mask)
    };
    let mut tick = tokio::time::interval(CHANGES);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            // The order thread keeps no sender while it has no order; the reader of orders does.
            Some(answer) = answers.recv() => answer,
            _ = tick.tick() => {
                let held = deps.clone();
                let known = move || (health(&held), held.desk.approvals.known());
                let Ok(((cameras, faults, free_mib), approvers)) = tokio::task::spawn_blocking(known).await else { continue };
                let said: Said = (cameras.iter().map(seen).collect(), faults.clone(), approvers.clone());
                let due = last.as_ref().is_none_or(|(before, at)| *before != said || at.elapsed() >= HEALTH);
                if !due {
                    continue;
                }
                last = Some((said, tokio::time::Instant::now()));
                ToHub::Health { time: deps.desk.clock.now().wall, free_mib, cameras, faults, approvers }
            }
        };
        if let Err(e) = out.send(&message).await {
            return e;
        }
    }
}

fn health(deps: &Deps) -> (Vec<CameraHealth>, Vec<Fault>, u64) {
    let mut masks: HashMap<CameraId, _> = deps.desk.cameras.masks().into_iter().collect();
    let cameras = deps
        .desk
        .cameras
        .status()
        .into_iter()
        .map(|(cam, s)| CameraHealth {
            outlook: deps.desk.outlook.of(&cam).map(|f| wire::Outlook {
                days_left: f.days_left,
                days_kept: f.days_kept,
            }),
            mask: masks.remove(&cam).flatten(),
            cam,
            flow: s.flow,
            rate: s.rate.map(|(rate, _)| rate.code()),
            stands_secs: s
                .stands_ms
                .map(|ms| u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX)),
        })
        .collect();
    let faults = deps
        .faults
        .list()
        .into_iter()
        .map(|r| Fault {
            code: r.code.into(),
            cam: r.cam,
            since: r.since,
            text: r.detail,
        })
        .collect();
    (cameras, faults, deps.desk.volumes.free_mib())
}

/// Streams the hub opens.
async fn clips(deps: Arc<Deps>, line: Line, throttle: Throttle) -> LinkError {
    let mut running = JoinSet::new();
    loop {
        let (out, inc) = match line.accept(priority::CLIP).await {
            Ok(stream) => stream,
            Err(e) => return e,
        };
        let (deps, throttle) = (deps.clone(), throttle.clone());
        running.spawn(async move {
            if let Err(e) = clip(&deps, out, inc, &throttle).await {
                tracing::debug!(error = %e, "a clip stream ended");
            }
        });
        while running.try_join_next().is_some() {}
    }
}

async fn clip(
    deps: &Arc<Deps>,
    mut out: Outgoing,
    mut inc: Incoming,
    throttle: &Throttle,
) -> Result<(), LinkError> {
    let Some(first) = inc.frame_within(WELCOME).await? else {
        return Ok(());
    };
    let (state, looks) = (deps.desk.state.clone(), deps.desk.looks.clone());
    let opening = match first.json::<Open>() {
        Ok(Open::Clip {
            r#ref,
            cam,
            s,
            offset,
            length,
        }) => tokio::task::spawn_blocking(move || {
            Sending::open(&state, &r#ref, &cam, s, (offset, length))
        }),
        Ok(Open::Look {
            order,
            s,
            offset,
            length,
        }) => {
            out.prefer(priority::LOOK);
            tokio::task::spawn_blocking(move || looks.open(order, s, (offset, length)))
        }
        _ => {
            tracing::debug!("a stream of an unknown kind was declined");
            out.finish().await;
            return Ok(());
        }
    };
    let mut sending = match opening.await.map_err(|e| e.to_string()).flatten() {
        Ok(sending) => sending,
        Err(why) => {
            out.send(&ClipReply::Refused { why }).await?;
            out.finish().await;
            return Ok(());
        }
    };
    out.send(&ClipReply::Bytes { size: sending.size }).await?;
    loop {
        let most = throttle.piece(PIECE);
        let piece =
            tokio::task::spawn_blocking(move || sending.next(most).map(|bytes| (sending, bytes)))
                .await;
        let bytes = match piece {
            Ok(Ok((same, bytes))) => {
                sending = same;
                bytes
            }
            Ok(Err(e)) => return Err(LinkError::Lost(format!("footage could not be read: {e}"))),
            Err(e) => return Err(LinkError::Lost(e.to_string())),
        };
        if bytes.is_empty() {
            break;
        }
        throttle.pass(bytes.len()).await;
        out.frame(b'B', &bytes).await?;
    }
    out.finish().await;
    Ok(())
}
