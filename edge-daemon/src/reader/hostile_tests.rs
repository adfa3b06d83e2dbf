//! Task. V1, V14: a recorder that was taken over, with every message of the reader's socket and every folder that the recorder may touch.
//! What it gets: no past segment opened, no key destroyed early, nothing of the reader's overwritten.
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use footage::sealed;
use shared::{
    id::{CameraId, ExhibitRef, HoldId},
    order::Act,
    record::{hex, sha256},
    segment::KeyId,
};

use super::{
    ReaderError, counted,
    keys::{BootKey, Pair},
    root::Kind,
    tests::{Box_, a_box_at, cam, day, name, ordered, ordered_at, pin, plain, seal, utc},
};
use crate::below::Folder;

/// The 3rd is recorded and over; it is the 10th.
struct Taken {
    b: Box_,
    /// A past segment, its path below the volume, and the hash that its line has.
    past: String,
    sha256: String,
    /// What the recorder has of its own.
    mine: Pair,
}

fn taken() -> Taken {
    let b = a_box_at(Kind::File, "2026-11-03T15:00:00.000Z");
    pin(&b.state);
    let (_, recipient) = b
        .recipients
        .seal_to(&cam(), day("2026-11-03"), 1, true)
        .expect("recipient");
    let bytes = plain(name(7).start, 4, 200).0;
    let past = b.put(&name(7), false, &seal(&bytes, &recipient));
    b.clock.reach(utc("2026-11-10T12:00:00.000Z"));
    Taken {
        b,
        past,
        sha256: hex(&sha256(&bytes)),
        mine: Pair::make(),
    }
}

impl Taken {
    /// An identity left for the reader, sealed to it as the recorder does.
    fn plant(&self, file: &str, key: &str, pair: Pair) {
        let boot = BootKey {
            key: key.into(),
            pair,
            day: Some(day("2020-01-01")),
        };
        let long = fs::read_to_string(self.b.state.reader_pub()).expect("reader.pub");
        let plain = serde_json::to_vec(&boot).expect("json");
        let bytes = sealed::seal(long.trim(), &plain).expect("sealed");
        fs::write(self.b.state.boot().join(file), bytes).expect("written");
    }
    fn hold(&self, hold: u64) -> Result<(), ReaderError> {
        let key = KeyId::Hold {
            cam: cam(),
            hold: HoldId(hold),
        };
        let held = self.b.volume.join(format!("held/{}", HoldId(hold)));
        let to = held.join(&self.past);
        fs::create_dir_all(to.parent().expect("folder")).expect("made");
        let (volume, sha256) = (&self.b.volume, &self.sha256);
        self.b
            .client
            .hold(volume, &self.past, "c03/2026-11-03", &key, sha256)
    }
    /// Every file on the disks that its own identity opens.
    fn stolen(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        below(&self.b.volume, &mut found);
        found.retain(|path| {
            let mut out = Vec::new();
            let mut opener = sealed::Opener::new(&[self.mine.0.reveal().to_owned()]);
            let bytes = fs::read(path).unwrap_or_default();
            opener.push(&bytes, &mut out).is_ok() && opener.finish(&mut out).is_ok()
        });
        found
    }
    /// What must stay as it is: the reader's own files, but for what it notes itself.
    fn own(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        below(&self.b.state.reader(), &mut files);
        files.retain(|f| !f.ends_with("ledger.json"));
        files.sort();
        files
            .into_iter()
            .map(|f| (f.clone(), fs::read(&f).expect("read")))
            .collect()
    }
    fn still_opens(&self) {
        let path = self.b.volume.join(&self.past);
        assert!(!self.b.client.undecryptable(&path).expect("tried"));
    }
}

