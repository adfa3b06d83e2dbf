//! Pure. The verdict on an evidence package.

mod asked;
mod outside;

use std::collections::{BTreeMap, BTreeSet};

use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::{
    Anchored, Files, Options, Report, countersigned, left_by_a_computer,
    masks::Masks,
    times::Times,
    words::{self as w, say},
};
use crate::{
    check::{Facts, Finding, Gap, Keys, Segment, Span, facts, follows},
    evidence::names,
    id::Origin,
    note::{Proof, SignatureCheck, SignedHead, Vkey, from_b64},
    record::{Digest, Parsed, Record, Value, hex, sha256, unhex},
    time::Utc,
    tree::root_from_inclusion,
};

/// SPKI of a P-256 key up to the point.
pub const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

struct Package<'a> {
    files: &'a dyn Files,
    options: &'a Options,
    names: BTreeSet<String>,
    /// Paths the sums list.
    listed: BTreeSet<String>,
    findings: Vec<Finding>,
}

struct Manifest {
    reference: String,
    log: String,
    cam: String,
    t0: Utc,
    t1: Utc,
    master: Vec<(u64, String)>,
    still: Option<Still>,
}

/// Of a still picture: what it was made of, and the line that describes the segment.
struct Still {
    parent: String,
    n: u64,
    file: String,
}

impl Manifest {
    /// The scheme whose hub may speak for the package; None when the log named is not a box's.
    fn scheme(&self) -> Option<&str> {
        match Origin::parse(&self.log)? {
            Origin::Box { scheme, .. } => Some(scheme),
            Origin::Hub { .. } => None,
        }
    }
}

pub(super) fn verify(files: &dyn Files, options: &Options) -> Report {
    let blind = |place: &str, sentence| {
        Report::new(
            vec![Finding::new("UNREADABLE", place, sentence)],
            Anchored::NotYet,
        )
    };
    let Ok(names) = files.list() else {
        return blind("package", w::NO_FOLDER);
    };
    let Ok(sums) = files.read(names::SUMS) else {
        return blind("file SHA256SUMS", w::NO_FILE);
    };
    let names = names.into_iter().collect();
    let mut package = Package {
        files,
        options,
        names,
        listed: BTreeSet::new(),
        findings: vec![],
    };
    package.listing(&sums);
    let manifest = files
        .read(names::MANIFEST)
        .ok()
        .and_then(|bytes| manifest(&bytes));
    package.seal(&sums, manifest.as_ref());
    package.listing_stamp(&sums);
    match manifest {
        Some(manifest) => {
            let records = package.records(&manifest);
            package.masters(&manifest, &records);
            package.copies(&manifest, &records);
            package.outside(&manifest, &records);
        }
        None => package.found("UNREADABLE", "file manifest.json", w::NO_MANIFEST),
    }
    if options.hub.is_empty() {
        package.found("NO-HUB-KEY", "package", w::NO_HUB_KEY);
    }
    let anchored = match options.hub.is_empty() {
        true => Anchored::NotAsked,
        false => Anchored::Well,
    };
    Report::new(package.findings, anchored)
}

fn manifest(bytes: &[u8]) -> Option<Manifest> {
    let value = Value::parse(bytes.strip_suffix(b"\n").unwrap_or(bytes)).ok()?;
    let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let time = |key| value.get(key).and_then(Value::as_time);
    const KEYS: [&str; 8] = ["v", "ref", "log", "cam", "t0", "t1", "master", "still"];
    let is_still = has_keys(&value, &KEYS);
    if !(is_still || has_keys(&value, &KEYS[..7])) || value.get("v")?.as_int()? != 1 {
        return None;
    }
    let still = match value.get("still") {
        None => None,
        Some(s) if has_keys(s, &["parent", "n", "file"]) => Some(Still {
            parent: s.get("parent")?.as_str()?.to_owned(),
            n: s.get("n")?.as_u64()?,
            file: s.get("file")?.as_str()?.to_owned(),
        }),
        Some(_) => return None,
    };
    let Value::Array(entries) = value.get("master")? else {
        return None;
    };
    // A still picture comes without its recording.
    if still.is_some() && !entries.is_empty() {
        return None;
    }
    let entry = |e: &Value| match has_keys(e, &["n", "file"]) {
        true => Some((e.get("n")?.as_u64()?, e.get("file")?.as_str()?.to_owned())),
        false => None,
    };
    Some(Manifest {
        reference: text("ref")?,
        log: text("log")?,
        cam: text("cam")?,
        t0: time("t0")?,
        t1: time("t1")?,
        master: entries.iter().map(entry).collect::<Option<_>>()?,
        still,
    })
}

