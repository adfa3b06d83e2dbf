//! Task. Where the root key goes, and that it stays there: choices, moves, a TPM that is silent, cleared, owned or taken; a credential.
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use shared::segment::KeyId;

use super::{
    Asked, RootStore, Wish, fresh,
    swtpm::{Swtpm, in_a_file},
    told,
};
use crate::{
    reader::{
        Client, Server,
        keys::{Folders, KeyStore},
        server::move_to_tpm,
        tests::{basis, copy_dir, folders},
    },
    state::State,
    testing::Hands,
};

struct Home {
    _folder: tempfile::TempDir,
    dir: PathBuf,
    folders: Folders,
}

fn home() -> Home {
    let folder = tempfile::tempdir().expect("folder");
    let folders = folders(folder.path());
    Home {
        dir: folders.own.clone(),
        folders,
        _folder: folder,
    }
}

impl Home {
    fn open(&self, wish: &Wish) -> Result<KeyStore, String> {
        KeyStore::open(&self.folders, wish).map_err(|e| e.to_string())
    }
    fn refused(&self, wish: &Wish) -> String {
        self.open(wish).err().expect("refused")
    }
    fn in_words(&self) -> String {
        told(&self.folders.public).expect("told").in_words()
    }
}

fn day() -> KeyId {
    KeyId::parse("c03/2026-11-03").expect("key id")
}

/// Runs one of tpm2-tools on a TPM of the tests, as a contractor would; its output.
fn tool(tpm: &Swtpm, words: &[&str]) -> Result<String, String> {
    let line = format!("swtpm:path={}", tpm.socket().display());
    let out = std::process::Command::new(words[0])
        .args(&words[1..])
        .env("TPM2TOOLS_TCTI", line)
        .output()
        .expect("tpm2-tools run (scripts/install.sh tests installs them)");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    if out.status.success() {
        Ok(text)
    } else {
        Err(err)
    }
}

/// RET-2: "auto" takes the TPM where one works, else a file; what was decided at the first start stays, whatever comes or goes.
#[test]
fn a_box_does_not_change_its_mind() {
    let tpm = Swtpm::new();
    let without = Wish {
        root: Asked::Auto,
        tpm: "/nowhere/tpm".into(),
    };
    let a = home();
    assert_eq!(a.open(&tpm.wish(Asked::Auto)).expect("open").claim(), "tpm");
    assert!(!a.dir.join("root.key").exists());
    assert!(a.in_words().contains("claim tpm"));
    assert_eq!(a.open(&tpm.wish(Asked::File)).expect("open").claim(), "tpm");
    let said = a.refused(&without);
    assert!(said.contains("/nowhere/tpm cannot be used"), "{said}");

    let b = home();
    assert_eq!(b.open(&without).expect("open").claim(), "file");
    assert!(
        b.in_words().contains("claim file") && b.in_words().contains("/nowhere/tpm"),
        "{}",
        b.in_words()
    );
    for asked in [Asked::Auto, Asked::Tpm] {
        let other = Swtpm::new();
        assert_eq!(b.open(&other.wish(asked)).expect("open").claim(), "file");
    }
    assert!(b.in_words().contains("--move-root tpm"), "{}", b.in_words());

    // Without a choice: a box from before there was one.
    fs::remove_file(b.dir.join("root.json")).expect("remove");
    let other = Swtpm::new();
    assert_eq!(
        b.open(&other.wish(Asked::Auto)).expect("open").claim(),
        "file"
    );

    // Asked for and not there: no keys are made elsewhere instead.
    let c = home();
    let said = c.refused(&Wish {
        root: Asked::Tpm,
        ..without.clone()
    });
    assert!(said.contains("cannot be used"), "{said}");
    assert!(!c.dir.join("identities").exists() && !c.dir.join("root.json").exists());
}

/// RET-2: an index that somebody else, or an earlier installation, has is never overwritten.
#[test]
fn what_is_in_the_tpm_is_not_taken() {
    let tpm = Swtpm::new();
    let a = home();
    drop(a.open(&tpm.wish(Asked::Tpm)).expect("open"));
    let b = home();
    let said = b.refused(&tpm.wish(Asked::Tpm));
    assert!(said.contains("tpm2_nvundefine"), "{said}");
    assert_eq!(
        b.open(&tpm.wish(Asked::Auto)).expect("open").claim(),
        "file"
    );
    a.open(&tpm.wish(Asked::Tpm)).expect("still its own");
}

