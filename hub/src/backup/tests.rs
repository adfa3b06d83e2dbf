//! Wiring. Tests of backups on a hub with real records, keys, log and files: what is new is written, what is damaged is found and named, and what is put
//! back goes on.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use shared::{id::ExhibitRef, time::Utc};
use zeroize::Zeroizing;

use super::{
    acts,
    error::BackupError,
    format::{self, Upto},
    make::{self, BackupReport, Folder, OwnPart, Plan, To},
    restore::{self, BackupKey, RestoreOrder, RestoreReport},
    rolled, source,
};
use crate::{
    access::authorise::Permit,
    config::Raw,
    db::rolled::ShownLog,
    error::HubError,
    hub::{
        Hub,
        testing::{self, Hands, SCHEME},
    },
    model::backup::WrittenBackup,
    ownlog::OwnLog,
    words,
};

const START: i64 = 1_793_714_400_000;
const DAY: u64 = 86_400_000;
const WORDS: &str = "three safe words of it";

struct Rig {
    /// Opens its folder.
    identity: Zeroizing<String>,
    to: String,
    dir: tempfile::TempDir,
    clock: Arc<Hands>,
    hub: Hub,
}

fn kim() -> Permit {
    Permit::of_test(2, "kim")
}

fn lee() -> Permit {
    Permit::of_test(3, "lee")
}

fn exh(n: u32) -> ExhibitRef {
    ExhibitRef::new(2026, n)
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let state = dir.path().join("hub");
        fs::create_dir(&state).expect("folder");
        let clock = Hands::at(Utc(START));
        let hub = testing::open(&state, clock.clone());
        let any = || Some("127.0.0.1:0".to_owned());
        let raw = Raw {
            scheme: Some(SCHEME.into()),
            zone: Some("Europe/London".into()),
            quic: any(),
            https: any(),
            evidence: Some("evidence".into()),
            names: Some(vec!["127.0.0.1".into()]),
            ..Raw::default()
        };
        let text = toml::to_string(&raw).expect("toml");
        fs::write(state.join("hub.toml"), text).expect("written");
        fs::write(state.join("declaration.txt"), "We look at nobody.").expect("written");
        hub.account(2, "kim", "coordinator");
        hub.account(3, "lee", "administrator");
        let (identity, to) = footage::sealed::keypair();
        let rig = Self {
            identity,
            to,
            dir,
            clock,
            hub,
        };
        rig.exhibit(1, 300_000);
        rig.exhibit(2, 5_000_000);
        let log = rig.hub.state.join("boxes/ashby/log/1");
        fs::create_dir_all(&log).expect("folder");
        fs::write(log.join("0000000000.jsonl"), "{}\n{}\n{\"half").expect("written");
        rig
    }

    /// A package at rest, and its key.
    fn exhibit(&self, n: u32, len: usize) {
        self.hub.keys.exhibit_recipient(&exh(n)).expect("key");
        let folder = self.hub.config.evidence.join(exh(n).as_str()).join("c01");
        fs::create_dir_all(&folder).expect("folder");
        let bytes: Vec<u8> = (0..len).map(|i| (i / 7 + n as usize) as u8).collect();
        fs::write(folder.join("master.age"), bytes).expect("written");
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("stick")
    }

    fn backed_up_with(
        &self,
        to: Option<&To>,
        keep: u32,
        thorough: bool,
    ) -> Result<BackupReport, BackupError> {
        let mut folder = Folder::begin(&self.folder(), SCHEME, to)?;
        let label = folder.label().clone();
        let above = folder.highest()?;
        let begun = acts::begin(&self.hub, above, &label.id, &label.to, &kim()).expect("begun");
        let m = begun.moment;
        let plan = Plan {
            state: self.hub.state.clone(),
            evidence: self.hub.config.evidence.clone(),
            records: m.records.clone(),
            own: OwnPart {
                number: m.number,
                size: m.size,
                head: m.head,
            },
            upto: Upto {
                log: m.log,
                size: m.size,
                root: m.root,
            },
            n: begun.backup,
            made: begun.made,
            keep,
            keep_keys: 1,
            thorough,
        };
        let mut told = Vec::new();
        let written = make::make(&mut folder, &plan, |at, of| told.push((at, of)));
        let end = written.as_ref().ok().map(|w| WrittenBackup {
            sums: w.sums.clone(),
            files: w.mark.files,
            bytes: w.mark.bytes,
            fresh: w.new,
        });
        acts::end(&self.hub, begun.backup, end.as_ref(), &kim()).expect("ended");
        assert!(!m.records.exists(), "the copy of the records is gone");
        assert!(told.is_sorted());
        written
    }

    fn backed_up(&self) -> BackupReport {
        let to = To::Recipient(self.to.clone());
        self.backed_up_with(Some(&to), 3, false).expect("written")
    }

    fn wanted(&self, name: &str) -> RestoreOrder {
        RestoreOrder {
            folder: self.folder(),
            state: self.dir.path().join(name),
            opens: BackupKey::Identity(self.identity.clone()),
            backup: None,
            evidence: None,
            leave_out: false,
        }
    }

    fn restored(&self, wanted: &RestoreOrder) -> Result<RestoreReport, BackupError> {
        restore::restore(wanted, self.clock.clone(), |_, _| {})
    }
}

