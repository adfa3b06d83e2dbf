//! Task. The conversation with one connection: enrolment, or a known box's control and audit streams.

use std::{sync::Arc, time::Duration};

use shared::{
    id::BoxName,
    plain as text,
    record::hex,
    schema::{
        Breach,
        message::{self, Health, Hello},
    },
    wire::{self, AuditReply, BadFrame, EnrolReply, Frame, Open, RenewReply, ToBox, ToHub, close},
};

use super::{
    enrol,
    registry::{self, Admission},
};
use crate::{
    blocking::blocking,
    faults::reports,
    hub::Hub,
    link::{BoxCertificate, Connection, Incoming, LinkError, Outgoing},
    places::Place,
    pulls::steer,
};

/// How long a stream may keep us waiting for its first frame.
const FIRST: Duration = Duration::from_secs(20);
/// How long one without a certificate may keep us waiting for what it wants, and last in all.
const STRANGER_FIRST: Duration = Duration::from_secs(5);
const ENROL: Duration = Duration::from_secs(15);

/// Most characters of the sentence a connection is closed with: it travels in one packet.
const CLOSE_WORDS: usize = 400;

/// What staff are shown of a box that says another version than the hub's.
const OTHER_VERSION: &str = "is not the version of the protocol that this hub speaks; bring box and hub to the same release of Beadle";

/// What a connection is closed with that begins with this.
fn code_of(e: &BadFrame) -> u32 {
    match e {
        BadFrame::Version(_) => close::VERSION,
        _ => close::BAD_MESSAGE,
    }
}

/// Too many without a certificate: this one gives way.
pub fn displaced(line: &Connection) {
    line.close(
        close::NO_CERTIFICATE,
        "too many connections without a certificate from this address, or from all; wait a minute and try again",
    );
}

