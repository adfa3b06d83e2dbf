//! Pure. Whether a package holds what was asked for and handed out, and whether its working copies are those that the hub made.

use std::collections::BTreeSet;

use super::{
    super::{
        left_by_a_computer,
        words::{self as w, say},
    },
    Manifest, Package, Records, reached,
};
use crate::{
    check::{Finding, Segment, Span, covered},
    evidence::names,
    id,
    note::Proof,
    record::{Record, Value, unhex},
};

impl Package<'_> {
    /// The exp.clip line of footage whose log has ended: it lies in a later log of the same box.
    pub(super) fn later_clip(&mut self, manifest: &Manifest) -> Option<Record> {
        if !self.names.contains(names::CLIP_RECORD) {
            return None;
        }
        let read = |name: &str| self.files.read(name).ok();
        let line = read(names::CLIP_RECORD).and_then(|bytes| Record::parse(&bytes).ok());
        let proof = read(names::CLIP_PROOF).and_then(|bytes| Proof::parse(&bytes).ok());
        if let Some(proof) = &proof {
            let place = format!("file {}", names::CLIP_PROOF);
            self.hub_says(&proof.head, &place, &place);
        }
        let proven = line.zip(proof).filter(|(r, proof)| {
            id::is_later_log(&r.log, &manifest.log)
                && r.kind == "exp.clip"
                && r.log == proof.head.head.origin
                && r.n == proof.index
                && reached(&r.leaf, proof) == Some(proof.head.head.root)
        });
        if proven.is_none() {
            self.found(
                "NOT-IN-LOG",
                format!("file {}", names::CLIP_RECORD),
                w::NO_LATER_CLIP,
            );
        }
        proven.map(|(line, _)| line)
    }

    pub(super) fn coverage(
        &mut self,
        manifest: &Manifest,
        ends: Option<(&&Segment, &&Segment)>,
        gaps: &[Span],
    ) {
        let (t0, t1) = (manifest.t0, manifest.t1);
        if t1 <= t0 {
            let text = say(w::ASKED_BACKWARDS, &[&t0, &t1]);
            self.found("REQUEST-NOT-AS-LOGGED", "file manifest.json", text);
        }
        let mut short = |text: String| {
            self.findings
                .push(Finding::new("DOES-NOT-COVER-REQUEST", "package", text))
        };
        let Some((first, last)) = ends else {
            if !covered(t0, t1, gaps) {
                short(say(w::COVER_NONE, &[&t0, &t1]));
            }
            return;
        };
        if !covered(t0, first.span.t0, gaps) {
            short(say(w::COVER_START, &[&first.span.t0, &t0]));
        }
        if !covered(last.span.t1, t1, gaps) {
            short(say(w::COVER_END, &[&last.span.t1, &t1]));
        }
    }

    /// Each file below `working/` and `still/` against the hub's own lines that say what copies it made.
    pub(super) fn copies(&mut self, manifest: &Manifest, records: &Records) {
        let scheme = manifest.scheme();
        let mut hashes = BTreeSet::new();
        let lines = self.files.read(names::COPIES).ok();
        for line in lines
            .iter()
            .flat_map(|l| l.split_inclusive(|b| *b == b'\n'))
        {
            let place = format!("file {}", names::COPIES);
            let n = Record::parse(line).ok().map(|r| r.n);
            let proof = n.map(|n| format!("{}/{n}.tlog-proof", names::COPY_PROOFS));
            let (line, proven) = match proof {
                Some(proof) => self.proven(Some(line), &proof, scheme),
                None => (None, false),
            };
            let of = |r: &Record| {
                let text = |key: &str| r.data.get(key).and_then(Value::as_str);
                let meant = match &manifest.still {
                    None => {
                        r.kind == "copy.made"
                            && text("cam") == Some(&manifest.cam)
                            && text("what") == Some("working")
                    }
                    Some(still) => {
                        let taken = r.data.get("t").and_then(Value::as_time);
                        let segment = records.segments.get(&still.n).map(|s| s.span);
                        r.kind == "reg.still"
                            && text("parent") == Some(&still.parent)
                            && text("log") == Some(&manifest.log)
                            && r.data.get("n").and_then(Value::as_u64) == Some(still.n)
                            && taken
                                .zip(segment)
                                .is_some_and(|(t, span)| span.t0 <= t && t < span.t1)
                    }
                };
                let meant = meant && text("ref") == Some(&manifest.reference);
                text("sha256").and_then(unhex).filter(|_| meant)
            };
            match line.as_ref().and_then(of).filter(|_| proven) {
                Some(hash) => drop(hashes.insert(hash)),
                None => self.found("NOT-IN-LOG", place, w::COPY_UNPROVEN),
            }
        }
        let copies: Vec<String> = self
            .names
            .iter()
            .filter(|n| n.starts_with("working/") || n.starts_with("still/"))
            .filter(|n| self.listed.contains(*n) || !left_by_a_computer(n))
            .cloned()
            .collect();
        for path in copies {
            let place = format!("file {path}");
            if lines.is_none() {
                self.found("WORKING-COPY-NOT-COMPARED", place, w::COPY_UNCOMPARED);
            } else if self
                .files
                .sha256(&path)
                .map_or(true, |hash| !hashes.contains(&hash))
            {
                self.found("WORKING-COPY-NOT-AS-LOGGED", place, w::COPY_OTHER);
            }
        }
    }

    pub(super) fn clip(
        &mut self,
        manifest: &Manifest,
        ends: Option<(&&Segment, &&Segment)>,
        clips: &[Record],
        later: Option<&Record>,
    ) {
        let text = |r: &Record, key: &str, want: &str| {
            r.data.get(key).and_then(Value::as_str) == Some(want)
        };
        let meant =
            |r: &&Record| text(r, "ref", &manifest.reference) && text(r, "cam", &manifest.cam);
        let clips: Vec<&Record> = clips.iter().filter(meant).collect();
        let later = later.filter(meant);
        let Some(newest) = later.or(clips.last().copied()) else {
            self.found(
                "NOT-IN-LOG",
                "package",
                say(w::NO_CLIP, &[&manifest.reference, &manifest.cam]),
            );
            return;
        };
        let asked = |key: &str| newest.data.get(key).and_then(Value::as_time);
        match asked("t0").zip(asked("t1")) {
            None => {
                let text = say(w::ASKED_UNSAID, &[&newest.n]);
                self.found("REQUEST-NOT-LOGGED", "package", text);
            }
            Some((t0, t1)) if (t0, t1) != (manifest.t0, manifest.t1) => {
                let said: [&dyn std::fmt::Display; 5] =
                    [&newest.n, &t0, &t1, &manifest.t0, &manifest.t1];
                self.found(
                    "REQUEST-NOT-AS-LOGGED",
                    "package",
                    say(w::ASKED_OTHERWISE, &said),
                );
            }
            Some(_) => {}
        }
        let Some((first, last)) = ends else { return };
        let span = |r: &Record| {
            let number = |key: &str| r.data.get(key).and_then(Value::as_u64);
            number("s0").zip(number("s1"))
        };
        let exact = |r: &&Record| span(r) == Some((first.s, last.s));
        // Of a log that has ended only the part that was countersigned is here: what the box handed out may reach beyond it.
        let wide = |r: &Record| span(r).is_some_and(|(s0, s1)| s0 <= first.s && last.s <= s1);
        if !clips.iter().any(exact) && !later.is_some_and(wide) {
            let text = say(w::CLIP_SPAN, &[&newest.n, &first.s, &last.s]);
            self.found("DOES-NOT-COVER-REQUEST", "package", text);
        }
    }
}
