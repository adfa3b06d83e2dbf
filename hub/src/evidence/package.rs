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
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use footage::{mp4, sealed};
use logbook::{LogFolder, sync_dir};
use shared::{
    evidence::{Manifest, ManifestMaster, names},
    note::{Cosigned, Proof, SignedHead, Vkey},
    record::{Digest, Record, hex, leaf_hash, sha256},
    segment::SegmentName,
    time::Utc,
    types::{CopyMade, Data, ExpClip, ExpDone, KeyRoll, LogOpen, SegWrite},
    verify::{self, Files, Options, Report},
};

use super::{
    authority::Authority,
    certificate::{self, Facts, Master, Request, Working},
    lines::{Kept, Scope, Selector},
    proofs::Forest,
    resting::{self, Resting},
};

const VERIFY_PY: &str = include_str!("../../../docs/verify/verify.py");
const SPEC: &str = include_str!("../../../docs/verify/SPEC.txt");
/// The findings a package that is known to be partial may have: time asked for that is not here, and segments between its first and its
/// last that are not.
pub const SHORT: &str = "DOES-NOT-COVER-REQUEST";
pub const HOLE: &str = "SEGMENT-MISSING";
const BUFFER: usize = 256 * 1024;

/// One fetched segment: sealed, and the line that describes it.
#[derive(Clone, Debug)]
pub struct Fetched {
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
    pub later: Option<Later>,
    pub masters: Vec<Fetched>,
    /// age identity that opens the masters.
    pub identity: zeroize::Zeroizing<String>,
    /// The requester's name, salted and hashed, for `exp.done`.
    pub to: String,
    /// What of what was asked for is known to be missing: then, and only then, the package may say DOES-NOT-COVER-REQUEST.
    pub short: Option<String>,
    /// Segments between the first and the last that are known not to be had: so often, and no more, it may say SEGMENT-MISSING.
    pub holes: Vec<(u64, u64)>,
}

