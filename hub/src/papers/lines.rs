//! Pure. Which lines of the box's log a package relies on: segments, gaps, masks in force, clock, faults, newest key, bracket.
//!
//! The log is walked once from line 0 to the head. A line is parsed only when its type can matter.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde::de::DeserializeOwned;
use shared::{
    id::CameraId,
    record::Record,
    time::Utc,
    types::{
        CamSession, CamSet, ClockState, ClockStep, Data, ExpClip, FaultOff, FaultOn, HeadAck,
        KeyRoll, LogOpen, MaskEnd, MaskFail, MaskLift, MaskSet, RateSet, SegGap, SegLost, SegWrite,
        SysBoot, SysStop,
    },
};

/// A line that is kept: number, bytes with LF, the parsed envelope.
#[derive(Clone, Debug)]
pub struct LogLine {
    pub bytes: Vec<u8>,
    pub record: Record,
}

impl LogLine {
    pub fn n(&self) -> u64 {
        self.record.n
    }

    /// The line's data, when it is of this type.
    pub fn data<D: Data + DeserializeOwned>(&self) -> Option<D> {
        #[derive(serde::Deserialize)]
        struct Envelope<D> {
            data: D,
        }
        if self.record.kind != D::KIND {
            return None;
        }
        serde_json::from_slice::<Envelope<D>>(&self.bytes)
            .ok()
            .map(|e| e.data)
    }
}

/// What the package is about.
#[derive(Clone, Debug)]
pub struct Scope {
    pub cam: CameraId,
    /// Line numbers of the masters' `seg.write`, and their first and last `s`.
    pub masters: BTreeSet<u64>,
    pub s0: u64,
    pub s1: u64,
    /// Masks the masters carry.
    pub masks: BTreeSet<String>,
    /// Line number of `exp.clip`; None: it lies in a later log.
    pub clip: Option<u64>,
    /// From the earlier of asked and supplied start to the later of asked and supplied end.
    pub from: Utc,
    pub to: Utc,
}

/// Walks the log and keeps what the package relies on.
pub struct Selector {
    scope: Scope,
    chosen: BTreeMap<u64, LogLine>,
    key: Option<LogLine>,
    clock: Option<LogLine>,
    session: Option<LogLine>,
    name: Option<LogLine>,
    rate: Option<LogLine>,
    before: Option<LogLine>,
    /// Where the recorder stood when its log began, and the start that the first master was recorded after.
    open: Option<LogLine>,
    boot: Option<LogLine>,
    after: Option<LogLine>,
    /// The start that the first master was logged in, and what was done to the clock in it: what was recovered then is by the clock of
    /// before it.
    start: Vec<LogLine>,
    masks: HashMap<String, LogLine>,
    /// The last two lifts of the camera's mask, each with its end and what happened to the clock between: what was recorded without
    /// its mask relies on one of them. (Two, because a segment may be recovered when the next lift has begun.)
    lifts: VecDeque<Vec<LogLine>>,
    faults: HashMap<(String, Option<CameraId>), LogLine>,
}

/// The type of a line, without parsing it: the first `"type":"…"` (no earlier string of a record can hold a quote).
fn kind(line: &[u8]) -> &[u8] {
    const MARK: &[u8] = b"\"type\":\"";
    let Some(at) = line.windows(MARK.len()).position(|w| w == MARK) else {
        return b"";
    };
    let rest = &line[at + MARK.len()..];
    &rest[..rest.iter().position(|b| *b == b'"').unwrap_or(0)]
}

