//! Task. The daily spot check on real parts: a log that is countersigned, a reader, files on a disk.
use shared::{
    note::{ALG_COSIGNATURE, Vkey},
    record::leaf_hash,
    spot::{self as draw, Wrong},
};

use super::*;
use crate::retention::spot::{Outcome, Spot};

impl World {
    fn spot(&self, client: Client) -> Spot {
        Spot {
            zone: Zone::parse("Europe/London").expect("zone"),
            volumes: self.volumes.clone(),
            log: self.log.clone(),
            index: self.state.index(),
            holds: self.holds(client.clone()),
            client,
            faults: self.faults.clone(),
            nothing: None,
        }
    }
    /// The hub countersigns the log as it is, by its clock.
    fn acknowledged(&self, at: &str) -> Record {
        let key = shared::testing::Key::new(
            "cctv.example.gov.uk/hub/cosign-2026",
            ALG_COSIGNATURE,
            [9; 32],
        );
        let mut head = self.log.sign_head().expect("head");
        let time = utc(at).seconds() as u64;
        head.cosign(&key.vkey, time, |m| key.sign(m));
        let vkey: &Vkey = &key.vkey;
        self.log.countersigned(&head, vkey).expect("taken");
        self.of("head.ack").pop().expect("a line")
    }
    fn spot_faults(&self) -> Vec<String> {
        let all = self.faults.list().into_iter();
        all.filter(|f| f.code == "footage.spot")
            .map(|f| f.detail)
            .collect()
    }
}

/// What anybody who has the log draws: `ack` is the line, the segments those it is about.
fn lowest(w: &World, ack: &Record, but: &[u64]) -> u64 {
    let seed = draw::seed(text(ack, "sig")).expect("seed");
    let below = |r: &&Record| (r.n as i64) < number(ack, "size");
    let all = w.of("seg.write");
    let kept = all.iter().filter(below);
    let mut scores: Vec<_> = kept
        .map(|r| (draw::score(&seed, &r.leaf), number(r, "s") as u64))
        .filter(|(_, s)| !but.contains(s))
        .collect();
    scores.sort();
    scores[0].1
}

fn flip(file: &PathBuf, at: usize) {
    let mut bytes = fs::read(file).expect("read");
    bytes[at] ^= 1;
    fs::write(file, bytes).expect("written");
}

/// AUD-2: once a day of the hub's clock, over restarts and whatever is countersigned besides, one segment is read and compared: the one that
/// the first countersignature of that day draws, which whoever has the log draws again.
#[test]
fn one_a_day_and_anybody_draws_the_same() {
    let w = world("2026-11-05T12:00:00.000Z");
    let mut spot = w.spot(w.client.clone());
    assert_eq!(spot.look().expect("looked"), Outcome::Idle);
    // A head with nothing below it draws nothing; the first with footage does.
    w.acknowledged("2026-11-05T12:00:00.000Z");
    for s in 1..=20 {
        w.record("2026-11-03", s, s as i64, false, true);
    }
    assert_eq!(spot.look().expect("looked"), Outcome::Idle);
    let ack = w.acknowledged("2026-11-05T12:01:00.000Z");
    w.record("2026-11-03", 21, 21, false, true);
    let second = w.acknowledged("2026-11-05T12:02:00.000Z");
    let s = lowest(&w, &ack, &[]);
    assert_eq!(
        spot.look().expect("looked"),
        Outcome::Looked(cam(), s, None)
    );
    let lines = w.of("spot.ok");
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (
            number(&lines[0], "s") as u64,
            number(&lines[0], "ack") as u64
        ),
        (s, ack.n)
    );
    assert_ne!(ack.n, second.n);
    assert_eq!(text(&lines[0], "day"), "2026-11-05");
    // Not again, by another program over the same log, with the index lost; not for a box that was off for days, but for the day it is back.
    fs::remove_file(w.state.index()).expect("removed");
    let mut spot = w.spot(w.client.clone());
    assert_eq!(spot.look().expect("looked"), Outcome::Idle);
    w.acknowledged("2026-11-05T23:59:59.000Z");
    assert_eq!(spot.look().expect("looked"), Outcome::Idle);
    w.record("2026-11-03", 22, 22, false, true);
    let ack = w.acknowledged("2026-11-09T00:00:01.000Z");
    let s = lowest(&w, &ack, &[]);
    assert_eq!(
        spot.look().expect("looked"),
        Outcome::Looked(cam(), s, None)
    );
    assert_eq!(w.of("spot.ok").len(), 2);
    assert_eq!(text(&w.of("spot.ok")[1], "day"), "2026-11-09");
    assert!(w.spot_faults().is_empty());
    let line = &w.of("seg.write")[0];
    assert_eq!(line.leaf, leaf_hash(&line_of(&w, line.n)));
}

