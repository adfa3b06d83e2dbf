//! Adapter: filesystem. Builds an evidence package: a folder that is either there whole, sealed and verified, or not at all.
//!
//! Everything is written into `<evidence>/<EXH-ref>/.<camera>.making`, checked there, and renamed to
//! `<evidence>/<EXH-ref>/<camera>` at the very end. The hub's line `exp.done` is written only after every other check has
//! passed, so the register never names a package that could not be made.
//!
//! It is made as it rests ([`resting`](super::resting)): the masters are the sealed files that were fetched, linked into the package and taken
//! away from where they were once it is in place; all else is sealed while it is written. No plain file is ever made. In memory
//! there is at most one master at a time (a minute), whose tables are kept; a working copy is streamed from piece to piece.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use footage::{mp4, sealed};
use logbook::{LogFolder, sync_dir};
use shared::{
    evidence::{Manifest, ManifestMaster, names},
    note::{Cosigned, Proof, SignedHead, Vkey, b64},
    record::{Digest, Record, hex, leaf_hash, sha256},
    segment::SegmentName,
    time::Utc,
    timestamp::Root,
    types::{CopyMade, Data, ExpClip, ExpDone, HeadSeen, KeyRoll, LogOpen, SegWrite},
    verify::{self, Files, Options, Report},
};

use super::{
    authority::Authority,
    proofs::Forest,
    published,
    resting::{self, Resting},
};
use crate::{
    config::outside::Outside,
    disks::room,
    model::disk::NoRoom,
    papers::{
        certificate::{
            Certificate, Facts, HOLE, LaterLog, Master, Request, SHORT, WorkingCopy, check::Check,
            continuity,
        },
        lines::{LogLine, Scope, Selector},
    },
    printer::{Printer, PrinterError},
    words::{self, paper::Paper},
};
use attested::attested;
use copies::{masters, subtitles, working_copies};
use record::{copy_lines, keys, later_clip, lines, proofs, register_line};

mod attested;
mod copies;
mod record;
mod still;

pub use still::{StillOrder, build_still};

const BUFFER: usize = 256 * 1024;

/// One fetched segment: sealed, and the line that describes it.
#[derive(Clone, Debug)]
pub struct FetchedSegment {
    /// Line number of its `seg.write` in the box's log.
    pub n: u64,
    /// The `.mp4.age` file.
    pub path: PathBuf,
}

/// A package to be made.
pub struct Order {
    pub request: Request,
    /// Folder of all packages.
    pub evidence: PathBuf,
    /// The hub's copy of the box's log.
    pub box_log: PathBuf,
    /// Line number of `exp.clip` in it, or in the later log.
    pub clip: u64,
    /// Where the log of the footage has ended: the one that `exp.clip` lies in.
    pub later: Option<LaterLog>,
    pub masters: Vec<FetchedSegment>,
    /// age identity that opens the masters.
    pub identity: zeroize::Zeroizing<String>,
    /// The requester's name, salted and hashed, for `exp.done`.
    pub to: String,
    /// What of what was asked for is known to be missing: then, and only then, the package may say DOES-NOT-COVER-REQUEST.
    pub short: Option<String>,
    /// Segments between the first and the last that are known not to be had: so often, and no more, it may say SEGMENT-MISSING.
    pub holes: Vec<(u64, u64)>,
    /// What makes PDF of the papers.
    pub printer: Printer,
    /// Who outside the scheme is believed.
    pub trusted: TrustAnchors,
}

/// Authorities for time stamps and witnesses that the hub's configuration names.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    pub authorities: Vec<Root>,
    pub witnesses: Vec<Vkey>,
}

impl TrustAnchors {
    pub fn of(outside: &Outside) -> Self {
        Self {
            authorities: outside.roots(),
            witnesses: outside.witness_keys(),
        }
    }

    /// What a check of a package of this hub's goes by.
    pub fn options(&self, hub: Vkey) -> Options {
        Options {
            hub: vec![hub],
            authorities: self.authorities.clone(),
            witnesses: self.witnesses.clone(),
            ..Options::default()
        }
    }
}

/// Whether a report finds nothing but what a package that is known to be partial may have; nothing at all of one that is not.
pub fn tolerable(report: &Report, partial: bool) -> bool {
    report
        .findings
        .iter()
        .all(|f| shared::check::is_note(f.code) || (partial && [SHORT, HOLE].contains(&f.code)))
}

/// A package that was made.
#[derive(Clone, Debug)]
pub struct Package {
    pub folder: PathBuf,
    /// SHA-256 of SHA256SUMS.
    pub sums: Digest,
    pub report: Report,
    pub masters: Vec<Master>,
    pub working: Vec<WorkingCopy>,
    /// What no working copy shows, and why.
    pub working_short: Vec<String>,
    /// Why there is no PDF in it.
    pub unprinted: Option<PrinterError>,
}