fn has_keys(value: &Value, keys: &[&str]) -> bool {
    matches!(value, Value::Object(pairs) if pairs.iter().map(|(k, _)| k.as_str()).eq(keys.iter().copied()))
}

fn path_ok(path: &str) -> bool {
    path.split('/')
        .all(|part| !part.is_empty() && part != "." && part != "..")
        && !path.chars().any(|c| c == '\\' || c < ' ' || c == '\u{7f}')
}

/// The uncompressed point of a P-256 SPKI. Whether it lies on the curve shows when something is verified.
fn p256_point(spki: &[u8]) -> Option<&[u8]> {
    spki.strip_prefix(&P256_SPKI)
        .filter(|point| point.len() == 65 && point[0] == 4)
}

fn seal_verifies(spki: &[u8], sums: &[u8], seal: &[u8]) -> bool {
    p256_point(spki).is_some_and(|point| {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(sums, seal)
            .is_ok()
    })
}

/// The DER between the lines of a PEM public key.
fn pem_bytes(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let body = text
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")?
        .strip_suffix("-----END PUBLIC KEY-----")?;
    from_b64(&body.split_ascii_whitespace().collect::<String>())
}

/// Lines that were read, by number.
#[derive(Default)]
struct Records {
    segments: BTreeMap<u64, Segment>,
    gaps: Vec<Gap>,
    clips: Vec<Record>,
    /// That all their proofs should end in.
    head: Option<SignedHead>,
}