fn same(a: &Path, b: &Path) {
    assert!(
        fs::read(a).expect("read") == fs::read(b).expect("read"),
        "{}",
        a.display()
    );
}

fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for inner in fs::read_dir(folder.join(format::OBJECTS)).expect("objects") {
        let inner = inner.expect("entry").path();
        let files = fs::read_dir(inner).expect("objects");
        all.extend(files.map(|e| e.expect("entry").path()));
    }
    all.sort();
    all
}

/// RET-5, AUD-3: a second backup writes what is new alone; put back, all is as it was, under the same keys; nothing readable lies in the folder.
#[test]
fn what_is_new_is_written_and_all_of_it_put_back() {
    let rig = Rig::new();
    let first = rig.backed_up();
    assert!(first.new > 5_000_000, "{first:?}");
    rig.clock.later(DAY);
    let second = rig.backed_up();
    assert!(second.new < 2_000_000, "{second:?}");
    assert_eq!((first.mark.n, second.mark.n), (1, 2));
    let (marks, pieces, bad) = make::check(&rig.folder(), |_, _| {}).expect("checked");
    assert_eq!((marks.len(), bad.len()), (2, 0));
    assert_eq!(pieces, objects(&rig.folder()).len() as u64);
    for object in objects(&rig.folder()) {
        let bytes = fs::read(&object).expect("read");
        assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
    }
    let wanted = rig.wanted("fresh");
    let done = rig.restored(&wanted).expect("put back");
    assert_eq!((done.exhibit_keys, done.damaged.len()), (2, 0));
    assert_eq!(done.vkey, rig.hub.keys.cosign_vkey().to_string());
    let (old, new) = (&rig.hub.state, &wanted.state);
    for path in [
        "hub.toml",
        "declaration.txt",
        "keys/ca.key",
        "keys/cosign.key",
        "keys/backup.key",
        "keys/exhibits/EXH-2026-000002.key",
        "evidence/EXH-2026-000002/c01/master.age",
    ] {
        same(&old.join(path), &new.join(path));
    }
    let lines = fs::read_to_string(new.join("boxes/ashby/log/1/0000000000.jsonl"));
    assert_eq!(lines.expect("read"), "{}\n{}\n", "whole lines");
    assert!(!new.join("log/keys/1.current").exists());
    assert!(!new.join("restore.json").exists());
    // It goes on in its next log, with numbers that none of the lost one can have had.
    let hub = testing::open(new, rig.clock.clone());
    assert_eq!(hub.log.origin(), "cctv.example.gov.uk/hub/2");
    assert!(hub.log.number(0) >= 1_000_000);
    assert!(hub.db.account_numbered(3).expect("reads").is_some());
    let all = hub.log.all();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].2, 0);
    assert!(hub.hire("new", "operator", "right horse") > 100);
    let rows = hub.db.backups(9).expect("reads");
    assert_eq!(rows.len(), 2, "{rows:?}");
    // And goes on into the same folder.
    let folder = Folder::begin(&rig.folder(), SCHEME, None).expect("opened");
    let next = acts::begin(
        &hub,
        folder.highest().expect("reads"),
        &folder.label().id,
        &folder.label().to,
        &kim(),
    );
    assert_eq!(next.expect("begun").backup, 3);
}

