//! Task. Segments that the recorder names: recovered, copied for a hold, or only looked at.
use shared::{segment::KeyId, spot::Wrong};

use super::{Reader, Terms, torn};
use crate::reader::Recovered;

/// A segment as the recorder names it: its volume, its path below that, the key of its line.
pub(super) struct Named<'a> {
    pub(super) volume: &'a str,
    pub(super) file: &'a str,
    pub(super) key: &'a str,
}

impl Reader {
    /// One that was torn, or that no line speaks of.
    pub(super) fn recover(
        &self,
        terms: &Terms,
        of: &Named<'_>,
    ) -> Result<Option<Recovered>, String> {
        let volume = Self::volume(terms, of.volume)?;
        let first = key_id(of.key)?;
        let candidates = self.with(terms, |keys| {
            let others = keys.boot_keys(first.cam());
            let ids =
                std::iter::once(first.clone()).chain(others.into_iter().filter(|k| *k != first));
            Ok(ids
                .flat_map(|k| keys.pairs(&k).into_iter().map(move |p| (k.clone(), p)))
                .collect::<Vec<_>>())
        })?;
        torn::recover(&volume, of.file, &candidates)
    }

    /// A copy under a hold's key.
    pub(super) fn hold(
        &self,
        terms: &Terms,
        of: &Named<'_>,
        hold: &str,
        sha256: &str,
    ) -> Result<(), String> {
        let (key, hold_key) = (key_id(of.key)?, key_id(hold)?);
        let KeyId::Hold { cam, hold } = &hold_key else {
            return Err(format!("{hold_key} is not the key of a hold"));
        };
        if key.cam() != cam {
            return Err(format!("{hold_key} is of another camera than {key}"));
        }
        let held = self.ledger().held(cam, *hold)?;
        let volume = Self::volume(terms, of.volume)?;
        let (pairs, to) = self.with(terms, |keys| {
            keys.recipients(std::iter::once(hold_key.clone()))?;
            Ok((keys.pairs(&key), keys.pairs(&hold_key)))
        })?;
        let to = to.last().ok_or("no key could be made for the hold")?;
        torn::hold(&volume, of.file, &pairs, (*hold, &held), to, sha256)
    }

    /// What is wrong with it, if anything is. Nothing is written, and nothing of it is handed out.
    pub(super) fn spot(
        &self,
        terms: &Terms,
        of: &Named<'_>,
        size: u64,
        sha256: &str,
    ) -> Result<Option<Wrong>, String> {
        let key = key_id(of.key)?;
        let volume = Self::volume(terms, of.volume)?;
        let pairs = self.with(terms, |keys| Ok(keys.pairs(&key)))?;
        torn::spot(&volume, of.file, &pairs, size, sha256)
    }
}

fn key_id(key: &str) -> Result<KeyId, String> {
    KeyId::parse(key).map_err(|e| e.to_string())
}
