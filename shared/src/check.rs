//! Pure. The rules between one line and the next, used by the hub before it countersigns and by the verifiers.
//!
//! The rules, their order and their codes are those of `docs/verdicts.md`, "Each line".

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    note::{ALG_ED25519, Head, Signature, SignatureCheck, SignedHead, Vkey, digest_from_b64},
    record::{Digest, Parsed, Record, Value, hex, leaf_hash, unhex},
    time::Utc,
    tree::Frontier,
    types::KNOWN,
    verify::{
        codes::{Class, class},
        words::{self as w, say},
    },
};

/// Consecutive segments this close are continuous (audit.md 2.2).
pub const CONTINUOUS_MS: i64 = 500;
/// A running writer is never silent for longer.
pub const SILENCE_MS: u64 = 75_000;
/// How far the wall clock may move against the steady clock between two lines.
pub const STEP_MS: i64 = 250;

/// One thing found: a code of audit.md §4a (or a note), where, and a plain sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static str,
    pub place: String,
    pub text: String,
}

impl Finding {
    pub fn new(code: &'static str, place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            code,
            place: place.into(),
            text: text.into(),
        }
    }
    /// Neither a note nor a reason why nothing can be said.
    pub fn is_damage(&self) -> bool {
        !is_note(self.code) && !is_blind(self.code)
    }
}

/// Whether a code is a note and not damage.
pub fn is_note(code: &str) -> bool {
    class(code) == Some(Class::Note)
}

/// Whether a code says that something could not be checked at all.
pub fn is_blind(code: &str) -> bool {
    class(code) == Some(Class::Blind)
}

/// A declared gap, or the span of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub t0: Utc,
    pub t1: Utc,
}

/// Whether spans, laid end to end with at most 500 ms between, reach from `from` to `to`.
pub fn covered(from: Utc, to: Utc, spans: &[Span]) -> bool {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|s| s.t0);
    let mut reached = from;
    for span in spans {
        if span.t0 <= reached.plus_ms(CONTINUOUS_MS) {
            reached = reached.max(span.t1);
        }
    }
    reached >= to.plus_ms(-CONTINUOUS_MS)
}

/// What the rules read of a `seg.write` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub cam: String,
    pub s: u64,
    pub span: Span,
    pub size: u64,
    pub sha256: Digest,
}

/// What the rules read of a `seg.gap` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub cam: String,
    pub next: u64,
    pub span: Span,
}

/// What the rules read of a `head.ack` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub size: u64,
    pub root: Digest,
    pub hub: String,
    pub time: u64,
    /// None when it is no signature at all.
    pub signature: Option<Signature>,
}

impl Ack {
    pub fn head(&self, origin: &str) -> Head {
        Head {
            origin: origin.into(),
            size: self.size,
            root: self.root,
        }
    }
}

/// The data of those types the rules depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    Key(Vkey),
    Ack(Ack),
    Segment(Segment),
    Gap(Gap),
    None,
}

/// Reads the data the rules depend on; Err names the first key that is missing or not of its form.
pub fn facts(record: &Record) -> Result<Facts, &'static str> {
    let data = &record.data;
    let text = |key: &str, name: &'static str| data.get(key).and_then(Value::as_str).ok_or(name);
    let count = |key: &str, name: &'static str| data.get(key).and_then(Value::as_u64).ok_or(name);
    let time = |key: &str, name: &'static str| data.get(key).and_then(Value::as_time).ok_or(name);
    let key = |key: &str, name: &'static str| match Vkey::parse(text(key, name)?) {
        Ok(vkey) if vkey.alg == ALG_ED25519 => Ok(Facts::Key(vkey)),
        _ => Err(name),
    };
    match record.kind.as_str() {
        "log.open" => key("key", "data.key"),
        "key.roll" => key("new", "data.new"),
        "head.ack" => {
            let size = count("size", "data.size")?;
            let root = digest_from_b64(text("root", "data.root")?).ok_or("data.root")?;
            let hub = text("hub", "data.hub")?;
            let time = count("time", "data.time")?;
            let signature = Signature::from_b64(hub, text("sig", "data.sig")?).ok();
            Ok(Facts::Ack(Ack {
                size,
                root,
                hub: hub.into(),
                time,
                signature,
            }))
        }
        "seg.write" => {
            let segment = Segment {
                cam: text("cam", "data.cam")?.into(),
                s: count("s", "data.s")?,
                span: Span {
                    t0: time("t0", "data.t0")?,
                    t1: time("t1", "data.t1")?,
                },
                size: count("size", "data.size")?,
                sha256: unhex(text("sha256", "data.sha256")?).ok_or("data.sha256")?,
            };
            let day = data.get("day");
            if day.is_some_and(|day| !near(day, segment.span.t0)) {
                return Err("data.day");
            }
            Ok(Facts::Segment(segment))
        }
        "seg.gap" => Ok(Facts::Gap(Gap {
            cam: text("cam", "data.cam")?.into(),
            next: count("next", "data.next")?,
            span: Span {
                t0: time("t0", "data.t0")?,
                t1: time("t1", "data.t1")?,
            },
        })),
        _ => Ok(Facts::None),
    }
}

