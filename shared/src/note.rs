//! Pure. C2SP signed notes: keys (vkeys), heads (tlog-checkpoint), countersignatures (cosignature/v1), proof files.
//!
//! Signing itself is passed in (`FnOnce(&[u8]) -> [u8; 64]`): the box's hourly key and the hub's keys live elsewhere.

use crate::record::Digest;

/// Signature algorithm byte of a vkey.
pub const ALG_ED25519: u8 = 0x01;
pub const ALG_COSIGNATURE: u8 = 0x04;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadNote(pub String);

/// A public key in note form: `name+keyid+base64(alg ‖ key)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vkey {
    pub name: String,
    pub alg: u8,
    pub key: [u8; 32],
}

impl Vkey {
    pub fn new(name: &str, alg: u8, key: [u8; 32]) -> Self {
        Self { name: name.into(), alg, key }
    }
    /// Parses and checks the key id.
    pub fn parse(text: &str) -> Result<Self, BadNote> {
        let _ = text;
        todo!()
    }
    /// First 4 bytes of SHA-256(name ‖ LF ‖ alg ‖ key).
    pub fn id(&self) -> [u8; 4] {
        todo!()
    }
    /// SPKI PEM of the key, for `openssl pkeyutl -verify -pubin`.
    pub fn pem(&self) -> String {
        todo!()
    }
}

/// Displays as the vkey text.
impl std::fmt::Display for Vkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let _ = f;
        todo!()
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
        todo!()
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
        todo!()
    }
    pub fn from_b64(name: &str, b64: &str) -> Result<Self, BadNote> {
        let _ = (name, b64);
        todo!()
    }
    /// The whole line, `— name base64`, with LF.
    pub fn line(&self) -> String {
        todo!()
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
        let _ = text;
        todo!()
    }
    pub fn render(&self) -> String {
        todo!()
    }
    /// Signs a head with a log key (alg 01).
    pub fn sign(head: Head, key: &Vkey, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        let _ = (&head, key, sign);
        todo!()
    }
    /// Adds a cosignature (alg 04) over `cosignature/v1\ntime T\n` + body, T in Unix seconds. Replaces an older one by the same key.
    pub fn cosign(&mut self, key: &Vkey, time: u64, sign: impl FnOnce(&[u8]) -> [u8; 64]) {
        let _ = (key, time, sign);
        todo!()
    }
    /// Checks the log key's signature (alg 01).
    pub fn check(&self, key: &Vkey) -> Checked {
        let _ = key;
        todo!()
    }
    /// Checks a cosignature (alg 04); its time in Unix seconds when good.
    pub fn check_cosigned(&self, key: &Vkey) -> Cosigned {
        let _ = key;
        todo!()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
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
    let _ = (head, signature, key);
    todo!()
}

/// A `c2sp.org/tlog-proof@v1` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub index: u64,
    pub hashes: Vec<Digest>,
    pub head: SignedHead,
}

impl Proof {
    pub fn parse(text: &[u8]) -> Result<Self, BadNote> {
        let _ = text;
        todo!()
    }
    pub fn render(&self) -> String {
        todo!()
    }
}
