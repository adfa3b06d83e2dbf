//! Pure. How much may be under way to the hub at once: what the line carries, times how long a packet takes, and half as much again.
//!
//! Radio and shared lines lose packets that nobody had to lose. Who takes each loss for a queue that is full (CUBIC, the usual one)
//! goes at a tenth of such a line. So the line itself is measured, as BBR does: how much arrives in a round trip, and how long a round
//! trip takes when nothing waits. What is lost counts when it is a
//! tenth, or when more is lost while something waits than while nothing does: that is what a queue had no room for.
//!
//! ```text
//! Start ──no faster for three rounds, or much lost──> Drain ──what waited is through──> Cruise: 2, 1, then six rounds of 1½ times the line
//!                                                         10 s without a shorter round trip: Look, half the line for a moment ──> Cruise
//! ```
use std::{collections::VecDeque, time::Duration};

/// Before anything is known, in packets.
const FIRST_PACKETS: u64 = 32;
/// Never less, in packets.
const LEAST_PACKETS: u64 = 4;
/// The best of so many rounds is what the line carries.
const ROUNDS: u64 = 10;
/// The line is taken for full when it was not a quarter faster for so many rounds.
const FULL_ROUNDS: u32 = 3;
/// The shortest round trip is looked for anew when none was as short for this long …
const SHORTEST: Duration = Duration::from_secs(10);
/// … for so long.
const LOOK: Duration = Duration::from_millis(200);
/// Of what was sent in a round, in hundredths: where more is lost a queue is full …
const LOSS_PERCENT: u64 = 10;
/// … and never by fewer packets than this.
const LOSS_PACKETS: u64 = 8;
/// What may be under way in each round of a cycle, in eighths of what the line holds: a try for more, what waits since is let through, and
/// the usual.
const CYCLE: [u64; 8] = [16, 8, 12, 12, 12, 12, 12, 12];

/// Rounds of the cycle at whose end what is known is of the round of the try, of the one in which nothing waited, of the last usual one.
const AFTER: usize = 1;
const QUIET: usize = 2;
const TRY: usize = 0;
/// Thousandths more lost when something waits than when nothing does: there is no room for it.
const SPILT: u64 = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Drain,
    Cruise {
        round: usize,
    },
    /// `trip`: the shortest round trip since less than usual is under way.
    Look {
        until: Option<Duration>,
        trip: Option<Duration>,
    },
}

/// What was sent at one moment, and what had arrived by then.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Duration,
    delivered: u64,
    delivered_at: Duration,
    first_sent: Duration,
    /// Nothing more was to be sent then: what arrives of it says little of the line.
    idle: bool,
}

/// One connection's. Moments are times since it began.
#[derive(Clone, Debug)]
pub struct Pace {
    packet: u64,
    phase: Phase,
    window: u64,
    sent: VecDeque<Sent>,
    under_way: u64,
    delivered: u64,
    delivered_at: Duration,
    first_sent: Duration,
    /// The newest packet among those acknowledged together.
    newest: Option<Duration>,
    /// There was nothing more to send, and until so much is delivered what arrives says so.
    idle: Option<u64>,
    gained: u64,
    round: u64,
    round_ends: u64,
    round_began: u64,
    lost: u64,
    /// Best rates, in bytes a second, with the round each is of; each better than those after it.
    rates: VecDeque<(u64, u64)>,
    shortest: Option<(Duration, Duration)>,
    full: (u64, u32),
    ceiling: Option<u64>,
    /// Of rounds in which nothing waited, and of the usual ones.
    quiet: Share,
    usual: Share,
}

/// Which part of what was sent was lost, lately.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    lost: u64,
    arrived: u64,
}

impl Share {
    fn add(&mut self, lost: u64, arrived: u64) {
        self.lost += lost;
        self.arrived += arrived;
    }

    fn thousandths(self) -> u64 {
        self.lost * 1_000 / (self.lost + self.arrived).max(1)
    }

    /// The last few cycles count most.
    fn fade(&mut self) {
        self.lost -= self.lost / 4;
        self.arrived -= self.arrived / 4;
    }
}

impl Pace {
    /// `packet`: bytes of one, at most.
    pub fn new(packet: u64) -> Self {
        Self {
            packet,
            phase: Phase::Start,
            window: FIRST_PACKETS * packet,
            sent: VecDeque::new(),
            under_way: 0,
            delivered: 0,
            delivered_at: Duration::ZERO,
            first_sent: Duration::ZERO,
            newest: None,
            idle: None,
            gained: 0,
            round: 0,
            round_ends: 0,
            round_began: 0,
            lost: 0,
            rates: VecDeque::new(),
            shortest: None,
            full: (0, 0),
            ceiling: None,
            quiet: Share::default(),
            usual: Share::default(),
        }
    }