/// Whether a value is the local day, in whatever zone, of a moment.
fn near(day: &Value, t: Utc) -> bool {
    const DAY_MS: i64 = 86_400_000;
    let start = day
        .as_str()
        .map(|day| Value::Str(format!("{day}T00:00:00.000Z")));
    let start = start.and_then(|start| start.as_time());
    start.is_some_and(|s| (t.0.div_euclid(DAY_MS) - s.0.div_euclid(DAY_MS)).abs() <= 1)
}

/// The keys of a log by position: which one signs a head of which size (audit.md 2.6).
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Line number of the key line, and the key; shared, so that a clone costs nothing.
    lines: Arc<Vec<(u64, Vkey)>>,
}

impl Keys {
    pub fn add(&mut self, n: u64, key: Vkey) {
        Arc::make_mut(&mut self.lines).push((n, key));
    }
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
    pub fn all(&self) -> &[(u64, Vkey)] {
        &self.lines
    }
    /// The newest key whose line lies below the last line of a head of `size` lines; the first key where there is none:
    /// a head that ends with a key line is still signed by the old key.
    pub fn in_force(&self, size: u64) -> Option<&Vkey> {
        let newest = self.lines.iter().rev().find(|(n, _)| n + 1 < size);
        newest.or(self.lines.first()).map(|(_, key)| key)
    }
    /// Whether any key of the log has signed the head.
    pub fn any_signed(&self, head: &SignedHead) -> bool {
        self.lines
            .iter()
            .any(|(_, key)| head.check(key) == SignatureCheck::Good)
    }
    /// Checks the log signature of a head by the key in force at its size.
    pub fn judge(&self, head: &SignedHead, place: &str) -> Result<(), Finding> {
        let unknown = || Finding::new("UNKNOWN-KEY", place, w::UNKNOWN_KEY);
        let broken = || Finding::new("BAD-SIGNATURE", place, w::BAD_SIGNATURE);
        let right = self.in_force(head.head.size).ok_or_else(unknown)?;
        match head.check(right) {
            SignatureCheck::Good => return Ok(()),
            SignatureCheck::Bad => return Err(broken()),
            SignatureCheck::Absent => {}
        }
        for (_, key) in self.lines.iter() {
            match head.check(key) {
                SignatureCheck::Good => {
                    return Err(Finding::new(
                        "WRONG-KEY",
                        place,
                        say(w::WRONG_KEY, &[&hex(&key.id()), &hex(&right.id())]),
                    ));
                }
                SignatureCheck::Bad => return Err(broken()),
                SignatureCheck::Absent => {}
            }
        }
        Err(unknown())
    }
}

/// The two clocks and the start counter of a line.
#[derive(Clone, Copy)]
struct Clocks {
    t: Utc,
    boot: u64,
    mono: u64,
}

/// What is known of a camera.
#[derive(Clone, Default)]
struct Camera {
    /// Its last segment: number and end.
    last: Option<(u64, Utc)>,
    /// Gaps declared since, each with the segment it says follows.
    gaps: Vec<(u64, Span)>,
}

/// State carried from line to line: frontier, last line, boot and clocks, key positions, camera counters.
/// Feed it every line from 0 (or resume from a stored state by replaying).
#[derive(Clone, Default)]
pub struct Checker {
    origin: Option<String>,
    frontier: Frontier,
    last_leaf: Digest,
    /// Number the next line should bear.
    next_n: u64,
    /// In a run of lines whose number is too small.
    lagging: bool,
    /// Clocks of the line before, when it could be read and is of this log.
    before: Option<Clocks>,
    keys: Keys,
    cams: BTreeMap<String, Camera>,
    unknown: BTreeSet<String>,
}

impl Checker {
    /// How many cameras, and how many types of line it does not know, it has in memory.
    pub fn remembered(&self) -> (usize, usize) {
        (self.cams.len(), self.unknown.len())
    }