/// RET-5: what was disposed of is gone from the folder with the next backup, whichever is put back; old backups go, and pieces that nobody names.
#[test]
fn a_disposal_reaches_it() {
    let rig = Rig::new();
    rig.backed_up();
    let held = fs::read_to_string(rig.hub.state.join("keys/exhibits/EXH-2026-000001.key"));
    assert!(held.expect("a key").contains("AGE-SECRET-KEY-1"));
    rig.hub.keys.destroy_exhibit(&exh(1)).expect("destroyed");
    fs::remove_dir_all(rig.hub.config.evidence.join(exh(1).as_str())).expect("gone");
    rig.clock.later(DAY);
    let second = rig.backed_up();
    assert_eq!((second.exhibit_keys, second.dropped), (1, 1), "{second:?}");
    assert!(!rig.folder().join(format::keys_path(1)).exists());
    let mut wanted = rig.wanted("older");
    wanted.backup = Some(1);
    let done = rig.restored(&wanted).expect("put back");
    assert_eq!((done.keys_of, done.newer), (2, 1));
    assert_eq!(done.disposed, ["EXH-2026-000001"]);
    assert!(!wanted.state.join("evidence/EXH-2026-000001").exists());
    assert!(
        wanted
            .state
            .join("evidence/EXH-2026-000002/c01/master.age")
            .exists()
    );
    let before = objects(&rig.folder()).len();
    for _ in 0..3 {
        rig.clock.later(DAY);
        rig.backed_up();
    }
    let (marks, pieces, bad) = make::check(&rig.folder(), |_, _| {}).expect("checked");
    let kept: Vec<u64> = marks.iter().map(|m| m.n).collect();
    assert_eq!((kept, bad.len()), (vec![3, 4, 5], 0));
    assert_eq!(pieces as usize, objects(&rig.folder()).len());
    assert!(pieces as usize <= before + 9, "{pieces} {before}");
}

/// AUD-3: every damage is named with its part and what to do; a restore that failed is no hub and is given again, from whatever point it broke
/// off at; what broke off while it was written is no backup.
#[test]
fn damage_is_named_and_a_restore_is_given_again() {
    let rig = Rig::new();
    rig.backed_up();
    let mut wanted = rig.wanted("fresh");
    let (identity, _) = footage::sealed::keypair();
    wanted.opens = BackupKey::Identity(identity);
    let no = rig.restored(&wanted).expect_err("another identity");
    assert!(matches!(no, BackupError::Identity { .. }), "{no}");
    assert!(!wanted.state.exists());
    wanted.opens = BackupKey::Identity(rig.identity.clone());
    // Each part, damaged and away: the restore says which, leaves no hub, and is given again.
    let mut parts = vec![
        rig.folder().join(format::list_path(1)),
        rig.folder().join(format::keys_path(1)),
    ];
    parts.extend(objects(&rig.folder()));
    for (at, part) in parts.iter().enumerate() {
        let good = fs::read(part).expect("read");
        if at % 2 == 0 {
            let mut bad = good.clone();
            let middle = bad.len() / 2;
            bad[middle] ^= 1;
            fs::write(part, bad).expect("damaged");
        } else {
            fs::remove_file(part).expect("gone");
        }
        let no = rig.restored(&wanted).expect_err("damaged").to_string();
        let name = part.file_name().and_then(|n| n.to_str()).expect("a name");
        // Of a piece that is away nobody knows its file's own hash.
        let name = &name[..name.len().min(64)];
        assert!(no.contains(name) && no.contains("another copy"), "{no}");
        assert!(!wanted.state.join("hub.toml").exists());
        fs::write(part, good).expect("mended");
    }
    rig.restored(&wanted).expect("given again");
    let no = rig.restored(&wanted).expect_err("there is a hub");
    assert!(matches!(no, BackupError::HubThere(_)), "{no}");
    // Somebody else's folder is left alone.
    let mut other = rig.wanted("other");
    fs::create_dir(&other.state).expect("folder");
    fs::write(other.state.join("letters.txt"), "mine").expect("written");
    let no = rig.restored(&other).expect_err("files").to_string();
    assert!(no.contains("letters.txt"), "{no}");
    assert!(other.state.join("letters.txt").exists());
    // Evidence that is damaged can be left out, by name; all else is put back.
    let large = objects(&rig.folder())
        .into_iter()
        .max_by_key(|o| o.metadata().map_or(0, |m| m.len()));
    fs::remove_file(large.expect("an object")).expect("gone");
    other.state = rig.dir.path().join("third");
    other.leave_out = true;
    let done = rig.restored(&other).expect("put back");
    assert_eq!(done.damaged, ["EXH-2026-000002/c01/master.age"]);
    // The next backup writes that piece again; one that looks at everything finds what another lost.
    rig.backed_up();
    let (_, _, bad) = make::check(&rig.folder(), |_, _| {}).expect("checked");
    assert_eq!(bad.len(), 0, "{bad:?}");
    let first = objects(&rig.folder()).swap_remove(0);
    fs::write(&first, "rubbish").expect("damaged");
    let (_, _, bad) = make::check(&rig.folder(), |_, _| {}).expect("checked");
    assert_eq!(bad.len(), 1, "{bad:?}");
    let mended = rig.backed_up_with(None, 3, true).expect("written");
    assert_eq!(mended.mended, 1);
    // A run that was cut off: its list without a mark, an object half written.
    fs::write(rig.folder().join(format::list_path(77)), "x").expect("written");
    fs::write(first.with_file_name("a.part"), "x").expect("written");
    let next = rig.backed_up();
    assert_eq!(next.mark.n, 78);
    assert!(!rig.folder().join(format::list_path(77)).exists());
    assert!(!first.with_file_name("a.part").exists());
}

