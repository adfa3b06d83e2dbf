//! Task. Looks: footage that is watched before it is checked. Of a clip that is being fetched, as it arrives; or of footage at a box that
//! nobody takes: put on record, ordered, and sealed to a key that is made here for this look and rests nowhere.
//!
//! Whoever began a look has it for a quarter of an hour, by a name that nobody can guess. All of it is in memory.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32},
    },
    time::{Duration, Instant},
};

use logbook::LogFolder;
use shared::{
    id::{self, BoxCamera, ExhibitRef},
    order::{Act, Done, PullSegment},
    record::Record,
    time::Utc,
    types::{AccLook, Data, ExpLook, OrderFail},
};
use tokio::sync::watch;

use crate::{
    access::authorise::Permit,
    blocking::blocking,
    coverage::{self, Span, known::with_known},
    error::{HubError, plain},
    hub::{
        Hub,
        looks::{FilmSegment, Look, Source},
        sessions::Reason,
    },
    keys,
    model::{order::Failure, text::TextField},
    orders::order,
    reason::{Clips, Orders, PullReason},
    texts::{self, keep_salted},
    transfer,
};

/// Longest span of one.
pub const MOST_MINUTES: i64 = 15;

/// The box's line has to be countersigned before anything is asked for.
const COUNTERSIGNED: Duration = Duration::from_secs(30);

fn new(
    camera: BoxCamera,
    (t0, t1): (Utc, Utc),
    op: String,
    source: Source,
) -> Result<Look, HubError> {
    let id: [u8; 16] = keys::random().map_err(plain)?;
    Ok(Look {
        id: shared::record::hex(&id),
        op,
        camera,
        t0,
        t1,
        source,
        begun: Instant::now(),
        stretches: AtomicU32::new(1),
        stopping: AtomicBool::new(false),
        off: watch::Sender::new(None),
    })
}

