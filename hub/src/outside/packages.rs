//! Task. The time stamp over a package's listing: SHA256SUMS.tsr, beside SHA256SUMS. A package is made without it, so that none waits for
//! somebody outside; it comes within a minute, or when an authority answers again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use logbook::sync_dir;
use shared::{
    evidence::names,
    id::{CameraId, ExhibitRef},
    record::{Digest, hex, sha256},
    timestamp::Stamp,
    types::ExpStamp,
};

use super::anchor::{stamped, time};
use crate::{
    blocking::blocking,
    config::outside::Authority,
    error::{HubError, plain},
    files,
    hub::Hub,
};

/// Most packages that are stamped in one look.
const AT_ONCE: usize = 50;
const HUB: &str = "sys:hub";

/// A package whose listing has no stamp yet.
struct Bare {
    exhibit: ExhibitRef,
    cam: CameraId,
    folder: PathBuf,
    sums: Digest,
}

/// Asks an authority for the stamps of packages that have none.
pub(super) async fn stamp_all(hub: &Arc<Hub>, authority: &Authority) -> Result<(), HubError> {
    let d = hub.clone();
    let all = blocking(move || bare(&d.config.evidence)).await?;
    for package in all.map_err(plain)? {
        match stamped(authority, &package.sums).await {
            Ok((answer, stamp)) => {
                let (d, name) = (hub.clone(), authority.name.clone());
                blocking(move || keep(&d, &package, &name, &answer, &stamp)).await??;
                hub.outside.answered(&authority.name);
            }
            Err(why) => {
                let now = hub.clock.now();
                hub.outside.failed(&authority.name, &why, false, now);
                break;
            }
        }
    }
    Ok(())
}

/// Packages below the folder that have a listing and no stamp. Blocking.
fn bare(evidence: &Path) -> io::Result<Vec<Bare>> {
    let mut all = Vec::new();
    for exhibit in below(evidence)? {
        for folder in below(&exhibit)? {
            let name = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
            let exhibit = name(&exhibit).and_then(|n| ExhibitRef::parse(&n).ok());
            let cam = name(&folder).and_then(|n| CameraId::parse(&n).ok());
            let Some((exhibit, cam)) = exhibit.zip(cam) else {
                continue;
            };
            if folder.join(names::TOKEN).symlink_metadata().is_ok() {
                continue;
            }
            let Ok(sums) = fs::read(folder.join(names::SUMS)) else {
                continue;
            };
            all.push(Bare {
                exhibit,
                cam,
                folder,
                sums: sha256(&sums),
            });
            if all.len() == AT_ONCE {
                return Ok(all);
            }
        }
    }
    Ok(all)
}

fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            all.push(entry.path());
        }
    }
    all.sort();
    Ok(all)
}

/// Written outside the package and put into it whole; then on the log. One that was disposed of meanwhile is left alone. Blocking.
fn keep(
    hub: &Hub,
    package: &Bare,
    authority: &str,
    answer: &[u8],
    stamp: &Stamp,
) -> Result<(), HubError> {
    let made = hub.config.evidence.join(".stamp");
    files::write_whole(&made, answer, 0o600).map_err(plain)?;
    match fs::rename(&made, package.folder.join(names::TOKEN)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return fs::remove_file(&made).map_err(plain);
        }
        renamed => renamed.map_err(plain)?,
    }
    sync_dir(&package.folder).map_err(plain)?;
    let line = ExpStamp {
        r#ref: package.exhibit.to_string(),
        cam: package.cam.clone(),
        sums: hex(&package.sums),
        authority: authority.to_owned(),
        time: time(stamp)?,
        sha256: hex(&sha256(answer)),
    };
    hub.log.append(HUB, &line).map_err(plain)?;
    Ok(())
}