fn below(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("listed") {
        let path = entry.expect("entry").path();
        if path.is_symlink() {
        } else if path.is_dir() {
            below(&path, into);
        } else {
            into.push(path);
        }
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, ReaderError>, why: &str) {
    match answer {
        Err(ReaderError::Refused(said) | ReaderError::Early(said)) => {
            assert!(said.contains(why), "{why} in: {said}");
        }
        other => panic!("{why}: {other:?}"),
    }
}

fn hold_order(hold: u64, cam: &CameraId, until: &str) -> Act {
    Act::HoldSet {
        hold: HoldId(hold),
        cam: cam.clone(),
        t0: utc("2026-11-03T14:00:00.000Z"),
        t1: utc("2026-11-03T15:00:00.000Z"),
        until: utc(until),
        grant: "1".into(),
    }
}

fn pull_order(number: u32, to: &str, t1: &str) -> (String, String) {
    ordered(Act::Pull {
        r#ref: ExhibitRef::new(2026, number),
        cam: cam(),
        t0: utc("2026-11-03T14:00:00.000Z"),
        t1: utc(t1),
        grant: "1".into(),
        purpose: "0".repeat(64),
        recipient: to.into(),
        urgent: false,
    })
}

/// V1, V14, ROL-2: whoever has the hub's order key, and the recorder with it, gets no more footage in a day than root's configuration allows,
/// to the reader's own count: under new references, for other keys, after the reader started anew. What was ordered before can be had again,
/// and the next day there is as much again.
#[test]
fn a_hub_gets_no_more_in_a_day_than_root_allows() {
    let t = taken();
    let to = sealed::keypair().1;
    let path = t.b.volume.join(&t.past);
    let ask =
        |(text, sig): &(String, String)| t.b.client.rewrap(text, sig, &path, "c03/2026-11-03");
    // A day of one camera, and a file before and after it: 24 hours and two minutes. Four of them are less than 100 hours, five are more.
    let whole = "2026-11-04T14:00:00.000Z";
    let first = pull_order(1, &to, whole);
    for number in 1..=4 {
        ask(&pull_order(number, &to, whole)).expect("handed out");
    }
    let mine = t.mine.1.clone();
    for order in [pull_order(5, &to, whole), pull_order(6, &mine, whole)] {
        for _ in 0..2 {
            match ask(&order) {
                Err(ReaderError::Spent(why)) => assert!(
                    why.contains("at most 100 hours")
                        && why.contains("96.2 were handed out on 2026-11-10"),
                    "{why}"
                ),
                other => panic!("{other:?}"),
            }
            assert!(matches!(
                t.b.client.order(&order.0, &order.1),
                Err(ReaderError::Spent(_))
            ));
        }
    }
    assert_eq!(t.stolen(), Vec::<PathBuf>::new());
    // What is less still fits, and what was handed out is no further pull.
    ask(&pull_order(7, &to, "2026-11-03T14:05:00.000Z")).expect("handed out");
    ask(&first).expect("handed out before");
    let told = counted(&t.b.state.public()).expect("told");
    let today = told.get(&day("2026-11-10")).expect("today");
    assert_eq!((today.orders, today.refused), (5, 8), "{today:?}");
    t.b.clock.reach(utc("2026-11-11T12:00:00.000Z"));
    ask(&pull_order(5, &to, whole)).expect("the next day");
}

/// V14, RET-3: whoever has the hub's order key makes no hold longer by saying that it is a hundred years later, in an order or over a
/// countersignature.
#[test]
fn a_hub_that_lies_about_the_time_holds_no_longer() {
    let t = taken();
    let (text, sig) = ordered_at(utc("2126-11-10T12:00:00.000Z"), Act::Sweep);
    refused(
        t.b.client.order(&text, &sig),
        "the hub's word was not taken",
    );
    let (text, sig) = ordered(hold_order(7, &cam(), "2126-12-20T00:00:00.000Z"));
    refused(t.b.client.order(&text, &sig), "400 days");
    let (text, sig) = ordered(hold_order(8, &cam(), "2026-12-20T00:00:00.000Z"));
    t.b.client.order(&text, &sig).expect("noted");
}

/// V1a: no key but one of a start is taken in, only with the recipient that belongs to it, only of the box's cameras; a hold's copy is
/// made for no recipient but the reader's own, and only by order.
#[test]
fn a_planted_key_opens_nothing() {
    let t = taken();
    let own = t.own();
    t.plant("c03_boot-7.age", "c03/hold-999001", t.mine.clone());
    t.plant("c03_boot-8.age", "c03/2026-11-03", t.mine.clone());
    t.plant("c03_boot-9.age", "c03/2026-12-24", t.mine.clone());
    t.plant("c03_boot-10.age", "c03/boot-010", t.mine.clone());
    t.plant("c09_boot-1.age", "c09/boot-1", t.mine.clone());
    let other = Pair(Pair::make().0, t.mine.1.clone());
    t.plant("c03_boot-11.age", "c03/boot-11", other);
    refused(t.hold(999_001), "no order of the hub");
    let mut left: Vec<_> = fs::read_dir(t.b.state.boot())
        .expect("listed")
        .map(|e| e.expect("entry").file_name().into_string().expect("name"))
        .collect();
    left.sort();
    assert_eq!(left.len(), 6, "none of them was taken in: {left:?}");
    assert!(t.own() == own, "nothing was taken in");
    // An order of somebody else's, of another box's hub, or of the hub for another camera.
    let (text, sig) = ordered(hold_order(5, &cam(), "2026-12-20T00:00:00.000Z"));
    refused(
        t.b.client
            .order(&text.replace("H-000005", "H-000006"), &sig),
        "not signed",
    );
    let c04 = CameraId::parse("c04").expect("camera");
    let (text, sig) = ordered(hold_order(5, &c04, "2026-12-20T00:00:00.000Z"));
    t.b.client.order(&text, &sig).expect("noted");
    refused(t.hold(5), "no order of the hub");
    // By order: sealed to the reader's own key, and to nobody's else.
    let (text, sig) = ordered(hold_order(6, &cam(), "2026-12-20T00:00:00.000Z"));
    t.b.client.order(&text, &sig).expect("noted");
    t.plant("c03_boot-12.age", "c03/hold-6", t.mine.clone());
    t.hold(6).expect("held");
    assert_eq!(t.stolen(), Vec::<PathBuf>::new());
    // Longer than the box's ceiling; and when it is over, never again.
    let (text, sig) = ordered(hold_order(7, &cam(), "2028-12-20T00:00:00.000Z"));
    refused(t.b.client.order(&text, &sig), "400 days");
    let (release, signed) = ordered(Act::HoldClear {
        hold: HoldId(6),
        why: "order".into(),
    });
    refused(
        t.b.client.destroy("c03/hold-6", None),
        "it is due at 2026-12-20",
    );
    t.b.client.order(&release, &signed).expect("noted");
    t.b.client.destroy("c03/hold-6", None).expect("destroyed");
    let (text, sig) = ordered(hold_order(6, &cam(), "2026-12-20T00:00:00.000Z"));
    refused(t.b.client.order(&text, &sig), "is over");
    refused(t.hold(6), "no order of the hub");
}

/// V14, RET-1: no key is destroyed before its day, whatever the recorder says the time is.
#[test]
fn no_key_dies_early() {
    let t = taken();
    for key in ["c03/2026-11-03", "c03/2026-11-10", "c03/2026-12-01"] {
        refused(t.b.client.destroy(key, None), "it is due at");
    }
    // Of one that is not made yet it is not said that it is destroyed.
    refused(
        t.b.client.destroy("c03/2029-12-01", None),
        "there is no key",
    );
    t.still_opens();
    // The hub's word of another key, and of another log.
    let head = |origin: &str, seed: u8| {
        let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("seed");
        let key: [u8; 32] = ring::signature::KeyPair::public_key(&pair)
            .as_ref()
            .try_into()
            .expect("32 bytes");
        let head = shared::note::Head {
            origin: origin.into(),
            size: 9,
            root: [1; 32],
        };
        let name = "cctv.example.gov.uk/hub/cosign-2026";
        let vkey = shared::note::Vkey::new(name, shared::note::ALG_COSIGNATURE, key);
        let time = 1_893_456_000_u64;
        let sig = pair.sign(head.cosigned_body(time).as_bytes());
        let signature = shared::note::Signature {
            name: name.into(),
            id: vkey.id(),
            blob: [&time.to_be_bytes(), sig.as_ref()].concat(),
        };
        shared::note::SignedHead {
            head,
            signatures: vec![signature],
        }
    };
    for forged in [
        head("cctv.example.gov.uk/box/ashby/1", 9),
        head("cctv.example.gov.uk/box/brook/1", 3),
    ] {
        let asked = t.b.client.destroy("c03/2026-11-03", Some(&forged));
        refused(asked, "it is due at");
    }
    // Set forward under it.
    let set = utc("2027-11-10T12:00:00.000Z");
    t.b.clock.set(set);
    let forged = head("cctv.example.gov.uk/box/ashby/1", 9);
    for note in [None, Some(&forged)] {
        let asked = t.b.client.destroy("c03/2026-11-03", note);
        refused(asked, "the clock was set forward");
    }
    t.still_opens();
    t.b.clock.set(utc("2026-11-10T12:00:00.000Z"));
    // A key of a start dies no earlier for a second one planted under its name.
    let (id, _) =
        t.b.recipients
            .seal_to(&cam(), day("2026-11-10"), 17, false)
            .expect("made");
    refused(t.b.client.destroy(&id.to_string(), None), "it is due at");
    t.plant("c03_boot-17_2.age", &id.to_string(), t.mine.clone());
    refused(t.b.client.destroy(&id.to_string(), None), "it is due at");
    // On its day it goes, off line.
    t.b.clock.reach(utc("2026-12-02T00:05:00.000Z"));
    t.b.client.destroy("c03/2026-11-03", None).expect("due");
    // The hub's own word counts, and moves what is proven for good: years on, all that is due goes.
    t.b.clock.set(utc("2029-12-31T23:59:30.000Z"));
    refused(
        t.b.client.destroy("c03/2026-11-04", None),
        "the clock was set forward",
    );
    let signed = head("cctv.example.gov.uk/box/ashby/1", 3);
    t.b.client
        .destroy("c03/2026-11-04", Some(&signed))
        .expect("proven");
    t.b.client.destroy("c03/2026-11-05", None).expect("proven");
}

/// V1b, V14: folders and files that the recorder may touch are renamed, linked and swapped while the reader runs: it opens, writes and
/// removes nothing but what it was asked for, where it was asked.
#[test]
fn nothing_is_overwritten_and_no_link_followed() {
    let t = taken();
    let (state, volume) = (t.b.state.clone(), t.b.volume.clone());
    let (text, sig) = ordered(hold_order(6, &cam(), "2026-12-20T00:00:00.000Z"));
    t.b.client.order(&text, &sig).expect("noted");
    // The copy's name is a link to the reader's identities.
    let to = volume.join(format!("held/H-000006/{}.new", t.past));
    fs::create_dir_all(to.parent().expect("folder")).expect("made");
    symlink(state.reader().join("identities"), &to).expect("linked");
    let before = t.own();
    t.hold(6)
        .expect("the link is removed, and what it leads to is not touched");
    assert!(
        before
            .iter()
            .all(|(f, bytes)| f.ends_with("identities") || fs::read(f).expect("read") == *bytes)
    );
    t.still_opens();
    drop(before);
    let own = t.own();
    let same = |what: &str| assert!(t.own() == own, "{what}");
    // A folder on the way is a link into the reader's.
    fs::remove_dir_all(volume.join("held")).expect("removed");
    symlink(state.reader(), volume.join("held")).expect("linked");
    let answer = {
        let key = KeyId::Hold {
            cam: cam(),
            hold: HoldId(6),
        };
        t.b.client
            .hold(&volume, &t.past, "c03/2026-11-03", &key, &t.sha256)
    };
    refused(answer, "link");
    same("held/ was a link");
    // The volume itself is one.
    fs::rename(&volume, state.root().join("was")).expect("moved");
    symlink(state.reader(), &volume).expect("linked");
    for path in ["identities", "root.key", "lock"] {
        refused(t.b.client.undecryptable(&volume.join(path)), "link");
    }
    refused(
        t.b.client
            .recover(&volume, &name(7).open_path(), "c03/2026-11-03"),
        "link",
    );
    fs::remove_file(&volume).expect("removed");
    fs::rename(state.root().join("was"), &volume).expect("moved back");
    same("the volume was a link");
    // Disks that nobody configured.
    for path in ["/", "/etc", &state.reader().display().to_string()] {
        let asked =
            t.b.client
                .recover(Path::new(path), &t.past, "c03/2026-11-03");
        refused(asked, "no volume");
        refused(
            t.b.client
                .undecryptable(&Path::new(path).join("identities")),
            "no volume",
        );
    }
    // An open segment that is a link to the identities is neither read nor replaced.
    let open = volume.join(name(8).open_path());
    symlink(state.reader().join("identities"), &open).expect("linked");
    refused(
        t.b.client
            .recover(&volume, &name(8).open_path(), "c03/2026-11-03"),
        "link",
    );
    same("an open segment was a link");
    // boot/ is a link to the reader's folder, then a FIFO lies in it.
    let boot = state.boot();
    fs::rename(&boot, state.recorder().join("was")).expect("moved");
    symlink(state.reader(), &boot).expect("linked");
    refused(t.b.client.destroy("c03/2026-11-03", None), "link");
    fs::remove_file(&boot).expect("removed");
    fs::rename(state.recorder().join("was"), &boot).expect("moved back");
    nix::unistd::mkfifo(&boot.join("c03_boot-3.age"), nix::sys::stat::Mode::S_IRWXU).expect("fifo");
    symlink(
        state.reader().join("identities"),
        boot.join("c03_boot-4.age"),
    )
    .expect("linked");
    t.still_opens();
    same("boot/ was exchanged");
    assert_eq!(t.stolen(), Vec::<PathBuf>::new());
    Folder::open(&volume).expect("a folder again");
}

/// V1b: a state folder that somebody else owns could give the reader another folder for its own: it does not start there.
#[test]
fn no_reader_below_a_folder_of_somebody_elses() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let home = tempfile::tempdir().expect("folder");
    let state = crate::state::State::new(home.path());
    state.for_recorder().expect("folders");
    state.for_reader().expect("folders");
    state.nobody_elses().expect("root's");
    std::os::unix::fs::chown(home.path(), Some(60001), None).expect("given away");
    let said = state.nobody_elses().expect_err("beadle's").to_string();
    assert!(said.contains("chown root:root"), "{said}");
}

