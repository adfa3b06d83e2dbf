//! Task. The main job on real parts: cameras by GStreamer, the packages' box and hub as the users of their units, stock tools as judges.

use std::path::PathBuf;

use beadle_tests::{Done, Trouble, args, phone, pictures, places, program, staff::Staff, wait};

use crate::rig::{Rig, seconds};

/// EVI-1, EVI-2, REC-2, REC-4, AUD-3, AUD-5: a clip of the H.264 camera comes through the hub with its certificate; the working copy is
/// the camera's own pictures from a key frame at or before what was asked to its end; both verifiers agree on everything.
#[test]
fn a_clip_from_camera_to_verified_package() -> Done<()> {
    let mut rig = Rig::installed("evidence", 10)?;
    rig.town.segments("c01", 3, 90)?;
    rig.town.segments("c02", 3, 60)?;
    for (cam, codec) in [("c01", "h264"), ("c02", "hevc")] {
        let segments = rig.town.lines_of("seg.write", Some(cam));
        let (first, last) = (&segments[0]["data"], &segments[2]["data"]);
        // From the middle of one segment into the third.
        let from = shared::time::Utc(seconds(&first["t0"])?.0 + 3_500);
        let to = shared::time::Utc(seconds(&last["t0"])?.0 + 2_300);
        let pulled = rig.pull(cam, from, to)?;
        rig.check_package(&pulled.package)?;

        let working: Vec<PathBuf> =
            beadle_tests::places::files_below(&pulled.package.join("working"), ".mp4");
        assert_eq!(working.len(), 1, "one working copy: {working:?}");
        let video = pictures::video(&working[0])?;
        assert_eq!(video["codec_name"], codec);
        assert_eq!(video["avg_frame_rate"], "25/1", "{cam}");
        assert_eq!(
            (video["width"].as_u64(), video["height"].as_u64()),
            (Some(1920), Some(1080))
        );
        let length: f64 = video["duration"]
            .as_str()
            .and_then(|d| d.parse().ok())
            .unwrap_or(0.0);
        let asked = (to.0 - from.0) as f64 / 1000.0;
        // Key frames come every two seconds: at most that much before, and at the end at most one picture more.
        assert!(
            length >= asked - 0.001 && length <= asked + 2.0 + 0.1,
            "{cam}: asked {asked} s, got {length} s"
        );
        assert!(
            pictures::packets(&working[0])?.first().is_some_and(|p| p.1),
            "{cam}: it begins with a key frame"
        );

        let mut masters = Vec::new();
        for file in beadle_tests::places::files_below(&pulled.package.join("master"), ".mp4") {
            masters.extend(pictures::framehash(&file)?);
        }
        let copy = pictures::framehash(&working[0])?;
        assert!(
            pictures::run_of(&masters, &copy).is_some(),
            "{cam}: the working copy is a run of the masters, by stock ffmpeg"
        );
        // REC-2: its pictures are those the camera plays (round and round), each of them, untouched.
        let source = match codec {
            "h264" => "street-1080p25.h264",
            _ => "street-1080p25.h265",
        };
        let source: std::collections::BTreeSet<String> =
            pictures::decoded(&beadle_tests::places::footage(source)?)?
                .into_iter()
                .collect();
        let shown = pictures::decoded(&working[0])?;
        let strange = shown.iter().filter(|p| !source.contains(*p)).count();
        assert_eq!(
            (shown.len(), strange),
            (copy.len(), 0),
            "{cam}: pictures, and those that are not the camera's"
        );
    }
    rig.stop_and_verify_logs()
}

