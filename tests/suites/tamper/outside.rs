//! Adapter: openssl, the harness. Rows T and W: what authorities for time stamps and witnesses say of a package, and what can be done to that.

use std::sync::OnceLock;

use beadle_tests::{
    Folder,
    stamps::{Authority, Kind},
};

use super::{
    corpus::*,
    harness::{Case, Memory},
};

/// Two authorities, made once.
fn authorities() -> &'static (Folder, [Authority; 2]) {
    static MADE: OnceLock<(Folder, [Authority; 2])> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Folder::new("tamper-outside").expect("folder");
        let make = |name, kind| Authority::make(folder.path(), name, kind).expect("an authority");
        let both = [make("north", Kind::Rsa), make("south", Kind::P256)];
        (folder, both)
    })
}

fn witness() -> Key {
    key("cctv.next.gov.uk/hub/cosign-2026", 4, 80)
}

/// Lines of the hub's log: some beats, what it had seen of the box's log, one beat more.
fn hub_log(log: &str, size: usize, root: &Hash) -> Vec<Vec<u8>> {
    let event = |ms, kind: &str, data: String| Event {
        log: HUB_LOG.into(),
        who: "sys:hub".into(),
        boot: 3,
        ..ev(ms, kind, data)
    };
    let beat = |ms| {
        event(
            ms,
            "beat",
            r#"{"free_mib":512,"cams":0,"temp_c":null}"#.into(),
        )
    };
    let seen = format!(r#"{{"log":"{log}","size":{size},"root":"{}"}}"#, b64(root));
    let mut events: Vec<Event> = (0..4).map(|n| beat(n * 100)).collect();
    events.extend([event(61_000, "head.seen", seen), beat(119_000)]);
    chain(&events)
}

/// RFC 6962 2.1.2, word for word.
fn consistency(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    let n = leaves.len();
    if m == n {
        return if whole { vec![] } else { vec![root(leaves)] };
    }
    let k = n.next_power_of_two() / 2;
    let (mut out, other) = if m <= k {
        (consistency(m, &leaves[..k], whole), root(&leaves[k..]))
    } else {
        (consistency(m - k, &leaves[k..], false), root(&leaves[..k]))
    };
    out.push(other);
    out
}

/// What a package is given from outside.
struct Said {
    /// How many lines of the box's log the hub had seen.
    size: usize,
    /// The root it names; None: the right one.
    root: Option<Hash>,
    log: &'static str,
    /// What the stamps are over; None: the head.
    over: Option<&'static [u8]>,
    witness: Option<Key>,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            size: 18,
            root: None,
            log: BOX_LOG,
            over: None,
            witness: Some(witness()),
        }
    }
}

impl Said {
    fn package(&self) -> Files {
        let mut files = Package::default().contents();
        let leaves = leaves(&lines());
        let seen = self.root.unwrap_or_else(|| root(&leaves[..self.size]));
        let hub = hub_log(self.log, self.size, &seen);
        let note = head(HUB_LOG, &hub, 6, &hub_log_key(), Some(hub_time(120_000)));
        let body = note.split_once("\n\n").expect("a head").0.to_owned() + "\n";
        let mut proven = proof(HUB_LOG, &hub, 4, 6, &hub_log_key(), Some(hub_time(120_000)));
        if let Some(witness) = &self.witness {
            proven += &witness.line(&witness.cosign(&body, hub_time(180_000)));
        }
        let path = consistency(self.size, &leaves, true);
        let path: String = path.iter().map(|h| b64(h) + "\n").collect();
        files.insert("outside/seen.record".into(), hub[4].clone());
        files.insert("outside/seen.tlog-proof".into(), proven.into());
        files.insert("outside/seen.consistency".into(), path.into());
        for (authority, name) in authorities().1.iter().zip(["north", "south"]) {
            let stamp = authority.stamp(self.over.unwrap_or(body.as_bytes()));
            files.insert(format!("outside/{name}.tsr"), stamp.expect("a stamp"));
        }
        files
    }

