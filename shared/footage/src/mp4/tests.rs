//! Pure. Segments and working copies as ffmpeg, ffprobe and another MP4 library read them.
use std::{path::Path, process::Command};

use mp4_atom::Decode as _;
use proptest::prelude::*;

use super::{
    boxes::{child, first},
    fragment::{from_ntp, to_ntp},
    parse::parameters,
    *,
};

fn run(program: &str, args: &[&str]) -> String {
    let out = Command::new(program)
        .args(args)
        .output()
        .expect("ffmpeg and ffprobe are needed for this test");
    assert!(
        out.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn wall(text: &str) -> Utc {
    Utc::parse(text).expect("time")
}

const START: &str = "2026-11-03T14:00:03.000Z";

/// A camera's pictures: `extra` are the encoder's options.
fn film(codec: Codec, size: &str, seconds: u32, extra: &[&str]) -> (Parameters, Vec<Frame>) {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (encoder, raw, filters) = match codec {
        Codec::H264 => (
            "libx264",
            "h264",
            "h264_mp4toannexb,h264_metadata=aud=insert",
        ),
        Codec::H265 => (
            "libx265",
            "hevc",
            "hevc_mp4toannexb,hevc_metadata=aud=insert",
        ),
    };
    let source = format!("testsrc=size={size}:rate=25:duration={seconds}");
    let (mp4, annexb) = (path("x.mp4"), path("x.annexb"));
    let mut args = vec![
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        &source,
        "-pix_fmt",
        "yuv420p",
        "-c:v",
        encoder,
        "-preset",
        "ultrafast",
    ];
    args.extend_from_slice(extra);
    args.extend_from_slice(&[
        "-tag:v",
        if codec == Codec::H265 { "hvc1" } else { "avc1" },
        "-video_track_timescale",
        "90000",
        &mp4,
    ]);
    run("ffmpeg", &args);
    run(
        "ffmpeg",
        &[
            "-v", "error", "-i", &mp4, "-c", "copy", "-bsf:v", filters, "-f", raw, &annexb,
        ],
    );
    let times = run(
        "ffprobe",
        &[
            "-v",
            "error",
            "-show_entries",
            "packet=pts,dts,flags",
            "-of",
            "csv=p=0",
            &mp4,
        ],
    );

    let file = std::fs::read(&mp4).expect("mp4");
    let parameters = parameters(child(&file, b"moov").expect("moov")).expect("parameters");
    let units = access_units(codec, &std::fs::read(&annexb).expect("annexb"));
    let rows: Vec<(i64, i64, bool)> = times
        .lines()
        .map(|l| {
            let mut f = l.split(',');
            let mut number = || f.next().expect("field").parse().expect("number");
            let (pts, dts) = (number(), number());
            (pts, dts, l.contains('K'))
        })
        .collect();
    assert_eq!(rows.len(), units.len());
    let dts0 = rows[0].1;
    let frames = rows
        .iter()
        .zip(units)
        .map(|((pts, dts, key), bytes)| Frame {
            dts: (dts - dts0) as u64,
            cts: (pts - dts) as i32,
            duration: 3600,
            key: *key,
            bytes: bytes.into(),
        });
    (parameters, frames.collect())
}

/// Splits a byte stream with access unit delimiters into access units with 4-byte lengths.
fn access_units(codec: Codec, annexb: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> = annexb
        .windows(3)
        .enumerate()
        .filter(|(_, w)| *w == [0, 0, 1])
        .map(|(at, _)| at)
        .collect();
    let mut out: Vec<Vec<u8>> = Vec::new();
    for (i, at) in starts.iter().enumerate() {
        let mut end = starts.get(i + 1).copied().unwrap_or(annexb.len());
        while i + 1 < starts.len() && annexb[end - 1] == 0 {
            end -= 1;
        }
        let nal = &annexb[at + 3..end];
        let delimiter = match codec {
            Codec::H264 => nal[0] & 31 == 9,
            Codec::H265 => nal[0] >> 1 & 63 == 35,
        };
        if delimiter {
            out.push(Vec::new());
        } else if let Some(unit) = out.last_mut() {
            unit.extend_from_slice(&(nal.len() as u32).to_be_bytes());
            unit.extend_from_slice(nal);
        }
    }
    out
}

/// A segment of these frames; times count from its first frame.
fn segment(parameters: &Parameters, frames: &[Frame], start: Utc) -> Vec<u8> {
    let mut out = init(parameters).expect("init");
    let dts0 = frames[0].dts;
    let local: Vec<Frame> = frames
        .iter()
        .map(|f| Frame {
            dts: f.dts - dts0,
            ..f.clone()
        })
        .collect();
    let shown0 = local[0].dts as i64 + i64::from(local[0].cts);
    for (i, part) in local.chunks(12).enumerate() {
        let shown = part[0].dts as i64 + i64::from(part[0].cts);
        fragment(
            i as u32 + 1,
            start.plus_ms(ms(shown - shown0)),
            part,
            &[],
            &mut out,
        )
        .expect("fragment");
    }
    out
}

/// Segments of `each` frames, one after the other.
fn segments(parameters: &Parameters, frames: &[Frame], each: usize) -> Vec<Vec<u8>> {
    frames
        .chunks(each)
        .map(|part| {
            segment(
                parameters,
                part,
                wall(START).plus_ms(ms((part[0].dts - frames[0].dts) as i64)),
            )
        })
        .collect()
}

fn hashes(path: &Path) -> Vec<String> {
    hashes_of(path, "0:v")
}

fn hashes_of(path: &Path, track: &str) -> Vec<String> {
    run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-i",
            &path.to_string_lossy(),
            "-map",
            track,
            "-c",
            "copy",
            "-f",
            "framehash",
            "-hash",
            "sha256",
            "-",
        ],
    )
    .lines()
    .filter(|l| !l.starts_with('#'))
    .map(|l| l.rsplit(',').next().unwrap_or_default().trim().to_owned())
    .collect()
}

