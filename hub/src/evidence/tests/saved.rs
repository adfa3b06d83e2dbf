//! Adapter: filesystem. Packages written out as one file, sealed and in plain, read with stock programs; disks that are full, read-only, or taken out
//! in the middle; files that a PC leaves.
use std::{
    fs,
    io::Write,
    process::{Output, Stdio},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::resource::{Resource, getrlimit, setrlimit},
};
use zeroize::Zeroizing;

use super::*;
use crate::evidence::save::limits::NotThere;

const PASSPHRASE: &str = "kx4w-9mpt-77qa-bcde";

fn ran(program: &str, args: &[&str], dir: &Path) -> Output {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect(program)
}

fn good(said: Output) -> String {
    assert!(said.status.success(), "{said:?}");
    String::from_utf8_lossy(&said.stdout).into_owned()
}

/// What lies in a folder.
fn list(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let names = entries.map(|e| e.expect("entry").file_name());
    let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Unpacks and checks with stock unzip and verify.py: what comes out is what was verified.
fn unpacked(scene: &Scene, zip: &Path) {
    let dir = zip.parent().expect("folder").join("out");
    fs::create_dir_all(&dir).expect("folder");
    good(ran("unzip", &["-q", &zip.display().to_string()], &dir));
    let folder = dir.join("EXH-2026-000123");
    let there = logbook::Folder(folder.clone());
    let rest = scene.rest();
    assert_eq!(
        there.list().expect("list"),
        rest.list().expect("list"),
        "every file and no more"
    );
    for name in rest.list().expect("list") {
        assert!(there.read(&name).expect("read") == rest.read(&name).expect("read"));
    }
    good(ran("sha256sum", &["-c", "--quiet", "SHA256SUMS"], &folder));
    let key = scene.hub.key.to_string();
    let said = good(ran(
        "python3",
        &["verify/verify.py", "bundle", ".", "--hub", &key],
        &folder,
    ));
    let rust = verify::package(&there, &options(&scene.hub)).render();
    assert_eq!(said, rust, "verify.py and Rust say the same of it");
    assert!(rust.starts_with("INTACT"), "{rust}");
    fs::remove_dir_all(dir).expect("cleared");
}

/// EVI-3 (V-rows of field.md, saves): one ZIP, read by stock unzip and Python, that verifies after unpacking; the same sealed to a recipient and with a
/// passphrase, opened by stock `age`; its card beside it; the hash is that of the file; nothing else is left.
#[test]
fn one_file_that_stock_programs_open() {
    let scene = scene([320; 5]);
    scene.made();
    let dir = scene.folder.path().join("plain");
    let mut told = Vec::new();
    let saved = scene
        .saved_as(&dir, Form::Zip, &Seal::None, |at, of| told.push((at, of)))
        .expect("saved");
    assert_eq!(
        list(&dir),
        ["EXH-2026-000123-HOW-TO-OPEN.txt", "EXH-2026-000123.zip"]
    );
    let bytes = fs::read(&saved.path).expect("file");
    assert_eq!(
        (sha256(&bytes), bytes.len() as u64),
        (saved.sha256, saved.bytes)
    );
    let card = fs::read_to_string(saved.card.as_ref().expect("a card")).expect("card");
    assert_eq!(
        card,
        format!("EXH-2026-000123.zip {}\n", hex(&saved.sha256))
    );
    assert!(told.last().is_some_and(|(at, of)| at == of && *at > 0));
    let python = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(len(z.infolist()))";
    let count = good(ran("python3", &["-c", python, "EXH-2026-000123.zip"], &dir));
    assert_eq!(count.trim(), saved.files.to_string());
    unpacked(&scene, &saved.path);
    let again = scene.saved_as(&dir, Form::Zip, &Seal::None, |_, _| {});
    assert!(matches!(again, Err(SaveError::Exists(_))));

    let (identity, recipient) = sealed::keypair();
    let dir = scene.folder.path().join("sealed");
    let seal = Seal::Recipient(recipient);
    let saved = scene
        .saved_as(&dir, Form::Zip, &seal, |_, _| {})
        .expect("saved");
    assert_eq!(
        list(&dir),
        ["EXH-2026-000123-HOW-TO-OPEN.txt", "EXH-2026-000123.zip.age"]
    );
    let sealed_bytes = fs::read(&saved.path).expect("file");
    assert!(sealed_bytes.starts_with(b"age-encryption.org/v1\n-> X25519 "));
    fs::write(dir.join("key"), identity.as_bytes()).expect("key");
    good(ran(
        "age",
        &["-d", "-i", "key", "-o", "a.zip", "EXH-2026-000123.zip.age"],
        &dir,
    ));
    unpacked(&scene, &dir.join("a.zip"));
    let wrong = ran(
        "age",
        &["-d", "-i", "/dev/null", "EXH-2026-000123.zip.age"],
        &dir,
    );
    assert!(!wrong.status.success());

    let dir = scene.folder.path().join("passphrase");
    let seal = Seal::Passphrase(Zeroizing::new(PASSPHRASE.into()));
    let saved = scene
        .saved_as(&dir, Form::Zip, &seal, |_, _| {})
        .expect("saved");
    // Stock age reads a passphrase from a terminal alone.
    let python = "import os,pty,sys,time\npid,fd=pty.fork()\nif pid==0: os.execvp('age',['age','-d','-o','a.zip',sys.argv[1]])\n\
                  said=b''\nwhile b'passphrase' not in said: said+=os.read(fd,100)\nos.write(fd,sys.argv[2].encode()+b'\\n')\n\
                  try:\n  while os.read(fd,100): pass\nexcept OSError: pass\nsys.exit(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))";
    let name = saved.path.display().to_string();
    good(ran("python3", &["-c", python, &name, PASSPHRASE], &dir));
    unpacked(&scene, &dir.join("a.zip"));
    let wrong = ran(
        "python3",
        &["-c", python, &name, "another-passphrase"],
        &dir,
    );
    assert!(!wrong.status.success());
    for file in list(&dir).iter().filter(|n| *n != "out" && *n != "a.zip") {
        let bytes = fs::read(dir.join(file)).expect("file");
        let held = bytes
            .windows(PASSPHRASE.len())
            .any(|w| w == PASSPHRASE.as_bytes());
        assert!(!held, "{file} holds the passphrase");
    }
    let folder = scene.saved_as(&dir, Form::Folder, &seal, |_, _| {});
    assert!(matches!(folder, Err(SaveError::FolderSealed)));
}

/// Does `work` in a mount namespace of its own, with a small disk in memory at a folder.
fn with_disk(kib: usize, work: impl FnOnce(&Path) + Send) {
    std::thread::scope(|s| {
        let done = s.spawn(move || {
            unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS).expect("a namespace");
            let none = None::<&str>;
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(none, "/", none, private, none).expect("private");
            let dir = tempfile::tempdir().expect("folder");
            let size = format!("size={kib}k");
            mount(
                Some("tmpfs"),
                dir.path(),
                Some("tmpfs"),
                MsFlags::empty(),
                Some(size.as_str()),
            )
            .expect("a disk");
            work(dir.path());
            let _ = umount2(dir.path(), MntFlags::MNT_DETACH);
        });
        done.join().expect("done");
    });
}

