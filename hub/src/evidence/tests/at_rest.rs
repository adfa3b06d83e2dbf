//! Adapter: filesystem. Packages at rest: nothing in plain, what is saved, what is damaged.

use super::*;

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let list = logbook::Folder(dir.to_owned()).list().expect("list");
    list.iter().map(|name| dir.join(name)).collect()
}

/// Files below `dir` that hold one of these.
fn holding(dir: &Path, needles: &[Vec<u8>]) -> Vec<PathBuf> {
    let mut found = files_below(dir);
    found.retain(|path| {
        let bytes = std::fs::read(path).expect("read");
        needles
            .iter()
            .any(|n| bytes.windows(n.len()).any(|w| w == n))
    });
    found
}

/// What a plain master or working copy is known by, and 64 bytes of each of these.
fn needles(rest: &Resting) -> Vec<Vec<u8>> {
    let mut out = vec![
        b"ftypiso6".to_vec(),
        b"ftypisom".to_vec(),
        b"mvhd\0\0\0\0".to_vec(),
    ];
    for name in rest.list().expect("list") {
        if name.ends_with(".mp4") {
            let plain = rest.read(&name).expect("opens");
            for kind in [b"moov", b"mdat"] {
                let at = plain.windows(4).position(|w| w == kind).expect("a box");
                out.push(plain[at - 20..at + 44].to_vec());
            }
        }
    }
    out
}

/// RET-5, EVI-1: when a package has been made, no file of the hub holds a master, a working copy or the certificate in plain. The masters
/// are the very sealed files that came from the box, and are nowhere else any more.
#[test]
fn nothing_rests_in_plain() {
    let scene = scene([320; 5]);
    let fetched: Vec<(PathBuf, Vec<u8>)> = scene
        .order
        .masters
        .iter()
        .map(|f| (f.path.clone(), std::fs::read(&f.path).expect("read")))
        .collect();
    let made = scene.made();
    let rest = scene.rest();
    let mut needles = needles(&rest);
    assert_eq!(
        needles.len(),
        3 + 2 * 6,
        "four masters and two working copies"
    );
    needles.extend(["PC 4411 Example", "theft from shop", "seg.write"].map(Vec::from));
    for needle in &needles[..3] {
        // They are what a plain one would be found by.
        let names = rest.list().expect("list");
        let pictures = names.iter().filter(|n| n.ends_with(".mp4"));
        let plain: Vec<Vec<u8>> = pictures.map(|n| rest.read(n).expect("opens")).collect();
        let found = plain.iter().any(|p| p.windows(8).any(|w| w == needle));
        assert!(found, "{needle:?}");
    }
    for part in ["evidence", "hub"] {
        // The hub's own log and what is beside the sums hold neither.
        let found = holding(&scene.folder.path().join(part), &needles);
        assert!(found.is_empty(), "{found:?}");
    }
    for file in files_below(&made.folder) {
        let name = file.strip_prefix(&made.folder).expect("below");
        let name = name.to_string_lossy();
        assert!(
            name.starts_with("SHA256SUMS") != name.ends_with(".age"),
            "{name}"
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &file.metadata().expect("metadata").permissions(),
        );
        assert!(!name.ends_with(".age") || name.starts_with("master/") || mode & 0o77 == 0);
    }
    for ((path, sealed), master) in fetched.iter().zip(&made.masters) {
        assert!(!path.exists(), "{}", path.display());
        let there = std::fs::read(rest.path(&master.file)).expect("master");
        assert!(there == *sealed, "{}: sealed anew", master.file);
    }
    // Without the key nothing opens.
    let other = Resting::new(made.folder.clone(), sealed::keypair().0);
    let list = other.list().expect("list");
    for name in list.iter().filter(|n| !resting::in_plain(n)) {
        assert!(other.read(name).is_err(), "{name}");
    }
}