/// A look at a clip that is being fetched. That somebody watches is on record already; the permit is that of watching it.
pub fn of_exhibit(hub: &Hub, exhibit: &ExhibitRef, permit: &Permit) -> Result<Arc<Look>, HubError> {
    let request = hub.db.request(exhibit.as_str())?;
    let request = request.ok_or_else(|| crate::reason::Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    let span = (request.t0, request.t1);
    let source = Source::Exhibit(exhibit.clone());
    Ok(hub
        .looks
        .keep(new(request.camera, span, permit.op(), source)?))
}

/// Looks at footage at a box: judged, put on record, ordered, and ready to be watched once the box's own line is countersigned.
pub async fn begin(
    hub: &Arc<Hub>,
    span: Span,
    reason: Reason,
    permit: &Permit,
) -> Result<Arc<Look>, HubError> {
    let (d, s, r) = (hub.clone(), span.clone(), reason.clone());
    blocking(move || judge(&d, &s, &r)).await??;
    let way = order::way(hub, &span.camera.r#box)?;
    let (identity, recipient) = footage::sealed::keypair();
    let (s, who) = (span.clone(), permit.op());
    let log = move |d: &Hub| put(d, s, &reason, recipient, who);
    let camera = span.camera.clone();
    let number = Arc::new(Mutex::new(0));
    let kept = number.clone();
    let log = move |d: &Hub| {
        let done = log(d)?;
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = done.0;
        Ok(done)
    };
    let failed = |order, Failure { code, why }| OrderFail {
        order,
        r#box: camera.r#box.to_string(),
        cam: Some(camera.cam.clone()),
        code,
        why,
    };
    let done = order::obeyed(hub, way, &permit.op(), log, failed).await?;
    let Done::Pull {
        log,
        n,
        of,
        segments,
    } = done
    else {
        return Err(order::odd(&span.camera.r#box));
    };
    let order = *number.lock().unwrap_or_else(PoisonError::into_inner);
    let origin = |number| id::box_log(&hub.config.scheme, &span.camera.r#box, number);
    countersigned(hub, &span.camera, &origin(log), (n, order)).await?;
    let (d, c, of) = (hub.clone(), span.camera.clone(), origin(of));
    let segments = blocking(move || watched(&d, &c, &of, &segments)).await??;
    let source = Source::Box {
        order,
        identity,
        segments,
    };
    let look = new(span.camera, (span.t0, span.t1), permit.op(), source)?;
    Ok(hub.looks.keep(look))
}

/// Blocking.
fn judge(hub: &Hub, span: &Span, reason: &Reason) -> Result<(), HubError> {
    let present = reason.present();
    let others = present.iter().map(|text| (TextField::Present, text));
    let given = [
        (TextField::Purpose, &reason.purpose),
        (TextField::Reference, &reason.reference),
    ];
    texts::texts(given.into_iter().chain(others))?;
    if span.t1.0.saturating_sub(span.t0.0) > MOST_MINUTES * 60_000 {
        return Err(Clips::LookTooLong {
            minutes: MOST_MINUTES,
        }
        .into());
    }
    let judged = with_known(hub, &span.camera, span.t0, span.t1, |known| {
        coverage::judge(span, known)
    })?;
    judged.map_err(|why| why.reason.into())
}

/// Puts the look on the record. Blocking.
fn put(
    hub: &Hub,
    span: Span,
    reason: &Reason,
    recipient: String,
    who: String,
) -> Result<(u64, Vec<String>, Act), HubError> {
    let purpose = keep_salted(hub, reason.purpose.trim())?;
    let present = reason.present();
    let line = AccLook {
        r#box: span.camera.r#box.to_string(),
        cam: span.camera.cam.clone(),
        t0: span.t0,
        t1: span.t1,
        purpose: purpose.clone(),
        reference: keep_salted(hub, reason.reference.trim())?,
        present: present.map(|text| keep_salted(hub, &text)).transpose()?,
    };
    let number = hub.log.number(hub.log.append(&who, &line)?.n);
    let act = Act::Look {
        cam: span.camera.cam,
        t0: span.t0,
        t1: span.t1,
        purpose,
        recipient,
    };
    Ok((number, vec![who], act))
}

/// No receipt, no look: waits until the box's `exp.look` of that order lies under a countersigned head.
async fn countersigned(
    hub: &Arc<Hub>,
    camera: &BoxCamera,
    log: &str,
    (n, order): (u64, u64),
) -> Result<(), HubError> {
    let mut changes = hub.live.watch(&camera.r#box);
    let wait = async {
        loop {
            changes.mark_unchanged();
            let (d, log) = (hub.clone(), log.to_owned());
            let held =
                blocking(move || Ok::<_, HubError>(d.db.log(&log)?.is_some_and(|l| l.size > n)));
            if held.await?? {
                return Ok::<(), HubError>(());
            }
            changes.changed().await.map_err(plain)?;
        }
    };
    let late = || Orders::BoxSilent {
        name: camera.r#box.clone(),
        secs: COUNTERSIGNED.as_secs(),
    };
    tokio::time::timeout(COUNTERSIGNED, wait)
        .await
        .map_err(|_| late())??;
    let (d, log, cam) = (hub.clone(), log.to_owned(), camera.cam.clone());
    let said = blocking(move || {
        let copy = d.logs.folder_of(&log)?;
        let line = LogFolder::new(&copy)
            .read_lines(n, n + 1, shared::record::MAX_LINE)
            .ok()?;
        let record = Record::parse(&line).ok()?;
        let of = record.data.get("order").and_then(|v| v.as_int());
        let of_cam = record.data.get("cam").and_then(|v| v.as_str()) == Some(cam.as_str());
        let of_order = of.and_then(|o| u64::try_from(o).ok()) == Some(order);
        Some(record.kind == ExpLook::KIND && of_order && of_cam)
    });
    match said.await? {
        Some(true) => Ok(()),
        _ => Err(order::odd(&camera.r#box)),
    }
}

/// What the box announced is held against its own lines. Blocking.
fn watched(
    hub: &Hub,
    camera: &BoxCamera,
    of: &str,
    segments: &[PullSegment],
) -> Result<Vec<FilmSegment>, HubError> {
    let odd = |_: PullReason| order::odd(&camera.r#box);
    let copy = hub.logs.folder_of(of);
    let copy = copy.ok_or_else(|| order::odd(&camera.r#box))?;
    let most = usize::try_from(MOST_MINUTES).unwrap_or(1) * 20;
    let rising = segments.windows(2).all(|w| w[0].s < w[1].s);
    if segments.is_empty() || segments.len() > most || !rising {
        return Err(order::odd(&camera.r#box));
    }
    let segments = segments.iter().map(|p| {
        let logged = transfer::logged(&copy, p.n, &camera.cam, p.s).map_err(odd)?;
        transfer::announced(p.sealed, &logged).map_err(odd)?;
        Ok(FilmSegment {
            part: p
                .part
                .filter(|part| part.from < part.to && part.to <= logged.size),
            sealed: p.sealed,
            logged,
        })
    });
    segments.collect()
}
