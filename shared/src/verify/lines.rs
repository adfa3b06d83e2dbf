//! Pure. The lines of a log folder, read once and in order, and what is kept of them: enough to judge every head, in memory that does
//! not grow with the bytes of the log.
//!
//! A line is read (parsed, hashed) on a thread of its own where there are threads, while those before it are judged. Countersignatures
//! are worked out on another one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use super::{
    Files, Options,
    anchors::Anchors,
    left_by_a_computer,
    masks::Masks,
    times::Times,
    words::{self as w, say},
};
use crate::{
    check::{Ack, Checker, Facts, Finding, facts},
    id::hub_key_of,
    note::{Cosigned, Vkey, check_cosignature},
    record::{Digest, Parsed, Record, leaf_hash},
    time::Utc,
    tree::{Frontier, History},
};

/// About as many bytes are read ahead of what is judged, four times.
const CHUNK: usize = 1 << 20;

/// What the countersignature on a `head.ack` line is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stated {
    /// By a hub whose key was not given.
    ByNobody,
    Good,
    Bad,
    /// The name is a given key's, the signature another's.
    NameOnly,
}

/// What is kept of a `head.ack` line.
pub struct Acknowledged {
    pub place: u64,
    pub t: Utc,
    pub size: u64,
    pub time: u64,
    pub stated: Stated,
    /// Whether its root is that of these lines; None: that was not known yet.
    pub agrees: Option<bool>,
}

pub struct Lines {
    pub checker: Checker,
    pub history: History,
    pub acks: Vec<Acknowledged>,
    /// Roots that acks of sizes long past, or not reached yet, state: by place of the line.
    stated: BTreeMap<u64, Digest>,
    /// Names of hubs in acks that are not good, by place of the line.
    pub hubs: BTreeMap<u64, String>,
    /// Sizes whose roots are asked for afterwards.
    asked: BTreeSet<u64>,
    /// Roots of these, and of sizes that the history has forgotten.
    old: BTreeMap<u64, Digest>,
    pub anchors: Anchors,
    pub readable: bool,
    /// Bytes after the last line, of a log still being written.
    pub torn: usize,
    /// Files in order: number of the first line, how many lines, name.
    files: Vec<(u64, u64, String)>,
}

/// A line as it was read.
struct Line {
    parsed: Parsed,
    facts: Option<Result<Facts, &'static str>>,
    leaf: Digest,
}

impl Line {
    fn read(bytes: &[u8]) -> Self {
        let parsed = Record::read(bytes);
        let (facts, leaf) = match &parsed {
            Parsed::Record(record) => (Some(facts(record)), record.leaf),
            _ => (None, leaf_hash(bytes)),
        };
        Self {
            parsed,
            facts,
            leaf,
        }
    }
}

/// The whole lines of a file, in pieces of about [`CHUNK`] bytes.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let from = CHUNK.min(rest.len());
        let end = match rest[from..].iter().position(|b| *b == b'\n') {
            Some(at) => from + at + 1,
            None => rest.len(),
        };
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