impl Package {
    /// What the label carries: the first 20 hex digits of the SHA-256 of SHA256SUMS, in groups of 5.
    pub fn label(&self) -> String {
        let hex = hex(&self.sums);
        (0..20)
            .step_by(5)
            .map(|at| &hex[at..at + 5])
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error(
        "there is a package in {0} already: it is never written over; make the new one under a new exhibit number"
    )]
    Exists(String),
    #[error(
        "line {clip} of {log} (exp.clip) is not under a head this hub countersigned: no package was made; wait until the box has sent its log"
    )]
    NotCountersigned { log: String, clip: u64 },
    #[error(
        "the hub's copy of the box's log is not usable: {0}; no package was made; check it with `beadle-hub verify`"
    )]
    Log(String),
    #[error(
        "line {n} of the box's log is not {wanted}: no package was made; the request and the log do not belong together"
    )]
    WrongLine { n: u64, wanted: &'static str },
    #[error(
        "{path} is not what the recorder logged ({why}): no package was made; fetch the segment again"
    )]
    MasterDiffers { path: String, why: String },
    #[error("{0}; no package was made")]
    NoRoom(NoRoom),
    #[error("cannot {what} {path}: {source}; no package was made")]
    Io {
        what: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("the hub's keys or own log failed: {0}; no package was made")]
    Hub(String),
    #[error("the finished package does not verify, so it was not released:\n{}", .0.render())]
    NotIntact(Box<Report>),
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PackageError {
    let path = path.display().to_string();
    move |source| PackageError::Io { what, path, source }
}

fn log_error(e: impl std::fmt::Display) -> PackageError {
    PackageError::Log(e.to_string())
}

/// Removes what a failed making left.
struct PackageDraft(PathBuf);

