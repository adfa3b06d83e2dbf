//! Task. The list of system calls against rot: a whole session is watched by strace.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop
mod common;

use std::{collections::BTreeSet, path::Path, process::Command};

use beadle_pictures::sandbox::calls::CALLS;
use common::{Said, Stream, Unit, Worker, make, send};
use shared::{
    mask::Style,
    worker::{Codec, Picture, Setup, Show, Task, ToWorker},
};
use walls::call::Call;

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

/// The program under strace, for `subcommand`.
fn watched(record: &Path, subcommand: &str) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-e", "signal=none", "-o"])
        .arg(record)
        .arg(env!("CARGO_BIN_EXE_beadle-pictures"))
        .arg(subcommand);
    command
}

/// Gives the streams one after the other to a watched worker; what it called, and the last it said.
fn session(
    record: &Path,
    streams: &[(Setup, Vec<Unit>)],
) -> (BTreeSet<String>, Option<Said>, bool) {
    let mut worker = Worker::from(&mut watched(record, "mask"));
    let mut to = worker.to.take().unwrap();
    let said = std::thread::scope(|scope| {
        scope.spawn(move || {
            for (setup, units) in streams {
                let _ = send(&mut to, &ToWorker::Setup(setup.clone()));
                for (i, unit) in units.iter().enumerate() {
                    let picture = Picture {
                        key: unit.key,
                        // A pile now and then: it leaves pictures out.
                        others: if i > 40 { 50 } else { 0 },
                        pts: i as i64 * 7500,
                        data: unit.data.as_slice().into(),
                    };
                    if send(&mut to, &ToWorker::Picture(picture)).is_err() {
                        return; // the worker has ended; the record says at which call
                    }
                }
            }
            let _ = send(&mut to, &ToWorker::End);
        });
        worker.hear_all()
    });
    let seen = calls(&std::fs::read_to_string(record).unwrap());
    let well = worker.child.wait().unwrap().success();
    (seen, said.into_iter().last(), well)
}

/// Design §5: whatever the program does, with everything a camera may do, it makes no call that is not on the list, and the
/// list has none that is not made, but for those whose reason says on what occasion.
#[test]
fn the_list_is_what_a_session_needs() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls");
    let name = |c: &Call| c.name.strip_prefix("SYS_").unwrap();
    let listed: BTreeSet<String> = CALLS.iter().map(|c| name(c).to_owned()).collect();
    let mut seen = BTreeSet::new();
    let mut check = |what: &str, calls: BTreeSet<String>| {
        assert_eq!(
            calls.difference(&listed).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "made in {what}, but not on the list"
        );
        seen.extend(calls);
    };
    let tasks: [(&str, &dyn Fn(&mut Setup)); 5] = [
        ("painting", &|_| {}),
        ("pixelating", &|s| s.style = Style::Pixelated),
        ("proving", &|s| s.task = Task::Prove),
        ("proving cells", &|s| {
            (s.task, s.style, s.cell) = (Task::Prove, Style::Pixelated, Some(80));
        }),
        ("a still", &|s| {
            (s.task, s.show) = (Task::Still, Some(Show::Outline))
        }),
    ];
    for (what, set) in tasks {
        // Each way of decoding and encoding once; the other tasks decode the same way.
        let wanted: &[usize] = if what == "painting" {
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
        } else {
            &[0, 2, 3, 10]
        };
        let streams: Vec<(Setup, Vec<Unit>)> = streams()
            .into_iter()
            .enumerate()
            .filter(|(i, _)| wanted.contains(i))
            .map(|(_, stream)| stream)
            .map(|mut stream| {
                let mut setup = stream.setup(&[POLYGON]);
                set(&mut setup);
                match setup.task {
                    Task::Paint => {}
                    Task::Prove => stream.units.truncate(15),
                    Task::Still => stream.units.truncate(1),
                }
                (setup, stream.units)
            })
            .collect();
        let (calls, last, well) = session(&record, &streams);
        check(what, calls);
        assert!(well && matches!(last, Some(Said::Done)), "{what}: {last:?}");
    }
    let measured = watched(&record, "measure").output().unwrap();
    check(
        "measuring",
        calls(&std::fs::read_to_string(&record).unwrap()),
    );
    assert!(measured.status.success(), "{measured:?}");
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
