//! Lines of every kind, reckoned: what goes through them, and what waits in them.
use super::*;

const PACKET: u64 = 1_350;

/// A line with a queue before it.
#[derive(Clone, Copy)]
struct Line {
    bits: u64,
    trip_ms: u64,
    /// Of a thousand packets.
    lost: u64,
    /// Each packet takes up to so much longer, but none overtakes another.
    jitter_ms: u64,
    queue: u64,
    /// Times as long there and back from the half on.
    longer: u64,
}

const TOWN: Line = Line {
    bits: 20_000_000,
    trip_ms: 40,
    lost: 0,
    jitter_ms: 0,
    queue: 256 << 10,
    longer: 1,
};

#[derive(Debug)]
struct Passed {
    /// Of the line, in hundredths.
    used: u64,
    /// Of what was sent, in thousandths: lost in the queue.
    spilt: u64,
    /// How long a packet waited, in ms: the mean.
    #[expect(dead_code, reason = "shown where a test fails")]
    waited: u64,
}

struct Sender {
    pace: Pace,
    next: u64,
    arrived: u64,
    outstanding: std::collections::BTreeMap<u64, Duration>,
}

/// `count` senders with all that they can send share a line for `secs`; `change`: what it carries from the half on, in hundredths.
fn run(line: Line, count: usize, secs: u64, change: u64) -> (Passed, Vec<u64>) {
    let at = Duration::from_micros;
    let mut senders: Vec<Sender> = (0..count)
        .map(|_| Sender {
            pace: Pace::new(PACKET),
            next: 0,
            arrived: 0,
            outstanding: std::collections::BTreeMap::new(),
        })
        .collect();
    let (mut noise, mut free, mut last) = (7u64, 0u64, 0u64);
    let mut random = move || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise
    };
    let mut acks: VecDeque<(u64, usize, u64)> = VecDeque::new();
    let (mut spilt, mut sent, mut waited) = (0u64, 0u64, 0u64);
    let mut tokens = vec![0f64; count];
    for us in (0..secs * 1_000_000).step_by(200) {
        let bits = if us > secs * 500_000 {
            line.bits * change / 100
        } else {
            line.bits
        };
        for (n, sender) in senders.iter_mut().enumerate() {
            // As quinn does: an acknowledgement for two packets, what three later ones have overtaken is lost.
            let mut any = false;
            while let Some((_, _, packet)) = acks.front().copied().filter(|a| a.0 <= us && a.1 == n)
            {
                acks.pop_front();
                if let Some(when) = sender.outstanding.remove(&packet) {
                    sender.pace.arrived(when, PACKET);
                    sender.arrived += PACKET;
                    any = true;
                }
                let late: Vec<u64> = sender
                    .outstanding
                    .range(..packet.saturating_sub(3))
                    .map(|(p, _)| *p)
                    .collect();
                for p in &late {
                    sender.outstanding.remove(p);
                }
                if any {
                    let under_way = (sender.outstanding.len() + late.len()) as u64 * PACKET;
                    sender.pace.told(at(us), under_way, false);
                }
                if !late.is_empty() {
                    sender.pace.lost(late.len() as u64 * PACKET);
                }
            }
            let trip = sender
                .pace
                .shortest
                .map_or(line.trip_ms * 1_000, |(t, _)| t.as_micros() as u64);
            let pace = sender.pace.window() as f64 * 1.25 / trip.max(1) as f64 * 200.0;
            tokens[n] = (tokens[n] + pace).min(10.0 * PACKET as f64 + pace);
            while tokens[n] >= PACKET as f64
                && (sender.outstanding.len() as u64 + 1) * PACKET <= sender.pace.window()
            {
                tokens[n] -= PACKET as f64;
                sender.next += 1;
                sent += 1;
                sender.pace.sent(at(us), PACKET);
                sender.outstanding.insert(sender.next, at(us));
                let waits = free.saturating_sub(us);
                if waits * bits / 8_000_000 > line.queue {
                    spilt += 1;
                    continue;
                }
                waited += waits;
                free = free.max(us) + PACKET * 8_000_000 / bits;
                if random() % 1_000 < line.lost {
                    continue;
                }
                let later = random() % (line.jitter_ms * 1_000 + 1);
                let longer = if us > secs * 500_000 { line.longer } else { 1 };
                last = last.max(free + line.trip_ms * longer * 1_000 + later);
                acks.push_back((last, n, sender.next));
            }
            // A probe when nothing comes back any more.
            if acks.is_empty() && !sender.outstanding.is_empty() {
                let lost = sender.outstanding.len() as u64 * PACKET;
                sender.outstanding.clear();
                sender.pace.lost(lost);
            }
        }
    }
    let all: Vec<u64> = senders.iter().map(|s| s.arrived).collect();
    let could = line.bits * secs / 8 * (100 + change) / 200;
    let passed = Passed {
        used: all.iter().sum::<u64>() * 100 / could,
        spilt: spilt * 1_000 / sent.max(1),
        waited: waited / 1_000 / sent.max(1),
    };
    (passed, all)
}