impl Drop for PackageDraft {
    fn drop(&mut self) {
        // Gone after a good end (renamed); what cannot be removed is removed by the next making.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Before the first byte: whether the working copy fits, and the masters where they are not linked but copied.
fn room_for(order: &Order, root: &Path) -> Result<(), PackageError> {
    let here = room::device(root).map_err(io_error("look at", root))?;
    let mut need = 0u64;
    for master in &order.masters {
        let path = &master.path;
        let about = fs::metadata(path).map_err(io_error("look at", path))?;
        let linked = about.dev() == here;
        need = need.saturating_add(about.len() * if linked { 1 } else { 2 });
    }
    room::fits(root, need).map_err(PackageError::NoRoom)
}

/// Makes the package `<evidence>/<EXH-ref>/<camera>`. Blocks; long clips take as long as copying them twice.
pub fn build<A: Authority>(
    authority: &A,
    now: Utc,
    order: &Order,
) -> Result<Package, PackageError> {
    let request = &order.request;
    let parent = order.evidence.join(request.exhibit.as_str());
    let target = parent.join(request.camera.cam.as_str());
    if target.symlink_metadata().is_ok() {
        return Err(PackageError::Exists(target.display().to_string()));
    }
    let making = PackageDraft(parent.join(format!(".{}.making", request.camera.cam)));
    let root = making.0.clone();
    if root.exists() {
        fs::remove_dir_all(&root).map_err(io_error("clear", &root))?;
    }
    resting::private_dir(&root).map_err(io_error("make the folder", &root))?;
    for private in [&parent, &root] {
        fs::set_permissions(private, fs::Permissions::from_mode(0o700))
            .map_err(io_error("restrict", private))?;
    }
    room_for(order, &root)?;
    let rest = Resting::new(root.clone(), order.identity.clone());

    let mut log = LogFolder::new(&order.box_log);
    let hub_key = authority.hub_key();
    let relied = match &order.later {
        None => Some(order.clip),
        Some(_) => order.masters.iter().map(|m| m.n).max(),
    };
    let (head, countersigned) = countersigned_head(&log, &hub_key, relied.unwrap_or(order.clip))?;
    let (masters, tables) = masters(&mut log, order, &rest)?;
    let (mut working, working_short) = working_copies(request, &masters, tables, &rest)?;
    let lines = lines(&mut log, order, &masters, &head)?;
    let clip = match &order.later {
        None => lines.get(&order.clip).and_then(LogLine::data::<ExpClip>),
        Some(later) => later_clip(later, order.clip, &hub_key, &rest)?,
    };
    if clip.is_none_or(|c| c.r#ref != request.exhibit.as_str() || c.cam != request.camera.cam) {
        return Err(PackageError::WrongLine {
            n: order.clip,
            wanted: "the exp.clip of this exhibit and camera",
        });
    }
    let forest = proofs(&mut log, &lines, &head, &rest)?;
    let last = masters.iter().map(|m| m.n).max().unwrap_or_default();
    attested(authority, &forest, &head, last, &rest)?;
    keys(authority, &hub_key, &lines, &rest)?;

    let kept: Vec<&LogLine> = lines.values().collect();
    subtitles(
        request,
        &mut working,
        &continuity::between(&masters, &kept),
        &rest,
    )?;
    checkers(&rest)?;
    put(
        &rest,
        names::RECORDS,
        &kept
            .iter()
            .flat_map(|k| k.bytes.iter().copied())
            .collect::<Vec<u8>>(),
    )?;
    let manifest = Manifest {
        v: 1,
        r#ref: request.exhibit.clone(),
        log: head.head.origin.clone(),
        cam: request.camera.cam.clone(),
        t0: request.t0,
        t1: request.t1,
        master: masters
            .iter()
            .map(|m| ManifestMaster {
                n: m.n,
                file: m.file.clone(),
            })
            .collect(),
    };
    put(
        &rest,
        names::MANIFEST,
        &serde_json::to_vec(&manifest).map_err(log_error)?,
    )?;

    // What the certificate says of the check is what the check says. It is asked before the certificate is written, over everything else;
    // and what it says of the whole package afterwards has to be the same.
    let known = HashedPackage::new(&rest);
    let options = order.trusted.options(hub_key.clone());
    let register = format!("file {}", names::SUMS_RECORD);
    for name in [names::CERTIFICATE, names::STATEMENT, names::READ_ME] {
        put(&rest, name, b"")?;
    }
    seal(authority, &known, &rest)?;
    let early = verify::package(&known, &options);
    if !Check::of(&early, &register).tolerable(order.short.is_some(), order.holes.len()) {
        return Err(PackageError::NotIntact(Box::new(early)));
    }
    // All is well: the working copies go on the record, and those lines into the package.
    copy_lines(authority, order, &working, &rest)?;
    seal(authority, &known, &rest)?;
    let early = verify::package(&known, &options);
    let check = Check::of(&early, &register);
    if !check.tolerable(order.short.is_some(), order.holes.len()) {
        return Err(PackageError::NotIntact(Box::new(early)));
    }
    let seal_key = hex(&sha256(&authority.seal_spki()));
    let facts = Facts {
        request,
        made: now,
        log: &head.head.origin,
        size: head.head.size,
        countersigned,
        masters: &masters,
        working: &working,
        working_short: &working_short,
        lines: &kept,
        hub_key: &hub_key.to_string(),
        seal_key: &seal_key,
        short: order.short.as_deref(),
        check: &check,
        later: order.later.as_ref().map(|later| (later, order.clip)),
    };
    let computed = Certificate::of(&facts);
    let papers = [
        (
            words::certificate(&facts, &computed),
            names::CERTIFICATE,
            names::CERTIFICATE_PDF,
        ),
        (
            words::statement(&facts, &computed),
            names::STATEMENT,
            names::STATEMENT_PDF,
        ),
    ];
    let unprinted = print(order, &papers, &rest)?;
    let read_me = words::read_me(&facts, &computed, unprinted.is_none());
    let texts = papers
        .iter()
        .map(|(paper, text, _)| (*text, paper.to_text()));
    for (name, text) in texts.chain([(names::READ_ME, read_me)]) {
        known.take_out(name)?;
        put(&rest, name, text.as_bytes())?;
    }
    let sums = seal(authority, &known, &rest)?;
    let sealed = verify::package(&known, &options);
    if Check::of(&sealed, &register) != check {
        return Err(PackageError::NotIntact(Box::new(sealed)));
    }
    // The register's own line is written when all else has been checked.
    register_line(authority, order, &sums, &rest)?;
    let report = verify::package(&rest, &options);
    if Check::of(&report, "") != check {
        return Err(PackageError::NotIntact(Box::new(report)));
    }

    sync_tree(&root)?;
    fs::rename(&root, &target).map_err(io_error("put in place", &target))?;
    for dir in [&parent, &order.evidence] {
        sync_dir(dir).map_err(io_error("sync", dir))?;
    }
    // The masters have one place now. One that stays where it was is sealed too, and taken away at the hub's next start.
    for one in &order.masters {
        if let Err(e) = fs::remove_file(&one.path)
            && e.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %one.path.display(), "a fetched segment is still there beside its package: {e}");
        }
    }
    Ok(Package {
        folder: target,
        sums,
        report,
        masters,
        working,
        working_short,
        unprinted,
    })
}

