//! Task. How a try at a pull ended, and why; what broke is for the journal.

use shared::{id::BoxName, order::Code};

use crate::{
    disks::room,
    error::HubError,
    evidence::PackageError,
    files::FileError,
    link::LinkError,
    model::pull::{Absence, State},
    orders::order::NotObeyed,
    reason::{Api, PullReason},
};

/// How one try ended.
pub enum PullEnd {
    /// For good.
    Over(State, Option<Absence>, Vec<PullReason>),
    /// Not yet: what it waits for. The flag says whether anything came.
    Again(PullReason, bool),
}

pub type PullResult<T> = Result<T, PullEnd>;

pub fn again(why: PullReason) -> PullEnd {
    PullEnd::Again(why, false)
}

pub fn failed(reason: Absence, why: PullReason) -> PullEnd {
    PullEnd::Over(State::Failed, Some(reason), vec![why])
}

/// Trouble here that does not pass.
pub fn ours(why: PullReason) -> PullEnd {
    failed(Absence::Hub, why)
}

/// What came is not what it should be.
pub fn odd(why: PullReason) -> PullEnd {
    failed(Absence::NotAsLogged, why)
}

/// Something of the hub's own does not work: what, is for the journal.
pub fn hub_broke(why: &dyn std::fmt::Display) -> PullReason {
    tracing::error!("a pull cannot go on: {why}");
    PullReason::HubBroke
}

/// The same, which may pass.
pub fn broken(why: impl Into<HubError>) -> PullEnd {
    let why = why.into();
    again(match why {
        HubError::Because(ref reason) if **reason == Api::Stopping.into() => PullReason::HubStops,
        why => hub_broke(&why),
    })
}

/// What became of the connection to a box.
pub fn broke(name: &BoxName, why: &LinkError) -> PullReason {
    tracing::debug!(%name, "a clip's stream broke: {why}");
    let name = name.clone();
    match why {
        LinkError::Silent(secs) => PullReason::BoxSilent { name, secs: *secs },
        LinkError::Frame(_) | LinkError::Large(_) => PullReason::BoxOdd { name },
        _ => PullReason::LineBroke { name },
    }
}

fn is_full(why: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(why.kind(), StorageFull | QuotaExceeded)
}

fn unusable(what: &str, path: &str, why: &std::io::Error) -> PullReason {
    let path = path.to_owned();
    match is_full(why) {
        true => PullReason::DiskFull {
            free: room::of(std::path::Path::new(&path))
                .ok()
                .map(|room| room.free),
            path,
            wanted: None,
            kept: 0,
        },
        false => PullReason::HubFile {
            what: what.into(),
            path,
            why: why.to_string(),
        },
    }
}

/// A file of the hub's cannot be used; may be that there is no room for it.
pub fn file(why: FileError) -> PullEnd {
    again(unusable(why.what, &why.path, &why.source))
}

/// No package was made. One for which there is no room is made when there is.
pub fn unpacked(why: PackageError) -> PullEnd {
    match why {
        PackageError::Io { what, path, source } => {
            let why = unusable(what, &path, &source);
            match why.patient() {
                true => again(why),
                false => ours(why),
            }
        }
        PackageError::NoRoom(why) => again(why.into()),
        why => ours(PullReason::NotPacked {
            why: why.to_string(),
        }),
    }
}

/// What a box's refusal says of the footage.
pub fn absence(why: &NotObeyed) -> Absence {
    match why {
        NotObeyed::Refused { refusal, .. } => match refusal.code {
            Code::NothingRecorded => Absence::NotRecorded,
            Code::PastItsDay => Absence::Deleted,
            Code::NotOnDisk => Absence::NotOnDisk,
            _ => Absence::BoxRefused,
        },
        _ => Absence::BoxRefused,
    }
}
