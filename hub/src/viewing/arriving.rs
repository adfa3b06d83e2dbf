//! Task. What is watched while it arrives: sealed pieces opened as they come, and made one film of.
//!
//! Each piece authenticates alone; that a whole segment is the one its line names is known only when all of it is here, so what goes out is
//! not yet verified. What does not open, is no fragment, or turns out to be another segment than its line ends the film, and is on record.
//! Nothing of it is written anywhere: a film is as long as what stands between the box, or the sealed part file, and whoever watches.

use std::{
    os::unix::fs::FileExt,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use axum::body::Bytes;
use footage::{
    mp4::{self, Film, Opening},
    sealed::{Pieces, Window},
};
use shared::{
    id::ExhibitRef,
    wire::{ClipReply, Open},
};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::{
    blocking::blocking,
    db::requests::RequestRecord,
    error::HubError,
    hub::{
        Hub,
        looks::{Fault, FilmSegment, Look, Source},
    },
    link::{Connection, Incoming},
    pulls::bytes::said_in_log,
    reason::{Clips, Footage, Orders, Pages},
    transfer::{self, Place},
};

/// Nothing came for so long: the film is over.
const SILENT: Duration = Duration::from_secs(20);
/// How often the disk is looked at for what is fetched.
const AGAIN: Duration = Duration::from_millis(40);
/// Chunks of a film that wait for whoever watches.
const WAITING: usize = 8;
/// Segments on the two sides of a line's time: a film begins where the line says, or this much off.
const NEAR_MS: i64 = 2_000;

/// Why a film ends before its end.
enum FilmEnd {
    /// What came is not what it has to be: segment, and in words.
    Off(Fault, u64, String),
    /// It does not come any more.
    Broken(String),
    /// Nobody watches any more.
    Unwatched,
}

fn broken(e: impl std::fmt::Display) -> FilmEnd {
    FilmEnd::Broken(e.to_string())
}

/// A film's bytes as they come; an error breaks it off. `stretch`: how many changes of the pictures' parameters come before it, as one
/// film has one kind of pictures; None once there are no more.
pub async fn film(
    hub: &Arc<Hub>,
    look: &Arc<Look>,
    stretch: u32,
) -> Result<Option<mpsc::Receiver<std::io::Result<Bytes>>>, HubError> {
    if look.off().is_some() {
        return Err(Clips::LookOff.into());
    }
    let reel = reel(hub, look).await?;
    let (tx, mut rx) = mpsc::channel(WAITING);
    let (d, l) = (hub.clone(), look.clone());
    tokio::spawn(async move {
        let shown = async {
            match reel.show(&l, stretch, &tx).await {
                Err(FilmEnd::Off(fault, s, why)) => {
                    let (d, l) = (d.clone(), l.clone());
                    let noted = blocking(move || l.turn_off(&d.log, fault, s, &why)).await;
                    if let Ok(Err(e)) = noted {
                        tracing::error!("that a look was turned off is not on record: {e}");
                    }
                    Err("what came is not what it has to be: turned off".to_owned())
                }
                Err(FilmEnd::Broken(why)) => Err(why),
                Ok(()) | Err(FilmEnd::Unwatched) => Ok(()),
            }
        };
        let over = tokio::select! {
            over = shown => over,
            fault = l.turned_off() => Err(format!("turned off: {}", fault.code())),
            () = tokio::time::sleep(l.left()) => Err("the look is over".to_owned()),
        };
        if let Err(why) = over {
            tracing::info!(camera = %l.camera, why, "a film was broken off");
            // Whoever watched may be gone.
            let _ = tx.send(Err(std::io::Error::other(why))).await;
        }
    });
    // What cannot be shown at all is refused in words.
    match rx.recv().await {
        None => Ok(None),
        Some(Err(_)) if look.off().is_some() => Err(Clips::LookOff.into()),
        Some(Err(e)) => Err(Clips::LookBroken { why: e.to_string() }.into()),
        Some(Ok(first)) => {
            let (again, all) = mpsc::channel(WAITING);
            tokio::spawn(async move {
                let mut next = Some(Ok(first));
                while let Some(chunk) = next {
                    if again.send(chunk).await.is_err() {
                        return;
                    }
                    next = rx.recv().await;
                }
            });
            Ok(Some(all))
        }
    }
}

/// What a film is made of.
struct Reel {
    segments: Vec<FilmSegment>,
    identity: Zeroizing<String>,
    supply: Supply,
}

/// Where sealed bytes come from.
enum Supply {
    Line {
        line: Connection,
        order: u64,
    },
    Disk {
        hub: Arc<Hub>,
        row: Box<RequestRecord>,
    },
}

async fn reel(hub: &Arc<Hub>, look: &Look) -> Result<Reel, HubError> {
    match &look.source {
        Source::Box {
            order,
            identity,
            segments,
        } => {
            let name = &look.camera.r#box;
            let way = hub.live.reach(name);
            let (_, line, _) = way.ok_or_else(|| Orders::BoxOffline { name: name.clone() })?;
            let order = *order;
            Ok(Reel {
                segments: segments.clone(),
                identity: identity.clone(),
                supply: Supply::Line { line, order },
            })
        }
        Source::Exhibit(exhibit) => {
            let asked = tokio::time::Instant::now();
            loop {
                let (d, e) = (hub.clone(), exhibit.clone());
                if let Some(reel) = blocking(move || of_exhibit(&d, &e)).await?? {
                    return Ok(reel);
                }
                if asked.elapsed() > SILENT {
                    let exhibit = exhibit.clone();
                    return Err(Clips::NothingArrivedYet { exhibit }.into());
                }
                tokio::time::sleep(AGAIN * 5).await;
            }
        }
    }
}

/// None: its box has not said yet what there is. Blocking.
fn of_exhibit(hub: &Arc<Hub>, exhibit: &ExhibitRef) -> Result<Option<Reel>, HubError> {
    let row = hub.db.request(exhibit.as_str())?;
    let row = row.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    if row.state.over() {
        let exhibit = exhibit.clone();
        return Err(match row.package {
            Some(_) => Clips::ArrivedAlready { exhibit }.into(),
            None => HubError::from(Pages::NoPackageYet),
        });
    }
    let segments = hub.db.request_segments(exhibit.as_str())?;
    if segments.is_empty() {
        return Ok(None);
    }
    let parts = hub.pulls.parts(exhibit.as_str());
    let segments = segments.iter().filter_map(|segment| {
        let logged = said_in_log(hub, &row, segment).ok()?;
        Some(FilmSegment {
            part: parts
                .get(&segment.s)
                .copied()
                .filter(|part| part.from < part.to && part.to <= logged.size),
            sealed: segment.sealed,
            logged,
        })
    });
    let segments = segments.collect();
    let identity = hub
        .keys
        .exhibit_identity(exhibit)
        .map_err(crate::error::plain)?;
    Ok(Some(Reel {
        segments,
        identity,
        supply: Supply::Disk {
            hub: hub.clone(),
            row: Box::new(row),
        },
    }))
}

/// A range of a sealed file on its way.
enum Pipe<'a> {
    Line {
        inc: Box<Incoming>,
        held: Vec<u8>,
        sealed: u64,
        begun: bool,
    },
    Disk {
        hub: &'a Arc<Hub>,
        exhibit: &'a ExhibitRef,
        place: Place,
        at: u64,
    },
}