/// The PDFs of the papers, all of them or none: a package does without them.
fn print(
    order: &Order,
    papers: &[(Paper, &str, &str)],
    rest: &Resting,
) -> Result<Option<PrinterError>, PackageError> {
    let pdfs = papers
        .iter()
        .map(|(paper, _, name)| Ok((*name, order.printer.pdf(paper)?)));
    match pdfs.collect::<Result<Vec<_>, PrinterError>>() {
        Err(why) => Ok(Some(why)),
        Ok(pdfs) => {
            for (name, pdf) in pdfs {
                put(rest, name, &pdf)?;
            }
            Ok(None)
        }
    }
}

/// The newest head of the box's log that this hub countersigned, and when; it must cover `exp.clip`.
fn countersigned_head(
    log: &LogFolder,
    hub: &Vkey,
    clip: u64,
) -> Result<(SignedHead, Utc), PackageError> {
    let not = || PackageError::NotCountersigned {
        log: log.path().display().to_string(),
        clip,
    };
    let head = log
        .head("cosigned.note")
        .map_err(log_error)?
        .ok_or_else(not)?;
    match head.check_cosigned(hub) {
        Cosigned::Good { time } if head.head.size > clip => Ok((
            head,
            Utc(i64::try_from(time).unwrap_or(0).saturating_mul(1000)),
        )),
        Cosigned::Good { .. } | Cosigned::Absent => Err(not()),
        Cosigned::Bad => Err(PackageError::Log(
            "the countersignature of its newest head does not verify".into(),
        )),
    }
}

fn line(log: &mut LogFolder, n: u64) -> Result<LogLine, PackageError> {
    let bytes = log
        .line(n)
        .map_err(log_error)?
        .ok_or_else(|| PackageError::Log(format!("it has no line {n}")))?;
    let record = shared::record::Record::parse(&bytes).map_err(log_error)?;
    Ok(LogLine { bytes, record })
}

/// Writes SHA256SUMS over what every file holds, read back from disk and opened, and its seal; the SHA-256 of SHA256SUMS.
fn seal<A: Authority>(
    authority: &A,
    known: &HashedPackage<'_>,
    rest: &Resting,
) -> Result<Digest, PackageError> {
    known.take_out(names::SUMS)?;
    known.take_out(names::SEAL)?;
    let mut out = String::new();
    for path in rest.list().map_err(io_error("list", rest.root()))? {
        let digest = known
            .sha256(&path)
            .map_err(io_error("read", &rest.path(&path)))?;
        out.push_str(&format!("{}  {path}\n", hex(&digest)));
    }
    put(rest, names::SUMS, out.as_bytes())?;
    let signature = authority.seal(out.as_bytes());
    put(rest, names::SEAL, &signature.map_err(PackageError::Hub)?)?;
    Ok(sha256(out.as_bytes()))
}

/// A package while it is made: a file that was read back and hashed is not read again until it is written anew.
struct HashedPackage<'a> {
    rest: &'a Resting,
    digests: RefCell<BTreeMap<String, Digest>>,
}

impl<'a> HashedPackage<'a> {
    fn new(rest: &'a Resting) -> Self {
        let digests = RefCell::default();
        Self { rest, digests }
    }

    /// Makes room for the file to be written anew.
    fn take_out(&self, name: &str) -> Result<(), PackageError> {
        self.digests.borrow_mut().remove(name);
        let path = self.rest.path(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &path)(e)),
            _ => Ok(()),
        }
    }
}

impl Files for HashedPackage<'_> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.rest.list()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.rest.read(path)
    }

    fn sha256(&self, path: &str) -> io::Result<Digest> {
        if let Some(known) = self.digests.borrow().get(path) {
            return Ok(*known);
        }
        let digest = self.rest.sha256(path)?;
        self.digests.borrow_mut().insert(path.to_owned(), digest);
        Ok(digest)
    }
}

fn put(rest: &Resting, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
    rest.put(name, bytes)
        .map_err(io_error("write", &rest.path(name)))
}

/// The programs that check a package, and the page that says what they do: copies, for whoever has no other.
fn checkers(rest: &Resting) -> Result<(), PackageError> {
    for (name, text) in [
        (names::VERIFY_PY, published::VERIFY_PY),
        (names::VERIFY_HTML, published::VERIFY_HTML),
        (names::SPEC, published::SPEC),
    ] {
        put(rest, name, text.as_bytes())?;
    }
    Ok(())
}

/// Syncs every file, then every folder.
pub(super) fn sync_tree(dir: &Path) -> Result<(), PackageError> {
    for entry in fs::read_dir(dir).map_err(io_error("list", dir))? {
        let entry = entry.map_err(io_error("list", dir))?;
        let path = entry.path();
        if entry.file_type().map_err(io_error("list", dir))?.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path)
                .and_then(|f| f.sync_all())
                .map_err(io_error("sync", &path))?;
        }
    }
    sync_dir(dir).map_err(io_error("sync", dir))
}