impl Lines {
    /// `asked`: sizes whose roots will be asked for.
    pub fn read(
        files: &dyn Files,
        names: &[String],
        options: &Options,
        asked: BTreeSet<u64>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut lines = Self {
            checker: Checker::new(None),
            history: History::default(),
            acks: vec![],
            stated: BTreeMap::new(),
            hubs: BTreeMap::new(),
            asked,
            old: BTreeMap::new(),
            anchors: Anchors::default(),
            readable: false,
            torn: 0,
            files: vec![],
        };
        let mut own = Vec::new();
        for name in names {
            let a_line_file = name.ends_with(".jsonl") && !name.contains('/');
            if left_by_a_computer(name) {
                let place = format!("file {name}");
                findings.push(Finding::new("PC-FILE", place, w::PC_FILE));
            } else if a_line_file {
                own.push(name);
            }
        }
        let mut rules = None;
        for (i, name) in own.iter().enumerate() {
            let count = lines.checker.size();
            if **name != format!("{count:010}.jsonl") {
                findings.push(Finding::new(
                    "MISSING-OR-REORDERED",
                    format!("line {count}"),
                    say(w::FILE_PLACE, &[name, &count]),
                ));
            }
            let Ok(bytes) = files.read(name) else {
                findings.push(Finding::new(
                    "UNREADABLE",
                    format!("file {name}"),
                    w::NO_FILE,
                ));
                continue;
            };
            let whole = bytes
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |at| at + 1);
            let (whole, torn) = bytes.split_at(whole);
            lines.file(whole, &options.hub, &mut rules, findings);
            let read = lines.checker.size() - count;
            lines.files.push((count, read, (*name).clone()));
            if torn.is_empty() {
                continue;
            }
            if options.live && i + 1 == own.len() {
                lines.torn = torn.len();
            } else {
                let text = say(w::TORN, &[&torn.len()]);
                findings.push(Finding::new("RECORD-MALFORMED", "tail", text));
            }
        }
        if let Some((_, times)) = rules {
            times.end(findings);
        }
        lines.resolve(files);
        lines
    }

    /// Judges the whole lines of a file while they are read, and their countersignatures while they are judged.
    fn file(
        &mut self,
        bytes: &[u8],
        hub: &[Vkey],
        rules: &mut Option<(Masks, Times)>,
        findings: &mut Vec<Finding>,
    ) {
        let read = |piece: &[u8]| -> Vec<Line> {
            piece
                .split_inclusive(|b| *b == b'\n')
                .map(Line::read)
                .collect()
        };
        let first = self.acks.len();
        let states = thread::scope(|scope| {
            let (send, pieces_read) = sync_channel(3);
            let (sign, acks) = sync_channel::<(Box<Ack>, String)>(4096);
            // Where there are no threads, all is done in turn.
            let reader = thread::Builder::new().spawn_scoped(scope, move || {
                for piece in pieces(bytes) {
                    if send.send(read(piece)).is_err() {
                        return;
                    }
                }
            });
            let checker = thread::Builder::new().spawn_scoped(scope, move || checked(&acks, hub));
            let mut states = Vec::new();
            let mut judge = |lines: Vec<Line>| {
                for line in lines {
                    if let Some((ack, origin)) = self.line(line, rules, findings)
                        && let Err(back) = sign.send((ack, origin))
                    {
                        let (ack, origin) = back.0;
                        states.push(state(&ack, &origin, hub));
                    }
                }
            };
            match reader {
                Ok(_) => pieces_read.into_iter().for_each(&mut judge),
                Err(_) => pieces(bytes).map(read).for_each(&mut judge),
            }
            drop(sign);
            match checker {
                Ok(checker) => checker.join().unwrap_or_default(),
                Err(_) => states,
            }
        });
        for (ack, (stated, name)) in self.acks.iter_mut().skip(first).zip(states) {
            ack.stated = stated;
            if let Some(name) = name {
                self.hubs.insert(ack.place, name);
            }
        }
    }

    /// One line, after those before it; of a `head.ack`, what it says, and the log's name.
    fn line(
        &mut self,
        line: Line,
        rules: &mut Option<(Masks, Times)>,
        findings: &mut Vec<Finding>,
    ) -> Option<(Box<Ack>, String)> {
        let Line {
            parsed,
            facts,
            leaf,
        } = line;
        let place = self.checker.size();
        let own = self.checker.parsed(&parsed, facts.as_ref(), leaf, findings);
        self.history.push(leaf);
        let size = self.history.size();
        if self.asked.contains(&size)
            && let Some(root) = self.history.root(size)
        {
            self.old.insert(size, root);
        }
        let record = match &parsed {
            Parsed::Record(record) if own => record,
            _ => {
                self.anchors.line(None);
                return None;
            }
        };
        self.anchors.line(Some(record.as_ref()));
        self.readable = true;
        let (masks, times) = rules.get_or_insert_with(|| {
            (
                Masks::new(&record.log, false),
                Times::new(&record.log, false),
            )
        });
        masks.line(record, findings);
        let facts = facts.and_then(Result::ok);
        times.line(record, facts.as_ref(), findings);
        let Some(Facts::Ack(ack)) = facts else {
            return None;
        };
        let root = self.history.root(ack.size);
        if root.is_none() {
            self.stated.insert(place, ack.root);
        }
        self.acks.push(Acknowledged {
            place,
            t: record.t,
            size: ack.size,
            time: ack.time,
            stated: Stated::ByNobody,
            agrees: root.map(|root| root == ack.root),
        });
        let origin = self.checker.origin().unwrap_or_default().to_owned();
        Some((Box::new(ack), origin))
    }

    /// Works out the roots that acks of sizes long past state, in a second reading of the files they lie in.
    fn resolve(&mut self, files: &dyn Files) {
        let open = |a: &&Acknowledged| a.agrees.is_none();
        let sizes: BTreeSet<u64> = self.acks.iter().filter(open).map(|a| a.size).collect();
        self.recall(files, sizes);
        for i in 0..self.acks.len() {
            let ack = &self.acks[i];
            if ack.agrees.is_none() {
                let root = self.stated.get(&ack.place);
                let agrees = root.is_some_and(|root| self.agrees(ack.size, root));
                self.acks[i].agrees = Some(agrees);
            }
        }
    }

    /// Works out the roots of these sizes, as far as there are so many lines and they are not known.
    pub fn recall(&mut self, files: &dyn Files, sizes: BTreeSet<u64>) {
        let known = |s: &u64| self.history.root(*s).is_some() || self.old.contains_key(s);
        let mut wanted = sizes
            .into_iter()
            .filter(|s| *s <= self.history.size() && !known(s))
            .collect::<Vec<_>>()
            .into_iter()
            .peekable();
        let mut frontier: Option<Frontier> = None;
        for (start, count, name) in &self.files {
            let end = start + count;
            let begins = |size: u64| History::kept_below(size);
            let touches = frontier.is_some() || wanted.peek().is_some_and(|s| begins(*s) < end);
            if !touches {
                continue;
            }
            let Ok(bytes) = files.read(name) else { return };
            let lines = bytes.split_inclusive(|b| *b == b'\n').take(*count as usize);
            for (n, line) in (*start..).zip(lines) {
                let Some(size) = wanted.peek().copied() else {
                    return;
                };
                if n == begins(size) {
                    frontier = self.history.frontier(begins(size));
                }
                if let Some(frontier) = &mut frontier {
                    frontier.push(leaf_hash(line));
                    if frontier.size() == size {
                        self.old.insert(size, frontier.root());
                        wanted.next();
                    }
                }
                let far = |next: &u64| n + 1 < begins(*next);
                if wanted.peek().is_some_and(far) {
                    frontier = None;
                }
            }
        }
    }

    /// Whether a root is that of the first `size` lines.
    pub fn agrees(&self, size: u64, root: &Digest) -> bool {
        let known = self.history.root(size);
        known.as_ref().or(self.old.get(&size)) == Some(root)
    }
}

