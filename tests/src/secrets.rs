//! Adapter: other processes' memory. Secrets looked for wherever somebody who has taken a box could look: in what its programs hold
//! in memory, and in every file.
use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use age::Identity as _;
use age_core::{format::Stanza, secrecy::ExposeSecret};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use footage::sealed;
use ring::hkdf;

use crate::{Done, Told, Trouble, places};

/// One secret: what it is, and bytes that give it away.
#[derive(Clone)]
pub struct Secret {
    pub what: String,
    bytes: Vec<u8>,
}

impl Secret {
    pub fn new(what: impl Into<String>, bytes: &[u8]) -> Self {
        Self {
            what: what.into(),
            bytes: bytes.to_vec(),
        }
    }
}

/// An identity as text in both cases, and as the number it stands for (without the bits that clamping changes).
pub fn of_identity(name: &str, text: &str) -> Done<Vec<Secret>> {
    let number = number_of(text)?;
    Ok(vec![
        Secret::new(format!("{name}, text"), &text.as_bytes()[16..]),
        Secret::new(
            format!("{name}, text in small letters"),
            text[16..].to_ascii_lowercase().as_bytes(),
        ),
        Secret::new(format!("{name}, number"), &number[1..31]),
    ])
}

/// Bech32: five bits a letter, six letters of checksum.
fn number_of(text: &str) -> Done<[u8; 32]> {
    const LETTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let data = text
        .strip_prefix("AGE-SECRET-KEY-1")
        .and_then(|d| d.get(..52))
        .ok_or_else(|| Trouble::new("not an age identity"))?;
    let (mut bits, mut have, mut out) = (0u32, 0, Vec::new());
    for letter in data.to_ascii_lowercase().bytes() {
        let value = LETTERS.iter().position(|l| *l == letter);
        bits = bits << 5 | value.ok_or_else(|| Trouble::new("not Bech32"))? as u32;
        have += 5;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
            bits &= (1 << have) - 1;
        }
    }
    out.try_into()
        .map_err(|_| Trouble::new("an identity of another length"))
}

struct Okm;
impl hkdf::KeyType for Okm {
    fn len(&self) -> usize {
        32
    }
}

/// The keys of one sealed segment: the file key in its header, and the key its pictures are under. None: no identity opens it.
pub fn of_segment(file: &Path, identities: &[String]) -> Done<Option<Vec<Secret>>> {
    let bytes = fs::read(file).told(file.display())?;
    let bad = || Trouble(format!("{}: not a sealed segment", file.display()));
    let header = sealed::header_len(&bytes)
        .told(file.display())?
        .ok_or_else(bad)?;
    let text = std::str::from_utf8(&bytes[..header]).told(file.display())?;
    let mut lines = text.lines().skip(1);
    let share = lines
        .next()
        .and_then(|l| l.strip_prefix("-> X25519 "))
        .ok_or_else(bad)?;
    let body = lines
        .next()
        .and_then(|l| BASE64_STANDARD_NO_PAD.decode(l).ok())
        .ok_or_else(bad)?;
    let stanza = Stanza {
        tag: "X25519".into(),
        args: vec![share.into()],
        body,
    };
    for identity in identities {
        let identity: age::x25519::Identity =
            identity.parse().map_err(|e: &str| Trouble(e.into()))?;
        let Some(Ok(key)) = identity.unwrap_stanza(&stanza) else {
            continue;
        };
        let nonce = bytes.get(header..header + 16).ok_or_else(bad)?;
        let mut payload = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, nonce)
            .extract(key.expose_secret())
            .expand(&[b"payload"], Okm)
            .and_then(|okm| okm.fill(&mut payload))
            .map_err(|_| bad())?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        return Ok(Some(vec![
            Secret::new(format!("file key of {name}"), key.expose_secret()),
            Secret::new(format!("payload key of {name}"), &payload),
        ]));
    }
    Ok(None)
}

/// What was found, and where.
#[derive(Default, Debug)]
pub struct Found {
    /// `what` of each secret found, with the place.
    pub secrets: BTreeSet<String>,
    /// Every age identity, ours or not.
    pub identities: BTreeSet<String>,
    /// Bytes looked at.
    pub bytes: u64,
}

impl Found {
    pub fn has(&self, what: &str) -> bool {
        self.secrets.iter().any(|s| s.starts_with(what))
    }
}

/// Looks for many secrets at once, at every byte.
pub struct Search<'a> {
    secrets: &'a [Secret],
    /// Which first two bytes any of them has.
    starts: Vec<bool>,
}

const IDENTITY: &[u8] = b"AGE-SECRET-KEY-1";
/// Letters after it.
const REST: usize = 58;

impl<'a> Search<'a> {
    pub fn new(secrets: &'a [Secret]) -> Self {
        let mut starts = vec![false; 1 << 16];
        for first in secrets
            .iter()
            .map(|s| &s.bytes[..2])
            .chain([&IDENTITY[..2]])
        {
            starts[usize::from(first[0]) << 8 | usize::from(first[1])] = true;
        }
        Self { secrets, starts }
    }

    pub fn bytes(&self, place: &str, bytes: &[u8], found: &mut Found) {
        found.bytes += bytes.len() as u64;
        for (at, two) in bytes.windows(2).enumerate() {
            if !self.starts[usize::from(two[0]) << 8 | usize::from(two[1])] {
                continue;
            }
            let rest = &bytes[at..];
            for secret in self.secrets.iter().filter(|s| rest.starts_with(&s.bytes)) {
                found.secrets.insert(format!("{} in {place}", secret.what));
            }
            if let Some(letters) = rest.strip_prefix(IDENTITY)
                && letters.len() >= REST
                && letters[..REST].iter().all(u8::is_ascii_alphanumeric)
            {
                let text = String::from_utf8_lossy(&rest[..IDENTITY.len() + REST]);
                found.identities.insert(text.into_owned());
            }
        }
    }

    /// Every file below a folder.
    pub fn files(&self, folder: &Path, found: &mut Found) -> Done<()> {
        for file in places::files_below(folder, "") {
            // Sockets cannot be read, and files of a running box come and go.
            if file.is_file()
                && let Ok(bytes) = fs::read(&file)
            {
                self.bytes(&file.display().to_string(), &bytes, found);
            }
        }
        Ok(())
    }

    /// All that a process could write to: heap, stacks, data, whatever it has mapped for itself. As gcore would save it.
    pub fn process(&self, name: &str, pid: u32, found: &mut Found) -> Done<()> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).told(name)?;
        let memory = File::open(format!("/proc/{pid}/mem")).told(name)?;
        let before = found.bytes;
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (Some(range), Some(rights)) = (words.next(), words.next()) else {
                continue;
            };
            let Some((from, to)) = range.split_once('-') else {
                continue;
            };
            if !rights.contains('w') {
                continue;
            }
            let number = |text| u64::from_str_radix(text, 16).told(name);
            let (from, to) = (number(from)?, number(to)?);
            let what = words.nth(3).unwrap_or("memory");
            let mut bytes = vec![0u8; (to - from) as usize];
            // What cannot be read (never touched, or gone since) holds nothing.
            if memory.read_exact_at(&mut bytes, from).is_ok() {
                self.bytes(&format!("{name}, {what} at {from:x}"), &bytes, found);
            }
        }
        if found.bytes - before < 100_000 {
            return Err(Trouble(format!("the memory of {name} could not be read")));
        }
        Ok(())
    }
}