fn read_only(disk: &Path) {
    let none = None::<&str>;
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(none, disk, none, flags, none).expect("read-only");
}

/// EVI-2, EVI-3 (field.md, saves): a disk with too little room, one that may not be written to, and a limit on a file's length are said before the
/// first byte; one that fills while it is written, or is taken out in the middle, leaves nothing that looks whole.
#[test]
fn disks_that_cannot_take_it() {
    let scene = scene([320; 5]);
    scene.made();
    let (_, recipient) = sealed::keypair();
    let sealed = Seal::Recipient(recipient);
    let ways = [
        (Form::Folder, &Seal::None),
        (Form::Zip, &Seal::None),
        (Form::Zip, &sealed),
    ];
    for (form, seal) in ways {
        with_disk(512, |disk| {
            let full = scene.saved_as(disk, form, seal, |_, _| panic!("nothing is written"));
            let e = full.expect_err("too little room");
            let room = matches!(&e, SaveError::NotThere(NotThere::Room { .. }));
            assert!(room && e.to_string().contains("nothing was saved"), "{e}");
            assert!(list(disk).is_empty());
        });
        // There was room, and somebody else took it.
        with_disk(8192, |disk| {
            let mut filled = false;
            let full = scene.saved_as(disk, form, seal, |_, _| {
                if !std::mem::replace(&mut filled, true) {
                    let mut other = fs::File::create(disk.join("other")).expect("file");
                    while other.write_all(&[1; 4096]).is_ok() {}
                }
            });
            let e = full.expect_err("it fills");
            assert!(matches!(&e, SaveError::Io { what: "write", .. }), "{e}");
            assert_eq!(list(disk), ["other"], "{e}");
        });
        with_disk(8192, |disk| {
            read_only(disk);
            let e = scene
                .saved_as(disk, form, seal, |_, _| panic!("nothing is written"))
                .expect_err("read-only");
            assert!(
                matches!(&e, SaveError::NotThere(NotThere::ReadOnly { .. })),
                "{e}"
            );
        });
        // Taken out in the middle: what was open goes on into nothing.
        with_disk(8192, |disk| {
            let mut out = false;
            let gone = scene.saved_as(disk, form, seal, |at, of| {
                if at > of / 2 && !std::mem::replace(&mut out, true) {
                    umount2(disk, MntFlags::MNT_DETACH).expect("taken out");
                }
            });
            let e = gone.expect_err("taken out");
            let told = matches!(&e, SaveError::Io { .. } | SaveError::NotIntact(_));
            assert!(out && told, "{e}");
            assert!(list(disk).is_empty(), "{:?}", list(disk));
        });
    }
}

