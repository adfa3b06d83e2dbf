//! Pure. The verdict on a log folder.

use std::collections::BTreeSet;

use super::{
    Anchored, Files, Options, Report,
    anchors::Countersignature,
    countersigned, left_by_a_computer,
    lines::{Acknowledged, Lines, Stated},
    words::{self as w, say},
};
use crate::{
    check::{Checker, Finding},
    note::{SignedHead, Vkey},
    record::Digest,
};

/// Where a head comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// `heads/*`
    Kept,
    /// `head.note`
    Newest,
    /// `cosigned.note`
    Countersigned,
    /// `--head`
    Given,
}

pub(super) fn verify(files: &dyn Files, options: &Options) -> Report {
    let mut findings = Vec::new();
    let Ok(names) = files.list() else {
        return Report::new(
            vec![Finding::new("UNREADABLE", "log", w::NO_FOLDER)],
            Anchored::NotYet,
        );
    };
    let sizes = sizes(files, &names, options);
    let mut lines = Lines::read(files, &names, options, sizes, &mut findings);
    if !lines.readable {
        findings.push(Finding::new("UNREADABLE", "log", w::NO_LINE));
    }
    let heads = read_heads(files, &names, options, &lines, &mut findings);
    let sizes = heads.iter().map(|(_, note)| note.head.size).collect();
    lines.recall(files, sizes);
    let mut judge = Judge::new(&lines, &options.hub, &heads);
    for (source, note) in &heads {
        judge.head(*source, note, &mut findings);
    }
    for ack in &lines.acks {
        judge.ack(ack, &mut findings);
    }
    forks(&heads, &lines.checker, &mut findings);
    if options.hub.is_empty() {
        findings.push(Finding::new("NO-HUB-KEY", "log", w::NO_HUB_KEY));
    }
    let size = lines.checker.size();
    if size > judge.sealed {
        findings.push(Finding::new(
            "UNSEALED",
            "tail",
            say(w::UNSEALED, &[&(size - judge.sealed)]),
        ));
    }
    if lines.torn > 0 {
        findings.push(Finding::new(
            "TORN-TAIL",
            "tail",
            say(w::TORN_LIVE, &[&lines.torn]),
        ));
    }
    let said = judge.said;
    let anchored = match options.hub.is_empty() {
        true => Anchored::NotAsked,
        false => lines.anchors.judge(said, size, &mut findings),
    };
    Report::new(findings, anchored)
}

/// Sizes of the heads there are, before anything is said of them.
fn sizes(files: &dyn Files, names: &[String], options: &Options) -> BTreeSet<u64> {
    let head = |n: &&String| n.ends_with(".note");
    let kept = names.iter().filter(head).filter_map(|n| files.read(n).ok());
    kept.chain(options.heads.iter().cloned())
        .filter_map(|text| SignedHead::parse(&text).ok())
        .map(|note| note.head.size)
        .collect()
}

/// All heads of this log in the order they are judged in.
fn read_heads(
    files: &dyn Files,
    names: &[String],
    options: &Options,
    lines: &Lines,
    findings: &mut Vec<Finding>,
) -> Vec<(Source, SignedHead)> {
    let mut paths: Vec<(Source, &str)> = Vec::new();
    let below = |n: &&String| {
        n.strip_prefix("heads/")
            .is_some_and(|rest| !rest.contains('/') && !left_by_a_computer(rest))
    };
    paths.extend(
        names
            .iter()
            .filter(below)
            .map(|n| (Source::Kept, n.as_str())),
    );
    paths.sort_by_key(|(_, name)| (name.len(), *name));
    for (source, wanted) in [
        (Source::Newest, "head.note"),
        (Source::Countersigned, "cosigned.note"),
    ] {
        paths.extend(
            names
                .iter()
                .filter(|n| *n == wanted)
                .map(|n| (source, n.as_str())),
        );
    }
    let mut texts = Vec::new();
    for (source, path) in paths {
        match files.read(path) {
            Ok(text) => texts.push((source, path.to_owned(), text)),
            Err(_) => findings.push(Finding::new(
                "UNREADABLE",
                format!("file {path}"),
                w::NO_FILE,
            )),
        }
    }
    for (i, text) in options.heads.iter().enumerate() {
        texts.push((Source::Given, format!("given {}", i + 1), text.clone()));
    }
    let mut heads = Vec::new();
    for (source, name, text) in texts {
        let Ok(note) = SignedHead::parse(&text) else {
            findings.push(Finding::new(
                "BAD-SIGNATURE",
                format!("head {name}"),
                w::NOT_A_HEAD,
            ));
            continue;
        };
        match lines.checker.origin() {
            Some(origin) if origin != note.head.origin => {
                let text = say(w::FOREIGN_HEAD, &[&note.head.origin, &origin]);
                findings.push(Finding::new(
                    "FOREIGN-RECORD",
                    format!("head {}", note.head.size),
                    text,
                ));
            }
            _ => heads.push((source, note)),
        }
    }
    heads
}

/// Judges each known root against the lines.
struct Judge<'a> {
    lines: &'a Lines,
    hub: &'a [Vkey],
    /// Size of `head.note`, 0 without one.
    newest: u64,
    /// `head.note` is well signed and agrees with the lines.
    newest_agrees: bool,
    /// Every known root below `head.note` agrees, and the log ends there.
    only_above: bool,
    /// Largest well-signed agreeing head.
    sealed: u64,
    /// Good countersignatures.
    said: Vec<Countersignature>,
    ack_disagreed: bool,
}

