//! Pure. The few commands of a TPM 2.0 that keeping 32 bytes in it takes, as bytes, and its answers.
//!
//! By the TPM 2.0 Library Specification (TCG, revision 1.59): Part 1 §18 "Structure of commands and responses" and §19
//! "Authorizations" (password authorization), Part 2 §6 (constants, response codes), §13 "NV storage structures" (`TPMA_NV`,
//! `TPMS_NV_PUBLIC`), Part 3 §30.2 `TPM2_GetCapability`, §31.3 `TPM2_NV_DefineSpace`, §31.6 `TPM2_NV_ReadPublic`,
//! §31.7 `TPM2_NV_Write`, §31.13 `TPM2_NV_Read`.
//!
//! Spoken here rather than through tss-esapi: five commands of fixed form against 100,000 lines of C and their build, in the one
//! process that holds footage keys, whose memory must be known to forget ([`crate::memory`] cannot wipe what C frees).
use zeroize::Zeroizing;

const NO_SESSIONS: u16 = 0x8001;
const SESSIONS: u16 = 0x8002;
const RH_OWNER: u32 = 0x4000_0001;
const RS_PW: u32 = 0x4000_0009;
const ALG_SHA256: u16 = 0x000b;

/// Bytes in front of every command and answer: tag, size, code.
pub const HEADER: usize = 10;

/// What our indexes are: read and written under their own password and by nobody else, not even the owner (who may only
/// undefine them); always whole; a wrong password locks nobody out (it has 256 random bits, and a lockout by some other program
/// must not keep the box from its keys). Not ORDERLY: a write is in lasting memory before the TPM answers.
pub const ATTRIBUTES: u32 = AUTHWRITE | WRITEALL | AUTHREAD | NO_DA;
const AUTHWRITE: u32 = 1 << 2;
const WRITEALL: u32 = 1 << 12;
const AUTHREAD: u32 = 1 << 18;
const NO_DA: u32 = 1 << 25;
/// Set by the TPM at the first write.
const WRITTEN: u32 = 1 << 29;

/// Codes of refusals, without the number of the handle or session they are about.
pub mod code {
    /// That handle or index is not there (`TPM_RC_HANDLE`).
    pub const HANDLE: u32 = 0x08b;
    pub const NV_UNINITIALIZED: u32 = 0x14a;
    pub const AUTH_FAIL: u32 = 0x08e;
    pub const BAD_AUTH: u32 = 0x0a2;
    /// Those that pass: ask again.
    pub const WAIT: [u32; 5] = [0x908, 0x90a, 0x920, 0x922, 0x923];
}

struct Command(Zeroizing<Vec<u8>>);

impl Command {
    fn new(tag: u16, code: u32) -> Self {
        // Room for the longest: what grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(256));
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&code.to_be_bytes());
        Self(bytes)
    }
    fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }
    fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }
    /// `TPM2B_…`: length and bytes; ours are a few dozen.
    fn sized(mut self, bytes: &[u8]) -> Self {
        self.0
            .extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }
    /// A password session, alone in the authorization area.
    fn password(self, auth: &[u8]) -> Self {
        let area = 4 + 2 + 1 + 2 + auth.len() as u32;
        let mut this = self.u32(area).u32(RS_PW).u16(0);
        this.0.push(1); // continueSession, as is usual; a password session is none that could go on
        this.sized(auth)
    }
    fn done(mut self) -> Zeroizing<Vec<u8>> {
        let size = (self.0.len() as u32).to_be_bytes();
        self.0[2..6].copy_from_slice(&size);
        self.0
    }
}

/// Asks for the family: "2.0".
pub fn family() -> Zeroizing<Vec<u8>> {
    // TPM_CAP_TPM_PROPERTIES, TPM_PT_FAMILY_INDICATOR, one of them
    let ask = Command::new(NO_SESSIONS, 0x17a);
    ask.u32(6).u32(0x100).u32(1).done()
}

/// Whether the answer to [`family`] is that of a TPM 2.0.
pub fn is_2_0(answer: &Answer) -> bool {
    // moreData, capability, count, property, value
    answer.parameters.get(13..17) == Some(b"2.0\0")
}

pub fn read_public(index: u32) -> Zeroizing<Vec<u8>> {
    Command::new(NO_SESSIONS, 0x169).u32(index).done()
}

/// What a TPM says an index is: attributes (without WRITTEN) and size.
pub fn public(answer: &Answer) -> Option<(u32, u16)> {
    let p = &answer.parameters;
    let attributes = u32::from_be_bytes(p.get(8..12)?.try_into().ok()?);
    let policy = usize::from(u16::from_be_bytes(p.get(12..14)?.try_into().ok()?));
    let size = u16::from_be_bytes(p.get(14 + policy..16 + policy)?.try_into().ok()?);
    Some((attributes & !WRITTEN, size))
}