impl Selector {
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            chosen: BTreeMap::new(),
            key: None,
            clock: None,
            session: None,
            name: None,
            rate: None,
            before: None,
            open: None,
            boot: None,
            after: None,
            start: vec![],
            masks: HashMap::new(),
            lifts: VecDeque::new(),
            faults: HashMap::new(),
        }
    }

    fn of_camera(&self, line: &LogLine) -> bool {
        line.record.data.get("cam").and_then(|v| v.as_str()) == Some(self.scope.cam.as_str())
    }

    /// Takes line `n`; `size` is the head's, which decides which key line is in force.
    pub fn line(&mut self, n: u64, bytes: &[u8], size: u64) {
        let kind = kind(bytes);
        let wanted = self.scope.masters.contains(&n)
            || Some(n) == self.scope.clip
            || matches!(
                std::str::from_utf8(kind).unwrap_or_default(),
                LogOpen::KIND
                    | KeyRoll::KIND
                    | ClockState::KIND
                    | ClockStep::KIND
                    | CamSession::KIND
                    | CamSet::KIND
                    | RateSet::KIND
                    | SegGap::KIND
                    | SegLost::KIND
                    | MaskSet::KIND
                    | MaskLift::KIND
                    | MaskEnd::KIND
                    | MaskFail::KIND
                    | FaultOn::KIND
                    | FaultOff::KIND
                    | HeadAck::KIND
                    | SysBoot::KIND
                    | SysStop::KIND
            );
        if !wanted {
            return;
        }
        // A malformed line is the verifier's to report; here it can only be left out.
        let Ok(record) = Record::parse(bytes) else {
            return;
        };
        let line = LogLine {
            bytes: bytes.to_vec(),
            record,
        };
        self.lifted(&line);
        let (t, scope) = (line.record.t, &self.scope);
        let (early, inside) = (t <= scope.from, t > scope.from && t <= scope.to);
        let (first, last) = (
            scope.masters.first().copied(),
            scope.masters.last().copied(),
        );
        if let (SysBoot::KIND | ClockStep::KIND, Some(first), Some(last)) =
            (line.record.kind.as_str(), first, last)
        {
            if n < first {
                if line.record.kind == SysBoot::KIND {
                    self.start.clear();
                }
                self.start.push(line.clone());
            } else if n < last {
                self.keep(line.clone());
            }
        }
        let scope = &self.scope;
        match line.record.kind.as_str() {
            SegWrite::KIND | ExpClip::KIND => self.keep(line),
            LogOpen::KIND | KeyRoll::KIND if n + 1 < size => {
                if line.record.kind == LogOpen::KIND {
                    self.open = Some(line.clone());
                }
                self.key = Some(line);
            }
            ClockState::KIND if early => self.clock = Some(line),
            SysBoot::KIND if early => self.boot = Some(line),
            ClockState::KIND | ClockStep::KIND | SysBoot::KIND | SysStop::KIND if inside => {
                self.keep(line)
            }
            CamSession::KIND if self.of_camera(&line) && early => self.session = Some(line),
            CamSession::KIND if self.of_camera(&line) && inside => self.keep(line),
            // By its place in the log: it holds for the segments that follow it there.
            CamSet::KIND if self.of_camera(&line) => {
                if scope.masters.first().is_none_or(|first| n < *first) {
                    self.name = Some(line);
                } else if scope.masters.last().is_some_and(|last| n < *last) {
                    self.keep(line);
                }
            }
            RateSet::KIND if self.of_camera(&line) && early => self.rate = Some(line),
            RateSet::KIND if self.of_camera(&line) && inside => self.keep(line),
            SegGap::KIND if self.of_camera(&line) => {
                if let Some(gap) = line.data::<SegGap>()
                    && (scope.s0..=scope.s1 + 1).contains(&gap.next)
                    && gap.t1 >= scope.from.plus_ms(-500)
                    && gap.t0 <= scope.to.plus_ms(500)
                {
                    self.keep(line);
                }
            }
            SegLost::KIND
                if self.of_camera(&line)
                    && line
                        .data::<SegLost>()
                        .is_some_and(|lost| (scope.s0..=scope.s1).contains(&lost.s)) =>
            {
                self.keep(line);
            }
            MaskSet::KIND | MaskLift::KIND | MaskEnd::KIND | MaskFail::KIND
                if self.of_camera(&line) =>
            {
                let last = self.scope.masters.last().copied().unwrap_or_default();
                if let Some(set) = line.data::<MaskSet>()
                    && self.scope.masks.contains(&set.mask)
                    && n <= last
                {
                    let before_all = self.scope.masters.first().is_none_or(|first| n < *first);
                    match before_all {
                        true => drop(self.masks.insert(set.mask, line.clone())),
                        false => self.keep(line.clone()),
                    }
                }
                if inside {
                    self.keep(line);
                }
            }
            FaultOn::KIND | FaultOff::KIND => self.fault(line, early, inside),
            HeadAck::KIND => {
                if early && self.scope.masters.first().is_none_or(|first| n < *first) {
                    self.before = Some(line);
                } else if self.after.is_none()
                    && let Some(last) = self.scope.masters.last()
                    && line.data::<HeadAck>().is_some_and(|ack| ack.size > *last)
                {
                    self.after = Some(line);
                }
            }
            _ => {}
        }
    }

    /// Lifts by their place in the log, whatever the clock said.
    fn lifted(&mut self, line: &LogLine) {
        let ended =
            |group: &Vec<LogLine>| group.last().is_some_and(|l| l.record.kind == MaskEnd::KIND);
        match line.record.kind.as_str() {
            MaskLift::KIND if self.of_camera(line) => {
                self.lifts.push_back(vec![line.clone()]);
                if self.lifts.len() > 2 {
                    self.lifts.pop_front();
                }
            }
            MaskEnd::KIND if !self.of_camera(line) => {}
            MaskEnd::KIND | ClockStep::KIND | SysBoot::KIND => {
                if let Some(group) = self.lifts.back_mut().filter(|g| !ended(g)) {
                    group.push(line.clone());
                }
            }
            SegWrite::KIND if line.data::<SegWrite>().is_some_and(|s| s.how == "lifted") => {
                for line in self.lifts.iter().flatten().cloned() {
                    self.chosen.insert(line.n(), line);
                }
            }
            _ => {}
        }
    }

    fn fault(&mut self, line: LogLine, early: bool, inside: bool) {
        let (code, cam, on) = match (line.data::<FaultOn>(), line.data::<FaultOff>()) {
            (Some(on), _) => (on.code, on.cam, true),
            (None, Some(off)) => (off.code, off.cam, false),
            (None, None) => return,
        };
        if cam.as_ref().is_some_and(|cam| *cam != self.scope.cam) {
            return;
        }
        if early {
            match on {
                true => self.faults.insert((code, cam), line),
                false => self.faults.remove(&(code, cam)),
            };
        } else if inside {
            self.keep(line);
        }
    }

    fn keep(&mut self, line: LogLine) {
        self.chosen.insert(line.n(), line);
    }

    /// All lines relied on, by number.
    pub fn finish(mut self) -> BTreeMap<u64, LogLine> {
        let standing = [
            self.key,
            self.clock,
            self.session,
            self.name,
            self.rate,
            self.before,
            self.open,
            self.boot,
            self.after,
        ];
        let more = standing
            .into_iter()
            .flatten()
            .chain(self.start)
            .chain(self.masks.into_values())
            .chain(self.faults.into_values());
        self.chosen.extend(more.map(|line| (line.n(), line)));
        self.chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_without_parsing() {
        assert_eq!(kind(br#"{"v":1,"log":"x/box/a/1","n":3,"type":"seg.write","who":"sys:rec","data":{"type":"x"}}"#), b"seg.write");
        assert_eq!(kind(b"rubbish"), b"");
        assert_eq!(kind(br#""type":"open"#), b"");
    }
}
