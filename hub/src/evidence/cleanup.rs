//! Adapter: filesystem. What is left beside a package: of one that was being made when the hub stopped, and of what was fetched for one
//! that is in its place.

use std::{fs, io, path::Path};

use logbook::sync_dir;
use shared::id::{CameraId, ExhibitRef};

/// Takes away packages that were being made when the hub stopped. It is called before any is made.
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

/// Takes away what was fetched for a package that is in its place.
pub fn fetched(state: &Path, exhibit: &ExhibitRef, cam: &CameraId) -> io::Result<()> {
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

/// Exhibits for which something that was fetched still lies in the state folder.
pub fn with_fetched(state: &Path) -> io::Result<Vec<ExhibitRef>> {
    let entries = match fs::read_dir(state.join("exhibits")) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut out = Vec::new();
    for entry in entries {
        let name = entry?.file_name().into_string().unwrap_or_default();
        out.extend(ExhibitRef::parse(&name));
    }
    out.sort();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exhibit(text: &str) -> ExhibitRef {
        ExhibitRef::parse(text).expect("exhibit")
    }

    /// EVI-1: what was being made goes, what is made stays.
    #[test]
    fn unfinished_packages_go() {
        let dir = tempfile::tempdir().expect("folder");
        for folder in [
            "EXH-2026-000001/.c01.making/working",
            "EXH-2026-000001/c02",
            "other/.c01.making",
        ] {
            fs::create_dir_all(dir.path().join(folder)).expect("folder");
        }
        clear_unfinished(dir.path()).expect("cleared");
        let is = |name: &str| dir.path().join(name).exists();
        assert!(!is("EXH-2026-000001/.c01.making"));
        assert!(is("EXH-2026-000001/c02") && is("other/.c01.making"));
    }

    /// RET-5: what was fetched goes camera by camera, and the exhibit's folder with the last.
    #[test]
    fn fetched_masters_go() {
        let dir = tempfile::tempdir().expect("folder");
        let first = exhibit("EXH-2026-000001");
        assert_eq!(with_fetched(dir.path()).expect("none yet"), []);
        for cam in ["c01", "c02"] {
            let folder = dir.path().join("exhibits/EXH-2026-000001").join(cam);
            fs::create_dir_all(folder).expect("folder");
        }
        for (cam, left) in [("c01", vec![first.clone()]), ("c02", vec![])] {
            let cam = CameraId::parse(cam).expect("camera");
            fetched(dir.path(), &first, &cam).expect("cleared");
            fetched(dir.path(), &first, &cam).expect("nothing to do");
            assert_eq!(with_fetched(dir.path()).expect("listed"), left);
        }
    }
}
