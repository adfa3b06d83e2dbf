//! Pure. A working copy: one plain MP4 made from masters by copying their samples.
//!
//! It begins with the last key frame at or before `from` (else with the first there is) and holds every frame shown before
//! `to`; the last of them stays on screen until the first frame at or past `to`. Nothing is hidden by an edit list.
//! Decode times inside a master are the master's. Where one master follows another, the wall clock decides: up to 100 ms of
//! difference is the recorder's clock being slewed and the frames run on evenly; more lengthens or shortens the frame
//! before. A clock that went back is not followed: the frames run on and the clock is taken up again from there.

use shared::time::Utc;

use super::{
    Mp4Error, Sample, Segment, WorkingCopy,
    boxes::{put_full, u32be, u64be},
    init::{Tables, check, ftyp, moov},
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

/// Which neighbouring masters share their parameters: each range can become one working copy.
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

    let media: u64 = chosen.iter().map(|(_, s)| u64::from(s.size)).sum();
    let runs = runs(chosen);
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

    let mut tables = Tables {
        created: u64::try_from(t0.seconds() + MP4_OFFSET).unwrap_or(0),
        duration: durations.iter().map(|d| u64::from(*d)).sum(),
        ..Tables::default()
    };
    let mut first_boxes = Vec::new();
    sample_tables(chosen, &durations, &runs, &mut first_boxes);
    // The offsets depend on the length of what stands before the media, which depends only on their width.
    let mut wide = media > u64::from(u32::MAX) - (1 << 24);
    loop {
        let head = |base: u64, tables: &mut Tables| {
            tables.boxes = first_boxes.clone();
            chunk_offsets(&runs, base, wide, &mut tables.boxes);
            let mut head = Vec::with_capacity(tables.boxes.len() + 1024);
            ftyp(&mut head, b"isom", &[b"isom", b"iso2", b"avc1", b"mp41"]);
            moov(&mut head, parameters, tables);
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
        let base = head(0, &mut tables).len() as u64;
        if !wide && base + media > u64::from(u32::MAX) {
            wide = true; // very long tables: once more with 64-bit offsets
            continue;
        }
        let head = head(base, &mut tables);
        return Ok(Plan {
            head,
            runs: runs.into_iter().map(|(run, _)| run).collect(),
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

/// Neighbouring samples that lie side by side in their master: one chunk of the copy each, with its number of samples.
fn runs(chosen: &[(usize, Sample)]) -> Vec<(Run, u32)> {
    let mut out: Vec<(Run, u32)> = Vec::new();
    for (master, s) in chosen {
        match out.last_mut() {
            Some((run, count)) if run.master == *master && run.offset + run.len == s.offset => {
                run.len += u64::from(s.size);
                *count += 1;
            }
            _ => out.push((
                Run {
                    master: *master,
                    offset: s.offset,
                    len: u64::from(s.size),
                },
                1,
            )),
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
    chosen: &[(usize, Sample)],
    durations: &[u32],
    runs: &[(Run, u32)],
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
    if chosen.iter().any(|(_, s)| s.cts != 0) {
        let version = u8::from(chosen.iter().any(|(_, s)| s.cts < 0));
        pairs(
            out,
            b"ctts",
            version,
            &lengths(chosen.iter().map(|(_, s)| s.cts as u32)),
        );
    }
    if chosen.iter().any(|(_, s)| !s.key) {
        let keys: Vec<u32> = (1u32..)
            .zip(chosen)
            .filter(|(_, (_, s))| s.key)
            .map(|(at, _)| at)
            .collect();
        put_full(out, b"stss", 0, 0, |out| {
            u32be(out, keys.len() as u32);
            keys.iter().for_each(|at| u32be(out, *at));
        });
    }
    put_full(out, b"stsc", 0, 0, |out| {
        let rows = lengths(runs.iter().map(|(_, count)| *count));
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
        u32be(out, chosen.len() as u32);
        chosen.iter().for_each(|(_, s)| u32be(out, s.size));
    });
}

fn chunk_offsets(runs: &[(Run, u32)], base: u64, wide: bool, out: &mut Vec<u8>) {
    put_full(out, if wide { b"co64" } else { b"stco" }, 0, 0, |out| {
        u32be(out, runs.len() as u32);
        let mut at = base;
        for (run, _) in runs {
            if wide {
                u64be(out, at)
            } else {
                u32be(out, at as u32)
            }
            at += run.len;
        }
    });
}