/// Defines an index as [`ATTRIBUTES`] says, in the owner's name. The owner's password is the empty one.
pub fn define(index: u32, auth: &[u8], size: u16) -> Zeroizing<Vec<u8>> {
    let public = [
        &index.to_be_bytes()[..],
        &ALG_SHA256.to_be_bytes(),
        &ATTRIBUTES.to_be_bytes(),
        &[0, 0], // no policy
        &size.to_be_bytes(),
    ]
    .concat();
    let ask = Command::new(SESSIONS, 0x12a).u32(RH_OWNER).password(&[]);
    ask.sized(auth).sized(&public).done()
}

pub fn write(index: u32, auth: &[u8], data: &[u8]) -> Zeroizing<Vec<u8>> {
    let ask = Command::new(SESSIONS, 0x137).u32(index).u32(index);
    ask.password(auth).sized(data).u16(0).done()
}

pub fn read(index: u32, auth: &[u8], size: u16) -> Zeroizing<Vec<u8>> {
    let ask = Command::new(SESSIONS, 0x14e).u32(index).u32(index);
    ask.password(auth).u16(size).u16(0).done()
}

/// The data of an answer to [`read`].
pub fn data(answer: &Answer) -> Option<&[u8]> {
    let p = &answer.parameters;
    let size = usize::from(u16::from_be_bytes(p.get(..2)?.try_into().ok()?));
    p.get(2..2 + size)
}

/// How long the whole answer is that begins so.
pub fn answer_len(start: &[u8]) -> Option<usize> {
    let size: [u8; 4] = start.get(2..6)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(size)).ok()
}

/// An answer taken apart.
pub struct Answer {
    /// 0: done.
    pub code: u32,
    parameters: Zeroizing<Vec<u8>>,
}

/// None: no answer of a TPM.
pub fn answer(bytes: &[u8]) -> Option<Answer> {
    if answer_len(bytes)? != bytes.len() {
        return None;
    }
    let tag = u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
    let code = u32::from_be_bytes(bytes.get(6..HEADER)?.try_into().ok()?);
    let from = if tag == SESSIONS { HEADER + 4 } else { HEADER };
    let parameters = Zeroizing::new(bytes.get(from..).unwrap_or_default().to_vec());
    Some(Answer {
        code: plain(code),
        parameters,
    })
}

/// A code without the number of what it is about (Part 2 §6.6.2: format-one codes carry it in bits 6 and 8 to 11).
fn plain(code: u32) -> u32 {
    if code & 0x80 != 0 { code & 0xbf } else { code }
}

/// A refusal in words.
pub fn in_words(code: u32) -> String {
    let what = match code {
        code::HANDLE => "there is nothing under that number",
        code::NV_UNINITIALIZED => "nothing was ever written there",
        code::AUTH_FAIL | code::BAD_AUTH => "the password is wrong",
        0x085 => "the owner hierarchy is disabled",
        0x01e => "it speaks TPM 1.2 only",
        0x100 => "it was not started up",
        0x101 => "it is in failure mode",
        0x120 => "the command is disabled",
        0x14b => "it has no room left",
        0x14c => "that number is taken",
        0x921 => "it is locked out after wrong passwords",
        _ if code::WAIT.contains(&code) => "it is busy",
        _ => "see the TPM 2.0 specification, part 2, 6.6",
    };
    format!("code {code:#05x}, {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Byte for byte as the specification lays a command out.
    #[test]
    fn a_write_is_laid_out_as_specified() {
        let bytes = write(0x01be_ad10, b"pw", &[0xaa, 0xbb]);
        let expected = [
            0x80, 0x02, 0, 0, 0, 39, 0, 0, 1, 0x37, // tag, size, TPM2_NV_Write
            0x01, 0xbe, 0xad, 0x10, 0x01, 0xbe, 0xad, 0x10, // auth handle, index
            0, 0, 0, 11, 0x40, 0, 0, 9, 0, 0, 1, 0, 2, b'p', b'w', // password session
            0, 2, 0xaa, 0xbb, 0, 0, // data, offset
        ];
        assert_eq!(bytes.as_slice(), expected);
    }

    /// FLT-1: whatever a device answers, it is an answer or none; nothing panics.
    #[test]
    fn broken_answers_are_none() {
        let good = [0x80, 0x02, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0, 4, 0, 2, 7, 8];
        let read = answer(&good).expect("answer");
        assert_eq!((read.code, data(&read)), (0, Some(&[7u8, 8][..])));
        for len in 0..good.len() {
            assert!(answer(&good[..len]).is_none(), "{len}");
        }
        let short = [0x80, 0x02, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0];
        assert_eq!(answer(&short).as_ref().and_then(data), None);
        let lying = [0x80, 0x02, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 4, 0, 9];
        assert_eq!(answer(&lying).as_ref().and_then(data), None);
        assert_eq!(answer(&lying).as_ref().and_then(public), None);
        // TPM_RC_HANDLE about the second handle, TPM_RC_BAD_AUTH about the first session.
        assert_eq!((plain(0x28b), plain(0x9a2)), (code::HANDLE, code::BAD_AUTH));
        assert_eq!(plain(0x14a), code::NV_UNINITIALIZED);
    }
}