    fn case(&self) -> Case {
        let [north, south] = &authorities().1;
        Case::package(seal(self.package(), 0))
            .trusting(&[&north.pem, &south.pem])
            .believing(&[witness().vkey()])
    }
}

/// A sound one, its listing stamped as well.
fn sound() -> Case {
    let mut case = Said::default().case();
    let sums = case.files["SHA256SUMS"].clone();
    let stamp = authorities().1[1].stamp(&sums).expect("a stamp");
    case.files.insert("SHA256SUMS.tsr".into(), stamp);
    case
}

/// AUD-4, EVI-2: who stamped and who attested is said, with how much of the log that covers; what was not given is not judged.
#[test]
fn t01_what_is_sound_is_said_aud_4() {
    let said = sound().is(
        "INTACT",
        &[
            "TIME-STAMPED",
            "GAP-DECLARED",
            "ANCHORED",
            "ANCHORED",
            "WITNESSED",
        ],
    );
    assert!(
        said.contains("the first 18 lines of this log, with 3 of 3 recordings here"),
        "{said}"
    );
    let [north, south] = &authorities().1;
    let not = "TIME-STAMP-NOT-CHECKED";
    sound()
        .trusting(&[])
        .is("INTACT", &[not, "GAP-DECLARED", not, not, "WITNESSED"]);
    sound().trusting(&[&north.pem]).is(
        "INTACT",
        &[not, "GAP-DECLARED", "ANCHORED", not, "WITNESSED"],
    );
    sound().trusting(&[&south.pem]).believing(&[]).is(
        "INTACT",
        &[
            "TIME-STAMPED",
            "GAP-DECLARED",
            not,
            "ANCHORED",
            "WITNESS-NOT-CHECKED",
        ],
    );
    let nobody = Case::package(Package::default().build())
        .trusting(&[&north.pem])
        .believing(&[witness().vkey()]);
    nobody.is("INTACT", &["GAP-DECLARED", "NOT-ANCHORED", "NOT-WITNESSED"]);
    // Some of the recordings alone, or the very head of the package.
    let some = Said {
        size: 11,
        ..Said::default()
    }
    .case();
    let said = some.is(
        "INTACT",
        &["GAP-DECLARED", "ANCHORED", "ANCHORED", "WITNESSED"],
    );
    assert!(said.contains("with 1 of 3 recordings here"), "{said}");
    let all = Said {
        size: 22,
        ..Said::default()
    }
    .case();
    all.is(
        "INTACT",
        &["GAP-DECLARED", "ANCHORED", "ANCHORED", "WITNESSED"],
    );
}

/// AUD-4: a stamp of something else, one that was changed, one of nobody; over the head and over the listing.
#[test]
fn t02_stamps_that_do_not_fit_aud_4() {
    let other = Said {
        over: Some(b"something else"),
        ..Said::default()
    }
    .case();
    other.shows("TIME-STAMP-BAD\tfile outside/north.tsr");
    other.shows("TIME-STAMP-BAD\tfile outside/south.tsr");
    let mut case = sound();
    case.files
        .insert("SHA256SUMS.tsr".into(), b"rubbish".to_vec());
    case.shows("TIME-STAMP-BAD\tfile SHA256SUMS.tsr");
    // Of another listing.
    let stamp = authorities().1[0]
        .stamp(b"another listing")
        .expect("a stamp");
    case.files.insert("SHA256SUMS.tsr".into(), stamp);
    case.shows("TIME-STAMP-BAD\tfile SHA256SUMS.tsr");
    // An authority of the same name that somebody made at home; and one of another name, of which nobody here knows anything.
    let folder = Folder::new("tamper-forged").expect("folder");
    let mut case = sound();
    for (name, finding) in [
        ("south", "TIME-STAMP-BAD"),
        ("west", "TIME-STAMP-NOT-CHECKED"),
    ] {
        let forged = Authority::make(folder.path(), name, Kind::P256).expect("an authority");
        let stamp = forged.stamp(&case.files["SHA256SUMS"]).expect("a stamp");
        case.files.insert("SHA256SUMS.tsr".into(), stamp);
        let report = case.judge();
        assert!(
            report.contains(&format!("\n{finding}\tfile SHA256SUMS.tsr\t")),
            "{report}"
        );
    }
}