fn line_of(w: &World, n: u64) -> Vec<u8> {
    let line = logbook::LogFolder::new(&w.log.folder()).line(n);
    line.expect("read").expect("a line")
}

/// AUD-2, FLT-1: a byte of the drawn file is flipped: the record says which and what, and so does a fault, over a restart; nothing of the file is
/// touched. It is read again on the next day, and the fault ends when it is right, or its day is over.
#[test]
fn a_damaged_segment_is_found_and_said() {
    let w = world("2026-11-05T12:00:00.000Z");
    let files: Vec<PathBuf> = (1..=3)
        .map(|s| w.record("2026-11-03", s, s as i64, false, true))
        .collect();
    let ack = w.acknowledged("2026-11-05T12:01:00.000Z");
    let s = lowest(&w, &ack, &[]);
    let file = &files[s as usize - 1];
    let good = fs::read(file).expect("read");
    flip(file, good.len() / 2);
    let damaged = fs::read(file).expect("read");
    let mut spot = w.spot(w.client.clone());
    assert_eq!(
        spot.look().expect("looked"),
        Outcome::Looked(cam(), s, Some(Wrong::Unopened))
    );
    let bad = w.of("spot.bad");
    assert_eq!(
        (bad.len(), number(&bad[0], "s") as u64, text(&bad[0], "why")),
        (1, s, "unopened")
    );
    assert_eq!(fs::read(file).expect("read"), damaged, "as it was found");
    let said = w.spot_faults();
    assert_eq!(said.len(), 1);
    for part in [
        format!("segment {s} of c03"),
        format!("-{s}.mp4.age"),
        "Tue 3 Nov 2026 12:00:0".into(),
        "does not open any more".into(),
    ] {
        assert!(said[0].contains(&part), "{part}: {said:?}");
    }
    // Another program: the log knows.
    w.faults.off("footage.spot", Some(&cam()));
    assert_eq!(
        w.spot(w.client.clone()).look().expect("looked"),
        Outcome::Idle
    );
    assert_eq!(w.spot_faults(), said);
    // The next day another is drawn, and this one read again.
    fs::write(file, good).expect("put right");
    w.record("2026-11-03", 4, 4, false, true);
    let ack = w.acknowledged("2026-11-06T00:01:00.000Z");
    let other = lowest(&w, &ack, &[]);
    assert_eq!(
        spot.look().expect("looked"),
        Outcome::Looked(cam(), other, None)
    );
    let right: BTreeSet<u64> = w
        .of("spot.ok")
        .iter()
        .map(|r| number(r, "s") as u64)
        .collect();
    assert_eq!(right, BTreeSet::from([s, other]));
    assert!(w.spot_faults().is_empty());
}

/// AUD-2: each way to be wrong has its word, by what the reader says alone.
#[test]
fn what_is_wrong_is_told_apart() {
    for (wrong, harm) in [
        (
            Wrong::Missing,
            (|_, f| fs::remove_file(f).expect("removed")) as fn(&World, &PathBuf),
        ),
        (Wrong::Unopened, |_, f| {
            let bytes = fs::read(f).expect("read");
            fs::write(f, &bytes[..bytes.len() - 1]).expect("cut off");
        }),
        (Wrong::Unopened, |_, f| {
            // To a stranger's key.
            let (_, stranger) = footage::sealed::keypair();
            fs::write(f, seal(b"another file", &stranger)).expect("written");
        }),
        (Wrong::Other, |w, f| {
            let sealed_to = w.recipients.seal_to(&cam(), day("2026-11-03"), 1, true);
            let (_, recipient) = sealed_to.expect("recipient");
            fs::write(f, seal(b"another file", &recipient)).expect("written");
        }),
        (Wrong::Unreadable, |_, f| {
            let elsewhere = f.with_extension("elsewhere");
            fs::rename(f, &elsewhere).expect("moved");
            std::os::unix::fs::symlink(&elsewhere, f).expect("a link");
        }),
    ] {
        let w = world("2026-11-05T12:00:00.000Z");
        let file = w.record("2026-11-03", 1, 1, false, true);
        w.acknowledged("2026-11-05T12:01:00.000Z");
        harm(&w, &file);
        assert_eq!(
            w.spot(w.client.clone()).look().expect("looked"),
            Outcome::Looked(cam(), 1, Some(wrong))
        );
        assert_eq!(text(&w.of("spot.bad")[0], "why"), wrong.as_str());
    }
}