    /// Bytes that may be under way.
    pub fn window(&self) -> u64 {
        let least = LEAST_PACKETS * self.packet;
        let window = match self.phase {
            Phase::Look { .. } => self.held(4).min(self.window),
            _ => self.window,
        };
        window.min(self.ceiling.unwrap_or(u64::MAX)).max(least)
    }

    pub fn packet(&mut self, bytes: u64) {
        self.packet = bytes;
    }

    /// Bytes a second that the line carries; 0: not known yet.
    pub fn rate(&self) -> u64 {
        self.rates.front().map_or(0, |(_, rate)| *rate)
    }

    pub fn sent(&mut self, now: Duration, bytes: u64) {
        if self.under_way == 0 {
            (self.first_sent, self.delivered_at) = (now, now);
        }
        self.under_way += bytes;
        if self.sent.back().is_some_and(|last| last.at == now) {
            return;
        }
        self.sent.push_back(Sent {
            at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent: self.first_sent,
            idle: self.idle.is_some(),
        });
    }

    /// A packet arrived that was sent at `sent`.
    pub fn arrived(&mut self, sent: Duration, bytes: u64) {
        self.under_way = self.under_way.saturating_sub(bytes);
        self.delivered += bytes;
        self.gained += bytes;
        self.newest = self.newest.max(Some(sent));
    }

    /// Packets are lost, of so many bytes in all.
    pub fn lost(&mut self, bytes: u64) {
        self.under_way = self.under_way.saturating_sub(bytes);
        self.lost += bytes;
    }

    /// All that arrived together has been told. `under_way`: bytes that still are; `idle`: nothing more is to be sent.
    pub fn told(&mut self, now: Duration, under_way: u64, idle: bool) {
        self.under_way = under_way;
        if idle {
            self.idle = Some(self.delivered + under_way);
        } else {
            self.idle = self.idle.filter(|until| self.delivered <= *until);
        }
        let gained = std::mem::take(&mut self.gained);
        let Some(at) = self.newest.take() else {
            return;
        };
        self.delivered_at = now;
        while self.sent.front().is_some_and(|s| s.at < at) {
            self.sent.pop_front();
        }
        let Some(sent) = self.sent.front().copied().filter(|s| s.at == at) else {
            return; // older than one that was told before
        };
        let idle = sent.idle;
        self.first_sent = sent.at;
        let trip = now.saturating_sub(at);
        self.trip(now, trip, idle);
        let round = sent.delivered >= self.round_ends;
        if round {
            // What was once measured is not forgotten over rounds that measure nothing.
            self.round += u64::from(!idle);
            self.round_ends = self.delivered;
        }
        let apart = now.saturating_sub(sent.delivered_at);
        let interval = apart.max(sent.at.saturating_sub(sent.first_sent));
        if interval >= self.shortest.map_or(Duration::ZERO, |(s, _)| s) && !interval.is_zero() {
            let bytes = self.delivered - sent.delivered;
            let rate = u128::from(bytes) * 1_000_000_000 / interval.as_nanos();
            self.carried(u64::try_from(rate).unwrap_or(u64::MAX), idle);
        }
        if round {
            self.round(idle);
        }
        self.step(now, round);
        self.grow(gained);
    }

    fn trip(&mut self, now: Duration, trip: Duration, idle: bool) {
        let old = self
            .shortest
            .is_some_and(|(_, since)| idle && now.saturating_sub(since) > SHORTEST);
        if old || self.shortest.is_none_or(|(shortest, _)| trip <= shortest) {
            self.shortest = Some((trip, now));
        }
        if let Phase::Look {
            until: Some(_),
            trip: least,
        } = &mut self.phase
        {
            *least = Some(least.map_or(trip, |least| least.min(trip)));
        }
    }

    fn carried(&mut self, rate: u64, idle: bool) {
        if idle && rate < self.rate() {
            return;
        }
        let oldest = self.round.saturating_sub(ROUNDS);
        while self.rates.len() > 1 && self.rates.front().is_some_and(|(round, _)| *round < oldest) {
            self.rates.pop_front();
        }
        while self.rates.back().is_some_and(|(_, other)| *other <= rate) {
            self.rates.pop_back();
        }
        self.rates.push_back((self.round, rate));
    }

