//! Pure. What others than the scheme say of a package: time stamps of outside authorities over its listing and over a head of the hub's log,
//! and cosignatures of witnesses on that head.
//!
//! The hub's log holds, of every recorder's log, which head it had seen (`head.seen`). A time stamp over a later head of the hub's log
//! therefore says of the recorder's first lines that they stood then as they stand here, and neither recorder nor hub, nor both together,
//! could have written them since.

use std::collections::BTreeSet;

use super::{
    super::{
        anchors::hub_time,
        words::{self as w, say},
    },
    Manifest, Package, Records, Still,
};
use crate::{
    evidence::names,
    id::hub_key_of,
    note::{Cosigned, Proof, SignedHead, digest_from_b64},
    record::{Digest, Record, Value, sha256},
    timestamp::{self, Judged},
    tree::consistent,
};

/// How much of the recorder's log the hub had seen, and how many of the recordings here are below that.
struct Seen {
    lines: u64,
    here: usize,
    of: usize,
}

impl Package<'_> {
    /// The time stamp over the listing.
    pub(super) fn listing_stamp(&mut self, sums: &[u8]) {
        if self.names.contains(names::TOKEN)
            && let Some((root, time)) = self.stamp(names::TOKEN, sums)
        {
            let text = say(w::STAMPED, &[&root, &time]);
            self.found("TIME-STAMPED", format!("file {}", names::TOKEN), text);
        }
    }

    /// Root and time of a time stamp that is good; what else it is, is found.
    fn stamp(&mut self, name: &str, over: &[u8]) -> Option<(String, String)> {
        let place = format!("file {name}");
        let roots = &self.options.authorities;
        if roots.is_empty() {
            self.found("TIME-STAMP-NOT-CHECKED", place, w::TOKEN_UNCHECKED);
            return None;
        }
        let judged = match self.files.read(name) {
            Ok(token) => timestamp::judge(&token, &sha256(over), roots),
            Err(_) => Judged::Bad,
        };
        match judged {
            Judged::Good(stamp) => Some((roots.get(stamp.root)?.name(), stamp.time)),
            Judged::Foreign => {
                self.found("TIME-STAMP-NOT-CHECKED", place, w::TOKEN_FOREIGN);
                None
            }
            Judged::Bad => {
                self.found("TIME-STAMP-BAD", place, w::TOKEN_BAD);
                None
            }
        }
    }

    /// What authorities and witnesses say of the lines.
    pub(super) fn outside(&mut self, manifest: &Manifest, records: &Records) {
        let (mut anchored, mut witnessed) = (false, false);
        if self.names.contains(names::SEEN_PROOF) {
            match self.seen(manifest, records) {
                None => self.found(
                    "NOT-IN-LOG",
                    format!("file {}", names::SEEN_RECORD),
                    w::SEEN_UNPROVEN,
                ),
                Some((seen, head)) => {
                    anchored = self.anchors(&seen, &head);
                    witnessed = self.witnesses(&seen, &head);
                }
            }
        }
        if !self.options.authorities.is_empty() && !anchored {
            self.found("NOT-ANCHORED", "package", w::NOT_ANCHORED);
        }
        if !self.options.witnesses.is_empty() && !witnessed {
            self.found("NOT-WITNESSED", "package", w::NOT_WITNESSED);
        }
    }

    /// The hub's line that names a head of the recorder's log, if its own head proves it and that head and the one here are of one log.
    fn seen(&mut self, manifest: &Manifest, records: &Records) -> Option<(Seen, SignedHead)> {
        let (line, proven) =
            self.hub_line(names::SEEN_RECORD, names::SEEN_PROOF, manifest.scheme());
        let line = line.filter(|r| proven && r.kind == "head.seen")?;
        let proof = self.files.read(names::SEEN_PROOF).ok()?;
        let head = Proof::parse(&proof).ok()?.head;
        let (size, root) = named(&line, &manifest.log)?;
        let here = &records.head.as_ref()?.head;
        let path = consistency(&self.files.read(names::SEEN_CONSISTENCY).ok()?)?;
        let one = match size <= here.size {
            true => consistent(size, here.size, &root, &here.root, &path),
            false => consistent(here.size, size, &here.root, &root, &path),
        };
        let lines: Vec<u64> = match &manifest.still {
            Some(Still { n, .. }) => vec![*n],
            None => manifest.master.iter().map(|(n, _)| *n).collect(),
        };
        let seen = Seen {
            lines: size,
            here: lines.iter().filter(|n| **n < size).count(),
            of: lines.len(),
        };
        (one && size > 0 && here.origin == manifest.log).then_some((seen, head))
    }

    /// Whether there is a good time stamp over the head.
    fn anchors(&mut self, seen: &Seen, head: &SignedHead) -> bool {
        let folder = format!("{}/", names::OUTSIDE);
        let tokens: Vec<String> = self
            .names
            .iter()
            .filter(|n| n.starts_with(&folder) && n.ends_with(".tsr"))
            .cloned()
            .collect();
        let mut any = false;
        for name in tokens {
            if let Some((root, time)) = self.stamp(&name, head.head.body().as_bytes()) {
                let text = say(
                    w::ANCHORED,
                    &[&root, &time, &seen.lines, &seen.here, &seen.of],
                );
                self.found("ANCHORED", format!("file {name}"), text);
                any = true;
            }
        }
        any
    }

    /// Whether a witness that was given has cosigned the head.
    fn witnesses(&mut self, seen: &Seen, head: &SignedHead) -> bool {
        let place = format!("file {}", names::SEEN_PROOF);
        let mut any = false;
        let options = self.options;
        for key in &options.witnesses {
            match head.check_cosigned(key) {
                Cosigned::Good { time } => {
                    let time = hub_time(time);
                    let text = say(
                        w::WITNESSED,
                        &[&key.name, &time, &seen.lines, &seen.here, &seen.of],
                    );
                    self.found("WITNESSED", place.clone(), text);
                    any = true;
                }
                Cosigned::Bad => {
                    let text = say(w::BAD_COSIGNATURE, &[&key.name]);
                    self.found("BAD-SIGNATURE", place.clone(), text);
                }
                Cosigned::Absent => {}
            }
        }
        let origin = &head.head.origin;
        let mut told = BTreeSet::new();
        for s in &head.signatures {
            let known = s.name == *origin
                || hub_key_of(&s.name, origin)
                || options.witnesses.iter().any(|key| key.name == s.name);
            if !known && told.insert(&s.name) {
                let text = say(w::WITNESS_UNCHECKED, &[&s.name]);
                self.found("WITNESS-NOT-CHECKED", place.clone(), text);
            }
        }
        any
    }
}

/// Size and root of the head that such a line names, if it is one of that log.
fn named(line: &Record, log: &str) -> Option<(u64, Digest)> {
    let text = |key| line.data.get(key).and_then(Value::as_str);
    let size = line.data.get("size").and_then(Value::as_u64)?;
    (text("log") == Some(log)).then_some((size, digest_from_b64(text("root")?)?))
}

/// The hashes of a consistency proof, one a line.
fn consistency(bytes: &[u8]) -> Option<Vec<Digest>> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.split_inclusive('\n')
        .map(|line| digest_from_b64(line.strip_suffix('\n')?))
        .collect()
}
