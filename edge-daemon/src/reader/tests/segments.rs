//! Task. Segments that were torn or damaged, and what is no footage at all.
use shared::spot::Wrong;

use super::*;

in_both_places!(
    no_whole_frame_of_a_torn_segment_is_lost,
    damage_costs_only_what_follows_it,
    a_torn_time_lapse_ends_with_its_last_picture,
    recovery_refuses_what_is_no_footage,
    a_spot_check_says_right_or_wrong_and_changes_nothing,
);

/// REC-1: a file torn anywhere keeps every fragment whose last byte was in a sealed piece; hash, size and times are those of what is kept.
fn no_whole_frame_of_a_torn_segment_is_lost(kind: Kind) {
    let b = a_box(kind);
    let (id, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let start = name(7).start;
    let (plain, ends) = plain(start, 8, 2_000);
    let sealed = seal(&plain, &recipient);
    assert!(sealed.len() > 2 * 65_536, "more than two pieces");
    let header = sealed::header_len(&sealed).expect("header").expect("whole");
    let piece = sealed::PIECE + 16;
    let all = (0..header + 40)
        .step_by(23)
        .chain((header + 40..sealed.len()).step_by(1499))
        .chain([
            header + 16 + piece - 1,
            header + 16 + piece,
            header + 16 + piece + 1,
            header + 16 + 2 * piece,
            sealed.len(),
        ]);
    for cut in all {
        let file = b.put(&name(7), true, &sealed[..cut]);
        // What the recorder had sealed: whole pieces, and the last one when the file is whole.
        let readable = if cut == sealed.len() {
            plain.len()
        } else {
            cut.saturating_sub(header + 16) / piece * sealed::PIECE
        };
        let whole = ends.iter().filter(|e| **e <= readable).count();
        let got = b
            .client
            .recover(&b.volume, &file, &id.to_string())
            .unwrap_or_else(|e| panic!("cut at {cut}: {e}"));
        if whole == 0 {
            assert_eq!(got, None, "cut at {cut}");
            assert_eq!(
                b.files(),
                ["20261103T140003Z-7.mp4.age.torn"],
                "cut at {cut}: left aside"
            );
        } else {
            let got = got.unwrap_or_else(|| panic!("cut at {cut}: {whole} fragments were whole"));
            // Every whole fragment, and of the one after them every whole frame.
            let kept = mp4::salvage(plain[..readable].to_vec()).expect("segment");
            assert_eq!(kept[..ends[whole - 1]], plain[..ends[whole - 1]]);
            let frames = mp4::parse(&kept).expect("segment");
            assert!(
                (whole as u64..=whole as u64 + 1).contains(&frames.fragments),
                "cut at {cut}"
            );
            assert_eq!(
                (got.kept_fragments, got.size, got.sha256),
                (frames.fragments, kept.len() as u64, hex(&sha256(&kept))),
                "cut at {cut}"
            );
            assert_eq!(
                (Some((got.t0, got.t1)), got.s),
                (frames.span(), 7),
                "cut at {cut}"
            );
            assert!(got.t1 >= start.plus_ms(whole as i64 * 500), "cut at {cut}");
            assert_eq!(got.key, "c03/2026-11-03");
            assert_eq!(b.files(), ["20261103T140003Z-7.mp4.age"], "cut at {cut}");
            // The closed file is whole, sealed to the day's own recipient, and measures the same as an orphan.
            let again = b
                .client
                .recover(&b.volume, &got.path, &id.to_string())
                .expect("orphan")
                .expect("whole");
            assert_eq!(
                (again.size, again.dropped_bytes, again.t1),
                (got.size, 0, got.t1),
                "cut at {cut}"
            );
        }
        for f in b.files() {
            fs::remove_file(b.volume.join("footage/2026-11-03/c03").join(f)).expect("remove");
        }
    }
}

/// REC-1: pages a power cut left as zeros, or a flipped bit in a closed file, cost what follows them and nothing before.
fn damage_costs_only_what_follows_it(kind: Kind) {
    let b = a_box(kind);
    let (id, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let (plain, ends) = plain(name(7).start, 8, 2_000);
    let mut sealed = seal(&plain, &recipient);
    let at = sealed.len() - 70_000;
    sealed[at..].fill(0);
    let good = ends.iter().filter(|e| **e <= sealed::PIECE).count() as u64;
    for open in [true, false] {
        let file = b.put(&name(7), open, &sealed);
        let got = b
            .client
            .recover(&b.volume, &file, &id.to_string())
            .expect("answer")
            .expect("something whole");
        assert!(
            got.kept_fragments >= good && got.kept_fragments < 8,
            "{got:?}"
        );
        assert!(got.dropped_bytes > 0);
    }
}

/// REC-3, EVI-2: a time-lapse picture is written with the time until the next, which a box that was killed did not live to see: the
/// line of what is recovered does not say that it was recorded. One that was closed had its end.
fn a_torn_time_lapse_ends_with_its_last_picture(kind: Kind) {
    let b = a_box(kind);
    let (id, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let start = name(7).start;
    let mut plain = mp4::init(&parameters()).expect("init");
    mp4::say_rate("timelapse-8", &mut plain);
    for picture in 0..3u32 {
        let mut bytes = 1_996u32.to_be_bytes().to_vec();
        bytes.resize(2_000, 7);
        let frame = mp4::Frame {
            dts: u64::from(picture) * 8 * 90_000,
            cts: 0,
            duration: 8 * 90_000,
            key: true,
            bytes: Bytes::from(bytes),
        };
        let at = start.plus_ms(i64::from(picture) * 8_000);
        mp4::fragment(picture + 1, at, &[frame], &[], &mut plain).expect("fragment");
        mp4::fill(64, &mut plain);
    }
    let sealed = seal(&plain, &recipient);
    for (open, ends_ms) in [(true, 16_040), (false, 24_000)] {
        let file = b.put(&name(7), open, &sealed);
        let got = b
            .client
            .recover(&b.volume, &file, &id.to_string())
            .expect("answer")
            .expect("three pictures");
        assert_eq!(got.rate.as_deref(), Some("timelapse-8"));
        assert_eq!(
            (got.t0, got.t1),
            (start, start.plus_ms(ends_ms)),
            "open: {open}"
        );
        std::fs::remove_file(b.volume.join(&got.path)).expect("removed");
    }
}

/// The daemon is not believed about paths or keys.
fn recovery_refuses_what_is_no_footage(kind: Kind) {
    let b = a_box(kind);
    let (_, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let sealed = seal(&plain(name(7).start, 2, 100).0, &recipient);
    b.put(&name(7), true, &sealed);
    for bad in [
        "footage/2026-11-03/c03/../c03/20261103T140003Z-7.mp4.age.open",
        "x/footage/2026-11-03/c03/20261103T140003Z-7.mp4.age.open",
        "/etc/passwd",
    ] {
        assert!(
            matches!(
                b.client.recover(&b.volume, bad, "c03/2026-11-03"),
                Err(ReaderError::Refused(_))
            ),
            "{bad}"
        );
    }
    assert!(
        matches!(
            b.client
                .recover(&b.volume, &name(7).open_path(), "c03/2026-11-04"),
            Err(ReaderError::Refused(_))
        ),
        "another day's key"
    );
    let (_, stranger) = sealed::keypair();
    b.put(
        &name(8),
        true,
        &seal(&plain(name(8).start, 2, 100).0, &stranger),
    );
    let error = b
        .client
        .recover(&b.volume, &name(8).open_path(), "c03/2026-11-03")
        .expect_err("no key")
        .to_string();
    assert!(error.contains("none of the keys"), "{error}");
    assert!(
        b.files()
            .contains(&"20261103T140003Z-8.mp4.age.open".to_owned()),
        "left as it is"
    );
}

/// AUD-2: a segment is read to its end and compared; every byte of the file counts, nothing on the disk changes, and what is no closed segment
/// is not looked at.
fn a_spot_check_says_right_or_wrong_and_changes_nothing(kind: Kind) {
    let b = a_box(kind);
    let (_, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let (plain, _) = plain(name(7).start, 4, 2_000);
    let sealed = seal(&plain, &recipient);
    assert!(sealed.len() > 65_536, "more than one piece");
    let file = b.put(&name(7), false, &sealed);
    let (size, hash) = (plain.len() as u64, hex(&sha256(&plain)));
    let key = "c03/2026-11-03";
    let ask = |file: &str, key: &str, size: u64, hash: &str| {
        b.client.spot(&b.volume, file, key, size, hash)
    };
    assert_eq!(ask(&file, key, size, &hash).expect("answer"), None);
    assert_eq!(
        ask(&file, key, size + 1, &hash).expect("answer"),
        Some(Wrong::Other)
    );
    let other = hex(&sha256(b"another"));
    assert_eq!(
        ask(&file, key, size, &other).expect("answer"),
        Some(Wrong::Other)
    );
    assert_eq!(
        ask(&file, "c03/2026-11-04", size, &hash).expect("answer"),
        Some(Wrong::Unopened),
        "another day's key"
    );
    assert_eq!(
        ask(&name(8).closed_path(), key, size, &hash).expect("answer"),
        Some(Wrong::Missing)
    );
    for at in (0..sealed.len()).step_by(997).chain([sealed.len() - 1]) {
        let mut bytes = sealed.clone();
        bytes[at] ^= 0x10;
        b.put(&name(7), false, &bytes);
        let wrong = ask(&file, key, size, &hash).expect("answer");
        assert_eq!(wrong, Some(Wrong::Unopened), "byte {at}");
        let path = b.volume.join(&file);
        assert_eq!(fs::read(path).expect("read"), bytes, "byte {at}");
    }
    b.put(&name(7), false, &sealed[..sealed.len() - 20_000]);
    assert_eq!(
        ask(&file, key, size, &hash).expect("answer"),
        Some(Wrong::Unopened)
    );
    b.put(&name(7), false, &[sealed.as_slice(), b"x"].concat());
    assert_eq!(
        ask(&file, key, size, &hash).expect("answer"),
        Some(Wrong::Unopened)
    );
    assert_eq!(b.files(), ["20261103T140003Z-7.mp4.age"]);
    b.put(&name(7), true, &sealed);
    for bad in [
        name(7).open_path().as_str(),
        "footage/2026-11-03/c03/../c03/20261103T140003Z-7.mp4.age",
        "x/footage/2026-11-03/c03/20261103T140003Z-7.mp4.age",
        "/etc/passwd",
    ] {
        let no = ask(bad, key, size, &hash);
        assert!(matches!(no, Err(ReaderError::Refused(_))), "{bad}");
    }
    let elsewhere = b.client.spot(b.state.root(), &file, key, size, &hash);
    assert!(
        matches!(elsewhere, Err(ReaderError::Refused(_))),
        "no volume"
    );
}