/// A folder is one hub's, and sealed to one recipient; whom a new one is sealed to has to be said, and other files are not written among.
#[test]
fn a_folder_is_one_hubs() {
    let rig = Rig::new();
    let no = Folder::begin(&rig.folder(), SCHEME, None)
        .err()
        .expect("to whom?");
    assert!(no.to_string().contains("--to age1"), "{no}");
    let nobody = To::Recipient("age1nobody".into());
    assert!(Folder::begin(&rig.folder(), SCHEME, Some(&nobody)).is_err());
    let to = To::Recipient(rig.to.clone());
    rig.backed_up_with(Some(&to), 3, false).expect("written");
    let held = Folder::begin(&rig.folder(), SCHEME, Some(&to)).expect("opened");
    let no = Folder::begin(&rig.folder(), SCHEME, Some(&to))
        .err()
        .expect("busy");
    assert!(matches!(no, BackupError::Busy(_)), "{no}");
    drop(held);
    let no = Folder::begin(&rig.folder(), "cctv.other.gov.uk", Some(&to)).err();
    assert!(matches!(no, Some(BackupError::OtherHub { .. })));
    let other = To::Recipient(footage::sealed::keypair().1);
    let no = Folder::begin(&rig.folder(), SCHEME, Some(&other)).err();
    assert!(matches!(no, Some(BackupError::OtherRecipient { .. })));
    let full = rig.dir.path().join("full");
    fs::create_dir(&full).expect("folder");
    fs::write(full.join("x"), "mine").expect("written");
    let no = Folder::begin(&full, SCHEME, Some(&to)).err();
    assert!(matches!(no, Some(BackupError::NotEmpty { .. })));
    let mut wanted = rig.wanted("fresh");
    wanted.opens = BackupKey::Passphrase(Zeroizing::new(WORDS.into()));
    let no = rig
        .restored(&wanted)
        .expect_err("no passphrase")
        .to_string();
    assert!(no.contains("--identity"), "{no}");
    // One that a passphrase opens.
    let other = Rig::new();
    let to = To::Passphrase(Zeroizing::new(WORDS.into()));
    other.backed_up_with(Some(&to), 3, false).expect("written");
    let mut wanted = other.wanted("fresh");
    wanted.opens = BackupKey::Passphrase(Zeroizing::new("three other words".into()));
    let no = other.restored(&wanted).expect_err("another passphrase");
    assert!(
        matches!(&no, BackupError::Passphrase(at) if at.ends_with("identity.age")),
        "{no}"
    );
    wanted.opens = BackupKey::Passphrase(Zeroizing::new(WORDS.into()));
    other.restored(&wanted).expect("put back");
}

