//! Pure. One stream's packets on their way from a camera: one source, one row of numbers, whatever the camera does.
//!
//! A source that goes on while the one before is silent is taken up; packets of another session that come among the stream's own
//! are left out. Numbers that begin anew are no loss and go on where they were; numbers that are missing stay missing, so that what
//! was lost on the way is seen as lost. Time stamps pass as they are.
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::{
    repair::{Repair, Repairs},
    units,
};

/// The source all packets have on their way to retina.
const SSRC: u32 = 0x0bea_d1e0;
/// Missing numbers that need no explanation: a large key picture.
const HOLE: u16 = 1_000;
/// A packet is late, and not the first of a new row, if it is at most so far back.
const LATE: u16 = 64;
/// Another source is not taken up before the stream's own was silent for this long, nor before three of its packets came.
const SILENT_MS: u64 = 400;
const SILENT_MOST_MS: u64 = 10_000;
/// What is kept of another source until it is clear what it is.
const KEPT: usize = 2_000;
const KEPT_BYTES: usize = 2 << 20;

#[derive(Debug)]
pub struct Stream {
    pictures: bool,
    /// Ticks of its time stamps in a second.
    rate: u32,
    /// Which source the camera said it would be.
    hint: Option<u32>,
    source: Option<Source>,
    /// The number of the last packet that was passed on.
    passed: u16,
    rival: Option<Rival>,
    /// A report of the source's own has come: those of others are not its.
    own_reports: bool,
    /// Since when packets come, and how many.
    began: u64,
    packets: u64,
    /// Packets left out since it was last asked.
    foreign: u32,
    pub repairs: Repairs,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    sequence: u16,
    stamp: u32,
    at: u64,
    /// The longest it was silent lately.
    silent: u64,
}

#[derive(Debug)]
struct Rival {
    ssrc: u32,
    packets: VecDeque<Bytes>,
    bytes: usize,
}

/// What a packet's header says.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub payload_type: u8,
    pub sequence: u16,
    pub stamp: u32,
    pub ssrc: u32,
}