    /// `origin`: expected log name, or None to take line 0's.
    pub fn new(origin: Option<&str>) -> Self {
        Self {
            origin: origin.map(str::to_owned),
            ..Self::default()
        }
    }
    /// Checks one line (LF included) against all that came before and adds it. Findings are damage or notes; a line
    /// that does not parse is counted with its leaf hash all the same so that later findings stay meaningful.
    pub fn line(&mut self, bytes: &[u8], findings: &mut Vec<Finding>) -> Option<Record> {
        let parsed = Record::read(bytes);
        let (facts, leaf) = match &parsed {
            Parsed::Record(record) => (Some(facts(record)), record.leaf),
            _ => (None, leaf_hash(bytes)),
        };
        match (self.parsed(&parsed, facts.as_ref(), leaf, findings), parsed) {
            (true, Parsed::Record(record)) => Some(*record),
            _ => None,
        }
    }
    /// The same of a line that was read: what its data is to the rules, and its leaf hash. Whether it is a line of this log.
    pub(crate) fn parsed(
        &mut self,
        parsed: &Parsed,
        facts: Option<&Result<Facts, &'static str>>,
        leaf: Digest,
        findings: &mut Vec<Finding>,
    ) -> bool {
        let place = self.frontier.size();
        let unread = |code, text| Finding::new(code, format!("line {place}"), text);
        let own = match (parsed, facts) {
            (Parsed::Record(record), Some(facts)) => self.judge(place, record, facts, findings),
            (Parsed::Version(v), _) => {
                let finding = unread("UNKNOWN-VERSION", say(w::VERSION, &[v]));
                self.unread(finding, findings);
                false
            }
            (Parsed::Malformed(fault), _) => {
                self.unread(unread("RECORD-MALFORMED", fault.0.clone()), findings);
                false
            }
            (Parsed::Record(_), None) => false, // whoever has read it has its data
        };
        self.frontier.push(leaf);
        self.last_leaf = leaf;
        own
    }

    /// A line that takes its place but tells nothing.
    fn unread(&mut self, finding: Finding, findings: &mut Vec<Finding>) {
        findings.push(finding);
        self.next_n += 1;
        self.before = None;
    }

    /// Rules 2 to 8; false when the line is of another log.
    fn judge(
        &mut self,
        place: u64,
        record: &Record,
        read: &Result<Facts, &'static str>,
        findings: &mut Vec<Finding>,
    ) -> bool {
        let at = || format!("line {place}");
        let origin = self.origin.get_or_insert_with(|| record.log.clone());
        if *origin != record.log {
            let text = say(w::FOREIGN_LINE, &[&record.log, origin]);
            self.unread(Finding::new("FOREIGN-RECORD", at(), text), findings);
            return false;
        }
        let mut found = |code, text: String| findings.push(Finding::new(code, at(), text));

        let expected = self.next_n;
        if record.n == expected {
            self.lagging = false;
            self.next_n += 1;
            if record.prev != self.last_leaf {
                found("CHAIN-BREAK", w::CHAIN.into());
            }
            self.order(place, record, &mut found);
        } else {
            if record.n > expected || !self.lagging {
                found(
                    "MISSING-OR-REORDERED",
                    say(w::OUT_OF_PLACE, &[&record.n, &expected]),
                );
            }
            self.lagging = record.n < expected;
            self.next_n = expected.max(record.n.saturating_add(1));
        }
        self.before = Some(Clocks {
            t: record.t,
            boot: record.boot,
            mono: record.mono,
        });

        match read {
            Err(key) => findings.push(Finding::new(
                "RECORD-MALFORMED",
                at(),
                say(w::BAD_VALUE, &[key]),
            )),
            Ok(Facts::Key(key)) => {
                if record.kind == "key.roll" || place == 0 {
                    self.keys.add(place, key.clone());
                }
            }
            Ok(Facts::Segment(segment)) => self.segment(place, segment, findings),
            Ok(Facts::Gap(gap)) => self
                .cams
                .entry(gap.cam.clone())
                .or_default()
                .gaps
                .push((gap.next, gap.span)),
            Ok(Facts::Ack(_)) => {}
            Ok(Facts::None) => {
                if !KNOWN.contains(&record.kind.as_str())
                    && self.unknown.insert(record.kind.clone())
                {
                    findings.push(Finding::new(
                        "UNKNOWN-TYPE",
                        at(),
                        say(w::UNKNOWN_TYPE, &[&record.kind]),
                    ));
                }
            }
        }
        true
    }