/// Everything that a hub has in its state folder is in a backup, or is said not to be.
#[test]
fn nothing_is_forgotten() {
    let rig = Rig::new();
    let known: BTreeSet<&str> = source::TAKEN.into_iter().chain(source::LEFT).collect();
    rig.backed_up();
    for entry in fs::read_dir(&rig.hub.state).expect("state") {
        let name = entry.expect("entry").file_name();
        let name = name.to_str().expect("a name");
        assert!(
            known.contains(name) || name == "evidence",
            "{name}: in a backup or not?"
        );
    }
    let own = OwnPart {
        number: 1,
        size: 2,
        head: "head".into(),
    };
    let records = rig.hub.state.join("hub.sqlite");
    let all = source::gather(&rig.hub.state, &rig.hub.config.evidence, &records, &own);
    let all: Vec<String> = all.expect("gathered").into_iter().map(|s| s.path).collect();
    for name in fs::read_dir(rig.hub.state.join("keys")).expect("keys") {
        let name = name.expect("entry").file_name();
        let path = format!("keys/{}", name.to_str().expect("a name"));
        assert_eq!(all.contains(&path), path != "keys/exhibits", "{path}");
    }
    assert!(!all.iter().any(|p| p.starts_with("log/keys")), "{all:?}");
}

/// ROL-5, AUD-3: that the records are an older copy stands, with what boxes told and what nobody can tell, until one asks and another approves; it is
/// on the log with both; another copy makes it stand again.
#[test]
fn two_people_settle_it() {
    let rig = Rig::new();
    let hub = &rig.hub;
    assert!(rolled::show(hub).expect("shown").stands.is_none());
    assert!(rolled::ask(hub, "looked", &kim()).is_err());
    let shown = |n| ShownLog {
        log: "cctv.example.gov.uk/box/ashby/1".into(),
        shown: n,
        held: 40,
        at: hub.now(),
    };
    for n in [90, 70] {
        hub.db.rollback_shown(&shown(n)).expect("kept");
    }
    let stands = rolled::show(hub).expect("shown").stands.expect("it stands");
    assert_eq!((stands.logs.len(), stands.logs[0].shown), (1, 90));
    let text = words::rolled(&stands, &hub.config.zone).join("\n");
    for must in [
        "HUB-ROLLED-BACK",
        "90 lines, and knew 40",
        "tokens that were revoked",
        "revoke)",
    ] {
        assert!(text.contains(must), "{must}: {text}");
    }
    assert_eq!(rolled::notices(hub).expect("notices").len(), 1);
    let refused = |e: HubError| e.class() == crate::reason::class::Class::Refused;
    assert!(refused(
        rolled::approve(hub, &lee()).expect_err("nobody asked")
    ));
    assert!(rolled::ask(hub, "  ", &kim()).is_err());
    rolled::ask(hub, "every list was gone through", &kim()).expect("asked");
    assert!(rolled::ask(hub, "again", &lee()).is_err());
    assert!(rolled::approve(hub, &kim()).is_err(), "the same person");
    let done = rolled::approve(hub, &lee()).expect("settled");
    assert!(done.stands.is_none());
    assert_eq!(rolled::notices(hub).expect("notices"), []);
    let lines = |kind| lines(&hub.log, kind);
    assert_eq!((lines("rollback.ask"), lines("rollback.settle")), (1, 1));
    hub.db.rollback_shown(&shown(95)).expect("kept");
    assert!(rolled::show(hub).expect("shown").stands.is_some());
}

fn lines(log: &OwnLog, kind: &str) -> usize {
    let mut count = 0;
    let each = |r: &shared::record::Record| {
        count += usize::from(r.kind == kind);
        Ok(())
    };
    crate::acts::lines(&log.folder(), 0, each).expect("read");
    count
}