/// EVI-3 (V: a package whose working copy is over the file system's limit): said before the first byte, by which file and what holds it back.
#[test]
fn a_file_that_is_too_long() {
    if std::env::var_os("BEADLE_SHORT_FILES").is_none() {
        // In a process of its own: what it may write is held down for all its threads.
        let me = std::env::current_exe().expect("this program");
        let said = Command::new(me)
            .args(["--exact", "evidence::tests::saved::a_file_that_is_too_long"])
            .env("BEADLE_SHORT_FILES", "1")
            .output()
            .expect("ran");
        assert!(said.status.success(), "{said:?}");
        return;
    }
    let scene = scene([320; 5]);
    scene.made();
    let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("limit");
    assert!(soft > 300_000);
    let limited = |form| {
        setrlimit(Resource::RLIMIT_FSIZE, 300_000, hard).expect("limited");
        let dir = scene.folder.path().join("short");
        let saved = scene.saved_as(&dir, form, &Seal::None, |_, _| panic!("nothing is written"));
        setrlimit(Resource::RLIMIT_FSIZE, soft, hard).expect("lifted");
        assert!(list(&dir).is_empty());
        saved.expect_err("too long").to_string()
    };
    let said = limited(Form::Folder);
    assert!(
        said.contains("working/c03_") && said.contains("ulimit"),
        "{said}"
    );
    let said = limited(Form::Zip);
    assert!(said.contains("EXH-2026-000123.zip"), "{said}");
}

/// EVI-2 (V: Thumbs.db): what a PC leaves in a saved folder is noted and changes no verdict, in both verifiers; a film behind such a name is no master.
#[test]
fn files_that_a_pc_leaves() {
    let scene = scene([320; 5]);
    scene.made();
    let folder = scene.saved();
    for name in [
        "Thumbs.db",
        "master/.DS_Store",
        "working/._c03.mp4",
        "desktop.ini",
    ] {
        fs::write(folder.join(name), b"left by a PC").expect("left");
    }
    let report = verify::package(&logbook::Folder(folder.clone()), &options(&scene.hub));
    let rust = report.render();
    assert!(rust.starts_with("INTACT\n"), "{rust}");
    assert_eq!(rust.matches("PC-FILE").count(), 4, "{rust}");
    let key = scene.hub.key.to_string();
    let said = ran(
        "python3",
        &["verify/verify.py", "bundle", ".", "--hub", &key],
        &folder,
    );
    assert_eq!(good(said), rust);
    // The same folder saved over is not touched.
    assert!(matches!(scene.saved_in("saved"), Err(SaveError::Exists(_))));
}

/// EVI-3: what a killed save left is thrown away by the next one, and somebody who is saving just now is not disturbed.
#[test]
fn what_a_killed_save_left() {
    let scene = scene([320; 5]);
    scene.made();
    let dir = scene.folder.path().join("again");
    fs::create_dir_all(&dir).expect("folder");
    let part = dir.join("EXH-2026-000123.zip.part");
    fs::write(&part, b"half").expect("left");
    fs::write(dir.join("EXH-2026-000123-HOW-TO-OPEN.txt.part"), b"half").expect("left");
    {
        let held = nix::fcntl::Flock::lock(
            fs::File::open(&part).expect("open"),
            nix::fcntl::FlockArg::LockExclusiveNonblock,
        );
        let _held = held.map_err(|(_, e)| e).expect("lock");
        let busy = scene.saved_as(&dir, Form::Zip, &Seal::None, |_, _| {});
        assert!(matches!(busy, Err(SaveError::Busy(_))));
    }
    let saved = scene.saved_as(&dir, Form::Zip, &Seal::None, |_, _| {});
    saved.expect("saved");
    assert_eq!(
        list(&dir),
        ["EXH-2026-000123-HOW-TO-OPEN.txt", "EXH-2026-000123.zip"]
    );
}
