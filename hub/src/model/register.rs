//! Pure. The register of an exhibit as pages, commands and programs show it, and the values of its release form.

use serde::{Deserialize, Serialize};
use shared::time::Utc;
use utoipa::ToSchema;

use super::{
    copy::{CopyKind, CopyState},
    exhibit_event::{Erasable, ExhibitEvent, Hand},
};

/// A copy of an exhibit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CopyRow {
    pub copy: u64,
    /// A copy that came back is a working copy, whatever it was.
    pub kind: CopyKind,
    /// folder, zip
    pub form: String,
    /// none, passphrase, recipient
    pub seal: String,
    /// Of the file; of a folder that of its SHA256SUMS.
    pub sha256: String,
    pub sums: String,
    pub bytes: u64,
    pub medium: Erasable,
    pub place: Erasable,
    pub state: CopyState,
    /// Its last hand-over was signed for.
    pub received: bool,
    pub made: Utc,
    pub changed: Utc,
}

/// What media may do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MediaRow {
    pub document: Erasable,
    pub sha256: Option<String>,
    pub uses: Erasable,
    pub limits: Erasable,
    /// Who authorised it, as the log names them, and their name.
    pub by: String,
    pub name: Option<String>,
    pub at: Utc,
}

/// All that is known of an exhibit's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Register {
    pub exhibit: String,
    pub camera: String,
    pub t0: Utc,
    pub t1: Utc,
    /// Ready, Partial, Disposed, …
    pub state: String,
    /// Its producer's reference; None: it has none, or it was erased.
    pub mark: Erasable,
    /// Who asked for it, of docs/requests.md.
    pub class: Option<String>,
    pub copies: Vec<CopyRow>,
    pub media: Option<MediaRow>,
    /// Of a still picture: what it was made of.
    pub parent: Option<String>,
    /// Still pictures that were made of it.
    pub stills: Vec<String>,
    /// Everything that happened, oldest first.
    pub events: Vec<ExhibitEvent>,
}

/// What the form says that is signed when a copy is handed over, and the receipt that comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseForm {
    pub scheme: String,
    pub exhibit: String,
    pub mark: Erasable,
    pub camera: String,
    pub t0: Utc,
    pub t1: Utc,
    pub purpose: Erasable,
    pub reference: Erasable,
    pub copy: CopyRow,
    /// As which it went: master, working.
    pub kind: String,
    /// Of docs/requests.md.
    pub class: String,
    pub to: Erasable,
    pub agency: Erasable,
    /// Who handed it over, when, and how they signed.
    pub by: Hand,
    pub at: Utc,
    pub signed: Erasable,
    pub factor: String,
    /// Line of the hub's log that says so.
    pub line: u64,
    /// Of an exhibit for media: what they may do with it.
    pub media: Option<MediaRow>,
    /// Who signed for it and what, once that is on record.
    pub receipt: Option<ReceiptRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptRow {
    pub from: Erasable,
    pub receipt: Option<Erasable>,
    pub at: Utc,
    pub by: Hand,
}