impl Package<'_> {
    fn found(&mut self, code: &'static str, place: impl Into<String>, text: impl Into<String>) {
        self.findings.push(Finding::new(code, place, text));
    }

    fn listing(&mut self, sums: &[u8]) {
        for (i, line) in sums.split_inclusive(|b| *b == b'\n').enumerate() {
            let read = std::str::from_utf8(line)
                .ok()
                .and_then(|l| l.strip_suffix('\n'))
                .and_then(|l| l.split_once("  "));
            let Some((Some(want), path)) = read.map(|(sum, path)| (unhex(sum), path)) else {
                self.found(
                    "LISTING-UNSAFE",
                    "file SHA256SUMS",
                    say(w::LISTING_LINE, &[&(i + 1)]),
                );
                continue;
            };
            let place = format!("file {path}");
            if !path_ok(path) {
                self.found("LISTING-UNSAFE", place, w::LISTING_PATH);
            } else if !self.listed.insert(path.into()) {
                self.found("LISTING-UNSAFE", place, w::LISTING_TWICE);
            } else if !self.names.contains(path) {
                self.found("ALTERED-FILE", place, w::FILE_MISSING);
            } else {
                match self.files.sha256(path) {
                    Ok(have) if have == want => {}
                    Ok(_) => self.found("ALTERED-FILE", place, w::FILE_ALTERED),
                    Err(_) => self.found("LISTING-UNSAFE", place, w::LISTING_ODD),
                }
            }
        }
        let extra: Vec<String> = self
            .names
            .iter()
            .filter(|n| !self.listed.contains(*n) && !names::UNLISTED.contains(&n.as_str()))
            .cloned()
            .collect();
        for path in extra {
            let place = format!("file {path}");
            match left_by_a_computer(&path) {
                true => self.found("PC-FILE", place, w::PC_FILE),
                false => self.found("EXTRA-FILE", place, w::FILE_EXTRA),
            }
        }
    }

    fn seal(&mut self, sums: &[u8], manifest: Option<&Manifest>) {
        let scheme = manifest.and_then(Manifest::scheme);
        let (line, proven) = self.hub_line(names::SEAL_RECORD, names::SEAL_PROOF, scheme);
        let named = line.filter(|r| r.kind == "key.seal");
        let named = named
            .and_then(|r| from_b64(r.data.get("spki")?.as_str()?))
            .filter(|spki| p256_point(spki).is_some());
        if named.is_none() || !proven {
            self.found(
                "SEAL-KEY-NOT-IN-LOG",
                format!("file {}", names::SEAL_RECORD),
                w::SEAL_KEY,
            );
        }
        let place = format!("file {}", names::SEAL);
        match self.files.read(names::SEAL) {
            Err(_) => self.found("SEAL-BROKEN", place, w::SEAL_MISSING),
            Ok(seal) => {
                let by_named = named
                    .as_ref()
                    .is_some_and(|spki| seal_verifies(spki, sums, &seal));
                let beside = || {
                    self.files
                        .read(names::SEAL_PEM)
                        .ok()
                        .and_then(|pem| pem_bytes(&pem))
                };
                if !by_named {
                    match (
                        beside().is_some_and(|spki| seal_verifies(&spki, sums, &seal)),
                        named.is_some(),
                    ) {
                        (true, true) => self.found("SEAL-KEY-NOT-IN-LOG", place, w::SEAL_OTHER_KEY),
                        (true, false) => {} // said already: no line names the key
                        (false, _) => self.found("SEAL-BROKEN", place, w::SEAL_BROKEN),
                    }
                }
            }
        }
        let (done, proven) = self.hub_line(names::SUMS_RECORD, names::SUMS_PROOF, scheme);
        let sums = hex(&sha256(sums));
        let fits = done.is_some_and(|r| {
            let text = |key| r.data.get(key).and_then(Value::as_str);
            r.kind == "exp.done"
                && text("sums") == Some(&sums)
                && text("ref") == manifest.map(|m| m.reference.as_str())
        });
        if !fits || !proven {
            self.found(
                "NOT-IN-LOG",
                format!("file {}", names::SUMS_RECORD),
                w::NOT_EXPORTED,
            );
        }
    }

    /// A line of the log of the scheme's own hub and whether its proof leads to its head. What is wrong with that head is found here.
    fn hub_line(
        &mut self,
        record: &str,
        proof: &str,
        scheme: Option<&str>,
    ) -> (Option<Record>, bool) {
        let bytes = self.files.read(record).ok();
        self.proven(bytes.as_deref(), proof, scheme)
    }

    /// The same of a line that is at hand.
    fn proven(
        &mut self,
        line: Option<&[u8]>,
        proof: &str,
        scheme: Option<&str>,
    ) -> (Option<Record>, bool) {
        let line = line.and_then(|bytes| Record::parse(bytes).ok());
        let of_hub = |log: &str| match Origin::parse(log) {
            Some(Origin::Hub { scheme: of, .. }) => Some(of) == scheme,
            _ => false,
        };
        let line = line.filter(|r| of_hub(&r.log));
        let Some(proof_file) = self
            .files
            .read(proof)
            .ok()
            .and_then(|bytes| Proof::parse(&bytes).ok())
        else {
            return (line, false);
        };
        let head = &proof_file.head;
        let place = format!("file {proof}");
        self.hub_says(head, &place, &place);
        // The cosignature decides; the hub log's own signature is checked where its key is at hand.
        if let Some(key) = self
            .files
            .read(names::HUB_LOG_VKEY)
            .ok()
            .and_then(|bytes| vkey(&bytes))
        {
            match head.check(&key) {
                SignatureCheck::Good => {}
                SignatureCheck::Bad => self.found("BAD-SIGNATURE", place, w::BAD_SIGNATURE),
                SignatureCheck::Absent => self.found("UNKNOWN-KEY", place, w::UNKNOWN_KEY),
            }
        }
        let proven = line.as_ref().is_some_and(|r| {
            r.log == head.head.origin
                && r.n == proof_file.index
                && reached(&r.leaf, &proof_file) == Some(head.head.root)
        });
        (line, proven)
    }

    /// Countersignatures of a head by the hub keys given.
    fn hub_says(&mut self, head: &SignedHead, place: &str, countersigned_place: &str) {
        if self.options.hub.is_empty() {
            return;
        }
        let state = countersigned(head, &self.options.hub, countersigned_place);
        if state.time.is_none() && state.faults.is_empty() {
            self.found("NO-HUB-COSIGNATURE", place, w::NO_COSIGNATURE);
        }
        self.findings.extend(state.faults);
    }

    fn records(&mut self, manifest: &Manifest) -> Records {
        let mut out = Records::default();
        if manifest.scheme().is_none() {
            self.found(
                "FOREIGN-RECORD",
                format!("file {}", names::MANIFEST),
                say(w::NOT_A_BOX_LOG, &[&manifest.log]),
            );
        }
        let Ok(bytes) = self.files.read(names::RECORDS) else {
            self.found("UNREADABLE", format!("file {}", names::RECORDS), w::NO_FILE);
            return out;
        };
        let lines: Vec<Parsed> = bytes
            .split_inclusive(|b| *b == b'\n')
            .map(Record::read)
            .collect();
        let own = |parsed: &Parsed| matches!(parsed, Parsed::Record(r) if r.log == manifest.log);
        // Each line's proof; the head most of them end in is the one all should share, the earliest where two are equal.
        let proof = |parsed: &Parsed| match parsed {
            Parsed::Record(r) if own(parsed) => self
                .files
                .read(&format!("{}/{}.tlog-proof", names::PROOFS, r.n))
                .ok()
                .and_then(|b| Proof::parse(&b).ok()),
            _ => None,
        };
        let proofs: Vec<Option<Proof>> = lines.iter().map(proof).collect();
        let mut heads: Vec<(SignedHead, usize)> = Vec::new();
        for proof in proofs.iter().flatten() {
            match heads.iter_mut().find(|(head, _)| *head == proof.head) {
                Some((_, times)) => *times += 1,
                None => heads.push((proof.head.clone(), 1)),
            }
        }
        let most = heads.iter().map(|(_, times)| *times).max();
        let shared = heads
            .into_iter()
            .find(|(_, times)| Some(*times) == most)
            .map(|(head, _)| head);

        let mut keys: Vec<(u64, Vkey)> = Vec::new();
        let mut masks = Masks::new(&manifest.log, true);
        let mut times = Times::new(&manifest.log, true);
        for parsed in lines.iter().filter(|parsed| own(parsed)) {
            if let Parsed::Record(record) = parsed {
                masks.announce(record);
            }
        }
        let mut clock_shown = None;
        for (k, (line, proof)) in lines.into_iter().zip(proofs).enumerate() {
            let record = match line {
                Parsed::Malformed(fault) => {
                    self.found("RECORD-MALFORMED", format!("record {k}"), fault.0);
                    continue;
                }
                Parsed::Version(v) => {
                    self.found(
                        "UNKNOWN-VERSION",
                        format!("record {k}"),
                        say(w::VERSION, &[&v]),
                    );
                    continue;
                }
                Parsed::Record(record) => *record,
            };
            let place = format!("line {}", record.n);
            if record.log != manifest.log {
                self.found(
                    "FOREIGN-RECORD",
                    place,
                    say(w::FOREIGN_LINE, &[&record.log, &manifest.log]),
                );
                continue;
            }
            let read = facts(&record);
            if let Err(key) = &read {
                let text = say(w::BAD_VALUE, &[key]);
                self.found("RECORD-MALFORMED", place.clone(), text);
            }
            match record.kind.as_str() {
                "clock.state" => clock_shown = clock_shown.or(Some(true)),
                "seg.write" => clock_shown = clock_shown.or(Some(false)),
                _ => {}
            }
            masks.line(&record, &mut self.findings);
            times.line(&record, read.as_ref().ok(), &mut self.findings);
            match read {
                Ok(Facts::Key(key)) if record.kind == "key.roll" || record.n == 0 => {
                    keys.push((record.n, key));
                }
                Ok(Facts::Segment(segment)) => {
                    out.segments.insert(record.n, segment);
                }
                Ok(Facts::Gap(gap)) => out.gaps.push(gap),
                _ => {}
            }
            let fits = proof.filter(|p| p.index == record.n && Some(&p.head) == shared.as_ref());
            match fits.map(|p| (reached(&record.leaf, &p), p.head.head.root)) {
                None | Some((None, _)) => self.found("PROOF-MISMATCH", place, w::PROOF_MISMATCH),
                Some((Some(root), want)) if root != want => {
                    self.found("NOT-IN-LOG", place, w::NOT_IN_LOG)
                }
                Some(_) => {}
            }
            if record.kind == "exp.clip" {
                out.clips.push(record);
            }
        }
        if let Some(head) = shared {
            self.head(&head, manifest, keys);
            out.head = Some(head);
        }
        times.end(&mut self.findings);
        if clock_shown == Some(false) {
            self.found("CLOCK-NOT-SHOWN", "package", w::CLOCK_UNSHOWN);
        }
        out
    }

    fn head(&mut self, head: &SignedHead, manifest: &Manifest, mut lines: Vec<(u64, Vkey)>) {
        let place = format!("head {}", head.head.size);
        if head.head.origin != manifest.log {
            self.found(
                "FOREIGN-RECORD",
                place.clone(),
                say(w::FOREIGN_HEAD, &[&head.head.origin, &manifest.log]),
            );
        }
        self.hub_says(head, &place, &format!("cosigned {}", head.head.size));
        lines.sort_by_key(|(n, _)| *n);
        let mut keys = Keys::default();
        for (n, key) in lines {
            if n == 0 || n + 1 < head.head.size {
                keys.add(n, key);
            }
        }
        if keys.is_empty() {
            self.found("UNKNOWN-KEY", place, w::NO_KEY_LINE);
        } else if let Err(finding) = keys.judge(head, &place) {
            self.findings.push(finding);
        }
    }

    fn masters(&mut self, manifest: &Manifest, records: &Records) {
        let gaps: Vec<&Gap> = records
            .gaps
            .iter()
            .filter(|g| g.cam == manifest.cam)
            .collect();
        let mut held: Vec<&Segment> = Vec::new();
        for (n, file) in &manifest.master {
            let place = format!("file {file}");
            let Some(segment) = records.segments.get(n).filter(|s| s.cam == manifest.cam) else {
                self.found(
                    "UNLOGGED-MASTER-FILE",
                    place,
                    say(w::UNLOGGED_ENTRY, &[&manifest.cam, n]),
                );
                continue;
            };
            if self.names.contains(file) {
                if self.files.sha256(file).ok() != Some(segment.sha256) {
                    self.found("SEGMENT-NOT-AS-LOGGED", place, say(w::NOT_AS_LOGGED, &[n]));
                }
            } else if !self.listed.contains(file) {
                self.found("ALTERED-FILE", place, w::ENTRY_MISSING);
            }
            if let Some(before) = held.last() {
                let declared: Vec<Span> = gaps
                    .iter()
                    .filter(|g| g.next == segment.s)
                    .map(|g| g.span)
                    .collect();
                self.findings.extend(follows(
                    &manifest.cam,
                    *n,
                    (before.s, before.span.t1),
                    segment,
                    &declared,
                ));
            }
            held.push(segment);
        }
        let named: BTreeSet<&String> = manifest.master.iter().map(|(_, file)| file).collect();
        let unnamed: Vec<String> = self
            .names
            .iter()
            .filter(|n| n.starts_with("master/") && !named.contains(n))
            .filter(|n| self.listed.contains(*n) || !left_by_a_computer(n))
            .cloned()
            .collect();
        for path in unnamed {
            self.found(
                "UNLOGGED-MASTER-FILE",
                format!("file {path}"),
                w::UNLOGGED_FILE,
            );
        }
        if let Some(still) = &manifest.still {
            // Nothing of the recording is here but that picture, and the line of the segment it is of.
            let place = format!("file {}", still.file);
            let segment = records.segments.get(&still.n);
            if segment.is_none_or(|s| s.cam != manifest.cam) {
                let text = say(w::UNLOGGED_ENTRY, &[&manifest.cam, &still.n]);
                self.found("UNLOGGED-MASTER-FILE", place, text);
            } else if !self.names.contains(&still.file) && !self.listed.contains(&still.file) {
                self.found("ALTERED-FILE", place, w::ENTRY_MISSING);
            }
            return;
        }
        let gaps: Vec<Span> = gaps.iter().map(|g| g.span).collect();
        let ends = held.first().zip(held.last());
        self.coverage(manifest, ends, &gaps);
        let later = self.later_clip(manifest);
        self.clip(manifest, ends, &records.clips, later.as_ref());
    }
}

fn vkey(bytes: &[u8]) -> Option<Vkey> {
    Vkey::parse(std::str::from_utf8(bytes).ok()?.trim_end_matches('\n')).ok()
}

fn reached(leaf: &Digest, proof: &Proof) -> Option<Digest> {
    root_from_inclusion(leaf, proof.index, proof.head.head.size, &proof.hashes)
}