fn probe(path: &Path, entries: &str) -> String {
    run(
        "ffprobe",
        &[
            "-v",
            "error",
            "-count_packets",
            "-show_entries",
            entries,
            "-of",
            "csv=p=0",
            &path.to_string_lossy(),
        ],
    )
    .trim()
    .to_owned()
}

fn plays(path: &Path) {
    let out = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-i",
            &path.to_string_lossy(),
            "-f",
            "null",
            "-",
        ])
        .output()
        .expect("ffmpeg");
    assert!(
        out.status.success() && out.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

/// REC-3: a segment is an ordinary file: other software finds codec, size, every frame and its time in it.
#[test]
fn other_software_reads_a_segment() {
    let folder = tempfile::tempdir().expect("folder");
    for (codec, name, extra) in [
        (Codec::H264, "h264", vec!["-g", "25", "-bf", "0"]),
        (Codec::H264, "h264", vec!["-g", "25", "-bf", "2"]),
        (
            Codec::H265,
            "hevc",
            vec!["-x265-params", "log-level=none:keyint=25:bframes=0"],
        ),
    ] {
        let (parameters, frames) = film(codec, "320x180", 2, &extra);
        let bytes = segment(&parameters, &frames, wall(START));
        let path = folder.path().join("s.mp4");
        std::fs::write(&path, &bytes).expect("write");
        assert_eq!(
            probe(
                &path,
                "stream=codec_name,width,height,avg_frame_rate,nb_read_packets"
            ),
            format!("{name},320,180,25/1,50")
        );
        plays(&path);
        assert_eq!(hashes(&path).len(), 50);

        let parsed = parse(&bytes).expect("parse");
        assert_eq!(
            (parsed.whole_bytes, parsed.fragments),
            (bytes.len() as u64, 5)
        );
        assert_eq!(parsed.parameters, parameters);
        for (sample, frame) in parsed.samples.iter().zip(&frames) {
            assert_eq!(
                bytes[sample.offset as usize..][..sample.size as usize],
                frame.bytes
            );
            assert_eq!(
                (sample.dts, sample.cts, sample.duration, sample.key),
                (frame.dts, frame.cts, 3600, frame.key)
            );
            let shown = frame.dts as i64 + i64::from(frame.cts) - i64::from(frames[0].cts);
            assert_eq!(sample.wall, wall(START).plus_ms(shown / 90));
        }
        assert_eq!(parsed.span().expect("span").0, wall(START));
        // Another library reads the same boxes.
        let moov =
            mp4_atom::Any::decode(&mut &bytes[first(&bytes).expect("ftyp").whole..]).expect("moov");
        let mp4_atom::Any::Moov(moov) = moov else {
            panic!("no moov")
        };
        assert_eq!(
            (
                moov.trak.len(),
                moov.mvex.is_some(),
                moov.trak[0].mdia.mdhd.timescale
            ),
            (1, true, 90_000)
        );
    }
}

/// REC-5: whatever is cut off, whole fragments are found, and nothing else is taken for one.
#[test]
fn a_torn_segment_keeps_its_whole_fragments() {
    let parameters = plain();
    let frames: Vec<Frame> = (0..30)
        .map(|i| Frame {
            dts: i * 3600,
            cts: 0,
            duration: 3600,
            key: i == 0,
            bytes: vec![i as u8; 40 + i as usize].into(),
        })
        .collect();
    let bytes = segment(&parameters, &frames, wall(START));
    let mut ends = vec![init(&parameters).expect("init").len()];
    let mut at = ends[0];
    while at < bytes.len() {
        for _ in 0..3 {
            at += first(&bytes[at..]).expect("box").whole;
        }
        ends.push(at);
    }
    assert_eq!(ends.len(), 4);
    let whole = parse(&bytes).expect("parse");
    for cut in 0..=bytes.len() {
        let fragments = ends.iter().filter(|end| **end <= cut).count();
        match parse(&bytes[..cut]) {
            Err(_) => assert_eq!(fragments, 0, "cut at {cut}"),
            Ok(got) => {
                assert_eq!(
                    got.whole_bytes as usize,
                    ends[fragments - 1],
                    "cut at {cut}"
                );
                assert_eq!(got.fragments as usize, fragments - 1);
                assert_eq!(got.samples.len(), ((fragments - 1) * 12).min(30));
                // Of the torn one, every frame whose bytes are all there.
                let kept = salvage(bytes[..cut].to_vec()).expect("salvage");
                let saved = parse(&kept).expect("parse");
                let there = whole
                    .samples
                    .iter()
                    .filter(|s| s.offset + u64::from(s.size) <= cut as u64);
                assert_eq!(saved.samples.len(), there.count(), "cut at {cut}");
                assert_eq!(saved.whole_bytes as usize, kept.len());
                for (a, b) in saved.samples.iter().zip(&whole.samples) {
                    let at = |s: &Sample| s.offset as usize..s.offset as usize + s.size as usize;
                    assert_eq!(
                        (a.dts, a.duration, a.key, a.wall),
                        (b.dts, b.duration, b.key, b.wall)
                    );
                    assert_eq!(kept[at(a)], bytes[at(b)]);
                }
            }
        }
    }
    assert_eq!(salvage(bytes.clone()).expect("salvage"), bytes);
    let mut tail = bytes.clone();
    tail.extend_from_slice(&[0; 4096]); // as a power cut leaves a file
    assert_eq!(
        parse(&tail).expect("parse").whole_bytes as usize,
        bytes.len()
    );
}

#[test]
fn refused_rather_than_written_wrong() {
    let good = plain();
    assert!(init(&good).is_ok());
    assert!(
        init(&Parameters {
            width: 0,
            ..good.clone()
        })
        .is_err()
    );
    assert!(
        init(&Parameters {
            config: vec![0; 40],
            ..good.clone()
        })
        .is_err()
    );
    assert!(
        init(&Parameters {
            codec: Codec::H265,
            ..good
        })
        .is_err()
    );
    assert!(fragment(1, wall(START), &[], &[], &mut Vec::new()).is_err());
}

/// EVI-2: the working copy is a plain file whose frames are the masters', hash by hash, from a key frame at or before the
/// start to the end asked for, and every player sees 25 frames a second.
#[test]
fn a_working_copy_is_a_run_of_the_masters() {
    let folder = tempfile::tempdir().expect("folder");
    for (codec, extra) in [
        (Codec::H264, vec!["-g", "25", "-bf", "0"]),
        (
            Codec::H264,
            vec!["-g", "25", "-bf", "2", "-x264-params", "open-gop=0"],
        ),
        (
            Codec::H265,
            vec!["-x265-params", "log-level=none:keyint=25:bframes=0"],
        ),
        (
            Codec::H265,
            vec![
                "-x265-params",
                "log-level=none:keyint=25:bframes=2:open-gop=0",
            ],
        ),
    ] {
        let (parameters, frames) = film(codec, "320x180", 9, &extra);
        let reordered = frames.iter().any(|f| f.cts != 0);
        let masters = segments(&parameters, &frames, 75);
        let mut master_hashes = Vec::new();
        for (i, bytes) in masters.iter().enumerate() {
            let path = folder.path().join(format!("m{i}.mp4"));
            std::fs::write(&path, bytes).expect("write");
            master_hashes.extend(hashes(&path));
        }
        assert_eq!(master_hashes.len(), 225);
        let slices: Vec<&[u8]> = masters.iter().map(Vec::as_slice).collect();
        let (from, to) = (wall(START).plus_ms(2_500), wall(START).plus_ms(7_100));
        let copy = working_copy(&slices, from, to).expect("copy");
        let path = folder.path().join("w.mp4");
        std::fs::write(&path, &copy.bytes).expect("write");
        assert_eq!(copy.t0, wall(START).plus_ms(2_000));
        assert!(copy.t1 >= to && copy.t1 <= to.plus_ms(200), "{}", copy.t1);
        if !reordered {
            assert_eq!((copy.t1, copy.frames), (wall(START).plus_ms(7_120), 128));
        }
        let got = hashes(&path);
        assert_eq!(got.len() as u64, copy.frames);
        assert_eq!(got, master_hashes[50..50 + got.len()], "a contiguous run");
        assert!(
            probe(&path, "stream=avg_frame_rate,nb_frames")
                .starts_with(&format!("25/1,{}", copy.frames)),
            "{}",
            probe(&path, "stream=avg_frame_rate,nb_frames")
        );
        assert!(
            run(
                "ffprobe",
                &[
                    "-v",
                    "error",
                    "-show_entries",
                    "format_tags=creation_time",
                    &path.to_string_lossy()
                ]
            )
            .contains("2026-11-03T14:00:05")
        );
        plays(&path);
        let kinds: Vec<[u8; 4]> = {
            let mut at = 0;
            std::iter::from_fn(|| {
                let b = first(&copy.bytes[at..])?;
                at += b.whole;
                Some(b.kind)
            })
            .collect()
        };
        assert_eq!(kinds, [*b"ftyp", *b"moov", *b"mdat"]);
        assert!(
            !copy
                .bytes
                .windows(4)
                .take(20_000)
                .any(|w| w == b"edts" || w == b"elst" || w == b"mvex")
        );
    }
}

/// Frames that no decoder looks at.
fn fake(frames: u64, start: Utc, key_every: u64, parameters: &Parameters) -> Vec<u8> {
    let frames: Vec<Frame> = (0..frames)
        .map(|i| Frame {
            dts: i * 3600,
            cts: 0,
            duration: 3600,
            key: i % key_every == 0,
            bytes: vec![i as u8; 20].into(),
        })
        .collect();
    segment(parameters, &frames, start)
}

fn plain() -> Parameters {
    Parameters {
        codec: Codec::H264,
        width: 320,
        height: 180,
        config: vec![1, 0x42, 0, 0x1e, 0xff, 0xe0, 0],
        sound: None,
    }
}

/// EVI-2: edges of what was asked: before the first frame, past the last one, nothing there at all.
#[test]
fn edges_of_the_time_asked_for() {
    let start = wall(START);
    let (a, b) = (
        fake(50, start, 25, &plain()),
        fake(50, start.plus_ms(2000), 25, &plain()),
    );
    let copy = |from: i64, to: i64| working_copy(&[&a, &b], start.plus_ms(from), start.plus_ms(to));
    let span = |from, to| {
        copy(from, to)
            .map(|c| (c.t0.0 - start.0, c.t1.0 - start.0, c.frames))
            .expect("copy")
    };
    assert_eq!(span(-5_000, 99_000), (0, 4_000, 100));
    assert_eq!(span(1_000, 2_000), (1_000, 2_000, 25));
    assert_eq!(span(999, 2_001), (0, 2_040, 51));
    assert_eq!(span(3_990, 99_000), (3_000, 4_000, 25));
    assert!(copy(-5_000, -1).is_err());
    assert!(copy(1_000, 1_000).is_err());
    assert!(working_copy(&[], start, start.plus_ms(5)).is_err());
    assert!(working_copy(&[&a[..100]], start, start.plus_ms(5)).is_err());
}

/// REC-6: a gap lengthens the frame before it, rounding does not, and a clock that went back is not followed.
#[test]
fn gaps_keep_the_wall_clock() {
    let folder = tempfile::tempdir().expect("folder");
    let start = wall(START);
    let a = fake(25, start, 25, &plain());
    let length = |second: i64| {
        let b = fake(25, start.plus_ms(second), 25, &plain());
        let copy = working_copy(&[&a, &b], start, start.plus_ms(1 << 40)).expect("copy");
        let path = folder.path().join("g.mp4");
        std::fs::write(&path, &copy.bytes).expect("write");
        let text = probe(&path, "stream=duration_ts");
        (
            text.split(',')
                .next()
                .and_then(|t| t.parse::<i64>().ok())
                .expect("length")
                / 90,
            copy.t1.0 - start.0,
        )
    };
    assert_eq!(length(1_000), (2_000, 2_000));
    assert_eq!(length(1_015), (2_000, 2_015));
    assert_eq!(length(985), (2_000, 1_985));
    assert_eq!(length(1_090), (2_000, 2_090));
    assert_eq!(length(1_130), (2_130, 2_130));
    assert_eq!(length(61_000), (62_000, 62_000));
    assert_eq!(length(-3_599_000).0, 2_000);
}

/// EVI-2: masters of different parameters are not forced into one file; it is said which go together.
#[test]
fn a_parameter_change_splits() {
    let start = wall(START);
    let other = Parameters {
        width: 640,
        ..plain()
    };
    let masters: Vec<Vec<u8>> = [plain(), plain(), other.clone(), plain()]
        .iter()
        .zip(0..)
        .map(|(p, i)| fake(25, start.plus_ms(i * 1000), 25, p))
        .collect();
    let slices: Vec<&[u8]> = masters.iter().map(Vec::as_slice).collect();
    let error = working_copy(&slices, start, start.plus_ms(4000)).expect_err("refused");
    assert_eq!(error, Mp4Error::ParametersChange { at: vec![2, 3] });
    let parsed: Vec<Segment> = slices.iter().map(|b| parse(b).expect("parse")).collect();
    assert_eq!(split_by_parameters(&parsed), [0..2, 2..3, 3..4]);
    assert_eq!(
        working_copy(&slices[0..2], start, start.plus_ms(4000))
            .expect("copy")
            .frames,
        50
    );
}

/// A copy past 4 GiB has 64-bit offsets; it is planned without its media in memory.
#[test]
fn long_copies_have_wide_offsets() {
    let mut master = parse(&fake(100, wall(START), 25, &plain())).expect("parse");
    for (i, s) in master.samples.iter_mut().enumerate() {
        s.size = 100_000_000;
        s.offset = i as u64 * 100_000_000;
    }
    let plan = plan_working_copy(&[master], wall(START), wall(START).plus_ms(4000)).expect("plan");
    assert_eq!(
        plan.runs,
        [Run {
            master: 0,
            offset: 0,
            len: 10_000_000_000
        }]
    );
    let moov = child(&plan.head, b"moov").expect("moov");
    let stbl = boxes::descend(moov, &[b"trak", b"mdia", b"minf", b"stbl"]).expect("stbl");
    let co64 = child(stbl, b"co64").expect("co64");
    assert_eq!(boxes::get_u64(co64, 8), Some(plan.head.len() as u64));
    assert_eq!(
        boxes::get_u64(&plan.head, plan.head.len() - 8),
        Some(10_000_000_016)
    );
}

#[test]
fn ntp_times_survive_both_eras() {
    for text in [
        "1970-01-01T00:00:00.001Z",
        START,
        "2036-02-07T06:28:15.999Z",
        "2036-02-07T06:28:16.000Z",
        "2099-12-31T23:59:59.999Z",
    ] {
        assert_eq!(from_ntp(to_ntp(wall(text))), wall(text), "{text}");
    }
    for ms in 0..1000 {
        let t = wall(START).plus_ms(ms);
        assert_eq!(from_ntp(to_ntp(t)), t);
        assert_eq!(((to_ntp(t) & 0xffff_ffff) * 1000) >> 32, ms as u64);
    }
}

proptest! {
    /// Nothing in a file makes reading panic.
    #[test]
    fn any_bytes_are_survived(at in 0usize..1200, junk in proptest::collection::vec(any::<u8>(), 1..16)) {
        let mut bytes = fake(6, wall(START), 3, &plain());
        let end = bytes.len();
        let at = at.min(end - 1);
        let n = junk.len().min(end - at);
        bytes[at..at + n].copy_from_slice(&junk[..n]);
        if let Ok(segment) = parse(&bytes) {
            prop_assert!(segment.samples.iter().all(|s| s.offset + u64::from(s.size) <= end as u64));
            let _ = plan_working_copy(&[segment], wall(START), wall(START).plus_ms(100));
        }
        let _ = parse(&junk);
    }
}

/// REC-3: a segment of a camera with two rates says its own, and what fills it up between pictures takes nothing from them, whole or torn.
#[test]
fn a_time_lapse_segment_says_so_and_is_filled_up() {
    let parameters = plain();
    let mut bytes = init(&parameters).expect("init");
    say_rate("timelapse-4", &mut bytes);
    let (mut ends, mut filled) = (Vec::new(), Vec::new());
    for i in 0..3u32 {
        let frame = Frame {
            dts: u64::from(i) * 360_000,
            cts: 0,
            duration: 360_000,
            key: true,
            bytes: vec![i as u8; 90].into(),
        };
        fragment(
            i + 1,
            wall(START).plus_ms(i64::from(i) * 4000),
            &[frame],
            &[],
            &mut bytes,
        )
        .expect("fragment");
        ends.push(bytes.len());
        fill([3, 8, 70][i as usize], &mut bytes);
        filled.push(bytes.len() - ends[i as usize]);
    }
    assert_eq!(filled, [8, 8, 70]);
    let got = parse(&bytes).expect("parse");
    assert_eq!(got.rate.as_deref(), Some("timelapse-4"));
    assert_eq!((got.fragments, got.whole_bytes), (3, bytes.len() as u64));
    assert_eq!(got.span(), Some((wall(START), wall(START).plus_ms(12_000))));
    for cut in ends[0]..=bytes.len() {
        let kept = salvage(bytes[..cut].to_vec()).expect("kept");
        let again = parse(&kept).expect("parse");
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(again.samples[..], got.samples[..whole], "cut at {cut}");
        assert_eq!(
            (again.rate, again.whole_bytes),
            (got.rate.clone(), kept.len() as u64)
        );
    }
}

mod sound;
