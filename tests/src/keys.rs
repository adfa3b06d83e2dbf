//! Adapter: filesystem. What somebody who holds all of a box can open: its keys, and footage with them.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use footage::{mp4, sealed};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::{Done, Told, Trouble, pictures, places};

/// Every footage identity that the box still yields to somebody who holds all of it: those in the reader's file, and those
/// the recorder left sealed to one of them.
pub fn identities(state: &Path, scratch: &Path) -> Done<Vec<String>> {
    identities_with(state, &[], scratch)
}

/// The same, with root keys that are in none of its files.
pub fn identities_with(state: &Path, roots: &[Vec<u8>], scratch: &Path) -> Done<Vec<String>> {
    let mut found: Vec<String> = books(state, roots)?
        .iter()
        .flat_map(|text| secret_words(text))
        .collect();
    let list = scratch.join("identities.txt");
    fs::write(&list, found.join("\n") + "\n")?;
    for sealed in places::files_below(&state.join("recorder/boot"), ".age") {
        let plain = scratch.join("boot.json");
        if pictures::age_opens(&sealed, &list, &plain)? {
            found.extend(secret_words(&fs::read_to_string(&plain)?));
        }
    }
    Ok(found)
}

/// The identities of one key id, e.g. `c01/2026-11-03`.
pub fn of_key(state: &Path, roots: &[Vec<u8>], key: &str) -> Done<Vec<String>> {
    let mut found = BTreeSet::new();
    for text in books(state, roots)? {
        let book: serde_json::Value = serde_json::from_str(&text)?;
        found.extend(secret_words(&book["keys"][key].to_string()));
    }
    Ok(found.into_iter().collect())
}

fn secret_words(text: &str) -> Vec<String> {
    text.split('"')
        .filter(|w| w.starts_with("AGE-SECRET-KEY-1"))
        .map(str::to_owned)
        .collect()
}

/// The reader's files of identities, in plain, as far as a root key in its files or one of `more` opens them.
fn books(state: &Path, more: &[Vec<u8>]) -> Done<Vec<String>> {
    const MAGIC: &[u8] = b"beadle identities v1\n";
    let mut found = Vec::new();
    let folder = state.join("reader");
    let files: Vec<PathBuf> = fs::read_dir(&folder)
        .told(folder.display())?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_file())
        .collect();
    let roots: Vec<Vec<u8>> = files
        .iter()
        .filter_map(|f| fs::read(f).ok())
        .filter(|b| b.len() == 32)
        .chain(more.iter().cloned())
        .collect();
    for file in &files {
        let bytes = fs::read(file)?;
        let Some(rest) = bytes.strip_prefix(MAGIC).filter(|r| r.len() > 12) else {
            continue;
        };
        for root in &roots {
            let Ok(key) = UnboundKey::new(&CHACHA20_POLY1305, root) else {
                continue;
            };
            let Ok(nonce) = Nonce::try_assume_unique_for_key(&rest[..12]) else {
                continue;
            };
            let mut sealed = rest[12..].to_vec();
            if let Ok(plain) =
                LessSafeKey::new(key).open_in_place(nonce, Aad::from(MAGIC), &mut sealed)
            {
                found.push(String::from_utf8_lossy(plain).into_owned());
            }
        }
    }
    Ok(found)
}

/// A sealed segment in plain, as it is on the disk; open and torn ones as far as they go.
pub fn plain(sealed: &Path, identities: &[String]) -> Done<Vec<u8>> {
    let bytes = fs::read(sealed).told(sealed.display())?;
    let mut opener = sealed::Opener::new(identities);
    let mut out = Vec::new();
    opener
        .push(&bytes, &mut out)
        .map_err(|e| Trouble(format!("{}: {e}", sealed.display())))?;
    opener.finish_or_torn(&mut out);
    Ok(out)
}

/// The pictures of a sealed segment.
pub fn pictures_of(sealed: &Path, identities: &[String]) -> Done<mp4::Segment> {
    mp4::parse(&plain(sealed, identities)?)
        .map_err(|e| Trouble(format!("{}: {e}", sealed.display())))
}
