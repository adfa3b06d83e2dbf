//! Task. Drives requests from Waiting to Ready: order, countersigned `exp.clip`, bytes, checks, package. Goes on by itself after
//! a restart of either side: what is recorded is where it stands.

use std::{sync::Arc, time::Duration};

use shared::{
    id,
    order::{Act, Done, Order},
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinSet,
};

use super::{
    announced,
    bytes::fetch_all,
    ended, finish,
    outcome::{PullEnd, PullResult, absence, again, broken, failed, hub_broke, odd, ours},
    steer,
};
use crate::{
    blocking::blocking,
    db::requests::{FetchRecord, RequestRecord},
    error::{HubError, plain},
    holds,
    hub::{Hub, pulls::Progress, turns::Entry},
    link::Connection,
    model::pull::{Absence, State},
    orders::order,
    periods::wait_ends,
    reason::PullReason,
    requests::clip,
    words,
};

/// A box may prepare a long clip for minutes; it is asked again after this.
const ANSWER: Duration = Duration::from_secs(600);
const COUNTERSIGNED: Duration = Duration::from_secs(120);
/// A box that is offline is looked for again at least so often, for the clock on the wall.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);
/// A pull that waits for its turn looks at the clock on the wall so often.
const LOOK: Duration = Duration::from_secs(10);
/// Tries in a row that bring nothing before the request fails.
const FRUITLESS: u32 = 12;
/// Requests that nobody authorised in time are looked for so often.
const EXPIRE: Duration = Duration::from_secs(60);

/// Takes up open requests, then new ones as they come. Ends when the hub does.
pub async fn run(hub: Arc<Hub>) {
    let Some(mut inbox) = hub.pulls.inbox() else {
        return;
    };
    let mut tasks = JoinSet::new();
    steer::recall(&hub).await;
    let open = hub.clone();
    let rows = blocking(move || open.db.requests()).await;
    match rows {
        Ok(Ok(rows)) => {
            for row in rows.into_iter().rev().filter(|r| !r.state.over()) {
                tasks.spawn(pull(hub.clone(), row.r#ref.to_string()));
            }
        }
        other => tracing::error!("open requests could not be read: {other:?}"),
    }
    let mut tick = tokio::time::interval(EXPIRE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let d = hub.clone();
                if let Ok(Err(e)) = blocking(move || clip::ends::expire(&d)).await {
                    tracing::error!("requests that nobody authorised were not taken back: {e}");
                }
            }
            next = inbox.recv() => match next {
                Some(exhibit) => { tasks.spawn(pull(hub.clone(), exhibit)); }
                None => break,
            },
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
        }
    }
}

async fn set(hub: &Arc<Hub>, row: &RequestRecord, state: State, why: Vec<PullReason>) {
    set_with(hub, row, state, None, why).await;
}

