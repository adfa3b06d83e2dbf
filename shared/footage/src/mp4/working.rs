//! Pure. A working copy: one plain MP4 made from masters by copying their samples.
//!
//! It begins with the last key frame at or before `from` (else with the first there is) and holds every frame shown before
//! `to`; the last of them stays on screen until the first frame at or past `to`. Nothing is hidden by an edit list.
//! Decode times inside a master are the master's. Where one master follows another, the wall clock decides: up to 100 ms of
//! difference is the recorder's clock being slewed and the frames run on evenly; more lengthens or shortens the frame
//! before. A clock that went back is not followed: the frames run on and the clock is taken up again from there.
//!
//! Sound lies beside the pictures as it does in its master.

use shared::time::Utc;

use super::{
    Mp4Error, Sample, Segment, TIMESCALE, WorkingCopy,
    boxes::{put_full, u32be, u64be},
    init::{Tables, Track, check, ftyp, moov},
    parse,
};

/// Seconds from 1904 (MP4) to 1970 (Unix).
const MP4_OFFSET: i64 = 2_082_844_800;
const ROUNDING: i64 = 9_000;

/// What a working copy consists of: `head`, then the runs in order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `ftyp`, `moov` and the header of `mdat`.
    pub head: Vec<u8>,
    pub runs: Vec<Run>,
    /// Wall times of its first frame and of the end of its last
    pub t0: Utc,
    pub t1: Utc,
    pub frames: u64,
}

/// Bytes of one master, to be copied as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Index of the master.
    pub master: usize,
    pub offset: u64,
    pub len: u64,
}

/// Which neighbouring masters share their parameters: what one working copy is made of has to.
pub fn split_by_parameters(masters: &[Segment]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, master) in masters.iter().enumerate() {
        match out.last_mut() {
            Some(range) if masters[range.start].parameters == master.parameters => {
                range.end = at + 1
            }
            _ => out.push(at..at + 1),
        }
    }
    out
}

/// Which neighbouring masters can become one working copy without a hole in it: they share their parameters, and between two of them is no
/// more than so many milliseconds; `apart` says how many, of the later one of a pair. A clock that went back is no hole.
pub fn stretches(masters: &[Segment], apart: impl Fn(usize) -> i64) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    let hole = |at: usize| -> Option<i64> {
        let (_, end) = masters.get(at.checked_sub(1)?)?.span()?;
        let (begin, _) = masters.get(at)?.span()?;
        Some(begin.0.saturating_sub(end.0))
    };
    for range in split_by_parameters(masters) {
        let mut start = range.start;
        for at in range.start + 1..range.end {
            if hole(at).is_some_and(|ms| ms > apart(at)) {
                out.push(start..at);
                start = at;
            }
        }
        out.push(start..range.end);
    }
    out
}