/// RET-5, EVI-1, AUD-3: a package rests sealed: with the hub's state and evidence folders in hand, nothing plays, and the masters are the
/// box's own sealed files. It verifies as it rests, and what a person saves of it is that, on record first. A flipped bit is found.
#[test]
fn packages_rest_sealed() -> Done<()> {
    let mut rig = Rig::installed("resting", 10)?;
    let staff = Staff::make(&rig.hub, &rig.site.files()?)?;
    rig.town.segments("c01", 2, 60)?;
    let segments = rig.town.lines_of("seg.write", Some("c01"));
    let from = seconds(&segments[0]["data"]["t0"])?;
    let pulled = rig.pull("c01", from, shared::time::Utc(from.0 + 8_000))?;
    rig.check_package(&pulled.package)?;

    let mut needles = vec![b"ftypiso".to_vec(), b"mvhd\0\0\0\0".to_vec()];
    let plain = places::files_below(&pulled.package, ".mp4");
    assert!(plain.len() >= 2, "{plain:?}");
    for file in &plain {
        let bytes = std::fs::read(file)?;
        assert!(bytes[4..].starts_with(&needles[0]), "{}", file.display());
        needles.push(bytes[bytes.len() / 2..][..64].to_vec());
        needles.push(bytes[bytes.len() - 64..].to_vec());
    }
    let in_plain = |rig: &Rig| -> Done<Vec<PathBuf>> {
        let mut found = Vec::new();
        for root in [&rig.hub.state, &rig.hub.evidence] {
            for file in places::files_below(root, "") {
                // A socket is no file.
                let bytes = std::fs::read(&file).unwrap_or_default();
                if needles
                    .iter()
                    .any(|n| bytes.windows(n.len()).any(|w| w == n))
                {
                    found.push(file);
                }
            }
        }
        Ok(found)
    };
    assert_eq!(in_plain(&rig)?, Vec::<PathBuf>::new());

    let rests = rig.hub.check(&pulled.exhibit)?;
    let saved = rig.hub.verify("bundle", &pulled.package, false)?;
    assert_eq!(rests, saved, "one report, at rest and saved");
    // Stock age opens a master with the exhibit's key, and it is the one that was saved.
    let key = rig
        .hub
        .state
        .join(format!("keys/exhibits/{}.key", pulled.exhibit));
    let masters = places::files_below(&pulled.resting.join("master"), ".mp4.age");
    let opened = rig.folder.path().join("opened.mp4");
    program::run(
        std::path::Path::new("age"),
        args!["-d", "-i", key, "-o", opened, masters[0]],
    )?
    .well("age -d")?;
    assert_eq!(
        std::fs::read(&opened)?,
        std::fs::read(&places::files_below(&pulled.package.join("master"), ".mp4")[0])?
    );

    // A person saves it: with a password, not over the first, in the same bytes, and on record.
    let second = rig.site.files()?.join("second");
    let words = |folder: &str| {
        [
            "clip",
            "save",
            &pulled.exhibit,
            folder,
            "--purpose",
            "For the defence",
            "--reference",
            "T20260417",
        ]
        .map(str::to_owned)
    };
    let said = |who: &str, folder: &std::path::Path| {
        let words = words(&folder.to_string_lossy());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        staff.says(&rig.hub, who, &words)
    };
    said("kim", &second)?.well("clip save --as kim")?;
    // Root at the console needs no account.
    rig.hub
        .save(&pulled.exhibit, &rig.site.files()?.join("console"))?;
    let again = said("kim", &second)?;
    assert!(
        again.status != 0 && again.err.contains("never written over"),
        "{again:?}"
    );
    for file in places::files_below(&pulled.package, "") {
        let name = file.strip_prefix(&pulled.package).unwrap_or(&file);
        let other = second.join(&pulled.exhibit).join(name);
        assert!(
            std::fs::read(&file)? == std::fs::read(&other)?,
            "{}",
            other.display()
        );
    }
    let own = places::files_below(&rig.hub.own_log(), ".jsonl");
    let own = std::fs::read_to_string(&own[0])?;
    assert_eq!(own.matches("\"copy.save\"").count(), 3, "{own}");
    assert!(!own.contains("defence"));

    // One bit.
    let master = &masters[0];
    let good = std::fs::read(master)?;
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(master, &bad)?;
    assert_eq!(rig.hub.check(&pulled.exhibit)?.status, 1);
    let refused = said("kim", &rig.site.files()?.join("third"))?;
    assert!(
        refused.status != 0 && refused.err.contains("nothing was saved"),
        "{refused:?}"
    );
    std::fs::write(master, &good)?;
    let own = std::fs::read_to_string(&places::files_below(&rig.hub.own_log(), ".jsonl")[0])?;
    assert!(
        own.contains("\"not-saved\""),
        "that it came to nothing is on the log"
    );

    handed_over(&rig, &staff, &pulled.exhibit, from)?;
    rig.stop_and_verify_logs()
}