/// None: it is no RTP packet.
pub fn header(packet: &[u8]) -> Option<Header> {
    let head: &[u8; 12] = packet.first_chunk()?;
    let [v, m, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *head;
    (v >> 6 == 2).then_some(Header {
        payload_type: m & 0x7f,
        sequence: u16::from_be_bytes([s0, s1]),
        stamp: u32::from_be_bytes([t0, t1, t2, t3]),
        ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
    })
}

/// Whether a packet has no content.
fn is_empty(packet: &[u8]) -> bool {
    packet.len() >= 12 && units::content(packet).is_none()
}

/// Reports and the like, by the second byte (RFC 5761), wherever they come.
pub fn is_report(packet: &[u8]) -> bool {
    packet.len() >= 8 && packet[0] >> 6 == 2 && (192..=223).contains(&packet[1])
}

impl Stream {
    pub fn new(rate: u32, hint: Option<u32>) -> Self {
        Self {
            rate: rate.max(1),
            pictures: false,
            hint,
            source: None,
            passed: 0,
            rival: None,
            own_reports: false,
            began: 0,
            packets: 0,
            foreign: 0,
            repairs: Repairs::new(),
        }
    }

    /// Whether what it carries is pictures.
    pub fn of_pictures(self, pictures: bool) -> Self {
        Self { pictures, ..self }
    }

    /// The same from its beginning, of an announced source.
    pub fn anew(&self, hint: Option<u32>) -> Self {
        Self::new(self.rate, hint).of_pictures(self.pictures)
    }

    /// A packet has come; `pass` is called with what is to go on, in its order.
    pub fn packet(&mut self, packet: Bytes, mono_ms: u64, pass: &mut impl FnMut(Bytes)) {
        // Of one that is no RTP packet the number is missing, and so it is seen as lost. Type 50 is a camera's own affair.
        let Some(head) = header(&packet).filter(|h| h.payload_type != 50) else {
            return;
        };
        let Some(source) = self.source else {
            self.began = mono_ms;
            self.passed = head.sequence.wrapping_sub(1);
            self.take_up(head, mono_ms);
            if self.hint.is_some_and(|h| h != head.ssrc) {
                self.repairs.insert(Repair::Ssrc);
            }
            return self.own(packet, head, mono_ms, pass);
        };
        if head.ssrc == source.ssrc {
            if let Some(rival) = self.rival.take() {
                self.drop_rival(&rival);
            }
            return self.own(packet, head, mono_ms, pass);
        }
        if self.hint == Some(head.ssrc) {
            // The one that was announced: what came before was another's.
            self.hint = None;
            self.repairs.insert(Repair::Foreign);
            self.rival = None;
            self.take_up(head, mono_ms);
            return self.own(packet, head, mono_ms, pass);
        }
        self.other(packet, head, source, mono_ms, pass);
    }

    fn other(
        &mut self,
        packet: Bytes,
        head: Header,
        source: Source,
        mono_ms: u64,
        pass: &mut impl FnMut(Bytes),
    ) {
        if self.rival.as_ref().is_some_and(|r| r.ssrc != head.ssrc)
            && let Some(rival) = self.rival.take()
        {
            self.drop_rival(&rival);
        }
        let rival = self.rival.get_or_insert_with(|| Rival {
            ssrc: head.ssrc,
            packets: VecDeque::new(),
            bytes: 0,
        });
        rival.bytes += packet.len();
        rival.packets.push_back(packet);
        while rival.packets.len() > KEPT || rival.bytes > KEPT_BYTES {
            let Some(old) = rival.packets.pop_front() else {
                break;
            };
            rival.bytes -= old.len();
        }
        let patience = (source.silent * 2).clamp(SILENT_MS, SILENT_MOST_MS);
        if rival.packets.len() < 3 || mono_ms.saturating_sub(source.at) <= patience {
            return;
        }
        self.repairs.insert(Repair::Ssrc);
        let Some(rival) = self.rival.take() else {
            return;
        };
        let mut first = true;
        for packet in rival.packets {
            let Some(head) = header(&packet) else {
                continue;
            };
            if std::mem::take(&mut first) {
                self.take_up(head, mono_ms);
            }
            self.own(packet, head, mono_ms, pass);
        }
    }

    fn drop_rival(&mut self, rival: &Rival) {
        self.foreign = self
            .foreign
            .saturating_add(u32::try_from(rival.packets.len()).unwrap_or(u32::MAX));
        self.repairs.insert(Repair::Foreign);
    }

    /// Packets of other sessions that were left out since this was last asked.
    pub fn foreign(&mut self) -> u32 {
        std::mem::take(&mut self.foreign)
    }

    /// A goodbye of its source: whoever comes next is its heir.
    fn goodbye(&mut self) {
        if let Some(source) = &mut self.source {
            source.at = 0;
            source.silent = 0;
        }
    }

    /// Its packets are the stream's from here on; the next one goes on in the row.
    fn take_up(&mut self, head: Header, mono_ms: u64) {
        self.own_reports = false;
        self.source = Some(Source {
            ssrc: head.ssrc,
            sequence: head.sequence.wrapping_sub(1),
            stamp: head.stamp,
            at: mono_ms,
            silent: self.source.map_or(0, |s| s.silent),
        });
    }

    fn own(&mut self, packet: Bytes, head: Header, mono_ms: u64, pass: &mut impl FnMut(Bytes)) {
        let Some(mut source) = self.source else {
            return;
        };
        let ahead = head.sequence.wrapping_sub(source.sequence);
        let back = ahead.wrapping_neg();
        let silent = mono_ms.saturating_sub(source.at);
        let aged = i64::from(head.stamp.wrapping_sub(source.stamp) as i32);
        if ahead == 0 || (back <= LATE && aged <= 0) {
            // One that has come already, or too late.
            return;
        }
        let missing = ahead - 1;
        let step = if ahead < 0x8000 && (missing <= HOLE || self.may_miss(missing, silent, aged)) {
            ahead
        } else {
            self.repairs.insert(Repair::Sequence);
            1
        };
        let whole = self.pictures.then(|| units::without_empty(&packet));
        let packet = match whole.flatten() {
            Some(whole) => {
                self.repairs.insert(Repair::Empty);
                whole
            }
            None => packet,
        };
        let empty = is_empty(&packet);
        // An empty one is left out with its number; what was missing before it stays missing.
        self.passed = self.passed.wrapping_add(step - u16::from(empty));
        self.packets += 1;
        // A long silence is forgotten by and by.
        source.silent = silent.max(source.silent - source.silent / 64);
        source.sequence = head.sequence;
        source.stamp = head.stamp;
        source.at = mono_ms;
        self.source = Some(source);
        if empty {
            self.repairs.insert(Repair::Empty);
            return;
        }
        let mut packet = BytesMut::from(packet);
        packet[2..4].copy_from_slice(&self.passed.to_be_bytes());
        packet[8..12].copy_from_slice(&SSRC.to_be_bytes());
        pass(packet.freeze());
    }

    /// So many packets may have been sent in the time since the last one.
    fn may_miss(&self, missing: u16, silent: u64, aged: i64) -> bool {
        let stamped = u64::try_from(aged).unwrap_or(0) * 1000 / u64::from(self.rate);
        let time = silent.max(stamped.min(60_000));
        let lived = self.source.map_or(0, |s| s.at.saturating_sub(self.began));
        // Four times its usual pace.
        u64::from(missing) * lived.max(1_000) <= 4 * self.packets * time
    }

    /// A report has come; what of it is to go on.
    pub fn report(&mut self, packet: &[u8]) -> Option<Bytes> {
        let (mut at, mut sender) = (0, None);
        while let Some(&[first, kind, a, b, s0, s1, s2, s3]) = packet.get(at..)?.first_chunk() {
            let length = 4 + 4 * usize::from(u16::from_be_bytes([a, b]));
            let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
            let own = self.source.is_some_and(|s| s.ssrc == ssrc);
            match kind {
                200 if sender.is_none() && length >= 28 => {
                    sender = Some((at, length, ssrc, own));
                }
                203 if own && first & 0x1f > 0 => self.goodbye(),
                _ => {}
            }
            at += length;
        }
        let (at, length, _, own) = sender?;
        if own {
            self.own_reports = true;
        } else if self.own_reports {
            return None;
        } else if self.source.is_some() {
            self.repairs.insert(Repair::Reports);
        }
        let mut report = BytesMut::from(packet.get(at..at + length)?);
        report[4..8].copy_from_slice(&SSRC.to_be_bytes());
        Some(report.freeze())
    }
}

/// Puts packets that overtook each other back into their row. Only for UDP.
#[derive(Debug, Default)]
pub struct Reorder {
    next: Option<(u32, u16)>,
    held: Vec<(u16, u64, Bytes)>,
    pub repairs: Repairs,
}

/// Packets held at most, and for how long.
const WINDOW: usize = 64;
const WINDOW_MS: u64 = 300;

impl Reorder {
    pub fn push(&mut self, packet: Bytes, mono_ms: u64, pass: &mut impl FnMut(Bytes)) {
        let Some(head) = header(&packet) else {
            return;
        };
        let (ssrc, next) = *self.next.get_or_insert((head.ssrc, head.sequence));
        let ahead = head.sequence.wrapping_sub(next);
        let far = ahead > 512 && ahead.wrapping_neg() > 512;
        if ssrc != head.ssrc || far {
            self.flush(pass);
            self.next = Some((head.ssrc, head.sequence.wrapping_add(1)));
            return pass(packet);
        }
        if ahead >= 0x8000 {
            // Its place has gone by: it is counted as lost.
            self.repairs.insert(Repair::Order);
            return;
        }
        if ahead > 0 {
            let at = self
                .held
                .partition_point(|(s, _, _)| s.wrapping_sub(next) < ahead);
            if self
                .held
                .get(at)
                .is_none_or(|(s, _, _)| *s != head.sequence)
            {
                self.held.insert(at, (head.sequence, mono_ms, packet));
            }
            return self.expire(mono_ms, pass);
        }
        if !self.held.is_empty() {
            self.repairs.insert(Repair::Order);
        }
        self.next = Some((ssrc, next.wrapping_add(1)));
        pass(packet);
        self.run(pass);
    }

    /// What has waited for long enough goes on without what is missing before it.
    pub fn expire(&mut self, mono_ms: u64, pass: &mut impl FnMut(Bytes)) {
        while let Some((sequence, _, _)) = self.held.first()
            && (self.held.len() > WINDOW
                || self
                    .held
                    .iter()
                    .any(|(_, at, _)| mono_ms.saturating_sub(*at) > WINDOW_MS))
        {
            let sequence = *sequence;
            self.next = self.next.map(|(ssrc, _)| (ssrc, sequence));
            self.run(pass);
        }
    }

    pub fn waits(&self) -> bool {
        !self.held.is_empty()
    }

    fn run(&mut self, pass: &mut impl FnMut(Bytes)) {
        while let (Some((ssrc, next)), Some((first, _, _))) = (self.next, self.held.first())
            && next == *first
        {
            let (_, _, packet) = self.held.remove(0);
            self.next = Some((ssrc, next.wrapping_add(1)));
            pass(packet);
        }
    }

    fn flush(&mut self, pass: &mut impl FnMut(Bytes)) {
        for (_, _, packet) in self.held.drain(..) {
            pass(packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtp(ssrc: u32, sequence: u16, stamp: u32) -> Bytes {
        let mut packet = vec![0x80, 96];
        packet.extend(sequence.to_be_bytes());
        packet.extend(stamp.to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend([1, 2, 3]);
        packet.into()
    }

    /// What was passed on: numbers, from the first.
    fn numbers(stream: &mut Stream, packets: &[(u64, u32, u16, u32)]) -> Vec<u16> {
        let mut out = Vec::new();
        for (ms, ssrc, sequence, stamp) in packets {
            stream.packet(rtp(*ssrc, *sequence, *stamp), *ms, &mut |p| {
                let head = header(&p).expect("RTP");
                assert_eq!(head.ssrc, SSRC);
                out.push(head.sequence);
            });
        }
        let first = out.first().copied().unwrap_or(0);
        out.iter().map(|n| n.wrapping_sub(first)).collect()
    }

    /// REC-4: numbers that begin anew are no loss; numbers that are missing are.
    #[test]
    fn resets_are_no_loss_and_holes_stay() {
        let mut stream = Stream::new(90_000, None);
        let row = [
            (0, 7, 65_534, 0),
            (40, 7, 65_535, 3_600),
            (80, 7, 0, 7_200),
            (120, 7, 4, 10_800),
            (160, 7, 40_000, 14_400),
            (200, 7, 40_001, 18_000),
            (240, 7, 12, 21_600),
            (280, 7, 13, 25_200),
        ];
        assert_eq!(numbers(&mut stream, &row), [0, 1, 2, 6, 7, 8, 9, 10]);
        assert_eq!(stream.repairs, Repairs::from([Repair::Sequence]));
    }

    /// REC-4: the source changes and goes on: taken up, nothing of it lost. Another session's packets among the stream's own: left out.
    #[test]
    fn sources() {
        let mut stream = Stream::new(90_000, Some(7));
        let mut row: Vec<(u64, u32, u16, u32)> = Vec::new();
        for n in 0..50u16 {
            row.push((u64::from(n) * 40, 7, n, u32::from(n) * 3_600));
            row.push((u64::from(n) * 40, 99, 500 + n, 1));
        }
        assert_eq!(numbers(&mut stream, &row), (0..50).collect::<Vec<_>>());
        assert_eq!(stream.foreign(), 49);
        let row: Vec<_> = (0..50u16)
            .map(|n| {
                (
                    2_000 + u64::from(n) * 40,
                    8,
                    9_000 + n,
                    180_000 + u32::from(n) * 3_600,
                )
            })
            .collect();
        assert_eq!(numbers(&mut stream, &row), (0..50).collect::<Vec<_>>());
        assert!(stream.repairs.contains(&Repair::Ssrc));
        // The next in the row after the last of the source before.
        assert_eq!(stream.passed, 99);
    }

    /// REC-4: the first packets are another's, and the camera had said which are its own.
    #[test]
    fn the_announced_source_is_the_streams() {
        let mut stream = Stream::new(90_000, Some(7));
        let row = [
            (0, 99, 4, 0),
            (0, 7, 100, 0),
            (1, 99, 5, 0),
            (40, 7, 101, 3_600),
        ];
        assert_eq!(numbers(&mut stream, &row), [0, 1, 2]);
    }

    #[test]
    fn what_comes_twice_or_late_goes_once() {
        let mut stream = Stream::new(90_000, None);
        let row = [
            (0, 7, 1, 0),
            (0, 7, 2, 0),
            (0, 7, 2, 0),
            (1, 7, 1, 0),
            (40, 7, 3, 3_600),
        ];
        assert_eq!(numbers(&mut stream, &row), [0, 1, 2]);
    }

    fn sender_report(ssrc: u32) -> Vec<u8> {
        let mut report = vec![0x80, 200, 0, 6];
        report.extend(ssrc.to_be_bytes());
        report.extend([0; 20]);
        report.extend([0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, b'x', 0]);
        report
    }

    /// REC-3: sender reports pass, whatever source they name, until the stream's own come.
    #[test]
    fn reports() {
        let mut stream = Stream::new(90_000, None);
        numbers(&mut stream, &[(0, 7, 1, 0)]);
        let passed = stream.report(&sender_report(55)).expect("passes");
        assert_eq!((passed.len(), &passed[4..8]), (28, &SSRC.to_be_bytes()[..]));
        assert!(stream.report(&sender_report(7)).is_some());
        assert!(stream.report(&sender_report(55)).is_none());
        for cut in 0..30 {
            let _ = stream.report(&sender_report(7)[..cut]);
        }
    }

    /// FLT-3: packets that overtook each other over UDP are put back; one that never comes is not waited for for ever.
    #[test]
    fn order_over_udp() {
        let mut reorder = Reorder::default();
        let mut out: Vec<u16> = Vec::new();
        for (ms, n) in [
            (0, 10),
            (0, 12),
            (0, 11),
            (1, 13),
            (5, 15),
            (6, 16),
            (400, 17),
        ] {
            reorder.push(rtp(7, n, 0), ms, &mut |p| {
                out.extend(header(&p).map(|h| h.sequence));
            });
        }
        assert_eq!(out, [10, 11, 12, 13, 15, 16, 17]);
        reorder.push(rtp(7, 14, 0), 401, &mut |_| panic!("too late"));
        reorder.push(rtp(8, 9_000, 0), 402, &mut |_| {});
        assert!(!reorder.waits());
    }

    proptest::proptest! {
        /// REC-4: whatever the row: a hole of the camera's is a hole of the same size, and a reset none.
        #[test]
        fn holes_are_kept_and_resets_are_none(steps in proptest::collection::vec((0u8..20, proptest::prelude::any::<u16>(), 1u16..200), 1..300), start in proptest::prelude::any::<u16>()) {
            let mut stream = Stream::new(90_000, None);
            let (mut sequence, mut expected, mut ms, mut stamp) = (start, vec![0u16], 0u64, 0u32);
            let mut row = vec![(0, 7u32, start, 0u32)];
            for (what, to, hole) in steps {
                ms += 40;
                stamp = stamp.wrapping_add(3_600);
                let last = expected[expected.len() - 1];
                let reset = what == 0 && {
                    let ahead = to.wrapping_sub(sequence);
                    ahead > HOLE + 2_000 && ahead.wrapping_neg() > LATE
                };
                if reset {
                    sequence = to;
                    expected.push(last.wrapping_add(1));
                } else {
                    let step = if what == 1 { 1 + hole } else { 1 };
                    sequence = sequence.wrapping_add(step);
                    expected.push(last.wrapping_add(step));
                }
                row.push((ms, 7, sequence, stamp));
            }
            proptest::prop_assert_eq!(numbers(&mut stream, &row), expected);
        }

        /// Whatever comes, it panics never, and what goes on has one source.
        #[test]
        fn whatever_comes(packets in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40), 0..50)) {
            let (mut stream, mut reorder) = (Stream::new(0, Some(1)), Reorder::default());
            for (n, packet) in packets.into_iter().enumerate() {
                let ms = n as u64 * 100;
                is_report(&packet);
                if let Some(report) = stream.report(&packet) {
                    proptest::prop_assert_eq!(&report[4..8], &SSRC.to_be_bytes()[..]);
                }
                let packet = Bytes::from(packet);
                let mut ordered = Vec::new();
                reorder.push(packet, ms, &mut |p| ordered.push(p));
                for packet in ordered {
                    stream.packet(packet, ms, &mut |p| assert_eq!(header(&p).map(|h| h.ssrc), Some(SSRC)));
                }
            }
        }
    }
}