/// One plain (not fragmented) MP4, stream copy: from the last key frame at or before `from` to the first frame at or past `to`.
/// Frame times keep the wall clock; a gap lengthens the frame before it. Masters must share `parameters`.
pub fn working_copy(masters: &[&[u8]], from: Utc, to: Utc) -> Result<WorkingCopy, Mp4Error> {
    let segments = masters
        .iter()
        .map(|bytes| parse(bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let plan = plan_working_copy(&segments, from, to)?;
    let mut bytes = plan.head;
    for run in &plan.runs {
        let start = run.offset as usize;
        let part = masters
            .get(run.master)
            .and_then(|m| m.get(start..start + run.len as usize));
        bytes.extend_from_slice(
            part.ok_or_else(|| bad("a master is shorter than its own tables say"))?,
        );
    }
    Ok(WorkingCopy {
        bytes,
        t0: plan.t0,
        t1: plan.t1,
        frames: plan.frames,
    })
}

fn bad(why: &str) -> Mp4Error {
    Mp4Error::Bad(format!(
        "no working copy was made: {why}; the masters are untouched"
    ))
}

/// As [`working_copy`], without the media bytes: they need never be in memory.
pub fn plan_working_copy(masters: &[Segment], from: Utc, to: Utc) -> Result<Plan, Mp4Error> {
    if to <= from {
        return Err(bad("the end asked for is not after the start"));
    }
    let changes: Vec<usize> = split_by_parameters(masters)
        .into_iter()
        .skip(1)
        .map(|r| r.start)
        .collect();
    if !changes.is_empty() {
        return Err(Mp4Error::ParametersChange { at: changes });
    }
    let parameters = &masters
        .first()
        .ok_or_else(|| bad("there are no masters"))?
        .parameters;
    check(parameters)?;
    let all: Vec<(usize, Sample)> = masters
        .iter()
        .enumerate()
        .flat_map(|(at, m)| m.samples.iter().map(move |s| (at, *s)))
        .collect();

    // Where a clock went back, a time occurs twice: both belong to the copy.
    let reached = all
        .iter()
        .position(|(_, s)| s.wall > from)
        .unwrap_or(all.len());
    let start = all[..reached]
        .iter()
        .rposition(|(_, s)| s.key)
        .or_else(|| all.iter().position(|(_, s)| s.key))
        .ok_or_else(|| bad("the masters hold no key frame"))?;
    let end = all
        .iter()
        .rposition(|(_, s)| s.wall < to)
        .map_or(0, |at| at + 1);
    if end <= start {
        return Err(bad("no frame of the masters lies in the time asked for"));
    }
    let (chosen, after) = (&all[start..end], all.get(end));
    let durations = durations(chosen)?;

    let heard = heard(masters, chosen, &durations);
    let runs = runs(chosen, &heard);
    let media: u64 = runs.iter().map(|r| r.run.len).sum();
    let t0 = chosen
        .iter()
        .take(REORDER)
        .map(|(_, s)| s.wall)
        .min()
        .unwrap_or_default();
    let last = chosen
        .iter()
        .rev()
        .take(REORDER)
        .map(|(_, s)| s.end())
        .max()
        .unwrap_or_default();
    let t1 = match after {
        Some((_, s)) if (s.wall.0 - last.0).abs() <= ROUNDING / 90 => s.wall,
        _ => last,
    };

    let mut pictures = Track {
        duration: durations.iter().map(|d| u64::from(*d)).sum(),
        ..Track::default()
    };
    let samples = chosen.iter().map(|(_, s)| *s);
    sample_tables(
        samples,
        &durations,
        &runs,
        Of::Pictures,
        &mut pictures.boxes,
    );
    let sound = parameters.sound.as_ref().filter(|_| !heard.is_empty());
    let sound = sound.map(|about| {
        let (lasts, delay) = sound_durations(&heard, about.rate);
        let mut track = Track {
            duration: lasts.iter().map(|d| u64::from(*d)).sum(),
            delay,
            boxes: Vec::new(),
        };
        let samples = heard.iter().map(|h| h.sample);
        sample_tables(samples, &lasts, &runs, Of::Sound, &mut track.boxes);
        track
    });
    // The offsets depend on the length of what stands before the media, which depends only on their width.
    let mut wide = media > u64::from(u32::MAX) - (1 << 24);
    loop {
        let head = |base: u64| {
            let with_offsets = |track: &Track, of: Of| {
                let mut track = track.clone();
                chunk_offsets(&runs, of, base, wide, &mut track.boxes);
                track
            };
            let tables = Tables {
                created: u64::try_from(t0.seconds() + MP4_OFFSET).unwrap_or(0),
                pictures: with_offsets(&pictures, Of::Pictures),
                sound: sound.as_ref().map(|t| with_offsets(t, Of::Sound)),
                fragmented: false,
            };
            let mut head = Vec::with_capacity(tables.pictures.boxes.len() + 1024);
            ftyp(&mut head, b"isom", &[b"isom", b"iso2", b"avc1", b"mp41"]);
            moov(&mut head, parameters, &tables);
            if wide {
                u32be(&mut head, 1);
                head.extend_from_slice(b"mdat");
                u64be(&mut head, media + 16);
            } else {
                u32be(&mut head, (media + 8) as u32);
                head.extend_from_slice(b"mdat");
            }
            head
        };
        let base = head(0).len() as u64;
        if !wide && base + media > u64::from(u32::MAX) {
            wide = true; // very long tables: once more with 64-bit offsets
            continue;
        }
        return Ok(Plan {
            head: head(base),
            runs: runs.into_iter().map(|r| r.run).collect(),
            t0,
            t1,
            frames: chosen.len() as u64,
        });
    }
}

/// How far from the edge a frame may be shown out of decode order.
const REORDER: usize = 17;

/// How long each frame lasts in the copy.
fn durations(chosen: &[(usize, Sample)]) -> Result<Vec<u32>, Mp4Error> {
    let decode_wall = |s: &Sample| s.wall.0 * 90 - i64::from(s.cts);
    let Some((_, first)) = chosen.first() else {
        return Ok(Vec::new());
    };
    // Where the copy's clock and the wall clock are known to agree, and the copy's time now.
    let (mut anchor, mut now) = ((0i64, decode_wall(first)), 0i64);
    let mut out = Vec::with_capacity(chosen.len());
    for pair in chosen.windows(2) {
        let ((one, a), (two, b)) = (pair[0], pair[1]);
        let own = i64::from(a.duration);
        let lasts = if one == two {
            i64::try_from(b.dts)
                .unwrap_or(i64::MAX)
                .saturating_sub_unsigned(a.dts)
        } else {
            let due = anchor.0 + decode_wall(&b) - anchor.1;
            let lasts = due - now;
            if (lasts - own).abs() <= ROUNDING {
                own
            } else if lasts > 0 {
                lasts
            } else {
                anchor = (now + own, decode_wall(&b));
                own
            }
        };
        let lasts = u32::try_from(lasts).ok().filter(|d| *d > 0 || one != two);
        let lasts = lasts.ok_or_else(|| bad("its frame times run backwards or leave out more than 13 hours; ask for the parts before and after"))?;
        now += i64::from(lasts);
        out.push(lasts);
    }
    out.push(chosen.last().map_or(0, |(_, s)| s.duration));
    Ok(out)
}

/// A frame of sound in the copy.
struct Heard {
    master: usize,
    sample: Sample,
    /// When it is heard, in ticks of the sound's rate since the copy's first picture.
    at: i64,
}

/// The sound of the pictures chosen: each master's stays where it lies beside its pictures.
fn heard(masters: &[Segment], chosen: &[(usize, Sample)], durations: &[u32]) -> Vec<Heard> {
    let mut out = Vec::new();
    let length: i64 = durations.iter().map(|d| i64::from(*d)).sum();
    let (mut now, mut last) = (0i64, None);
    for ((master, first), lasts) in chosen.iter().zip(durations) {
        let begins = last.replace(*master) != Some(*master);
        let found = masters
            .get(*master)
            .and_then(|m| m.parameters.sound.as_ref().map(|s| (m, i64::from(s.rate))));
        if let (true, Some((m, rate))) = (begins, found) {
            let scale = i64::from(TIMESCALE);
            // Where the master's own time zero lies in the copy.
            let zero = now.saturating_sub_unsigned(first.dts).saturating_mul(rate) / scale;
            let place = |s: &Sample| zero.saturating_add_unsigned(s.dts);
            out.extend(
                m.sound
                    .iter()
                    .map(|s| (place(s), s))
                    .filter(|(at, s)| {
                        at.saturating_add(i64::from(s.duration) / 2) >= 0
                            && *at < length.saturating_mul(rate) / scale
                    })
                    .map(|(at, s)| Heard {
                        master: *master,
                        sample: *s,
                        at,
                    }),
            );
        }
        now += i64::from(*lasts);
    }
    out
}

/// How long each frame of sound lasts: its own length, unless what follows is off by more than 100 ms. And how late the first is, in
/// the pictures' ticks.
fn sound_durations(heard: &[Heard], rate: u32) -> (Vec<u32>, u64) {
    let first = heard.first().map_or(0, |h| h.at);
    let mut now = first;
    let mut out = Vec::with_capacity(heard.len());
    for (i, h) in heard.iter().enumerate() {
        let own = i64::from(h.sample.duration);
        let due = heard.get(i + 1).map_or(own, |next| next.at - now);
        let even = (due - own).abs() <= i64::from(rate) / 10;
        let lasts = if even || due <= 0 { own } else { due };
        let lasts = u32::try_from(lasts).unwrap_or(h.sample.duration);
        now += i64::from(lasts);
        out.push(lasts);
    }
    let late = u64::try_from(first).unwrap_or(0) * u64::from(TIMESCALE) / u64::from(rate.max(1));
    let one = heard.first().map_or(0, |h| u64::from(h.sample.duration));
    let worth = late > one * u64::from(TIMESCALE) / u64::from(rate.max(1));
    (out, if worth { late } else { 0 })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Pictures,
    Sound,
}

/// A chunk of the copy: neighbouring samples of one track that lie side by side in their master.
struct Chunk {
    run: Run,
    of: Of,
    samples: u32,
}

/// All chunks, in the order of the masters.
fn runs(chosen: &[(usize, Sample)], heard: &[Heard]) -> Vec<Chunk> {
    let pictures = chosen.iter().map(|(m, s)| (*m, s, Of::Pictures));
    let sound = heard.iter().map(|h| (h.master, &h.sample, Of::Sound));
    let mut all: Vec<(usize, &Sample, Of)> = pictures.chain(sound).collect();
    all.sort_by_key(|(master, s, _)| (*master, s.offset));
    let mut out: Vec<Chunk> = Vec::new();
    for (master, s, of) in all {
        match out.last_mut() {
            Some(Chunk {
                run,
                of: same,
                samples,
            }) if *same == of && run.master == master && run.offset + run.len == s.offset => {
                run.len += u64::from(s.size);
                *samples += 1;
            }
            _ => out.push(Chunk {
                run: Run {
                    master,
                    offset: s.offset,
                    len: u64::from(s.size),
                },
                of,
                samples: 1,
            }),
        }
    }
    out
}

fn lengths<T: PartialEq + Copy>(values: impl Iterator<Item = T>) -> Vec<(u32, T)> {
    let mut out: Vec<(u32, T)> = Vec::new();
    for v in values {
        match out.last_mut() {
            Some((count, same)) if *same == v => *count += 1,
            _ => out.push((1, v)),
        }
    }
    out
}

/// stts, ctts, stss, stsc, stsz.
fn sample_tables(
    chosen: impl Iterator<Item = Sample> + Clone,
    durations: &[u32],
    runs: &[Chunk],
    of: Of,
    out: &mut Vec<u8>,
) {
    let pairs = |out: &mut Vec<u8>, kind: &[u8; 4], version: u8, rows: &[(u32, u32)]| {
        put_full(out, kind, version, 0, |out| {
            u32be(out, rows.len() as u32);
            for (count, v) in rows {
                u32be(out, *count);
                u32be(out, *v);
            }
        });
    };
    pairs(out, b"stts", 0, &lengths(durations.iter().copied()));
    if chosen.clone().any(|s| s.cts != 0) {
        let version = u8::from(chosen.clone().any(|s| s.cts < 0));
        let offsets = lengths(chosen.clone().map(|s| s.cts as u32));
        pairs(out, b"ctts", version, &offsets);
    }
    if chosen.clone().any(|s| !s.key) {
        let keys: Vec<u32> = (1u32..)
            .zip(chosen.clone())
            .filter(|(_, s)| s.key)
            .map(|(at, _)| at)
            .collect();
        put_full(out, b"stss", 0, 0, |out| {
            u32be(out, keys.len() as u32);
            keys.iter().for_each(|at| u32be(out, *at));
        });
    }
    put_full(out, b"stsc", 0, 0, |out| {
        let counts = runs.iter().filter(|r| r.of == of).map(|r| r.samples);
        let rows = lengths(counts);
        u32be(out, rows.len() as u32);
        let mut chunk = 1;
        for (chunks, samples) in rows {
            u32be(out, chunk);
            u32be(out, samples);
            u32be(out, 1); // sample description
            chunk += chunks;
        }
    });
    put_full(out, b"stsz", 0, 0, |out| {
        u32be(out, 0);
        u32be(out, durations.len() as u32);
        chosen.for_each(|s| u32be(out, s.size));
    });
}

fn chunk_offsets(runs: &[Chunk], of: Of, base: u64, wide: bool, out: &mut Vec<u8>) {
    put_full(out, if wide { b"co64" } else { b"stco" }, 0, 0, |out| {
        u32be(out, runs.iter().filter(|r| r.of == of).count() as u32);
        let mut at = base;
        for chunk in runs {
            if chunk.of == of {
                if wide {
                    u64be(out, at)
                } else {
                    u32be(out, at as u32)
                }
            }
            at += chunk.run.len;
        }
    });
}
