//! Adapter: filesystem, python3. What the lines of a log and of a package contradict one another in, and what lies beside them: both
//! verifiers find it, in the same bytes.

use std::{os::unix::ffi::OsStrExt, process::Command};

use super::{
    corpus::*,
    harness::{Case, lay_out, verify_py},
};

/// A log as its box would have left it, over these events.
fn log_of(events: &[Event]) -> Case {
    Case::log(log_folder(&chain(events)))
}

/// The sound log with one more line, or a changed one.
fn changed(change: impl Fn(&mut Vec<Event>)) -> Case {
    let mut events = events();
    change(&mut events);
    log_of(&events)
}

fn replaced(line: usize, from: &str, to: &str) -> Case {
    changed(|all| {
        assert!(all[line].data.contains(from), "{}", all[line].data);
        all[line].data = all[line].data.replace(from, to);
    })
}

/// Changes SHA256SUMS, the seal and the hub's line so that they fit: what the hub itself could do.
fn resealed(change: impl Fn(&mut Files)) -> Case {
    let mut files = Package::default().contents();
    change(&mut files);
    Case::package(seal(files, 0))
}

fn in_manifest(from: &str, to: &str) -> Case {
    resealed(|files| {
        let text = String::from_utf8(files["manifest.json"].clone()).expect("text");
        assert!(text.contains(from), "{text}");
        files.insert("manifest.json".into(), text.replacen(from, to, 1).into());
    })
}

/// EVI-2: a manifest is of its form to the letter, also when the hub itself sealed it.
#[test]
fn r01_manifests_that_the_hub_sealed_evi_2() {
    for (from, to) in [
        ("\"v\":1,", "\"v\":1,\"note\":\"x\","),
        ("{\"v\":1,", "{"),
        ("\"master\":[", "\"note\":1,\"master\":["),
        ("{\"n\":", "{\"x\":1,\"n\":"),
        (",\"file\":", ",\"x\":null,\"file\":"),
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":true"),
        ("\"v\":1", "\"v\":\"1\""),
        ("\"cam\":\"c03\"", "\"cam\":[\"c03\"]"),
        ("\"n\":10", "\"n\":-10"),
        ("\"n\":10", "\"n\":10.0"),
        ("{\"v\":1,", "{ \"v\":1,"),
        ("{\"v\":1,", "{\"v\":1,\"v\":1,"),
    ] {
        in_manifest(from, to).shows("UNREADABLE\tfile manifest.json");
    }
    resealed(|files| {
        let text = String::from_utf8(files["manifest.json"].clone()).expect("text");
        let text = text
            .replace("{\"v\":1,", "{")
            .replace("]}\n", "],\"v\":1}\n");
        files.insert("manifest.json".into(), text.into());
    })
    .shows("UNREADABLE\tfile manifest.json");
    resealed(|files| {
        let text = String::from_utf8(files["manifest.json"].clone()).expect("text");
        let swapped = text.replacen("\"n\":10,\"file\":\"", "\"file\":\"", 1);
        let swapped = swapped.replacen(".mp4\"}", ".mp4\",\"n\":10}", 1);
        assert_ne!(text, swapped);
        files.insert("manifest.json".into(), swapped.into());
    })
    .shows("UNREADABLE\tfile manifest.json");
    // As is one without its final LF, which is allowed.
    resealed(|files| {
        let mut text = files["manifest.json"].clone();
        text.pop();
        files.insert("manifest.json".into(), text);
    })
    .is("INTACT", &["GAP-DECLARED"]);
}

/// EVI-3: the time asked for is the one on the box's log.
#[test]
fn r02_another_time_than_was_asked_for_evi_3() {
    let (t0, t1) = (time(ASKED.0), time(ASKED.1));
    in_manifest(&t0, &time(ASKED.0 + 1)).shows("REQUEST-NOT-AS-LOGGED\tpackage");
    in_manifest(&t1, &time(ASKED.1 - 20_000)).shows("REQUEST-NOT-AS-LOGGED\tpackage");
    in_manifest(
        &format!("{t0}\",\"t1\":\"{t1}"),
        &format!("{t1}\",\"t1\":\"{t0}"),
    )
    .shows("REQUEST-NOT-AS-LOGGED\tfile manifest.json");
    let mut events = events();
    let asked = format!("\"t0\":\"{t0}\",\"t1\":\"{t1}\",");
    events[20].data = events[20].data.replace(&asked, "");
    let unsaid = Package {
        lines: chain(&events),
        ..Package::default()
    };
    Case::package(unsaid.build()).is("INTACT", &["GAP-DECLARED", "REQUEST-NOT-LOGGED"]);
}