/// RET-5, EVI-1: the package that rests verifies, and the one that is saved is byte for byte what was verified: the same names, the same
/// hashes, the same report. It is there whole or not at all, for its owner only, and never over another.
#[test]
fn what_is_saved_is_what_was_verified() {
    let scene = scene([320; 5]);
    let made = scene.made();
    let rest = scene.rest();
    let report = verify::package(&rest, &options(&scene.hub));
    assert_eq!(report.render(), made.report.render());
    assert_eq!(report.exit_status(), 0);

    let left = scene.folder.path().join("saved/EXH-2026-000123.part/x");
    resting::private_dir(&left).expect("what a killed save left");
    let mut told = Vec::new();
    let saved = scene.saved_as(
        &scene.folder.path().join("saved"),
        Form::Folder,
        &Seal::None,
        |at, of| told.push((at, of)),
    );
    let saved = saved.expect("saved");
    assert_eq!(saved.report.render(), report.render());
    assert_eq!(told.last(), Some(&(saved.bytes, saved.bytes)));
    assert_eq!(saved.sha256, made.sums, "of a folder that of its sums");
    let plain = logbook::Folder(saved.path.clone());
    let names = rest.list().expect("list");
    assert_eq!(plain.list().expect("list"), names);
    assert_eq!(saved.files, names.len() as u64);
    for name in &names {
        assert!(
            plain.read(name).expect("read") == rest.read(name).expect("read"),
            "{name}"
        );
        let path = saved.path.join(name);
        let about = path.metadata().expect("metadata").permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&about) & 0o77,
            0,
            "{name}"
        );
    }
    let names = || -> Vec<_> {
        let dir = scene.folder.path().join("saved").read_dir().expect("list");
        dir.map(|e| e.expect("entry").file_name()).collect()
    };
    assert_eq!(names(), ["EXH-2026-000123"]);
    assert!(matches!(scene.saved_in("saved"), Err(SaveError::Exists(_))));

    // Somebody who saves it to the same place at the same time is not disturbed.
    let part = scene.folder.path().join("twice/EXH-2026-000123.part");
    resting::private_dir(&part).expect("part");
    let held = nix::fcntl::Flock::lock(
        std::fs::File::open(&part).expect("open"),
        nix::fcntl::FlockArg::LockExclusiveNonblock,
    )
    .map_err(|(_, e)| e)
    .expect("lock");
    assert!(matches!(scene.saved_in("twice"), Err(SaveError::Busy(_))));
    assert!(part.exists());
    drop(held);
    scene.saved_in("twice").expect("saved");
}

/// RET-5, AUD-4: a flipped bit in any file of a resting package is found by the check, and nothing is saved of it.
#[test]
fn a_flipped_bit_at_rest_is_found() {
    let scene = scene([320; 5]);
    scene.made();
    let rest = scene.rest();
    let status = || verify::package(&rest, &options(&scene.hub)).exit_status();
    for path in files_below(rest.root()) {
        let good = std::fs::read(&path).expect("read");
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("write");
            assert_ne!(status(), 0, "byte {at} of {}", path.display());
        }
        assert!(scene.saved_in("bad").is_err(), "{}", path.display());
        let cut = good.len() - 20.min(good.len());
        std::fs::write(&path, &good[..cut]).expect("write");
        assert_ne!(status(), 0, "cut: {}", path.display());
        std::fs::write(&path, &good).expect("write");
    }
    assert_eq!(status(), 0);
    let below = scene.folder.path().join("bad").read_dir().expect("list");
    assert_eq!(below.count(), 0, "nothing half-saved is left");
    // A plain file beside its sealed one is a leak, and no part of the package.
    let records = rest.read(names::RECORDS).expect("records");
    std::fs::write(rest.root().join(names::RECORDS), records).expect("write");
    let report = verify::package(&rest, &options(&scene.hub)).render();
    assert!(
        report.contains("EXTRA-FILE\tfile log/records.jsonl (not sealed)"),
        "{report}"
    );
}