impl<'a> Judge<'a> {
    fn new(lines: &'a Lines, hub: &'a [Vkey], heads: &[(Source, SignedHead)]) -> Self {
        let mut judge = Self {
            lines,
            hub,
            newest: 0,
            newest_agrees: false,
            only_above: false,
            sealed: 0,
            said: vec![],
            ack_disagreed: false,
        };
        if let Some((_, note)) = heads.iter().find(|(source, _)| *source == Source::Newest) {
            let size = note.head.size;
            judge.newest = size;
            judge.newest_agrees =
                judge.agrees(size, &note.head.root) && lines.checker.keys().judge(note, "").is_ok();
            let kept = heads
                .iter()
                .map(|(_, n)| (n.head.size, judge.agrees(n.head.size, &n.head.root)));
            let acks = lines.acks.iter().map(|a| (a.size, a.agrees == Some(true)));
            let mut smaller = kept.chain(acks).filter(|(s, _)| *s < size);
            judge.only_above = size == lines.checker.size() && smaller.all(|(_, agrees)| agrees);
        }
        judge
    }

    fn agrees(&self, size: u64, root: &Digest) -> bool {
        self.lines.agrees(size, root)
    }

    fn head(&mut self, source: Source, note: &SignedHead, findings: &mut Vec<Finding>) {
        let size = note.head.size;
        let countersigned_place = format!("cosigned {size}");
        let mut witnessed = source == Source::Countersigned;
        if matches!(source, Source::Countersigned | Source::Given) {
            let state = countersigned(note, self.hub, &countersigned_place);
            if source == Source::Countersigned
                && !self.hub.is_empty()
                && state.time.is_none()
                && state.faults.is_empty()
            {
                findings.push(Finding::new(
                    "NO-HUB-COSIGNATURE",
                    countersigned_place.clone(),
                    w::NO_COSIGNATURE,
                ));
            }
            findings.extend(state.faults);
            if let Some(time) = state.time {
                self.said.push(Countersignature::head(size, time));
            }
            let counts = state.time.is_some() || self.hub.is_empty();
            witnessed |= counts;
            if witnessed && !self.agrees(size, &note.head.root) {
                self.disagrees(size, counts, &countersigned_place, findings);
                return;
            }
        }
        let place = format!("head {size}");
        let signed = self.lines.checker.keys().judge(note, &place);
        let well_signed = signed.is_ok();
        findings.extend(signed.err());
        if witnessed || self.agrees(size, &note.head.root) {
            if well_signed {
                self.sealed = self.sealed.max(size);
            }
            return;
        }
        let lines = self.lines.checker.size();
        findings.push(if size > lines {
            Finding::new("TRUNCATED", place, say(w::TRUNCATED, &[&size, &lines]))
        } else if source == Source::Newest && self.only_above {
            Finding::new("ALTERED", place, say(w::ALTERED, &[&size]))
        } else {
            Finding::new(
                "ALTERED-OR-FORKED",
                place,
                say(w::ALTERED_OR_FORKED, &[&size]),
            )
        });
    }

    /// A root the hub countersigned is not that of the lines.
    fn disagrees(&self, size: u64, counts: bool, place: &str, findings: &mut Vec<Finding>) {
        let lines = self.lines.checker.size();
        if size > lines {
            if counts && size > self.newest {
                findings.push(Finding::new(
                    "ROLLED-BACK",
                    place,
                    say(w::ROLLED_BACK, &[&size, &lines]),
                ));
            }
        } else if counts && self.newest_agrees {
            findings.push(Finding::new("FORKED", place, say(w::FORKED, &[&size])));
        } else {
            findings.push(Finding::new(
                "ALTERED-OR-FORKED",
                place,
                say(w::ALTERED_OR_FORKED, &[&size]),
            ));
        }
    }

    fn ack(&mut self, ack: &Acknowledged, findings: &mut Vec<Finding>) {
        let at = || format!("line {}", ack.place);
        let mut counts = true;
        let sentence = match ack.stated {
            Stated::ByNobody => None,
            Stated::Good => {
                let said = Countersignature::ack(ack.size, ack.time, ack.place, ack.t);
                self.said.push(said);
                None
            }
            Stated::Bad => Some(w::BAD_COSIGNATURE),
            Stated::NameOnly => Some(w::HUB_NAME_ONLY),
        };
        if let Some(sentence) = sentence {
            counts = false;
            let hub = self.lines.hubs.get(&ack.place);
            let text = say(sentence, &[&hub.map_or("", String::as_str)]);
            findings.push(Finding::new("BAD-SIGNATURE", at(), text));
        }
        // The first says it; where lines were changed all later ones disagree too.
        if !self.ack_disagreed && ack.agrees != Some(true) {
            self.ack_disagreed = true;
            self.disagrees(ack.size, counts, &at(), findings);
        }
    }
}

/// Two heads of one size with different roots, both signed by keys of this log, convict on their own.
fn forks(heads: &[(Source, SignedHead)], checker: &Checker, findings: &mut Vec<Finding>) {
    let mut signed: Vec<(u64, Digest)> = heads
        .iter()
        .filter(|(_, n)| checker.keys().any_signed(n))
        .map(|(_, n)| (n.head.size, n.head.root))
        .collect();
    signed.sort_unstable();
    signed.dedup();
    let mut sizes: Vec<u64> = signed
        .windows(2)
        .filter(|p| p[0].0 == p[1].0)
        .map(|p| p[0].0)
        .collect();
    sizes.dedup();
    for size in sizes {
        findings.push(Finding::new(
            "PROOF-OF-FORK",
            format!("head {size}"),
            say(w::PROOF_OF_FORK, &[&size]),
        ));
    }
}