/// What each countersignature is, in the order they come; the hub's name of one that is not good.
fn checked(acks: &Receiver<(Box<Ack>, String)>, hub: &[Vkey]) -> Vec<(Stated, Option<String>)> {
    acks.iter()
        .map(|(ack, origin)| state(&ack, &origin, hub))
        .collect()
}

fn state(ack: &Ack, origin: &str, hub: &[Vkey]) -> (Stated, Option<String>) {
    let of_hub = |key: &&Vkey| key.name == ack.hub && hub_key_of(&key.name, origin);
    let mut named = hub.iter().filter(of_hub).peekable();
    if named.peek().is_none() {
        return (Stated::ByNobody, None);
    }
    let head = ack.head(origin);
    let check = |key: &Vkey| {
        let signature = ack.signature.as_ref();
        signature.map_or(Cosigned::Bad, |s| check_cosignature(&head, s, key))
    };
    let state = named.map(check).find(|s| *s != Cosigned::Absent);
    let stated = match state.unwrap_or(Cosigned::Absent) {
        Cosigned::Good { time } if time == ack.time => return (Stated::Good, None),
        Cosigned::Good { .. } | Cosigned::Bad => Stated::Bad,
        Cosigned::Absent => Stated::NameOnly,
    };
    (stated, Some(ack.hub.clone()))
}