/// RET-2, FLT-1: a TPM that does not answer is said, to whoever asks and in plain words; once it answers all goes on, with no restart.
#[test]
fn a_silent_tpm_is_said_and_waited_for() {
    let folder = tempfile::tempdir().expect("folder");
    let state = State::new(folder.path());
    let mut tpm = Swtpm::new();
    drop(KeyStore::open(&folders(folder.path()), &tpm.wish(Asked::Auto)).expect("first start"));
    tpm.stop();
    let clock = Hands::new(crate::reader::tests::utc("2026-11-03T12:00:00.000Z"), 5_000);
    let cams = [crate::reader::tests::cam()];
    let basis = basis(&cams, folder.path(), clock.clone(), tpm.wish(Asked::Auto));
    let server = Server::bind(&state, basis).expect("it runs all the same");
    std::thread::spawn(move || server.run());
    let client = Client::new(&state.reader_socket());
    let said = client
        .destroy("c03/2026-01-03", None)
        .expect_err("no keys")
        .to_string();
    assert!(
        said.contains("the TPM at") && said.contains("cannot be used"),
        "{said}"
    );
    tpm.restart();
    assert_eq!(
        client.destroy("c03/2026-01-03", None).expect("again"),
        "tpm"
    );
    // Gone in the middle of its work: the change fails as a whole, and is made later.
    let recipients = crate::reader::Recipients::load(&state);
    client
        .recipients(
            &[crate::reader::tests::cam()],
            crate::reader::tests::day("2026-11-03"),
            2,
            &recipients,
        )
        .expect("recipients");
    clock.reach(crate::reader::tests::utc("2026-12-02T00:05:00.000Z"));
    tpm.stop();
    client.destroy("c03/2026-11-03", None).expect_err("no TPM");
    tpm.restart();
    assert_eq!(
        client.destroy("c03/2026-11-03", None).expect("destroyed"),
        "tpm"
    );
}

/// RET-2: a TPM that was cleared, or another board's: an error that says so; nothing is made anew.
#[test]
fn a_cleared_tpm_is_said() {
    let tpm = Swtpm::new();
    let a = home();
    drop(a.open(&tpm.wish(Asked::Tpm)).expect("open"));
    let said = a.refused(&Swtpm::new().wish(Asked::Tpm));
    assert!(said.contains("cleared, replaced"), "{said}");
    a.open(&tpm.wish(Asked::Tpm))
        .expect("nothing was lost by asking");
}