/// No certificate: may enrol, once, and nothing else.
pub async fn stranger(hub: Arc<Hub>, line: Connection, place: &Place) {
    let only = "a connection without a certificate may only enrol";
    let talk = async {
        let stream = tokio::time::timeout(STRANGER_FIRST, line.next_stream());
        let Ok(Some((mut out, mut inc))) = stream.await else {
            return line.close(close::NO_CERTIFICATE, only);
        };
        let first = inc
            .small_frame(STRANGER_FIRST)
            .await
            .ok()
            .flatten()
            .map(|f| f.first::<Open>());
        // It says something: the silent give way before it does.
        place.known();
        match first {
            Some(Ok(open @ Open::Enrol { .. })) if message::open(&open).is_err() => {
                let why = message::open(&open).map_or_else(|e| e.to_string(), |()| String::new());
                let why = format!("{why}; nothing was done");
                if out.send(&EnrolReply::Refused { why }).await.is_ok() {
                    out.heard().await;
                }
                line.close(close::DONE, "done");
            }
            Some(Ok(Open::Enrol {
                scheme,
                r#box,
                secret,
                spki,
                ..
            })) => {
                let came = tokio::time::Instant::now();
                let (d, name) = (hub.clone(), r#box.clone());
                let reply =
                    blocking(move || enrol::claim(&d, &scheme, &name, &secret, &spki)).await;
                let reply = match reply {
                    Ok(Ok(enrolled)) => enrolled,
                    Ok(Err(no)) => {
                        if no.is_guess {
                            guessed(&hub, &line, came).await;
                        } else {
                            tracing::warn!(name = %r#box, why = no.why, "enrolment refused");
                        }
                        EnrolReply::Refused { why: no.why }
                    }
                    Err(_) => EnrolReply::Refused {
                        why: "the hub is stopping; nothing was done; try again later".into(),
                    },
                };
                if out.send(&reply).await.is_ok() {
                    out.heard().await;
                }
                line.close(close::DONE, "done");
            }
            Some(Ok(_)) => line.close(close::NO_CERTIFICATE, only),
            Some(Err(e)) => line.close(code_of(&e), &e.to_string()),
            None => line.close(close::NO_CERTIFICATE, only),
        }
    };
    if tokio::time::timeout(ENROL, talk).await.is_err() {
        line.close(close::NO_CERTIFICATE, only);
    }
}

/// A wrong code is answered when its time has come, whatever it took to find it wrong: that tells nothing of names.
async fn guessed(hub: &Hub, line: &Connection, came: tokio::time::Instant) {
    let from = line.remote();
    let guess = hub.live.guessed(from.ip(), hub.clock.now().mono);
    if guess.is_told {
        tracing::warn!(%from, count = guess.count, "a wrong enrolment code: mistyped, of another hub, or a guess");
    }
    tokio::time::sleep_until(came + guess.wait).await;
}

/// Serves a connection with a certificate of this hub's authority until it ends.
pub async fn known(hub: Arc<Hub>, line: Connection, shown: BoxCertificate) {
    let (records, who) = (hub.clone(), shown.name.clone());
    let found = blocking(move || records.db.box_named(&who)).await;
    let Ok(Ok(found)) = found else {
        tracing::error!("a box could not be looked up: {found:?}");
        line.close(
            close::DONE,
            "the hub cannot look up boxes just now; try again later",
        );
        return;
    };
    let name = shown.name.clone();
    match registry::admit(found.as_ref(), &shown, hub.now(), &hub.config.zone) {
        Ok(Admission::Wide) => {}
        Ok(Admission::Narrow(only)) => return narrow(hub, line, shown, only).await,
        Err(refusal) => {
            tracing::warn!(from = %line.remote(), "connection refused: {}", refusal.why);
            line.close(refusal.code, &refusal.why);
            return;
        }
    }
    line.widen();
    if !paced(&hub, &line, &name) {
        return;
    }
    let (id, replaced) = hub.live.came(&name, line.clone());
    if let Some(before) = replaced {
        hub.logs.replaced(&name, before, line.remote());
    }
    // Revoked between the look-up and now: the cut found nobody on the line, so look once more.
    let (records, again) = (hub.clone(), name.clone());
    if let Ok(Ok(Some(b))) = blocking(move || records.db.box_named(&again)).await
        && b.state == "revoked"
    {
        let refusal = registry::revoked(name.as_str(), b.revoked_why.as_deref());
        line.close(refusal.code, &refusal.why);
    }
    tracing::info!(%name, from = %line.remote(), "box on the line");
    let mut streams = tokio::task::JoinSet::new();
    while let Some((out, inc)) = line.next_stream().await {
        let (hub, shown, line) = (hub.clone(), shown.clone(), line.clone());
        streams.spawn(async move {
            if let Err(e) = stream(&hub, &shown, id, &line, out, inc).await {
                tracing::debug!(name = %shown.name, "stream ended: {e}");
            }
        });
        while streams.try_join_next().is_some() {}
    }
    let why = line.closed().await;
    streams.shutdown().await;
    hub.live.went(&name, id);
    tracing::info!(%name, %why, "box off the line");
}

/// Whether it may come now; else it is told, and the line closed.
fn paced(hub: &Hub, line: &Connection, name: &BoxName) -> bool {
    let may = hub.logs.budgets.call(name, hub.clock.now().mono);
    if !may {
        line.close(
            close::DONE,
            "this box connects too often; the hub listens to it again in a minute",
        );
    }
    may
}

/// A box that was away until its certificate was over: it may renew it, once, and then comes in by the wide door.
async fn narrow(
    hub: Arc<Hub>,
    line: Connection,
    shown: BoxCertificate,
    only: registry::CloseReason,
) {
    if !paced(&hub, &line, &shown.name) {
        return;
    }
    let talk = async {
        let Some((out, mut inc)) = line.next_stream().await else {
            return false;
        };
        let first = inc.small_frame(STRANGER_FIRST).await.ok().flatten();
        match first.map(|f| f.first::<Open>()) {
            Some(Ok(Open::Renew { .. })) => renew(&hub, &shown, out).await.unwrap_or(false),
            Some(Err(e @ BadFrame::Version(_))) => {
                line.close(close::VERSION, &e.to_string());
                false
            }
            _ => false,
        }
    };
    match tokio::time::timeout(ENROL, talk).await {
        Ok(true) => line.close(close::DONE, "the certificate is renewed; come in with it"),
        // The first word that a line is closed with is the one that counts.
        Ok(false) | Err(_) => line.close(only.code, &only.why),
    }
}

async fn renew(
    hub: &Arc<Hub>,
    shown: &BoxCertificate,
    mut out: Outgoing,
) -> Result<bool, LinkError> {
    let (d, who) = (hub.clone(), shown.clone());
    let reply = blocking(move || enrol::renew(&d, &who)).await;
    let reply = reply.unwrap_or_else(|_| RenewReply::Refused {
        why: "the hub is stopping; nothing was done; ask again later".into(),
    });
    out.send(&reply).await?;
    out.heard().await;
    Ok(matches!(reply, RenewReply::Renewed { .. }))
}

async fn stream(
    hub: &Arc<Hub>,
    shown: &BoxCertificate,
    id: u64,
    line: &Connection,
    mut out: Outgoing,
    mut inc: Incoming,
) -> Result<(), LinkError> {
    let name = &shown.name;
    let Some(first) = inc.frame_within(FIRST).await? else {
        return Ok(());
    };
    let open = first.first::<Open>();
    if let Err(e @ BadFrame::Version(theirs)) = &open {
        tracing::warn!(%name, theirs, "a box of another version of the protocol was refused");
        let breach = Breach::new("v", theirs.to_string(), OTHER_VERSION);
        not_taken(hub, name, reports::HELLO, breach).await;
        line.close(close::VERSION, &e.to_string());
        return Ok(());
    }
    match open.as_ref().ok().and_then(Hello::of) {
        // Judged once, when it comes; what is kept of it is what was judged.
        Some(Ok(hello)) if matches!(&open, Ok(Open::Control { r#box, .. }) if r#box == name) => {
            return control(hub, name, id, hello, out, inc).await;
        }
        Some(Err(breach)) => {
            let why = reports::sentence(reports::HELLO, &breach);
            tracing::warn!(%name, "{why}");
            not_taken(hub, name, reports::HELLO, breach).await;
            line.close(close::BAD_MESSAGE, &text::plain(&why, CLOSE_WORDS));
            return Ok(());
        }
        _ => {}
    }
    match open {
        Ok(Open::Control { r#box, .. }) => {
            line.close(
                close::BAD_MESSAGE,
                &format!("this certificate is of box {name}, not of {}", r#box),
            );
            Ok(())
        }
        Ok(Open::Renew { .. }) => renew(hub, shown, out).await.map(drop),
        Ok(Open::Audit { log, cosigned }) => audit(hub, name, log, cosigned, out, inc).await,
        // What is no hello at all, and means to be one.
        Err(e) if says_control(&first.body) => {
            let why = format!("the box's hello was not taken, and nothing of it is kept: {e}");
            tracing::warn!(%name, "{}", text::sentence(&why));
            let breach = Breach::new("", "", text::plain(&e.to_string(), CLOSE_WORDS));
            not_taken(hub, name, reports::HELLO, breach).await;
            line.close(close::BAD_MESSAGE, &text::plain(&why, CLOSE_WORDS));
            Ok(())
        }
        // A newer box may open streams this hub does not know: it sees the end of the stream and lives on.
        Ok(_) | Err(_) => {
            tracing::debug!(%name, "a stream of an unknown kind was declined");
            out.finish();
            Ok(())
        }
    }
}

fn says_control(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Is {
        is: String,
    }
    serde_json::from_slice::<Is>(body).is_ok_and(|is| is.is == "control")
}

async fn control(
    hub: &Arc<Hub>,
    name: &BoxName,
    id: u64,
    hello: Hello,
    mut out: Outgoing,
    mut inc: Incoming,
) -> Result<(), LinkError> {
    let Some(mut orders) = hub.live.control_up(name, id) else {
        return Ok(());
    };
    out.send(&ToBox::Welcome {
        v: wire::VERSION,
        time: hub.now(),
    })
    .await?;
    if let Some(wish) = steer::greeting(hub, name) {
        out.send(&wish).await?;
    }
    let (records, who) = (hub.clone(), name.clone());
    store(blocking(move || records.db.box_hello(&who, &hello, records.now())).await);
    let sender = async {
        while let Some(order) = orders.recv().await {
            out.send(&order).await?;
        }
        Ok::<(), LinkError>(())
    };
    let reader = async {
        let mut refused = None;
        while let Some(frame) = inc.frame().await? {
            heard(hub, name, id, frame, &mut refused).await;
        }
        Ok::<(), LinkError>(())
    };
    tokio::select! {
        done = sender => done,
        done = reader => done,
    }
}

fn store<E: std::fmt::Display>(result: Result<Result<(), E>, crate::blocking::Interruption>) {
    if let Ok(Err(e)) = result {
        tracing::error!("a box's report was not recorded: {e}");
    }
}

/// Puts on the record that something a box said was not taken.
async fn not_taken(hub: &Arc<Hub>, name: &BoxName, what: &'static str, breach: Breach) {
    let (hub, name) = (hub.clone(), name.clone());
    let done = blocking(move || reports::refused(&hub, &name, what, what, &breach)).await;
    if let Ok(Err(e)) = done {
        tracing::error!("what a box said was not taken, and that was not recorded: {e}");
    }
}

/// `refused`: the last message of this connection that was not taken, so that one is not put on record again and again.
async fn heard(
    hub: &Arc<Hub>,
    name: &BoxName,
    id: u64,
    frame: Frame,
    refused: &mut Option<Breach>,
) {
    let message = match frame.json::<ToHub>() {
        Ok(m) => m,
        Err(e) => {
            tracing::debug!(%name, "a message was not understood and left alone: {e}");
            return;
        }
    };
    let report = matches!(message, ToHub::Health { .. });
    let number = match &message {
        ToHub::Answer { order, .. } => Some(*order),
        _ => None,
    };
    let message = match message::to_hub(message) {
        Ok(message) => message,
        Err(breach) => {
            if refused.as_ref() == Some(&breach) && number.is_none() {
                return;
            }
            tracing::warn!(%name, "a message was not taken: {breach}");
            *refused = Some(breach.clone());
            if let Some(number) = number {
                // Whoever waits for it is not left to wait for another.
                hub.live.answered(name, id, number, Err(breach.clone()));
            }
            if report {
                not_taken(hub, name, reports::STATE, breach).await;
            }
            return;
        }
    };
    if report {
        *refused = None;
        if !hub.logs.budgets.health(name, hub.clock.now().mono) {
            return;
        }
        if let Some(said) = Health::of(message.clone()) {
            let (records, who) = (hub.clone(), name.clone());
            store(blocking(move || records.db.box_health(&who, &said, records.now())).await);
        }
    }
    if let ToHub::Answer { order, outcome } = message
        && !hub.live.answered(name, id, order, Ok(outcome))
    {
        tracing::debug!(%name, order, "an answer for which nobody waits");
    }
}

/// What comes faster than a box needs waits.
async fn pause(ms: u64) {
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

async fn audit(
    hub: &Arc<Hub>,
    name: &BoxName,
    log: u64,
    cosigned: Option<String>,
    mut out: Outgoing,
    mut inc: Incoming,
) -> Result<(), LinkError> {
    let shown = Open::Audit {
        log,
        cosigned: cosigned.clone(),
    };
    if let Err(breach) = message::open(&shown) {
        let why = format!("{breach}; nothing was done");
        let code = "MALFORMED".into();
        out.send(&AuditReply::Refused { code, why }).await?;
        out.heard().await;
        return Ok(());
    }
    let (logs, who) = (hub.logs.clone(), name.clone());
    let begun = blocking(move || logs.begin(&who, log, cosigned.as_deref())).await;
    let Ok(begun) = begun else { return Ok(()) };
    let (stream, have) = match begun {
        Ok(begun) => begun,
        Err(r) => {
            out.send(&AuditReply::Refused {
                code: r.code,
                why: r.why,
            })
            .await?;
            out.heard().await;
            return Ok(());
        }
    };
    tracing::debug!(log = stream.origin(), size = have.size, "audit stream");
    out.send(&AuditReply::Have {
        size: have.size,
        root: have.root,
    })
    .await?;
    // After a refusal every further head of this stream gets the same answer.
    let mut refusal = None;
    // Lines of the head before, on their way into the tables.
    let mut indexing: Option<tokio::task::JoinHandle<()>> = None;
    while let Some(frame) = inc.frame().await? {
        let on = stream.clone();
        match frame.kind {
            b'L' if refusal.is_some() => {}
            b'L' => {
                let lines = frame.body.iter().filter(|b| **b == b'\n').count() as u64;
                let bytes = frame.body.len() as u64;
                let now = hub.clock.now().mono;
                pause(hub.logs.budgets.lines(name, lines, bytes, now)).await;
                match blocking(move || on.lines(&frame.body)).await {
                    Ok(done) => refusal = done.err(),
                    Err(_) => return Ok(()),
                }
            }
            b'H' => {
                if refusal.is_none() {
                    pause(hub.logs.budgets.head(name, hub.clock.now().mono)).await;
                    // What comes faster than it goes into the tables waits here, and so does its box.
                    if let Some(before) = indexing.take()
                        && before.await.is_err()
                    {
                        return Ok(());
                    }
                    match blocking(move || on.head(&frame.body)).await {
                        Ok(Ok((note, arrived))) => {
                            let on = stream.clone();
                            let index = arrived.map(|a| {
                                let few = a.is_few();
                                (few, tokio::task::spawn_blocking(move || on.index(a)))
                            });
                            match index {
                                // Whoever hears of an ordinary minute's countersignature finds it on the pages.
                                Some((true, now)) => drop(now.await),
                                Some((false, later)) => indexing = Some(later),
                                None => {}
                            }
                            out.send(&AuditReply::Cosigned { note }).await?;
                            continue;
                        }
                        Ok(Err(r)) => refusal = Some(r),
                        Err(_) => return Ok(()),
                    }
                }
                if let Some(r) = &refusal {
                    out.send(&AuditReply::Refused {
                        code: r.code.clone(),
                        why: r.why.clone(),
                    })
                    .await?;
                }
            }
            _ => {
                tracing::debug!(%name, kind = hex(&[frame.kind]), "a frame of an unknown kind was left alone")
            }
        }
    }
    out.finish();
    Ok(())
}
