//! Pure. C2SP signed notes: keys (vkeys), heads (tlog-checkpoint), countersignatures (cosignature/v1), proof files.
//!
//! Signing itself is passed in (`FnOnce(&[u8]) -> [u8; 64]`): the box's hourly key and the hub's keys live elsewhere.
//!
//! ```text
//! vkey    <name>+<key id, 8 lower hex>+<base64(alg ‖ 32-byte key)>        alg 01 Ed25519, 04 Ed25519 cosignature
//!         key id = first 4 bytes of SHA-256(name ‖ LF ‖ alg ‖ key); split on the first two `+` only
//!
//! head    <origin> LF                   the body: exactly three lines, each with LF; it is what alg 01 signs
//!         <size, decimal> LF
//!         <base64 of the root> LF
//!         LF
//!         — <key name> <base64(key id ‖ signature)> LF        U+2014, space; one or more
//!
//! alg 01  signature = 64 bytes over the body
//! alg 04  signature = time (u64, big endian, Unix seconds) ‖ 64 bytes over `cosignature/v1` LF `time <T>` LF ‖ body
//!
//! proof   c2sp.org/tlog-proof@v1 LF
//!         index <n> LF
//!         <base64 of a hash> LF         from the leaf upwards, none for a log of one line
//!         LF
//!         <head>
//! ```
//! Base64 is standard, padded, and the only spelling of its bytes. Numbers are decimal without leading zeros, below 2^63.
//! A note is UTF-8 without control characters other than LF, at most [`MAX_NOTE`] bytes; so is a proof file. Names are not
//! empty and hold no space, no `+` and no control character.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::record::{Digest, hex, sha256_parts};

/// Signature algorithm byte of a vkey.
pub const ALG_ED25519: u8 = 0x01;
pub const ALG_COSIGNATURE: u8 = 0x04;
/// Most bytes of a head or a proof file.
pub const MAX_NOTE: usize = 65_536;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadNote(pub String);

fn bad(why: &str) -> BadNote {
    BadNote(why.into())
}

fn name_ok(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == ' ' || c == '+' || c.is_control())
}

/// Standard base64 of exactly 32 bytes, as roots and proof hashes are written.
pub fn digest_from_b64(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Standard base64 with padding.
pub fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes standard base64; only the one canonical spelling is taken.
pub fn from_b64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn number(text: &str) -> Option<u64> {
    if text.is_empty()
        || !text.bytes().all(|b| b.is_ascii_digit())
        || (text.len() > 1 && text.starts_with('0'))
    {
        return None;
    }
    text.parse::<i64>().ok().and_then(|n| u64::try_from(n).ok())
}

/// A public key in note form: `name+keyid+base64(alg ‖ key)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vkey {
    pub name: String,
    pub alg: u8,
    pub key: [u8; 32],
}

impl Vkey {
    pub fn new(name: &str, alg: u8, key: [u8; 32]) -> Self {
        Self {
            name: name.into(),
            alg,
            key,
        }
    }
    /// Parses and checks the key id.
    pub fn parse(text: &str) -> Result<Self, BadNote> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad(
                "a key is written name+keyid+base64; this text has fewer parts",
            ));
        };
        if !name_ok(name) {
            return Err(bad("the key's name is empty or holds a space"));
        }
        let bytes = STANDARD
            .decode(key)
            .map_err(|_| bad("the key's last part is not base64: copy it whole"))?;
        let (alg, key) = match bytes.split_first() {
            Some((alg, key)) if *alg == ALG_ED25519 || *alg == ALG_COSIGNATURE => (*alg, key),
            _ => {
                return Err(bad(
                    "the key is of a kind this version does not know (01 and 04 are known)",
                ));
            }
        };
        let key = key
            .try_into()
            .map_err(|_| bad("the key does not have 32 bytes: copy it whole"))?;
        let vkey = Self {
            name: name.into(),
            alg,
            key,
        };
        if id != hex(&vkey.id()) {
            return Err(bad(
                "the key id does not fit the key: a character was lost or changed in copying",
            ));
        }
        Ok(vkey)
    }
    /// First 4 bytes of SHA-256(name ‖ LF ‖ alg ‖ key).
    pub fn id(&self) -> [u8; 4] {
        let hash = sha256_parts(&[self.name.as_bytes(), b"\n", &[self.alg], &self.key]);
        [hash[0], hash[1], hash[2], hash[3]]
    }
    /// SPKI PEM of the key, for `openssl pkeyutl -verify -pubin`.
    pub fn pem(&self) -> String {
        let mut der = vec![
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        der.extend_from_slice(&self.key);
        pem("PUBLIC KEY", &der)
    }
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(message, signature)
            .is_ok()
    }
}