    /// A round trip is over: what was lost in it, and whether the line is full.
    fn round(&mut self, idle: bool) {
        let arrived = self.delivered - self.round_began;
        self.round_began = self.delivered;
        let lost = std::mem::take(&mut self.lost);
        let crowded =
            lost > LOSS_PACKETS * self.packet && lost * 100 > (lost + arrived) * LOSS_PERCENT;
        if crowded {
            let through = arrived.max(LEAST_PACKETS * self.packet);
            self.ceiling = Some(through.max(self.held(7)));
        } else {
            self.weigh(lost, arrived);
        }
        if self.phase != Phase::Start || idle {
            return;
        }
        let (best, rounds) = self.full;
        if self.rate() > best + best / 4 {
            self.full = (self.rate(), 0);
        } else {
            self.full = (best, rounds + 1);
        }
        if crowded || self.full.1 >= FULL_ROUNDS {
            self.phase = Phase::Drain;
        }
    }

    /// What is lost when something waits, beside what is lost when nothing does: the difference is what a queue had no room for.
    fn weigh(&mut self, lost: u64, arrived: u64) {
        let Phase::Cruise { round } = self.phase else {
            return;
        };
        // Of what was sent the round before.
        match round {
            QUIET => self.quiet.add(lost, arrived),
            TRY => {
                self.usual.add(lost, arrived);
                let spilt = self
                    .usual
                    .thousandths()
                    .saturating_sub(self.quiet.thousandths());
                let held = self.held(12);
                let ceiling = self.ceiling.unwrap_or(held).min(held * 2);
                self.ceiling = if spilt > SPILT && self.usual.lost > LOSS_PACKETS * self.packet {
                    Some((ceiling - ceiling / 12).max(self.held(8)))
                } else {
                    self.ceiling
                        .map(|c| c + c / 24)
                        .filter(|c| *c < self.held(20))
                };
                self.quiet.fade();
                self.usual.fade();
            }
            AFTER => {}
            _ => self.usual.add(lost, arrived),
        }
    }

    fn step(&mut self, now: Duration, round: bool) {
        let calm = self.under_way <= self.held(8);
        self.phase = match self.phase {
            Phase::Drain if calm => Phase::Cruise { round: 2 },
            Phase::Cruise { round: n } if round => Phase::Cruise {
                round: (n + 1) % CYCLE.len(),
            },
            Phase::Look { until: None, .. } if self.under_way <= self.window() + self.packet => {
                Phase::Look {
                    until: Some(now + LOOK),
                    trip: None,
                }
            }
            Phase::Look {
                until: Some(until),
                trip,
            } if now >= until && round => {
                let known = self.shortest.map(|(known, _)| known);
                match trip.zip(known) {
                    // The way has become longer, and what is known of the line was measured by how short it was.
                    Some((trip, known)) if trip > known * 2 => {
                        self.shortest = Some((trip, now));
                        self.full = (0, 0);
                        Phase::Start
                    }
                    _ => {
                        self.shortest = self.shortest.map(|(trip, _)| (trip, now));
                        Phase::Cruise { round: 2 }
                    }
                }
            }
            same => same,
        };
        let old = |(_, since)| now.saturating_sub(since) > SHORTEST;
        if matches!(self.phase, Phase::Cruise { .. }) && self.shortest.is_some_and(old) {
            // What is measured from now on is the shortest.
            self.shortest = self.shortest.map(|(trip, _)| (trip + trip / 4, now));
            self.phase = Phase::Look {
                until: None,
                trip: None,
            };
        }
    }

    fn grow(&mut self, gained: u64) {
        let wanted = match self.phase {
            Phase::Start => self.held(24).max(FIRST_PACKETS * self.packet),
            Phase::Drain => self.held(8),
            Phase::Cruise { round } => self.held(CYCLE.get(round).copied().unwrap_or(8)),
            Phase::Look { .. } => return,
        };
        self.window = (self.window + gained).min(wanted);
    }

    /// So many eighths of what the line holds when nothing waits, in bytes.
    fn held(&self, eighths: u64) -> u64 {
        let Some((trip, _)) = self.shortest else {
            return FIRST_PACKETS * self.packet;
        };
        let line = u128::from(self.rate()) * trip.as_nanos() / 1_000_000_000;
        u64::try_from(line * u128::from(eighths) / 8).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
