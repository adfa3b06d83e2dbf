//! Task. Packages that older versions left in plain are sealed where they lie, at the hub's start (RET-5).
//!
//! ```text
//! <evidence>/<EXH-ref>/<camera>            the package: plain, then sealed
//! <evidence>/<EXH-ref>/.<camera>.sealing   being sealed; thrown away and begun anew while the plain one is in its place
//! <evidence>/<EXH-ref>/.<camera>.plain     the plain one on its way out, once the sealed one is whole, synced and checked
//! ```
//! Seal, sync, check that the verifier says of the sealed one what it says of the plain one, word for word; then move the plain one aside, the
//! sealed one into its place, and unlink the plain one. At every moment there is one whole package under one of these names,
//! and [`one`] called again goes on from there. Damaged packages are sealed as they are: their report stays the same.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use logbook::{Folder, sync_dir};
use shared::{
    id::{CameraId, ExhibitRef},
    verify::{self, Files, Options},
};
use zeroize::Zeroizing;

use super::{
    authority::Authority,
    package,
    resting::{self, Resting},
};
use crate::{
    desk::{Desk, blocking},
    disposal::acts,
    requests::rules::State,
};

const BUFFER: usize = 256 * 1024;

/// Called before each step and each piece; an error stops the work there, as a kill would.
pub type Step<'a> = &'a mut dyn FnMut(&'static str) -> io::Result<()>;

/// One package, wherever it stands.
pub struct Older {
    pub evidence: PathBuf,
    pub state: PathBuf,
    pub exhibit: ExhibitRef,
    pub cam: CameraId,
    pub identity: Zeroizing<String>,
    pub options: Options,
}

/// One at a time: the task at the start, and a pull that finds a plain package.
static TURN: Mutex<()> = Mutex::new(());

impl Older {
    pub fn of(desk: &Desk, exhibit: &ExhibitRef, cam: &CameraId) -> Result<Self, String> {
        Ok(Self {
            evidence: desk.config.evidence.clone(),
            state: desk.state.clone(),
            exhibit: exhibit.clone(),
            cam: cam.clone(),
            identity: desk
                .keys
                .exhibit_identity(exhibit)
                .map_err(|e| e.to_string())?,
            options: Options {
                hub: vec![desk.log.hub_key()],
                ..Options::default()
            },
        })
    }

    fn parent(&self) -> PathBuf {
        self.evidence.join(self.exhibit.as_str())
    }

    fn package(&self) -> PathBuf {
        self.parent().join(self.cam.as_str())
    }

    fn beside(&self, what: &str) -> PathBuf {
        self.parent().join(format!(".{}.{what}", self.cam))
    }

    /// The segments as they were fetched.
    fn fetched(&self) -> PathBuf {
        self.state
            .join("exhibits")
            .join(self.exhibit.as_str())
            .join(self.cam.as_str())
    }

    /// Seals the package if it lies in plain, or goes on with that. Whether there was anything to do.
    pub fn one(&self, step: Step<'_>) -> io::Result<bool> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (package, sealing, out) =
            (self.package(), self.beside("sealing"), self.beside("plain"));
        let mut did = false;
        if !package.exists() && out.exists() {
            // Stopped between the two renames; or somebody took the sealed one away, and the plain one begins anew.
            let back = if sealing.exists() { &sealing } else { &out };
            fs::rename(back, &package)?;
            sync_dir(&self.parent())?;
            did = true;
        }
        if !package.is_dir() {
            return Ok(did);
        }
        if resting::is_plain(&package)? {
            self.seal(&package, &sealing, step)?;
            step("the plain one aside")?;
            fs::rename(&package, &out)?;
            sync_dir(&self.parent())?;
            step("the sealed one into its place")?;
            fs::rename(&sealing, &package)?;
            sync_dir(&self.parent())?;
            did = true;
        }
        for left in [&sealing, &out] {
            if left.exists() {
                step("the plain one away")?;
                fs::remove_dir_all(left)?;
                sync_dir(&self.parent())?;
                did = true;
            }
        }
        Ok(did)
    }

    fn seal(&self, package: &Path, sealing: &Path, step: Step<'_>) -> io::Result<()> {
        if sealing.exists() {
            fs::remove_dir_all(sealing)?;
        }
        step("the sealed one begun")?;
        resting::private_dir(sealing)?;
        let plain = Folder(package.to_owned());
        let rest = Resting::new(sealing.to_owned(), self.identity.clone());
        for name in plain.list()? {
            step("a file")?;
            if !self.as_fetched(&plain, &name, &rest)? {
                copy(&package.join(&name), &rest, &name, step)?;
            }
        }
        step("synced")?;
        package::sync_tree(sealing).map_err(io::Error::other)?;
        step("checked")?;
        let (was, is) = (
            verify::package(&plain, &self.options).render(),
            verify::package(&rest, &self.options).render(),
        );
        match was == is {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "sealed, it does not verify as it did in plain: {is}"
            ))),
        }
    }

    /// A master whose sealed original is still here is that file, not one sealed anew.
    fn as_fetched(&self, plain: &Folder, name: &str, rest: &Resting) -> io::Result<bool> {
        let Some(file) = name.strip_prefix("master/") else {
            return Ok(false);
        };
        let fetched = self.fetched().join(format!("{file}{}", resting::SEALED));
        if !fetched.is_file() {
            return Ok(false);
        }
        rest.take_in(&fetched, name)?;
        if rest.sha256(name).ok() == Some(plain.sha256(name)?) {
            return Ok(true);
        }
        fs::remove_file(rest.path(name))?;
        Ok(false)
    }

    /// The package is in its place and the request over: what was fetched for it has no other use.
    pub fn tidy(&self) -> io::Result<()> {
        tidy(&self.state, &self.exhibit, &self.cam)
    }
}

