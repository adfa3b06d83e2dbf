//! Pure, but for the dice. A segment at rest: a standard `age` file (v1) to one X25519 recipient.
//!
//! # The file
//! ```text
//! age-encryption.org/v1
//! -> X25519 <ephemeral share, 43 base64 characters>
//! <the 16-byte file key, wrapped: 43 base64 characters>
//! --- <HMAC-SHA256 of all bytes so far up to "---", 43 base64 characters>
//! <16 random bytes: nonce> <piece 0> <piece 1> … <last piece>
//! ```
//! A piece is up to 64 KiB of plaintext under ChaCha20-Poly1305 (+ 16 bytes of tag) with nonce = piece number (11 bytes,
//! big-endian) ‖ 1 for the last piece, else 0. Every piece but the last is full; the last is empty only in an empty file.
//! Keys: MAC = HKDF-SHA256(file key, no salt, "header"); payload = HKDF-SHA256(file key, salt = nonce, "payload").
//!
//! Wrapping comes from the `age` crate's own recipient and identity types; header text and payload are written here over
//! ring, because the recorder must seal a growing file piece by piece and a hold must exchange the header alone. Stock
//! `age` and `rage` open what is written here.

use age::{Identity as _, Recipient, scrypt, x25519};
use age_core::{
    format::{FileKey, Stanza},
    secrecy::{ExposeSecret, SecretString},
};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey},
    hkdf, hmac,
    rand::{SecureRandom, SystemRandom},
};
use zeroize::{Zeroize, Zeroizing};

mod whole;
mod window;
pub use whole::{open, open_with_passphrase};
pub use window::{OPENING, Pieces, RangeReader, Window};

/// Plaintext bytes of a full piece.
pub const PIECE: usize = 64 * 1024;
const TAG: usize = 16;
const SEALED_PIECE: usize = PIECE + TAG;
/// Random bytes between header and payload.
pub const NONCE: usize = 16;
const MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// How hard each guess at a passphrase is: 2 to the power of this, as stock `age` has it; about a second and 256 MiB.
const WORK: u8 = 18;
/// Our headers have 168 bytes. A longer one than this is not a header worth reading.
const MAX_HEADER: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error(
        "the key text is not an age X25519 {0}: nothing was sealed or opened; check where the key came from"
    )]
    BadKey(&'static str),
    #[error(
        "not an age v1 file ({0}): nothing was opened; the file is damaged from its first bytes or is no sealed footage"
    )]
    NotAge(&'static str),
    #[error(
        "none of the {0} keys at hand opens this file: it was sealed to another key, or its key has been destroyed"
    )]
    NoKeyFits(usize),
    #[error(
        "the header was altered after sealing: nothing was opened; fetch the file again from where it was recorded"
    )]
    HeaderAltered,
    #[error(
        "piece {0} was altered after sealing (64 KiB each, from 0): the pieces before it are good, it and what follows were not opened"
    )]
    PieceAltered(u64),
    #[error(
        "the file was cut short after {0} whole pieces: its last piece is missing; recover it as a torn file or fetch it again"
    )]
    CutShort(u64),
    #[error("the file goes on after an error: it was not read further")]
    Stopped,
    #[error(
        "the system gave no random bytes or a cipher failed: nothing was sealed; see the system's log"
    )]
    System,
}

/// Makes a key pair: (identity `AGE-SECRET-KEY-1…`, recipient `age1…`).
pub fn keypair() -> (Zeroizing<String>, String) {
    let identity = x25519::Identity::generate();
    let text = Zeroizing::new(identity.to_string().expose_secret().to_owned());
    (text, identity.to_public().to_string())
}

/// The recipient that belongs to an identity.
pub fn recipient_of(identity: &str) -> Result<String, SealError> {
    Ok(parse_identity(identity)?.to_public().to_string())
}

/// Size of the sealed file for so many plaintext bytes, with a header as written here.
pub fn sealed_len(plain: u64) -> u64 {
    let pieces = plain.div_ceil(PIECE as u64).max(1);
    (HEADER + NONCE) as u64 + plain + pieces * TAG as u64
}