/// EVI-5: a working copy is compared with the hub's own line, or said to be compared with nothing.
#[test]
fn r03_working_copies_evi_5() {
    let film = |files: &mut Files| {
        files.insert("working/c03.mp4".into(), b"a film".to_vec());
    };
    resealed(film).is("INTACT", &["GAP-DECLARED", "WORKING-COPY-NOT-COMPARED"]);
    let with = |of: &[u8], what: &str, log: &str| {
        let line = |event: &Event| render(event, 0, &[0; 32], &event.data);
        let made = Event {
            log: log.into(),
            ..ev(
                0,
                "copy.made",
                format!(
                    r#"{{"ref":"{REF}","cam":"c03","what":"{what}","sha256":"{}"}}"#,
                    hex(&sha256(&[of]))
                ),
            )
        };
        let lines = vec![line(&made)];
        resealed(|files| {
            film(files);
            files.insert("log/copies.jsonl".into(), lines.concat());
            files.insert(
                "log/copies/0.tlog-proof".into(),
                proof(log, &lines, 0, 1, &hub_log_key(), Some(hub_time(0))).into(),
            );
        })
    };
    with(b"a film", "working", HUB_LOG).is("INTACT", &["GAP-DECLARED"]);
    with(b"another", "working", HUB_LOG).shows("WORKING-COPY-NOT-AS-LOGGED\tfile working/c03.mp4");
    with(b"a film", "master", HUB_LOG).shows("NOT-IN-LOG\tfile log/copies.jsonl");
    with(b"a film", "working", BOX_LOG).shows("NOT-IN-LOG\tfile log/copies.jsonl");
    resealed(|files| {
        film(files);
        files.insert("log/copies.jsonl".into(), b"nonsense\n".to_vec());
    })
    .shows("NOT-IN-LOG\tfile log/copies.jsonl");
    resealed(|files| {
        film(files);
        files.insert("log/copies.jsonl".into(), vec![]);
    })
    .shows("WORKING-COPY-NOT-AS-LOGGED\tfile working/c03.mp4");
    let mut files = Package::default().build();
    files.insert("SHA256SUMS.tsr".into(), b"rubbish".to_vec());
    Case::package(files).is("INTACT", &["TIME-STAMP-NOT-CHECKED", "GAP-DECLARED"]);
}

/// EVI-4: what a computer leaves on a stick is a note; a name that is not UTF-8 ends nothing.
#[test]
fn r04_what_a_computer_leaves_and_odd_names_evi_4() {
    let left = [
        "Thumbs.db",
        "THUMBS.DB",
        "master/.DS_Store",
        "._manifest.json",
        "working/desktop.ini",
        "System Volume Information/IndexerVolumeGuid",
        "$RECYCLE.BIN/x/y",
    ];
    let mut package = Package::default().build();
    let mut log = log_folder(&lines());
    for name in left {
        package.insert(name.into(), b"x".to_vec());
        log.insert(name.into(), b"x".to_vec());
    }
    log.insert("._0000000000.jsonl".into(), b"x".to_vec());
    log.insert("heads/.DS_Store".into(), b"x".to_vec());
    for (case, count) in [(Case::package(package.clone()), 7), (Case::log(log), 9)] {
        let report = case.judge();
        let notes = report
            .lines()
            .filter(|l| l.starts_with("PC-FILE\t"))
            .count();
        assert!(report.starts_with("INTACT\n") && notes == count, "{report}");
    }
    package.insert("Thumbs.db.exe".into(), b"x".to_vec());
    Case::package(package).shows("EXTRA-FILE\tfile Thumbs.db.exe");

    let odd = |case: Case, below: &str, names: &[&[u8]]| {
        let folder = tempfile::tempdir().expect("tempdir");
        lay_out(folder.path(), &case.files);
        for name in names {
            let path = folder
                .path()
                .join(below)
                .join(std::ffi::OsStr::from_bytes(name));
            std::fs::write(path, "x").expect("write");
        }
        case.judge_at(folder.path())
    };
    let names: [&[u8]; 5] = [
        b"a\xff.mp4",
        b"\xe2\x82.mp4",
        b"\xed\xa0\x80",
        b"\xc3\xa9",
        b"\xf0\x9f\x98",
    ];
    let report = odd(Case::package(Package::default().build()), "master", &names);
    assert!(
        report.starts_with("NOT-INTACT\n") && report.contains("EXTRA-FILE\tfile master/a?.mp4\t"),
        "{report}"
    );
    let report = odd(Case::log(log_folder(&lines())), "", &names);
    assert!(report.starts_with("INTACT\n"), "{report}");
    // Damage beside it is named.
    let mut files = Package::default().build();
    let (_, film) = files
        .iter_mut()
        .find(|(n, _)| n.starts_with("master/"))
        .expect("a master");
    film[3] ^= 1;
    let report = odd(Case::package(files), "", &names);
    assert!(report.contains("SEGMENT-NOT-AS-LOGGED\t"), "{report}");
    // Two names that look alike once they are printed are two names on the disk and one in the report.
    odd(
        Case::package(Package::default().build()),
        "",
        &[b"\xfe", b"\xff"],
    );
}