/// PEM text, 64 characters a line.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (i, c) in text.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push_str(&format!("\n-----END {label}-----\n"));
    out
}

/// Displays as the vkey text.
impl std::fmt::Display for Vkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![self.alg];
        bytes.extend_from_slice(&self.key);
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex(&self.id()),
            STANDARD.encode(bytes)
        )
    }
}

/// What a head states: this log had this many lines, and this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub origin: String,
    pub size: u64,
    pub root: Digest,
}

impl Head {
    /// The three signed lines, each with LF.
    pub fn body(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        )
    }
    /// What a cosignature at `time` signs.
    pub fn cosigned_body(&self, time: u64) -> String {
        format!("cosignature/v1\ntime {time}\n{}", self.body())
    }
}

/// One signature line: name, key id, and what follows the id in the blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    pub id: [u8; 4],
    pub blob: Vec<u8>,
}

impl Signature {
    /// Base64 exactly as on the note's signature line (key id included).
    pub fn b64(&self) -> String {
        STANDARD.encode([self.id.as_slice(), &self.blob].concat())
    }
    pub fn from_b64(name: &str, b64: &str) -> Result<Self, BadNote> {
        if !name_ok(name) {
            return Err(bad("a signature's key name is empty or holds a space or +"));
        }
        let bytes = STANDARD
            .decode(b64)
            .map_err(|_| bad("a signature is not base64"))?;
        match bytes.split_first_chunk::<4>() {
            Some((id, blob)) if !blob.is_empty() => Ok(Self {
                name: name.into(),
                id: *id,
                blob: blob.to_vec(),
            }),
            _ => Err(bad("a signature is shorter than its key id")),
        }
    }
    /// The whole line, `— name base64`, with LF.
    pub fn line(&self) -> String {
        format!("\u{2014} {} {}\n", self.name, self.b64())
    }
    fn is_of(&self, key: &Vkey) -> bool {
        self.name == key.name && self.id == key.id()
    }
    /// The time a cosignature states, and its 64 bytes.
    fn cosignature(&self) -> Option<(u64, &[u8])> {
        let (time, signature) = self.blob.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        (signature.len() == 64 && time <= i64::MAX as u64).then_some((time, signature))
    }
}

/// A head with its signatures, box's first, then the hub's, then witnesses'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    pub head: Head,
    pub signatures: Vec<Signature>,
}