/// EVI-1: whatever is lost on the way, nearly all of the line is used, and little waits.
#[test]
fn lines_that_lose_are_filled() {
    for (lost, trip_ms, jitter_ms, bits, least) in [
        (0, 40, 0, 20_000_000, 95),
        (5, 40, 0, 20_000_000, 94),
        (20, 40, 0, 20_000_000, 93),
        (20, 200, 0, 20_000_000, 88),
        (10, 120, 20, 5_000_000, 90),
        (50, 60, 10, 50_000_000, 85),
        (0, 10, 0, 100_000_000, 94),
        (20, 600, 0, 2_000_000, 80),
    ] {
        let line = Line {
            bits,
            trip_ms,
            lost,
            jitter_ms,
            ..TOWN
        };
        let (passed, _) = run(line, 1, 30, 100);
        println!("{lost} of 1000, {trip_ms} ms, {bits}: {passed:?}");
        assert!(passed.used >= least, "{lost} {trip_ms} {bits}: {passed:?}");
    }
}

/// A queue that is too short for what a line would hold is not run over again and again.
#[test]
fn short_queues_are_not_run_over() {
    for queue in [8 << 10, 24 << 10, 64 << 10] {
        let (passed, _) = run(Line { queue, ..TOWN }, 1, 30, 100);
        println!("{queue}: {passed:?}");
        assert!(
            passed.spilt < 110 && passed.used > 80,
            "{queue}: {passed:?}"
        );
    }
}

/// A line that gets faster or slower is followed.
#[test]
fn changes_are_followed() {
    for change in [25, 50, 200, 400] {
        let (passed, _) = run(TOWN, 1, 40, change);
        println!("{change}: {passed:?}");
        assert!(
            passed.used > 85 && passed.spilt < 60,
            "{change}: {passed:?}"
        );
    }
}

/// EVI-1: a way that becomes longer (a radio that goes by another mast) is found out, and the line is filled again within seconds.
#[test]
fn a_longer_way_is_followed() {
    for (lost, longer) in [(0, 3), (0, 5), (20, 5), (20, 10)] {
        let line = Line {
            lost,
            longer,
            ..TOWN
        };
        let (passed, _) = run(line, 1, 120, 100);
        println!("{lost} of 1000, {longer} times: {passed:?}");
        assert!(passed.used >= 75, "{lost} {longer}: {passed:?}");
    }
}

/// Two pulls share a line.
#[test]
fn two_share() {
    for lost in [0, 20] {
        let (passed, each) = run(Line { lost, ..TOWN }, 2, 60, 100);
        println!("{lost}: {passed:?} {each:?}");
        let (least, all) = (
            each.iter().min().copied().unwrap_or(0),
            each.iter().sum::<u64>(),
        );
        assert!(least * 100 / all > 30 && passed.used > 90, "{each:?}");
    }
}

/// EVI-1: a line on which only heads and keep-alives went for an hour is filled at once when a clip is asked for.
#[test]
fn an_idle_line_is_filled_at_once() {
    let (origin, trip) = (Duration::ZERO, Duration::from_millis(40));
    let mut pace = Pace::new(PACKET);
    let mut now = origin;
    // Rounds of a clip: all that may be sent is, and arrives over the next round trip as fast as the line is.
    let clip = |pace: &mut Pace, now: &mut Duration, rounds: usize| {
        let line = 20_000_000 / 8 * 40 / 1_000;
        let mut arrived = 0;
        for _ in 0..rounds {
            let many = (pace.window().min(line) / PACKET).max(1);
            let sent: Vec<Duration> = (0..many)
                .map(|n| *now + trip.mul_f64(n as f64 / many as f64))
                .collect();
            for at in &sent {
                pace.sent(*at, PACKET);
            }
            for (n, at) in sent.iter().enumerate() {
                pace.arrived(*at, PACKET);
                pace.told(*at + trip, (many - 1 - n as u64) * PACKET, false);
                arrived += PACKET;
            }
            *now += trip * 2;
        }
        arrived / rounds as u64
    };
    clip(&mut pace, &mut now, 30);
    let before = pace.window();
    for _ in 0..600 {
        now += Duration::from_secs(6);
        pace.sent(now, 100);
        pace.arrived(now, 100);
        pace.told(now + trip, 0, true);
    }
    assert!(
        pace.window() >= before / 2,
        "{} after {before}",
        pace.window()
    );
    clip(&mut pace, &mut now, 1);
    assert!(
        pace.window() >= before / 2,
        "{} after {before}",
        pace.window()
    );
}