/// audit.md 2.13: nobody reads the indexes without the box's own files: not by the owner's empty password, not by an empty one.
#[test]
fn the_indexes_are_closed_to_others() {
    let tpm = Swtpm::new();
    let a = home();
    let store = a.open(&tpm.wish(Asked::Tpm)).expect("open");
    let public = tool(&tpm, &["tpm2_nvreadpublic", "0x01BEAD10"]).expect("public part");
    for word in ["authread", "authwrite", "writeall", "no_da", "size: 32"] {
        assert!(public.contains(word), "{word}: {public}");
    }
    for word in ["ownerread", "ownerwrite", "ppread", "orderly"] {
        assert!(!public.contains(word), "{word}: {public}");
    }
    for index in ["0x01BEAD10", "0x01BEAD11"] {
        tool(&tpm, &["tpm2_nvread", index, "-C", "o"]).expect_err("as owner");
        tool(&tpm, &["tpm2_nvread", index]).expect_err("with no password");
    }
    drop(store);
    a.open(&tpm.wish(Asked::Tpm))
        .expect("and the box reads them after that");
    // The password is the reader's own.
    let mode = fs::metadata(a.dir.join("root.json"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// RET-2: "auto" on a TPM that has an owner's password stays out of it, and says what would help.
#[test]
fn an_owned_tpm_is_left_alone() {
    let tpm = Swtpm::new();
    tool(&tpm, &["tpm2_changeauth", "-c", "owner", "theirs"]).expect("an owner's password");
    let a = home();
    let said = a.refused(&tpm.wish(Asked::Tpm));
    assert!(said.contains("tpm2_changeauth -c owner"), "{said}");
    assert_eq!(
        a.open(&tpm.wish(Asked::Auto)).expect("open").claim(),
        "file"
    );
    assert!(a.in_words().contains("owner password"), "{}", a.in_words());
}

/// RET-2: a move from file to TPM keeps every key, destroys the file, and can be cut at every step; only on command, not under a reader.
#[test]
fn a_move_to_the_tpm_survives_a_cut_at_every_step() {
    let folder = tempfile::tempdir().expect("folder");
    let state = State::new(folder.path());
    let folders = folders(folder.path());
    let dir = folders.own.clone();
    let mut store = KeyStore::open(&folders, &in_a_file()).expect("open");
    store.recipients([day()].into_iter()).expect("made");
    let pair = store.pairs(&day());
    let old_root = store.root_for_tests();
    drop(store);
    let old_file = fs::read(dir.join("identities")).expect("identities");
    let tpm = Swtpm::new();
    let wish = tpm.wish(Asked::Auto);
    {
        let clock = Hands::new(shared::time::Utc(0), 5_000);
        let server = Server::bind(&state, basis(&[], folder.path(), clock, wish.clone()));
        let said = move_to_tpm(&state, &wish)
            .expect_err("a reader runs")
            .to_string();
        assert!(server.is_ok() && said.contains("Stop it first"), "{said}");
    }
    let snaps: Arc<Mutex<Vec<(&str, PathBuf)>>> = Arc::default();
    let (seen, from, to, held) = (
        snaps.clone(),
        dir.clone(),
        folder.path().join("snap"),
        tpm.state(),
    );
    let mut store = KeyStore::open(&folders, &wish).expect("open");
    store.on_step = Some(Box::new(move |name| {
        let mut seen = seen.lock().expect("lock");
        let at = to.join(seen.len().to_string());
        copy_dir(&from, &at.join("reader"));
        copy_dir(&held, &at.join("tpm"));
        seen.push((name, at));
    }));
    assert!(store.into_tpm(&wish).expect("moved"));
    assert!(!move_to_tpm(&state, &wish).expect("there already"));
    let snaps = snaps.lock().expect("lock");
    assert_eq!(snaps.len(), 3);
    let check = |dir: &Path, wish: &Wish, claim: &str, after: &str| {
        let store =
            KeyStore::open(&folders.at(dir), wish).unwrap_or_else(|e| panic!("{after}: {e}"));
        assert!(store.pairs(&day()) == pair, "{after}: every key is there");
        assert_eq!(store.claim(), claim, "{after}");
        drop(store);
        assert_eq!(dir.join("root.key").exists(), claim == "file", "{after}");
    };
    for (i, (name, at)) in snaps.iter().enumerate() {
        let held = Swtpm::from(&at.join("tpm"));
        let dir = at.join("reader");
        let claim = if i < 2 { "file" } else { "tpm" };
        check(&dir, &held.wish(Asked::Auto), claim, name);
        // Whatever was begun, the command ends it.
        KeyStore::move_to_tpm(&folders.at(&dir), &held.wish(Asked::Auto)).expect("moved");
        check(&dir, &held.wish(Asked::Auto), "tpm", name);
    }
    check(&dir, &wish, "tpm", "moved");
    let store = KeyStore::open(&folders, &wish).expect("open");
    assert_ne!(store.root_for_tests(), old_root, "a new root key");
    drop(store);
    fs::write(dir.join("identities"), old_file).expect("write");
    assert!(
        KeyStore::open(&folders, &wish).is_err(),
        "an old copy of the identities is noise to the TPM"
    );
}

/// audit.md 2.13: under a credential the root key's file holds R only sealed; without the credential, or with another, it opens nothing.
#[test]
fn a_credential_wraps_the_file() {
    let a = home();
    let mut store = a.open(&in_a_file()).expect("open");
    store.recipients([day()].into_iter()).expect("made");
    let plain = fs::read(a.dir.join("root.key")).expect("root key");
    drop(store);
    let credential = a.dir.join("root-wrap");
    fs::write(&credential, b"too short").expect("write");
    let said = RootStore::wrapped_in(&a.dir, &credential)
        .err()
        .expect("refused")
        .to_string();
    assert!(said.contains("fewer than 16"), "{said}");
    fs::write(&credential, fresh().expect("random").as_slice()).expect("write");
    let open = |credential: &Path| {
        let place = RootStore::wrapped_in(&a.dir, credential).map_err(|e| e.to_string())?;
        KeyStore::open_at(&a.folders, place).map_err(|e| e.to_string())
    };
    // A key that lay there in plain is replaced by a new one, sealed.
    let mut store = open(&credential).expect("open");
    assert_eq!((store.pairs(&day()).len(), store.claim()), (1, "file"));
    let root = store.root_for_tests();
    assert_ne!(root, plain);
    let holds = |secret: &[u8]| {
        let bytes = fs::read(a.dir.join("root.key")).expect("root key");
        bytes.windows(32).any(|w| w == secret)
    };
    assert!(!holds(&root) && !holds(&plain));
    store.destroy(&day()).expect("destroyed");
    assert!(!holds(&store.root_for_tests()));
    drop(store);
    assert!(open(&credential).expect("again").pairs(&day()).is_empty());
    let said = a.refused(&in_a_file());
    assert!(
        said.contains("credential root-wrap, which is not there"),
        "{said}"
    );
    fs::write(&credential, fresh().expect("random").as_slice()).expect("write");
    let said = open(&credential).err().expect("refused");
    assert!(said.contains("another credential"), "{said}");
}
