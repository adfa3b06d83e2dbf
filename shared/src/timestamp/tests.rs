//! Time stamps that openssl made (`tests/vectors/stamps/make.sh`), and what was done to them.

use super::*;

const DATA: &[u8] = include_bytes!("../../../tests/vectors/stamps/data");
/// RSA with a certificate between; P-256 whose attributes name the signer by SHA-1; P-384 with SHA-384.
const STAMPS: [(&str, &[u8]); 3] = [
    (
        include_str!("../../../tests/vectors/stamps/rsa.pem"),
        include_bytes!("../../../tests/vectors/stamps/rsa.tsr"),
    ),
    (
        include_str!("../../../tests/vectors/stamps/p256.pem"),
        include_bytes!("../../../tests/vectors/stamps/p256.tsr"),
    ),
    (
        include_str!("../../../tests/vectors/stamps/p384.pem"),
        include_bytes!("../../../tests/vectors/stamps/p384.tsr"),
    ),
];

fn roots(pem: &str) -> Vec<Root> {
    Root::of_pem(pem).expect("a root certificate")
}

/// AUD-4, EVI-2: what openssl stamps is good under its root, of these bytes and no others, and cannot be judged under another's.
#[test]
fn stamps_of_openssl_are_judged() {
    let imprint = sha256(DATA);
    for (pem, token) in STAMPS {
        let trusted = roots(pem);
        let Judged::Good(stamp) = judge(token, &imprint, &trusted) else {
            panic!("{pem}");
        };
        assert_eq!(stamp.root, 0);
        assert!(
            crate::time::Utc::parse(&stamp.time).is_ok(),
            "{}",
            stamp.time
        );
        assert_eq!(judge(token, &sha256(b"other"), &trusted), Judged::Bad);
        for (other, _) in STAMPS.iter().filter(|(other, _)| *other != pem) {
            assert_eq!(judge(token, &imprint, &roots(other)), Judged::Foreign);
        }
        let all: Vec<Root> = STAMPS.iter().flat_map(|(pem, _)| roots(pem)).collect();
        assert!(matches!(judge(token, &imprint, &all), Judged::Good(_)));
        assert_eq!(judge(token, &imprint, &[]), Judged::Foreign);
        assert_eq!(trusted[0].name().len(), 16);
    }
}

/// V-rows: no bit of what is signed can be changed; one that can is of what nobody signs, and says nothing else.
#[test]
fn a_flipped_bit_is_found() {
    let imprint = sha256(DATA);
    for (pem, token) in STAMPS {
        let trusted = roots(pem);
        let sound = judge(token, &imprint, &trusted);
        let mut survivors = 0;
        for byte in 0..token.len() {
            let mut mutant = token.to_vec();
            mutant[byte] ^= 1 << (byte % 8);
            let judged = judge(&mutant, &imprint, &trusted);
            if matches!(judged, Judged::Good(_)) {
                assert_eq!(judged, sound, "byte {byte}");
                survivors += 1;
            }
        }
        // Versions, the list of hashes, parameters: nobody signs these.
        assert!(survivors < 70, "{survivors}");
    }
}

#[test]
fn a_query_is_read_by_its_nonce() {
    for nonce in [0, 1, 0x7f, 0x80, u64::MAX] {
        let query = query(&sha256(DATA), nonce);
        let mut reader = Reader::new(&query).inside(SEQUENCE).expect("sequence");
        assert_eq!(reader.take(INTEGER), Some(&[1][..]));
        assert!(reader.take(SEQUENCE).is_some());
        assert_eq!(reader.take(INTEGER), Some(&nonce_bytes(nonce)[..]));
    }
    let Judged::Good(stamp) = judge(STAMPS[0].1, &sha256(DATA), &roots(STAMPS[0].0)) else {
        panic!("good");
    };
    assert!(!stamp.answers(7), "it has the nonce openssl chose");
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), at in 0usize..2000, cut in 0usize..2400) {
        let _ = judge(&bytes, &[0; 32], &[]);
        let (pem, token) = STAMPS[at % 3];
        let mut mutant = token.to_vec();
        let end = at.min(mutant.len());
        let from = end.saturating_sub(bytes.len() % 9);
        mutant.splice(from..end, bytes.iter().copied().take(8));
        mutant.truncate(cut);
        let _ = judge(&mutant, &sha256(DATA), &roots(pem));
    }
}
