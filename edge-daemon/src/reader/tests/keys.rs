//! Task. Keys at every step of an erase; torn, lost, and those of a boot.
use super::*;

in_both_places!(
    erase_survives_a_cut_at_every_step,
    torn_key_files_are_undone_or_completed,
    lost_keys_are_refused,
    boot_keys_are_taken_in_and_destroyed,
);

/// RET-2: a power cut at every step of an erase leaves keys that open, the day either still there or gone, every other day there,
/// and once the new root key is staged the day is gone for good.
fn erase_survives_a_cut_at_every_step(kind: Kind) {
    let home = tempfile::tempdir().expect("dir");
    let folders = folders(home.path());
    let dir = folders.own.clone();
    let place = Place::new(kind);
    let mut store = KeyStore::open(&folders, &place.wish()).expect("open");
    assert_eq!(store.claim(), place.claim());
    store
        .recipients([key("c03/2026-11-03"), key("c03/2026-11-04")].into_iter())
        .expect("made");
    let old_root = store.root_for_tests();
    let old_file = fs::read(dir.join("identities")).expect("identities");
    let steps: Arc<Mutex<Vec<(&'static str, Snap)>>> = Arc::default();
    let (seen, from, snaps) = (steps.clone(), dir.clone(), home.path().join("snap"));
    let tpm = place.tpm.as_ref().map(Swtpm::state);
    store.on_step = Some(Box::new(move |name| {
        let mut seen = seen.lock().expect("lock");
        let to = snaps.join(seen.len().to_string());
        seen.push((name, Snap::take(&from, tpm.as_deref(), &to)));
    }));
    store.destroy(&key("c03/2026-11-03")).expect("destroyed");
    drop(store);
    let steps = steps.lock().expect("lock");
    assert_eq!(steps.len(), 5);
    for (i, (name, snap)) in steps.iter().enumerate() {
        let (dir, place) = (snap.dir(), snap.place(kind));
        let folders = folders.at(&dir);
        let mut store =
            KeyStore::open(&folders, &place.wish()).unwrap_or_else(|e| panic!("after {name}: {e}"));
        assert_eq!(store.pairs(&key("c03/2026-11-04")).len(), 1, "after {name}");
        let gone = store.pairs(&key("c03/2026-11-03")).is_empty();
        assert_eq!(
            gone,
            i >= 1,
            "after {name}: an erase counts once its root key is on disk"
        );
        store.destroy(&key("c03/2026-11-03")).expect("repeated");
        let root = store.root_for_tests();
        drop(store);
        for left in ["identities.new", "root.key.new"] {
            assert!(
                !dir.join(left).exists(),
                "after {name}: {left} is cleared away"
            );
        }
        assert_ne!(root, old_root, "after {name}");
        match kind {
            Kind::File => assert_eq!(fs::read(dir.join("root.key")).expect("root key"), root),
            Kind::Tpm => assert!(!dir.join("root.key").exists()),
        }
        // An old copy of the file, as worn flash may keep it, is noise to whatever root key is left.
        fs::write(dir.join("identities"), &old_file).expect("write");
        assert!(
            KeyStore::open(&folders, &place.wish()).is_err(),
            "after {name}"
        );
    }
}

/// RET-2: torn writes of the two new files, at every length, never lose the keys that count. (A TPM's index is written whole or not.)
fn torn_key_files_are_undone_or_completed(kind: Kind) {
    let home = tempfile::tempdir().expect("dir");
    let folders = folders(home.path());
    let dir = folders.own.clone();
    let place = Place::new(kind);
    let mut store = KeyStore::open(&folders, &place.wish()).expect("open");
    store
        .recipients([key("c03/2026-11-03"), key("c03/2026-11-04")].into_iter())
        .expect("made");
    let (from, to) = (dir.clone(), home.path().join("snap"));
    let tpm = place.tpm.as_ref().map(Swtpm::state);
    store.on_step = Some(Box::new(move |name| {
        if name == "new root key staged" {
            Snap::take(&from, tpm.as_deref(), &to);
        }
    }));
    store.destroy(&key("c03/2026-11-03")).expect("destroyed");
    let snap = Snap(home.path().join("snap"));
    let file_new = fs::read(snap.dir().join("identities.new")).expect("new identities");
    let try_with = |root: Option<&[u8]>, file: &[u8]| {
        let at = home.path().join("try");
        let _ = fs::remove_dir_all(&at);
        copy_dir(&snap.dir(), &at);
        if let Some(root) = root {
            fs::write(at.join("root.key.new"), root).expect("write");
        }
        fs::write(at.join("identities.new"), file).expect("write");
        let place = snap.place(kind);
        let store = KeyStore::open(&folders.at(&at), &place.wish()).expect("opens");
        assert_eq!(store.pairs(&key("c03/2026-11-04")).len(), 1);
        store.pairs(&key("c03/2026-11-03")).is_empty()
    };
    if kind == Kind::File {
        let root_new = fs::read(snap.dir().join("root.key.new")).expect("new root key");
        for len in 0..32 {
            assert!(
                !try_with(Some(&root_new[..len]), &file_new),
                "root key torn at {len}: undone"
            );
        }
        assert!(!try_with(Some(&[0; 32]), &file_new), "a root key of zeros");
    }
    let every = if kind == Kind::File { 7 } else { 83 };
    for len in (0..file_new.len()).step_by(every) {
        assert!(
            !try_with(None, &file_new[..len]),
            "identities torn at {len}: undone"
        );
    }
    assert!(try_with(None, &file_new), "whole: completed");
}

/// RET-2: keys that are gone are said to be gone, and never replaced in silence.
fn lost_keys_are_refused(kind: Kind) {
    let home = tempfile::tempdir().expect("dir");
    let folders = folders(home.path());
    let dir = folders.own.clone();
    let place = Place::new(kind);
    drop(KeyStore::open(&folders, &place.wish()).expect("open"));
    let (wish, said) = match kind {
        Kind::File => {
            fs::remove_file(dir.join("root.key")).expect("remove");
            (place.wish(), "move both away")
        }
        // The board was replaced, or somebody cleared its TPM.
        Kind::Tpm => (Place::new(kind).wish(), "cannot be used"),
    };
    let error = KeyStore::open(&folders, &wish)
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains(said), "{error}");
}

