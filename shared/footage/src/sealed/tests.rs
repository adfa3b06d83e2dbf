//! Pure. Sealed files against the stock `age` crate and the `age` program.
use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use proptest::prelude::*;

use super::*;

const SIZES: [usize; 9] = [
    0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 200_000, 262_144,
];

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}

fn seal_in_steps(recipient: &str, plain: &[u8], step: usize) -> Vec<u8> {
    let mut sealer = Sealer::new(recipient).expect("sealer");
    let mut out = Vec::new();
    for (i, part) in plain.chunks(step.max(1)).enumerate() {
        sealer.push(part).expect("push");
        assert!(sealer.held_back() <= PIECE);
        // Taken now and then, as a writer does once a fragment.
        if i % 3 != 1 {
            out.extend_from_slice(sealer.ready());
            sealer.written();
        }
    }
    out.extend_from_slice(&sealer.finish().expect("finish"));
    out
}

fn open_in_steps(identity: &str, sealed: &[u8], step: usize) -> Result<Vec<u8>, SealError> {
    let mut opener = Opener::new(&[identity.to_owned()]);
    let mut out = Vec::new();
    for part in sealed.chunks(step.max(1)) {
        opener.push(part, &mut out)?;
    }
    opener.finish(&mut out)?;
    Ok(out)
}

/// SEC-4: stock `age` opens what is written here, and the other way round.
#[test]
fn stock_age_and_we_open_each_other() {
    let (secret, recipient) = keypair();
    let stock: x25519::Identity = secret.parse().expect("identity");
    assert_eq!(recipient_of(&secret).expect("recipient"), recipient);
    for len in SIZES {
        let plain = plain(len);
        for step in [len, 1000, 70_000] {
            let sealed = seal_in_steps(&recipient, &plain, step);
            assert_eq!(sealed.len() as u64, sealed_len(len as u64), "{len}");
            assert_eq!(
                age::decrypt(&stock, &sealed).expect("stock opens"),
                plain,
                "{len}"
            );
            assert_eq!(
                open_in_steps(&secret, &sealed, step).expect("opens"),
                plain,
                "{len}"
            );
        }
        let theirs = age::encrypt(&stock.to_public(), &plain).expect("stock seals");
        for step in [1, 777, 65_552, 300_000]
            .into_iter()
            .filter(|s| *s > 1 || len < 70_000)
        {
            assert_eq!(
                open_in_steps(&secret, &theirs, step).expect("opens stock"),
                plain,
                "{len}"
            );
        }
    }
}

