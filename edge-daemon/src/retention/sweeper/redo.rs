//! Task. The deed of a deletion, once its `del.range` is on disk under a signed head; and those that were begun and not ended.
use std::path::{Path, PathBuf};

use shared::{id::CameraId, time::Day, types::DelDone};

use super::{SweepError, Sweeper, WHO, io};
use crate::{
    reader::ReaderError,
    retention::{
        policy::Due,
        unlink::{tidy, unlink},
        walker,
    },
    store::index::Index,
};

/// What came of deletions that had been begun.
#[derive(Debug, Default)]
pub struct Redone {
    /// The cameras that they are of: no further day of theirs is begun now.
    pub cams: Vec<CameraId>,
    /// What the reader holds up, and why it holds the first up, in its words.
    pub waiting: Vec<Due>,
    pub reader: Option<String>,
    /// As [`super::Swept::stuck`].
    pub stuck: Option<String>,
    /// What is stuck, which is not begun again. Its camera is not among those above: its other days go.
    pub left: Vec<(CameraId, Day)>,
}

/// What of one camera-day goes under one `del.range`.
pub(super) struct Part {
    pub n: u64,
    pub cam: CameraId,
    pub day: Day,
    pub s0: u64,
    pub s1: u64,
    pub key: String,
    pub files: Vec<PathBuf>,
    pub others: Vec<PathBuf>,
    /// It goes before its day: its key stays until then.
    pub early: bool,
}

impl Sweeper {
    /// Finishes every `del.range` that has no `del.done`.
    pub fn redo(&mut self) -> Result<Redone, SweepError> {
        let index = Index::open(&self.index, &self.log.folder())?;
        let mut redone = Redone::default();
        for left in index.unfinished_deletions()? {
            if self.paths().is_empty() {
                continue; // its disk is not there; nothing can be said about it
            }
            let (mut by_key, others) = self.contents(&index, &left.cam, left.day)?;
            let found = by_key.remove(&left.key).unwrap_or_default();
            let files = found
                .into_iter()
                .filter(|(s, _)| (left.s0..=left.s1).contains(&s.s))
                .map(|(_, path)| path)
                .collect();
            let others = if by_key.is_empty() {
                others
            } else {
                Vec::new()
            };
            let due = Due {
                cam: left.cam.clone(),
                day: left.day,
                rule: format!("{}d", self.rules.days(&left.cam)),
            };
            let acted = self.act(
                &index,
                &Part {
                    n: left.n,
                    cam: left.cam,
                    day: left.day,
                    s0: left.s0,
                    s1: left.s1,
                    key: left.key,
                    files,
                    others,
                    early: left.early,
                },
            );
            match acted {
                // The others' days go all the same.
                Err(e @ SweepError::Io { .. }) => {
                    redone.stuck.get_or_insert(e.to_string());
                    redone.left.push((due.cam, due.day));
                    continue;
                }
                Err(SweepError::Reader(ReaderError::Early(why))) => {
                    redone.reader.get_or_insert(why);
                    redone.waiting.push(due.clone());
                }
                acted => acted?,
            }
            redone.cams.push(due.cam);
        }
        Ok(redone)
    }

    /// The deed itself. Its `del.range` is on disk under a signed head.
    pub(super) fn act(&mut self, index: &Index, part: &Part) -> Result<(), SweepError> {
        // A boot key may have sealed footage of a later day too (no reader over midnight): it dies with the last of it.
        let sealed = index.of_key(&part.key)?;
        let shared = sealed.iter().any(|s| !s.deleted && !s.lost);
        let gone = sealed.iter().filter(|s| (part.s0..=part.s1).contains(&s.s));
        let held = self.holds.count(index, gone)?;
        let stays = shared || part.early;
        let claim = if stays {
            "file".to_owned()
        } else {
            let cosigned = self.log.cosigned();
            self.client.destroy(&part.key, cosigned.as_ref())?
        };
        let kept = part.files.last();
        for file in part
            .files
            .iter()
            .chain(&part.others)
            .filter(|f| Some(*f) != kept)
        {
            unlink(file)?;
        }
        let mut undecryptable = !stays;
        if let Some(kept) = kept {
            if !stays {
                undecryptable = self.client.undecryptable(kept)?;
            }
            unlink(kept)?;
        }
        if undecryptable {
            self.faults.off("retention.erase", Some(&part.cam));
        } else if !part.early {
            let why = if shared {
                "its key still seals footage of a later day"
            } else {
                "a key the reader still has opens it"
            };
            self.faults.on(
                "retention.erase",
                Some(&part.cam),
                &format!("footage of {} is deleted, but {why}", part.day),
            );
        }
        for folder in self.folders(&part.cam, part.day) {
            tidy(&folder)?;
        }
        let oldest =
            walker::oldest(&self.paths(), &part.cam).map_err(io("list", Path::new("footage")))?;
        self.log.append(
            WHO,
            &DelDone {
                cam: part.cam.clone(),
                day: part.day,
                n: part.n,
                oldest,
                undecryptable,
                claim,
                held: (held > 0).then_some(held),
            },
        )?;
        tracing::info!(cam = %part.cam, day = %part.day, files = part.files.len(), others = part.others.len(), "footage deleted");
        Ok(())
    }
}
