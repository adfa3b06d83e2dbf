//! Adapter: filesystem. Orders about holds on their way to the reader, which judges by the hub's own word and keeps it for itself.
//!
//! `<state>/recorder/orders/<number>.json`: `{"order":TEXT,"sig":TEXT}`, only while the reader does not answer; given to it in their order.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::order::{Code, Refusal};

use super::Holds;
use crate::reader::ReaderError;

#[derive(Serialize, Deserialize)]
struct Signed {
    order: String,
    sig: String,
}

impl Holds {
    /// Gives an order to the reader, or keeps it until the reader answers.
    ///
    /// # Errors
    /// The reader refuses it, or it can be neither given nor kept.
    pub fn tell_reader(&self, order: &str, sig: &str) -> Result<(), Refusal> {
        let waiting = self.waiting();
        if waiting.is_empty() {
            match self.0.client.order(order, sig) {
                Ok(()) => return Ok(()),
                Err(ReaderError::Refused(why)) => {
                    return Err(Refusal::new(Code::ReaderRefused, why));
                }
                Err(ReaderError::Spent(why)) => return Err(Refusal::new(Code::Ceiling, why)),
                // It says when it is not too early any more.
                Err(ReaderError::Early(why)) => return Err(Refusal::new(Code::Reader, why)),
                Err(e) => tracing::warn!(error = %e, "an order waits for the reader"),
            }
        }
        let next = waiting.last().map_or(1, |(n, _)| n + 1);
        let signed = Signed {
            order: order.into(),
            sig: sig.into(),
        };
        let path = self.0.orders.join(format!("{next}.json"));
        serde_json::to_vec(&signed)
            .map_err(std::io::Error::other)
            .and_then(|bytes| {
                std::fs::create_dir_all(&self.0.orders)?;
                logbook::write_whole(&path, &bytes, false)
            })
            .map_err(|e| {
                let why = format!(
                    "the reader does not answer, and the order could not be kept for it: {e}"
                );
                Refusal::new(Code::Disk, why)
            })
    }

    /// Gives the reader what waits for it.
    pub(super) fn tell_waiting(&self) {
        for (_, path) in self.waiting() {
            let signed = std::fs::read(&path)
                .ok()
                .and_then(|b| serde_json::from_slice::<Signed>(&b).ok());
            match signed.map(|s| self.0.client.order(&s.order, &s.sig)) {
                Some(Err(ReaderError::Absent { .. } | ReaderError::Keys(_))) => return,
                Some(Err(
                    ReaderError::Refused(why) | ReaderError::Early(why) | ReaderError::Spent(why),
                )) => {
                    tracing::error!(why, "the reader refuses an order about a hold")
                }
                Some(Ok(())) => {}
                None => {
                    tracing::error!(path = %path.display(), "an order kept for the reader cannot be read")
                }
            }
            if let Err(e) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), error = %e, "an order the reader has could not be cleared away");
                return;
            }
        }
    }

    fn waiting(&self) -> Vec<(u64, PathBuf)> {
        let Ok(entries) = std::fs::read_dir(&self.0.orders) else {
            return Vec::new();
        };
        let mut all: Vec<(u64, PathBuf)> = entries
            .flatten()
            .filter_map(|e| {
                let n = e
                    .file_name()
                    .to_str()?
                    .strip_suffix(".json")?
                    .parse()
                    .ok()?;
                Some((n, e.path()))
            })
            .collect();
        all.sort();
        all
    }
}
