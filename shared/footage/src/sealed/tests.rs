//! Pure. Sealed files against the stock `age` crate and the `age` program.
use std::{
    io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _},
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

fn reader<'a>(identity: &str, sealed: &'a [u8]) -> std::io::Result<RangeReader<Cursor<&'a [u8]>>> {
    RangeReader::new(Cursor::new(sealed), identity)
}

fn part(
    reader: &mut RangeReader<Cursor<&[u8]>>,
    from: u64,
    len: usize,
) -> std::io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(from))?;
    let mut out = Vec::new();
    reader.take(len as u64).read_to_end(&mut out)?;
    Ok(out)
}

/// RET-5: any part of a sealed file can be opened alone, of ours and of stock `age`'s, and is what whole opening gives; where it lies is
/// known without reading the rest.
#[test]
fn a_part_opens_as_the_whole_does() {
    let (secret, recipient) = keypair();
    let stock: x25519::Identity = secret.parse().expect("identity");
    for len in SIZES {
        let plain = plain(len);
        let theirs = age::encrypt(&stock.to_public(), &plain).expect("stock seals");
        for sealed in [seal(&recipient, &plain).expect("seal"), theirs] {
            let mut reader = reader(&secret, &sealed).expect("opens");
            assert_eq!(reader.plain_len(), len as u64);
            assert_eq!(part(&mut reader, 0, len + 9).expect("whole"), plain);
            for from in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, len] {
                for want in [1, 100, PIECE, PIECE + 2] {
                    let got = part(&mut reader, from as u64, want).expect("part");
                    let end = (from + want).min(len);
                    assert!(
                        got == plain[from.min(len)..end.max(from.min(len))],
                        "{want} from {from} of {len}"
                    );
                }
            }
            assert!(part(&mut reader, u64::MAX, 5).expect("beyond").is_empty());
            let end = reader.seek(SeekFrom::End(-1)).is_ok();
            assert_eq!(end, len > 0);
        }
    }
    // No more than the piece asked for is read, beside the header and the last one.
    struct Counting<'a>(Cursor<&'a [u8]>, u64);
    impl std::io::Read for Counting<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.read(out)?;
            self.1 += n as u64;
            Ok(n)
        }
    }
    impl std::io::Seek for Counting<'_> {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let plain = plain(40 * PIECE + 7);
    let sealed = seal(&recipient, &plain).expect("seal");
    let mut reader = RangeReader::new(Counting(Cursor::new(&sealed), 0), &secret).expect("opens");
    reader
        .seek(SeekFrom::Start(30 * PIECE as u64 + 5))
        .expect("seek");
    let mut few = [0; 20];
    reader.read_exact(&mut few).expect("few");
    assert_eq!(few[..], plain[30 * PIECE + 5..30 * PIECE + 25]);
    let read = reader.into_inner().1;
    assert!(read <= (OPENING + 2 * SEALED_PIECE) as u64, "{read}");
}

/// RET-5: a file that was cut, at a piece's end too, does not open at all, so that no length is believed that is not the file's; one that
/// goes on after its last piece does not either; a flipped bit is found in the piece it is in, and no altered byte comes out.
#[test]
fn a_part_of_a_damaged_file_is_refused() {
    let (secret, recipient) = keypair();
    let start = HEADER + NONCE;
    for len in [0, 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 100] {
        let plain = plain(len);
        let sealed = seal(&recipient, &plain).expect("seal");
        let ends = (0..4).map(|p| start + p * SEALED_PIECE);
        for cut in (0..sealed.len())
            .step_by(4099)
            .chain(ends)
            .chain([sealed.len() - 1])
        {
            if cut < sealed.len() {
                assert!(
                    reader(&secret, &sealed[..cut]).is_err(),
                    "cut at {cut} of {len}"
                );
            }
        }
        for more in [1, TAG, TAG + 1, SEALED_PIECE] {
            let longer = [sealed.as_slice(), &vec![0; more]].concat();
            assert!(reader(&secret, &longer).is_err(), "{more} more than {len}");
        }
        // The bytes of the next piece put behind it: a last piece is not a middle one.
        let twice = [sealed.as_slice(), &sealed[start..]].concat();
        assert!(reader(&secret, &twice).is_err(), "twice {len}");
        for at in (0..sealed.len()).step_by(if len < 2 { 1 } else { 3001 }) {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            let piece = at.checked_sub(start).map(|at| at / SEALED_PIECE);
            let Ok(mut reader) = reader(&secret, &bad) else {
                let last = (sealed.len() - start - 1) / SEALED_PIECE;
                assert!(piece.is_none_or(|p| p == last), "byte {at} of {len}");
                continue;
            };
            let piece = piece.expect("in the header");
            assert!(part(&mut reader, 0, len).is_err(), "byte {at} of {len}");
            for other in (0..=len / PIECE).filter(|p| *p != piece) {
                let from = (other * PIECE) as u64;
                let good = part(&mut reader, from, PIECE).expect("another piece");
                assert!(
                    plain[other * PIECE..].starts_with(&good),
                    "byte {at} of {len}"
                );
            }
        }
        let (other, _) = keypair();
        let refused = reader(&other, &sealed).err().expect("another key");
        assert!(
            refused.to_string().contains("none of the 1 keys"),
            "{refused}"
        );
    }
    // Two pieces that changed places.
    let sealed = seal(&recipient, &plain(3 * PIECE + 1)).expect("seal");
    let mut swapped = sealed.clone();
    swapped[start..start + SEALED_PIECE]
        .copy_from_slice(&sealed[start + SEALED_PIECE..start + 2 * SEALED_PIECE]);
    let mut reader = reader(&secret, &swapped).expect("the last piece is good");
    assert!(part(&mut reader, 5, 5).is_err());
    // A last piece that is empty though pieces came before it.
    let mut sealer = Sealer::new(&recipient).expect("sealer");
    sealer.push(&plain(PIECE)).expect("push");
    sealer.seal(false).expect("seal");
    let out = sealer.finish().expect("finish");
    assert!(RangeReader::new(Cursor::new(&out), &secret).is_err());
}

proptest! {
    /// RET-5: a random part of a random file is what whole opening gives.
    #[test]
    fn random_parts_are_the_whole_s(len in 0usize..300_000, parts in proptest::collection::vec((0u64..310_000, 0usize..150_000), 1..8)) {
        let (secret, recipient) = keypair();
        let plain = plain(len);
        let sealed = seal(&recipient, &plain).expect("seal");
        let whole = open_in_steps(&secret, &sealed, 50_000).expect("whole");
        let mut reader = reader(&secret, &sealed).expect("opens");
        for (from, want) in parts {
            let got = part(&mut reader, from, want).expect("part");
            let begin = (from as usize).min(len);
            prop_assert_eq!(&got[..], &whole[begin..(begin + want).min(len)]);
        }
    }

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