/// EVI-3 to EVI-5, EVI-8: sealed as one file, handed over with name and second factor, signed for, brought back, never again a master; and a still
/// picture of it, which is an exhibit of its own: all by commands, checked with stock programs.
fn handed_over(rig: &Rig, staff: &Staff, exhibit: &str, from: shared::time::Utc) -> Done<()> {
    let said = |words: &[&str]| -> Done<String> {
        let said = staff.says(&rig.hub, "kim", words)?;
        Ok(said.well(&words.join(" "))?.out)
    };
    let json = |words: &[&str]| -> Done<serde_json::Value> {
        let words = [words, &["--json"]].concat();
        Ok(serde_json::from_str(&said(&words)?)?)
    };
    let folder = rig.site.files()?.join("handed");
    std::fs::create_dir_all(&folder)?;
    let below = folder.to_string_lossy().into_owned();
    let key = folder.join("police.key");
    program::run(std::path::Path::new("age-keygen"), args!["-o", key])?.well("age-keygen")?;
    let text = std::fs::read_to_string(&key)?;
    let recipient = text.lines().find_map(|l| l.strip_prefix("# public key: "));
    let recipient = recipient
        .ok_or_else(|| Trouble::new("no recipient"))?
        .to_owned();
    let marked = json(&["exhibit", "mark", exhibit, "KL/1"])?;
    assert_eq!(marked["mark"], "KL/1");
    let saved = json(&[
        "clip",
        "save",
        exhibit,
        &below,
        "--purpose",
        "To police",
        "--reference",
        "CR/9",
        "--recipient",
        &recipient,
        "--master",
        "--medium",
        "stick 4C53",
        "--place",
        "safe 2",
    ])?;
    assert_eq!(
        (&saved["copy"], &saved["seal"]),
        (&4.into(), &"recipient".into()),
        "{saved}"
    );
    let sealed = folder.join(format!("{exhibit}.zip.age"));
    let card = std::fs::read_to_string(folder.join(format!("{exhibit}-HOW-TO-OPEN.txt")))?;
    assert!(card.contains("KL/1") && card.contains("age -d"), "{card}");
    let zip = folder.join("opened.zip");
    program::run(
        std::path::Path::new("age"),
        args!["-d", "-i", key, "-o", zip, sealed],
    )?
    .well("age -d")?;
    program::run(
        std::path::Path::new("unzip"),
        args!["-q", zip, "-d", folder],
    )?
    .well("unzip")?;
    rig.check_package(&folder.join(exhibit))?;

    let secret = phone::set_up(&rig.hub, staff, "kim")?;
    let hand = |as_which: &[&str], code: &str| {
        let words = [
            "exhibit",
            "hand",
            exhibit,
            "4",
            "--to",
            "DC Hall 4711",
            "--agency",
            "County Police",
            "--sign",
            "kim",
            "--code",
            code,
        ];
        staff.says(&rig.hub, "kim", &[&words[..], as_which].concat())
    };
    let wrong = hand(&["--master"], "000000")?;
    assert!(wrong.status != 0, "{wrong:?}");
    hand(&["--master"], &phone::code(&secret, 0))?.well("exhibit hand")?;
    said(&["exhibit", "receipt", exhibit, "4", "--from", "DC Hall 4711"])?;
    said(&["exhibit", "return", exhibit, "4", "--from", "DC Hall 4711"])?;
    let again = hand(&["--master"], &phone::code(&secret, 1))?;
    assert!(
        again.status != 0 && again.err.contains("no master"),
        "{again:?}"
    );
    let register = json(&["exhibit", "show", exhibit])?;
    let kinds: Vec<&str> = register["events"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|e| e["what"].as_str())
        .collect();
    assert!(
        kinds.ends_with(&[
            "marked",
            "save-begun",
            "copied",
            "handed-over",
            "received",
            "returned"
        ]),
        "{kinds:?}"
    );

    // A still picture, a second and a bit after the beginning: between two key pictures.
    let at = shared::time::Utc(from.0 + 1_300).to_string();
    let still = |rank: &str| {
        let words = [
            "exhibit",
            "still",
            exhibit,
            "--at",
            &at,
            "--reason",
            "an appeal",
            "--authority",
            "Rees",
            "--rank",
            rank,
            "--json",
        ];
        staff.says(&rig.hub, "kim", &words)
    };
    let low = still("sergeant")?;
    assert!(low.status != 0 && low.err.contains("inspector"), "{low:?}");
    let made: serde_json::Value =
        serde_json::from_str(&still("inspector")?.well("exhibit still")?.out)?;
    let name = made["still"].as_str().unwrap_or_default();
    said(&[
        "clip",
        "save",
        name,
        &below,
        "--purpose",
        "An appeal",
        "--reference",
        "CR/9",
    ])?;
    let package = folder.join(name);
    rig.check_package(&package)?;
    let picture = package.join(format!("still/{name}.jpg"));
    let looked = pictures::video(&picture)?;
    assert_eq!(
        (looked["width"].as_u64(), looked["height"].as_u64()),
        (Some(1920), Some(1080))
    );
    let certificate = std::fs::read_to_string(package.join("CERTIFICATE.txt"))?;
    assert!(
        certificate.contains("Inspector") && certificate.contains(exhibit),
        "{certificate}"
    );
    let mut bytes = std::fs::read(&picture)?;
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&picture, bytes)?;
    assert_eq!(rig.hub.verify("bundle", &package, false)?.status, 1);
    Ok(())
}