/// AUD-2, RET-2: what is deleted before it is read is passed over for the next; a copy that a hold keeps is drawn like everything that is kept.
#[test]
fn what_is_deleted_is_passed_over_and_what_is_held_is_drawn() {
    let w = world("2026-12-01T23:59:59.000Z");
    for s in 1..=3 {
        w.record("2026-11-03", s, s as i64, false, true);
    }
    let holds = w.holds(w.client.clone());
    let span = asked(12, "2026-11-03T12:00:02.200Z", "2026-11-03T12:00:02.300Z");
    w.place(&holds, &span).expect("placed");
    // Drawn before the sweep, read after it: of the three, what the hold keeps is what is kept.
    let ack = w.acknowledged("2026-12-01T23:59:59.000Z");
    w.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    w.sweeper(w.client.clone())
        .sweep(utc("2026-12-02T00:05:00.000Z"))
        .expect("swept");
    assert_eq!(lowest(&w, &ack, &[1, 3]), 2);
    let mut spot = w.spot(w.client.clone());
    assert_eq!(
        spot.look().expect("looked"),
        Outcome::Looked(cam(), 2, None)
    );
    // A byte of the copy.
    w.record("2026-11-04", 4, 4, false, true);
    let copy = w.kept(12).pop().expect("a copy");
    let len = fs::metadata(&copy).expect("there").len() as usize;
    flip(&copy, len - 1);
    fs::remove_file(
        w.volume.join(
            w.index()
                .segment(&cam(), 4)
                .expect("index")
                .expect("logged")
                .name()
                .closed_path(),
        ),
    )
    .expect("removed");
    w.acknowledged("2026-12-03T00:01:00.000Z");
    let Outcome::Looked(_, s, Some(wrong)) = spot.look().expect("looked") else {
        panic!("both are wrong");
    };
    assert_eq!(
        wrong,
        if s == 2 {
            Wrong::Unopened
        } else {
            Wrong::Missing
        }
    );
    // When the hold is over nothing is kept of it, and nothing is said of it.
    w.release(&holds, HoldId(12), vec!["op:0002".into()])
        .expect("released");
    spot.look().expect("looked");
    assert!(s != 2 || w.spot_faults().is_empty());
}

/// AUD-2: without the reader, or with a disk away, nothing is claimed either way, and the day's check waits for them.
#[test]
fn it_waits_for_the_reader_and_for_disks() {
    let w = world("2026-11-05T12:00:00.000Z");
    w.record("2026-11-03", 1, 1, false, true);
    w.acknowledged("2026-11-05T12:01:00.000Z");
    let nobody = Client::new(&w.state.recorder().join("nobody.sock"));
    let mut spot = w.spot(nobody);
    assert!(matches!(spot.look().expect("looked"), Outcome::Waits(why) if why.contains("reader")));
    let away = w.volume.with_extension("away");
    fs::rename(&w.volume, &away).expect("pulled out");
    let mut spot = w.spot(w.client.clone());
    assert!(matches!(spot.look().expect("looked"), Outcome::Waits(why) if why.contains("disk")));
    assert!(w.of("spot.ok").is_empty() && w.of("spot.bad").is_empty());
    assert!(w.spot_faults().is_empty());
    fs::rename(&away, &w.volume).expect("back");
    assert_eq!(
        spot.look().expect("looked"),
        Outcome::Looked(cam(), 1, None)
    );
}
