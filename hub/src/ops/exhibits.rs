//! Task. Operations about the register of an exhibit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{id::ExhibitRef, time::Utc};
use utoipa::ToSchema;

use super::{
    moment,
    operation::{Operation, Target, work},
};
use crate::{
    access::authorise::Permit,
    error::HubError,
    evidence::still::{self, StillRequest},
    hub::Hub,
    model::register::{Register, ReleaseForm},
    register::{
        acts::{self, HandOver, SavedCopy},
        media::{self, MediaRelease},
        shown,
    },
};

/// Its register: copies, in whose hands they are, all that happened to it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ExhibitShow)]
pub struct Show {
    pub exhibit: ExhibitRef,
}

/// The form that went with the last hand-over of a copy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Release {
    pub exhibit: ExhibitRef,
    pub copy: u64,
}

/// The reference of whoever produces it, like ABC/1.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Mark {
    pub exhibit: ExhibitRef,
    pub mark: String,
}

/// How a save ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RegisterCopy {
    pub exhibit: ExhibitRef,
    /// Line of its `copy.save`.
    pub save: u64,
    /// What was written; None: it came to nothing.
    pub copy: Option<SavedCopy>,
}

/// The number a copy has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CopyNumber {
    /// None: it came to nothing, and the log says so.
    pub copy: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Hand {
    pub exhibit: ExhibitRef,
    #[serde(flatten)]
    pub over: HandOver,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub exhibit: ExhibitRef,
    pub copy: u64,
    /// Who signed for it.
    pub from: String,
    /// What they signed.
    #[serde(default)]
    pub receipt: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Return {
    pub exhibit: ExhibitRef,
    pub copy: u64,
    /// Who brought it back.
    pub from: String,
    #[serde(default)]
    pub note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Destroy {
    pub exhibit: ExhibitRef,
    pub copy: u64,
    pub reason: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Media {
    pub exhibit: ExhibitRef,
    #[serde(flatten)]
    pub release: MediaRelease,
}

/// A still picture of its film.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Still {
    pub exhibit: ExhibitRef,
    #[serde(deserialize_with = "moment::read")]
    pub at: Utc,
    pub reason: String,
    /// Who authorised it, and their rank.
    pub authority: String,
    pub rank: String,
}

/// The exhibit that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StillMade {
    pub still: ExhibitRef,
}

macro_rules! registered {
    ($($name:ident -> $reply:ty = |$hub:ident, $o:ident, $permit:ident| $work:expr;)*) => {
        $(impl Operation for $name {
            type Reply = $reply;

            fn about(&self) -> Target {
                Target::Exhibit(self.exhibit.clone())
            }

            async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<Self::Reply, HubError> {
                work(hub, permit, move |$hub, $permit| {
                    let $o = self;
                    $work
                })
                .await
            }
        })*
    };
}

registered! {
    Show -> Register = |hub, o, _permit| shown::register(hub, &o.exhibit);
    Release -> ReleaseForm = |hub, o, _permit| shown::release(hub, &o.exhibit, o.copy);
    Mark -> Register = |hub, o, permit| {
        acts::mark(hub, &o.exhibit, &o.mark, permit)?;
        shown::register(hub, &o.exhibit)
    };
    RegisterCopy -> CopyNumber = |hub, o, permit| match &o.copy {
        Some(copy) => {
            let n = acts::copied(hub, &o.exhibit, o.save, copy, permit)?;
            Ok(CopyNumber { copy: Some(n) })
        }
        None => {
            acts::not_saved(hub, &o.exhibit, o.save, permit)?;
            Ok(CopyNumber { copy: None })
        }
    };
    Hand -> ReleaseForm = |hub, o, permit| {
        acts::hand_over(hub, &o.exhibit, &o.over, permit)?;
        shown::release(hub, &o.exhibit, o.over.copy)
    };
    Receipt -> Register = |hub, o, permit| {
        acts::received(hub, &o.exhibit, o.copy, &o.from, o.receipt.as_deref(), permit)?;
        shown::register(hub, &o.exhibit)
    };
    Return -> Register = |hub, o, permit| {
        acts::returned(hub, &o.exhibit, o.copy, &o.from, o.note.as_deref(), permit)?;
        shown::register(hub, &o.exhibit)
    };
    Destroy -> Register = |hub, o, permit| {
        acts::destroyed(hub, &o.exhibit, o.copy, &o.reason, permit)?;
        shown::register(hub, &o.exhibit)
    };
    Still -> StillMade = |hub, o, permit| {
        let asked = StillRequest {
            at: o.at,
            reason: o.reason,
            authority: o.authority,
            rank: o.rank,
        };
        let still = still::make(hub, &o.exhibit, &asked, permit)?;
        Ok(StillMade { still })
    };
    Media -> Register = |hub, o, permit| {
        media::allow(hub, &o.exhibit, &o.release, permit)?;
        shown::register(hub, &o.exhibit)
    };
}
