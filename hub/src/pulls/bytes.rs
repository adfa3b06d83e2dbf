//! Task. The bytes of a prepared pull, segment by segment: asked for from where they stand, checked against the box's log, kept.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use shared::{
    id::BoxName,
    order::Part,
    schema::Breach,
    wire::{ClipReply, Open},
};
use zeroize::Zeroizing;

use super::outcome::{PullEnd, PullResult, again, broke, broken, file, odd, ours};
use crate::{
    blocking::blocking,
    db::requests::{FetchRecord, RequestRecord},
    disks::room,
    faults::reports,
    hub::{Hub, pulls::Progress},
    link::{Connection, Incoming},
    model::pull::State,
    reason::PullReason,
    transfer::{self, LoggedSegment, PartFile, Place, ranges::Ranges},
    words::pull,
};

const SILENT: Duration = Duration::from_secs(60);
/// More is asked for while so many bytes of what was are still to come, so that the line does not stand idle for a round trip at each join:
/// what 20 Mbit/s bring in 100 ms.
const AHEAD: u64 = 256 << 10;

fn bytes(segments: &[FetchRecord]) -> u64 {
    segments
        .iter()
        .fold(0, |sum, s| s.sealed.saturating_add(sum))
}

/// What the box announces is as long as its own lines say, or nothing of it is fetched: a line says how many bytes a segment has, and
/// sealing them adds what it always adds.
async fn bounded(hub: &Arc<Hub>, row: &RequestRecord, segments: &[FetchRecord]) -> PullResult<()> {
    let (d, r, all) = (hub.clone(), row.clone(), segments.to_vec());
    blocking(move || -> PullResult<()> {
        for s in &all {
            let logged = said_in_log(&d, &r, s).map_err(odd)?;
            let Err(why) = transfer::announced(s.sealed, &logged) else {
                continue;
            };
            let what = format!("list of segments for {}", r.r#ref);
            let breach = Breach::new("", "", pull(&why, &d.config.zone));
            reports::refused(&d, &r.camera.r#box, reports::CLIP, &what, &breach).map_err(broken)?;
            return Err(odd(why));
        }
        d.db.box_taken(&r.camera.r#box, reports::CLIP)
            .map_err(broken)
    })
    .await
    .map_err(broken)?
}

/// The span asked for comes first, then the rest of the minutes it is in: what was asked for can be watched before all is here, and the
/// package is made of whole segments.
pub(super) async fn fetch_all(
    hub: &Arc<Hub>,
    exhibit: &str,
    line: &Connection,
    segments: Vec<FetchRecord>,
) -> PullResult<()> {
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
    bounded(hub, &row, &segments).await?;
    let left = segments.iter().filter(|s| !s.done).cloned().collect();
    let (d, r) = (hub.clone(), row.clone());
    let open = blocking(move || arrivals(&d, &r, left))
        .await
        .map_err(broken)??;
    let here: u64 = open.iter().map(|a| a.here).sum();
    let done = segments.iter().filter(|s| s.done);
    let progress = Progress {
        bytes: here + done.clone().map(|s| s.sealed).sum::<u64>(),
        total: bytes(&segments),
        segments_done: done.count() as u64,
        segments: segments.len() as u64,
        ..Progress::of(&row.r#ref, State::Fetching, Vec::new())
    };
    let mut fetching = ClipTransfer {
        hub,
        row,
        line,
        progress,
        moved: false,
        plan: plan(&open),
        ahead: VecDeque::new(),
    };
    fetching.tell();
    fetching.all(open).await.map_err(|ended| match ended {
        PullEnd::Again(why, came) => PullEnd::Again(why, came || fetching.moved),
        over => over,
    })
}

pub fn said_in_log(
    hub: &Hub,
    row: &RequestRecord,
    segment: &FetchRecord,
) -> Result<LoggedSegment, PullReason> {
    let log = row.footage.as_ref();
    let log = log.ok_or_else(|| PullReason::BoxOdd {
        name: row.camera.r#box.clone(),
    })?;
    let copy = hub.logs.folder_of(log);
    let copy = copy.ok_or_else(|| PullReason::LogNameOdd { log: log.clone() })?;
    transfer::logged(&copy, segment.n, &row.camera.cam, segment.s)
}

/// A segment that is not whole yet.
struct Arrival {
    segment: FetchRecord,
    logged: LoggedSegment,
    place: Place,
    /// Bytes of it that were here before this connection, and which.
    here: u64,
    ranges: Ranges,
    /// Bytes of the sealed file that come first: its beginning, and what is in the span asked for.
    first: Vec<(u64, u64)>,
}

/// What is to be fetched, and in which order. Blocking.
fn arrivals(
    hub: &Hub,
    row: &RequestRecord,
    segments: Vec<FetchRecord>,
) -> PullResult<Vec<Arrival>> {
    let parts = hub.pulls.parts(row.r#ref.as_str());
    let arrivals = segments.into_iter().map(|segment| {
        let logged = said_in_log(hub, row, &segment).map_err(odd)?;
        let place = Place::new(&hub.state, row.r#ref.as_str(), &row.camera.cam, &logged);
        let place = place.map_err(file)?;
        let ranges = place.ranges().map_err(file)?.unwrap_or_default();
        let ranges = ranges.within(segment.sealed);
        Ok(Arrival {
            here: ranges.total(),
            first: first(&segment, &logged, parts.get(&segment.s)),
            segment,
            logged,
            place,
            ranges,
        })
    });
    arrivals.collect()
}

/// Every range that has to come, in its order: what is asked ahead by. Where a segment turns out to be here, the next one is only asked for
/// when its turn comes.
fn plan(arrivals: &[Arrival]) -> Vec<Range> {
    let missing = |a: &Arrival, from, to| {
        let s = a.segment.s;
        let gaps = a.ranges.missing(from, to);
        gaps.into_iter()
            .map(move |(from, to)| Range { s, from, to })
    };
    let first = arrivals.iter().flat_map(|a| {
        let spans = a.first.iter();
        spans.flat_map(move |(from, to)| missing(a, *from, *to))
    });
    let rest = arrivals.iter().flat_map(|a| {
        let mut ranges = a.ranges.clone();
        a.first.iter().for_each(|(from, to)| ranges.add(*from, *to));
        let s = a.segment.s;
        let gaps = ranges.missing(0, a.segment.sealed);
        gaps.into_iter()
            .map(move |(from, to)| Range { s, from, to })
    });
    first.chain(rest).collect()
}

/// Bytes of a sealed segment, from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    s: u64,
    from: u64,
    to: u64,
}

/// The first piece of a segment has what a player needs to begin; then come the pieces that show the span asked for.
pub(super) fn first(
    segment: &FetchRecord,
    logged: &LoggedSegment,
    part: Option<&Part>,
) -> Vec<(u64, u64)> {
    let whole = vec![(0, segment.sealed)];
    let Some((part, pieces)) = part.zip(transfer::pieces(segment.sealed, logged)) else {
        return whole;
    };
    if part.from >= part.to || part.to > logged.size {
        return whole;
    }
    let (_, opening) = pieces.span(0, 1);
    let (from, to) = pieces.span(part.from, part.to);
    vec![(0, opening), (from.max(opening), to.max(opening))]
}

/// One connection's work for a clip.
struct ClipTransfer<'a> {
    hub: &'a Arc<Hub>,
    row: RequestRecord,
    line: &'a Connection,
    progress: Progress,
    /// Something came.
    moved: bool,
    plan: Vec<Range>,
    /// What was asked for before its turn came, and the streams that it comes on. The beginning of a segment is short: with it goes the
    /// range after it.
    ahead: VecDeque<(Range, Incoming)>,
}

impl ClipTransfer<'_> {
    fn tell(&self) {
        self.hub.pulls.tell(self.progress.clone());
    }

    async fn all(&mut self, arrivals: Vec<Arrival>) -> PullResult<()> {
        let mut rest = Vec::new();
        let mut left = arrivals.iter().map(|a| a.segment.sealed - a.here).sum();
        for mut arrival in arrivals {
            self.room(left).await?;
            let before = self.progress.bytes;
            let ranges = std::mem::take(&mut arrival.first);
            let came = self.segment(&arrival, &ranges).await;
            left = left.saturating_sub(self.progress.bytes.saturating_sub(before));
            if !came? {
                rest.push(arrival);
            }
        }
        for arrival in rest {
            self.room(left).await?;
            let before = self.progress.bytes;
            let came = self.segment(&arrival, &[(0, arrival.segment.sealed)]).await;
            left = left.saturating_sub(self.progress.bytes.saturating_sub(before));
            came?;
        }
        Ok(())
    }

    /// Waits, by ending this try, while the disk has no room for what is still to come.
    async fn room(&self, left: u64) -> PullResult<()> {
        let (d, total) = (self.hub.clone(), self.progress.total);
        let fits = blocking(move || room::clip_fits(&d.state, &d.config.evidence, left, total));
        let fits = fits.await.map_err(broken)?;
        fits.map_err(|why| again(why.into()))
    }

    /// Fetches what of these ranges is not here; once all of the segment is, checks and keeps it. Whether it is kept.
    async fn segment(&mut self, arrival: &Arrival, ranges: &[(u64, u64)]) -> PullResult<bool> {
        let (d, r, logged, place) = (
            self.hub.clone(),
            self.row.clone(),
            arrival.logged.clone(),
            arrival.place.clone(),
        );
        let (s, sealed) = (arrival.segment.s, arrival.segment.sealed);
        let part = blocking(move || -> PullResult<Option<PartFile>> {
            if place.done().exists() {
                let identity = identity(&d, &r)?;
                let there = transfer::check(&place.done(), &identity, &logged);
                if there.map_err(file)?.is_ok() {
                    return Ok(None);
                }
            }
            place.resume(sealed).map(Some).map_err(file)
        });
        let Some(mut part) = part.await.map_err(broken)?? else {
            self.kept(arrival, sealed - arrival.here).await?;
            return Ok(true);
        };
        for (from, to) in ranges {
            for (from, to) in part.ranges.missing(*from, *to) {
                let range = Range { s, from, to };
                part = self.range(arrival, part, range).await?;
            }
        }
        if !part.ranges.has(0, sealed) {
            return Ok(false);
        }
        drop(part);
        let (d, r, logged, place) = (
            self.hub.clone(),
            self.row.clone(),
            arrival.logged.clone(),
            arrival.place.clone(),
        );
        let accepted = blocking(move || {
            let identity = identity(&d, &r)?;
            place.accept(&identity, &logged).map_err(file)
        });
        if let Err(why) = accepted.await.map_err(broken)?? {
            self.turn_off(s, &why).await?;
            waste(self.hub, self.row.r#ref.as_str(), sealed, &arrival.place).await?;
            // Bytes from before a crash or from another sending may be mixed in; a sending in one piece has no excuse.
            return Err(match arrival.here > 0 {
                true => again(PullReason::FetchedAnew { s }),
                false => odd(why),
            });
        }
        self.kept(arrival, 0).await?;
        Ok(true)
    }

    /// Whoever watched it arrive has watched something else than its line says.
    async fn turn_off(&self, s: u64, why: &PullReason) -> PullResult<()> {
        let (d, exhibit) = (self.hub.clone(), self.row.r#ref.clone());
        let why = pull(why, &d.config.zone);
        blocking(move || d.looks.not_as_logged(&d.log, &exhibit, s, &why))
            .await
            .map_err(broken)
    }

    async fn kept(&mut self, arrival: &Arrival, came: u64) -> PullResult<()> {
        let (d, exhibit, s) = (
            self.hub.clone(),
            self.row.r#ref.to_string(),
            arrival.segment.s,
        );
        blocking(move || d.db.segment_done(&exhibit, s))
            .await
            .map_err(broken)?
            .map_err(broken)?;
        self.progress.segments_done += 1;
        self.progress.bytes = self.progress.bytes.saturating_add(came);
        self.moved = true;
        self.tell();
        Ok(())
    }

    async fn ask(&self, range: Range) -> PullResult<Incoming> {
        let name = &self.row.camera.r#box;
        let lost = |e| again(broke(name, &e));
        let (mut out, inc) = self.line.open_stream().await.map_err(lost)?;
        let ask = Open::Clip {
            r#ref: self.row.r#ref.clone(),
            cam: self.row.camera.cam.clone(),
            s: range.s,
            offset: range.from,
            length: range.to - range.from,
        };
        out.send(&ask).await.map_err(lost)?;
        out.finish();
        Ok(inc)
    }

    /// Asks for the ranges that come after this one, of which so much is left, until enough is on its way.
    async fn ask_ahead(&mut self, range: Range, left: u64) -> PullResult<()> {
        loop {
            let asked = self.ahead.iter().map(|(r, _)| r.to - r.from);
            if left + asked.sum::<u64>() > AHEAD {
                return Ok(());
            }
            let last = self.ahead.back().map_or(range, |(r, _)| *r);
            let at = self.plan.iter().position(|r| *r == last);
            let Some(next) = at.and_then(|at| self.plan.get(at + 1)).copied() else {
                return Ok(());
            };
            let stream = self.ask(next).await?;
            self.ahead.push_back((next, stream));
        }
    }

    /// Asks for one range, if that was not done already, and keeps it as it comes.
    async fn range(
        &mut self,
        arrival: &Arrival,
        mut part: PartFile,
        range: Range,
    ) -> PullResult<PartFile> {
        let (s, sealed) = (arrival.segment.s, arrival.segment.sealed);
        let Range { from, to, .. } = range;
        let name = self.row.camera.r#box.clone();
        let lost = |e| again(broke(&name, &e));
        // What was asked for ahead and is not wanted any more is dropped here, which tells the box to stop.
        let mut inc = match self.ahead.pop_front() {
            Some((asked, inc)) if asked == range => inc,
            _ => {
                self.ahead.clear();
                self.ask(range).await?
            }
        };
        self.ask_ahead(range, to - from).await?;
        let first = inc.frame_within(SILENT).await.map_err(lost)?;
        let first = first.ok_or_else(|| again(PullReason::LineBroke { name: name.clone() }))?;
        let reply = first.json::<ClipReply>();
        match reply.map_err(|_| again(PullReason::BoxOdd { name: name.clone() }))? {
            ClipReply::Bytes { size } if size == sealed => {}
            ClipReply::Bytes { size } => {
                // Sealed anew with another header: what is here belongs to the old one.
                let here = part.ranges.total();
                drop(part);
                waste(self.hub, self.row.r#ref.as_str(), here, &arrival.place).await?;
                return Err(again(PullReason::SegmentResealed {
                    s,
                    was: sealed,
                    now: size,
                }));
            }
            ClipReply::Refused { why } => {
                return Err(again(PullReason::SegmentRefused { name, s, why }));
            }
            ClipReply::Unknown => {
                return Err(again(PullReason::BoxOdd { name }));
            }
        }
        let mut at = from;
        while at < to {
            let piece = tokio::select! {
                piece = inc.some(b'B', SILENT) => piece.map_err(lost)?,
                // What has come stays; the rest is asked for from there.
                why = self.hub.pulls.lines.lost(&*self.hub.clock, &self.hub.config.zone, &name, self.row.r#ref.as_str()) => {
                    return Err(again(why));
                }
            };
            let Some(piece) = piece else {
                return Err(again(PullReason::SegmentCutShort { name, s }));
            };
            let length = piece.len() as u64;
            if at + length > to {
                return Err(odd(PullReason::SegmentTooLong { s }));
            }
            let (d, n, exhibit) = (self.hub.clone(), name.clone(), self.row.r#ref.clone());
            let put = move || {
                measured(&d, &n, exhibit.as_str(), piece.len() as u64);
                part.put(at, &piece).map(|()| part)
            };
            part = blocking(put).await.map_err(broken)?.map_err(file)?;
            at += length;
            self.ask_ahead(range, to - at).await?;
            self.moved = true;
            self.progress.bytes = self.progress.bytes.saturating_add(length);
            self.tell();
        }
        Ok(part)
    }
}

/// Bytes came over a box's line: what it carries is noted now and then. Blocking.
fn measured(hub: &Hub, name: &BoxName, exhibit: &str, bytes: u64) {
    let now = hub.clock.now();
    let rate = hub.pulls.lines.arrived(name, exhibit, bytes, now.mono);
    if let Some(rate) = rate
        && let Err(e) = hub.db.add_line_rate(name, rate, now.wall)
    {
        tracing::warn!("what a line carries was not noted: {e}");
    }
}

/// The key of an exhibit. Blocking.
fn identity(hub: &Hub, row: &RequestRecord) -> PullResult<Zeroizing<String>> {
    let identity = hub.keys.exhibit_identity(&row.r#ref);
    identity.map_err(|e| ours(super::outcome::hub_broke(&e)))
}

/// What came of a segment is of no use: it is thrown away, and counted as having crossed the line for nothing.
async fn waste(hub: &Arc<Hub>, exhibit: &str, bytes: u64, place: &Place) -> PullResult<()> {
    let (d, e, place) = (hub.clone(), exhibit.to_owned(), place.clone());
    blocking(move || -> PullResult<()> {
        d.db.request_wasted(&e, bytes).map_err(broken)?;
        place.discard().map_err(file)
    })
    .await
    .map_err(broken)?
}