impl SignedHead {
    pub fn parse(text: &[u8]) -> Result<Self, BadNote> {
        if text.len() > MAX_NOTE {
            return Err(bad("a head has at most 65536 bytes"));
        }
        let text =
            std::str::from_utf8(text).map_err(|_| bad("a head is text; this is not UTF-8"))?;
        if text.bytes().any(|b| (b < 0x20 && b != b'\n') || b == 0x7f) {
            return Err(bad("a head holds no control characters"));
        }
        let (body, signatures) = text
            .split_once("\n\n")
            .ok_or_else(|| bad("a head has an empty line before its signatures"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(bad("a head has three lines: origin, size, root"));
        };
        if origin.is_empty() {
            return Err(bad("a head's first line names its log"));
        }
        let size = number(size).ok_or_else(|| bad("a head's second line is a number of lines"))?;
        let root = digest_from_b64(root)
            .ok_or_else(|| bad("a head's third line is a root of 32 bytes in base64"))?;
        let signatures = signatures
            .strip_suffix('\n')
            .ok_or_else(|| bad("a head ends with a line feed"))?;
        let signatures = signatures
            .split('\n')
            .map(|line| {
                let rest = line
                    .strip_prefix("\u{2014} ")
                    .ok_or_else(|| bad("a signature line begins with a dash and a space"))?;
                let (name, b64) = rest
                    .split_once(' ')
                    .ok_or_else(|| bad("a signature line holds a name and a signature"))?;
                Signature::from_b64(name, b64)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            head: Head {
                origin: origin.into(),
                size,
                root,
            },
            signatures,
        })
    }
    pub fn render(&self) -> String {
        let mut out = self.head.body();
        out.push('\n');
        for signature in &self.signatures {
            out.push_str(&signature.line());
        }
        out
    }
    /// Signs a head with a log key (alg 01).
    pub fn sign(head: Head, key: &Vkey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        let blob = sign(head.body().as_bytes()).to_vec();
        Self {
            head,
            signatures: vec![Signature {
                name: key.name.clone(),
                id: key.id(),
                blob,
            }],
        }
    }
    /// Adds a cosignature (alg 04) over `cosignature/v1\ntime T\n` + body, T in Unix seconds. Replaces an older one by the same key.
    pub fn cosign(&mut self, key: &Vkey, time: u64, sign: impl FnOnce(&[u8]) -> [u8; 64]) {
        let signature = sign(self.head.cosigned_body(time).as_bytes());
        let blob = [time.to_be_bytes().as_slice(), &signature].concat();
        self.signatures.retain(|s| !s.is_of(key));
        self.signatures.push(Signature {
            name: key.name.clone(),
            id: key.id(),
            blob,
        });
    }
    /// Checks the log key's signature (alg 01). Every line of that key must verify.
    pub fn check(&self, key: &Vkey) -> SignatureCheck {
        let mut checked = SignatureCheck::Absent;
        for signature in self.signatures.iter().filter(|s| s.is_of(key)) {
            if key.alg != ALG_ED25519 || !key.verify(self.head.body().as_bytes(), &signature.blob) {
                return SignatureCheck::Bad;
            }
            checked = SignatureCheck::Good;
        }
        checked
    }
    /// Checks a cosignature (alg 04); its time in Unix seconds when good. Every line of that key must verify; the newest counts.
    pub fn check_cosigned(&self, key: &Vkey) -> Cosigned {
        let mut checked = Cosigned::Absent;
        for signature in self.signatures.iter().filter(|s| s.is_of(key)) {
            checked = match (check_cosignature(&self.head, signature, key), checked) {
                (Cosigned::Good { time }, Cosigned::Good { time: other }) => Cosigned::Good {
                    time: time.max(other),
                },
                (Cosigned::Good { time }, _) => Cosigned::Good { time },
                _ => return Cosigned::Bad,
            };
        }
        checked
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureCheck {
    Good,
    /// No line with this name and key id.
    Absent,
    /// A line with this name and key id that does not verify.
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cosigned {
    Good { time: u64 },
    Absent,
    Bad,
}

/// Checks a cosignature that stands alone, as in a `head.ack` line: good → its time.
pub fn check_cosignature(head: &Head, signature: &Signature, key: &Vkey) -> Cosigned {
    if !signature.is_of(key) {
        return Cosigned::Absent;
    }
    match signature.cosignature() {
        Some((time, bytes))
            if key.alg == ALG_COSIGNATURE
                && key.verify(head.cosigned_body(time).as_bytes(), bytes) =>
        {
            Cosigned::Good { time }
        }
        _ => Cosigned::Bad,
    }
}

/// A `c2sp.org/tlog-proof@v1` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub index: u64,
    pub hashes: Vec<Digest>,
    pub head: SignedHead,
}

const PROOF: &str = "c2sp.org/tlog-proof@v1";

impl Proof {
    pub fn parse(text: &[u8]) -> Result<Self, BadNote> {
        if text.len() > MAX_NOTE {
            return Err(bad("a proof has at most 65536 bytes"));
        }
        let text =
            std::str::from_utf8(text).map_err(|_| bad("a proof is text; this is not UTF-8"))?;
        let (proof, head) = text
            .split_once("\n\n")
            .ok_or_else(|| bad("a proof has an empty line before its head"))?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(PROOF) {
            return Err(bad("a proof begins with c2sp.org/tlog-proof@v1"));
        }
        let index = lines
            .next()
            .and_then(|l| l.strip_prefix("index "))
            .and_then(number);
        let index =
            index.ok_or_else(|| bad("a proof's second line is `index` and a line number"))?;
        let hashes = lines.map(digest_from_b64).collect::<Option<Vec<_>>>();
        let hashes =
            hashes.ok_or_else(|| bad("a proof's hashes are 32 bytes in base64, one a line"))?;
        Ok(Self {
            index,
            hashes,
            head: SignedHead::parse(head.as_bytes())?,
        })
    }
    pub fn render(&self) -> String {
        let mut out = format!("{PROOF}\nindex {}\n", self.index);
        for hash in &self.hashes {
            out.push_str(&STANDARD.encode(hash));
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.head.render());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Key;

    const WORKED: &str = "cctv.example.gov.uk/box/ashby-high-street/1\n17\nwT+136BFZ0WxpMPnlFuuZU1qtEzdHeDfDai9ed2YbUw=\n\n\u{2014} cctv.example.gov.uk/box/ashby-high-street/1 xC3y036TJEjX4dPj7SAWIbdGpxyM9N0rJrPOpf/Rnx+azCzkDQeqJoCJ0Nf6Z6r1hb1QgrJtPhRqwwyKpAhZsLGI2AM=\n\u{2014} cctv.example.gov.uk/hub/cosign-2026 7xKQXAAAAABq6epwhhLkSHdBDrOcUI8RqvIaXYJFS3qTmP1YI1zM5vjQbA0I15nkK7RYM+aXH2VURPJRUpyc8BnzQ1ASRVqTxwMHCw==\n";

    fn head() -> Head {
        Head {
            origin: "a/box/b/1".into(),
            size: 20,
            root: [9; 32],
        }
    }

    /// AUD-2: the worked head of audit.md 2.4 reads and prints to the byte; its cosignature carries the time the page names.
    #[test]
    fn worked_head() {
        let note = SignedHead::parse(WORKED.as_bytes()).expect("parses");
        assert_eq!(note.render(), WORKED);
        assert_eq!((note.head.size, note.signatures.len()), (17, 2));
        assert_eq!(hex(&note.signatures[1].id), "ef12905c");
        assert_eq!(note.signatures[0].blob.len(), 64);
        assert_eq!(
            note.signatures[1].cosignature().map(|(t, _)| t),
            Some(1_793_714_800)
        );
    }

    /// AUD-2: a head signed here reads and verifies in another implementation, byte for byte.
    #[test]
    fn signed_note_oracle() {
        use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
        let log = Key::new("a/box/b/1", ALG_ED25519, [1; 32]);
        let note = SignedHead::sign(head(), &log.vkey, |m| log.sign(m));
        let other = Note::from_bytes(note.render().as_bytes()).expect("reads");
        assert_eq!(
            (other.text(), other.to_bytes()),
            (head().body().as_bytes(), note.render().into_bytes())
        );
        let verifier = StandardVerifier::new(&log.vkey.to_string()).expect("key");
        assert_eq!(verifier.key_id().to_be_bytes(), log.vkey.id());
        let (good, _) = other
            .verify(&VerifierList::new(vec![Box::new(verifier)]))
            .expect("verifies");
        assert_eq!(good.len(), 1);
    }

    #[test]
    fn vkey_and_back() {
        for seed in 0..40 {
            let key = Key::new("a/box/b/1", ALG_ED25519, [seed; 32]);
            let text = key.vkey.to_string();
            assert_eq!(Vkey::parse(&text), Ok(key.vkey.clone()));
            let mut broken = text.into_bytes();
            let last = broken.len() - 3;
            broken[last] = if broken[last] == b'A' { b'B' } else { b'A' };
            assert!(Vkey::parse(std::str::from_utf8(&broken).expect("text")).is_err());
        }
        assert!(Vkey::parse("x").is_err());
        assert!(Vkey::parse("a+b").is_err());
        assert!(
            Key::new("a", 1, [1; 32])
                .vkey
                .pem()
                .starts_with("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA")
        );
    }

    /// AUD-2: log signatures and cosignatures verify by their own key and by no other, and only at their own time.
    #[test]
    fn sign_and_cosign() {
        let (log, hub) = (
            Key::new("a/box/b/1", ALG_ED25519, [1; 32]),
            Key::new("a/hub/cosign-2026", ALG_COSIGNATURE, [2; 32]),
        );
        let mut note = SignedHead::sign(head(), &log.vkey, |m| log.sign(m));
        assert_eq!(
            (note.check(&log.vkey), note.check_cosigned(&hub.vkey)),
            (SignatureCheck::Good, Cosigned::Absent)
        );
        note.cosign(&hub.vkey, 1_793_714_800, |m| hub.sign(m));
        note.cosign(&hub.vkey, 1_793_714_900, |m| hub.sign(m));
        let mut note = SignedHead::parse(note.render().as_bytes()).expect("parses");
        assert_eq!(note.signatures.len(), 2);
        assert_eq!(
            note.check_cosigned(&hub.vkey),
            Cosigned::Good {
                time: 1_793_714_900
            }
        );
        assert_eq!(
            note.check(&Key::new("a/box/b/1", ALG_ED25519, [3; 32]).vkey),
            SignatureCheck::Absent
        );
        let again = Signature::from_b64(&note.signatures[1].name, &note.signatures[1].b64())
            .expect("signature");
        assert_eq!(
            check_cosignature(&note.head, &again, &hub.vkey),
            Cosigned::Good {
                time: 1_793_714_900
            }
        );
        note.signatures[1].blob[7] ^= 1;
        assert_eq!(note.check_cosigned(&hub.vkey), Cosigned::Bad);
        note.head.size = 21;
        assert_eq!(note.check(&log.vkey), SignatureCheck::Bad);
    }

    #[test]
    fn proof_and_back() {
        let log = Key::new("a/box/b/1", ALG_ED25519, [1; 32]);
        for hashes in [vec![], vec![[1; 32], [2; 32]]] {
            let proof = Proof {
                index: 7,
                hashes,
                head: SignedHead::sign(head(), &log.vkey, |m| log.sign(m)),
            };
            assert_eq!(Proof::parse(proof.render().as_bytes()), Ok(proof));
        }
    }

    #[test]
    fn strange_notes_are_refused() {
        for (from, to) in [
            ("17\n", "017\n"),
            ("17\n", "+17\n"),
            ("17\n", "17\nextra\n"),
            ("17\n", "17\r\n"),
            ("17\n", "99999999999999999999\n"),
            ("bUw=\n", "bUx=\n"),
            ("bUw=\n", "bUw\n"),
            ("\u{2014} c", "- c"),
            ("\u{2014} c", "\u{2014}  c"),
            ("\n\n", "\n"),
        ] {
            assert!(
                SignedHead::parse(WORKED.replacen(from, to, 1).as_bytes()).is_err(),
                "{to:?}"
            );
        }
        assert!(SignedHead::parse(WORKED.trim_end().as_bytes()).is_err());
        assert!(SignedHead::parse(format!("{WORKED}\n").as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), text in ".*") {
            let _ = (SignedHead::parse(&bytes), Proof::parse(&bytes), Vkey::parse(&text), Signature::from_b64("a", &text));
        }
    }
}