/// AUD-4: a line of the hub that is not proven, of another log, or whose head is not of the log here.
#[test]
fn t03_stamps_over_another_history_aud_4() {
    let place = "NOT-IN-LOG\tfile outside/seen.record";
    Said {
        root: Some([7; 32]),
        ..Said::default()
    }
    .case()
    .shows(place);
    let log = "cctv.example.gov.uk/box/ashby-high-street/2";
    Said {
        log,
        ..Said::default()
    }
    .case()
    .shows(place);
    for name in ["seen.record", "seen.consistency"] {
        let mut files = Said::default().package();
        files.remove(&format!("outside/{name}"));
        let mut case = Said::default().case();
        case.files = seal(files, 0);
        case.shows(place);
    }
    for (name, bytes) in [
        ("seen.consistency", &b"AAAA\n"[..]),
        ("seen.record", b"x\n"),
    ] {
        let mut files = Said::default().package();
        files.insert(format!("outside/{name}"), bytes.to_vec());
        let mut case = Said::default().case();
        case.files = seal(files, 0);
        case.shows(place);
    }
    // And a file beside them that nobody listed.
    let mut case = Said::default().case();
    case.files.insert("outside/third.tsr".into(), b"x".to_vec());
    case.shows("EXTRA-FILE\tfile outside/third.tsr");
}

/// AUD-4: a cosignature that is not the witness's, and one of a witness nobody knows.
#[test]
fn w01_witnesses_aud_4() {
    let mut stranger = witness();
    stranger.signing = key("x", 4, 81).signing;
    let case = Said {
        witness: Some(stranger),
        ..Said::default()
    }
    .case();
    // Its key id is another: it counts as nobody's.
    case.is(
        "INTACT",
        &["GAP-DECLARED", "ANCHORED", "ANCHORED", "NOT-WITNESSED"],
    );
    let case = Said::default().case();
    let note = String::from_utf8(case.files["outside/seen.tlog-proof"].clone()).expect("text");
    let last = note
        .trim_end()
        .rsplit(' ')
        .next()
        .expect("a signature")
        .to_owned();
    for at in [20, 90] {
        let mut broken = last.clone().into_bytes();
        broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
        let broken = String::from_utf8(broken).expect("text");
        let mut files = Said::default().package();
        files.insert(
            "outside/seen.tlog-proof".into(),
            note.replace(&last, &broken).into(),
        );
        let mut case = Said::default().case();
        case.files = seal(files, 0);
        case.shows("BAD-SIGNATURE\tfile outside/seen.tlog-proof");
    }
}

/// V-rows: every changed bit of a stamp is judged alike by Rust and verify.py; none that is signed counts as good.
#[test]
fn t04_changed_stamps_one_verdict_aud_4() {
    let case = sound();
    let stamp = case.files["SHA256SUMS.tsr"].clone();
    let mut files = Memory(case.files.clone());
    let mut good = 0;
    for byte in 0..stamp.len() {
        let mut mutant = stamp.clone();
        mutant[byte] ^= 1 << (byte % 8);
        files.0.insert("SHA256SUMS.tsr".into(), mutant.clone());
        good += usize::from(case.rust(&files).render().contains("\nTIME-STAMPED\t"));
        // verify.py takes a tenth of a second for each.
        if byte % 61 == 0 {
            let mut one = case.clone();
            one.files.insert("SHA256SUMS.tsr".into(), mutant);
            one.judge();
        }
    }
    assert!(good < 70, "{good}");
}
