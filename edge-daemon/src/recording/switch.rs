//! Pure. When a camera in time-lapse is to record in real time: while an order is in force, while an event of its own goes on, and
//! for a while after that.
//!
//! An order lasts for its minutes by the monotonic clock, whatever becomes of the wall clock. Only over a restart the wall clock
//! must do: what is left is the time until the order's end, never less than nothing and never more than the whole order (a box
//! that wakes up in 1970 records too much rather than too little).
use serde::{Deserialize, Serialize};
use shared::time::{Now, Utc};

/// A camera's last order, as it is kept over a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Number of the hub's line.
    pub order: u64,
    /// The hub's time when it was given: an older one is not obeyed again.
    pub made: Utc,
    /// 0: no longer in real time.
    pub minutes: u32,
    /// Its end by the box's clock when it came.
    pub until: Utc,
    pub over: bool,
}

impl Order {
    pub fn ms(&self) -> u64 {
        u64::from(self.minutes) * 60_000
    }
    /// What is left of it after a restart.
    pub fn left_ms(&self, wall: Utc) -> u64 {
        if self.over {
            return 0;
        }
        u64::try_from(self.until.0.saturating_sub(wall.0))
            .unwrap_or(0)
            .min(self.ms())
    }
}

/// Why a camera is to be in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The hub's order of this number.
    Order(u64),
    Event,
}

#[derive(Debug, Default)]
pub struct Switch {
    /// Number, and its end by the monotonic clock.
    order: Option<(u64, u64)>,
    event: bool,
    /// The last event is over; real time goes on until then.
    hold: Option<u64>,
}

impl Switch {
    /// An order, with so much of it left.
    pub fn order(&mut self, order: u64, left_ms: u64, now: Now) {
        self.order = (left_ms > 0).then(|| (order, now.mono.saturating_add(left_ms)));
    }

    /// An event began (or goes on), or is over.
    pub fn event(&mut self, on: bool, hold_ms: u64, now: Now) {
        if on || self.event {
            self.hold = Some(now.mono.saturating_add(hold_ms));
        }
        self.event = on;
    }

    /// Why it is to be in real time now; an order goes before an event.
    pub fn reason(&mut self, now: Now) -> Option<Reason> {
        self.order = self.order.filter(|(_, until)| now.mono < *until);
        self.hold = self.hold.filter(|until| now.mono < *until);
        match self.order {
            Some((order, _)) => Some(Reason::Order(order)),
            None => (self.event || self.hold.is_some()).then_some(Reason::Event),
        }
    }

    /// When the order in force ends, by the wall clock as it is now.
    pub fn until(&self, now: Now) -> Option<Utc> {
        let (_, until) = self.order?;
        let left = i64::try_from(until.saturating_sub(now.mono)).ok()?;
        Some(now.wall.plus_ms(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono: u64) -> Now {
        Now {
            wall: Utc(1_800_000_000_000 + mono as i64),
            mono,
        }
    }

    /// REC-3: real time by order, and back by itself, wherever the wall clock is set meanwhile.
    #[test]
    fn an_order_lasts_its_minutes() {
        let mut s = Switch::default();
        assert_eq!(s.reason(at(0)), None);
        s.order(7, 60_000, at(0));
        assert_eq!(s.reason(at(59_999)), Some(Reason::Order(7)));
        assert_eq!(s.until(at(30_000)), Some(at(60_000).wall));
        let set = Now {
            wall: Utc(0),
            mono: 59_000,
        };
        assert_eq!(s.reason(set), Some(Reason::Order(7)));
        assert_eq!(s.reason(at(60_000)), None);
        s.order(8, 60_000, at(70_000));
        s.order(9, 0, at(71_000));
        assert_eq!(s.reason(at(71_000)), None, "an order can end it early");
    }

    /// REC-3: an event switches, and is held on to; an order goes before it and outlasts it or not.
    #[test]
    fn an_event_is_held_on_to() {
        let mut s = Switch::default();
        s.event(false, 5_000, at(0));
        assert_eq!(s.reason(at(1)), None, "an end without a beginning");
        s.event(true, 5_000, at(10));
        assert_eq!(s.reason(at(100_000)), Some(Reason::Event), "it goes on");
        s.event(false, 5_000, at(100_000));
        assert_eq!(s.reason(at(104_999)), Some(Reason::Event));
        s.order(3, 60_000, at(104_999));
        assert_eq!(s.reason(at(105_000)), Some(Reason::Order(3)));
        assert_eq!(s.reason(at(200_000)), None);
        s.event(true, 5_000, at(200_000));
        s.event(false, 5_000, at(201_000));
        s.event(true, 5_000, at(203_000));
        assert_eq!(s.reason(at(300_000)), Some(Reason::Event));
    }

    /// What a restart leaves of an order: by the wall clock, within reason.
    #[test]
    fn what_is_left_after_a_restart() {
        let order = Order {
            order: 7,
            made: at(0).wall,
            minutes: 10,
            until: at(600_000).wall,
            over: false,
        };
        assert_eq!(order.left_ms(at(200_000).wall), 400_000);
        assert_eq!(order.left_ms(at(700_000).wall), 0);
        assert_eq!(order.left_ms(Utc(0)), 600_000, "a dead clock");
        let over = Order {
            over: true,
            ..order
        };
        assert_eq!(over.left_ms(at(200_000).wall), 0);
    }
}