/// REC-1: with no recipient for the day or no clock the recorder makes its own pair; the reader takes it in, and destroys it for good.
fn boot_keys_are_taken_in_and_destroyed(kind: Kind) {
    let home = tempfile::tempdir().expect("dir");
    let folders = folders(home.path());
    let place = Place::new(kind);
    let recipients = Recipients::load(&State::new(home.path()));
    assert!(
        matches!(
            recipients.seal_to(&cam(), day("2026-11-03"), 17, true),
            Err(ReaderError::Keys(_))
        ),
        "the reader has never run"
    );
    let mut store = KeyStore::open(&folders, &place.wish()).expect("open");
    store.no_grace();
    let (id, recipient) = recipients
        .seal_to(&cam(), day("2026-11-03"), 17, true)
        .expect("made");
    assert_eq!(id.to_string(), "c03/boot-17");
    assert_eq!(
        recipients
            .seal_to(&cam(), day("2026-11-04"), 17, false)
            .expect("again")
            .1,
        recipient,
        "one key id, one pair"
    );
    let left: Vec<PathBuf> = fs::read_dir(folders.root.join("recorder/boot"))
        .expect("list")
        .map(|e| e.expect("entry").path())
        .collect();
    assert_eq!(left.len(), 1);
    let sealed_identity = fs::read(&left[0]).expect("read");
    assert_eq!(store.take_in(&mut |_, _| true).expect("taken in"), 1);
    assert!(!left[0].exists());
    assert_eq!(store.pairs(&id)[0].1, recipient);
    store.destroy(&id).expect("destroyed");
    drop(store);
    // A copy of the sealed identity, as a worn flash may keep it, opens with nothing the reader still has.
    let store = KeyStore::open(&folders, &place.wish()).expect("open");
    let all: Vec<String> = store
        .all()
        .iter()
        .map(|p| p.0.reveal().to_owned())
        .collect();
    let mut out = Vec::new();
    assert!(
        sealed::Opener::new(&all)
            .push(&sealed_identity, &mut out)
            .is_err()
    );
}