/// SEC-4: the `age` program of the distribution opens our files; the identity file is the ordinary text.
#[test]
fn the_age_program_opens_ours() {
    let folder = tempfile::tempdir().expect("folder");
    let (secret, recipient) = keypair();
    let key = folder.path().join("key.txt");
    std::fs::write(&key, secret.as_bytes()).expect("key");
    for len in SIZES {
        let plain = plain(len);
        let mut age = Command::new("age")
            .arg("-d")
            .arg("-i")
            .arg(&key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program age is needed");
        let sealed = seal_in_steps(&recipient, &plain, 5000);
        let mut stdin = age.stdin.take().expect("stdin");
        let feeder = std::thread::spawn(move || stdin.write_all(&sealed));
        let got = age.wait_with_output().expect("age ends");
        feeder.join().expect("fed").expect("written");
        assert!(got.status.success() && got.stdout == plain, "{len}");

        let file = folder.path().join("theirs.age");
        let mut age = Command::new("age")
            .arg("-r")
            .arg(&recipient)
            .arg("-o")
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .expect("age");
        age.stdin
            .take()
            .expect("stdin")
            .write_all(&plain)
            .expect("fed");
        assert!(age.wait().expect("age").success());
        let theirs = std::fs::read(&file).expect("theirs");
        assert_eq!(
            open_in_steps(&secret, &theirs, 4096).expect("opens"),
            plain,
            "{len}"
        );
    }
}

/// SEC-4: truncated, flipped and foreign files are refused, and no altered byte comes out.
#[test]
fn damage_is_refused() {
    let (secret, recipient) = keypair();
    for len in [0, 1, 65_536, 140_000] {
        let plain = plain(len);
        let sealed = seal_in_steps(&recipient, &plain, 9000);
        for cut in (0..sealed.len())
            .step_by(if len == 0 { 1 } else { 997 })
            .chain([sealed.len() - 1])
        {
            assert!(
                open_in_steps(&secret, &sealed[..cut], 4096).is_err(),
                "cut at {cut} of {}",
                sealed.len()
            );
        }
        let mut longer = sealed.clone();
        longer.push(0);
        assert!(open_in_steps(&secret, &longer, 4096).is_err());
        for at in (0..sealed.len()).step_by(if len == 0 { 1 } else { 1009 }) {
            for bit in if at < 200 { 0..8 } else { 0..1 } {
                let mut bad = sealed.clone();
                bad[at] ^= 1 << bit;
                let mut opener = Opener::new(&[secret.to_string()]);
                let mut out = Vec::new();
                let done = opener
                    .push(&bad, &mut out)
                    .and_then(|()| opener.finish(&mut out));
                assert!(done.is_err(), "bit {bit} of byte {at}");
                assert!(plain.starts_with(&out), "bit {bit} of byte {at}");
            }
        }
        let (other, _) = keypair();
        assert_eq!(
            open_in_steps(&other, &sealed, 4096),
            Err(SealError::NoKeyFits(1))
        );
    }
    // A last piece that is empty though pieces came before it.
    let mut sealer = Sealer::new(&recipient).expect("sealer");
    sealer.push(&plain(PIECE)).expect("push");
    sealer.seal(false).expect("seal");
    let out = sealer.finish().expect("finish");
    assert!(open_in_steps(&secret, &out, 4096).is_err());
    // A piece that goes on after an error is not read further.
    let mut opener = Opener::new(&["nonsense".to_owned()]);
    assert!(matches!(
        opener.push(b"age", &mut Vec::new()),
        Err(SealError::BadKey(_))
    ));
    assert_eq!(
        opener.push(b"age", &mut Vec::new()),
        Err(SealError::Stopped)
    );
    assert!(matches!(
        header_len(b"age-encryption.org/v2\n"),
        Err(SealError::NotAge(_))
    ));
    assert_eq!(header_len(b"age-encr"), Ok(None));
}

/// REC-5: of a torn file every whole piece is opened, wherever it was cut, and the rest is counted.
#[test]
fn torn_files_give_up_every_whole_piece() {
    let (secret, recipient) = keypair();
    let plain = plain(3 * PIECE + 100);
    let sealed = seal_in_steps(&recipient, &plain, 10_000);
    let start = HEADER + NONCE;
    for cut in [
        0,
        10,
        start - 1,
        start,
        start + 1,
        start + SEALED_PIECE - 1,
        start + SEALED_PIECE,
        start + SEALED_PIECE + 1,
        start + 2 * SEALED_PIECE,
        start + 3 * SEALED_PIECE,
        sealed.len() - 1,
    ] {
        for step in [cut.max(1), 1000, SEALED_PIECE] {
            let mut opener = Opener::new(&[secret.to_string()]);
            let mut out = Vec::new();
            for part in sealed[..cut].chunks(step) {
                opener.push(part, &mut out).expect("push");
            }
            let whole = cut.saturating_sub(start) / SEALED_PIECE;
            assert!(
                out == plain[..whole * PIECE],
                "cut at {cut}, steps of {step}"
            );
            let left = if cut < start {
                cut
            } else {
                (cut - start) % SEALED_PIECE
            };
            assert_eq!(opener.finish_torn(), left as u64, "cut at {cut}");
        }
    }
    // Whole after all.
    for len in [100, PIECE, 2 * PIECE + 5] {
        let sealed = seal_in_steps(&recipient, &plain[..len], 10_000);
        let mut opener = Opener::new(&[secret.to_string()]);
        let mut out = Vec::new();
        opener.push(&sealed, &mut out).expect("push");
        assert_eq!(opener.finish_or_torn(&mut out), 0);
        assert!(out == plain[..len]);
    }
}

/// RET-6: a hold gives the same payload a new header; the old key no longer opens it.
#[test]
fn rewrap_opens_with_the_new_key_only() {
    let ((day, day_recipient), (hold, hold_recipient)) = (keypair(), keypair());
    let plain = plain(150_000);
    let sealed = seal_in_steps(&day_recipient, &plain, 7000);
    let len = header_len(&sealed).expect("header").expect("whole");
    assert_eq!(len, HEADER);
    let mut moved = rewrap(&sealed[..len], &day, &hold_recipient).expect("rewrap");
    assert_eq!(moved.len(), len);
    moved.extend_from_slice(&sealed[len..]);
    assert_eq!(open_in_steps(&hold, &moved, 4096).expect("opens"), plain);
    assert_eq!(
        open_in_steps(&day, &moved, 4096),
        Err(SealError::NoKeyFits(1))
    );
    let stock: x25519::Identity = hold.parse().expect("identity");
    assert_eq!(age::decrypt(&stock, &moved).expect("stock opens"), plain);
    assert!(rewrap(&sealed[..len], &hold, &hold_recipient).is_err());
    assert!(rewrap(&sealed[..len - 1], &day, &hold_recipient).is_err());
    assert!(rewrap(&sealed[..len + 1], &day, &hold_recipient).is_err());
    let mut bad = sealed[..len].to_vec();
    bad[len - 10] ^= 1;
    assert!(rewrap(&bad, &day, &hold_recipient).is_err());
}

proptest! {
    /// Nothing that is fed in makes the opener panic.
    #[test]
    fn any_bytes_are_survived(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..5), lead in 0usize..170) {
        let (secret, recipient) = keypair();
        let sealer = Sealer::new(&recipient).expect("sealer");
        let opening = sealer.ready();
        let mut opener = Opener::new(&[secret.to_string()]);
        let mut out = Vec::new();
        let _ = opener.push(&opening[..lead], &mut out);
        for part in &parts {
            let _ = header_len(part);
            let _ = opener.push(part, &mut out);
        }
        let _ = opener.finish(&mut out);
    }
}