impl Reel {
    async fn show(
        &self,
        look: &Look,
        stretch: u32,
        tx: &mpsc::Sender<std::io::Result<Bytes>>,
    ) -> Result<(), FilmEnd> {
        let (mut changes, mut film, mut before): (u32, Option<Film>, Option<Opening>) =
            (0, None, None);
        for segment in &self.segments {
            let s = segment.logged.s;
            let off = |fault, why: &dyn std::fmt::Display| FilmEnd::Off(fault, s, why.to_string());
            let noted = |e: mp4::Mp4Error| off(Fault::NotAsNoted, &e);
            let pieces = transfer::pieces(segment.sealed, &segment.logged);
            let pieces = pieces.ok_or_else(|| broken("a segment's length is odd"))?;
            // Both are asked for at once: the second is on its way when the first is here.
            let (_, opened) = pieces.span(0, 1);
            let after = segment.part.filter(|_| stretch == 0);
            let after = after.and_then(|part| rest(pieces, part.from, part.to, opened));
            let mut begins = self.pipe(segment, 0, opened).await?;
            let mut goes_on = match after {
                Some((from, to)) => Some(self.pipe(segment, from, to).await?),
                None => None,
            };
            let begun = begins
                .take(usize::try_from(opened).map_err(broken)?)
                .await?;
            let mut window = Window::new(&begun, segment.sealed, &self.identity)
                .map_err(|e| off(Fault::Altered, &e))?;
            let (start, len) = window.place(0);
            let piece = usize::try_from(start)
                .ok()
                .and_then(|at| begun.get(at..at + len));
            let piece = piece.ok_or_else(|| broken("a segment's beginning is short"))?;
            let plain = window.open(0, piece).map_err(|e| off(Fault::Altered, &e))?;
            let opening = mp4::opening(&plain).map_err(noted)?;
            let opening =
                opening.ok_or_else(|| off(Fault::NotAsNoted, &"its beginning does not end"))?;
            if before
                .as_ref()
                .is_some_and(|b| b.parameters != opening.parameters)
            {
                changes += 1;
            }
            before = Some(opening.clone());
            if changes > stretch {
                look.stretches.fetch_max(changes + 1, Relaxed);
                break;
            }
            let mut out = Vec::new();
            match &mut film {
                _ if changes < stretch => continue,
                Some(film) => {
                    film.goes_on(&opening).map_err(noted)?;
                }
                None => film = Some(Film::begin(&opening, &mut out)),
            }
            let Some(film) = &mut film else { continue };
            let (from, to) = match segment.part {
                Some(part) => (part.from, part.to),
                None => (opening.end, segment.logged.size),
            };
            if goes_on.is_none()
                && let Some((from, to)) = rest(pieces, from, to, opened)
            {
                goes_on = Some(self.pipe(segment, from, to).await?);
            }
            let first = film.began().is_none();
            let here = slice(&plain, 0, from, to);
            film.push(here, &mut out).map_err(noted)?;
            if let Some(pipe) = &mut goes_on {
                let begin = Pieces::piece_of(from).max(1);
                for number in begin..=Pieces::piece_of(to.max(1) - 1) {
                    let sealed = pipe.take(window.place(number).1).await?;
                    let plain = window
                        .open(number, &sealed)
                        .map_err(|e| off(Fault::Altered, &e))?;
                    let at = number * footage::sealed::PIECE as u64;
                    film.push(slice(&plain, at, from, to), &mut out)
                        .map_err(noted)?;
                    if first && let Some(began) = film.began() {
                        let due = look.t0.max(segment.logged.t0.plus_ms(NEAR_MS));
                        if began > due || began < segment.logged.t0.plus_ms(-NEAR_MS) {
                            return Err(off(Fault::NotAsNoted, &"it begins at another time"));
                        }
                    }
                    give(tx, &mut out).await?;
                }
            }
            give(tx, &mut out).await?;
            if !film.between() {
                return Err(off(
                    Fault::NotAsNoted,
                    &"what was to be shown ends within a fragment",
                ));
            }
        }
        Ok(())
    }

