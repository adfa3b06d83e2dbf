//! Adapter: the harness. Rows B1–B9, E1 and E2: what can be done with heads and keys.

use super::{corpus::*, harness::Case};

/// The sound log with one head file replaced.
fn with_head(name: &str, note: String) -> Case {
    let mut files = log_folder(&lines());
    files.insert(name.into(), note.into());
    Case::log(files)
}

/// What a box leaves that went another way after line `from`: the acknowledgements of the other way are not there.
fn other_way(from: usize) -> Vec<Vec<u8>> {
    let mut events = events();
    for event in &mut events[from..] {
        if event.kind == "beat" || event.ack.is_some() {
            *event = Event {
                ms: event.ms,
                ..ev(0, "beat", r#"{"free_mib":700000,"cams":1,"temp_c":39}"#)
            };
        }
    }
    chain(&events)
}

#[test]
fn b01_cloned_disk_aud_2() {
    let mut files = log_folder(&other_way(16));
    files.remove("cosigned.note");
    let hub = head(BOX_LOG, &lines(), 20, &box_key(2), Some(hub_time(299_000)));
    Case::log(files).knowing(hub).shows("FORKED");
}

#[test]
fn b02_two_heads_of_one_size_aud_2() {
    let other = head(BOX_LOG, &other_way(16), 22, &box_key(2), None);
    Case::log(log_folder(&lines()))
        .knowing(other)
        .shows("PROOF-OF-FORK");
}

#[test]
fn b03_retired_key_signs_a_later_head_aud_2() {
    with_head("head.note", head(BOX_LOG, &lines(), 22, &box_key(1), None))
        .shows("WRONG-KEY\thead 22");
}

#[test]
fn b04_newer_key_seals_older_lines_again_aud_2() {
    with_head(
        "heads/10.note",
        head(BOX_LOG, &lines(), 10, &box_key(2), None),
    )
    .shows("WRONG-KEY\thead 10");
}

#[test]
fn b05_strangers_key_aud_2() {
    with_head("head.note", head(BOX_LOG, &lines(), 22, &box_key(60), None))
        .shows("UNKNOWN-KEY\thead 22");
}

#[test]
fn b06_key_id_collision_aud_2() {
    // The stranger's signature under the id of the key in force, as if the 32-bit ids had collided.
    let (mine, theirs) = (box_key(2), box_key(60));
    let body = body(BOX_LOG, 22, &root(&leaves(&lines())));
    use ed25519_dalek::Signer;
    let blob = [
        mine.id().as_slice(),
        &theirs.signing.sign(body.as_bytes()).to_bytes(),
    ]
    .concat();
    with_head("head.note", format!("{body}\n{}", mine.line(&b64(&blob))))
        .shows("BAD-SIGNATURE\thead 22");
}

#[test]
fn b07_line_from_another_box_aud_2() {
    let mut foreign = events();
    foreign[12].log = "cctv.example.gov.uk/box/belper/1".into();
    Case::log(log_folder(&chain(&foreign))).shows("FOREIGN-RECORD\tline 12");
    // A whole head of another box.
    let note = head(BOX_LOG, &lines(), 22, &box_key(2), None)
        .replace("ashby-high-street/1\n22", "belper/1\n22");
    with_head("head.note", note).shows("FOREIGN-RECORD\thead 22");
}

#[test]
fn b08_cosign_time_altered_aud_2() {
    let body = body(BOX_LOG, 21, &root(&leaves(&lines()[..21])));
    let mut blob = [hub_key().id().as_slice(), &[0; 72]].concat();
    use base64::Engine;
    blob.copy_from_slice(
        &base64::engine::general_purpose::STANDARD
            .decode(hub_key().cosign(&body, hub_time(301_000)))
            .expect("b64"),
    );
    blob[11] ^= 1; // a second later or earlier
    let note = format!(
        "{body}\n{}{}",
        box_key(2).line(&box_key(2).sign(&body)),
        hub_key().line(&b64(&blob))
    );
    with_head("cosigned.note", note).shows("BAD-SIGNATURE\tcosigned 21");
}

#[test]
fn b09_box_signature_passed_off_as_the_hubs_aud_2() {
    let body = body(BOX_LOG, 21, &root(&leaves(&lines()[..21])));
    let sig = box_key(2).sign(&body);
    let note = format!("{body}\n{}{}", box_key(2).line(&sig), hub_key().line(&sig));
    with_head("cosigned.note", note).shows("BAD-SIGNATURE\tcosigned 21");
    // The same in a head.ack line.
    let mut events = events();
    let root = b64(&root(&leaves(&lines()[..13])));
    events[15].ack = None;
    events[15].data = format!(
        r#"{{"size":13,"root":"{root}","hub":"{HUB_NAME}","time":{},"sig":"{sig}"}}"#,
        hub_time(185_500)
    );
    Case::log(log_folder(&chain(&events))).shows("BAD-SIGNATURE\tline 15");
}

#[test]
fn b10_no_countersignature_or_a_strangers_aud_2() {
    let lines = lines();
    with_head(
        "cosigned.note",
        head(BOX_LOG, &lines, 21, &box_key(2), None),
    )
    .shows("NO-HUB-COSIGNATURE\tcosigned 21");
    let mut case = Case::log(log_folder(&lines));
    case.hub = vec![key("cctv.example.gov.uk/hub/cosign-2027", 4, 50).vkey()];
    case.shows("NO-HUB-COSIGNATURE\tcosigned 21");
}

#[test]
fn b11_heads_that_cannot_be_read_aud_2() {
    let sound = head(BOX_LOG, &lines(), 22, &box_key(2), None);
    for bad in [
        String::new(),
        "\n".into(),
        sound.replace("\n22\n", "\n022\n"),
        sound.replace("\n22\n", "\n99999999999999999999\n"),
        sound.replace('\u{2014}', "-"),
        sound.replace("\n\n", "\n"),
        sound.trim_end().to_string(),
        sound.clone() + "\n",
        sound.replace("\n\n", "\nextra\n\n"),
        "x".repeat(1 << 20),
        sound.replace("\n\n", "\n\n\u{2014} x AAAA\n"),
    ] {
        with_head("head.note", bad).shows("BAD-SIGNATURE\thead head.note");
    }
    // Further signatures by keys nobody here knows are a witness's business.
    let witness = key("witness.example.org", 4, 70);
    with_head("head.note", sound + &witness.line(&witness.sign("x")))
        .is("INTACT", &["GAP-DECLARED"]);
}

#[test]
fn b12_hub_times_an_hour_apart_are_late_anchored_aud_2() {
    let mut events = events();
    for event in &mut events[16..] {
        event.ms += 7_200_000;
    }
    // Beats all through the outage, so it is the link that was away and not the box.
    let beat = events[5].clone();
    let beats = (1..=120).map(|k| Event {
        ms: 187_000 + k * 60_000,
        ..beat.clone()
    });
    events.splice(16..16, beats);
    let next = events
        .iter()
        .rposition(|e| e.kind == "seg.write")
        .expect("segment");
    events.insert(
        next,
        Event {
            ms: events[next].ms - 10,
            ..ev(0, "seg.gap", gap(184_226, 185_000, 7_385_000))
        },
    );
    events[next + 1].data = seg(184_226, 7_385_000, 7_445_000);
    let lines = chain(&events);
    let mut files = log_folder(&lines);
    files.insert(
        "cosigned.note".into(),
        head(
            BOX_LOG,
            &lines,
            lines.len() - 1,
            &box_key(2),
            Some(hub_time(7_501_000)),
        )
        .into(),
    );
    Case::log(files).is("INTACT-LATE-ANCHORED", &["GAP-DECLARED", "GAP-DECLARED"]);
}

#[test]
fn e01_root_rewrites_since_the_last_roll_hub_unaware_is_the_stated_limit_aud_2() {
    let lines = other_way(ROLL + 1);
    let mut files = log_folder(&lines);
    files.insert(
        "cosigned.note".into(),
        head(BOX_LOG, &lines, 10, &box_key(1), Some(hub_time(123_500))).into(),
    );
    let report = Case::log(files).judge();
    assert!(report.starts_with("INTACT\n"), "{report}");
}

#[test]
fn e02_root_rewrites_since_the_last_roll_hub_aware_aud_2() {
    let mut files = log_folder(&other_way(ROLL + 1));
    files.insert(
        "cosigned.note".into(),
        log_folder(&lines())["cosigned.note"].clone(),
    );
    Case::log(files.clone()).shows("FORKED\tcosigned 21");
    files.remove("cosigned.note");
    Case::log(files)
        .knowing(head(
            BOX_LOG,
            &lines(),
            20,
            &box_key(2),
            Some(hub_time(299_000)),
        ))
        .shows("FORKED");
}
