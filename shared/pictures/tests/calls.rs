//! Task. The list of system calls against rot: a whole session is watched by strace.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop
mod common;

use std::{collections::BTreeSet, process::Command};

use beadle_pictures::{
    sandbox::calls::{CALLS, Call},
    wire::{self, Codec, Picture},
};
use common::{Said, Stream, Worker, make};

const MARKER: (f64, f64, f64, f64) = (0.62, 0.32, 0.16, 0.26);
const POLYGON: &[[f64; 2]] = &[[0.60, 0.30], [0.80, 0.30], [0.80, 0.60], [0.60, 0.60]];

/// What a camera may do in a session: both codecs, small, large and very large pictures, ten bits, a change of each in
/// the stream, damage.
fn streams() -> Vec<Stream> {
    let mut damaged = make(Codec::H264, 320, 180, 24, MARKER, "yuv420p");
    damaged.units[5].data = vec![0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff];
    damaged.units[14].data.truncate(40);
    let length = damaged.units[15].data.len();
    damaged.units[15].data[length / 2..].fill(0x55);
    vec![
        make(Codec::H264, 320, 180, 6, MARKER, "yuv420p"),
        make(Codec::H264, 1920, 1080, 5, MARKER, "yuv420p"),
        make(Codec::H265, 1920, 1080, 5, MARKER, "yuv420p"),
        make(Codec::H265, 320, 180, 6, MARKER, "yuv420p10le"),
        make(Codec::H264, 640, 360, 6, MARKER, "yuvj420p"),
        make(Codec::H264, 320, 180, 6, MARKER, "yuv444p"),
        make(Codec::H264, 3840, 2160, 3, MARKER, "yuv420p"),
        make(Codec::H265, 3840, 2160, 2, MARKER, "yuv420p"),
        // Pictures of noise: as large as they come
        noise(Codec::H264),
        noise(Codec::H265),
        damaged,
    ]
}

fn noise(codec: Codec) -> Stream {
    make(
        codec,
        640,
        360,
        24,
        MARKER,
        "yuv420p,noise=alls=60:allf=t,format=yuv420p",
    )
}

/// The names of the calls made after the last wall was up, from strace's record.
fn calls(record: &str) -> BTreeSet<String> {
    let up = record
        .rfind("seccomp(SECCOMP_SET_MODE_FILTER")
        .expect("the list of calls was put in force");
    let (_, after) = record[up..].split_once('\n').unwrap();
    after
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(' ')?;
            let (name, _) = rest.trim_start().split_once('(')?;
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            (plain && !name.is_empty()).then(|| name.to_owned())
        })
        .collect()
}

/// Design §5: a session with everything a camera may do makes no call that is not on the list, and the list has none that
/// is not made, but for those whose reason says on what occasion.
#[test]
fn the_list_is_what_a_session_needs() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls");
    let mut worker = Worker::from(
        Command::new("strace")
            .args(["-f", "-qq", "-e", "signal=none", "-o"])
            .arg(&record)
            .arg(env!("CARGO_BIN_EXE_beadle-pictures"))
            .arg("mask"),
    );
    let streams = streams();
    let mut to = worker.to.take().unwrap();
    let said = std::thread::scope(|scope| {
        scope.spawn(move || {
            for stream in &streams {
                let _ = wire::write_json(&mut to, b'C', &stream.setup(&[POLYGON]));
                for (i, unit) in stream.units.iter().enumerate() {
                    let picture = Picture {
                        key: unit.key,
                        others: 0,
                        pts: i as i64 * 7500,
                        data: unit.data.clone(),
                    };
                    if wire::write_picture(&mut to, &picture).is_err() {
                        return; // the worker has ended; the record says at which call
                    }
                }
            }
            let _ = wire::write_frame(&mut to, b'E', &[]);
        });
        worker.hear_all()
    });
    let seen = calls(&std::fs::read_to_string(&record).unwrap());
    let name = |c: &Call| c.name.strip_prefix("SYS_").unwrap();
    let listed: BTreeSet<String> = CALLS.iter().map(|c| name(c).to_owned()).collect();
    assert_eq!(
        seen.difference(&listed).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "made, but not on the list"
    );
    assert!(matches!(said.last(), Some(Said::Done)), "{:?}", said.last());
    assert!(worker.child.wait().unwrap().success());
    let idle: Vec<&str> = CALLS
        .iter()
        .filter(|c| !c.why.starts_with("only on ") && !seen.contains(name(c)))
        .map(name)
        .collect();
    assert_eq!(
        idle,
        Vec::<&str>::new(),
        "on the list, but not made: take it off, or say on what occasion"
    );
}

/// Each row has its reason, and no call has two rows.
#[test]
fn every_call_has_one_row_and_a_reason() {
    let numbers: BTreeSet<i64> = CALLS.iter().map(|c| c.number).collect();
    assert_eq!(numbers.len(), CALLS.len());
    for call in CALLS {
        assert!(call.why.len() > 10, "{}", call.name);
    }
}
