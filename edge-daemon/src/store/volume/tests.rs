//! Task. Volumes that are sick, full, away, and someone else's.
use super::*;

/// FLT-1: what is short is said by its name, with the thresholds of the rule: of a disk that is full, the one from which on it is used again.
#[test]
fn a_full_disk_says_what_it_lacks() {
    let said = |mib, files, already| full(Path::new("/srv/a"), Room { mib, files }, already);
    assert_eq!(said(64, Some(64), false), None);
    assert_eq!(said(542, None, false), None);
    let space = said(79, Some(9000), true).expect("still full");
    assert_eq!(
        space,
        "/srv/a: 79 MiB are free; recording there stops below 64 MiB and begins again from 80 MiB on"
    );
    assert_eq!(said(79, Some(9000), false), None);
    let files = said(542, Some(35), false).expect("full");
    assert!(
        files.contains("35 inodes are free, 64 are needed (542 MiB of the disk are free)"),
        "{files}"
    );
    assert_eq!(
        Room {
            mib: 542,
            files: Some(35)
        }
        .for_footage(),
        0
    );
}
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use shared::time::Utc;

fn key() -> EcdsaKeyPair {
    let rng = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).expect("key");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.as_ref(), &rng).expect("key")
}

fn labelled(path: &Path, key: &EcdsaKeyPair, name: &str) -> Label {
    let sign = |b: &[u8]| {
        key.sign(&SystemRandom::new(), b)
            .map(|s| s.as_ref().to_vec())
            .map_err(|_| std::io::Error::other("sign"))
    };
    label(
        path,
        &BoxName::parse(name).expect("name"),
        Utc(0),
        true,
        sign,
    )
    .expect("label")
}

/// REC-4, FLT-3: footage goes only where this box's label says so; each refusal names its cause.
#[test]
fn only_volumes_with_a_good_label() {
    let ours = BoxName::parse("ashby").expect("name");
    let (key, other) = (key(), key());
    let dir = tempfile::tempdir().expect("dir");
    let at = |n: &str| dir.path().join(n);
    for n in ["good", "copy", "altered", "foreign", "otherkey", "none"] {
        fs::create_dir(at(n)).expect("dir");
    }
    labelled(&at("good"), &key, "ashby");
    for f in [LABEL.to_owned(), format!("{LABEL}.sig")] {
        fs::copy(at("good").join(&f), at("copy").join(&f)).expect("copy");
    }
    labelled(&at("altered"), &key, "ashby");
    let text = fs::read_to_string(at("altered").join(LABEL)).expect("read");
    fs::write(at("altered").join(LABEL), text.replace("1970", "1971")).expect("write");
    labelled(&at("foreign"), &other, "brook");
    labelled(&at("otherkey"), &other, "ashby");
    let paths: Vec<PathBuf> = [
        "none", "altered", "foreign", "otherkey", "good", "copy", "absent",
    ]
    .iter()
    .map(|n| at(n))
    .collect();
    let (volumes, problems) = Volumes::open(&paths, &ours, key.public_key().as_ref());
    assert_eq!(
        volumes
            .all()
            .iter()
            .map(|v| v.path.clone())
            .collect::<Vec<_>>(),
        [at("good")]
    );
    for (problem, said) in problems.iter().zip([
        "no label",
        "altered",
        "belongs to the box brook",
        "altered",
        "same volume",
        "no label",
    ]) {
        assert!(problem.contains(said), "{problem} should say {said}");
    }
    assert_eq!(problems.len(), 6);
}

/// A disk that is not mounted must not fill the system disk unnoticed.
#[test]
fn never_on_the_system_disk_by_accident() {
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("dir");
    let device = |p: &Path| std::os::unix::fs::MetadataExt::dev(&p.metadata().expect("stat"));
    if device(dir.path()) != device(Path::new("/")) {
        return; // sources on a disk of their own: nothing to show here
    }
    let key = key();
    let sign = |b: &[u8]| {
        key.sign(&SystemRandom::new(), b)
            .map(|s| s.as_ref().to_vec())
            .map_err(|_| std::io::Error::other("sign"))
    };
    let refused = label(
        dir.path(),
        &BoxName::parse("ashby").expect("name"),
        Utc(0),
        false,
        sign,
    );
    assert!(matches!(refused, Err(VolumeError::SystemDisk { .. })));
    labelled(dir.path(), &key, "ashby");
    check(
        dir.path(),
        &BoxName::parse("ashby").expect("name"),
        key.public_key().as_ref(),
    )
    .expect("labelled for the system disk");
}