/// The log that a box writes when that of the footage has ended.
#[derive(Clone, Debug)]
pub struct Later {
    /// The hub's copy.
    pub log: PathBuf,
    pub origin: String,
    /// Why the log of the footage is not countersigned any more: a code and a sentence.
    pub dispute: Option<(String, String)>,
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
pub struct Made {
    pub folder: PathBuf,
    /// SHA-256 of SHA256SUMS.
    pub sums: Digest,
    pub report: Report,
    pub masters: Vec<Master>,
    pub working: Vec<Working>,
    /// What no working copy shows, and why.
    pub working_short: Vec<String>,
}

impl Made {
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
struct Making(PathBuf);

impl Drop for Making {
    fn drop(&mut self) {
        // Gone after a good end (renamed); what cannot be removed is removed by the next making.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes the package `<evidence>/<EXH-ref>/<camera>`. Blocks; long clips take as long as copying them twice.
pub fn build<A: Authority>(authority: &A, now: Utc, order: &Order) -> Result<Made, PackageError> {
    let request = &order.request;
    let parent = order.evidence.join(request.exhibit.as_str());
    let target = parent.join(request.camera.cam.as_str());
    if target.symlink_metadata().is_ok() {
        return Err(PackageError::Exists(target.display().to_string()));
    }
    let making = Making(parent.join(format!(".{}.making", request.camera.cam)));
    let root = making.0.clone();
    if root.exists() {
        fs::remove_dir_all(&root).map_err(io_error("clear", &root))?;
    }
    resting::private_dir(&root).map_err(io_error("make the folder", &root))?;
    for private in [&parent, &root] {
        fs::set_permissions(private, fs::Permissions::from_mode(0o700))
            .map_err(io_error("restrict", private))?;
    }
    let rest = Resting::new(root.clone(), order.identity.clone());

    let mut log = LogFolder::new(&order.box_log);
    let hub_key = authority.hub_key();
    let relied = match &order.later {
        None => Some(order.clip),
        Some(_) => order.masters.iter().map(|m| m.n).max(),
    };
    let (head, countersigned) = countersigned_head(&log, &hub_key, relied.unwrap_or(order.clip))?;
    let (masters, tables) = masters(&mut log, order, &rest)?;
    let (working, working_short) = working_copies(request, &masters, tables, &rest)?;
    let lines = lines(&mut log, order, &masters, &head)?;
    let clip = match &order.later {
        None => lines.get(&order.clip).and_then(Kept::data::<ExpClip>),
        Some(later) => later_clip(later, order.clip, &hub_key, &rest)?,
    };
    if clip.is_none_or(|c| c.r#ref != request.exhibit.as_str() || c.cam != request.camera.cam) {
        return Err(PackageError::WrongLine {
            n: order.clip,
            wanted: "the exp.clip of this exhibit and camera",
        });
    }
    proofs(&mut log, &lines, &head, &rest)?;
    keys(authority, &hub_key, &lines, &rest)?;

    let kept: Vec<&Kept> = lines.values().collect();
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
        later: order.later.as_ref().map(|later| (later, order.clip)),
    };
    put(
        &rest,
        names::CERTIFICATE,
        certificate::certificate(&facts).as_bytes(),
    )?;
    put(
        &rest,
        names::READ_ME,
        certificate::read_me(&facts).as_bytes(),
    )?;
    put(&rest, names::VERIFY_PY, VERIFY_PY.as_bytes())?;
    put(&rest, names::SPEC, SPEC.as_bytes())?;
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

    let sums = sums(&rest)?;
    put(
        &rest,
        names::SEAL,
        &authority.seal(&sums).map_err(PackageError::Hub)?,
    )?;
    let sums = sha256(&sums);
    let options = Options {
        hub: vec![hub_key],
        ..Options::default()
    };
    // All but the register's own line can be checked before that line is written.
    let early = verify::package(&rest, &options);
    let register = format!("file {}", names::SUMS_RECORD);
    let damaged = |report: &Report| {
        let excused = |code: &str| match code {
            SHORT => order.short.is_some(),
            HOLE => !order.holes.is_empty(),
            _ => false,
        };
        let holes = report.findings.iter().filter(|f| f.code == HOLE).count();
        holes > order.holes.len()
            || report
                .findings
                .iter()
                .any(|f| !shared::check::is_note(f.code) && f.place != register && !excused(f.code))
    };
    if damaged(&early) {
        return Err(PackageError::NotIntact(Box::new(early)));
    }
    register_line(authority, order, &working, &sums, &rest)?;
    let report = verify::package(&rest, &options);
    if report.findings.iter().any(|f| f.place == register)
        || damaged(&report)
        || report.exit_status() == 2
    {
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
    Ok(Made {
        folder: target,
        sums,
        report,
        masters,
        working,
        working_short,
    })
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

fn line(log: &mut LogFolder, n: u64) -> Result<Kept, PackageError> {
    let bytes = log
        .line(n)
        .map_err(log_error)?
        .ok_or_else(|| PackageError::Log(format!("it has no line {n}")))?;
    let record = shared::record::Record::parse(&bytes).map_err(log_error)?;
    Ok(Kept { bytes, record })
}

/// What a master's tables say, or why they say nothing.
type Tables = Vec<Result<mp4::Segment, String>>;

/// Opens every fetched segment in memory, checks size and hash against its line, and gives the sealed file its place in the package.
fn masters(
    log: &mut LogFolder,
    order: &Order,
    rest: &Resting,
) -> Result<(Vec<Master>, Tables), PackageError> {
    let mut fetched: Vec<&Fetched> = order.masters.iter().collect();
    fetched.sort_by_key(|f| f.n);
    let mut out = Vec::with_capacity(fetched.len());
    let mut tables = Vec::with_capacity(fetched.len());
    for one in fetched {
        let said = line(log, one.n)?
            .data::<SegWrite>()
            .filter(|s| s.cam == order.request.camera.cam);
        let said = said.ok_or(PackageError::WrongLine {
            n: one.n,
            wanted: "a seg.write of this camera",
        })?;
        let name = SegmentName {
            day: order.request.zone.day_of(said.t0),
            cam: said.cam.clone(),
            start: Utc(said.t0.seconds() * 1000),
            s: said.s,
        };
        let file = format!("master/{}", name.master_file());
        let plain = open_master(&one.path, &order.identity, &said)?;
        tables.push(match mp4::parse(&plain) {
            Ok(segment) if segment.samples.is_empty() => Err(format!("{file} holds no picture")),
            Ok(segment) => Ok(segment),
            Err(e) => Err(format!("{file}: {e}")),
        });
        rest.take_in(&one.path, &file)
            .map_err(io_error("take in", &one.path))?;
        out.push(Master {
            n: one.n,
            file,
            line: said,
        });
    }
    Ok((out, tables))
}

/// The plain bytes of a fetched segment, which are those the box logged.
fn open_master(sealed: &Path, identity: &str, said: &SegWrite) -> Result<Vec<u8>, PackageError> {
    let differs = |why: String| PackageError::MasterDiffers {
        path: sealed.display().to_string(),
        why,
    };
    let mut input = File::open(sealed).map_err(io_error("open", sealed))?;
    let mut opener = sealed::Opener::new(&[identity.to_owned()]);
    let (mut buffer, mut plain) = (vec![0u8; BUFFER], Vec::new());
    // Not more is opened than the log says there is.
    let size = |plain: &[u8], whole: bool| {
        let there = plain.len() as u64;
        match there > said.size || (whole && there != said.size) {
            true => Err(differs(format!(
                "{there} bytes, the log says {}",
                said.size
            ))),
            false => Ok(()),
        }
    };
    loop {
        match input.read(&mut buffer).map_err(io_error("read", sealed))? {
            0 => break,
            n => opener
                .push(&buffer[..n], &mut plain)
                .map_err(|e| differs(e.to_string()))?,
        }
        size(&plain, false)?;
    }
    opener
        .finish(&mut plain)
        .map_err(|e| differs(e.to_string()))?;
    size(&plain, true)?;
    let got = hex(&sha256(&plain));
    if got != said.sha256 {
        return Err(differs(format!(
            "SHA-256 {got}, the log says {}",
            said.sha256
        )));
    }
    Ok(plain)
}

/// One MP4 per run of masters with the same picture parameters, sealed as it is cut. A clip without one is still evidence: the
/// masters count.
fn working_copies(
    request: &Request,
    masters: &[Master],
    tables: Tables,
    rest: &Resting,
) -> Result<(Vec<Working>, Vec<String>), PackageError> {
    let (mut made, mut short) = (Vec::new(), Vec::new());
    let (mut owners, mut segments): (Vec<&Master>, Vec<mp4::Segment>) = (Vec::new(), Vec::new());
    for (master, table) in masters.iter().zip(tables) {
        match table {
            Ok(segment) => {
                owners.push(master);
                segments.push(segment);
            }
            Err(why) => short.push(why),
        }
    }
    for range in mp4::split_by_parameters(&segments) {
        let (part, owners) = (&segments[range.clone()], &owners[range]);
        let span = part.iter().filter_map(mp4::Segment::span).fold(
            None,
            |all: Option<(Utc, Utc)>, (a, b)| {
                Some(all.map_or((a, b), |(c, d)| (a.min(c), b.max(d))))
            },
        );
        if span.is_none_or(|(from, to)| to <= request.t0 || from >= request.t1) {
            continue; // only the margins of what was asked for
        }
        let plan = match mp4::plan_working_copy(part, request.t0, request.t1) {
            Ok(plan) => plan,
            Err(e) => {
                short.push(e.to_string());
                continue;
            }
        };
        let again = if made.is_empty() {
            String::new()
        } else {
            format!("_{}", made.len() + 1)
        };
        let file = format!(
            "working/{}_{}{again}.mp4",
            request.camera.cam,
            plan.t0.compact()
        );
        let path = rest.path(&file);
        let (bytes, digest) = cut(&plan, owners, &file, rest).map_err(io_error("make", &path))?;
        let codec = match part.first().map(|s| s.parameters.codec) {
            Some(mp4::Codec::H265) => "H.265",
            _ => "H.264",
        };
        made.push(Working {
            file,
            t0: plan.t0,
            t1: plan.t1,
            frames: plan.frames,
            bytes,
            codec,
            sha256: hex(&digest),
        });
    }
    if made.is_empty() && short.is_empty() {
        short.push("no picture was recorded in the time asked for".into());
    }
    Ok((made, short))
}

/// Copies what the plan names out of the sealed masters into a file that is sealed on the way.
fn cut(
    plan: &mp4::Plan,
    masters: &[&Master],
    file: &str,
    rest: &Resting,
) -> io::Result<(u64, Digest)> {
    let mut out = rest.create(file)?;
    out.write_all(&plan.head)?;
    let mut open = None;
    for run in &plan.runs {
        let (at, mut master) = match open.take() {
            Some((at, master)) if at == run.master => (at, master),
            _ => {
                let master = masters
                    .get(run.master)
                    .ok_or(io::ErrorKind::UnexpectedEof)?;
                (run.master, rest.open(&master.file)?)
            }
        };
        master.seek(SeekFrom::Start(run.offset))?;
        if io::copy(&mut master.by_ref().take(run.len), &mut out)? != run.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        open = Some((at, master));
    }
    out.finish()
}

fn lines(
    log: &mut LogFolder,
    order: &Order,
    masters: &[Master],
    head: &SignedHead,
) -> Result<std::collections::BTreeMap<u64, Kept>, PackageError> {
    let (Some(first), Some(last)) = (masters.first(), masters.last()) else {
        return Err(PackageError::Log("no segment was fetched".into()));
    };
    let scope = Scope {
        cam: order.request.camera.cam.clone(),
        masters: masters.iter().map(|m| m.n).collect::<BTreeSet<_>>(),
        s0: first.line.s,
        s1: last.line.s,
        masks: masters.iter().filter_map(|m| m.line.mask.clone()).collect(),
        clip: order.later.is_none().then_some(order.clip),
        from: order.request.t0.min(first.line.t0),
        to: order.request.t1.max(last.line.t1),
    };
    let mut selector = Selector::new(scope);
    walk(log, head.head.size, |n, bytes| {
        selector.line(n, bytes, head.head.size)
    })?;
    Ok(selector.finish())
}

fn walk(
    log: &mut LogFolder,
    size: u64,
    mut each: impl FnMut(u64, &[u8]),
) -> Result<(), PackageError> {
    let mut n = 0;
    while n < size {
        let bytes = log.read_lines(n, size, 1 << 22).map_err(log_error)?;
        if bytes.is_empty() {
            return Err(PackageError::Log(format!(
                "it ends at line {n}; its countersigned head says {size} lines"
            )));
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            each(n, line);
            n += 1;
        }
    }
    Ok(())
}

fn proofs(
    log: &mut LogFolder,
    lines: &std::collections::BTreeMap<u64, Kept>,
    head: &SignedHead,
    rest: &Resting,
) -> Result<(), PackageError> {
    let mut forest = Forest::default();
    walk(log, head.head.size, |_, bytes| {
        forest.push(leaf_hash(bytes))
    })?;
    if forest.root(head.head.size) != Some(head.head.root) {
        return Err(PackageError::Log(
            "its lines are not those its countersigned head covers".into(),
        ));
    }
    for n in lines.keys() {
        put(
            rest,
            &format!("{}/{n}.tlog-proof", names::PROOFS),
            proof(&forest, *n, head)?.as_bytes(),
        )?;
    }
    Ok(())
}

/// The line that records the export, with its proof: it lies in a later log than the footage.
fn later_clip(
    later: &Later,
    n: u64,
    hub: &Vkey,
    rest: &Resting,
) -> Result<Option<ExpClip>, PackageError> {
    let mut log = LogFolder::new(&later.log);
    let (head, _) = countersigned_head(&log, hub, n)?;
    let kept = line(&mut log, n)?;
    let mut forest = Forest::default();
    walk(&mut log, head.head.size, |_, bytes| {
        forest.push(leaf_hash(bytes));
    })?;
    if forest.root(head.head.size) != Some(head.head.root) {
        return Err(PackageError::Log(
            "the lines of its later log are not those its countersigned head covers".into(),
        ));
    }
    put(rest, names::CLIP_RECORD, &kept.bytes)?;
    put(
        rest,
        names::CLIP_PROOF,
        proof(&forest, n, &head)?.as_bytes(),
    )?;
    Ok(kept.data::<ExpClip>())
}

fn proof(forest: &Forest, n: u64, head: &SignedHead) -> Result<String, PackageError> {
    let hashes = forest.inclusion(n, head.head.size);
    let hashes = hashes.ok_or_else(|| {
        PackageError::Log(format!(
            "line {n} is above the head of {} lines",
            head.head.size
        ))
    })?;
    Ok(Proof {
        index: n,
        hashes,
        head: head.clone(),
    }
    .render())
}

/// Keys for convenience, and the line that names the seal key with its proof in the hub's own log.
fn keys<A: Authority>(
    authority: &A,
    hub: &Vkey,
    lines: &std::collections::BTreeMap<u64, Kept>,
    rest: &Resting,
) -> Result<(), PackageError> {
    let newest = lines.values().rev().find_map(|k| {
        k.data::<KeyRoll>()
            .map(|d| d.new)
            .or_else(|| k.data::<LogOpen>().map(|d| d.key))
    });
    let newest =
        newest.ok_or_else(|| PackageError::Log("no key line lies below its head".into()))?;
    let box_key = Vkey::parse(&newest).map_err(log_error)?;
    for (vkey, text, pem) in [
        (&box_key, names::BOX_VKEY, names::BOX_PEM),
        (hub, names::HUB_VKEY, names::HUB_PEM),
    ] {
        put(rest, text, format!("{vkey}\n").as_bytes())?;
        put(rest, pem, vkey.pem().as_bytes())?;
    }
    put(
        rest,
        names::SEAL_PEM,
        public_pem(&authority.seal_spki()).as_bytes(),
    )?;
    let n = authority.seal_line().map_err(PackageError::Hub)?;
    let key = hub_line(authority, n, rest, names::SEAL_RECORD, names::SEAL_PROOF)?;
    put(rest, names::HUB_LOG_VKEY, format!("{key}\n").as_bytes())
}

/// Writes line `n` of the hub's own log and its proof under a fresh countersigned head; returns the key that signed that head.
fn hub_line<A: Authority>(
    authority: &A,
    n: u64,
    rest: &Resting,
    record: &str,
    proof_file: &str,
) -> Result<Vkey, PackageError> {
    let head = authority.head_now().map_err(PackageError::Hub)?;
    let mut log = LogFolder::new(&authority.log_folder());
    let mut forest = Forest::default();
    let (mut found, mut key) = (None, None);
    walk(&mut log, head.head.size, |at, bytes| {
        forest.push(leaf_hash(bytes));
        key = new_key(bytes).or(key.take());
        if at == n {
            found = Some(bytes.to_vec());
        }
    })
    .map_err(|e| PackageError::Hub(e.to_string()))?;
    let bytes = found.ok_or_else(|| {
        PackageError::Hub(format!("its log has no line {n} under its newest head"))
    })?;
    let key = key.ok_or_else(|| PackageError::Hub("its log names no key of its own".into()))?;
    put(rest, record, &bytes)?;
    put(rest, proof_file, proof(&forest, n, &head)?.as_bytes())?;
    Vkey::parse(&key).map_err(log_error)
}

/// The log key a line brings in, if it is one of those that do.
fn new_key(line: &[u8]) -> Option<String> {
    let record = Record::parse(line)
        .ok()
        .filter(|r| [LogOpen::KIND, KeyRoll::KIND].contains(&r.kind.as_str()))?;
    let name = if record.kind == LogOpen::KIND {
        "key"
    } else {
        "new"
    };
    Some(record.data.get(name)?.as_str()?.to_owned())
}

/// Registers the copies and the package in the hub's log, and puts that line beside the sums.
fn register_line<A: Authority>(
    authority: &A,
    order: &Order,
    working: &[Working],
    sums: &Digest,
    rest: &Resting,
) -> Result<(), PackageError> {
    let (exhibit, cam) = (
        order.request.exhibit.to_string(),
        order.request.camera.cam.clone(),
    );
    let who = &order.request.operator;
    for copy in working {
        let line = CopyMade {
            r#ref: exhibit.clone(),
            cam: cam.clone(),
            what: "working".into(),
            sha256: copy.sha256.clone(),
        };
        authority.append(who, &line).map_err(PackageError::Hub)?;
    }
    let line = ExpDone {
        r#ref: exhibit,
        cam,
        sums: hex(sums),
        to: order.to.clone(),
    };
    let line = authority.append(who, &line).map_err(PackageError::Hub)?;
    hub_line(
        authority,
        line.n,
        rest,
        names::SUMS_RECORD,
        names::SUMS_PROOF,
    )
    .map(drop)
}

/// Writes SHA256SUMS over what every file holds, read back from disk and opened; returns its bytes.
fn sums(rest: &Resting) -> Result<Vec<u8>, PackageError> {
    let mut out = String::new();
    for path in rest.list().map_err(io_error("list", rest.root()))? {
        let digest = rest
            .sha256(&path)
            .map_err(io_error("read", &rest.path(&path)))?;
        out.push_str(&format!("{}  {path}\n", hex(&digest)));
    }
    put(rest, names::SUMS, out.as_bytes())?;
    Ok(out.into_bytes())
}

fn put(rest: &Resting, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
    rest.put(name, bytes)
        .map_err(io_error("write", &rest.path(name)))
}

fn public_pem(spki: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let body = STANDARD.encode(spki);
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .map(|at| &body[at..body.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    )
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