    /// Asks for a range of a segment's sealed file.
    async fn pipe(&self, segment: &FilmSegment, from: u64, to: u64) -> Result<Pipe<'_>, FilmEnd> {
        match &self.supply {
            Supply::Line { line, order } => {
                let (mut out, inc) = line.open_stream().await.map_err(broken)?;
                let ask = Open::Look {
                    order: *order,
                    s: segment.logged.s,
                    offset: from,
                    length: to.saturating_sub(from),
                };
                out.send(&ask).await.map_err(broken)?;
                out.finish();
                Ok(Pipe::Line {
                    inc: Box::new(inc),
                    held: Vec::new(),
                    sealed: segment.sealed,
                    begun: false,
                })
            }
            Supply::Disk { hub, row } => {
                let (state, exhibit, cam, logged) = (
                    hub.state.clone(),
                    row.r#ref.clone(),
                    row.camera.cam.clone(),
                    segment.logged.clone(),
                );
                let place = blocking(move || Place::new(&state, exhibit.as_str(), &cam, &logged));
                Ok(Pipe::Disk {
                    hub,
                    exhibit: &row.r#ref,
                    place: place.await.map_err(broken)?.map_err(broken)?,
                    at: from,
                })
            }
        }
    }
}

impl Pipe<'_> {
    /// The next so many bytes.
    async fn take(&mut self, size: usize) -> Result<Vec<u8>, FilmEnd> {
        match self {
            Self::Line {
                inc,
                held,
                sealed,
                begun,
            } => {
                if !*begun {
                    let first = inc.frame_within(SILENT).await.map_err(broken)?;
                    let first = first.ok_or_else(|| broken("the box closed the stream"))?;
                    match first.json::<ClipReply>().map_err(broken)? {
                        ClipReply::Bytes { size } if size == *sealed => {}
                        ClipReply::Refused { why } => return Err(broken(why)),
                        _ => return Err(broken("the box sends another segment")),
                    }
                    *begun = true;
                }
                while held.len() < size {
                    let some = inc.some(b'B', SILENT).await.map_err(broken)?;
                    let some = some.ok_or_else(|| broken("the box stopped sending"))?;
                    held.extend_from_slice(&some);
                }
                let rest = held.split_off(size);
                Ok(std::mem::replace(held, rest))
            }
            Self::Disk {
                hub,
                exhibit,
                place,
                at,
            } => {
                let (from, to) = (*at, *at + size as u64);
                let mut looked = tokio::time::Instant::now();
                let mut known = 0;
                loop {
                    let place = place.clone();
                    let found = blocking(move || here(&place, from, to))
                        .await
                        .map_err(broken)?;
                    if let Some(bytes) = found.map_err(broken)? {
                        *at = to;
                        return Ok(bytes);
                    }
                    // While anything of the clip comes, its turn comes.
                    let came = hub.pulls.last(exhibit.as_str()).map_or(0, |p| p.bytes);
                    if came != known {
                        (looked, known) = (tokio::time::Instant::now(), came);
                    }
                    if looked.elapsed() > SILENT * 3 {
                        return Err(broken("nothing more of it comes just now"));
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

/// Bytes of a sealed file as far as it has come; None: they have not. Blocking.
fn here(place: &Place, from: u64, to: u64) -> std::io::Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(place.done()) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let ranges = place.ranges().map_err(std::io::Error::other)?;
            if !ranges.is_some_and(|ranges| ranges.has(from, to)) {
                return Ok(None);
            }
            match place.arriving() {
                Ok(file) => file,
                // It has just got its place.
                Err(_) => return Ok(None),
            }
        }
        Err(e) => return Err(e),
    };
    let mut bytes = vec![0; usize::try_from(to - from).map_err(std::io::Error::other)?];
    file.read_exact_at(&mut bytes, from)?;
    Ok(Some(bytes))
}

/// The pieces behind the first that hold plaintext bytes [from, to); None: there are none.
fn rest(pieces: Pieces, from: u64, to: u64, opened: u64) -> Option<(u64, u64)> {
    let (from, to) = pieces.span(from, to);
    let from = from.max(opened);
    (from < to).then_some((from, to))
}

/// What of a piece that begins at `at` lies in [from, to).
fn slice(plain: &[u8], at: u64, from: u64, to: u64) -> &[u8] {
    let place = |byte: u64| {
        let within = byte.saturating_sub(at);
        usize::try_from(within)
            .unwrap_or(usize::MAX)
            .min(plain.len())
    };
    plain.get(place(from)..place(to)).unwrap_or_default()
}

async fn give(tx: &mpsc::Sender<std::io::Result<Bytes>>, out: &mut Vec<u8>) -> Result<(), FilmEnd> {
    if out.is_empty() {
        return Ok(());
    }
    let chunk = Bytes::from(std::mem::take(out));
    tx.send(Ok(chunk)).await.map_err(|_| FilmEnd::Unwatched)
}
