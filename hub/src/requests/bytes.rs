//! Task. The bytes of a prepared pull, segment by segment: asked for from where they stand, checked against the box's log, kept.

use std::{sync::Arc, time::Duration};

use shared::{
    schema::Breach,
    wire::{ClipReply, Open},
};

use super::{
    Progress,
    fetch::{Ended, Try, again, broke, broken, file, odd, ours},
    rules::State,
    transfer::{self, Logged, Place},
};
use crate::{
    db::requests::{FetchRecord, RequestRecord},
    devices::{link::Line, words},
    disks::room,
    hub::{Hub, blocking},
    reason::PullReason,
    words::pull,
};

const SILENT: Duration = Duration::from_secs(60);

fn bytes(segments: &[FetchRecord]) -> u64 {
    segments
        .iter()
        .fold(0, |sum, s| s.sealed.saturating_add(sum))
}

/// What the box announces is as long as its own lines say, or nothing of it is fetched: a line says how many bytes a segment has, and
/// sealing them adds what it always adds.
async fn bounded(hub: &Arc<Hub>, row: &RequestRecord, segments: &[FetchRecord]) -> Try<()> {
    let (d, r, all) = (hub.clone(), row.clone(), segments.to_vec());
    blocking(move || -> Try<()> {
        for s in &all {
            let logged = said_in_log(&d, &r, s).map_err(odd)?;
            let Err(why) = transfer::announced(s.sealed, &logged) else {
                continue;
            };
            let what = format!("list of segments for {}", r.r#ref);
            let breach = Breach::new("", "", pull(&why, &d.config.zone));
            words::refused(&d, &r.camera.r#box, words::CLIP, &what, &breach).map_err(broken)?;
            return Err(odd(why));
        }
        d.db.box_taken(&r.camera.r#box, words::CLIP).map_err(broken)
    })
    .await
    .map_err(broken)?
}

pub(super) async fn fetch_all(
    hub: &Arc<Hub>,
    exhibit: &str,
    line: &Line,
    segments: Vec<FetchRecord>,
) -> Try<()> {
    let total = bytes(&segments);
    let (d, e) = (hub.clone(), exhibit.to_owned());
    let row = blocking(move || {
        d.db.request_state(&e, State::Fetching, None, &[], d.now())?;
        d.db.request(&e)
    });
    let row = row
        .await
        .map_err(broken)?
        .map_err(broken)?
        .ok_or_else(|| ours(PullReason::RequestGone))?;
    let mut progress = Progress {
        total,
        segments: segments.len() as u64,
        ..Progress::of(&row.r#ref, State::Fetching, Vec::new())
    };
    bounded(hub, &row, &segments).await?;
    let mut moved = false;
    for (at, segment) in segments.iter().enumerate() {
        if !segment.done {
            let left: Vec<FetchRecord> =
                segments[at..].iter().filter(|s| !s.done).cloned().collect();
            let d = hub.clone();
            let fits = move || room::clip_fits(&d.state, &d.config.evidence, bytes(&left), total);
            let fits = blocking(fits).await.map_err(broken)?;
            fits.map_err(|why| Ended::Again(why.into(), moved))?;
            let fetched = one(hub, &row, line, segment, &mut progress).await;
            if let Err(Ended::Again(why, came)) = fetched {
                return Err(Ended::Again(why, came || moved));
            }
            fetched?;
            moved = true;
        }
        progress.segments_done += 1;
        let done = usize::try_from(progress.segments_done).unwrap_or(usize::MAX);
        progress.bytes = bytes(&segments[..done.min(segments.len())]);
        hub.pulls.tell(progress.clone());
    }
    Ok(())
}

pub(super) fn said_in_log(
    hub: &Hub,
    row: &RequestRecord,
    segment: &FetchRecord,
) -> Result<Logged, PullReason> {
    let log = row.footage.as_ref();
    let log = log.ok_or_else(|| PullReason::BoxOdd {
        name: row.camera.r#box.clone(),
    })?;
    let copy = hub.logs.folder_of(log);
    let copy = copy.ok_or_else(|| PullReason::LogNameOdd { log: log.clone() })?;
    transfer::logged(&copy, segment.n, &row.camera.cam, segment.s)
}

/// Where a segment stands: in its place, or as far as it has come.
struct Stand {
    logged: Logged,
    place: Place,
    /// The partial file and its length; None: all of it is here and checked.
    part: Option<(std::fs::File, u64)>,
}

/// Blocking.
fn stand(hub: &Hub, row: &RequestRecord, segment: &FetchRecord) -> Try<Stand> {
    let logged = said_in_log(hub, row, segment).map_err(odd)?;
    let place = Place::new(&hub.state, row.r#ref.as_str(), &row.camera.cam, &logged);
    let place = place.map_err(file)?;
    if place.done().exists() {
        let identity = hub.keys.exhibit_identity(&row.r#ref);
        let identity = identity.map_err(|e| ours(super::fetch::hub_broke(&e)))?;
        let checked = transfer::check(&place.done(), &identity, &logged);
        if checked.map_err(file)?.is_ok() {
            let part = None;
            return Ok(Stand {
                logged,
                place,
                part,
            });
        }
    }
    let part = Some(place.resume(segment.sealed).map_err(file)?);
    Ok(Stand {
        logged,
        place,
        part,
    })
}

/// Fetches one segment from where it stands, checks it, keeps it.
async fn one(
    hub: &Arc<Hub>,
    row: &RequestRecord,
    line: &Line,
    segment: &FetchRecord,
    progress: &mut Progress,
) -> Try<()> {
    let (exhibit, name, s) = (row.r#ref.to_string(), &row.camera.r#box, segment.s);
    let (d, r, seg) = (hub.clone(), row.clone(), segment.clone());
    let begun = blocking(move || stand(&d, &r, &seg)).await;
    let Stand {
        logged,
        mut place,
        part,
    } = begun.map_err(broken)??;
    if let Some((mut part, mut at)) = part {
        let before = progress.bytes;
        progress.bytes = before.saturating_add(at);
        hub.pulls.tell(progress.clone());
        let resumed = at;
        if at < segment.sealed {
            let lost = |e| again(broke(name, &e));
            let (mut out, mut inc) = line.open_stream().await.map_err(lost)?;
            let ask = Open::Clip {
                r#ref: row.r#ref.clone(),
                cam: row.camera.cam.clone(),
                s,
                offset: at,
            };
            out.send(&ask).await.map_err(lost)?;
            out.finish();
            let first = inc.frame_within(SILENT).await.map_err(lost)?;
            let first = first.ok_or_else(|| again(PullReason::LineBroke { name: name.clone() }))?;
            let reply = first.json::<ClipReply>();
            match reply.map_err(|_| again(PullReason::BoxOdd { name: name.clone() }))? {
                ClipReply::Bytes { size } if size == segment.sealed => {}
                ClipReply::Bytes { size } => {
                    // Sealed anew with another header: what is here belongs to the old one.
                    waste(hub, &exhibit, at, place).await?;
                    let was = segment.sealed;
                    return Err(again(PullReason::SegmentResealed { s, was, now: size }));
                }
                ClipReply::Refused { why } => {
                    let name = name.clone();
                    return Err(again(PullReason::SegmentRefused { name, s, why }));
                }
                ClipReply::Unknown => {
                    return Err(again(PullReason::BoxOdd { name: name.clone() }));
                }
            }
            while at < segment.sealed {
                let piece = tokio::select! {
                    piece = inc.some(b'B', SILENT) => piece,
                    // What has come stays; the rest is asked for from there.
                    why = hub.pulls.lines.lost(hub, name, &exhibit) => {
                        return Err(Ended::Again(why, at > resumed));
                    }
                };
                let piece = piece.map_err(|e| Ended::Again(broke(name, &e), at > resumed))?;
                let Some(piece) = piece else {
                    let name = name.clone();
                    let short = PullReason::SegmentCutShort { name, s };
                    return Err(Ended::Again(short, at > resumed));
                };
                if at + piece.len() as u64 > segment.sealed {
                    return Err(odd(PullReason::SegmentTooLong { s }));
                }
                at += piece.len() as u64;
                let (d, n, e) = (hub.clone(), name.clone(), exhibit.clone());
                (place, part) = blocking(move || {
                    let now = d.clock.now();
                    let rate = d.pulls.lines.arrived(&n, &e, piece.len() as u64, now.mono);
                    if let Some(rate) = rate
                        && let Err(e) = d.db.add_line_rate(&n, rate, now.wall)
                    {
                        tracing::warn!("what a line carries was not noted: {e}");
                    }
                    let wrote = place.append(&mut part, &piece);
                    wrote.map(|()| (place, part))
                })
                .await
                .map_err(broken)?
                .map_err(file)?;
                progress.bytes = before.saturating_add(at);
                hub.pulls.tell(progress.clone());
            }
        }
        let (d, r) = (hub.clone(), row.clone());
        let accepted = blocking(move || -> Try<(Place, Result<(), PullReason>)> {
            let identity = d.keys.exhibit_identity(&r.r#ref);
            let identity = identity.map_err(|e| ours(super::fetch::hub_broke(&e)))?;
            let accepted = place.accept(&identity, &logged).map_err(file)?;
            Ok((place, accepted))
        });
        let (place, accepted) = accepted.await.map_err(broken)??;
        if let Err(why) = accepted {
            waste(hub, &exhibit, at, place).await?;
            // Bytes from before a crash or from another sending may be mixed in; a sending in one piece has no excuse.
            return Err(match resumed > 0 {
                true => again(PullReason::FetchedAnew { s }),
                false => odd(why),
            });
        }
        progress.bytes = before;
    }
    let d = hub.clone();
    blocking(move || d.db.segment_done(&exhibit, s))
        .await
        .map_err(broken)?
        .map_err(broken)
}

/// What came of a segment is of no use: it is thrown away, and counted as having crossed the line for nothing.
async fn waste(hub: &Arc<Hub>, exhibit: &str, bytes: u64, place: Place) -> Try<()> {
    let (d, e) = (hub.clone(), exhibit.to_owned());
    blocking(move || -> Try<()> {
        d.db.request_wasted(&e, bytes).map_err(broken)?;
        place.discard().map_err(file)
    })
    .await
    .map_err(broken)?
}
