//! Adapter: filesystem. The package of a still picture: an exhibit of its own, with the line of the segment it was taken from and the hub's line that
//! says so, and nothing of the recording beside it (EVI-8). Made and checked as every package is.

use serde::Serialize;
use shared::id::ExhibitRef;

use super::*;
use crate::papers::{
    certificate::people::Person,
    still::{StillFacts, file_of},
};

/// A still picture to be packed.
pub struct StillOrder<'a> {
    pub facts: StillFacts<'a>,
    /// Folder of all packages.
    pub evidence: PathBuf,
    /// The hub's copy of the box's log.
    pub box_log: PathBuf,
    pub identity: zeroize::Zeroizing<String>,
    /// Line of the hub's log that says that it was made.
    pub line: u64,
    /// The picture.
    pub jpeg: &'a [u8],
    /// In whose name the register is written.
    pub operator: &'a Person,
    pub to: &'a str,
    /// Who outside the scheme is believed.
    pub trusted: TrustAnchors,
}

/// `manifest.json` of it, exactly these keys in this order.
#[derive(Serialize)]
struct StillManifest<'a> {
    v: u32,
    r#ref: &'a ExhibitRef,
    log: &'a str,
    cam: &'a shared::id::CameraId,
    t0: Utc,
    t1: Utc,
    master: [(); 0],
    still: StillSource<'a>,
}

#[derive(Serialize)]
struct StillSource<'a> {
    parent: &'a ExhibitRef,
    n: u64,
    file: &'a str,
}

/// Makes `<evidence>/<EXH-ref>/<camera>`. Blocks.
pub fn build_still<A: Authority>(
    authority: &A,
    order: &StillOrder<'_>,
) -> Result<PathBuf, PackageError> {
    let f = &order.facts;
    let parent = order.evidence.join(f.exhibit.as_str());
    let target = parent.join(f.camera.cam.as_str());
    if target.symlink_metadata().is_ok() {
        return Err(PackageError::Exists(target.display().to_string()));
    }
    let making = PackageDraft(parent.join(format!(".{}.making", f.camera.cam)));
    let root = making.0.clone();
    resting::private_dir(&root).map_err(io_error("make the folder", &root))?;
    for private in [&parent, &root] {
        fs::set_permissions(private, fs::Permissions::from_mode(0o700))
            .map_err(io_error("restrict", private))?;
    }
    room::fits(&root, order.jpeg.len() as u64).map_err(PackageError::NoRoom)?;
    let rest = Resting::new(root.clone(), order.identity.clone());

    let mut log = LogFolder::new(&order.box_log);
    let hub_key = authority.hub_key();
    let (head, _) = countersigned_head(&log, &hub_key, f.n)?;
    let segment = line(&mut log, f.n)?
        .data::<SegWrite>()
        .filter(|s| s.cam == f.camera.cam)
        .ok_or(PackageError::WrongLine {
            n: f.n,
            wanted: "the seg.write of this picture",
        })?;
    let mut selector = Selector::new(Scope {
        cam: f.camera.cam.clone(),
        masters: [f.n].into(),
        s0: segment.s,
        s1: segment.s,
        masks: segment.mask.iter().cloned().collect(),
        clip: None,
        from: segment.t0,
        to: segment.t1,
    });
    record::walk(&mut log, head.head.size, |n, bytes| {
        selector.line(n, bytes, head.head.size);
    })?;
    let lines = selector.finish();
    let forest = proofs(&mut log, &lines, &head, &rest)?;
    attested(authority, &forest, &head, f.n, &rest)?;
    keys(authority, &hub_key, &lines, &rest)?;
    checkers(&rest)?;
    let kept: Vec<u8> = lines.values().flat_map(|k| k.bytes.clone()).collect();
    put(&rest, names::RECORDS, &kept)?;
    let file = file_of(f.exhibit);
    put(&rest, &file, order.jpeg)?;
    let manifest = StillManifest {
        v: 1,
        r#ref: f.exhibit,
        log: &head.head.origin,
        cam: &f.camera.cam,
        t0: segment.t0,
        t1: segment.t1,
        master: [],
        still: StillSource {
            parent: f.parent,
            n: f.n,
            file: &file,
        },
    };
    let manifest = serde_json::to_vec(&manifest).map_err(log_error)?;
    put(&rest, names::MANIFEST, &manifest)?;
    record::put_hub_lines(authority, &[order.line].into(), &rest)?;

    let known = HashedPackage::new(&rest);
    let options = order.trusted.options(hub_key.clone());
    // What the certificate says of the check is what the check says, before and after.
    for name in [names::CERTIFICATE, names::READ_ME] {
        put(&rest, name, b"")?;
    }
    seal(authority, &known, &rest)?;
    let register = format!("file {}", names::SUMS_RECORD);
    let early = Check::of(&verify::package(&known, &options), &register);
    let papers = [
        (names::CERTIFICATE, words::still_certificate(f, &early)),
        (names::READ_ME, words::still_read_me(f)),
    ];
    for (name, text) in &papers {
        known.take_out(name)?;
        put(&rest, name, text.as_bytes())?;
    }
    let sums = seal(authority, &known, &rest)?;
    let done = ExpDone {
        r#ref: f.exhibit.to_string(),
        cam: f.camera.cam.clone(),
        sums: hex(&sums),
        to: order.to.to_owned(),
    };
    record::sums_line(authority, &order.operator.op, &done, &rest)?;
    let report = verify::package(&rest, &options);
    if Check::of(&report, "") != early || report.exit_status() != 0 {
        return Err(PackageError::NotIntact(Box::new(report)));
    }
    sync_tree(&root)?;
    fs::rename(&root, &target).map_err(io_error("put in place", &target))?;
    for dir in [&parent, &order.evidence] {
        sync_dir(dir).map_err(io_error("sync", dir))?;
    }
    Ok(target)
}
