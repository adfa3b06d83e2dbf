//! Pure. What happens to an exhibit, each with the line of the hub's log that says so. The continuity sheet, the exhibit's page and the
//! commands are made from these values alone.

use serde::{Deserialize, Serialize};
use shared::{
    id::ExhibitRef,
    time::{Day, Utc},
};
use utoipa::ToSchema;

/// A text of the side table; None: it was erased.
pub type Erasable = Option<String>;

/// Whoever did it: as they are called now, and what they were when they did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hand {
    /// As the log names them: op:0147; sys:hub is the hub by itself.
    pub op: String,
    /// Their name; None where it was erased, or nobody has this number.
    pub name: Option<String>,
    /// As the log says it: supervisor, operator@town-council.
    pub roles: Vec<String>,
}

/// One thing that happened to an exhibit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExhibitEvent {
    /// Line of the hub's log.
    pub line: u64,
    pub at: Utc,
    pub by: Hand,
    #[serde(flatten)]
    pub what: ExhibitAct,
}

/// What it was. Hashes are lower hex, copies are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum ExhibitAct {
    /// Footage was granted, and has this exhibit's number from here on.
    Granted {
        purpose: Erasable,
        reference: Erasable,
        requester: Erasable,
    },
    /// A working copy in the package, made of its masters.
    WorkingCopyMade { sha256: String },
    /// The package is made and sealed; `sums`: SHA-256 of its SHA256SUMS.
    Made { sums: String },
    /// A still picture was made of it, an exhibit of its own; or this is that still picture, made of `parent`.
    StillMade {
        still: ExhibitRef,
        parent: ExhibitRef,
        /// Line of the box's log that describes the segment, and which picture of it, from 1.
        log: String,
        segment: u64,
        picture: u64,
        /// When the picture was taken.
        taken: Utc,
        sha256: String,
        reason: Erasable,
        /// Who authorised it, and their rank (a code).
        authority: Erasable,
        rank: String,
    },
    /// Its producer's reference.
    Marked { mark: Erasable },
    /// It was watched.
    Viewed {
        purpose: Erasable,
        reference: Erasable,
        /// Who else was there; the outer None: nobody said that anybody was.
        #[schema(value_type = Option<String>)]
        present: Option<Erasable>,
    },
    /// Somebody began to write it out in plain; how that ended is an event of its own.
    SaveBegun {
        purpose: Erasable,
        reference: Erasable,
        #[schema(value_type = Option<String>)]
        present: Option<Erasable>,
    },
    /// A copy was written out, read back and registered.
    Copied {
        copy: u64,
        /// master, working
        kind: String,
        /// folder, zip
        form: String,
        /// none, passphrase, recipient
        seal: String,
        /// Of the file; of a folder that of its SHA256SUMS.
        sha256: String,
        sums: String,
        bytes: u64,
        medium: Erasable,
        place: Erasable,
    },
    /// A copy was handed to somebody, who answers for it from then on.
    HandedOver {
        copy: u64,
        /// As which: master, working.
        kind: String,
        /// Of docs/requests.md: police, media, …
        class: String,
        to: Erasable,
        agency: Erasable,
        /// Their name as whoever handed it over typed it, and the second factor they signed with: code, passkey.
        signed: Erasable,
        factor: String,
    },
    /// Whoever was handed it signed for it.
    Received {
        copy: u64,
        /// Line of the hand-over.
        hand: u64,
        from: Erasable,
        /// What they signed; the outer None: nothing was named.
        #[schema(value_type = Option<String>)]
        receipt: Option<Erasable>,
    },
    /// It came back; it is never a master again.
    Returned {
        copy: u64,
        from: Erasable,
        #[schema(value_type = Option<String>)]
        note: Option<Erasable>,
    },
    /// A copy was destroyed.
    CopyDestroyed { copy: u64, reason: Erasable },
    /// Media may have it, for these uses and within these limits.
    MediaAllowed {
        document: Erasable,
        /// Of the document, where it was handed in.
        sha256: Option<String>,
        uses: Erasable,
        limits: Erasable,
    },
    /// How long it is kept.
    Classed {
        /// general, surveillance, review
        class: String,
        review: Option<Day>,
        reason: Erasable,
    },
    /// Somebody asked that it be disposed of before its time.
    DisposalAsked { reason: Erasable },
    /// It is disposed of; `people`: who disposed, or who asked and who approved.
    Disposed {
        people: Vec<String>,
        reason: Erasable,
    },
    /// Nothing of it is left at the hub.
    Gone,
}