/// FLT-3: each bad volume is named with its own condition; a failed one is skipped, examined again and used again.
#[test]
fn a_failed_volume_is_skipped_and_comes_back() {
    let (key, dir) = (key(), tempfile::tempdir().expect("dir"));
    let paths = [dir.path().join("a"), dir.path().join("b")];
    for p in &paths {
        labelled(p, &key, "ashby");
    }
    let (volumes, problems) = Volumes::open(
        &paths,
        &BoxName::parse("ashby").expect("name"),
        key.public_key().as_ref(),
    );
    assert!(problems.is_empty());
    volumes.failed(&paths[0], "disk.failed", "I/O error");
    assert!(volumes.news());
    assert_eq!(volumes.pick().map(|v| v.path), Some(paths[1].clone()));
    volumes.failed(&paths[1], "disk.full", "no room");
    assert_eq!(volumes.pick(), None);
    let said: Vec<_> = volumes
        .problems()
        .into_iter()
        .map(|p| (p.path, p.code))
        .collect();
    assert_eq!(
        said,
        [
            (paths[0].clone(), "disk.failed"),
            (paths[1].clone(), "disk.full")
        ]
    );
    assert_eq!(volumes.all().len(), 2, "what is there can still be read");
    assert!(volumes.complete());
    volumes.examine(0);
    assert_eq!(volumes.pick().map(|v| v.path), Some(paths[0].clone()));
    assert!(volumes.arrived().is_empty(), "it never went");
}

/// FLT-3: a volume that was away at the start, or went, is used as soon as it is right, and never in between.
#[test]
fn a_volume_that_was_away_is_used_when_it_is_there() {
    let (key, dir) = (key(), tempfile::tempdir().expect("dir"));
    let (path, elsewhere) = (dir.path().join("a"), dir.path().join("elsewhere"));
    fs::create_dir(&path).expect("dir");
    let (volumes, problems) = Volumes::open(
        std::slice::from_ref(&path),
        &BoxName::parse("ashby").expect("name"),
        key.public_key().as_ref(),
    );
    assert!(problems[0].contains("no label"), "{problems:?}");
    assert!(!volumes.complete() && volumes.all().is_empty() && volumes.pick().is_none());
    assert!(volumes.still_there(&path).is_err());
    labelled(&path, &key, "ashby");
    volumes.examine(0);
    assert!(volumes.complete() && volumes.pick().is_some() && volumes.problems().is_empty());
    assert_eq!(volumes.arrived().len(), 1);
    assert!(volumes.arrived().is_empty(), "said once");
    volumes.still_there(&path).expect("there");
    // Unmounted: the bare mount point is left.
    fs::rename(&path, &elsewhere).expect("rename");
    fs::create_dir(&path).expect("dir");
    assert!(matches!(
        volumes.still_there(&path),
        Err(VolumeError::Gone { .. })
    ));
    volumes.look();
    assert_eq!(volumes.problems()[0].code, "disk.label");
    volumes.examine(0);
    let why = volumes.problems()[0].why.clone();
    assert!(
        why.contains("not there any more"),
        "no advice to label a bare folder: {why}"
    );
    assert!(volumes.pick().is_none() && volumes.all().is_empty());
    // Another disk of this box is not the one that was there, but as good once it was examined.
    labelled(&path, &key, "ashby");
    assert!(volumes.still_there(&path).is_err());
    volumes.examine(0);
    assert!(volumes.pick().is_some());
}

/// Disks that do not answer, as far as a look at them goes.
pub(super) struct Hung(Mutex<Vec<PathBuf>>, Condvar);

pub(super) static HUNG: Hung = Hung(Mutex::new(Vec::new()), Condvar::new());

impl Hung {
    fn begin(&self, path: &Path) {
        self.0.lock().expect("disks").push(path.to_owned());
    }

    fn end(&self, path: &Path) {
        self.0.lock().expect("disks").retain(|p| p != path);
        self.1.notify_all();
    }