    /// Rules 5 to 7: start counter and clocks, for a line in its place.
    fn order(&self, place: u64, record: &Record, found: &mut impl FnMut(&'static str, String)) {
        if place == 0 && record.kind != "log.open" {
            found("MISSING-OR-REORDERED", say(w::NOT_OPENED, &[&record.kind]));
        }
        if place == 1 && record.kind != "sys.boot" {
            found("MISSING-OR-REORDERED", say(w::NOT_STARTED, &[&record.kind]));
        }
        let Some(before) = self.before else { return };
        if record.boot != before.boot {
            if record.boot < before.boot || record.kind != "sys.boot" {
                found(
                    "BOOT-NOT-LOGGED",
                    say(w::BOOT_UNLOGGED, &[&before.boot, &record.boot]),
                );
            }
            return;
        }
        if record.mono < before.mono {
            found(
                "RECORD-MALFORMED",
                say(w::MONO, &[&before.mono, &record.mono]),
            );
        }
        if record.kind == "sys.boot" && place != 1 {
            found("BOOT-NOT-LOGGED", say(w::BOOT_SAME, &[&record.boot]));
        }
        let silent = record.mono.saturating_sub(before.mono);
        if silent > SILENCE_MS {
            found("SILENCE", say(w::SILENCE, &[&silent]));
        }
        // mono < 2^53 and times lie within the calendar: no overflow.
        let step = (record.t.0 - before.t.0) - (record.mono as i64 - before.mono as i64);
        if step.abs() > STEP_MS && record.kind != "clock.step" {
            found("CLOCK-STEP-NOT-LOGGED", say(w::STEP, &[&step]));
        }
    }

    /// Rule 8 for `seg.write`.
    fn segment(&mut self, place: u64, segment: &Segment, findings: &mut Vec<Finding>) {
        if !self.cams.contains_key(&segment.cam) {
            self.cams.insert(segment.cam.clone(), Camera::default());
        }
        let Some(cam) = self.cams.get_mut(&segment.cam) else {
            return;
        };
        let gaps: Vec<Span> = cam
            .gaps
            .drain(..)
            .filter(|(next, _)| *next == segment.s)
            .map(|(_, span)| span)
            .collect();
        if let Some((s, end)) = cam.last.replace((segment.s, segment.span.t1))
            && let Some(finding) = follows(&segment.cam, place, (s, end), segment, &gaps)
        {
            findings.push(finding);
        }
    }

    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }
    pub fn root(&self) -> Digest {
        self.frontier.root()
    }
    /// Hash of the last line's leaf; zeros at size 0.
    pub fn last_leaf(&self) -> Digest {
        self.last_leaf
    }
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
    /// The last segment of a camera, if the log has one.
    pub fn last_segment(&self, cam: &str) -> Option<u64> {
        self.cams.get(cam).and_then(|c| c.last).map(|(s, _)| s)
    }
    /// The log key in force for a head of `size` lines (position, not clock: audit.md 2.6).
    pub fn key_for(&self, size: u64) -> Option<&Vkey> {
        self.keys.in_force(size)
    }
    /// Checks a head's log signature with the key in force at its size: Ok, or one of WRONG-KEY, UNKNOWN-KEY, BAD-SIGNATURE, FOREIGN-RECORD.
    pub fn check_signature(&self, head: &SignedHead) -> Result<(), Finding> {
        let place = format!("head {}", head.head.size);
        match &self.origin {
            Some(origin) if *origin != head.head.origin => Err(Finding::new(
                "FOREIGN-RECORD",
                place,
                say(w::FOREIGN_HEAD, &[&head.head.origin, origin]),
            )),
            _ => self.keys.judge(head, &place),
        }
    }
}

/// How a segment follows the one before it of its camera (number and end): nothing to say, a declared gap, or one missing.
pub fn follows(
    cam: &str,
    line: u64,
    before: (u64, Utc),
    segment: &Segment,
    gaps: &[Span],
) -> Option<Finding> {
    let place = format!("camera {cam}");
    let (s, end) = before;
    if segment.s != s + 1 {
        return Some(Finding::new(
            "SEGMENT-MISSING",
            place,
            say(w::SEGMENT_JUMP, &[&line, &segment.s, &s]),
        ));
    }
    let hole = segment.span.t0.0 - end.0;
    if hole <= CONTINUOUS_MS {
        return None;
    }
    Some(if covered(end, segment.span.t0, gaps) {
        Finding::new(
            "GAP-DECLARED",
            place,
            say(w::GAP_DECLARED, &[&line, &hole, &segment.s]),
        )
    } else {
        Finding::new(
            "SEGMENT-MISSING",
            place,
            say(w::SEGMENT_HOLE, &[&line, &hole, &segment.s]),
        )
    })
}