/// AUD-2, REC-4, MSK-2, MSK-4, RET-2: what a fault or a liar writes, signed by the box and countersigned.
#[test]
fn r05_lines_that_contradict_one_another_aud_2() {
    let t = time;
    // Two segments for one minute; an end before its beginning; one that is still to come.
    replaced(10, &t(63_000), &t(23_000)).shows("SEGMENT-TIMES\tline 10");
    replaced(6, &t(3_000), &t(63_000)).shows("SEGMENT-TIMES\tline 6");
    replaced(17, &t(245_000), &t(245_000 + 5 * 3_600_000)).shows("SEGMENT-TIMES\tline 17");
    replaced(10, "\"mask\":\"m7\"", "\"mask\":\"m9\"").shows("MASK-NOT-SET\tline 10");
    replaced(10, "\"mask\":\"m7\"", "\"mask\":null").shows("MASK-NOT-SET\tline 10");
    replaced(10, "\"how\":\"proved\"", "\"how\":\"blurred\"").shows("MASK-NOT-KNOWN\tline 10");
    for proofs in ["\"60\"", "-5", "null", "0"] {
        replaced(10, "\"proofs\":60", &format!("\"proofs\":{proofs}"))
            .shows("MASK-NOT-PROVED\tline 10");
    }
    replaced(10, "\"proofs\":60,", "").shows("MASK-NOT-PROVED\tline 10");
    replaced(
        17,
        "\"mask\":\"m7\",\"how\":\"proved\"",
        "\"mask\":null,\"how\":\"none\"",
    )
    .shows("MASK-NOT-AS-SET\tline 17");
    let lift = |until: i64, by: &str| {
        changed(|all| {
            let data = format!(
                r#"{{"cam":"c03","mask":"m7","until":"{}","authority":"ab","by":{by}}}"#,
                t(until)
            );
            all[4] = ev(3_000, "mask.lift", data);
        })
    };
    let day = 24 * 3_600_000;
    let two = r#"["op:0002","op:0003"]"#;
    lift(day, two).is("INTACT", &["GAP-DECLARED"]);
    lift(3 * 365 * day, two).shows("LIFT-NOT-AUTHORISED\tline 4");
    for by in [
        r#"["op:0002","op:0002"]"#,
        r#"["op:0002"]"#,
        "[]",
        "2",
        "null",
    ] {
        lift(day, by).shows("LIFT-NOT-AUTHORISED\tline 4");
    }
    let one =
        |kind: &'static str, data: &'static str| changed(move |all| all[4] = ev(3_000, kind, data));
    one("log.close", r#"{"reason":"x","by":[]}"#).shows("AFTER-CLOSE\tline 5");
    one(
        "del.done",
        r#"{"cam":"c03","day":"2026-11-01","n":3,"oldest":null,"undecryptable":true,"claim":"file"}"#,
    )
    .shows("DELETION-NOT-LOGGED\tline 4");
    // The daemon is started again, with the wall clock an hour back, though the steady clock went on.
    changed(|all| {
        for event in &mut all[12..] {
            event.boot += 1;
            event.off -= 3_600_000;
        }
        all[12].kind = "sys.boot".into();
        all[12].data = r#"{"why":"start","last_n":11,"sw":"0.1.0"}"#.into();
    })
    .shows("CLOCK-STEP-NOT-LOGGED\tline 12");
}

/// AUD-2: how far INTACT reaches is said: what the hub did not see, and what its clock says.
#[test]
fn r06_what_the_hub_saw_is_counted_aud_2() {
    // Three days of which the hub saw nothing, above what it countersigned.
    let mut all = events();
    for k in 1..3 * 24 * 60 {
        all.push(ev(
            301_000 + k * 60_000,
            "beat",
            r#"{"free_mib":1,"cams":1,"temp_c":null}"#,
        ));
    }
    let lines = chain(&all);
    let mut files = log_folder(&lines);
    files.insert(
        "cosigned.note".into(),
        head(BOX_LOG, &lines, 21, &box_key(2), Some(hub_time(301_000))).into(),
    );
    let report = Case::log(files).judge();
    assert!(
        report.starts_with("INTACT-LATE-ANCHORED\n")
            && report.contains("ABOVE-COUNTERSIGNED\ttail\t4320 lines, written over 259141 s"),
        "{report}"
    );
    // Nothing for three hours after it was opened.
    let mut late = events();
    late.retain(|event| event.ack.is_none());
    for event in &mut late[6..] {
        event.ms += 50_000;
    }
    let lines = chain(&late);
    let mut files = log_folder(&lines);
    files.remove("heads/10.note");
    let report = Case::log(files).judge();
    assert!(report.contains("LATE-FIRST\tline 0\t"), "{report}");
    // The recorder's clock beside the hub's.
    let ahead = |secs: i64| {
        let mut all = events();
        for event in &mut all {
            event.off += secs * 1000;
            if event.kind.starts_with("seg.") {
                *event = Event {
                    off: event.off,
                    ..ev(event.ms, "beat", r#"{"free_mib":1,"cams":1,"temp_c":null}"#)
                };
            }
        }
        log_of(&all).judge()
    };
    for secs in [7_200, -7_200, 1_000_000_000] {
        let report = ahead(secs);
        assert!(
            report.starts_with("INTACT\n") && report.contains("CLOCK-APART\tlog\tat 3 of 3 "),
            "{report}"
        );
    }
    assert!(!ahead(30).contains("CLOCK-APART"));
}

/// One list of codes, in Rust, in verify.py and on the page (the page: `verify::codes`).
#[test]
fn r07_one_list_of_codes_aud_2() {
    let script = "import importlib.util as i,sys\ns=i.spec_from_file_location('v',sys.argv[1]);v=i.module_from_spec(s);s.loader.exec_module(v)\n\
        for k,w in ((v.DAMAGE,'damage'),(v.NOTES,'note'),(v.CANNOT,'cannot check')):\n for c in k: print(c+'\\t'+w)";
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B", "-c", script])
        .arg(verify_py())
        .output()
        .expect("python3");
    let text = String::from_utf8(out.stdout).expect("utf-8");
    let mut theirs: Vec<&str> = text.lines().collect();
    let ours: Vec<String> = shared::verify::codes::CODES
        .iter()
        .map(|(code, class)| format!("{code}\t{}", class.as_str()))
        .collect();
    let mut ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
    // What verify.py says is on its own list.
    let source = std::fs::read_to_string(verify_py()).expect("read");
    for (at, _) in source.match_indices("add(\"") {
        let code = source[at + 5..].split('"').next().expect("a code");
        assert!(
            ours.iter().any(|c| c.split('\t').next() == Some(code)),
            "{code}"
        );
    }
}

/// A Python that is too old gets a sentence and not a fault in the program's text.
#[test]
fn r08_an_older_python_is_told_so() {
    let script = "import sys\nsys.version_info=(3,6,9,'final',0)\nsys.argv=[sys.argv[1],'x']\nexec(compile(open(sys.argv[0],encoding='utf-8').read(),'verify.py','exec'),{'__name__':'__main__','__doc__':''})";
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B", "-c", script])
        .arg(verify_py())
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.code() == Some(2)
            && said.contains("this is Python 3.6 and 3.8 or later is needed"),
        "{said}"
    );
    // Nothing in it is beyond the grammar of 3.6, nor outside ASCII, which 2.7 refuses before the first line runs.
    let parse = "import ast,sys\nt=open(sys.argv[1],encoding='utf-8').read()\nast.parse(t,feature_version=(3,6))\nt.encode('ascii')\nassert ' rb\"' not in t";
    let out = Command::new("/usr/bin/env")
        .args(["python3", "-B", "-c", parse])
        .arg(verify_py())
        .output()
        .expect("python3");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}