/// Whether a text is the recipient that files can be sealed to: `age1…`.
pub fn is_recipient(text: &str) -> bool {
    parse_recipient(text).is_ok()
}

/// Most that a file sealed to a passphrase is longer than one sealed to a recipient.
pub const PASSPHRASE_MORE: u64 = 16;

/// Bytes of a header written here: one X25519 stanza.
pub const HEADER: usize = 22 + 54 + 44 + 48;

fn parse_identity(text: &str) -> Result<x25519::Identity, SealError> {
    text.trim()
        .parse()
        .map_err(|_| SealError::BadKey("identity (AGE-SECRET-KEY-1…)"))
}

fn parse_recipient(text: &str) -> Result<x25519::Recipient, SealError> {
    text.trim()
        .parse()
        .map_err(|_| SealError::BadKey("recipient (age1…)"))
}

struct Okm;
impl hkdf::KeyType for Okm {
    fn len(&self) -> usize {
        32
    }
}

fn derive(file_key: &FileKey, salt: &[u8], label: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let mut key = Zeroizing::new([0u8; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(file_key.expose_secret())
        .expand(&[label], Okm)
        .and_then(|okm| okm.fill(key.as_mut()))
        .map_err(|_| SealError::System)?;
    Ok(key)
}

fn mac_key(file_key: &FileKey) -> Result<hmac::Key, SealError> {
    Ok(hmac::Key::new(
        hmac::HMAC_SHA256,
        derive(file_key, &[], b"header")?.as_ref(),
    ))
}

/// ChaCha20-Poly1305 over pieces, counting them. The key stays where it is, however the stream is moved about: it can be wiped.
struct Stream {
    key: Box<LessSafeKey>,
    next: u64,
}

/// ring wipes no keys: a blank one is written over it, and looked at, so that it is not left out as needless.
impl Drop for Stream {
    fn drop(&mut self) {
        if let Ok(blank) = UnboundKey::new(&CHACHA20_POLY1305, &[0; 32]) {
            *self.key = LessSafeKey::new(blank);
            std::hint::black_box(&self.key);
        }
    }
}

impl Stream {
    fn new(file_key: &FileKey, nonce: &[u8]) -> Result<Self, SealError> {
        let key = derive(file_key, nonce, b"payload")?;
        let key =
            UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).map_err(|_| SealError::System)?;
        Ok(Self {
            key: Box::new(LessSafeKey::new(key)),
            next: 0,
        })
    }

    fn nonce(&self, last: bool) -> Nonce {
        let mut nonce = [0u8; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals where it lies; the tag goes behind it.
    fn seal_in_place(&mut self, piece: &mut [u8], last: bool) -> Result<Tag, SealError> {
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(last), Aad::empty(), piece)
            .map_err(|_| SealError::System)?;
        self.next += 1;
        Ok(tag)
    }

    /// Appends the plaintext, or leaves `out` as it was.
    fn open(&mut self, sealed: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), SealError> {
        let start = out.len();
        out.extend_from_slice(sealed);
        match self
            .key
            .open_in_place(self.nonce(last), Aad::empty(), &mut out[start..])
        {
            Ok(plain) => {
                let len = plain.len();
                out.truncate(start + len);
                self.next += 1;
                Ok(())
            }
            Err(_) => {
                out.truncate(start);
                Err(SealError::PieceAltered(self.next))
            }
        }
    }
}

fn header_for(file_key: &FileKey, recipient: &dyn Recipient) -> Result<Vec<u8>, SealError> {
    let (stanzas, _) = recipient
        .wrap_file_key(file_key)
        .map_err(|_| SealError::System)?;
    let mut text = String::from_utf8_lossy(MAGIC).into_owned();
    for stanza in stanzas {
        text.push_str("-> ");
        text.push_str(&stanza.tag);
        for arg in &stanza.args {
            text.push(' ');
            text.push_str(arg);
        }
        text.push('\n');
        let body = BASE64_STANDARD_NO_PAD.encode(&stanza.body);
        let mut rest = body.as_str();
        while rest.len() >= 64 {
            let (line, after) = rest.split_at(64);
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str("---");
    let mac = hmac::sign(&mac_key(file_key)?, text.as_bytes());
    text.push(' ');
    text.push_str(&BASE64_STANDARD_NO_PAD.encode(mac.as_ref()));
    text.push('\n');
    Ok(text.into_bytes())
}

/// A whole file at once.
pub fn seal(recipient: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut sealer = Sealer::new(recipient)?;
    sealer.push(plain)?;
    sealer.finish()
}

/// Seals a growing file piece by piece. Holds back at most one piece, because the last one is marked.
///
/// The recorder's hot path: plaintext is copied once, to where it is sealed in place and written from.
pub struct Sealer {
    stream: Stream,
    /// Sealed pieces not yet taken, then the plaintext of the piece being filled.
    buffer: Vec<u8>,
    /// Bytes of sealed pieces in it.
    sealed: usize,
}

impl Sealer {
    /// The sealer; the bytes that open the file (header and nonce) are ready.
    pub fn new(recipient: &str) -> Result<Self, SealError> {
        Self::to(&parse_recipient(recipient)?)
    }

    /// The same for whoever knows a passphrase, as `age -p` does it.
    pub fn with_passphrase(passphrase: &str) -> Result<Self, SealError> {
        let secret = SecretString::from(passphrase.to_owned());
        let mut recipient = scrypt::Recipient::new(secret);
        recipient.set_work_factor(WORK);
        Self::to(&recipient)
    }

    fn to(recipient: &dyn Recipient) -> Result<Self, SealError> {
        let random = SystemRandom::new();
        let file_key =
            FileKey::try_init_with_mut(|key| random.fill(key)).map_err(|_| SealError::System)?;
        let mut buffer = header_for(&file_key, recipient)?;
        let mut nonce = [0u8; NONCE];
        random.fill(&mut nonce).map_err(|_| SealError::System)?;
        buffer.extend_from_slice(&nonce);
        let stream = Stream::new(&file_key, &nonce)?;
        let sealed = buffer.len();
        Ok(Self {
            stream,
            buffer,
            sealed,
        })
    }

    /// Adds plaintext.
    pub fn push(&mut self, mut plain: &[u8]) -> Result<(), SealError> {
        while !plain.is_empty() {
            if self.held_back() == PIECE {
                self.seal(false)?;
            }
            let (now, later) = plain.split_at(plain.len().min(PIECE - self.held_back()));
            self.buffer.extend_from_slice(now);
            plain = later;
        }
        Ok(())
    }

    /// What is to be written: the file's next bytes.
    pub fn ready(&self) -> &[u8] {
        &self.buffer[..self.sealed]
    }

    /// What was ready has been written.
    pub fn written(&mut self) {
        self.buffer.copy_within(self.sealed.., 0);
        self.buffer.truncate(self.held_back());
        self.sealed = 0;
    }

    /// Plaintext bytes that no piece holds yet: lost if the process dies now.
    pub fn held_back(&self) -> usize {
        self.buffer.len() - self.sealed
    }

    /// Seals the last piece: the file's last bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, SealError> {
        self.seal(true)?;
        Ok(self.buffer)
    }

    fn seal(&mut self, last: bool) -> Result<(), SealError> {
        let tag = self
            .stream
            .seal_in_place(&mut self.buffer[self.sealed..], last)?;
        self.buffer.extend_from_slice(tag.as_ref());
        self.sealed = self.buffer.len();
        Ok(())
    }
}

/// A header taken apart, and where its parts end.
struct Header {
    stanzas: Vec<Stanza>,
    mac: Vec<u8>,
    /// What the MAC covers: up to and with `---`.
    covered: usize,
    len: usize,
}

/// `None`: more bytes are needed.
fn read_header(bytes: &[u8]) -> Result<Option<Header>, SealError> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(SealError::NotAge("its first line is another"));
    }
    let mut at = MAGIC.len();
    let mut stanzas: Vec<Stanza> = Vec::new();
    let mut in_body = false;
    while let Some(rest) = bytes.get(at..) {
        let Some(end) = rest.iter().take(MAX_HEADER).position(|b| *b == b'\n') else {
            break;
        };
        let line = std::str::from_utf8(&rest[..end])
            .map_err(|_| SealError::NotAge("header is not text"))?;
        if in_body {
            let body = (line.len() <= 64)
                .then(|| BASE64_STANDARD_NO_PAD.decode(line).ok())
                .flatten();
            let body = body.ok_or(SealError::NotAge("header line is not base64"))?;
            if let Some(stanza) = stanzas.last_mut() {
                stanza.body.extend_from_slice(&body);
            }
            in_body = line.len() == 64;
        } else if let Some(args) = line.strip_prefix("-> ") {
            let mut args = args.split(' ').map(str::to_owned);
            let tag = args.next().unwrap_or_default();
            stanzas.push(Stanza {
                tag,
                args: args.collect(),
                body: Vec::new(),
            });
            in_body = true;
        } else if let Some(mac) = line.strip_prefix("--- ") {
            let mac = BASE64_STANDARD_NO_PAD
                .decode(mac)
                .map_err(|_| SealError::NotAge("MAC is not base64"))?;
            if stanzas.is_empty() {
                return Err(SealError::NotAge("header has no recipient"));
            }
            return Ok(Some(Header {
                stanzas,
                mac,
                covered: at + 3,
                len: at + end + 1,
            }));
        } else {
            return Err(SealError::NotAge("header line is of no known kind"));
        }
        at += end + 1;
        if at > MAX_HEADER {
            break;
        }
    }
    if bytes.len() > MAX_HEADER {
        Err(SealError::NotAge("header does not end"))
    } else {
        Ok(None)
    }
}

fn file_key(
    bytes: &[u8],
    header: &Header,
    identities: &[x25519::Identity],
) -> Result<FileKey, SealError> {
    for identity in identities {
        match identity.unwrap_stanzas(&header.stanzas) {
            None => {}
            Some(Err(_)) => return Err(SealError::NotAge("recipient lines are malformed")),
            Some(Ok(key)) => {
                let covered = bytes
                    .get(..header.covered)
                    .ok_or(SealError::HeaderAltered)?;
                return match hmac::verify(&mac_key(&key)?, covered, &header.mac) {
                    Ok(()) => Ok(key),
                    Err(_) => Err(SealError::HeaderAltered),
                };
            }
        }
    }
    Err(SealError::NoKeyFits(identities.len()))
}

/// Length of the age header (up to and including the MAC line), once `bytes` holds it whole.
pub fn header_len(bytes: &[u8]) -> Result<Option<usize>, SealError> {
    Ok(read_header(bytes)?.map(|header| header.len))
}

/// New header for the same payload, wrapped to another recipient. `header` is exactly [`header_len`] bytes.
pub fn rewrap(header: &[u8], identity: &str, recipient: &str) -> Result<Vec<u8>, SealError> {
    let parsed = read_header(header)?.ok_or(SealError::NotAge("header is not whole"))?;
    if parsed.len != header.len() {
        return Err(SealError::NotAge("bytes follow the header"));
    }
    let key = file_key(header, &parsed, &[parse_identity(identity)?])?;
    header_for(&key, &parse_recipient(recipient)?)
}

#[allow(clippy::large_enum_variant)] // one of them per file being read
enum Stage {
    Header,
    Payload(Stream),
    Stopped,
}

/// Opens a sealed file fed in pieces.
pub struct Opener {
    identities: Result<Vec<x25519::Identity>, SealError>,
    stage: Stage,
    /// Sealed bytes not opened yet.
    held: Vec<u8>,
    tried: bool,
}

impl Opener {
    pub fn new(identities: &[String]) -> Self {
        let identities = identities.iter().map(|text| parse_identity(text)).collect();
        Self {
            identities,
            stage: Stage::Header,
            held: Vec::new(),
            tried: false,
        }
    }

    /// Adds sealed bytes; appends plaintext of complete pieces to `out`. Err when no identity fits or a piece was altered.
    pub fn push(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let done = self.advance(sealed, out);
        if done.is_err() {
            self.stage = Stage::Stopped;
        }
        done
    }

    fn advance(&mut self, mut sealed: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        if matches!(self.stage, Stage::Header) {
            self.held.extend_from_slice(sealed);
            sealed = &[];
            let identities = self.identities.as_ref().map_err(SealError::clone)?;
            let Some(header) = read_header(&self.held)? else {
                return Ok(());
            };
            let key = file_key(&self.held, &header, identities)?;
            let Some(nonce) = self.held.get(header.len..header.len + NONCE) else {
                return Ok(());
            };
            self.stage = Stage::Payload(Stream::new(&key, nonce)?);
            self.held.drain(..header.len + NONCE);
        }
        let Stage::Payload(stream) = &mut self.stage else {
            return Err(SealError::Stopped);
        };
        // What is held may already be many pieces (the header came with them).
        let mut at = 0;
        while self.held.len() - at > SEALED_PIECE {
            stream.open(&self.held[at..at + SEALED_PIECE], false, out)?;
            at += SEALED_PIECE;
        }
        self.held.drain(..at);
        while !sealed.is_empty() {
            if self.held.len() == SEALED_PIECE {
                // `tried`: it has failed as a middle piece; bytes after it mean that it is not the last one either.
                stream.open(&self.held, false, out)?;
                self.held.clear();
                self.tried = false;
            }
            let (now, later) = sealed.split_at(sealed.len().min(SEALED_PIECE - self.held.len()));
            self.held.extend_from_slice(now);
            sealed = later;
        }
        // A full piece at the end of what there is may be a middle piece of a torn file: its plaintext is not to be lost.
        if self.held.len() == SEALED_PIECE && !self.tried {
            self.tried = true;
            if stream.open(&self.held, false, out).is_ok() {
                self.held.clear();
                self.tried = false;
            }
        }
        Ok(())
    }

    /// The file ends here: the last piece. Err when the file was cut short.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        match &mut self.stage {
            Stage::Header => Err(match read_header(&self.held) {
                Err(bad) => bad,
                Ok(_) => SealError::CutShort(0),
            }),
            Stage::Stopped => Err(SealError::Stopped),
            Stage::Payload(stream) => finish_payload(stream, &self.held, out),
        }
    }

    /// The file was torn: says how many trailing sealed bytes could not be opened.
    pub fn finish_torn(self) -> u64 {
        self.held.len() as u64
    }

    /// As [`Opener::finish_torn`], but when the file does end with its proper last piece (the writer died between finishing
    /// and renaming), appends that piece and says 0.
    pub fn finish_or_torn(mut self, out: &mut Vec<u8>) -> u64 {
        if let Stage::Payload(stream) = &mut self.stage
            && finish_payload(stream, &self.held, out).is_ok()
        {
            return 0;
        }
        self.held.len() as u64
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

fn finish_payload(stream: &mut Stream, held: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
    if held.len() < TAG || (held.len() == TAG && stream.next > 0) {
        return Err(SealError::CutShort(stream.next));
    }
    let start = out.len();
    let piece = stream.next;
    if stream.open(held, true, out).is_ok() {
        return Ok(());
    }
    // Good as a middle piece: then the file ends too early; otherwise it was altered, or cut within the piece.
    let cut = held.len() == SEALED_PIECE && stream.open(held, false, out).is_ok();
    out.truncate(start);
    Err(if cut {
        SealError::CutShort(piece + 1)
    } else {
        SealError::PieceAltered(piece)
    })
}

#[cfg(test)]
mod tests;