/// Takes away what was fetched for a package that is in its place.
pub fn tidy(state: &Path, exhibit: &ExhibitRef, cam: &CameraId) -> io::Result<()> {
    let of_exhibit = state.join("exhibits").join(exhibit.as_str());
    match fs::remove_dir_all(of_exhibit.join(cam.as_str())) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    }
    // Only when nothing else is in it.
    match fs::remove_dir(&of_exhibit) {
        Ok(()) => sync_dir(&state.join("exhibits")),
        Err(_) => sync_dir(&of_exhibit),
    }
}

fn copy(from: &Path, rest: &Resting, name: &str, step: Step<'_>) -> io::Result<()> {
    if !fs::symlink_metadata(from)?.is_file() {
        return Err(io::Error::other(format!(
            "{name} is not a regular file; take it out of the package"
        )));
    }
    let mut from = File::open(from)?;
    if resting::in_plain(name) {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        return rest.put(name, &bytes);
    }
    let mut to = rest.create(name)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        step("a piece")?;
        match from.read(&mut buffer)? {
            0 => return to.finish().map(drop),
            n => to.write_all(&buffer[..n])?,
        }
    }
}

/// Folders of exhibits, and in them the names cameras' packages go by, whatever state these are in.
fn found(evidence: &Path) -> io::Result<Vec<(ExhibitRef, CameraId)>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(evidence)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let Ok(exhibit) = ExhibitRef::parse(&name) else {
            continue;
        };
        for inner in fs::read_dir(entry.path())? {
            let name = inner?.file_name().into_string().unwrap_or_default();
            let cam = name
                .strip_prefix('.')
                .and_then(|n| n.strip_suffix(".plain"))
                .unwrap_or(&name);
            if let Ok(cam) = CameraId::parse(cam) {
                out.push((exhibit.clone(), cam));
            }
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Packages that were being made when the hub stopped: of this version sealed, of older ones plain. Called before any is made.
pub fn clear_unfinished(evidence: &Path) -> io::Result<()> {
    for entry in fs::read_dir(evidence)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if ExhibitRef::parse(&name).is_err() || !entry.file_type()?.is_dir() {
            continue;
        }
        for inner in fs::read_dir(entry.path())? {
            let inner = inner?;
            let name = inner.file_name().into_string().unwrap_or_default();
            if name.starts_with('.') && name.ends_with(".making") {
                fs::remove_dir_all(inner.path())?;
                sync_dir(&entry.path())?;
            }
        }
    }
    Ok(())
}

/// Ends the work when the task that waits for it is dropped.
struct Stopping(Arc<AtomicBool>);

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Seals what is found in plain, one package after the other, then rests.
pub async fn run(desk: Arc<Desk>) {
    let stop = Stopping(Arc::default());
    let (d, stopped) = (desk.clone(), stop.0.clone());
    if let Ok(Err(e)) = blocking(move || all(&d, &stopped)).await {
        tracing::error!(
            evidence = %desk.config.evidence.display(),
            "whether packages of older versions lie there in plain is not known: {e}; it is looked at again at the next start"
        );
    }
    std::future::pending().await
}

fn all(desk: &Desk, stop: &AtomicBool) -> io::Result<()> {
    let packages = found(&desk.config.evidence)?;
    let of = packages.len();
    let mut sealed = 0;
    for (at, (exhibit, cam)) in packages.iter().enumerate() {
        // An exhibit that is being disposed of is not touched, and none is disposed of meanwhile.
        let _turn = acts::turn(&desk.pulls.disposals);
        let state = desk.db.request(exhibit.as_str()).ok().flatten();
        let state = state.map(|r| r.state);
        if state == Some(State::Disposed) {
            continue;
        }
        let over = matches!(state, Some(State::Ready | State::Partial));
        let mut step = |_| match stop.load(Ordering::Acquire) {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        };
        let done = Older::of(desk, exhibit, cam)
            .map_err(io::Error::other)
            .and_then(|older| {
                let did = older.one(&mut step)?;
                if over {
                    older.tidy()?;
                }
                Ok(did)
            });
        match done {
            Ok(true) => {
                sealed += 1;
                tracing::info!(
                    exhibit = exhibit.as_str(),
                    at = at + 1,
                    of,
                    "a package of an older version is sealed now"
                );
            }
            Ok(false) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(e) => tracing::error!(
                exhibit = exhibit.as_str(),
                "its package could not be sealed and LIES IN PLAIN as before: {e}; it is tried again at the next start"
            ),
        }
    }
    if sealed > 0 {
        tracing::info!(sealed, of, "packages of older versions are sealed");
    }
    Ok(())
}