/// Audit 2.14, EVI-2: what a court's expert can do with coreutils and openssl alone, with a key made as READ-ME-FIRST says.
#[test]
fn stock_tools_check_the_package() -> Done<()> {
    let mut rig = Rig::installed("stock-tools", 10)?;
    rig.town.segments("c01", 2, 90)?;
    let segments = rig.town.lines_of("seg.write", Some("c01"));
    let from = seconds(&segments[0]["data"]["t0"])?;
    let pulled = rig.pull("c01", from, shared::time::Utc(from.0 + 6_000))?;
    let script = r#"
        set -e
        cd "$1"
        sha256sum --quiet -c SHA256SUMS
        openssl dgst -sha256 -verify keys/seal.pem -signature SHA256SUMS.sig SHA256SUMS
        n=$(ls log/proof | head -1)
        sed '1,/^$/d' "log/proof/$n" > "$2/head.note"
        head -3 "$2/head.note" > "$2/b"
        sed -n 5p "$2/head.note" | awk '{print $3}' | base64 -d | tail -c64 > "$2/s"
        openssl pkeyutl -verify -pubin -inkey keys/box.pem -rawin -in "$2/b" -sigfile "$2/s"
        sed -n 6p "$2/head.note" | awk '{print $3}' | base64 -d > "$2/c"
        t=$((16#$(head -c12 "$2/c" | tail -c8 | od -An -tx1 | tr -d ' \n')))
        (printf 'cosignature/v1\ntime %d\n' "$t"; cat "$2/b") > "$2/h"
        tail -c64 "$2/c" > "$2/hs"
        recipe=$(sed -n "/^ *(printf '0/,/hub\.pem$/p" READ-ME-FIRST.txt)
        (cd "$2" && eval "${recipe/KEY/$3}")
        cmp "$2/hub.pem" keys/hub.pem
        openssl pkeyutl -verify -pubin -inkey "$2/hub.pem" -rawin -in "$2/h" -sigfile "$2/hs"
        line=$(head -1 log/records.jsonl)
        (printf '\000'; printf '%s\n' "$line") | sha256sum
    "#;
    let scratch = rig.folder.path().join("scratch");
    std::fs::create_dir_all(&scratch)?;
    program::run(
        std::path::Path::new("bash"),
        args![
            "-c",
            script,
            "bash",
            pulled.package,
            scratch,
            rig.hub.vkey()?
        ],
    )?
    .well("checking with sha256sum and openssl")?;
    // What the package has copies of is what the scheme publishes.
    let published = rig.site.files()?.join("published");
    rig.hub
        .ask(args!["publish", published])?
        .well("beadle-hub publish")?;
    for name in ["verify.py", "verify.html", "SPEC.txt"] {
        let copy = pulled.package.join("verify").join(name);
        assert!(
            std::fs::read(published.join(name))? == std::fs::read(copy)?,
            "{name}"
        );
    }
    Ok(())
}

/// REC-1, FLT-3: recording does not need the hub; what was logged meanwhile is countersigned when it is back.
#[test]
fn recording_goes_on_without_the_hub() -> Done<()> {
    let mut rig = Rig::installed("no-hub", 5)?;
    rig.town.segments("c01", 1, 60)?;
    rig.hub.kill9()?;
    let before = rig.town.lines_of("seg.write", Some("c01")).len();
    rig.town.segments("c01", before + 3, 60)?;
    let size = rig.town.lines().len() as u64;
    rig.hub.start()?;
    let note = rig.town.log().join("cosigned.note");
    wait::until("the hub has countersigned what it missed", 150, || {
        let text = std::fs::read_to_string(&note).unwrap_or_default();
        Ok(text
            .lines()
            .nth(1)
            .and_then(|l| l.parse::<u64>().ok())
            .is_some_and(|n| n >= size))
    })?;
    rig.stop_and_verify_logs()
}

/// EVI-1: footage that does not exist is refused with one sentence; the refusal is on the hub's record.
#[test]
fn footage_that_does_not_exist_is_refused() -> Done<()> {
    let mut rig = Rig::installed("no-footage", 10)?;
    rig.town.segments("c01", 1, 60)?;
    let said = rig
        .hub
        .pull("ashby/c01", "2020-01-01T00:00:00Z", "2020-01-01T00:01:00Z")?
        .said;
    assert_ne!(said.status, 0);
    one_sentence(&said, &["c01"])?;
    let said = rig
        .hub
        .pull("ashby/c99", "2020-01-01T00:00:00Z", "2020-01-01T00:01:00Z")?
        .said;
    assert_ne!(said.status, 0);
    one_sentence(&said, &["c99"])?;
    rig.town.segments("c01", 2, 60)?;
    Ok(())
}

/// The last line says it, whether the hub knew at once (standard error) or the box had to be asked (the request's last state).
fn one_sentence(said: &program::Said, must: &[&str]) -> Done<()> {
    let text = format!("{}{}", said.out, said.err);
    let last = text.trim().lines().next_back().unwrap_or("");
    let clear = last.split_whitespace().count() > 6
        && !text.contains("panicked")
        && must.iter().all(|m| last.contains(m));
    if clear {
        Ok(())
    } else {
        Err(Trouble(format!("not one clear sentence: {text:?}")))
    }
}

/// RET-5, AUD-3: evidence goes when two people say so before its time, or one when its three years are over: its key first, on record
/// before and after, with a certificate. Whoever copied the sealed files before opens none of them with any key left at the hub.
#[test]
fn evidence_is_disposed_of() -> Done<()> {
    let mut rig = Rig::installed("disposal", 10)?;
    let staff = Staff::make(&rig.hub, &rig.site.files()?)?;
    rig.town.segments("c01", 2, 60)?;
    let segments = rig.town.lines_of("seg.write", Some("c01"));
    let from = seconds(&segments[0]["data"]["t0"])?;
    let to = shared::time::Utc(from.0 + 8_000);
    let (first, second) = (rig.pull("c01", from, to)?, rig.pull("c01", from, to)?);

    let scratch = rig.folder.path().join("scratch");
    std::fs::create_dir_all(&scratch)?;
    let key_of =
        |rig: &Rig, exhibit: &str| rig.hub.state.join(format!("keys/exhibits/{exhibit}.key"));
    let key = std::fs::read_to_string(key_of(&rig, &first.exhibit))?;
    let secret = key
        .lines()
        .find(|l| l.starts_with("AGE-SECRET-KEY-"))
        .ok_or_else(|| Trouble::new("no identity in the exhibit's key"))?
        .to_owned();
    let sealed = places::files_below(&first.resting, ".age");
    let copy = scratch.join("master.mp4.age");
    let master = sealed
        .iter()
        .find(|f| f.to_string_lossy().contains("/master/"));
    std::fs::copy(master.ok_or_else(|| Trouble::new("no master"))?, &copy)?;
    let opens = |identity: &str| -> Done<bool> {
        let list = scratch.join("identity.txt");
        std::fs::write(&list, format!("{identity}\n"))?;
        beadle_tests::pictures::age_opens(&copy, &list, &scratch.join("plain.mp4"))
    };
    assert!(opens(&secret)?, "the test can tell");

    // Before its time: one asks, the same one cannot approve, another can.
    let dispose = [
        "evidence",
        "dispose",
        &first.exhibit,
        "--reason",
        "Pulled by mistake",
    ];
    let said = staff
        .says(&rig.hub, "kim", &dispose)?
        .well("evidence dispose")?;
    assert!(
        said.out.starts_with("Nothing is disposed of yet"),
        "{said:?}"
    );
    let approve = ["evidence", "approve", &first.exhibit];
    let alone = staff.says(&rig.hub, "kim", &approve)?;
    assert!(
        alone.status != 0 && key_of(&rig, &first.exhibit).exists(),
        "{alone:?}"
    );
    staff
        .says(&rig.hub, "lee", &approve)?
        .well("evidence approve")?;
    let named = |rig: &Rig, exhibit: &str| -> Vec<PathBuf> {
        let roots = [&rig.hub.state, &rig.hub.evidence];
        let files = roots.iter().flat_map(|root| places::files_below(root, ""));
        files
            .filter(|f| f.to_string_lossy().contains(exhibit))
            .collect()
    };
    assert_eq!(named(&rig, &first.exhibit), Vec::<PathBuf>::new());
    let mut left = Vec::new();
    for file in places::files_below(&rig.hub.state, "") {
        // A socket is no file.
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(
            !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
            "{} has its key",
            file.display()
        );
        let text = String::from_utf8_lossy(&bytes);
        left.extend(
            text.lines()
                .filter(|l| l.starts_with("AGE-SECRET-KEY-"))
                .map(str::to_owned),
        );
    }
    assert!(!left.is_empty(), "the other exhibit's is there");
    for identity in &left {
        assert!(!opens(identity)?);
    }
    let words = ["evidence", "certificate", &first.exhibit].map(std::ffi::OsStr::new);
    let certificate = rig.hub.ask(&words)?.well("evidence certificate")?.out;
    for part in [
        "CERTIFICATE OF DISPOSAL OF EVIDENCE",
        first.exhibit.as_str(),
        "before the end of its period, by two people",
        "none opens it",
    ] {
        assert!(certificate.contains(part), "{part}: {certificate}");
    }
    let refused = rig.hub.check(&first.exhibit);
    assert!(refused.is_err() || !refused.is_ok_and(|v| v.intact()));
    // The other one is untouched.
    assert!(rig.hub.check(&second.exhibit)?.intact());

    // Three years and some weeks later it is due, and one person is enough.
    rig.town.stop()?;
    rig.hub.stop()?;
    rig.hub.env = beadle_tests::town::clock("+1150d")?;
    rig.hub.start()?;
    let words = ["evidence", "list", "--due"].map(std::ffi::OsStr::new);
    let due = wait::until("it is due", 30, || {
        let said = rig.hub.ask(&words)?;
        Ok((said.status == 4).then_some(said))
    })?;
    assert!(
        due.out.contains(&second.exhibit)
            && due.out.contains("DUE")
            && !due.out.contains(&first.exhibit),
        "{due:?}"
    );
    let dispose = [
        "evidence",
        "dispose",
        &second.exhibit,
        "--reason",
        "Period over",
    ];
    staff
        .says(&rig.hub, "lee", &dispose)?
        .well("evidence dispose")?;
    assert_eq!(named(&rig, &second.exhibit), Vec::<PathBuf>::new());
    rig.hub.stop()?;
    let log = places::files_below(&rig.hub.own_log(), ".jsonl");
    let log = std::fs::read_to_string(&log[0])?;
    let count = |kind: &str| {
        log.lines()
            .filter(|l| l.contains(&format!("\"type\":\"{kind}\"")))
            .count()
    };
    assert_eq!((count("copy.dispose"), count("copy.gone")), (2, 2));
    rig.hub.intact("log", &rig.hub.own_log(), false)
}