async fn set_with(
    hub: &Arc<Hub>,
    row: &RequestRecord,
    state: State,
    reason: Option<Absence>,
    mut why: Vec<PullReason>,
) {
    // Whoever waits is told what stands in the way, not only that nothing came yet.
    let name = &row.camera.r#box;
    let twice = hub.logs.troubles(name);
    let twice = twice.iter().find(|t| t.condition == "box.twice");
    if let Some(t) = twice.filter(|_| state == State::Waiting) {
        let (name, text) = (name.clone(), t.text.clone());
        why.insert(0, PullReason::TwoBoxes { name, text });
    }
    let (d, exhibit, because) = (hub.clone(), row.r#ref.to_string(), why.clone());
    let stored = blocking(move || {
        d.db.request_state(&exhibit, state, reason, &because, d.now())
            .map_err(plain)?;
        clip::ending::after(&d, &exhibit)
    });
    if let Ok(Err(e)) = stored.await {
        tracing::error!("a request's state was not recorded: {e}");
    }
    let before = hub.pulls.last(row.r#ref.as_str());
    let base = before.unwrap_or_else(|| Progress {
        package: row.package.clone(),
        ..Progress::of(&row.r#ref, state, Vec::new())
    });
    hub.pulls.tell(Progress { state, why, ..base });
    if state.over() {
        hub.pulls.over(row.r#ref.as_str());
        // What was held for it may go.
        hub.pulls.holds.wake();
    }
}

/// Ends when the request is taken back.
async fn taken_back(cancelled: &mut Receiver<String>, exhibit: &str) {
    loop {
        match cancelled.recv().await {
            Ok(other) if other != exhibit => {}
            // Missed some: what is on record decides at the next turn.
            Err(RecvError::Lagged(_)) => {}
            Ok(_) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn pull(hub: Arc<Hub>, exhibit: String) {
    let mut cancelled = hub.pulls.cancellations();
    let mut fruitless = 0;
    let mut wait = Duration::from_secs(1);
    let mut place = None;
    loop {
        let (d, e) = (hub.clone(), exhibit.clone());
        let row = match blocking(move || d.db.request(&e)).await {
            Ok(Ok(Some(row))) if !row.state.over() => row,
            Ok(Err(e)) => {
                tracing::error!(exhibit, "the request cannot be read: {e}");
                return;
            }
            _ => return,
        };
        let name = row.camera.r#box.clone();
        place.get_or_insert_with(|| hub.pulls.lines.enter(&name, entry(&row)));
        let mut turns = hub.pulls.lines.watch();
        let ended = tokio::select! {
            ended = attempt(&hub, &row) => match ended {
                Ok((state, why)) => PullEnd::Over(state, None, why),
                Err(ended) => ended,
            },
            // It is on record already.
            () = taken_back(&mut cancelled, &exhibit) => return,
        };
        hub.pulls.lines.want(&name, &exhibit, 0);
        match ended {
            PullEnd::Over(state, reason, mut why) => {
                if state != State::Ready {
                    let (d, e, partial) = (hub.clone(), exhibit.clone(), state == State::Partial);
                    let held = blocking(move || holds::after_pull(&d, &e, partial)).await;
                    why.extend(held.ok().flatten());
                }
                let said = words::pulls(&why, &hub.config.zone);
                tracing::info!(exhibit, state = state.as_str(), said, "request over");
                set_with(&hub, &row, state, reason, why).await;
                return;
            }
            PullEnd::Again(why, moved) => {
                if moved {
                    fruitless = 0;
                } else if !why.patient() {
                    fruitless += 1;
                }
                if fruitless >= FRUITLESS {
                    let given_up = PullReason::GivenUp { tries: FRUITLESS };
                    let why = vec![given_up, why];
                    set_with(&hub, &row, State::Failed, Some(Absence::Hub), why).await;
                    return;
                }
                wait = if moved {
                    Duration::from_secs(1)
                } else {
                    (wait * 2).min(Duration::from_secs(30))
                };
                // A change (the box came back; it is its turn) ends the wait early.
                let mut changes = hub.live.watch(&name);
                let of_the_line = why.of_the_line();
                match of_the_line {
                    true => wait = LOOK,
                    false => hub.pulls.ask_again(&exhibit),
                }
                let why = vec![why];
                let told = hub.pulls.last(&exhibit);
                if told.is_none_or(|p| p.state != State::Waiting || p.why != why) {
                    set(&hub, &row, State::Waiting, why).await;
                }
                tokio::select! {
                    _ = tokio::time::timeout(wait, changes.changed()), if !of_the_line => {}
                    _ = tokio::time::timeout(wait, turns.changed()), if of_the_line => {}
                    () = taken_back(&mut cancelled, &exhibit) => return,
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
    }
}

/// As it stands among the pulls of its box.
fn entry(row: &RequestRecord) -> Entry {
    Entry {
        exhibit: row.r#ref.to_string(),
        order: row.granted,
        urgent: row.urgent,
        paused: row.paused.clone(),
        wants: false,
        left: 0,
    }
}

/// Whether it is not paused, and it is one of the hours its box's line may be used in.
fn may_run(hub: &Hub, row: &RequestRecord) -> PullResult<()> {
    let (name, zone) = (&row.camera.r#box, &hub.config.zone);
    let may = hub
        .pulls
        .lines
        .may_run(name, row.r#ref.as_str(), hub.now(), zone);
    may.map_err(|why| match left_to_wait(hub, row) {
        // RET-5: a request that waits for ever would be kept for ever.
        None => ours(PullReason::WaitedTooLong {
            days: hub.config.periods.wait_days,
        }),
        Some(_) => again(why),
    })
}

/// How long a request may wait yet.
fn left_to_wait(hub: &Hub, row: &RequestRecord) -> Option<Duration> {
    let left = wait_ends(row.made, &hub.config.periods).0 - hub.now().0;
    u64::try_from(left)
        .ok()
        .filter(|left| *left > 0)
        .map(Duration::from_millis)
}

/// Waits for its turn on the line of its box: what is ready to come comes in turn, not all at once.
async fn turn(
    hub: &Arc<Hub>,
    row: &RequestRecord,
    line: &Connection,
    segments: &[FetchRecord],
) -> PullResult<()> {
    let (name, exhibit) = (&row.camera.r#box, row.r#ref.as_str());
    let left = segments.iter().filter(|s| !s.done);
    let left = left.fold(0u64, |sum, s| sum.saturating_add(s.sealed));
    let lines = &hub.pulls.lines;
    lines.want(name, exhibit, left);
    let (mut changes, mut said) = (lines.watch(), None);
    loop {
        changes.mark_unchanged();
        may_run(hub, row)?;
        let Err(why) = lines.verdict(name, exhibit, hub.now(), &hub.config.zone) else {
            return Ok(());
        };
        if said.as_ref() != Some(&why) {
            set(hub, row, State::Waiting, vec![why.clone()]).await;
            said = Some(why);
        }
        tokio::select! {
            _ = tokio::time::timeout(LOOK, changes.changed()) => {}
            _ = line.closed() => return Err(again(PullReason::LineBroke { name: name.clone() })),
        }
    }
}

async fn attempt(hub: &Arc<Hub>, row: &RequestRecord) -> PullResult<(State, Vec<PullReason>)> {
    let exhibit = row.r#ref.to_string();
    let segments = read_segments(hub, &exhibit).await?;
    if segments.is_empty() || segments.iter().any(|s| !s.done) {
        may_run(hub, row)?;
        let line = match prepared(hub, row) {
            Some(line) if !segments.is_empty() => line,
            _ => {
                let (id, line) = ask_box(hub, row).await?;
                covered(hub, row).await?;
                hub.pulls.answered(row.r#ref.as_str(), id);
                line
            }
        };
        let segments = read_segments(hub, &exhibit).await?;
        turn(hub, row, &line, &segments).await?;
        fetch_all(hub, &exhibit, &line, segments).await?;
    }
    set(hub, row, State::Verifying, Vec::new()).await;
    let (d, e) = (hub.clone(), exhibit);
    blocking(move || finish::finish(&d, &e))
        .await
        .map_err(broken)?
}

/// The line of a box that has prepared this pull on the connection it is on: one that lost its turn goes on, and does not queue at the box
/// behind others that are being prepared.
fn prepared(hub: &Hub, row: &RequestRecord) -> Option<Connection> {
    let (id, line, _) = hub.live.reach(&row.camera.r#box)?;
    (hub.pulls.answered_on(row.r#ref.as_str()) == Some(id)).then_some(line)
}

async fn read_segments(hub: &Arc<Hub>, exhibit: &str) -> PullResult<Vec<FetchRecord>> {
    let (d, e) = (hub.clone(), exhibit.to_owned());
    blocking(move || d.db.request_segments(&e))
        .await
        .map_err(broken)?
        .map_err(broken)
}

/// Waits for the box, sends the order, takes its answer.
async fn ask_box(hub: &Arc<Hub>, row: &RequestRecord) -> PullResult<(u64, Connection)> {
    let name = &row.camera.r#box;
    let mut changes = hub.live.watch(name);
    let mut said_offline = false;
    let (id, line) = loop {
        changes.mark_unchanged();
        if let Some((id, line, _)) = hub.live.reach(name) {
            break (id, line);
        }
        if !said_offline {
            let offline = PullReason::BoxOffline { name: name.clone() };
            set(hub, row, State::Waiting, vec![offline]).await;
            said_offline = true;
        }
        // RET-5: a request that waits for ever would be kept for ever.
        let Some(left) = left_to_wait(hub, row) else {
            let (name, days) = (name.clone(), hub.config.periods.wait_days);
            return Err(failed(Absence::BoxAway, PullReason::BoxAway { name, days }));
        };
        let left = left.min(LOOK_AGAIN);
        if let Ok(changed) = tokio::time::timeout(left, changes.changed()).await {
            changed.map_err(|_| again(PullReason::HubStops))?;
        }
    };
    let prepares = PullReason::BoxPrepares { name: name.clone() };
    set(hub, row, State::Waiting, vec![prepares]).await;
    // The footage is held before anything else is done with it (RET-6); a pull that cannot be held goes on, and says so.
    if let Some(why) = holds::before_pull(hub, row, id).await.map_err(broken)? {
        set(hub, row, State::Waiting, vec![why]).await;
    }
    let (d, r) = (hub.clone(), row.clone());
    let order = blocking(move || sign_order(&d, &r))
        .await
        .map_err(broken)?
        .map_err(|e| ours(hub_broke(&e)))?;
    let way = order::reach(hub, name).filter(|way| way.id == id);
    let way = way.ok_or_else(|| again(PullReason::LineBroke { name: name.clone() }))?;
    let done = tokio::time::timeout(ANSWER, way.send_patiently(hub, order))
        .await
        .map_err(|_| {
            let (name, secs) = (name.clone(), ANSWER.as_secs());
            again(PullReason::BoxSilent { name, secs })
        })?;
    let (log, n, of, segments) = match done {
        Ok(Done::Pull {
            log,
            n,
            of,
            segments,
        }) => (log, n, of, segments),
        Ok(_) => return Err(odd(PullReason::BoxOdd { name: name.clone() })),
        // What it has announced once it can only be late with.
        Err(why) if why.passes() || row.line.is_some() => return Err(again(why.into())),
        Err(why) => return Err(failed(absence(&why), why.into())),
    };
    announced::sane(name, &segments).map_err(odd)?;
    hub.pulls.prepared(row.r#ref.as_str(), &segments);
    let (d, r) = (hub.clone(), row.clone());
    blocking(move || {
        let origin = |number| id::box_log(&d.config.scheme, &r.camera.r#box, number);
        let (clip, footage) = (origin(log), origin(of));
        let segments = match of == log {
            true => segments,
            false => ended::proven(&d, &r, &footage, segments)
                .map_err(broken)?
                .map_err(|why| failed(Absence::NotProven, why))?,
        };
        d.db.request_answered(r.r#ref.as_str(), (&clip, n), &footage, &segments)
            .map_err(broken)
    })
    .await
    .map_err(broken)??;
    Ok((id, line))
}

fn sign_order(hub: &Hub, row: &RequestRecord) -> Result<order::SignedOrder, HubError> {
    let recipient = hub.keys.exhibit_recipient(&row.r#ref).map_err(plain)?;
    let act = Act::Pull {
        r#ref: row.r#ref.clone(),
        cam: row.camera.cam.clone(),
        t0: row.t0,
        t1: row.t1,
        grant: row.grant.clone(),
        purpose: row.purpose.clone(),
        recipient,
        urgent: row.urgent,
    };
    // The same to the letter whenever it is given again: the box knows it by its text.
    let order = Order {
        order: row.granted,
        made: row.made,
        r#box: row.camera.r#box.clone(),
        by: vec![row.who.clone()],
        act,
    };
    order::signed(hub, order)
}

/// No receipt, no clip: waits until `exp.clip` lies under a countersigned head (audit.md 2.5).
async fn covered(hub: &Arc<Hub>, row: &RequestRecord) -> PullResult<()> {
    let exhibit = row.r#ref.as_str();
    let mut changes = hub.live.watch(&row.camera.r#box);
    let wait = async {
        loop {
            changes.mark_unchanged();
            let (d, e, cam) = (hub.clone(), exhibit.to_owned(), row.camera.cam.clone());
            let held = blocking(move || -> PullResult<bool> {
                let row =
                    d.db.request(&e)
                        .map_err(broken)?
                        .ok_or_else(|| ours(PullReason::RequestGone))?;
                let name = row.camera.r#box;
                let (log, n) = row
                    .line
                    .ok_or_else(|| again(PullReason::BoxPrepares { name }))?;
                if d.db
                    .log(&log)
                    .map_err(broken)?
                    .is_none_or(|l| l.size <= n || d.db.indexed(&log).unwrap_or(0) <= n)
                {
                    return Ok(false);
                }
                if d.db
                    .is_clip_line(&log, n, &e, cam.as_str())
                    .map_err(broken)?
                {
                    return Ok(true);
                }
                Err(odd(PullReason::NotClipLine { log, n }))
            });
            if held.await.map_err(broken)?? {
                return Ok(());
            }
            let changed = changes.changed().await;
            changed.map_err(|_| again(PullReason::HubStops))?;
        }
    };
    let name = row.camera.r#box.clone();
    let late = || again(PullReason::NotCountersigned { name });
    tokio::time::timeout(COUNTERSIGNED, wait)
        .await
        .map_err(|_| late())?
}