/// V9's kind: connections that say nothing take a stated number of threads, end nothing, and whoever asks after them is answered.
#[test]
fn silent_connections_end_nothing() {
    let t = taken();
    let socket = t.b.state.reader_socket();
    let silent: Vec<_> = (0..400)
        .filter_map(|_| std::os::unix::net::UnixStream::connect(&socket).ok())
        .collect();
    assert!(silent.len() > 300, "{}", silent.len());
    let threads = || {
        let all = fs::read_dir("/proc/self/task").expect("threads");
        all.flatten()
            .filter_map(|t| fs::read_to_string(t.path().join("comm")).ok())
            .filter(|name| name.trim() == "reader-call")
            .count()
    };
    // Other tests of this process have readers, too.
    assert!(threads() < 200, "{}", threads());
    drop(silent);
    let path = t.b.volume.join(&t.past);
    let answered = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        t.b.client.undecryptable(&path).is_ok_and(|sure| !sure)
    });
    assert!(answered, "nobody is answered any more");
}

/// Recipients are made of the box's cameras alone, and of days around today: not of so many that they fill the reader's disk.
#[test]
fn no_keys_for_strange_cameras_or_days() {
    let t = taken();
    let strange = [CameraId::parse("c99").expect("camera")];
    let asked =
        t.b.client
            .recipients(&strange, day("2026-11-10"), 2, &t.b.recipients);
    refused(asked, "no camera of this box");
    for (from, days) in [
        ("2028-01-01", 40),
        ("2024-01-01", 40),
        ("2026-11-10", 3_000),
        ("9999-12-30", 4_000),
    ] {
        let asked =
            t.b.client
                .recipients(&[cam()], day(from), days, &t.b.recipients);
        refused(
            asked,
            "no key is made of a day more than 400 days from 2026-11-10",
        );
    }
}
