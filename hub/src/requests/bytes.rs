//! Task. The bytes of a prepared pull, segment by segment: asked for from where they stand, checked against the box's log, kept.

use std::{sync::Arc, time::Duration};

use shared::wire::{ClipReply, Open};

use super::{
    Progress,
    fetch::{Ended, Try, again, odd, ours},
    rules::State,
    transfer::{self, Logged, Place},
};
use crate::{
    db::requests::{FetchRecord, RequestRecord},
    devices::{link::Line, words},
    disks::room,
    hub::{Hub, blocking},
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
            let Err(breach) = transfer::announced(s.sealed, &logged) else {
                continue;
            };
            let what = format!("list of segments for {}", r.r#ref);
            words::refused(&d, &r.camera.r#box, words::CLIP, &what, &breach).map_err(again)?;
            return Err(odd(words::sentence(&what, &breach)));
        }
        d.db.box_taken(&r.camera.r#box, words::CLIP).map_err(again)
    })
    .await
    .map_err(again)?
}

pub(super) async fn fetch_all(
    hub: &Arc<Hub>,
    exhibit: &str,
    line: &Line,
    segments: Vec<FetchRecord>,
) -> Try<()> {
    let total = bytes(&segments);
    let mut progress = Progress {
        r#ref: exhibit.into(),
        state: State::Fetching.as_str().into(),
        why: String::new(),
        bytes: 0,
        total,
        segments_done: 0,
        segments: segments.len() as u64,
        package: None,
    };
    let (d, e) = (hub.clone(), exhibit.to_owned());
    let row = blocking(move || {
        d.db.request_state(&e, State::Fetching, None, "", d.now())?;
        d.db.request(&e)
    });
    let row = row
        .await
        .map_err(again)?
        .map_err(again)?
        .ok_or_else(|| ours("the request is gone"))?;
    bounded(hub, &row, &segments).await?;
    let mut moved = false;
    for (at, segment) in segments.iter().enumerate() {
        if !segment.done {
            let left: Vec<FetchRecord> =
                segments[at..].iter().filter(|s| !s.done).cloned().collect();
            let d = hub.clone();
            let fits = move || room::clip_fits(&d.state, &d.config.evidence, bytes(&left), total);
            blocking(fits).await.map_err(again)?.map_err(|why| {
                Ended::Again(format!("{why}; it goes on when there is room"), moved)
            })?;
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
) -> Result<Logged, String> {
    let log = row.footage.as_ref().ok_or("the box has not answered")?;
    let copy = hub.logs.folder_of(log).ok_or("the box log's name is odd")?;
    transfer::logged(&copy, segment.n, &row.camera.cam, segment.s)
}

/// Fetches one segment from where it stands, checks it, keeps it.
async fn one(
    hub: &Arc<Hub>,
    row: &RequestRecord,
    line: &Line,
    segment: &FetchRecord,
    progress: &mut Progress,
) -> Try<()> {
    let exhibit = row.r#ref.to_string();
    let (d, r, seg) = (hub.clone(), row.clone(), segment.clone());
    let begun = blocking(
        move || -> Try<(Logged, Place, Option<(std::fs::File, u64)>)> {
            let logged = said_in_log(&d, &r, &seg).map_err(odd)?;
            let place =
                Place::new(&d.state, r.r#ref.as_str(), &r.camera.cam, &logged).map_err(again)?;
            if place.done().exists() {
                let identity = d.keys.exhibit_identity(&r.r#ref).map_err(ours)?;
                if transfer::check(&place.done(), &identity, &logged)
                    .map_err(again)?
                    .is_ok()
                {
                    return Ok((logged, place, None));
                }
            }
            let part = place.resume(seg.sealed).map_err(again)?;
            Ok((logged, place, Some(part)))
        },
    );
    let (logged, place, part) = begun.await.map_err(again)??;
    let mut place = place;
    if let Some((mut file, mut at)) = part {
        let before = progress.bytes;
        progress.bytes = before.saturating_add(at);
        hub.pulls.tell(progress.clone());
        let resumed = at;
        if at < segment.sealed {
            let (mut out, mut inc) = line.open_stream().await.map_err(again)?;
            let ask = Open::Clip {
                r#ref: row.r#ref.clone(),
                cam: row.camera.cam.clone(),
                s: segment.s,
                offset: at,
            };
            out.send(&ask).await.map_err(again)?;
            out.finish();
            let first = inc
                .frame_within(SILENT)
                .await
                .map_err(again)?
                .ok_or_else(|| again("the box closed the stream"))?;
            match first.json::<ClipReply>().map_err(again)? {
                ClipReply::Bytes { size } if size == segment.sealed => {}
                ClipReply::Bytes { size } => {
                    // Sealed anew with another header: what is here belongs to the old one.
                    blocking(move || place.discard())
                        .await
                        .map_err(again)?
                        .map_err(again)?;
                    return Err(again(format!(
                        "segment {} is now {size} bytes, not {}: begun anew",
                        segment.s, segment.sealed
                    )));
                }
                ClipReply::Refused { why } => {
                    return Err(again(format!(
                        "the box did not send segment {}: {why}",
                        segment.s
                    )));
                }
                ClipReply::Unknown => {
                    return Err(again("the box answered in words this hub does not know"));
                }
            }
            while at < segment.sealed {
                let frame = inc
                    .frame_within(SILENT)
                    .await
                    .map_err(|e| Ended::Again(e.to_string(), at > resumed))?;
                let Some(frame) = frame.filter(|f| f.kind == b'B') else {
                    return Err(Ended::Again(
                        format!("the box stopped in the middle of segment {}", segment.s),
                        at > resumed,
                    ));
                };
                if at + frame.body.len() as u64 > segment.sealed {
                    return Err(odd(format!(
                        "the box sent more than segment {} has",
                        segment.s
                    )));
                }
                at += frame.body.len() as u64;
                (place, file) = blocking(move || {
                    let wrote = place.append(&mut file, &frame.body);
                    wrote.map(|()| (place, file))
                })
                .await
                .map_err(again)?
                .map_err(again)?;
                progress.bytes = before.saturating_add(at);
                hub.pulls.tell(progress.clone());
            }
        }
        let (d, r) = (hub.clone(), row.clone());
        let accepted = blocking(move || -> Try<Result<(), String>> {
            let identity = d.keys.exhibit_identity(&r.r#ref).map_err(ours)?;
            let accepted = place.accept(&identity, &logged).map_err(again)?;
            if accepted.is_err() {
                place.discard().map_err(again)?;
            }
            Ok(accepted)
        });
        if let Err(why) = accepted.await.map_err(again)?? {
            // Bytes from before a crash or from another sending may be mixed in; a sending in one piece has no excuse.
            return Err(if resumed > 0 {
                again(format!("{why}; fetched anew from its beginning"))
            } else {
                odd(why)
            });
        }
        progress.bytes = before;
    }
    let (d, s) = (hub.clone(), segment.s);
    blocking(move || d.db.segment_done(&exhibit, s))
        .await
        .map_err(again)?
        .map_err(again)
}
