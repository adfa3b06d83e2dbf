//! Pure. A segment at rest: a standard `age` file (v1) to one X25519 recipient.
//!
//! The header comes from the `age` crate's own recipient and identity types; the payload (64 KiB ChaCha20-Poly1305 pieces) is
//! written over ring. Stock `age` and `rage` open what is written here.

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("{0}")]
    Refused(String),
}

/// Makes a key pair: (identity `AGE-SECRET-KEY-1…`, recipient `age1…`).
pub fn keypair() -> (zeroize::Zeroizing<String>, String) { todo!() }

/// Seals a growing file piece by piece.
pub struct Sealer {}

impl Sealer {
    /// The sealer, and the bytes that open the file (header and nonce).
    pub fn new(recipient: &str) -> Result<(Self, Vec<u8>), SealError> { let _ = recipient; todo!() }
    /// Adds plaintext; appends to `out` every piece that is complete.
    pub fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> { let _ = (plain, out); todo!() }
    /// Appends the last piece.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), SealError> { let _ = out; todo!() }
}

/// Length of the age header (up to and including the MAC line), once `bytes` holds it whole.
pub fn header_len(bytes: &[u8]) -> Result<Option<usize>, SealError> { let _ = bytes; todo!() }

/// New header for the same payload, wrapped to another recipient. `header` is exactly [`header_len`] bytes.
pub fn rewrap(header: &[u8], identity: &str, recipient: &str) -> Result<Vec<u8>, SealError> { let _ = (header, identity, recipient); todo!() }

/// Opens a sealed file fed in pieces.
pub struct Opener {}

impl Opener {
    pub fn new(identities: &[String]) -> Self { let _ = identities; todo!() }
    /// Adds sealed bytes; appends plaintext of complete pieces to `out`. Err when no identity fits or a piece was altered.
    pub fn push(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> { let _ = (sealed, out); todo!() }
    /// The file ends here: the last piece. Err when the file was cut short.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), SealError> { let _ = out; todo!() }
    /// The file was torn: says how many trailing sealed bytes could not be opened.
    pub fn finish_torn(self) -> u64 { todo!() }
}