    pub(super) fn wait_for(&self, path: &Path) {
        let paths = self.0.lock().expect("disks");
        let hangs = |paths: &mut Vec<PathBuf>| paths.iter().any(|p| p == path);
        drop(self.1.wait_while(paths, hangs).expect("disks"));
    }
}

/// REC-1, FLT-3: a disk that hangs at the start is said, and the others are used without it; when it answers it is used too.
#[test]
fn a_disk_that_hangs_holds_nobody_up() {
    let (key, dir) = (key(), tempfile::tempdir().expect("dir"));
    let (good, sick) = (dir.path().join("good"), dir.path().join("sick"));
    fs::create_dir(&sick).expect("dir");
    labelled(&good, &key, "ashby");
    HUNG.begin(&sick);
    let (volumes, problems) = Volumes::open(
        &[sick.clone(), good.clone()],
        &BoxName::parse("ashby").expect("name"),
        key.public_key().as_ref(),
    );
    assert!(
        problems.len() == 1 && problems[0].contains("sick does not answer"),
        "{problems:?}"
    );
    assert_eq!(volumes.pick().map(|v| v.path), Some(good));
    assert!(!volumes.complete(), "nothing is called lost meanwhile");
    volumes.look();
    assert!(volumes.pick().is_some());
    HUNG.end(&sick);
    labelled(&sick, &key, "ashby");
    volumes.examine(0);
    assert!(volumes.complete() && volumes.problems().is_empty());
}

/// V13: before a folder changes hands it is looked at, and no link to it is followed; what is refused is not touched.
#[test]
fn only_a_footage_disk_may_be_labelled() {
    let dir = tempfile::tempdir().expect("dir");
    let at = |n: &str| dir.path().join(n);
    let state = at("etc/state");
    for n in ["etc/state", "disk/lost+found", "disk/footage", "home/anna"] {
        fs::create_dir_all(at(n)).expect("dir");
    }
    let may_label = |path: &Path, state: &Path, system_disk, given| {
        Place::of(path)?.may_label(state, system_disk, given)
    };
    may_label(&at("disk"), &state, true, true).expect("empty but for what is ours");
    may_label(&at("new/disk"), &state, true, true).expect("to be made");
    assert!(!at("new").exists(), "looking makes nothing");
    may_label(&at("home"), &state, true, false).expect("its owner labels it");
    let refused = may_label(&at("home"), &state, true, true).expect_err("holds other things");
    assert!(refused.to_string().contains("anna"), "{refused}");
    for path in [
        at("etc"),
        state.clone(),
        PathBuf::from("/"),
        at("home/../etc"),
    ] {
        let refused = may_label(&path, &state, true, true);
        assert!(
            matches!(refused, Err(VolumeError::HoldsState { .. })),
            "{refused:?}"
        );
    }
    let refused = may_label(Path::new("/"), &state, false, true);
    assert!(matches!(refused, Err(VolumeError::SystemDisk { .. })));
    // V13: a link is not followed, whoever put it there.
    std::os::unix::fs::symlink(at("disk"), at("link")).expect("linked");
    for path in [at("link"), at("link/footage"), at("link/new")] {
        let refused = may_label(&path, &state, true, true).expect_err("a link");
        assert!(refused.to_string().contains("link"), "{refused}");
    }
    // What was looked at is what is labelled, whatever its path comes to mean.
    let place = Place::of(&at("disk")).expect("open");
    place.may_label(&state, true, true).expect("may");
    fs::rename(at("disk"), at("was-disk")).expect("moved");
    std::os::unix::fs::symlink(at("home"), at("disk")).expect("linked");
    let name = BoxName::parse("ashby").expect("name");
    let folder = place.made().expect("open");
    super::super::label::label_in(&folder, &name, shared::time::Utc(0), true, |b| {
        Ok::<_, std::io::Error>(b.to_vec())
    })
    .expect("labelled");
    assert!(at("was-disk").join(LABEL).exists() && !at("home").join(LABEL).exists());
    fs::remove_file(at("disk")).expect("removed");
    fs::create_dir(at("disk")).expect("made");
    fs::write(at("disk").join(LABEL), "{}").expect("write");
    let refused = may_label(&at("disk"), &state, true, true);
    assert!(matches!(refused, Err(VolumeError::Labelled { .. })));
}
